"""Tasks: what a bundle with tasks declares besides its policies, and how parameters are read.

A task is a named, minimal scope for one workflow: typed parameters, a lifetime, policies. All of
this is fixed when the bundle is loaded. Values of parameters are read when a grant is issued; an
agent may have chosen them, so each must fit its type, its range and the entities that are known.

Twin: rust/core/src/tasks.rs. Read next: grants.py.
"""

from __future__ import annotations

import datetime as host_datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import datetime
from .expression import read_entity_uid
from .forms import Form, read_plan
from .policies import Policies, read_policies
from .request import Problem, Reader, milliseconds
from .schema import Attribute, Schema, Type, read_record, read_type
from .value import EntityUid, EvaluationError, Record, Set, Value, check, make_uid, parse_uid

ENGINE_ACTION = "AgentPDP::Action"
APPROVE, REVOKE = EntityUid(ENGINE_ACTION, "approve"), EntityUid(ENGINE_ACTION, "revoke")
PARAM_CODES = ("param_unknown", "param_missing", "param_type", "param_range")


@dataclass(frozen=True)
class Param:
    """One typed parameter; without a default it must be given."""

    name: str
    type: Type
    about: str = ""
    default: Value | None = None
    min: Value | None = None
    max: Value | None = None
    secret: bool = False

    def admits(self, value: Any) -> bool:
        """Whether a value of the type is in the range."""
        low, high = self.min, self.max
        return (low is None or amount(low) <= amount(value)) and (
            high is None or amount(value) <= amount(high)
        )


@dataclass(frozen=True)
class Task:
    """A scope with its parameters. `principals`, `agents` and `own` are None where they are all."""

    name: str
    description: str
    lifetime_ms: int
    params: Mapping[str, Param]
    principals: frozenset[str] | None
    agents: frozenset[str] | None
    own: frozenset[EntityUid] | None
    start: EntityUid
    delegate: EntityUid
    digest: str
    policies: Policies = field(default_factory=Policies)


@dataclass(frozen=True)
class TreeLimits:
    """How large chains and trees may grow: an injected agent must not exhaust memory."""

    depth_max: int = 16
    children_max: int = 1_024
    grants_max: int = 10_000


@dataclass(frozen=True)
class Declarations:
    """All that `agentpdp.toml` and `tasks/` say.

    `actions` are the host's, as they are declared; `forms` says how their arguments are read.
    """

    digest: str
    principals: frozenset[str]
    agents: frozenset[str]
    open_types: frozenset[str]
    claims: Mapping[str, Attribute]
    tasks: Mapping[str, Task]
    actions: Mapping[EntityUid, Mapping[str, Any]]
    forms: Mapping[EntityUid, Form]
    approve: EntityUid = APPROVE
    revoke: EntityUid = REVOKE
    limits: TreeLimits = field(default_factory=TreeLimits)

    def action(self, name: Any) -> EntityUid | None:
        """The host's action of this name: its id, if only one has it, or its uid."""
        named = [uid for uid in self.actions if isinstance(name, str) and uid.id == name]
        if len(named) == 1:
            return named[0]
        uid = parse_uid(name) if isinstance(name, str) else None
        uid = uid or make_uid(getattr(name, "type", None), getattr(name, "id", None))
        return uid if uid in self.actions else None


def read_declarations(json: Any, schema: Schema) -> Declarations:
    """What stands under `delegation` in the JSON of a bundle with tasks."""
    limits = json["limits"]
    tasks = {name: read_task(name, each, schema) for name, each in sorted(json["tasks"].items())}
    return Declarations(
        digest=json["digest"],
        principals=frozenset(json["principals"]),
        agents=frozenset(json["agents"]),
        open_types=frozenset(json["open_types"]),
        claims=read_record({"attributes": json["claims"]}).attributes,
        tasks=tasks,
        actions={read_named(name): each for name, each in json["actions"].items()},
        forms={read_named(name): read_form(each) for name, each in json["actions"].items()},
        limits=TreeLimits(limits["depth"], limits["children"], limits["grants"]),
    )


def read_form(json: Any) -> Form:
    """How the arguments of one of the host's actions are read; one that is no tool takes none.

    The argument that names the resource must be there; whether it is known is asked later.
    """
    rule = json["resource"]
    required = [rule["from"]] if rule["rule"] == "argument" else []
    schema = json["tool"]["inputSchema"] if json["tool"] else {}
    return read_plan(schema, {**json, "resource": None, "require": [*json["require"], *required]})


def read_named(thing: Any) -> EntityUid:
    """An entity's name, as Cedar text or in JSON."""
    uid = parse_uid(thing) if isinstance(thing, str) else read_entity_uid(thing)
    check(uid is not None, "uid", "expected the name of an action")
    return uid or EntityUid(ENGINE_ACTION, "")


