"""Law: after any changes of entities and links, engine = reference = a new engine of the same.

A machine puts entities in, takes them out, links and unlinks, some of it wrong on purpose, and asks
every request in between. What should be in the store is kept as plain Cedar JSON beside it, and a
new engine is made of that; what is refused must leave everything as it was.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import agentpdp
import agentpdp.reference
from agentpdp.reference import InputError
from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from .paths import answer

POLICIES = """
@id("members") permit (principal in Group::"g", action, resource);
@id("owner") permit (principal, action, resource) when { resource.owner == principal };
@id("level") permit (principal, action == Action::"view", resource) when { principal.level > 2 };
@id("folder") permit (principal, action, resource in Doc::"d") when { principal in Group::"h" };
@id("banned") forbid (principal, action, resource) when { principal.hasTag("banned") };
@id("same") forbid (principal, action, resource)
when { principal has level && resource has level && principal.level == resource.level };
@id("shared") permit (principal in ?principal, action, resource == ?resource);
@id("closed") forbid (principal == ?principal, action, resource);
"""
SCHEMA = """
entity Group in [Group] = { level?: Long };
entity User in [Group] = { level?: Long } tags String;
entity Doc in [Doc] = { level?: Long, owner?: User };
action view, edit appliesTo { principal: [User, Group], resource: Doc, context: {} };
"""
USERS = [("User", "a"), ("User", "b")]
GROUPS = [("Group", "g"), ("Group", "h"), ("Group", "i")]
DOCS = [("Doc", "d"), ("Doc", "e")]
UIDS = [*USERS, *GROUPS, *DOCS]
REQUESTS = [
    {"principal": who, "action": ("Action", action), "resource": doc, "context": {}}
    for who in (*USERS, GROUPS[0])
    for action in ("view", "edit")
    for doc in DOCS
]
ABOVE = {"User": GROUPS, "Group": GROUPS, "Doc": DOCS}
LINK_IDS = ("l", "m", "members", "no id!")

uids = strategies.sampled_from(UIDS)


def uid_json(uid: tuple[str, str]) -> dict[str, str]:
    return {"type": uid[0], "id": uid[1]}


@strategies.composite
def entities(draw: Callable[[Any], Any]) -> dict[str, Any]:
    """Entity JSON; now and then its level is a text, or it is in itself."""
    uid = draw(uids)
    level = strategies.sampled_from([None, None, 1, 3, "high"])
    attributes = {"level": draw(level), "owner": uid_json(draw(strategies.sampled_from(USERS)))}
    if attributes["level"] is None:
        del attributes["level"]
    attributes["owner"] = {"__entity": attributes["owner"]}
    if uid[0] != "Doc":
        del attributes["owner"]
    parents = draw(strategies.lists(strategies.sampled_from(ABOVE[uid[0]]), max_size=2))
    tags = {"banned": "yes"} if uid[0] == "User" and draw(strategies.booleans()) else {}
    tagged = {"tags": tags} if tags else {}
    uid_of = uid_json(uid)
    return {"uid": uid_of, "attrs": attributes, "parents": [*map(uid_json, parents)], **tagged}


class Store(RuleBasedStateMachine):
    """Engine, reference, and what both should hold."""

    schema = "none"

    def __init__(self) -> None:
        super().__init__()
        self.bundle = self.bundle_of([])
        self.engine = agentpdp.Engine(self.bundle)
        self.model = agentpdp.reference.Engine(self.bundle)
        self.stored: dict[tuple[str, str], Any] = {}
        self.links: dict[str, tuple[str, dict[str, Any]]] = {}

    def bundle_of(self, stored: list[Any]) -> agentpdp.Bundle:
        return agentpdp.Bundle.from_sources(
            policies=POLICIES, schema=self.schema, entities=stored, validate=False
        )

    def both(self, change: Callable[[Any], Any]) -> bool:
        """Make a change on both sides, which agree on taking it; whether they took it."""
        taken = []
        for side in (self.engine, self.model):
            try:
                change(side)
                taken.append(True)
            except (agentpdp.EntityError, agentpdp.LinkError, InputError):
                taken.append(False)
        assert taken[0] is taken[1]
        return taken[0]

    @rule(new=strategies.lists(entities(), min_size=1, max_size=3))
    def upsert(self, new: list[Any]) -> None:
        if self.both(lambda side: side.upsert(new)):
            taken = copy.deepcopy(new)
            self.stored |= {(each["uid"]["type"], each["uid"]["id"]): each for each in taken}

    @rule(gone=strategies.lists(uids, max_size=2))
    def remove(self, gone: list[tuple[str, str]]) -> None:
        """Edges to what was there go with it; edges to what was not there stay."""
        assert self.both(lambda side: side.remove(gone))
        for uid in gone:
            if self.stored.pop(uid, None):
                for each in self.stored.values():
                    kept = [parent for parent in each["parents"] if parent != uid_json(uid)]
                    each["parents"] = kept

    @rule(
        template=strategies.sampled_from(["shared", "closed", "members", "nothing"]),
        link_id=strategies.sampled_from(LINK_IDS),
        who=uids,
        doc=strategies.sampled_from([None, *DOCS]),
    )
    def link(self, template: str, link_id: str, who: Any, doc: Any) -> None:
        slots = {"principal": who, "resource": doc}
        if link_id != "no id!" and self.both(lambda side: side.link(template, link_id, **slots)):
            self.links[link_id] = (template, slots)

    @rule(link_id=strategies.sampled_from(LINK_IDS))
    def unlink(self, link_id: str) -> None:
        found = self.links.pop(link_id, None) is not None
        assert [side.unlink(link_id) for side in (self.engine, self.model)] == [found, found]

    @rule()
    def decide(self) -> None:
        expected = [answer(self.model.authorize(**each)) for each in REQUESTS]
        assert [answer(self.engine.authorize(**each)) for each in REQUESTS] == expected
        assert [answer(each) for each in self.engine.authorize_batch(REQUESTS)] == expected
        new = agentpdp.Engine(self.bundle_of(list(self.stored.values())))
        for link_id, (template, slots) in self.links.items():
            new.link(template, link_id, **slots)
        assert [answer(new.authorize(**each)) for each in REQUESTS] == expected

    @invariant()
    def epochs_agree(self) -> None:
        assert self.engine.epoch == self.model.epoch

    def teardown(self) -> None:
        self.decide()


class StoreWithSchema(Store):
    """The same, and entities that do not fit the schema are refused."""

    schema = SCHEMA


SHORT = settings(max_examples=30, stateful_step_count=20, deadline=None)
TestStore = Store.TestCase
TestStore.settings = SHORT
TestStoreWithSchema = StoreWithSchema.TestCase
TestStoreWithSchema.settings = SHORT
