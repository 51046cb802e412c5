"""The crash trial on real hosts: load, power cut, damage, recovery over SSH, count."""