def read_task(name: str, json: Any, schema: Schema) -> Task:
    own = json["own"]
    return Task(
        name=name,
        description=json["description"],
        lifetime_ms=json["lifetime_ms"],
        params={each: read_param(each, body, schema) for each, body in json["params"].items()},
        principals=None if json["principals"] is None else frozenset(json["principals"]),
        agents=None if json["agents"] is None else frozenset(json["agents"]),
        own=None if own is None else frozenset(read_named(each) for each in own),
        start=EntityUid(ENGINE_ACTION, f"start.{name}"),
        delegate=EntityUid(ENGINE_ACTION, f"delegate.{name}"),
        digest=json["digest"],
        policies=read_policies(json["policies"]),
    )


def read_param(name: str, json: Any, schema: Schema) -> Param:
    kind = read_type(json["type"])
    values = {}
    for bound in ("default", "min", "max"):
        if json.get(bound) is not None:
            values[bound] = Reader(schema).value(json[bound], kind, (name, bound))
            check(values[bound] is not None, "param", f"`{name}`: `{bound}` is not of its type")
    return Param(name, kind, json.get("about", ""), **values, secret=json.get("secret", False))


def amount(value: Any) -> int:
    """What orders values of a type with an order."""
    for unit in ("milliseconds", "units", "value"):
        if hasattr(value, unit):
            return int(getattr(value, unit))
    raise AssertionError("only ordered types have ranges")


class ParamReader(Reader):
    """Reads as any context is read; where an entity is expected, text or an integer is its id."""

    def read(self, thing: Any, expected: Type | None, where: tuple[str, ...]) -> Value | None:
        if expected and expected.kind == "Entity" and not isinstance(thing, bool):
            if isinstance(thing, float) and thing.is_integer():
                thing = int(thing)
            if isinstance(thing, str | int):
                return make_uid(expected.name, str(thing))
        return super().read(thing, expected, where)


def read_params(
    tasks: Sequence[Task], given: Any, schema: Schema, known: Callable[[EntityUid], bool]
) -> Mapping[str, Record] | Problem:
    """The parameters' values by task, or the problem whose code comes first in `PARAM_CODES`."""
    given = {} if given is None else given
    if not isinstance(given, Mapping):
        return Problem("param_type", "`params`: expected a mapping of names to values")
    problems = []
    declared: dict[str, Type] = {}
    for param in (param for task in tasks for param in task.params.values()):
        if declared.setdefault(param.name, param.type) != param.type:
            problems.append(Problem("param_type", f"`{param.name}`: the tasks give it two types"))
    if not all(name in declared for name in given):
        problems.append(Problem("param_unknown", "`params`: no task has a parameter of this name"))
    rows = {}
    for task in tasks:
        row = {name: read_value(each, given, schema, known) for name, each in task.params.items()}
        problems += [each for each in row.values() if isinstance(each, Problem)]
        rows[task.name] = Record({k: v for k, v in row.items() if isinstance(v, Value)})
    return min(problems, key=lambda each: PARAM_CODES.index(each.code), default=None) or rows


def read_value(
    param: Param, given: Mapping[str, Any], schema: Schema, known: Callable[[EntityUid], bool]
) -> Value | Problem:
    """The value given, or the default."""
    value = param.default
    if param.name in given:
        value = ParamReader(schema).value(given[param.name], param.type, ("params", param.name))
        if value is None:
            return Problem("param_type", f"`{param.name}`: does not fit its type")
    if value is None:
        return Problem("param_missing", f"`{param.name}`: has no default, so it must be given")
    if not all(map(known, uids(value))):
        return Problem("param_type", f"`{param.name}`: names an entity that is not in the store")
    if not param.admits(value):
        return Problem("param_range", f"`{param.name}`: is outside its range")
    return value


def uids(value: Value) -> Iterator[EntityUid]:
    """Every entity that a value names."""
    if isinstance(value, EntityUid):
        yield value
    elif isinstance(value, Set):
        for element in value.elements:
            yield from uids(element)
    elif isinstance(value, Record):
        for each in value.attributes.values():
            yield from uids(each)


def read_lifetime(thing: Any) -> int | None:
    """A lifetime as asked for, in milliseconds; None for what is no length of time above zero."""
    try:
        if isinstance(thing, host_datetime.timedelta):
            thing = milliseconds(thing)
        elif isinstance(thing, str):
            thing = datetime.parse_duration(thing).milliseconds
    except EvaluationError:
        return None
    whole = isinstance(thing, int) and not isinstance(thing, bool)
    return int(thing) if whole and thing > 0 else None
