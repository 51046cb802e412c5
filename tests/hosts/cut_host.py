"""A host whose connection is cut at a chosen call that changes something there."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

from requorum.ports.host import Host

CHANGES = frozenset({"make_dirs", "rename", "write_new", "write_at", "chown_tree", "write_stream"})


class Cut(Exception):
    """The end of the process that was at work."""


class _CutHost:
    def __init__(self, host: Host, at: int) -> None:
        self._host = host
        self._left = at

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._host, name)
        return self._counted(call, name) if name in CHANGES or name == "run" else call

    def _counted(
        self, call: Callable[..., Awaitable[Any]], name: str
    ) -> Callable[..., Awaitable[Any]]:
        async def counted(*args: Any, **kwargs: Any) -> Any:
            if name == "run" and "daemon-reload" not in args[0]:
                return await call(*args, **kwargs)
            self._left -= 1
            if self._left == 0:
                raise Cut
            return await call(*args, **kwargs)

        return counted


def cut_at(host: Host, at: int) -> Host:
    """Return the host, cut before its first change for 1, before the second for 2, and so on."""
    return cast("Host", _CutHost(host, at))
