"""What a new user gets wrong first: every message says where it is and what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from .conftest import Ran, Run, ask

Write = Callable[..., Path]


def shell(command: str, *arguments: object) -> Ran:
    """A process whose streams the shell sets up; `$@` are the command and its arguments."""
    words = [sys.executable, "-m", "agentpdp", *map(str, arguments)]
    done = subprocess.run(["sh", "-c", command, "sh", *words], capture_output=True, text=True)
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("check", "--nope", "b"), "usage: agentpdp check BUNDLE [options]\n"),
        (("check", "--nope", "b"), "agentpdp check: error: unrecognized arguments: --nope"),
        (("decide", "b", "r.jsonl", "more"), "usage: agentpdp decide BUNDLE REQUESTS [options]\n"),
        (("check", ""), "the name is empty: write . for this directory"),
    ],
)
def test_wrong_usage_names_its_command(run: Run, arguments: Sequence[str], said: str) -> None:
    ran = run(*arguments)
    assert ran.code == 2
    assert said in ran.err


@pytest.mark.parametrize("command", ["decide", "bench"])
def test_requests_that_are_not_there(run: Run, bundle: Path, tmp_path: Path, command: str) -> None:
    for name, said in (
        (tmp_path / "nothing", f"{tmp_path / 'nothing'}: there is no such file"),
        (tmp_path / "no.jsonl", f"{tmp_path / 'no.jsonl'}: cannot be read"),
        (bundle, f"{bundle}: a directory, and not a file"),
        ("", "the name of the file of requests is empty"),
    ):
        ran = run(command, bundle, name)
        assert (ran.code, ran.out) == (2, "")
        assert said in ran.err


def test_a_line_without_a_part_says_what_it_has(run: Run, bundle: Path, write_rows: Write) -> None:
    row = ask()
    row["actoin"] = row.pop("action")
    ran = run("decide", bundle, write_rows(ask(), row))
    assert ran.code == 2
    assert (
        ":2: no `action`, there is `principal`, `resource`, `context`, `actoin`: a line" in ran.err
    )


@pytest.mark.parametrize("name", ["principal ", " context.input.size", "context "])
def test_a_column_with_a_space_around_its_name(
    run: Run, bundle: Path, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "r.csv"
    parts = ["principal", "action", "resource", "context.input.size"]
    header = [name if part == name.strip() else part for part in parts]
    header += [] if name in header else [name]
    path.write_text(",".join(header) + "\n")
    ran = run("decide", bundle, path)
    assert (ran.code, ran.out) == (2, "")
    assert f"{path}:1: column `{name}` has a space around its name: take it out" in ran.err


def test_other_columns_may_be_named_as_they_are(run: Run, bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    cells = '"User::""ada""","Action::""view""","Photo::""p1""",5,x'
    path.write_text(f"principal,action,resource,context.input.size, note\n{cells}\n")
    ran = run("decide", bundle, path)
    assert ran.code == 0
    assert ran.out.startswith("principal,action,resource,context.input.size, note,verdict")


def test_an_output_that_is_named_as_another_format(
    run: Run, bundle: Path, write_rows: Write, tmp_path: Path
) -> None:
    output = tmp_path / "out.csv"
    ran = run("decide", bundle, write_rows(ask()), "--output", output)
    assert ran.code == 2
    assert f"{output}: the output is jsonl, as the requests are, and the name says csv" in ran.err
    assert not output.exists()
    for name in ("out.ndjson", "out", "out.txt"):
        assert run("decide", bundle, write_rows(ask()), "--output", tmp_path / name).code == 0


def test_settings_that_are_no_toml_have_a_place(run: Run, bundle: Path) -> None:
    (bundle / "agentpdp.toml").write_text('name = "a"\non_error = \n')
    ran = run("check", bundle)
    assert ran.code == 1
    assert ran.out.startswith(f"{bundle / 'agentpdp.toml'}:2:12: error: not TOML: ")
    (bundle / "agentpdp.toml").write_text('name = "a')
    assert f"{bundle / 'agentpdp.toml'}:1:10: error: not TOML: " in run("check", bundle).out


def replaced_by_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def replaced_by_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


@pytest.mark.parametrize("name", ["schema.cedarschema", "policies/photos.cedar", "entities.json"])
@pytest.mark.parametrize(
    ("spoil", "advice"),
    [
        (replaced_by_directory, "put a file in its place"),
        (replaced_by_link, "it is a link to a file that is not there: mend it, or take it out"),
    ],
)
def test_something_else_in_place_of_a_file(
    run: Run, bundle: Path, name: str, spoil: Callable[[Path], None], advice: str
) -> None:
    """One finding: that the schema is missing is not said of one that cannot be read."""
    spoil(bundle / name)
    ran = run("check", bundle)
    assert ran.code == 2
    first, second, last = ran.out.splitlines()
    assert first.startswith(f"{bundle / name}: error: `{name}` cannot be read: ")
    assert (second.strip(), last) == (advice, f"{bundle}: 1 error, no warnings")


@pytest.mark.parametrize("name", ["", "policies"])
def test_a_directory_that_may_not_be_listed(
    run: Run, bundle: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for a user without the right to; who runs the tests may have every right."""
    plain = Path.iterdir

    def iterdir(self: Path) -> Any:
        if self == bundle / name:
            raise PermissionError(13, "Permission denied")
        return plain(self)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    ran = run("check", bundle)
    assert ran.code == 2
    assert (
        "cannot be listed: Permission denied [file_unreadable]\n    see its permissions" in ran.out
    )
    assert f"{bundle}: 1 error, no warnings" in ran.out


def test_a_file_in_place_of_the_directory_of_policies(run: Run, bundle: Path) -> None:
    (bundle / "policies" / "photos.cedar").unlink()
    (bundle / "policies").rmdir()
    (bundle / "policies").write_text("")
    ran = run("check", bundle)
    assert ran.code == 1
    assert f"{bundle / 'policies'}: error: `policies` is a file [policies_missing]" in ran.out


@pytest.mark.skipif(os.name != "posix", reason="the shell of POSIX closes the streams")
def test_closed_streams_are_no_fault(bundle: Path, write_rows: Write) -> None:
    requests = write_rows(ask())
    for arguments in (("check", bundle), ("decide", bundle, requests), ("schema", bundle)):
        ran = shell('"$@" >&-', *arguments)
        assert ran.code == 2
        assert ran.err == "agentpdp: standard output is closed: nothing can be said there\n"
    ran = shell('"$@" 2>&-', "decide", bundle, requests)
    assert (ran.code, ran.err) == (0, "")
    assert ran.rows[0]["verdict"] == "allow"
    ran = shell('"$@" <&-', "decide", bundle, "-")
    assert (ran.code, ran.err) == (2, "agentpdp: stdin: it is closed: give a file, or a pipe\n")
