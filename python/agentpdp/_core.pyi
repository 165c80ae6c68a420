"""The compiled part of agentpdp. Use it through ``agentpdp``."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol, Self, TypeAlias, final

import numpy as np
import numpy.typing as npt
from typing_extensions import disjoint_base

__all__ = [
    "Bundle",
    "Decision",
    "Decisions",
    "Engine",
    "EntityUid",
    "Finding",
    "PolicyError",
    "_finding_codes",
    "_floor_empty",
    "_floor_read",
    "_floor_read_batch",
    "_reasons",
]

_Uid: TypeAlias = EntityUid | tuple[str, str] | str

class _ArrowArray(Protocol):
    def __arrow_c_array__(
        self, requested_schema: object | None = None
    ) -> tuple[object, object]: ...

class _ArrowStream(Protocol):
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

@final
class EntityUid:
    """The type and the id of an entity. Immutable and hashable; ``str()`` gives Cedar text,
    ``User::"alice"``.

    Raises:
        ValueError: ``type`` is not the name of an entity type.
    """

    def __new__(cls, type: str, id: str, /) -> EntityUid: ...  # noqa: A002
    @staticmethod
    def parse(text: str, /) -> EntityUid:
        """The uid that Cedar text names.

        Raises:
            ValueError: the text is not of the form ``User::"alice"``.
        """
    @property
    def type(self) -> str:
        """The name of the type."""
    @property
    def id(self) -> str:
        """The id."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: object, /) -> bool: ...
    def __le__(self, other: object, /) -> bool: ...
    def __gt__(self, other: object, /) -> bool: ...
    def __ge__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class Finding:
    """One thing that is wrong or doubtful in a bundle. ``str()`` gives one line for people."""

    def __new__(
        cls,
        code: str,
        severity: str,
        file: str,
        message: str,
        advice: str,
        *,
        line: int | None = None,
        column: int | None = None,
        policy: str | None = None,
    ) -> Self: ...
    @property
    def code(self) -> str:
        """What kind it is, by the table of codes."""
    @property
    def severity(self) -> str:
        """``"error"`` or ``"warning"``."""
    @property
    def file(self) -> str:
        """The file, by its path in the bundle."""
    @property
    def line(self) -> int | None:
        """The line, counted from 1."""
    @property
    def column(self) -> int | None:
        """The column, counted from 1, in characters."""
    @property
    def policy(self) -> str | None:
        """The policy, by its id."""
    @property
    def message(self) -> str:
        """What is wrong."""
    @property
    def advice(self) -> str:
        """What would be right; may be empty."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@disjoint_base
class Bundle:
    """What ``agentpdp.Bundle`` is made of."""

    def __new__(
        cls,
        *,
        policies: Sequence[tuple[str, str]],
        schema: str | None,
        entities: str | None,
        name: str | None,
        digest: str,
        on_error: str,
        ids: str = "annotation",
        validate: bool = True,
        progress: Callable[[int, int], None] | None = None,
    ) -> Self: ...
    @property
    def name(self) -> str | None:
        """A name for people, if the bundle has one."""
    @property
    def digest(self) -> str:
        """SHA-256 of the content, 64 hexadecimal digits (over the sorted paths, each with the
        SHA-256 of its file)."""
    @property
    def on_error(self) -> Literal["deny", "cedar"]:
        """What an erring forbid does."""
    @property
    def policies(self) -> tuple[str, ...]:
        """Ids of the static policies, in the order of the files."""
    @property
    def templates(self) -> tuple[str, ...]:
        """Ids of the templates, in the order of the files."""
    @property
    def has_schema(self) -> bool:
        """Whether the bundle has a schema."""
    @property
    def entity_count(self) -> int:
        """Number of entities that the bundle brings, actions of the schema included."""
    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong or doubtful, by file and place."""
    def schema_text(self) -> str:
        """The text of the schema; empty if there is none."""
    def to_json(self) -> dict[str, Any]:
        """Policies in Cedar's JSON form, the resolved schema, the entities, ``on_error``."""

