"""The reference pages list what the code has, no more and no less."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import agentpdp
import pytest
from agentpdp import _core

from .tables import REFERENCE, ROOT, TABLES, bundle_reader_codes, filled

ROW = re.compile(r"^\| `([^`|]+)` \|(.*)\|$", re.MULTILINE)
LIMIT = re.compile(r"const (\w+_MAX): \w+ = ([^;]+);")
REQUIREMENT = re.compile(r"[A-Za-z0-9_.-]+")


def rows(page: Path) -> dict[str, str]:
    """What stands first in each row of the page's tables, with the rest of the row."""
    return dict(ROW.findall(page.read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", TABLES)
def test_generated_tables_are_those_of_the_code(page: str) -> None:
    assert (REFERENCE / page).read_text(encoding="utf-8") == filled(page), (
        "run `python tests/docs/tables.py`"
    )


def test_the_page_of_reasons_says_what_to_do_about_every_code() -> None:
    page = (REFERENCE / "reason-codes.md").read_text(encoding="utf-8")
    codes = [code for code, *_ in _core._reasons()]
    assert Counter(code for code, _ in ROW.findall(page)) == dict.fromkeys(codes, 2)
    advised = page.partition("## What to look at")[2]
    assert all(len(rest.split("|")) == 2 for _, rest in ROW.findall(advised))


# Codes that no vector can bring about, as vectors have one process and one engine: who does.
BEYOND_VECTORS = {"engine_forked": "test_fork.py", "stale_code": "test_numpy.py"}


def test_every_reason_is_brought_about_by_a_vector() -> None:
    vectors = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "tests/vectors").rglob("*.json")
    )
    missed = {code for code, *_ in _core._reasons() if f'"{code}"' not in vectors}
    assert missed == set(BEYOND_VECTORS)
    for code, name in BEYOND_VECTORS.items():
        assert f'"{code}"' in (ROOT / "tests/boundary" / name).read_text(encoding="utf-8")


def test_the_page_of_findings_has_every_code() -> None:
    compiled = {code for code, _, _ in _core._finding_codes()}
    assert set(rows(REFERENCE / "finding-codes.md")) == compiled | bundle_reader_codes()


def test_the_page_of_errors_has_every_exception() -> None:
    listed = {name for name in rows(REFERENCE / "error-codes.md") if name[0].isupper()}
    classes = {name for name in agentpdp.__all__ if isinstance(getattr(agentpdp, name), type)}
    raised = {name for name in classes if issubclass(getattr(agentpdp, name), Exception)}
    assert listed - {"TypeError", "ValueError", "IndexError"} == raised


def test_the_page_of_the_api_names_every_public_name() -> None:
    page = (REFERENCE / "api.md").read_text(encoding="utf-8")
    members = {
        f"{name}.{member}" if name not in ("Engine", "Bundle") else member
        for name in ("Bundle", "Engine", "Decision", "Decisions", "EntityUid", "PolicyError")
        for member in dir(getattr(agentpdp, name))
        if not member.startswith("_")
    }
    words = {name.rpartition(".")[2] for name in members} | set(agentpdp.__all__)
    missing = {word for word in words if not re.search(rf"`[^`]*\b{word}\b[^`]*`", page)}
    assert not missing


def limits() -> Iterator[tuple[str, int]]:
    """Every named limit of the Rust code with its value."""
    for crate in sorted((ROOT / "rust").iterdir()):
        known: dict[str, int] = {}
        for file in sorted(crate.glob("src/**/*.rs")):
            for name, value in LIMIT.findall(file.read_text(encoding="utf-8")):
                known[name] = int(eval(re.sub(r"(?<=\d)_(?=\w)", "", value), {}, known))
                yield name, known[name]


def test_the_page_of_limits_has_every_limit_with_its_value() -> None:
    listed = ROW.findall((REFERENCE / "limits.md").read_text(encoding="utf-8"))
    shown = Counter((name, re.sub(r"[^0-9]", "", rest.partition("|")[0])) for name, rest in listed)
    there = Counter((name, str(value)) for name, value in limits())
    assert (there - shown, shown - there) == (Counter(), Counter()), "missing, and gone"


def dependencies() -> set[str]:
    """Every dependency that a manifest names, but our own crates."""
    found: set[str] = set()
    for manifest in ROOT.glob("**/Cargo.toml"):
        if "target" not in manifest.parts and ".venv" not in manifest.parts:
            found |= cargo_names(tomllib.loads(manifest.read_text(encoding="utf-8")))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lists = [
        project["build-system"]["requires"],
        project["project"]["dependencies"],
        *project["project"]["optional-dependencies"].values(),
        *project["dependency-groups"].values(),
    ]
    texts = [text for each in lists for text in each]
    return found | {match[0] for text in texts if (match := REQUIREMENT.match(text))}


def cargo_names(table: dict[str, Any]) -> set[str]:
    names: set[str] = set()
    for key, value in table.items():
        if key in ("dependencies", "dev-dependencies", "build-dependencies"):
            names |= {name for name in value if not name.startswith("agentpdp-")}
        elif isinstance(value, dict):
            names |= cargo_names(value)
    return names


def test_the_page_of_dependencies_has_a_sentence_for_each() -> None:
    listed = rows(ROOT / "docs" / "internals" / "dependencies.md")
    assert set(listed) == dependencies()
    assert [name for name, sentence in listed.items() if len(sentence.split()) < 3] == []
