//! What is the answer for each of many calls?
//!
//! Rows are decided in chunks against one snapshot. Per chunk, each row is told which policies can concern it: that
//! depends on its action and on the class of its principal (principals of one type and with the same ancestors, which
//! no scope names, are one class), so it is worked out once per pair of them and remembered ([`Plan`]); policies that
//! are kept by resource are looked up per row. Then every policy is asked once for all of its rows, by kernels; but
//! those that are kept by a principal or resource that only a few rows have are asked of these rows at once, by
//! `checks.rs`.
//!
//! The two-bit table: rows of a pair that no policy can concern stand on no list (*never*), a policy without condition and
//! resource scope is satisfied by all rows on its list unasked (*always*), and every other answer *depends* on the call.
//!
//! Optimisation: preserves `Policies::answer` row by row; `tests/properties` hold "batch equals singles" to that.

mod chunk;
mod named;
mod sides;

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::authorize::{OnError, PolicyId};
use crate::columns::Rows;
use crate::decision::Reason;
use crate::engine::Snapshot;
use crate::evaluate::{Failure, Temporaries};
use crate::index::{Candidate, Side};
use crate::kernels::{KernelRuns, Scratch};
use crate::parties::Party;
use crate::policies::Scope;
use crate::routes::Route;
use crate::shape::{Constant, ShapeId};
use crate::value::EntityId;

use chunk::Chunk;
use named::{NamedRow, NamedRows, is_few};
pub use sides::Sides;

/// What the policies said of a run of rows.
#[derive(Clone, Debug, Default)]
pub struct BatchAnswer {
    /// Per row.
    pub reasons: Vec<Reason>,
    /// Satisfied policies that decided, (row, policy), ordered by row.
    pub satisfied: Vec<(u32, PolicyId)>,
    /// Erring policies, (row, policy, failure), ordered by row.
    pub errors: Vec<(u32, PolicyId, Failure)>,
    /// How often kernels ran.
    pub runs: KernelRuns,
}

/// The policies that can concern a pair of principal class and action.
#[derive(Clone, Copy, Debug)]
struct Concern {
    /// Where they stand in [`Plan::concerned`].
    from: usize,
    to: usize,
    /// Whether more are kept by resource.
    by_resource: bool,
}

/// The number of each pair's concern: a plain table where it is small, so that a row costs one look-up.
#[derive(Debug)]
enum Concerns {
    Table { numbers: Vec<u32>, action_count: usize },
    Map(HashMap<(u32, u32), u32, FixedState>),
}

/// Most places of a plain table of concerns.
const CONCERN_PLACES_MAX: usize = 1 << 18;

impl Concerns {
    fn new(class_count: usize, action_count: usize) -> Self {
        match class_count.checked_mul(action_count) {
            Some(places) if places <= CONCERN_PLACES_MAX => {
                Self::Table { numbers: vec![u32::MAX; places], action_count }
            }
            _ => Self::Map(HashMap::default()),
        }
    }

    #[inline]
    fn get(&self, class: u32, action: u32) -> Option<u32> {
        match self {
            Self::Table { numbers, action_count } => {
                let place = (class as usize).wrapping_mul(*action_count).wrapping_add(action as usize);
                numbers.get(place).copied().filter(|number| *number != u32::MAX)
            }
            Self::Map(numbers) => numbers.get(&(class, action)).copied(),
        }
    }

    fn insert(&mut self, class: u32, action: u32, number: u32) {
        match self {
            Self::Table { numbers, action_count } => {
                let place = (class as usize).wrapping_mul(*action_count).wrapping_add(action as usize);
                if let Some(place) = numbers.get_mut(place) {
                    *place = number;
                }
            }
            Self::Map(numbers) => {
                numbers.insert((class, action), number);
            }
        }
    }
}

/// A policy of the batch and the rows it is to be asked of in this chunk.
#[derive(Debug)]
struct Asked {
    candidate: Candidate,
    rows: Vec<u32>,
    /// For a link: place in [`Plan::families`].
    family: Option<u32>,
}

/// Links of one template: one condition, asked once of the rows of all of them.
#[derive(Debug, Default)]
struct Family {
    /// The links that have rows in this chunk: places in [`Plan::asked`].
    members: Vec<u32>,
    rows: Vec<u32>,
}

/// Which policies of one snapshot concern which rows; kept from chunk to chunk while the snapshot stays.
#[derive(Debug)]
pub struct Plan<'a> {
    snapshot: &'a Snapshot,
    sides: &'a Sides<'a>,
    concerns: Concerns,
    concern_list: Vec<Concern>,
    /// Policies of all concerns, one list behind the other: places in `asked`.
    concerned: Vec<u32>,
    /// Of each distinct action, the policies that are kept by no entity: places in `asked`; none before they were asked for.
    of_action: Vec<Option<Box<[u32]>>>,
    asked: Vec<Asked>,
    asked_numbers: HashMap<PolicyId, u32, FixedState>,
    families: Vec<Family>,
    /// By shape, and where the constants are that the links of a template share.
    family_numbers: HashMap<(ShapeId, *const Constant), u32, FixedState>,
    scratch: Scratch<'a>,
}

