"""The vectors as `data/*.json` has them: `README.md` says what each key means."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from properties.generate import Case, Link
from properties.paths import Answer

DATA = Path(__file__).parent / "data"
PARTIES = {"principal": 'User::"ann"', "action": 'Action::"view"', "resource": 'Doc::"plan"'}
CALL_KEYS = {*PARTIES, "context", "columns", "cedar", "expected"}
CASE_KEYS = {"id", "why", "policies", "schema", "entities", "links", "on_error", "cedar", "calls"}


@dataclass(frozen=True)
class Call:
    """`row` is the request as a batch of dicts has it; `not_in_columns` and `not_in_cedar` say why
    it is not asked there."""

    row: dict[str, Any] = field(hash=False)
    expected: Answer
    not_in_columns: str | None
    not_in_cedar: str | None

    @property
    def context(self) -> Any:
        return self.row["context"]


@dataclass(frozen=True)
class Vector:
    """One case; `case` holds what its calls are asked of."""

    name: str
    why: str
    on_error: Any
    case: Case
    calls: tuple[Call, ...]


def vectors() -> Iterator[Vector]:
    for path in sorted(DATA.glob("*.json")):
        file = json.loads(path.read_text(encoding="utf-8"))
        assert set(file) <= {"schema", "entities", "cases"}, path.name
        shared = {name: value for name, value in file.items() if name != "cases"}
        for this in file["cases"]:
            yield vector(f"{path.stem}/{this['id']}", {**shared, **this})


def vector(name: str, this: dict[str, Any]) -> Vector:
    if "conditions" in this:
        written = spelled_out(this.pop("conditions"), this.pop("call", {}))
        this = {**this, **written}
    assert set(this) <= CASE_KEYS, name
    links = (
        Link(each["template"], each["id"], pair(each.get("principal")), pair(each.get("resource")))
        for each in this.get("links", ())
    )
    case = Case(
        policies="\n".join(this["policies"]),
        schema="\n".join(this["schema"]) if "schema" in this else None,
        entities=this.get("entities", []),
        links=tuple(links),
        requests=(),
        extra=[],
    )
    calls = tuple(call(each, this.get("cedar")) for each in this["calls"])
    return Vector(name, this["why"], this.get("on_error", "deny"), case, calls)


def call(this: dict[str, Any], not_in_cedar: str | None) -> Call:
    assert set(this) <= CALL_KEYS
    row = {part: this.get(part, default) for part, default in PARTIES.items()}
    return Call(
        row={**row, "context": this.get("context", {})},
        expected=answer(this["expected"]),
        not_in_columns=this.get("columns"),
        not_in_cedar=this.get("cedar", not_in_cedar),
    )


def answer(expected: dict[str, Any]) -> Answer:
    verdict, reason = expected["verdict"], expected["reason"]
    ceilings = ("forbidden", "forbid_error", "not_permitted")
    stage = "ceiling" if reason in ceilings else None if verdict == "allow" else "arguments"
    errors = tuple((policy, code) for policy, code in expected["errors"])
    return Answer(verdict, reason, stage, tuple(expected["policies"]), errors)


def spelled_out(conditions: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Policies and the call of a case that has conditions."""
    satisfied = sorted(name for name, (_, outcome) in conditions.items() if outcome is True)
    errors = {name: code for name, (_, code) in conditions.items() if isinstance(code, str)}
    expected = {
        "verdict": "allow" if satisfied else "deny",
        "reason": "permitted" if satisfied else "not_permitted",
        "policies": satisfied,
        "errors": sorted(errors.items()),
    }
    policies = [
        f'@id("{name}") permit (principal, action, resource) when {{ {condition} }};'
        for name, (condition, _) in conditions.items()
    ]
    return {"policies": policies, "calls": [{**given, "expected": expected}]}


def pair(text: str | None) -> tuple[str, str] | None:
    """The type and the id of Cedar text without escapes."""
    if text is None:
        return None
    type_name, _, name = text.partition('::"')
    return type_name, name.removesuffix('"')
