"""Whether a stream of bytes is the file that was asked for."""

import hashlib

from requorum.errors import DamagedInput


class StreamCheck:
    """Sees every chunk on its way; `path` is for messages. Without `sha256` only the size counts.

    DamagedInput as soon as the bytes cannot become what was asked for.
    """

    def __init__(self, path: str, *, size: int, sha256: str | None) -> None:
        self._path = path
        self._left = size
        self._asked = sha256
        self._digest = hashlib.sha256()

    def add(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self._left -= len(chunk)
        if self._left < 0:
            raise DamagedInput(f"there are {-self._left} bytes too many for {self._path}")
        if self._asked is not None:
            self._digest.update(chunk)

    def finish(self) -> None:
        """Take the end."""
        if self._left > 0:
            raise DamagedInput(f"there are {self._left} bytes too few for {self._path}")
        found = self._digest.hexdigest()
        if self._asked is not None and found != self._asked:
            raise DamagedInput(
                f"what was to become {self._path} has the SHA-256 {found} instead of {self._asked}",
                hint="The file changed while it was read, or it was damaged on the way.",
            )
