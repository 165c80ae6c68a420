//! Law: what is remembered from one question of a call to the next changes no answer.
//!
//! The same call is asked of several parties, with one memory and with none.

#![allow(clippy::unwrap_used)] // a test fails by a panic

use std::sync::Arc;

use agentpdp_core::authorize::{Diagnostics, OnError};
use agentpdp_core::decision::Answer;
use agentpdp_core::engine::Snapshot;
use agentpdp_core::entities::Store;
use agentpdp_core::evaluate::{Call, Temporaries};
use agentpdp_core::expression::{Binary, Expression, Variable};
use agentpdp_core::memory::Memory;
use agentpdp_core::parties::{Parties, Party};
use agentpdp_core::policies::{ActionScope, Effect, PolicySource, ScopeSource};
use agentpdp_core::request::Locals;
use agentpdp_core::slots::Slot;
use agentpdp_core::value::{EntityId, Record, Value, ValueRef};

fn is(variable: Variable, entity: EntityId) -> Expression {
    let variable = Box::new(Expression::Variable(variable));
    Expression::Binary(Binary::Equal, variable, Box::new(Expression::Literal(Value::Entity(entity))))
}

fn missing(variable: Variable) -> Expression {
    Expression::GetAttribute(Box::new(Expression::Variable(variable)), Arc::from("missing"))
}

#[test]
fn memory_changes_no_answer() {
    let mut store = Store::new(1);
    let users @ [first, second, _] = ["a", "b", "c"].map(|id| store.intern("User", id).unwrap());
    let (action, file) = (store.intern("Action", "read").unwrap(), store.intern("File", "f").unwrap());
    let either = Expression::Or(Box::new(is(Variable::Principal, second)), Box::new(is(Variable::Resource, first)));
    let policies = [
        ("resource", Effect::Permit, is(Variable::Resource, file)),
        ("other resource", Effect::Permit, is(Variable::Resource, first)),
        ("principal", Effect::Permit, is(Variable::Principal, first)),
        ("within", Effect::Forbid, either),
        ("errs alike", Effect::Forbid, missing(Variable::Resource)),
        ("errs for each", Effect::Permit, missing(Variable::Principal)),
    ];
    let source = |(id, effect, condition)| PolicySource {
        id: Arc::from(id),
        effect,
        principal: ScopeSource::Any,
        action: ActionScope::Any,
        resource: ScopeSource::Any,
        condition: Some(condition),
        step_up: None,
    };
    let sources = policies.into_iter().map(source).collect();
    let snapshot = Snapshot::new(None, OnError::Deny, store, sources, None).unwrap();
    let (store, locals, temporaries) = (&snapshot.store, &Locals::default(), &Temporaries::default());
    let (layout, record) = (&*snapshot.compiled.whole, Record::default());
    let slots = vec![Slot::Value(ValueRef::Record(&record)); layout.slot_count];
    let resource = Party::of(file, store, locals);
    let ask = |user: EntityId, memory: Option<&Memory>| {
        let principal = Party::of(user, store, locals);
        let call = Call {
            store,
            locals,
            principal: user,
            action,
            resource: file,
            layout,
            slots: &slots,
            grant: None,
            temporaries,
        };
        let parties = Parties { principal: &principal, resource: &resource, groups: &[], memory };
        let mut answer = Answer::default();
        snapshot.policies.answer_parties(&call, parties, Diagnostics::Full, &mut answer);
        format!("{answer:?}")
    };
    let memory = Memory::default();
    let alone: Vec<String> = users.iter().map(|user| ask(*user, None)).collect();
    let remembered: Vec<String> = users.iter().map(|user| ask(*user, Some(&memory))).collect();
    assert_eq!(alone, remembered);
    assert_eq!(alone.iter().collect::<std::collections::HashSet<_>>().len(), 3, "the parties are told apart");
}
