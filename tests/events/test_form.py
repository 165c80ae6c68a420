"""What an event may hold: the table, the JSON Schema, and the page say the same."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from agentpdp import EventError
from agentpdp.events import check, read_event
from agentpdp.events.form import FIELDS, KINDS
from hypothesis import given
from hypothesis import strategies as st

from .example import EVENTS
from .schema import FORMS, PAGE, schema, text
from .validator import fits

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "events.md"
SCHEMA = json.loads(PAGE.read_text(encoding="utf-8"))
ROW = re.compile(r"^\| (`[a-z, `]+`) \|(.*)\|(.*)\|(.*)\|$", re.MULTILINE)

GOOD: dict[str, Any] = {
    "at": 5,
    "grant": "g1",
    "parent": "g0",
    "request": "r1",
    "task": ["pay"],
    "principal": 'User::"ada"',
    "agent": {"type": "Agent", "id": "bot"},
    "by": 'User::"fred"',
    "resource": None,
    "action": "pay",
    "arguments": {"amount": 1},
    "context": [],
    "params": {},
    "claims": {},
    "expires_in": "30m",
    "valid_from": 0,
    "only_actions": ["pay"],
    "only_resources": [],
    "upsert": [{}],
    "remove": [],
    "link": [{"template": "t", "id": "l", "principal": 'User::"ada"'}],
    "unlink": ["l"],
    "digest": "ab",
    "name": "desk",
    "decision": {"verdict": "deny", "reason": "revoked"},
}
BAD: list[Any] = [None, True, 1.5, 1 << 63, "", "x" * 257, [1], {}, {"type": "User"}, [[]], [""]]


def is_event(event: Any) -> bool:
    try:
        check(event)
    except EventError:
        return False
    return True


def test_the_schema_is_made_from_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == text(), "run `python -m tests.events.schema`"
    assert FORMS.keys() == FIELDS.keys() == GOOD.keys()


def test_the_page_names_every_field_of_every_event() -> None:
    listed = {}
    for names, required, optional, _ in ROW.findall(REFERENCE.read_text(encoding="utf-8")):
        for name in re.findall(r"`(\w+)`", names):
            listed[name] = set(re.findall(r"`(\w+)`", required + optional))
    assert {name: listed[name] | {"at"} for name in KINDS} == {
        name: kind.fields for name, kind in KINDS.items()
    }


@pytest.mark.parametrize("line", EVENTS.read_text(encoding="utf-8").splitlines())
def test_the_example_fits_the_schema(line: str) -> None:
    assert fits(json.loads(line), SCHEMA, SCHEMA)
    assert read_event(line) == json.loads(line)


@pytest.mark.parametrize("line", re.findall(r"^\{\"event\".*$", REFERENCE.read_text(), re.M))
def test_the_page_fits_the_schema(line: str) -> None:
    assert fits(json.loads(line), SCHEMA, SCHEMA)
    assert read_event(line) == json.loads(line)


@pytest.mark.parametrize("name", KINDS)
def test_a_field_of_another_form_is_refused_by_table_and_schema_alike(name: str) -> None:
    kind = KINDS[name]
    fields = ("at", *kind.required, *kind.optional, *kind.one_of[:1], *kind.some_of)
    event = {"event": name, **{field: GOOD[field] for field in fields}}
    assert is_event(event)
    assert fits(event, SCHEMA, SCHEMA)
    for field in fields:
        for value in [*BAD, GOOD[field]]:
            changed = {**event, field: value}
            assert is_event(changed) == fits(changed, SCHEMA, SCHEMA), (field, value)
        left = {key: value for key, value in event.items() if key != field}
        assert is_event(left) == fits(left, SCHEMA, SCHEMA), field
    assert not is_event({**event, "extra": 1})


NAMES = st.sampled_from([*FIELDS, "event", "extra"])
VALUES = st.sampled_from([*GOOD.values(), *BAD, *KINDS])


@given(st.dictionaries(NAMES, VALUES, max_size=8), st.sampled_from(list(KINDS)))
def test_table_and_schema_agree_on_any_object(fields: dict[str, Any], name: str) -> None:
    event = {**fields, "event": name}
    assert is_event(event) == fits(event, SCHEMA, schema())
