//! Which questions does a call ask, of whom, and what does each of them see of the grant?
//!
//! A call under a grant asks the ceiling of the principal and of every agent of the chain, then the task of every hop.
//! The prefix rule: the principal's ceiling sees hop 0's `context.grant`, the ceiling of agent i and the task of hop i
//! see hop i's. So the questions of a parent's call are a subset of its child's, and a child is never allowed what its
//! parent is denied.
//!
//! Twin: `reference/chains.py`. Read next: `calls.rs`.

use smallvec::SmallVec;

use crate::authorize::{Diagnostics, Policies, Policy, action_applies};
use crate::datetime::Datetime;
use crate::decision::{Answer, Stage};
use crate::engine::Snapshot;
use crate::entities::{Store, contains_sorted};
use crate::evaluate::{Call, Temporaries};
use crate::grant_slots::GrantRow;
use crate::grants::Grant;
use crate::memory::Memory;
use crate::parties::{Parties, Party};
use crate::policies::{Effect, Scope};
use crate::request::{Locals, NO_LOCALS};
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
    pub resource: Party<'a>,
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
        Target { groups: self.snapshot.store.ancestors(self.action), memory: Memory::default() }
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
            resource: self.resource.entity,
            layout: self.layout,
            slots: self.slots,
            grant: Some(grant),
            temporaries: self.temporaries,
        }
    }

    /// What the organisation's policies say of a party, with a hop's grant in the context.
    pub fn ask_ceiling(&self, party: &Party<'_>, hop: &HopView<'_>, target: &Target<'_>, answer: &mut Answer) {
        let row = hop.row(&[], self.now);
        let call = self.call(party.entity, &row);
        let parties =
            Parties { principal: party, resource: &self.resource, groups: target.groups, memory: Some(&target.memory) };
        self.snapshot.policies.answer_parties(&call, parties, Diagnostics::Full, answer);
    }

    /// What the policies of a hop's tasks say, as one set, given the hop and its root; each sees its own task's parameters.
    pub fn ask_tasks(
        &self,
        (hop, root): (&Hop<'_>, &Grant),
        tasks: &[TaskId],
        declarations: &Declarations,
        target: &Target<'_>,
        answer: &mut Answer,
    ) {
        let Hop { grant, agent } = hop;
        let (view, policies) = (HopView::of(grant, root), &self.snapshot.policies);
        let (resource, groups) = (&self.resource, target.groups);
        let parties = Parties { principal: agent, resource, groups, memory: None };
        for (place, task) in tasks.iter().enumerate() {
            let row = view.row(grant.params_of(place, tasks, declarations), self.now);
            policies.answer_task(*task, &self.call(agent.entity, &row), parties, Diagnostics::Full, answer);
        }
    }

    /// Whether an action, or a group that it is in, is in a list.
    #[must_use]
    pub fn action_is_in(&self, list: &[EntityId]) -> bool {
        is_in_any(self.action, self.snapshot.store.ancestors(self.action), list)
    }

    /// Whether the resource is, or is in, one of a list.
    #[must_use]
    pub fn resource_is_in(&self, list: &[EntityId]) -> bool {
        is_in_any(self.resource.entity, self.resource.ancestors, list)
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

fn is_in_any(entity: EntityId, ancestors: &[EntityId], list: &[EntityId]) -> bool {
    list.iter().any(|wanted| *wanted == entity || contains_sorted(ancestors, *wanted))
}

/// One hop of a chain, with who acts there as the store has it.
#[derive(Clone, Copy, Debug)]
pub struct Hop<'g> {
    /// What was issued.
    pub grant: &'g Grant,
    /// Who holds it.
    pub agent: Party<'g>,
}

/// The chain of a call: who is behind it, its hops, and the numbers of their tasks in the snapshot's bundle. An empty one
/// allows nothing.
#[derive(Clone, Debug, Default)]
pub struct Chain<'g> {
    /// The original principal; none of an empty chain.
    principal: Option<Party<'g>>,
    /// Root first.
    hops: SmallVec<[Hop<'g>; 4]>,
    /// Per hop; none where all grants were issued under this bundle, so that their own numbers hold.
    renumbered: Option<Box<[Box<[TaskId]>]>>,
}

impl<'g> Chain<'g> {
    /// The chain of a grant; none if the bundle holds another text of one of its tasks.
    #[must_use]
    pub fn of(grant: &'g Grant, snapshot: &'g Snapshot, declarations: &Declarations) -> Option<Self> {
        let mut chain = Self::default();
        chain.fill(grant, snapshot, declarations).then_some(chain)
    }

    /// As [`Chain::of`], but in place: a chain is too large to be moved about for every call. Where there is none: false, and
    /// what is left is empty.
    #[inline]
    #[must_use]
    pub fn fill(&mut self, grant: &'g Grant, snapshot: &'g Snapshot, declarations: &Declarations) -> bool {
        // Grants outlive calls, so nobody in them is known to one call only.
        let party = |entity| Party::of(entity, &snapshot.store, &NO_LOCALS);
        self.hops.clear();
        (self.principal, self.renumbered) = (None, None);
        let (mut next, mut is_current) = (Some(grant), true);
        while let Some(grant) = next {
            self.hops.push(Hop { grant, agent: party(grant.agent) });
            is_current &= grant.scope.generation == snapshot.generation;
            next = grant.parent.as_deref();
        }
        self.hops.reverse();
        if !is_current {
            self.renumbered = renumber(&self.hops, declarations, snapshot.generation);
            if self.renumbered.is_none() {
                self.hops.clear();
                return false;
            }
        }
        self.principal = Some(party(grant.tree.principal));
        true
    }

    /// A hop, by its place from the root, with the numbers of its tasks; one without a number has no task that permits.
    #[inline]
    #[must_use]
    pub fn hop(&self, place: usize) -> Option<(&Hop<'g>, &[TaskId])> {
        let hop = self.hops.get(place)?;
        let tasks = match &self.renumbered {
            None => &hop.grant.scope.tasks,
            Some(tasks) => tasks.get(place).map_or(&[][..], |tasks| tasks),
        };
        Some((hop, tasks))
    }

    /// All hops from the root on, with the numbers of their tasks.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = (&Hop<'g>, &[TaskId])> {
        (0..self.hops.len()).filter_map(|place| self.hop(place))
    }

    /// The first hop and the principal; none of an empty chain.
    #[inline]
    #[must_use]
    pub fn root(&self) -> Option<(&Hop<'g>, &Party<'g>)> {
        Some((self.hops.first()?, self.principal.as_ref()?))
    }

    /// The hop that acts.
    #[inline]
    #[must_use]
    pub fn leaf(&self) -> Option<(&Hop<'g>, &[TaskId])> {
        self.hop(self.hops.len().checked_sub(1)?)
    }

    /// The principal and the agent of every hop.
    #[inline]
    pub fn parties(&self) -> impl Iterator<Item = &Party<'g>> {
        self.principal.iter().chain(self.hops.iter().map(|hop| &hop.agent))
    }

    /// All ceilings in the order in which they are asked: the question, who is asked, and the grant that it sees.
    #[inline]
    pub fn ceilings(&self) -> impl Iterator<Item = (Question, &Party<'g>, &'g Grant)> {
        let stage = Stage::Ceiling;
        let principal = self
            .root()
            .map(|(root, principal)| (Question { stage, hop: None, party: principal.entity }, principal, root.grant));
        let agents = self.hops.iter().map(move |hop| (hop.question(stage), &hop.agent, hop.grant));
        principal.into_iter().chain(agents)
    }
}

