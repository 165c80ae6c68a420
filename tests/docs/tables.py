"""The tables of the documentation that are made from tables of the code.

    python tests/docs/tables.py     writes them anew

A table stands between ``<!-- table: NAME -->`` and ``<!-- end -->``. ``test_tables.py`` holds the
pages to what this makes.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path

from agentpdp import _core

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"
ERROR_CODE = re.compile(r'Self::(\w+) => "(\w+)",')


def markdown(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def reasons() -> str:
    rows = [
        (f"`{code}`", verdict, ", ".join(f"`{stage}`" for stage in stages), meaning)
        for code, verdict, stages, meaning in _core._reasons()
    ]
    return markdown(("Code", "Verdict", "Stage", "Meaning"), rows)


def findings(severity: str) -> str:
    rows = [(f"`{code}`", text) for code, of, text in _core._finding_codes() if of == severity]
    return markdown(("Code", "Meaning"), rows)


def policy_errors() -> str:
    """The codes of `ErrorCode`, with what its documentation comments say of them."""
    text = (ROOT / "rust" / "core" / "src" / "evaluate.rs").read_text(encoding="utf-8")
    body = text.partition("pub enum ErrorCode {")[2].partition("}")[0]
    meanings = {name: said for said, name in re.findall(r"/// (.*)\n\s+(\w+),", body)}
    names = dict(ERROR_CODE.findall(text))
    rows = [(f"`{names[name]}`", of[0].lower() + of[1:-1]) for name, of in meanings.items()]
    return markdown(("Code", "Meaning"), rows)


TABLES = {
    "reason-codes.md": {"reasons": reasons},
    "finding-codes.md": {
        "errors": lambda: findings("error"),
        "warnings": lambda: findings("warning"),
    },
    "error-codes.md": {"policy-errors": policy_errors},
}


def filled(page: str) -> str:
    """A page of the reference with its tables made anew."""
    text = (REFERENCE / page).read_text(encoding="utf-8")
    for name, make in TABLES[page].items():
        start, found, rest = text.partition(f"<!-- table: {name} -->\n")
        assert found, f"docs/reference/{page} has no place for the table {name}"
        text = start + found + "\n" + make() + "\n<!-- end -->" + rest.partition("<!-- end -->")[2]
    return text


def bundle_reader_codes() -> set[str]:
    """Codes of the findings that `bundle.py` makes, before the compiled reader sees a text."""
    tree = ast.parse((ROOT / "python" / "agentpdp" / "bundle.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    made = [call.args[0] for call in calls if getattr(call.func, "id", "") == "_finding"]
    return {str(code.value) for code in made if isinstance(code, ast.Constant)}


if __name__ == "__main__":
    for page in TABLES:
        (REFERENCE / page).write_text(filled(page), encoding="utf-8")
