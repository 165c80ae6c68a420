"""The files of a small bundle with tasks: paint something in a color of a list."""

from __future__ import annotations

import json

TOOL = {
    "name": "paint",
    "inputSchema": {
        "type": "object",
        "properties": {"color": {"type": "string"}},
        "required": ["color"],
    },
}
FILES = {
    "agentpdp.toml": """
        name = "paints"
        principals = ["User", "Clerk"]
        agents = ["Agent"]
        [actions.paint]
        impact = ["write"]
        resource = { type = "Color", from = "input.color" }
    """,
    "schema.cedarschema": """
        entity User; entity Agent; entity Clerk enum ["c1"]; entity Color enum ["red", "blue"];
    """,
    "policies/ceilings.cedar": '@id("all") permit (principal, action, resource);',
    "tools/tools.json": json.dumps({"tools": [TOOL]}),
    "tasks/paint.toml": 'description = "Paint"\nlifetime = "1h"',
    "tasks/paint.cedar": '@id("paint") permit (principal, action == Action::"paint", resource);',
    "entities.json": json.dumps(
        [
            {"uid": {"type": name, "id": "a"}, "attrs": {}, "parents": []}
            for name in ("User", "Agent")
        ]
    ),
}
