"""How etcd is told what to do: its flags, its configuration file, a static pod's manifest."""
