"""What the package says of itself in several places is the same in all of them."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator

import agentpdp

from .sources import ROOT

STUBS = ROOT / "python" / "agentpdp" / "_core.pyi"
RELEASE = re.compile(r"^## (\d+\.\d+\.\d+)", re.MULTILINE)


def test_versions_agree() -> None:
    cargo = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    stated = cargo["workspace"]["package"]["version"]
    assert "version" in project["dynamic"]
    assert agentpdp.__version__ == stated
    newest = RELEASE.search((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    assert newest is not None
    assert newest[1] == stated


def public(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, str | None]]:
    """Public classes, functions and properties with their docstrings."""
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            yield prefix + node.name, ast.get_docstring(node)
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public(node.body, f"{node.name}.")


def test_every_public_name_of_the_stubs_has_a_docstring() -> None:
    names = dict(public(ast.parse(STUBS.read_text(encoding="utf-8")).body))
    assert {"Engine.authorize", "Decision.allowed", "EntityUid"} <= set(names)
    assert [name for name, docstring in names.items() if not docstring] == []


def test_every_exported_name_is_there_and_says_what_it_is() -> None:
    assert agentpdp.__all__ == sorted(agentpdp.__all__)
    assert [name for name in agentpdp.__all__ if not getattr(agentpdp, name).__doc__] == []
