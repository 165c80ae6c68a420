"""The compiled part of agentpdp. Use it through ``agentpdp``."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal, Protocol, Self, TypeAlias, final

import numpy as np
import numpy.typing as npt
from typing_extensions import disjoint_base

__all__ = [
    "_BUILD",
    "ApprovalRequest",
    "Bundle",
    "CallDecisions",
    "Decision",
    "Decisions",
    "Engine",
    "EntityUid",
    "Explanation",
    "Finding",
    "Grant",
    "PolicyError",
    "_CallReplay",
    "_PlayedCalls",
    "_canonical",
    "_finding_codes",
    "_floor_call",
    "_floor_call_empty",
    "_floor_empty",
    "_floor_read",
    "_floor_read_batch",
    "_read_arguments",
    "_read_kind",
    "_read_line",
    "_reasons",
]

_BUILD: Literal["plain", "profile-guided", "instrumented"]

_Uid: TypeAlias = EntityUid | tuple[str, str] | str
_Length: TypeAlias = int | str | timedelta

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
        files: Sequence[tuple[str, str]],
        digest: str,
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
    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of the tasks, sorted; empty for a plain bundle."""
    def _declared(self) -> tuple[str, str] | None: ...
    def schema_text(self, task: str | None = None) -> str:
        """The text of the schema; empty if there is none.

        Of a bundle with tasks it is the ceiling schema, or that of a task.

        Raises:
            KeyError: there is no such task.
        """
    def to_json(self) -> dict[str, Any]:
        """Policies in Cedar's JSON form, the resolved schema, the entities, ``on_error``; of a
        bundle with tasks also ``delegation``: all that it declares, and the tasks' policies."""

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
    def verdict(self) -> Literal["allow", "step_up", "deny"]:
        """The answer; ``"step_up"``: a person must approve first."""
    @property
    def allowed(self) -> bool:
        """Whether the verdict is ``"allow"``."""
    @property
    def reason(self) -> str:
        """The reason code."""
    @property
    def stage(self) -> str | None:
        """Where it was decided: ``"status"``, ``"arguments"``, ``"ceiling"``, ``"task"``; None for
        an allow."""
    @property
    def hop(self) -> int | None:
        """The hop of the chain that decided; None for an allow, for the principal's ceiling and
        where no hop is to be named."""
    @property
    def party(self) -> EntityUid | None:
        """Who was asked as Cedar's principal, where a question decided under a grant."""
    @property
    def arguments(self) -> dict[str, Any] | None:
        """Under a grant, the arguments that were judged and are to be run; a copy. None where they
        could not be read."""
    @property
    def approval_request(self) -> ApprovalRequest | None:
        """For ``"step_up"``: what to show a person and to hand to ``Engine.approve``."""
    @property
    def advice(self) -> dict[str, Any]:
        """What a model may see: ``reason``, ``hop``, ``argument``, ``expected`` and ``roles`` that
        could be asked; nothing of other parties' policies."""
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

    def __new__(
        cls,
        bundle: Bundle,
        /,
        *,
        clock: Literal["system", "caller"] | Callable[[], int] | None = None,
    ) -> Self: ...
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
    def start(
        self,
        task: str | Sequence[str],
        *,
        principal: _Uid,
        agent: _Uid,
        params: Mapping[str, Any] | None = None,
        claims: Mapping[str, Any] | None = None,
        expires_in: _Length | None = None,
        valid_from: int | None = None,
        by: _Uid | None = None,
        at: int | None = None,
    ) -> Grant:
        """Start a task, or several at once, for a person or service: the root of a tree.

        Starting is a call of ``start.<task>``: the principal's ceiling must allow it.

        Args:
            task: the name of a task of the bundle, or a list of them.
            principal: the original person or service.
            agent: the agent that is to hold the grant.
            params: values of the tasks' parameters by name; where an entity is expected, text or an
                integer is its id.
            claims: claims of the principal's token, all that ``[claims]`` declares.
            expires_in: how long it is valid: milliseconds, a ``timedelta`` or text like ``"30m"``;
                at most the tasks' lifetime, which it is where left out.
            valid_from: milliseconds UTC; now where left out.
            by: a second party that asks; its ceiling must allow it, too.
            at: the time, for engines with ``clock="caller"``; milliseconds UTC.

        Raises:
            Denied: it is refused; ``.decision`` says why.
            StepUpNeeded: somebody must approve it first; ``.decision.approval_request``.
        """
    def approve(
        self,
        request: ApprovalRequest,
        /,
        *,
        by: _Uid,
        expires_in: _Length | None = None,
        at: int | None = None,
    ) -> None:
        """Let exactly the call of a request pass, once, as far as the policies it names are in its
        way.

        Approving is a call of ``approve``, decided by the approver's ceiling. An approval ends with
        the chain, after ``expires_in``, and when the bundle is reloaded.

        Raises:
            Denied: the approver may not.
            ValueError: the request comes from another engine.
        """
    def revoke(
        self,
        *,
        grant: Grant | str | None = None,
        agent: _Uid | None = None,
        principal: _Uid | None = None,
        task: str | None = None,
        by: _Uid | None = None,
        at: int | None = None,
    ) -> None:
        """End grants for good: one and everything below it, or all of an agent, a principal or a
        task, now and later. Effective for every decision that begins after it returned.

        Args:
            by: somebody who asks, for a ``grant``: decided by ``revoke`` rules. Without it the host
                revokes, which is never asked of policies.

        Raises:
            Denied: ``by`` may not.
        """
    def reload(self, bundle: Bundle, /) -> None:
        """Put another bundle in the place of the one that decides, in one step.

        Its policies apply to every decision that begins after it returned; grants of a task whose
        text it holds otherwise deny ``task_changed``. Entities, links and revocations of run time
        stay; approvals end.

        Raises:
            BundleError: it does not load over what the engine knows.
            ReloadError: something that stays does not fit it; nothing has changed.
        """
    def suspend(
        self,
        *,
        grant: Grant | str | None = None,
        agent: _Uid | None = None,
        principal: _Uid | None = None,
        task: str | None = None,
    ) -> None:
        """Block grants until :meth:`resume`."""
    def resume(
        self,
        *,
        grant: Grant | str | None = None,
        agent: _Uid | None = None,
        principal: _Uid | None = None,
        task: str | None = None,
    ) -> None:
        """Lift a suspension."""
    def grant(self, id: str, /, *, agent: _Uid) -> Grant:  # noqa: A002
        """The grant of an id, for the agent that acts: an id is a name, not a capability.

        Raises:
            Denied: ``unknown_grant``, or ``agent_mismatch``.
        """
    def decide_batch(
        self,
        columns: _ArrowStream | _ArrowArray | Mapping[str, Any] | Sequence[Mapping[str, Any]],
        /,
        *,
        threads: int | None = None,
    ) -> CallDecisions:
        """Decide many calls under grants of any trees; the interpreter lock is released once, while
        all of them are decided. Row order is call order.

        Args:
            columns: an Arrow table, a dict of columns by name, or a sequence of dicts: ``grant`` (a
                ``Grant``, or an id with ``agent`` beside it), ``action``, ``arguments`` (a dict or
                struct column, or ``arguments.…`` by dotted names), and where needed ``resource``,
                ``context`` and ``at``.
            threads: cores to use; None means all of them where that is worth it.

        Raises:
            ColumnError: a column is missing or cannot be read; no row was decided.
        """
    @property
    def grant_count(self) -> int:
        """Number of grants that are known by id: live ones, and those not cleared away yet."""
    def _explain(
        self,
        grant: Grant,
        action: _Uid,
        arguments: Mapping[str, Any] | None = None,
        *,
        resource: _Uid | None = None,
        context: Mapping[str, Any] | None = None,
        at: int | None = None,
    ) -> Explanation: ...
    def _statistics(self) -> dict[str, int]: ...

