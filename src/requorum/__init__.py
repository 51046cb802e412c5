"""requorum brings a failed etcd cluster back with every acknowledged write."""

__version__ = "0.1.0"
