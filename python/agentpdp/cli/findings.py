"""What is wrong with a bundle, as text for people and as JSON.

Places are those of the file as it is opened from here, so that an editor can jump to them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentpdp import Finding

# Nothing of the bundle could be judged: the input is unreadable, which is another answer than no.
UNREADABLE_CODES = frozenset({"bundle_missing", "file_unreadable"})


def as_json(finding: Finding, root: Path) -> dict[str, Any]:
    """One finding as a JSON object."""
    file = finding.file if finding.file == str(root) else str(root / finding.file)
    return {
        "code": finding.code,
        "severity": finding.severity,
        "file": file,
        "line": finding.line,
        "column": finding.column,
        "policy": finding.policy,
        "message": _as_options(finding.message),
        "advice": _as_options(finding.advice),
    }


def _as_options(text: str) -> str:
    """What Python's user gives as an argument is an option here."""
    return text.replace('`schema="none"`', "`--schema none`").replace(
        '`schema="required"`', "`--schema required`"
    )


def as_text(found: dict[str, Any]) -> str:
    """One finding as text: a line with its place, and one with advice where there is some."""
    numbers = (found["line"], found["column"])
    place = ":".join([found["file"], *(str(number) for number in numbers if number is not None)])
    text = f"{place}: {found['severity']}: {found['message']} [{found['code']}]"
    return f"{text}\n    {found['advice']}" if found["advice"] else text
