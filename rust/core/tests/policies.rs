//! Law: names are taken once, a link fills just its template's slots, and what follows from an answer is the table.
//!
//! What agreement with Cedar cannot show: who adds a policy wrongly is told how, and nothing is added; what is there
//! can be listed; and the rule by which an erring forbid denies, which is not Cedar's.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test fails by a panic

use std::sync::Arc;

use agentpdp_core::authorize::{Diagnostics, OnError, Policies, PolicyError, PolicyId, conclude};
use agentpdp_core::decision::{Answer, Reason};
use agentpdp_core::entities::Store;
use agentpdp_core::evaluate::{Call, ErrorCode, Failure, Temporaries};
use agentpdp_core::expression::{Expression, Slot};
use agentpdp_core::policies::{ActionScope, Effect, PolicySource, Reference, ScopeSource, SlotValues};
use agentpdp_core::request::Locals;
use agentpdp_core::shape::{CompileError, NodeId};
use agentpdp_core::slots::{Layout, Paths};
use agentpdp_core::value::{EntityId, Value};

const SOMEONE: EntityId = EntityId(1);
const SOMETHING: EntityId = EntityId(2);
const PRINCIPAL: SlotValues = SlotValues { principal: Some(SOMEONE), resource: None };
const RESOURCE: SlotValues = SlotValues { principal: None, resource: Some(SOMETHING) };
const BOTH: SlotValues = SlotValues { principal: Some(SOMEONE), resource: Some(SOMETHING) };
const NEITHER: SlotValues = SlotValues { principal: None, resource: None };

fn source(id: &str, effect: Effect, slots: &[Slot]) -> PolicySource {
    let scope = |slot: Slot| {
        if slots.contains(&slot) { ScopeSource::Equal(Reference::Slot(slot)) } else { ScopeSource::Any }
    };
    let (principal, resource) = (scope(Slot::Principal), scope(Slot::Resource));
    PolicySource {
        id: Arc::from(id),
        effect,
        principal,
        action: ActionScope::Any,
        resource,
        condition: None,
        step_up: None,
    }
}

/// The static policy `plain` and templates by the slots that they have.
fn policies() -> Policies {
    let mut policies = Policies::default();
    policies.reserve_empty_shape();
    let made = [
        source("plain", Effect::Permit, &[]),
        source("for-principal", Effect::Permit, &[Slot::Principal]),
        source("for-resource", Effect::Permit, &[Slot::Resource]),
        source("for-both", Effect::Forbid, &[Slot::Principal, Slot::Resource]),
    ];
    for source in made {
        policies.add(source, &mut Paths::new(None)).unwrap();
    }
    policies
}

fn names(policies: &Policies) -> Vec<String> {
    policies.iter().map(|(number, policy)| format!("{} {}", policies.name(number), policy.link.is_some())).collect()
}

#[test]
fn a_name_is_taken_once_by_whatever_has_it() {
    let mut policies = policies();
    policies.link("for-principal", "link", PRINCIPAL, 0).unwrap();
    for taken in ["plain", "for-principal", "link"] {
        for slots in [&[][..], &[Slot::Principal]] {
            let added = policies.add(source(taken, Effect::Permit, slots), &mut Paths::new(None));
            assert_eq!(added, Err(PolicyError::NameTaken), "{taken}");
        }
        assert_eq!(policies.link("for-principal", taken, PRINCIPAL, 0), Err(PolicyError::NameTaken), "{taken}");
    }
    assert_eq!(names(&policies), ["plain false", "link true"]);
    assert!(policies.unlink("link"));
    policies.link("for-resource", "link", RESOURCE, 0).unwrap();
    assert_eq!(names(&policies), ["plain false", "link true"]);
}

#[test]
fn a_link_fills_the_slots_of_its_template_no_more_and_no_fewer() {
    let mut policies = policies();
    let right = [("for-principal", PRINCIPAL), ("for-resource", RESOURCE), ("for-both", BOTH)];
    for (template, fitting) in right {
        for values in [NEITHER, PRINCIPAL, RESOURCE, BOTH] {
            let linked = policies.link(template, "link", values, 0);
            assert_eq!(linked, if values == fitting { Ok(()) } else { Err(PolicyError::WrongSlots) }, "{template}");
            assert_eq!(policies.unlink("link"), values == fitting);
        }
    }
    assert_eq!(policies.link("plain", "link", NEITHER, 0), Err(PolicyError::UnknownTemplate));
    assert_eq!(policies.link("nothing", "link", NEITHER, 0), Err(PolicyError::UnknownTemplate));
}

#[test]
fn only_links_can_be_taken_away() {
    let mut policies = policies();
    for name in ["plain", "for-both", "nothing"] {
        assert!(!policies.unlink(name), "{name}");
    }
    assert_eq!(names(&policies), ["plain false"]);
}

