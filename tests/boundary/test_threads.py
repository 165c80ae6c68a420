"""Threads that decide while others change the store: no exception, and no answer in between."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import agentpdp

from .asking import CALL, engine

SECONDS = 1.0
POLICIES = """
@id("staff") permit (principal in Group::"staff", action, resource);
@id("shared") permit (principal == ?principal, action, resource);
"""
ANN, BOB = ("User", "ann"), ("User", "bob")
ROWS = [{**CALL, "principal": who} for who in (ANN, BOB)]


def people(*staff: tuple[str, str]) -> list[dict[str, Any]]:
    """Entity data in which these and nobody else are staff."""
    group = [{"type": "Group", "id": "staff"}]
    return [
        {
            "uid": {"type": who[0], "id": who[1]},
            "attrs": {},
            "parents": group if who in staff else [],
        }
        for who in (ANN, BOB)
    ]


def together(*jobs: Callable[[], Any]) -> list[Any]:
    """Runs each job over and over in a thread of its own; all that they gave, exceptions too."""
    given: list[Any] = []
    end = time.monotonic() + SECONDS
    start = threading.Barrier(len(jobs))

    def work(job: Callable[[], Any]) -> None:
        found = []
        start.wait()
        try:
            while time.monotonic() < end:
                found.append(job())
        except BaseException as error:
            found.append(error)
        given.extend(found)

    threads = [threading.Thread(target=work, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS * 30)
        assert not thread.is_alive()
    return [each for each in given if each is not None]


def test_upserts_are_seen_whole() -> None:
    """Either one is staff or the other, never both or none, in a call and within a batch."""
    this = engine(POLICIES, "none")
    this.upsert(people(ANN))

    def change() -> None:
        this.upsert(people(BOB))
        this.upsert(people(ANN))

    def single() -> Any:
        decision = this.authorize(**ROWS[0])
        return (decision.allowed, not decision.allowed, decision.epoch % 2 == 1)

    def batch() -> Any:
        ann, bob = this.authorize_batch(ROWS)
        assert ann.epoch == bob.epoch
        return (ann.allowed, bob.allowed, ann.epoch % 2 == 1)

    found = together(single, batch, change)
    errors = [each for each in found if isinstance(each, BaseException)]
    assert errors == []
    assert set(found) <= {(True, False, True), (False, True, False)}
    assert len(found) > 100


def test_links_come_and_go_whole() -> None:
    this = engine(POLICIES, "none")

    def change() -> None:
        this.link_many([("shared", "ann", ANN, None), ("shared", "ann-too", ANN, None)])
        assert this.unlink("ann")
        assert this.unlink("ann-too")

    def single() -> Any:
        return this.authorize(**ROWS[0]).policies

    def batch() -> Any:
        return this.authorize_batch(ROWS)[0].policies

    found = together(single, batch, change)
    assert set(found) <= {(), ("ann", "ann-too"), ("ann-too",)}
    assert this.epoch % 3 == 0


def test_writers_do_not_lose_edits() -> None:
    this = engine(POLICIES, "none")
    names = [f"writer-{number}" for number in range(3)]
    counts = dict.fromkeys(names, 0)

    def writer(name: str) -> Callable[[], None]:
        def write() -> None:
            uid = {"type": "User", "id": f"{name}-{counts[name]}"}
            this.upsert([{"uid": uid, "attrs": {}, "parents": []}])
            counts[name] += 1

        return write

    assert together(*map(writer, names)) == []
    assert this.entity_count == this.epoch == sum(counts.values()) > 0


def test_large_batches_run_beside_single_calls() -> None:
    """The interpreter lock is free while a batch is decided."""
    this = engine('@id("p") permit (principal, action, resource) when { context.n > 1 };', "none")
    codes = {name: this.encode([text] * 50_000) for name, text in CALL.items()}
    columns = {**codes, "context.n": [2] * 50_000}

    def batch() -> Any:
        return this.authorize_batch(columns, threads=2).counts()["allow"]

    def single() -> Any:
        return this.authorize(**CALL, context={"n": 1}).reason

    assert set(together(batch, single)) == {50_000, "not_permitted"}


def test_engines_are_built_in_many_threads() -> None:
    def build() -> Any:
        bundle = agentpdp.Bundle.from_sources(policies=POLICIES, schema="none")
        return agentpdp.Engine(bundle).authorize(**CALL).reason

    assert set(together(build, build, build)) == {"not_permitted"}
