//! The core's side of the comparison.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use agentpdp_cedar::bundle::{Ids, Sources, load};
use agentpdp_cedar::input::read_one;
use agentpdp_cedar::values::read_value;
use agentpdp_core::authorize::{Diagnostics, OnError, conclude};
use agentpdp_core::decision::{Answer, Verdict};
use agentpdp_core::engine::{Engine, SlotUids, Snapshot};
use agentpdp_core::evaluate::{Call, Failure, Temporaries};
use agentpdp_core::request::{Locals, check_parties, check_value};
use agentpdp_core::schema::Type;
use agentpdp_core::slots::{RecordPlan, Slot};
use agentpdp_core::value::{Record, Value, ValueRef};

use super::data::SCHEMA;

pub(crate) struct Ours(Engine);

#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) allowed: bool,
    pub(crate) reasons: BTreeSet<String>,
    pub(crate) errors: BTreeMap<String, &'static str>,
}

impl Ours {
    pub(crate) fn load(policies: &str, entities: &serde_json::Value, has_schema: bool) -> Result<Self, String> {
        let sources = Sources {
            policies: vec![("policies.cedar".to_owned(), policies.to_owned())],
            schema: has_schema.then(|| ("schema.cedarschema".to_owned(), SCHEMA.to_owned())),
            entities: Some(("entities.json".to_owned(), entities.to_string())),
            on_error: OnError::Cedar,
            ids: Ids::Position,
            validate: false,
            seed: 7,
            ..Sources::default()
        };
        let loaded = load(&sources, &mut |_, _| ControlFlow::Continue(()));
        let findings: Vec<String> = loaded.findings.iter().map(ToString::to_string).collect();
        loaded.compiled.map(|compiled| Self(Engine::new(compiled))).ok_or_else(|| findings.join("\n"))
    }

    pub(crate) fn link(
        &self,
        template: &str,
        name: &str,
        principal: Option<&(String, String)>,
        resource: Option<&(String, String)>,
    ) {
        let pair = |uid: Option<&'_ (String, String)>| uid.map(|(type_name, id)| (type_name.clone(), id.clone()));
        let (principal, resource) = (pair(principal), pair(resource));
        let slots = SlotUids {
            principal: principal.as_ref().map(|(type_name, id)| (type_name.as_str(), id.as_str())),
            resource: resource.as_ref().map(|(type_name, id)| (type_name.as_str(), id.as_str())),
        };
        self.0.link(&[(template, name, slots)]).unwrap();
    }

    /// What the core says; nothing if the request is refused.
    pub(crate) fn ask(
        &self,
        principal: &(String, String),
        action: &str,
        resource: &(String, String),
        context: &serde_json::Value,
    ) -> Result<Option<Answered>, String> {
        let snapshot = self.0.snapshot();
        let (compiled, store) = (self.0.compiled(), &snapshot.store);
        let mut locals = Locals::default();
        let mut number = |uid: &(String, String)| locals.resolve(store, uid.0.clone().into(), uid.1.clone().into());
        let action = number(&("Action".to_owned(), action.to_owned()));
        let (principal, resource) = (number(principal), number(resource));
        let entry = compiled.actions.get(&action);
        if compiled.schema.is_some() && entry.is_none() {
            return Ok(None);
        }
        let wanted = entry.map(|entry| Type::Record(entry.action.context.clone()));
        let input = read_one(&context.to_string()).unwrap();
        let mut resolve =
            |type_name: &str, id: &str| Ok(locals.resolve(store, type_name.to_owned().into(), id.to_owned().into()));
        let Ok(value) = read_value(&input, wanted.as_ref(), &mut resolve) else { return Ok(None) };
        let Value::Record(record) = &value else { return Ok(None) };
        if let (Some(schema), Some(entry), Some(wanted)) = (&compiled.schema, entry, &wanted)
            && (!check_value(value.borrow(), wanted, schema, store, &locals)
                || check_parties(&entry.action, principal, resource, schema, store, &locals).is_err())
        {
            return Ok(None);
        }
        let layout = entry.map_or(&*compiled.whole, |entry| &*entry.layout);
        let mut slots = vec![Slot::Unreachable; layout.slot_count];
        fill(&layout.context, record, &mut slots);
        let temporaries = Temporaries::default();
        let (slots, locals, temporaries) = (&slots[..], &locals, &temporaries);
        answer(&snapshot, &Call { store, locals, principal, action, resource, layout, slots, grant: None, temporaries })
            .map(Some)
    }
}

/// The core's answer by the index, which must be the one without it, and lead to the same verdict when cut short.
fn answer(snapshot: &Snapshot, call: &Call<'_>) -> Result<Answered, String> {
    let (mut answer, mut plain, mut short) = (Answer::default(), Answer::default(), Answer::default());
    snapshot.policies.answer(call, Diagnostics::Full, &mut answer);
    snapshot.policies.answer_without_index(call, &mut plain);
    snapshot.policies.answer(call, Diagnostics::Verdict, &mut short);
    let name = |policy| snapshot.policies.name(policy).to_owned();
    let (indexed, unindexed) = (describe(&answer, &name), describe(&plain, &name));
    if indexed != unindexed {
        return Err(format!("by the index {indexed:?}, without it {unindexed:?}"));
    }
    if [OnError::Cedar, OnError::Deny].into_iter().any(|rule| conclude(&short, rule) != conclude(&answer, rule)) {
        return Err(format!("with all diagnostics {answer:?}, for the verdict only {short:?}"));
    }
    let (permits, forbids, errors) = indexed;
    let reasons = if forbids.is_empty() { permits } else { forbids };
    let allowed = conclude(&answer, OnError::Cedar).verdict() == Verdict::Allow;
    Ok(Answered { allowed, reasons, errors })
}

type Described = (BTreeSet<String>, BTreeSet<String>, BTreeMap<String, &'static str>);

fn describe(answer: &Answer, name: &dyn Fn(agentpdp_core::authorize::PolicyId) -> String) -> Described {
    let names = |policies: &[_]| policies.iter().map(|policy| name(*policy)).collect();
    let failures = answer.errors();
    let errors = failures.map(|(policy, Failure { code, .. })| (name(*policy), code.name())).collect();
    (names(&answer.permits), names(&answer.forbids), errors)
}

/// Puts a context into a call's slots.
fn fill<'a>(plan: &RecordPlan, record: &'a Record, slots: &mut [Slot<'a>]) {
    if let Some(slot) = plan.slot {
        slots[usize::from(slot)] = Slot::Value(ValueRef::Record(record));
    }
    for attribute in &plan.attributes {
        match (record.get(&attribute.name), &attribute.inner) {
            (Some(Value::Record(record)), Some(inner)) => fill(inner, record, slots),
            (Some(value), _) => put(attribute.slot, Slot::Value(value.borrow()), slots),
            (None, _) => put(attribute.slot, Slot::Absent, slots),
        }
    }
    for slot in &plan.undeclared {
        slots[usize::from(*slot)] = Slot::Absent;
    }
}

fn put<'a>(slot: Option<u16>, content: Slot<'a>, slots: &mut [Slot<'a>]) {
    if let Some(slot) = slot {
        slots[usize::from(slot)] = content;
    }
}
