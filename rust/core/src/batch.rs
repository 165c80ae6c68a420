//! What is the answer for each of many calls?
//!
//! Rows are decided in chunks against one snapshot. Per chunk, each row is told which policies can concern it: that
//! depends on its action and on the class of its principal (principals of one type and with the same ancestors, which
//! no scope names, are one class), so it is worked out once per pair of them and remembered ([`Plan`]); policies that
//! are kept by resource are looked up per row. Then every policy is asked once for all of its rows, by kernels.
//!
//! The two-bit table: for a pair whose policies all lack conditions and resource scopes the answer is *never* or
//! *always* the same, and no call of it is looked at; every other pair *depends* ([`Reach`]).
//!
//! Optimisation: preserves `Policies::answer` row by row; `tests/properties` hold "batch equals singles" to that.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::authorize::{OnError, Party, PolicyId};
use crate::columns::{Rows, parties};
use crate::decision::Reason;
use crate::engine::Snapshot;
use crate::evaluate::{Failure, Temporaries};
use crate::index::Candidate;
use crate::kernels::{KernelRuns, Kernels, Scratch};
use crate::policies::{Effect, Scope};
use crate::value::{EntityId, TypeId};

/// What cannot change with the call, for a pair of principal class and action.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// No policy applies: denied, whatever the call.
    Never,
    /// Only policies without condition and resource scope apply: the same answer, whatever the call.
    Always,
    /// The call must be looked at.
    Depends,
}

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
#[derive(Debug)]
struct Concern {
    /// Places in [`Plan::asked`].
    asked: Box<[u32]>,
    /// Whether more are kept by resource.
    by_resource: bool,
    reach: Reach,
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
                let place = (class as usize).checked_mul(*action_count)?.checked_add(action as usize)?;
                numbers.get(place).copied().filter(|number| *number != u32::MAX)
            }
            Self::Map(numbers) => numbers.get(&(class, action)).copied(),
        }
    }

    fn insert(&mut self, class: u32, action: u32, number: u32) {
        match self {
            Self::Table { numbers, action_count } => {
                let place = (class as usize).saturating_mul(*action_count).saturating_add(action as usize);
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
}

/// What one snapshot says of a batch's distinct entities; kept from chunk to chunk while the snapshot stays.
#[derive(Debug)]
pub struct Plan<'a> {
    snapshot: &'a Snapshot,
    principals: Vec<Party<'a>>,
    resources: Vec<Party<'a>>,
    /// Class of each distinct principal.
    classes: Vec<u32>,
    concerns: Concerns,
    concern_list: Vec<Concern>,
    asked: Vec<Asked>,
    asked_numbers: HashMap<PolicyId, u32, FixedState>,
    scratch: Scratch<'a>,
}

impl<'a> Plan<'a> {
    /// What a snapshot says of the distinct entities of a batch.
    #[must_use]
    pub fn new(snapshot: &'a Snapshot, rows: &Rows<'_>) -> Self {
        let principals = parties(&rows.principals, &snapshot.store, rows.locals);
        let classes = classes(&principals, snapshot);
        let class_count = classes.iter().max().map_or(0, |last| (*last as usize).saturating_add(1));
        let concerns = Concerns::new(class_count, rows.actions.distinct.len());
        Self {
            snapshot,
            principals,
            resources: parties(&rows.resources, &snapshot.store, rows.locals),
            classes,
            concerns,
            concern_list: Vec::new(),
            asked: Vec::new(),
            asked_numbers: HashMap::default(),
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
        for row in start..end {
            if rows.refused.get(row as usize).is_some_and(Option::is_none) {
                self.assign(rows, row);
            }
        }
        let mut chunk = Chunk::new(start, end);
        for asked in &mut self.asked {
            if asked.rows.is_empty() {
                continue;
            }
            let mut waiting = std::mem::take(&mut asked.rows);
            let resources = &self.resources;
            if asked.candidate.resource != Scope::Any {
                let index = &rows.resources.index;
                waiting.retain(|row| {
                    let party = index.get(*row as usize).and_then(|index| resources.get(*index as usize));
                    party.is_some_and(|party| party.fits(asked.candidate.resource))
                });
            }
            let parties = [&*self.principals, resources];
            chunk.ask(self.snapshot, &asked.candidate, rows, &waiting, parties, temporaries, &mut self.scratch);
            waiting.clear();
            asked.rows = waiting;
        }
        chunk.conclude(rows, on_error, out);
    }

    /// Puts a row on the lists of the policies that can concern it.
    fn assign(&mut self, rows: &Rows<'a>, row: u32) {
        let at = row as usize;
        let (Some(principal), Some(action), Some(resource)) = (
            rows.principals.index.get(at).copied(),
            rows.actions.index.get(at).copied(),
            rows.resources.index.get(at).copied(),
        ) else {
            return;
        };
        let class = self.classes.get(principal as usize).copied().unwrap_or(u32::MAX);
        let number = match self.concerns.get(class, action) {
            Some(number) => number,
            None => self.concern(rows, class, principal, action),
        };
        let Some(concern) = self.concern_list.get(number as usize) else { return };
        for asked in &concern.asked {
            if let Some(asked) = self.asked.get_mut(*asked as usize) {
                asked.rows.push(row);
            }
        }
        if concern.by_resource {
            self.assign_by_resource(rows, row, principal, action, resource);
        }
    }

    #[allow(clippy::cast_possible_truncation)] // at most one per pair that a row has
    fn concern(&mut self, rows: &Rows<'a>, class: u32, principal: u32, action: u32) -> u32 {
        let action_entity = rows.actions.distinct.get(action as usize).copied().unwrap_or(EntityId(u32::MAX));
        let mut asked: Vec<u32> = Vec::new();
        let (mut by_resource, mut reach) = (false, Reach::Never);
        if let Some(party) = self.principals.get(principal as usize).copied() {
            let snapshot = self.snapshot;
            let mut found: Vec<Candidate> = Vec::new();
            by_resource =
                snapshot.policies.index().visit_principal(party.entity, action_entity, &snapshot.store, |candidate| {
                    if party.fits(candidate.principal) {
                        found.push(*candidate);
                    }
                });
            let fixed = found.iter().all(|candidate| !candidate.conditional && candidate.resource == Scope::Any);
            reach = match (found.is_empty(), fixed) {
                _ if by_resource => Reach::Depends,
                (true, _) => Reach::Never,
                (false, true) => Reach::Always,
                (false, false) => Reach::Depends,
            };
            asked = found.into_iter().map(|candidate| self.asked_number(candidate)).collect();
            asked.sort_unstable();
            asked.dedup();
        }
        let number = self.concern_list.len() as u32;
        self.concern_list.push(Concern { asked: asked.into_boxed_slice(), by_resource, reach });
        self.concerns.insert(class, action, number);
        number
    }

    /// The two-bit answer for a row's principal and action; none if its chunk was not decided yet.
    #[must_use]
    pub fn reach(&self, rows: &Rows<'_>, row: u32) -> Option<Reach> {
        let principal = rows.principals.index.get(row as usize)?;
        let class = self.classes.get(*principal as usize)?;
        let number = self.concerns.get(*class, *rows.actions.index.get(row as usize)?)?;
        self.concern_list.get(number as usize).map(|concern| concern.reach)
    }

    #[allow(clippy::cast_possible_truncation)] // at most one per policy
    fn asked_number(&mut self, candidate: Candidate) -> u32 {
        let next = self.asked.len() as u32;
        let number = *self.asked_numbers.entry(candidate.policy).or_insert(next);
        if number == next {
            self.asked.push(Asked { candidate, rows: Vec::new() });
        }
        number
    }

    fn assign_by_resource(&mut self, rows: &Rows<'a>, row: u32, principal: u32, action: u32, resource: u32) {
        let (Some(action), Some(party), Some(resource)) = (
            rows.actions.distinct.get(action as usize).copied(),
            self.principals.get(principal as usize).copied(),
            self.resources.get(resource as usize).copied(),
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

const PERMITTED: u8 = 1;
const FORBIDDEN: u8 = 2;
const FORBID_ERROR: u8 = 4;

/// What is known of the rows of one chunk so far.
struct Chunk {
    start: u32,
    marks: Vec<u8>,
    satisfied: Vec<(u32, PolicyId, Effect)>,
    errors: Vec<(u32, PolicyId, Failure)>,
    forbid_errors: Vec<(u32, PolicyId)>,
    yes: Vec<u32>,
    erred: Vec<(u32, Failure)>,
}

impl Chunk {
    fn new(start: u32, end: u32) -> Self {
        Self {
            start,
            marks: vec![0; end.saturating_sub(start) as usize],
            satisfied: Vec::new(),
            errors: Vec::new(),
            forbid_errors: Vec::new(),
            yes: Vec::new(),
            erred: Vec::new(),
        }
    }

    fn mark(&mut self, row: u32, mark: u8) {
        if let Some(marks) = self.marks.get_mut(row.saturating_sub(self.start) as usize) {
            *marks |= mark;
        }
    }

    /// Asks one policy of the rows that its scope applies to.
    #[allow(clippy::too_many_arguments)] // the parts of the plan, borrowed apart from the list that is walked
    fn ask<'a>(
        &mut self,
        snapshot: &'a Snapshot,
        candidate: &Candidate,
        rows: &Rows<'a>,
        waiting: &[u32],
        parties: [&[Party<'a>]; 2],
        temporaries: &'a Temporaries,
        scratch: &mut Scratch<'a>,
    ) {
        let policy = candidate.policy;
        let mut yes = std::mem::take(&mut self.yes);
        let mut erred = std::mem::take(&mut self.erred);
        let condition = if candidate.conditional {
            snapshot.policies.get(policy).and_then(|policy| snapshot.policies.condition(policy))
        } else {
            None
        };
        match condition.and_then(|condition| Some((condition, condition.shape.root()?))) {
            None if candidate.conditional => {}
            None => yes.extend_from_slice(waiting),
            Some((condition, root)) => {
                let store = &snapshot.store;
                let errors = &mut erred;
                let mut kernels =
                    Kernels { rows, store, parties, condition, policy: policy.0, temporaries, scratch, errors };
                kernels.filter(root, waiting, &mut yes);
            }
        }
        let effect = candidate.effect;
        for row in yes.drain(..) {
            self.mark(row, if effect == Effect::Permit { PERMITTED } else { FORBIDDEN });
            self.satisfied.push((row, policy, effect));
        }
        for (row, failure) in erred.drain(..) {
            if effect == Effect::Forbid {
                self.mark(row, FORBID_ERROR);
                self.forbid_errors.push((row, policy));
            }
            self.errors.push((row, policy, failure));
        }
        self.yes = yes;
        self.erred = erred;
    }

    /// Draws the conclusion for each row, as `authorize::conclude` does, and keeps the policies that decided.
    fn conclude(mut self, rows: &Rows<'_>, on_error: OnError, out: &mut BatchAnswer) {
        let reason_of = |row: u32, mark: u8| match rows.refused.get(row as usize).copied().flatten() {
            Some(refused) => refused,
            None if mark & FORBIDDEN != 0 => Reason::Forbidden,
            None if mark & FORBID_ERROR != 0 && on_error == OnError::Deny => Reason::ForbidError,
            None if mark & PERMITTED == 0 => Reason::NotPermitted,
            None => Reason::Permitted,
        };
        out.reasons.extend((self.start..).zip(&self.marks).map(|(row, mark)| reason_of(row, *mark)));
        let mark_of = |row: u32| self.marks.get(row.saturating_sub(self.start) as usize).copied().unwrap_or(0);
        let from = out.satisfied.len();
        out.satisfied.extend(self.satisfied.iter().filter_map(|(row, policy, effect)| {
            let decided = match reason_of(*row, mark_of(*row)) {
                Reason::Permitted => *effect == Effect::Permit,
                Reason::Forbidden => *effect == Effect::Forbid,
                _ => false,
            };
            decided.then_some((*row, *policy))
        }));
        out.satisfied.extend(
            self.forbid_errors.iter().filter(|(row, _)| reason_of(*row, mark_of(*row)) == Reason::ForbidError).copied(),
        );
        if let Some(added) = out.satisfied.get_mut(from..) {
            added.sort_unstable();
        }
        self.errors.sort_unstable_by_key(|(row, policy, _)| (*row, *policy));
        out.errors.append(&mut self.errors);
    }
}
