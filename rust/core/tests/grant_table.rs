//! Laws of the table of grants: what is closed is reclaimed, however far its expiry is.

use std::sync::Arc;

use agentpdp_core::grant_table::Grants;
use agentpdp_core::grants::{Grant, GrantId, Issue, Scope, Tree};
use agentpdp_core::value::{EntityId, Set};

const CREATED: u128 = 10_000;
/// Enough that every place of the table is looked at while it grows.
const NEW: u128 = 4_000;
const FAR_MS: i64 = 1 << 40;

fn issue(grants: &Grants, id: u128, expires_ms: i64, now_ms: i64) -> Arc<Grant> {
    let names = Arc::new(Set::new(Vec::new()));
    let (tasks, texts, params) = (Box::default(), Box::default(), Box::default());
    let scope = Arc::new(Scope { tasks, texts, params, names, generation: 0 });
    let issue = Issue {
        id: GrantId::new(id),
        tree: Tree::new(EntityId(1), now_ms),
        scope,
        params: Box::default(),
        claims: Box::default(),
        restriction: None,
        valid_from_ms: 0,
        expires_ms,
        agent: EntityId(2),
    };
    grants.insert_root(issue, now_ms)
}

#[test]
fn closed_grants_are_reclaimed_before_they_expire() {
    let grants = Grants::default();
    let stays = issue(&grants, CREATED, FAR_MS, 0);
    for id in 0..CREATED {
        let grant = issue(&grants, id, FAR_MS, 0);
        let memory = Arc::downgrade(&grant);
        grants.close(&grant);
        drop(grant);
        assert_eq!(memory.strong_count() + memory.weak_count(), 0, "nothing keeps a closed grant's memory");
    }
    assert_eq!(grants.len(), 1);
    assert!(grants.find(stays.id).is_some());
}

#[test]
fn expired_grants_are_cleared_away_by_new_ones() {
    let grants = Grants::default();
    for id in 0..100 {
        issue(&grants, id, 10, 0);
    }
    let kept = issue(&grants, 200, FAR_MS, 0);
    for id in 0..NEW {
        issue(&grants, 1_000 + id, FAR_MS, 100_000);
    }
    assert_eq!(grants.len() as u128, NEW + 1);
    assert!(grants.find(kept.id).is_some());
}
