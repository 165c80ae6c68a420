"""What should be declared of a tool's arguments, going by their names, formats and descriptions?

A kind makes rules see what the target will see instead of raw text; an id makes the resource, so
that a policy checks the thing that the tool will touch. Each proposal has a remark for the person
who checks it.

Read next: ``files.py``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agentpdp.cli.proposal import schemas
from agentpdp.cli.proposal.text import in_comment
from agentpdp.cli.proposal.words import nouns, singular, type_name, word_set, words

if TYPE_CHECKING:
    from agentpdp.cli.proposal.impact import Impact
    from agentpdp.cli.proposal.tools import Tool

_FORMATS: dict[str, Any] = {
    "uri": "url", "url": "url", "iri": "url", "email": "email", "idn-email": "email",
    "hostname": "host", "idn-hostname": "host",
}  # fmt: skip
_NAMES: dict[str, Any] = {
    "url": "url", "uri": "url", "link": "url", "href": "url", "webhook": "url", "endpoint": "url",
    "path": "path", "filepath": "path", "filename": "path", "directory": "path", "folder": "path",
    "file": "path", "host": "host", "hostname": "host", "domain": "host", "ip": "ip",
    "iban": "iban", "command": "command", "cmd": "command", "argv": "command",
    "email": "email", "mail": "email",
}  # fmt: skip
_MAIL_LISTS = word_set("to cc bcc recipients participants attendees invitees emails mails")
_MESSAGES = word_set("body text message content html markdown caption")
_PAYEES = word_set("recipient payee beneficiary creditor")
_MAIL_WORDS = re.compile(r"\be-?mails?\b", re.IGNORECASE)
_ACCOUNT_WORDS = re.compile(r"\b(iban|accounts?)\b", re.IGNORECASE)
_DATE_NAMES = word_set("date day time datetime start end from until deadline due when")
_SPELLED_DATE = re.compile(
    r"\b(YYYY-MM-DD(?:[ T]HH:MM(?::SS)?)?|DD[./-]MM[./-]YYYY|MM[./-]DD[./-]YYYY)\b"
)
_SPELLINGS = (("YYYY", "%Y"), ("DD", "%d"), ("HH", "%H"), ("SS", "%S"))


@dataclass
class Declared:
    """A proposed declaration, each part with the remark that stands beside it."""

    resource: Any = "principal"
    resource_remark: str = ""
    entities: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, Any] = field(default_factory=dict)
    opaque: list[str] = field(default_factory=list)
    opaque_left_out: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def propose_arguments(tool: Tool, impact: Impact) -> Declared:
    """Resource, entities, kinds and opaque arguments of one tool."""
    found = Declared()
    for name, schema in tool.properties.items():
        paths = schemas.opaque_paths(name, schema, tool.definitions)
        (found.opaque if name in tool.required else found.opaque_left_out).extend(paths)
    if not impact.reads:
        _propose_resource(tool, found)
    typed = set(found.entities)
    if isinstance(found.resource, dict):
        typed.add(str(found.resource.get("from", "")).removeprefix("input."))
    for name, schema in tool.properties.items():
        if name not in typed and name not in (*found.opaque, *found.opaque_left_out):
            kind = _kind_of(name, schema, tool, impact)
            if kind is not None:
                found.kinds[name] = kind
            _remark(name, schema, tool, found)
    return found


def _propose_resource(tool: Tool, found: Declared) -> None:
    """What a harmful tool touches: what an argument names, or one fixed entity."""
    named = {
        name: of
        for name, schema in tool.properties.items()
        if schemas.is_id(schema, tool.definitions) and (of := _entity_type(name, schema, tool))
    }
    about = type_name(" ".join(nouns(tool.name)))
    first = next((name for name, of in named.items() if of == about), next(iter(named), None))
    if first is None:
        id_ = "-".join(nouns(tool.name)[-1:]) or "tools"
        found.resource = {"type": "System", "id": id_}
        found.resource_remark = "one fixed entity, because no argument names what is touched"
        return
    found.resource = {"type": named[first], "from": f"input.{first}"}
    found.resource_remark = f"{in_comment(first)} names what is touched"
    if first not in tool.required:
        found.resource_remark += "; it is optional for the tool and required by this"
    found.entities = {name: of for name, of in named.items() if name != first}


def _entity_type(name: str, schema: Any, tool: Tool) -> str | None:
    """The type of the entity whose id an argument is, if it is one."""
    parts = words(name)
    if parts[-1:] == ["id"]:
        return type_name(" ".join(singular(each) for each in parts[:-1] or nouns(tool.name)))
    said = _description(schema)
    if parts and parts[-1] in _PAYEES and not _MAIL_WORDS.search(said):
        return "Account" if _ACCOUNT_WORDS.search(said) else type_name(parts[-1])
    return None


def _kind_of(name: str, schema: Any, tool: Tool, impact: Impact) -> Any:
    is_list = schemas.is_text_list(schema, tool.definitions)
    if not is_list and not schemas.is_text(schema, tool.definitions):
        return None
    only = schemas.only_branch(schema, tool.definitions) or {}
    written = only.get("items", {}).get("format") if is_list else only.get("format")
    parts, said = words(name), _description(schema)
    last = parts[-1] if parts else ""
    about_mail = _MAIL_WORDS.search(f"{said} {tool.name} {tool.description}")
    if last in _MAIL_LISTS and (about_mail or last in ("cc", "bcc")):
        return "email-list"
    if is_list and singular(last) in ("email", "mail"):
        return "email-list"
    if written in _FORMATS:
        return _FORMATS[written]
    if written is not None:
        return None
    if singular(last) in _NAMES:
        return _NAMES[singular(last)]
    if last in _DATE_NAMES and (spelled := _SPELLED_DATE.search(said)):
        if "HH" in spelled[1]:
            return {"kind": "datetime", "formats": [_format(spelled[1])], "zone": "UTC"}
        return {"kind": "date", "formats": [_format(spelled[1])]}
    if last in _MESSAGES and {"reach", "leave"} & set(impact.groups):
        return "text"
    return None


def _format(spelled: str) -> str:
    """A date as people spell its form, as a format: ``YYYY-MM-DD`` is ``%Y-%m-%d``."""
    day, _, clock = spelled.partition("HH")
    for letters, directive in _SPELLINGS:
        day = day.replace(letters, directive)
        clock = clock.replace(letters, directive)
    text = day.replace("MM", "%m")
    return text + ("%H" + clock.replace("MM", "%M") if "HH" in spelled else "")


def _remark(name: str, schema: Any, tool: Tool, found: Declared) -> None:
    """What cannot be proposed and should be looked at."""
    if isinstance(kind := found.kinds.get(name), dict) and "zone" in kind:
        found.remarks.append(f"{in_comment(name)} says no zone: name the one that the tool means")
    parts = words(name)
    only = schemas.only_branch(schema, tool.definitions) or {}
    if only.get("type") == "number" and {"amount", "price", "sum", "total"} & set(parts):
        found.remarks.append(
            f"{in_comment(name)} is a decimal; money that rules add up has a kind: "
            f'{{ kind = "money", currency = "…", places = 2 }}'
        )
    is_text = only.get("type") == "string" and "format" not in only and "enum" not in only
    if is_text and name not in found.kinds and parts and parts[-1] in _DATE_NAMES:
        found.remarks.append(
            f"{in_comment(name)} looks like a date of no stated format; rules see its text until "
            "a kind says which formats the tool takes"
        )


def _description(schema: Any) -> str:
    said = schema.get("description") if isinstance(schema, dict) else None
    return said if isinstance(said, str) else ""
