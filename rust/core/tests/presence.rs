//! Law: `has` on a context tells what is there from what is not, and from what cannot be asked.
//!
//! With a schema, `has` on the context is read from slots and not from a record; each outcome is stated here by hand.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test fails by a panic

use std::sync::Arc;

use agentpdp_core::authorize::{Diagnostics, OnError};
use agentpdp_core::decision::Answer;
use agentpdp_core::engine::Snapshot;
use agentpdp_core::entities::Store;
use agentpdp_core::evaluate::{Call, ErrorCode, Temporaries};
use agentpdp_core::expression::{Expression, Variable};
use agentpdp_core::policies::{ActionScope, Effect, PolicySource, ScopeSource};
use agentpdp_core::request::Locals;
use agentpdp_core::schema::{ActionType, AttributeType, RecordType, Schema, Type};
use agentpdp_core::slots::{Place, Slot};
use agentpdp_core::value::{Record, Value, ValueRef};

/// `{ n?: Long, r?: { m?: Long } }`
fn context() -> Arc<RecordType> {
    let optional = |name: &str, value| AttributeType { name: Arc::from(name), value, required: false };
    let inner = Arc::new(RecordType::new(vec![optional("m", Type::Long)]));
    Arc::new(RecordType::new(vec![optional("n", Type::Long), optional("r", Type::Record(inner))]))
}

fn compiled() -> Snapshot {
    let mut store = Store::new(1);
    let action = store.intern("Action", "a").unwrap();
    let (ancestors, principals, resources) = (Box::default(), Box::default(), Box::default());
    let action = ActionType { action, ancestors, principals, resources, context: context() };
    let schema = Schema { actions: [(action.action, action)].into_iter().collect(), ..Schema::default() };
    let variable = || Box::new(Expression::Variable(Variable::Context));
    let names = |names: &[&str]| names.iter().map(|name| Arc::from(*name)).collect::<Box<[Arc<str>]>>();
    let inner = Box::new(Expression::GetAttribute(variable(), Arc::from("r")));
    let conditions = [
        ("has n", Expression::HasAttribute(variable(), names(&["n"]))),
        ("has r.m", Expression::HasAttribute(variable(), names(&["r", "m"]))),
        ("r has m", Expression::HasAttribute(inner, names(&["m"]))),
        ("has other", Expression::HasAttribute(variable(), names(&["other"]))),
    ];
    let source = |(id, condition)| PolicySource {
        id: Arc::from(id),
        effect: Effect::Permit,
        principal: ScopeSource::Any,
        action: ActionScope::Any,
        resource: ScopeSource::Any,
        condition: Some(condition),
        step_up: None,
    };
    Snapshot::new(Some(schema), OnError::Deny, store, conditions.into_iter().map(source).collect(), None).unwrap()
}

/// The names of satisfied policies, and of those that err because an attribute is missing.
fn ask(snapshot: &Snapshot, n: Option<i64>, r: Option<Option<i64>>) -> (Vec<String>, Vec<String>) {
    let compiled = &snapshot.compiled;
    let entry = compiled.actions.values().next().unwrap();
    let inner = r.flatten().map(|m| (Arc::from("m"), Value::Long(m)));
    let record = Record::new(inner.into_iter().collect()).unwrap();
    let mut slots = vec![Slot::Unreachable; entry.layout.slot_count];
    let mut put = |path: &[&str], content| {
        let path: Vec<Arc<str>> = path.iter().map(|name| Arc::from(*name)).collect();
        if let Some(path) = compiled.paths.find(&path)
            && let Place::Slot(slot) = entry.layout.place(path)
        {
            slots[usize::from(slot)] = content;
        }
    };
    let long = |value: Option<i64>| value.map_or(Slot::Absent, |value| Slot::Value(ValueRef::Long(value)));
    put(&["n"], long(n));
    put(&["r"], r.map_or(Slot::Absent, |_| Slot::Value(ValueRef::Record(&record))));
    put(&["r", "m"], r.map_or(Slot::Unreachable, long));
    let (store, locals, temporaries) = (&snapshot.store, &Locals::default(), &Temporaries::default());
    let (principal, action, resource) = (entry.action.action, entry.action.action, entry.action.action);
    let layout = &*entry.layout;
    let call = Call { store, locals, principal, action, resource, layout, slots: &slots, grant: None, temporaries };
    let mut answer = Answer::default();
    snapshot.policies.answer(&call, Diagnostics::Full, &mut answer);
    assert!(answer.permit_errors.iter().all(|(_, failure)| failure.code == ErrorCode::AttributeMissing));
    let name = |policy| snapshot.policies.name(policy).to_owned();
    let erring = answer.permit_errors.iter().map(|(policy, _)| name(*policy));
    (answer.permits.iter().map(|policy| name(*policy)).collect(), erring.collect())
}

#[test]
fn has_tells_what_is_there_from_what_is_not() {
    let compiled = compiled();
    let answered = |n, r| ask(&compiled, n, r);
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(answered(None, None), (names(&[]), names(&["r has m"])));
    assert_eq!(answered(Some(1), None), (names(&["has n"]), names(&["r has m"])));
    assert_eq!(answered(None, Some(None)), (names(&[]), names(&[])));
    assert_eq!(answered(None, Some(Some(1))), (names(&["has r.m", "r has m"]), names(&[])));
    assert_eq!(answered(Some(1), Some(Some(1))), (names(&["has n", "has r.m", "r has m"]), names(&[])));
}
