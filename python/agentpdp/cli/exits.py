"""How a command ends: the exit codes, and the one exception that means "the input is wrong".

Read next: ``__init__.py``, which turns what is raised into one of these codes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

DONE = 0
NO = 1
UNREADABLE = 2
INTERNAL = 3
# What shells give a program that was stopped by SIGINT and SIGPIPE.
INTERRUPTED = 130
PIPE_CLOSED = 141

MEANINGS = {
    DONE: "done",
    NO: "the answer is no: errors (init, check), a deny (decide --fail-on-deny), a regression "
    "(bench), another verdict (replay)",
    UNREADABLE: "wrong usage, or a file that cannot be read or written",
    INTERNAL: "a fault of agentpdp itself",
    INTERRUPTED: "stopped with Ctrl-C",
    PIPE_CLOSED: "the reader of the output went away",
}


def shown(text: str) -> str:
    """A name from a file for a message: short, on one line, nothing that a terminal obeys."""
    return f"`{plain(text if len(text) <= 60 else text[:59] + '…')}`"


def plain(text: str) -> str:
    """Text with nothing in it that a terminal obeys."""
    if text.isprintable():
        return text
    spelled = ((each, each.encode("unicode_escape", "surrogatepass").decode()) for each in text)
    return "".join(each if each.isprintable() else escape for each, escape in spelled)


class InputError(Exception):
    """Something handed in cannot be used; the message says where, and what would be right.

    Attributes:
        findings: what is wrong with the bundle, as JSON, where that is what is wrong.
    """

    def __init__(self, message: str, findings: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(message)
        self.findings = list(findings)
