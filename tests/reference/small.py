"""A small bundle with tasks as JSON, for tests of the reference by itself."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
ALL = {"op": "All"}
GROUPS = ("start", "delegate", "impact.read", "impact.write", "impact.reach", "impact.leave")
STRING, LONG = {"kind": "String"}, {"kind": "Long"}


def uid(type_name: str, name: str) -> Json:
    return {"type": type_name, "id": name}


def entity(type_name: str, name: str) -> Json:
    return {"uid": uid(type_name, name), "attrs": {}, "parents": []}


def policy(effect: str, *actions: Json, body: Any = None, role: str | None = None) -> Json:
    scope = {"op": "in", "entities": list(actions)} if actions else ALL
    return {
        "effect": effect,
        **{"principal": ALL, "action": scope, "resource": ALL},
        "conditions": [] if body is None else [{"kind": "when", "body": body}],
        "annotations": {} if role is None else {"step_up": role},
    }


def policies(**by_id: Json) -> Json:
    return {"staticPolicies": by_id, "templates": {}, "templateLinks": []}


def record(**types: Json) -> Json:
    attributes = {name: {"type": each, "required": True} for name, each in types.items()}
    return {"kind": "Record", "attributes": attributes}


def action(
    name: str, principals: list[str], resource: str, *groups: str, space: str = "", **context: Json
) -> Json:
    return {
        "uid": uid(f"{space}Action", name),
        "ancestors": [uid("AgentPDP::Action", group) for group in groups],
        "principals": principals,
        "resources": [resource],
        "context": record(**context),
    }


NOTE, READ = uid("Action", "note"), uid("Action", "read")
HAND_ON = uid("AgentPDP::Action", "delegate.keep")


def task(*, name: str, params: Json | None = None, own: Any = None, **by_id: Json) -> Json:
    return {
        "description": "Keep a file",
        "lifetime_ms": 60_000,
        **{"principals": None, "agents": None, "own": own, "digest": name * 2},
        "params": params or {},
        "policies": policies(**{f"{name}/{each}": body for each, body in by_id.items()}),
    }


def tool(name: str, **properties: str) -> Json:
    typed = {each: {"type": kind} for each, kind in properties.items()}
    return {"name": name, "inputSchema": {"type": "object", "properties": typed}}


def declared(impact: str, tool: Json) -> Json:
    rule = {"rule": "fixed", "entity": uid("File", "one")}
    rest: Json = {"kinds": {}, "require": [], "opaque": [], "entities": {}}
    return {"impact": [impact], "resource": rule, "tool": tool, **rest}


def bundle(ceilings: Json | None = None, **tasks: Json) -> Json:
    """A user, two agents, a file; tools `note` (writes) and `read`; the task `keep`."""
    both, person = ["User", "Agent"], ["User"]
    engine = {"space": "AgentPDP::"}
    actions = [action(group, [], "Agent", **engine) for group in GROUPS]
    actions += [
        action("note", both, "File", "impact.write", input=record(text=STRING)),
        action("read", both, "File", "impact.read", input=record()),
        action("approve", person, "Agent", **engine),
        action("revoke", both, "Agent", **engine),
    ]
    tasks = tasks or {"keep": task(name="keep", all=policy("permit"))}
    for name in tasks:
        actions.append(action(f"start.{name}", person, "Agent", "start", **engine))
        actions.append(action(f"delegate.{name}", both, "Agent", "delegate", **engine))
    kinds = {"tags": None, "enum": None, "member_of": [], "attributes": {}}
    entities = [entity("User", "ann"), entity("Agent", "bot"), entity("Agent", "aid")]
    return {
        "policies": ceilings or policies(all=policy("permit")),
        "schema": {
            "entity_types": dict.fromkeys(("User", "Agent", "File"), kinds),
            "actions": actions,
        },
        "entities": [*entities, entity("File", "one")],
        "on_error": "deny",
        "delegation": {
            "digest": "b" * 64,
            **{"principals": person, "agents": ["Agent"], "open_types": [], "claims": {}},
            "limits": {"depth": 16, "children": 1_024, "grants": 10_000},
            "actions": {
                'Action::"note"': declared("write", tool("note", text="string")),
                'Action::"read"': declared("read", tool("read")),
            },
            "tasks": tasks,
        },
    }
