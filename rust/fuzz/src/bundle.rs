//! Is a bundle read as Cedar reads it?
//!
//! The input is text: policies and, behind a line `---`, a schema. Whatever it is, reading returns, with findings whose
//! places are in the text; and unless we are stricter on purpose, what passes is what passes Cedar's parser and, where
//! there is a schema, its strict validator.
//!
//! Read next: `entities.rs`.

use std::ops::ControlFlow;
use std::str::FromStr;

use agentpdp_cedar::bundle::{Ids, Loaded, Sources, load};
use agentpdp_cedar::finding::{Code, Finding};
use agentpdp_cedar::stack;
use agentpdp_core::authorize::OnError;
use cedar_policy::{PolicySet, Schema, ValidationMode, Validator};

use crate::text;

const POLICIES: &str = "policies.cedar";

/// Where we refuse what Cedar takes: limits, what is to come, and a scope that fits no action, of which Cedar only warns.
const STRICTER: [Code; 8] = [
    Code::TextTooLarge,
    Code::NestedTooDeep,
    Code::ChainTooLong,
    Code::LimitReached,
    Code::NoStack,
    Code::SchemaTooLarge,
    Code::StepUpUnsupported,
    Code::PolicyInapplicable,
];

/// Whether a finding says that we refuse what Cedar may take.
pub(crate) fn is_stricter(finding: &Finding) -> bool {
    STRICTER.contains(&finding.code)
}

/// Reads one bundle.
pub fn run(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let (policies, schema) = match text.split_once("\n---\n") {
        Some((policies, schema)) => (policies, Some(schema)),
        None => (text, None),
    };
    let ours = read(policies, schema);
    for finding in &ours.findings {
        check_place(finding, if *finding.file == *POLICIES { policies } else { schema.unwrap_or("") });
    }
    if ours.findings.iter().any(is_stricter) {
        return;
    }
    let theirs = stack::run(|| passes(policies, schema)).unwrap();
    assert_eq!(ours.compiled.is_some(), theirs.is_ok(), "ours: {:?}, theirs: {theirs:?}", ours.findings);
}

fn read(policies: &str, schema: Option<&str>) -> Loaded {
    let sources = Sources {
        policies: vec![(POLICIES.to_owned(), policies.to_owned())],
        schema: schema.map(|schema| ("schema.cedarschema".to_owned(), schema.to_owned())),
        entities: None,
        on_error: OnError::Deny,
        ids: Ids::Position,
        validate: true,
        seed: 7,
        ..Sources::default()
    };
    load(&sources, &mut |_, _| ControlFlow::Continue(()))
}

/// A finding's place is in its text.
pub(crate) fn check_place(finding: &Finding, text: &str) {
    let lines: Vec<&str> = text.split('\n').collect();
    let (Some(line), Some(column)) = (finding.line, finding.column) else { return };
    let found = lines.get(usize::try_from(line).unwrap().wrapping_sub(1));
    let length = found.unwrap_or_else(|| panic!("no line {line}: {finding}")).chars().count();
    assert!(column >= 1 && usize::try_from(column).unwrap() <= length + 1, "no column {column}: {finding}");
}

/// Whether Cedar's parser and strict validator let it pass; the error says why not.
fn passes(policies: &str, schema: Option<&str>) -> Result<(), String> {
    let schema = schema.map(Schema::from_str).transpose().map_err(|error| error.to_string());
    let set = PolicySet::from_str(policies).map_err(|error| error.to_string())?;
    let Some(schema) = schema? else { return Ok(()) };
    let found = Validator::new(schema).validate(&set, ValidationMode::Strict);
    match found.validation_errors().next() {
        None => Ok(()),
        Some(error) => Err(error.to_string()),
    }
}
