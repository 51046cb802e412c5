"""The cluster file found out, and the cluster held against it."""
