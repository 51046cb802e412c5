"""How checks are shown: one row each in the order of the members, then what to do."""

from requorum.app.inventory.results import InventoryCheckResult
from requorum.cli.output import console
from requorum.cli.render.aligned_text import plain, print_columns, print_heading, print_line

_STYLES = {"warn": "yellow", "fail": "red"}


def show_checks(result: InventoryCheckResult) -> None:
    """Print everything on stdout."""
    out = console(err=False)
    rows = [(c.verdict, c.subject, c.check, c.finding) for c in result.checks]
    print_columns(out, ("verdict", "subject", "check", "finding"), rows, left=0)
    todo: dict[str, list[str]] = {}
    for each in result.checks:
        if each.hint and each.verdict != "ok":
            todo.setdefault(each.hint, []).append(f"{each.subject} {each.check}")
    if todo:
        print_heading(out, "what to do")
        for hint, where in todo.items():
            print_line(out, plain(f"{', '.join(dict.fromkeys(where))}: {hint}"))
    count = {v: sum(c.verdict == v for c in result.checks) for v in ("ok", "warn", "fail")}
    told = ", ".join(f"{number} {verdict}" for verdict, number in count.items())
    print_heading(out, f"{result.verdict}: {told}", style=_STYLES.get(result.verdict, "green"))
