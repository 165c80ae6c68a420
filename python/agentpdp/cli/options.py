"""What several commands have in common: their options, and loading what these name.

Read next: ``findings.py``.
"""

from __future__ import annotations

import argparse
import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentpdp import Bundle, BundleError, Engine, EntityError
from agentpdp.cli import findings
from agentpdp.cli.exits import InputError
from agentpdp.cli.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_HELP_COLUMNS = 88
_NO_TASKS = "a history is of grants, and those of tasks"


class Formatter(argparse.RawDescriptionHelpFormatter):
    """Help that looks the same on every terminal, so that the documentation can quote it."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28, width=_HELP_COLUMNS)


def add_command(
    commands: Commands,
    name: str,
    run: Callable[[argparse.Namespace], int],
    *,
    usage: str,
    summary: str,
    description: str,
    example: str,
    positional: tuple[str, str, str] | None = None,
) -> argparse.ArgumentParser:
    """A command with its help: one line in the list, a description, an example.

    What it works on is a bundle, unless ``positional`` has another name, how help writes that, and
    what it is.
    """
    parser = commands.add_parser(
        name,
        usage=f"agentpdp {name} {usage}",
        help=summary,
        description=description,
        epilog=f"example:\n  $ agentpdp {example}",
        formatter_class=Formatter,
        allow_abbrev=False,
    )
    dest, shown, what = positional or ("bundle", "BUNDLE", "directory of the bundle")
    parser.add_argument(dest, metavar=shown, type=named, help=what)
    parser.set_defaults(run=run, parser=parser)
    return parser


def add_json(parser: argparse.ArgumentParser, what: str, rest: str = "") -> None:
    text = f"print {what} as one JSON object{rest}"
    parser.add_argument("--json", action="store_true", help=text)


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """Options of everything that needs an engine."""
    parser.add_argument(
        "--schema",
        choices=("required", "none"),
        default="required",
        help='"none" for a bundle without a schema (default: required)',
    )
    parser.add_argument(
        "--entities",
        metavar="FILE",
        type=Path,
        help="a JSON array of entities to add to the bundle's, or to put in their place",
    )


def add_request_options(parser: argparse.ArgumentParser) -> None:
    """Where requests come from, and by how many threads they are decided."""
    parser.add_argument(
        "requests",
        metavar="REQUESTS",
        help="file of requests: .jsonl, .ndjson, .csv, .parquet, .arrow; - is stdin",
    )
    parser.add_argument(
        "--format",
        choices=("jsonl", "csv", "parquet", "arrow"),
        help="format of the requests (default: by the file's name; of stdin: jsonl)",
    )
    parser.add_argument(
        "--threads",
        metavar="N",
        type=positive,
        help="threads that decide a batch (default: as many as there are cores)",
    )


def add_event_options(parser: argparse.ArgumentParser) -> None:
    """Where a history comes from, and which bundles it needs besides."""
    parser.add_argument(
        "events",
        metavar="EVENTS",
        nargs="+",
        help="files of events: .jsonl, .ndjson; calls also .csv, .parquet, .arrow; - is stdin",
    )
    parser.add_argument(
        "--bundle",
        dest="bundles",
        metavar="BUNDLE",
        type=named,
        action="append",
        default=[],
        help="a bundle that the history puts in place later; may be given again",
    )


def named(text: str) -> Path:
    """A path; an empty text would be the directory that the command runs in."""
    if not text:
        raise argparse.ArgumentTypeError("the name is empty: write . for this directory")
    return Path(text)


def positive(text: str) -> int:
    """A whole number of at least 1."""
    if not text.isascii() or not text.isdigit() or len(text) > 18 or int(text) < 1:
        raise argparse.ArgumentTypeError(f"`{text}` is not a whole number of at least 1")
    return int(text)


def load_bundle(arguments: argparse.Namespace) -> Bundle:
    """The bundle; what is wrong with it is an input error here (``check`` says it better)."""
    with _told(arguments.bundle):
        return read_bundle(arguments)


def load_for_history(path: Path) -> Bundle:
    """A bundle that is to decide a history."""
    with _told(path):
        bundle = Bundle.load(path)
    if not bundle.tasks:
        raise InputError(f"the bundle `{path}` has no tasks: {_NO_TASKS}")
    return bundle


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except BundleError as error:
        found = [findings.as_json(finding, path) for finding in error.findings]
        shown = [findings.as_text(each) for each in found if each["severity"] == "error"]
        message = f"the bundle `{path}` does not load:\n" + "\n".join(shown)
        raise InputError(message, found) from None


def read_bundle(arguments: argparse.Namespace) -> Bundle:
    """The bundle, with a progress bar for a large entities.json."""
    with Progress("reading entities") as progress:
        return Bundle.load(
            arguments.bundle,
            schema=getattr(arguments, "schema", "required"),
            progress=progress.step,
        )


def load_engine(bundle: Bundle, arguments: argparse.Namespace) -> Engine:
    """An engine with the bundle's entities and those of ``--entities``."""
    engine = Engine(bundle)
    if arguments.entities is not None:
        try:
            engine.upsert(read_entities(arguments.entities))
        except EntityError as error:
            raise InputError(f"{arguments.entities}: {error}") from None
    return engine


def read_entities(path: Path) -> list[Any]:
    """The array in a file of entities."""
    where = str(path)
    try:
        found = json.loads(path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise InputError(f"{where}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InputError(f"{where}:{line}: not UTF-8 text: save it as UTF-8") from None
    except json.JSONDecodeError as error:
        place = f"{where}:{error.lineno}:{error.colno}"
        raise InputError(f"{place}: not JSON: {error.msg.lower()}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not JSON that can be read: {str(error).lower()}") from None
    if not isinstance(found, list):
        advice = 'write [{"uid": {"type": "User", "id": "ada"}, "attrs": {}, "parents": []}]'
        raise InputError(f"{where}: entities are a JSON array of objects: {advice}")
    return found
