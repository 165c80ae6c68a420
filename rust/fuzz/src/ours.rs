//! What does the engine say?
//!
//! Bundles are loaded by Cedar's own rules (names by position, erring forbids skipped, no validation), so that the
//! answers can be compared. A question is asked by the index, without it, and cut short; the three must agree.
//!
//! Read next: `theirs.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use agentpdp_cedar::bundle::{Ids, Loaded, Sources, load};
use agentpdp_cedar::input::read_one;
use agentpdp_cedar::values::read_value;
use agentpdp_core::authorize::{Diagnostics, OnError, Policies, PolicyId, conclude};
use agentpdp_core::decision::{Answer, Verdict};
use agentpdp_core::engine::{Compiled, Engine, SlotUids, Snapshot};
use agentpdp_core::evaluate::{Call, Temporaries};
use agentpdp_core::request::{Locals, check_parties, check_value};
use agentpdp_core::schema::Type;
use agentpdp_core::slots::{Layout, RecordPlan, Slot};
use agentpdp_core::value::{EntityId, Record, Value, ValueRef};

use crate::SCHEMA;

/// Type name and id.
pub(crate) type Uid = (String, String);

/// One question; the context is JSON text.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) principal: Uid,
    pub(crate) action: Uid,
    pub(crate) resource: Uid,
    pub(crate) context: String,
}

/// A link: template, name, and what its slots are filled with.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) template: String,
    pub(crate) name: String,
    pub(crate) principal: Option<Uid>,
    pub(crate) resource: Option<Uid>,
}

/// What either side answers: verdict, determining policies, erring policies with the code of the error.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Answered {
    pub(crate) allowed: bool,
    pub(crate) reasons: BTreeSet<String>,
    pub(crate) errors: BTreeMap<String, &'static str>,
}

/// A question in the core's form.
pub(crate) struct Read {
    pub(crate) principal: EntityId,
    pub(crate) action: EntityId,
    pub(crate) resource: EntityId,
    pub(crate) context: Value,
}

/// Reads a bundle whose schema, if there is to be one, is [`SCHEMA`].
pub(crate) fn read_bundle(policies: &str, entities: Option<&str>, has_schema: bool) -> Loaded {
    let sources = Sources {
        policies: vec![("policies.cedar".to_owned(), policies.to_owned())],
        schema: has_schema.then(|| ("schema.cedarschema".to_owned(), SCHEMA.to_owned())),
        entities: entities.map(|text| ("entities.json".to_owned(), text.to_owned())),
        on_error: OnError::Cedar,
        ids: Ids::Position,
        validate: false,
        seed: 7,
        ..Sources::default()
    };
    load(&sources, &mut |_, _| ControlFlow::Continue(()))
}

/// An engine with links over what was read.
pub(crate) fn engine(initial: Snapshot, links: &[Link]) -> Engine {
    let engine = Engine::new(initial);
    for link in links {
        let slots = SlotUids { principal: parts(link.principal.as_ref()), resource: parts(link.resource.as_ref()) };
        engine.link(&[(&link.template, &link.name, slots)]).unwrap();
    }
    engine
}

fn parts(uid: Option<&Uid>) -> Option<(&str, &str)> {
    uid.map(|(type_name, id)| (type_name.as_str(), id.as_str()))
}

/// How contexts of an action are laid out; none if the schema does not have it.
pub(crate) fn layout(compiled: &Compiled, action: EntityId) -> Option<&Layout> {
    match (&compiled.schema, compiled.actions.get(&action)) {
        (None, _) => Some(&compiled.whole),
        (Some(_), entry) => entry.map(|entry| &*entry.layout),
    }
}

