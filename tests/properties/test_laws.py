"""Laws that hold of every policy set, one per test.

Cases are the generator's, made from a seed: a law that fails says which. That all ways of asking
agree is in ``test_agreement.py``; changes of entities and links, one after the other, are in
``test_store.py``.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from typing import Any

import agentpdp
import pytest
from hypothesis import given, settings, strategies

from .generate import Case, Sizes, from_seed
from .paths import Answer, answer
from .world import Request

EXAMPLES = 25
SIZES = Sizes(policies_max=5, depth_max=2, requests=8)
STARTS = re.compile(r'^(?=@id\(")', re.MULTILINE)
EFFECT = re.compile(r"^(permit|forbid)\b", re.MULTILINE)
NAME = re.compile(r'@id\("([^"]*)"\)')
ON_ERROR = ("deny", "cedar")

seeds = strategies.integers(0, 2**32 - 1)


def law(**given_of: strategies.SearchStrategy[Any]) -> Callable[[Any], Any]:
    return lambda test: settings(max_examples=EXAMPLES, deadline=None)(given(**given_of)(test))


def texts(case: Case) -> list[str]:
    """The policies one by one."""
    return [each for each in STARTS.split(case.policies) if each]


def effect(policy: str) -> str:
    found = EFFECT.search(policy)
    assert found, policy
    return found[1]


def name(policy: str) -> str:
    found = NAME.match(policy)
    assert found, policy
    return found[1]


def bundle(case: Case, policies: Sequence[str] | dict[str, str] | None = None, **more: Any) -> Any:
    sources = case.policies if policies is None else policies
    given_of = {"entities": case.entities, "schema": case.schema or "none", **more}
    text = sources if isinstance(sources, str | dict) else "".join(sources)
    return agentpdp.Bundle.from_sources(policies=text, validate=False, **given_of)


def engine(case: Case, policies: Any = None, **more: Any) -> agentpdp.Engine:
    """An engine of the case, or of other policies, with the links of the templates it has."""
    found = agentpdp.Engine(bundle(case, policies, **more))
    for link in case.links:
        if link.template in found.bundle.templates:
            found.link(link.template, link.link_id, **link.slots())
    return found


def row(request: Request) -> dict[str, Any]:
    parties = {"principal": request.principal, "action": request.action}
    return {**parties, "resource": request.resource, "context": request.context}


def asked(this: agentpdp.Engine, case: Case, **more: Any) -> list[Answer]:
    return [answer(this.authorize(**row(each), **more)) for each in case.requests]


def batch(this: agentpdp.Engine, rows: Any, **more: Any) -> list[Answer]:
    return [answer(each) for each in this.authorize_batch(rows, **more)]


def allowed(answers: Sequence[Answer]) -> set[int]:
    return {number for number, each in enumerate(answers) if each.verdict == "allow"}


# -- policies


@pytest.mark.parametrize("on_error", ON_ERROR)
@law(seed=seeds, other_seed=seeds)
def test_adding_a_forbid_never_adds_an_allow(on_error: str, seed: int, other_seed: int) -> None:
    """Whatever a forbid says, it can only take away."""
    case, other = from_seed(seed, SIZES), from_seed(other_seed, SIZES)
    before = allowed(asked(engine(case, on_error=on_error), case))
    for policy in texts(other):
        renamed = NAME.sub('@id("added")', EFFECT.sub("forbid", policy, count=1), count=1)
        after = engine(case, [*texts(case), renamed], on_error=on_error)
        assert allowed(asked(after, case)) <= before


@pytest.mark.parametrize("on_error", ON_ERROR)
@law(seed=seeds)
def test_removing_a_permit_never_adds_an_allow(on_error: str, seed: int) -> None:
    """Whatever a permit says, it can only give."""
    case = from_seed(seed, SIZES)
    before = allowed(asked(engine(case, on_error=on_error), case))
    for policy in texts(case):
        if effect(policy) == "permit":
            rest = [each for each in texts(case) if each != policy]
            assert allowed(asked(engine(case, rest, on_error=on_error), case)) <= before


@law(seed=seeds)
def test_without_permits_nothing_is_allowed(seed: int) -> None:
    """Default deny: a set of forbids allows nothing."""
    case = from_seed(seed, SIZES)
    forbids = [each for each in texts(case) if effect(each) == "forbid"]
    assert allowed(asked(engine(case, forbids), case)) == set()


@law(seed=seeds)
def test_a_forbid_of_everything_allows_nothing(seed: int) -> None:
    """Forbid wins: one that is always satisfied denies every call, and is named."""
    case = from_seed(seed, SIZES)
    always = '@id("always") forbid (principal, action, resource);'
    for each in asked(engine(case, [*texts(case), always]), case):
        assert each.stage == "arguments" or (each.reason, "always" in each.policies) == (
            "forbidden",
            True,
        )


@law(seed=seeds)
def test_denying_on_error_only_takes_away(seed: int) -> None:
    """What is allowed though erring forbids deny is allowed where they are skipped, too."""
    case = from_seed(seed, SIZES)
    denying, skipping = (asked(engine(case, on_error=each), case) for each in ON_ERROR)
    assert allowed(denying) <= allowed(skipping)
    assert [each.errors for each in denying] == [each.errors for each in skipping]
    for left, right in zip(denying, skipping, strict=True):
        assert left == right or left.reason == "forbid_error"


@law(seed=seeds, order=seeds)
def test_the_order_of_policies_does_not_matter(seed: int, order: int) -> None:
    """Policies are a set."""
    case = from_seed(seed, SIZES)
    shuffled = texts(case)
    random.Random(order).shuffle(shuffled)
    assert asked(engine(case, shuffled), case) == asked(engine(case), case)


@law(seed=seeds, order=seeds)
def test_the_order_of_files_does_not_matter(seed: int, order: int) -> None:
    """Neither to decisions nor to the digest; how policies are spread over files is no matter."""
    case = from_seed(seed, SIZES)
    files = {f"{number}.cedar": text for number, text in enumerate(texts(case))}
    names = list(files)
    random.Random(order).shuffle(names)
    shuffled = {each: files[each] for each in names}
    assert bundle(case, shuffled).digest == bundle(case, files).digest
    assert asked(engine(case, shuffled), case) == asked(engine(case), case)


@law(seed=seeds)
def test_a_policy_said_twice_counts_once(seed: int) -> None:
    """A copy under another id changes neither verdict nor reason."""
    case = from_seed(seed, SIZES)
    copies = [NAME.sub(r'@id("\1-copy")', each, count=1) for each in texts(case)]
    static = [each for each in copies if "?principal" not in each and "?resource" not in each]
    found = asked(engine(case, [*texts(case), *static]), case)
    briefs = [each.brief() for each in asked(engine(case), case)]
    assert [each.brief() for each in found] == briefs


@law(seed=seeds)
def test_what_neither_decided_nor_erred_can_be_left_out(seed: int) -> None:
    """A decision follows from the policies that it names."""
    case = from_seed(seed, SIZES)
    templates = {link.link_id: link.template for link in case.links}
    for request, found in zip(case.requests, asked(engine(case), case), strict=True):
        named = {*found.policies, *(policy for policy, _ in found.errors)}
        kept = {templates.get(each, each) for each in named}
        rest = engine(case, [each for each in texts(case) if name(each) in kept])
        assert answer(rest.authorize(**row(request))) == found


@law(seed=seeds)
def test_what_a_decision_says_fits_together(seed: int) -> None:
    """Verdict, reason, stage, policies and errors say one thing, in order."""
    case = from_seed(seed, SIZES)
    effects = {name(each): effect(each) for each in texts(case)}
    effects |= {link.link_id: effects[link.template] for link in case.links}
    deciding = {"permitted": "permit", "forbidden": "forbid", "forbid_error": "forbid"}
    for each in asked(engine(case), case):
        erring = [policy for policy, _ in each.errors]
        assert (each.verdict == "allow") is (each.reason == "permitted") is (each.stage is None)
        assert (list(each.policies), erring) == (sorted(each.policies), sorted(set(erring)))
        assert {effects[policy] for policy in each.policies} <= {deciding.get(each.reason)}
        assert bool(each.policies) is (each.reason in deciding)
        assert set(each.policies) & set(erring) == (
            set(each.policies) if each.reason == "forbid_error" else set()
        )
        assert each.stage != "arguments" or not each.errors


# -- asking


@law(seed=seeds)
def test_a_decision_is_deterministic(seed: int) -> None:
    """The same question has the same answer, of this engine and of another of the same bundle."""
    case = from_seed(seed, SIZES)
    this = engine(case)
    assert asked(this, case) == asked(this, case) == asked(engine(case), case)
    for each in case.requests:
        assert this.authorize(**row(each)) == this.authorize(**row(each))


@law(seed=seeds)
def test_the_verdict_alone_is_the_same_verdict(seed: int) -> None:
    """With diagnostics="verdict" neither verdict nor reason nor stage changes."""
    case = from_seed(seed, SIZES)
    this = engine(case)
    briefs = [each.brief() for each in asked(this, case)]
    assert [each.brief() for each in asked(this, case, diagnostics="verdict")] == briefs


@law(seed=seeds, cut=strategies.integers(0, SIZES.requests))
def test_a_batch_is_its_parts_and_its_rows(seed: int, cut: int) -> None:
    """A batch equals its calls one by one, and any two parts of it one behind the other."""
    case = from_seed(seed, SIZES)
    this, rows = engine(case), [row(each) for each in case.requests]
    whole = batch(this, rows)
    assert whole == asked(this, case)
    assert batch(this, rows[:cut]) + batch(this, rows[cut:]) == whole


@law(seed=seeds, order=seeds)
def test_permuting_rows_permutes_answers(seed: int, order: int) -> None:
    """A row's answer does not depend on its place."""
    case = from_seed(seed, SIZES)
    this, rows = engine(case), [row(each) for each in case.requests]
    numbers = list(range(len(rows)))
    random.Random(order).shuffle(numbers)
    whole = batch(this, rows)
    found = batch(this, [rows[number] for number in numbers])
    assert found == [whole[number] for number in numbers]


