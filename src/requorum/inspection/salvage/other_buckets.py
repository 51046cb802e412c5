"""The buckets beside `key`: leases, users and roles. The newest file that has a row is believed.

Their rows have no revision, so nothing tells whether an older file's row was changed or removed
since. What the newest file holds whole is taken from it alone; what it lost is filled from the
next, and said.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from requorum.errors import DamagedInput
from requorum.formats.backend import Lease
from requorum.formats.message import Message
from requorum.formats.wire import fields, payload, signed, whole_number
from requorum.inspection.salvage.small_buckets import SmallBucket
from requorum.inspection.salvage.witness import Standing, Witness

AUTH, USERS, ROLES, LEASES, CLUSTER = b"auth", b"authUsers", b"authRoles", b"lease", b"cluster"
CARRIED = (AUTH, ROLES, USERS, LEASES)
"""What the result takes over. etcd makes `members` and `members_removed` anew when it restores;
an alarm is raised again where it is still true; the cluster's version is decided anew."""

ROOT = "root"
_ENABLED = b"\x01"
_HASH = re.compile(rb"[\x20-\x7e]*")


@dataclass(frozen=True, slots=True)
class FilledRow:
    """A row that the newest file lost, and the file it was taken from instead."""

    bucket: bytes
    key: bytes
    file: int


@dataclass(frozen=True, slots=True)
class OtherBuckets:
    """Rows by bucket. `incomplete`: rows may be missing there, or out of date."""

    rows: Mapping[bytes, Mapping[bytes, bytes]]
    incomplete: tuple[bytes, ...]
    filled: tuple[FilledRow, ...]

    @property
    def auth_enabled(self) -> bool:
        """Return whether users must log in."""
        return self.rows[AUTH].get(b"authEnabled") == _ENABLED

    @property
    def locked_out(self) -> bool:
        """Return whether auth is on, and no root user is left who could log in."""
        if not self.auth_enabled:
            return False
        root = self.rows[USERS].get(ROOT.encode())
        return root is None or ROOT not in user_roles(root) or not _logs_in(root)


def newest_first(witnesses: Iterable[Witness]) -> list[Witness]:
    """Return the witnesses, the one that has applied most first; a file's current tree leads."""
    found = list(witnesses)
    if all(w.index is not None for w in found if w.standing is Standing.CURRENT):
        return sorted(found, key=lambda w: (-(w.index or 0), w.standing, w.file))
    return sorted(found, key=lambda w: (-w.last, w.standing, w.file))


def merge_buckets(ordered: Sequence[Witness]) -> OtherBuckets:
    """Return the rows of all carried buckets: of the first witness, what it lost of the next."""
    rows: dict[bytes, dict[bytes, bytes]] = {}
    incomplete: list[bytes] = []
    filled: list[FilledRow] = []
    for name in CARRIED:
        rows[name] = {}
        dropped, whole = 0, False
        for position, witness in enumerate(ordered):
            bucket = witness.bucket(name)
            plausible = _plausible(name, bucket)
            added = [key for key in plausible if key not in rows[name]]
            rows[name] |= {key: plausible[key] for key in added}
            if position:
                filled += (FilledRow(name, key, witness.file) for key in added)
                dropped -= len(added)
            else:
                dropped, whole = len(bucket.rows) - len(plausible), bucket.whole
            if bucket.whole and len(plausible) == len(bucket.rows):
                break
        if not whole or dropped > 0:
            incomplete.append(name)
    rows[LEASES] |= _leases_by_majority(ordered, rows[LEASES])
    return OtherBuckets(rows, tuple(incomplete), tuple(filled))


def _leases_by_majority(
    ordered: Sequence[Witness], leases: Mapping[bytes, bytes]
) -> dict[bytes, bytes]:
    """Return the leases as most files have them: what was granted never changes.

    Where a member notes how much time is left, as some do, the newest is as good as any.
    """
    current = [w.bucket(LEASES).rows for w in ordered if w.standing is Standing.CURRENT]
    chosen = {}
    for key, value in leases.items():
        counts = Counter(rows[key] for rows in current if key in rows and _is_lease(key, rows[key]))
        chosen[key] = counts.most_common(1)[0][0] if len(counts) > 1 else value
    return chosen


def _plausible(name: bytes, bucket: SmallBucket) -> dict[bytes, bytes]:
    """Return the rows that are what this bucket holds: one damaged byte must not stop etcd."""
    fits = _FITS[name]
    return {key: value for key, value in bucket.rows.items() if fits(key, value)}


def _is_auth(key: bytes, value: bytes) -> bool:
    if key == b"authEnabled":
        return value in (b"\x00", _ENABLED)
    return key == b"authRevision" and len(value) == 8


def _is_lease(key: bytes, value: bytes) -> bool:
    lease = read_lease(value)
    return (
        lease is not None and len(key) == 8 and lease.id == int.from_bytes(key, "big", signed=True)
    )


def read_lease(value: bytes) -> Lease | None:
    """Return the lease of a row, None where it is none that etcd would take."""
    numbers = {1: 0, 2: 0, 3: 0}
    try:
        for number, _, content in fields(value):
            if number in numbers:
                numbers[number] = signed(whole_number(content, "lease"))
    except DamagedInput:
        return None
    lease = Lease(numbers[1], numbers[2], numbers[3])
    return lease if lease.ttl > 0 and 0 <= lease.remaining_ttl <= lease.ttl else None


def _is_named(key: bytes, value: bytes) -> bool:
    """Return whether a user or role is the one that its key names."""
    try:
        names = [bytes(payload(v, "name")) for number, _, v in fields(value) if number == 1]
    except DamagedInput:
        return False
    return names == [key]


def _is_user(key: bytes, value: bytes) -> bool:
    if not _is_named(key, value):
        return False
    hashes = [payload(v, "hash") for n, t, v in fields(value) if n == 2 and t == 2]
    return all(_HASH.fullmatch(h) for h in hashes)


def _logs_in(value: bytes) -> bool:
    """Return whether a user's row has a password's hash, or says that a certificate is enough."""
    try:
        user = Message(value)
        return bool(user.content(2)) or Message(user.content(4)).flag(1)
    except DamagedInput:
        return False


def user_roles(value: bytes) -> list[str]:
    """Return the roles of a user's row that is plausible."""
    return [
        bytes(payload(content, "role")).decode("utf-8", "replace")
        for number, kind, content in fields(value)
        if number == 3 and kind == 2
    ]


_FITS: dict[bytes, Callable[[bytes, bytes], bool]] = {
    AUTH: _is_auth,
    LEASES: _is_lease,
    ROLES: _is_named,
    USERS: _is_user,
}
