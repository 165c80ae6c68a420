"""`agentpdp check`: what is wrong with a bundle, where, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

from .conftest import ENTITIES, POLICIES, Run


def policies(bundle: Path) -> Path:
    return bundle / "policies" / "photos.cedar"


def test_a_right_bundle_is_summed_up(run: Run, bundle: Path) -> None:
    ran = run("check", bundle)
    assert ran.code == 0
    assert ran.err == ""
    first, *rest = ran.out.splitlines()
    assert first == f"{bundle}: no errors, no warnings"
    found = dict(line.split() for line in rest)
    assert found["name"] == "photos"
    assert (found["policies"], found["templates"]) == ("4", "1")
    assert len(found["digest"]) == 64


def test_json_is_one_object(run: Run, bundle: Path) -> None:
    found = run("check", bundle, "--json").json
    assert found["passed"] is True
    assert (found["errors"], found["warnings"]) == ([], [])
    assert (found["policies"], found["templates"]) == (4, 1)
    assert found["entities"] >= 2


def test_an_error_has_its_place_and_advice(run: Run, bundle: Path) -> None:
    policies(bundle).write_text(POLICIES.replace("context.input.size <", "context.input.sizes <"))
    ran = run("check", bundle)
    assert ran.code == 1
    assert ran.out.startswith(f"{policies(bundle)}:5:")
    assert ": error: " in ran.out
    assert "[attribute_unknown]\n    " in ran.out
    assert f"{bundle}: 1 error, no warnings" in ran.out


def test_errors_as_json(run: Run, bundle: Path) -> None:
    policies(bundle).write_text(POLICIES.replace('"owner"', '"small"'))
    ran = run("check", bundle, "--json")
    assert ran.code == 1
    assert ran.json["passed"] is False
    (error,) = ran.json["errors"]
    assert error["code"] == "policy_id_duplicate"
    assert error["file"] == str(policies(bundle))
    assert error["line"] == 4
    assert error["advice"]
    assert "digest" not in ran.json


def test_warnings_fail_only_where_asked(run: Run, bundle: Path) -> None:
    never = '@id("never")\npermit (principal, action, resource) when { false };\n'
    policies(bundle).write_text(POLICIES + never)
    ran = run("check", bundle)
    assert ran.code == 0
    assert ": warning: " in ran.out
    assert "[policy_impossible]" in ran.out
    assert f"{bundle}: no errors, 1 warning" in ran.out
    assert run("check", bundle, "--fail-on-warning").code == 1


def test_what_is_not_there_is_unreadable(run: Run, tmp_path: Path) -> None:
    ran = run("check", tmp_path / "nowhere")
    assert ran.code == 2
    assert f"{tmp_path / 'nowhere'}: error: `{tmp_path / 'nowhere'}` does not exist" in ran.out
    assert "a bundle is a directory with" in ran.out


def test_without_a_schema_only_where_asked(run: Run, plain_bundle: Path) -> None:
    ran = run("check", plain_bundle)
    assert ran.code == 1
    assert "[schema_missing]\n    write one, or load with `--schema none`" in ran.out
    assert run("check", plain_bundle, "--schema", "none").code == 0


def test_a_file_of_entities_is_checked_too(run: Run, bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "more.json"
    path.write_text(json.dumps(ENTITIES))
    assert run("check", bundle, "--entities", path).code == 0
    path.write_text(json.dumps([{"uid": {"type": "Photo", "id": "x"}, "attrs": {}, "parents": []}]))
    ran = run("check", bundle, "--entities", path)
    assert ran.code == 1
    assert ran.out.startswith(f"{path}: error: ")
    assert "owner" in ran.out


def test_a_file_of_entities_that_cannot_be_read(run: Run, bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "more.json"
    for text, said in (
        (b'[{"uid": ]', f"{path}:1:10: not JSON: expecting value"),
        (b"{}", f"{path}: entities are a JSON array of objects: write ["),
        (b"[\n\xff]", f"{path}:2: not UTF-8 text"),
        (b"[" * 200_000, f"{path}: not JSON that can be read"),
    ):
        path.write_bytes(text)
        ran = run("check", bundle, "--entities", path)
        assert ran.code == 2
        assert said in ran.err
    path.unlink()
    assert f"{path}: cannot be read" in run("check", bundle, "--entities", path).err
