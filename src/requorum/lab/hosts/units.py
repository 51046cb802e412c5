"""The units of a host: etcd, and stand-ins for the two clients that Kubernetes puts beside it.

The stand-ins do what matters to a recovery: they write through the host's own member, they fail
when it is gone, and they log when they were started and stopped.
"""

from collections.abc import Mapping

from requorum.lab.hosts.description import EtcdStyle, HostLab, LabHost
from requorum.lab.hosts.etcd_settings import (
    ENV_FILE,
    configuration,
    etcdctl_variables,
    exec_start,
    settings_of,
)

UNITS = "/etc/systemd/system"
STAND_IN = "/usr/local/lib/requorum/stand-in"
STAND_IN_ENV = "/etc/kubernetes/stand-in.env"
STAND_INS = ("kube-apiserver", "kubelet")

_ETCD_UNIT = """\
[Unit]
Description=etcd
After=network.target

[Service]
Type=notify
User={user}
{environment}ExecStart={exec_start}
NotifyAccess=all
Restart=always
RestartSec=2s
TimeoutStartSec=0
LimitNOFILE=40000

[Install]
WantedBy=multi-user.target
"""

# KillMode: a SIGTERM for all would end the `date` of the line that tells of the stop, too.
_STAND_IN_UNIT = """\
[Unit]
Description={unit} (a stand-in that writes to etcd)
After={after}

[Service]
EnvironmentFile={environment}
ExecStart={program} {unit} {host}
Restart=always
RestartSec=2s
StartLimitIntervalSec=0
KillMode=mixed

[Install]
WantedBy=multi-user.target
"""

# One line an event, with the time of day and the time since boot. The hosts share one kernel and
# so both clocks: lines of different hosts can be put in order. kube-apiserver gives up when etcd
# fails it three times running; kubelet goes on, and writes only while there is an API server.
_STAND_IN_PROGRAM = """\
#!/bin/sh
unit=$1 host=$2 failures=0
order=/var/log/$unit.order acked=/var/log/$unit.acked

log() { read -r up _ < /proc/uptime; echo "$(date +%s.%N) $up $1 $unit $host" >> "$order"; }
finish() { log stop; exit 0; }
running() { [ "$unit" != kubelet ] || systemctl --quiet is-active kube-apiserver; }
put() {
  etcdctl --command-timeout=3s put "/registry/standin/$host/$unit/$1" "$1" > /dev/null &
  wait $!
}

trap finish TERM INT
log start
n=$(tail -n 1 "$acked" 2> /dev/null || true)
n=$((${n:-0} + 1))
while true; do
  if ! running; then
    :
  elif put "$n"; then
    echo "$n" >> "$acked"
    n=$((n + 1)) failures=0
  else
    failures=$((failures + 1))
    [ "$unit" != kube-apiserver ] || [ "$failures" -lt 3 ] || { log fail; exit 1; }
  fi
  sleep 1 & wait $!
done
"""


def files_of(lab: HostLab, host: LabHost) -> Mapping[str, str]:
    """Return every configuration file and unit of a furnished host, path → content."""
    settings = settings_of(lab, host)
    style = lab.wanted.style
    environment = f"EnvironmentFile={ENV_FILE}\n" if style is EtcdStyle.ENV_FILE else ""
    etcd = _ETCD_UNIT.format(
        user=lab.wanted.etcd_user,
        environment=environment,
        exec_start=exec_start(style, settings),
    )
    return {
        **configuration(style, settings, host),
        f"{UNITS}/{host.unit}": etcd,
        **(_stand_ins(lab, host) if lab.wanted.stand_ins else {}),
    }


def _stand_ins(lab: HostLab, host: LabHost) -> Mapping[str, str]:
    # etcdctl 3.4 speaks v2 otherwise; 3.6 warns of a variable that it does not know.
    version = "ETCDCTL_API=3\n" if lab.etcd_version.startswith("3.4.") else ""
    return {
        STAND_IN: _STAND_IN_PROGRAM,
        STAND_IN_ENV: etcdctl_variables(host) + version,
        f"{UNITS}/kube-apiserver.service": _stand_in_unit(
            "kube-apiserver", host, after="network.target etcd.service"
        ),
        f"{UNITS}/kubelet.service": _stand_in_unit("kubelet", host, after="network.target"),
    }


def _stand_in_unit(unit: str, host: LabHost, *, after: str) -> str:
    return _STAND_IN_UNIT.format(
        unit=unit, host=host.name, after=after, program=STAND_IN, environment=STAND_IN_ENV
    )


def enabled(lab: HostLab) -> tuple[str, ...]:
    """Return the units that start when the host does."""
    stand_ins = [f"{unit}.service" for unit in STAND_INS] if lab.wanted.stand_ins else []
    return (lab.hosts[0].unit, *stand_ins)
