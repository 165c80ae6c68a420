//! What is a Cedar IP address, and which ranges hold it?
//!
//! An address of version 4 or 6 with a prefix; without one in the text it is a range of one. Ranges are the same when
//! address and prefix are the same as written, so `10.0.0.1/8` is not `10.0.0.0/8`, though each lies in the other.
//!
//! Twin: `reference/ipaddr.py`. Source: Cedar's reference, "ipaddr". Read next: `datetime.rs`.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Longest text of an address with its prefix, in bytes.
const TEXT_BYTES_MAX: usize = 43;

/// An address with a prefix.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct IpNet {
    is_v6: bool,
    /// Version 4 addresses stand in the last four bytes.
    address: [u8; 16],
    prefix: u8,
}

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
        let (is_v6, number) = match parse_v4(address) {
            Some(number) => (false, u128::from(number)),
            None => (true, parse_v6(address)?),
        };
        let bits = if is_v6 { 128 } else { 32 };
        let prefix = prefix.map_or(Some(bits), |prefix| parse_prefix(prefix, bits))?;
        Some(Self { is_v6, address: number.to_be_bytes(), prefix })
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

    /// Whether every address of the range is one of the machine itself.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let loopback = if self.is_v6 { Self::v6(1, 128) } else { Self::v4(0x7f00_0000, 8) };
        self.is_in_range(&loopback)
    }

    /// Whether every address of the range is a multicast group.
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

    fn v4(number: u32, prefix: u8) -> Self {
        Self { is_v6: false, address: u128::from(number).to_be_bytes(), prefix }
    }

    fn v6(number: u128, prefix: u8) -> Self {
        Self { is_v6: true, address: number.to_be_bytes(), prefix }
    }

    /// The first and the last address of the range.
    fn ends(&self) -> (u128, u128) {
        let bits: u32 = if self.is_v6 { 128 } else { 32 };
        let free = bits.saturating_sub(u32::from(self.prefix));
        // All bits below the prefix; a shift by the whole width gives none.
        let mask = u128::MAX.checked_shl(free).map_or(u128::MAX, |high| !high);
        let number = u128::from_be_bytes(self.address);
        (number & !mask, number | mask)
    }
}

impl fmt::Display for IpNet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_v6 {
            write!(formatter, "{}/{}", Ipv6Addr::from(self.address), self.prefix)
        } else {
            let [.., a, b, c, d] = self.address;
            write!(formatter, "{}/{}", Ipv4Addr::new(a, b, c, d), self.prefix)
        }
    }
}

/// Digits without a leading zero.
fn parse_digits(text: &str) -> Option<u16> {
    let is_plain = (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_plain || (text.len() > 1 && text.starts_with('0')) {
        return None;
    }
    text.parse().ok()
}

fn parse_prefix(text: &str, bits: u8) -> Option<u8> {
    u8::try_from(parse_digits(text)?).ok().filter(|prefix| *prefix <= bits)
}

fn parse_v4(text: &str) -> Option<u32> {
    let mut number: u32 = 0;
    let mut parts = 0u8;
    for part in text.split('.') {
        let octet = u8::try_from(parse_digits(part)?).ok()?;
        parts = parts.checked_add(1)?;
        if parts > 4 {
            return None;
        }
        number = number << 8 | u32::from(octet);
    }
    (parts == 4).then_some(number)
}

/// Eight groups, or fewer with one `::` for at least one group; never with an IPv4 tail.
fn parse_v6(text: &str) -> Option<u128> {
    let Some((head, tail)) = text.split_once("::") else {
        let (number, count) = parse_groups(text)?;
        return (count == 8).then_some(number);
    };
    let (head, head_count) = parse_groups(head)?;
    let (tail, tail_count) = parse_groups(tail)?;
    if head_count.checked_add(tail_count)? > 7 {
        return None;
    }
    let shift = 16u32.checked_mul(8u32.checked_sub(head_count)?)?;
    // No group before the `::` means a shift by the whole width: nothing of the head.
    Some(head.checked_shl(shift).unwrap_or(0) | tail)
}

/// Groups of one to four hexadecimal digits joined by colons, and how many there are.
fn parse_groups(text: &str) -> Option<(u128, u32)> {
    let (mut number, mut count) = (0u128, 0u32);
    if text.is_empty() {
        return Some((0, 0));
    }
    for group in text.split(':') {
        let is_plain = (1..=4).contains(&group.len()) && group.bytes().all(|byte| byte.is_ascii_hexdigit());
        count = count.checked_add(1)?;
        if !is_plain || count > 8 {
            return None;
        }
        number = number << 16 | u128::from(u16::from_str_radix(group, 16).ok()?);
    }
    Some((number, count))
}
