//! What stands against a policy of a bundle with tasks?
//!
//! Cedar's strict validation, and what it lets pass although it silently removes a limit.
//!
//! Read next: `bundle.rs`.

use cedar_policy_core::ast::{ActionConstraint, Effect, Template};
use cedar_policy_core::parser::Loc;

use crate::diagnostics::{error_code, warning_code};
use crate::environments::Asked;
use crate::finding::{Code, Finding};
use crate::judge::Judge;
use crate::nearest::did_you_mean;
use crate::observe::Never;
use crate::policies::{PolicyFile, validity};
use crate::whole_records::whole_records;

/// The findings of one policy.
pub(crate) fn findings(judge: &Judge<'_>, asked: &Asked, template: &Template, file: &PolicyFile<'_>) -> Vec<Finding> {
    let start = template.loc().map_or(0, Loc::start);
    let at = |code, place, message: String, advice: &str| {
        Finding::new(code, file.name, message, advice).at(&file.lines, place)
    };
    let mut found = Vec::new();
    if matches!(asked, Asked::Task { .. }) {
        if template.effect() == Effect::Permit && matches!(template.action_constraint(), ActionConstraint::Any) {
            let message = "a permit of a task does not name its actions".to_owned();
            found.push(at(
                Code::PermitUnscoped,
                start,
                message,
                "write `action == Action::\"…\"` or `action in [Action::\"…\", …]`",
            ));
            return found;
        }
        if template.slots().next().is_some() {
            let message = "a policy of a task has slots, and nothing links it".to_owned();
            found.push(at(
                Code::TemplateInTask,
                start,
                message,
                "give the task a parameter, and compare with `context.grant.params`",
            ));
            return found;
        }
    }
    for (place, record) in template.non_scope_constraints().map(whole_records).unwrap_or_default() {
        let message = format!("`{record}` is used as a whole");
        found.push(at(Code::RecordWhole, place, message, "name an attribute of it, or ask for one with `has`"));
    }
    let judgement = judge.judge(template, asked);
    found.extend(judgement.warnings.iter().map(|warning| validity(warning_code(warning), file, warning)));
    let is_valid = judgement.errors.is_empty();
    found.extend(judgement.errors.iter().map(|error| validity(error_code(error), file, error)));
    for (place, what) in &judgement.open_reads {
        let message = format!("the forbid reads {what}, and an unknown one has none");
        let advice = "ask `has` of it first, so that the policy says what holds of an unknown one; or compare with `==`, `is` and `contains`";
        found.push(at(Code::OpenRead, place.unwrap_or(start), message, advice));
    }
    let never = judgement.observations.never();
    if is_valid && never.is_empty() && !judgement.applies {
        let message = "no request can satisfy the policy: its scope or its condition fits none of the actions with their principals and resources";
        found.push(at(Code::PolicyInapplicable, start, message.to_owned(), inapplicable_advice(asked)));
    }
    for never in &never {
        let (message, advice) = explain(never);
        found.push(at(never.code, never.at, message, &advice));
    }
    found
}

fn inapplicable_advice(asked: &Asked) -> &'static str {
    match asked {
        Asked::Ceiling => "see `agentpdp schema` for what each action applies to",
        Asked::Task { .. } => {
            "in a task `principal` is the agent, the person is `context.grant.principal`; a task is asked for tools and for `delegate.<task>`, never for `start.<task>`, `approve` or `revoke`"
        }
    }
}

fn explain(never: &Never) -> (String, String) {
    let what = never.what.escape_debug();
    if never.code == Code::HasUndeclared && never.known.is_empty() && never.what == "tags" {
        let message = "nothing declares tags here, so `hasTag` is always false".to_owned();
        return (message, "declare `tags` of the entity type in the schema, or read an attribute".to_owned());
    }
    if never.code == Code::HasUndeclared {
        let message = format!("nothing declares an attribute `{what}` here, so `has` is always false");
        return (message, did_you_mean(&never.what, never.known.iter().map(String::as_str), "declared are"));
    }
    let message = format!("{} never match", never.what);
    (message, "compare entities of types that can be equal, or in one another".to_owned())
}
