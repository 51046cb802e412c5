"""The practice cluster: real etcd processes on loopback, to break and to mend."""
