//! What is known of the rows of one chunk.
//!
//! Policies are asked of the rows that they can concern, and what they say is gathered per row; then each row's
//! conclusion is drawn.
//!
//! Optimisation: preserves `authorize::conclude` row by row, as `batch.rs` does.

use crate::authorize::{OnError, PolicyId};
use crate::columns::Rows;
use crate::decision::Reason;
use crate::evaluate::Failure;
use crate::index::Candidate;
use crate::kernels::{Kernels, Scratch};
use crate::policies::Effect;

use super::{Asked, Asker, BatchAnswer, Family};

const PERMITTED: u8 = 1;
const FORBIDDEN: u8 = 2;
const FORBID_ERROR: u8 = 4;

/// What is known of the rows of one chunk so far.
pub(super) struct Chunk {
    start: u32,
    marks: Vec<u8>,
    satisfied: Vec<(u32, PolicyId, Effect)>,
    errors: Vec<(u32, PolicyId, Failure)>,
    forbid_errors: Vec<(u32, PolicyId)>,
    yes: Vec<u32>,
    erred: Vec<(u32, Failure)>,
}

impl Chunk {
    pub(super) fn new(start: u32, end: u32) -> Self {
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

    /// Asks the condition of a policy of some rows: `yes` and `erred` are then what it said.
    pub(super) fn ask<'a>(
        &mut self,
        asker: &Asker<'_, 'a>,
        candidate: &Candidate,
        waiting: &[u32],
        scratch: &mut Scratch<'a>,
    ) {
        let Asker { snapshot, rows, parties, temporaries } = *asker;
        let condition = if candidate.conditional {
            snapshot.policies.get(candidate.policy).and_then(|policy| snapshot.policies.condition(policy))
        } else {
            None
        };
        match condition.and_then(|condition| Some((condition, condition.shape.root()?))) {
            None if candidate.conditional => {}
            None => self.yes.extend_from_slice(waiting),
            Some((condition, root)) => {
                let (store, policy, errors) = (&snapshot.store, candidate.policy.0, &mut self.erred);
                let mut kernels = Kernels { rows, store, parties, condition, policy, temporaries, scratch, errors };
                kernels.filter(root, waiting, &mut self.yes);
            }
        }
    }

    /// Counts what was said for the one policy that was asked.
    pub(super) fn settle_all(&mut self, candidate: &Candidate) {
        let (yes, erred) = (std::mem::take(&mut self.yes), std::mem::take(&mut self.erred));
        yes.iter().for_each(|row| self.satisfy(*row, candidate));
        erred.iter().for_each(|(row, failure)| self.err(*row, *failure, candidate));
        (self.yes, self.erred) = (yes, erred);
        self.yes.clear();
        self.erred.clear();
    }

