"""Internet addresses and ranges of them: `10.0.0.1`, `10.0.0.0/8`, `::1`, `fe80::/10`.

An address without a prefix is a range of one. Ranges are equal when they are written with the same
address and prefix, so `10.0.0.1/8` is not `10.0.0.0/8`, though each lies in the other; addresses of
different versions are never equal and never in each other's range.

Twin: rust/core/src/ipaddr.rs. Read next: datetime.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .value import Bool, EvaluationError, Function, Value

TEXT_LENGTH_MAX = 43
BITS = {4: 32, 6: 128}
OCTET = re.compile(r"0|[1-9][0-9]{0,2}")
GROUP = re.compile(r"[0-9a-fA-F]{1,4}")
PREFIX = re.compile(r"0|[1-9][0-9]{0,2}")


@dataclass(frozen=True)
class IpAddress(Value):
    kind = "ipaddr"
    version: int
    address: int
    prefix: int

    def ends(self) -> tuple[int, int]:
        """The lowest and the highest address of the range."""
        free_bits = BITS[self.version] - self.prefix
        first = self.address >> free_bits << free_bits
        return first, first + (1 << free_bits) - 1


def parse(text: str) -> IpAddress:
    address_text, slash, prefix_text = text.partition("/")
    if len(text) <= TEXT_LENGTH_MAX:
        for version, read in ((4, parse_version_4), (6, parse_version_6)):
            address = read(address_text)
            if address is None:
                continue
            if not slash:
                return IpAddress(version, address, BITS[version])
            if PREFIX.fullmatch(prefix_text) and int(prefix_text) <= BITS[version]:
                return IpAddress(version, address, int(prefix_text))
    raise EvaluationError("extension_error", "not an address or range such as `10.0.0.0/8`")


def parse_version_4(text: str) -> int | None:
    parts = text.split(".")
    if len(parts) != 4 or not all(OCTET.fullmatch(part) and int(part) < 256 for part in parts):
        return None
    return int.from_bytes(bytes(map(int, parts)), "big")


def parse_version_6(text: str) -> int | None:
    """Eight groups, or fewer with one `::` for at least one group; never with an IPv4 tail."""
    sides = [side.split(":") if side else [] for side in text.split("::")]
    groups = [group for side in sides for group in side]
    if not all(GROUP.fullmatch(group) for group in groups):
        return None
    if len(sides) == 2 and len(groups) < 8:
        groups[len(sides[0]) : len(sides[0])] = ["0"] * (8 - len(groups))
    elif len(sides) != 1 or len(groups) != 8:
        return None
    return int("".join(group.zfill(4) for group in groups), 16)


def is_in_range(ip: IpAddress, outer: IpAddress) -> Value:
    (first, last), (outer_first, outer_last) = ip.ends(), outer.ends()
    return Bool(ip.version == outer.version and outer_first <= first and last <= outer_last)


LOOPBACK = {4: parse("127.0.0.0/8"), 6: parse("::1")}
MULTICAST = {4: parse("224.0.0.0/4"), 6: parse("ff00::/8")}
FUNCTIONS = {
    "ip": Function(("String",), lambda text: parse(text.value)),
    "isIpv4": Function(("ipaddr",), lambda ip: Bool(ip.version == 4)),
    "isIpv6": Function(("ipaddr",), lambda ip: Bool(ip.version == 6)),
    "isLoopback": Function(("ipaddr",), lambda ip: is_in_range(ip, LOOPBACK[ip.version])),
    "isMulticast": Function(("ipaddr",), lambda ip: is_in_range(ip, MULTICAST[ip.version])),
    "isInRange": Function(("ipaddr", "ipaddr"), is_in_range),
}
