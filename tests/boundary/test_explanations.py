"""Explanations as text, flowchart, page and data; hostile names stay names."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import agentpdp
import pytest
from agentpdp import EntityUid, Grant
from agentpdp.explanations.mermaid import label
from agentpdp.explanations.words import plain, time_of

from tests.events.desk import ADA, AID, BOT, CEILINGS, FRED, REFUND, bundle, entity

HOSTILE = '<script>alert(1)</script>"] --> x[\x1b[31m\n\u202e&amp;`#35;'
CALL = {"order": "o1", "cents": 50}


def engine(**changes: str) -> agentpdp.Engine:
    return agentpdp.Engine(bundle(**changes), clock="caller")


def start(this: agentpdp.Engine, **more: object) -> Grant:
    given = {"params": {"most": 300}, "claims": {"shift": 1}, "at": 1_000, **more}
    return this.start("refund", principal=ADA, agent=BOT, **given)


def tree_of(this: agentpdp.Engine, grant: Grant, cents: object = 50) -> list[str]:
    arguments = {"order": "o1", "cents": cents}
    return this.explain(grant, "refund", arguments, at=1_000).tree().splitlines()


def test_an_allow_names_every_party_and_every_policy() -> None:
    this = engine()
    assert tree_of(this, start(this)) == [
        "allow (permitted): a permit is satisfied and no forbid is: `refund/refund`",
        '├─ call: `Action::"refund"` on `Order::"o1"`, at 1970-01-01T00:00:01Z',
        '├─ principal: `User::"ada"`',
        "│  └─ ceiling: allow (permitted), by `people`",
        '├─ hop 0: `Agent::"bot"`, task `refund`, '
        "valid from 1970-01-01T00:00:01Z to 1970-01-01T00:30:01Z",
        "│  ├─ ceiling: allow (permitted), by `bots`",
        "│  └─ task: allow (permitted), by `refund/refund`",
        "└─ what would have to change: nothing",
    ]


def changes_of(this: agentpdp.Engine, grant: Grant, cents: object = 50) -> tuple[str, ...]:
    arguments = {"order": "o1", "cents": cents}
    return this.explain(grant, "refund", arguments, at=1_000).changes


def test_what_would_have_to_change_is_told_for_each_question() -> None:
    this = engine()
    grant = start(this)
    assert changes_of(this, grant) == ()
    assert changes_of(this, grant, 400) == (
        "hop 0's task: `refund/refund` would have to be satisfied",
    )
    assert changes_of(this, grant, 200) == (
        "hop 0's task: `lead` would have to approve (`refund/large`)",
    )
    (text,) = changes_of(this, grant, "x")
    assert "`cents`: expected a whole number" in text
    late = start(this, claims={"shift": 3})
    assert changes_of(this, late) == (
        'the ceiling of `User::"ada"`: `late` would have to be false',
    )
    this.suspend(agent=BOT)
    assert changes_of(this, grant) == (this.explain(grant, "refund", CALL).decision.message,)


def test_restrictions_and_own_are_told() -> None:
    this = engine()
    given = {"params": {"most": 9}, "only_actions": ["refund"], "only_resources": []}
    child = start(this).delegate("refund", agent=AID, **given, at=1_000)
    lines = tree_of(this, child, 5)
    assert '│  ├─ only_actions: `Action::"refund"`' in lines
    assert "│  ├─ only_resources: none" in lines
    assert "│  └─ task: deny (outside_restriction)  <- this decided" in lines
    assert changes_of(this, child, 5) == (
        "hop 1's task: the hop would have to be delegated with this action and resource",
    )


def test_permits_that_name_the_action_tell_what_keeps_them() -> None:
    more = """\
