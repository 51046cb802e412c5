"""Real hosts to practise on: systemd, sshd and etcd as a unit, each in a container of its own."""
