"""The files of the repository that the tests of style look at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOP = ("benches", "docs", "examples", "fuzz", "python", "rust", "tests")
SUFFIXES = {".cedar", ".cedarschema", ".md", ".py", ".pyi", ".rs", ".toml"}


def files(*folders: str, suffix: str | None = None) -> Iterator[Path]:
    """Files that people write, below these folders."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            hidden = any(
                part.startswith(".") or part == "target" for part in path.parts[len(ROOT.parts) :]
            )
            if path.is_file() and not hidden and path.suffix in ({suffix} if suffix else SUFFIXES):
                yield path


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def head(path: Path) -> str:
    """What a Rust module says of itself at its top."""
    lines = path.read_text(encoding="utf-8").splitlines()
    kept = []
    for line in lines:
        if not line.startswith("//!"):
            break
        kept.append(line[3:].strip())
    return " ".join(kept)
