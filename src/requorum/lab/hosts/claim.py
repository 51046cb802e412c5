"""Each lab of this machine has a number of its own, and the subnet 10.231.<number>.0/24.

A claim is a file that names the lab's directory. It lies in /run, which is gone after a reboot
as namespaces and links are.
"""

import ipaddress
import json
import os
from pathlib import Path

from requorum.errors import Refused
from requorum.lab.hosts.description import subnet
from requorum.lab.hosts.system import call

CLAIMS = Path("/run/requorum-hosts")
_NUMBERS = range(256)


def claimed_by(directory: Path, claims: Path = CLAIMS) -> int | None:
    """Return the number that this lab has already."""
    for number in _NUMBERS:
        if _owner(claims / str(number)) == str(directory):
            return number
    return None


def _owner(claim: Path) -> str | None:
    try:
        return claim.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return None


def claim_any(directory: Path, claims: Path = CLAIMS) -> int:
    """Return the lab's number, a free one unless it has one. Refused when no subnet is free."""
    had = claimed_by(directory, claims)
    if had is not None:
        return had
    used = _networks_in_use()
    for number in _NUMBERS:
        if not _overlaps(subnet(number), used) and _take(claims, number, directory):
            return number
    raise Refused("no subnet below 10.231.0.0/16 is free on this machine")


def claim_again(number: int, directory: Path, claims: Path = CLAIMS) -> None:
    """Claim the number that a lab was made with. Refused when something else has its subnet."""
    if claimed_by(directory, claims) == number:
        return
    if _overlaps(subnet(number), _networks_in_use()) or not _take(claims, number, directory):
        owner = _owner(claims / str(number)) or "another network of this machine"
        raise Refused(
            f"the subnet of these hosts, {subnet(number)}, is taken by {owner}",
            hint="Take that down, or make new hosts in another --directory.",
        )


def give_back(number: int, directory: Path, claims: Path = CLAIMS) -> None:
    """End the claim; nothing to do when the number is not, or no longer, this lab's."""
    if _owner(claims / str(number)) == str(directory):
        (claims / str(number)).unlink()


def _take(claims: Path, number: int, directory: Path) -> bool:
    """Make the claim appear with its content, or not at all."""
    claims.mkdir(mode=0o755, exist_ok=True)
    aside = claims / f".{os.getpid()}"
    aside.write_text(str(directory), encoding="utf-8", errors="surrogateescape")
    try:
        (claims / str(number)).hardlink_to(aside)
    except FileExistsError:
        return False
    finally:
        aside.unlink()
    return True


def _networks_in_use() -> list[ipaddress.IPv4Network]:
    routes = json.loads(call("ip", "-4", "-json", "route", "show", "table", "all") or "[]")
    named = {route["dst"] for route in routes if route["dst"] != "default"}
    return [ipaddress.IPv4Network(name, strict=False) for name in named]


def _overlaps(wanted: str, used: list[ipaddress.IPv4Network]) -> bool:
    network = ipaddress.IPv4Network(wanted)
    return any(network.overlaps(other) for other in used if other.prefixlen > 0)
