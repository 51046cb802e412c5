"""Keys and values in JSON: as text where they are text, else in base64."""

from base64 import b64encode

_LAYOUT = "\t\n\r"


def text_or_base64(content: bytes) -> tuple[str | None, str | None]:
    """Return (text, None) for UTF-8, (None, base64) for anything else."""
    try:
        return content.decode(), None
    except UnicodeDecodeError:
        return None, b64encode(content).decode()


def printable_or_base64(content: bytes) -> tuple[str | None, str | None]:
    """Return (text, None) for UTF-8 without control characters, (None, base64) for anything else.

    Tabs and line ends are no control characters here.
    """
    text, encoded = text_or_base64(content)
    if text is None or text.translate(dict.fromkeys(map(ord, _LAYOUT))).isprintable():
        return text, encoded
    return None, b64encode(content).decode()
