//! What is a Cedar IP address, and which ranges hold it?
//!
//! An address of version 4 or 6 with a prefix; without one in the text it is a range of one. Ranges are the same when
//! address and prefix are the same as written, so `10.0.0.1/8` is not `10.0.0.0/8`, though each lies in the other. The
//! versions never meet: `::ffff:7f00:1` is version 6 and neither loopback nor in `127.0.0.0/8`, and its mixed spelling
//! `::ffff:127.0.0.1` is no address at all. The prefix never exceeds the version's bits.
//!
//! Twin: `reference/ipaddr.py`. Source: Cedar's reference, "ipaddr"; `tests/extensions.rs` compares every answer with
//! the official crate's. Read next: `datetime.rs`.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Bits of a version 4 address.
const V4_BITS: u8 = 32;
/// Bits of a version 6 address.
const V6_BITS: u8 = 128;
/// Longest text of an address with its prefix, in bytes: eight groups of four digits and `/128`.
const TEXT_BYTES_MAX: usize = 43;
/// Groups of a version 6 address.
const V6_GROUPS: u32 = 8;

/// An address with a prefix; ordered by version, address, prefix.
///
/// It has alignment 1, so that a value holding it needs no more than its bytes and a tag.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct IpNet {
    /// Whether it is version 6 rather than 4.
    is_v6: bool,
    /// All of version 6; version 4 stands in the last four bytes, after zeros.
    address: [u8; 16],
    /// How many leading bits the addresses of the range share.
    prefix: u8,
}

const _: () = assert!(size_of::<IpNet>() <= 20 && align_of::<IpNet>() == 1);

impl IpNet {
    /// The range of a text such as `10.0.0.0/8` or `::1`; none for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let range = match parse_version_4(address) {
            Some(number) => Self::v4(number, V4_BITS),
            None => Self::v6(parse_version_6(address)?, V6_BITS),
        };
        let Some(prefix) = prefix else { return Some(range) };
        let prefix = parse_decimal(prefix).filter(|prefix| *prefix <= range.prefix)?;
        Some(Self { prefix, ..range })
    }

    /// Whether this is version 4.
    #[must_use]
    pub fn is_ipv4(&self) -> bool {
        !self.is_v6
    }

    /// Whether this is version 6.
    #[must_use]
    pub fn is_ipv6(&self) -> bool {
        self.is_v6
    }

    /// Whether every address of the range is one of the machine itself: in `127.0.0.0/8`, or `::1`.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let loopback = if self.is_v6 { Self::v6(1, V6_BITS) } else { Self::v4(0x7f00_0000, 8) };
        self.is_in_range(&loopback)
    }

    /// Whether every address of the range is a multicast group: in `224.0.0.0/4` or `ff00::/8`.
    #[must_use]
    pub fn is_multicast(&self) -> bool {
        let multicast = if self.is_v6 { Self::v6(0xff << 120, 8) } else { Self::v4(0xe000_0000, 4) };
        self.is_in_range(&multicast)
    }

    /// Whether every address of this range is in the other; never across versions.
    #[must_use]
    pub fn is_in_range(&self, other: &Self) -> bool {
        let ((first, last), (other_first, other_last)) = (self.ends(), other.ends());
        self.is_v6 == other.is_v6 && other_first <= first && last <= other_last
    }

    /// The range of a version 4 address.
    fn v4(number: u32, prefix: u8) -> Self {
        Self { is_v6: false, address: u128::from(number).to_be_bytes(), prefix }
    }

    /// The range of a version 6 address.
    fn v6(number: u128, prefix: u8) -> Self {
        Self { is_v6: true, address: number.to_be_bytes(), prefix }
    }

    /// The first and the last address of the range.
    fn ends(&self) -> (u128, u128) {
        let bits = if self.is_v6 { V6_BITS } else { V4_BITS };
        let free = bits.saturating_sub(self.prefix);
        // The bits below the prefix; a shift by the whole width leaves none above.
        let low = !u128::MAX.checked_shl(u32::from(free)).unwrap_or(0);
        let number = u128::from_be_bytes(self.address);
        (number & !low, number | low)
    }
}

/// Address and prefix, always with the prefix: `10.0.0.1/32`. It parses to the same range.
impl fmt::Display for IpNet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_v6 {
            let [.., a, b, c, d] = self.address;
            return write!(formatter, "{}/{}", Ipv4Addr::new(a, b, c, d), self.prefix);
        }
        let address = Ipv6Addr::from(self.address);
        match address.segments() {
            // The standard library would write `::ffff:127.0.0.1`, which Cedar does not read.
            [0, 0, 0, 0, 0, 0xffff, high, low] => write!(formatter, "::ffff:{high:x}:{low:x}/{}", self.prefix),
            _ => write!(formatter, "{address}/{}", self.prefix),
        }
    }
}

/// A number of at most one byte: decimal digits without a leading zero.
fn parse_decimal(text: &str) -> Option<u8> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if is_plain { text.parse().ok() } else { None }
}

/// Four numbers joined by points.
fn parse_version_4(text: &str) -> Option<u32> {
    let mut parts = text.split('.');
    let mut number = 0;
    for _ in 0..4 {
        number = number << 8 | u32::from(parse_decimal(parts.next()?)?);
    }
    parts.next().is_none().then_some(number)
}

/// Eight groups, or fewer with one `::` for at least one group; never with a version 4 tail.
fn parse_version_6(text: &str) -> Option<u128> {
    let Some((head, tail)) = text.split_once("::") else {
        let (number, count) = parse_groups(text)?;
        return (count == V6_GROUPS).then_some(number);
    };
    let (head, head_count) = parse_groups(head)?;
    let (tail, tail_count) = parse_groups(tail)?;
    if head_count.checked_add(tail_count)? >= V6_GROUPS {
        return None;
    }
    let shift = V6_GROUPS.checked_sub(head_count)?.checked_mul(16)?;
    // No group before the `::` means a shift by the whole width: nothing of the head.
    Some(head.checked_shl(shift).unwrap_or(0) | tail)
}

/// Groups of one to four hexadecimal digits joined by colons, and how many there are; none in an empty text.
fn parse_groups(text: &str) -> Option<(u128, u32)> {
    let (mut number, mut count) = (0, 0u32);
    if text.is_empty() {
        return Some((number, count));
    }
    for group in text.split(':') {
        let is_plain = (1..=4).contains(&group.len()) && group.bytes().all(|byte| byte.is_ascii_hexdigit());
        count = count.checked_add(1)?;
        if !is_plain || count > V6_GROUPS {
            return None;
        }
        number = number << 16 | u128::from_str_radix(group, 16).ok()?;
    }
    Some((number, count))
}
