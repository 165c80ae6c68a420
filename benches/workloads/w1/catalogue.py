"""The twelve domains of w1 and their 300 tools, and the schema that follows from them.

A domain has three types of resource (a leaf in a container in a root) and 25 tools: 12 that read, 9
that write, 4 that administer. `Action::"tool_017"` stands in the group `mail_write`, that in `mail`
and in `writes`. Every tool takes the same six arguments, as a gateway passes them on:

    target   where it goes: a domain, a branch, a payee, a URL
    kind     one of four or five words of the domain
    text     free text: a subject, a message, a query
    amount, count, size   whole numbers

Read next: entities.py, requests.py, policies/.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

ROOTS = ("eu", "us", "lab")
LEVELS = ("read", "write", "admin")
TOOLS_PER_LEVEL = (12, 9, 4)
CONTAINERS_PER_DOMAIN = 40
RESOURCES = 20_000
GROUP_OF_LEVEL = {"read": "reads", "write": "writes", "admin": "admins"}


class Domain(NamedTuple):
    """One field of work: its resource types from the leaf up, and its words."""

    name: str
    leaf: str
    container: str
    root: str
    kinds: tuple[str, ...]
    targets: tuple[str, ...]


class Tool(NamedTuple):
    """One tool: its action's id, what it does to what type of resource."""

    id: str
    domain: Domain
    level: str
    resource_type: str


def numbered(pattern: str, count: int) -> tuple[str, ...]:
    return tuple(pattern.format(n) for n in range(1, count + 1))


DOMAINS = (
    Domain(
        "mail", "Message", "Mailbox", "MailDomain", ("text", "html", "calendar", "signed"),
        ("all@corp.example", *numbered("partner-{}.example", 60), *numbered("drop-{}.invalid", 8)),
    ),
    Domain(
        "calendar", "Event", "Calendar", "Directory", ("public", "shared", "private", "tentative"),
        (*numbered("room-{}", 40), *numbered("guest-{}@partner.example", 20)),
    ),
    Domain(
        "docs", "Document", "Folder", "Workspace", ("doc", "sheet", "slide", "pdf", "form"),
        (*numbered("team/{}", 30), *numbered("templates/{}", 10), *numbered("export/{}", 10)),
    ),
    Domain(
        "chat", "Thread", "Channel", "Space", ("message", "reply", "broadcast", "file"),
        ("everyone", *numbered("team-{}", 40), *numbered("ext-{}", 10)),
    ),
    Domain(
        "code", "File", "Repository", "Organization", ("feature", "fix", "chore", "release"),
        ("main", *numbered("fix/{}", 40), *numbered("feature/{}", 60), *numbered("release/{}", 6)),
    ),
    Domain(
        "ci", "Job", "Pipeline", "Project", ("test", "build", "deploy", "rollback"),
        (*numbered("production-{}", 4), *numbered("preview-{}", 40), *numbered("staging-{}", 8)),
    ),
    Domain(
        "data", "Table", "Database", "Warehouse", ("select", "aggregate", "export", "update"),
        (*numbered("analytics.t{}", 50), *numbered("staging.t{}", 30), *numbered("raw.t{}", 10)),
    ),
    Domain(
        "tickets", "Ticket", "Queue", "Desk", ("normal", "low", "high", "urgent"),
        (*numbered("queue-{}", 30), *numbered("vendor-{}", 10)),
    ),
    Domain(
        "crm", "Contact", "Account", "Territory", ("note", "quote", "order", "renewal"),
        (*numbered("lead-{}", 60), *numbered("account-{}", 60)),
    ),
    Domain(
        "pay", "Invoice", "Ledger", "Company", ("invoice", "refund", "transfer", "payroll"),
        (*numbered("vendor-{}", 80), *numbered("person-{}", 30), *numbered("new-{}", 6)),
    ),
    Domain(
        "cloud", "Machine", "Network", "Region", ("small", "medium", "large", "gpu"),
        (*numbered("image-{}", 40), *numbered("golden-{}", 10), *numbered("unsigned-{}", 4)),
    ),
    Domain(
        "web", "Page", "Site", "Zone", ("get", "post", "form", "download"),
        (*numbered("https://docs.example/{}", 80), *numbered("https://api.example/{}", 30),
         *numbered("http://old.example/{}", 6)),
    ),
)  # fmt: skip


def tools() -> Iterator[Tool]:
    """The 300 tools. Of a domain's reads and of its writes, three are on a container."""
    number = 0
    for domain in DOMAINS:
        types = {
            "read": (domain.leaf,) * 9 + (domain.container,) * 3,
            "write": (domain.leaf,) * 6 + (domain.container,) * 3,
            "admin": (domain.container,) * 2 + (domain.root,) * 2,
        }
        for level, count in zip(LEVELS, TOOLS_PER_LEVEL, strict=True):
            for resource_type in types[level][:count]:
                number += 1
                yield Tool(f"tool_{number:03d}", domain, level, resource_type)


ASSET = """{
  owner: User, department: String, classification: Long, labels: Set<String>, region: String,
}"""
PARTIES = """\
type Input = {
  target: String, kind: String, text: String,
  amount: Long, count: Long, size: Long,
};
entity Role in [Role];
entity Group in [Group, Role];
entity Fleet in [Role];
entity User in [Group, Role] = {
  department: String, clearance: Long, limit: Long, regions: Set<String>, manager?: User,
};
entity Agent in [Fleet] = {
  department: String, clearance: Long, limit: Long, regions: Set<String>,
  owner: User, autonomy: Long,
};
action reads, writes, admins;
"""


def schema() -> str:
    """Cedar schema text of the whole workload."""
    lines = [PARTIES]
    for domain in DOMAINS:
        lines.append(f"entity {domain.root} = {ASSET};")
        lines.append(f"entity {domain.container} in [{domain.root}] = {ASSET};")
        lines.append(f"entity {domain.leaf} in [{domain.container}] = {ASSET};")
        lines.append(f"action {domain.name};")
        for level in LEVELS:
            above = f"{domain.name}, {GROUP_OF_LEVEL[level]}"
            lines.append(f"action {domain.name}_{level} in [{above}];")
    for tool in tools():
        lines.append(
            f"action {tool.id} in [{tool.domain.name}_{tool.level}] appliesTo "
            f"{{ principal: [User, Agent], resource: {tool.resource_type}, "
            "context: { input: Input } };"
        )
    return "\n".join(lines) + "\n"
