"""The page of the kernels says which conditions have typed kernels; batches of them are counted."""

from __future__ import annotations

import datetime
import decimal
import re

import agentpdp
import pyarrow as pa
import pytest

from .tables import ROOT

PAGE = ROOT / "docs" / "internals" / "kernels.md"
ROW = re.compile(r"^\| (.*?) \| `(.+)` \| (typed|untyped|none) \|$", re.MULTILINE)
ROWS = ROW.findall(PAGE.read_text(encoding="utf-8"))
SCHEMA = """
entity Team;
entity User tags String;
entity Doc = { owner: User, team: Team, level: Long, note?: String };
action read appliesTo { principal: User, resource: Doc, context: {
  n: Long, m: Long, s: String, b: Bool, set: Set<String>, act: Action, who: User,
  price: decimal, ip: ipaddr, at: datetime,
} };
"""
DOC = {
    "uid": {"type": "Doc", "id": "d"},
    "attrs": {
        "owner": {"type": "User", "id": "u"},
        "team": {"type": "Team", "id": "t"},
        "level": 4,
    },
    "parents": [],
}
USER = {"uid": {"type": "User", "id": "u"}, "attrs": {}, "parents": [], "tags": {"k": "a"}}
TABLE = pa.table(
    {
        "principal": ['User::"u"'] * 4,
        "action": ['Action::"read"'] * 4,
        "resource": ['Doc::"d"'] * 4,
        "context.n": pa.array([1, 2, 3, 4]),
        "context.m": pa.array([4, 3, 2, 1]),
        "context.s": pa.array(["a", "b", "a", "c"]).dictionary_encode(),
        "context.b": [True, False, True, False],
        "context.set": [["a"], ["b"], [], ["a", "b"]],
        "context.act": [{"type": "Action", "id": "read"}] * 4,
        "context.who": [{"type": "User", "id": "u"}] * 4,
        "context.price": pa.array([decimal.Decimal("1.2500")] * 4),
        "context.ip": ["10.1.2.3"] * 4,
        "context.at": pa.array(
            [datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)] * 4, pa.timestamp("ms", "UTC")
        ),
    }
)


@pytest.mark.parametrize(("condition", "kind"), [row[1:] for row in ROWS])
def test_the_page_says_which_kernels_run(condition: str, kind: str) -> None:
    condition = condition.replace("\\|", "|")
    policies = f'@id("p") permit (principal, action, resource) when {{ {condition} }};'
    bundle = agentpdp.Bundle.from_sources(policies=policies, schema=SCHEMA, entities=[DOC, USER])
    engine = agentpdp.Engine(bundle)
    out = engine.authorize_batch(TABLE)
    assert set(out.reason) <= {"permitted", "not_permitted"}
    typed, untyped, _ = out._kernel_runs
    assert kind == ("untyped" if untyped else "typed" if typed else "none")


def test_the_page_has_every_node() -> None:
    shape = (ROOT / "rust" / "core" / "src" / "shape.rs").read_text(encoding="utf-8")
    body = shape.partition("pub enum Node {")[2].partition("\n}")[0]
    nodes = set(re.findall(r"^    (\w+)[,(]", body, re.MULTILINE))
    named = {word for names, _, _ in ROWS for word in re.findall(r"`([A-Z]\w+)`", names)}
    assert named == nodes
