//! What did a person let pass, for exactly one call and once?
//!
//! An approval takes back the forbids it names, for the call of one digest. It is used up by the first allow that
//! needed it, in one step, so that of two threads one is allowed. It ends at its time, with a reload, and where another
//! link takes the name of the policy that was asked about; which of them hold is for the snapshot that decides to say.
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

/// One policy that is taken back for a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Approved {
    /// Its name.
    pub policy: Arc<str>,
    /// When the person was asked: what the name stood for then is what they let pass.
    pub asked_epoch: u64,
    /// The reload since which the approval holds, and until the next.
    pub generation: u64,
    /// From when on it does not hold any more.
    pub end_ms: i64,
}

type OfCall = SmallVec<[Approved; 1]>;

/// All approvals, by call.
#[derive(Debug, Default)]
pub struct Approvals {
    calls: Mutex<HashMap<Digest, OfCall, RandomState>>,
    count: AtomicUsize,
}

/// [`APPROVALS_MAX`] is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooManyApprovals;

impl Approvals {
    fn calls(&self) -> MutexGuard<'_, HashMap<Digest, OfCall, RandomState>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nothing is approved, so that no digest need be made.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// Lets forbids be taken back. Approving again replaces the end.
    ///
    /// # Errors
    ///
    /// [`TooManyApprovals`]
    pub fn approve(
        &self,
        digest: Digest,
        policies: impl Iterator<Item = Approved>,
        now_ms: i64,
    ) -> Result<(), TooManyApprovals> {
        let mut calls = self.calls();
        if calls.len() >= APPROVALS_MAX {
            calls.retain(|_, of_call| of_call.iter().any(|known| now_ms < known.end_ms));
            if calls.len() >= APPROVALS_MAX {
                return Err(TooManyApprovals);
            }
        }
        let of_call = calls.entry(digest).or_default();
        for new in policies {
            // An older question says nothing of what a newer one was about, so it takes nothing's place.
            let is_newer = |known: &Approved| known.asked_epoch > new.asked_epoch;
            of_call.retain(|known| known.policy != new.policy || is_newer(known));
            of_call.push(new);
        }
        self.count.store(calls.len(), Ordering::Release);
        Ok(())
    }

    /// The policies that are taken back for a call, of those that hold.
    #[must_use]
    pub fn of(&self, digest: &Digest, now_ms: i64, holds: impl Fn(&Approved) -> bool) -> PolicyNames {
        let calls = self.calls();
        let found = calls.get(digest).into_iter().flatten();
        let found = found.filter(|approved| now_ms < approved.end_ms && holds(approved));
        found.map(|approved| approved.policy.clone()).collect()
    }

    /// Uses up all that was approved of a call; false if any of what is needed is not there any more.
    #[must_use]
    pub fn consume(
        &self,
        digest: &Digest,
        needed: &[Arc<str>],
        now_ms: i64,
        holds: impl Fn(&Approved) -> bool,
    ) -> bool {
        let mut calls = self.calls();
        let Some(of_call) = calls.get(digest) else { return needed.is_empty() };
        let is_there = |policy: &Arc<str>| {
            of_call.iter().any(|known| known.policy == *policy && now_ms < known.end_ms && holds(known))
        };
        if !needed.iter().all(is_there) {
            return false;
        }
        calls.remove(digest);
        self.count.store(calls.len(), Ordering::Release);
        true
    }

    /// Ends every approval: another bundle decides now.
    pub fn clear(&self) {
        let mut calls = self.calls();
        calls.clear();
        self.count.store(0, Ordering::Release);
    }
}
