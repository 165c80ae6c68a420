//! What does one snapshot say of a batch's distinct entities?
//!
//! It is found once for all threads, and by all of them, as it takes a look-up for each entity.
//!
//! Optimisation: preserves what `Party::of` says of each, as `batch.rs` does.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::columns::{Rows, Side};
use crate::engine::Snapshot;
use crate::parallel::each_part;
use crate::parties::Party;
use crate::value::{EntityId, TypeId};

/// Fewest entities that are worth a thread of their own.
const ENTITIES_PER_THREAD_MIN: usize = 4_096;

/// What a snapshot says of the distinct principals and resources of a batch.
#[derive(Debug)]
pub struct Sides<'a> {
    pub(super) principals: Vec<Party<'a>>,
    pub(super) resources: Vec<Party<'a>>,
    /// Class of each distinct principal.
    pub(super) classes: Vec<u32>,
    /// Rows of the batch with each class, and with each distinct resource.
    pub(super) class_rows: Vec<u32>,
    pub(super) resource_rows: Vec<u32>,
}

impl<'a> Sides<'a> {
    /// Looks the entities up, on as many threads as that.
    #[must_use]
    pub fn new(snapshot: &'a Snapshot, rows: &Rows<'_>, threads: usize) -> Self {
        let principals = parties(&rows.principals, snapshot, rows, threads);
        let classes = classes(&principals, snapshot);
        let class_count = classes.iter().max().map_or(0, |last| (*last as usize).saturating_add(1));
        let class_of = |principal: &u32| classes.get(*principal as usize).copied().unwrap_or(u32::MAX);
        Self {
            class_rows: counts(rows.principals.index.iter().map(class_of), class_count),
            resource_rows: counts(rows.resources.index.iter().copied(), rows.resources.distinct.len()),
            resources: parties(&rows.resources, snapshot, rows, threads),
            principals,
            classes,
        }
    }

    pub(super) fn parties(&self) -> [&[Party<'a>]; 2] {
        [&self.principals, &self.resources]
    }
}

/// The distinct entities of a side with what scopes are checked against.
fn parties<'a>(side: &Side<'_>, snapshot: &'a Snapshot, rows: &Rows<'_>, threads: usize) -> Vec<Party<'a>> {
    let per_thread = side.distinct.len().div_ceil(threads.max(1)).max(ENTITIES_PER_THREAD_MIN);
    let find = |entities: &[EntityId]| -> Vec<Party<'a>> {
        entities.iter().map(|entity| Party::of(*entity, &snapshot.store, rows.locals)).collect()
    };
    each_part(side.distinct.chunks(per_thread).collect(), find).concat()
}

/// How often each number comes.
fn counts(numbers: impl Iterator<Item = u32>, count: usize) -> Vec<u32> {
    let mut counts = vec![0u32; count];
    for number in numbers {
        if let Some(count) = counts.get_mut(number as usize) {
            *count = count.saturating_add(1);
        }
    }
    counts
}

/// The class of each principal: the same number where no scope can tell two of them apart.
#[allow(clippy::cast_possible_truncation)] // at most one per principal
fn classes(principals: &[Party<'_>], snapshot: &Snapshot) -> Vec<u32> {
    let mut numbers: HashMap<(TypeId, &[EntityId], Option<EntityId>), u32, FixedState> = HashMap::default();
    let index = snapshot.policies.index();
    principals
        .iter()
        .map(|party| {
            let own = index.names_principal(party.entity).then_some(party.entity);
            let next = numbers.len() as u32;
            *numbers.entry((party.type_id, party.ancestors, own)).or_insert(next)
        })
        .collect()
}
