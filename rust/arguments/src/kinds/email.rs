//! Whose mailbox does an address name?
//!
//! Canonical: a local part of unquoted lower-case letters, digits and a few signs, `@`, a domain name with a dot. Harmless:
//! upper case, in both parts: no mail system that people use tells it apart, and rules see lower case; in a list, spaces
//! around commas. A plain name before an address in angle brackets has a canonical spelling, the address alone.
//!
//! Refused because mail systems disagree: quoted local parts, comments, groups, routes (`%`, `!`), encoded words
//! (`=?`), addresses in place of a domain, `;` between addresses, empty members, line breaks, characters that are not
//! ASCII in the local part, hidden characters.
//!
//! Sources: RFC 5321, RFC 5322. Read next: `command.rs`.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::host::{self, HostForm};
use crate::refusal::Rejection;
use crate::unicode::has_hidden;

/// Bytes of an address.
pub const EMAIL_BYTES_MAX: usize = 254;

/// Bytes of a list of addresses.
pub const EMAIL_LIST_BYTES_MAX: usize = 65_536;

/// Addresses of a list.
pub const EMAIL_LIST_LENGTH_MAX: usize = 1_000;

/// Bytes of the part before the `@`.
const LOCAL_BYTES_MAX: usize = 64;

const EXPECTED: &str = "an address such as `ann@example.com`";
const PLAIN: &str = "an address such as `ann@example.com`, without quotes, comments, groups, routes or encoded words";

/// An address that was taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Email<'a> {
    /// All of it, in lower case.
    pub text: Cow<'a, str>,
    at: usize,
}

impl Email<'_> {
    /// The part before the `@`.
    #[must_use]
    pub fn local(&self) -> &str {
        self.text.get(..self.at).unwrap_or("")
    }

    /// The part behind the `@`.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.text.get(self.at.saturating_add(1)..).unwrap_or("")
    }
}

impl Email<'_> {
    /// The same, borrowing nothing.
    #[must_use]
    pub fn into_owned(self) -> Email<'static> {
        Email { text: Cow::Owned(self.text.into_owned()), at: self.at }
    }
}

/// Addresses of a list, few of them without allocation.
pub type Emails<'a> = SmallVec<[Email<'a>; 4]>;

/// Reads one address.
///
/// # Errors
///
/// Why it is not taken.
pub fn read(text: &str) -> Result<Email<'_>, Rejection> {
    if text.len() > EMAIL_BYTES_MAX {
        return Err(Rejection::TooLarge(EMAIL_BYTES_MAX));
    }
    if let Some(at) = prove(text) {
        return Ok(Email { text: Cow::Borrowed(text), at });
    }
    let lower = text.to_ascii_lowercase();
    match prove(&lower) {
        Some(at) => Ok(Email { text: Cow::Owned(lower), at }),
        None => Err(reject(text)),
    }
}

/// Where the `@` of a canonical address stands.
fn prove(text: &str) -> Option<usize> {
    let at = text.find('@')?;
    let (local, domain) = (text.get(..at)?, text.get(at.checked_add(1)?..)?);
    let is_local = !local.is_empty()
        && local.len() <= LOCAL_BYTES_MAX
        && local.bytes().all(is_local_byte)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && !local.contains("=?");
    let is_domain = domain.contains('.') && host::prove(domain) == Some(HostForm::Name);
    (is_local && is_domain).then_some(at)
}

/// What RFC 5322 allows unquoted, but for `%`, `!`, `|` and the back quote, and upper case.
fn is_local_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase()
        || byte.is_ascii_digit()
        || matches!(
            byte,
            b'.' | b'_'
                | b'-'
                | b'+'
                | b'='
                | b'&'
                | b'\''
                | b'#'
                | b'$'
                | b'*'
                | b'/'
                | b'?'
                | b'^'
                | b'{'
                | b'}'
                | b'~'
        )
}