_CallCount: TypeAlias = tuple[
    tuple[str, ...], str, Literal["allow", "step_up", "deny"], str, str | None, list[str], int
]

@final
class _CallReplay:
    """The calls of a history, read and decided in bulk."""

    def __new__(cls, engine: Engine) -> Self: ...
    def name(self, name: str, grant: Grant | None, tasks: Sequence[str], /) -> None: ...
    def play(self, block: bytes, start: int, /) -> _PlayedCalls: ...
    def tally(self) -> list[_CallCount]: ...

@final
class _PlayedCalls:
    """Calls of a block, decided."""

    @property
    def end(self) -> int: ...
    @property
    def lines(self) -> int: ...
    @property
    def is_full(self) -> bool: ...
    @property
    def differing(self) -> list[int]: ...
    @property
    def requests(self) -> list[tuple[int, str]]: ...
    @property
    def verdicts(self) -> bytes: ...
    def place(self, row: int) -> tuple[int, int, int]: ...
    def __len__(self) -> int: ...
    def __getitem__(self, row: int, /) -> Decision: ...

@final
class Grant:
    """One issued task as its holder has it: it decides, hands on and closes. It does not lead back
    to the engine. Immutable."""

    @property
    def id(self) -> str:
        """32 hexadecimal digits: a name, not a capability."""
    @property
    def principal(self) -> EntityUid:
        """The original person or service."""
    @property
    def agent(self) -> EntityUid:
        """Who holds it."""
    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of its tasks."""
    @property
    def params(self) -> dict[str, Any]:
        """Values of the parameters by name."""
    @property
    def depth(self) -> int:
        """0 for a root."""
    @property
    def valid_from(self) -> int:
        """Valid from then on, milliseconds UTC."""
    @property
    def expires(self) -> int:
        """Valid before then, milliseconds UTC."""
    @property
    def parent(self) -> str | None:
        """The id of the grant that it was delegated under; None for a root."""
    def decide(
        self,
        action: _Uid,
        arguments: Mapping[str, Any] | None = None,
        *,
        resource: _Uid | None = None,
        context: Mapping[str, Any] | None = None,
        at: int | None = None,
    ) -> Decision:
        """Decide one call under the grant. The call's own failure never raises: it denies.

        Args:
            action: the name of a tool, or the action as an entity.
            arguments: what is to be handed to the tool, as JSON.
            resource: what it is to be done to, where the bundle leaves that to the caller;
                elsewhere it must be what the bundle's rule gives.
            context: the host's own attributes of the call.
            at: the time, for engines with ``clock="caller"``; milliseconds UTC.
        """
    def require(
        self,
        action: _Uid,
        arguments: Mapping[str, Any] | None = None,
        *,
        resource: _Uid | None = None,
        context: Mapping[str, Any] | None = None,
        at: int | None = None,
    ) -> Decision:
        """Decide as :meth:`decide`, and raise unless it is allowed.

        Raises:
            Denied: it is denied; ``.decision`` says why.
            StepUpNeeded: somebody must approve it first.
        """
    def delegate(
        self,
        task: str | Sequence[str],
        *,
        agent: _Uid,
        params: Mapping[str, Any] | None = None,
        only_actions: Iterable[str | EntityUid] | None = None,
        only_resources: Iterable[_Uid] | None = None,
        expires_in: _Length | None = None,
        at: int | None = None,
    ) -> Grant:
        """Hand on a task to another agent: a call of ``delegate.<task>`` under this grant.

        Args:
            only_actions: actions and groups of them that the child is limited to.
            only_resources: entities, or groups of them, that the child is limited to.
            expires_in: at most what this grant and the tasks leave, which it is where left out.

        Raises:
            Denied: it is refused; ``.decision`` says why.
            StepUpNeeded: somebody must approve it first.
        """
    def actions(self, *, at: int | None = None) -> dict[str, Literal["never", "always", "depends"]]:
        """What to expect of each tool, to filter what a model is offered: ``"never"`` allowed,
        ``"always"`` (if its arguments can be read), or it ``"depends"`` on the call."""
    def close(self) -> None:
        """End the grant: nothing under it works any more."""
    def __enter__(self) -> Self: ...
    def __exit__(
        self, _exception_type: object, _exception: object, _traceback: object, /
    ) -> None: ...

@final
class ApprovalRequest:
    """What somebody has to approve before one call is allowed: data to show a person, and what to
    hand to ``Engine.approve``."""

    @property
    def digest(self) -> str:
        """The call's digest, 64 hexadecimal digits."""
    @property
    def needed(self) -> tuple[tuple[str, str], ...]:
        """Pairs of policy and role, sorted."""
    @property
    def grant(self) -> str | None:
        """The id of the grant of the call; None for a ``start``."""
    @property
    def principal(self) -> EntityUid:
        """The original person or service."""
    @property
    def agent(self) -> EntityUid:
        """The agent that acts, or is to."""
    @property
    def tasks(self) -> list[str]:
        """Names of its tasks."""
    @property
    def action(self) -> EntityUid:
        """What is to be done."""
    @property
    def resource(self) -> EntityUid:
        """What it is to be done to."""
    @property
    def arguments(self) -> dict[str, Any]:
        """What is to be handed to the tool, or what is asked of ``start`` or ``delegate``."""
    def to_json(self) -> dict[str, Any]:
        """All of it as JSON-like data."""

