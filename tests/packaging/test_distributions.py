"""The wheel and the sdist, built as for a release, installed and tried as a user would.

The sdist is built where the build of this repository left its compiled dependencies, so that only
its own crates are compiled anew.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "examples" / "assistant" / "bundle"
REQUESTS = ROOT / "examples" / "assistant" / "requests.jsonl"
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
ASK = """
import agentpdp
engine = agentpdp.Engine(agentpdp.Bundle.load({bundle!r}))
print(agentpdp.__file__)
print(len(engine.bundle.policies))
"""

pytest.importorskip("maturin", reason="maturin builds the distributions; `make build` installs it")


def run(*command: str, **environment: str) -> str:
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PATH": PATH, "CARGO_TARGET_DIR": str(TARGET), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def build(kind: str, out: Path) -> Path:
    options = {"wheel": ("build", "--release"), "sdist": ("sdist",)}[kind]
    run(sys.executable, "-m", "maturin", *options, "--out", str(out))
    (made,) = out.iterdir()
    return made


def installed(distribution: Path, site: Path) -> Path:
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--target", str(site))
    run(sys.executable, "-m", "pip", "install", *options, str(distribution))
    return site


def try_out(site: Path) -> None:
    """Only what is installed there is imported; it decides, and its command line runs."""
    said = run(sys.executable, "-c", ASK.format(bundle=str(BUNDLE)), PYTHONPATH=str(site))
    where, policies = said.splitlines()
    assert Path(where).is_relative_to(site)
    assert int(policies) == 39
    command = (sys.executable, "-m", "agentpdp", "decide", str(BUNDLE), str(REQUESTS), "--json")
    summary = json.loads(run(*command, PYTHONPATH=str(site)))
    assert summary["rows"] == 3_000


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", tmp_path_factory.mktemp("wheel"))


def test_the_wheel_is_for_every_python_from_the_oldest_on(wheel: Path) -> None:
    assert "-cp311-abi3-" in wheel.name


def test_the_wheel_holds_what_types_and_users_need(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"agentpdp/py.typed", "agentpdp/_core.pyi", "agentpdp/reference/engine.py"} <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not any(name.startswith(("tests", "benches", "rust")) for name in names)


def test_the_wheel_installs_and_decides(wheel: Path, tmp_path: Path) -> None:
    try_out(installed(wheel, tmp_path / "site"))


def test_the_sdist_builds_installs_and_decides(tmp_path: Path) -> None:
    with tarfile.open(build("sdist", tmp_path / "sdist")) as archive:
        archive.extractall(tmp_path, filter="data")
    (sources,) = tmp_path.glob("agentpdp-*")
    for source in sources.rglob("*.rs"):
        os.utime(source)  # else what was compiled of the same files here counts as fresh
    try_out(installed(sources, tmp_path / "site"))
