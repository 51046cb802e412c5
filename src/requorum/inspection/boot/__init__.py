"""What etcd would do if it were started on a data directory: its own steps, in its own order."""
