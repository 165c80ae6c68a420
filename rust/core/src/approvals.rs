//! What did a person let pass, for exactly one call and once?
//!
//! An approval takes back the forbids it names, for the call of one digest. It is used up by the first allow that
//! needed it, in one step, so that of two threads one is allowed; it ends at its time and when the bundle changes.
//!
//! Twin: `reference/approvals.py`. Read next: `explain.rs`.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;
use smallvec::SmallVec;

use crate::tasks::Digest;

/// Most calls that are approved and not yet made; a further approval first takes away those that have ended.
pub const APPROVALS_MAX: usize = 1_000_000;

/// Names of policies.
pub type PolicyNames = SmallVec<[Arc<str>; 2]>;

type Ends = SmallVec<[(Arc<str>, i64); 2]>;

/// All approvals, by call.
#[derive(Debug, Default)]
pub struct Approvals {
    ends: Mutex<HashMap<Digest, Ends, RandomState>>,
    count: AtomicUsize,
}

/// [`APPROVALS_MAX`] is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooManyApprovals;

impl Approvals {
    fn ends(&self) -> MutexGuard<'_, HashMap<Digest, Ends, RandomState>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nothing is approved, so that no digest need be made.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// Lets forbids be taken back until `end_ms`. Approving again replaces the end.
    ///
    /// # Errors
    ///
    /// [`TooManyApprovals`]
    pub fn approve(
        &self,
        digest: Digest,
        policies: impl Iterator<Item = Arc<str>>,
        end_ms: i64,
        now_ms: i64,
    ) -> Result<(), TooManyApprovals> {
        let mut ends = self.ends();
        if ends.len() >= APPROVALS_MAX {
            ends.retain(|_, ends| ends.iter().any(|(_, end)| now_ms < *end));
            if ends.len() >= APPROVALS_MAX {
                return Err(TooManyApprovals);
            }
        }
        let of_call = ends.entry(digest).or_default();
        for policy in policies {
            of_call.retain(|(known, _)| *known != policy);
            of_call.push((policy, end_ms));
        }
        self.count.store(ends.len(), Ordering::Release);
        Ok(())
    }

    /// The policies that are taken back for a call.
    #[must_use]
    pub fn of(&self, digest: &Digest, now_ms: i64) -> PolicyNames {
        let ends = self.ends();
        let found = ends.get(digest).into_iter().flatten();
        found.filter(|(_, end)| now_ms < *end).map(|(policy, _)| policy.clone()).collect()
    }

    /// Uses up all that was approved of a call; false if any of what is needed is not there any more.
    #[must_use]
    pub fn consume(&self, digest: &Digest, needed: &[Arc<str>], now_ms: i64) -> bool {
        let mut ends = self.ends();
        let is_there =
            |policy: &Arc<str>, ends: &Ends| ends.iter().any(|(known, end)| known == policy && now_ms < *end);
        let Some(of_call) = ends.get(digest) else { return needed.is_empty() };
        if !needed.iter().all(|policy| is_there(policy, of_call)) {
            return false;
        }
        ends.remove(digest);
        self.count.store(ends.len(), Ordering::Release);
        true
    }

    /// Ends every approval: another bundle decides now.
    pub fn clear(&self) {
        let mut ends = self.ends();
        ends.clear();
        self.count.store(0, Ordering::Release);
    }
}
