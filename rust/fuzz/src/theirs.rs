//! What does Cedar's own crate say?
//!
//! Read next: `draw.rs`.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::OnceLock;

use cedar_policy::{
    AuthorizationError, Authorizer, Context, Decision, Entities, EntityId, EntityTypeName, EntityUid, EvaluationError,
    PolicyId, PolicySet, Request, Schema, SlotId,
};

use crate::SCHEMA;
use crate::ours::{Answered, Asked, Link, Uid};

/// The fixed schema, parsed once.
pub(crate) fn schema() -> &'static Schema {
    static PARSED: OnceLock<Schema> = OnceLock::new();
    PARSED.get_or_init(|| Schema::from_str(SCHEMA).unwrap())
}

fn uid((type_name, id): &Uid) -> EntityUid {
    EntityUid::from_type_name_and_id(EntityTypeName::from_str(type_name).unwrap(), EntityId::new(id))
}

/// The policies with their links.
pub(crate) fn policies(text: &str, links: &[Link]) -> PolicySet {
    let mut set = PolicySet::from_str(text).unwrap_or_else(|error| panic!("drawn text is refused: {error}\n{text}"));
    for link in links {
        let slots = [(SlotId::principal(), &link.principal), (SlotId::resource(), &link.resource)];
        let values: HashMap<_, _> =
            slots.into_iter().filter_map(|(slot, value)| Some((slot, uid(value.as_ref()?)))).collect();
        set.link(PolicyId::new(&link.template), PolicyId::new(&link.name), values).unwrap();
    }
    set
}

/// The request; the error says why it is refused.
pub(crate) fn request(asked: &Asked, schema: Option<&Schema>) -> Result<Request, String> {
    let action = uid(&asked.action);
    let context = Context::from_json_str(&asked.context, schema.map(|schema| (schema, &action)));
    let context = context.map_err(|error| error.to_string())?;
    let request = Request::new(uid(&asked.principal), action, uid(&asked.resource), context, schema);
    request.map_err(|error| error.to_string())
}

/// The answer to a request.
pub(crate) fn ask(policies: &PolicySet, entities: &Entities, request: &Request) -> Answered {
    let response = Authorizer::new().is_authorized(request, policies, entities);
    let failures = response.diagnostics().errors();
    let failure =
        |AuthorizationError::PolicyEvaluationError(error): &_| (error.policy_id().to_string(), code(error.inner()));
    Answered {
        allowed: response.decision() == Decision::Allow,
        reasons: response.diagnostics().reason().map(ToString::to_string).collect(),
        errors: failures.map(failure).collect(),
    }
}

/// Our code for an error of Cedar's evaluator.
fn code(error: &EvaluationError) -> &'static str {
    match error {
        EvaluationError::EntityDoesNotExist(_) => "entity_missing",
        EvaluationError::EntityAttrDoesNotExist(error) if error.to_string().contains(" tag ") => "tag_missing",
        EvaluationError::EntityAttrDoesNotExist(_) | EvaluationError::RecordAttrDoesNotExist(_) => "attribute_missing",
        EvaluationError::IntegerOverflow(_) => "overflow",
        EvaluationError::FailedExtensionFunctionExecution(_) => "extension_error",
        _ => "type_error",
    }
}