    /// Asks the condition that some links share once of all their rows, and counts it for each link's own.
    pub(super) fn ask_family<'a>(
        &mut self,
        asker: &Asker<'_, 'a>,
        family: &mut Family,
        asked: &mut [Asked],
        scratch: &mut Scratch<'a>,
    ) {
        let first = family.members.first().and_then(|member| asked.get(*member as usize));
        let Some(candidate) = first.map(|first| first.candidate) else { return };
        if let [only] = family.members[..] {
            self.ask(asker, &candidate, &family.rows, scratch);
            self.settle_all(&candidate);
            if let Some(only) = asked.get_mut(only as usize) {
                only.rows.clear();
            }
            family.members.clear();
            family.rows.clear();
            return;
        }
        family.rows.sort_unstable();
        family.rows.dedup();
        self.ask(asker, &candidate, &family.rows, scratch);
        let (yes, mut erred) = (std::mem::take(&mut self.yes), std::mem::take(&mut self.erred));
        erred.sort_unstable_by_key(|(row, _)| *row);
        for member in family.members.drain(..) {
            let Some(member) = asked.get_mut(member as usize) else { continue };
            for row in member.rows.drain(..) {
                if yes.binary_search(&row).is_ok() {
                    self.satisfy(row, &member.candidate);
                } else if let Ok(at) = erred.binary_search_by_key(&row, |(row, _)| *row)
                    && let Some((_, failure)) = erred.get(at)
                {
                    self.err(row, *failure, &member.candidate);
                }
            }
        }
        family.rows.clear();
        (self.yes, self.erred) = (yes, erred);
        self.yes.clear();
        self.erred.clear();
    }

    pub(super) fn satisfy(&mut self, row: u32, candidate: &Candidate) {
        self.mark(row, if candidate.effect == Effect::Permit { PERMITTED } else { FORBIDDEN });
        self.satisfied.push((row, candidate.policy, candidate.effect));
    }

    pub(super) fn err(&mut self, row: u32, failure: Failure, candidate: &Candidate) {
        if candidate.effect == Effect::Forbid {
            self.mark(row, FORBID_ERROR);
            self.forbid_errors.push((row, candidate.policy));
        }
        self.errors.push((row, candidate.policy, failure));
    }

    /// Draws the conclusion for each row, as `authorize::conclude` does, and keeps the policies that decided.
    pub(super) fn conclude(mut self, rows: &Rows<'_>, on_error: OnError, may_repeat: bool, out: &mut BatchAnswer) {
        let reason_of = |row: u32, mark: u8| match rows.refused.get(row as usize).copied().flatten() {
            Some(refused) => refused,
            None if mark & FORBIDDEN != 0 => Reason::Forbidden,
            None if mark & FORBID_ERROR != 0 && on_error == OnError::Deny => Reason::ForbidError,
            None if mark & PERMITTED == 0 => Reason::NotPermitted,
            None => Reason::Permitted,
        };
        out.reasons.extend((self.start..).zip(&self.marks).map(|(row, mark)| reason_of(row, *mark)));
        let mark_of = |row: u32| self.marks.get(row.saturating_sub(self.start) as usize).copied().unwrap_or(0);
        let decided = self.satisfied.iter().filter_map(|(row, policy, effect)| {
            let decided = match reason_of(*row, mark_of(*row)) {
                Reason::Permitted => *effect == Effect::Permit,
                Reason::Forbidden => *effect == Effect::Forbid,
                _ => false,
            };
            decided.then_some((*row, *policy))
        });
        let erred =
            self.forbid_errors.iter().filter(|(row, _)| reason_of(*row, mark_of(*row)) == Reason::ForbidError).copied();
        let decided: Vec<(u32, PolicyId)> = decided.chain(erred).collect();
        let from = out.satisfied.len();
        order_by_row(self.start, self.marks.len(), &decided, &mut out.satisfied);
        self.errors.sort_unstable_by_key(|(row, policy, _)| (*row, *policy));
        if may_repeat {
            let mut added = out.satisfied.split_off(from);
            added.dedup();
            out.satisfied.append(&mut added);
            self.errors.dedup_by_key(|(row, policy, _)| (*row, *policy));
        }
        out.errors.append(&mut self.errors);
    }
}

/// Adds what was found of some rows, in any order, to a list: rows in order, and within a row its policies.
fn order_by_row(start: u32, row_count: usize, found: &[(u32, PolicyId)], out: &mut Vec<(u32, PolicyId)>) {
    let mut places = vec![0u32; row_count.saturating_add(1)];
    for (row, _) in found {
        if let Some(count) = places.get_mut((row.saturating_sub(start) as usize).saturating_add(1)) {
            *count = count.saturating_add(1);
        }
    }
    let mut sum = 0u32;
    for place in &mut places {
        sum = sum.saturating_add(*place);
        *place = sum;
    }
    let from = out.len();
    out.resize(from.saturating_add(found.len()), (0, PolicyId(0)));
    let Some(out) = out.get_mut(from..) else { return };
    for item in found {
        let Some(place) = places.get_mut(item.0.saturating_sub(start) as usize) else { continue };
        // What was placed of this row before stands right below; larger policies make room.
        let mut at = *place as usize;
        *place = place.saturating_add(1);
        while let Some(below) = at.checked_sub(1)
            && let Some(before) = out.get(below).copied()
            && before.0 == item.0
            && before.1 > item.1
        {
            if let Some(slot) = out.get_mut(at) {
                *slot = before;
            }
            at = below;
        }
        if let Some(slot) = out.get_mut(at) {
            *slot = *item;
        }
    }
}