impl<'a> Plan<'a> {
    /// The plan of a snapshot for the rows whose sides these are.
    #[must_use]
    pub fn new(snapshot: &'a Snapshot, rows: &Rows<'_>, sides: &'a Sides<'a>) -> Self {
        Self {
            snapshot,
            sides,
            concerns: Concerns::new(sides.class_rows.len(), rows.actions.distinct.len()),
            concern_list: Vec::new(),
            concerned: Vec::new(),
            of_action: vec![None; rows.actions.distinct.len()],
            asked: Vec::new(),
            asked_numbers: HashMap::default(),
            families: Vec::new(),
            family_numbers: HashMap::default(),
            scratch: Scratch::default(),
        }
    }

    /// How often kernels ran so far.
    #[must_use]
    pub fn runs(&self) -> KernelRuns {
        self.scratch.runs
    }

    /// Decides the rows from `start` to `end`, as the snapshot stands.
    pub fn decide(
        &mut self,
        rows: &Rows<'a>,
        start: u32,
        end: u32,
        on_error: OnError,
        temporaries: &'a Temporaries,
        out: &mut BatchAnswer,
    ) {
        let mut chunk = Chunk::new(start, end);
        let mut named = NamedRows::default();
        for row in start..end {
            if rows.refused.get(row as usize).is_some_and(Option::is_none) {
                self.assign(rows, row, temporaries, &mut named);
                named.ask_when_full(self.snapshot, &mut chunk);
            }
        }
        named.ask(self.snapshot, &mut chunk);
        let asker = Asker { snapshot: self.snapshot, rows, parties: self.sides.parties(), temporaries };
        for (number, asked) in (0u32..).zip(&mut self.asked) {
            if asked.rows.is_empty() {
                continue;
            }
            asker.keep_fitting(&asked.candidate, &mut asked.rows);
            match asked.family.and_then(|family| self.families.get_mut(family as usize)) {
                Some(family) => {
                    family.rows.extend_from_slice(&asked.rows);
                    family.members.push(number);
                }
                None => {
                    chunk.ask(&asker, &asked.candidate, &asked.rows, &mut self.scratch);
                    chunk.settle_all(&asked.candidate);
                    asked.rows.clear();
                }
            }
        }
        for family in &mut self.families {
            chunk.ask_family(&asker, family, &mut self.asked, &mut self.scratch);
        }
        chunk.conclude(rows, on_error, self.snapshot.policies.index().may_repeat(), out);
    }

