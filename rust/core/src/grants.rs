//! What has been granted, to whom, and does it still hold?
//!
//! A [`Grant`] is one issued task, immutable but for its flags; its parent leads to the root, so a grant is a whole
//! chain. A [`Tree`] is a root and everything delegated below it. Status is asked hop by hop, root first
//! ([`Grant::status`]). Nothing is ever undone but a suspension: a revoked grant stays revoked, time in a tree never
//! steps back.
//!
//! Twin: `reference/grants.py`. Read next: `grant_table.rs`.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};

use arc_swap::ArcSwapOption;
use foldhash::fast::FixedState;
use smallvec::SmallVec;

use crate::decision::Reason;
use crate::tasks::{Declarations, Digest, Task, TaskId};
use crate::value::{EntityId, Set, Value};

/// A grant's name: 128 random bits. It is not a capability.
///
/// In bytes, as a whole number would have to be aligned to 16 bytes and every grant with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GrantId([u8; 16]);

impl GrantId {
    /// The name of these bits.
    #[must_use]
    pub const fn new(bits: u128) -> Self {
        Self(bits.to_ne_bytes())
    }

    const fn bits(self) -> u128 {
        u128::from_ne_bytes(self.0)
    }
}

/// In one piece, without the length that an array would add.
impl std::hash::Hash for GrantId {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_u128(self.bits());
    }
}

/// 32 hexadecimal digits.
impl std::fmt::Display for GrantId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:032x}", self.bits())
    }
}

/// The tasks of a grant, as the bundle held them when it was issued; grants of the same tasks share one.
#[derive(Debug)]
pub struct Scope {
    /// Numbers of the tasks, in the order asked for, in the bundle of `generation`.
    pub tasks: Box<[TaskId]>,
    /// Names and digests, in that order.
    pub texts: Box<[(Arc<str>, Digest)]>,
    /// Names of the parameters of each, sorted.
    pub params: Box<[Box<[Arc<str>]>]>,
    /// The names, as rules see them.
    pub names: Arc<Set>,
    /// Which of the engine's bundles the numbers belong to.
    pub generation: u64,
}

impl Scope {
    /// The scope of these tasks; none if one of them is not the bundle's.
    #[must_use]
    pub fn new(tasks: &[TaskId], declarations: &Declarations, generation: u64) -> Option<Self> {
        let found: Vec<&Task> = tasks.iter().map(|task| declarations.task(*task)).collect::<Option<_>>()?;
        Some(Self {
            tasks: tasks.into(),
            texts: found.iter().map(|task| (task.name.clone(), task.digest)).collect(),
            params: found.iter().map(|task| task.params.iter().map(|param| param.name.clone()).collect()).collect(),
            names: Arc::new(Set::new(found.iter().map(|task| Value::String(task.name.clone())).collect())),
            generation,
        })
    }

    /// The numbers of the tasks in the bundle of another generation; none if it holds other texts of one of them.
    #[must_use]
    #[inline]
    pub fn tasks_in(&self, declarations: &Declarations, generation: u64) -> Option<Cow<'_, [TaskId]>> {
        if generation == self.generation {
            return Some(Cow::Borrowed(&self.tasks));
        }
        let number = |(name, digest): &(Arc<str>, Digest)| {
            let task = declarations.find(name)?;
            (declarations.task(task)?.digest == *digest).then_some(task)
        };
        self.texts.iter().map(number).collect::<Option<Vec<TaskId>>>().map(Cow::Owned)
    }
}

/// What a hop was delegated with besides its task: only these actions, only these resources.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Restriction {
    /// Actions and groups of them; none: all.
    pub actions: Option<Box<[EntityId]>>,
    /// Resources and what they may be in; none: all.
    pub resources: Option<Box<[EntityId]>>,
}

pub(crate) const REVOKED: u8 = 1;
pub(crate) const SUSPENDED: u8 = 2;
pub(crate) const CLOSED: u8 = 4;

/// One issued task.
#[derive(Debug)]
pub struct Grant {
    /// Its name.
    pub id: GrantId,
    /// The tree it belongs to.
    pub tree: Arc<Tree>,
    /// The grant it was delegated under; none for a root.
    pub parent: Option<Arc<Grant>>,
    /// Its tasks.
    pub scope: Arc<Scope>,
    /// Values of the parameters, after them a root's claims.
    values: Box<[Value]>,
    claims_start: u32,
    /// What it was delegated with besides.
    pub restriction: Option<Box<Restriction>>,
    /// Valid from then on, in milliseconds UTC.
    pub valid_from_ms: i64,
    /// Valid before then; never later than the parent's.
    pub expires_ms: i64,
    /// Who holds it.
    pub agent: EntityId,
    /// 0 for a root.
    pub depth: u16,
    pub(crate) flags: AtomicU8,
    /// Number of its children that count against limits, or more.
    pub(crate) children: AtomicU32,
    /// The numbers of changes for which the chain was last found sound, plus one.
    pub(crate) sound: AtomicU64,
}

