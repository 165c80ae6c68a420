//! Is a bundle with tasks read, whatever stands in its files?
//!
//! The input is text: files one after the other, each behind a line `=== path`. Whatever it is, reading returns, with
//! findings whose places are in the texts; and what loads has a JSON form and printed schemas that Cedar parses.
//!
//! Read next: `arguments.rs`.

use std::ops::ControlFlow;

use agentpdp_cedar::bundle::{Sources, delegation_json, load};
use agentpdp_cedar::stack;
use cedar_policy::Schema;

use crate::bundle::check_place;
use crate::text;

/// Reads one bundle.
pub fn run(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let files = files(text);
    let sources = Sources { seed: 7, ..Sources::of_files(files.clone()) };
    let loaded = load(&sources, &mut |_, _| ControlFlow::Continue(()));
    for finding in &loaded.findings {
        if let Some((_, text)) = files.iter().rev().find(|(path, _)| **path == *finding.file) {
            check_place(finding, text);
        }
    }
    if loaded.compiled.is_none() {
        assert!(loaded.findings.iter().any(|finding| finding.is_error()), "not loaded, and nothing is wrong");
        return;
    }
    let Some(delegation) = &loaded.delegation else { return };
    assert!(delegation_json(&sources, &loaded).is_some(), "no JSON form");
    for task in [None].into_iter().chain(delegation.tasks().map(Some)) {
        let printed = delegation.schema_text(task).unwrap_or_else(|| panic!("{task:?} has no schema"));
        let parsed =
            stack::run(|| Schema::from_cedarschema_str(&printed).map(|_| ()).map_err(|error| error.to_string()));
        assert_eq!(parsed.unwrap(), Ok(()), "{printed}");
    }
}

/// The files of a text, the last one of a path.
fn files(text: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = Vec::new();
    for part in text.split("=== ").skip(1) {
        let (path, text) = part.split_once('\n').unwrap_or((part, ""));
        files.retain(|(known, _)| known != path);
        files.push((path.to_owned(), text.to_owned()));
    }
    files
}
