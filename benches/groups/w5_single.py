"""w5, one call at a time: `grant.decide` against floors, hand-written Python, warrants, cedarpy.

Warm: the same 200 rows again and again, spread over the calls under chains of so many hops. What a
hop costs is taken from calls that are allowed under four hops, asked under each grant of their
chain: the same calls, all questions asked, only the chain is longer. Cold: all calls in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from measure import Timed
from peers import ours_chain
from peers.attenu_guards import Guards, context, is_uniform, scope
from peers.bounds import Places, expressible, is_asked
from peers.cedar_chain import CedarChain
from peers.handwritten_chain import Chains, careful
from peers.ours import floors
from peers.tenuo_warrants import Warrants
from workloads import w5
from workloads.w5 import Verdict
from workloads.w5.calls import Call
from workloads.w5.grants import HOPS_MAX

from groups.row import Group, Row

WARM_ROWS = 200
PASSES = 20
SLOW_ROWS = 50
PEER_HOPS = 3  # of the chains that attenu-guard is asked under
Asked = list[tuple[Any, str, Any]]


class Scene:
    """The workload with all that is asked; every answer was compared with what is expected."""

    def __init__(self, name: str, with_cedar: bool = True) -> None:
        self.workload = w5.build(name)
        self.engine = ours_chain.engine(self.workload)
        self.grants = ours_chain.grants(self.engine, self.workload)
        self.verdicts = ours_chain.verdicts(self.grants, self.workload.calls)
        w5.check(w5.counts(self.verdicts), self.workload.expected)
        self.by_hand = Chains(self.workload)
        found = self.by_hand.verdicts(self.workload.calls)
        w5.check(w5.counts(found), self.workload.expected)
        self.cedar = CedarChain(self.workload) if with_cedar else None
        self.places = Places(self.workload)
        self.known = list(zip(self.workload.calls, self.verdicts, strict=True))

    def mixed(self, hops: int) -> list[Call]:
        """Calls under chains of so many hops, as they come."""
        return spread(self.workload.of_depth(hops), WARM_ROWS)

    def allowed(self, hops: int) -> list[Call]:
        """Calls allowed under the longest chains, asked under the grant of so many hops."""
        longest = [
            call
            for call, verdict in self.known
            if verdict.verdict == "allow" and self.workload.issues[call.issue].hops == HOPS_MAX
        ]
        return [
            call._replace(issue=self.workload.chain(call.issue)[hops - 1])
            for call in spread(longest, WARM_ROWS)
        ]

    def reaching(self, hops: int, fits: Callable[[Any], bool]) -> list[tuple[Call, Verdict]]:
        """Calls that reach the tasks, of tasks that fit."""
        workload = self.workload
        found = [
            (call, verdict)
            for call, verdict in self.known
            if workload.issues[call.issue].hops == hops
            and fits(workload.tasks[workload.issues[call.issue].task])
            and is_asked(workload, call, verdict)
        ]
        return spread(found, WARM_ROWS)

    def asked(self, calls: Sequence[Call]) -> Asked:
        return [(self.grants[each.issue], each.tool, each.arguments) for each in calls]


def spread(rows: list[Any], count: int) -> list[Any]:
    """So many rows, evenly."""
    step = max(1, len(rows) // count)
    return rows[::step][:count]


def build(name: str = "w5") -> Group:
    scene = Scene(name)
    workload, hand = scene.workload, scene.by_hand.decide
    floor = floors()
    mixed = {hops: scene.mixed(hops) for hops in range(1, HOPS_MAX + 1)}
    timed: list[Timed] = []
    for hops, calls in mixed.items():
        timed.append(ours(f"decide, {shown(hops)}", scene.asked(calls)))
    for hops in mixed:
        timed.append(ours(f"decide, allowed, {shown(hops)}", scene.asked(scene.allowed(hops))))
    timed += [
        many("read floor of a call", floor["call"], scene.asked(mixed[1])),
        many("empty call of a grant", floor["call_empty"], scene.asked(mixed[1])),
    ]
    for hops in (1, HOPS_MAX):
        rows = scene.by_hand.asked(mixed[hops])
        timed.append(many(f"hand-written, {shown(hops)}", hand, rows))
        timed.append(many(f"hand-written, careful, {shown(hops)}", careful(hand), rows))
    timed += [*tenuo(scene), *attenu(scene)]
    timed += [cedar(scene, hops, mixed[hops]) for hops in (1, HOPS_MAX)]
    cold = scene.asked(workload.calls)
    timed += [
        Timed("decide, cold", partial(decide_each, 1), len(cold), lambda: cold),
        Timed("read floor of a call, cold", partial(call_each, floor["call"], 1), len(cold),
              lambda: cold),
    ]  # fmt: skip
    return Group(list(timed), ROWS)


def shown(hops: int) -> str:
    return "1 hop" if hops == 1 else f"{hops} hops"


def decide_each(passes: int, asked: Asked) -> None:
    """Each call, as its user writes it."""
    for _ in range(passes):
        for grant, action, arguments in asked:
            grant.decide(action, arguments)


def call_each(call: Callable[..., Any], passes: int, asked: Asked) -> None:
    for _ in range(passes):
        for grant, action, arguments in asked:
            call(grant, action, arguments)


def check_each(passes: int, asked: Asked) -> None:
    for _ in range(passes):
        for check, tool, arguments in asked:
            check(tool, arguments)


def ours(name: str, asked: Asked) -> Timed:
    def warmed() -> Asked:
        decide_each(1, asked)
        return asked

    return Timed(name, partial(decide_each, PASSES), len(asked) * PASSES, warmed)


def many(name: str, call: Callable[..., Any], asked: Asked) -> Timed:
    def warmed() -> Asked:
        call_each(call, 1, asked)
        return asked

    return Timed(name, partial(call_each, call, PASSES), len(asked) * PASSES, warmed)


def tenuo(scene: Scene) -> list[Timed]:
    """The bound check and ours on the same calls, under one hop and under four."""
    warrants = Warrants(scene.workload, scene.places)
    made = []
    for hops in (1, HOPS_MAX):
        rows = scene.reaching(hops, expressible)
        asked = [(warrants.check(call), call.tool, call.arguments) for call, _ in rows]
        found = [check(tool, arguments) for check, tool, arguments in asked]
        assert found == [verdict.verdict == "allow" for _, verdict in rows]
        run = partial(check_each, PASSES)
        made += [
            ours(f"decide, as Tenuo, {shown(hops)}", scene.asked([call for call, _ in rows])),
            Timed(f"Tenuo, {shown(hops)}", run, len(asked) * PASSES, partial(same, asked)),
        ]
    return made


def attenu(scene: Scene) -> list[Timed]:
    """Its check without a ledger, and ours on the same calls."""
    guards = Guards(scene.workload, scene.places)
    rows = scene.reaching(PEER_HOPS, is_uniform)
    asked = [(guards.check(call), scope(call.tool), context(call.arguments)) for call, _ in rows]
    found = [check(name, context=given).allowed for check, name, given in asked]
    assert found == [verdict.verdict == "allow" for _, verdict in rows]

    def run(asked: Asked) -> None:
        for check, name, given in asked:
            check(name, context=given)

    hops = shown(PEER_HOPS)
    return [
        ours(f"decide, as attenu-guard, {hops}", scene.asked([call for call, _ in rows])),
        Timed(f"attenu-guard, {hops}", run, len(asked), partial(same, asked)),
    ]


def cedar(scene: Scene, hops: int, calls: list[Call]) -> Timed:
    """One call of cedarpy for each question, until one denies."""
    some = spread(calls, SLOW_ROWS)
    assert scene.cedar is not None
    expected = [scene.verdicts[scene.workload.calls.index(call)] for call in some]
    assert [scene.cedar.verdict(call) for call in some] == expected
    asked = scene.cedar.prepared(some)

    def run(rows: list[Any]) -> None:
        for questions in rows:
            for peer, question, _stage, _hop in questions:
                if not peer.single(question).allowed:
                    break

    return Timed(f"cedarpy, {shown(hops)}", run, len(asked), partial(same, asked))


def same(given: Any) -> Any:
    return given


ROWS = [
    Row("`grant.decide`, a root grant, against the read floor", "at most", 3.0,
        "decide, 1 hop", "read floor of a call"),
    Row("the same of calls that are allowed", "at most", None,
        "decide, allowed, 1 hop", "read floor of a call"),
    Row("each further hop, calls that are allowed", "each more", 100.0,
        "decide, allowed, 4 hops", "decide, allowed, 1 hop", HOPS_MAX - 1),
    Row("against hand-written Python, 1 hop", "faster", 3.0,
        "decide, 1 hop", "hand-written, 1 hop"),
    Row("against hand-written Python, 4 hops", "faster", 3.0,
        "decide, 4 hops", "hand-written, 4 hops"),
    Row("against hand-written Python with arguments checked, 1 hop", "faster", None,
        "decide, 1 hop", "hand-written, careful, 1 hop"),
    Row("against hand-written Python with arguments checked, 4 hops", "faster", None,
        "decide, 4 hops", "hand-written, careful, 4 hops"),
    Row("against Tenuo's bound check, equal scopes, 1 hop", "faster", 3.0,
        "decide, as Tenuo, 1 hop", "Tenuo, 1 hop"),
    Row("against Tenuo's bound check, equal scopes, 4 hops", "faster", None,
        "decide, as Tenuo, 4 hops", "Tenuo, 4 hops"),
    Row("against attenu-guard without its ledger, equal scopes, 3 hops", "faster", 50.0,
        "decide, as attenu-guard, 3 hops", "attenu-guard, 3 hops"),
    Row("against cedarpy, one call for each question, 1 hop", "faster", None,
        "decide, 1 hop", "cedarpy, 1 hop"),
    Row("against cedarpy, one call for each question, 4 hops", "faster", None,
        "decide, 4 hops", "cedarpy, 4 hops"),
    Row("all calls of w5 in turn, against the read floor in turn", "at most", None,
        "decide, cold", "read floor of a call, cold"),
]  # fmt: skip
