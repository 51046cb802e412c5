"""systemd's own parsers, out of the library that its programs share.

Its functions are private to systemd and differ from release to release, so only the release whose
declarations stand here is called: 252, that of Debian 12.
"""

import ctypes
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile

RELEASE = 252
_PLACES = (
    "/usr/lib/x86_64-linux-gnu/systemd",
    "/usr/lib/aarch64-linux-gnu/systemd",
    "/lib/systemd",
)

# src/basic/extract-word.h of that release.
_RELAX = 1 << 0
_C_UNESCAPE = 1 << 1
_UNQUOTE = 1 << 5

_Strings = ctypes.POINTER(ctypes.c_char_p)


def is_there() -> bool:
    """Return whether this machine has that release's library."""
    return _path() is not None


def _path() -> Path | None:
    places = (Path(place) / f"libsystemd-shared-{RELEASE}.so" for place in _PLACES)
    return next((path for path in places if path.exists()), None)


@cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(str(_path()))
    library.log_set_max_level(0)
    library.load_env_file.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(_Strings)]
    library.extract_first_word.argtypes = [_Strings, _Strings, ctypes.c_char_p, ctypes.c_int]
    library.extract_first_word_and_warn.argtypes = [
        *library.extract_first_word.argtypes,
        *(ctypes.c_char_p, ctypes.c_char_p, ctypes.c_uint, ctypes.c_char_p),
    ]
    library.replace_env_argv.argtypes = [_Strings, _Strings]
    library.replace_env_argv.restype = _Strings
    return library


def environment_file(text: str) -> dict[str, str] | None:
    """Return what EnvironmentFile= would give; None where systemd cannot read it."""
    with NamedTemporaryFile() as file:
        Path(file.name).write_text(text, encoding="utf-8", newline="")
        found = _Strings()
        name = file.name.encode()
        if _library().load_env_file(None, name, ctypes.byref(found)) < 0:
            return None
    return dict(pair.split("=", 1) for pair in _listed(found))


def words(text: str) -> list[str] | None:
    """Split as the value of ExecStart=; None where a quote is not closed."""

    def extract(at: ctypes.c_char_p, word: ctypes.c_char_p) -> int:
        return int(
            _library().extract_first_word_and_warn(
                *(ctypes.byref(at), ctypes.byref(word), None, _C_UNESCAPE | _UNQUOTE),
                *(b"unit", b"file", 1, text.encode()),
            )
        )

    return _split(text, extract)


def words_of_variable(text: str) -> list[str] | None:
    """Split as the value of `$NAME` on a command line."""

    def extract(at: ctypes.c_char_p, word: ctypes.c_char_p) -> int:
        flags = _RELAX | _UNQUOTE
        return int(_library().extract_first_word(ctypes.byref(at), ctypes.byref(word), None, flags))

    return _split(text, extract)


def _split(text: str, extract: "object") -> list[str] | None:
    assert callable(extract)
    buffer = ctypes.create_string_buffer(text.encode())
    at = ctypes.c_char_p(ctypes.addressof(buffer))
    found: list[str] = []
    while True:
        word = ctypes.c_char_p()
        result = extract(at, word)
        if result <= 0:
            return None if result < 0 else found
        found.append((word.value or b"").decode("utf-8", "replace"))


def with_variables(arguments: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """Replace the variables of a command line."""
    given = _array(arguments)
    variables = _array([f"{name}={value}" for name, value in environment.items()])
    return _listed(_library().replace_env_argv(given, variables))


def _array(texts: Sequence[str]) -> "ctypes.Array[ctypes.c_char_p]":
    return (ctypes.c_char_p * (len(texts) + 1))(*[text.encode() for text in texts], None)


def _listed(strings: "object") -> list[str]:
    found: list[str] = []
    while strings and (text := strings[len(found)]) is not None:  # type: ignore[index]
        found.append(text.decode("utf-8", "replace"))
    return found
