"""Which sample tasks does a tool list suggest?

Tools that read are part of every task: what an agent reads is far less dangerous than what it
causes. Tools that do harm are put together by their namespace or by what they are about, one sample
task a group, with what the person names as parameters and a question for everything else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agentpdp.cli.proposal.text import action_list, policy_id, quoted, task_name, toml_value
from agentpdp.cli.proposal.words import namespace, nouns, singular, words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agentpdp.cli.proposal import Action

OWNER = "owner"


@dataclass
class Task:
    """One sample task: its name, the tools that it permits, and its texts."""

    name: str
    actions: list[Action]
    params: dict[str, tuple[str, str]] = field(default_factory=dict)
    policies: list[str] = field(default_factory=list)

    @property
    def toml(self) -> str:
        names = ", ".join(action.name for action in self.actions)
        lines = [
            "# CHECK: a sample. One task is one workflow: name it after what people ask for.",
            f"description = {quoted(f'Sample: {names}')}",
            "# CHECK: how long the work takes.",
            'lifetime = "30m"',
        ]
        if self.params:
            lines += [
                "",
                "# CHECK: where each value comes from; a value must come from the person,",
            ]
            lines += ["# never from what an agent has read.", "[params]"]
        for name, (type_, about) in self.params.items():
            lines.append(f"{name} = {toml_value({'type': type_, 'about': about})}")
        return "\n".join(lines) + "\n"

    @property
    def cedar(self) -> str:
        return "\n".join(self.policies)


def sample_tasks(actions: Iterable[Action]) -> list[Task]:
    """A task for each group of harmful tools, in the order of the list."""
    groups: dict[str, list[Action]] = {}
    for action in actions:
        if not action.impact.reads:
            groups.setdefault(_group(action.name), []).append(action)
    return [_sample(name, members) for name, members in groups.items()]


def _group(tool: str) -> str:
    return task_name(namespace(tool) or "-".join(nouns(tool)[-1:]) or "tools")


def _sample(name: str, members: list[Action]) -> Task:
    task = Task(name, members)
    task.policies.append(
        "// CHECK: what may be done under this task; take out what the workflow does not need.\n"
        f'@id("act")\npermit (principal, {action_list(each.name for each in members)}, resource);\n'
    )
    for type_, names in _touched(members).items():
        _add_touched(task, type_, names)
    for member in members:
        _add_addresses(task, member)
    return task


def _touched(members: list[Action]) -> dict[str, list[str]]:
    """Names of the tools by the type of what an argument says they touch."""
    found: dict[str, list[str]] = {}
    for member in members:
        resource = member.declared.resource
        if isinstance(resource, dict) and "from" in resource:
            found.setdefault(resource["type"], []).append(member.name)
    return found


def _add_touched(task: Task, type_: str, names: list[str]) -> None:
    noun = "_".join(words(type_))
    param = f"{noun}s" if singular(f"{noun}s") == noun else f"{noun}_list"
    task.params[param] = (f"Set<{type_}>", f"what the person named: {type_}")
    task.policies.append(
        "// CHECK: what the person did not name asks the person.\n"
        f'@id("{policy_id(param)}-not-named") @step_up("{OWNER}")\n'
        f"forbid (principal, {action_list(names)}, resource)\n"
        f"unless {{ context.grant.params.{param}.contains(resource) }};\n"
    )


def _add_addresses(task: Task, member: Action) -> None:
    lists = [name for name, kind in member.declared.kinds.items() if kind == "email-list"]
    if not lists:
        return
    task.params["addresses"] = ("Set<String>", "e-mail addresses that the person named")
    named = " &&\n  ".join(
        f"context.grant.params.addresses.containsAll({_input(name)}.addresses)" for name in lists
    )
    task.policies.append(
        "// CHECK: whom the person did not name asks the person.\n"
        f'@id("{policy_id(member.name)}-addresses-not-named") @step_up("{OWNER}")\n'
        f"forbid (principal, {action_list([member.name])}, resource)\n"
        f"unless {{\n  {named}\n}};\n"
    )


def _input(name: str) -> str:
    return f"context.input.{name}" if name.isidentifier() else f"context.input[{quoted(name)}]"
