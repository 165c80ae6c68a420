"""Which Python values are entities, and that an `EntityUid` is a plain immutable value."""

from __future__ import annotations

import copy
import pickle
from collections import namedtuple
from typing import Any

import agentpdp
import agentpdp.reference
import numpy as np
import pytest
from agentpdp import EntityUid

from .asking import CALL, WITHOUT_SCHEMA

ANN = EntityUid("User", "ann")
Pair = namedtuple("Pair", "type id")


class Text(str):
    """Text that is more than text."""


TAKEN = [
    *(ANN, ("User", "ann"), 'User::"ann"', Text('User::"ann"')),
    *(np.str_('User::"ann"'), Pair("User", "ann")),
]
REFUSED = [
    *(None, 1, 1.5, True, b'User::"ann"', object(), EntityUid, "", "ann", "User::ann"),
    *(["User", "ann"], ("User",), ("User", "ann", "x"), ("User", 1), ("User", None), ()),
    *({"type": "User", "id": "ann"}, {"__entity": {"type": "User", "id": "ann"}}, {"User", "ann"}),
    *(("if", "ann"), ("", "ann"), ("__cedar", "ann"), ("A::__cedar::B", "ann"), ("User ", "ann")),
    *(' User::"ann"', 'User::"ann" ', 'User :: "ann"', 'User::"ann"//', 'if::"ann"', 'User::"'),
    *('User::"\ud800"', ("User", "\ud800"), 'User::"\\q"', 'User::"\\u{110000}"', 'Ü::"ann"'),
    *('User::"' + "a" * 65_536 + '"', 'User::"a\rb"', 'User::"\\x+f"'),
]


def named(value: Any) -> str:
    return ascii(value)[:40]


@pytest.mark.parametrize("value", TAKEN, ids=named)
def test_what_is_an_entity(value: Any) -> None:
    engine = WITHOUT_SCHEMA
    for part in CALL:
        asked = {**CALL, part: value}
        assert engine.authorize(**asked).allowed
        assert list(engine.authorize_batch([asked]).allowed) == [True]
        as_columns = {name: [each] for name, each in asked.items()}
        assert list(engine.authorize_batch(as_columns).allowed) == [True]
    assert engine.encode([value]) == engine.encode([ANN])


@pytest.mark.parametrize("value", REFUSED, ids=named)
def test_what_is_no_entity_denies_and_never_raises(value: Any) -> None:
    engine = WITHOUT_SCHEMA
    wanted = {"principal": "unknown_party", "action": "unknown_action"}
    for part in CALL:
        asked = {**CALL, part: value}
        expected = wanted.get(part, "unknown_resource")
        assert engine.authorize(**asked).reason == expected
        assert list(engine.authorize_batch([asked]).reason) == [expected]
        as_columns = {name: [each] for name, each in asked.items()}
        assert list(engine.authorize_batch(as_columns).reason) == [expected]
    with pytest.raises(agentpdp.EncodeError, match="item 1"):
        engine.encode([ANN, value])


@pytest.mark.parametrize("type_name", ["__cedar", "__cedar::User", "App::__cedar", "if", ""])
def test_entities_have_the_same_names(type_name: str) -> None:
    """Reserved names are no types in entity data either, at any place."""
    engine = agentpdp.Engine(WITHOUT_SCHEMA.bundle)
    uid = {"type": type_name, "id": "ann"}
    good = {"uid": {"type": "User", "id": "ann"}, "attrs": {}, "parents": []}
    places = ({"uid": uid}, {"parents": [uid]}, {"attrs": {"a": {"__entity": uid}}})
    for place in places:
        with pytest.raises(agentpdp.EntityError):
            engine.upsert([{**good, **place}])
    assert engine.entity_count == 0
    assert engine.authorize(**CALL, context={"a": {"__entity": uid}}).reason == "argument_type"


def test_a_uid_is_a_value() -> None:
    same, other = EntityUid("User", "ann"), EntityUid("Group", "ann")
    assert (ANN, hash(ANN), repr(ANN)) == (same, hash(same), "EntityUid('User', 'ann')")
    assert (ANN.type, ANN.id, str(ANN)) == ("User", "ann", 'User::"ann"')
    assert {ANN, same, other} == {other, ANN}
    assert other != ANN
    assert ANN != ("User", "ann")
    assert ANN != 'User::"ann"'
    assert pickle.loads(pickle.dumps(ANN)) == copy.deepcopy(ANN) == ANN
    with pytest.raises(TypeError):
        sorted([ANN, other])
    with pytest.raises(AttributeError):
        ANN.id = "bob"


@pytest.mark.parametrize("name", ["", "ann", 'a"b', "a\\b", "a\nb", "a\0b", "é", "\u202e", "😀"])
def test_cedar_text_of_a_uid_reads_back(name: str) -> None:
    uid = EntityUid("App::User", name)
    assert EntityUid.parse(str(uid)) == uid
    assert (EntityUid.parse(str(uid)).type, EntityUid.parse(str(uid)).id) == ("App::User", name)


@pytest.mark.parametrize(
    "name", ["", "1a", "if", "A::if", "A::", "::A", "A ::B", "__cedar", "A-B", "Ü"]
)
def test_what_names_no_type_raises(name: str) -> None:
    with pytest.raises(ValueError, match="names look like"):
        EntityUid(name, "ann")


@pytest.mark.parametrize("text", ["", "ann", "User::ann", 'User::"ann" ', 'if::"ann"', 'User::"a'])
def test_what_is_no_cedar_text_raises(text: str) -> None:
    with pytest.raises(ValueError, match="write its type and its id in quotes"):
        EntityUid.parse(text)


@pytest.mark.parametrize("parts", [(1, "ann"), ("User", 1), ("User", None), (b"User", "ann")])
def test_parts_of_a_uid_are_text(parts: Any) -> None:
    with pytest.raises(TypeError):
        EntityUid(*parts)


@pytest.mark.parametrize(("name", "reason"), [("other", "permitted"), ("nope", "argument_type")])
def test_only_declared_actions_are_named_by_data(name: str, reason: str) -> None:
    schema = """entity User, Doc; action other; action view appliesTo
                { principal: User, resource: Doc, context: { what: Action } };"""
    policies = '@id("all") permit (principal, action, resource);'
    bundle = agentpdp.Bundle.from_sources(schema=schema, policies=policies)
    call = (
        ("User", "ann"),
        ("Action", "view"),
        ("Doc", "one"),
        {"what": EntityUid("Action", name)},
    )
    assert agentpdp.Engine(bundle).authorize(*call).reason == reason
    assert agentpdp.reference.Engine(bundle).authorize(*call).reason == reason
