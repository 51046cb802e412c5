"""Numbers as operators read them."""


def binary_size(size: int) -> str:
    """Return bytes as "812 B", "1.3 MiB", "2.0 GiB"."""
    amount = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def counted(count: int, one: str, many: str) -> str:
    """Return "1 entry", "3 entries"."""
    return f"{count} {one if count == 1 else many}"
