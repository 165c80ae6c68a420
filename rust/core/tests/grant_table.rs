//! Laws of the table of grants: what is closed is reclaimed, however far its expiry is.

#![allow(clippy::unwrap_used)] // a test fails by a panic

use std::sync::Arc;

use agentpdp_core::grant_table::Grants;
use agentpdp_core::grants::{Grant, GrantId, Issue, Scope, Tree};
use agentpdp_core::tasks::TreeLimits;
use agentpdp_core::value::{EntityId, Set};

const CREATED: u128 = 10_000;
/// Enough that every place of the table is looked at while it grows.
const NEW: u128 = 4_000;
const FAR_MS: i64 = 1 << 40;

const LATER_MS: i64 = 100_000;

fn order(id: u128, tree: Arc<Tree>, expires_ms: i64) -> Issue {
    let names = Arc::new(Set::new(Vec::new()));
    let (tasks, texts, params) = (Box::default(), Box::default(), Box::default());
    let scope = Arc::new(Scope { tasks, texts, params, names, generation: 0 });
    Issue {
        id: GrantId::new(id),
        tree,
        scope,
        params: Box::default(),
        claims: Box::default(),
        restriction: None,
        valid_from_ms: 0,
        expires_ms,
        agent: EntityId(2),
    }
}

fn issue(grants: &Grants, id: u128, expires_ms: i64, now_ms: i64) -> Arc<Grant> {
    grants.insert_root(order(id, Tree::new(EntityId(1), now_ms), expires_ms), now_ms)
}

/// A grant below another that expires at 10 ms.
fn below(grants: &Grants, id: u128, parent: &Arc<Grant>) -> Arc<Grant> {
    let issue = order(id, parent.tree.clone(), 10);
    grants.insert_child(issue, parent, TreeLimits::DEFAULT, 0).unwrap()
}

/// Issues so many that every place of the table is looked at.
fn grow(grants: &Grants, first: u128) {
    for id in first..first + NEW {
        issue(grants, id, FAR_MS, LATER_MS);
    }
}

#[test]
fn closed_grants_are_reclaimed_before_they_expire() {
    let grants = Grants::default();
    assert!(grants.is_empty());
    let stays = issue(&grants, CREATED, FAR_MS, 0);
    for id in 0..CREATED {
        let grant = issue(&grants, id, FAR_MS, 0);
        let memory = Arc::downgrade(&grant);
        grants.close(&grant);
        drop(grant);
        assert_eq!(memory.strong_count() + memory.weak_count(), 0, "nothing keeps a closed grant's memory");
    }
    assert_eq!((grants.len(), grants.is_empty()), (1, false));
    assert!(grants.find(stays.id).is_some());
}

#[test]
fn expired_grants_that_nobody_holds_are_cleared_away_by_new_ones() {
    let grants = Grants::default();
    for id in 0..100 {
        drop(below(&grants, id + 100, &issue(&grants, id, 10, 0)));
    }
    let held = issue(&grants, 200, 10, 0);
    let leaf = below(&grants, 202, &issue(&grants, 201, 10, 0));
    let living = issue(&grants, 203, FAR_MS, 0);
    grow(&grants, 1_000);
    assert_eq!(grants.len() as u128, NEW + 4);
    for id in [held.id, leaf.id, leaf.root().id, living.id] {
        assert!(grants.find(id).is_some(), "{id} is held, or lives");
    }
    drop((held, leaf));
    grow(&grants, 100_000);
    assert_eq!(grants.len() as u128, 2 * NEW + 1);
}

#[test]
fn children_that_were_cleared_away_leave_room() {
    let grants = Grants::default();
    let root = issue(&grants, 0, FAR_MS, 0);
    drop(below(&grants, 1, &root));
    let limits = TreeLimits { children_max: 1, ..TreeLimits::DEFAULT };
    assert!(grants.is_full(&root, limits, 0));
    grow(&grants, 1_000);
    assert!(!grants.is_full(&root, limits, LATER_MS));
}

#[test]
fn what_is_below_a_closed_grant_is_reclaimed_with_it() {
    let grants = Grants::default();
    let root = issue(&grants, 0, FAR_MS, 0);
    let middle = grants.insert_child(order(1, root.tree.clone(), FAR_MS), &root, TreeLimits::DEFAULT, 0).unwrap();
    let leaf = grants.insert_child(order(2, root.tree.clone(), FAR_MS), &middle, TreeLimits::DEFAULT, 0).unwrap();
    let beside = grants.insert_child(order(3, root.tree.clone(), FAR_MS), &root, TreeLimits::DEFAULT, 0).unwrap();
    grants.close(&middle);
    let known = [&root, &middle, &leaf, &beside].map(|grant| grants.find(grant.id).is_some());
    assert_eq!((known, grants.len()), ([true, false, false, true], 2));
}
