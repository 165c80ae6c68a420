//! Which server does a URL reach, and what does it ask for there?
//!
//! Canonical is a text that every common parser splits alike: lower-case scheme and host, no user information, no
//! default port, a path that starts with `/` and has no empty or dot segments, and percent signs only before two
//! upper-case hexadecimal digits that encode something that must be encoded. Harmless: case of scheme, host and of the
//! digits of an encoding, the default port, an empty path.
//!
//! Refused because parsers or servers disagree: user information, backslashes, white space, control and hidden
//! characters, encoded slashes, dots and controls, encoded percent signs before two more digits, encodings that are not
//! UTF-8, empty segments, `;`, scheme or slashes left out. Whatever else is not canonical has a canonical spelling: what
//! the `url` crate makes of it, if the proof takes that.
//!
//! Sources: RFC 3986, WHATWG URL. Read next: `path.rs`.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use smallvec::SmallVec;

use super::host::{self, HostForm};
use crate::refusal::Rejection;
use crate::unicode::{has_hidden, stands_for_ascii};

/// Bytes of a URL.
pub const URL_BYTES_MAX: usize = 8_192;

/// Schemes that are taken unless others are declared, with their default ports.
const SCHEMES: [(&str, u16); 5] = [("https", 443), ("http", 80), ("wss", 443), ("ws", 80), ("ftp", 21)];

/// What is declared of a URL.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct UrlOptions {
    /// The scheme of a text that has none.
    pub scheme: Option<Arc<str>>,
    /// Schemes that are taken; none declared: those of the web, and `ftp`.
    pub schemes: Option<Arc<[Arc<str>]>>,
}

/// A URL that was taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Url<'a> {
    text: Cow<'a, str>,
    scheme_end: usize,
    host: Range<usize>,
    path: Range<usize>,
    query: Range<usize>,
    fragment: Range<usize>,
    /// The port, that of the scheme if none is written, 0 if the scheme has none.
    pub port: u16,
    /// Whether the host is an address.
    pub is_ip: bool,
}

impl Url<'_> {
    fn part(&self, range: Range<usize>) -> &str {
        self.text.get(range).unwrap_or("")
    }

    /// All of it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The scheme.
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.part(0..self.scheme_end)
    }

    /// The host; a version 6 address in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.part(self.host.clone())
    }

    /// The path, at least `/`.
    #[must_use]
    pub fn path(&self) -> &str {
        self.part(self.path.clone())
    }

    /// The query without its `?`.
    #[must_use]
    pub fn query(&self) -> &str {
        self.part(self.query.clone())
    }

    /// The fragment without its `#`.
    #[must_use]
    pub fn fragment(&self) -> &str {
        self.part(self.fragment.clone())
    }
}

/// Reads a URL.
///
/// # Errors
///
/// Why it is not taken.
pub fn read<'a>(text: &'a str, options: &UrlOptions) -> Result<Url<'a>, Rejection> {
    if text.len() > URL_BYTES_MAX {
        return Err(Rejection::TooLarge(URL_BYTES_MAX));
    }
    let text = match &options.scheme {
        Some(scheme) if !text.contains("://") => Cow::Owned(format!("{scheme}://{text}")),
        _ => Cow::Borrowed(text),
    };
    match prove(text, options) {
        Ok(url) => Ok(url),
        Err(text) => match prove(Cow::Owned(harmless(&text)), options) {
            Ok(url) => Ok(url),
            Err(_) => Err(reject(&text, options)),
        },
    }
}

/// Takes a canonical URL apart; gives any other text back.
fn prove<'a>(text: Cow<'a, str>, options: &UrlOptions) -> Result<Url<'a>, Cow<'a, str>> {
    match split(&text, options) {
        Some((scheme_end, [host, path, query, fragment], port, is_ip)) => {
            Ok(Url { text, scheme_end, host, path, query, fragment, port, is_ip })
        }
        None => Err(text),
    }
}

