"""Every way in which one request can be decided, with one form of answer.

A `Contest` holds one case built for all of them: the compiled engine, asked one by one and in
batches of several forms; the reference; and Cedar itself, by `cedarpy`. Errors of policies are
compared by policy and code.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import agentpdp
import agentpdp.reference
import cedarpy
from agentpdp.reference import request as reference_request

from .arrow_rows import dressed, grouped
from .generate import Case
from .vocabulary import Draw, Json, uid_json
from .world import Request


class Answer(NamedTuple):
    """What is compared of a decision."""

    verdict: str
    reason: str
    stage: str | None
    policies: tuple[str, ...]
    errors: tuple[tuple[str, str], ...]

    def brief(self) -> Answer:
        """What is left with `diagnostics="verdict"`."""
        return self._replace(policies=(), errors=())


class CedarAnswer(NamedTuple):
    """What Cedar said; `refusal` is its message if it did not take the request."""

    allowed: bool
    policies: frozenset[str]
    errors: frozenset[tuple[str, str]]
    refusal: str | None


def answer(decision: Any) -> Answer:
    errors = tuple((each.policy, each.code) for each in decision.errors)
    return Answer(
        decision.verdict, decision.reason, decision.stage, tuple(decision.policies), errors
    )


# What Cedar's messages say for each code.
CEDAR_CODES = {
    "type error": "type_error",
    "wrong number of arguments": "type_error",
    "does not have the attribute": "attribute_missing",
    "does not have the tag": "tag_missing",
    "integer overflow": "overflow",
    "does not exist": "entity_missing",
    "error while evaluating `": "extension_error",
}
CEDAR_ERROR = re.compile(r"error while evaluating policy `([^`]+)`: (.*)", re.DOTALL)


def cedar_answer(result: Any) -> CedarAnswer:
    messages = result.diagnostics.errors
    if result.decision is cedarpy.Decision.NoDecision:
        return CedarAnswer(False, frozenset(), frozenset(), " ".join(messages))
    errors = set()
    for message in messages:
        match = CEDAR_ERROR.match(message)
        assert match, message
        code = next((code for words, code in CEDAR_CODES.items() if words in match[2]), match[2])
        errors.add((match[1], code))
    return CedarAnswer(
        result.allowed, frozenset(result.diagnostics.reasons), frozenset(errors), None
    )


def cedar_policies(case: Case) -> Any:
    """The policies as `cedarpy` holds them, under their own ids and with the links."""
    parsed = json.loads(cedarpy.policies_to_json_str(case.policies))
    named = {
        part: {each["annotations"]["id"]: each for each in parsed[part].values()}
        for part in ("staticPolicies", "templates")
    }
    links = [
        {
            "templateId": link.template,
            "newId": link.link_id,
            "values": {f"?{slot}": uid_json(uid) for slot, uid in link.slots().items()},
        }
        for link in case.links
    ]
    return cedarpy.PolicySet.from_json_str(json.dumps({**named, "templateLinks": links}))


@contextmanager
def reading_once(read: dict[tuple[int, int], Any]) -> Iterator[None]:
    """While this lasts, the reference reads a context that several requests share once per action.

    What it reads depends on nothing else, and reading is most of its time.
    """
    plain = reference_request.read_context

    def read_context(context: Any, expected: Any, schema: Any) -> Any:
        key = id(context), id(expected)
        if key not in read:
            read[key] = plain(context, expected, schema)
        return read[key]

    reference_request.read_context = read_context
    try:
        yield
    finally:
        reference_request.read_context = plain


class Contest:
    """One case, ready to be asked in every way; batches are dressed by `draw`."""

    def __init__(self, case: Case, draw: Draw) -> None:
        self.case = case
        self.draw = draw
        self.requests: Sequence[Request] = case.requests
        self.bundle = self.bundle_of("cedar")
        self.engine = self.engine_of(self.bundle)
        self.model = agentpdp.reference.Engine(self.bundle)
        self.read: dict[tuple[int, int], Any] = {}
        for link in case.links:
            self.model.link(link.template, link.link_id, **link.slots())

    def bundle_of(self, on_error: Any) -> agentpdp.Bundle:
        return agentpdp.Bundle.from_sources(
            policies=self.case.policies,
            schema=self.case.schema or "none",
            entities=self.case.entities,
            on_error=on_error,
            validate=False,
        )

    def engine_of(self, bundle: agentpdp.Bundle) -> agentpdp.Engine:
        engine = agentpdp.Engine(bundle)
        for link in self.case.links:
            engine.link(link.template, link.link_id, **link.slots())
        return engine

    def denying(self) -> Contest:
        """The same contest with `on_error = "deny"`."""
        other = copy.copy(self)
        other.bundle = self.bundle_of("deny")
        other.engine = self.engine_of(other.bundle)
        other.model = copy.copy(self.model)
        other.model.on_error = "deny"
        return other

    def first(self, count: int) -> Contest:
        """The same contest on the first requests alone."""
        shorter = copy.copy(self)
        shorter.requests = self.requests[:count]
        return shorter

    # -- the engine

    def singles(self, entities: Any = None, diagnostics: Any = "full") -> list[Answer]:
        decide = self.engine.authorize
        return [
            answer(
                decide(
                    self.party(each.principal),
                    self.party(each.action),
                    self.party(each.resource),
                    each.context,
                    entities=entities,
                    diagnostics=diagnostics,
                )
            )
            for each in self.requests
        ]

    def party(self, uid: tuple[str, str]) -> Any:
        form = self.draw.below(3)
        named = agentpdp.EntityUid(*uid)
        return named if form == 0 else uid if form == 1 else str(named)

    def rows(self, threads: int | None = None) -> list[Answer]:
        rows = [
            {
                "principal": self.party(each.principal),
                "action": self.party(each.action),
                "resource": self.party(each.resource),
                "context": each.context,
            }
            for each in self.requests
        ]
        return [answer(each) for each in self.engine.authorize_batch(rows, threads=threads)]

    def codes(self, uids: Iterable[tuple[str, str]]) -> Any:
        return self.engine.encode(list(uids))

    def columns(self) -> list[Answer]:
        """A dict of columns: codes, and contexts as Python objects."""
        names = ("principal", "action", "resource")
        columns: dict[str, Any] = {
            name: self.codes(getattr(each, name) for each in self.requests) for name in names
        }
        columns["context"] = [each.context for each in self.requests]
        return [answer(each) for each in self.engine.authorize_batch(columns)]

    def tables(self) -> list[Answer | None]:
        """Arrow tables; None for requests that no table holds."""
        found: list[Answer | None] = [None] * len(self.requests)
        for context_type, numbers in grouped(self.requests):
            rows = [self.requests[number] for number in numbers]
            table = dressed(self.draw, rows, context_type, self.codes)
            decisions = self.engine.authorize_batch(table)
            for number, each in zip(numbers, decisions, strict=True):
                found[number] = answer(each)
        return found

    # -- the others

    def reference(self, entities: Any = None) -> list[Answer]:
        decide = self.model.authorize
        with reading_once(self.read):
            return [
                answer(
                    decide(
                        each.principal, each.action, each.resource, each.context, entities=entities
                    )
                )
                for each in self.requests
            ]

    def cedar(self, extra: Sequence[Json] = ()) -> list[CedarAnswer]:
        schema = cedarpy.Schema.from_str(self.case.schema) if self.case.schema else None
        new = {json.dumps(each["uid"]) for each in extra}
        kept = [each for each in self.case.entities if json.dumps(each["uid"]) not in new]
        entities = cedarpy.Entities.from_json_str(json.dumps([*kept, *extra]), schema)
        texts = {id(each.context): json.dumps(each.context) for each in self.distinct()}
        requests = [{**each.json(), "context": texts[id(each.context)]} for each in self.requests]
        results = cedarpy.is_authorized_batch(requests, cedar_policies(self.case), entities, schema)
        return [cedar_answer(result) for result in results]

    def distinct(self) -> Iterable[Request]:
        """One request for each context."""
        return {id(each.context): each for each in self.requests}.values()
