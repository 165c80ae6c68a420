//! Policies of one row alone.
//!
//! What is kept by a principal or a resource that only a few rows have is asked of each of these rows, by `checks.rs`:
//! no kernel would go over more than a handful of rows for any of it. Such rows are taken some at a time, since among
//! policies by the hundred thousand it is memory that they wait for ([`NamedRows`]).
//!
//! Optimisation: preserves `Policies::answer`, as `batch.rs` does; `tests/boundary/test_named_rows.py` compares the two.

use smallvec::SmallVec;

use crate::checks::Questioned;
use crate::columns::{self, Rows};
use crate::engine::Snapshot;
use crate::entities::Store;
use crate::evaluate::{Call, Condition, Failure, Temporaries, truth};
use crate::index::{Candidate, Side};
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

/// How many rows are asked at a time.
const ROWS_AT_ONCE: usize = 32;

/// Whether fewer rows than that have the class or resource of this number.
pub(super) fn is_few(row_counts: &[u32], number: u32) -> bool {
    row_counts.get(number as usize).is_some_and(|count| *count < ROWS_TOGETHER)
}

/// One row whose principal or resource few others have, to be asked the policies that are kept by these: no kernel would
/// go over more than a handful of rows for any of them.
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
            principal: *plan.sides.principals.get(at(&rows.principals))?,
            resource: *plan.sides.resources.get(at(&rows.resources))?,
            temporaries,
        })
    }

    /// The lists of the action that have policies kept by a side, and that side.
    fn kept_by(&self, side: Side) -> (&'a [u32], &Party<'a>) {
        match side {
            Side::Principal => (&self.route.by_principal, &self.principal),
            Side::Resource => (&self.route.by_resource, &self.resource),
        }
    }

    /// Whether the scopes of a policy apply.
    fn fits(&self, candidate: &Candidate) -> bool {
        self.principal.fits(candidate.principal) && self.resource.fits(candidate.resource)
    }
}

/// Rows that wait to be asked, and the entities whose policies they are to be asked.
///
/// They are asked some at a time, and step by step: first all their policies are looked up, then all conditions, then
/// these are asked; so that what one step waits for in memory it waits for once for all of them.
#[derive(Default)]
pub(super) struct NamedRows<'p, 'a> {
    rows: Vec<(NamedRow<'p, 'a>, &'static [Side])>,
    /// Entities, and for each the place of its row.
    named: Vec<(Side, EntityId)>,
    places: Vec<usize>,
    /// Policies whose scopes apply, each with the place of its row.
    fitting: Vec<(usize, Candidate)>,
}

impl<'p, 'a> NamedRows<'p, 'a> {
    /// Adds a row that is to be asked what is kept by some of its sides.
    pub(super) fn push(&mut self, row: NamedRow<'p, 'a>, sides: &'static [Side]) {
        self.rows.push((row, sides));
    }

    /// Asks the rows, if there are as many as are asked at a time.
    pub(super) fn ask_when_full(&mut self, snapshot: &'a Snapshot, chunk: &mut Chunk) {
        if self.rows.len() >= ROWS_AT_ONCE {
            self.ask(snapshot, chunk);
        }
    }

    /// Asks the rows that wait.
    pub(super) fn ask(&mut self, snapshot: &'a Snapshot, chunk: &mut Chunk) {
        let policies = &snapshot.policies;
        let Self { rows, named, places, fitting } = self;
        for (place, (row, sides)) in rows.iter().enumerate() {
            for side in *sides {
                let (numbers, party) = row.kept_by(*side);
                if numbers.is_empty() {
                    continue;
                }
                for entity in std::iter::once(party.entity).chain(party.ancestors.iter().copied()) {
                    named.push((*side, entity));
                    places.push(place);
                }
            }
        }
        policies.index().kept(named, &mut |number, keyed| {
            let Some((side, place)) = named.get(number).zip(places.get(number)) else { return };
            let Some((row, _)) = rows.get(*place) else { return };
            keyed.visit(row.kept_by(side.0).0, &mut |candidate| {
                if row.fits(candidate) {
                    fitting.push((*place, *candidate));
                }
            });
        });
        let conditions: SmallVec<[_; 4 * ROWS_AT_ONCE]> = fitting
            .iter()
            .map(|(_, candidate)| policies.asked_condition(candidate.policy).filter(|_| candidate.conditional))
            .collect();
        for ((place, candidate), condition) in fitting.iter().zip(conditions) {
            let Some((row, _)) = rows.get(*place) else { continue };
            let held = match condition {
                Some((condition, checks)) => checks.hold(condition, row, &row.principal, &row.resource),
                None => Ok(!candidate.conditional),
            };
            match held {
                Ok(true) => chunk.satisfy(row.row, candidate),
                Ok(false) => {}
                Err(failure) => chunk.err(row.row, failure, candidate),
            }
        }
        rows.clear();
        named.clear();
        places.clear();
        fitting.clear();
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
