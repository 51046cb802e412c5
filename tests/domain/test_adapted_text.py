"""Texts of one host, for another."""

import pytest

from requorum.domain.adapted_text import adapted

WORDS = {"etcd1": "etcd3", "10.0.0.3": "10.0.0.5", "node1": "node3", "same": "same"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ETCD_NAME=etcd1\n", "ETCD_NAME=etcd3\n"),
        ("https://10.0.0.3:2380", "https://10.0.0.5:2380"),
        ("/etc/ssl/member-node1-key.pem", "/etc/ssl/member-node3-key.pem"),
        ("https://10.0.0.31:2380 etcd12 myetcd1", "https://10.0.0.31:2380 etcd12 myetcd1"),
        ("110.0.0.3 10.0.0.3.4 1.10.0.0.3", "110.0.0.3 10.0.0.3.4 1.10.0.0.3"),
        ("10.0.0.3.", "10.0.0.5."),
        ("etcd1=https://10.0.0.3:2380,etcd2=x", "etcd3=https://10.0.0.5:2380,etcd2=x"),
    ],
)
def test_words_that_stand_by_themselves(text: str, expected: str) -> None:
    """A word inside of a longer one stays."""
    assert adapted(text, WORDS) == expected


def test_all_at_once() -> None:
    """Two that change places do."""
    assert adapted("a b", {"a": "b", "b": "a"}) == "b a"


def test_nothing_to_change() -> None:
    """Neither an empty word nor one that stays is looked for."""
    assert adapted("as it is", {"": "x", "is": "is"}) == "as it is"
