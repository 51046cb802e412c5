"""The answer to a file that was taken for a database and is none."""

import shlex

from requorum.errors import DamagedInput
from requorum.formats.foreign_file import foreign_file
from requorum.formats.source import Source

UNFINISHED = ".part"
"""How `etcdctl snapshot save` names the file that it has not finished."""


def refuse_foreign(name: str, source: Source) -> None:
    """Raise DamagedInput, with what to do, where the file begins as something else does."""
    foreign = foreign_file(source)
    if foreign is None:
        return
    hint = foreign.hint.replace("FILE", shlex.quote(name))
    if name.endswith(UNFINISHED):
        hint = f"Its name says that the save was never finished. {hint}"
    raise DamagedInput(f"{name} is {foreign.kind}, and no database", hint=hint)
