//! Which policies are satisfied, which err, and what follows?
//!
//! [`Policies`] is one immutable version of all policies and links. [`Policies::answer`] asks every policy whose scope
//! applies; [`conclude`] turns satisfied and erring policies into a reason: a satisfied forbid denies, then an erring
//! forbid (unless the bundle asks for Cedar's own rule, which skips it), then the lack of a permit; else it is allowed.
//!
//! Twin: `reference/authorize.py`. Read next: `decision.rs`, then `index.rs`.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::checks::Checks;
use crate::decision::{Answer, Reason};
use crate::entities::Store;
use crate::evaluate::{Call, Condition, Failure, holds};
use crate::index::{Candidate, Index, Side};
use crate::paged::Paged;
use crate::parties::{Parties, Party};
use crate::policies::{ActionScope, Effect, PolicySource, Scope, SlotValues};
use crate::routes::{Ask, AskedCondition, Route};
use crate::shape::{CompileError, Constant, Shape, ShapeId, Shapes, compile};
use crate::slots::Paths;
use crate::table::Table;
use crate::tasks::TaskId;
use crate::value::EntityId;

/// Most policies and links that one engine may hold at a time.
pub const POLICIES_MAX: usize = 0x7fff_ffff;

/// A policy or link of one version of the policies, as a small number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PolicyId(pub u32);

/// What an erring forbid does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum OnError {
    /// It denies: an error must not open a gate.
    #[default]
    Deny,
    /// It is skipped, as Cedar does.
    Cedar,
}

/// How much of a request must be found out.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Diagnostics {
    /// Every satisfied and every erring policy.
    #[default]
    Full,
    /// Verdict and reason; policies that cannot change them may be left out.
    Verdict,
}

/// A static policy or a link, compiled.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Its name.
    pub name: Arc<str>,
    /// Permit or forbid.
    pub effect: Effect,
    /// What the scope says of the principal.
    pub principal: Scope,
    /// What the scope says of the action.
    pub action: Arc<ActionScope>,
    /// What the scope says of the resource.
    pub resource: Scope,
    /// The condition without its constants.
    pub shape: ShapeId,
    /// The constants of the condition.
    pub constants: Arc<[Constant]>,
    /// The template that this is a link of, and the entities in its slots; none for a static policy.
    pub link: Option<(Arc<str>, SlotValues)>,
    /// The epoch since which it decides: a link that is taken away and made anew is another policy of its name.
    pub since_epoch: u64,
    /// For a forbid: the role whose approval discharges it.
    pub step_up: Option<Arc<str>>,
    /// The task it is a policy of; none: it is one of the organisation's.
    pub task: Option<TaskId>,
}

#[derive(Clone, Debug)]
struct Template {
    source: PolicySource,
    action: Arc<ActionScope>,
    shape: ShapeId,
    constants: Arc<[Constant]>,
}

/// Why a policy or a link cannot be added.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PolicyError {
    /// Another policy, template or link has this name.
    NameTaken,
    /// No template has this name.
    UnknownTemplate,
    /// The link does not fill the template's slots, no more and no fewer.
    WrongSlots,
    /// The condition cannot be compiled.
    Compile(CompileError),
    /// [`POLICIES_MAX`] is reached.
    TooMany,
}

/// One immutable version of all policies and links.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    list: Paged<Option<Policy>>,
    names: Table<PolicyId>,
    free: Vec<PolicyId>,
    templates: Arc<HashMap<Arc<str>, Template, FixedState>>,
    shapes: Arc<Shapes>,
    index: Index,
    /// The index of each task's policies; they do not change while a bundle is loaded.
    tasks: Arc<Vec<Index>>,
    seed: FixedState,
}

impl Policies {
    /// Gives number 0 to the shape of a policy without a condition.
    pub fn reserve_empty_shape(&mut self) {
        Arc::make_mut(&mut self.shapes).number(Shape::default());
    }

