"""Grants as a host uses them: what is misuse, what a handle says, and what changes nothing."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from agentpdp.errors import Denied, GrantRequired, StepUpNeeded
from agentpdp.reference import Engine, EntityUid, InputError
from agentpdp.reference.digest import call_digest

from .small import HAND_ON, NOTE, bundle, policies, policy, task, uid

ANN, BOT, AID = EntityUid("User", "ann"), EntityUid("Agent", "bot"), EntityUid("Agent", "aid")
ASKS = task(name="keep", all=policy("permit"), asks=policy("forbid", NOTE, role="lead"))


def engine(json: Any = None, **options: Any) -> Engine:
    return Engine(json or bundle(), **{"clock": lambda: 1_000, **options})


def started(using: Engine, **options: Any) -> Any:
    return using.start("keep", **{"principal": ANN, "agent": BOT, **options})


def reason(refused: Any) -> tuple[str, str]:
    return refused.value.decision.stage, refused.value.decision.reason


def test_a_bundle_with_tasks_decides_under_grants_only() -> None:
    with pytest.raises(GrantRequired):
        engine().authorize(ANN, 'Action::"note"', 'File::"one"')


def test_a_plain_bundle_has_no_grants() -> None:
    with pytest.raises(InputError):
        started(Engine(policies(all=policy("permit"))))


def test_a_handle_says_what_was_granted() -> None:
    grant = started(engine(), expires_in=datetime.timedelta(seconds=3))
    child = grant.delegate(["keep"], agent=AID)
    assert (len(grant.id), grant.agent, grant.principal, grant.parent) == (32, BOT, ANN, None)
    assert (grant.tasks, grant.depth, grant.params) == (("keep",), 0, {})
    assert (grant.valid_from, grant.expires) == (1_000, 4_000)
    assert (child.parent, child.depth, child.agent, child.principal) == (grant.id, 1, AID, ANN)
    assert (child.valid_from, child.expires) == (1_000, 4_000)


def test_a_decision_says_what_was_judged() -> None:
    decision = started(engine()).decide("note", {"text": "x"})
    assert (decision.allowed, decision.arguments) == (True, {"text": "x"})
    with pytest.raises(TypeError):
        bool(decision)
    refused = started(engine()).decide("note", {"text": 1})
    assert (refused.reason, refused.arguments) == ("argument_type", None)
    assert refused.advice["reason"] == "argument_type"
    assert "text" in refused.message


def test_require_gives_the_decision_or_raises() -> None:
    grant = started(engine(bundle(keep=ASKS)))
    assert grant.require("read").allowed
    with pytest.raises(StepUpNeeded) as asked:
        grant.require("note", {"text": "x"})
    assert asked.value.decision.advice["roles"] == ["lead"]
    with pytest.raises(Denied) as refused:
        grant.require("nothing")
    assert reason(refused) == ("arguments", "unknown_action")


def test_a_grant_is_closed_at_the_end_of_its_block() -> None:
    with started(engine()) as grant:
        assert grant.decide("read").allowed
    assert grant.decide("read").reason == "unknown_grant"


def test_by_id_the_agent_must_be_the_grants() -> None:
    using = engine()
    grant = started(using)
    assert using.grant(grant.id, agent=BOT).decide("read").allowed
    for name, agent, wanted in (
        (grant.id, AID, "agent_mismatch"),
        ("0" * 32, BOT, "unknown_grant"),
    ):
        with pytest.raises(Denied) as refused:
            using.grant(name, agent=agent)
        assert reason(refused) == ("status", wanted)


def test_rows_name_their_grant_by_handle_or_by_id_and_agent() -> None:
    using = engine()
    grant = started(using)
    rows = [
        {"grant": grant, "action": "read"},
        {"grant": grant.id, "agent": BOT, "action": "note", "arguments": {"text": "x"}},
        {"grant": grant.id, "agent": AID, "action": "read"},
        {"grant": grant.id, "action": "read"},
        {"grant": "x", "agent": BOT, "action": "read"},
    ]
    reasons = [each.reason for each in using.decide_batch(rows)]
    mismatch = "agent_mismatch"
    assert reasons == ["permitted", "permitted", mismatch, mismatch, "unknown_grant"]


def test_the_callers_clock_is_the_only_one_that_takes_a_time() -> None:
    with pytest.raises(InputError):
        started(engine(), at=5)
    caller = engine(clock="caller")
    with pytest.raises(InputError):
        started(caller)
    for wrong in (True, "5", 2**63, 1.5):
        with pytest.raises(InputError):
            started(caller, at=wrong)
    assert started(caller, at=5).valid_from == 5
    assert started(caller).valid_from == 5
    assert started(Engine(bundle())).valid_from > 1_600_000_000_000


def test_time_in_a_tree_never_steps_back() -> None:
    using = engine(clock="caller")
    grant = started(using, at=1_000)
    assert grant.decide("read", at=61_000).reason == "expired"
    assert grant.decide("read", at=1_000).reason == "expired"
    assert started(using, at=1_000).decide("read", at=1_000).allowed


def test_only_its_own_engine_explains_a_grant() -> None:
    with pytest.raises(ValueError, match="another's"):
        engine().explain(started(engine()), "note", {"text": "x"})


def test_explaining_changes_nothing() -> None:
    using = engine(bundle(keep=ASKS), clock="caller")
    grant = started(using, at=1_000)
    call: Any = ("note", {"text": "x"})
    assert using.explain(grant, "read", at=61_000).decision.reason == "expired"
    assert grant.decide("read", at=1_000).allowed
    using.approve(grant.decide(*call).approval_request, by=ANN)
    for _ in range(2):
        assert using.explain(grant, *call).decision.allowed
    assert grant.decide(*call).allowed
    assert using.explain(grant, *call).decision.verdict == "step_up"


def test_an_explanation_holds_every_question() -> None:
    using = engine(bundle(keep=ASKS))
    child = started(using).delegate("keep", agent=AID)
    using.suspend(agent=AID)
    explained = using.explain(child, "note", {"text": "x"})
    assert [(each.stage, each.hop, each.verdict) for each in explained.answers] == [
        ("status", 1, "deny"),
        ("ceiling", None, "allow"),
        ("ceiling", 0, "allow"),
        ("ceiling", 1, "allow"),
        ("task", 0, "step_up"),
        ("task", 1, "step_up"),
    ]
    json = explained.to_json()
    assert (json["verdict"], json["reason"], len(json["answers"])) == ("deny", "suspended", 6)
    assert [hop["agent"] for hop in json["hops"]] == ['Agent::"bot"', 'Agent::"aid"']


@pytest.mark.parametrize("hostile", [object(), {"text": object()}, {1: 2}, {"text": "\ud800"}])
def test_no_argument_makes_deciding_raise(hostile: Any) -> None:
    decision = started(engine()).decide("note", hostile, context=None)
    assert (decision.stage, decision.verdict) == ("arguments", "deny")


class Angry(dict[str, Any]):
    """Raises whenever it is looked at."""

    def __iter__(self) -> Any:
        raise RuntimeError

    keys = items = __contains__ = __iter__


def test_no_object_of_a_caller_makes_deciding_raise() -> None:
    grant = started(engine())
    assert grant.decide("note", Angry()).stage == "arguments"
    assert grant.decide("note", {"text": "x"}, context=Angry(a=1)).stage == "arguments"
    for options in ({"params": Angry(a=1)}, {"claims": Angry(a=1)}, {"valid_from": "now"}):
        with pytest.raises(Denied) as refused:
            started(engine(), **options)
        assert refused.value.decision.stage == "arguments"
    for names in ([["keep"]], [{}], 5, None):
        with pytest.raises(Denied) as refused:
            engine().start(names, principal=ANN, agent=BOT)
        assert reason(refused) == ("arguments", "unknown_action")


def test_one_thing_is_revoked_at_a_time() -> None:
    for target in ({}, {"agent": BOT, "task": "keep"}, {"party": BOT}, {"agent": "bot"}):
        with pytest.raises(InputError):
            engine().revoke(**target)
    engine().revoke(task="nothing")
    engine().revoke(grant="nothing")
    with pytest.raises(InputError):
        engine().revoke(agent=BOT, by=ANN)


def test_an_approval_ends_with_its_chain() -> None:
    using = engine(bundle(keep=ASKS), clock="caller")
    grant = started(using, at=0)
    request = grant.decide("note", {"text": "x"}).approval_request
    using.approve(request, by=ANN, expires_in="1h")
    assert using.approvals.of(request.digest, 59_999, {}) == {"keep/asks"}
    assert using.approvals.of(request.digest, 60_000, {}) == frozenset()
    with pytest.raises(InputError):
        using.approve(request, by=ANN, expires_in="soon")


def test_what_has_no_one_form_cannot_be_approved() -> None:
    json = bundle(keep=ASKS)
    note = next(each for each in json["schema"]["actions"] if each["uid"] == NOTE)
    note["context"]["attributes"]["n"] = {"type": {"kind": "Long"}, "required": True}
    decide = started(engine(json)).decide
    assert decide("note", {"text": "x"}, context={"n": 2**53 - 1}).verdict == "step_up"
    refused = decide("note", {"text": "x"}, context={"n": 2**53})
    assert (refused.verdict, refused.reason) == ("deny", "argument_unsafe")
    assert refused.stage == "arguments"


def test_reloading_takes_a_bundle_of_the_same_kind_and_redoes_what_was_changed() -> None:
    using = engine()
    using.remove([("Agent", "aid")])
    with pytest.raises(InputError):
        using.reload({"policies": policies()})
    smaller = bundle()
    del smaller["schema"]["entity_types"]["File"]
    smaller["entities"] = smaller["entities"][:-1]
    using.upsert([{"uid": {"type": "File", "id": "two"}, "attrs": {}, "parents": []}])
    with pytest.raises(InputError):
        using.reload(smaller)
    assert EntityUid("File", "two") in using.entities.stored
    using.reload(bundle())
    assert EntityUid("File", "two") in using.entities.stored
    assert AID not in using.entities.stored
    assert using.epoch == 3


def test_own_is_asked_of_the_last_hop_only() -> None:
    planner = task(name="plan", own=[HAND_ON], all=policy("permit"))
    using = engine(bundle(plan=planner, keep=task(name="keep", all=policy("permit"))))
    grant = using.start("plan", principal=ANN, agent=BOT)
    assert grant.decide("read").reason == "hand_on_only"
    assert grant.delegate("keep", agent=AID).decide("read").allowed


def test_the_digest_of_a_call_is_of_what_was_asked() -> None:
    child = started(engine(bundle(keep=ASKS))).delegate("keep", agent=AID)
    request = child.decide("note", {"text": "x"}).approval_request
    assert request.digest == call_digest(
        {
            "grant": child.id,
            "tasks": [["keepkeep"], ["keepkeep"]],
            "bundle": "b" * 64,
            "action": 'Action::"note"',
            "resource": 'File::"one"',
            "arguments": {"text": "x"},
            "context": {},
        }
    )
    assert (request.grant, request.agent, request.principal) == (child.id, AID, ANN)


def asking(action: str) -> Any:
    asks = policy("forbid", uid("AgentPDP::Action", action), role="lead")
    return bundle(policies(all=policy("permit"), asks=asks))


def test_the_digest_of_a_start_is_of_what_was_ordered() -> None:
    order: Any = {"principal": str(ANN), "agent": str(BOT)}
    form = {
        **{"grant": None, "tasks": [], "bundle": "b" * 64, "context": {}},
        **{"action": 'AgentPDP::Action::"start.keep"', "resource": str(BOT)},
    }
    always = {**order, "task": "keep", "params": {}, "expires_in": None}
    given = {"expires_in": "5s", "claims": {}, "valid_from": 7, "by": str(ANN)}
    for options in ({}, {"params": {}}, given):
        with pytest.raises(StepUpNeeded) as asked:
            started(engine(asking("start.keep")), **order, **options)
        request = asked.value.decision.approval_request
        assert request.digest == call_digest({**form, "arguments": {**always, **options}})
        assert (request.grant, request.agent, request.tasks) == (None, BOT, ("keep",))


def test_the_digest_of_a_delegation_is_of_what_was_ordered() -> None:
    grant = started(engine(asking("delegate.keep")))
    form = {
        **{"grant": grant.id, "tasks": [["keepkeep"]], "bundle": "b" * 64, "context": {}},
        **{"action": 'AgentPDP::Action::"delegate.keep"', "resource": str(AID)},
    }
    always = {"agent": str(AID), "task": "keep", "params": {}, "expires_in": None}
    for options in ({}, {"only_actions": ["note"], "only_resources": ['File::"one"']}):
        with pytest.raises(StepUpNeeded) as asked:
            grant.delegate("keep", agent=str(AID), **options)
        request = asked.value.decision.approval_request
        assert request.digest == call_digest({**form, "arguments": {**always, **options}})
        assert (request.grant, request.agent, request.tasks) == (grant.id, BOT, ("keep",))


def test_an_enumerated_type_has_all_its_entities() -> None:
    json = bundle()
    json["schema"]["entity_types"]["Agent"] = {
        **json["schema"]["entity_types"]["Agent"],
        "enum": ["bot", "new"],
    }
    json["entities"] = [each for each in json["entities"] if each["uid"]["id"] != "aid"]
    assert started(engine(json), agent=("Agent", "new")).decide("read").allowed
    with pytest.raises(Denied) as refused:
        started(engine(json), agent=AID)
    assert reason(refused) == ("arguments", "unknown_party")


def test_a_grant_ends_before_time_does() -> None:
    last = 2**63 - 1
    assert started(engine(), valid_from=last - 60_000).expires == last
    with pytest.raises(Denied) as refused:
        started(engine(), valid_from=last - 59_999)
    assert reason(refused) == ("arguments", "lifetime_too_long")