    /// Puts a row on the lists of the policies that can concern it.
    fn assign<'p>(
        &mut self,
        rows: &'p Rows<'a>,
        row: u32,
        temporaries: &'p Temporaries,
        named_rows: &mut NamedRows<'p, 'a>,
    ) {
        let at = row as usize;
        let (Some(principal), Some(action), Some(resource)) = (
            rows.principals.index.get(at).copied(),
            rows.actions.index.get(at).copied(),
            rows.resources.index.get(at).copied(),
        ) else {
            return;
        };
        let class = self.sides.classes.get(principal as usize).copied().unwrap_or(u32::MAX);
        let number = match self.concerns.get(class, action) {
            Some(number) => number,
            None if is_few(&self.sides.class_rows, class) => {
                let named = NamedRow::new(self, rows, row, temporaries);
                match named.filter(|named| !named.route.by_principal.is_empty()) {
                    Some(named) => {
                        self.assign_asks(&named);
                        named_rows.push(named, &[Side::Principal, Side::Resource]);
                        return;
                    }
                    None => self.concern(rows, class, principal, action),
                }
            }
            None => self.concern(rows, class, principal, action),
        };
        let Some(concern) = self.concern_list.get(number as usize).copied() else { return };
        for asked in self.concerned.get(concern.from..concern.to).unwrap_or_default() {
            if let Some(asked) = self.asked.get_mut(*asked as usize) {
                asked.rows.push(row);
            }
        }
        if !concern.by_resource {
            return;
        }
        if is_few(&self.sides.resource_rows, resource)
            && let Some(named) = NamedRow::new(self, rows, row, temporaries)
        {
            named_rows.push(named, &[Side::Resource]);
            return;
        }
        self.assign_by_resource(rows, row, principal, action, resource);
    }

    /// As [`Plan::assign`], for a row whose principal few rows have: of the policies that are kept by no entity.
    fn assign_asks(&mut self, named: &NamedRow<'_, 'a>) {
        for ask in &named.route.asks {
            if named.principal.fits(ask.principal) {
                let number = self.asked_number(Candidate::from(ask));
                if let Some(asked) = self.asked.get_mut(number as usize) {
                    asked.rows.push(named.row);
                }
            }
        }
    }

    #[allow(clippy::cast_possible_truncation)] // at most one per pair that a row has
    fn concern(&mut self, rows: &Rows<'a>, class: u32, principal: u32, action: u32) -> u32 {
        let action_entity = rows.actions.distinct.get(action as usize).copied().unwrap_or(EntityId(u32::MAX));
        let from = self.concerned.len();
        let mut by_resource = false;
        if let Some(party) = self.sides.principals.get(principal as usize).copied() {
            let (index, store) = (self.snapshot.policies.index(), &self.snapshot.store);
            let mut found: Vec<Candidate> = Vec::new();
            let mut see = |candidate: &Candidate| {
                if party.fits(candidate.principal) {
                    found.push(*candidate);
                }
            };
            by_resource = match self.snapshot.policies.route_of(action_entity, store) {
                Some(route) => {
                    let entity = party.entity;
                    index.visit_keyed(&route.by_principal, Side::Principal, entity, party.ancestors, &mut see);
                    self.concern_all(&party, action, route);
                    !route.by_resource.is_empty()
                }
                None => index.visit_principal(party.entity, action_entity, store, see),
            };
            for candidate in found {
                let number = self.asked_number(candidate);
                self.concerned.push(number);
            }
            sort_tail(&mut self.concerned, from);
        }
        let number = self.concern_list.len() as u32;
        self.concern_list.push(Concern { from, to: self.concerned.len(), by_resource });
        self.concerns.insert(class, action, number);
        number
    }

    /// Adds what is kept by no entity to a concern.
    fn concern_all(&mut self, party: &Party<'a>, action: u32, route: &Route) {
        let known = self.of_action.get_mut(action as usize).and_then(Option::take);
        let numbers =
            known.unwrap_or_else(|| route.asks.iter().map(|ask| self.asked_number(Candidate::from(ask))).collect());
        for number in &numbers {
            if self.asked.get(*number as usize).is_some_and(|asked| party.fits(asked.candidate.principal)) {
                self.concerned.push(*number);
            }
        }
        if let Some(known) = self.of_action.get_mut(action as usize) {
            *known = Some(numbers);
        }
    }

    #[allow(clippy::cast_possible_truncation)] // at most one per policy
    fn asked_number(&mut self, candidate: Candidate) -> u32 {
        let next = self.asked.len() as u32;
        let number = *self.asked_numbers.entry(candidate.policy).or_insert(next);
        if number == next {
            let family = self.family_number(&candidate);
            self.asked.push(Asked { candidate, rows: Vec::new(), family });
        }
        number
    }

    /// The family of a link that has a condition.
    #[allow(clippy::cast_possible_truncation)] // at most one per policy
    fn family_number(&mut self, candidate: &Candidate) -> Option<u32> {
        let policy = self.snapshot.policies.get(candidate.policy)?;
        if policy.link.is_none() || !candidate.conditional {
            return None;
        }
        let constants = if policy.constants.is_empty() { std::ptr::null() } else { policy.constants.as_ptr() };
        let next = self.families.len() as u32;
        let number = *self.family_numbers.entry((policy.shape, constants)).or_insert(next);
        if number == next {
            self.families.push(Family::default());
        }
        Some(number)
    }

    fn assign_by_resource(&mut self, rows: &Rows<'a>, row: u32, principal: u32, action: u32, resource: u32) {
        let (Some(action), Some(party), Some(resource)) = (
            rows.actions.distinct.get(action as usize).copied(),
            self.sides.principals.get(principal as usize).copied(),
            self.sides.resources.get(resource as usize).copied(),
        ) else {
            return;
        };
        let snapshot = self.snapshot;
        let mut found: Vec<Candidate> = Vec::new();
        snapshot.policies.index().visit_resource(resource.entity, action, &snapshot.store, |candidate| {
            if party.fits(candidate.principal) && resource.fits(candidate.resource) {
                found.push(*candidate);
            }
        });
        for candidate in found {
            let number = self.asked_number(candidate);
            if let Some(asked) = self.asked.get_mut(number as usize)
                && asked.rows.last() != Some(&row)
            {
                asked.rows.push(row);
            }
        }
    }
}

/// Sorts what stands from a place on, and leaves each number there once.
fn sort_tail(numbers: &mut Vec<u32>, from: usize) {
    let Some(tail) = numbers.get_mut(from..) else { return };
    tail.sort_unstable();
    let mut kept = from;
    let mut last = None;
    for at in from..numbers.len() {
        let number = numbers.get(at).copied();
        if number != last
            && let (Some(number), Some(place)) = (number, numbers.get_mut(kept))
        {
            *place = number;
            kept = kept.saturating_add(1);
        }
        last = number;
    }
    numbers.truncate(kept);
}

/// What policies are asked with.
#[derive(Clone, Copy)]
struct Asker<'p, 'a> {
    snapshot: &'a Snapshot,
    rows: &'p Rows<'a>,
    parties: [&'p [Party<'a>]; 2],
    temporaries: &'a Temporaries,
}

impl Asker<'_, '_> {
    /// Keeps the rows whose resource fits a policy's scope.
    fn keep_fitting(&self, candidate: &Candidate, waiting: &mut Vec<u32>) {
        if candidate.resource == Scope::Any {
            return;
        }
        let (index, [_, resources]) = (&self.rows.resources.index, self.parties);
        waiting.retain(|row| {
            let party = index.get(*row as usize).and_then(|index| resources.get(*index as usize));
            party.is_some_and(|party| party.fits(candidate.resource))
        });
    }
}
