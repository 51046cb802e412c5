"""The ways to get etcd's binaries onto a machine that has none, one file per way."""
