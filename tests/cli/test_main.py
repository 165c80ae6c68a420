"""The frame of all commands: help, usage, exit codes, and how a command is stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import agentpdp
import pytest
from agentpdp.cli import decide, exits

from .conftest import Run, ask

COMMANDS = ("check", "decide", "bench", "schema")
MODULE = [sys.executable, "-m", "agentpdp"]


def test_help_names_every_command_and_exit_code(run: Run) -> None:
    ran = run("--help")
    assert ran.code == 0
    for command in COMMANDS:
        assert f"\n    {command}" in ran.out
    for code, meaning in exits.MEANINGS.items():
        assert f"  {code}" in ran.out
        assert meaning in ran.out


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_with_an_example(run: Run, command: str) -> None:
    ran = run(command, "--help")
    assert ran.code == 0
    assert f"example:\n  $ agentpdp {command} examples/" in ran.out
    assert "--json" in ran.out


def test_version(run: Run) -> None:
    assert run("--version").out == f"agentpdp {agentpdp.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "    decide    decide the requests of a file"),
        (["decied"], "invalid choice: 'decied'"),
        (["check"], "agentpdp check: error: the following arguments are required: BUNDLE"),
        (["check", "b", "--sch", "none"], "unrecognized arguments: --sch none"),
        (["check", "b", "--schema", "some"], "invalid choice: 'some'"),
        (["decide", "b", "r.jsonl", "--threads", "0"], "`0` is not a whole number of at least 1"),
        (["bench", "b", "r.jsonl", "--rounds", "²"], "`²` is not a whole number of at least 1"),
        (["bench", "b", "r.jsonl", "--max-regression", "0.1"], "not a percentage such as 10%"),
    ],
)
def test_wrong_usage_is_2_and_says_what_is_wrong(run: Run, arguments: list[str], said: str) -> None:
    ran = run(*arguments)
    assert ran.code == exits.UNREADABLE
    assert ran.out == ""
    assert said in ran.err


def test_a_fault_of_agentpdp_is_3(run: Run, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(decide, "open_source", fail)
    ran = run("decide", bundle, "r.jsonl")
    assert ran.code == exits.INTERNAL
    assert "boom" in ran.err
    assert "please report it" in ran.err


def test_unreadable_input_is_an_object_too(run: Run, tmp_path: Path) -> None:
    ran = run("decide", tmp_path / "none", "r.jsonl", "--json")
    assert ran.code == exits.UNREADABLE
    assert "does not exist" in ran.json["error"]
    assert ran.json["findings"][0]["code"] == "bundle_missing"


def test_it_runs_as_a_module_and_reads_stdin(bundle: Path) -> None:
    done = subprocess.run(
        [*MODULE, "decide", str(bundle), "-"],
        input=json.dumps(ask()),
        capture_output=True,
        text=True,
        check=True,
    )
    assert '"verdict": "allow"' in done.stdout
    assert "1 requests" not in done.stderr
    assert "1 request" in done.stderr
    assert "\x1b" not in done.stderr


def test_a_reader_that_goes_away_is_no_error(bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "many.jsonl"
    path.write_text((json.dumps(ask()) + "\n") * 20_000)
    command = [*MODULE, "decide", str(bundle), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
    assert process.returncode == exits.PIPE_CLOSED
    assert said == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("option", ["stdout", "--output"])
def test_a_full_disk_is_said(bundle: Path, option: str) -> None:
    command = [*MODULE, "decide", str(bundle), "-"]
    line = json.dumps(ask()).encode()
    pipe = subprocess.PIPE
    with Path("/dev/full").open("wb") as full:
        if option == "stdout":
            done = subprocess.run(command, input=line, stdout=full, stderr=pipe, check=False)
        else:
            command += ["--output", "/dev/full"]
            done = subprocess.run(command, input=line, capture_output=True, check=False)
    assert done.returncode == exits.UNREADABLE
    name = "standard output" if option == "stdout" else "/dev/full"
    assert f"agentpdp: {name}: ".encode() in done.stderr
    assert b"No space left on device" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
def test_ctrl_c_is_quiet_and_leaves_no_file(bundle: Path, tmp_path: Path) -> None:
    output = tmp_path / "out" / "rows.jsonl"
    output.parent.mkdir()
    command = [*MODULE, "decide", str(bundle), "-", "--output", str(output)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        while not list(output.parent.iterdir()) and process.poll() is None:
            pass
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert (process.returncode, out, err) == (exits.INTERRUPTED, b"", b"")
    assert list(output.parent.iterdir()) == []
