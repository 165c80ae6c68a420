"""CSV: dotted columns, a JSON column, both; what cells mean; what is no CSV."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from agentpdp.cli.formats.cells import plain

from .conftest import Row, Run

HEAD = "principal,action,resource"
ADA = '"User::""ada""","Action::""view""","Photo::""p1"""'


def decide(run: Run, bundle: Path, text: str, *options: str) -> list[dict[str, str]]:
    path = bundle.parent / "r.csv"
    path.write_text(text)
    ran = run("decide", bundle, path, *options)
    assert ran.code == 0, ran.err
    return list(csv.DictReader(ran.out.splitlines()))


def refused(run: Run, bundle: Path, text: str | bytes) -> str:
    path = bundle.parent / "r.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    ran = run("decide", bundle, path)
    assert ran.code == 2
    return ran.err.removeprefix(f"agentpdp: {path}:")


def test_rows_come_out_with_their_decisions(run: Run, bundle: Path) -> None:
    text = f'label,{HEAD},context.input.size\nfirst,{ADA},5\n"a, b",{ADA},{2**62}\n'
    first, second = decide(run, bundle, text)
    assert list(first) == [
        *("label", "principal", "action", "resource", "context.input.size"),
        *("verdict", "reason", "policies", "errors"),
    ]
    assert (first["label"], first["verdict"], first["policies"]) == (
        "first",
        "allow",
        "owner small",
    )
    assert first["errors"] == ""
    assert (second["label"], second["reason"]) == ("a, b", "forbid_error")
    assert json.loads(second["errors"])[0]["code"] == "overflow"


def test_a_decided_file_can_be_decided_again(run: Run, bundle: Path, tmp_path: Path) -> None:
    path, again = tmp_path / "r.csv", tmp_path / "again.csv"
    path.write_text(f"{HEAD},context.input.size,label\n{ADA},5,x\n")
    assert run("decide", bundle, path, "--output", path).code == 0
    assert run("decide", bundle, path, "--output", again).code == 0
    assert again.read_text() == path.read_text()


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("reason", "7", "permitted"),
        ("reason", "true", "permitted"),
        ("reason", "", "permitted"),
        ("wide", "true", "permitted"),
        ("wide", "True", "argument_type"),
        ("wide", "1", "argument_type"),
        ("price", "12.50", "permitted"),
        ("price", "12", "argument_type"),
        ("friend", '"User::""bob"""', "permitted"),
        ("friend", '"{""type"": ""User"", ""id"": ""bob""}"', "permitted"),
        ("friend", '"Photo::""p1"""', "argument_type"),
        ("friend", "bob", "argument_type"),
        ("words", '"[""a"", ""b""]"', "permitted"),
        ("words", "a b", "argument_type"),
        ("place", '"{""room"": ""r1""}"', "permitted"),
        ("place.room", "r1", "permitted"),
        ("place.room", "", "permitted"),
        ("other", "x", "argument_unknown"),
        ("other", "", "permitted"),
    ],
)
def test_the_schema_says_what_a_cell_is(
    run: Run, bundle: Path, column: str, cell: str, reason: str
) -> None:
    text = f"{HEAD},context.input.size,context.input.{column}\n{ADA},5,{cell}\n"
    (row,) = decide(run, bundle, text)
    assert row["reason"] == reason


def test_without_a_schema_looks_say_what_a_cell_is() -> None:
    cells = ["7", "-7", "0", "007", "7.0", "true", "True", "", "null", "[1]", str(2**63), "9" * 20]
    whole = {"7": 7, "-7": -7, "0": 0, "true": True, str(2**63): 2**63}
    assert [plain(cell) for cell in cells] == [whole.get(cell, cell) for cell in cells]


def test_plain_cells_decide(run: Run, plain_bundle: Path) -> None:
    text = f"{HEAD},context.input.size,context.input.reason\n{ADA},5,\n{ADA},5,top secret\n"
    rows = decide(run, plain_bundle, text, "--schema", "none")
    assert [row["reason"] for row in rows] == ["permitted", "forbidden"]


