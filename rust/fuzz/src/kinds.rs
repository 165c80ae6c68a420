//! Does every kind read a text as others do, and its own canonical spelling as itself?
//!
//! The input is a text, read by every kind. What is taken is taken again by its canonical text, with the same value; a
//! canonical spelling that a refusal tells is taken as it is. A URL has the parts that the `url` crate finds; a mail
//! address is the only one that a parser of headers finds; the words of a command are those of a shell's splitter.

use std::sync::OnceLock;

use agentpdp_arguments::kind::{Kind, Read};
use agentpdp_arguments::kinds::{command, email, url};
use agentpdp_arguments::refusal::Rejection;
use agentpdp_core::value::{Value, ValueRef};
use serde_json::json;

use crate::text;

fn kinds() -> &'static [Kind] {
    static KINDS: OnceLock<Vec<Kind>> = OnceLock::new();
    KINDS.get_or_init(|| {
        let declared = json!([
            "url", "host", "ip", "path", "email", "email-list", "command", "iban", "text",
            {"kind": "url", "scheme": "https"}, {"kind": "path", "system": "windows"},
            {"kind": "money", "currency": "EUR", "places": 2}, {"kind": "id", "alphabet": "A-Z0-9-"},
            {"kind": "date", "formats": ["iso-date", "%d.%m.%Y", "%B %-d, %Y"]},
            {"kind": "datetime", "formats": ["rfc3339", "%Y-%m-%d %H:%M"], "zone": "Europe/Berlin"},
        ]);
        declared.as_array().unwrap().iter().map(|kind| Kind::from_json(kind).unwrap()).collect()
    })
}

fn value(read: Read<'_>) -> Value {
    match read {
        Read::Text(text) => Value::String(text.into()),
        Read::Ready(value) => value.to_owned(),
        Read::Owned(value) => value,
    }
}

/// The text that a value has as a whole.
fn whole_text(value: &Value) -> Option<String> {
    match value.borrow() {
        ValueRef::String(text) => Some(text.to_owned()),
        ValueRef::Record(record) => match record.get("text")?.borrow() {
            ValueRef::String(text) => Some(text.to_owned()),
            _ => None,
        },
        _ => None,
    }
}

/// Reads a text by every kind.
pub fn run(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    for kind in kinds() {
        match kind.read_text(text) {
            Ok(read) => {
                let read = value(read);
                if let Some(spelled) = whole_text(&read) {
                    assert_eq!(kind.read_text(&spelled).map(value), Ok(read), "read again, {kind:?}");
                }
            }
            Err(Rejection::NotCanonical(spelled)) => {
                let read = kind.read_text(&spelled).map(value);
                assert!(read.is_ok(), "{spelled:?} is told as canonical and not taken: {read:?}, {kind:?}");
            }
            Err(_) => {}
        }
    }
    compare_url(text);
    if let Ok(read) = email::read(text) {
        let found = mailparse::addrparse(&read.text).unwrap();
        assert_eq!(found.to_string(), read.text, "mailparse");
    }
    if let Ok(read) = command::read(text) {
        let words: Vec<&str> = read.words.iter().map(AsRef::as_ref).collect();
        assert_eq!(shlex::split(text).unwrap(), words, "shlex");
        assert_eq!(shlex::split(&read.text).unwrap(), words, "shlex, canonical");
    }
}

fn compare_url(text: &str) {
    let Ok(read) = url::read(text, &url::UrlOptions::default()) else { return };
    let theirs = ::url::Url::parse(text).expect("the url crate refuses what we take");
    assert_eq!(theirs.host_str(), Some(read.host()), "host, as it was given");
    let theirs = ::url::Url::parse(read.text()).unwrap();
    assert_eq!(theirs.as_str(), read.text(), "whole");
    let parts = (theirs.scheme(), theirs.host_str(), theirs.path(), theirs.port_or_known_default());
    assert_eq!(parts, (read.scheme(), Some(read.host()), read.path(), Some(read.port)), "parts");
    assert_eq!(theirs.query().unwrap_or(""), read.query(), "query");
    assert_eq!(theirs.fragment().unwrap_or(""), read.fragment(), "fragment");
    assert_eq!(theirs.username(), "", "user");
}
