//! Law: a uid that only one request mentions has one number, its own, however many there are.

#![allow(clippy::unwrap_used)] // a test fails by a panic
#![allow(clippy::cast_possible_truncation)] // numbers here are small

use std::borrow::Cow;
use std::collections::BTreeSet;

use agentpdp_core::entities::Store;
use agentpdp_core::request::Locals;
use agentpdp_core::value::{EntityId, TypeId};

/// More than are searched one by one.
const MANY: usize = 30;

fn resolve(locals: &mut Locals<'_>, store: &Store, type_name: &str, id: usize) -> EntityId {
    locals.resolve(store, Cow::Owned(type_name.to_owned()), Cow::Owned(id.to_string()))
}

#[test]
fn the_same_uid_has_the_same_number_and_another_has_another() {
    let (store, mut locals) = (Store::new(1), Locals::default());
    let mut found = Vec::new();
    for at in 0..MANY {
        for type_name in ["User", "Doc"] {
            found.push((type_name, at, resolve(&mut locals, &store, type_name, at)));
        }
        for (type_name, at, number) in &found {
            assert_eq!(resolve(&mut locals, &store, type_name, *at), *number);
        }
    }
    let distinct: BTreeSet<u32> = found.iter().map(|(_, _, number)| number.0).collect();
    assert_eq!(distinct.len(), 2 * MANY);
    assert!(found.iter().enumerate().all(|(at, (_, _, number))| number.is_local() && number.index() == at));
}

#[test]
fn a_number_leads_back_to_its_uid() {
    let mut store = Store::new(1);
    let user = store.intern_type("User");
    let mut locals = Locals::default();
    assert!(locals.is_empty());
    for at in 0..MANY {
        for (type_name, type_id) in [("User", user), ("Doc", TypeId::UNKNOWN)] {
            let number = resolve(&mut locals, &store, type_name, at);
            assert_eq!(locals.type_name_of(number), Some(type_name));
            assert_eq!(locals.id_of(number), Some(&*at.to_string()));
            assert_eq!(locals.type_of(number), type_id);
        }
    }
    assert!(!locals.is_empty());
    let next = EntityId(EntityId::LOCAL_START + 2 * MANY as u32);
    assert_eq!((locals.type_name_of(next), locals.id_of(next)), (None, None));
    assert_eq!(locals.type_of(next), TypeId::UNKNOWN);
}

#[test]
fn what_the_store_knows_has_the_stores_number() {
    let (mut store, mut locals) = (Store::new(1), Locals::default());
    let ann = store.intern("User", "0").unwrap();
    assert_eq!(resolve(&mut locals, &store, "User", 0), ann);
    assert!(locals.is_empty());
    let (other, same_id) = (resolve(&mut locals, &store, "User", 1), resolve(&mut locals, &store, "Doc", 0));
    assert!(other.is_local() && same_id.is_local());
    assert_eq!(locals.known_now(other, &store), None);
    let known = store.intern("User", "1").unwrap();
    assert_eq!(locals.known_now(other, &store), Some(known));
    assert_eq!(locals.known_now(same_id, &store), None);
    assert_eq!(locals.known_now(known, &store), None);
}
