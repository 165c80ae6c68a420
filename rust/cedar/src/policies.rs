//! Which policies do these files hold, and under which names?
//!
//! Each file is measured, parsed once by Cedar and, where there is a schema, strictly validated; its policies get their
//! names from `@id`, or, for conformance work, by position as Cedar names them (`policy0`, `policy1` … over all files in
//! order). Static policies and templates alike become the core's [`PolicySource`].
//!
//! No other form of Cedar's is made on the way (its JSON and its `est` re-read the text of every policy), so loading
//! costs little more than Cedar's own parsing and validation.
//!
//! Read next: `bundle.rs`.

use std::collections::HashMap;
use std::sync::Arc;

use agentpdp_core::entities::Store;
use agentpdp_core::policies::PolicySource;
use cedar_policy_core::ast::{PolicySet, Template};
use cedar_policy_core::parser::{Loc, parse_policyset};
use cedar_policy_core::validator::{ValidationMode, Validator};

use crate::convert::{ConvertError, Unconvertible, convert};
use crate::diagnostics::{error_code, finding, findings, warning_code, without_policy};
use crate::finding::{Code, Finding, Lines};
use crate::limits::{FINDINGS_MAX, Language, measure};

/// Longest name of a policy or link, in bytes.
pub const POLICY_ID_BYTES_MAX: usize = 128;

/// Whether a text can name a policy or a link: `[A-Za-z0-9._-]{1,128}`.
#[must_use]
pub fn is_policy_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=POLICY_ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(allowed)
}

/// Where policies get their names from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Ids {
    /// From `@id`, which every policy must have.
    #[default]
    Annotation,
    /// By position, as Cedar does: `policy0`, `policy1` …
    Position,
}

/// A policy and where it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PolicyPlace {
    /// Its name.
    pub id: Arc<str>,
    /// Its file.
    pub file: Arc<str>,
    /// The line where it starts, counted from 1.
    pub line: u32,
    /// The column where it starts, counted from 1, in characters.
    pub column: u32,
    /// Whether it is a template.
    pub is_template: bool,
}

/// Reads files of policies into the core's form.
pub(crate) struct PolicyReader<'r> {
    pub(crate) ids: Ids,
    pub(crate) validator: Option<&'r Validator>,
    pub(crate) store: &'r mut Store,
    pub(crate) sources: Vec<PolicySource>,
    pub(crate) places: Vec<PolicyPlace>,
    pub(crate) findings: Vec<Finding>,
    /// What the validator says, apart: a bundle can be loaded against it.
    pub(crate) validity: Vec<Finding>,
    /// Place in `places` of every name so far.
    pub(crate) names: HashMap<Arc<str>, usize>,
}

/// One file while it is read.
struct PolicyFile<'f> {
    name: &'f Arc<str>,
    lines: Lines<'f>,
    /// Findings of the validator so far.
    validity: usize,
}

