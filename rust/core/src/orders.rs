//! May this grant be issued?
//!
//! Starting, delegating, approving and revoking are calls of the engine's own actions. An [`Order`] is a grant that is
//! asked for, as far as it could be read; [`Order::check`] finds the first reason against it before any policy is
//! asked, in the order of the table of reasons, and gives the [`Proposal`] that policies are then asked about, task by
//! task.
//!
//! Twin: `reference/orders.py`. Read next: `approvals.rs`.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::authorize::PolicyId;
use crate::calls::{Outcome, decide, decide_ceilings};
use crate::chains::{Asked, Chain, HopView};
use crate::datetime::Datetime;
use crate::decision::Reason;
use crate::engine::Snapshot;
use crate::evaluate::Temporaries;
use crate::grant_table::Grants;
use crate::grants::{Grant, Hit, Restriction, Scope};
use crate::parties::Party;
use crate::request::Locals;
use crate::slots::{RecordPlan, Slot};
use crate::tasks::{Declarations, Task, TaskId};
use crate::value::{EntityId, Record, TypeId, Value};

/// A grant that is asked for, as far as it could be read.
#[derive(Debug)]
pub struct Order {
    /// The tasks, each once; none where one of them is not the bundle's.
    pub tasks: Option<SmallVec<[TaskId; 4]>>,
    /// The names asked for that are known, for what the host has revoked.
    pub principal: Option<EntityId>,
    /// Who is to hold it.
    pub agent: Option<EntityId>,
    /// A second party that asks, if one is named; inner none: it is no entity.
    pub by: Option<Option<EntityId>>,
    /// Values of the parameters, task after task, or the first reason against them.
    pub params: Result<Box<[Value]>, Reason>,
    /// The token's claims, sorted by name, or the first reason against them.
    pub claims: Result<Box<[Value]>, Reason>,
    /// Only these actions and groups; an error where one is not the bundle's.
    pub only_actions: Result<Option<Box<[EntityId]>>, ()>,
    /// Only these resources; an error where one is no entity.
    pub only_resources: Result<Option<Box<[EntityId]>>, ()>,
    /// Valid from then on; none: from now.
    pub valid_from_ms: Option<i64>,
    /// How long; outer none: as long as may be; inner none: it is no length of time.
    pub expires_in_ms: Option<Option<i64>>,
}

/// A grant that may be issued if policies say so.
#[derive(Debug)]
pub struct Proposal {
    /// Its tasks.
    pub scope: Arc<Scope>,
    /// The original principal.
    pub principal: EntityId,
    /// Who is to hold it.
    pub agent: EntityId,
    /// A second party that asks.
    pub by: Option<EntityId>,
    /// Values of all parameters.
    pub params: Box<[Value]>,
    /// The token's claims; empty below a root.
    pub claims: Box<[Value]>,
    /// What it is delegated with besides.
    pub restriction: Option<Box<Restriction>>,
    /// Valid from then on.
    pub valid_from_ms: i64,
    /// Valid before then.
    pub expires_ms: i64,
    /// 0 for a root.
    pub depth: u16,
}

/// What an order is checked against.
#[derive(Clone, Copy, Debug)]
pub struct Desk<'a> {
    /// Entities, policies, declarations.
    pub snapshot: &'a Snapshot,
    /// The bundle's declarations.
    pub declarations: &'a Declarations,
    /// All grants.
    pub grants: &'a Grants,
    /// Uids that only this order mentions.
    pub locals: &'a Locals<'a>,
    /// The grant to delegate under; none to start.
    pub parent: Option<&'a Arc<Grant>>,
    /// The tree's time.
    pub now_ms: i64,
}

impl Desk<'_> {
    fn type_of(&self, entity: EntityId) -> TypeId {
        if entity.is_local() { self.locals.type_of(entity) } else { self.snapshot.store.type_of(entity) }
    }

    /// Whether an entity may be named: it is in the store, of an open type, or one of an enumerated type.
    #[must_use]
    pub fn is_known(&self, entity: EntityId) -> bool {
        is_known(entity, self.snapshot, self.declarations, self.locals)
    }
}

/// Whether an entity may be named in a call: it is in the store, of an open type, or an id of an enumerated type.
#[must_use]
pub fn is_known(entity: EntityId, snapshot: &Snapshot, declarations: &Declarations, locals: &Locals<'_>) -> bool {
    Party::of(entity, &snapshot.store, locals).is_known(snapshot, declarations, locals)
}

