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
/// So many marks there are, with all of these together.
const MARKS: usize = 8;

/// Rows of which a policy said the same: which of [`Chunk::said`].
struct Said {
    policy: PolicyId,
    mark: u8,
    from: usize,
    to: usize,
}

/// What is known of the rows of one chunk so far.
pub(super) struct Chunk {
    start: u32,
    marks: Vec<u8>,
    /// The rows of `said`, one list behind the other.
    rows_said: Vec<u32>,
    said: Vec<Said>,
    errors: Vec<(u32, PolicyId, Failure)>,
    yes: Vec<u32>,
    erred: Vec<(u32, Failure)>,
}

impl Chunk {
    pub(super) fn new(start: u32, end: u32) -> Self {
        Self {
            start,
            marks: vec![0; end.saturating_sub(start) as usize],
            rows_said: Vec::new(),
            said: Vec::new(),
            errors: Vec::new(),
            yes: Vec::new(),
            erred: Vec::new(),
        }
    }

    /// Notes what a policy said of some rows.
    fn say(&mut self, policy: PolicyId, mark: u8, rows: &[u32]) {
        for row in rows {
            if let Some(marks) = self.marks.get_mut(row.saturating_sub(self.start) as usize) {
                *marks |= mark;
            }
        }
        let from = self.rows_said.len();
        self.rows_said.extend_from_slice(rows);
        let to = self.rows_said.len();
        match self.said.last_mut() {
            Some(last) if last.policy == policy && last.mark == mark => last.to = to,
            _ => self.said.push(Said { policy, mark, from, to }),
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
        self.say(candidate.policy, mark_of(candidate.effect), &yes);
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
        self.say(candidate.policy, mark_of(candidate.effect), &[row]);
    }

    pub(super) fn err(&mut self, row: u32, failure: Failure, candidate: &Candidate) {
        if candidate.effect == Effect::Forbid {
            self.say(candidate.policy, FORBID_ERROR, &[row]);
        }
        self.errors.push((row, candidate.policy, failure));
    }

    /// Draws the conclusion for each row, as `authorize::conclude` does, and keeps the policies that decided.
    pub(super) fn conclude(mut self, rows: &Rows<'_>, on_error: OnError, may_repeat: bool, out: &mut BatchAnswer) {
        let conclusion = |mark: u8| match mark {
            mark if mark & FORBIDDEN != 0 => (Reason::Forbidden, FORBIDDEN),
            mark if mark & FORBID_ERROR != 0 && on_error == OnError::Deny => (Reason::ForbidError, FORBID_ERROR),
            mark if mark & PERMITTED == 0 => (Reason::NotPermitted, 0),
            _ => (Reason::Permitted, PERMITTED),
        };
        let conclusions: [_; MARKS] = std::array::from_fn(|mark| conclusion(u8::try_from(mark).unwrap_or_default()));
        let refused = rows.refused.iter().skip(self.start as usize);
        out.reasons.extend(self.marks.iter_mut().zip(refused).map(|(mark, refused)| {
            // A row that was refused is asked nothing, so that no policy decided it.
            let (reason, deciding) = conclusions.get(usize::from(*mark)).copied().unwrap_or((Reason::NotPermitted, 0));
            *mark = deciding;
            refused.unwrap_or(reason)
        }));
        let from = out.satisfied.len();
        self.order_by_row(&mut out.satisfied);
        self.errors.sort_unstable_by_key(|(row, policy, _)| (*row, *policy));
        if may_repeat {
            let mut added = out.satisfied.split_off(from);
            added.dedup();
            out.satisfied.append(&mut added);
            self.errors.dedup_by_key(|(row, policy, _)| (*row, *policy));
        }
        out.errors.append(&mut self.errors);
    }

    /// Adds the policies that decided each row, as its mark says by now: rows in order, and within a row its policies.
    fn order_by_row(&mut self, out: &mut Vec<(u32, PolicyId)>) {
        self.said.sort_by_key(|said| said.policy);
        // Where the policies of each row begin: first how many there are, then the sum of those before.
        let mut places = vec![0u32; self.marks.len()];
        self.each_deciding(|place, _, _| {
            if let Some(count) = places.get_mut(place) {
                *count = count.saturating_add(1);
            }
        });
        let mut sum = 0u32;
        for place in &mut places {
            sum = sum.saturating_add(std::mem::replace(place, sum));
        }
        let from = out.len();
        out.resize(from.saturating_add(sum as usize), (0, PolicyId(0)));
        let Some(out) = out.get_mut(from..) else { return };
        self.each_deciding(|place, row, policy| {
            if let Some(next) = places.get_mut(place)
                && let Some(slot) = out.get_mut(*next as usize)
            {
                *slot = (row, policy);
                *next = next.saturating_add(1);
            }
        });
    }

    /// Shows each row that a policy decided, with its place in the chunk; policies in order.
    #[inline]
    fn each_deciding(&self, mut see: impl FnMut(usize, u32, PolicyId)) {
        for said in &self.said {
            for row in self.rows_said.get(said.from..said.to).unwrap_or_default() {
                let place = row.saturating_sub(self.start) as usize;
                if self.marks.get(place) == Some(&said.mark) {
                    see(place, *row, said.policy);
                }
            }
        }
    }
}

fn mark_of(effect: Effect) -> u8 {
    if effect == Effect::Permit { PERMITTED } else { FORBIDDEN }
}
