"""What an approval is for: the digest of a call, in the engine as in the reference.

Ids of grants are random, so the reference's grants are given those of the engine's; then every
request for an approval has one digest on both sides, whatever is asked, issued or rewritten. Two
calls have one digest just where the tool gets the same.
"""

from __future__ import annotations

import json
from datetime import UTC, timedelta
from decimal import Decimal
from ipaddress import ip_network
from typing import Any
from unittest import mock

import agentpdp
from agentpdp import reference
from hypothesis import given, settings
from hypothesis import strategies as st

USER, AGENT, CHILD = ("User", "u"), ("Agent", "a"), ("Agent", "b")
PARTIES = [{"uid": {"type": kind, "id": name}, "attrs": {}, "parents": []}
           for kind, name in (USER, AGENT, CHILD)]  # fmt: skip
FIELDS = {
    "target": {"type": "string"},
    "to": {"type": "array", "items": {"type": "string"}},
    "note": {"type": "string"},
    "count": {"type": "number"},
    "more": {"type": "object", "properties": {"target": {"type": "string"}}},
}
TOOL = {"name": "put", "description": "P", "inputSchema": {"type": "object", "properties": FIELDS}}
FILES = {
    "agentpdp.toml": 'name = "digests"\nprincipals = ["User"]\nagents = ["Agent"]\n'
    '[actions.put]\nimpact = ["write"]\nresource = "principal"\n'
    'kinds = { target = { kind = "path", rewrite = true }, '
    'to = { kind = "email-list", rewrite = true }, '
    '"more.target" = { kind = "path", rewrite = true } }\n'
    '[actions.file]\nimpact = ["write"]\nresource = "caller"\n',
    "schema.cedarschema": "entity User;\nentity Agent;\n"
    "action file appliesTo "
    "{ principal: [User, Agent], resource: [User], "
    "context: { ticket?: String, level?: Long, rate?: decimal, net?: ipaddr, since?: datetime, "
    "span?: duration } };\n",
    "tools/tools.json": json.dumps({"tools": [TOOL]}),
    "policies/ceilings.cedar": '@id("all") permit (principal, action, resource);\n'
    '@id("ask") @step_up("lead") forbid (principal, action, resource)\n'
    'unless { action == AgentPDP::Action::"approve" };\n',
    "tasks/work.toml": 'description = "W"\nlifetime = "1h"\n'
    '[params]\nwho = { type = "Set<User>", default = [] }\n'
    'most = { type = "Long", default = 5 }\n'
    'rate = { type = "decimal", default = "0.5" }\n'
    'net = { type = "ipaddr", default = "10.0.0.0/8" }\n'
    'since = { type = "datetime", default = "9999-12-31" }\n'
    'span = { type = "duration", default = "1h" }\n',
    "tasks/work.cedar": '@id("do") permit (principal, action in '
    '[Action::"put", Action::"file"], resource);\n'
    '@id("on") permit (principal, action == AgentPDP::Action::"delegate.work", resource);\n',
    "entities.json": json.dumps(PARTIES),
}
BUNDLE = agentpdp.Bundle.from_files(FILES)
TOKENS = "agentpdp.reference.grants.secrets.token_hex"

