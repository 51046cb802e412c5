"""Use cases that read what etcd left behind, and change nothing."""
