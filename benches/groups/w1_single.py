"""w1, one call at a time: `authorize` against floors, hand-written Python, cedarpy, the reference.

Warm: the same 200 rows again and again, spread over the workload. Cold: all 100,000 rows in turn.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from measure import Timed, each, loop
from peers import cedar, handwritten, ours
from peers.handwritten_careful import careful
from workloads import w1
from workloads.workload import Request, Workload, check, counts, text

from groups.row import Group, Row

WARM_ROWS = 200
PASSES = 50
SLOW_ROWS = 100


def build() -> Group:
    workload = w1.build()
    warm = workload.take(WARM_ROWS)
    engine = ours.engine(workload)
    reference = ours.reference(workload)
    peer = cedar.Cedar(workload)
    decide = handwritten.build(workload)
    check(counts(ours.outcomes(engine, workload.requests)), workload.expected)
    check_peers(workload, reference, peer, decide)
    asked = ours.questions(warm)
    forms = {"tuples": list(warm), "text": as_text(warm), "new": ours.fresh(warm)}
    check_forms(engine, asked, forms)
    floors = ours.floors()

    def many(name: str, call: Callable[..., Any], rows: list[Any]) -> Timed:
        def warmed() -> list[Any]:
            each(call)(rows)
            return rows

        return Timed(name, each(call, PASSES), len(rows) * PASSES, warmed)

    timed = [
        many("authorize", engine.authorize, asked),
        many("read floor", floors["read"], asked),
        many("empty call", floors["empty"], asked),
        many("hand-written", decide, handwritten.questions(warm)),
        many("hand-written, careful", careful(decide), list(warm)),
        # An option by name costs a call through `partial` something of its own: both are timed.
        many("authorize, all by name", partial(engine.authorize, diagnostics="full"), asked),
        many("authorize, verdict only", partial(engine.authorize, diagnostics="verdict"), asked),
        many("authorize, names as tuples", engine.authorize, forms["tuples"]),
        many("authorize, names as text", engine.authorize, forms["text"]),
        Timed("authorize, new names", each(engine.authorize), len(warm), partial(ours.fresh, warm)),
        Timed("loop alone", partial(loop, PASSES), len(warm) * PASSES, partial(asked.copy)),
        *cold(workload, engine, decide, floors["read"]),
        *slow(workload, reference, peer),
    ]
    return Group(list(timed), ROWS)


def check_peers(workload: Workload, reference: Any, peer: cedar.Cedar, decide: Any) -> None:
    """Who is timed on a sample must decide it as recorded; by hand, all rows."""
    some = workload.take(200)
    check(counts(peer.outcomes(some)), workload.expected["sample"])
    check(counts(ours.outcomes(reference, some)), workload.expected["sample"])
    by_hand = counts(handwritten.outcomes(decide, workload.requests))
    check({**by_hand, "errors": workload.expected["errors"]}, workload.expected)


def check_forms(engine: Any, asked: list[Any], forms: dict[str, list[Any]]) -> None:
    """However names are written, and with fewer diagnostics, the verdicts are the same."""
    verdicts = [engine.authorize(*each).allowed for each in asked]
    for rows in forms.values():
        assert [engine.authorize(*each).allowed for each in rows] == verdicts
    short = [engine.authorize(*each, diagnostics="verdict").allowed for each in asked]
    assert short == verdicts


def as_text(requests: list[Request]) -> list[Any]:
    return [(text(p), text(a), text(r), context) for p, a, r, context in requests]


def cold(workload: Workload, engine: Any, decide: Any, floor: Any) -> list[Timed]:
    """Each row once: what caches cannot hold."""
    asked = ours.questions(workload.requests)
    plain = handwritten.questions(workload.requests)
    return [
        Timed("authorize, cold", each(engine.authorize), len(asked), partial(asked.copy)),
        Timed("read floor, cold", each(floor), len(asked), partial(asked.copy)),
        Timed("hand-written, cold", each(decide), len(plain), partial(plain.copy)),
    ]


def slow(workload: Workload, reference: Any, peer: cedar.Cedar) -> list[Timed]:
    """Those that take hundreds of microseconds, on fewer rows of the same spread."""
    some = workload.take(SLOW_ROWS)
    asked = ours.questions(some)
    questions = cedar.questions(some)

    def single(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            peer.single(row)

    return [
        Timed("cedarpy", single, len(some), partial(questions.copy)),
        Timed("reference", each(reference.authorize), len(some), partial(asked.copy)),
    ]


ROWS = [
    Row("`authorize`, w1, against the read floor", "at most", 2.0, "authorize", "read floor"),
    Row(
        "the same against the hand-written function, both warm",
        "faster", 2.5, "authorize", "hand-written",
    ),
    Row(
        "the same against the hand-written function with arguments checked",
        "faster", None, "authorize", "hand-written, careful",
    ),
    Row("the same against cedarpy with handles", "faster", 200, "authorize", "cedarpy"),
    Row("the same against the reference", "faster", None, "authorize", "reference"),
    Row("cold, against the read floor", "at most", None, "authorize, cold", "read floor, cold"),
    Row("cold, against the hand-written function", "faster", None,
        "authorize, cold", "hand-written, cold"),
    Row("for the verdict only, against all, the option by name", "at most", None,
        "authorize, verdict only", "authorize, all by name"),
    Row("names made anew for each call, against the read floor", "at most", None,
        "authorize, new names", "read floor"),
]  # fmt: skip
