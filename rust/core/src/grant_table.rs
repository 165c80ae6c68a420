//! Which grants are there, and which are known no more?
//!
//! [`Grants`] knows all grants by id, in parts that each have a lock of their own, and what the host has revoked or
//! suspended. Closed grants leave the table at once; of expired trees each new tree clears a few away; the limits of a
//! tree count anew only where the counters say that it is full.
//!
//! Optimisation: preserves what the list of all grants in `reference/grants.py` gives; the state machine of
//! `tests/properties` holds it to that. Read next: `chains.rs`.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use arc_swap::ArcSwap;
use foldhash::fast::{FixedState, RandomState};
use hashbrown::HashTable;
use smallvec::SmallVec;

use crate::decision::Reason;
use crate::grants::{Blocks, CLOSED, Grant, GrantId, Hit, Issue, Named, REVOKED, SUSPENDED, Scope};
use crate::tasks::{Declarations, TaskId, TreeLimits};
use crate::value::EntityId;

/// What the host revokes or suspends, or lets go on.
#[derive(Clone, Debug)]
pub enum Target {
    /// A grant and everything below it.
    Grant(Arc<Grant>),
    /// Every grant in whose chain the agent stands, now and later.
    Agent(EntityId),
    /// Every tree of the principal, now and later.
    Principal(EntityId),
    /// Every grant of the task and everything below, now and later.
    Task(Arc<str>),
}

/// Parts of the table of grants, each behind a lock of its own.
const SHARDS: usize = 64;

/// Grants that expire within one span of time are looked for together, in milliseconds.
const EXPIRY_SPAN_MS: i64 = 1_024;

/// Most lists of tasks whose grants share one scope, before sharing starts anew.
const SCOPES_SHARED_MAX: usize = 65_536;

/// Most expired trees that one new grant clears away.
const TREES_CLEARED_MAX: usize = 4;

/// Scopes by tasks and generation.
type Scopes = HashMap<(SmallVec<[TaskId; 4]>, u64), Arc<Scope>, FixedState>;

/// Roots by the span in which they expire; names only, so that a closed grant's memory is free at once.
#[derive(Debug, Default)]
struct Expiries {
    spans: BTreeMap<i64, Vec<GrantId>>,
    /// Number of names, and how many of them are of closed grants.
    count: usize,
    closed: usize,
}

/// Names of closed grants that are waited for before they are looked for.
const CLOSED_MIN: usize = 1_024;

/// All grants by id, and what the host has revoked or suspended.
#[derive(Debug)]
pub struct Grants {
    shards: Box<[Mutex<HashTable<Arc<Grant>>>]>,
    expiries: Mutex<Expiries>,
    blocks: ArcSwap<Blocks>,
    blocking: Mutex<()>,
    changes: AtomicU32,
    scopes: Mutex<Scopes>,
    seed: RandomState,
}

impl Default for Grants {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            expiries: Mutex::default(),
            blocks: ArcSwap::default(),
            blocking: Mutex::default(),
            changes: AtomicU32::new(0),
            scopes: Mutex::default(),
            seed: RandomState::default(),
        }
    }
}

impl Grants {
    fn shard(&self, id: GrantId) -> (u64, MutexGuard<'_, HashTable<Arc<Grant>>>) {
        let hash = self.seed.hash_one(id.0);
        // The high bits choose the shard, the table uses the others.
        let at = usize::try_from(hash >> 58).unwrap_or(0);
        #[allow(clippy::indexing_slicing)] // six bits, 64 shards
        let shard = self.shards[at % SHARDS].lock().unwrap_or_else(PoisonError::into_inner);
        (hash, shard)
    }

    /// The one scope that grants of these tasks share; none if one of them is not the bundle's.
    #[must_use]
    pub fn scope(&self, tasks: &[TaskId], declarations: &Declarations, generation: u64) -> Option<Arc<Scope>> {
        let mut scopes = self.scopes.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (SmallVec::from_slice(tasks), generation);
        if let Some(known) = scopes.get(&key) {
            return Some(known.clone());
        }
        let scope = Arc::new(Scope::new(tasks, declarations, generation)?);
        if scopes.len() >= SCOPES_SHARED_MAX {
            scopes.clear();
        }
        scopes.insert(key, scope.clone());
        Some(scope)
    }

    /// The grant of an id, if it has neither been closed nor cleared away.
    #[must_use]
    pub fn find(&self, id: GrantId) -> Option<Arc<Grant>> {
        let (hash, shard) = self.shard(id);
        shard.find(hash, |grant| grant.id == id).cloned()
    }

