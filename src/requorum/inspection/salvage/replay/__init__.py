"""etcd's own rules, applied to the entries of a log: what each did, given the state before it.

Source: etcd server/etcdserver/apply, server/etcdserver/txn, server/lease, server/auth; 3.4 does the
same where it matters here.
"""
