"""The entry point. Importing it imports next to nothing: `requorum version` must answer at once."""

import os
import sys


def main() -> None:
    """Run the command line."""
    try:
        _run()
    except KeyboardInterrupt:
        # In the few milliseconds before `leave_at_once`; see there for why we do not unwind.
        os.write(2, b"interrupted\n")
        os._exit(130)


def _run() -> None:
    from requorum.cli.streams import take_streams  # noqa: PLC0415  # what Ctrl-C may interrupt

    take_streams()
    if sys.argv[1:] in (["version"], ["--version"]):
        _show_version()
        return
    from requorum.cli.interruption import leave_at_once  # noqa: PLC0415  # `version` does without

    leave_at_once()
    from requorum.cli.main import run  # noqa: PLC0415  # imports click and what it needs

    try:
        run()
    finally:
        # The interpreter's end has no place for an exception.
        leave_at_once()


def _show_version() -> None:
    from requorum import __version__  # noqa: PLC0415  # nothing else is needed for it

    try:
        print(f"requorum {__version__}", flush=True)
    except Exception as error:  # noqa: BLE001  # told as what ends any other command
        from requorum.cli.main import show_end  # noqa: PLC0415  # rare, and heavy

        sys.exit(show_end(error))


if __name__ == "__main__":
    main()
