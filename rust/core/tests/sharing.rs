//! Law: what entities share changes no value.
//!
//! Entities are put in, some with values that were met before and some with new ones, more than are kept; each keeps what
//! it was given, and equal small texts and sets that were met one after the other stand in memory once.

#![allow(clippy::unwrap_used)] // a test fails by a panic

use std::sync::Arc;

use agentpdp_core::entities::{Edits, Entity, Lineage, Store};
use agentpdp_core::value::{EntityId, Finder, Record, Value};

fn text(length: usize, last: &str) -> Value {
    Value::String(Arc::from(format!("{}{last}", "x".repeat(length.saturating_sub(last.len()))).as_str()))
}

fn set(members: usize) -> Value {
    Value::set((0..i64::try_from(members).unwrap()).map(Value::Long).collect())
}

fn record(values: &[Value]) -> Record {
    let named = values.iter().enumerate().map(|(at, value)| (Arc::from(format!("a{at}").as_str()), value.clone()));
    Record::new(named.collect()).unwrap()
}

/// A store of entities with these attributes, and the same as tags.
fn store(all: &[Vec<Value>]) -> (Store, Vec<EntityId>) {
    let mut lineage = Lineage::default();
    let mut edits = Edits::new(Store::new(1), &mut lineage);
    let mut entities = Vec::new();
    for (number, values) in all.iter().enumerate() {
        let entity = edits.store().intern("T", &number.to_string()).unwrap();
        edits.put(entity, Entity::new(record(values), record(values), Vec::new()));
        entities.push(entity);
    }
    (edits.finish().unwrap(), entities)
}

fn address(value: &Value) -> usize {
    match value {
        Value::String(text) => text.as_ptr().addr(),
        Value::Set(set) => Arc::as_ptr(set).addr(),
        _ => 0,
    }
}

#[test]
fn every_entity_keeps_what_it_was_given() {
    let of_number =
        |number: usize| vec![text(9, &(number % 7).to_string()), text(9, &number.to_string()), set(number % 20)];
    let all: Vec<_> = (0..10_000).map(of_number).collect();
    let (store, entities) = store(&all);
    for (entity, values) in entities.iter().zip(&all) {
        let data = store.get(*entity).unwrap();
        assert_eq!((&data.attributes, &data.tags), (&record(values), &record(values)));
    }
}

#[test]
fn small_equal_values_stand_in_memory_once() {
    let nested = Value::set(vec![set(1), text(3, "a")]);
    let values = |_| vec![text(64, "a"), text(65, "a"), set(16), set(17), nested.clone(), Value::Long(7)];
    let all: Vec<_> = (0..2).map(values).collect();
    let copies: Vec<Vec<Value>> =
        all.iter().map(|values| values.iter().map(|value| value.borrow().to_owned()).collect()).collect();
    let (store, entities) = store(&copies);
    let [first, second]: [EntityId; 2] = entities.try_into().unwrap();
    let at = |entity: EntityId, of_tags: bool| -> Vec<usize> {
        let data = store.get(entity).unwrap();
        let record = if of_tags { &data.tags } else { &data.attributes };
        record.attributes().map(|(_, value)| address(value)).collect()
    };
    for of_tags in [false, true] {
        let same: Vec<bool> =
            at(first, of_tags).iter().zip(at(second, of_tags)).map(|(one, other)| *one == other).collect();
        assert_eq!(same, [true, false, true, false, false, true]);
    }
    assert_eq!(at(first, false).first(), at(first, true).first());
}

#[test]
fn a_finder_finds_what_get_finds() {
    let records: Vec<Record> = [0, 1, 3, 3, 12, 1, 12].map(|count| record(&vec![text(2, "v"); count])).into();
    let mut shared = agentpdp_core::value::Shared::default();
    let all: Vec<Record> = (0..3)
        .flat_map(|_| records.clone())
        .map(|mut record| {
            record.share(&mut shared);
            record
        })
        .collect();
    for name in ["a0", "a2", "a11", "b", ""] {
        let mut finder = Finder::new(name);
        for record in &all {
            assert_eq!(finder.get(record), record.get(name), "{name} of {} attributes", record.len());
        }
    }
}
