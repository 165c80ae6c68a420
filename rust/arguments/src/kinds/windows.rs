//! Which file does a Windows path name?
//!
//! Canonical: a drive, or none, and names joined by single `\`. Windows does not tell upper from lower case, so rules
//! see lower case, and case is harmless. `/` as a separator, `.\`, doubled separators and one at the end have a canonical
//! spelling.
//!
//! Refused: `..`, a path on another machine or device (`\\server`, `\\.\`, `\\?\`), a drive without a separator (`C:x`), a separator
//! without a drive, alternate streams (`a:b`), names of devices (`con`, `nul.txt`), names that end in a dot or a space,
//! short names (`progra~1`), wildcards and quotes, control and hidden characters, percent signs.
//!
//! Source: Microsoft, "Naming Files, Paths, and Namespaces". Read next: `email.rs`.

use std::borrow::Cow;

use super::path::{FilePath, PATH_BYTES_MAX};
use crate::refusal::Rejection;
use crate::unicode::{has_hidden, is_composed, stands_for_ascii};

/// Names of devices, with any extension and in any folder.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// Reads a Windows path.
///
/// # Errors
///
/// Why it is not taken.
pub fn read(text: &str) -> Result<FilePath<'_>, Rejection> {
    if text.len() > PATH_BYTES_MAX {
        return Err(Rejection::TooLarge(PATH_BYTES_MAX));
    }
    if text.is_empty() {
        return Err(Rejection::Format("a path such as `C:\\data\\report.txt`"));
    }
    let is_lower = !text.chars().any(char::is_uppercase);
    let lower = if is_lower { Cow::Borrowed(text) } else { Cow::Owned(text.to_lowercase()) };
    if is_canonical(&lower) {
        let is_absolute = split_drive(&lower).0.is_some();
        return Ok(FilePath { text: lower, is_absolute, separator: '\\' });
    }
    Err(reject(&lower))
}

/// The drive, and the rest behind its separator.
fn split_drive(text: &str) -> (Option<char>, &str) {
    match text.as_bytes() {
        [letter, b':', b'\\', ..] if letter.is_ascii_lowercase() => {
            (Some(char::from(*letter)), text.get(3..).unwrap_or(""))
        }
        _ => (None, text),
    }
}

fn is_canonical(text: &str) -> bool {
    let (drive, names) = split_drive(text);
    if text == "." || (drive.is_some() && names.is_empty()) {
        return true;
    }
    names.split('\\').all(|name| !name.is_empty() && !name.contains('/') && doubt(name).is_none())
        && names.split('\\').all(|name| name != ".")
}

/// What Windows or its tools read in another way than it is written.
fn doubt(name: &str) -> Option<Rejection> {
    if name.contains(['<', '>', ':', '"', '|', '?', '*', '%']) {
        return Some(Rejection::Ambiguous("names without `<>:\"|?*%`; a `:` names another stream of a file"));
    }
    if has_hidden(name) || stands_for_ascii(name) || !is_composed(name) {
        return Some(Rejection::Ambiguous(
            "names in composed Unicode, without hidden characters or such as stand for others",
        ));
    }
    let ends = name.ends_with(['.', ' ']) || name.starts_with(' ');
    if ends && name != "." {
        return Some(Rejection::Ambiguous("names without `..`, and without dots or spaces at their ends"));
    }
    let stem = name.split('.').next().unwrap_or("").trim_end();
    let number = stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt"));
    let is_numbered = number.is_some_and(|number| {
        let mut characters = number.chars();
        matches!((characters.next(), characters.next()), (Some('0'..='9' | '¹' | '²' | '³'), None))
    });
    if DEVICES.contains(&stem) || is_numbered {
        return Some(Rejection::Ambiguous("names that are not those of devices"));
    }
    let is_short =
        name.split_once('~').is_some_and(|(_, after)| after.starts_with(|digit: char| digit.is_ascii_digit()));
    is_short.then_some(Rejection::Ambiguous("full names instead of short ones"))
}

fn reject(text: &str) -> Rejection {
    let text = text.replace('/', "\\");
    if text.starts_with('\\') {
        return Rejection::Ambiguous("a path with its drive, on this machine");
    }
    let (drive, names) = split_drive(&text);
    if let Some(rejection) = names.split('\\').find_map(doubt) {
        return rejection;
    }
    let normal = typed_path::Utf8WindowsPath::new(names).normalize();
    let prefix = drive.map_or_else(String::new, |drive| format!("{drive}:\\"));
    let spelled = format!("{prefix}{normal}");
    let spelled = if spelled.is_empty() { ".".to_owned() } else { spelled };
    if is_canonical(&spelled) {
        Rejection::NotCanonical(spelled)
    } else {
        Rejection::Ambiguous("a path that every tool reads alike")
    }
}
