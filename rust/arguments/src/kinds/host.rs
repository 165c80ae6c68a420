//! Which host does a name or address reach?
//!
//! Canonical: labels of lower-case letters, digits and inner hyphens; or a version 4 address of four plain decimal
//! numbers; or a version 6 address as RFC 5952 writes it (in brackets within a URL). Harmless: upper case.
//! Refused: whatever only some readers take for a number (`127.1`, `0x7f.1`, `017.0.0.1`), a version 6 address that
//! holds one of version 4, a name with characters that some readers map to others, letters of mixed scripts.
//!
//! Sources: RFC 1123, RFC 5952, WHATWG URL ("ends in a number"), UTS 46. Read next: `ip.rs`.

use std::borrow::Cow;
use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::number::Buffer;
use crate::refusal::Rejection;
use crate::unicode::{has_hidden, has_space, is_composed, mixes_scripts, stands_for_ascii};

/// Bytes of a host.
pub const HOST_BYTES_MAX: usize = 253;

/// Bytes of one label of a name.
const LABEL_BYTES_MAX: usize = 63;

const EXPECTED: &str = "a host such as `api.example.com`, or an address such as `192.0.2.1`";
const NUMBERS: &str = "an address of four decimal numbers without leading zeros, such as `192.0.2.1`";
const EMBEDDED: &str = "a version 6 address that does not hold one of version 4";

/// What a host is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HostForm {
    /// A name.
    Name,
    /// A version 4 address.
    Version4,
    /// A version 6 address, without brackets.
    Version6,
}

/// Whether a text is a canonical host, and which.
#[must_use]
pub fn prove(text: &str) -> Option<HostForm> {
    if text.len() > HOST_BYTES_MAX {
        return None;
    }
    if text.contains(':') {
        let address: Ipv6Addr = text.parse().ok()?;
        let mut canonical = Buffer::default();
        write!(canonical, "{address}").ok()?;
        return (canonical.text() == text && !holds_version_4(address)).then_some(HostForm::Version6);
    }
    if ends_in_number(text) {
        return text.parse::<Ipv4Addr>().ok().map(|_| HostForm::Version4);
    }
    let mut has_punycode = false;
    for label in text.split('.') {
        let is_plain = label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        let is_hyphened = label.starts_with('-') || label.ends_with('-');
        if label.is_empty() || label.len() > LABEL_BYTES_MAX || !is_plain || is_hyphened {
            return None;
        }
        has_punycode |= label.starts_with("xn--");
    }
    (!has_punycode || is_right_punycode(text)).then_some(HostForm::Name)
}

/// Reads the kind `host`.
///
/// # Errors
///
/// Why it is not taken.
pub fn read(text: &str) -> Result<(Cow<'_, str>, HostForm), Rejection> {
    if let Some(form) = prove(text) {
        return Ok((Cow::Borrowed(text), form));
    }
    let lower = text.to_ascii_lowercase();
    match prove(&lower) {
        Some(form) => Ok((Cow::Owned(lower), form)),
        None => Err(reject(&lower)),
    }
}

/// Why a host is not canonical, or which spelling would be.
#[must_use]
pub fn reject(text: &str) -> Rejection {
    if text.is_empty() || text.len() > HOST_BYTES_MAX.saturating_mul(4) {
        return Rejection::Format(EXPECTED);
    }
    if has_hidden(text) || has_space(text) || stands_for_ascii(text) || text.contains('%') {
        return Rejection::Ambiguous("a host without hidden, mapped or encoded characters");
    }
    if text.contains(':') {
        return match text.parse::<Ipv6Addr>() {
            Ok(address) if holds_version_4(address) => Rejection::Ambiguous(EMBEDDED),
            Ok(address) => Rejection::NotCanonical(address.to_string()),
            Err(_) => Rejection::Format(EXPECTED),
        };
    }
    if let Some(name) = text.strip_suffix('.')
        && prove(name) == Some(HostForm::Name)
    {
        return Rejection::NotCanonical(name.to_owned());
    }
    if ends_in_number(text) {
        return Rejection::Ambiguous(NUMBERS);
    }
    if text.contains('_') {
        return Rejection::Ambiguous("a host without `_`, which some readers refuse");
    }
    if text.is_ascii() { Rejection::Format(EXPECTED) } else { international(text) }
}

/// A name that is not ASCII: its form in ASCII, if that is the form of this very name and of no other spelling of it.
fn international(text: &str) -> Rejection {
    let refused = Rejection::Ambiguous("a name in letters of one script, or its `xn--` form");
    let Ok(ascii) = idna::domain_to_ascii_strict(text) else { return refused };
    let (unicode, decoded) = idna::domain_to_unicode(&ascii);
    let is_same = decoded.is_ok() && unicode == text.to_lowercase() && is_composed(text);
    let deviates = text.contains(['\u{df}', '\u{3c2}', '\u{200c}', '\u{200d}', '\u{1e9e}']);
    let is_clear = is_same && !deviates && !text.split('.').any(mixes_scripts) && prove(&ascii).is_some();
    if is_clear { Rejection::NotCanonical(ascii) } else { refused }
}

/// Whether each `xn--` label is the form of a name, and that name is written in one script.
fn is_right_punycode(text: &str) -> bool {
    let (unicode, decoded) = idna::domain_to_unicode(text);
    decoded.is_ok()
        && idna::domain_to_ascii_strict(&unicode).is_ok_and(|ascii| ascii == text)
        && !unicode.split('.').any(mixes_scripts)
        && !unicode.is_ascii()
}

/// Whether some readers take this for a number and so for an address: its last label is decimal or hexadecimal.
fn ends_in_number(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    let last = text.rsplit('.').next().unwrap_or("");
    let is_decimal = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
    let hexadecimal = last.strip_prefix("0x");
    is_decimal || hexadecimal.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Whether packets to this address may go to a version 4 address that is part of it.
#[must_use]
pub fn holds_version_4(address: Ipv6Addr) -> bool {
    match address.segments() {
        // `::` and `::1` are themselves; the rest of `::/96` was once version 4, and so is `::ffff:0:0/96`, also in
        // its translated form `::ffff:0:0:0/96`.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => false,
        [0, 0, 0, 0, 0, 0 | 0xffff, _, _] | [0, 0, 0, 0, 0xffff, 0, _, _] => true,
        // Translation (RFC 6052, RFC 8215), 6to4, Teredo.
        [0x64, 0xff9b, 0 | 1, ..] | [0x2002, ..] | [0x2001, 0, ..] => true,
        // ISATAP
        [.., 0 | 0x200, 0x5efe, _, _] => true,
        _ => false,
    }
}
