"""Objects that misbehave deny their call: nothing raises, hangs or crashes, nobody else notices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import agentpdp.reference
import pytest

from .asking import ALLOW, CALL, WITH_SCHEMA, WITHOUT_SCHEMA, columns, engine, reason, reasons

DEPTH = 100_000


class Raising:
    """Everything that is commonly asked of an object raises."""

    def __hash__(self) -> int:
        raise RuntimeError

    def __eq__(self, _other: object) -> bool:
        raise RuntimeError

    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __bool__ = __len__ = __iter__ = __int__ = __index__ = __float__ = __str__


class NoAttributes:
    def __getattribute__(self, _name: str) -> Any:
        raise RuntimeError


class RaisingMapping(Mapping):
    """A mapping whose names cannot be listed."""

    def __getitem__(self, _name: Any) -> Any:
        raise RuntimeError

    __iter__ = __len__ = __getitem__


class RaisingDict(dict):
    """A dict whose overridden methods raise: its content is what the dict holds."""

    def items(self) -> Any:
        raise RuntimeError

    __getitem__ = __iter__ = keys = get = items


class Impostor:
    """It says that it is text."""

    __class__ = str


def cycle(through: str) -> Any:
    if through == "list":
        members: list[Any] = [1]
        members.append(members)
        return members
    record: dict[str, Any] = {"a": 1}
    record["r"] = [record] if through == "both" else record
    return record


def deep(through: str) -> Any:
    value: Any = 1
    for _ in range(DEPTH):
        value = [value] if through == "list" else {"a": value}
    return value


def endless() -> Any:
    while True:
        yield 1


HOSTILE = {
    **{"raising": Raising, "no-attributes": NoAttributes, "impostor": Impostor},
    **{"raising-mapping": RaisingMapping, "endless": endless},
    **{f"cycle-{each}": (lambda each=each: cycle(each)) for each in ("list", "dict", "both")},
    **{f"deep-{each}": (lambda each=each: deep(each)) for each in ("list", "dict")},
}
quiet = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@quiet
@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("around", ["value", "member", "attribute"])
def test_a_hostile_value_denies(name: str, around: str) -> None:
    value = HOSTILE[name]()
    held = {"value": value, "member": [value], "attribute": {"a": value}}[around]
    for this in (WITH_SCHEMA, WITHOUT_SCHEMA):
        for key in ("n", "s", "set", "r"):
            found = reason({key: held}, this)
            assert found == "argument_type" or (found == "argument_unknown" and key == "r")
            assert reasons([{**CALL, "context": {key: held}}], this) == [found]
            assert reasons(columns(**{key: [held]}), this) == [found]


@quiet
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_context_denies(name: str) -> None:
    value = HOSTILE[name]()
    for this in (WITH_SCHEMA, WITHOUT_SCHEMA):
        assert reason(value, this) in ("argument_type", "argument_unknown")
    neighbours = [{**CALL, "context": {}}, {**CALL, "context": value}, {**CALL, "context": {}}]
    found = reasons(neighbours)
    assert (found[0], found[2]) == ("permitted", "permitted")
    assert found[1] != "permitted"


@quiet
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_party_denies(name: str) -> None:
    value = HOSTILE[name]()
    asked = {**CALL, "principal": value}
    assert WITHOUT_SCHEMA.authorize(**asked).reason == "unknown_party"
    assert reasons([CALL, asked, CALL], WITHOUT_SCHEMA) == [
        "permitted",
        "unknown_party",
        "permitted",
    ]


@quiet
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_entity_data_raises_and_changes_nothing(name: str) -> None:
    this = engine(ALLOW, "none")
    good = {"uid": {"type": "User", "id": "ann"}, "attrs": {}, "parents": []}
    for bad in (HOSTILE[name](), {**good, "attrs": {"a": HOSTILE[name]()}}):
        with pytest.raises(agentpdp.EntityError):
            this.upsert([good, bad])
        with pytest.raises(agentpdp.EntityError):
            this.authorize(**CALL, entities=[good, bad])
    assert (this.entity_count, this.epoch) == (0, 0)


def test_a_dict_is_read_as_what_it_holds() -> None:
    """Methods of a subclass are not asked."""
    assert reason(RaisingDict(n=1)) == "permitted"
    assert reason(RaisingDict(n="1")) == "argument_type"
    assert reason({"r": RaisingDict(a=1)}) == "permitted"


@quiet
@pytest.mark.parametrize("name", [name for name in HOSTILE if name != "endless"])
def test_the_reference_does_not_raise_either(name: str) -> None:
    model = agentpdp.reference.Engine(WITHOUT_SCHEMA.bundle)
    for context in (HOSTILE[name](), {"n": HOSTILE[name]()}, {"n": [HOSTILE[name]()]}):
        assert model.authorize(**CALL, context=context).reason == "argument_type"


def test_the_reference_reads_a_dict_as_what_it_holds() -> None:
    model = agentpdp.reference.Engine(WITH_SCHEMA.bundle)
    assert model.authorize(**CALL, context=RaisingDict(n=1)).allowed


@pytest.mark.parametrize("depth", [64, 65])
def test_nesting_has_a_limit(depth: int) -> None:
    """The context itself is one level."""
    value: Any = 1
    for _ in range(depth - 1):
        value = [value]
    expected = "permitted" if depth <= 64 else "argument_type"
    assert reason({"v": value}, WITHOUT_SCHEMA) == expected
    assert reasons([{**CALL, "context": {"v": value}}], WITHOUT_SCHEMA) == [expected]
