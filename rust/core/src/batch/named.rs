//! Policies of one row alone.
//!
//! What is kept by a principal or a resource that only a few rows have is asked of each of these rows, by `checks.rs`:
//! no kernel would go over more than a handful of rows for any of it.
//!
//! Optimisation: preserves `Policies::answer`, as `batch.rs` does; `tests/boundary/test_named_rows.py` compares the two.

use crate::checks::Questioned;
use crate::columns::{self, Rows};
use crate::engine::Snapshot;
use crate::entities::Store;
use crate::evaluate::{Call, Condition, Failure, Temporaries, truth};
use crate::index::Side;
use crate::parties::Party;
use crate::routes::Route;
use crate::shape::NodeId;
use crate::slots::{Layout, PathId, Slot};
use crate::value::EntityId;

use super::Plan;
use super::chunk::Chunk;

/// Fewest rows of a principal's class, or of a resource, for which its own policies are put together to be asked by
/// kernels.
const ROWS_TOGETHER: u32 = 16;

/// Whether fewer rows than that have the class or resource of this number.
pub(super) fn is_few(row_counts: &[u32], number: u32) -> bool {
    row_counts.get(number as usize).is_some_and(|count| *count < ROWS_TOGETHER)
}

/// How often each number comes.
pub(super) fn counts(numbers: impl Iterator<Item = u32>, count: usize) -> Vec<u32> {
    let mut counts = vec![0u32; count];
    for number in numbers {
        if let Some(count) = counts.get_mut(number as usize) {
            *count = count.saturating_add(1);
        }
    }
    counts
}

/// One row whose principal or resource few others have, to be asked the policies that are kept by these: no kernel would
/// go over more than a handful of rows for any of them.
#[derive(Clone, Copy)]
pub(super) struct NamedRow<'p, 'a> {
    snapshot: &'a Snapshot,
    rows: &'p Rows<'a>,
    pub(super) row: u32,
    action: EntityId,
    layout: &'a Layout,
    pub(super) route: &'a Route,
    pub(super) principal: Party<'a>,
    resource: Party<'a>,
    temporaries: &'p Temporaries,
}

impl<'p, 'a> NamedRow<'p, 'a> {
    pub(super) fn new(plan: &Plan<'a>, rows: &'p Rows<'a>, row: u32, temporaries: &'p Temporaries) -> Option<Self> {
        let snapshot = plan.snapshot;
        let at = |side: &columns::Side| side.index.get(row as usize).map_or(usize::MAX, |index| *index as usize);
        let action = rows.actions.entity(row);
        Some(Self {
            snapshot,
            rows,
            row,
            action,
            layout: rows.layouts.get(at(&rows.actions)).copied()?,
            route: snapshot.policies.route_of(action, &snapshot.store)?,
            principal: *plan.principals.get(at(&rows.principals))?,
            resource: *plan.resources.get(at(&rows.resources))?,
            temporaries,
        })
    }

    /// Asks the policies that are kept by one side's entity, or by what that is in.
    pub(super) fn ask(&self, side: Side, chunk: &mut Chunk) {
        let (numbers, party) = match side {
            Side::Principal => (&self.route.by_principal, &self.principal),
            Side::Resource => (&self.route.by_resource, &self.resource),
        };
        let policies = &self.snapshot.policies;
        policies.index().visit_keyed(numbers, side, party.entity, party.ancestors, &mut |candidate| {
            if !self.principal.fits(candidate.principal) || !self.resource.fits(candidate.resource) {
                return;
            }
            let held = match policies.asked_condition(candidate.policy) {
                Some((condition, checks)) if candidate.conditional => {
                    checks.hold(condition, self, &self.principal, &self.resource)
                }
                _ => Ok(!candidate.conditional),
            };
            match held {
                Ok(true) => chunk.satisfy(self.row, candidate),
                Ok(false) => {}
                Err(failure) => chunk.err(self.row, failure, candidate),
            }
        });
    }
}

impl<'a> Questioned<'a> for NamedRow<'_, 'a> {
    #[inline(always)]
    fn slot(&self, path: PathId) -> Slot<'a> {
        self.rows.slot(self.row, path)
    }

    #[inline(always)]
    fn store(&self) -> &'a Store {
        &self.snapshot.store
    }

    #[cold]
    fn walk(&self, condition: Condition<'a>, node: NodeId) -> Result<bool, Failure> {
        let mut slots = vec![Slot::Unreachable; self.layout.slot_count];
        for (path, slot) in self.layout.slots() {
            if let Some(place) = slots.get_mut(usize::from(slot)) {
                *place = self.rows.slot(self.row, path);
            }
        }
        let call = Call {
            store: &self.snapshot.store,
            locals: self.rows.locals,
            principal: self.principal.entity,
            action: self.action,
            resource: self.resource.entity,
            layout: self.layout,
            slots: &slots,
            grant: None,
            temporaries: self.temporaries,
        };
        truth(condition, &call, node)
    }
}
