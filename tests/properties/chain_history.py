"""What may happen to an engine with tasks, one step after the other, on several sides at once.

Every step chooses what it does, much of it wrong on purpose, and holds all sides to the same
outcome. Hypothesis chooses the steps in ``test_machine.py``; a long run with random numbers is
``python tests/properties/chain_history.py --seconds 600``.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

if __name__ == "__main__":
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).parents[1]))

from properties import chain_world as world
from properties.chain_sides import Batches, Side, load, sides

# How often a random history takes each kind of step.
WEIGHTS = {
    **{"decide": 12, "ask_and_approve": 12, "hand_on": 9, "start": 6, "delegate": 6, "actions": 2},
    "grow_deep": 3,
    **{"approve": 3, "revoke": 1, "suspend": 2, "resume": 8, "close": 1, "reload": 2},
    **{"upsert": 4, "remove": 2, "relink": 3, "wait": 4},
}
TIME_START = 1_000_000
STEPS_MS = (0, 1, 1, 999, 30_000, 60_000, -40_000)
ONLY_ACTIONS = (["impact.read", "delegate"], ["edit"], ["view", "delegate.t0"], ["x"], [])
ONLY_RESOURCES = ([world.uid("Doc", "d0")], [world.uid("Group", "g1")], ["d0"], [])
PARTIES = ("u0", "u1", "u0", "u1", "u9")


class History:
    """All sides of one bundle, and the time."""

    def __init__(self, choose: world.Choose) -> None:
        self.choose = choose
        self.files = world.bundle(choose, generous=not world.rarely(choose, 4))
        self.now = TIME_START
        self.sides: list[Side] = sides(self.files)
        self.suspended: list[dict[str, Any]] = []
        self.met: Counter[tuple[Any, ...]] = Counter()
        for number in range(3):
            principal = world.uid("User", world.USERS[number % 2])
            order = {**world.good_order(choose), "principal": principal, "claims": {"level": 2}}
            self.grow(lambda side, order=order: side.start(order, self.now))

    def same(self, ask: Callable[[Side], Any]) -> Any:
        first, *others = [ask(side) for side in self.sides]
        for other in others:
            assert other == first, f"{other} is not {first}"
        return first

    def grow(self, ask: Callable[[Side], Any]) -> None:
        self.met["grown", *self.same(ask)[:3]] += 1

    def rows(self, rows: list[tuple[int, Any]]) -> list[Any]:
        found = self.same(lambda side: side.decide(rows, self.now))
        self.met.update(("decided", *each[:3]) for each in found)
        return list(found)

    def grant(self) -> int:
        """One of the grants, mostly a late one; there may be none."""
        count = len(self.sides[0].grants)
        if world.rarely(self.choose, 3):
            return self.choose(range(count))
        return count - 1 - self.choose(range(min(count, 6)))

    # -- the steps

    def start(self) -> None:
        choose = self.choose
        person = choose(["u0", "u0", "u1", "s0"])
        more: dict[str, Any] = {"principal": world.uid(world.person_type(person), person)}
        more["claims"] = {"level": choose([1, 2])}
        if world.rarely(choose, 10):
            more["principal"] = choose([world.uid("User", "u9"), world.uid("Agent", "a4"), 5])
        if world.rarely(choose, 10):
            more["claims"] = choose([{}, {"level": "x"}, {"level": 1, "other": 2}, None])
        if world.rarely(choose, 7):
            more["by"] = world.uid("User", choose(PARTIES))
        if world.rarely(choose, 7):
            more["valid_from"] = self.now + choose([-1_000, 1, 40_000])
        order = {**choose([world.any_order, world.good_order])(choose), **more}
        self.grow(lambda side: side.start(order, self.now))

    def delegate(self) -> None:
        choose, more = self.choose, dict[str, Any]()
        if world.rarely(choose, 3):
            more["only_actions"] = choose(ONLY_ACTIONS)
        if world.rarely(choose, 5):
            more["only_resources"] = choose(ONLY_RESOURCES)
        parent = self.grant()
        order = {**choose([world.any_order, world.good_order])(choose), **more}
        self.grow(lambda side: side.delegate(parent, order, self.now))

    def hand_on(self) -> None:
        """A delegation that only rules and limits may refuse."""
        for _ in range(self.choose([1, 1, 3])):
            parent, order = self.grant(), world.good_order(self.choose)
            self.grow(lambda side, on=(parent, order): side.delegate(*on, self.now))

    def grow_deep(self) -> None:
        """A chain of agents, each below the one before, as far as it goes."""
        parent = self.grant()
        for agent in self.choose([world.AGENTS, world.AGENTS[::-1]]):
            order = {**world.good_order(self.choose), "agent": world.uid("Agent", agent)}
            self.grow(lambda side, on=(parent, order): side.delegate(*on, self.now))
            parent = len(self.sides[0].grants) - 1

    def decide(self) -> None:
        rows = [(self.grant(), world.any_call(self.choose)) for _ in range(self.choose([1, 2, 5]))]
        explained = self.same(lambda side: side.explain(*rows[0], self.now))
        assert self.rows(rows)[0] == explained

    def ask_and_approve(self) -> None:
        """Decide; where somebody must approve, ask them, and decide twice again.

        Now and then what was asked about is another policy by then.
        """
        asked, row = len(self.sides[0].requests), (self.grant(), world.any_call(self.choose))
        if self.rows([row])[0][0] == "step_up":
            if world.rarely(self.choose, 4):
                self.relink()
            by = world.uid("User", self.choose(["u0", "u1"]))
            self.same(lambda side: side.approve(asked, self.now, by=by))
            self.rows([row, row])

    def approve(self) -> None:
        """Of any request that was ever made, by anybody."""
        count = len(self.sides[0].requests)
        if count:
            number, kind = self.choose(range(count)), self.choose(["User", "User", "Agent"])
            names = PARTIES if kind == "User" else world.AGENTS
            options: dict[str, Any] = {"by": world.uid(kind, self.choose(names))}
            options["expires_in"] = self.choose([None, None, 1_000, "1m"])
            self.same(lambda side: side.approve(number, self.now, **options))

    def actions(self) -> None:
        number = self.grant()
        self.same(lambda side: side.actions(number, self.now))

    def target(self, rare: int) -> dict[str, Any]:
        if not world.rarely(self.choose, rare):
            return {"grant": self.grant()}
        agents = [world.uid("Agent", each) for each in world.AGENTS]
        users = [world.uid("User", each) for each in world.USERS]
        what = self.choose(["agent", "principal", "task"])
        named: dict[str, Sequence[str]] = {
            "agent": agents,
            "principal": users,
            "task": world.TASKS,
        }
        return {what: self.choose(named[what])}

    def revoke(self) -> None:
        target = self.target(rare=8)
        if "grant" in target and world.rarely(self.choose, 2):
            target["by"] = world.uid("User", self.choose(PARTIES))
        self.same(lambda side: side.revoke(target, self.now))

    def suspend(self) -> None:
        target = self.target(rare=2)
        self.suspended.append(target)
        for side in self.sides:
            side.suspend(target)

    def resume(self) -> None:
        for target in self.suspended:
            for side in self.sides:
                side.resume(target)
        self.suspended.clear()

    def close(self) -> None:
        number = self.grant()
        for side in self.sides:
            side.close(number)

    def reload(self) -> None:
        bundle = load(world.another_bundle(self.choose, self.files))
        for side in self.sides:
            side.engine.reload(bundle)

    def relink(self) -> None:
        """Links of a template that asks for an approval."""
        name, doc = self.choose(["l0", "l1"]), self.choose(["d0", "d0", "d1"])
        values = {"resource": world.uid("Doc", doc)} if self.choose([True, True, False]) else None
        self.met["relinked", self.same(lambda side: side.relink(name, values))] += 1

    def upsert(self) -> None:
        new = world.some_entity(self.choose, *self.choose(world.NAMED), self.choose([True, False]))
        for side in self.sides:
            side.engine.upsert([new])

    def remove(self) -> None:
        """Most of the time what is removed is soon there again."""
        name = self.choose(world.NAMED)
        for side in self.sides:
            side.engine.remove([name])
        if self.sides[0].grants:
            self.decide()
        if not world.rarely(self.choose, 4):
            new = world.some_entity(self.choose, *name, True)
            for side in self.sides:
                side.engine.upsert([new])

    def wait(self) -> None:
        """Also back, to before what was issued."""
        self.now = max(self.now + self.choose(STEPS_MS), 0)

    def step(self, kind: str) -> None:
        if self.sides[0].grants or kind in (
            "start",
            "upsert",
            "remove",
            "wait",
            "reload",
            "approve",
            "relink",
        ):
            getattr(self, kind)()


def random_history(seed: int, steps: int) -> History:
    """A history of a seed."""
    numbers = random.Random(seed)
    history = History(numbers.choice)
    for kind in numbers.choices([*WEIGHTS], [*WEIGHTS.values()], k=steps):
        history.step(kind)
    history.met.update({("batch", form): count for form, count in batched(history).items()})
    return history


def batched(history: History) -> Counter[str]:
    """How often a batch came in which form."""
    (found,) = (side.forms for side in history.sides if isinstance(side, Batches))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Compare engine and reference on random histories."
    )
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=60)
    options = parser.parse_args()
    met: Counter[tuple[Any, ...]] = Counter()
    seed, end, differences = options.first_seed, time.monotonic() + options.seconds, 0
    while time.monotonic() < end:
        try:
            met += random_history(seed, options.steps).met
        except AssertionError as error:
            differences += 1
            print(f"seed {seed}: {error}")
        seed += 1
    for outcome, count in sorted(met.items(), key=str):
        print(f"{count:>8}  {' '.join(map(str, outcome))}")
    histories = seed - options.first_seed
    decisions = sum(count for (kind, *_), count in met.items() if kind != "batch")
    print(f"{histories} histories, {decisions} decisions, {differences} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
