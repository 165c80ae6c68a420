"""Law: what a kind takes, the standard library's parser reads as the same thing.

A rule judges the parts that a kind gives; the tool behind it has a parser of its own. So for each
kind texts near to good ones are made, and what is taken is read a second time.
"""

from __future__ import annotations

import ipaddress
import json
import ntpath
import posixpath
import shlex
import socket
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from email.headerregistry import Address
from email.utils import getaddresses, parseaddr
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

import pytest
from agentpdp import _core
from hypothesis import given, settings
from hypothesis import strategies as st

PORTS = {"https": 443, "http": 80, "wss": 443, "ws": 80, "ftp": 21}
EUROS = {"kind": "money", "currency": "EUR", "places": 2}
WINDOWS = {"kind": "path", "system": "windows"}
STAMPED = "%d %B %Y %H:%M:%S %z"
STAMP = {"kind": "datetime", "formats": [STAMPED]}
TWELVE = "%Y-%m-%d %I:%M %p"
LOCAL = {"kind": "datetime", "formats": [TWELVE], "zone": "Europe/Berlin"}


class Near(NamedTuple):
    """A kind, texts to begin with, what is put into them, and the second parser."""

    kind: Any
    texts: list[str]
    pieces: list[str]
    same: Callable[[str, Any], bool]


def read(kind: Any, text: str) -> Any:
    return json.loads(_core._read_kind(json.dumps(kind), text))


def same_url(text: str, value: Any) -> bool:
    parts = urlsplit(text)
    pairs = zip(
        (parts.path or "/", parts.query, parts.fragment),
        (value["path"], value["query"], value["fragment"]),
        strict=True,
    )
    return (
        (parts.scheme, parts.username, parts.password) == (value["scheme"], None, None)
        and same_host(parts.hostname or "", value["host"].strip("[]"))
        and (parts.port or PORTS[parts.scheme]) == value["port"]
        and all(unquote(first) == unquote(second) for first, second in pairs)
    )


def same_host(text: str, value: str) -> bool:
    if ":" in value:
        return ipaddress.ip_address(text.strip("[]")) == ipaddress.ip_address(value)
    try:
        return value == str(ipaddress.ip_address(socket.inet_aton(text)))
    except OSError:
        return value == text.lower()


def same_email(text: str, value: Any) -> bool:
    address = Address(addr_spec=text)
    parts = address.username.lower(), address.domain.lower()
    return parseaddr(text) == ("", text) and parts == (value["local"], value["domain"])


def same_emails(text: str, value: Any) -> bool:
    found = getaddresses([text])
    addresses = sorted({address.lower() for _, address in found})
    return (
        addresses == sorted(value["addresses"])
        and len(found) == value["count"]
        and not any(name for name, _ in found)
    )


def same_path(text: str, value: Any) -> bool:
    path = PurePosixPath(text)
    parts = {part for part in path.parts if part != "/"}
    whole = (path.is_absolute(), parts) == (value["absolute"], set(value["parts"]))
    return whole and posixpath.normpath(text) == value["text"] == text


def same_windows_path(text: str, value: Any) -> bool:
    path = PureWindowsPath(text)
    parts = {part.lower().rstrip("\\") for part in path.parts} - {""}
    whole = (path.is_absolute(), parts) == (value["absolute"], set(value["parts"]))
    return whole and ntpath.normpath(text).lower() == value["text"]


def same_command(text: str, value: Any) -> bool:
    program, *arguments = shlex.split(text)
    return (
        program == value["program"]
        and sorted(set(arguments)) == sorted(value["arguments"])
        and len(arguments) == value["count"]
        and shlex.split(value["text"]) == [program, *arguments]
    )


def same_ip(text: str, value: Any) -> bool:
    return ipaddress.ip_interface(text) == ipaddress.ip_interface(value["__extn"]["arg"])


def same_money(text: str, value: Any) -> bool:
    return text.isascii() and Decimal(text) * 100 == value["minor"]


def moment(value: Any) -> datetime:
    return datetime.fromisoformat(value["__extn"]["arg"])


def same_date(text: str, value: Any) -> bool:
    return moment(value).date() == date.fromisoformat(text)


def same_stamp(text: str, value: Any) -> bool:
    return moment(value) == datetime.strptime(text, STAMPED)


def same_local(text: str, value: Any) -> bool:
    local = datetime.strptime(text, TWELVE).replace(tzinfo=ZoneInfo("Europe/Berlin"))
    other = local.replace(fold=1)
    return moment(value) == local.astimezone(UTC) == other.astimezone(UTC)


