"""The JSON Schema of an event, made from the table of kinds.

    python -m tests.events.schema

writes docs/reference/events.schema.json anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from agentpdp.events.form import FIELDS, KINDS, NAME_CHARACTERS_MAX

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "events.schema.json"
TIME_MAX = (1 << 63) - 1

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
NAME: Schema = {"type": "string", "minLength": 1, "maxLength": NAME_CHARACTERS_MAX}
TIME: Schema = {"type": "integer", "minimum": -TIME_MAX, "maximum": TIME_MAX}
UID: Schema = {"$ref": "#/$defs/entity"}
LENGTH: Schema = {"type": ["integer", "string"]}
LINK: Schema = {
    "type": "object",
    "properties": {"template": TEXT, "id": TEXT, "principal": UID, "resource": UID},
    "required": ["template", "id"],
    "additionalProperties": False,
}


def listed(items: Schema) -> Schema:
    return {"type": "array", "items": items}


FORMS: dict[str, Schema] = {
    "at": TIME,
    "grant": NAME,
    "parent": NAME,
    "request": NAME,
    "task": {"anyOf": [TEXT, listed(TEXT)]},
    "principal": UID,
    "agent": UID,
    "by": UID,
    "resource": {},
    "action": UID,
    "arguments": {},
    "context": {},
    "params": {"type": "object"},
    "claims": {"type": "object"},
    "expires_in": LENGTH,
    "valid_from": TIME,
    "only_actions": listed(UID),
    "only_resources": listed(UID),
    "upsert": listed({"type": "object"}),
    "remove": listed(UID),
    "link": listed(LINK),
    "unlink": listed(NAME),
    "digest": NAME,
    "name": TEXT,
    "decision": {
        "type": "object",
        "properties": {"verdict": {"enum": ["allow", "step_up", "deny"]}},
        "required": ["verdict"],
    },
}


def schema_of(name: str) -> Schema:
    """The schema of one kind of event."""
    kind = KINDS[name]
    order = ("at", *kind.required, *kind.optional, *kind.one_of, *kind.some_of)
    found: Schema = {
        "type": "object",
        "properties": {
            "event": {"const": name},
            **{field: {**FORMS[field], "description": FIELDS[field].right} for field in order},
        },
        "required": ["event", "at", *kind.required],
        "additionalProperties": False,
    }
    if kind.one_of:
        found["oneOf"] = [{"required": [field]} for field in kind.one_of]
    if kind.some_of:
        found["anyOf"] = [{"required": [field]} for field in kind.some_of]
    if name == "revoke":
        found["dependentRequired"] = {"by": ["grant"]}
    return found


def schema() -> Schema:
    uid = {"type": "object", "properties": {"type": TEXT, "id": TEXT}}
    uid |= {"required": ["type", "id"], "additionalProperties": False}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "An event: one line of a recorded history",
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in KINDS],
        "$defs": {"entity": {"anyOf": [TEXT, uid]}, **{name: schema_of(name) for name in KINDS}},
    }


def text() -> str:
    return json.dumps(schema(), indent=2) + "\n"


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