def test_a_required_record_is_there_though_its_cells_are_empty(run: Run, bundle: Path) -> None:
    listing = ADA.replace("view", "list")
    text = f"{HEAD},context.input.size\n{listing},\n{ADA},\n"
    reasons = [row["reason"] for row in decide(run, bundle, text)]
    assert reasons == ["permitted", "argument_missing"]


def test_a_json_column_and_dotted_columns_join(run: Run, bundle: Path) -> None:
    context = json.dumps({"input": {"size": 5}}).replace('"', '""')
    head = f"{HEAD},context,context.input.reason\n"
    rows = decide(run, bundle, f'{head}{ADA},"{context}",secret\n{ADA},"{context}",\n')
    assert [row["reason"] for row in rows] == ["forbidden", "permitted"]
    assert json.loads(rows[0]["context"]) == {"input": {"size": 5}}


def test_hostile_cells_are_denied_not_believed(run: Run, bundle: Path) -> None:
    rows: list[Row] = [
        {"principal": 'User::"ada" || true', "size": "5"},
        {"principal": "", "size": "5"},
        {"principal": 'User::"ada"', "size": "5_000"},
        {"principal": 'User::"ada"', "size": "\u0665"},
        {"principal": 'User::"ada"', "size": "=1+1"},
    ]
    path = bundle.parent / "r.csv"
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([*HEAD.split(","), "context.input.size"])
        for row in rows:
            parties = (row["principal"], 'Action::"view"', 'Photo::"p1"')
            writer.writerow([*parties, row["size"]])
    ran = run("decide", bundle, path)
    found = [row["reason"] for row in csv.DictReader(ran.out.splitlines())]
    assert found == ["unknown_party"] * 2 + ["argument_type"] * 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1: no header: the first line names the columns principal, action, resource"),
        ("principal;action\n", "1: no column `principal`: there are `principal;action`"),
        ("principal,resource,x\n", "1: no column `action`: there are `principal`, `resource`"),
        ("a\x1b[2J\u202e,b\n", "1: no column `principal`: there are `a\\x1b[2J\\u202e`, `b`, and"),
        (f"{HEAD},x,x\n", "1: two columns are named `x`: rename one"),
        (f"{HEAD}\n{ADA}\n\n{ADA},5\n", "4: 4 cells where the header has 3: a cell with a comma"),
        (f"{HEAD},context\n{ADA},{{\n", "2: column `context`:2: not JSON: expecting property"),
        (f'{HEAD}\n{ADA}\n"a"b,c,d\n', "3: not CSV: "),
        (f'{HEAD}\n"a', "2: not CSV: "),
        (b"principal,action,resource\n\xff", "2: not UTF-8 text: save the file as UTF-8"),
        (f"{HEAD},context,context.a\n{ADA},1,2\n", "2: column `context` is no JSON object"),
        (
            f'{HEAD},context,context.a\n{ADA},"{{""a"": 1}}",2\n',
            "2: `context.a` has two values: in this column and in another",
        ),
        (f"{HEAD},context.a,context.a.b\n{ADA},1,2\n", "2: `context.a.b` has two values"),
    ],
)
def test_what_is_no_csv_ends_it_with_its_place(
    run: Run, bundle: Path, text: str | bytes, said: str
) -> None:
    assert refused(run, bundle, text).startswith(said)


def test_a_line_without_end_is_refused(
    run: Run, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentpdp.cli.formats.jsonlines.LINE_BYTES_MAX", 1 << 20)
    monkeypatch.setattr("agentpdp.cli.formats.csvfile.LINE_BYTES_MAX", 1 << 20)
    text = f"{HEAD},x\n{ADA}," + "x" * (2 << 20)
    assert refused(run, bundle, text).startswith("2: the line is longer than 1 MiB")


def test_a_byte_order_mark_is_passed_over(run: Run, bundle: Path) -> None:
    (row,) = decide(run, bundle, f"\ufeff{HEAD},context.input.size\n{ADA},5\n")
    assert row["reason"] == "permitted"


def test_a_row_over_several_lines_has_the_place_of_its_first(run: Run, bundle: Path) -> None:
    text = f'{HEAD},context.input.size,note\n{ADA},5,"a\nb"\n{ADA},big,"c\nd"\n'
    path = bundle.parent / "r.csv"
    path.write_text(text)
    assert f"  {path}:4: " in run("decide", bundle, path).err
