//! Which URLs, hosts and addresses does free text hold?
//!
//! Programs that show a text make links of what looks like one, so this finds what any of them may: too much rather than
//! too little. Text is looked at as it is shown: in compatible Unicode form, without hidden characters. A host is
//! whatever has a dot between labels and ends in letters, so `notes.txt` is one; an address has an `@` before a host.
//! What is written around (`evil dot com`) is not found.
//!
//! Nothing is refused but text that is too long. Read next: `../kind.rs`.

use std::borrow::Cow;
use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;

use super::host;
use super::url::{self, UrlOptions};
use crate::refusal::Rejection;
use crate::unicode::is_hidden;

/// Bytes of a free text.
pub const FREE_TEXT_BYTES_MAX: usize = 1 << 20;

/// What was found in a text; each sorted and once.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Found {
    /// Whatever has a scheme and `://`, canonical where it can be, else as it is written.
    pub urls: BTreeSet<String>,
    /// Hosts of these, of the addresses, and by themselves, in lower case.
    pub hosts: BTreeSet<String>,
    /// Addresses of mail, in lower case.
    pub addresses: BTreeSet<String>,
}

/// Looks for URLs, hosts and addresses.
///
/// # Errors
///
/// If the text is too long.
pub fn read(text: &str) -> Result<Found, Rejection> {
    if text.len() > FREE_TEXT_BYTES_MAX {
        return Err(Rejection::TooLarge(FREE_TEXT_BYTES_MAX));
    }
    let shown = shown(text);
    let mut found = Found::default();
    for token in shown.split(is_boundary).filter(|token| token.contains(['.', '@', ':', '[', '/'])) {
        find(token, &mut found);
    }
    Ok(found)
}

/// The text as programs show it.
fn shown(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let dots = |character: char| if matches!(character, '\u{3002}' | '\u{ff61}') { '.' } else { character };
    let is_shown = |character: &char| !is_hidden(*character) || matches!(character, '\n' | '\r' | '\t');
    Cow::Owned(text.nfkc().filter(is_shown).map(dots).collect())
}

fn is_boundary(character: char) -> bool {
    character.is_whitespace()
        || matches!(
            character,
            '<' | '>'
                | '"'
                | '\''
                | '`'
                | '('
                | ')'
                | '{'
                | '}'
                | '|'
                | ','
                | ';'
                | '*'
                | '“'
                | '”'
                | '‘'
                | '’'
                | '«'
                | '»'
        )
}

fn find(token: &str, found: &mut Found) {
    let token = token.trim_matches(['.', '!', '?', ':', ',', '_', '~']);
    let slashed = token.replace('\\', "/");
    if let Some(at) = slashed.find("//") {
        find_url(&slashed, at, found);
    }
    for part in token.split(['/', '\\', '?', '#', '=', '&', '[', ']', '%', '!', '$', '+']) {
        find_names(part, found);
    }
}

/// A scheme, `://`, and a host behind user information.
fn find_url(token: &str, at: usize, found: &mut Found) {
    let (before, after) = token.split_at_checked(at).unwrap_or(("", ""));
    let scheme_start = before
        .rfind(|character: char| !(character.is_ascii_alphanumeric() || matches!(character, '+' | '-' | '.' | ':')))
        .map_or(0, |at| at.saturating_add(1));
    let scheme = before.get(scheme_start..).unwrap_or(before);
    let whole = format!("{scheme}{after}");
    let spelled = match url::read(&whole, &UrlOptions::default()) {
        Ok(url) => url.text().to_owned(),
        Err(Rejection::NotCanonical(canonical)) => canonical,
        Err(_) => whole,
    };
    let authority = after.trim_start_matches('/').split(['/', '?', '#']).next().unwrap_or("");
    let behind = authority.rsplit('@').next().unwrap_or("");
    let host = if behind.starts_with('[') { behind.split_inclusive(']').next() } else { behind.split(':').next() };
    if let Some(host) = host.filter(|host| !host.is_empty()) {
        found.hosts.insert(spelled_host(host));
    }
    found.urls.insert(spelled);
}

/// Addresses, and names with dots.
fn find_names(part: &str, found: &mut Found) {
    let mut pieces = part.split('@').peekable();
    let mut local = "";
    while let Some(piece) = pieces.next() {
        let is_behind = !local.is_empty();
        let name = piece.split(':').next().unwrap_or("").trim_matches(['.', '-', '_']);
        if is_behind && !name.is_empty() {
            let host = spelled_host(name);
            found.addresses.insert(format!("{}@{host}", local.to_lowercase()));
            found.hosts.insert(host);
        }
        for name in piece.split(':').map(|name| name.trim_matches(['.', '-', '_'])) {
            if looks_like_host(name) && pieces.peek().is_none() {
                found.hosts.insert(spelled_host(name));
            }
        }
        local = piece.rsplit(':').next().unwrap_or("");
    }
}

/// Labels with dots between them, the last of letters; or an address.
fn looks_like_host(name: &str) -> bool {
    let Some((before, last)) = name.rsplit_once('.') else { return false };
    let is_word =
        |label: &str| label.chars().all(|character| character.is_alphanumeric() || matches!(character, '-' | '_'));
    let is_top = last.chars().count() >= 2 && last.chars().any(char::is_alphabetic);
    let is_address = host::prove(name) == Some(host::HostForm::Version4);
    is_address || (is_top && is_word(last) && before.split('.').all(|label| !label.is_empty() && is_word(label)))
}

/// A host in lower case, in ASCII where it has such a form.
fn spelled_host(host: &str) -> String {
    let lower = host.trim_matches('.').to_lowercase();
    if lower.is_ascii() { lower } else { idna::domain_to_ascii(&lower).unwrap_or(lower) }
}
