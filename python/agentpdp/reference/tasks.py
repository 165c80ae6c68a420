"""Tasks: what a bundle with tasks declares besides its policies.

A task is a named, minimal scope for one workflow: typed parameters, a lifetime, policies. All of
this is fixed when the bundle is loaded.

Twin: rust/core/src/tasks.rs. Read next: authorize.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .schema import Attribute, Type
from .value import EntityUid, Value


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


@dataclass(frozen=True)
class TreeLimits:
    """How large chains and trees may grow: an injected agent must not exhaust memory."""

    depth_max: int = 16
    children_max: int = 1_024
    grants_max: int = 10_000


@dataclass(frozen=True)
class Declarations:
    """All that `agentpdp.toml` and `tasks/` say."""

    digest: str
    principals: frozenset[str]
    agents: frozenset[str]
    open_types: frozenset[str]
    claims: Mapping[str, Attribute]
    tasks: Mapping[str, Task]
    resources: Mapping[EntityUid, Mapping[str, str]]
    approve: EntityUid
    revoke: EntityUid
    limits: TreeLimits = field(default_factory=TreeLimits)
