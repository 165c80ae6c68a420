"""`agentpdp schema`: the text, and the resolved form."""

from __future__ import annotations

from pathlib import Path

from .conftest import SCHEMA, Run


def test_the_text_is_the_files(run: Run, bundle: Path) -> None:
    ran = run("schema", bundle)
    assert (ran.code, ran.out, ran.err) == (0, SCHEMA, "")


def test_json_is_resolved(run: Run, bundle: Path) -> None:
    found = run("schema", bundle, "--json").json
    assert sorted(found["entity_types"]["Kind"]["enum"]) == ["moving", "still"]
    ids = [action["uid"]["id"] for action in found["actions"]]
    assert sorted(ids) == ["list", "view"]


def test_a_bundle_without_a_schema_has_none_to_print(run: Run, plain_bundle: Path) -> None:
    ran = run("schema", plain_bundle)
    assert ran.code == 2
    assert ran.out == ""
    assert "[schema_missing]" in ran.err
