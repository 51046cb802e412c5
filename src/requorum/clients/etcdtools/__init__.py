"""etcdctl and etcdutl, which differ between versions."""