@id("other") permit (principal, action == Action::"refund", resource == Order::"o2");
@id("nobody") permit (principal == Agent::"aid", action == Action::"refund", resource);
@id("errs") permit (principal, action == Action::"refund", resource)
when { context.input.cents + 9223372036854775807 > 0 };
@id("unrelated") permit (principal, action == Action::"look", resource);
"""
    this = engine(refund=REFUND + more)
    grant = start(this, params={"most": 1})
    explanation = this.explain(grant, "refund", CALL, at=1_000)
    (near,) = (answer["near"] for answer in explanation.answers if answer["near"])
    assert [(each["policy"], each["hindrance"]) for each in near] == [
        ("refund/refund", "condition"),
        ("refund/errs", "error"),
        ("refund/other", "resource"),
        ("refund/nobody", "principal"),
    ]
    assert "`refund/errs` errs: " in explanation.tree()
    assert "permit `refund/nobody` names the action: it is for other parties" in explanation.tree()


def test_permits_that_are_named_have_a_limit() -> None:
    scope = 'permit (principal, action == Action::"refund", resource)'
    names = [f'@id("p{n}") {scope} when {{ context.input.cents == {n} }};' for n in range(30)]
    this = engine(refund="\n".join(names))
    explanation = this.explain(start(this), "refund", CALL, at=1_000)
    (answer,) = (answer for answer in explanation.answers if answer["near"])
    assert (len(answer["near"]), answer["near_more"]) == (20, 10)
    assert "and 10 more permits that name it" in explanation.tree()
    assert "or one of 10 more would have to be satisfied" in explanation.changes[0]


def test_where_no_permit_names_the_action_that_is_told() -> None:
    this = engine()
    explanation = this.explain(start(this), "pay", {"to": "x", "amount": 1}, at=1_000)
    assert explanation.changes == ("hop 0's task: no permit names the action: one would have to",)


def test_an_approval_is_told_and_not_used_up() -> None:
    this = engine()
    grant = start(this)
    asked = {"order": "o1", "cents": 200}
    request = grant.decide("refund", asked, at=1_000).approval_request
    assert request is not None
    this.approve(request, by=FRED, at=1_000)
    for _ in range(2):
        tree = this.explain(grant, "refund", asked, at=1_000).tree()
        assert "`refund/large` is approved" in tree
    assert grant.decide("refund", asked, at=1_000).allowed


def test_the_deciding_answer_is_marked_once() -> None:
    this = engine(ceilings=CEILINGS.replace('Team::"bots", action', 'Team::"leads", action'))
    explanation = this.explain(start(this), "refund", {"order": "o1", "cents": 900}, at=1_000)
    marked = [line for line in explanation.tree().splitlines() if line.endswith("this decided")]
    assert marked == ["│  ├─ ceiling: deny (not_permitted)  <- this decided"]
    assert explanation.html().count("this decided") == 1
    assert explanation.mermaid().count("(this decided)") == 1
    assert len(explanation.changes) == 2


@pytest.fixture
def hostile() -> agentpdp.Explanation:
    this = engine()
    this.upsert([entity("Agent", HOSTILE, "bots")])
    grant = start(this).delegate(
        "refund", agent=EntityUid("Agent", HOSTILE), params={"most": 9}, at=1_000
    )
    return this.explain(grant, "refund", CALL, at=1_000)


class Page(HTMLParser):
    """Tags and text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not {name for name, _ in attrs} & {"src", "href", "style", "onload", "onclick"}

    def handle_data(self, data: str) -> None:
        self.text += data


def test_hostile_names_stay_text_in_the_page(hostile: agentpdp.Explanation) -> None:
    page = Page()
    page.feed(hostile.html())
    assert page.tags <= {
        *("html", "head", "meta", "title", "style", "body", "h1", "ul", "li", "span", "footer"),
    }
    assert "<script>alert(1)</script>" in page.text
    assert "<script" not in hostile.html()


def test_hostile_names_stay_text_on_the_terminal(hostile: agentpdp.Explanation) -> None:
    assert all(line.isprintable() for line in hostile.tree().splitlines())
    assert len([line for line in hostile.tree().splitlines() if "hop 1: " in line]) == 1


def test_hostile_names_cannot_leave_a_label(hostile: agentpdp.Explanation) -> None:
    lines = hostile.mermaid().splitlines()
    nodes = [line for line in lines if '["' in line]
    assert len(nodes) == 4
    assert all(line.count('"') == 2 and line.endswith('"]') for line in nodes)
    assert not any("<script" in line or "`" in line for line in lines)
    assert sum("-->" in line for line in lines) == 3


def test_a_label_holds_nothing_but_harmless_characters() -> None:
    assert label('a"b') == "a#34;b"
    assert label("ü\n") == "#252;#92;n"


def test_json_is_json_and_has_it_all(hostile: agentpdp.Explanation) -> None:
    found = json.loads(json.dumps(hostile.to_json()))
    assert found["verdict"] == "deny"
    assert found["action"] == 'Action::"refund"'
    assert found["hops"][1]["agent"] == str(EntityUid("Agent", HOSTILE))
    assert found["changes"] == list(hostile.changes)
    assert [answer["stage"] for answer in found["answers"]] == ["ceiling"] * 3 + ["task"] * 2


def test_times_and_names_that_have_no_text_of_their_own() -> None:
    assert time_of(1 << 62) == f"{1 << 62} ms"
    assert plain("a\ud800b") == "a\\ud800b"
