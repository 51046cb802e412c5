"""Whom files and folders of a host belong to."""

from requorum.errors import StepFailed
from requorum.ports.host import Host

ASK_DEADLINE = 30.0


async def give(host: Host, path: str, uid: int, gid: int) -> None:
    """Give a folder, without what is in it, to its owner."""
    done = await host.run(("chown", f"{uid}:{gid}", "--", path), deadline=ASK_DEADLINE)
    if done.returncode != 0:
        raise StepFailed(f"`chown` of {path} on {host.name}: {done.stderr.strip()}")


async def ids_of(host: Host, owner: str, group: str) -> tuple[int, int]:
    """Return the numbers that the machine knows these names by; "" is the owner's own group."""
    user = await host.run(("id", "-u", "--", owner), deadline=ASK_DEADLINE)
    if not group:
        own = await host.run(("id", "-gn", "--", owner), deadline=ASK_DEADLINE)
        group = own.stdout.strip() or owner
    found = await host.run(("getent", "group", "--", group), deadline=ASK_DEADLINE)
    fields = found.stdout.split(":")
    if user.returncode != 0 or found.returncode != 0 or len(fields) < 3:
        raise StepFailed(
            f"{host.name} has no user {owner} or no group {group}",
            hint=f"Make them: `groupadd --system {group}`, "
            f"`useradd --system --gid {group} --shell /usr/sbin/nologin {owner}`.",
        )
    return int(user.stdout), int(fields[2])
