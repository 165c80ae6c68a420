//! What do Cedar's own errors and warnings look like as findings?
//!
//! Cedar says what is wrong, where, and often what would help; this module keeps all three and adds a code.
//! Read next: `policies.rs`.

use std::sync::Arc;

use cedar_policy_core::validator::{ValidationError, ValidationWarning};
use miette::Diagnostic;

use crate::finding::{Code, Finding, Lines};
use crate::limits::FINDINGS_MAX;

/// A diagnostic of Cedar's and those that came with it.
pub(crate) fn findings(code: Code, file: &Arc<str>, lines: &Lines<'_>, diagnostic: &dyn Diagnostic) -> Vec<Finding> {
    let mut found = vec![finding(code, file, lines, diagnostic)];
    let related = diagnostic.related().into_iter().flatten();
    found.extend(related.take(FINDINGS_MAX).map(|related| finding(code, file, lines, related)));
    found
}

/// One diagnostic of Cedar's.
pub(crate) fn finding(code: Code, file: &Arc<str>, lines: &Lines<'_>, diagnostic: &dyn Diagnostic) -> Finding {
    let label = diagnostic.labels().and_then(|mut labels| labels.next());
    let expected = label.as_ref().and_then(|label| label.label()).map(str::to_owned);
    let help = diagnostic.help().map(|help| help.to_string());
    let advice: Vec<String> = expected.into_iter().chain(help).collect();
    let text = diagnostic.to_string();
    let message = text.strip_prefix("error parsing schema: ").unwrap_or(&text);
    let advice = if advice.is_empty() { advice_for(code).to_owned() } else { advice.join("; ") };
    let finding = Finding::new(code, file, message, advice);
    match label {
        Some(label) => finding.at(lines, label.offset()),
        None => finding,
    }
}

/// What would help where Cedar does not say.
fn advice_for(code: Code) -> &'static str {
    match code {
        Code::PolicyInapplicable => {
            "no action of the schema applies to such a principal and such a resource: see the scope, and `appliesTo`"
        }
        Code::PolicyImpossible => "its scope and conditions never hold together: change them, or take the policy out",
        Code::TypeUnexpected => "change the operand, or its type in the schema",
        Code::TypesIncompatible => "compare and choose among values of one type",
        Code::EntityTypeUnknown => "declare it in the schema, or write the name of one that is declared",
        Code::ActionUnknown => "declare it in the schema, or write one that is declared",
        _ => "",
    }
}

/// Takes away what Cedar's message says of the policy: the finding names it.
pub(crate) fn without_policy(message: &str) -> &str {
    let Some(rest) = message.strip_prefix("for policy `") else { return message };
    // Policies have Cedar's own numbered ids here, which hold no backtick.
    match rest.split_once('`') {
        Some((_, rest)) => rest.trim_start_matches([',', ':', ' ']),
        None => message,
    }
}

/// The code of an error of the validator.
pub(crate) fn error_code(error: &ValidationError) -> Code {
    match error {
        ValidationError::UnrecognizedEntityType(_) => Code::EntityTypeUnknown,
        ValidationError::UnrecognizedActionId(_) => Code::ActionUnknown,
        ValidationError::UnexpectedType(_) => Code::TypeUnexpected,
        ValidationError::IncompatibleTypes(_) => Code::TypesIncompatible,
        ValidationError::UnsafeAttributeAccess(_) => Code::AttributeUnknown,
        ValidationError::UnsafeOptionalAttributeAccess(_) => Code::AttributeUnguarded,
        ValidationError::UnsafeTagAccess(_) => Code::TagUnguarded,
        ValidationError::NoTagsAllowed(_) => Code::TagsUndeclared,
        ValidationError::UndefinedFunction(_) => Code::FunctionUnknown,
        ValidationError::WrongNumberArguments(_) => Code::ArgumentCount,
        ValidationError::FunctionArgumentValidation(_) => Code::ArgumentInvalid,
        ValidationError::EmptySetForbidden(_) => Code::SetEmpty,
        ValidationError::NonLitExtConstructor(_) => Code::ArgumentNotLiteral,
        ValidationError::InvalidEnumEntity(_) => Code::EntityIdUnknown,
        ValidationError::InternalInvariantViolation(_)
        | ValidationError::EntityDerefLevelViolation(_)
        | ValidationError::IncompleteSchema(_) => Code::PolicyInvalid,
    }
}

/// The code of a warning of the validator.
pub(crate) fn warning_code(warning: &ValidationWarning) -> Code {
    match warning {
        ValidationWarning::MixedScriptString(_)
        | ValidationWarning::BidiCharsInString(_)
        | ValidationWarning::BidiCharsInIdentifier(_)
        | ValidationWarning::MixedScriptIdentifier(_)
        | ValidationWarning::ConfusableIdentifier(_) => Code::TextConfusable,
        ValidationWarning::ImpossiblePolicy(_) => Code::PolicyImpossible,
        // A warning since Cedar 4.11. A rule that applies to nothing is a mistake of who wrote it, and a forbid that
        // applies to nothing is an open gate, so it stays the error that it was.
        ValidationWarning::InvalidActionApplication(_) => Code::PolicyInapplicable,
    }
}
