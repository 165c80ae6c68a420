//! Which address is a text?
//!
//! Rules see the address, not its spelling, so every spelling of RFC 4291 is harmless: upper case, zeros, `::` anywhere.
//! Refused: version 4 in short, octal or hexadecimal form, version 6 with an address of version 4 in it (a rule about
//! one would not see the other), zones, prefixes.
//!
//! Read next: `url.rs`.

use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

use agentpdp_core::ipaddr::IpNet;

use super::host::holds_version_4;
use crate::number::Buffer;
use crate::refusal::Rejection;

/// Bytes of an address's text.
const ADDRESS_BYTES_MAX: usize = 64;

/// Which versions are taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Versions {
    /// Both.
    Any,
    /// Version 4 only.
    Only4,
    /// Version 6 only.
    Only6,
}

/// Reads an address.
///
/// # Errors
///
/// Why it is not taken.
pub fn read(text: &str, versions: Versions) -> Result<IpNet, Rejection> {
    let refused = match versions {
        Versions::Any => Rejection::Format("an address such as `192.0.2.1` or `2001:db8::1`"),
        Versions::Only4 => Rejection::Format("a version 4 address such as `192.0.2.1`"),
        Versions::Only6 => Rejection::Format("a version 6 address such as `2001:db8::1`"),
    };
    if text.len() > ADDRESS_BYTES_MAX {
        return Err(refused);
    }
    if let Ok(address) = text.parse::<Ipv6Addr>() {
        if versions == Versions::Only4 {
            return Err(refused);
        }
        if holds_version_4(address) {
            return Err(Rejection::Ambiguous("an address that does not hold another one"));
        }
        let mut spelled = Buffer::default();
        return write!(spelled, "{address}").ok().and_then(|()| IpNet::parse(spelled.text())).ok_or(refused);
    }
    if text.parse::<Ipv4Addr>().is_ok() && versions != Versions::Only6 {
        return IpNet::parse(text).ok_or(refused);
    }
    let is_numeric = text.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b'x' | b'X'));
    if is_numeric && text.bytes().any(|byte| byte.is_ascii_digit()) && versions != Versions::Only6 {
        return Err(Rejection::Ambiguous("four decimal numbers without leading zeros, such as `192.0.2.1`"));
    }
    Err(refused)
}
