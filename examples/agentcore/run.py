"""Decide tool calls as an AgentCore gateway would ask for them.

    python examples/agentcore/run.py

A gateway has two things in its hands: who calls (a token's claims, or an ARN) and an MCP
`tools/call`. This script makes Cedar's principal, entities and context of them, has each row of
requests.jsonl decided, and compares with expected.json.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal
from pathlib import Path
from typing import Any

import agentpdp

HERE = Path(__file__).parent
GATEWAY = (
    "AgentCore::Gateway",
    "arn:aws:bedrock-agentcore:eu-central-1:210987654321:gateway/kestrel-desk-x7k2m9",
)
Json = dict[str, Any]


def tags(claims: Mapping[str, object]) -> dict[str, str]:
    """A token's claims as tags: always text, arrays and objects as their JSON, null not at all."""
    return {
        name: value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        for name, value in claims.items()
        if value is not None
    }


def caller(row: Json) -> Json:
    """The entity of who calls: the token's subject, or a role without its session."""
    if "claims" in row:
        subject = row["claims"]["sub"]
        return {
            "uid": {"type": "AgentCore::OAuthUser", "id": subject},
            "attrs": {"id": subject},
            "parents": [],
            "tags": tags(row["claims"]),
        }
    arn = "/".join(row["arn"].split("/")[:2])
    return {"uid": {"type": "AgentCore::IamEntity", "id": arn}, "attrs": {"id": arn}, "parents": []}


def converted(value: Any, schema: Mapping[str, Any]) -> Any:
    """An argument as the schema's types want it: `number` is a decimal, cut off after four places.

    What does not fit is left as it is: deciding about it is the engine's work.
    """
    if isinstance(value, dict):
        known = schema.get("properties", {})
        return {
            name: converted(member, known.get(name, {}))
            for name, member in value.items()
            if member is not None
        }
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if schema.get("type") == "number" and is_number:
        return f"{Decimal(str(value)).quantize(Decimal('0.0001'), ROUND_DOWN):f}"
    return value


def request(row: Json, tools: Mapping[str, Json]) -> Json:
    """The arguments of `Engine.authorize` for one row."""
    entity, call = caller(row), row["call"]
    schema = tools[call["name"]]["inputSchema"] if call["name"] in tools else {}
    return {
        "principal": (entity["uid"]["type"], entity["uid"]["id"]),
        "action": ("AgentCore::Action", call["name"]),
        "resource": GATEWAY,
        "context": {
            "input": converted(call["arguments"], schema),
            "system": {"now": row["now"]},
        },
        "entities": [entity],
    }


def load_rows() -> list[Json]:
    return [json.loads(line) for line in (HERE / "requests.jsonl").read_text().splitlines()]


def load_tools() -> dict[str, Json]:
    tools = json.loads((HERE / "tools.json").read_text())["tools"]
    return {tool["name"]: tool for tool in tools}


def main() -> int:
    engine = agentpdp.Engine(agentpdp.Bundle.load(HERE / "bundle"))
    expected, tools = json.loads((HERE / "expected.json").read_text()), load_tools()
    different = 0
    for row in load_rows():
        d = engine.authorize(**request(row, tools))
        found = {"verdict": d.verdict, "reason": d.reason, "policies": list(d.policies)}
        different += found != expected[row["id"]]
        mark = " " if found == expected[row["id"]] else "!"
        print(f"{mark} {d.verdict:5} {d.reason:16} {row['id']:22} {', '.join(d.policies)}")
    print(f"{different} different from expected.json", file=sys.stderr)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
