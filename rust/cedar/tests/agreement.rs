//! Law: for the same policies, entities and request, decision, reasons and erring policies are Cedar's.
//!
//! Random cases from a seed go through Cedar's own authorizer and through the core, by the index and without it; which
//! entities and requests are refused must agree, too. `AGREEMENT_CASES` sets the number of policy sets (each with
//! several requests), `AGREEMENT_SEED` where to start: a failure prints the seed of its case.
//!
//!     AGREEMENT_CASES=100000 cargo test --release -p agentpdp-cedar --test agreement -- --nocapture

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test fails by a panic
#![allow(clippy::cast_possible_truncation)] // numbers here are small

#[path = "agreement/data.rs"]
mod data;
#[path = "agreement/generate.rs"]
mod generate;
#[path = "agreement/ours.rs"]
mod ours;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::str::FromStr;

use cedar_policy::{
    AuthorizationError, Authorizer, Context, Entities, EntityId, EntityTypeName, EntityUid, EvaluationError, PolicyId,
    PolicySet, Request, Schema, SlotId,
};
use data::{SCHEMA, context, context_of_schema, entities, entities_of_schema};
use generate::{ACTIONS, IDS, Random, TYPES, policy};
use ours::{Answered, Ours};

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// What the cases covered.
#[derive(Default, Debug)]
struct Coverage {
    counts: BTreeMap<&'static str, usize>,
    operators: BTreeMap<&'static str, usize>,
}

const OPERATORS: [&str; 47] = [
    " && ",
    " || ",
    "(!",
    "(-",
    " == ",
    " != ",
    " < ",
    " <= ",
    " > ",
    " >= ",
    " + ",
    " - ",
    " * ",
    " in ",
    " has ",
    " has r.",
    " like ",
    " is ",
    "if ",
    ".contains(",
    ".containsAll(",
    ".containsAny(",
    ".isEmpty(",
    ".getTag(",
    ".hasTag(",
    "decimal(",
    "ip(",
    "datetime(",
    "duration(",
    ".lessThan(",
    ".lessThanOrEqual(",
    ".greaterThan(",
    ".greaterThanOrEqual(",
    ".isIpv4(",
    ".isIpv6(",
    ".isLoopback(",
    ".isMulticast(",
    ".isInRange(",
    ".offset(",
    ".durationSince(",
    ".toDate(",
    ".toTime(",
    ".toMilliseconds(",
    ".toSeconds(",
    ".toMinutes(",
    ".toHours(",
    ".toDays(",
];

impl Coverage {
    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    fn policies(&mut self, text: &str) {
        for operator in OPERATORS {
            if text.contains(operator) {
                *self.operators.entry(operator).or_default() += 1;
            }
        }
    }
}

/// Type name and id.
type Uid = (String, String);

/// One policy set over one store.
struct Case {
    policies: String,
    entities: serde_json::Value,
    has_schema: bool,
    /// Template, name of the link, principal, resource.
    links: Vec<(String, String, Option<Uid>, Option<Uid>)>,
}

fn make(random: &mut Random) -> Case {
    let has_schema = random.one_in(3);
    let (mut policies, mut links) = (String::new(), Vec::new());
    for number in 0..2 + random.below(8) {
        let slots = match random.below(8) {
            0 => (true, false),
            1 => (true, true),
            _ => (false, false),
        };
        let text = policy(random, slots);
        let slots = (text.contains("?principal"), text.contains("?resource"));
        policies.push_str(&text);
        if slots.0 || slots.1 {
            for link in 0..1 + random.below(2) {
                let mut some = |wanted: bool| wanted.then(|| uid(random, &TYPES));
                let (principal, resource) = (some(slots.0), some(slots.1));
                links.push((format!("policy{number}"), format!("link{number}.{link}"), principal, resource));
            }
        }
    }
    random.mistakes = 400;
    let entities = if has_schema { entities_of_schema(random) } else { entities(random) };
    random.mistakes = 60;
    Case { policies, entities, has_schema, links }
}

fn uid(random: &mut Random, types: &[&str]) -> Uid {
    // The ids are written as Cedar text; the requests need them plain.
    (random.pick(types).to_owned(), random.pick(&IDS).replace("\\\"", "\""))
}

fn cedar_uid(uid: &Uid) -> EntityUid {
    EntityUid::from_type_name_and_id(EntityTypeName::from_str(&uid.0).unwrap(), EntityId::new(&uid.1))
}

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

fn link(set: &mut PolicySet, case: &Case) {
    for (template, name, principal, resource) in &case.links {
        let mut values = HashMap::new();
        if let Some(uid) = principal {
            values.insert(SlotId::principal(), cedar_uid(uid));
        }
        if let Some(uid) = resource {
            values.insert(SlotId::resource(), cedar_uid(uid));
        }
        set.link(PolicyId::new(template), PolicyId::new(name), values).unwrap();
    }
}

