"""A text of one host, for another: its names and addresses give way to the other's."""

import re
from collections.abc import Mapping


def adapted(text: str, words: Mapping[str, str]) -> str:
    """Return the text with each of these words, where it stands by itself, as the other one.

    A word is by itself between two characters that are neither letters nor digits, and an address
    is not the beginning of a longer one. All are exchanged at once: none twice.
    """
    changing = {old: new for old, new in words.items() if old and old != new}
    if not changing:
        return text
    longest_first = sorted(changing, key=len, reverse=True)
    any_of_them = "|".join(re.escape(word) for word in longest_first)
    pattern = rf"(?<![0-9A-Za-z])(?<!\d\.)(?:{any_of_them})(?![0-9A-Za-z])(?!\.\d)"
    return re.sub(pattern, lambda found: changing[found[0]], text)
