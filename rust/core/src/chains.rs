//! Which questions does a call ask, of whom, and what does each of them see of the grant?
//!
//! A call under a grant asks the ceiling of the principal and of every agent of the chain, then the task of every hop.
//! The prefix rule: the principal's ceiling sees hop 0's `context.grant`, the ceiling of agent i and the task of hop i
//! see hop i's. So the questions of a parent's call are a subset of its child's, and a child is never allowed what its
//! parent is denied.
//!
//! Twin: `reference/chains.py`. Read next: `calls.rs`.

use crate::authorize::{Diagnostics, Policies, Policy, action_applies};
use crate::datetime::Datetime;
use crate::decision::{Answer, Stage};
use crate::engine::Snapshot;
use crate::entities::{Store, contains_sorted};
use crate::evaluate::{Call, Temporaries};
use crate::grant_slots::GrantRow;
use crate::grants::{Grant, Hops};
use crate::memory::Memory;
use crate::parties::{Parties, Party};
use crate::policies::{Effect, Scope};
use crate::request::Locals;
use crate::shape::ShapeId;
use crate::slots::{Layout, Slot};
use crate::tasks::{Declarations, TaskId};
use crate::value::{EntityId, Set, Value};

/// One thing asked of Cedar for a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Question {
    /// `ceiling` or `task`.
    pub stage: Stage,
    /// The hop; none for a ceiling that belongs to no hop.
    pub hop: Option<u16>,
    /// Who is asked as Cedar's principal.
    pub party: EntityId,
}

/// What is asked for, read and checked: the same for all questions of a call.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Entities, policies and declarations.
    pub snapshot: &'a Snapshot,
    /// Uids that only this call mentions.
    pub locals: &'a Locals<'a>,
    /// What is to be done.
    pub action: EntityId,
    /// What it is to be done to.
    pub resource: EntityId,
    /// Where context paths stand.
    pub layout: &'a Layout,
    /// What stands there.
    pub slots: &'a [Slot<'a>],
    /// The tree's time.
    pub now: Datetime,
    /// For values built on the way.
    pub temporaries: &'a Temporaries,
}

/// A hop as its questions see it.
#[derive(Clone, Copy, Debug)]
pub struct HopView<'a> {
    /// Names of its tasks.
    pub names: &'a Set,
    /// Its depth.
    pub depth: u16,
    /// The original principal.
    pub principal: EntityId,
    /// Its agent.
    pub agent: EntityId,
    /// The tree's claims.
    pub claims: &'a [Value],
}

impl<'a> HopView<'a> {
    /// The view of an issued grant, whose root has the claims.
    #[must_use]
    pub fn of(hop: &'a Grant, root: &'a Grant) -> Self {
        Self {
            names: &hop.scope.names,
            depth: hop.depth,
            principal: root.tree.principal,
            agent: hop.agent,
            claims: root.claims(),
        }
    }

    fn row(&self, params: &'a [Value], now: Datetime) -> GrantRow<'a> {
        let Self { names: tasks, depth, principal, agent, claims } = *self;
        GrantRow { tasks, depth: i64::from(depth), principal, agent, claims, params, now }
    }
}

/// What all questions of a call are asked about, looked up once.
#[derive(Clone, Debug)]
pub struct Target<'a> {
    resource: Party<'a>,
    /// What the action is in.
    groups: &'a [EntityId],
    /// What ceilings said that is the same for every party.
    memory: Memory,
}

