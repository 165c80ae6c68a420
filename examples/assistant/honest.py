"""What a person's assistant does on an ordinary day, one function for each tool.

Each function draws one call on what a person owns; `honest_row` draws who makes it. Now and then
somebody asks for more than the ceilings give (`over_the_ceiling`): honest rows, and denied.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from household import (
    HARMLESS_FILES,
    HOME_DOMAIN,
    KNOWN_DOMAINS,
    PAYEES,
    PEOPLE,
    QUERIES,
    SUBJECTS,
    UTILITIES,
    Call,
    Draw,
    Json,
    abroad,
    amount,
    at_home,
    entity,
    labels,
    recipients,
    row,
    time_text,
    uid,
)

NAMES = ("office", "ana", "lio", "reception", "m.okonjo", "desk")
Maker = Callable[[Draw, str, datetime], Call]


def list_mail(draw: Draw, person: str, now: datetime) -> Call:
    given: Json = {"unread_only": True} if draw.chance(0.6) else {}
    return Call("list_mail", uid("Mailbox", person), given)


def read_mail(draw: Draw, person: str, now: datetime) -> Call:
    return Call("read_mail", uid("Mailbox", person), {"message_id": message(draw)})


def search_mail(draw: Draw, person: str, now: datetime) -> Call:
    given: Json = {"query": draw.pick(QUERIES)}
    if draw.chance(0.5):
        given["limit"] = draw.whole(1, 50)
    return Call("search_mail", uid("Mailbox", person), given)


def draft_mail(draw: Draw, person: str, now: datetime) -> Call:
    given: Json = {"subject": draw.pick(SUBJECTS), "body": "As we said on the phone."}
    return Call("draft_mail", uid("Mailbox", person), given)


def send_mail(draw: Draw, person: str, now: datetime) -> Call:
    given: Json = {
        "to": known_recipients(draw, person),
        "subject": draw.pick(SUBJECTS),
        "body": "Yes, that day is good for us.",
        "attachment_labels": labels(*(["work"] if draw.chance(0.3) else [])),
    }
    if draw.chance(0.15):
        given["bcc"] = recipients([person], [HOME_DOMAIN])
    return Call("send_mail", uid("Mailbox", person), given)


def forward_mail(draw: Draw, person: str, now: datetime) -> Call:
    given: Json = {
        "message_id": message(draw),
        "subject": "Fwd: " + draw.pick(SUBJECTS),
        "to": known_recipients(draw, person),
    }
    return Call("forward_mail", uid("Mailbox", person), given)


def delete_mail(draw: Draw, person: str, now: datetime) -> Call:
    given: Json = {"message_id": message(draw), "permanent": False}
    return Call("delete_mail", uid("Mailbox", person), given)


def list_events(draw: Draw, person: str, now: datetime) -> Call:
    # Mara and Joon look into each other's calendar, too: it is open to the household.
    owner = draw.pick(("mara", "joon")) if person in ("mara", "joon") else person
    until = now + timedelta(days=draw.whole(1, 60))
    given: Json = {"from": time_text(now), "until": time_text(until)}
    return Call("list_events", uid("Calendar", owner), given)


def read_event(draw: Draw, person: str, now: datetime) -> Call:
    return Call("read_event", uid("Calendar", person), {"event_id": event(draw)})


def create_event(draw: Draw, person: str, now: datetime) -> Call:
    start = now + timedelta(hours=draw.whole(1, 24 * 80))
    given: Json = {
        "title": draw.pick(SUBJECTS),
        "start": time_text(start),
        "length": f"{draw.pick((30, 45, 60, 90))}m",
    }
    return Call("create_event", uid("Calendar", person), given)


def move_event(draw: Draw, person: str, now: datetime) -> Call:
    start = now + timedelta(hours=draw.whole(1, 24 * 30))
    given: Json = {
        "event_id": event(draw),
        "start": time_text(start),
        "length": draw.pick(("1h", "2h", "1h30m")),
    }
    return Call("move_event", uid("Calendar", person), given)


def invite(draw: Draw, person: str, now: datetime) -> Call:
    given: Json = {"event_id": event(draw), "invitees": known_recipients(draw, person)}
    if draw.chance(0.4):
        given["note"] = "Do come."
    return Call("invite", uid("Calendar", person), given)


def cancel_event(draw: Draw, person: str, now: datetime) -> Call:
    return Call("cancel_event", uid("Calendar", person), {"event_id": event(draw), "guests": 0})


def list_folder(draw: Draw, person: str, now: datetime) -> Call:
    given: Json = {"depth": draw.whole(1, 3)} if draw.chance(0.5) else {}
    return Call("list_folder", uid("Folder", own_folder(draw, person)), given)


def read_file(draw: Draw, person: str, now: datetime) -> Call:
    # Own files, private ones among them; the household's people also read the common folder.
    if person in ("mara", "joon", "petra") and draw.chance(0.25):
        name = draw.pick(("house-rules", "shopping-list", "onion-tart"))
    else:
        name = f"{person}-{draw.pick((*HARMLESS_FILES, 'lease', 'tax-return'))}"
    given: Json = {"max_bytes": draw.whole(1_000, 500_000)} if draw.chance(0.4) else {}
    return Call("read_file", uid("File", name), given)


def search_files(draw: Draw, person: str, now: datetime) -> Call:
    return Call(
        "search_files", uid("Folder", own_folder(draw, person)), {"query": draw.pick(QUERIES)}
    )


def write_file(draw: Draw, person: str, now: datetime) -> Call:
    given: Json = {"name": f"note-{draw.whole(1, 400)}.txt", "size_bytes": draw.whole(0, 2_000_000)}
    return Call("write_file", uid("Folder", own_folder(draw, person)), given)


def share_file(draw: Draw, person: str, now: datetime) -> Call:
    domain = draw.pick(("northgate-school.example", "okonjo-law.example", HOME_DOMAIN))
    given: Json = {
        "address": f"{draw.pick(NAMES)}@{domain}",
        "domain": entity("Domain", domain),
        "right": "view",
        "days": draw.whole(1, 30),
    }
    return Call("share_file", uid("File", f"{person}-{draw.pick(HARMLESS_FILES)}"), given)


def delete_file(draw: Draw, person: str, now: datetime) -> Call:
    name = f"{person}-{draw.pick(HARMLESS_FILES)}"
    return Call("delete_file", uid("File", name), {"permanent": False})


def show_balance(draw: Draw, person: str, now: datetime) -> Call:
    return Call("show_balance", uid("Account", f"{person}-{draw.pick(('daily', 'savings'))}"), {})


def list_payments(draw: Draw, person: str, now: datetime) -> Call:
    given: Json = {"limit": draw.whole(5, 100)} if draw.chance(0.7) else {}
    return Call("list_payments", uid("Account", f"{person}-daily"), given)


def transfer(draw: Draw, person: str, now: datetime) -> Call:
    currency, most = draw.pick((("EUR", 49_000), ("EUR", 20_000), ("USD", 40_000)))
    given: Json = {
        "payee": entity("Payee", draw.pick(PAYEES[person])),
        "amount": amount(draw, 150, most),
        "currency": currency,
    }
    if draw.chance(0.6):
        given["note"] = f"Invoice {draw.whole(100, 999)}"
    return Call("transfer", uid("Account", f"{person}-daily"), given, session(draw))


def pay_bill(draw: Draw, person: str, now: datetime) -> Call:
    given: Json = {
        "payee": {"__entity": entity("Payee", draw.pick(UTILITIES))},
        "amount": amount(draw, 1_200, 110_000),
        "currency": "EUR",
        "due": time_text(now + timedelta(days=draw.whole(1, 28))),
    }
    return Call("pay_bill", uid("Account", f"{person}-daily"), given, session(draw))


def standing_order(draw: Draw, person: str, now: datetime) -> Call:
    given: Json = {
        "payee": entity("Payee", draw.pick(PAYEES[person])),
        "each_cents": draw.whole(500, 10_000),
        "times": draw.whole(1, 12),
    }
    return Call("standing_order", uid("Account", f"{person}-daily"), given, session(draw))


def update_profile(draw: Draw, person: str, now: datetime) -> Call:
    field, value = draw.pick((("language", "nl"), ("time_zone", "UTC"), ("signature", "Yours")))
    return Call(
        "update_profile", uid("User", person), {"field": field, "value": value}, session(draw)
    )


def change_limit(draw: Draw, person: str, now: datetime) -> Call:
    given: Json = {"limit": amount(draw, 10_000, 500_000), "currency": "EUR"}
    return Call("change_limit", uid("Account", f"{person}-daily"), given, at_home(draw))


TOOLS: tuple[tuple[tuple[str, Maker], int], ...] = (
    (("mail", list_mail), 8),
    (("mail", read_mail), 12),
    (("mail", search_mail), 6),
    (("mail", draft_mail), 5),
    (("mail", send_mail), 9),
    (("mail", forward_mail), 3),
    (("mail", delete_mail), 3),
    (("calendar", list_events), 7),
    (("calendar", read_event), 4),
    (("calendar", create_event), 6),
    (("calendar", move_event), 3),
    (("calendar", invite), 3),
    (("calendar", cancel_event), 2),
    (("files", list_folder), 4),
    (("files", read_file), 8),
    (("files", search_files), 3),
    (("files", write_file), 4),
    (("files", share_file), 2),
    (("files", delete_file), 1),
    (("payments", show_balance), 4),
    (("payments", list_payments), 3),
    (("payments", transfer), 5),
    (("payments", pay_bill), 3),
    (("payments", standing_order), 1),
    (("settings", update_profile), 1),
)


def honest_row(draw: Draw) -> Json:
    person, now = draw.pick(PEOPLE), draw.moment(7, 20)
    if draw.chance(0.03):
        return row(uid("Agent", f"{person}-desk"), *over_the_ceiling(draw, person, now))
    if draw.chance(0.01):  # by hand, at home: never through an assistant
        return row(uid("User", person), change_limit(draw, person, now), now, "honest:settings")
    kind, make = draw.weighted(TOOLS)
    principal = uid("User", person) if draw.chance(0.15) else uid("Agent", f"{person}-desk")
    return row(principal, make(draw, person, now), now, f"honest:{kind}")


def over_the_ceiling(draw: Draw, person: str, now: datetime) -> tuple[Call, datetime, str]:
    """A real wish that the ceilings do not give an assistant: the person must do it by hand."""
    choice = draw.whole(0, 2)
    if choice == 0:  # the rent is more than an assistant may send at once
        call = transfer(draw, person, now)
        call.input.update(amount=amount(draw, 50_001, 89_000), currency="EUR")
    elif choice == 1:  # a shop that nobody has written to before
        call = send_mail(draw, person, now)
        call.input["to"] = recipients(["orders"], ["tin-kettle.example"])
    else:  # a meeting that others come to
        call = cancel_event(draw, person, now)
        call.input["guests"] = draw.whole(1, 9)
    return call, now, "honest:over-the-ceiling"


def known_recipients(draw: Draw, person: str) -> Json:
    domains = (HOME_DOMAIN, *KNOWN_DOMAINS[person])
    first = draw.pick(domains)
    chosen = [first] if draw.chance(0.8) else sorted({first, HOME_DOMAIN})
    return recipients([draw.pick(NAMES)], chosen)


def session(draw: Draw) -> Json:
    return at_home(draw) if draw.chance(0.8) else abroad(draw)


def own_folder(draw: Draw, person: str) -> str:
    return draw.pick((person, f"{person}-letters", f"{person}-photos", f"{person}-projects"))


def message(draw: Draw) -> str:
    return f"m{draw.whole(1, 9_999):04d}"


def event(draw: Draw) -> str:
    return f"e{draw.whole(1, 999):03d}"
