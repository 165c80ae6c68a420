//! What can go wrong, and how is it said?
//!
//! A sentence that names the file, so that whoever called this from a report knows where to look.

use std::fmt;
use std::path::Path;

/// Why nothing was measured.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// What is wrong with a file, or with a line of it.
    pub(crate) fn of(place: impl fmt::Display, what: impl fmt::Display) -> Self {
        Self(format!("`{place}`: {what}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The text of a file.
pub(crate) fn read(directory: &Path, name: &str) -> Result<String, Failure> {
    let path = directory.join(name);
    std::fs::read_to_string(&path).map_err(|error| Failure::of(path.display(), error))
}