impl<'a> Asked<'a> {
    /// What all questions are asked about.
    #[inline]
    #[must_use]
    pub fn target(&self) -> Target<'a> {
        let store = &self.snapshot.store;
        Target {
            resource: Party::of(self.resource, store, self.locals),
            groups: store.ancestors(self.action),
            memory: Memory::default(),
        }
    }

    #[inline]
    fn call<'c>(&self, party: EntityId, grant: &'c GrantRow<'c>) -> Call<'c>
    where
        'a: 'c,
    {
        Call {
            store: &self.snapshot.store,
            locals: self.locals,
            principal: party,
            action: self.action,
            resource: self.resource,
            layout: self.layout,
            slots: self.slots,
            grant: Some(grant),
            temporaries: self.temporaries,
        }
    }

    /// What the organisation's policies say of a party, with a hop's grant in the context.
    pub fn ask_ceiling(&self, party: EntityId, hop: &HopView<'_>, target: &Target<'_>, answer: &mut Answer) {
        let row = hop.row(&[], self.now);
        let call = self.call(party, &row);
        let principal = Party::of(party, call.store, call.locals);
        let parties = Parties {
            principal: &principal,
            resource: &target.resource,
            groups: target.groups,
            memory: Some(&target.memory),
        };
        self.snapshot.policies.answer_parties(&call, parties, Diagnostics::Full, answer);
    }

    /// What the policies of a hop's tasks say, as one set, given the hop and its root; each sees its own task's parameters.
    pub fn ask_tasks(
        &self,
        (hop, root): (&Grant, &Grant),
        tasks: &[TaskId],
        declarations: &Declarations,
        target: &Target<'_>,
        answer: &mut Answer,
    ) {
        let (view, policies) = (HopView::of(hop, root), &self.snapshot.policies);
        let principal = Party::of(hop.agent, &self.snapshot.store, self.locals);
        let parties =
            Parties { principal: &principal, resource: &target.resource, groups: target.groups, memory: None };
        for (place, task) in tasks.iter().enumerate() {
            let row = view.row(hop.params_of(place, tasks, declarations), self.now);
            policies.answer_task(*task, &self.call(hop.agent, &row), parties, Diagnostics::Full, answer);
        }
    }

    /// Whether an action, or a group that it is in, is in a list.
    #[must_use]
    pub fn action_is_in(&self, list: &[EntityId]) -> bool {
        is_in_any(self.action, list, &self.snapshot.store)
    }

    /// Whether the resource is, or is in, one of a list.
    #[must_use]
    pub fn resource_is_in(&self, list: &[EntityId]) -> bool {
        is_in_any(self.resource, list, &self.snapshot.store)
    }

    /// Whether a hop was delegated with this action and resource.
    #[must_use]
    pub fn is_inside_restriction(&self, hop: &Grant) -> bool {
        let Some(restriction) = &hop.restriction else { return true };
        restriction.actions.as_ref().is_none_or(|list| self.action_is_in(list))
            && restriction.resources.as_ref().is_none_or(|list| self.resource_is_in(list))
    }

    /// Whether the tasks let their holder do the action itself.
    #[must_use]
    pub fn is_own(&self, tasks: &[TaskId], declarations: &Declarations) -> bool {
        tasks.iter().filter_map(|task| declarations.task(*task)).any(|task| match &task.own {
            None => true,
            Some(list) => self.action_is_in(list),
        })
    }
}

fn is_in_any(entity: EntityId, list: &[EntityId], store: &Store) -> bool {
    let ancestors = store.ancestors(entity);
    list.iter().any(|wanted| *wanted == entity || contains_sorted(ancestors, *wanted))
}

/// The chain of a call: its hops and the numbers of their tasks in the snapshot's bundle.
#[derive(Debug)]
pub struct Chain<'g> {
    /// Root first.
    pub hops: Hops<'g>,
    /// Per hop; none where all grants were issued under this bundle, so that their own numbers hold.
    renumbered: Option<Box<[Box<[TaskId]>]>>,
}

impl<'g> Chain<'g> {
    /// The chain of a grant; none if the bundle holds another text of one of its tasks.
    #[inline]
    #[must_use]
    pub fn of(grant: &'g Grant, declarations: &Declarations, generation: u64) -> Option<Self> {
        let hops = grant.hops();
        let renumbered = if hops.iter().all(|hop| hop.scope.generation == generation) {
            None
        } else {
            Some(renumber(&hops, declarations, generation)?)
        };
        Some(Self { hops, renumbered })
    }

    /// A hop, by its place from the root, with the numbers of its tasks; one without a number has no task that permits.
    #[inline]
    #[must_use]
    pub fn hop(&self, place: usize) -> Option<(&'g Grant, &[TaskId])> {
        let hop = *self.hops.get(place)?;
        let tasks = match &self.renumbered {
            None => &hop.scope.tasks,
            Some(tasks) => tasks.get(place).map_or(&[][..], |tasks| tasks),
        };
        Some((hop, tasks))
    }

