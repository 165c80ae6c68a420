"""`agentpdp decide` on JSON lines: rows in, the same rows out with decisions, and a summary."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from agentpdp.cli.formats import size

from .conftest import ENTITIES, Row, Run, ask

Write = Callable[..., Path]


def test_rows_come_out_with_their_decisions(run: Run, bundle: Path, write_rows: Write) -> None:
    rows = [ask(), ask(5_000, who="bob"), ask(5, reason="top secret"), ask(2**62)]
    ran = run("decide", bundle, write_rows(*rows))
    assert ran.code == 0
    assert [{name: row[name] for name in rows[0]} for row in ran.rows] == rows
    assert [(row["verdict"], row["reason"], row["policies"]) for row in ran.rows] == [
        ("allow", "permitted", ["owner", "small"]),
        ("deny", "not_permitted", []),
        ("deny", "forbidden", ["no-secrets"]),
        ("deny", "forbid_error", ["no-giants"]),
    ]
    (error,) = ran.rows[3]["errors"]
    assert (error["policy"], error["code"]) == ("no-giants", "overflow")
    assert error["message"]


def test_the_summary_counts_and_says_what_does_not_fit(
    run: Run, bundle: Path, write_rows: Write
) -> None:
    rows = [ask(), ask(2**62), ask("big"), ask(raeson="typo"), ask("again")]
    path = write_rows(*rows)
    lines = [line.split() for line in run("decide", bundle, path).err.splitlines()]
    for expected in (
        ["5", "requests", "in"],
        ["allow", "1"],
        ["deny", "4"],
        ["argument_type", "2"],
        ["argument_unknown", "1"],
        ["owner", "1"],
        ["no-giants", "overflow", "1"],
    ):
        assert any(line[: len(expected)] == expected for line in lines), expected
    said = run("decide", bundle, path).err
    assert f"  {path}:3: " in said
    assert "`context.input.size` must be a Long" in said
    assert f"  {path}:4: " in said
    assert "`context.input.raeson` is not declared" in said
    assert f"{path}:5" not in said


def test_json_is_the_summary_alone(run: Run, bundle: Path, write_rows: Write) -> None:
    path = write_rows(ask(), ask(2**62), ask("big"))
    ran = run("decide", bundle, path, "--json")
    assert (ran.code, ran.err) == (0, "")
    found = ran.json
    assert found["rows"] == 3
    assert found["verdicts"] == {"allow": 1, "deny": 2}
    assert found["reasons"] == {"argument_type": 1, "forbid_error": 1, "permitted": 1}
    assert found["policies"] == {"no-giants": 1, "owner": 1, "small": 1}
    assert found["errors"] == {"no-giants": {"overflow": 1}}
    assert found["first"]["argument_type"]["place"] == f"{path}:3"
    assert found["bundle"]["name"] == "photos"
    assert len(found["bundle"]["digest"]) == 64


def test_output_goes_to_a_file_in_one_step(
    run: Run, bundle: Path, write_rows: Write, tmp_path: Path
) -> None:
    output = tmp_path / "decided.jsonl"
    output.write_text("what was there")
    good, bad = write_rows(ask()), write_rows(ask(), name="bad.jsonl")
    bad.write_text(bad.read_text() + "{\n")
    assert run("decide", bundle, bad, "--output", output).code == 2
    assert output.read_text() == "what was there"
    ran = run("decide", bundle, good, "--output", output)
    assert (ran.code, ran.out) == (0, "")
    assert json.loads(output.read_text())["verdict"] == "allow"
    assert not list(tmp_path.glob(".decided*"))
    assert run("decide", bundle, good, "--output", tmp_path / "no" / "x").code == 2


def test_the_input_may_be_the_output(run: Run, bundle: Path, write_rows: Write) -> None:
    path = write_rows(ask(), ask(), ask())
    assert run("decide", bundle, path, "--output", path).code == 0
    assert len(path.read_text().splitlines()) == 3
    ran = run("decide", bundle, path)
    assert [list(row)[-4:] for row in ran.rows] == [["verdict", "reason", "policies", "errors"]] * 3
    assert "takes the place of the requests' `errors`, `policies`, `reason`, `verdict`" in ran.err


def test_fail_on_deny(run: Run, bundle: Path, write_rows: Write) -> None:
    assert run("decide", bundle, write_rows(ask()), "--fail-on-deny").code == 0
    assert run("decide", bundle, write_rows(ask("big")), "--fail-on-deny").code == 1


def test_a_line_keeps_its_spelling(run: Run, bundle: Path, tmp_path: Path) -> None:
    line = (
        r'{ "label":1.50e0,  "principal":"User::\"\u0061da\"", "action":"Action::\"view\"",'
        r'"resource":{"type":"Photo","id":"p1"},"x":"\ud800é", "context":{"input":{"size":7}} }'
    )
    path = tmp_path / "r.ndjson"
    path.write_bytes(b"\xef\xbb\xbf" + line.encode() + b"\r\n\n")
    ran = run("decide", bundle, path)
    assert ran.code == 0
    assert ran.out.startswith(line[:-1].rstrip() + ', "verdict": "allow"')


def test_entities_may_be_type_and_id_and_anything_else_is_denied(
    run: Run, bundle: Path, write_rows: Write
) -> None:
    pair = {"type": "User", "id": "ada"}
    parties = [pair, {**pair, "x": 1}, {"type": "User"}, 7, None, "ada", ["User", "ada"], True]
    rows = [{**ask(), "principal": party} for party in parties]
    reasons = [row["reason"] for row in run("decide", bundle, write_rows(*rows)).rows]
    assert reasons == ["permitted"] + ["unknown_party"] * 7


def test_values_that_cedar_has_not_are_denied_in_their_row_only(
    run: Run, bundle: Path, write_rows: Write
) -> None:
    sizes = [1.5, None, 2**63, 10**400, True, [1], {"a": 1}, "1", 7.0, 7]
    rows = [ask(each) for each in sizes]
    reasons = [row["reason"] for row in run("decide", bundle, write_rows(*rows)).rows]
    assert reasons == ["argument_type"] * 8 + ["permitted"] * 2


def test_a_context_that_is_none(run: Run, bundle: Path, write_rows: Write) -> None:
    contexts: list[object] = [None, {}, [], "x", {"input": None}]
    rows = [{**ask(), "context": context} for context in contexts]
    without = ask()
    del without["context"]
    reasons = [row["reason"] for row in run("decide", bundle, write_rows(without, *rows)).rows]
    assert reasons[:3] == ["argument_missing"] * 3
    assert set(reasons[3:]) <= {"argument_type", "argument_missing"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{", ":2: not JSON: expecting property name"),
        (b"nothing", ":1: not JSON: expecting value"),
        (b"[1]", ": not a JSON object: a line is like {"),
        (b"{}", ": no `principal`, there is nothing: a line is like {"),
        (b'{"principal": 1, "principal": 2}', "two members of one name"),
        (b'{"principal": NaN}', "`NaN` is not JSON"),
        (b'{"principal": "\xff"}', ": not UTF-8 text"),
        (b"[" * 100_000, ": brackets are nested deeper"),
        (b'{"a": ' + b"1" * 5_000 + b"}", "4300 digits"),
    ],
)
def test_what_is_no_request_ends_it_with_its_place(
    run: Run, bundle: Path, tmp_path: Path, line: bytes, said: str
) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(json.dumps(ask()).encode() + b"\n\n" + line + b"\n")
    ran = run("decide", bundle, path)
    assert ran.code == 2
    assert ran.err.startswith(f"agentpdp: {path}:3")
    assert said in ran.err


def test_a_line_without_end_is_refused(
    run: Run, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentpdp.cli.formats.jsonlines.LINE_BYTES_MAX", 1 << 20)
    path = tmp_path / "r.jsonl"
    path.write_bytes(b" " * ((1 << 20) + 1))
    assert f"{path}:1: the line is longer than 1 MiB" in run("decide", bundle, path).err


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("none.jsonl", "cannot be read: No such file"),
        ("requests.json", "the name does not say the format"),
        ("requests", "give --format jsonl, csv, parquet or arrow"),
    ],
)
def test_a_file_that_is_not_there_or_of_no_known_format(
    run: Run, bundle: Path, tmp_path: Path, name: str, said: str
) -> None:
    if name != "none.jsonl":
        (tmp_path / name).touch()
    ran = run("decide", bundle, tmp_path / name)
    assert ran.code == 2
    assert said in ran.err


def test_a_bundle_that_does_not_load(run: Run, bundle: Path, write_rows: Write) -> None:
    (bundle / "policies" / "more.cedar").write_text("permit (principal, action);\n")
    ran = run("decide", bundle, write_rows(ask()))
    assert ran.code == 2
    assert f"{bundle / 'policies' / 'more.cedar'}:1:" in ran.err
    assert "[policy_syntax]" in ran.err


def test_stdin(run: Run, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO((json.dumps(ask()) + "\n{").encode())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(raw))
    ran = run("decide", bundle, "-")
    assert ran.code == 2
    assert "agentpdp: stdin:2:2: not JSON" in ran.err


def test_no_request_is_no_error(run: Run, bundle: Path, write_rows: Write) -> None:
    ran = run("decide", bundle, write_rows())
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.startswith("0 requests")


def test_chunks_do_not_show(
    run: Run, bundle: Path, write_rows: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_rows(*(ask(number) for number in range(250)), ask("big"))
    whole = run("decide", bundle, path, "--threads", 1)
    monkeypatch.setattr(size, "CHUNK_ROWS_MAX", 7)
    parts = run("decide", bundle, path)
    assert parts.out == whole.out
    assert parts.err.splitlines()[1:] == whole.err.splitlines()[1:]
    assert f"{path}:251: " in parts.err


def test_entities_of_a_file_and_of_a_request(
    run: Run, bundle: Path, write_rows: Write, tmp_path: Path
) -> None:
    bobs = {**ENTITIES[1], "attrs": {"owner": {"__entity": {"type": "User", "id": "bob"}}}}
    row: Row = ask(500, who="bob")
    path = write_rows(row, {**row, "entities": [bobs]}, {**row, "entities": None}, row)
    verdicts = [each["verdict"] for each in run("decide", bundle, path).rows]
    assert verdicts == ["deny", "allow", "deny", "deny"]
    more = tmp_path / "more.json"
    more.write_text(json.dumps([bobs]))
    ran = run("decide", bundle, path, "--entities", more)
    assert [each["verdict"] for each in ran.rows] == ["allow"] * 4
    more.write_text(json.dumps([{**bobs, "attrs": {}}]))
    ran = run("decide", bundle, path, "--entities", more)
    assert ran.code == 2
    assert ran.err.startswith(f"agentpdp: {more}: ")


@pytest.mark.parametrize("entities", [5, "x", [5], [{}], [{**ENTITIES[1], "attrs": {}}]])
def test_entities_of_a_request_that_are_wrong_end_it_with_their_place(
    run: Run, bundle: Path, write_rows: Write, entities: object
) -> None:
    path = write_rows(ask(), {**ask(), "entities": entities})
    ran = run("decide", bundle, path)
    assert ran.code == 2
    assert ran.err.startswith(f"agentpdp: {path}:2: `entities`: ")


def test_without_a_schema(run: Run, plain_bundle: Path, write_rows: Write) -> None:
    path = write_rows(ask(5), ask("x", free="text"))
    ran = run("decide", plain_bundle, path, "--schema", "none")
    assert [row["verdict"] for row in ran.rows] == ["allow", "deny"]
    assert {error["code"] for error in ran.rows[1]["errors"]} == {"type_error"}