    /// Whether the whole chain of a grant holds at the tree's time.
    ///
    /// A grant remembers for which number of changes its chain was last found sound, so a call reads two counters and
    /// two times; only after a change is the chain walked again.
    ///
    /// # Errors
    ///
    /// The first hit, root first.
    #[inline]
    pub fn status(&self, grant: &Grant, declarations: &Declarations, generation: u64, now_ms: i64) -> Result<(), Hit> {
        let (all, tree) = (self.changes.load(Ordering::Acquire), grant.tree.changes.load(Ordering::Acquire));
        let changes = (u64::from(all) << 32 | u64::from(tree)).saturating_add(1);
        let is_sound = grant.sound.load(Ordering::Acquire) == changes;
        if is_sound && grant.valid_from_ms <= now_ms && now_ms < grant.expires_ms {
            return Ok(());
        }
        grant.status(&self.blocks.load(), declarations, generation, now_ms)?;
        grant.sound.store(changes, Ordering::Release);
        Ok(())
    }

    /// Number of grants that are known by id.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of roots, closed ones among them, whose expiry is waited for.
    #[must_use]
    pub fn expiry_count(&self) -> usize {
        self.expiries().count
    }

    /// Whether another child of this grant would be one too many.
    #[must_use]
    pub fn is_full(&self, parent: &Grant, limits: TreeLimits, now_ms: i64) -> bool {
        self.is_full_of(&mut parent.tree.members(), parent, limits, now_ms)
    }

    /// The counters say so first; only then are the living counted anew.
    fn is_full_of(&self, members: &mut Vec<Weak<Grant>>, parent: &Grant, limits: TreeLimits, now_ms: i64) -> bool {
        let is_full = |members: &Vec<Weak<Grant>>| {
            parent.children.load(Ordering::Relaxed) >= limits.children_max
                || members.len().saturating_add(1) >= limits.grants_max as usize
        };
        if !is_full(members) {
            return false;
        }
        self.sweep(members, now_ms);
        is_full(members)
    }

    /// Forgets what does not live any more, and counts children anew.
    fn sweep(&self, members: &mut Vec<Weak<Grant>>, now_ms: i64) {
        let blocks = self.blocks.load();
        let known: Vec<Arc<Grant>> = members.iter().filter_map(Weak::upgrade).collect();
        for grant in &known {
            grant.children.store(0, Ordering::Relaxed);
            if let Some(parent) = &grant.parent {
                parent.children.store(0, Ordering::Relaxed);
            }
        }
        members.clear();
        for grant in &known {
            if grant.is_live(&blocks, now_ms) {
                if let Some(parent) = &grant.parent {
                    parent.children.fetch_add(1, Ordering::Relaxed);
                }
                members.push(Arc::downgrade(grant));
            } else {
                self.forget(grant.id);
            }
        }
    }

    fn forget(&self, id: GrantId) {
        let (hash, mut shard) = self.shard(id);
        if let Ok(found) = shard.find_entry(hash, |grant| grant.id == id) {
            found.remove();
        }
    }

    /// Issues a root grant.
    pub fn insert_root(&self, issue: Issue, now_ms: i64) -> Arc<Grant> {
        let grant = Arc::new(Grant::new(issue, None));
        // Known first: a name that nobody knows is taken for a closed grant's.
        self.know(&grant);
        let mut expiries = self.expiries();
        let span = grant.expires_ms.div_euclid(EXPIRY_SPAN_MS);
        expiries.spans.entry(span).or_default().push(grant.id);
        expiries.count = expiries.count.saturating_add(1);
        let expired = expiries.take(now_ms);
        drop(expiries);
        for root in expired.iter().filter_map(|id| self.find(*id)) {
            // What is forgotten stays expired, whatever time a call brings later.
            root.tree.advance(now_ms);
            self.clear(&root);
        }
        grant
    }

    /// Issues a grant below another; none if the tree is full by now.
    pub fn insert_child(
        &self,
        issue: Issue,
        parent: &Arc<Grant>,
        limits: TreeLimits,
        now_ms: i64,
    ) -> Option<Arc<Grant>> {
        let mut members = parent.tree.members();
        if self.is_full_of(&mut members, parent, limits, now_ms) {
            return None;
        }
        let grant = Arc::new(Grant::new(issue, Some(parent.clone())));
        parent.children.fetch_add(1, Ordering::Relaxed);
        members.push(Arc::downgrade(&grant));
        drop(members);
        self.know(&grant);
        Some(grant)
    }

    fn expiries(&self) -> MutexGuard<'_, Expiries> {
        self.expiries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets the names of closed roots once they are the most.
    fn note_closed_root(&self) {
        let mut expiries = self.expiries();
        expiries.closed = expiries.closed.saturating_add(1);
        if expiries.closed < CLOSED_MIN || expiries.closed.saturating_mul(2) < expiries.count {
            return;
        }
        expiries.spans.retain(|_, span| {
            span.retain(|id| self.find(*id).is_some());
            span.shrink_to_fit();
            !span.is_empty()
        });
        expiries.count = expiries.spans.values().map(Vec::len).sum();
        expiries.closed = 0;
    }

