"""The levels of keys that are written as paths: `/registry/pods/` of `/registry/pods/a/b`."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from requorum.formats.bbolt.columns import I64, FileBytes, Rows
from requorum.formats.key_groups import key_groups
from requorum.formats.source import BufferSource
from requorum.formats.user_keys import UserKeys

LEVELS_MAX = 8
"""Deeper levels are not told apart: Kubernetes has five."""

_KEY_BYTES_MAX = 1024
_BYTES_PER_CHUNK = 1 << 20
_SLASH = ord("/")


@dataclass(frozen=True, slots=True)
class PathLevels(Rows):
    """One row for each level of each key: the key's `row`, and how many bytes lead to it.

    `parent_size` is that of the level above, 0 for a first level. A slash ends a level and is part
    of it; but one that begins a key is part of the first level, since nearly all keys have it.
    Equal paths have one number `group`, from 0 without a gap.
    """

    row: I64
    size: I64
    parent_size: I64
    group: I64


def path_levels(file: FileBytes, keys: UserKeys) -> Iterator[PathLevels]:
    """Yield the first levels of all keys, some keys at a time. What follows the last `/` is none.

    Only the first kilobyte of a key is looked at: longer ones are not written by hand or by
    Kubernetes, and one of them would cost as much as a thousand others.
    """
    sizes = np.minimum(keys.size, _KEY_BYTES_MAX)
    edges = np.flatnonzero(np.diff(np.cumsum(sizes) // _BYTES_PER_CHUNK)) + 1
    bounds = [0, *edges.tolist(), len(keys)]
    for begin, end in itertools.pairwise(bounds):
        yield _levels(file, keys.offset[begin:end], sizes[begin:end], first_row=begin)


def _levels(file: FileBytes, offsets: I64, sizes: I64, *, first_row: int) -> PathLevels:
    ends = np.cumsum(sizes)
    begins = ends - sizes
    at = np.arange(int(sizes.sum())) + np.repeat(offsets - begins, sizes)
    # The keys alone, side by side: a megabyte is near, the file's pages are far from each other.
    joined = np.frombuffer(file.view, dtype=np.uint8)[at]
    ends_level = joined == _SLASH
    ends_level[begins[sizes > 0]] = False
    slashes = np.flatnonzero(ends_level)
    row = np.searchsorted(ends, slashes, side="right")
    size = slashes - begins[row] + 1
    rank = np.arange(len(row)) - np.searchsorted(row, row)
    above = np.where(rank > 0, np.concatenate([[0], size[:-1]]), 0)
    near = rank < LEVELS_MAX
    row, size = row[near], size[near]
    names = FileBytes(BufferSource(joined.tobytes() + bytes(8)))
    groups = key_groups(names, UserKeys(begins[row], size))
    return PathLevels(row + first_row, size, above[near], groups)
