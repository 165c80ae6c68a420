"""Parquet and Arrow: structs, dotted names, JSON text; the same out as in; what cannot be read."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from agentpdp.cli.formats import arrowfile

from .conftest import Row, Run, ask

pa: Any = pytest.importorskip("pyarrow")
parquet: Any = pytest.importorskip("pyarrow.parquet")
ipc: Any = pytest.importorskip("pyarrow.ipc")

KINDS = ("parquet", "file", "stream")
ROWS = [
    ask(),
    ask(5_000, who="bob"),
    ask(5, reason="secret"),
    ask(2**62),
    {**ask(), "principal": "x"},
]
REASONS = ["permitted", "not_permitted", "forbidden", "forbid_error", "unknown_party"]


def write(table: Any, path: Path, kind: str) -> Path:
    path = path.with_suffix(".parquet" if kind == "parquet" else ".arrow")
    if kind == "parquet":
        parquet.write_table(table, path)
    else:
        make = ipc.new_file if kind == "file" else ipc.new_stream
        with make(path, table.schema) as writer:
            writer.write_table(table)
    return path


def read(path: Path, kind: str) -> Any:
    if kind == "parquet":
        return parquet.read_table(path)
    with (ipc.open_file if kind == "file" else ipc.open_stream)(path) as reader:
        return reader.read_all()


def table_of(rows: list[Row], form: str) -> Any:
    """Rows as a table with one form of context, and a label besides."""
    table = pa.Table.from_pylist([{**row, "label": f"r{at}"} for at, row in enumerate(rows)])
    if form == "struct":
        return table
    contexts = [row["context"] for row in rows]
    if form == "text":
        column = pa.array([json.dumps(context) for context in contexts])
        return table.set_column(table.column_names.index("context"), "context", column)
    table = table.drop_columns(["context"])
    for name in ("size", "reason"):
        values = [context["input"].get(name) for context in contexts]
        table = table.append_column(f"context.input.{name}", pa.array(values))
    return table


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["struct", "dotted", "text"])
def test_the_same_comes_out_with_decisions(
    run: Run, bundle: Path, tmp_path: Path, kind: str, form: str
) -> None:
    table = table_of(ROWS, form)
    path, output = write(table, tmp_path / "r", kind), tmp_path / "out"
    ran = run("decide", bundle, path, "--output", output)
    assert ran.code == 0, ran.err
    found = read(output, kind)
    assert found.column_names == [*table.column_names, "verdict", "reason", "policies", "errors"]
    assert found.select(table.column_names).equals(table)
    assert found["reason"].to_pylist() == REASONS
    assert found["verdict"].to_pylist() == ["allow"] + ["deny"] * 4
    assert found["policies"].to_pylist()[0] == ["owner", "small"]
    assert found["errors"].to_pylist()[3][0]["code"] == "overflow"
    assert "no-giants overflow" in ran.err


@pytest.mark.parametrize("kind", KINDS)
def test_no_row_comes_out_as_no_row(run: Run, bundle: Path, tmp_path: Path, kind: str) -> None:
    full, output = table_of(ROWS, "dotted"), tmp_path / "out"
    path = write(full.slice(0, 0), tmp_path / "r", kind)
    assert run("decide", bundle, path, "--output", output).code == 0
    found = read(output, kind)
    assert found.num_rows == 0
    assert found.column_names == [*full.column_names, "verdict", "reason", "policies", "errors"]


def test_chunks_do_not_show(
    run: Run, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(table_of(ROWS * 20, "dotted"), tmp_path / "r", "parquet")
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert run("decide", bundle, path, "--output", whole).code == 0
    monkeypatch.setattr(arrowfile, "TABLE_ROWS_MAX", 7)
    ran = run("decide", bundle, path, "--output", parts)
    assert read(whole, "parquet").equals(read(parts, "parquet"))
    assert f"  {path}: row 5: " in ran.err


@pytest.mark.parametrize("form", ["struct", "dotted", "text"])
def test_what_does_not_fit_is_said_in_words(
    run: Run, bundle: Path, tmp_path: Path, form: str
) -> None:
    rows = [ask(reason="x"), ask(reason="y")]
    for row in rows:
        row["context"]["input"]["size"] = None
    path = write(table_of(rows, form), tmp_path / "r", "file")
    first = run("decide", bundle, path, "--json").json["first"]
    (said,) = first.values()
    assert said["place"] == f"{path}: row 1"
    assert "`context.input.size`" in said["message"]


def test_structs_of_type_and_id(run: Run, bundle: Path, tmp_path: Path) -> None:
    table = table_of([ask(), ask(raeson="typo")], "text")
    users = pa.array([{"type": "User", "id": "ada"}] * 2)
    path = write(table.set_column(0, "principal", users), tmp_path / "r", "stream")
    found = run("decide", bundle, path, "--json").json
    assert found["reasons"] == {"argument_unknown": 1, "permitted": 1}


def test_a_required_record_is_there_though_its_cells_are_null(
    run: Run, bundle: Path, tmp_path: Path
) -> None:
    listing = {**ask(), "action": 'Action::"list"', "context": {"input": {}}}
    path = write(table_of([ask(), listing], "dotted"), tmp_path / "r", "file")
    assert run("decide", bundle, path, "--json").json["reasons"] == {"permitted": 2}


def test_decided_again_the_decision_is_replaced(run: Run, bundle: Path, tmp_path: Path) -> None:
    path = write(table_of(ROWS, "struct"), tmp_path / "r", "parquet")
    assert run("decide", bundle, path, "--output", path).code == 0
    once = read(path, "parquet")
    assert run("decide", bundle, path, "--output", path).code == 0
    assert read(path, "parquet").equals(once)


def test_arrow_goes_through_pipes(
    bundle: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    from agentpdp.cli import main

    sink = io.BytesIO()
    table = table_of(ROWS, "struct")
    with ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Pipe(sink.getvalue()))))
    assert main(["decide", str(bundle), "-", "--format", "arrow"]) == 0
    with ipc.open_stream(capsysbinary.readouterr().out) as reader:
        assert reader.read_all()["reason"].to_pylist() == REASONS


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("r.parquet", b"PAR1 not really PAR1", "not Parquet that can be read"),
        ("r.arrow", b"ARROW1 not really", "not Arrow IPC that can be read"),
        ("r.arrow", b"", "not Arrow IPC that can be read"),
    ],
)
def test_what_is_no_table(
    run: Run, bundle: Path, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    ran = run("decide", bundle, path)
    assert ran.code == 2
    assert ran.err.startswith(f"agentpdp: {path}: {said}: ")
    assert len(ran.err.splitlines()) == 1


def test_a_cut_stream_says_how_far_it_came(run: Run, bundle: Path, tmp_path: Path) -> None:
    table = table_of(ROWS, "struct")
    path = tmp_path / "r.arrow"
    with ipc.new_stream(path, table.schema) as writer:
        writer.write_table(table)
        writer.write_table(table)
    path.write_bytes(path.read_bytes()[:-400])
    ran = run("decide", bundle, path, "--json")
    assert ran.code == 2
    assert f"{path}: after row 5: not Arrow IPC" in ran.err


def test_columns_that_are_missing_or_wrong(run: Run, bundle: Path, tmp_path: Path) -> None:
    table = table_of(ROWS, "struct")
    path = write(table.drop_columns(["action"]), tmp_path / "r", "file")
    ran = run("decide", bundle, path)
    assert ran.code == 2
    assert f"{path}: no column `action`: there are `principal`, `resource`" in ran.err
    path = write(table.set_column(0, "principal", pa.array(range(5))), tmp_path / "r", "file")
    ran = run("decide", bundle, path)
    assert ran.code == 2
    assert f"{path}: column `principal` is Int64" in ran.err


def test_json_text_that_is_not_json(run: Run, bundle: Path, tmp_path: Path) -> None:
    table = table_of(ROWS[:1], "text").set_column(3, "context", pa.array(["{"]))
    path = write(table, tmp_path / "r", "file")
    ran = run("decide", bundle, path)
    assert ran.code == 2
    assert f"{path}: row 1: column `context`:2: not JSON" in ran.err


def test_a_value_that_comes_twice(run: Run, bundle: Path, tmp_path: Path) -> None:
    for form in ("text", "struct"):
        table = table_of(ROWS[:1], form).append_column("context.input.size", pa.array([5]))
        ran = run("decide", bundle, write(table, tmp_path / "r", "file"))
        assert ran.code == 2
        assert "twice" in ran.err or "`context.input.size` has two values" in ran.err


def test_parquet_is_not_read_from_a_pipe(
    run: Run, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Pipe()))
    ran = run("decide", bundle, "-", "--format", "parquet")
    assert ran.code == 2
    assert "Parquet is not read from a pipe: give a file" in ran.err


def test_tables_are_not_written_to_a_terminal(
    run: Run, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(table_of(ROWS, "struct"), tmp_path / "r", "file")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    ran = run("decide", bundle, path)
    assert ran.code == 2
    assert "arrow is not for a terminal: give --output FILE" in ran.err


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_without_pyarrow_it_says_what_to_install(
    run: Run, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / f"r.{suffix}").touch()
    ran = run("decide", bundle, tmp_path / f"r.{suffix}")
    assert ran.code == 2
    assert "pip install 'agentpdp[files]'" in ran.err
