"""A small bundle and a way to run commands; most tests call ``main``, a few start a process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from agentpdp.cli import main

SCHEMA = """\
entity Group;
entity User in [Group];
entity Photo = { owner: User };
entity Kind enum ["still", "moving"];
action view appliesTo {
  principal: [User],
  resource: [Photo],
  context: { input: {
    size: Long,
    reason?: String,
    wide?: Bool,
    price?: decimal,
    friend?: User,
    words?: Set<String>,
    place?: { room: String },
  } },
};
action list appliesTo { principal: [User], resource: [Photo], context: { input: {} } };
"""

POLICIES = """\
@id("owner")
permit (principal, action, resource) when { resource.owner == principal };

@id("small")
permit (principal, action == Action::"view", resource) when { context.input.size < 100 };

@id("no-secrets")
forbid (principal, action == Action::"view", resource)
when { context.input has reason && context.input.reason like "*secret*" };

@id("no-giants")
forbid (principal, action == Action::"view", resource)
when { context.input.size * 2 > 9000000000000000000 };

@id("guest")
permit (principal == ?principal, action, resource == ?resource);
"""

ENTITIES: list[dict[str, Any]] = [
    {"uid": {"type": "User", "id": "ada"}, "attrs": {}, "parents": [{"type": "Group", "id": "g"}]},
    {
        "uid": {"type": "Photo", "id": "p1"},
        "attrs": {"owner": {"__entity": {"type": "User", "id": "ada"}}},
        "parents": [],
    },
]

Row = dict[str, Any]


def ask(size: object = 5, *, who: str = "ada", **more: object) -> Row:
    """A request to view Ada's photo."""
    return {
        "principal": f'User::"{who}"',
        "action": 'Action::"view"',
        "resource": 'Photo::"p1"',
        "context": {"input": {"size": size, **more}},
    }


@dataclass
class Ran:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[Row]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process."""

    def run_main(*arguments: object) -> Ran:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run_main


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """The directory of a bundle that is right."""
    root = tmp_path / "bundle"
    (root / "policies").mkdir(parents=True)
    (root / "agentpdp.toml").write_text('name = "photos"\n')
    (root / "schema.cedarschema").write_text(SCHEMA)
    (root / "policies" / "photos.cedar").write_text(POLICIES)
    (root / "entities.json").write_text(json.dumps(ENTITIES))
    return root


@pytest.fixture
def plain_bundle(bundle: Path) -> Path:
    """The same without a schema."""
    (bundle / "schema.cedarschema").unlink()
    return bundle


@pytest.fixture
def write_rows(tmp_path: Path) -> Callable[..., Path]:
    """Write rows as JSON lines."""

    def write(*rows: Row, name: str = "requests.jsonl") -> Path:
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return write
