"""The hierarchy of entities: who is in which group, also after changes."""

from __future__ import annotations

import pytest
from agentpdp.reference.entities import Entities, Entity
from agentpdp.reference.value import EntityUid, InputError


def uid(name: str) -> EntityUid:
    return EntityUid("T", name)


def node(name: str, parents: str = "") -> Entity:
    return Entity(uid(name), {}, frozenset(map(uid, parents)), {})


def store(*nodes: str) -> Entities:
    """`ab` is an entity `a` with the parent `b`."""
    return Entities().upserted([node(each[0], each[1:]) for each in nodes])


def above(entities: Entities, name: str) -> str:
    return "".join(sorted(each.id for each in entities.ancestors(uid(name))))


def test_ancestors_are_transitive() -> None:
    assert above(store("ab", "bcd", "ce", "d"), "a") == "bcde"


def test_a_parent_that_is_not_stored_counts_and_leads_no_further() -> None:
    entities = store("ab", "cd")
    assert above(entities, "a") == "b"
    assert above(entities.upserted([node("b", "c")]), "a") == "bcd"


def test_everything_is_in_itself() -> None:
    assert Entities().is_in(uid("a"), uid("a"))
    assert not Entities().is_in(uid("a"), uid("b"))


@pytest.mark.parametrize(
    "nodes", [["aa"], ["ab", "ba"], ["ab", "bc", "ca"], ["xa", "ab", "bcy", "ca"]]
)
def test_a_cycle_is_refused(nodes: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        store(*nodes)
    assert caught.value.code == "entity_cycle"


def test_removal_takes_the_edges_to_the_removed() -> None:
    entities = store("ab", "bc", "c").removed([uid("b")])
    assert above(entities, "a") == ""
    assert uid("b") not in entities.stored


def test_removal_takes_what_was_reachable_only_through_the_removed() -> None:
    entities = store("abx", "bc", "xc", "cd").removed([uid("b")])
    assert above(entities, "a") == "cdx"
    assert above(entities.removed([uid("x")]), "a") == ""


def test_adding_again_restores_no_edge() -> None:
    entities = store("ab", "bc", "c").removed([uid("b")]).upserted([node("b", "c")])
    assert above(entities, "a") == ""
    assert above(entities, "b") == "c"


def test_removing_what_is_not_stored_changes_nothing() -> None:
    assert above(store("ab").removed([uid("b"), uid("z")]), "a") == "b"


def test_an_upsert_replaces_the_whole_entity() -> None:
    entities = store("ab", "bc", "cd").upserted([node("b", "x")])
    assert above(entities, "a") == "bx"


def test_of_one_uid_twice_in_an_upsert_the_last_counts() -> None:
    assert above(store("ab").upserted([node("a", "x"), node("a", "y")]), "a") == "y"


def test_a_store_does_not_change() -> None:
    entities = store("ab", "bc")
    entities.removed([uid("b")])
    entities.upserted([node("a")])
    assert above(entities, "a") == "bc"


def test_a_long_chain_is_walked_without_recursion() -> None:
    chain = [Entity(uid(str(at)), {}, frozenset([uid(str(at + 1))]), {}) for at in range(5_000)]
    assert len(Entities({each.uid: each for each in chain}).ancestors(uid("0"))) == 5_000
