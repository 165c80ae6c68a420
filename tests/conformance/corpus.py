"""Cedar's own test cases, read in place from the archives beside the repository.

A case is a policy set, a schema, entities, whether strict validation passes, and requests with what
Cedar answers. Nothing is unpacked and nothing is left out: `cases` yields every description that an
archive holds, and a case whose files are missing is an error.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "cedar-corpus"
# How many cases each archive has at least.
CASES_MIN = {"corpus.tar.gz": 3_957, "handwritten.tar.gz": 12}
Uid = tuple[str, str]


class Answer(NamedTuple):
    """What Cedar says of a request: reasons and errors are sets of policy ids."""

    verdict: str
    policies: frozenset[str]
    erring: frozenset[str]


@dataclass(frozen=True)
class Request:
    principal: Uid
    action: Uid
    resource: Uid
    context: Any = field(hash=False)


@dataclass(frozen=True)
class Case:
    """`valid` is what strict validation says; `expected` has an answer for each request."""

    name: str
    policies: str
    schema: str
    entities: str
    valid: bool
    requests: tuple[Request, ...]
    expected: tuple[Answer, ...]


def texts(archive: str) -> dict[str, str]:
    """The files of an archive by their path in it."""
    found = {}
    with tarfile.open(FOLDER / archive) as tar:
        for member in tar:
            content = tar.extractfile(member)
            if content is not None:
                found[member.name.removeprefix("./")] = content.read().decode("utf-8")
    return found


def cases(archive: str) -> Iterator[Case]:
    files = texts(archive)
    for name, text in sorted(files.items()):
        if name.endswith(".json") and not name.endswith("entities.json"):
            yield case(name, json.loads(text), files)


def case(name: str, description: Any, files: dict[str, str]) -> Case:
    """The generated cases name their files in a folder that their archive has not."""

    def text(part: str) -> str:
        return files[description[part].removeprefix("corpus-tests/")]

    return Case(
        name=name,
        policies=text("policies"),
        schema=text("schema"),
        entities=text("entities"),
        valid=description["shouldValidate"],
        requests=tuple(request(each) for each in description["requests"]),
        expected=tuple(
            Answer(each["decision"], frozenset(each["reason"]), frozenset(each["errors"]))
            for each in description["requests"]
        ),
    )


def request(this: Any) -> Request:
    parties = (this[part] for part in ("principal", "action", "resource"))
    return Request(*((each["type"], each["id"]) for each in parties), this["context"])
