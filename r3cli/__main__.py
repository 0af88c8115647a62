"""The `r3` command: finds the command tree, which has another name in a wheel than in a checkout, and runs it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from r3cli import __version__
from r3cli.layout import CHECKOUT, commands_package, is_checkout


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run `r3` with these arguments (those of the process unless given) and exit."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments == ["--version"]:  # needs no tree
        sys.stdout.write(f"r3 {__version__}\n")
        sys.exit(0)
    if arguments[:1] == ["__names"]:  # what completion scripts ask; every millisecond is felt there
        import_module(f"{_commands()}._names").print_names(arguments[1:])
        sys.exit(0)
    try:
        import_module(f"{_commands()}.app").run(arguments)
    except KeyboardInterrupt:  # while r3 was still starting
        sys.exit(130)
    sys.exit(0)


def _commands() -> str:
    if is_checkout() and (not sys.path or sys.path[0] != str(CHECKOUT)):
        # The current folder may have a package called `commands` of its own.
        sys.path.insert(0, str(CHECKOUT))
    return commands_package()


if __name__ == "__main__":
    main()
