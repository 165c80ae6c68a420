"""Requests that do not fit the schema: a good row with exactly one thing broken.

`FAULTS` names for each kind the reason code that the decision must carry; the stage is `arguments`.
As only one thing is wrong in a row, the order in which faults are looked for does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import honest
from household import PEOPLE, Call, Draw, Json, entity, row, uid

Fault = Callable[[Draw, Call], Json]
WRITERS = (honest.send_mail, honest.create_event, honest.write_file, honest.transfer)


def invented_tool(draw: Draw, call: Call) -> Json:
    names = ("run_shell", "Transfer", "send_email", "delete_everything")
    return finished(draw, replace(call, action=draw.pick(names)))


def invented_argument(draw: Draw, call: Call) -> Json:
    name = draw.pick(("override", "as_admin", "__class__", "amount_eur"))
    call.input[name] = True
    return finished(draw, call)


def missing_argument(draw: Draw, call: Call) -> Json:
    required = [name for name in call.input if name not in ("bcc", "note")]
    del call.input[draw.pick(required)]
    return finished(draw, call)


def missing_time(draw: Draw, call: Call) -> Json:
    broken = finished(draw, call)
    context = broken["context"]
    assert isinstance(context, dict)
    del context["system"]
    return broken


def wrong_type(draw: Draw, call: Call) -> Json:
    wrong: Mapping[str, tuple[tuple[str, object], ...]] = {
        "send_mail": (("subject", 7), ("to", "office@northgate-school.example"), ("body", ["a"])),
        "create_event": (("title", True), ("length", "an hour"), ("start", "31.05.2031")),
        "write_file": (("size_bytes", "12"), ("size_bytes", 2**63), ("name", {"text": "a.txt"})),
        "transfer": (("amount", "five"), ("amount", True), ("payee", "vos-rentals")),
    }
    name, value = draw.pick(wrong[call.action])
    call.input[name] = value
    return finished(draw, call)


def inexact_amount(draw: Draw, call: Call) -> Json:
    """What Cedar's decimals cannot hold is never rounded."""
    amounts = ("0.00001", "1e9", "NaN", "1,000.00", "922337203685477.5808", " 5.00", "5.00 EUR")
    broken = honest.transfer(draw, draw.pick(PEOPLE), draw.moment(7, 20))
    broken.input["amount"] = draw.pick(amounts)
    return finished(draw, broken)


def disguised_value(draw: Draw, call: Call) -> Json:
    """Cedar's own escapes where a tool takes text."""
    names = {"send_mail": "subject", "create_event": "title", "write_file": "name"}
    disguises: tuple[Json, ...] = (
        {"__entity": entity("User", "mara")},
        {"__extn": {"fn": "decimal", "arg": "1.0"}},
    )
    call.input[names.get(call.action, "currency")] = draw.pick(disguises)
    return finished(draw, call)


def made_up_label(draw: Draw, call: Call) -> Json:
    broken = honest.send_mail(draw, draw.pick(PEOPLE), draw.moment(7, 20))
    broken.input["attachment_labels"] = [entity("Label", draw.pick(("harmless", "Public", "")))]
    return finished(draw, broken)


def wrong_kind_of_party(draw: Draw, call: Call) -> Json:
    parties = (uid("Group", "household"), uid("Fleet", "assistants"), uid("Admin", "mara"))
    return {**finished(draw, call), "principal": draw.pick(parties)}


def wrong_kind_of_resource(draw: Draw, call: Call) -> Json:
    things = (uid("User", "mara"), uid("Domain", "mail-relay.test"), uid("Everything", "all"))
    return finished(draw, replace(call, resource=draw.pick(things)))


def unreadable_party(draw: Draw, call: Call) -> Json:
    names = ("mara", "User::mara", 'User::"mara" || true', 'User::"mara', "")
    return {**finished(draw, call), "principal": draw.pick(names)}


def unreadable_resource(draw: Draw, call: Call) -> Json:
    names = ("inbox", "Mailbox::mara", 'Mailbox::"mara", Mailbox::"joon"', "*")
    return finished(draw, replace(call, resource=draw.pick(names)))


FAULTS: Mapping[str, tuple[str, Fault]] = {
    "invented-tool": ("unknown_action", invented_tool),
    "invented-argument": ("argument_unknown", invented_argument),
    "missing-argument": ("argument_missing", missing_argument),
    "missing-time": ("argument_missing", missing_time),
    "wrong-type": ("argument_type", wrong_type),
    "inexact-amount": ("argument_type", inexact_amount),
    "disguised-value": ("argument_type", disguised_value),
    "made-up-label": ("argument_type", made_up_label),
    "wrong-kind-of-party": ("not_applicable", wrong_kind_of_party),
    "wrong-kind-of-resource": ("not_applicable", wrong_kind_of_resource),
    "unreadable-party": ("unknown_party", unreadable_party),
    "unreadable-resource": ("unknown_resource", unreadable_resource),
}


def malformed_row(draw: Draw) -> Json:
    kind = draw.pick(tuple(FAULTS))
    call = draw.pick(WRITERS)(draw, draw.pick(PEOPLE), draw.moment(7, 20))
    return {**FAULTS[kind][1](draw, call), "label": f"hostile:{kind}"}


def finished(draw: Draw, call: Call) -> Json:
    person = draw.pick(PEOPLE)
    return row(uid("Agent", f"{person}-desk"), call, draw.moment(7, 20), "")
