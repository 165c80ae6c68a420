//! Law: uids that are looked up side by side have the numbers that each has by itself.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test fails by a panic
#![allow(clippy::cast_possible_truncation)] // numbers here are small

mod seeded;

use agentpdp_core::entities::Store;
use agentpdp_core::value::{EntityId, TypeId};
use seeded::Random;

#[test]
fn many_uids_are_found_as_one_by_one() {
    let mut store = Store::new(1);
    for at in 0..3_000 {
        store.intern(["User", "Doc"][at % 2], &at.to_string()).unwrap();
    }
    let types = ["User", "Doc"].map(|name| store.find_type(name).unwrap());
    let ids: Vec<String> = (0..4_000).map(|at| at.to_string()).chain([String::new()]).collect();
    let mut random = Random::new(7);
    for count in (0..70).chain([5_000]) {
        let mut draw = || (random.pick(&[types[0], types[1], TypeId::UNKNOWN]), &*ids[random.below(ids.len())]);
        let asked: Vec<(TypeId, &str)> = (0..count).map(|_| draw()).collect();
        let one_by_one: Vec<Option<EntityId>> = asked.iter().map(|(kind, id)| store.find_typed(*kind, id)).collect();
        assert_eq!(store.find_all(&asked), one_by_one, "{count} uids");
    }
}
