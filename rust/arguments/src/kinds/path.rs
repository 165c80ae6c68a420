//! Which file does a POSIX path name?
//!
//! Canonical: names joined by single `/`, perhaps with one in front; `.` and `/` by themselves. Another spelling of the
//! same file, with `./`, `//` or a `/` at the end, has a canonical one.
//!
//! Refused because tools disagree: `..` (the kernel follows links first, libraries go by the text), backslashes,
//! percent encodings, `~` in front, `-` in front, `://`, white space at the ends, control and hidden characters,
//! characters that stand for `/` or `.`, text that is not composed Unicode (some file systems compose, some do not).
//!
//! Read next: `windows.rs`.

use std::borrow::Cow;

use crate::refusal::Rejection;
use crate::unicode::{has_hidden, is_composed, stands_for_ascii};

/// Bytes of a path.
pub const PATH_BYTES_MAX: usize = 4_096;

/// A path that was taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FilePath<'a> {
    /// All of it.
    pub text: Cow<'a, str>,
    /// Whether it starts at the root.
    pub is_absolute: bool,
    /// What stands between its names.
    pub separator: char,
}

impl FilePath<'_> {
    /// Its names, outermost first; the drive of a Windows path is one.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.text.split(self.separator).filter(|part| !part.is_empty() && *part != ".")
    }
}

/// Reads a POSIX path.
///
/// # Errors
///
/// Why it is not taken.
pub fn read(text: &str) -> Result<FilePath<'_>, Rejection> {
    if text.len() > PATH_BYTES_MAX {
        return Err(Rejection::TooLarge(PATH_BYTES_MAX));
    }
    if is_canonical(text) {
        return Ok(FilePath { text: Cow::Borrowed(text), is_absolute: text.starts_with('/'), separator: '/' });
    }
    Err(reject(text))
}

fn is_canonical(text: &str) -> bool {
    if text == "." || text == "/" {
        return true;
    }
    if !text.bytes().all(is_plain) && doubt(text).is_some() {
        return false;
    }
    let names = text.strip_prefix('/').unwrap_or(text);
    !starts_oddly(text) && names.split('/').all(|name| !matches!(name, "" | "." | ".."))
}

/// What stands in nearly all paths and raises no doubt.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'_' | b'-' | b'+' | b',' | b'=' | b'@')
}

fn starts_oddly(text: &str) -> bool {
    text.starts_with(['~', '-'])
}

/// What tools disagree about.
fn doubt(text: &str) -> Option<Rejection> {
    if has_hidden(text) || text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace) {
        return Some(Rejection::Ambiguous("a path without control or hidden characters, or white space at its ends"));
    }
    if text.contains('\\') {
        return Some(Rejection::Ambiguous("a path whose separators are `/`"));
    }
    if has_encoding(text) || text.contains("://") {
        return Some(Rejection::Ambiguous("a path, not a URL or an encoded one"));
    }
    let is_odd = stands_for_ascii(text) || !is_composed(text);
    is_odd.then_some(Rejection::Ambiguous("a path in composed Unicode without characters that stand for others"))
}

/// Whether text has `%` before two hexadecimal digits.
pub(super) fn has_encoding(text: &str) -> bool {
    text.as_bytes()
        .windows(3)
        .any(|three| matches!(three, [b'%', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit()))
}

fn reject(text: &str) -> Rejection {
    if text.is_empty() {
        return Rejection::Format("a path such as `/data/report.txt`");
    }
    if starts_oddly(text) {
        return Rejection::Ambiguous("a path that does not start with `~` or `-`, such as its absolute form");
    }
    if let Some(rejection) = doubt(text) {
        return rejection;
    }
    if text.split('/').any(|name| name == "..") {
        return Rejection::Ambiguous("a path without `..`");
    }
    canonical(text)
}

/// The canonical spelling, by the parser that takes `.` and empty names away.
fn canonical(text: &str) -> Rejection {
    let normal = typed_path::Utf8UnixPath::new(text).normalize();
    let spelled = if normal.as_str().is_empty() { "." } else { normal.as_str() };
    if is_canonical(spelled) {
        Rejection::NotCanonical(spelled.to_owned())
    } else {
        Rejection::Ambiguous("a path that every tool reads alike")
    }
}
