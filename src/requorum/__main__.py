"""The entry point. Importing it imports next to nothing: `requorum version` must answer at once."""

import sys


def main() -> None:
    """Run the command line."""
    if sys.argv[1:] in (["version"], ["--version"]):
        from requorum import __version__  # noqa: PLC0415  # nothing else is needed for it

        print(f"requorum {__version__}")
        return
    from requorum.cli.main import run  # noqa: PLC0415  # imports click and what it needs

    run()


if __name__ == "__main__":
    main()
