"""One data directory, and what etcd would do with it."""
