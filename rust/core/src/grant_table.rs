//! Which grants are there, and which are known no more?
//!
//! [`Grants`] knows all grants by id, in parts that each have a lock of their own, and what the host has revoked or
//! suspended. Closed grants leave the table at once; each new grant looks at a few places of the table, in turn, and
//! forgets expired grants that nobody holds; a tree is counted anew only where the counters say that it is full.
//!
//! Optimisation: preserves what the list of all grants in `reference/grants.py` gives; the state machine of
//! `tests/properties` holds it to that. Read next: `chains.rs`.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicUsize, Ordering};
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

/// Most lists of tasks whose grants share one scope, before sharing starts anew.
const SCOPES_SHARED_MAX: usize = 65_536;

/// Places of the table that one new grant looks at for expired grants; before the grants have doubled in number, each
/// place has been looked at.
const PLACES_SEARCHED_MAX: usize = 4;

/// Scopes by tasks and generation.
type Scopes = HashMap<(SmallVec<[TaskId; 4]>, u64), Arc<Scope>, FixedState>;

/// All grants by id, and what the host has revoked or suspended.
#[derive(Debug)]
pub struct Grants {
    shards: Box<[Mutex<HashTable<Arc<Grant>>>]>,
    /// How often expired grants have been looked for, which tells where to go on.
    searches: AtomicUsize,
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
            searches: AtomicUsize::new(0),
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
        let hash = self.seed.hash_one(id);
        // The high bits choose the shard, the table uses the others.
        let at = usize::try_from(hash >> 58).unwrap_or(0);
        #[allow(clippy::indexing_slicing)] // six bits, 64 shards
        let shard = lock(&self.shards[at % SHARDS]);
        (hash, shard)
    }

    /// The one scope that grants of these tasks share; none if one of them is not the bundle's.
    #[must_use]
    pub fn scope(&self, tasks: &[TaskId], declarations: &Declarations, generation: u64) -> Option<Arc<Scope>> {
        let mut scopes = lock(&self.scopes);
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
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether another child of this grant would be one too many.
    #[must_use]
    pub fn is_full(&self, parent: &Grant, limits: TreeLimits, now_ms: i64) -> bool {
        self.is_full_of(&mut lock(&parent.tree.members_or_new()), parent, limits, now_ms)
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
        // Its children may all be gone by now, and then none of them would tell of it.
        parent.children.store(0, Ordering::Relaxed);
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
        self.know(&grant);
        self.clear_some(now_ms);
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
        let members = parent.tree.members_or_new();
        let mut members = lock(&members);
        if self.is_full_of(&mut members, parent, limits, now_ms) {
            return None;
        }
        let grant = Arc::new(Grant::new(issue, Some(parent.clone())));
        parent.children.fetch_add(1, Ordering::Relaxed);
        members.push(Arc::downgrade(&grant));
        drop(members);
        self.know(&grant);
        self.clear_some(now_ms);
        Some(grant)
    }

    fn know(&self, grant: &Arc<Grant>) {
        let (hash, mut shard) = self.shard(grant.id);
        shard.insert_unique(hash, grant.clone(), |grant| self.seed.hash_one(grant.id));
    }

    /// Forgets expired grants that nobody holds, as far as a few places of the table tell, other ones each time.
    fn clear_some(&self, now_ms: i64) {
        let search = self.searches.fetch_add(1, Ordering::Relaxed);
        let Some(shard) = self.shards.get(search % SHARDS) else { return };
        let shard = lock(shard);
        let first = (search / SHARDS).wrapping_mul(PLACES_SEARCHED_MAX);
        let places = (0..PLACES_SEARCHED_MAX).filter_map(|at| first.wrapping_add(at).checked_rem(shard.num_buckets()));
        let found = places.filter_map(|place| shard.get_bucket(place)).filter(|grant| grant.expires_ms <= now_ms);
        let expired: SmallVec<[Arc<Grant>; PLACES_SEARCHED_MAX]> = found.cloned().collect();
        drop(shard);
        expired.into_iter().for_each(|grant| self.forget_unheld(grant, now_ms));
    }

    /// Forgets an expired grant if nobody holds it, and then the same of the one above.
    ///
    /// Who holds a handle, or a grant below, may bring an earlier time later on: what they hold stays known by its id,
    /// by which it can be revoked.
    fn forget_unheld(&self, mut grant: Arc<Grant>, now_ms: i64) {
        while grant.expires_ms <= now_ms {
            let (hash, mut shard) = self.shard(grant.id);
            // The table and this very call hold one each; while the part is locked nobody finds the grant by its id.
            if Arc::strong_count(&grant) > 2 {
                return;
            }
            let Ok(found) = shard.find_entry(hash, |each| each.id == grant.id) else { return };
            found.remove();
            drop(shard);
            let Some(parent) = grant.parent.clone() else { return };
            grant = parent;
        }
    }

    /// Ends a grant and everything below it, for good; they are not known by id any more.
    pub fn close(&self, grant: &Grant) {
        // What is closed already changes nothing: nobody can spin the count of changes.
        if grant.flags.fetch_or(CLOSED, Ordering::AcqRel) & CLOSED != 0 {
            return;
        }
        grant.tree.changes.fetch_add(1, Ordering::AcqRel);
        if let Some(members) = grant.tree.members() {
            self.sweep(&mut lock(&members), grant.tree.latest_ms());
        }
        self.forget(grant.id);
    }

    fn blocking(&self) -> MutexGuard<'_, ()> {
        lock(&self.blocking)
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

/// A panic elsewhere leaves what the lock guards whole: every change under it is one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
