"""What was changed at run time must fit the bundle that is loaded next, or nothing is reloaded."""

from __future__ import annotations

import json

import agentpdp
import agentpdp.reference
import pytest
from agentpdp.errors import ReloadError
from agentpdp.reference.value import InputError

POLICY = '@id("all") permit (principal, action, resource);'
NEW_POLICY = '@id("none") forbid (principal, action, resource);'
SCHEMA = """
    entity Team;
    entity User in [Team] { level: Long } tags String;
    entity Color enum ["red", "blue"];
    action paint appliesTo { principal: [User], resource: [Color] };
"""
PUT = {
    "uid": {"type": "User", "id": "a"},
    "attrs": {"level": 3},
    "parents": [{"type": "Team", "id": "t"}],
    "tags": {"mood": "calm"},
}
UNFIT = {
    "an attribute of another type": ("level: Long", "level: String"),
    "an attribute that is not declared": ("{ level: Long }", "{}"),
    "a required attribute that is missing": ("level: Long", "level: Long, age: Long"),
    "tags that are not declared": (" tags String", ""),
    "tags of another type": ("tags String", "tags Long"),
    "a parent of a type that it cannot be in": (" in [Team]", ""),
}
ENGINES = pytest.mark.parametrize("make", [agentpdp.Engine, agentpdp.reference.Engine])


def bundle(schema: str = SCHEMA, policies: str = POLICY) -> agentpdp.Bundle:
    return agentpdp.Bundle.from_sources(policies=policies, schema=schema)


def asked(engine: agentpdp.Engine) -> str:
    found: str = engine.authorize('User::"a"', 'Action::"paint"', 'Color::"red"', {}).reason
    return found


@ENGINES
def test_what_was_put_in_stays_where_it_fits(make: type) -> None:
    engine = make(bundle())
    engine.upsert([PUT])
    engine.reload(bundle(policies='@id("in") permit (principal in Team::"t", action, resource);'))
    assert asked(engine) == "permitted"


@ENGINES
@pytest.mark.parametrize("unfit", UNFIT)
def test_nothing_is_reloaded_where_it_does_not(make: type, unfit: str) -> None:
    engine = make(bundle())
    engine.upsert([PUT])
    with pytest.raises((ReloadError, InputError)) as raised:
        engine.reload(bundle(SCHEMA.replace(*UNFIT[unfit]), NEW_POLICY))
    assert asked(engine) == "permitted"
    if make is agentpdp.Engine:
        assert raised.type is ReloadError
        assert 'User::"a" was put in at run time' in str(raised.value)
        assert "remove it, or put in what fits" in str(raised.value)


@ENGINES
def test_an_id_that_is_listed_no_more_does_not_fit(make: type) -> None:
    engine = make(bundle())
    engine.upsert([{"uid": {"type": "Color", "id": "red"}, "attrs": {}, "parents": []}])
    with pytest.raises((ReloadError, InputError)):
        engine.reload(bundle(SCHEMA.replace('"red", ', ""), NEW_POLICY))
    assert asked(engine) == "permitted"


@ENGINES
def test_what_was_removed_again_hinders_nothing(make: type) -> None:
    engine = make(bundle())
    engine.upsert([PUT])
    engine.remove(['User::"a"'])
    engine.reload(bundle(SCHEMA.replace("level: Long", "level: String"), NEW_POLICY))
    assert asked(engine) == "forbidden"


@ENGINES
def test_what_was_not_there_is_not_taken_out_of_the_next(make: type) -> None:
    engine = make(bundle())
    engine.remove(['Team::"t"', 'User::"a"'])
    engine.upsert([{**PUT, "uid": {"type": "User", "id": "b"}}])
    engine.remove(['Team::"t"'])
    with_team = agentpdp.Bundle.from_sources(
        policies='@id("in") permit (principal in Team::"t", action, resource);',
        schema=SCHEMA,
        entities=json.dumps(
            [{"uid": {"type": "Team", "id": "t"}, "attrs": {}, "parents": []}, PUT]
        ),
    )
    engine.reload(with_team)
    assert asked(engine) == "permitted"


@ENGINES
def test_links_that_are_there_are_made_again(make: type) -> None:
    template = '@id("of") permit (principal == ?principal, action, resource);'
    engine = make(bundle(policies=template))
    for name in ("a", "b"):
        engine.link("of", f"of-{name}", principal=f'User::"{name}"')
    engine.unlink("of-b")
    engine.reload(bundle(policies=template))
    assert asked(engine) == "permitted"
    with pytest.raises((ReloadError, InputError)):
        engine.reload(bundle())
    engine.unlink("of-a")
    engine.reload(bundle(policies=NEW_POLICY))
    assert asked(engine) == "forbidden"


GROUPED = SCHEMA.replace("action paint", 'action "work"; action "rest"; action paint in ["work"]')
GROUP_POLICIES = (
    POLICY
    + """
    @id("group") forbid (principal, action, resource) when { action in Action::"work" };
"""
)


def action(name: str, *groups: str) -> dict[str, object]:
    parents = [{"type": "Action", "id": group} for group in groups]
    return {"uid": {"type": "Action", "id": name}, "attrs": {}, "parents": parents}


def loose(*entities: dict[str, object]) -> agentpdp.Bundle:
    return agentpdp.Bundle.from_sources(
        policies=GROUP_POLICIES, schema="none", entities=json.dumps(entities)
    )


@ENGINES
def test_the_actions_of_a_schema_are_as_it_says_whatever_was_taken_out(make: type) -> None:
    engine = make(loose(action("work"), action("paint", "work")))
    assert asked(engine) == "forbidden"
    engine.remove(['Action::"paint"', 'Action::"work"'])
    assert asked(engine) == "permitted"
    engine.reload(bundle(GROUPED, GROUP_POLICIES))
    assert asked(engine) == "forbidden"


@ENGINES
def test_actions_that_were_put_in_must_be_what_the_schema_says(make: type) -> None:
    engine = make(loose())
    engine.upsert([action("paint", "rest")])
    assert asked(engine) == "permitted"
    with pytest.raises((ReloadError, InputError)):
        engine.reload(bundle(GROUPED, GROUP_POLICIES))
    assert asked(engine) == "permitted"
    engine.upsert([action("paint", "work")])
    engine.reload(bundle(GROUPED, GROUP_POLICIES))
    assert asked(engine) == "forbidden"


@ENGINES
def test_an_action_that_was_put_in_as_the_schema_has_it_hinders_nothing(make: type) -> None:
    engine = make(bundle(GROUPED))
    engine.upsert([action("paint", "work")])
    engine.reload(bundle(GROUPED.replace("action paint", "action draw"), NEW_POLICY))
    assert asked(engine) == "unknown_action"