impl Party<'_> {
    /// As [`is_known`], for an entity that was looked up before.
    #[inline]
    #[must_use]
    pub fn is_known(&self, snapshot: &Snapshot, declarations: &Declarations, locals: &Locals<'_>) -> bool {
        self.data.is_some()
            || declarations.is_open(self.type_id)
            || is_listed(self.entity, self.type_id, snapshot, locals)
    }
}

/// Whether an entity is one of an enumerated type.
#[cold]
fn is_listed(entity: EntityId, type_id: TypeId, snapshot: &Snapshot, locals: &Locals<'_>) -> bool {
    let Some(schema) = &snapshot.compiled.schema else { return false };
    let is_enumerated = schema.entity_types.get(&type_id).is_some_and(|of| of.ids.is_some());
    is_enumerated && crate::request::has_id(entity, schema, &snapshot.store, locals)
}

impl Order {
    /// The first reason against the order before any policy is asked.
    ///
    /// # Errors
    ///
    /// The reason; a hop where the chain's status is the reason.
    pub fn check(self, desk: &Desk<'_>) -> Result<Proposal, Hit> {
        let refuse = |reason| Err(Hit { reason, hop: None });
        let (declarations, snapshot) = (desk.declarations, desk.snapshot);
        if let Some(parent) = desk.parent {
            desk.grants.status(parent, declarations, snapshot.generation, desk.now_ms)?;
        }
        self.check_blocks(desk)?;
        let Some(tasks) = self.tasks.filter(|tasks| !tasks.is_empty()) else { return refuse(Reason::UnknownAction) };
        let found: SmallVec<[&Task; 4]> = tasks.iter().filter_map(|task| declarations.task(*task)).collect();
        let Ok(actions) = self.only_actions else { return refuse(Reason::UnknownAction) };
        let params = self.params.map_err(|reason| Hit { reason, hop: None })?;
        let Some((valid_from_ms, expires_ms)) =
            validity(self.valid_from_ms, self.expires_in_ms, &found, desk.parent, desk.now_ms)
        else {
            return refuse(Reason::LifetimeTooLong);
        };
        let hops = desk.parent.map(|parent| parent.hops()).unwrap_or_default();
        let principal = desk.parent.map_or(self.principal, |parent| Some(parent.tree.principal));
        if self.agent.is_some_and(|agent| hops.iter().any(|hop| hop.agent == agent)) {
            return refuse(Reason::AgentRepeated);
        }
        if self
            .agent
            .is_some_and(|agent| Some(agent) == principal || declarations.principals.contains(&desk.type_of(agent)))
        {
            return refuse(Reason::PrincipalAsAgent);
        }
        if hops.len() > usize::from(declarations.limits.depth_max) {
            return refuse(Reason::DepthExceeded);
        }
        if let Some(parent) = desk.parent
            && desk.grants.is_full(parent, declarations.limits, desk.now_ms)
        {
            return refuse(Reason::TreeFull);
        }
        let claims = match desk.parent {
            Some(_) => Box::default(),
            None => self.claims.map_err(|reason| Hit { reason, hop: None })?,
        };
        let known = |entity: Option<EntityId>| entity.filter(|entity| desk.is_known(*entity));
        let (Some(principal), true, Some(agent)) =
            (known(principal), hops.iter().all(|hop| desk.is_known(hop.agent)), known(self.agent))
        else {
            return refuse(Reason::UnknownParty);
        };
        let by = match self.by.map(known) {
            Some(None) => return refuse(Reason::UnknownParty),
            Some(Some(by)) => Some(by),
            None => None,
        };
        let Ok(resources) = self.only_resources else { return refuse(Reason::UnknownResource) };
        let (principal_type, agent_type) = (desk.type_of(principal), desk.type_of(agent));
        let is_for = |task: &&Task| {
            task.principals.as_ref().unwrap_or(&declarations.principals).contains(&principal_type)
                && task.agents.as_ref().unwrap_or(&declarations.agents).contains(&agent_type)
        };
        let is_declared =
            declarations.principals.contains(&principal_type) && declarations.agents.contains(&agent_type);
        if !is_declared || !found.iter().all(is_for) {
            return refuse(Reason::NotApplicable);
        }
        let depth = u16::try_from(hops.len()).unwrap_or(u16::MAX);
        let parties: SmallVec<[EntityId; 8]> =
            [principal].into_iter().chain(hops.iter().map(|hop| hop.agent)).chain(by).collect();
        if !found.iter().all(|task| applies(action_of(task, depth), &parties, agent, desk)) {
            return refuse(Reason::NotApplicable);
        }
        let Some(scope) = desk.grants.scope(&tasks, declarations, snapshot.generation) else {
            return refuse(Reason::UnknownAction);
        };
        let restriction =
            (actions.is_some() || resources.is_some()).then(|| Box::new(Restriction { actions, resources }));
        Ok(Proposal { scope, principal, agent, by, params, claims, restriction, valid_from_ms, expires_ms, depth })
    }