@law(seed=seeds, place=strategies.integers(0, SIZES.requests))
def test_a_bad_row_leaves_its_neighbours_alone(seed: int, place: int) -> None:
    """A row of nonsense is denied, and no other row changes."""
    case = from_seed(seed, SIZES)
    this, rows = engine(case), [row(each) for each in case.requests]
    bad = {"principal": object(), "action": None, "resource": 1.5, "context": [object()]}
    found = batch(this, [*rows[:place], bad, *rows[place:]])
    assert found.pop(place).reason == "unknown_action"
    assert found == batch(this, rows)


@law(seed=seeds)
def test_codes_stand_for_their_entities(seed: int) -> None:
    """Encoded uids ask the same; the same uid has the same code, and another one another."""
    case = from_seed(seed, SIZES)
    this = engine(case)
    parties = ("principal", "action", "resource")
    uids = {part: [getattr(each, part) for each in case.requests] for part in parties}
    columns = {part: this.encode(each) for part, each in uids.items()}
    contexts = [each.context for each in case.requests]
    assert batch(this, {**columns, "context": contexts}) == asked(this, case)
    code_of = {}
    for part in parties:
        for uid, code in zip(uids[part], columns[part].tolist(), strict=True):
            assert code_of.setdefault(uid, code) == code
    assert len(set(code_of.values())) == len(code_of)


