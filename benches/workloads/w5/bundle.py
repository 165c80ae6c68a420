"""The bundle of w5 as files: w1's schema and policies, its 300 tools as a tool list, and the tasks.

The schema is w1's but for the arguments, which the tools' JSON Schemas type. One policy of w1 reads
an attribute that agents lack, and agents are the resources of `start` and `delegate`: it names its
actions here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from workloads import w1
from workloads.w1.catalogue import schema as schema_of_w1
from workloads.w1.catalogue import tools
from workloads.w5.tasks import Task, cedar, toml
from workloads.workload import Json

TEXTS = ("target", "kind", "text")
NUMBERS = ("amount", "count", "size")
RESOURCE = "text"  # the argument that names the resource
IMPACTS = {"read": '["read"]', "write": '["write"]', "admin": '["write", "leave"]'}
LIMITS = "[limits]\ndepth = 4\nchildren = 100000\ngrants = 100000\n"
STARTING = """\
// Who may start tasks, and that agents hand them on to agents.

@id("people-start")
permit (principal is User, action in AgentPDP::Action::"start", resource);

@id("handing-on")
permit (principal, action in AgentPDP::Action::"delegate", resource);
"""
HANDING_ON = """\
@id("hand-on")
permit (principal, action in AgentPDP::Action::"delegate", resource);
"""
EVERY_TOOL = 'action in [Action::"reads", Action::"writes", Action::"admins"]'


def files(tasks: Iterable[Task], entities: list[Json]) -> dict[str, str]:
    """All files by path."""
    made = {
        "agentpdp.toml": settings(),
        "schema.cedarschema": schema(),
        "tools/w1.json": json.dumps({"tools": tool_list()}, indent=1),
        "policies/starting.cedar": STARTING,
        "tasks/all.cedar": HANDING_ON,
        "entities.json": json.dumps(entities),
    }
    for path in sorted(w1.POLICIES.glob("*.cedar")):
        made[f"policies/{path.name}"] = of_tools(path.read_text())
    for task in tasks:
        made[f"tasks/{task.name}.toml"] = toml(task)
        made[f"tasks/{task.name}.cedar"] = cedar(task)
    return made


def of_tools(text: str) -> str:
    """The policy that reads labels of every resource, of those that have some."""
    head = 'forbid (principal in Group::"contractors", action, resource)'
    return text.replace(head, head.replace("action", EVERY_TOOL))


def schema() -> str:
    """w1's schema without the arguments."""
    return schema_of_w1().replace("context: { input: Input }", "context: {}")


def settings() -> str:
    lines = ['name = "w5"', 'principals = ["User"]', 'agents = ["Agent"]', "", LIMITS]
    for tool in tools():
        lines.append(f"[actions.{tool.id}]")
        lines.append(f"impact = {IMPACTS[tool.level]}")
        lines.append(f'resource = {{ type = "{tool.resource_type}", from = "input.{RESOURCE}" }}')
    return "\n".join(lines) + "\n"


def tool_list() -> list[Json]:
    """The tools as a server lists them."""
    properties: Json = {name: {"type": "string"} for name in TEXTS}
    properties |= {name: {"type": "integer"} for name in NUMBERS}
    shape = {"type": "object", "properties": properties, "required": [*TEXTS, *NUMBERS]}
    return [
        {
            "name": tool.id,
            "description": f"{tool.level} of {tool.domain.name}, on a {tool.resource_type}",
            "inputSchema": shape,
        }
        for tool in tools()
    ]
