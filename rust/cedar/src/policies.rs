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
use cedar_policy_core::ast::{Effect, PolicySet, Template};
use cedar_policy_core::parser::{Loc, parse_policyset};
use cedar_policy_core::validator::{ValidationMode, Validator};

use crate::convert::{ConvertError, Unconvertible, convert};
use crate::diagnostics::{error_code, finding, findings, warning_code, without_policy};
use crate::environments::Asked;
use crate::finding::{Code, Finding, Lines};
use crate::judge::Judge;
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

/// By what policies are judged.
pub(crate) enum Checks<'r> {
    /// By nothing: the bundle has no schema.
    Nothing,
    /// By Cedar's validator, in a plain bundle.
    Plain(&'r Validator),
    /// As policies of a bundle with tasks: by whom, whose they are, and the task's name; by nobody where what they would be
    /// judged by is wrong itself.
    Tasks(Option<&'r Judge<'r>>, Asked, Option<Arc<str>>),
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
    pub(crate) checks: Checks<'r>,
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
pub(crate) struct PolicyFile<'f> {
    pub(crate) name: &'f Arc<str>,
    pub(crate) lines: Lines<'f>,
    /// Findings of the validator so far.
    validity: usize,
}

impl PolicyReader<'_> {
    /// Reads one file. What is wrong with it is in the findings.
    pub(crate) fn read(&mut self, name: &Arc<str>, text: &str) {
        if let Some(set) = parse(name, text, &mut self.findings) {
            self.read_set(name, text, &set);
        }
    }

    /// Reads what a file was parsed to.
    pub(crate) fn read_set(&mut self, name: &Arc<str>, text: &str, set: &PolicySet) {
        let mut file = PolicyFile { name, lines: Lines::of(text), validity: 0 };
        for template in set.all_templates() {
            self.read_policy(template, &mut file);
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
        let step_up = self.step_up(template, &id, file, start);
        match convert(template, id.clone(), self.store) {
            Ok(source) if is_named => self.sources.push(PolicySource { step_up, ..source }),
            Ok(_) => {}
            Err(error) => self.findings.push(unconvertible(error, file, start).of_policy(Some(id))),
        }
    }

    /// The role that `@step_up` names.
    fn step_up(&mut self, template: &Template, id: &Arc<str>, file: &PolicyFile<'_>, start: usize) -> Option<Arc<str>> {
        let step_up = annotation(template, "step_up")?;
        let place = step_up.loc.as_ref().map_or(start, Loc::start);
        let (code, message, advice) = match self.checks {
            Checks::Nothing | Checks::Plain(_) => (
                Code::StepUpUnsupported,
                "`@step_up` needs a bundle with tasks",
                "take the annotation away; without it the `forbid` denies and nobody is asked",
            ),
            Checks::Tasks(..) if template.effect() == Effect::Permit => (
                Code::StepUpMisplaced,
                "`@step_up` stands on a permit",
                "write a `forbid` with `@step_up` for what a person must approve, beside a plain `permit`",
            ),
            Checks::Tasks(..) if step_up.val.trim().is_empty() => (
                Code::StepUpMisplaced,
                "`@step_up` names no role",
                "write who approves, as in `@step_up(\"finance-lead\")`",
            ),
            Checks::Tasks(..) => return Some(Arc::from(&*step_up.val)),
        };
        let finding = Finding::new(code, file.name, message, advice).at(&file.lines, place);
        self.findings.push(finding.of_policy(Some(id.clone())));
        None
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
            (Ids::Annotation, Some(id)) if is_policy_id(&id.val) => match &self.checks {
                Checks::Tasks(_, _, Some(task)) => Arc::from(format!("{task}/{}", id.val)),
                _ => Arc::from(&*id.val),
            },
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
        if file.validity >= FINDINGS_MAX {
            return;
        }
        let found = match &self.checks {
            Checks::Nothing | Checks::Tasks(None, ..) => return,
            Checks::Plain(validator) => validated(validator, template, file),
            Checks::Tasks(Some(judge), asked, _) => crate::strict::findings(judge, asked, template, file),
        };
        let mut found: Vec<Finding> = found.into_iter().map(|finding| finding.of_policy(id.cloned())).collect();
        // The validator's order is that of a hash table.
        let key = |finding: &Finding| (finding.line, finding.column, finding.code);
        found.sort_by(|left, right| (key(left), &left.message).cmp(&(key(right), &right.message)));
        found.dedup();
        found.truncate(FINDINGS_MAX.saturating_sub(file.validity));
        file.validity = file.validity.saturating_add(found.len());
        self.validity.extend(found);
    }
}

/// What a file holds; nothing where it is no Cedar.
pub(crate) fn parse(name: &Arc<str>, text: &str, found: &mut Vec<Finding>) -> Option<PolicySet> {
    if let Err(finding) = measure(name, text, Language::Policies) {
        found.push(*finding);
        return None;
    }
    match parse_policyset(text) {
        Ok(set) => Some(set),
        Err(errors) => {
            found.extend(findings(Code::PolicySyntax, name, &Lines::of(text), &errors));
            None
        }
    }
}

fn validated(validator: &Validator, template: &Template, file: &PolicyFile<'_>) -> Vec<Finding> {
    let mut set = PolicySet::new();
    // A set that is empty takes any policy.
    let _ = set.add_template(template.clone());
    let (errors, warnings) = validator.validate(&set, ValidationMode::Strict).into_errors_and_warnings();
    let errors = errors.map(|error| validity(error_code(&error), file, &error));
    errors.chain(warnings.map(|warning| validity(warning_code(&warning), file, &warning))).collect()
}

/// What the validator says, without the name of the policy in it.
pub(crate) fn validity(code: Code, file: &PolicyFile<'_>, diagnostic: &dyn miette::Diagnostic) -> Finding {
    let finding = finding(code, file.name, &file.lines, diagnostic);
    Finding { message: without_policy(&finding.message).to_owned(), ..finding }
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