@settings(max_examples=4, deadline=None)
@given(seed=seeds)
def test_threads_change_no_answer(seed: int) -> None:
    """Rows enough for several chunks are answered alike by one thread and by two."""
    case = from_seed(seed, SIZES)
    this = engine(case)
    rows = [row(each) for each in case.requests] * 1_200
    one, two = (this.authorize_batch(rows, threads=threads) for threads in (1, 2))
    assert one.to_arrow().equals(two.to_arrow())
    assert [answer(one[number]) for number in range(SIZES.requests)] == asked(this, case)


# -- entities and links


@law(seed=seeds)
def test_entities_of_a_call_are_as_if_stored(seed: int) -> None:
    """`entities=` equals an engine whose store has them, and leaves nothing behind."""
    case = from_seed(seed, SIZES)
    this = engine(case)
    before = asked(this, case)
    new = [each["uid"] for each in case.extra]
    merged = [each for each in case.entities if each["uid"] not in new] + case.extra
    found = asked(this, case, entities=case.extra)
    assert found == asked(engine(case, entities=merged), case)
    assert asked(this, case) == before


@law(seed=seeds)
def test_putting_in_what_is_there_changes_nothing(seed: int) -> None:
    """An upsert of the bundle's entities counts as a change and is none."""
    case = from_seed(seed, SIZES)
    this = engine(case)
    before, epoch = asked(this, case), this.epoch
    this.upsert([each for each in case.entities if each["uid"]["type"] != "Action"])
    assert (asked(this, case), this.epoch) == (before, epoch + 1)


