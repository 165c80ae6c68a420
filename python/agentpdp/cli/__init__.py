"""The command line: which command is asked for, and how does it end?

Data goes to stdout, everything else to stderr; ``--json`` makes the data one JSON object. Each
command is a module with ``add`` (its arguments and help) and ``run`` (its work, returning an exit
code); whatever it raises becomes an exit code here and nowhere else.

Read next: ``exits.py``, then ``check.py``.
"""

from __future__ import annotations

import argparse
import errno
import io
import json
import os
import sys
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING

from agentpdp import __version__
from agentpdp.cli import bench, check, decide, exits, explain, init, replay, schema
from agentpdp.cli.options import Formatter

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = (init, check, decide, replay, explain, bench, schema)

_EPILOG = "exit codes:\n" + "\n".join(
    f"  {code:<4} {meaning}" for code, meaning in exits.MEANINGS.items()
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if sys.stderr is None:  # it is closed: nobody wants to be told
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - as long as we run
    if sys.stdout is None:
        print("agentpdp: standard output is closed: nothing can be said there", file=sys.stderr)
        return exits.UNREADABLE
    parser = make_parser()
    if not (sys.argv[1:] if argv is None else argv):
        parser.print_help(sys.stderr)
        return exits.UNREADABLE
    try:
        arguments, unknown = parser.parse_known_args(argv)
        if unknown:
            arguments.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else exits.UNREADABLE
    return _run(arguments)


def make_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="agentpdp",
        usage="agentpdp COMMAND ...",
        description="Decide every action of an agent, when it happens.",
        epilog=_EPILOG,
        formatter_class=Formatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"agentpdp {__version__}")
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", prog="agentpdp", required=True
    )
    for command in COMMANDS:
        command.add(commands)
    return parser


def _run(arguments: argparse.Namespace) -> int:
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
        return code
    except exits.InputError as error:
        return _unreadable(arguments, error)
    except KeyboardInterrupt:
        return exits.INTERRUPTED
    except BrokenPipeError:
        _forget_stdout()
        return exits.PIPE_CLOSED
    except OSError as error:
        _forget_stdout()
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        where = error.filename or ("standard output" if is_full else "")
        print(f"agentpdp: {where}{': ' * bool(where)}{error.strerror or error}", file=sys.stderr)
        return exits.UNREADABLE
    except Exception:
        traceback.print_exc()
        print("agentpdp: this is a fault of agentpdp: please report it", file=sys.stderr)
        return exits.INTERNAL


def _unreadable(arguments: argparse.Namespace, error: exits.InputError) -> int:
    print(f"agentpdp: {error}", file=sys.stderr)
    if arguments.json:
        print(json.dumps({"error": str(error), "findings": error.findings}, indent=2))
    return exits.UNREADABLE


def _forget_stdout() -> None:
    """Nobody can read stdout any more: what the interpreter flushes at its end goes nowhere."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