    /// What would revoke or suspend the grant if it were issued.
    fn check_blocks(&self, desk: &Desk<'_>) -> Result<(), Hit> {
        let names = self.tasks.iter().flatten().filter_map(|task| desk.declarations.task(*task)).map(|task| &task.name);
        let agent = self.agent.unwrap_or(EntityId(u32::MAX));
        let principal = if desk.parent.is_none() { self.principal } else { None };
        desk.grants.check_named(principal, agent, names).map_err(|reason| Hit { reason, hop: None })
    }
}

/// The action that issuing a grant of a task is.
fn action_of(task: &Task, depth: u16) -> EntityId {
    if depth == 0 { task.start } else { task.delegate }
}

/// Whether the schema has the action for all of these parties and this agent.
fn applies(action: EntityId, parties: &[EntityId], agent: EntityId, desk: &Desk<'_>) -> bool {
    desk.snapshot.compiled.actions.get(&action).is_some_and(|entry| {
        parties.iter().all(|party| entry.action.principals.contains(&desk.type_of(*party)))
            && entry.action.resources.contains(&desk.type_of(agent))
    })
}

/// From when and until when; none beyond what tasks and parent allow.
fn validity(
    valid_from_ms: Option<i64>,
    expires_in_ms: Option<Option<i64>>,
    tasks: &[&Task],
    parent: Option<&Arc<Grant>>,
    now_ms: i64,
) -> Option<(i64, i64)> {
    let longest = tasks.iter().map(|task| task.lifetime_ms).min()?;
    let start = valid_from_ms.unwrap_or(now_ms);
    let latest = start.checked_add(longest)?;
    let latest = parent.map_or(latest, |parent| latest.min(parent.expires_ms));
    match expires_in_ms {
        None => Some((start, latest)),
        Some(asked) => {
            let end = start.checked_add(asked.filter(|length| *length > 0)?)?;
            (end <= latest).then_some((start, end))
        }
    }
}

impl Proposal {
    /// What the policies say, task by task; the first that denies decides, else all that has to be approved.
    #[must_use]
    pub fn decide(&self, desk: &Desk<'_>, discharged: &[PolicyId]) -> Outcome {
        let mut all = Outcome::default();
        let chain = match desk.parent {
            None => None,
            Some(parent) => match Chain::of(parent, desk.snapshot, desk.declarations) {
                Some(chain) => Some(chain),
                None => return Outcome::default(),
            },
        };
        let mut start = 0usize;
        for number in &self.scope.tasks {
            let Some(task) = desk.declarations.task(*number) else { return Outcome::default() };
            let end = start.saturating_add(task.params.len());
            let params = self.params.get(start..end).unwrap_or(&[]);
            start = end;
            let outcome = self.decide_task(task, params, chain.as_ref(), desk, discharged);
            match outcome.reason() {
                Reason::Permitted if all.step_ups.is_empty() => all = outcome,
                Reason::Permitted => {}
                Reason::StepUp if all.step_ups.is_empty() => all = outcome,
                Reason::StepUp => all.step_ups.extend(outcome.step_ups),
                _ => return outcome,
            }
        }
        all.step_ups.sort_unstable();
        all.step_ups.dedup();
        all
    }

    fn decide_task(
        &self,
        task: &Task,
        params: &[Value],
        chain: Option<&Chain<'_>>,
        desk: &Desk<'_>,
        discharged: &[PolicyId],
    ) -> Outcome {
        let action = action_of(task, self.depth);
        let Some(entry) = desk.snapshot.compiled.actions.get(&action) else { return Outcome::default() };
        let names = task.params.iter().map(|param| param.name.clone());
        let record = |attributes| Record::new(attributes).map(|record| Value::Record(Arc::new(record)));
        let Ok(params) = record(names.zip(params.iter().cloned()).collect()) else { return Outcome::default() };
        let lifetime_ms = Value::Long(self.expires_ms.saturating_sub(self.valid_from_ms));
        let input = vec![
            (Arc::from("params"), params),
            (Arc::from("lifetime_ms"), lifetime_ms),
            (Arc::from("depth"), Value::Long(i64::from(self.depth))),
        ];
        let Ok(context) = input_context(input) else { return Outcome::default() };
        let mut slots = vec![Slot::Unreachable; entry.layout.slot_count];
        fill_record(&entry.layout.context, &context, &mut slots);
        let asked = Asked {
            snapshot: desk.snapshot,
            locals: desk.locals,
            action,
            resource: Party::of(self.agent, &desk.snapshot.store, desk.locals),
            layout: &entry.layout,
            slots: &slots,
            now: Datetime::from_milliseconds(desk.now_ms),
            temporaries: &Temporaries::default(),
        };
        match chain {
            Some(chain) => decide(&asked, chain, discharged),
            None => {
                let parties: SmallVec<[EntityId; 2]> = [self.principal].into_iter().chain(self.by).collect();
                decide_ceilings(&asked, &parties, &self.view(), discharged)
            }
        }
    }