type Parts = (usize, [Range<usize>; 4], u16, bool);

fn split(text: &str, options: &UrlOptions) -> Option<Parts> {
    let scheme_end = text.find("://")?;
    let default_port = default_port(text.get(..scheme_end)?, options)?;
    let start = scheme_end.checked_add(3)?;
    let path_start = start.checked_add(text.get(start..)?.find('/')?)?;
    let authority = text.get(start..path_start)?;
    let (host_length, port) = match authority.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')) {
        Some((host, port)) => (host.len(), parse_port(port).filter(|port| *port != default_port)?),
        None => (authority.len(), default_port),
    };
    let host = start..start.checked_add(host_length)?;
    let form = prove_host(text.get(host.clone())?)?;
    let (mut path_end, mut query) = (text.len(), text.len()..text.len());
    let fragment = match text.get(path_start..)?.find('#') {
        Some(at) => {
            path_end = path_start.checked_add(at)?;
            query = path_end..path_end;
            path_end.checked_add(1)?..text.len()
        }
        None => text.len()..text.len(),
    };
    if let Some(at) = text.get(path_start..path_end)?.find('?') {
        let mark = path_start.checked_add(at)?;
        query = mark.checked_add(1)?..path_end;
        path_end = mark;
    }
    let path = path_start..path_end;
    let is_canonical =
        is_path(text.get(path.clone())?) && is_query(text.get(query.clone())?) && is_query(text.get(fragment.clone())?);
    is_canonical.then_some((scheme_end, [host, path, query, fragment], port, form != HostForm::Name))
}

/// The host as it stands in a URL.
fn prove_host(host: &str) -> Option<HostForm> {
    match host.strip_prefix('[').map(|rest| rest.strip_suffix(']')) {
        Some(inner) => host::prove(inner?).filter(|form| *form == HostForm::Version6),
        None => host::prove(host).filter(|form| *form != HostForm::Version6),
    }
}

/// The default port of a scheme that is taken, 0 if it has none.
fn default_port(scheme: &str, options: &UrlOptions) -> Option<u16> {
    let known = SCHEMES.iter().find(|(name, _)| *name == scheme).map(|(_, port)| *port);
    match &options.schemes {
        None => known,
        Some(declared) => declared.iter().any(|name| **name == *scheme).then_some(known.unwrap_or(0)),
    }
}

fn parse_port(text: &str) -> Option<u16> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    if is_plain { text.parse().ok() } else { None }
}

fn is_path(path: &str) -> bool {
    let mut segments = path.get(1..).unwrap_or("").split('/').peekable();
    while let Some(segment) = segments.next() {
        if matches!(segment, "." | "..") || (segment.is_empty() && segments.peek().is_some()) {
            return false;
        }
    }
    is_encoded(path, |byte| is_path_byte(byte) || byte == b'/', false)
}

fn is_query(query: &str) -> bool {
    // Browsers encode a single quote in a query, others do not.
    let is_plain = |byte| byte != b'\'' && (is_path_byte(byte) || matches!(byte, b'/' | b'?' | b'[' | b']'));
    is_encoded(query, is_plain, true)
}

