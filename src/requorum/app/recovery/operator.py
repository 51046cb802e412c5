"""Who asks for a plan and carries it out."""

from dataclasses import dataclass

from requorum.app.settings import Credentials, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Who asks, with what settings and rights."""

    settings: Settings
    credentials: Credentials | None = None

    def redact(self, text: str) -> str:
        """Take the password out of a text that goes into a journal."""
        if self.credentials is None or not self.credentials.password:
            return text
        return text.replace(self.credentials.password, "********")