/// Why an address is not canonical, or which spelling would be.
fn reject(text: &str) -> Rejection {
    if has_hidden(text) {
        return Rejection::Ambiguous("an address without control or hidden characters");
    }
    let trimmed = text.trim_matches(' ');
    let (name, address) = match trimmed.strip_suffix('>').and_then(|rest| rest.rsplit_once('<')) {
        Some((name, address)) => (name.trim_matches(' '), address),
        None => ("", trimmed),
    };
    let name = name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(name);
    let is_plain_name =
        !name.contains(['@', '<', '>', ',', ';', ':', '"', '\\', '(', ')', '[', ']']) && !name.contains("=?");
    let Some((local, domain)) = address.split_once('@') else {
        return Rejection::Format(EXPECTED);
    };
    let local = local.to_ascii_lowercase();
    let is_odd = !is_plain_name || local.contains(['"', '(', '%', '!', ':', ',', ';', '\\', '<', '[', '|', '`']);
    if is_odd
        || local.contains("=?")
        || !local.is_ascii()
        || domain.contains(['@', '(', '"', '[', '<', ';', ',', ':', '\\', ' '])
    {
        return Rejection::Ambiguous(PLAIN);
    }
    let domain = domain.to_ascii_lowercase();
    let domain = match host::prove(&domain) {
        Some(HostForm::Name) => domain,
        _ => match host::reject(&domain) {
            Rejection::NotCanonical(domain) => domain,
            Rejection::Ambiguous(expected) => return Rejection::Ambiguous(expected),
            _ => return Rejection::Format(EXPECTED),
        },
    };
    let canonical = format!("{local}@{domain}");
    if prove(&canonical).is_none() {
        return Rejection::Format(EXPECTED);
    }
    if canonical.len() > EMAIL_BYTES_MAX {
        // The ASCII form of a domain may be longer than its letters.
        return Rejection::TooLarge(EMAIL_BYTES_MAX);
    }
    if is_read_so(trimmed, address) { Rejection::NotCanonical(canonical) } else { Rejection::Ambiguous(PLAIN) }
}

/// Whether a parser of mail headers finds this address, and no other, in the text.
fn is_read_so(text: &str, address: &str) -> bool {
    match mailparse::addrparse(text) {
        Ok(found) => match found.as_slice() {
            [mailparse::MailAddr::Single(single)] => single.addr == address,
            _ => false,
        },
        Err(_) => false,
    }
}

/// Reads the addresses of one text, joined by commas.
///
/// # Errors
///
/// Why it is not taken.
pub fn read_list(text: &str) -> Result<Emails<'_>, Rejection> {
    if text.len() > EMAIL_LIST_BYTES_MAX {
        return Err(Rejection::TooLarge(EMAIL_LIST_BYTES_MAX));
    }
    if text.is_empty() {
        return Ok(Emails::new());
    }
    if text.contains(['"', '(', ';', ':', '\\']) {
        return Err(Rejection::Ambiguous("plain addresses with commas between them"));
    }
    let mut emails = Emails::new();
    let mut canonical: Option<Vec<String>> = None;
    for member in text.split(',') {
        if emails.len() >= EMAIL_LIST_LENGTH_MAX {
            return Err(Rejection::TooLarge(EMAIL_LIST_LENGTH_MAX));
        }
        let member = member.trim_matches(' ');
        if member.is_empty() {
            return Err(Rejection::Ambiguous("addresses with single commas between them"));
        }
        match (read(member), &mut canonical) {
            (Ok(email), None) => emails.push(email),
            (Ok(email), Some(spelled)) => spelled.push(email.text.into_owned()),
            (Err(Rejection::NotCanonical(other)), Some(spelled)) => spelled.push(other),
            (Err(Rejection::NotCanonical(other)), None) => {
                let mut spelled: Vec<String> = emails.iter().map(|email| email.text.to_string()).collect();
                spelled.push(other);
                canonical = Some(spelled);
            }
            (Err(rejection), _) => return Err(rejection),
        }
    }
    match canonical {
        None => Ok(emails),
        Some(spelled) => {
            let spelled = spelled.join(", ");
            let is_short = spelled.len() <= EMAIL_LIST_BYTES_MAX;
            Err(if is_short { Rejection::NotCanonical(spelled) } else { Rejection::TooLarge(EMAIL_LIST_BYTES_MAX) })
        }
    }
}