/// What may stand in a segment as it is, but for `;`, which some servers cut off.
fn is_path_byte(byte: u8) -> bool {
    is_unreserved(byte)
        || matches!(byte, b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=' | b':' | b'@')
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Whether every byte may stand there, or is encoded, in the canonical way, and must be.
fn is_encoded(text: &str, is_plain: impl Fn(u8) -> bool, is_query: bool) -> bool {
    let mut rest = text.as_bytes();
    let mut run: SmallVec<[u8; 32]> = SmallVec::new();
    loop {
        match rest {
            [b'%', high, low, after @ ..] => {
                let Some(byte) = encoded(*high, *low) else { return false };
                if high.is_ascii_lowercase() || low.is_ascii_lowercase() || is_unreserved(byte) {
                    return false;
                }
                if is_doubtful(byte, after, is_query) {
                    return false;
                }
                if !byte.is_ascii() {
                    run.push(byte);
                }
                rest = after;
                if !byte.is_ascii() && rest.first() == Some(&b'%') {
                    continue;
                }
            }
            [byte, after @ ..] if is_plain(*byte) => rest = after,
            [] => return true,
            _ => return false,
        }
        if !run.is_empty() {
            if !is_clear_text(&run) {
                return false;
            }
            run.clear();
        }
    }
}

/// Encoded bytes that are no text, or text that is hidden or stands for ASCII.
fn is_clear_text(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| !has_hidden(text) && !stands_for_ascii(text))
}

fn encoded(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    digit(high)?.checked_mul(16)?.checked_add(digit(low)?)
}

/// Whether servers disagree about an encoded byte: controls, a percent sign that encodes again, in a path separators
/// and dots.
fn is_doubtful(byte: u8, after: &[u8], is_query: bool) -> bool {
    let encodes_again = byte == b'%' && matches!(after, [high, low, ..] if encoded(*high, *low).is_some());
    let separates = matches!(byte, b'/' | b'\\' | b'.' | b';');
    byte.is_ascii_control() || (!is_query && (encodes_again || separates))
}

/// The same URL in the canonical of its harmless spellings.
fn harmless(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let (scheme, mut authority) = (scheme.to_ascii_lowercase(), authority.to_ascii_lowercase());
    if let Some((_, port)) = SCHEMES.iter().find(|(name, _)| *name == scheme)
        && let Some(host) = authority.strip_suffix(&format!(":{port}"))
        // Behind another port it is no spelling of the default one, but nonsense.
        && (!host.contains(':') || host.ends_with(']'))
    {
        authority = host.to_owned();
    }
    let slash = if tail.starts_with('/') { "" } else { "/" };
    let mut whole = format!("{scheme}://{authority}{slash}");
    let mut rest = tail;
    while let Some((before, after)) = rest.split_once('%') {
        let digits = after.get(..2).unwrap_or("");
        whole.push_str(before);
        whole.push('%');
        whole.push_str(&digits.to_ascii_uppercase());
        rest = after.get(digits.len()..).unwrap_or("");
    }
    whole + rest
}

/// Why a URL is not taken, or which spelling would be.
fn reject(text: &str, options: &UrlOptions) -> Rejection {
    if has_hidden(text) || text.chars().any(char::is_whitespace) {
        return Rejection::Ambiguous("a URL without white space, control or hidden characters");
    }
    if text.contains('\\') {
        return Rejection::Ambiguous("a URL without backslashes");
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Rejection::Format("a URL with its scheme, such as `https://example.com/`");
    };
    if default_port(&scheme.to_ascii_lowercase(), options).is_none() {
        return Rejection::Format("a URL whose scheme is one of those that are taken, such as `https://example.com/`");
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at_checked(end).unwrap_or((rest, ""));
    if authority.contains('@') {
        return Rejection::Ambiguous("a URL without user information before its host");
    }
    if authority.is_empty() || authority.contains('%') {
        return Rejection::Ambiguous("a URL with a host, written without `%`");
    }
    let host = authority.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')).map_or(authority, |(host, _)| host);
    match host_problem(&host.to_ascii_lowercase()) {
        None | Some(Rejection::NotCanonical(_)) => {}
        Some(rejection) => return rejection,
    }
    if let Some(rejection) = doubt(tail) {
        return rejection;
    }
    let port = authority.get(host.len()..).unwrap_or("");
    if !port.is_empty() && port.trim_matches([':', '0']).is_empty() && port.len() > 1 {
        return Rejection::Format("a port from 1 to 65535");
    }
    let host = host.strip_suffix('.').unwrap_or(host);
    let whole = format!("{scheme}://{host}{port}{}", plain_encodings(tail));
    let Ok(parsed) = ::url::Url::parse(&whole) else {
        return Rejection::Format("a URL such as `https://example.com/path?query`");
    };
    let canonical = harmless(&encode_rest(parsed.as_str()));
    match prove(Cow::Owned(canonical), options) {
        Ok(url) => Rejection::NotCanonical(url.text.into_owned()),
        Err(_) => Rejection::Ambiguous("a URL that every parser splits alike"),
    }
}

fn host_problem(host: &str) -> Option<Rejection> {
    if prove_host(host).is_some() {
        return None;
    }
    let inner = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    Some(match inner {
        Some(inner) if !inner.contains(':') => Rejection::Format("a version 6 address in brackets"),
        None if host.contains(':') => Rejection::Format("a host, and a port behind one `:`"),
        inner => host::reject(inner.unwrap_or(host)),
    })
}

/// What servers disagree about in path, query and fragment.
fn doubt(tail: &str) -> Option<Rejection> {
    let path_end = tail.find(['?', '#']).unwrap_or(tail.len());
    let (path, query) = tail.split_at_checked(path_end).unwrap_or((tail, ""));
    for (part, is_query) in [(path, false), (query, true)] {
        if part.contains(';') {
            return Some(Rejection::Ambiguous("a URL without `;`"));
        }
        let bytes = part.as_bytes();
        for (at, byte) in bytes.iter().enumerate() {
            if *byte != b'%' {
                continue;
            }
            let after = bytes.get(at.saturating_add(1)..).unwrap_or_default();
            let [high, low, after @ ..] = after else {
                return Some(Rejection::Ambiguous("a URL with `%` only before two hexadecimal digits"));
            };
            match encoded(*high, *low) {
                None => return Some(Rejection::Ambiguous("a URL with `%` only before two hexadecimal digits")),
                Some(byte) if is_doubtful(byte, after, is_query) => {
                    return Some(Rejection::Ambiguous("a URL without encoded separators, dots, controls or encodings"));
                }
                Some(_) => {}
            }
        }
    }
    if path.contains("//") {
        return Some(Rejection::Ambiguous("a URL whose path has no empty segments"));
    }
    stands_for_ascii(tail).then_some(Rejection::Ambiguous("a URL without characters that stand for others"))
}

/// Encodings of what need not be encoded, taken back.
fn plain_encodings(tail: &str) -> String {
    let mut plain = String::with_capacity(tail.len());
    let mut rest = tail;
    while let Some((before, after)) = rest.split_once('%') {
        plain.push_str(before);
        let byte = match after.as_bytes() {
            [high, low, ..] => encoded(*high, *low),
            _ => None,
        };
        match byte.filter(|byte| is_unreserved(*byte)) {
            Some(byte) => {
                plain.push(char::from(byte));
                rest = after.get(2..).unwrap_or("");
            }
            None => {
                plain.push('%');
                rest = after;
            }
        }
    }
    plain + rest
}

/// Encodes what the `url` crate leaves as it is and RFC 3986 does not allow.
fn encode_rest(text: &str) -> String {
    let path_start = text
        .find("://")
        .and_then(|at| text.get(at.saturating_add(3)..)?.find('/').map(|to| at.saturating_add(3).saturating_add(to)));
    let (before, tail) = text.split_at_checked(path_start.unwrap_or(text.len())).unwrap_or((text, ""));
    let mut encoded = before.to_owned();
    let mut in_query = false;
    for character in tail.chars() {
        in_query |= matches!(character, '?' | '#');
        match character {
            '|' | '^' | '`' | '{' | '}' | '"' | '<' | '>' => {
                encoded.push_str(&format!("%{:02X}", u32::from(character)))
            }
            '\'' if in_query => encoded.push_str("%27"),
            '[' | ']' if !in_query => encoded.push_str(&format!("%{:02X}", u32::from(character))),
            _ => encoded.push(character),
        }
    }
    encoded
}
