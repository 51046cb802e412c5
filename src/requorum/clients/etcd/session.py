"""Who we are to etcd: the token that stands for a user and a password."""

import asyncio
from collections.abc import Awaitable, Callable

from requorum.errors import DeadlineExceeded, EtcdError

Authenticate = Callable[[str, str, float], Awaitable[str]]
"""(user, password, deadline in seconds) -> token; EtcdError with etcd's text."""

# etcd words these before it does anything with a request, so the request may be repeated.
_TOKEN_REFUSED = (
    "etcdserver: invalid auth token",
    "etcdserver: user name is empty",
    "etcdserver: revision of auth store is old",
)


class Session:
    """One user's token, fetched when it is first needed and again when etcd refuses it.

    A cluster whose authentication is off gives no token; that is remembered as the empty one.
    """

    def __init__(self, credentials: tuple[str, str] | None, authenticate: Authenticate) -> None:
        self._credentials = credentials
        self._authenticate = authenticate
        self._token: str | None = None if credentials else ""
        self._fetching = asyncio.Lock()

    @property
    def cached_token(self) -> str:
        """Return the token that we have, empty when we have none."""
        return self._token or ""

    async def token(self, *, deadline: float) -> str:
        """Return the token, empty when no user is given or authentication is off."""
        try:
            async with asyncio.timeout(deadline), self._fetching:
                if self._token is None:
                    self._token = await self._fetch(deadline)
                return self._token
        except TimeoutError as error:
            raise DeadlineExceeded(f"no auth token within {deadline:.3g} s") from error

    async def renewed(self, refused: str, *, deadline: float) -> str:
        """Return a token newer than `refused`, fetched once for all calls that it failed."""
        if self._token == refused:
            self._token = None
        return await self.token(deadline=deadline)

    def may_renew(self, error: EtcdError) -> bool:
        """Return whether a new token could turn this answer into another one."""
        return self._credentials is not None and error.message in _TOKEN_REFUSED

    async def _fetch(self, deadline: float) -> str:
        if self._credentials is None:
            return ""
        try:
            return await self._authenticate(*self._credentials, deadline)
        except EtcdError as error:
            if error.message == "etcdserver: authentication is not enabled":
                return ""
            raise
