"""The peer cedarpy under grants: one question to Cedar after the other, until one denies.

Cedar has no grants, so what stands around the questions is done here, in plain Python and as docs/
says it: the chain's status, the resource, the ceilings of the person and of every agent, then every
hop's restriction and task. Nothing of agentpdp takes part, so this is what w5's expected counts are
asked of. Questions carry what the policies read, and no schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from workloads.w1.catalogue import DOMAINS, GROUP_OF_LEVEL, LEVELS, tools
from workloads.w5 import GrantWorkload, Verdict
from workloads.w5.calls import Call
from workloads.w5.tasks import cedar as policies_of
from workloads.workload import Json, Outcome, Request, Uid, Workload, entity, reference

from peers.cedar import Cedar, questions

TOOLS = {tool.id: tool for tool in tools()}


class Question(NamedTuple):
    """One thing to ask: whom, for which hop (none: the person), in which stage."""

    peer: Cedar
    asked: dict[str, Any]
    stage: str
    hop: int | None


class CedarChain:
    """One workload of calls under grants, in cedarpy's handles."""

    def __init__(self, workload: GrantWorkload) -> None:
        self.workload = workload
        self.revoked = frozenset(workload.revoked)
        self.known = {(each["uid"]["type"], each["uid"]["id"]) for each in workload.entities}
        ceilings = "\n".join(
            text for path, text in workload.files.items() if path.startswith("policies/")
        )
        entities = [*workload.entities, *actions()]
        plain = Workload(workload.name, ceilings, "", entities, workload.links, [], {})
        self.ceilings = Cedar(plain)
        self.tasks = [
            Cedar(
                Workload(each.name, policies_of(each), "", [], [], [], {}), self.ceilings.entities
            )
            for each in workload.tasks
        ]

    def verdict(self, call: Call) -> Verdict:
        """What the call comes to, asking no more than it takes."""
        refused = self.refused(call)
        if refused is not None:
            return refused
        deciding: tuple[str, ...] = ()
        for question in self.questions(call):
            if isinstance(question, Verdict):
                return question
            outcome = question.peer.outcome(question.peer.single(question.asked))
            policies = self.named(question, outcome)
            if outcome.reason != "permitted":
                return Verdict("deny", outcome.reason, question.stage, question.hop, policies)
            deciding = policies
        return Verdict("allow", "permitted", None, None, deciding)

    def refused(self, call: Call) -> Verdict | None:
        """What needs no question: a revoked hop, a resource that is not there."""
        for hop, number in enumerate(self.workload.chain(call.issue)):
            if number in self.revoked:
                return Verdict("deny", "revoked", "status", hop, ())
        if resource(call) not in self.known:
            return Verdict("deny", "unknown_resource", "arguments", None, ())
        return None

    def questions(self, call: Call) -> Iterator[Question | Verdict]:
        """All questions in order; where a hop's restriction denies, that verdict in their place."""
        chain = [self.workload.issues[number] for number in self.workload.chain(call.issue)]
        given: Json = {"input": call.arguments}
        yield self.question(self.ceilings, chain[0].principal, call, given, "ceiling", None)
        for hop, issue in enumerate(chain):
            yield self.question(self.ceilings, issue.agent, call, given, "ceiling", hop)
        for hop, issue in enumerate(chain):
            if issue.read_only and TOOLS[call.tool].level != "read":
                yield Verdict("deny", "outside_restriction", "task", hop, ())
            params = {name: value(each) for name, each in issue.params.items()}
            context = {**given, "grant": {"params": params}}
            yield self.question(self.tasks[issue.task], issue.agent, call, context, "task", hop)

    def question(
        self, peer: Cedar, who: Uid, call: Call, context: Json, stage: str, hop: int | None
    ) -> Question:
        request = Request(who, ("Action", call.tool), resource(call), context)
        return Question(peer, questions([request])[0], stage, hop)

    def named(self, question: Question, outcome: Outcome) -> tuple[str, ...]:
        """The deciding policies, a task's by `task/id`."""
        if question.peer is self.ceilings:
            return outcome.policies
        task = self.workload.tasks[self.tasks.index(question.peer)]
        return tuple(f"{task.name}/{each}" for each in outcome.policies)

    def prepared(self, calls: Iterable[Call]) -> list[list[Question]]:
        """For timing: for each call the questions that it takes, made beforehand."""
        made = []
        for call in calls:
            asked: list[Question] = []
            for question in self.questions(call) if self.refused(call) is None else ():
                if isinstance(question, Verdict):
                    break
                asked.append(question)
                if not question.peer.single(question.asked).allowed:
                    break
            made.append(asked)
        return made


def resource(call: Call) -> Uid:
    """What the call is to be done to."""
    return TOOLS[call.tool].resource_type, call.arguments["text"]


def value(param: Uid | int) -> Any:
    """A parameter in Cedar's JSON."""
    return param if isinstance(param, int) else reference(param)


def actions() -> list[Json]:
    """The schema's actions as entities, since nobody reads a schema here."""
    made = [entity(("Action", name)) for name in GROUP_OF_LEVEL.values()]
    for domain in DOMAINS:
        made.append(entity(("Action", domain.name)))
        for level in LEVELS:
            above = [("Action", domain.name), ("Action", GROUP_OF_LEVEL[level])]
            made.append(entity(("Action", f"{domain.name}_{level}"), parents=above))
    for tool in tools():
        above = [("Action", f"{tool.domain.name}_{tool.level}")]
        made.append(entity(("Action", tool.id), parents=above))
    return made
