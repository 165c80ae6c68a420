"""The rules of w1's twelve domains in plain Python, one function per domain and level.

A rule appends the ids of what permits and what forbids. Only a product too large for 64 bits gives
something back: what Cedar calls an error of that forbid, and we a denial.
Part of handwritten.py, which says what this is for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Result = tuple[str, tuple[str, ...]]
Ids = list[str]
Input = dict[str, Any]
I64_MAX = 2**63 - 1


class Party:
    """A user or an agent, with all that can be known before a call."""

    __slots__ = (
        "auditor", "clearance", "contractor", "department", "documents", "groups", "id", "is_user",
        "limit", "manager", "owner", "reader", "regions", "supervised", "suspended", "territories",
    )  # fmt: skip
    id: str
    is_user: bool
    owner: str
    department: str
    clearance: int
    limit: int
    regions: frozenset[str]
    manager: str | None
    groups: frozenset[str]
    suspended: bool
    contractor: bool
    reader: bool
    auditor: bool
    supervised: bool
    documents: tuple[tuple[str, str], ...]
    territories: tuple[tuple[str, str], ...]


class Asset:
    """A resource, with the ids of all that it lies in."""

    __slots__ = ("above", "classification", "department", "labels", "owner", "pii", "region")
    owner: str
    department: str
    classification: int
    labels: frozenset[str]
    region: str
    pii: bool
    above: frozenset[str]


Rule = Callable[[Party, Asset, Input, list[str], list[str], str], Result | None]

TEXTS = frozenset({"text", "html"})
SLIDES = frozenset({"slide", "pdf"})
MESSAGES = frozenset({"message", "reply"})
ENGINEERING = frozenset({"platform", "security", "data"})
CI_SAFE = frozenset({"test", "build"})
QUERIES = frozenset({"select", "aggregate"})
OFFERS = frozenset({"quote", "renewal"})
ERRANDS = frozenset({"invoice", "refund"})
SMALL = frozenset({"small", "medium"})
CONTINENTS = frozenset({"eu", "us"})
WORKING = frozenset({"draft", "internal"})
KEPT = frozenset({"pii", "legal-hold"})
MAIL_SENDS = frozenset({"tool_013", "tool_014", "tool_015", "tool_016"})
CALENDAR_BOOKS = frozenset({"tool_038", "tool_039", "tool_040", "tool_041"})
CI_RUNS = frozenset({"tool_138", "tool_139", "tool_140"})
CRM_QUOTES = frozenset({"tool_213", "tool_214", "tool_215", "tool_216"})
WEB_POSTS = frozenset({"tool_288", "tool_289", "tool_290"})


def mail_read(p: Party, r: Asset, i: Input, permits: Ids, forbids: Ids, tool: str) -> None:
    if p.is_user:
        if r.owner == p.id:
            permits.append("mail-own")
    elif r.owner == p.owner or r.department == p.department:
        permits.append("mail-for-owner")


def mail_write(p: Party, r: Asset, i: Input, permits: Ids, forbids: Ids, tool: str) -> None:
    count = i["count"]
    target = i["target"]
    if count > 100 or target.endswith(".invalid"):
        forbids.append("mail-no-bulk")
        return
    if p.is_user:
        if r.owner == p.id:
            permits.append("mail-own")
        return
    if (
        tool in MAIL_SENDS
        and "desk" in p.groups
        and count <= 25
        and i["kind"] in TEXTS
        and r.region in p.regions
    ):
        permits.append("mail-agent-send")
    if (
        r.owner == p.owner
        and target.startswith("partner-")
        and target.endswith(".example")
        and "password" not in i["text"]
        and i["size"] <= 10000
    ):
        permits.append("mail-agent-partners")


def mail_admin(p: Party, r: Asset, i: Input, permits: Ids, forbids: Ids, tool: str) -> None:
    if "admin" in p.groups and r.region in p.regions:
        permits.append("mail-admin")


def calendar_read(p: Party, r: Asset, i: Input, permits: Ids, forbids: Ids, tool: str) -> None:
    if not r.pii:
        permits.append("calendar-read")


def calendar_write(p: Party, r: Asset, i: Input, permits: Ids, forbids: Ids, tool: str) -> None:
    target = i["target"]
    if p.is_user:
        if r.owner == p.id:
            permits.append("calendar-own")
    else:
        kind = i["kind"]
        if kind == "private" and target.startswith("guest-") and "@" in target[6:]:
            forbids.append("calendar-no-guests")
        if r.owner == p.owner and "errands" in p.groups and kind != "public":
            permits.append("calendar-for-owner")
    if tool in CALENDAR_BOOKS and target.startswith("room-") and i["count"] <= 12:
        permits.append("calendar-book")


def calendar_admin(p: Party, r: Asset, i: Input, permits: Ids, forbids: Ids, tool: str) -> None:
    if "people" in p.groups and i["count"] <= 50:
        permits.append("calendar-admin")


def docs_read(p: Party, r: Asset, i: Input, permits: Ids, forbids: Ids, tool: str) -> None:
    if p.is_user:
        if r.owner == p.id:
            permits.append("docs-own")
        if r.owner == p.manager and r.classification <= 2:
            permits.append("docs-manager")
    elif r.owner == p.owner:
        permits.append("docs-for-owner")
    if r.department == p.department:
        permits.append("docs-department")
    if "public" in r.labels:
        permits.append("docs-public")
    for target, name in p.documents:
        if target in r.above:
            permits.append(name)


def docs_write(p: Party, r: Asset, i: Input, permits: Ids, forbids: Ids, tool: str) -> None:
    target = i["target"]
    labels = r.labels
    if target.startswith("export/") and not KEPT.isdisjoint(labels):
        forbids.append("docs-no-export")
        return
    kind = i["kind"]
    if p.is_user:
        if r.owner == p.id:
            permits.append("docs-own")
        if r.owner == p.manager and r.classification <= 2:
            permits.append("docs-manager")
        if kind != "pdf" and "reviewers" in p.groups:
            permits.append("docs-review")
    else:
        if r.owner == p.owner and "draft" in labels and i["size"] < 8000:
            permits.append("docs-draft")
        if "analysis" in p.groups and i["count"] <= 5 and "translate" in i["text"]:
            permits.append("docs-translate")
    docs_write_any(p, r, i, permits, target, kind)


def docs_write_any(p: Party, r: Asset, i: Input, permits: Ids, target: str, kind: str) -> None:
    if kind == "form":
        if i["count"] <= 50 and r.region in p.regions:
            permits.append("docs-forms")
    elif kind == "sheet":
        if p.department == "finance" and i["amount"] < 10000:
            permits.append("docs-sheets")
    elif kind in SLIDES and r.department == "marketing" and r.classification <= 1:
        permits.append("docs-slides")
    if target.startswith("templates/"):
        if p.clearance >= 3:
            permits.append("docs-templates")
    elif (
        target.startswith("team/")
        and r.department == p.department
        and not WORKING.isdisjoint(r.labels)
    ):
        permits.append("docs-team")
    if i["size"] <= 2000 and i["text"].startswith("minutes of "):
        permits.append("docs-minutes")
    if p.clearance >= 3 and "docs-lab" in r.above:
        permits.append("docs-lab")


def docs_admin(p: Party, r: Asset, i: Input, permits: Ids, forbids: Ids, tool: str) -> None:
    if "admin" in p.groups:
        permits.append("docs-admin")


def chat_read(p: Party, r: Asset, i: Input, permits: Ids, forbids: Ids, tool: str) -> None:
    if p.is_user:
        if "staff" in p.groups and r.classification <= p.clearance:
            permits.append("chat-read")
    elif r.department == p.department or "internal" in r.labels:
        permits.append("chat-agent-read")


def chat_write(p: Party, r: Asset, i: Input, permits: Ids, forbids: Ids, tool: str) -> None:
    target = i["target"]
    if target == "everyone" and i["count"] > 10:
        forbids.append("chat-no-shouting")
    elif p.is_user:
        if "staff" in p.groups and i["kind"] in MESSAGES and i["size"] <= 4000:
            permits.append("chat-post")
    elif (
        i["kind"] == "reply"
        and "desk" in p.groups
        and i["count"] <= 3
        and target.startswith("team-")
    ):
        permits.append("chat-agent-reply")


def chat_admin(p: Party, r: Asset, i: Input, permits: Ids, forbids: Ids, tool: str) -> None:
    if "admin" in p.groups and "chat-eu" in r.above and i["count"] < 20:
        permits.append("chat-admin")


def code_read(p: Party, r: Asset, i: Input, permits: Ids, forbids: Ids, tool: str) -> None:
    if p.department in ENGINEERING:
        permits.append("code-read")


def code_write(p: Party, r: Asset, i: Input, permits: Ids, forbids: Ids, tool: str) -> None:
    target = i["target"]
    if target == "main" and "reviewed" not in i["text"]:
        forbids.append("code-main-is-closed")
        return
    if p.is_user:
        if "platform" in p.groups and target.startswith(("feature/", "fix/")):
            permits.append("code-branch")
        if r.owner == p.id and i["kind"] != "release":
            permits.append("code-own")
    elif (
        target.startswith("fix/")
        and "build" in p.groups
        and i["count"] <= 40
        and i["amount"] <= 2000
    ):
        permits.append("code-agent-branch")


def code_admin(p: Party, r: Asset, i: Input, permits: Ids, forbids: Ids, tool: str) -> None:
    if "admin" in p.groups and p.department == r.department:
        permits.append("code-admin")


def ci_read(p: Party, r: Asset, i: Input, permits: Ids, forbids: Ids, tool: str) -> None:
    if p.reader and r.region != "lab":
        permits.append("ci-read")


def ci_write(p: Party, r: Asset, i: Input, permits: Ids, forbids: Ids, tool: str) -> None:
    target = i["target"]
    groups = p.groups
    if target.startswith("production-") and i["kind"] == "deploy" and "release" not in groups:
        forbids.append("ci-production")
        return
    if tool in CI_RUNS and "build" in groups and i["kind"] in CI_SAFE:
        permits.append("ci-run")
    if target.startswith("preview-") and i["count"] <= 8:
        permits.append("ci-preview")
    if "release" in groups and "ci-eu" in r.above and i["amount"] <= 100000:
        permits.append("ci-deploy")


def ci_admin(p: Party, r: Asset, i: Input, permits: Ids, forbids: Ids, tool: str) -> None:
    if p.clearance >= 3 and "admin" in p.groups:
        permits.append("ci-admin")


def data_export(r: Asset, i: Input, forbids: Ids) -> None:
    if i["kind"] == "export" and i["amount"] > 10000 and r.region != "lab":
        forbids.append("data-no-export")


def data_read(p: Party, r: Asset, i: Input, permits: Ids, forbids: Ids, tool: str) -> None:
    data_export(r, i, forbids)
    if not r.pii and r.classification <= p.clearance:
        permits.append("data-read")
    if p.is_user and r.owner == p.id:
        permits.append("data-own-read")


def data_write(p: Party, r: Asset, i: Input, permits: Ids, forbids: Ids, tool: str) -> None:
    data_export(r, i, forbids)
    if p.is_user:
        if "data" in p.groups and i["amount"] <= p.limit:
            permits.append("data-stewards")
    elif (
        "analysis" in p.groups
        and i["kind"] in QUERIES
        and i["target"].startswith("staging.")
        and i["size"] <= 20000
    ):
        permits.append("data-analysis")


def data_admin(p: Party, r: Asset, i: Input, permits: Ids, forbids: Ids, tool: str) -> None:
    data_export(r, i, forbids)
    if "admin" in p.groups and "data-eu" in r.above:
        permits.append("data-admin")


def tickets_read(p: Party, r: Asset, i: Input, permits: Ids, forbids: Ids, tool: str) -> None:
    if r.region == "lab" or r.region in p.regions:
        permits.append("tickets-read")


def tickets_write(p: Party, r: Asset, i: Input, permits: Ids, forbids: Ids, tool: str) -> None:
    if "writer" in p.groups and i["kind"] != "urgent":
        permits.append("tickets-write")
    if p.is_user:
        if r.owner == p.id or r.department == p.department:
            permits.append("tickets-own")
    elif "desk" in p.groups and i["count"] <= 20 and i["target"].startswith("queue-"):
        permits.append("tickets-desk")


def tickets_admin(p: Party, r: Asset, i: Input, permits: Ids, forbids: Ids, tool: str) -> None:
    if "support" in p.groups and i["amount"] < 1000:
        permits.append("tickets-admin")


def territories(p: Party, r: Asset, i: Input, permits: Ids) -> None:
    for target, name in p.territories:
        if target in r.above and i["amount"] <= 50000:
            permits.append(name)


def crm_read(p: Party, r: Asset, i: Input, permits: Ids, forbids: Ids, tool: str) -> None:
    if "sales" in p.groups:
        permits.append("crm-read")
    if "outreach" in p.groups and i["size"] <= 15000 and r.region in p.regions:
        permits.append("crm-agent-read")
    territories(p, r, i, permits)


def crm_write(p: Party, r: Asset, i: Input, permits: Ids, forbids: Ids, tool: str) -> None:
    kind = i["kind"]
    if kind == "quote" and i["count"] > 40:
        forbids.append("crm-discount")
        return
    if r.department == p.department or (
        kind == "note" and i["size"] <= 3000 and r.classification < 3
    ):
        permits.append("crm-write")
    if tool in CRM_QUOTES and "outreach" in p.groups and kind in OFFERS and i["amount"] <= 20000:
        permits.append("crm-quote")
    territories(p, r, i, permits)


def crm_admin(p: Party, r: Asset, i: Input, permits: Ids, forbids: Ids, tool: str) -> None:
    if "admin" in p.groups and "crm-us" in r.above:
        permits.append("crm-admin")
    territories(p, r, i, permits)


def pay_read(p: Party, r: Asset, i: Input, permits: Ids, forbids: Ids, tool: str) -> None:
    if "finance" in p.groups:
        permits.append("pay-read")
    if r.department == p.department and "errands" in p.groups:
        permits.append("pay-agent-read")


def pay_write(p: Party, r: Asset, i: Input, permits: Ids, forbids: Ids, tool: str) -> Result | None:
    amount = i["amount"]
    total = amount * i["count"]
    if total > I64_MAX or total < -I64_MAX - 1:
        return "forbid_error", ("pay-over-limit",)
    target = i["target"]
    if total > 1000000 or target.startswith("new-"):
        forbids.append("pay-over-limit")
        return None
    if "finance" in p.groups and target.startswith("vendor-") and amount <= p.limit:
        permits.append("pay-known")
    if "errands" in p.groups and amount + i["size"] <= 5000 and i["kind"] in ERRANDS:
        permits.append("pay-errand")
    return None


def pay_admin(p: Party, r: Asset, i: Input, permits: Ids, forbids: Ids, tool: str) -> None:
    if r.owner == p.id and "finance" in p.groups:
        permits.append("pay-admin")


def cloud_read(p: Party, r: Asset, i: Input, permits: Ids, forbids: Ids, tool: str) -> None:
    if p.reader and p.department != "sales":
        permits.append("cloud-read")


def cloud_write(p: Party, r: Asset, i: Input, permits: Ids, forbids: Ids, tool: str) -> None:
    kind = i["kind"]
    count = i["count"]
    if i["target"].startswith("unsigned-") or (kind == "gpu" and count > 4):
        forbids.append("cloud-unsigned")
        return
    if p.is_user:
        if "oncall" in p.groups and r.region in p.regions:
            permits.append("cloud-oncall")
        if r.owner == p.id and i["amount"] <= p.limit:
            permits.append("cloud-own")
    elif kind in SMALL and count <= 10 and "build" in p.groups and r.region in CONTINENTS:
        permits.append("cloud-scale")


def cloud_admin(p: Party, r: Asset, i: Input, permits: Ids, forbids: Ids, tool: str) -> None:
    if r.classification <= 2 and "admin" in p.groups:
        permits.append("cloud-admin")


def web_secrets(i: Input, forbids: Ids) -> None:
    text = i["text"]
    if "password" in text or "secret" in text:
        forbids.append("web-no-secrets")


def web_read(p: Party, r: Asset, i: Input, permits: Ids, forbids: Ids, tool: str) -> None:
    web_secrets(i, forbids)
    target = i["target"]
    if target.startswith("https://"):
        permits.append("web-read")
    elif p.is_user and i["size"] < 5000 and target.startswith("http://old.example/"):
        permits.append("web-old")


def web_write(p: Party, r: Asset, i: Input, permits: Ids, forbids: Ids, tool: str) -> None:
    web_secrets(i, forbids)
    kind = i["kind"]
    if kind == "form":
        if i["count"] <= 10 and "public" in r.labels:
            permits.append("web-form")
    elif (
        kind == "post"
        and tool in WEB_POSTS
        and "outreach" in p.groups
        and i["target"].startswith("https://api.example/")
    ):
        permits.append("web-post")
    if p.is_user and r.owner == p.id:
        permits.append("web-own")


def web_admin(p: Party, r: Asset, i: Input, permits: Ids, forbids: Ids, tool: str) -> None:
    web_secrets(i, forbids)


READ: dict[str, Rule] = {
    "mail": mail_read, "calendar": calendar_read, "docs": docs_read, "chat": chat_read,
    "code": code_read, "ci": ci_read, "data": data_read, "tickets": tickets_read,
    "crm": crm_read, "pay": pay_read, "cloud": cloud_read, "web": web_read,
}  # fmt: skip
WRITE: dict[str, Rule] = {
    "mail": mail_write, "calendar": calendar_write, "docs": docs_write, "chat": chat_write,
    "code": code_write, "ci": ci_write, "data": data_write, "tickets": tickets_write,
    "crm": crm_write, "pay": pay_write, "cloud": cloud_write, "web": web_write,
}  # fmt: skip
ADMIN: dict[str, Rule] = {
    "mail": mail_admin, "calendar": calendar_admin, "docs": docs_admin, "chat": chat_admin,
    "code": code_admin, "ci": ci_admin, "data": data_admin, "tickets": tickets_admin,
    "crm": crm_admin, "pay": pay_admin, "cloud": cloud_admin, "web": web_admin,
}  # fmt: skip
