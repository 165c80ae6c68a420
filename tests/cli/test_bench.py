"""`agentpdp bench`: what it prints, saves and compares; in rounds too short to mean much."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from agentpdp.cli import comparison, measure
from agentpdp.cli.bench import percentage

from .conftest import Run, ask

Write = Callable[..., Path]


@pytest.fixture(autouse=True)
def short_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "_ROUND_NS_MIN", 100_000)
    monkeypatch.setattr(measure, "_SINGLE_CALLS_MAX", 200)


@pytest.fixture
def requests(write_rows: Write) -> Path:
    return write_rows(*(ask(number) for number in range(200)), ask("big"))


def test_people_read_machine_versions_and_numbers(run: Run, bundle: Path, requests: Path) -> None:
    ran = run("bench", bundle, requests, "--rounds", 2)
    assert (ran.code, ran.err) == (0, "")
    machine, versions, what, batch, single, late = ran.out.splitlines()
    assert "core" in machine
    assert versions.startswith("agentpdp ")
    assert "numpy" in versions
    assert what.startswith("bundle photos ")
    assert what.endswith("201 requests; 2 rounds")
    assert "decisions a second (dicts, all threads), rounds from" in batch
    assert "median of a call" in single
    assert "99th percentile" in late


def test_json_is_what_is_saved(run: Run, bundle: Path, requests: Path, tmp_path: Path) -> None:
    path = tmp_path / "saved.json"
    options = ("--rounds", 2, "--seed", 3, "--threads", 1, "--rows", 50, "--save", path, "--json")
    ran = run("bench", bundle, requests, *options)
    found = ran.json
    assert json.loads(path.read_text()) == found
    assert found["format"] == comparison.FORMAT
    assert found["settings"] == {"rounds": 2, "seed": 3, "threads": 1}
    assert found["requests"]["rows"] == 50
    assert found["requests"]["counts"] == {"permitted": 50}
    assert set(found["measures"]) == {"batch", "single", "single_p99"}
    for each in found["measures"].values():
        assert 0 < each["ns_min"] <= each["ns"] <= each["ns_max"]
        assert each["ratio"] > 0
    assert found["machine"]["cores"] >= 1


def test_compared_with_itself_made_slower_or_faster(
    run: Run, bundle: Path, requests: Path, tmp_path: Path
) -> None:
    path = tmp_path / "saved.json"
    saved = run("bench", bundle, requests, "--rounds", 1, "--save", path, "--json").json
    for factor, code, verdict in ((1_000, 0, "ok"), (0.001, 1, "a regression")):
        changed = json.loads(json.dumps(saved))
        for each in changed["measures"].values():
            each["ratio"] *= factor
        path.write_text(json.dumps(changed))
        ran = run("bench", bundle, requests, "--rounds", 1, "--compare", path)
        assert ran.code == code
        assert f"against {path}, as ratios to the yardstick, at most +10.0%" in ran.out
        assert ran.out.count(f"%  {verdict}") == 2


def numbers(batch: float, single: float) -> dict[str, Any]:
    return {
        "measures": {"batch": {"ratio": batch}, "single": {"ratio": single}},
        "requests": {"digest": "d", "counts": {"permitted": 1}},
        "settings": {"threads": None},
        "machine": {"processor": "p", "cores": 2, "python": "3.11", "agentpdp": "0.1"},
    }


def test_a_regression_is_one_ratio_above_the_limit() -> None:
    saved = numbers(2.0, 1.0)
    assert not comparison.compare(numbers(2.19, 1.09), saved, 0.1)["regression"]
    assert not comparison.compare(numbers(0.1, 0.1), saved, 0.1)["regression"]
    assert comparison.compare(numbers(2.21, 1.0), saved, 0.1)["regression"]
    found = comparison.compare(numbers(2.0, 1.5), saved, 0.1)
    assert found["regression"]
    assert found["changes"] == {"batch": 0.0, "single": 0.5}
    assert found["differences"] == []


def test_what_differs_besides_is_said() -> None:
    now = numbers(1.0, 1.0)
    now["requests"]["counts"] = {"permitted": 2}
    now["machine"]["cores"] = 4
    found = comparison.compare(now, numbers(1.0, 1.0), 0.1)
    assert not found["regression"]
    assert found["differences"] == ["decisions have changed", "the number of cores is another"]
    assert "  note: decisions have changed" in comparison.as_text(found, Path("f"))


def test_what_bench_did_not_save_is_not_compared_with(
    run: Run, bundle: Path, requests: Path, tmp_path: Path
) -> None:
    path = tmp_path / "saved.json"
    ran = run("bench", bundle, requests, "--compare", path)
    assert ran.code == 2
    assert (
        f"{path}: cannot be read: No such file or directory: write it with --save first" in ran.err
    )
    broken = {"format": comparison.FORMAT, **numbers(1.0, 1.0), "measures": {"batch": {}}}
    for text in ("{", "[]", "{}", json.dumps(broken)):
        path.write_text(text)
        ran = run("bench", bundle, requests, "--compare", path)
        assert ran.code == 2
        assert f"{path}: not a file that `agentpdp bench --save`" in ran.err


def test_nothing_to_measure(run: Run, bundle: Path, write_rows: Write) -> None:
    ran = run("bench", bundle, write_rows())
    assert ran.code == 2
    assert "there is no request to measure" in ran.err


def test_requests_with_entities_are_measured_one_by_one(
    run: Run, bundle: Path, write_rows: Write
) -> None:
    path = write_rows({**ask(), "entities": []}, ask())
    ran = run("bench", bundle, path, "--rounds", 1)
    assert ran.code == 0
    assert "  batch    none: requests bring entities of their own" in ran.out
    assert set(run("bench", bundle, path, "--rounds", 1, "--json").json["measures"]) == {
        "single",
        "single_p99",
    }


def test_tables_are_measured_as_columns(run: Run, bundle: Path, tmp_path: Path) -> None:
    pa: Any = pytest.importorskip("pyarrow")
    parquet: Any = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "r.parquet"
    parquet.write_table(pa.Table.from_pylist([ask(number) for number in range(100)]), path)
    found = run("bench", bundle, path, "--rounds", 1, "--rows", 30, "--json").json
    assert found["requests"]["batch"] == "Arrow columns"
    assert found["requests"]["counts"] == {"permitted": 30}
    assert set(found["measures"]) == {"batch", "single", "single_p99"}


def test_percentages() -> None:
    assert [percentage(text) for text in ("10%", "0%", "2.5%")] == [0.1, 0.0, 0.025]


def test_percentiles_are_of_the_times_without_the_clock() -> None:
    middle, late = measure.percentiles([100_000] * 98 + [500_000] * 2)
    assert 95_000 < middle <= 100_000
    assert 495_000 < late <= 500_000
