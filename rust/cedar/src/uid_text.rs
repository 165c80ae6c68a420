//! Which entity does a Cedar text such as `User::"alice"` name?
//!
//! Callers write entities so, millions of times; the text is split where it stands and copied only where it has escapes.
//! Twin: `parse_uid` in `reference/value.py`. Read next: `recorded.rs`.

use std::borrow::Cow;

use crate::values::is_type_name;

/// Longest Cedar text of a uid that is read, in bytes.
const UID_TEXT_BYTES_MAX: usize = 64 * 1024;

/// Type and id of Cedar text such as `User::"alice"`.
#[must_use]
pub fn parse_uid(text: &str) -> Option<(&str, Cow<'_, str>)> {
    let (type_name, id) = split_uid(text)?;
    is_type_name(type_name).then_some((type_name, id))
}

/// As [`parse_uid`], but that the type's name may be anything.
#[inline]
#[must_use]
pub fn split_uid(text: &str) -> Option<(&str, Cow<'_, str>)> {
    if text.len() > UID_TEXT_BYTES_MAX {
        return None;
    }
    // No type's name holds a quote, so the first one must open the id.
    let at = text.bytes().position(|byte| byte == b'"')?;
    let type_name = text.get(..at)?.strip_suffix("::")?;
    let quoted = text.get(at.checked_add(1)?..)?.strip_suffix('"')?;
    Some((type_name, unescape(quoted)?))
}

/// Cedar's string escapes: `\n \r \t \\ \0 \' \"`, `\xHH` up to 7f and `\u{…}`. A carriage return must be one of them.
fn unescape(quoted: &str) -> Option<Cow<'_, str>> {
    if !quoted.bytes().any(|byte| matches!(byte, b'\\' | b'"' | b'\r')) {
        return Some(Cow::Borrowed(quoted));
    }
    let mut text = String::with_capacity(quoted.len());
    let mut rest = quoted.chars();
    while let Some(char) = rest.next() {
        match char {
            '"' | '\r' => return None,
            '\\' => text.push(unescape_one(&mut rest)?),
            other => text.push(other),
        }
    }
    Some(Cow::Owned(text))
}

fn unescape_one(rest: &mut std::str::Chars<'_>) -> Option<char> {
    Some(match rest.next()? {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        '\\' => '\\',
        '0' => '\0',
        '\'' => '\'',
        '"' => '"',
        'x' => {
            let digits: String = rest.by_ref().take(2).collect();
            let is_hex = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            let byte = u8::from_str_radix(&digits, 16).ok().filter(|byte| is_hex && byte.is_ascii())?;
            char::from(byte)
        }
        'u' => {
            let (digits, after) = rest.as_str().strip_prefix('{')?.split_once('}')?;
            let is_hex = (1..=6).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            let number = u32::from_str_radix(digits, 16).ok().filter(|_| is_hex)?;
            *rest = after.chars();
            char::from_u32(number)?
        }
        _ => return None,
    })
}
