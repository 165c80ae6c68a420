//! Law: every input that was kept is taken by its target.
//!
//! `fuzz/corpus_kept` has a folder for each target: inputs written by hand for an edge, and inputs that once crashed or
//! first reached something. Here each goes through its target on the stable toolchain; a failure names the file.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by a panic

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use agentpdp_fuzz::TARGETS;

fn kept(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus_kept").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn every_kept_input_is_taken() {
    let mut failed = Vec::new();
    for (name, run) in TARGETS {
        let files = kept(name);
        assert!(!files.is_empty(), "nothing is kept for `{name}`");
        for file in files {
            let bytes = fs::read(&file).unwrap();
            if catch_unwind(|| run(&bytes)).is_err() {
                failed.push(format!("{name}/{}", file.file_name().unwrap().display()));
            }
        }
    }
    assert!(failed.is_empty(), "these fail, for the reasons above: {failed:?}");
}

#[test]
fn every_kept_folder_has_a_target() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus_kept");
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name();
        assert!(TARGETS.iter().any(|(target, _)| name == **target), "no target {}", name.display());
    }
}