@final
class PolicyError:
    """An error of one policy."""

    @property
    def policy(self) -> str:
        """Id of the policy."""
    @property
    def code(self) -> str:
        """``type_error``, ``attribute_missing``, ``tag_missing``, ``entity_missing``, ``overflow``
        or ``extension_error``."""
    @property
    def message(self) -> str:
        """One sentence saying what went wrong where; no values of the call."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Decision:
    """What was decided of one call. Immutable; it has no truth value: ask ``.allowed``."""

    @property
    def verdict(self) -> Literal["allow", "deny"]:
        """The answer."""
    @property
    def allowed(self) -> bool:
        """Whether the verdict is ``"allow"``."""
    @property
    def reason(self) -> str:
        """The reason code."""
    @property
    def stage(self) -> str | None:
        """Where it was denied: ``"status"``, ``"arguments"``, ``"ceiling"``; None for an allow."""
    @property
    def policies(self) -> tuple[str, ...]:
        """Ids of the policies that decided, sorted."""
    @property
    def errors(self) -> tuple[PolicyError, ...]:
        """Every policy that erred, sorted by policy."""
    @property
    def epoch(self) -> int:
        """Number of changes of entities and links that the engine had seen."""
    @property
    def message(self) -> str:
        """One sentence saying why."""
    def __bool__(self) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: object, /) -> bool: ...
    def __le__(self, other: object, /) -> bool: ...
    def __gt__(self, other: object, /) -> bool: ...
    def __ge__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Decisions:
    """What was decided of each row of a batch, as columns in row order. It has no truth value."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> Decision: ...
    def __iter__(self) -> Iterator[Decision]: ...
    def __bool__(self) -> bool: ...
    @property
    def allowed(self) -> npt.NDArray[np.bool_]:
        """Whether each row is allowed."""
    @property
    def verdict(self) -> npt.NDArray[np.object_]:
        """``"allow"`` or ``"deny"`` for each row."""
    @property
    def reason(self) -> npt.NDArray[np.object_]:
        """The reason code of each row."""
    @property
    def policy(self) -> npt.NDArray[np.object_]:
        """The first deciding policy of each row by id, or None."""
    @property
    def policies(self) -> _ArrowArray:
        """All deciding policies of each row, sorted: an Arrow list of strings."""
    @property
    def errors(self) -> _ArrowArray:
        """All errors of each row: an Arrow list of structs of policy, code and message."""
    def to_arrow(self) -> Any:
        """All columns as one table: a ``pyarrow.Table`` where pyarrow is installed, else an object
        with ``__arrow_c_stream__``."""
    def counts(self) -> dict[str, Any]:
        """Rows by verdict (``allow``, ``deny``), by reason (``reasons``) and by deciding policy
        (``policies``)."""
    @property
    def _kernel_runs(self) -> tuple[int, int, int]: ...

@disjoint_base
class Engine:
    """What ``agentpdp.Engine`` is made of."""

    def __new__(cls, bundle: Bundle, /) -> Self: ...
    @property
    def bundle(self) -> Bundle:
        """The bundle that the engine decides by."""
    @property
    def epoch(self) -> int:
        """Number of changes of entities and links so far."""
    @property
    def entity_count(self) -> int:
        """Number of entities in the store."""
    def authorize(
        self,
        principal: _Uid,
        action: _Uid,
        resource: _Uid,
        context: Mapping[str, Any] | None = None,
        *,
        entities: Iterable[Mapping[str, Any]] | None = None,
        diagnostics: Literal["full", "verdict"] | None = None,
    ) -> Decision:
        """Decide one call. The call's own failure never raises: it denies.

        Args:
            principal: who asks: an ``EntityUid``, a ``(type, id)`` tuple or Cedar text.
            action: what is asked for.
            resource: what it is to be done to.
            context: attributes of the call, as Cedar's JSON, read by the schema where there is one.
            entities: entity JSON that only this call sees (say token claims as tags); slower.
            diagnostics: ``"verdict"`` may leave out policies that cannot change verdict and reason.

        Raises:
            EntityError: ``entities`` cannot be taken.
            ValueError: ``diagnostics`` is neither of its words.
        """
    def authorize_batch(
        self,
        columns: _ArrowStream | _ArrowArray | Mapping[str, Any] | Sequence[Mapping[str, Any]],
        /,
        *,
        threads: int | None = None,
        diagnostics: Literal["full", "verdict"] | None = None,
    ) -> Decisions:
        """Decide many calls; the interpreter lock is released once, while all of them are decided.

        Args:
            columns: an Arrow table, a dict of NumPy arrays by column name, or a sequence of dicts;
                columns ``principal``, ``action``, ``resource`` and ``context`` (or ``context.…`` by
                dotted names).
            threads: cores to use; None means all of them where that is worth it.

        Raises:
            ColumnError: a column is missing or cannot be read; no row was decided.
        """
    def encode(self, uids: Iterable[_Uid], /) -> npt.NDArray[np.uint64]:
        """Numbers for entities, for batches of id columns. They live as long as the engine.

        Raises:
            EncodeError: an item is no entity.
        """
    def upsert(self, entities: Iterable[Mapping[str, Any]], /) -> None:
        """Put entities in, each in place of what was there under its uid; all of them or, on an
        error, none.

        Raises:
            EntityError: bad form, against the schema, or a cycle.
        """
    def remove(self, uids: Iterable[_Uid], /) -> None:
        """Take entities out, and the edges to them; those that are not there are passed over.

        Raises:
            EntityError: an action of the schema is among them.
        """
    def link(
        self,
        template: str,
        link_id: str,
        *,
        principal: _Uid | None = None,
        resource: _Uid | None = None,
    ) -> None:
        """Link a template: its slots get these entities, and the link's id is its policy id.

        Raises:
            LinkError: the id is taken or no id, the template is unknown, or its slots are others.
        """
    def link_many(self, links: Iterable[tuple[str, str, _Uid | None, _Uid | None]], /) -> None:
        """Link templates, all of the links or none: tuples of template, link id, principal,
        resource.

        Raises:
            LinkError: as for :meth:`link`.
        """
    def unlink(self, link_id: str, /) -> bool:
        """Take a link away; false if there is none of this id."""
    def _statistics(self) -> dict[str, int]: ...

def _floor_empty(
    _principal: object, _action: object, _resource: object, _context: object
) -> None: ...
def _floor_read(
    principal: EntityUid, action: EntityUid, resource: EntityUid, context: dict[str, Any]
) -> None: ...
def _floor_read_batch(rows: list[dict[str, Any]]) -> None: ...
def _reasons() -> list[tuple[str, str, list[str], str]]: ...
def _finding_codes() -> list[tuple[str, str, str]]: ...