    /// The grant-to-be as hop 0.
    fn view(&self) -> HopView<'_> {
        HopView {
            names: &self.scope.names,
            depth: self.depth,
            principal: self.principal,
            agent: self.agent,
            claims: &self.claims,
        }
    }
}

/// What an approver is asked about.
#[derive(Clone, Debug)]
pub struct ApprovalQuestion {
    /// The role that the forbid asks for.
    pub role: Arc<str>,
    /// The forbid.
    pub policy: Arc<str>,
    /// The action of the call, by its id.
    pub action: Arc<str>,
}

/// Whether a person may approve, or somebody may revoke: asked of that party's ceiling with the leaf's grant. A forbid
/// with `@step_up` forbids here.
#[must_use]
pub fn decide_about(
    action: EntityId,
    party: EntityId,
    leaf: &HopView<'_>,
    question: Option<&ApprovalQuestion>,
    desk: &Desk<'_>,
) -> Outcome {
    let refused = Outcome::refused;
    if !desk.is_known(party) || !desk.is_known(leaf.agent) {
        return refused(Reason::UnknownParty);
    }
    if !applies(action, &[party], leaf.agent, desk) {
        return refused(Reason::NotApplicable);
    }
    let Some(entry) = desk.snapshot.compiled.actions.get(&action) else { return refused(Reason::UnknownAction) };
    let input = match question {
        None => Vec::new(),
        Some(question) => vec![
            (Arc::from("role"), Value::String(question.role.clone())),
            (Arc::from("policy"), Value::String(question.policy.clone())),
            (Arc::from("action"), Value::String(question.action.clone())),
            (Arc::from("tasks"), Value::Set(Arc::new(leaf.names.clone()))),
            (Arc::from("own"), Value::Bool(party == leaf.principal)),
        ],
    };
    let context = if question.is_some() { input_context(input) } else { Ok(Record::default()) };
    let Ok(context) = context else { return refused(Reason::ArgumentType) };
    let mut slots = vec![Slot::Unreachable; entry.layout.slot_count];
    fill_record(&entry.layout.context, &context, &mut slots);
    let asked = Asked {
        snapshot: desk.snapshot,
        locals: desk.locals,
        action,
        resource: Party::of(leaf.agent, &desk.snapshot.store, desk.locals),
        layout: &entry.layout,
        slots: &slots,
        now: Datetime::from_milliseconds(desk.now_ms),
        temporaries: &Temporaries::default(),
    };
    let mut outcome = decide_ceilings(&asked, &[party], leaf, &[]);
    if outcome.reason() == Reason::StepUp {
        outcome.reason = Some(Reason::Forbidden);
        outcome.step_ups.clear();
    }
    outcome
}

fn input_context(input: Vec<(Arc<str>, Value)>) -> Result<Record, crate::value::DuplicateName> {
    Record::new(vec![(Arc::from("input"), Value::Record(Arc::new(Record::new(input)?)))])
}

/// Puts a record's attributes into the slots that a plan gives them.
pub fn fill_record<'a>(plan: &RecordPlan, record: &'a Record, slots: &mut [Slot<'a>]) {
    let mut put = |at: Option<u16>, slot: Slot<'a>| {
        if let Some(place) = at.and_then(|at| slots.get_mut(usize::from(at))) {
            *place = slot;
        }
    };
    for attribute in &plan.attributes {
        let value = record.get(&attribute.name);
        put(attribute.slot, value.map_or(Slot::Absent, |value| Slot::Value(value.borrow())));
    }
    plan.undeclared.iter().for_each(|at| put(Some(*at), Slot::Absent));
    for attribute in &plan.attributes {
        if let (Some(inner), Some(Value::Record(value))) = (&attribute.inner, record.get(&attribute.name)) {
            fill_record(inner, value, slots);
        }
    }
}