/// Reads a question and checks it; nothing if it is refused.
pub(crate) fn read(
    compiled: &Compiled,
    snapshot: &Snapshot,
    asked: &Asked,
    locals: &mut Locals<'static>,
) -> Option<Read> {
    let store = &snapshot.store;
    let mut number = |uid: &Uid| locals.resolve(store, uid.0.clone().into(), uid.1.clone().into());
    let (principal, action, resource) = (number(&asked.principal), number(&asked.action), number(&asked.resource));
    layout(compiled, action)?;
    let entry = compiled.actions.get(&action);
    let wanted = entry.map(|entry| Type::Record(entry.action.context.clone()));
    let input = read_one(&asked.context).ok()?;
    let mut resolve =
        |type_name: &str, id: &str| Ok(locals.resolve(store, type_name.to_owned().into(), id.to_owned().into()));
    let context = read_value(&input, wanted.as_ref(), &mut resolve).ok()?;
    if let (Some(schema), Some(entry), Some(wanted)) = (&compiled.schema, entry, &wanted) {
        let fits = check_value(context.borrow(), wanted, schema, store, locals)
            && check_parties(&entry.action, principal, resource, schema, store, locals).is_ok();
        fits.then_some(())?;
    }
    matches!(context, Value::Record(_)).then_some(Read { principal, action, resource, context })
}

/// A context's row of slots.
pub(crate) fn slots<'c>(layout: &Layout, context: &'c Value) -> Vec<Slot<'c>> {
    let mut slots = vec![Slot::Unreachable; layout.slot_count];
    if let Value::Record(record) = context {
        fill(&layout.context, record, &mut slots);
    }
    slots
}

fn fill<'c>(plan: &RecordPlan, record: &'c Record, slots: &mut [Slot<'c>]) {
    let mut put = |slot: Option<u16>, content| slot.into_iter().for_each(|slot| slots[usize::from(slot)] = content);
    put(plan.slot, Slot::Value(ValueRef::Record(record)));
    plan.undeclared.iter().for_each(|slot| put(Some(*slot), Slot::Absent));
    for attribute in &plan.attributes {
        match record.get(&attribute.name) {
            Some(value) => put(attribute.slot, Slot::Value(value.borrow())),
            None => put(attribute.slot, Slot::Absent),
        }
    }
    for attribute in &plan.attributes {
        if let (Some(Value::Record(record)), Some(inner)) = (record.get(&attribute.name), &attribute.inner) {
            fill(inner, record, slots);
        }
    }
}

/// The answer to a question; nothing if it is refused.
pub(crate) fn ask(engine: &Engine, asked: &Asked) -> Option<Answered> {
    let (snapshot, mut locals) = (engine.snapshot(), Locals::default());
    let Read { principal, action, resource, context } = read(&snapshot.compiled, &snapshot, asked, &mut locals)?;
    let layout = layout(&snapshot.compiled, action)?;
    let (slots, temporaries) = (slots(layout, &context), Temporaries::default());
    let (store, locals, slots, temporaries) = (&snapshot.store, &locals, &slots[..], &temporaries);
    let call = Call { store, locals, principal, action, resource, layout, slots, grant: None, temporaries };
    Some(describe(&snapshot.policies, &three_ways(&snapshot.policies, &call)))
}

/// The answer without the index, which must be the one by it, and lead to the same verdict when cut short.
fn three_ways(policies: &Policies, call: &Call<'_>) -> Answer {
    let (mut full, mut plain, mut short) = (Answer::default(), Answer::default(), Answer::default());
    policies.answer(call, Diagnostics::Full, &mut full);
    policies.answer_without_index(call, &mut plain);
    policies.answer(call, Diagnostics::Verdict, &mut short);
    assert_eq!(describe(policies, &full), describe(policies, &plain), "by the index, and without it");
    for rule in [OnError::Cedar, OnError::Deny] {
        assert_eq!(conclude(&short, rule), conclude(&full, rule), "for the verdict only, and in full");
    }
    plain
}

fn describe(policies: &Policies, answer: &Answer) -> Answered {
    let name = |policy: PolicyId| policies.name(policy).to_owned();
    let deciding = if answer.forbids.is_empty() { &answer.permits[..] } else { &answer.forbids[..] };
    let failures = answer.errors();
    Answered {
        allowed: conclude(answer, OnError::Cedar).verdict() == Verdict::Allow,
        reasons: deciding.iter().map(|policy| name(*policy)).collect(),
        errors: failures.map(|(policy, failure)| (name(*policy), failure.code.name())).collect(),
    }
}