@law(seed=seeds)
def test_an_entity_that_nothing_names_changes_nothing(seed: int) -> None:
    """What is in no group and no request might as well not be there."""
    case = from_seed(seed, SIZES)
    this = engine(case, schema="none")
    before = asked(this, case)
    this.upsert([{"uid": {"type": "User", "id": "stranger"}, "attrs": {}, "parents": []}])
    assert asked(this, case) == before


@law(seed=seeds, order=seeds)
def test_removing_and_putting_back_cuts_the_edges_to_it(seed: int, order: int) -> None:
    """As in Cedar an entity comes back with its attributes and parents; its children stay out."""
    case = from_seed(seed, SIZES)
    stored = [each for each in case.entities if not each["uid"]["type"].endswith("Action")]
    if not stored:
        return
    gone = random.Random(order).choice(stored)
    this = engine(case)
    this.remove([(gone["uid"]["type"], gone["uid"]["id"])])
    this.upsert([gone])
    cut = [
        {**each, "parents": [parent for parent in each["parents"] if parent != gone["uid"]]}
        for each in case.entities
    ]
    assert asked(this, case) == asked(engine(case, entities=cut), case)


@law(seed=seeds, order=seeds)
def test_a_link_that_is_taken_away_was_never_there(seed: int, order: int) -> None:
    """Linking and unlinking is neutral, and the id is free again."""
    case = from_seed(seed, SIZES)
    template = '@id("free") forbid (principal == ?principal, action, resource in ?resource);'
    this = engine(case, [*texts(case), template])
    before, epoch = asked(this, case), this.epoch
    request = random.Random(order).choice(case.requests)
    for _ in range(2):
        this.link("free", "linked", principal=request.principal, resource=request.resource)
        found = answer(this.authorize(**row(request)))
        assert found.stage == "arguments" or "linked" in found.policies
        assert this.unlink("linked")
    assert not this.unlink("linked")
    assert (asked(this, case), this.epoch) == (before, epoch + 4)


@law(seed=seeds)
def test_a_link_is_the_policy_with_its_slots_filled(seed: int) -> None:
    """A template with a link decides as the static policy that names the entities."""
    case = from_seed(seed, SIZES)
    request = case.requests[0]
    template = '@id("t") permit (principal in ?principal, action, resource == ?resource);'
    static = template.replace('"t"', '"one"')
    for slot in ("principal", "resource"):
        static = static.replace(f"?{slot}", str(agentpdp.EntityUid(*getattr(request, slot))))
    linked = engine(case, [*texts(case), template])
    linked.link("t", "one", principal=request.principal, resource=request.resource)
    assert asked(linked, case) == asked(engine(case, [*texts(case), static]), case)
