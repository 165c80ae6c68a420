"""Every exception that agentpdp raises.

AgentPdpError
  BundleError    a bundle does not load: ``.findings`` says where, what is wrong and what is right
  EntityError    entity data cannot be taken: bad form, against the schema, or a cycle
  LinkError      a template cannot be linked like that
  EncodeError    something to be encoded is no entity
  ColumnError    the columns of a batch cannot be read
  ReloadError    a bundle cannot take the place of the one that decides
  GrantRequired  the bundle has tasks, so it decides calls under grants only
  Denied         a call is not allowed: ``.decision`` says why
  StepUpNeeded   somebody must approve a call first: ``.decision`` says what

A call's own failure never raises: it is in its decision, and denies. Only who asks for an exception
gets one for it (``require``), and who asks for a grant (``start``, ``delegate``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agentpdp._core import Finding


class AgentPdpError(Exception):
    """The base of all exceptions of agentpdp."""


class BundleError(AgentPdpError):
    """A bundle does not load.

    Attributes:
        findings: every error and warning, each with code, file, line, column, message and advice.
    """

    findings: tuple[Finding, ...]

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        errors = [finding for finding in self.findings if finding.severity == "error"]
        shown = "\n".join(str(finding) for finding in errors[:20])
        more = f"\nand {len(errors) - 20} more" if len(errors) > 20 else ""
        super().__init__(f"the bundle does not load:\n{shown}{more}")


class EntityError(AgentPdpError):
    """Entity data cannot be taken; nothing of it was."""


class LinkError(AgentPdpError):
    """A template cannot be linked like that; no link was added."""


class EncodeError(AgentPdpError):
    """Something to be encoded is no entity."""


class ColumnError(AgentPdpError):
    """The columns of a batch cannot be read; no row was decided."""


class ReloadError(AgentPdpError):
    """A bundle cannot take the place of the one that decides; nothing has changed."""


class GrantRequired(AgentPdpError):  # noqa: N818
    """The bundle has tasks, so it decides calls under grants only."""


class Denied(AgentPdpError):  # noqa: N818
    """A call is not allowed.

    Attributes:
        decision: what was decided, where and why.
    """

    decision: Any

    def __init__(self, decision: Any) -> None:
        self.decision = decision
        super().__init__(f"{decision.reason}: {decision.message}")


class StepUpNeeded(AgentPdpError):  # noqa: N818
    """Somebody must approve a call first.

    Attributes:
        decision: what was decided; its ``approval_request`` says what is needed.
    """

    decision: Any

    def __init__(self, decision: Any) -> None:
        self.decision = decision
        super().__init__(f"{decision.reason}: {decision.message}")


class EventError(AgentPdpError):
    """A line is no event, or what it tells cannot have happened.

    Attributes:
        line: number of the line, counted from 1, where there is one.
        what: what is wrong.
        right: what would be right; may be empty.
    """

    line: int | None
    what: str
    right: str

    def __init__(self, what: str, line: int | None = None, right: str = "") -> None:
        self.line, self.what, self.right = line, what, right
        place = "" if line is None else f"line {line}: "
        super().__init__(f"{place}{what}{f': {right}' if right else ''}")