SPELLINGS = st.sampled_from(["/a/b", "/a//b", "/a/./b", "/a/b/", "/c", "a/../b", "~", ""])
ADDRESSES = st.sampled_from(["ann@x.org", "Ann <ann@x.org>", "ANN@X.org", "b@y.org", "ann"])
NUMBERS = st.one_of(
    st.integers(-(2**54), 2**54),
    st.floats(),
    st.sampled_from([1, 1.0, -0.0, 0, 0.1, 1e21, 2**53]),
    st.decimals(),
    st.sampled_from([Decimal("1.50"), Decimal("1E+30"), 2**64]),
)
ARGUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "target": SPELLINGS,
        "to": st.lists(ADDRESSES, max_size=3),
        "note": st.text(max_size=4) | st.sampled_from(["", "\ud800", "é", "é", '"\\\x7f']),
        "count": NUMBERS,
        "more": st.fixed_dictionaries({}, optional={"target": SPELLINGS}),
    },
)
RATES = st.decimals(-9, 9, places=4) | st.sampled_from([Decimal(5), Decimal("5E2"), 5])
NETS = st.one_of(
    st.ip_addresses(), st.ip_addresses(network="::ffff:0:0/96"), st.ip_addresses().map(ip_network),
    st.sampled_from([ip_network("10.0.0.0/8"), ip_network("fe80::/10")]),
)  # fmt: skip
TIMES = st.datetimes(timezones=st.just(UTC)).map(lambda time: time.replace(microsecond=7_000))
SPANS = st.integers(-(10**12), 10**12).map(lambda length: timedelta(milliseconds=length))
EXTENSIONS = {"rate": RATES, "net": NETS, "since": TIMES, "span": SPANS}
CONTEXT = st.none() | st.fixed_dictionaries(
    {},
    optional={"ticket": st.text(max_size=3), "level": st.integers(-(2**54), 2**54), **EXTENSIONS},
)


def orders(*lengths: Any) -> st.SearchStrategy[dict[str, Any]]:
    params = {"who": st.sampled_from([[], ["u"]]), "most": st.integers(-5, 5), **EXTENSIONS}
    return st.fixed_dictionaries(
        {},
        optional={
            "params": st.fixed_dictionaries({}, optional=params),
            "expires_in": st.sampled_from(lengths),
        },
    )


class Side:
    """An engine or the reference, with a chain of two hops whose ids are given."""

    def __init__(self, make: Any) -> None:
        self.engine = make(BUNDLE, clock="caller")
        self.digests: list[Any] = []

    def issue(self, act: Any, known: Any, **order: Any) -> Any:
        """What is issued once it was approved; its digest is noted."""
        try:
            return act("work", at=1, **order)
        except agentpdp.StepUpNeeded as asked:
            request = asked.decision.approval_request
            self.digests.append(request and request.digest)
            self.engine.approve(request, by=USER, at=1)
        with mock.patch(TOKENS, return_value=known and known.id):
            return act("work", at=1, **order)


def asked(grant: Any, action: str, *given: Any, **more: Any) -> tuple[Any, ...]:
    decision = grant.decide(action, *given, at=2, **more)
    request = decision.approval_request
    return decision.reason, request and request.digest, decision.arguments


@settings(deadline=None)
@given(orders("30m", 1_800_000), orders(60_000, "5m", "300s"), ARGUMENTS, ARGUMENTS, CONTEXT)
def test_engine_and_reference_ask_for_the_same(
    root: Any, child: Any, left: Any, right: Any, context: Any
) -> None:
    ours, theirs = Side(agentpdp.Engine), Side(reference.Engine)
    grants: list[tuple[Any, Any]] = []
    for side in (ours, theirs):
        known = grants[0] if grants else (None, None)
        top = side.issue(side.engine.start, known[0], principal=USER, agent=AGENT, **root)
        below = side.issue(top.delegate, known[1], agent=CHILD, **child)
        grants.append((top, below))
    assert ours.digests == theirs.digests
    found = []
    for mine, other in zip(*grants, strict=True):
        for arguments in (left, right):
            one = asked(mine, "put", arguments)
            assert one == asked(other, "put", arguments)
            found.append(one)
        for subject in (None, context):
            one = asked(mine, "file", resource=USER, context=subject)
            assert one == asked(other, "file", resource=USER, context=subject)
    (_, mine, given), (_, same, handed) = found[:2]
    if mine is not None and same is not None:
        assert (mine == same) == (given == handed)
    assert not {digest for _, digest, _ in found[:2] if digest} & {
        digest for _, digest, _ in found[2:] if digest
    }
