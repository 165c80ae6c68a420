"""`agentpdp replay`: summaries, differences, formats, and what cannot be read."""

from __future__ import annotations

import io
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.events.desk import ADA, BOT, CEILINGS, FILES, recorder
from tests.events.test_recorder import session

from .conftest import Run

START = {"event": "start", "at": 1_000, "grant": "g1", "task": ["refund", "pay"], "principal": ADA}
START |= {"agent": BOT, "params": {"most": 300}, "claims": {"shift": 1}}


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    return written(tmp_path / "desk")


def written(root: Path, **changes: str) -> Path:
    for name, text in {**FILES, **changes}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.fixture
def candidate(tmp_path: Path) -> Path:
    """The bundle without its limit on refunds."""
    changes = {
        "tasks/refund.cedar": FILES["tasks/refund.cedar"].replace("when {", "when { true ||", 1)
    }
    return written(tmp_path / "candidate", **changes)


@pytest.fixture
def history(tmp_path: Path) -> Path:
    engine, lines = recorder()
    session(engine)
    path = tmp_path / "history.jsonl"
    path.write_text(lines.getvalue())
    return path


def call(at: int, action: str = "refund", **arguments: Any) -> dict[str, Any]:
    arguments = arguments or {"order": "o1", "cents": 50}
    return {"event": "call", "at": at, "grant": "g1", "action": action, "arguments": arguments}


