"""Where a static pod's manifest lies, and where it is set aside.

kubelet starts whatever lies in its folder of manifests, whatever the file is called, so aside means
out of that folder. It means beside it: a rename is atomic only within one file system.
"""

from posixpath import basename, dirname, join


def parked_manifest(manifest: str) -> str:
    """Return where the manifest waits while its pod is stopped.

    >>> parked_manifest("/etc/kubernetes/manifests/etcd.yaml")
    '/etc/kubernetes/manifests.requorum/etcd.yaml'
    """
    return join(f"{dirname(manifest)}.requorum", basename(manifest))
