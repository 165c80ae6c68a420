"""Laws of chains, one per test, for the compiled engine and for the reference.

Whatever is drawn (bundle, chain, call), these hold. Decisions are ordered from good to bad: allow,
step_up, deny; "adds no allow" means that a decision gets no better.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given, settings, strategies

from . import chain_world as world
from .chain_sides import GRANTED, Side, sides, undigested

EXAMPLES = 25
NOW = 1_000_000
BADNESS = {"allow": 0, "step_up": 1, "deny": 2}
pick = strategies.sampled_from


@strategies.composite
def made(draw: Callable[[Any], Any], make: Callable[..., Any], *given: Any, **options: Any) -> Any:
    """What a function of ``chain_world.py`` makes."""
    return make(lambda choices: draw(pick(choices)), *given, **options)


generous = made(world.bundle, generous=True)
calls = made(world.any_call)
Law = Callable[..., None]

WAYS = ("engine", "engine in batches", "reference")
way = pytest.mark.parametrize("way", WAYS)


def law(**drawn: Any) -> Callable[[Law], Law]:
    chosen = settings(max_examples=EXAMPLES, deadline=None)
    return lambda test: way(chosen(given(**drawn)(test)))


def side(way: str, files: world.Files) -> Side:
    return sides(files)[WAYS.index(way)]


PERSON = {"principal": world.uid("User", "u0"), "claims": {"level": 2}}


def order(task: Any, agent: str, **more: Any) -> dict[str, Any]:
    """A task with parameters that are good."""
    tasks = task if isinstance(task, list) else [task]
    params = world.fitting(tasks, {"doc": "d0", "max": 5, "who": ["u0"]})
    return {"task": task, "agent": world.uid("Agent", agent), "params": params, **more}


TASKS = pick(["t0", "t0", "t1", "t2", ["t0", "t1"], ["t1", "t2"]])


@strategies.composite
def plans(draw: Callable[[Any], Any], hops: int = 3) -> list[dict[str, Any]]:
    """Orders of a chain, root first."""
    agents = draw(strategies.permutations(world.AGENTS))[:hops]
    count = draw(strategies.integers(1, hops))
    return [order(draw(TASKS), agent) for agent in agents[:count]]


def grow(using: Side, plan: list[dict[str, Any]], now: int = NOW) -> int:
    """Start and delegate as far as it is granted; the number of grants there are then."""
    for depth, each in enumerate(plan):
        if depth == 0:
            came = using.start({**each, **PERSON}, now)
        else:
            came = using.delegate(depth - 1, each, now)
        if came != GRANTED:
            break
    return len(using.grants)


def verdict(using: Side, number: int, call: Any, now: int = NOW) -> str:
    return str(using.decide([(number, call)], now)[0][0])


def asked(using: Side, number: int, call: Any, now: int = NOW) -> list[tuple[Any, ...]]:
    """What questions came to, without `own`, which is asked of the last hop alone."""
    found = using.answers(number, call, now)
    return [each for each in found if each[3] != "hand_on_only"]


@law(files=generous, plan=plans(), call=calls)
def test_what_a_child_is_allowed_every_question_of_its_parent_allows(
    way: str, files: world.Files, plan: Any, call: Any
) -> None:
    using = side(way, files)
    count = grow(using, plan)
    for child in range(1, count):
        if verdict(using, child, call) == "allow":
            assert {each[2] for each in asked(using, child - 1, call)} == {"allow"}


@law(files=generous, plan=plans(), call=calls)
def test_a_parents_questions_are_among_its_childs(
    way: str, files: world.Files, plan: Any, call: Any
) -> None:
    using = side(way, files)
    for child in range(1, grow(using, plan)):
        assert set(asked(using, child - 1, call)) <= set(asked(using, child, call))


@law(files=made(world.bundle, own=False, generous=True), plan=plans(), call=calls)
def test_a_hop_adds_no_allow(way: str, files: world.Files, plan: Any, call: Any) -> None:
    using = side(way, files)
    found = [BADNESS[verdict(using, number, call)] for number in range(grow(using, plan))]
    assert found == sorted(found)


@law(
    files=generous,
    task=TASKS,
    call=calls,
    only=pick([["view"], ["impact.read"], ["edit", "who"], []]),
    kind=pick(["only_actions", "only_resources"]),
)
def test_a_restriction_adds_no_allow(
    way: str, files: world.Files, task: Any, call: Any, only: Any, kind: str
) -> None:
    using = side(way, files)
    assume(using.start({**order("t0", "a0"), **PERSON}, NOW) == GRANTED)
    only = only if kind == "only_actions" else [world.uid("Doc", "d0"), world.uid("Group", "g1")]
    free, bound = order(task, "a1"), order(task, "a2", **{kind: only})
    bound["agent"] = free["agent"]
    assume(using.delegate(0, free, NOW) == GRANTED)
    assert using.delegate(0, bound, NOW) == GRANTED
    assert BADNESS[verdict(using, 2, call)] >= BADNESS[verdict(using, 1, call)]


@law(
    files=generous,
    plan=plans(),
    call=calls,
    new=made(world.forbid, "new", "principal, action, resource", world.GRANT),
    place=pick(["policies/ceilings.cedar", "tasks/t0.cedar", "tasks/t1.cedar", "tasks/t2.cedar"]),
)
def test_a_forbid_adds_no_allow(
    way: str, files: world.Files, plan: Any, call: Any, new: str, place: str
) -> None:
    using, stricter = side(way, files), side(way, {**files, place: files[place] + new})
    count, fewer = grow(using, plan), grow(stricter, plan)
    assert fewer <= count
    for number in range(fewer):
        assert BADNESS[verdict(stricter, number, call)] >= BADNESS[verdict(using, number, call)]


@law(
    files=generous,
    task=TASKS,
    call=calls,
    lives=strategies.tuples(*[strategies.integers(1, 70_000)] * 2),
    later=strategies.integers(0, 80_000),
)
def test_an_earlier_expiry_adds_no_allow(
    way: str, files: world.Files, task: Any, call: Any, lives: tuple[int, int], later: int
) -> None:
    """With ceilings that do not look at how long a grant is asked for."""
    using = side(way, files)
    for agent, life in zip(("a0", "a1"), sorted(lives), strict=True):
        granted = using.start({**order(task, agent, expires_in=life), **PERSON}, NOW)
        assume(granted == GRANTED)
    # The agents must be alike, or the ceilings may tell them apart: both are the first one.
    shorter, longer = side(way, files), side(way, files)
    for each, life in zip((shorter, longer), sorted(lives), strict=True):
        assume(each.start({**order(task, "a0", expires_in=life), **PERSON}, NOW) == GRANTED)
    found = [BADNESS[verdict(each, 0, call, NOW + later)] for each in (shorter, longer)]
    assert found[0] >= found[1]


@law(
    files=generous,
    plan=plans(),
    hit=strategies.integers(0, 2),
    call=calls,
    changed=strategies.data(),
)
def test_revoking_is_final_and_reaches_every_descendant(
    way: str, files: world.Files, plan: Any, hit: int, call: Any, changed: Any
) -> None:
    using = side(way, files)
    count = grow(using, plan)
    assume(hit < count)
    using.revoke({"grant": hit}, NOW)
    using.suspend({"grant": hit})
    using.resume({"grant": hit})
    for below in range(hit, count):
        came = using.decide([(below, call)], NOW)[0]
        assert came[:4] == ("deny", "revoked", "status", hit)
        assert using.delegate(below, order("t2", "a4"), NOW)[:4] == came[:4]


@law(files=generous, plan=plans())
def test_expiry_is_monotone_down_the_chain(way: str, files: world.Files, plan: Any) -> None:
    using = side(way, files)
    for _, each in zip(range(grow(using, plan)), itertools.count(1), strict=False):
        if each < len(using.grants):
            assert using.grants[each].expires <= using.grants[each - 1].expires


@law(files=generous, plan=plans(), calls=strategies.lists(calls, max_size=4))
def test_the_order_of_siblings_does_not_matter(
    way: str, files: world.Files, plan: Any, calls: Any
) -> None:
    """Those that are granted at all: the tree has room for them."""
    found = []
    for children in (plan[1:], plan[:0:-1]):
        using = side(way, files)
        assume(using.start({**plan[0], **PERSON}, NOW) == GRANTED)
        came = {}
        for child in children:
            granted = undigested(using.delegate(0, child, NOW))
            number = len(using.grants) - 1
            rows = [undigested(using.decide([(number, call)], NOW)[0]) for call in calls]
            came[child["agent"]] = (granted, rows if granted == GRANTED else [])
        found.append(came)
    assert found[0] == found[1]


@given(files=generous, plan=plans(), calls=strategies.lists(calls, max_size=8))
@settings(max_examples=EXAMPLES, deadline=None)
def test_a_batch_is_its_calls_one_by_one(files: world.Files, plan: Any, calls: Any) -> None:
    single, batched, model = sides(files)
    count = grow(single, plan)
    assert count == grow(batched, plan) == grow(model, plan)
    assume(count)
    rows = [(number % count, call) for number, call in enumerate(calls)]
    assert batched.decide(rows, NOW) == single.decide(rows, NOW) == model.decide(rows, NOW)


@law(files=generous, plan=plans(), calls=strategies.lists(calls, min_size=4, max_size=8))
def test_an_approval_serves_once(way: str, files: world.Files, plan: Any, calls: Any) -> None:
    """In a bundle where agents have to ask for everything that they call."""
    asking = [f'Action::"{each}"' for each in world.TOOLS]
    asks = f"forbid (principal is Agent, action in [{', '.join(asking)}], resource);\n"
    name = "policies/ceilings.cedar"
    using = side(way, {**files, name: f'{files[name]}@id("asks") @step_up("lead") {asks}'})
    count = grow(using, plan)
    for number, call in itertools.product(range(count), calls):
        using.requests.clear()
        if verdict(using, number, call) == "step_up":
            approved = using.approve(0, NOW, by=world.uid("User", "u1"))
            verdicts = [verdict(using, number, call) for _ in range(2)]
            assert verdicts == ["allow" if approved == GRANTED else "step_up", "step_up"]


@law(
    files=made(world.bundle, bare=True, own=False, generous=True),
    task=pick(["t0", "t1", "t2"]),
    hops=strategies.integers(2, 3),
    call=calls,
)
def test_hops_of_one_bare_task_decide_like_one(
    way: str, files: world.Files, task: str, hops: int, call: Any
) -> None:
    """Task policies that read neither `principal` nor `context.grant` say the same at each hop."""
    using = side(way, files)
    hand_on = f'permit (principal, action == AgentPDP::Action::"delegate.{task}", resource);\n'
    name = f"tasks/{task}.cedar"
    files = {**files, name: files[name] + f'@id("always") {hand_on}'}
    using = side(way, files)
    assume(grow(using, [order(task, agent) for agent in world.AGENTS[:hops]]) == hops)
    said: dict[int, set[Any]] = {}
    for stage, hop, *rest in using.answers(hops - 1, call, NOW):
        if stage == "task":
            said.setdefault(hop, set()).add(tuple(rest))
    assert all(each == said[0] for each in said.values())


@law(files=generous, plan=plans(), call=calls, later=pick([0, 59_999, 60_000]))
def test_explaining_says_what_deciding_does_and_changes_nothing(
    way: str, files: world.Files, plan: Any, call: Any, later: int
) -> None:
    using = side(way, files)
    for number in range(grow(using, plan)):
        before = using.explain(number, call, NOW + later)
        assert using.explain(number, call, NOW + later) == before
        using.explain(number, call, NOW + 90_000_000)
        assert using.decide([(number, call)], NOW + later)[0] == before


@law(files=generous, plan=plans(), call=calls)
def test_what_never_passes_is_denied_and_what_always_does_is_allowed(
    way: str, files: world.Files, plan: Any, call: Any
) -> None:
    using = side(way, files)
    for number in range(grow(using, plan)):
        outlook = using.actions(number, NOW).get(call["action"])
        came = using.decide([(number, call)], NOW)[0]
        if came[2] != "arguments" and outlook in ("never", "always"):
            assert came[0] == {"never": "deny", "always": "allow"}[outlook]