def lines(path: Path, *events: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    return path


def test_a_recorded_session_has_no_differences(run: Run, desk: Path, history: Path) -> None:
    ran = run("replay", desk, history)
    assert (ran.code, ran.err) == (0, "")
    assert "differ" not in ran.out
    assert "verdicts are not the same" not in ran.out
    found = run("replay", desk, history, "--json").json
    assert found["differences"] == {"count": 0, "first": []}
    assert found["recorded_digest"] == found["bundle"]["digest"]
    assert sum(found["verdicts"].values()) == sum(found["reasons"].values())
    assert found["events"] == len(history.read_text().splitlines())
    assert found["verdicts"]["step_up"] == 3
    assert found["actions"]["approve"] == {"allow": 1, "step_up": 0, "deny": 1}


def test_another_bundle_is_compared(run: Run, desk: Path, candidate: Path, history: Path) -> None:
    ran = run("replay", desk, history, "--against", candidate)
    assert ran.code == 1
    assert f"  {history}:4: refund under g1 (refund): deny here, allow against" not in ran.out
    assert f"  {history}:4: refund under g1 (refund): deny here, step_up against" in ran.out
    assert '    here: deny: not_permitted (task of hop 0, Agent::"bot")' in ran.out
    assert (
        '    against: step_up: step_up (task of hop 0, Agent::"bot") by `refund/large`' in ran.out
    )
    found = run("replay", desk, history, "--against", candidate, "--json").json
    first = found["differences"]["first"][0]
    assert first["place"] == f"{history}:4"
    assert (first["here"]["verdict"], first["against"]["verdict"]) == ("deny", "step_up")
    places = [each["place"] for each in found["differences"]["first"]]
    assert places == sorted(places, key=lambda place: int(place.rpartition(":")[2]))
    assert found["differences"]["count"] == len(places)


def test_what_was_recorded_is_compared(run: Run, candidate: Path, history: Path) -> None:
    ran = run("replay", candidate, history)
    assert ran.code == 1
    assert "not the same as recorded; the first:" in ran.out
    assert f"  {history}:4: refund under g1 (refund): step_up here, deny recorded" in ran.out
    assert "    recorded: deny: not_permitted" in ran.out


def test_limit_bounds_what_is_shown(run: Run, desk: Path, candidate: Path, history: Path) -> None:
    whole = run("replay", desk, history, "--against", candidate, "--json").json["differences"]
    assert whole["count"] > 1
    cut = run("replay", desk, history, "--against", candidate, "--json", "--limit", 1).json
    assert cut["differences"] == {"count": whole["count"], "first": whole["first"][:1]}
    ran = run("replay", desk, history, "--against", candidate, "--limit", 1)
    assert f"and {whole['count'] - 1} more: --limit shows them" in ran.out


def test_differences_are_explained_on_both_sides(
    run: Run, desk: Path, candidate: Path, history: Path
) -> None:
    ran = run("replay", desk, history, "--against", candidate, "--explain", 1)
    assert f"\n{history}:4 here:\ndeny (not_permitted)" in ran.out
    assert f"\n{history}:4 against:\nstep_up (step_up)" in ran.out
    assert ran.out.count("what would have to change") == 2


def test_every_decision_is_written(
    run: Run, desk: Path, candidate: Path, history: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.jsonl"
    run("replay", desk, history, "--against", candidate, "--output", out)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    found = run("replay", desk, history, "--json").json
    assert len(rows) == sum(found["verdicts"].values())
    recorded = [json.loads(line) for line in history.read_text().splitlines()]
    for row in rows:
        event = recorded[int(row["place"].rpartition(":")[2]) - 1]
        assert row["decision"]["verdict"] == event.get("decision", {}).get("verdict", "allow")
        assert "arguments" not in row
        assert row["against"]["verdict"] in ("allow", "step_up", "deny", None)


def test_stdin(run: Run, desk: Path, history: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def feed() -> None:
        stdin = io.TextIOWrapper(io.BytesIO(history.read_bytes()))
        monkeypatch.setattr(sys, "stdin", stdin)

    feed()
    assert run("replay", desk, "-", "--json").json["calls"] > 10
    feed()
    ran = run("replay", desk, "-", "--explain", 1)
    assert (ran.code, ran.out) == (2, "")
    assert "--explain reads the events again: give files, and no pipe" in ran.err


CALLS = [
    call(2_000),
    call(3_000, order="o1", cents=301),
    call(4_000, "pay", to="x", amount=9.5),
    call(5_000, "pay", to="x", amount=9.75),
    call(6_000, "look"),
]
CALLS[-1]["arguments"] = {}
CSV = """\
at,grant,action,input.order,input.cents,input.to,input.amount,verdict,label
2000,g1,refund,o1,50,,,allow,a
3000,g1,refund,o1,301,,,deny,b
4000,g1,pay,,,x,9.5,allow,c
5000,g1,pay,,,x,9.75,allow,d
6000,g1,look,,,,,allow,e
"""
REASONS = {"permitted": 4, "not_permitted": 2}


def test_calls_come_as_csv(run: Run, desk: Path, tmp_path: Path) -> None:
    grants = lines(tmp_path / "grants.jsonl", START)
    calls = tmp_path / "calls.csv"
    calls.write_text(CSV)
    ran = run("replay", desk, grants, calls, "--json")
    assert ran.code == 1
    assert ran.json["reasons"] == REASONS
    (difference,) = ran.json["differences"]["first"]
    assert difference["place"] == f"{calls}:5"
    assert difference["recorded"] == {"verdict": "allow"}


@pytest.mark.parametrize("form", ["text", "structs", "dotted"])
@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_calls_come_as_tables(run: Run, desk: Path, tmp_path: Path, form: str, suffix: str) -> None:
    rows = [{**each, "event": None} for each in CALLS]
    for row in rows:
        arguments = row.pop("arguments")
        if form == "text":
            row["arguments"] = json.dumps(arguments)
        elif form == "structs":
            row["arguments"] = arguments
        else:
            row |= {f"input.{name}": value for name, value in arguments.items()}
    names = dict.fromkeys(name for row in rows for name in row)
    table = pa.Table.from_pylist([{name: row.get(name) for name in names} for row in rows])
    if form == "dotted":
        at = pa.array([row["at"] for row in rows], pa.timestamp("ms", tz="UTC"))
        table = table.set_column(table.schema.get_field_index("at"), "at", at)
    path = tmp_path / f"calls.{suffix}"
    if suffix == "parquet":
        pq.write_table(table, path)
    else:
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table)
    grants = lines(tmp_path / "grants.jsonl", START)
    ran = run("replay", desk, grants, path, "--json")
    assert ran.code == 0, ran.err
    assert ran.json["reasons"] == REASONS


def test_files_are_put_together_by_time(run: Run, desk: Path, tmp_path: Path) -> None:
    first = lines(tmp_path / "a.jsonl", START, {"event": "close", "at": 3_000, "grant": "g1"})
    second = lines(tmp_path / "b.jsonl", call(2_000), call(3_000))
    found = run("replay", desk, first, second, "--json").json
    assert found["reasons"] == {"permitted": 2, "unknown_grant": 1}


WRONG = {
    "there is no grant `g1`": [call(1)],
    "no `at`": [{"event": "close"}],
    "there is a grant `g1` already": [START, START],
}


@pytest.mark.parametrize("said", WRONG)
def test_what_cannot_be_played_is_told_with_its_place(
    run: Run, desk: Path, tmp_path: Path, said: str
) -> None:
    path = lines(tmp_path / "bad.jsonl", *WRONG[said])
    for more in ([], ["--json"], ["--against", desk]):
        ran = run("replay", desk, path, *more)
        assert ran.code == 2
        assert f"agentpdp: {path}:{len(WRONG[said])}: {said}" in ran.err


BAD_CSV = {
    "at,grant\n": ":1: no column `action`",
    "at,grant,action\n1,g1\n": ":2: 2 cells where the header has 3",
    "at,grant,action\nx,g1,look\n": ":2: `at` is of the wrong form",
    "at,grant,action\n1,,look\n": ":2: `call` has no `grant`",
    "at,grant,action,verdict\n1,g1,look,yes\n": ":2: `decision` is of the wrong form",
    "at,grant,action,arguments\n1,g1,look,{\n": ":2: column `arguments`:2: not JSON",
    'at,grant,action,arguments,input.a\n1,g1,look,"{""a"": 1}",2\n': ":2: `input.a` has two",
}


@pytest.mark.parametrize("text", BAD_CSV)
def test_rows_that_are_no_calls_are_told(run: Run, desk: Path, tmp_path: Path, text: str) -> None:
    path = tmp_path / "calls.csv"
    path.write_text(text)
    ran = run("replay", desk, path)
    assert ran.code == 2
    assert f"{path}{BAD_CSV[text]}" in ran.err


def test_a_bundle_of_the_history_is_handed_in(run: Run, desk: Path, tmp_path: Path) -> None:
    shut = CEILINGS + '@id("no") forbid (principal, action, resource);\n'
    later = written(tmp_path / "later", **{"policies/ceilings.cedar": shut})
    digest = run("check", later, "--json").json["digest"]
    path = lines(
        tmp_path / "h.jsonl",
        START,
        call(2_000),
        {"event": "bundle", "at": 2_500, "digest": digest},
        call(3_000),
    )
    alone = run("replay", desk, path, "--json").json
    assert alone["reasons"] == {"permitted": 3}
    both = run("replay", desk, path, "--bundle", later, "--json").json
    assert both["reasons"] == {"permitted": 2, "forbidden": 1}
    ran = run("replay", desk, path, "--bundle", desk)
    assert ran.code == 2
    assert f"{path}:3: the bundle" in ran.err


def test_a_candidate_that_does_not_load_is_told(run: Run, desk: Path, history: Path) -> None:
    ran = run("replay", desk, history, "--against", "nowhere")
    assert ran.code == 2
    assert "the bundle `nowhere` does not load" in ran.err


def test_a_plain_bundle_has_no_grants(run: Run, bundle: Path, history: Path) -> None:
    ran = run("replay", bundle, history)
    assert ran.code == 2
    assert (
        f"the bundle `{bundle}` has no tasks: a history is of grants, and those of tasks" in ran.err
    )


def test_a_start_that_the_candidate_denies_is_the_first_difference(
    run: Run, desk: Path, tmp_path: Path, history: Path
) -> None:
    root = shutil.copytree(desk, tmp_path / "closed")
    shut = (
        CEILINGS + '@id("no") forbid (principal, action in AgentPDP::Action::"start", resource);\n'
    )
    (root / "policies" / "ceilings.cedar").write_text(shut)
    found = run("replay", desk, history, "--against", root, "--json").json["differences"]
    first, *others = found["first"]
    assert (first["event"], first["against"]["reason"]) == ("start", "forbidden")
    calls = [each for each in others if each["event"] == "call"]
    assert {each["against"]["reason"] for each in calls} == {"unknown_grant"}