#[test]
fn what_is_there_can_be_listed() {
    let mut policies = policies();
    assert_eq!((policies.len(), policies.is_empty()), (1, false));
    policies.link("for-both", "link", BOTH, 0).unwrap();
    assert_eq!(policies.len(), 2);
    let mut templates: Vec<_> = policies.templates().map(|source| (source.id.to_string(), source.slots())).collect();
    templates.sort_by(|left, right| left.0.cmp(&right.0));
    let (principal, resource) = (Slot::Principal, Slot::Resource);
    let [both, first, second] = &templates[..] else { panic!("{templates:?}") };
    assert_eq!(*both, ("for-both".to_owned(), vec![principal, resource]));
    assert_eq!((&first.1, &second.1), (&vec![principal], &vec![resource]));
    let number = policies.find("link").unwrap();
    assert_eq!((policies.name(number), policies.get(number).unwrap().effect), ("link", Effect::Forbid));
    assert_eq!((policies.find("for-both"), policies.name(PolicyId(9))), (None, ""));
    assert_eq!((Policies::default().len(), Policies::default().is_empty()), (0, true));
}

#[test]
fn a_slot_in_a_condition_is_refused() {
    let condition = Some(Expression::Slot(Slot::Principal));
    let source = PolicySource { condition, ..source("odd", Effect::Permit, &[]) };
    let added = policies().add(source, &mut Paths::new(None));
    assert_eq!(added, Err(PolicyError::Compile(CompileError::SlotInCondition)));
}

/// Answers by effect and outcome: satisfied permits, satisfied forbids, erring permits, erring forbids.
fn answer([permits, forbids, permit_errors, forbid_errors]: [bool; 4]) -> Answer {
    let (policy, failure) = (PolicyId(0), Failure { code: ErrorCode::Overflow, node: NodeId(0) });
    let mut answer = Answer::default();
    answer.permits.extend(permits.then_some(policy));
    answer.forbids.extend(forbids.then_some(policy));
    answer.permit_errors.extend(permit_errors.then_some((policy, failure)));
    answer.forbid_errors.extend(forbid_errors.then_some((policy, failure)));
    answer
}

#[test]
fn what_follows_is_the_table() {
    for bits in 0..16 {
        let outcome @ [permits, forbids, _, forbid_errors] = [0, 1, 2, 3].map(|bit| bits & (1 << bit) != 0);
        let otherwise = if permits { Reason::Permitted } else { Reason::NotPermitted };
        let cedar = if forbids { Reason::Forbidden } else { otherwise };
        let deny = if forbid_errors && !forbids { Reason::ForbidError } else { cedar };
        assert_eq!(conclude(&answer(outcome), OnError::Cedar), cedar, "{outcome:?}");
        assert_eq!(conclude(&answer(outcome), OnError::Deny), deny, "{outcome:?}");
    }
}

/// For the verdict, forbids are asked first; what comes after a satisfied forbid, and permits after a satisfied permit,
/// are not asked.
#[test]
fn the_verdict_alone_asks_no_more_than_it_needs() {
    let (permit, forbid) = (Effect::Permit, Effect::Forbid);
    let of_both = answers(&[permit, permit, forbid, permit, forbid]);
    assert_eq!(of_both, ((3, 2), (vec![], vec![PolicyId(2)])));
    assert_eq!(answers(&[permit, permit, permit]), ((3, 0), (vec![PolicyId(0)], vec![])));
}

/// How many permits and forbids are satisfied of policies that all are, and which of them are found for the verdict.
fn answers(effects: &[Effect]) -> ((usize, usize), (Vec<PolicyId>, Vec<PolicyId>)) {
    let mut policies = Policies::default();
    policies.reserve_empty_shape();
    for (number, effect) in effects.iter().enumerate() {
        // A condition of its own shape each, so that it is asked and not known beforehand.
        let members = vec![Expression::Literal(Value::Long(1)); number];
        let has = Expression::Binary(
            agentpdp_core::expression::Binary::Equal,
            Box::new(Expression::Set(members.clone())),
            Box::new(Expression::Set(members)),
        );
        let source = PolicySource { condition: Some(has), ..source(&format!("p{number}"), *effect, &[]) };
        policies.add(source, &mut Paths::new(None)).unwrap();
    }
    let (store, locals, layout, temporaries) =
        (&Store::new(1), &Locals::default(), &Layout::whole(), &Temporaries::default());
    let (principal, action, resource) = (SOMEONE, EntityId(3), SOMETHING);
    let call = Call { store, locals, principal, action, resource, layout, slots: &[], grant: None, temporaries };
    let (mut full, mut short) = (Answer::default(), Answer::default());
    policies.answer(&call, Diagnostics::Full, &mut full);
    policies.answer(&call, Diagnostics::Verdict, &mut short);
    ((full.permits.len(), full.forbids.len()), (short.permits.to_vec(), short.forbids.to_vec()))
}
