"""The files of a proposed bundle, as text. The same tools make the same texts, byte by byte.

Read next: the bundle's own reader, which judges what is written here.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from agentpdp.cli.proposal.tasks import OWNER, Task
from agentpdp.cli.proposal.text import action_list, in_comment, quoted, toml_key, toml_value

if TYPE_CHECKING:
    from agentpdp.cli.proposal import Action, Proposal

_PARTIES = ("User", "Group", "Agent", "Fleet", "System")


def all_files(proposal: Proposal, tools: list[dict[str, Any]]) -> dict[str, str]:
    """Every file of the bundle by its path in it."""
    files = {
        "agentpdp.toml": _settings(proposal),
        "schema.cedarschema": _schema(proposal),
        "policies/ceilings.cedar": _ceilings(proposal),
        "tools/tools.json": json.dumps({"tools": tools}, indent=2, ensure_ascii=False) + "\n",
    }
    if systems := proposal.systems:
        entities = [
            {"uid": {"type": "System", "id": each}, "attrs": {}, "parents": []} for each in systems
        ]
        lines = ",\n".join(f"  {json.dumps(each, ensure_ascii=False)}" for each in entities)
        files["entities.json"] = f"[\n{lines}\n]\n"
    if proposal.reading:
        files["tasks/all.cedar"] = _ALL
        files["tasks/look.toml"] = _LOOK
        files["tasks/look.cedar"] = _HAND_ON
    for task in proposal.tasks:
        files |= _task_files(task)
    return files


def _task_files(task: Task) -> dict[str, str]:
    return {f"tasks/{task.name}.toml": task.toml, f"tasks/{task.name}.cedar": task.cedar}


def _settings(proposal: Proposal) -> str:
    lines = [
        "# Proposed by `agentpdp init`. Go through every CHECK; take the mark away when done.",
        f"name = {quoted(proposal.name)}",
        'principals = ["User"]',
        'agents = ["Agent"]',
    ]
    if proposal.open_types:
        lines += [
            "# CHECK: any id of these types is taken, known or not. Where the host knows all,",
            "# give them to the engine as entities and take the type out: unknown ids then deny.",
            f"open_types = {toml_value(proposal.open_types)}",
        ]
    for action in proposal.actions:
        lines += ["", *_declaration(action)]
    return "\n".join(lines) + "\n"


def _declaration(action: Action) -> list[str]:
    impact, declared = action.impact, action.declared
    doubt = "" if impact.sure else "UNSURE, so taken for harmful; "
    lines = [f"[actions.{toml_key(action.name)}]", f"# CHECK: {doubt}{impact.why}"]
    lines.append(f"impact = {toml_value(impact.groups)}")
    if declared.resource_remark:
        lines.append(f"# CHECK: {declared.resource_remark}")
    lines.append(f"resource = {toml_value(declared.resource)}")
    if declared.entities:
        lines.append("# CHECK: ids of entities, which rules see as entities")
        lines.append(f"entities = {toml_value(declared.entities)}")
    if declared.kinds:
        lines.append(
            "# CHECK: kinds, by names, formats and descriptions; other spellings are denied"
        )
        lines.append(f"kinds = {toml_value(declared.kinds)}")
    if declared.opaque:
        lines.append("# CHECK: OPAQUE: rules see only whether it is given; what is in it passes")
        lines.append(f"opaque = {toml_value(declared.opaque)}")
    for name in declared.opaque_left_out:
        lines.append(
            f"# CHECK: OPAQUE: {in_comment(name)} cannot be typed, so a call that gives it is"
        )
        lines.append(f"# denied until this stands here: opaque = {toml_value([name])}")
    return lines + [f"# CHECK: {remark}" for remark in declared.remarks]


def _schema(proposal: Proposal) -> str:
    lines = [
        "// CHECK: the organisation's entities. Give them the attributes that rules should read.",
        "entity Group;",
        "entity User in [Group];",
        "entity Fleet;",
        "entity Agent in [Fleet];",
    ]
    types = [each for each in proposal.entity_types if each not in _PARTIES]
    if proposal.systems:
        lines.append("entity System;")
    return "\n".join(lines + [f"entity {each};" for each in types]) + "\n"


def _ceilings(proposal: Proposal) -> str:
    parts = [_HEAD, _START]
    if proposal.reading:
        parts.append(_READ)
    if harmful := [each.name for each in proposal.actions if not each.impact.reads]:
        parts.append(_act(harmful))
    return "\n".join([*parts, _DELEGATE])


def _act(harmful: list[str]) -> str:
    actions = action_list(harmful)
    return (
        "// CHECK: every harmful tool. Take out what nobody should have done by an agent, ever.\n"
        f'@id("people-act")\npermit (principal in Group::"people", {actions}, resource);\n\n'
        f'@id("agents-act")\npermit (principal in Fleet::"agents", {actions}, resource);\n\n'
        "// CHECK: every harmful call asks a person, until tasks are narrow enough to let some\n"
        "// pass.\n"
        f'@id("ask-first") @step_up("{OWNER}")\n'
        f'forbid (principal in Fleet::"agents", {actions}, resource);\n\n'
        "// CHECK: who may answer: people, for what is done on their own behalf.\n"
        '@id("people-approve")\n'
        'permit (principal in Group::"people", action == AgentPDP::Action::"approve", resource)\n'
        "when { context.input.own };\n"
    )


_HEAD = """\
// Proposed by `agentpdp init`: what anybody may do at all. It is closed: nobody is in
// Group::"people" or Fleet::"agents" until the host's entities say so.
"""
_START = """\
// CHECK: which people may start which tasks, with which agents.
@id("people-start")
permit (
  principal in Group::"people",
  action in AgentPDP::Action::"start",
  resource in Fleet::"agents"
);
"""
_READ = """\
// CHECK: everything that reads, for everybody. Take out what is secret.
@id("people-read")
permit (principal in Group::"people", action in AgentPDP::Action::"impact.read", resource);

@id("agents-read")
permit (principal in Fleet::"agents", action in AgentPDP::Action::"impact.read", resource);
"""
_DELEGATE = """\
// CHECK: tasks say what may be handed on; this only says to whom.
@id("people-delegate")
permit (
  principal in Group::"people",
  action in AgentPDP::Action::"delegate",
  resource in Fleet::"agents"
);

@id("agents-delegate")
permit (
  principal in Fleet::"agents",
  action in AgentPDP::Action::"delegate",
  resource in Fleet::"agents"
);
"""
_ALL = """\
// Part of every task. CHECK: what every task may read.
@id("read")
permit (principal, action in AgentPDP::Action::"impact.read", resource);
"""
_LOOK = """\
# CHECK: a sample: reading and nothing else, for questions that change nothing.
description = "Sample: look something up"
lifetime = "30m"
"""
_HAND_ON = """\
// CHECK: reading may be handed on to another agent.
@id("hand-on")
permit (principal, action == AgentPDP::Action::"delegate.look", resource in Fleet::"agents");
"""