/// A root grant and everything delegated below it.
#[derive(Debug)]
pub struct Tree {
    /// The original principal.
    pub principal: EntityId,
    pub(crate) changes: AtomicU32,
    latest_ms: AtomicI64,
    /// All grants but the root, once there was one.
    members: ArcSwapOption<Members>,
}

/// Grants below a root, behind the lock under which they are counted and added.
pub(crate) type Members = Mutex<Vec<Weak<Grant>>>;

// Grants stand in memory by the million: with the two counts before it, a grant takes 120 bytes and its tree 40.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Grant>() == 104 && size_of::<Tree>() == 24);

impl Tree {
    /// A tree that is about to get its root.
    #[must_use]
    pub fn new(principal: EntityId, now_ms: i64) -> Arc<Self> {
        Arc::new(Self {
            principal,
            changes: AtomicU32::new(0),
            latest_ms: AtomicI64::new(now_ms),
            members: ArcSwapOption::empty(),
        })
    }

    /// The tree's time at a call: the latest it has seen.
    #[inline]
    pub fn advance(&self, now_ms: i64) -> i64 {
        let latest = self.latest_ms.load(Ordering::Relaxed);
        if now_ms <= latest { latest } else { self.latest_ms.fetch_max(now_ms, Ordering::Relaxed).max(now_ms) }
    }

    /// The latest time that the tree has seen.
    #[must_use]
    pub fn latest_ms(&self) -> i64 {
        self.latest_ms.load(Ordering::Relaxed)
    }

    /// The grants below the root; none if there was never one.
    pub(crate) fn members(&self) -> Option<Arc<Members>> {
        self.members.load_full()
    }

    /// As [`members`](Self::members), made where there was never one.
    pub(crate) fn members_or_new(&self) -> Arc<Members> {
        self.members().unwrap_or_else(|| {
            let fresh = Arc::new(Members::default());
            let known = self.members.compare_and_swap(&None::<Arc<Members>>, Some(fresh.clone()));
            Option::clone(&known).unwrap_or(fresh)
        })
    }
}

/// Why a chain does not hold, and at which hop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hit {
    /// The status.
    pub reason: Reason,
    /// The hop; none where no hop is to be named.
    pub hop: Option<u16>,
}

/// The hops of a chain, root first.
pub type Hops<'g> = SmallVec<[&'g Grant; 6]>;

impl Grant {
    pub(crate) fn new(issue: Issue, parent: Option<Arc<Self>>) -> Self {
        Self {
            id: issue.id,
            tree: issue.tree,
            scope: issue.scope,
            claims_start: u32::try_from(issue.params.len()).unwrap_or(u32::MAX),
            values: if issue.claims.is_empty() { issue.params } else { [issue.params, issue.claims].concat().into() },
            restriction: issue.restriction,
            valid_from_ms: issue.valid_from_ms,
            expires_ms: issue.expires_ms,
            agent: issue.agent,
            depth: parent.as_ref().map_or(0, |parent| parent.depth.saturating_add(1)),
            parent,
            flags: AtomicU8::new(0),
            children: AtomicU32::new(0),
            sound: AtomicU64::new(0),
        }
    }