impl PolicyReader<'_> {
    /// Reads one file. What is wrong with it is in the findings.
    pub(crate) fn read(&mut self, name: &Arc<str>, text: &str) {
        if let Err(finding) = measure(name, text, Language::Policies) {
            self.findings.push(*finding);
            return;
        }
        let lines = Lines::of(text);
        match parse_policyset(text) {
            Err(errors) => self.findings.extend(findings(Code::PolicySyntax, name, &lines, &errors)),
            Ok(set) => {
                let mut file = PolicyFile { name, lines, validity: 0 };
                for template in set.all_templates() {
                    self.read_policy(template, &mut file);
                }
            }
        }
    }

    fn read_policy(&mut self, template: &Template, file: &mut PolicyFile<'_>) {
        let start = template.loc().map_or(0, Loc::start);
        let id = self.name(template, file, start);
        self.validate(template, id.as_ref(), file);
        // A policy without a name of its own is read all the same, for what else may be wrong with it.
        let is_named = id.is_some();
        let id = id.unwrap_or_else(|| Arc::from(template.id().as_ref()));
        let (line, column) = file.lines.place(start);
        let is_template = template.slots().next().is_some();
        self.places.push(PolicyPlace { id: id.clone(), file: file.name.clone(), line, column, is_template });
        if let Some(step_up) = annotation(template, "step_up") {
            let place = step_up.loc.as_ref().map_or(start, Loc::start);
            self.findings.push(
                Finding::new(
                    Code::StepUpUnsupported,
                    file.name,
                    "`@step_up` is not there yet",
                    "take the annotation away; without it the `forbid` denies and nobody is asked",
                )
                .at(&file.lines, place)
                .of_policy(Some(id.clone())),
            );
        }
        match convert(template, id.clone(), self.store) {
            Ok(source) if is_named => self.sources.push(source),
            Ok(_) => {}
            Err(error) => self.findings.push(unconvertible(error, file, start).of_policy(Some(id))),
        }
    }

    /// The name of a policy, unless something is wrong with it.
    fn name(&mut self, template: &Template, file: &PolicyFile<'_>, start: usize) -> Option<Arc<str>> {
        let annotated = annotation(template, "id");
        let place = match self.ids {
            Ids::Position => start,
            Ids::Annotation => annotated.and_then(|id| id.loc.as_ref()).map_or(start, Loc::start),
        };
        let id: Arc<str> = match (self.ids, annotated) {
            (Ids::Position, _) => Arc::from(format!("policy{}", self.names.len())),
            (Ids::Annotation, Some(id)) if is_policy_id(&id.val) => Arc::from(&*id.val),
            (Ids::Annotation, Some(_)) => {
                let advice = format!("an id is 1 to {POLICY_ID_BYTES_MAX} of `A-Z a-z 0-9 . _ -`");
                let finding = Finding::new(Code::PolicyIdInvalid, file.name, "this cannot name a policy", advice);
                self.findings.push(finding.at(&file.lines, place));
                return None;
            }
            (Ids::Annotation, None) => {
                let advice = "write `@id(\"some-name\")` before `permit` or `forbid`";
                let finding = Finding::new(Code::PolicyIdMissing, file.name, "the policy has no `@id`", advice);
                self.findings.push(finding.at(&file.lines, place));
                return None;
            }
        };
        if let Some(other) = self.names.get(&id).and_then(|other| self.places.get(*other)) {
            let message = format!("`{id}` names another policy, at {}:{}:{}", other.file, other.line, other.column);
            let finding =
                Finding::new(Code::PolicyIdDuplicate, file.name, message, "give each policy an id of its own");
            self.findings.push(finding.at(&file.lines, place).of_policy(Some(id)));
            return None;
        }
        self.names.insert(id.clone(), self.places.len());
        Some(id)
    }

    /// Validates one policy by itself: its findings are its own, and a file full of errors can be left in the middle
    /// (Cedar hashes the text of the whole file for every error).
    fn validate(&mut self, template: &Template, id: Option<&Arc<str>>, file: &mut PolicyFile<'_>) {
        let Some(validator) = self.validator.filter(|_| file.validity < FINDINGS_MAX) else { return };
        let mut set = PolicySet::new();
        // A set that is empty takes any policy.
        let _ = set.add_template(template.clone());
        let (errors, warnings) = validator.validate(&set, ValidationMode::Strict).into_errors_and_warnings();
        let mut found: Vec<Finding> = errors
            .map(|error| finding(error_code(&error), file.name, &file.lines, &error))
            .chain(warnings.map(|warning| finding(warning_code(&warning), file.name, &file.lines, &warning)))
            .map(|finding| Finding { message: without_policy(&finding.message).to_owned(), ..finding })
            .map(|finding| finding.of_policy(id.cloned()))
            .collect();
        // The validator's order is that of a hash table.
        let key = |finding: &Finding| (finding.line, finding.column, finding.code);
        found.sort_by(|left, right| (key(left), &left.message).cmp(&(key(right), &right.message)));
        found.dedup();
        found.truncate(FINDINGS_MAX.saturating_sub(file.validity));
        file.validity = file.validity.saturating_add(found.len());
        self.validity.extend(found);
    }
}

fn annotation<'t>(template: &'t Template, key: &str) -> Option<&'t cedar_policy_core::ast::Annotation> {
    template.annotations().find(|(name, _)| AsRef::<str>::as_ref(*name) == key).map(|(_, value)| value)
}

fn unconvertible(error: ConvertError, file: &PolicyFile<'_>, start: usize) -> Finding {
    let (code, message, advice) = match error.reason {
        Unconvertible::TooDeep => (
            Code::NestedTooDeep,
            format!("the expression is nested deeper than {}", agentpdp_core::expression::EXPRESSION_DEPTH_MAX),
            "split the condition into several policies",
        ),
        Unconvertible::Unknown => {
            (Code::FunctionUnknown, "this function is not known".to_owned(), "use one of Cedar's functions")
        }
        Unconvertible::TooManyUids => {
            (Code::LimitReached, "the bundle names more entities than an engine can hold".to_owned(), "name fewer")
        }
    };
    Finding::new(code, file.name, message, advice).at(&file.lines, error.offset.unwrap_or(start))
}