impl Hop<'_> {
    /// What is asked of its agent at a stage.
    #[inline]
    #[must_use]
    pub fn question(&self, stage: Stage) -> Question {
        Question { stage, hop: Some(self.grant.depth), party: self.agent.entity }
    }
}

/// The numbers that the tasks of hops have in a bundle; none if it holds another text of one of them.
#[cold]
fn renumber(hops: &[Hop<'_>], declarations: &Declarations, generation: u64) -> Option<Box<[Box<[TaskId]>]>> {
    hops.iter().map(|hop| Some(hop.grant.scope.tasks_in(declarations, generation)?.into_owned().into())).collect()
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
        let groups = store.ancestors(action);
        if self.root().is_none() {
            return Outlook::Never;
        }
        let Some(entry) = snapshot.compiled.actions.get(&action) else { return Outlook::Never };
        let fits = |party: &Party<'_>| {
            entry.action.principals.contains(&party.type_id) && party.is_known(snapshot, declarations, &NO_LOCALS)
        };
        let is_own = self.leaf().is_some_and(|(_, tasks)| {
            tasks.iter().filter_map(|task| declarations.task(*task)).any(|task| match &task.own {
                None => true,
                Some(list) => is_in_any(action, groups, list),
            })
        });
        if !self.parties().all(fits) || !is_own {
            return Outlook::Never;
        }
        let policies = &snapshot.policies;
        let ceilings = self.parties().map(|party| policies.outlook(None, party, action, store));
        let mut worst = ceilings.min().unwrap_or(Outlook::Never);
        for (hop, tasks) in self.iter() {
            worst = worst.min(policies.outlook(Some(tasks), &hop.agent, action, store));
            let Some(restriction) = &hop.grant.restriction else { continue };
            if restriction.actions.as_ref().is_some_and(|list| !is_in_any(action, groups, list)) {
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
    fn outlook(&self, tasks: Option<&[TaskId]>, party: &Party<'_>, action: EntityId, store: &Store) -> Outlook {
        let is_asked = |policy: &Policy| match (tasks, policy.task) {
            (None, None) => true,
            (Some(tasks), Some(task)) => tasks.contains(&task),
            _ => false,
        };
        let near = self.iter().map(|(_, policy)| policy).filter(|policy| {
            is_asked(policy) && party.fits(policy.principal) && action_applies(&policy.action, action, store)
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
