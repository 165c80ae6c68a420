//! Law: uids that are looked up side by side have the numbers that each has by itself.

use agentpdp_core::entities::Store;
use agentpdp_core::value::{EntityId, TypeId};

#[test]
fn many_uids_are_found_as_one_by_one() {
    let mut store = Store::new(1);
    let ids: Vec<String> = (0..120).map(|at| at.to_string()).chain([String::new()]).collect();
    for (type_name, count) in [("User", 100), ("Doc", 60)] {
        assert!(ids.iter().take(count).all(|id| store.intern(type_name, id).is_ok()));
    }
    let types = [store.intern_type("User"), store.intern_type("Doc"), TypeId::UNKNOWN];
    let asked: Vec<(TypeId, &str)> = ids.iter().flat_map(|id| types.map(|type_id| (type_id, id.as_str()))).collect();
    for count in 1..asked.len() {
        for part in asked.chunks(count) {
            let one_by_one: Vec<Option<EntityId>> = part.iter().map(|(kind, id)| store.find_typed(*kind, id)).collect();
            assert_eq!(store.find_all(part), one_by_one, "{count} uids");
        }
    }
    assert_eq!(store.find_all(&asked).into_iter().flatten().count(), 160);
    assert_eq!(store.find_all(&[]), []);
}
