"""What is in a tool list, as MCP's tools/list returns it?

Only what a proposal needs is looked at; the text itself is written into the bundle as it came, and
the bundle's own reader judges it. A list is hostile text: its size is limited before it is parsed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agentpdp.cli.exits import InputError, shown

TEXT_BYTES_MAX = 16 << 20
TOOLS_MAX = 10_000
_ADVICE = 'write {"tools": [{"name": "…", "description": "…", "inputSchema": {…}}]}'


@dataclass(frozen=True)
class Tool:
    """One tool: its name, what it says of itself, and the JSON Schema of its arguments."""

    name: str
    description: str
    properties: Mapping[str, Any]
    required: frozenset[str]
    definitions: Mapping[str, Any]
    annotations: Mapping[str, Any]
    raw: Mapping[str, Any] = field(repr=False)


def read_tools(text: str, where: str) -> list[Tool]:
    """The tools of a list, of a bare array of tools, or of the answer to a JSON-RPC request."""
    try:
        found = json.loads(text, object_pairs_hook=_without_repeats)
    except json.JSONDecodeError as error:
        place = f"{where}:{error.lineno}:{error.colno}"
        raise InputError(f"{place}: not JSON: {error.msg.lower()}: {_ADVICE}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not JSON that can be read: {str(error).lower()}") from None
    if isinstance(found, dict) and isinstance(found.get("result"), dict):
        found = found["result"]
    listed = found.get("tools") if isinstance(found, dict) else found
    if not isinstance(listed, list):
        raise InputError(f"{where}: there is no list of tools: {_ADVICE}")
    if not 0 < len(listed) <= TOOLS_MAX:
        raise InputError(f"{where}: {len(listed):,} tools: a list has 1 to {TOOLS_MAX:,}")
    tools = [_read_tool(each, f"{where}: tools[{at}]") for at, each in enumerate(listed)]
    seen: set[str] = set()
    for tool in tools:
        if tool.name in seen:
            raise InputError(f"{where}: the tool {shown(tool.name)} is listed twice: keep one")
        seen.add(tool.name)
    return tools


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is repeated in one object")
    return found


def _read_tool(raw: Any, place: str) -> Tool:
    if not isinstance(raw, dict):
        raise InputError(f"{place}: not an object: {_ADVICE}")
    name = raw.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= 128 or not name.isprintable():
        raise InputError(f"{place}: `name` is not a text of 1 to 128 printable characters")
    schema = raw.get("inputSchema", {"type": "object"})
    if not isinstance(schema, dict) or not isinstance(schema.get("properties", {}), dict):
        raise InputError(
            f"{place}: `inputSchema` of {shown(name)} is not a JSON Schema of an object"
        )
    description, annotations = raw.get("description"), raw.get("annotations")
    required = schema.get("required")
    definitions = schema.get("$defs", schema.get("definitions"))
    return Tool(
        name=name,
        description=description if isinstance(description, str) else "",
        properties=schema.get("properties", {}),
        required=frozenset(each for each in required if isinstance(each, str))
        if isinstance(required, list)
        else frozenset(),
        definitions=definitions if isinstance(definitions, dict) else {},
        annotations=annotations if isinstance(annotations, dict) else {},
        raw=raw,
    )