    /// Adds a static policy or, if its scope names slots, a template; to the task that `paths` were entered for, or to
    /// the organisation's policies. A task has no templates.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] if the name is taken or the condition cannot be compiled.
    pub fn add(&mut self, source: PolicySource, paths: &mut Paths) -> Result<(), PolicyError> {
        // Policies that are part of every task stand in each under one name.
        let is_it = |candidate: &PolicyId| {
            self.get(*candidate).is_some_and(|policy| *policy.name == *source.id && policy.task == paths.task())
        };
        let is_taken = self.names.find(self.seed.hash_one(&*source.id), is_it).is_some();
        if is_taken || self.templates.contains_key(&source.id) {
            return Err(PolicyError::NameTaken);
        }
        let (shape, constants) = match &source.condition {
            None => (Shape::default(), Vec::new()),
            Some(condition) => compile(condition, paths).map_err(PolicyError::Compile)?,
        };
        let shape = Arc::make_mut(&mut self.shapes).number(shape);
        let (action, constants) = (Arc::new(source.action.clone()), Arc::from(constants));
        if !source.slots().is_empty() && paths.task().is_none() {
            let template = Template { action, shape, constants, source };
            Arc::make_mut(&mut self.templates).insert(template.source.id.clone(), template);
            return Ok(());
        }
        let (Some(principal), Some(resource)) =
            (source.principal.fill(&SlotValues::default()), source.resource.fill(&SlotValues::default()))
        else {
            return Err(PolicyError::WrongSlots);
        };
        let (name, effect, step_up) = (source.id, source.effect, source.step_up);
        self.insert(Policy {
            name,
            effect,
            principal,
            action,
            resource,
            shape,
            constants,
            link: None,
            since_epoch: 0,
            step_up,
            task: paths.task(),
        })
    }

    /// Adds a link of a template, which decides since an epoch: one more row in the tables.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] if the name is taken, the template is unknown or its slots are not just the ones filled.
    pub fn link(
        &mut self,
        template: &str,
        name: &str,
        values: SlotValues,
        since_epoch: u64,
    ) -> Result<(), PolicyError> {
        if self.find(name).is_some() || self.templates.contains_key(name) {
            return Err(PolicyError::NameTaken);
        }
        let Some(found) = self.templates.get(template) else { return Err(PolicyError::UnknownTemplate) };
        let slots = found.source.slots();
        let given = usize::from(values.principal.is_some()).saturating_add(usize::from(values.resource.is_some()));
        let filled = (found.source.principal.fill(&values), found.source.resource.fill(&values));
        let (Some(principal), Some(resource)) = filled else { return Err(PolicyError::WrongSlots) };
        if given != slots.len() {
            return Err(PolicyError::WrongSlots);
        }
        self.insert(Policy {
            name: Arc::from(name),
            effect: found.source.effect,
            principal,
            action: found.action.clone(),
            resource,
            shape: found.shape,
            constants: found.constants.clone(),
            link: Some((found.source.id.clone(), values)),
            since_epoch,
            step_up: found.source.step_up.clone(),
            task: None,
        })
    }

    /// Takes a link away; false if there is none of this name.
    pub fn unlink(&mut self, name: &str) -> bool {
        let Some(number) = self.find(name) else { return false };
        let Some(policy) = self.get(number).filter(|policy| policy.link.is_some()).cloned() else { return false };
        self.index.remove(number, &policy);
        self.names.remove(self.seed.hash_one(name), |candidate| *candidate == number);
        if let Some(place) = self.list.get_mut(number.0 as usize) {
            *place = None;
        }
        self.free.push(number);
        true
    }

