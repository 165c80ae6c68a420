"""A small bundle for histories: a desk that refunds and pays, with somebody who approves."""

from __future__ import annotations

import io
import json
from functools import cache
from typing import Any

from agentpdp import Bundle
from agentpdp.events import Recorder

SETTINGS = """\
name = "till"
principals = ["User"]
agents = ["Agent"]
open_types = ["Account"]
[claims]
shift = "Long"
[actions.refund]
impact = ["write"]
resource = { type = "Order", from = "input.order" }
[actions.pay]
impact = ["write"]
resource = { type = "Account", from = "input.to" }
[actions.look]
impact = ["read"]
resource = "principal"
"""
SCHEMA = """\
entity Team;
entity User in [Team];
entity Agent in [Team];
entity Order = { cents: Long };
entity Account;
"""
CEILINGS = """\
@id("people") permit (principal is User in Team::"till", action, resource);
@id("bots") permit (principal is Agent in Team::"bots", action, resource);
@id("late") forbid (principal is User, action == Action::"refund", resource)
when { context.grant.claims.shift == 3 };
@id("leads-only")
forbid (
  principal,
  action in [AgentPDP::Action::"approve", AgentPDP::Action::"revoke"],
  resource
) unless { principal in Team::"leads" };
"""
REFUND = """\
@id("refund") permit (principal, action == Action::"refund", resource)
when { context.input.cents <= context.grant.params.most };
@id("large") @step_up("lead") forbid (principal, action == Action::"refund", resource)
when { context.input.cents > 100 };
@id("look") permit (principal, action == Action::"look", resource);
@id("hand-on") permit (principal, action == AgentPDP::Action::"delegate.refund", resource)
when { context.input.params.most <= context.grant.params.most };
"""
PAY = """\
@id("pay") permit (principal, action == Action::"pay", resource)
when { context.input.amount.lessThanOrEqual(context.grant.params.each) };
"""
REFUND_TASK = 'description = "Refund"\nlifetime = "30m"\n[params]\nmost = { type = "Long" }\n'
PAY_TASK = """\
description = "Pay"
lifetime = "30m"
[params]
each = { type = "decimal", default = "9.5" }
"""


def tool(name: str, **properties: Any) -> dict[str, Any]:
    typed = {each: {"type": kind} for each, kind in properties.items()}
    schema = {"type": "object", "properties": typed, "required": list(typed)}
    return {"name": name, "description": name, "inputSchema": schema}


TOOLS = [
    tool("refund", order="string", cents="integer"),
    tool("pay", to="string", amount="number"),
    tool("look"),
]


def entity(type_: str, id_: str, *teams: str, **attributes: Any) -> dict[str, Any]:
    parents = [{"type": "Team", "id": team} for team in teams]
    return {"uid": {"type": type_, "id": id_}, "attrs": attributes, "parents": parents}


ENTITIES = [
    *(entity("Team", name) for name in ("till", "bots", "leads")),
    entity("User", "ada", "till"),
    entity("User", "fred", "till", "leads"),
    entity("Agent", "bot", "bots"),
    entity("Agent", "aid", "bots"),
    entity("Order", "o1", cents=500),
]
FILES = {
    "agentpdp.toml": SETTINGS,
    "schema.cedarschema": SCHEMA,
    "policies/ceilings.cedar": CEILINGS,
    "tasks/refund.cedar": REFUND,
    "tasks/refund.toml": REFUND_TASK,
    "tasks/pay.cedar": PAY,
    "tasks/pay.toml": PAY_TASK,
    "tools/till.json": json.dumps({"tools": TOOLS}),
    "entities.json": json.dumps(ENTITIES),
}
ADA, FRED, BOT, AID = 'User::"ada"', 'User::"fred"', 'Agent::"bot"', 'Agent::"aid"'


@cache
def bundle(**changes: str) -> Bundle:
    """The bundle, with some files changed: `ceilings`, `refund`, `pay`."""
    paths = {
        "ceilings": "policies/ceilings.cedar",
        "refund": "tasks/refund.cedar",
        "pay": "tasks/pay.cedar",
    }
    return Bundle.from_files({**FILES, **{paths[name]: text for name, text in changes.items()}})


def recorder(this: Bundle | None = None) -> tuple[Recorder, io.StringIO]:
    """A recorder of the bundle, and where it writes; a second for each event."""
    seconds = iter(range(1_000_000, 1_000_000_000, 1_000))
    lines = io.StringIO()
    return Recorder(this or bundle(), lines, clock=lambda: next(seconds)), lines