    /// All hops from the root on, with the numbers of their tasks.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = (&'g Grant, &[TaskId])> {
        (0..self.hops.len()).filter_map(|place| self.hop(place))
    }

    /// The hop that acts.
    #[inline]
    #[must_use]
    pub fn leaf(&self) -> Option<(&'g Grant, &[TaskId])> {
        self.hop(self.hops.len().checked_sub(1)?)
    }

    /// All questions in the order in which they are asked, with the place of the hop whose grant they see.
    pub fn questions(&self) -> impl Iterator<Item = (Question, usize)> + '_ {
        let principal = self
            .hops
            .first()
            .map(|root| (Question { stage: Stage::Ceiling, hop: None, party: root.tree.principal }, 0));
        let of = |stage| {
            move |(place, hop): (usize, &&'g Grant)| (Question { stage, hop: Some(hop.depth), party: hop.agent }, place)
        };
        let ceilings = self.hops.iter().enumerate().map(of(Stage::Ceiling));
        let tasks = self.hops.iter().enumerate().map(of(Stage::Task));
        principal.into_iter().chain(ceilings).chain(tasks)
    }
}

/// The numbers that the tasks of hops have in a bundle; none if it holds another text of one of them.
#[cold]
fn renumber(hops: &[&Grant], declarations: &Declarations, generation: u64) -> Option<Box<[Box<[TaskId]>]>> {
    hops.iter().map(|hop| Some(hop.scope.tasks_in(declarations, generation)?.into_owned().into())).collect()
}

/// What can be said of an action before it is called.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Outlook {
    /// No call of it can be allowed.
    Never,
    /// It depends on the call.
    Depends,
    /// Every call of it that can be read is allowed.
    Always,
}

impl Outlook {
    /// The word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Depends => "depends",
            Self::Always => "always",
        }
    }
}

impl Chain<'_> {
    /// What can be said of an action as far as scopes, restrictions and `own` tell: the worst of all questions.
    #[must_use]
    pub fn outlook(&self, action: EntityId, snapshot: &Snapshot, declarations: &Declarations) -> Outlook {
        let store = &snapshot.store;
        let Some(root) = self.hops.first() else { return Outlook::Never };
        let parties = || std::iter::once(root.tree.principal).chain(self.hops.iter().map(|hop| hop.agent));
        let Some(entry) = snapshot.compiled.actions.get(&action) else { return Outlook::Never };
        let locals = Locals::default();
        let fits = |party: EntityId| {
            let type_id = store.type_of(party);
            entry.action.principals.contains(&type_id)
                && crate::orders::is_known(party, snapshot, declarations, &locals)
        };
        let is_own = self.leaf().is_some_and(|(_, tasks)| {
            tasks.iter().filter_map(|task| declarations.task(*task)).any(|task| match &task.own {
                None => true,
                Some(list) => is_in_any(action, list, store),
            })
        });
        if !parties().all(fits) || !is_own {
            return Outlook::Never;
        }
        let policies = &snapshot.policies;
        let ceilings = parties().map(|party| policies.outlook(None, party, action, store));
        let mut worst = ceilings.min().unwrap_or(Outlook::Never);
        for (hop, tasks) in self.iter() {
            worst = worst.min(policies.outlook(Some(tasks), hop.agent, action, store));
            let Some(restriction) = &hop.restriction else { continue };
            if restriction.actions.as_ref().is_some_and(|list| !is_in_any(action, list, store)) {
                return Outlook::Never;
            }
            if restriction.resources.is_some() {
                worst = worst.min(Outlook::Depends);
            }
        }
        worst
    }
}

impl Policies {
    /// What one question can come to, as far as scopes tell: of the organisation's policies, or of some tasks' as one set.
    fn outlook(&self, tasks: Option<&[TaskId]>, party: EntityId, action: EntityId, store: &Store) -> Outlook {
        let asked = Party::new(party, store.type_of(party), store);
        let is_asked = |policy: &Policy| match (tasks, policy.task) {
            (None, None) => true,
            (Some(tasks), Some(task)) => tasks.contains(&task),
            _ => false,
        };
        let near = self.iter().map(|(_, policy)| policy).filter(|policy| {
            is_asked(policy) && asked.fits(policy.principal) && action_applies(&policy.action, action, store)
        });
        let (mut permitted, mut surely, mut forbidden) = (false, false, false);
        for policy in near {
            let is_sure = policy.shape == ShapeId::default() && policy.resource == Scope::Any;
            match policy.effect {
                Effect::Permit => {
                    permitted = true;
                    surely |= is_sure;
                }
                Effect::Forbid if is_sure && policy.step_up.is_none() => return Outlook::Never,
                Effect::Forbid => forbidden = true,
            }
        }
        match (permitted, surely && !forbidden) {
            (false, _) => Outlook::Never,
            (true, true) => Outlook::Always,
            (true, false) => Outlook::Depends,
        }
    }
}