    #[allow(clippy::cast_possible_truncation)] // below POLICIES_MAX
    fn insert(&mut self, policy: Policy) -> Result<(), PolicyError> {
        let number = match self.free.pop() {
            Some(number) => number,
            None if self.list.len() >= POLICIES_MAX => return Err(PolicyError::TooMany),
            None => PolicyId(self.list.push(None) as u32),
        };
        self.names.insert(self.seed.hash_one(&*policy.name), number);
        match policy.task {
            None => self.index.insert(number, &policy),
            Some(task) => {
                let tasks = Arc::make_mut(&mut self.tasks);
                if tasks.len() <= usize::from(task.0) {
                    tasks.resize_with(usize::from(task.0).saturating_add(1), Index::of_task);
                }
                if let Some(index) = tasks.get_mut(usize::from(task.0)) {
                    index.insert(number, &policy);
                }
            }
        }
        if let Some(place) = self.list.get_mut(number.0 as usize) {
            *place = Some(policy);
        }
        Ok(())
    }

    /// The policy or link of a name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<PolicyId> {
        let is_it = |candidate: &PolicyId| self.get(*candidate).is_some_and(|policy| &*policy.name == name);
        self.names.find(self.seed.hash_one(name), is_it).copied()
    }

    /// A policy or link.
    #[inline]
    #[must_use]
    pub fn get(&self, policy: PolicyId) -> Option<&Policy> {
        self.list.get(policy.0 as usize)?.as_ref()
    }

    /// The name of a policy or link.
    #[must_use]
    pub fn name(&self, policy: PolicyId) -> &str {
        self.get(policy).map_or("", |policy| &policy.name)
    }

    /// All policies and links.
    pub fn iter(&self) -> impl Iterator<Item = (PolicyId, &Policy)> {
        (0u32..).zip(self.list.iter()).filter_map(|(number, policy)| Some((PolicyId(number), policy.as_ref()?)))
    }

    /// Names of all templates with the slots that a link must fill.
    pub fn templates(&self) -> impl Iterator<Item = &PolicySource> {
        self.templates.values().map(|template| &template.source)
    }

    /// Number of policies and links.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is no policy.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The conditions of all policies, each shape once.
    #[must_use]
    pub fn shapes(&self) -> &Shapes {
        &self.shapes
    }

    /// Which policies a request can concern.
    #[must_use]
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The condition of a policy.
    #[inline]
    #[must_use]
    pub fn condition<'a>(&'a self, policy: &'a Policy) -> Option<Condition<'a>> {
        Some(Condition { shape: self.shapes.get(policy.shape)?, constants: &policy.constants })
    }

    /// A policy's condition, and the same as parts.
    #[inline]
    #[must_use]
    pub fn asked_condition(&self, policy: PolicyId) -> Option<(Condition<'_>, &Checks)> {
        let policy = self.get(policy)?;
        let (shape, checks) = self.shapes.with_checks(policy.shape)?;
        Some((Condition { shape, constants: &policy.constants }, checks))
    }

    /// Asks every policy whose scope applies, by the index.
    pub fn answer(&self, call: &Call<'_>, diagnostics: Diagnostics, answer: &mut Answer) {
        let party = |entity| Party::of(entity, call.store, call.locals);
        let (principal, resource) = (&party(call.principal), &party(call.resource));
        let parties = Parties::of(principal, resource, call.action, call.store);
        self.answer_parties(call, parties, diagnostics, answer);
    }

    /// As [`Policies::answer`], for parties that were looked up before.
    #[inline]
    pub fn answer_parties<'a>(
        &self,
        call: &Call<'a>,
        parties: Parties<'_, 'a>,
        diagnostics: Diagnostics,
        answer: &mut Answer,
    ) {
        Asker { policies: self, call, parties, diagnostics }.ask_index(&self.index, answer);
    }

    /// Asks every policy of a task whose scope applies, on top of what is in the answer already: the policies of several
    /// tasks of a hop are one set.
    #[inline]
    pub fn answer_task<'a>(
        &self,
        task: TaskId,
        call: &Call<'a>,
        parties: Parties<'_, 'a>,
        diagnostics: Diagnostics,
        answer: &mut Answer,
    ) {
        let Some(index) = self.tasks.get(usize::from(task.0)) else { return };
        Asker { policies: self, call, parties, diagnostics }.ask_index(index, answer);
    }

    /// What an action concerns, if it can be remembered.
    #[must_use]
    pub fn route_of(&self, action: EntityId, store: &Store) -> Option<&Route> {
        let index = &self.index;
        index.routes().find(action, store.ancestors(action), index.routes_wanted(), || self.route(index, action, store))
    }

    /// What an action concerns of one index, with the conditions at hand.
    #[cold]
    fn route(&self, index: &Index, action: EntityId, store: &Store) -> Route {
        let mut asks: Vec<Ask> = Vec::new();
        let [by_principal, by_resource] = index.route(action, store, |candidate| {
            if asks.iter().all(|ask| ask.policy != candidate.policy) {
                asks.extend(self.asked(candidate));
            }
        });
        // Forbids first: where only the verdict is wanted, a satisfied one ends the asking.
        asks.sort_by_key(|ask| ask.effect == Effect::Permit);
        Route {
            action,
            groups: store.ancestors(action).into(),
            asks: asks.into_boxed_slice(),
            by_principal: by_principal.into_boxed_slice(),
            by_resource: by_resource.into_boxed_slice(),
        }
    }

    fn asked(&self, candidate: &Candidate) -> Option<Ask> {
        let Candidate { policy, effect, conditional, principal, resource } = *candidate;
        let condition = if conditional {
            let found = self.get(policy)?;
            let (shape, checks) = self.shapes.with_checks(found.shape)?;
            Some(AskedCondition { shape: shape.clone(), checks: checks.clone(), constants: found.constants.clone() })
        } else {
            None
        };
        Some(Ask { policy, effect, principal, resource, condition })
    }

    /// Asks every policy one after the other, by the walk over the nodes: what [`Policies::answer`] must give, for tests
    /// and bisecting.
    pub fn answer_without_index(&self, call: &Call<'_>, answer: &mut Answer) {
        let party = |entity| Party::of(entity, call.store, call.locals);
        let (principal, resource) = (party(call.principal), party(call.resource));
        for (number, policy) in self.iter().filter(|(_, policy)| policy.task.is_none()) {
            if action_applies(&policy.action, call.action, call.store)
                && principal.fits(policy.principal)
                && resource.fits(policy.resource)
                && let Some(condition) = self.condition(policy)
            {
                count(holds(condition, call), number, policy.effect, answer);
            }
        }
    }
}

