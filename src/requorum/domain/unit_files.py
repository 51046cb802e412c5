"""Where requorum writes drop-ins of systemd units, which outlive a reboot there."""

from posixpath import join

_UNITS = "/etc/systemd/system"


def fence_drop_in(unit: str) -> str:
    """Return the file that keeps a unit from being started, as long as it is there.

    >>> fence_drop_in("etcd.service")
    '/etc/systemd/system/etcd.service.d/zz-requorum-fence.conf'
    """
    return join(_UNITS, f"{unit}.d", "zz-requorum-fence.conf")


def settings_drop_in(unit: str) -> str:
    """Return the file that gives a package's unit other settings."""
    return join(_UNITS, f"{unit}.d", "zz-requorum-settings.conf")