LAST = "31 December 9999 23:59:59 +0000"
KINDS = {
    "url": Near(
        "url",
        ["https://api.example.com/a/b?q=1&r=2#f", "http://[::1]:8080/x", "http://a-b.c:8/%7Ex"],
        [*".:/?#[]@;=%\\ é。", "//", "%2f", "%2e", "0x7f", ":443", "user@", "xn--", "./", "../"],
        same_url,
    ),
    "host": Near(
        "host",
        ["example.com", "192.0.2.1", "xn--bcher-kva.example", "localhost"],
        [*"0x1.-_:[]%é。．", "0x7f", "017", "..", "127.1"],
        same_host,
    ),
    "ip": Near(
        "ip",
        ["192.0.2.1", "2001:db8::1", "192.0.2.0/24", "::ffff:192.0.2.1"],
        [*"0189af:./%", "::", "00", "/8", "0x7f"],
        same_ip,
    ),
    "path": Near(
        "path",
        ["/srv/data/a.txt", "a/b", "."],
        [*"./\\~- :\té", "..", "//", "/./", "%2e", "://"],
        same_path,
    ),
    "windows-path": Near(
        WINDOWS,
        ["C:\\data\\a.txt", "a\\b", "c:/x"],
        [*"\\/.: ~*?$", "..", "\\\\", "con", "C:", ":s", "~1"],
        same_windows_path,
    ),
    "email": Near(
        "email",
        ["ann@example.com", "a.b+c@d-e.example"],
        [*'@<>"(),:;[] .%!=?\t', "=?x?=", "<a@b.c>", " (c)"],
        same_email,
    ),
    "email-list": Near(
        "email-list",
        ["ann@example.com, bob@other.example", "a@b.example"],
        [*'@<>"(),:;[] .\t', ", ", "Ann <a@b.c>", "g: a@b.c;"],
        same_emails,
    ),
    "command": Near(
        "command",
        ["ls -l /tmp", "echo 'a b' \"c d\"", "git commit -m x"],
        [*" \"'\\$`|&;<>()#=~*?[]{}!%\t\n", "''", "$(x)", " =x", "a=b ", "\\\n"],
        same_command,
    ),
    "date": Near(
        {"kind": "date", "formats": ["iso-date"]},
        ["2024-02-29", "2023-12-31", "9999-12-31"],
        [*"0123-/٣ ", "00", "-13-", "-W01-1"],
        same_date,
    ),
    "stamp": Near(
        STAMP,
        ["29 February 2024 23:59:59 -0530", "01 January 1970 00:00:00 +0000", LAST],
        [*"0129:+-Z ", "May", "-2400", "+2359", ":60", "٣"],
        same_stamp,
    ),
    "local-time": Near(
        LOCAL,
        [
            "2024-03-31 03:30 AM",
            "2024-10-27 01:59 AM",
            "2024-06-01 12:00 PM",
            "9999-12-31 11:59 PM",
        ],
        [*"0123-: ", "02:30 AM", "am", "12", "31"],
        same_local,
    ),
    "money": Near(
        EUROS,
        ["12.50", "3", "-0.1"],
        [*"0.,+-eE _€٣", "00", "1e3", "1,000"],
        same_money,
    ),
}


@st.composite
def near(draw: st.DrawFn, of: Near) -> str:
    """A good text with some pieces put in, or put in place of what stood there."""
    text = draw(st.sampled_from(of.texts))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 3)))
        text = text[:start] + draw(st.sampled_from(of.pieces)) + text[end:]
    return text


@pytest.mark.parametrize("name", KINDS)
def test_what_is_taken_is_read_alike(name: str) -> None:
    of = KINDS[name]

    @settings(max_examples=400)
    @given(text=near(of))
    def compare(text: str) -> None:
        answer = read(of.kind, text)
        if "value" in answer:
            assert of.same(text, answer["value"]), (text, answer["value"])

    compare()


@pytest.mark.parametrize("name", KINDS)
def test_the_texts_to_begin_with_are_compared(name: str) -> None:
    of = KINDS[name]
    taken = [text for text in of.texts if "value" in read(of.kind, text)]
    assert taken
    assert all(of.same(text, read(of.kind, text)["value"]) for text in taken)


def test_another_reading_is_seen() -> None:
    assert not same_url("https://a.example/", {**read("url", "https://b.example/")["value"]})
    assert not same_host("127.1", "127.1")
    assert not same_email("a@b.example", {"local": "ann", "domain": "b.example"})
    assert not same_command("ls a", {"program": "ls", "arguments": [], "count": 0, "text": "ls"})