/// Whether a scope's action constraint applies.
#[must_use]
pub fn action_applies(scope: &ActionScope, action: EntityId, store: &Store) -> bool {
    match scope {
        ActionScope::Any => true,
        ActionScope::Equal(wanted) => action == *wanted,
        ActionScope::In(groups) => groups.iter().any(|group| store.is_in(action, *group)),
    }
}

struct Asker<'s, 'a> {
    policies: &'s Policies,
    call: &'s Call<'a>,
    parties: Parties<'s, 'a>,
    diagnostics: Diagnostics,
}

impl<'a> Asker<'_, 'a> {
    /// Once in memory for all questions of a call, whose code is more than a core keeps nearest: so never inlined.
    #[inline(never)]
    fn ask_index(&self, index: &Index, answer: &mut Answer) {
        let Self { policies, call, parties: Parties { principal, resource, groups, .. }, .. } = *self;
        let make = || policies.route(index, call.action, call.store);
        match index.routes().find(call.action, groups, index.routes_wanted(), make) {
            Some(route) => {
                for (place, ask) in (0u32..).zip(&route.asks) {
                    self.ask(place, ask, answer);
                }
                if route.by_principal.is_empty() && route.by_resource.is_empty() {
                    return;
                }
                let mut see = |candidate: &Candidate| self.ask_candidate(candidate, answer);
                index.visit_keyed(
                    &route.by_principal,
                    Side::Principal,
                    principal.entity,
                    principal.ancestors,
                    &mut see,
                );
                index.visit_keyed(&route.by_resource, Side::Resource, resource.entity, resource.ancestors, &mut see);
            }
            None => index.visit(principal.entity, call.action, resource.entity, call.store, |candidate| {
                self.ask_candidate(candidate, answer);
            }),
        }
        if index.may_repeat() {
            remove_repeats(answer);
        }
    }

    /// Whether a policy must be asked: its scope applies, and it can change what is wanted.
    #[inline(always)]
    fn is_wanted(&self, principal: Scope, resource: Scope, effect: Effect, answer: &Answer) -> bool {
        self.parties.principal.fits(principal)
            && self.parties.resource.fits(resource)
            && (self.diagnostics == Diagnostics::Full
                || (answer.forbids.is_empty() && (effect == Effect::Forbid || answer.permits.is_empty())))
    }

    #[inline(always)]
    fn ask(&self, place: u32, ask: &Ask, answer: &mut Answer) {
        if !self.is_wanted(ask.principal, ask.resource, ask.effect, answer) {
            return;
        }
        let result = match &ask.condition {
            None => Ok(true),
            Some(asked) => {
                let condition = Condition { shape: &asked.shape, constants: &asked.constants };
                let hold = || asked.checks.hold(condition, self.call, self.parties.principal, self.parties.resource);
                match self.parties.memory {
                    Some(memory) if !asked.checks.reads_question() => memory.recall(place, hold),
                    _ => hold(),
                }
            }
        };
        count(result, ask.policy, ask.effect, answer);
    }

    #[inline]
    fn ask_candidate(&self, candidate: &Candidate, answer: &mut Answer) {
        if !self.is_wanted(candidate.principal, candidate.resource, candidate.effect, answer) {
            return;
        }
        let number = candidate.policy;
        let result = if candidate.conditional {
            let Some((condition, checks)) = self.policies.asked_condition(number) else { return };
            checks.hold(condition, self.call, self.parties.principal, self.parties.resource)
        } else {
            Ok(true)
        };
        count(result, number, candidate.effect, answer);
    }
}