    fn know(&self, grant: &Arc<Grant>) {
        let (hash, mut shard) = self.shard(grant.id);
        shard.insert_unique(hash, grant.clone(), |grant| self.seed.hash_one(grant.id.0));
    }

    /// Forgets a tree whose root has expired.
    fn clear(&self, root: &Grant) {
        let members = std::mem::take(&mut *root.tree.members());
        members.iter().filter_map(Weak::upgrade).for_each(|grant| self.forget(grant.id));
        self.forget(root.id);
    }

    /// Ends a grant and everything below it, for good; they are not known by id any more.
    pub fn close(&self, grant: &Grant) {
        // What is closed already changes nothing: nobody can spin the count of changes.
        if grant.flags.fetch_or(CLOSED, Ordering::AcqRel) & CLOSED != 0 {
            return;
        }
        grant.tree.changes.fetch_add(1, Ordering::AcqRel);
        let mut members = grant.tree.members();
        self.sweep(&mut members, grant.tree.latest_ms());
        drop(members);
        self.forget(grant.id);
        if grant.parent.is_none() {
            self.note_closed_root();
        }
    }

    fn blocking(&self) -> MutexGuard<'_, ()> {
        self.blocking.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, edit: impl FnOnce(&mut Blocks)) {
        let _blocking = self.blocking();
        let mut blocks = (**self.blocks.load()).clone();
        edit(&mut blocks);
        self.blocks.store(Arc::new(blocks));
        self.note_change();
    }

    /// Lets every chain be walked again.
    pub fn note_change(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
    }

    fn flag(grant: &Grant, change: impl FnOnce(&AtomicU8)) {
        change(&grant.flags);
        grant.tree.changes.fetch_add(1, Ordering::AcqRel);
    }

    /// Revokes: final, for every decision that begins after this has returned.
    pub fn revoke(&self, target: &Target) {
        match target {
            Target::Grant(grant) => Self::flag(grant, |flags| {
                flags.fetch_or(REVOKED, Ordering::AcqRel);
            }),
            named => self.change(|blocks| put(&mut blocks.revoked, named, true)),
        }
    }

    /// Blocks for a while.
    pub fn suspend(&self, target: &Target) {
        match target {
            Target::Grant(grant) => Self::flag(grant, |flags| {
                flags.fetch_or(SUSPENDED, Ordering::AcqRel);
            }),
            named => self.change(|blocks| put(&mut blocks.suspended, named, true)),
        }
    }

    /// Lifts a suspension.
    pub fn resume(&self, target: &Target) {
        match target {
            Target::Grant(grant) => Self::flag(grant, |flags| {
                flags.fetch_and(!SUSPENDED, Ordering::AcqRel);
            }),
            named => self.change(|blocks| put(&mut blocks.suspended, named, false)),
        }
    }

    /// Whether a new grant for these would be blocked from the start.
    ///
    /// # Errors
    ///
    /// `revoked` or `suspended`.
    pub fn check_named<'n>(
        &self,
        principal: Option<EntityId>,
        agent: EntityId,
        tasks: impl Iterator<Item = &'n Arc<str>> + Clone,
    ) -> Result<(), Reason> {
        let blocks = self.blocks.load();
        if blocks.revoked.concern(principal, agent, tasks.clone()) {
            return Err(Reason::Revoked);
        }
        if blocks.suspended.concern(principal, agent, tasks) { Err(Reason::Suspended) } else { Ok(()) }
    }
}

fn put(named: &mut Named, target: &Target, is_in: bool) {
    match target {
        Target::Grant(_) => {}
        Target::Agent(agent) if is_in => {
            named.agents.insert(*agent);
        }
        Target::Agent(agent) => {
            named.agents.remove(agent);
        }
        Target::Principal(principal) if is_in => {
            named.principals.insert(*principal);
        }
        Target::Principal(principal) => {
            named.principals.remove(principal);
        }
        Target::Task(task) if is_in => {
            named.tasks.insert(task.clone());
        }
        Target::Task(task) => {
            named.tasks.remove(task);
        }
    }
}

impl Expiries {
    /// Some roots whose time is over at `now_ms`.
    fn take(&mut self, now_ms: i64) -> SmallVec<[GrantId; 4]> {
        let mut taken = SmallVec::new();
        while taken.len() < TREES_CLEARED_MAX {
            let Some(mut first) = self.spans.first_entry() else { break };
            if first.key().saturating_add(1).saturating_mul(EXPIRY_SPAN_MS) > now_ms {
                break;
            }
            match first.get_mut().pop() {
                Some(root) => {
                    self.count = self.count.saturating_sub(1);
                    taken.push(root);
                }
                None => {
                    first.remove();
                }
            }
        }
        taken
    }
}