    /// The hops from the root to this grant.
    #[must_use]
    pub fn hops(&self) -> Hops<'_> {
        let mut hops: Hops<'_> = SmallVec::new();
        let mut next = Some(self);
        while let Some(hop) = next {
            hops.push(hop);
            next = hop.parent.as_deref();
        }
        hops.reverse();
        hops
    }

    /// Its root: itself, if nobody delegated it.
    #[must_use]
    pub fn root(&self) -> &Self {
        let mut hop = self;
        while let Some(parent) = &hop.parent {
            hop = parent;
        }
        hop
    }

    /// Values of the parameters of all its tasks, task after task, each task's sorted by name.
    #[must_use]
    pub fn params(&self) -> &[Value] {
        self.values.get(..self.claims_start as usize).unwrap_or(&self.values)
    }

    /// The token's claims, sorted by name; only a root has them.
    #[inline]
    #[must_use]
    pub fn claims(&self) -> &[Value] {
        self.values.get(self.claims_start as usize..).unwrap_or(&[])
    }

    /// The parameters of one of the grant's tasks, by its place in the scope.
    #[must_use]
    pub fn params_of(&self, place: usize, tasks: &[TaskId], declarations: &Declarations) -> &[Value] {
        let count = |task: &TaskId| declarations.task(*task).map_or(0, |task| task.params.len());
        let start: usize = tasks.iter().take(place).map(count).sum();
        let end = start.saturating_add(tasks.get(place).map_or(0, count));
        self.params().get(start..end).unwrap_or(&[])
    }

    pub(crate) fn has(&self, flag: u8) -> bool {
        self.flags.load(Ordering::Acquire) & flag != 0
    }

    /// Whether the whole chain holds at the tree's time, hop by hop, root first.
    ///
    /// # Errors
    ///
    /// The first hit.
    #[cold]
    pub fn status(
        &self,
        blocks: &Blocks,
        declarations: &Declarations,
        generation: u64,
        now_ms: i64,
    ) -> Result<(), Hit> {
        for hop in self.hops() {
            let hit = |reason| Err(Hit { reason, hop: Some(hop.depth) });
            let principal = (hop.depth == 0).then_some(self.tree.principal);
            let names = || hop.scope.texts.iter().map(|(name, _)| name);
            if hop.has(CLOSED) {
                return hit(Reason::UnknownGrant);
            }
            if hop.has(REVOKED) || blocks.revoked.concern(principal, hop.agent, names()) {
                return hit(Reason::Revoked);
            }
            if hop.has(SUSPENDED) || blocks.suspended.concern(principal, hop.agent, names()) {
                return hit(Reason::Suspended);
            }
            if now_ms < hop.valid_from_ms {
                return hit(Reason::NotYetValid);
            }
            if now_ms >= hop.expires_ms {
                return hit(Reason::Expired);
            }
            if hop.scope.generation != generation && hop.scope.tasks_in(declarations, generation).is_none() {
                return hit(Reason::TaskChanged);
            }
        }
        Ok(())
    }

    /// Whether the grant counts against the limits of its tree: no hop of its chain is closed, revoked or expired.
    pub(crate) fn is_live(&self, blocks: &Blocks, now_ms: i64) -> bool {
        self.hops().iter().all(|hop| {
            let principal = (hop.depth == 0).then_some(self.tree.principal);
            let names = hop.scope.texts.iter().map(|(name, _)| name);
            !hop.has(CLOSED | REVOKED)
                && now_ms < hop.expires_ms
                && !blocks.revoked.concern(principal, hop.agent, names)
        })
    }
}

/// Parties and tasks that the host has revoked or suspended.
#[derive(Clone, Debug, Default)]
pub struct Named {
    /// Agents.
    pub agents: HashSet<EntityId, FixedState>,
    /// Principals.
    pub principals: HashSet<EntityId, FixedState>,
    /// Names of tasks.
    pub tasks: HashSet<Arc<str>, FixedState>,
}

impl Named {
    /// Whether one of a hop's names is among them.
    pub fn concern<'n>(
        &self,
        principal: Option<EntityId>,
        agent: EntityId,
        mut tasks: impl Iterator<Item = &'n Arc<str>>,
    ) -> bool {
        principal.is_some_and(|principal| self.principals.contains(&principal))
            || self.agents.contains(&agent)
            || (!self.tasks.is_empty() && tasks.any(|task| self.tasks.contains(task)))
    }
}

/// All that the host has revoked or suspended by name.
#[derive(Clone, Debug, Default)]
pub struct Blocks {
    /// For good.
    pub revoked: Named,
    /// For a while.
    pub suspended: Named,
}

/// What a new grant is made of.
#[derive(Debug)]
pub struct Issue {
    /// Its name.
    pub id: GrantId,
    /// The tree it belongs to.
    pub tree: Arc<Tree>,
    /// Its tasks.
    pub scope: Arc<Scope>,
    /// Values of all parameters.
    pub params: Box<[Value]>,
    /// The token's claims, sorted by name; empty below a root.
    pub claims: Box<[Value]>,
    /// What it is delegated with besides.
    pub restriction: Option<Box<Restriction>>,
    /// Valid from then on.
    pub valid_from_ms: i64,
    /// Valid before then.
    pub expires_ms: i64,
    /// Who holds it.
    pub agent: EntityId,
}
