"""`agentpdp decide`: what is decided of each request in a file?"""

from __future__ import annotations

import json
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from agentpdp.cli import exits
from agentpdp.cli.formats import BY_SUFFIX, format_of, open_source
from agentpdp.cli.formats.chunk import decide
from agentpdp.cli.options import (
    add_command,
    add_engine_options,
    add_json,
    add_request_options,
    load_bundle,
    load_engine,
)
from agentpdp.cli.output import open_file
from agentpdp.cli.progress import Progress
from agentpdp.cli.summary import Summary

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from agentpdp import Engine
    from agentpdp.cli.formats.chunk import Source
    from agentpdp.cli.options import Commands

_DESCRIPTION = """\
Decide every request of a file. Each comes out again in the same format with verdict,
reason, policies and errors added to it; a summary by verdict, reason and policy goes to
stderr. A request that does not fit the schema is denied with its reason; a file that
cannot be read ends the command, saying where.

A request has principal, action, resource (Cedar text such as User::"ada", or type and
id) and context. Everything else in it, such as a label, is carried through."""


def add(commands: Commands) -> None:
    parser = add_command(
        commands,
        "decide",
        run,
        usage="BUNDLE REQUESTS [options]",
        summary="decide the requests of a file",
        description=_DESCRIPTION,
        example="decide examples/assistant/bundle examples/assistant/requests.jsonl",
    )
    add_request_options(parser)
    add_engine_options(parser)
    parser.add_argument(
        "--output", metavar="FILE", help="write to FILE, once all is decided (default: stdout)"
    )
    parser.add_argument(
        "--fail-on-deny", action="store_true", help="exit with 1 if any request is denied"
    )
    add_json(parser, "the summary", "; rows go to --output only")


def run(arguments: argparse.Namespace) -> int:
    _check_usage(arguments)
    bundle = load_bundle(arguments)
    with open_source(arguments.requests, arguments.format, bundle) as source:
        engine = load_engine(bundle, arguments)
        start = time.perf_counter()
        summary = _decide_all(engine, source, arguments)
        seconds = time.perf_counter() - start
    if source.replaced():
        names = ", ".join(f"`{name}`" for name in source.replaced())
        print(f"agentpdp: the decision takes the place of the requests' {names}", file=sys.stderr)
    if arguments.json:
        about = {"bundle": {"name": bundle.name, "digest": bundle.digest}, "seconds": seconds}
        print(json.dumps({**summary.as_json(), **about}, indent=2, ensure_ascii=False))
    else:
        print(summary.as_text(seconds), file=sys.stderr)
    return exits.NO if arguments.fail_on_deny and summary.denied else exits.DONE


def _check_usage(arguments: argparse.Namespace) -> None:
    format_name = format_of(arguments.requests, arguments.format)
    is_binary = format_name in ("parquet", "arrow")
    if arguments.output is None and not arguments.json and is_binary and sys.stdout.isatty():
        raise exits.InputError(f"{format_name} is not for a terminal: give --output FILE")
    output = Path(arguments.output or "-")
    other = BY_SUFFIX.get(output.suffix.lower(), format_name)
    if other != format_name:
        message = f"the output is {format_name}, as the requests are, and the name says {other}"
        raise exits.InputError(f"{output}: {message}: name it otherwise")


def _decide_all(engine: Engine, source: Source, arguments: argparse.Namespace) -> Summary:
    summary = Summary(engine)
    with _open_output(arguments) as stream, Progress("deciding") as progress:
        sink = _Nowhere() if stream is None else source.sink(stream)
        for chunk in source.chunks():
            answers = decide(engine, chunk, arguments.threads)
            sink.write(chunk, answers)
            summary.add(chunk, answers)
            progress.show(source.share(), f"{summary.row_count:,} requests")
        sink.close()
    return summary


class _Nowhere:
    """Where rows go that nobody wants."""

    def write(self, chunk: Any, answers: Any) -> None:
        pass

    def close(self) -> None:
        pass


@contextmanager
def _open_output(arguments: argparse.Namespace) -> Iterator[BinaryIO | None]:
    """Where rows go: a file, stdout, or nowhere."""
    if arguments.output is not None:
        with open_file(arguments.output) as stream:
            yield stream
    elif arguments.json:
        yield None
    else:
        sys.stdout.flush()
        stream = cast("BinaryIO", sys.stdout.buffer)
        yield stream
        stream.flush()
