"""The tasks of w5: rules as data, and the same as Cedar.

A task belongs to one domain of w1 and has one of five forms, which fix its two parameters and what
a resource must be to lie in its scope. Its first rule permits what the task is for, reading or
writing; the others, up to four, permit the other level or forbid a part of it.

peers/handwritten_chain.py makes Python of the same data, peers/warrants.py the peers' constraints.
"""

from __future__ import annotations

from typing import NamedTuple

from workloads.draw import Draw
from workloads.w1.catalogue import DOMAINS, Domain, tools
from workloads.workload import Json

WRITE_TOOLS = 4
WRITES_FIRST_SHARE = 0.3
WRITTEN = ("ci", "crm", "tickets")  # domains in which agents may write much
SIZES_MOST = (4_000, 8_000, 9_000)
CLASSES_MOST = (1, 2, 3)
COUNTS_MOST = (30, 40, 60)


class Form(NamedTuple):
    """The two parameters by name, and in Cedar what a resource of the scope is."""

    name: str
    params: tuple[str, str]
    scope: str | None


P = "context.grant.params"
FORMS = (
    Form("item", ("item", "most"), f"resource == {P}.item"),
    Form("within", ("within", "most"), f"resource in {P}.within"),
    Form("owner", ("owner", "times"), f"resource.owner == {P}.owner"),
    Form("either", ("within", "owner"),
         f"(resource in {P}.within || resource.owner == {P}.owner)"),
    Form("limits", ("most", "times"), None),
)  # fmt: skip


class Rule(NamedTuple):
    """One policy: all of its tests must hold. `tests` are (name, constant), the names those of
    TESTS; `scope`: the resource must lie in the task's scope, too."""

    id: str
    effect: str
    level: str
    tools: tuple[str, ...]
    scope: bool
    tests: tuple[tuple[str, int | str | None], ...]


# What a test is in Cedar; {} is its constant.
TESTS = {
    "most": f"context.input.amount <= {P}.most",
    "times": f"context.input.count <= {P}.times",
    "size": "context.input.size <= {}",
    "class_over": "resource.classification > {}",
    "kind": 'context.input.kind == "{}"',
    "count_over": "context.input.count > {}",
}


class Task(NamedTuple):
    """One task. `tools` are all that some permit names, by level."""

    name: str
    domain: str
    form: Form
    rules: tuple[Rule, ...]

    @property
    def tools(self) -> tuple[str, ...]:
        return tuple(tool for rule in self.rules if rule.effect == "permit" for tool in rule.tools)


def tasks(draw: Draw, count: int) -> list[Task]:
    """So many tasks, spread evenly over the domains."""
    return [task(draw, number) for number in range(count)]


def task(draw: Draw, number: int) -> Task:
    domain = DOMAINS[number % len(DOMAINS)]
    form = FORMS[draw.integer(0, len(FORMS) - 1)]
    writes = domain.name in WRITTEN and draw.chance(WRITES_FIRST_SHARE)
    levels = ("write", "read") if writes else ("read", "write")
    first = permit(draw, domain, form, levels[0])
    others = [
        permit(draw, domain, form, levels[1]),
        Rule("no-secrets", "forbid", "any", (), False, (("class_over", draw.pick(CLASSES_MOST)),)),
        Rule("not-this-kind", "forbid", "any", (), False, (("kind", draw.pick(domain.kinds[2:])),)),
        Rule("not-so-many", "forbid", "any", (), False, (("count_over", draw.pick(COUNTS_MOST)),)),
    ]
    chosen = draw.sample(others, draw.integer(0, len(others)))
    return Task(f"{domain.name}-{number:03d}", domain.name, form, (first, *chosen))


def permit(draw: Draw, domain: Domain, form: Form, level: str) -> Rule:
    """What permits reading, or writing with a few of the tools that write."""
    fitting = [
        tool.id
        for tool in tools()
        if (tool.domain.name, tool.level) == (domain.name, level)
        and (form.name != "item" or tool.resource_type == domain.leaf)
    ]
    chosen = tuple(fitting if level == "read" else draw.sample(fitting, WRITE_TOOLS))
    tests: list[tuple[str, int | str | None]] = [
        (name, None) for name in form.params if name in ("most", "times")
    ]
    if level == "write":
        tests.append(("size", draw.pick(SIZES_MOST)))
    return Rule(level, "permit", level, chosen, form.scope is not None, tuple(tests))


def cedar(task: Task) -> str:
    """The policies of a task as Cedar text."""
    return "\n".join(policy(task, rule) for rule in task.rules)


def policy(task: Task, rule: Rule) -> str:
    parts = [task.form.scope] if rule.scope and task.form.scope else []
    parts += [TESTS[name].format(constant) for name, constant in rule.tests]
    condition = " && ".join(parts)
    names = ", ".join(f'Action::"{tool}"' for tool in rule.tools)
    action = f"action in [{names}]" if names else f'action in Action::"{task.domain}"'
    head = f'@id("{rule.id}")\n{rule.effect} (principal, {action}, resource)'
    return f"{head}\nwhen {{ {condition} }};\n"


def toml(task: Task) -> str:
    """The declaration of a task."""
    lines = [
        f'description = "Work in {task.domain}, {task.form.name}"',
        'lifetime = "30d"',
        "",
        "[params]",
    ]
    lines += [f'{name} = "{param_type(task, name)}"' for name in task.form.params]
    return "\n".join(lines) + "\n"


def param_type(task: Task, name: str) -> str:
    domain = next(each for each in DOMAINS if each.name == task.domain)
    entity_types = {"item": domain.leaf, "within": domain.container, "owner": "User"}
    return entity_types.get(name, "Long")


def given(params: Json) -> Json:
    """Parameters as `start` takes them: an entity is its id."""
    return {name: value[1] if isinstance(value, tuple) else value for name, value in params.items()}
