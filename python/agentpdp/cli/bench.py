"""`agentpdp bench`: how fast are decisions of one's own bundle on one's own requests?"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentpdp.cli import comparison, exits, report
from agentpdp.cli.formats import open_source
from agentpdp.cli.formats.chunk import decide
from agentpdp.cli.measure import Round, Workload, measure
from agentpdp.cli.options import (
    add_command,
    add_engine_options,
    add_json,
    add_request_options,
    load_bundle,
    load_engine,
    positive,
)
from agentpdp.cli.progress import Progress
from agentpdp.cli.summary import Summary

if TYPE_CHECKING:
    from agentpdp import Bundle, Engine
    from agentpdp.cli.formats.chunk import Chunk, Source
    from agentpdp.cli.options import Commands

_ROWS = 100_000
_ROUNDS = 7
_PERCENTAGE = re.compile(r"([0-9]{1,6}(\.[0-9]{1,3})?)%", re.ASCII)

_DESCRIPTION = """\
Measure authorize_batch (decisions a second) and authorize (median and 99th percentile of
single calls) on your bundle and your requests, as they stand in the file. Each round
shuffles the requests and times a yardstick of pure Python, too; numbers are medians over
the rounds. --compare holds ratios to the yardstick against those of an earlier run, so
that a slower machine is no regression; a regression is measured twice before it counts."""


def add(commands: Commands) -> None:
    parser = add_command(
        commands,
        "bench",
        run,
        usage="BUNDLE REQUESTS [options]",
        summary="measure a bundle on requests",
        description=_DESCRIPTION,
        example="bench examples/assistant/bundle examples/assistant/requests.jsonl --rounds 3",
    )
    add_request_options(parser)
    add_engine_options(parser)
    _number(parser, "--rows", _ROWS, "requests to measure at most, from the file's start")
    _number(parser, "--rounds", _ROUNDS, "rounds to measure")
    _number(parser, "--seed", 1, "seed of the order of requests")
    parser.add_argument("--save", metavar="FILE", type=Path, help="write the numbers to FILE")
    parser.add_argument(
        "--compare", metavar="FILE", type=Path, help="compare with what --save wrote"
    )
    parser.add_argument(
        "--max-regression",
        metavar="SHARE",
        type=percentage,
        default=0.1,
        help="how much slower is still right; more exits with 1 (default: 10%%)",
    )
    add_json(parser, "the numbers")


def _number(parser: argparse.ArgumentParser, name: str, default: int, what: str) -> None:
    parser.add_argument(
        name, metavar="N", type=positive, default=default, help=f"{what} (default: {default:,})"
    )


def percentage(text: str) -> float:
    """A share such as ``10%``."""
    found = _PERCENTAGE.fullmatch(text)
    if not found:
        raise argparse.ArgumentTypeError(f"`{text}` is not a percentage such as 10%")
    return float(found[1]) / 100


def run(arguments: argparse.Namespace) -> int:
    saved = None if arguments.compare is None else comparison.read_saved(arguments.compare)
    bundle = load_bundle(arguments)
    engine = load_engine(bundle, arguments)
    workload, about = read_workload(engine, bundle, arguments)
    rounds = _measure(engine, workload, arguments, arguments.seed)
    found = report.collect(bundle, about, rounds, arguments)
    if saved is not None:
        compared = comparison.compare(found, saved, arguments.max_regression)
        if compared["regression"]:
            rounds += _measure(engine, workload, arguments, arguments.seed + 1)
            found = report.collect(bundle, about, rounds, arguments)
            compared = comparison.compare(found, saved, arguments.max_regression)
        found["comparison"] = compared
    if arguments.save is not None:
        _save(arguments.save, found)
    print(json.dumps(found, indent=2) if arguments.json else report.as_text(found, arguments))
    return exits.NO if saved is not None and found["comparison"]["regression"] else exits.DONE


def read_workload(
    engine: Engine, bundle: Bundle, arguments: argparse.Namespace
) -> tuple[Workload, dict[str, Any]]:
    """The requests, and what is decided of them."""
    digest, summary = hashlib.sha256(), Summary(engine)
    chunks: list[Chunk] = []
    with open_source(arguments.requests, arguments.format, bundle) as source:
        for chunk in _first_rows(source, arguments.rows):
            summary.add(chunk, decide(engine, chunk, arguments.threads))
            chunks.append(chunk)
    requests = [chunk.request(row) for chunk in chunks for row in range(len(chunk))]
    if not requests:
        raise exits.InputError(f"{arguments.requests}: there is no request to measure")
    for request in requests:
        digest.update(repr(request).encode("utf-8", "backslashreplace"))
    batch, form = _joined(chunks)
    about = {
        "digest": digest.hexdigest(),
        "rows": len(requests),
        "counts": summary.as_json()["reasons"],
        "batch": form,
    }
    return Workload(requests, batch), about


def _first_rows(source: Source, rows: int) -> Any:
    for chunk in source.chunks():
        yield chunk.head(rows)
        rows -= len(chunk)
        if rows <= 0:
            return


def _joined(chunks: list[Chunk]) -> tuple[Any, str]:
    """All chunks as one batch, and its form."""
    batches = [chunk.batch() for chunk in chunks]
    if any(batch is None for batch in batches):
        return None, "none: requests bring entities of their own, which a batch does not take"
    if isinstance(batches[0], list):
        return [request for batch in batches for request in batch], "dicts"
    from agentpdp.cli.formats.arrowfile import pyarrow

    return pyarrow().concat_tables(batches).combine_chunks(), "Arrow columns"


def _measure(
    engine: Engine, workload: Workload, arguments: argparse.Namespace, seed: int
) -> list[Round]:
    with Progress("measuring") as progress:
        return measure(
            engine,
            workload,
            rounds=arguments.rounds,
            seed=seed,
            threads=arguments.threads,
            tell=lambda done: progress.step(done, arguments.rounds + 1),
        )


def _save(path: Path, found: dict[str, Any]) -> None:
    try:
        path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise exits.InputError(f"{path}: cannot be written: {error.strerror}") from None