@final
class CallDecisions:
    """What was decided of each row of a batch of calls under grants, as columns in row order."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> Decision: ...
    def __iter__(self) -> Iterator[Decision]: ...
    def __bool__(self) -> bool: ...
    @property
    def allowed(self) -> npt.NDArray[np.bool_]:
        """Whether each row is allowed."""
    @property
    def verdict(self) -> npt.NDArray[np.object_]:
        """``"allow"``, ``"step_up"`` or ``"deny"`` for each row."""
    @property
    def reason(self) -> npt.NDArray[np.object_]:
        """The reason code of each row."""
    @property
    def stage(self) -> npt.NDArray[np.object_]:
        """Where each row was decided, or None."""
    @property
    def hop(self) -> npt.NDArray[np.object_]:
        """The hop that decided each row, or None."""
    @property
    def policy(self) -> npt.NDArray[np.object_]:
        """The first deciding policy of each row by id, or None."""
    @property
    def policies(self) -> _ArrowArray:
        """All deciding policies of each row, sorted: an Arrow list of strings."""
    def to_arrow(self) -> Any:
        """All columns as one table: a ``pyarrow.Table`` where pyarrow is installed, else an object
        with ``__arrow_c_stream__``."""
    def counts(self) -> dict[str, Any]:
        """Rows by verdict, by reason (``reasons``) and by deciding policy (``policies``)."""

@disjoint_base
class Explanation:
    """What ``agentpdp.Explanation`` is made of."""

    def __new__(cls, other: Explanation) -> Self: ...
    @property
    def decision(self) -> Decision:
        """The decision that the call would get."""
    @property
    def principal(self) -> EntityUid:
        """The original person or service."""
    @property
    def action(self) -> EntityUid | None:
        """What is asked for; None where the call could not be read."""
    @property
    def resource(self) -> EntityUid | None:
        """What it is to be done to; None where the call could not be read."""
    @property
    def at(self) -> int:
        """The tree's time, milliseconds UTC."""
    @property
    def hops(self) -> list[dict[str, Any]]:
        """The chain's grants, root first: ``grant``, ``agent``, ``tasks``, ``depth``,
        ``valid_from``, ``expires``, and ``only_actions`` and ``only_resources`` or None."""
    @property
    def answers(self) -> list[dict[str, Any]]:
        """What was asked, in order, and what it came to: ``stage``, ``hop``, ``party``,
        ``verdict``, ``reason``, ``policies``, ``permits``, ``forbids``, ``errors``, ``needed``,
        ``approved``; where no permit is satisfied also ``near``: permits that name the action
        (``policy``), each with what keeps it from being satisfied (``hindrance``: ``"condition"``,
        ``"error"``, ``"resource"``, ``"principal"``), and ``near_more``: how many more there
        are."""

def _floor_call(grant: Grant, action: str, arguments: dict[str, Any]) -> str: ...
def _floor_call_empty(_grant: object, _action: object, _arguments: object) -> None: ...
def _floor_empty(
    _principal: object, _action: object, _resource: object, _context: object
) -> None: ...
def _floor_read(
    principal: EntityUid, action: EntityUid, resource: EntityUid, context: dict[str, Any]
) -> None: ...
def _floor_read_batch(rows: list[dict[str, Any]]) -> None: ...
def _read_arguments(
    schema: str,
    declaration: str,
    arguments: object,
    known: list[tuple[str, str]],
    open_types: list[str],
    text: str | None = None,
) -> str: ...
def _read_kind(kind: str, given: object) -> str: ...
def _read_line(line: bytes, /) -> dict[str, Any] | None: ...
def _canonical(arguments: object) -> str: ...
def _reasons() -> list[tuple[str, str, list[str], str]]: ...
def _finding_codes() -> list[tuple[str, str, str]]: ...
