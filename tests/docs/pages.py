"""Pages of documentation and the fenced blocks in them.

What a block means stands in how it is written:

- a block below a line that holds nothing but a path in backticks and a colon is that file;
- ``python`` runs, after the blocks above it, in one namespace for each page;
- ``console`` has commands behind ``$``, each followed by what it prints, or by nothing;
- ``text`` right below ``python`` is what that block prints.

In what is printed, ``…`` stands for anything. Read next: ``test_examples.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OPENING = re.compile(r"```(\w*)$")
CAPTION = re.compile(r"`([^`]+)`:$")


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    line: int
    language: str
    text: str
    file: str | None
    printed: str | None = None

    @property
    def commands(self) -> Iterator[tuple[str, str]]:
        """Each command of a console block, and what is printed below it."""
        for part in re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:]:
            command, _, printed = part.partition("\n")
            yield command, printed


def pages() -> list[Path]:
    """Every page, but those with tests of their own."""
    top = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")]
    return [*top, *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> list[Block]:
    """The blocks of a page, those that say what the one above prints joined to it."""
    found: list[Block] = []
    lines = page.read_text(encoding="utf-8").splitlines()
    at, above = 0, ""
    while at < len(lines):
        opening = OPENING.match(lines[at])
        if opening is None:
            above = lines[at] or above
            at += 1
            continue
        end = lines.index("```", at + 1)
        text = "".join(line + "\n" for line in lines[at + 1 : end])
        if opening[1] == "text" and above == "```" and found[-1].language == "python":
            last = found.pop()
            found.append(Block(last.line, last.language, last.text, last.file, printed=text))
        else:
            caption = CAPTION.match(above)
            found.append(Block(at + 2, opening[1], text, caption and caption[1]))
        at, above = end + 1, "```"
    return found


def matches(shown: str, printed: str) -> bool:
    """Whether a page shows what was printed."""
    pattern = ".*?".join(re.escape(part) for part in shown.strip().split("…"))
    return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None
