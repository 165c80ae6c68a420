"""Rows whose principal or resource few have are asked alone, and get what single calls get."""

from __future__ import annotations

import random
from typing import Any

import agentpdp
import pyarrow as pa
import pytest

SCHEMA = """
entity Team;
entity User in [Team] = { level: Long, nick?: String };
entity Shelf;
entity Doc in [Shelf] = { size: Long };
action work;
action view, edit in [work] appliesTo {
  principal: User, resource: Doc, context: { n: Long, s: String, deep?: { b: Bool } }
};
"""
USERS = 90
DOCS = 90


def policies() -> str:
    """More policies for each action than are walked, each of which names an entity."""
    texts = []
    for number in range(USERS):
        user, doc = f'User::"u{number}"', f'Doc::"d{number}"'
        texts += [
            f'permit (principal == {user}, action == Action::"view", resource == {doc})'
            f" when {{ context.n <= {number} }};",
            f"permit (principal == {user}, action, resource)"
            " when { resource.size > context.n && principal has nick &&"
            f' principal.nick == "n{number % 3}" }};',
            f'forbid (principal, action in [Action::"work", Action::"edit"], resource == {doc})'
            f" when {{ context.n + {2**63 - 60} > 0 && context has deep && context.deep.b }};",
            f'permit (principal in Team::"t{number % 7}", action in Action::"work", '
            f'resource in Shelf::"s{number}") when {{ context.s like "a*{number % 3}" }};',
            f'forbid (principal in Team::"t{number}", action, resource)'
            f' unless {{ context has deep || context.s == "a{number % 4}" }};',
            f'permit (principal == {user}, action == Action::"edit", resource == {doc});',
            f'permit (principal, action == Action::"edit", resource == {doc})'
            f' when {{ principal in Team::"t{number % 7}" }};',
        ]
    texts += [
        'permit (principal, action == Action::"view", resource) when { context.n == 3 };',
        "forbid (principal is User, action, resource)"
        ' when { context.s == "a3" && context.n > 40 };',
    ]
    return "\n".join(f'@id("p{number}") {text}' for number, text in enumerate(texts))


TEMPLATE = """
@id("linked") permit (principal == ?principal, action, resource in ?resource)
when { context.n * 3 < principal.level && !(context.s like "*2") };
"""


def made() -> agentpdp.Engine:
    draw = random.Random(5)
    entities: list[dict[str, Any]] = []
    for number in range(USERS):
        attributes: dict[str, Any] = {"level": number}
        if number % 4:
            attributes["nick"] = f"n{number % 3}"
        teams = [{"type": "Team", "id": f"t{draw.randrange(9)}"}]
        uid = {"type": "User", "id": f"u{number}"}
        entities.append({"uid": uid, "attrs": attributes, "parents": teams})
    for number in range(0, DOCS, 2):
        shelves = [{"type": "Shelf", "id": f"s{draw.randrange(9)}"}]
        uid = {"type": "Doc", "id": f"d{number}"}
        entities.append({"uid": uid, "attrs": {"size": number}, "parents": shelves})
    bundle = agentpdp.Bundle.from_sources(
        policies=policies() + TEMPLATE, schema=SCHEMA, entities=entities
    )
    engine = agentpdp.Engine(bundle)
    for number in range(USERS):
        principal, resource = ("User", f"u{number}"), ("Shelf", f"s{number % 9}")
        engine.link("linked", f"l{number}", principal=principal, resource=resource)
    return engine


ENGINE = made()


def calls(seed: int, rows: int) -> list[dict[str, Any]]:
    """Half of the rows have one of a few principals and resources, the others any, known or not."""
    draw = random.Random(seed)
    found = []
    for _ in range(rows):
        most = draw.choice([3, USERS + 5])
        context: dict[str, Any] = {"n": draw.randrange(-5, 100), "s": f"a{draw.randrange(5)}"}
        if draw.random() < 0.5:
            context["deep"] = {"b": draw.random() < 0.5}
        found.append(
            {
                "principal": f'User::"u{draw.randrange(most)}"',
                "action": f'Action::"{draw.choice(["view", "edit"])}"',
                "resource": f'Doc::"d{draw.randrange(most)}"',
                "context": context,
            }
        )
    return found


def columns(rows: list[dict[str, Any]]) -> pa.Table:
    names = ("principal", "action", "resource")
    table = {name: pa.array([row[name] for row in rows]).dictionary_encode() for name in names}
    for name in ("n", "s"):
        table[f"context.{name}"] = pa.array([row["context"][name] for row in rows])
    deep = pa.struct({"b": pa.bool_()})
    table["context.deep"] = pa.array([row["context"].get("deep") for row in rows], deep)
    return pa.table(table)


@pytest.mark.parametrize("rows", [1, 60, 1_500])
@pytest.mark.parametrize("form", ["columns", "dicts"])
def test_rows_get_what_single_calls_get(form: str, rows: int) -> None:
    asked = calls(rows, rows)
    batch = ENGINE.authorize_batch(columns(asked) if form == "columns" else asked)
    seen = set()
    for number, row in enumerate(asked):
        single = ENGINE.authorize(row["principal"], row["action"], row["resource"], row["context"])
        assert batch[number] == single, row
        seen.add(single.reason)
    if rows > 1_000:
        assert {"permitted", "forbidden", "forbid_error", "not_permitted"} <= seen
