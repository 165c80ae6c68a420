"""What does a bundle with tasks declare, for front ends?

A front end shows a person which tasks there are, asks for their parameters, and names actions. All
of this is fixed when the bundle is loaded.

Read next: ``bundle.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agentpdp._core import EntityUid

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Param:
    """One typed parameter of a task.

    Attributes:
        name: its name.
        type: its type as Cedar text, such as ``"Set<Account>"``.
        about: what it is, for a person.
        required: whether it must be given.
        default: what it is where it is not given, in Cedar's JSON form; None without a default.
        min: the least value, in Cedar's JSON form.
        max: the greatest value, in Cedar's JSON form.
        secret: whether it is never logged in the clear.
    """

    name: str
    type: str
    about: str
    required: bool
    default: Any
    min: Any
    max: Any
    secret: bool


@dataclass(frozen=True)
class Task:
    """A task of a bundle.

    Attributes:
        name: its name.
        description: what it is for.
        lifetime_ms: longest life of a grant of it, in milliseconds.
        params: its parameters, sorted by name.
        principals: types of principals it is for; None: all.
        agents: types of agents it is for; None: all.
        own: actions and groups that the holder may do itself; None: all.
    """

    name: str
    description: str
    lifetime_ms: int
    params: tuple[Param, ...]
    principals: tuple[str, ...] | None
    agents: tuple[str, ...] | None
    own: tuple[EntityUid, ...] | None


@dataclass(frozen=True)
class Action:
    """A tool, or an action of the host.

    Attributes:
        uid: its uid as Cedar text, such as ``Action::"pay"``.
        impact: what it does to the world: ``"read"``, ``"write"``, ``"reach"``, ``"leave"``.
        tool: the name of the tool; None for an action of the host.
    """

    uid: str
    impact: tuple[str, ...]
    tool: str | None


def read_task(name: str, declared: Mapping[str, Any]) -> Task:
    """A task of the JSON form."""
    own = declared["own"]
    return Task(
        name=name,
        description=declared["description"],
        lifetime_ms=declared["lifetime_ms"],
        params=tuple(_read_param(name, each) for name, each in sorted(declared["params"].items())),
        principals=_names(declared["principals"]),
        agents=_names(declared["agents"]),
        own=None if own is None else tuple(EntityUid(each["type"], each["id"]) for each in own),
    )


def read_action(uid: str, declared: Mapping[str, Any]) -> Action:
    """An action of the JSON form."""
    tool = declared["tool"]
    return Action(uid, tuple(declared["impact"]), None if tool is None else tool["name"])


def _names(names: list[str] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(names)


def _read_param(name: str, declared: Mapping[str, Any]) -> Param:
    return Param(
        name=name,
        type=type_text(declared["type"]),
        about=declared["about"],
        required="default" not in declared,
        default=declared.get("default"),
        min=declared.get("min"),
        max=declared.get("max"),
        secret=declared["secret"],
    )


def type_text(resolved: Mapping[str, Any]) -> str:
    """A resolved type as Cedar's schema language has it."""
    kind = resolved["kind"]
    if kind == "Set":
        return f"Set<{type_text(resolved['element'])}>"
    if kind == "Record":
        inner = (
            f"{name}{'' if each['required'] else '?'}: {type_text(each['type'])}"
            for name, each in sorted(resolved["attributes"].items())
        )
        return "{ " + ", ".join(inner) + " }"
    return str(resolved["name"] if kind in ("Entity", "Extension") else kind)
