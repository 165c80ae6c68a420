"""What conditions come to: a table, asked of the reference and of Cedar itself.

Each line is a condition in Cedar's text and what it comes to: true, false, or a code of failure.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from agentpdp.reference import Engine

cedarpy = pytest.importorskip("cedarpy")

ENTITIES: list[dict[str, Any]] = [
    {
        "uid": {"type": "User", "id": "ann"},
        "attrs": {"age": 30, "boss": {"__entity": {"type": "User", "id": "gone"}}, "r": {"x": 1}},
        "parents": [{"type": "Group", "id": "staff"}],
        "tags": {"team": "blue", "n": 1},
    },
    {
        "uid": {"type": "Group", "id": "staff"},
        "attrs": {},
        "parents": [{"type": "Group", "id": "all"}],
    },
]
CONTEXT = {"n": 5, "s": "a*b", "r": {"a": {"b": 1}}, "max": 2**63 - 1, "min": -(2**63), "k": {}}

CONDITIONS = """
true && false                                         -> false
false && 1                                            -> false
true && 1                                             -> type_error
1 && true                                             -> type_error
true || 1                                             -> true
false || 1                                            -> type_error
context.nope || true                                  -> attribute_missing
true || context.nope                                  -> true
(true && true) && (true && false)                     -> false
if true then true else 1                              -> true
if true then 1 else true                              -> type_error
if 1 then true else true                              -> type_error
if false then context.nope else true                  -> true
!1                                                    -> type_error
1 == true                                             -> false
1 != "1"                                              -> true
[1, true] == [true, 1, 1]                             -> true
[[1], [1, 1]] == [[1]]                                -> true
{a: 1} == {"a": 1}                                    -> true
{a: 1} == {a: 1, b: 2}                                -> false
principal == User::"ann"                              -> true
User::"ann" == N::User::"ann"                         -> false
1 < 2                                                 -> true
2 <= 2                                                -> true
1 > "a"                                               -> type_error
"a" < "b"                                             -> type_error
decimal("1.0") < decimal("2.0")                       -> type_error
1 < duration("1h")                                    -> type_error
datetime("2024-01-01") < duration("1h")               -> type_error
datetime("2024-01-01") < datetime("2024-01-02")       -> true
duration("60m") <= duration("1h")                     -> true
duration("1h") > duration("-1h")                      -> true
context.max + 1 == 0                                  -> overflow
context.min - 1 == 0                                  -> overflow
context.max * 2 == 0                                  -> overflow
context.min * -1 == 0                                 -> overflow
-context.min == 0                                     -> overflow
-context.max == context.min + 1                       -> true
-9223372036854775808 == context.min                   -> true
1 + "a" == 2                                          -> type_error
-"a" == 2                                             -> type_error
principal in Group::"staff"                           -> true
principal in Group::"all"                             -> true
User::"gone" in User::"gone"                          -> true
User::"gone" in Group::"all"                          -> false
Group::"all" in Group::"staff"                        -> false
principal in [Group::"x", Group::"all"]               -> true
principal in []                                       -> false
principal in [Group::"staff", 1]                      -> type_error
principal in 1                                        -> type_error
1 in principal                                        -> type_error
principal is User                                     -> true
principal is N::User                                  -> false
1 is User                                             -> type_error
principal is User in Group::"all"                     -> true
principal is Group in 1                               -> false
principal is User in 1                                -> type_error
principal has age                                     -> true
principal has team                                    -> false
User::"gone" has age                                  -> false
context has n                                         -> true
context.n has a                                       -> type_error
context has r.a.b                                     -> true
context has r.a.c                                     -> false
context has r.x.b                                     -> false
context has n.a                                       -> type_error
principal has boss.age                                -> false
principal.age == 30                                   -> true
principal.team == 30                                  -> attribute_missing
User::"gone".age == 30                                -> entity_missing
principal.boss.age == 30                              -> entity_missing
context.n.a == 1                                      -> type_error
context.r.a.b == 1                                    -> true
{a: context.nope}.a == 1                              -> attribute_missing
{a: 1, b: context.nope}.a == 1                        -> attribute_missing
principal.hasTag("team")                              -> true
principal.hasTag("age")                               -> false
User::"gone".hasTag("team")                           -> false
principal.getTag("team") == "blue"                    -> true
principal.getTag("x") == "blue"                       -> tag_missing
User::"gone".getTag("x") == "blue"                    -> entity_missing
principal.hasTag(1)                                   -> type_error
context.hasTag("team")                                -> type_error
"abc" like "a*c"                                      -> true
"abc" like "a*b"                                      -> false
context.s like "a\\*b"                                -> true
"axb" like "a\\*b"                                    -> false
"" like ""                                            -> true
"" like "*"                                           -> true
"aXbXc" like "*X*X*"                                  -> true
"aa" like "a*a*a"                                     -> false
"abab" like "*ab"                                     -> true
"日本" like "日*"                                       -> true
1 like "a"                                            -> type_error
[1, 2].contains(2)                                    -> true
[1, 2].contains([2])                                  -> false
1.contains(1)                                         -> type_error
[1, 2, 2].containsAll([2, 1])                         -> true
[1].containsAll([])                                   -> true
[1].containsAny([])                                   -> false
[1, 2].containsAny([3, 2])                            -> true
[1].containsAny(1)                                    -> type_error
[].isEmpty()                                          -> true
[1].isEmpty()                                         -> false
{}.isEmpty()                                          -> type_error
decimal("1.0") == decimal("1.0000")                   -> true
decimal("1.0").lessThan(decimal("1.1"))               -> true
decimal("1.0").greaterThanOrEqual(decimal("1.0"))     -> true
decimal("1.0").lessThan(1)                            -> type_error
decimal(context.s) == 1                               -> extension_error
decimal(1) == 1                                       -> type_error
decimal("1.0", "2.0") == 1                            -> type_error
ip("10.0.0.1").isInRange(ip("10.0.0.0/8"))            -> true
ip("10.0.0.0/8").isInRange(ip("10.0.0.1"))            -> false
ip("10.0.0.1").isInRange(ip("::/0"))                  -> false
ip("::ffff:7f00:1").isLoopback()                      -> false
ip("127.0.0.1/7").isLoopback()                        -> false
ip("10.0.0.1/8") == ip("10.0.0.0/8")                  -> false
ip("::1") == ip("0:0:0:0:0:0:0:1/128")                -> true
ip("10.0.0.1").isIpv6()                               -> false
ip("ff00::/7").isMulticast()                          -> false
ip("10.0.0.1").isInRange("10.0.0.0/8")                -> type_error
datetime("2024-02-30") == 1                           -> extension_error
datetime("1969-12-31T23:00:00Z").toDate() == datetime("1969-12-31")     -> true
datetime("1969-12-31T23:00:00Z").toTime() == duration("23h")            -> true
datetime("2024-01-01T01:00:00+0100") == datetime("2024-01-01")          -> true
datetime("2024-01-01").offset(duration("-1d")) == datetime("2023-12-31") -> true
datetime("2024-01-01").offset(duration("9223372036854775807ms")) == 1   -> extension_error
datetime("2024-01-02").durationSince(datetime("2024-01-01")) == duration("24h") -> true
duration("-90m").toHours() == -1                      -> true
duration("1d1h").toDays() == 1                        -> true
duration("1h").toDate() == 1                          -> type_error
"""
LINES = [tuple(line.rsplit("->", 1)) for line in CONDITIONS.strip().splitlines()]
CASES = [(condition.strip(), expected.strip()) for condition, expected in LINES]
TEXT = "\n".join(f"permit(principal, action, resource) when {{ {each} }};" for each, _ in CASES)
REQUEST = ('User::"ann"', 'Action::"view"', 'Doc::"plan"')


def outcomes() -> list[str]:
    policies = json.loads(cedarpy.policies_to_json_str(TEXT))
    decision = Engine(policies, entities=ENTITIES).authorize(*REQUEST, CONTEXT)
    errors = {error.policy: error.code for error in decision.errors}
    truths = dict.fromkeys(decision.policies, "true")
    return [(errors | truths).get(f"policy{at}", "false") for at in range(len(CASES))]


@pytest.mark.parametrize(
    ("condition", "expected", "found"),
    [(*case, found) for case, found in zip(CASES, outcomes(), strict=True)],
)
def test_a_condition_comes_to(condition: str, expected: str, found: str) -> None:
    assert found == expected, condition


def test_cedar_says_the_same() -> None:
    request = dict(zip(("principal", "action", "resource"), REQUEST, strict=True))
    answer = cedarpy.is_authorized({**request, "context": CONTEXT}, TEXT, json.dumps(ENTITIES))
    failing = [re.search(r"`(policy\d+)`", error) for error in answer.diagnostics.errors]
    errors = {match[1] for match in failing if match}
    for at, (condition, expected) in enumerate(CASES):
        name = f"policy{at}"
        truth = "true" if name in answer.diagnostics.reasons else "false"
        said = "error" if name in errors else truth
        assert said == (expected if expected in ("true", "false") else "error"), condition
