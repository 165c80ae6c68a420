"""The guard of a suite: its bundle with the pinned tools, an engine, a grant for each prompt.

The bundle's declarations, ceilings and tasks stand beside this file; the tool list comes from
`agentpdp init`, so that what is pinned is what was proposed and looked at.
"""

from __future__ import annotations

import contextlib
import datetime
import io
import json
import shutil
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import agentpdp
from agentpdp import EntityUid
from agentpdp.cli import main as agentpdp_command
from picker import Choice, banking, travel

HERE = Path(__file__).parent
PERSON = EntityUid("User", "customer")
AGENT = EntityUid("Agent", "assistant")
_PARTIES = [
    {"uid": {"type": each.type, "id": each.id}, "attrs": {}, "parents": []}
    for each in (PERSON, AGENT)
]
# Parameters that are sets of entities.
_ENTITY_TYPES = {
    "payees": "Account",
    "hotels": "Hotel",
    "restaurants": "Restaurant",
    "companies": "RentalCompany",
}


def make_bundle(name: str, tools: Mapping[str, Any], root: Path) -> tuple[Path, str]:
    """The suite's bundle below ``root``, and what `agentpdp init` says of its tools."""
    listed, proposed, bundle = root / f"{name}.json", root / f"{name}-proposed", root / name
    listed.write_text(json.dumps(tools), encoding="utf-8")
    said = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
        code = agentpdp_command(["init", str(listed), "--output", str(proposed), "--name", name])
    if code != 0:
        raise SystemExit(said.getvalue())
    shutil.copytree(HERE / name, bundle)
    shutil.copytree(proposed / "tools", bundle / "tools")
    return bundle, said.getvalue()


class Guard:
    """Decides the calls of one suite, and keeps how long that took."""

    def __init__(self, name: str, bundle: Path) -> None:
        self.name = name
        self.engine = agentpdp.Engine(agentpdp.Bundle.load(bundle))
        self.engine.upsert(_PARTIES)
        self.nanoseconds: list[int] = []
        settings = tomllib.loads((bundle / "agentpdp.toml").read_text(encoding="utf-8"))
        self._impacts = {name: each["impact"] for name, each in settings["actions"].items()}

    def impacts(self) -> dict[str, list[str]]:
        """The impact of each tool, as the bundle declares it."""
        return self._impacts

    def choose(self, prompt: str, today: datetime.date) -> Choice:
        """Tasks and parameters, from the prompt's text alone."""
        return banking.pick(prompt) if self.name == "banking" else travel.pick(prompt, today)

    def start(self, choice: Choice) -> agentpdp.Grant:
        params = {name: _as_entities(name, value) for name, value in choice.params.items()}
        return self.engine.start(choice.tasks, principal=PERSON, agent=AGENT, params=params)

    def decide(self, grant: agentpdp.Grant, function: str, arguments: Mapping[str, Any]) -> Any:
        start = time.perf_counter_ns()
        decision = grant.decide(function, dict(arguments))
        self.nanoseconds.append(time.perf_counter_ns() - start)
        return decision

    def approve(self, decision: Any) -> None:
        """The person says yes to exactly this call, once."""
        self.engine.approve(decision.approval_request, by=PERSON)


def _as_entities(name: str, value: Any) -> Any:
    if name in _ENTITY_TYPES:
        return [EntityUid(_ENTITY_TYPES[name], each) for each in value]
    if name == "days":
        return [datetime.datetime.combine(each, datetime.time(), datetime.UTC) for each in value]
    return value
