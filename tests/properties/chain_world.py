"""Random bundles with tasks, and the words that calls under them are made of.

All of a bundle is drawn: ceilings, three or four tasks with parameters, forbids that ask for
approvals, policies that err for some calls. What does not vary is small, so that calls often meet
the policies. Conditions are drawn from lists of what the validator takes for an action.

Everything is made with a function that chooses, so that Hypothesis and a generator of random
numbers can both drive it. Read next: ``chain_sides.py``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

Json = dict[str, Any]
Files = dict[str, str]

SETTINGS = """
name = "chains"
principals = ["User", "Service"]
agents = ["Agent", "Robot"]
open_types = ["Account"]
[claims]
level = "Long"
[limits]
depth = 3
children = 3
grants = 6
[actions.edit]
impact = ["write"]
resource = { type = "Doc", from = "input.doc" }
[actions.view]
impact = ["read"]
resource = { type = "Doc", from = "input.doc" }
[actions.pay]
impact = ["reach", "leave"]
resource = { type = "Account", from = "input.to" }
[actions.who]
impact = ["read"]
resource = "principal"
[actions.send]
impact = ["leave"]
resource = "principal"
kinds = { to = { kind = "email-list", rewrite = true }, link = "url" }
entities = { owner = "User" }
"""
SCHEMA = """
entity Group, Fleet, Account;
entity User, Service in [Group] = { locked: Bool, level: Long };
entity Agent, Robot in [Fleet] = { level: Long };
entity Doc in [Group] = { owner: User, size: Long };
action edit appliesTo { principal: [User, Service], resource: [Doc], context: { ticket?: String } };
"""
TEXT, INTEGER, NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}
TEXTS = {"type": "array", "items": TEXT}
META = {"type": "object", "properties": {"a": INTEGER, "b": {"type": "boolean"}}}
TOOLS = {
    "edit": ({"doc": TEXT, "n": INTEGER, "note": TEXT}, ["doc", "n"]),
    "view": ({"doc": TEXT}, ["doc"]),
    "pay": ({"to": TEXT, "amount": NUMBER}, ["to", "amount"]),
    "who": ({}, []),
    "send": ({"to": TEXTS, "link": TEXT, "tags": TEXTS, "meta": META, "owner": TEXT}, ["to"]),
}
TASKS = ("t0", "t1", "t2")
PARAMS = {
    "t0": {"doc": '"Doc"', "max": '{ type = "Long", default = 5, min = 0, max = 9 }'},
    "t1": {
        "who": '{ type = "Set<User>", default = [] }',
        "amount": '{ type = "decimal", default = "2.5", max = "9.5" }',
    },
    "t2": {"max": '{ type = "Long", default = 3 }'},
}
LIFETIMES = {"t0": "60s", "t1": "2m", "t2": "10m"}
PARTIES = ('"User"', '"User", "Service"'), ('"Agent"', '"Agent", "Robot"')
USERS, DOCS = ("u0", "u1"), ("d0", "d1")
AGENTS = ("a0", "a1", "a2", "a3", "r0")
ROLES = ("lead", "clerk")

# Conditions that fit any question of an action.
GRANT = (
    "context.grant.depth > 0",
    "context.grant.depth <= 1",
    'context.grant.tasks.contains("t1")',
    'context.grant.agent == Agent::"a1"',
    'context.grant.principal == User::"u1"',
    'context.grant.principal in Group::"g0"',
    "context.grant.principal.locked",
    "context.grant.agent.level > 1",
    "context.grant.claims.level > 1",
    'context.system.now < datetime("1970-01-01T00:17:30Z")',
    "principal.level > 1",
    "principal.level * 9223372036854775807 > 1",
)
DOC = (
    'resource in Group::"g1"',
    "resource.owner.locked",
    "resource.owner == context.grant.principal",
    "resource.size > 3",
)
INPUT = {
    "edit": (
        "context.input.n > 3",
        "context.input.n <= 4",
        'context.input has note && context.input.note == "x"',
        "resource.size + context.input.n > 5",
        'context has ticket && context.ticket == "k"',
        *DOC,
    ),
    "view": DOC,
    "pay": (
        'context.input.amount.lessThan(decimal("2.5"))',
        'resource == Account::"x"',
    ),
    "who": ("resource.locked", "resource.level > 1"),
    "send": (
        'context.input.to.domains.contains("x.org")',
        "context.input.to.count > 1",
        'context.input has link && context.input.link.host == "x.org"',
        'context.input has tags && context.input.tags.contains("k")',
        "context.input has meta && context.input.meta has a && context.input.meta.a > 3",
        "context.input has meta && context.input.meta has b && context.input.meta.b",
        "context.input has owner && context.input.owner == context.grant.principal",
        "context.input has owner && context.input.owner.locked",
    ),
}
OF_TASK = {
    ("t0", "edit"): (
        "context.input.n <= context.grant.params.max",
        "resource == context.grant.params.doc",
    ),
    ("t0", "view"): ("resource == context.grant.params.doc",),
    ("t1", "pay"): ("context.input.amount.lessThanOrEqual(context.grant.params.amount)",),
    ("t1", "who"): ("context.grant.params.who.contains(context.grant.principal)",),
    ("t2", "edit"): ("context.input.n < context.grant.params.max",),
}
HANDING = (
    "context.input.depth < 3",
    "context.input.lifetime_ms <= 60000",
    'resource in Fleet::"f0"',
    "resource.level > 1",
)
HANDED = {
    "t0": ("context.input.params.max <= 4", 'context.input.params.doc == Doc::"d0"'),
    "t1": ("context.input.params.who.isEmpty()",),
    "t2": ("context.input.params.max == 3",),
}
NARROWER = {
    "t0": (
        "context.input.params.max <= context.grant.params.max",
        "context.input.params.doc == context.grant.params.doc",
    ),
    "t1": ("context.grant.params.who.containsAll(context.input.params.who)",),
    "t2": ("context.input.params.max <= context.grant.params.max",),
}
APPROVING = (
    'context.input.role == "lead"',
    "context.input.own",
    'context.input.tasks.contains("t1")',
    'context.input.action == "edit"',
    "principal.locked",
)
# What reads neither `principal` nor `context.grant`.
PLAIN = {action: tuple(c for c in INPUT[action] if "context.grant" not in c) for action in INPUT}

T = TypeVar("T")
# Chooses one of several: a generator of random numbers does, and so does Hypothesis.
Choose = Callable[[Sequence[Any]], Any]


def some(choose: Choose, items: Sequence[T], count_max: int) -> list[T]:
    """Between one and so many of these, each once."""
    left = list(items)
    count = choose(range(1, count_max + 1))
    return [left.pop(choose(range(len(left)))) for _ in range(count)]


def rarely(choose: Choose, one_in: int) -> bool:
    return choose(range(one_in)) == one_in - 1


def entity(type_name: str, name: str, *parents: tuple[str, str], **attributes: Any) -> Json:
    above = [{"type": kind, "id": each} for kind, each in parents]
    return {"uid": {"type": type_name, "id": name}, "attrs": attributes, "parents": above}


def some_entity(choose: Choose, kind: str, name: str, member: bool = False) -> Json:
    """A user, agent or document as it may be, in some group or in none."""
    level = choose([0, 1, 2, 2])
    if member and kind != "Doc":
        is_person = kind in ("User", "Service")
        groups = ("Group", "g0") if is_person else ("Fleet", "f0")
        return entity(kind, name, groups, level=level, **({"locked": False} if is_person else {}))
    if kind in ("User", "Service"):
        groups = choose([(("Group", "g0"),), (("Group", "g0"),), ()])
        return entity(kind, name, *groups, locked=choose([False, False, True]), level=level)
    if kind in ("Agent", "Robot"):
        fleets = choose([(("Fleet", "f0"),), (("Fleet", "f0"),), (("Fleet", "f0"),), ()])
        return entity(kind, name, *fleets, level=level)
    groups = choose([(("Group", "g1"),), ()])
    owner = {"__entity": {"type": "User", "id": choose(USERS)}}
    return entity(kind, name, *groups, owner=owner, size=choose([0, 4, 2**63 - 1]))


def agent_type(name: str) -> str:
    return "Robot" if name.startswith("r") else "Agent"


def person_type(name: str) -> str:
    return "Service" if name.startswith("s") else "User"


NAMED = [("User", each) for each in USERS] + [("Service", "s0")]
NAMED += [(agent_type(each), each) for each in AGENTS] + [("Doc", each) for each in DOCS]


def condition(choose: Choose, choices: tuple[str, ...]) -> str:
    count = choose([0, 1, 1, 2])
    parts = [choose(choices) for _ in range(count if choices else 0)]
    if not parts:
        return ""
    joined = choose([" && ", " || "]).join(f"({each})" for each in parts)
    return f"\n{choose(['when', 'when', 'unless'])} {{ {joined} }}"


def forbid(
    choose: Choose, name: str, scope: str, choices: tuple[str, ...], roles: bool = True
) -> str:
    asks = roles and choose([True, True, False])
    role = f'@step_up("{choose(ROLES)}") ' if asks else ""
    when = condition(choose, choices) or f"\nwhen {{ {choices[0]} }}"
    return f'@id("{name}") {role}forbid ({scope}){when};'


# Links of it ask for an approval.
HELD = (
    '@id("held") @step_up("holder") '
    'forbid (principal is User, action in [Action::"view", Action::"edit"], resource == ?resource);'
)


def ceilings(choose: Choose, generous: bool = False) -> str:
    """Wide permits, and forbids of some actions."""
    agents = choose(["principal is Agent", 'principal is Agent in Fleet::"f0"'])
    robots = choose(["principal is Robot", 'principal in Fleet::"f0"'])
    users = choose(["principal is User", 'principal in Group::"g0"'])
    depth = "" if generous else choose(["", "", "\nwhen { context.grant.depth < 2 }"])
    texts = [
        f'@id("users") permit ({users}, action, resource);',
        f'@id("agents") permit ({agents}, action, resource){depth};',
        f'@id("robots") permit ({robots}, action, resource);',
        '@id("services") permit (principal is Service, action, resource);',
        HELD,
    ]
    for number in range(choose([0, 1, 2, 3])):
        action = choose([*TOOLS])
        who = choose(["principal", "principal is User", "principal is Agent"])
        scope = f'{who}, action == Action::"{action}", resource'
        texts.append(forbid(choose, f"f{number}", scope, (*GRANT, *INPUT[action])))
    for number in range(0 if generous else choose([0, 0, 1, 2])):
        task, verb = choose(TASKS), choose(["start", "delegate"])
        who = choose(["principal", "principal is User"])
        scope = f'{who}, action == AgentPDP::Action::"{verb}.{task}", resource'
        texts.append(forbid(choose, f"g{number}", scope, (*GRANT, *HANDING, *HANDED[task])))
    for number in range(choose([0, 1])):
        scope = 'principal, action == AgentPDP::Action::"approve", resource'
        texts.append(forbid(choose, f"h{number}", scope, (*GRANT, *APPROVING), roles=False))
    return "\n".join(texts) + "\n"


def task(
    choose: Choose, name: str, vocabulary: dict[str, tuple[str, ...]], bare: bool, generous: bool
) -> str:
    """The policies of a task; a bare one reads nothing of its hop."""
    texts = []
    tools = [*TOOLS] if generous else some(choose, [*TOOLS], 4)
    for action in tools:
        own = () if bare else OF_TASK.get((name, action), ())
        when = condition(choose, (*own, *own, *vocabulary[action]))
        texts.append(
            f'@id("{action}") permit (principal, action == Action::"{action}", resource){when};'
        )
    for number in range(choose([0, 0, 1, 2])):
        action = choose(tools)
        own = () if bare else (*OF_TASK.get((name, action), ()), *GRANT)
        scope = f'principal, action == Action::"{action}", resource'
        options = (*own, *vocabulary[action])
        texts.append(forbid(choose, f"f{number}", scope, options) if options else "")
    others = some(choose, TASKS, 3)
    for other in TASKS if generous else others:
        choices: tuple[str, ...] = (
            ()
            if bare or generous
            else (*HANDING, *HANDED[other], *(NARROWER[name] * (other == name)))
        )
        when = condition(choose, choices)
        scope = f'principal, action == AgentPDP::Action::"delegate.{other}", resource'
        texts.append(f'@id("hand-{other}") permit ({scope}){when};')
    return "\n".join(texts) + "\n"


def all_tasks(choose: Choose, vocabulary: dict[str, tuple[str, ...]]) -> str:
    """A forbid that binds every task."""
    action = choose([*TOOLS])
    scope = f'principal, action == Action::"{action}", resource'
    return forbid(choose, "every", scope, vocabulary[action]) + "\n"


def task_toml(choose: Choose, name: str, own: str | None) -> str:
    lines = [f'description = "Task {name}"', f'lifetime = "{LIFETIMES[name]}"']
    if rarely(choose, 3):
        people, agents = map(choose, PARTIES)
        lines += [f"principals = [{people}]", f"agents = [{agents}]"]
    lines += [f"own = {own}"] if own else []
    params = [f"{key} = {value}" for key, value in PARAMS[name].items()]
    return "\n".join([*lines, "[params]", *params]) + "\n"


def bundle(
    choose: Choose, *, bare: bool = False, own: bool = True, generous: bool = False
) -> Files:
    """The texts of a bundle.

    In a bare one tasks read neither `principal` nor `context.grant`; in a generous one nearly
    every task may be started, and handed on to every agent.
    """
    vocabulary = PLAIN if bare else {each: (*INPUT[each], *GRANT) for each in INPUT}
    files = {
        "agentpdp.toml": SETTINGS.lstrip(),
        "schema.cedarschema": SCHEMA.lstrip(),
        "policies/ceilings.cedar": ceilings(choose, generous),
        "entities.json": json.dumps([some_entity(choose, *uid, generous) for uid in NAMED]),
    }
    tools = [
        {
            "name": name,
            "description": name,
            "inputSchema": {"type": "object", "properties": properties, "required": required},
        }
        for name, (properties, required) in TOOLS.items()
    ]
    files["tools/tools.json"] = json.dumps({"tools": tools})
    for name in TASKS:
        shares = [None, None, None, '["impact.read", "delegate"]', '["edit", "delegate.t0"]']
        files[f"tasks/{name}.toml"] = task_toml(choose, name, choose(shares) if own else None)
        files[f"tasks/{name}.cedar"] = task(choose, name, vocabulary, bare, generous)
    if not rarely(choose, 3):
        files["tasks/all.cedar"] = all_tasks(choose, vocabulary)
    return files


def another_bundle(choose: Choose, files: Files) -> Files:
    """The same with other ceilings, another text of a task, or as it was."""
    changed = dict(files)
    what = choose([*["nothing"] * 4, "ceilings", *TASKS])
    if what == "ceilings":
        changed["policies/ceilings.cedar"] = ceilings(choose)
    elif what in TASKS:
        changed[f"tasks/{what}.cedar"] += "// another text\n"
    return changed


def uid(kind: str, name: str) -> str:
    return f'{kind}::"{name}"'


def params(choose: Choose) -> Json:
    """Parameters of any task, some of them wrong; those of no task asked for are unknown."""
    drawn: Json = {}
    if choose([True, True, False]):
        drawn["doc"] = choose(["d0", "d0", "d1", "d9", 5])
    if choose([True, False, False]):
        drawn["max"] = choose([0, 3, 4, 5, 9, 10, 4.0, "4"])
    if choose([True, False, False, False]):
        drawn["who"] = choose([["u0"], ["u0", "u1"], [], ["u9"], "u0"])
    if choose([True, False, False, False]):
        drawn["amount"] = choose([1, "2.5", "9.5", "9.6", 0.5])
    return drawn


def fitting(tasks: list[str], drawn: Json) -> Json:
    """Of the parameters drawn those that a task asked for has."""
    names = {name for task in tasks for name in PARAMS.get(task, ())}
    return {name: value for name, value in drawn.items() if name in names}


def any_order(choose: Choose) -> Json:
    """What `start` and `delegate` have in common."""
    tasks = choose([["t0"], ["t0"], ["t1"], ["t2"], ["t2"], ["t0", "t1"], ["t2", "t1"], ["t9"]])
    drawn = params(choose)
    kept = drawn if rarely(choose, 10) else fitting(tasks, drawn)
    if "t0" in tasks and not rarely(choose, 6):
        kept.setdefault("doc", "d0")
    order: Json = {"task": tasks[0] if len(tasks) == 1 else tasks, "params": kept}
    if choose([True, False, False]):
        order["expires_in"] = choose([1_000, 30_000, 60_000, "1m", "2m", "11m", 0])
    agent = choose([*AGENTS, *AGENTS, "a9"])
    order["agent"] = uid(agent_type(agent), agent)
    if rarely(choose, 15):
        order["agent"] = uid("User", "u0")
    return order


def good_order(choose: Choose) -> Json:
    """An order that only policies, the chain or its limits may refuse."""
    tasks = choose([["t0"], ["t0"], ["t2"], ["t2"], ["t0", "t1"], ["t2", "t1"]])
    drawn: Json = {"doc": choose(["d0", "d0", "d1"]), "max": choose([3, 4, 5, 9])}
    drawn.update(choose([{}, {"who": ["u0"], "amount": 4}]))
    task = tasks[0] if len(tasks) == 1 else tasks
    agent = choose(AGENTS)
    return {
        "task": task,
        "params": fitting(tasks, drawn),
        "agent": uid(agent_type(agent), agent),
    }


def any_call(choose: Choose) -> Json:
    """Action and arguments of a call, mostly good."""
    odd = rarely(choose, 6)
    action = choose(["edit", "edit", "send", *TOOLS])
    call: Json = {"action": action, "arguments": {}}
    arguments = call["arguments"]
    if action in ("edit", "view"):
        arguments["doc"] = choose(["d0", "d0", "d0", "d1"])
    if action == "edit":
        arguments["n"] = choose([0, 3, 4, 4.0, 5, 9])
        if rarely(choose, 4):
            arguments["note"] = choose(["x", "x", "y"])
        if rarely(choose, 4):
            call["context"] = choose([{"ticket": "k"}, {"ticket": "l"}, {}])
    if action == "pay":
        arguments.update(to=choose(["x", "y"]), amount=choose([1, 2.5, 9.75]))
    if action == "send":
        arguments["to"] = choose([["ann@x.org"], ["Ann <ann@x.org>"], ["b@y.org", "ANN@X.org"]])
        optional = {
            "link": ["https://x.org/a", "HTTPS://X.org:443/a", "https://y.org/"],
            "tags": [["k"], ["l", "k", "l"], []],
            "meta": [{"a": 4}, {"a": 1, "b": True}, {"b": False}, {}],
            "owner": ["u0", "u1"],
        }
        arguments.update({name: choose(optional[name]) for name in some(choose, [*optional], 3)})
    return spoiled(choose, call) if odd else call


def spoiled(choose: Choose, call: Json) -> Json:
    """The call with something wrong, or at least unusual, in it."""
    wrong: Json = {
        "action": ["nothing", uid("Action", "view"), "approve", 5],
        "resource": [uid("Doc", "d0"), uid("Doc", "d1"), uid("User", "u0"), 5],
        "context": [{"ticket": 1}, {"grant": 1}, {"other": 1}, []],
        "doc": ["d9", 5, None],
        "n": ["4", 2**63, 0.5, True],
        "note": [1, "\ud800"],
        "amount": ["1", 2**70],
        "other": [1],
        "to": [[], ["ann"], ["a@x.org;b@y.org"], ["Ann <a@x.org> <b@y.org>"], "ann@x.org", 5, None],
        "link": ["https://x.org@y.org/", "https://x.org/%2e%2e/", "//x.org", "", 5],
        "tags": [["k", 1], "k", [["k"]]],
        "meta": [{"a": "1"}, {"c": 1}, 5, {"a": 2**63}, {"__entity": {"type": "User", "id": "u0"}}],
        "owner": ["u9", 5, {"type": "User", "id": "u0"}],
    }
    declared = TOOLS.get(call["action"], ({}, []))[0]
    unusual = [*(name for name in declared if name in wrong), "other"]
    name = choose([*unusual, *unusual, "action", "resource", "context"])
    if name in ("action", "resource", "context"):
        return {**call, name: choose(wrong[name])}
    return {**call, "arguments": {**call["arguments"], name: choose(wrong[name])}}
