"""All leaves of one bucket in key order, for readers that want every record."""

from collections.abc import Iterator

import numpy as np

from requorum.errors import DamagedInput
from requorum.formats.bbolt.bucket import DEPTH_MAX, Bucket
from requorum.formats.bbolt.columns import NO_KEY, ElementRows, FileBytes, PageRows, leaf_elements
from requorum.formats.bbolt.damage import DamageLog
from requorum.formats.bbolt.meta import Meta
from requorum.formats.bbolt.page import Page
from requorum.formats.bbolt.walk import Walk, root_reference


def bucket_elements(file: FileBytes, meta: Meta, bucket: Bucket) -> Iterator[ElementRows]:
    """Yield the bucket's elements in order, chunk by chunk; DamagedInput at the first damage.

    Keys are not compared here: that is `check`'s work.
    """
    log = DamageLog()
    for chunk in _leaf_level(file, meta, bucket.root, log).chunks():
        elements = leaf_elements(file, chunk, log)
        log.raise_first()
        yield elements


def _leaf_level(file: FileBytes, meta: Meta, root: Page, log: DamageLog) -> PageRows:
    if root.start != root.number * meta.page_size:
        return _inline_leaf(root)
    walk = Walk(file, meta, log)
    level = walk.claim(root_reference(root.number))
    for _ in range(DEPTH_MAX):
        log.raise_first()
        if level.is_leaf.all():
            return level
        if level.is_leaf.any():
            raise root.damaged("leaves at different depths below this root")
        level = walk.children(level)
    raise root.damaged(f"the tree is deeper than {DEPTH_MAX} levels")


def _inline_leaf(page: Page) -> PageRows:
    if not page.is_leaf:
        raise DamagedInput(f"database page {page.number}: an inline bucket is not a leaf")
    number, start, span, count = (
        np.array([value], dtype=np.int64)
        for value in (page.number, page.start, page.span, page.count)
    )
    none = np.full(1, NO_KEY, dtype=np.int64)
    leaf = np.ones(1, dtype=np.bool_)
    return PageRows(number, start, span, count, leaf, none, none, none, none, number * 0 + 1)
