//! How many calls came to what? Counted by numbers while they are decided; told in names at the end.

use std::collections::BTreeMap;
use std::sync::Arc;

use agentpdp_core::authorize::PolicyId;
use agentpdp_core::decision::{Reason, Stage};
use agentpdp_core::engine::Snapshot;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::grants::batch::RowDecision;

/// Calls that are alike in all that is counted.
#[derive(PartialEq, Eq, Hash)]
struct Alike {
    tasks: u32,
    action: u32,
    reason: Reason,
    stage: Option<Stage>,
    policies: SmallVec<[PolicyId; 2]>,
}

/// The same in names.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Told {
    pub(super) tasks: u32,
    pub(super) action: String,
    pub(super) reason: Reason,
    pub(super) stage: Option<Stage>,
    pub(super) policies: Vec<String>,
}

/// Counts of calls.
#[derive(Default)]
pub(super) struct Tally {
    actions: HashMap<Box<str>, u32, RandomState>,
    counts: HashMap<Alike, u64, RandomState>,
    /// What the policies' numbers are numbers in.
    snapshot: Option<Arc<Snapshot>>,
    told: BTreeMap<Told, u64>,
}

impl Tally {
    /// Counts a call that was decided against a snapshot.
    pub(super) fn add(&mut self, tasks: u32, action: &str, decided: &RowDecision, snapshot: &Arc<Snapshot>) {
        if !self.snapshot.as_ref().is_some_and(|known| Arc::ptr_eq(known, snapshot)) {
            self.fold();
            self.snapshot = Some(snapshot.clone());
        }
        let action = match self.actions.get(action) {
            Some(number) => *number,
            None => {
                let number = u32::try_from(self.actions.len()).unwrap_or(u32::MAX);
                self.actions.insert(action.into(), number);
                number
            }
        };
        let policies = SmallVec::from_slice(&decided.policies);
        let alike = Alike { tasks, action, reason: decided.reason, stage: decided.stage, policies };
        *self.counts.entry(alike).or_default() += 1;
    }

    /// Everything that was counted, in names.
    pub(super) fn told(&mut self) -> &BTreeMap<Told, u64> {
        self.fold();
        &self.told
    }

    /// Turns numbers into names, as the next snapshot has other numbers.
    fn fold(&mut self) {
        let Some(snapshot) = self.snapshot.take() else { return };
        let mut actions = vec![""; self.actions.len()];
        for (action, number) in &self.actions {
            if let Some(place) = actions.get_mut(*number as usize) {
                *place = action;
            }
        }
        for (alike, count) in self.counts.drain() {
            let mut policies: Vec<String> =
                alike.policies.iter().map(|policy| snapshot.policies.name(*policy).to_owned()).collect();
            policies.sort_unstable();
            policies.dedup();
            let action = actions.get(alike.action as usize).copied().unwrap_or_default().to_owned();
            let told = Told { tasks: alike.tasks, action, reason: alike.reason, stage: alike.stage, policies };
            *self.told.entry(told).or_default() += count;
        }
    }
}
