"""`tokstudio` opens the window; `tokstudio COMMAND` is the same engine without one.

A command is one module in `tokstudio.cli.commands`: `HELP`, `arguments(parser)` and `run(args) -> int`.
Only the named command is imported, so a start pays for nothing it does not use.
"""

import importlib
import os
import pkgutil
import sys

from tokstudio import __version__
from tokstudio.errors import TokstudioError


def command_names() -> list[str]:
    from tokstudio.cli import commands

    return sorted(found.name.replace("_", "-") for found in pkgutil.iter_modules(commands.__path__))


def main(argv: list[str] | None = None) -> int:
    try:
        code = _dispatch(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()  # a reader that has gone is met here, and not at the interpreter's end
    except BrokenPipeError:  # `tokstudio … | head`: no error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _dispatch(argv: list[str]) -> int:
    if not argv:
        from tokstudio.ui.app import main as window

        return window([])
    if argv[0] in ("-h", "--help", "help"):
        return _overview()
    if argv[0] in ("-V", "--version"):
        sys.stdout.write(f"tokstudio {__version__}\n")
        return 0
    if argv[0] not in command_names():
        known = ", ".join(command_names())
        sys.stderr.write(f"tokstudio: there is no command {argv[0]!r}.\nTry one of: {known}\n")
        return 2
    return _run(argv[0], argv[1:])


def _run(name: str, rest: list[str]) -> int:
    import argparse  # not for the window, whose start it would delay

    command = importlib.import_module("tokstudio.cli.commands." + name.replace("-", "_"))
    parser = argparse.ArgumentParser(prog=f"tokstudio {name}", description=command.HELP)
    command.arguments(parser)
    try:
        parse = parser.parse_intermixed_args if getattr(command, "INTERMIXED", False) else parser.parse_args
        return command.run(parse(rest))
    except TokstudioError as error:
        sys.stderr.write(f"tokstudio {name}: {error}\n" + (f"{error.hint}\n" if error.hint else ""))
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        return 130


def _overview() -> int:
    sys.stdout.write("tokstudio                 open the window\n")
    for name in command_names():
        command = importlib.import_module("tokstudio.cli.commands." + name.replace("-", "_"))
        if command.HELP:  # a command without one is for the program itself
            sys.stdout.write(f"tokstudio {name:<15} {command.HELP}\n")
    sys.stdout.write("\n`tokstudio COMMAND --help` shows the options of one.\n")
    return 0
