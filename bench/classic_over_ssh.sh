#!/bin/sh
# The classic procedure, as operators do it over ssh: the database with the highest revision, copied
# to every host and restored there. It takes no notice of the log.
#
#   classic_over_ssh.sh SSH_CONFIG TOKEN INITIAL_CLUSTER HOST,MEMBER,PEER_URL…
set -eu
config=$1 token=$2 initial=$3
shift 3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

on() { host=$1; shift; ssh -F "$config" "root@$host" "$@"; }

for each in "$@"; do
  on "${each%%,*}" systemctl stop kubelet kube-apiserver etcd
done

best='' highest=-1
for each in "$@"; do
  host=${each%%,*}
  status=$(on "$host" etcdutl snapshot status -w json /var/lib/etcd/member/snap/db 2> /dev/null || true)
  revision=$(printf %s "$status" | sed -n 's/.*"revision":\([0-9]*\).*/\1/p')
  if [ -n "$revision" ] && [ "$revision" -gt "$highest" ]; then
    best=$host highest=$revision
  fi
done
[ -n "$best" ] || { echo 'no database can be read' >&2; exit 1; }
on "$best" cat /var/lib/etcd/member/snap/db > "$work/db"

restore() {
  host=${1%%,*} rest=${1#*,}
  member=${rest%%,*} peer=${rest#*,}
  on "$host" 'cat > /root/snapshot.db' < "$work/db"
  on "$host" "if [ -e /var/lib/etcd ]; then mv /var/lib/etcd /var/lib/etcd.old; fi
    etcdutl snapshot restore /root/snapshot.db --skip-hash-check --data-dir /var/lib/etcd \
      --name $member --initial-cluster $initial --initial-cluster-token $token \
      --initial-advertise-peer-urls $peer"
}
pids=''
for each in "$@"; do
  restore "$each" > "$work/${each%%,*}.log" 2>&1 &
  pids="$pids $!"
done
for pid in $pids; do
  wait "$pid" || { cat "$work"/*.log >&2; exit 1; }
done

pids=''
for each in "$@"; do
  on "${each%%,*}" systemctl start etcd &
  pids="$pids $!"
done
for pid in $pids; do wait "$pid"; done
for unit in kube-apiserver kubelet; do
  for each in "$@"; do on "${each%%,*}" systemctl start "$unit"; done
done