/// Runs one case; a difference is the error.
fn run(seed: u64, schema: &Schema, coverage: &mut Coverage) -> Result<(), String> {
    let mut random = Random::new(seed);
    let case = make(&mut random);
    coverage.policies(&case.policies);
    let mut set = PolicySet::from_str(&case.policies).map_err(|error| format!("generated text: {error}"))?;
    link(&mut set, &case);
    let cedar_schema = case.has_schema.then_some(schema);
    let entities = Entities::from_json_value(case.entities.clone(), cedar_schema);
    let ours = Ours::load(&case.policies, &case.entities, case.has_schema);
    let (entities, ours) = match (entities, ours) {
        (Ok(entities), Ok(ours)) => (entities, ours),
        (Err(_), Err(_)) => {
            coverage.count("entities refused");
            return Ok(());
        }
        (Ok(_), Err(findings)) => return Err(format!("Cedar takes the entities, we do not: {findings}")),
        (Err(error), Ok(_)) => return Err(format!("we take the entities, Cedar does not: {error}")),
    };
    for (template, name, principal, resource) in &case.links {
        ours.link(template, name, principal.as_ref(), resource.as_ref());
    }
    for _ in 0..6 {
        let asked = Asked::make(&mut random, case.has_schema);
        asked.run(cedar_schema, &set, &entities, &ours, coverage).map_err(|error| format!("{error}; {asked:?}"))?;
    }
    Ok(())
}

/// One request.
#[derive(Debug)]
struct Asked {
    principal: Uid,
    action: &'static str,
    resource: Uid,
    context: serde_json::Value,
}

impl Asked {
    fn make(random: &mut Random, has_schema: bool) -> Self {
        let action = ACTIONS[random.below(ACTIONS.len())];
        let (principals, resources): (&[&str], &[&str]) =
            if has_schema && !random.one_in(12) { (&["User"], &["Doc"]) } else { (&TYPES, &TYPES) };
        let (principal, resource) = (uid(random, principals), uid(random, resources));
        let context = if has_schema { context_of_schema(random, action) } else { context(random) };
        Self { principal, action, resource, context }
    }

    fn run(
        &self,
        schema: Option<&Schema>,
        set: &PolicySet,
        entities: &Entities,
        ours: &Ours,
        coverage: &mut Coverage,
    ) -> Result<(), String> {
        let action = cedar_uid(&("Action".to_owned(), self.action.to_owned()));
        let request = Context::from_json_value(self.context.clone(), schema.map(|schema| (schema, &action)))
            .map_err(|error| error.to_string())
            .and_then(|context| {
                let (principal, resource) = (cedar_uid(&self.principal), cedar_uid(&self.resource));
                Request::new(principal, action.clone(), resource, context, schema).map_err(|error| error.to_string())
            });
        match (request, ours.ask(&self.principal, self.action, &self.resource, &self.context)?) {
            (Err(_), None) => coverage.count("request refused"),
            (Err(error), Some(_)) => return Err(format!("we take the request, Cedar does not: {error}")),
            (Ok(_), None) => return Err("Cedar takes the request, we do not".to_owned()),
            (Ok(request), Some(answered)) => compare(set, entities, &request, &answered, coverage)?,
        }
        Ok(())
    }
}

fn compare(
    set: &PolicySet,
    entities: &Entities,
    request: &Request,
    answered: &Answered,
    coverage: &mut Coverage,
) -> Result<(), String> {
    let response = Authorizer::new().is_authorized(request, set, entities);
    let allowed = response.decision() == cedar_policy::Decision::Allow;
    let reasons: BTreeSet<String> = response.diagnostics().reason().map(ToString::to_string).collect();
    let errors: BTreeMap<String, &str> = response
        .diagnostics()
        .errors()
        .map(|AuthorizationError::PolicyEvaluationError(error)| (error.policy_id().to_string(), code(error.inner())))
        .collect();
    coverage.count(if allowed { "allow" } else { "deny" });
    coverage.count(["no reason", "one reason", "several reasons"][reasons.len().min(2)]);
    if !errors.is_empty() {
        coverage.count("with errors");
    }
    for code in errors.values() {
        coverage.count(code);
    }
    if allowed != answered.allowed || reasons != answered.reasons || errors != answered.errors {
        return Err(format!("Cedar: {allowed} {reasons:?} {errors:?}; we: {answered:?}"));
    }
    Ok(())
}

#[test]
fn decisions_reasons_and_errors_are_cedars() {
    let (cases, first) = (setting("AGREEMENT_CASES", 1_500), setting("AGREEMENT_SEED", 1));
    let schema = Schema::from_str(SCHEMA).unwrap();
    let mut coverage = Coverage::default();
    for seed in first..first + cases {
        if let Err(difference) = run(seed, &schema, &mut coverage) {
            let case = make(&mut Random::new(seed));
            panic!("seed {seed}: {difference}\n{}\nlinks {:?}\nentities {}", case.policies, case.links, case.entities);
        }
    }
    println!("{cases} cases: {:#?}", coverage.counts);
    println!("cases that hold an operator: {:?}", coverage.operators);
    if cases >= 1_000 {
        for operator in OPERATORS {
            let holds = coverage.operators.get(operator).copied().unwrap_or(0);
            assert!(holds * 100 >= cases as usize, "`{operator}` is in {holds} of {cases} cases only");
        }
        for what in ["allow", "deny", "several reasons", "with errors", "request refused", "entities refused"] {
            assert!(coverage.counts.contains_key(what), "no case of: {what}");
        }
    }
}
