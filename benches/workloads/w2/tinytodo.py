"""tinytodo: lists of tasks, each with an owner, a team that may read and a team that may edit."""

from __future__ import annotations

from workloads.draw import Draw
from workloads.w2.graph import Graph
from workloads.workload import Json, Link, entity, reference

EDITS = ("UpdateList", "CreateTask", "UpdateTask", "DeleteTask")
LIST_ACTIONS = ("GetList", *EDITS, "DeleteList", "EditShares")
APPLICATION_ACTIONS = ("CreateList", "GetLists")
ACTIONS = dict.fromkeys(LIST_ACTIONS, "List") | dict.fromkeys(APPLICATION_ACTIONS, "Application")
TASKS_MAX = 50

POLICIES = """
@id("everyone")
permit (
  principal,
  action in [Action::"CreateList", Action::"GetLists"],
  resource == Application::"application-0"
);

@id("owner")
permit (principal, action, resource)
when { resource has owner && resource.owner == principal };

@id("reader")
permit (principal, action == Action::"GetList", resource)
when { principal in resource.readers || principal in resource.editors };

@id("editor")
permit (
  principal,
  action in
    [Action::"UpdateList", Action::"CreateTask", Action::"UpdateTask", Action::"DeleteTask"],
  resource
)
when { principal in resource.editors };
"""
SCHEMA = f"""
type Task = {{ id: Long, name: String, state: String }};
entity Application;
entity Team in [Team, Application];
entity User in [Team, Application];
entity List in [Application] = {{
  name: String, owner: User, readers: Team, editors: Team, tasks: Set<Task>,
}};
action {", ".join(LIST_ACTIONS)} appliesTo {{ principal: User, resource: List }};
action {", ".join(APPLICATION_ACTIONS)} appliesTo {{ principal: User, resource: Application }};
"""


def policies(templates: bool) -> str:
    assert not templates, "tinytodo has no form with templates"
    return POLICIES


def schema(templates: bool) -> str:
    assert not templates, "tinytodo has no form with templates"
    return SCHEMA


def graph(draw: Draw, size: int) -> Graph:
    made = Graph(draw)
    made.add("Application", 1)
    for type_name in ("User", "Team", "List"):
        made.add(type_name, size)
    made.connect("member", "User", "Team")
    made.connect("team in", "Team", "Team")
    made.choose("owner", "List", "User")
    made.choose("readers", "List", "Team")
    made.choose("editors", "List", "Team")
    return made


def entities(made: Graph, templates: bool) -> tuple[list[Json], list[Link]]:
    application = made.names["Application"][0]
    found = [entity(application)]
    for who in made.names["User"]:
        found.append(entity(who, parents=[*made.edges["member"][who], application]))
    for team in made.names["Team"]:
        found.append(entity(team, parents=[*made.edges["team in"][team], application]))
    for each in made.names["List"]:
        people = {
            name: reference(made.edges[name][each][0]) for name in ("owner", "readers", "editors")
        }
        attrs: Json = {"name": each[1], **people, "tasks": tasks(made.draw)}
        found.append(entity(each, attrs, [application]))
    return found, []


def tasks(draw: Draw) -> list[Json]:
    """Up to 50 tasks, as the paper's lists have them; no rule reads them."""
    return [
        {
            "id": draw.integer(1, 1_000_000),
            "name": f"task {draw.integer(1, 1_000_000)}",
            "state": "done" if draw.chance(0.5) else "open",
        }
        for _ in range(draw.integer(0, TASKS_MAX))
    ]
