"""Deciding leaks nothing: not references, not memory, not uids that only requests name."""

from __future__ import annotations

import gc
import sys
import tracemalloc
import weakref
from collections.abc import Callable
from typing import Any

import agentpdp
import numpy as np
import pytest

from .asking import CALL, engine

CALLS = 100_000
BYTES_MAX = 64_000
POLICIES = """
@id("p") permit (principal, action, resource) when { context.n > 1 };
@id("e") permit (principal, action, resource) when { context.missing };
"""
WHO = agentpdp.EntityUid("User", "ann")
CONTEXT = {"n": 2, "s": ["a", {"b": 1.5}]}
NAMES = ("User", "ann", "context", "n")


def counts(*things: Any) -> list[int]:
    return [sys.getrefcount(each) for each in (*things, None, True, WHO, CONTEXT, *NAMES)]


def jobs(this: agentpdp.Engine) -> dict[str, Callable[[], Any]]:
    rows = [{**CALL, "principal": WHO, "context": CONTEXT}] * 10
    columns = {**{name: [text] * 10 for name, text in CALL.items()}, "context.n": np.arange(10)}
    entity = {"uid": {"type": "User", "id": "ann"}, "attrs": CONTEXT, "parents": []}
    entity = {**entity, "attrs": {"n": 2}}
    return {
        "calls": lambda: this.authorize(WHO, CALL["action"], CALL["resource"], {"n": 2}),
        "refusals": lambda: this.authorize(WHO, None, object(), CONTEXT),
        "contexts": lambda: this.authorize(**{**CALL, "principal": WHO}, context=CONTEXT),
        "dicts": lambda: list(this.authorize_batch(rows)),
        "columns": lambda: this.authorize_batch(columns).to_arrow(),
        "reading": lambda: (lambda out: (out.reason, out.policy, out.counts()))(
            this.authorize_batch(columns)
        ),
        "entities": lambda: this.authorize(**CALL, entities=[entity]),
        "codes": lambda: this.encode([WHO, CALL["principal"], ("User", "ann")]),
        "edits": lambda: (this.upsert([entity]), this.remove([WHO])),
    }


DEAR = {"dicts", "columns", "reading", "entities", "edits"}


def new_blocks(job: Callable[[], Any], rounds: int) -> int:
    gc.collect()
    blocks = sys.getallocatedblocks()
    for _ in range(rounds):
        job()
    gc.collect()
    return sys.getallocatedblocks() - blocks


@pytest.mark.parametrize("name", jobs(engine(POLICIES, "none")))
def test_doing_it_again_takes_no_memory(name: str) -> None:
    """What is kept for reuse is there after the first rounds; then nothing more comes."""
    this = engine(POLICIES, "none")
    job = jobs(this)[name]
    rounds = CALLS // 50 if name in DEAR else CALLS
    for _ in range(rounds // 10):
        job()
    gc.collect()
    references = counts(this, this.bundle)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(rounds // 10):
            job()
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < BYTES_MAX
    # The count is the whole interpreter's and other tests' remains move it; a leak is in each run.
    assert min(new_blocks(job, rounds) for _ in range(3)) < rounds // 50
    found = counts(this, this.bundle)
    assert [abs(each - other) < 10 for each, other in zip(found, references, strict=True)] == [
        True
    ] * len(found)


def test_uids_that_only_requests_name_are_forgotten() -> None:
    """Whoever may ask must not be able to fill the memory."""
    this = engine(POLICIES, "none")
    this.authorize(**CALL, context={"n": 2})
    known = this._statistics()["uids"]
    for number in range(2_000):
        this.authorize(("User", f"new-{number}"), CALL["action"], CALL["resource"], {"n": number})
    rows = [{**CALL, "principal": ("User", f"other-{number}")} for number in range(2_000)]
    assert len(this.authorize_batch(rows)) == 2_000
    assert this._statistics()["uids"] == known


def test_an_engine_is_freed_with_its_last_reference() -> None:
    this = engine(POLICIES, "none")
    kept = [this.authorize(**CALL, context={"n": number % 3}) for number in range(100)]
    gone = weakref.ref(this)
    del this
    gc.collect()
    assert gone() is None
    assert kept[2].allowed


def test_a_batch_outlives_the_name_of_its_engine() -> None:
    out = engine(POLICIES, "none").authorize_batch([{**CALL, "context": {"n": 2}}])
    gc.collect()
    assert out[0].policies == ("p",)
    assert out.to_arrow().num_rows == 1


def test_policies_that_differ_in_constants_share_a_shape() -> None:
    """Ten limits for ten people are one condition; another operator makes another."""

    def shapes(*conditions: str) -> int:
        policy = (
            '@id("{at}") permit (principal == User::"u{at}", action, resource) when {{ {when} }};'
        )
        texts = [policy.format(at=at, when=when) for at, when in enumerate(conditions)]
        return int(engine("\n".join(texts), "none")._statistics()["shapes"])

    limits = [f"context.n < {at}" for at in range(10)]
    assert shapes(*limits) == shapes(limits[0])
    assert shapes(*limits, "context.n > 1", "context.n > 2") == shapes(limits[0]) + 1