#[inline(always)]
fn count(result: Result<bool, Failure>, policy: PolicyId, effect: Effect, answer: &mut Answer) {
    match (result, effect) {
        (Ok(false), _) => {}
        (Ok(true), Effect::Permit) => answer.permits.push(policy),
        (Ok(true), Effect::Forbid) => answer.forbids.push(policy),
        (Err(failure), Effect::Permit) => answer.permit_errors.push((policy, failure)),
        (Err(failure), Effect::Forbid) => answer.forbid_errors.push((policy, failure)),
    }
}

/// A policy whose scope lists several groups of one action was visited once for each.
fn remove_repeats(answer: &mut Answer) {
    answer.permits.sort_unstable();
    answer.permits.dedup();
    answer.forbids.sort_unstable();
    answer.forbids.dedup();
    answer.permit_errors.sort_unstable_by_key(|(policy, _)| *policy);
    answer.permit_errors.dedup_by_key(|(policy, _)| *policy);
    answer.forbid_errors.sort_unstable_by_key(|(policy, _)| *policy);
    answer.forbid_errors.dedup_by_key(|(policy, _)| *policy);
}

/// What follows from satisfied and erring policies.
#[inline]
#[must_use]
pub fn conclude(answer: &Answer, on_error: OnError) -> Reason {
    if !answer.forbids.is_empty() {
        Reason::Forbidden
    } else if on_error == OnError::Deny && !answer.forbid_errors.is_empty() {
        Reason::ForbidError
    } else if answer.permits.is_empty() {
        Reason::NotPermitted
    } else {
        Reason::Permitted
    }
}
