//! Starting and delegating.
//!
//! An order is read as far as it can be (`order_reading.rs`); the core finds the first reason against it, then policies
//! are asked. What is refused raises `Denied` or `StepUpNeeded` with the decision.

use std::sync::Arc;

use agentpdp_cedar::input::Input;
use agentpdp_core::decision::{Reason, Stage};
use agentpdp_core::digest::{CallForm, call_digest};
use agentpdp_core::entities::{Store, TooManyUids};
use agentpdp_core::grants::{Grant as CoreGrant, GrantId, Hit, Issue, Tree};
use agentpdp_core::orders::{Desk, Proposal};
use agentpdp_core::request::Locals;
use agentpdp_core::tasks::{Declarations, Digest};
use agentpdp_core::value::{EntityId, Record, Set, Value};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

use crate::decision::Decision;
use crate::engine::Engine;
use crate::errors;
use crate::grants::approval::ApprovalRequest;
use crate::grants::calls::{action_id, refuse_status};
use crate::grants::form::canonical_input;
use crate::grants::judging::Scene;
use crate::grants::order_reading::read_order;
use crate::grants::read::Refused;
use crate::grants::settled::Settled;
use crate::input::to_input;
use crate::to_python::input_to_python;

/// What an order hands in.
#[derive(Clone, Copy)]
pub(crate) struct OrderParts<'a, 'py> {
    pub(crate) task: &'a Bound<'py, PyAny>,
    pub(crate) agent: &'a Bound<'py, PyAny>,
    pub(crate) principal: Option<&'a Bound<'py, PyAny>>,
    pub(crate) by: Option<&'a Bound<'py, PyAny>>,
    pub(crate) params: Option<&'a Bound<'py, PyAny>>,
    pub(crate) claims: Option<&'a Bound<'py, PyAny>>,
    pub(crate) only_actions: Option<&'a Bound<'py, PyAny>>,
    pub(crate) only_resources: Option<&'a Bound<'py, PyAny>>,
    pub(crate) expires_in: Option<&'a Bound<'py, PyAny>>,
    pub(crate) valid_from: Option<i64>,
}

impl<'a, 'py> OrderParts<'a, 'py> {
    pub(crate) fn new(task: &'a Bound<'py, PyAny>, agent: &'a Bound<'py, PyAny>) -> Self {
        Self {
            task,
            agent,
            principal: None,
            by: None,
            params: None,
            claims: None,
            only_actions: None,
            only_resources: None,
            expires_in: None,
            valid_from: None,
        }
    }
}

/// A decision, or an exception that carries it.
pub(crate) fn required(py: Python<'_>, decision: Py<Decision>) -> PyResult<Py<Decision>> {
    let reason = decision.get().reason();
    match reason {
        Reason::Permitted => Ok(decision),
        _ => Err(errors::not_allowed(py, decision, reason == Reason::StepUp)),
    }
}

/// Issues a root grant, or one below another.
pub(crate) fn issue(
    py: Python<'_>,
    engine: &Engine,
    parent: Option<&Arc<CoreGrant>>,
    parts: &OrderParts<'_, '_>,
    at: Option<i64>,
) -> PyResult<Arc<CoreGrant>> {
    let mut now_ms = engine.clock.now_ms(py, at)?;
    if let Some(parent) = parent {
        now_ms = parent.tree.advance(now_ms);
    }
    // Read once: what is judged, what is digested and what is issued are one value, whatever a caller's objects do.
    let (params, claims) = (plain(py, parts.params)?, plain(py, parts.claims)?);
    let (only_actions, only_resources) = (fixed(parts.only_actions)?, fixed(parts.only_resources)?);
    let task = match parts.task.is_instance_of::<PyString>() {
        true => parts.task.clone(),
        false => fixed(Some(parts.task))?.unwrap_or_else(|| parts.task.clone()),
    };
    let parts = OrderParts {
        task: &task,
        params: params.as_ref(),
        claims: claims.as_ref(),
        only_actions: only_actions.as_ref(),
        only_resources: only_resources.as_ref(),
        ..*parts
    };
    engine.with_scene(py, now_ms, |scene| issue_in(py, scene, parent, &parts))
}

/// A mapping as plain dicts and lists of this module's own; anything else as it is, to be refused.
fn plain<'py>(py: Python<'py>, value: Option<&Bound<'py, PyAny>>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(value) = value.filter(|value| !value.is_none()) else { return Ok(None) };
    match to_input(value) {
        input @ Input::Object(_) => input_to_python(py, &input).map(Some),
        _ => Ok(Some(value.clone())),
    }
}

/// The members of a list as they are now; anything else as it is, to be refused.
fn fixed<'py>(value: Option<&Bound<'py, PyAny>>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(value) = value.filter(|value| !value.is_none()) else { return Ok(None) };
    if value.is_instance_of::<PyString>() {
        return Ok(Some(value.clone()));
    }
    match value.try_iter().and_then(|members| members.collect::<PyResult<Vec<_>>>()) {
        Ok(members) => Ok(Some(PyTuple::new(value.py(), members)?.into_any())),
        Err(_) => Ok(Some(value.clone())),
    }
}

fn issue_in(
    py: Python<'_>,
    scene: Scene<'_>,
    parent: Option<&Arc<CoreGrant>>,
    parts: &OrderParts<'_, '_>,
) -> PyResult<Arc<CoreGrant>> {
    let Scene { engine, snapshot, declarations, now_ms, .. } = scene;
    let epoch = snapshot.epoch;
    if engine.is_forked() {
        required(py, refuse_status(py, Hit { reason: Reason::EngineForked, hop: None }, epoch)?)?;
    }
    let mut locals = Locals::default();
    let (order, details) = read_order(scene, parent.is_some(), parts, &mut locals);
    let grants = &engine.core.grants;
    let desk = Desk { snapshot, declarations, grants, locals: &locals, parent, now_ms };
    let proposal = match order.check(&desk) {
        Ok(proposal) => proposal,
        Err(hit) => {
            required(py, refused(py, hit, details.of(hit.reason), epoch)?)?;
            return Err(PyRuntimeError::new_err("a refused order was allowed"));
        }
    };
    let outcome = Box::new(proposal.decide(&desk, &[]));
    let form = (outcome.reason() == Reason::StepUp).then(|| canonical_input(&order_form(parts, parent.is_none())));
    let settled = match form {
        None => Settled::plain(outcome),
        Some(None) => Settled::not_safe(outcome),
        Some(Some(arguments)) => {
            let digest = order_digest(scene, &proposal, parent, &arguments, &locals);
            Settled::with_approvals(outcome, digest, scene, false, |discharged| proposal.decide(&desk, discharged))
        }
    };
    if settled.outcome.reason() != Reason::Permitted || settled.is_unsafe {
        let decision = order_decision(py, scene, settled, &proposal, parent, parts, &locals)?;
        required(py, decision)?;
        return Err(PyRuntimeError::new_err("a refused order was allowed"));
    }
    insert(py, scene, proposal, parent, &locals)
}

pub(crate) fn refused(py: Python<'_>, hit: Hit, detail: Option<String>, epoch: u64) -> PyResult<Py<Decision>> {
    if hit.reason.stage() == Some(Stage::Status) {
        return refuse_status(py, hit, epoch);
    }
    Refused::new(hit.reason, detail).decision(py, epoch)
}

/// Puts a grant that policies allow into the table.
fn insert(
    py: Python<'_>,
    scene: Scene<'_>,
    proposal: Proposal,
    parent: Option<&Arc<CoreGrant>>,
    locals: &Locals<'_>,
) -> PyResult<Arc<CoreGrant>> {
    let Scene { engine, snapshot, declarations, now_ms, .. } = scene;
    let full = |_: TooManyUids| PyRuntimeError::new_err("the engine knows as many entities as it can");
    let proposal = if locals.is_empty() {
        proposal
    } else {
        // Uids that the store does not know yet get numbers that live as long as the engine.
        engine.core.intern(|store| make_known(proposal, locals, store)).map_err(full)?
    };
    let tree = match parent {
        Some(parent) => parent.tree.clone(),
        None => Tree::new(proposal.principal, now_ms),
    };
    let issue = Issue {
        id: random_id()?,
        tree,
        scope: proposal.scope,
        params: proposal.params,
        claims: proposal.claims,
        restriction: proposal.restriction,
        valid_from_ms: proposal.valid_from_ms,
        expires_ms: proposal.expires_ms,
        agent: proposal.agent,
    };
    let grants = &engine.core.grants;
    let Some(parent) = parent else { return Ok(grants.insert_root(issue, now_ms)) };
    let refuse = |hit| -> PyResult<Arc<CoreGrant>> {
        required(py, refused(py, hit, None, snapshot.epoch)?)?;
        Err(PyRuntimeError::new_err("a refused order was allowed"))
    };
    let Some(child) = grants.insert_child(issue, parent, declarations.limits, now_ms) else {
        return refuse(Hit { reason: Reason::TreeFull, hop: None });
    };
    // The child is linked: a revocation from now on reaches it; one from before is seen here.
    if let Err(hit) = grants.status(parent, declarations, snapshot.generation, now_ms) {
        grants.close(&child);
        return refuse(hit);
    }
    Ok(child)
}

/// 128 random bits from the system.
fn random_id() -> PyResult<GrantId> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| PyRuntimeError::new_err(format!("the system gives no random bits: {error}")))?;
    Ok(GrantId::new(u128::from_be_bytes(bytes)))
}

fn make_known(mut proposal: Proposal, locals: &Locals<'_>, store: &mut Store) -> Result<Proposal, TooManyUids> {
    let mut known = |entity: EntityId| known_entity(entity, locals, store);
    proposal.principal = known(proposal.principal)?;
    proposal.agent = known(proposal.agent)?;
    if let Some(resources) = proposal.restriction.as_mut().and_then(|restriction| restriction.resources.as_mut()) {
        for resource in resources.iter_mut() {
            *resource = known(*resource)?;
        }
    }
    for value in proposal.params.iter_mut().chain(proposal.claims.iter_mut()) {
        *value = known_value(value, locals, store)?;
    }
    Ok(proposal)
}

fn known_entity(entity: EntityId, locals: &Locals<'_>, store: &mut Store) -> Result<EntityId, TooManyUids> {
    match (entity.is_local(), locals.type_name_of(entity), locals.id_of(entity)) {
        (true, Some(type_name), Some(id)) => store.intern(type_name, id),
        _ => Ok(entity),
    }
}

fn known_value(value: &Value, locals: &Locals<'_>, store: &mut Store) -> Result<Value, TooManyUids> {
    Ok(match value {
        Value::Entity(entity) => Value::Entity(known_entity(*entity, locals, store)?),
        Value::Set(set) => {
            let members = set.values().iter().map(|member| known_value(member, locals, store));
            Value::Set(Arc::new(Set::new(members.collect::<Result<_, _>>()?)))
        }
        Value::Record(record) => {
            let attributes =
                record.attributes().map(|(name, value)| Ok((name.clone(), known_value(value, locals, store)?)));
            let made = Record::new(attributes.collect::<Result<_, TooManyUids>>()?);
            made.map_or_else(|_| value.clone(), |record| Value::Record(Arc::new(record)))
        }
        plain => plain.clone(),
    })
}

// -- the decision on an order

/// The arguments of the call that an order is; what is left out is null or, where it is rare, not there.
fn order_form(parts: &OrderParts<'_, '_>, is_root: bool) -> Input {
    let read = |value: Option<&Bound<'_, PyAny>>| value.map_or(Input::Null, to_input);
    let mut members: Vec<(String, Input)> = vec![
        ("agent".to_owned(), to_input(parts.agent)),
        ("task".to_owned(), to_input(parts.task)),
        ("params".to_owned(), parts.params.map_or(Input::Object(Vec::new()), to_input)),
        ("expires_in".to_owned(), read(parts.expires_in)),
    ];
    if is_root {
        members.push(("principal".to_owned(), read(parts.principal)));
    }
    let rare = [
        ("claims", parts.claims),
        ("by", parts.by),
        ("only_actions", parts.only_actions),
        ("only_resources", parts.only_resources),
    ];
    for (name, value) in rare {
        if let Some(value) = value.filter(|value| !value.is_none()) {
            members.push((name.to_owned(), to_input(value)));
        }
    }
    if let Some(valid_from) = parts.valid_from {
        members.push(("valid_from".to_owned(), Input::Long(valid_from)));
    }
    Input::Object(members)
}

/// Ids of the engine's actions that an order is, one for each task.
fn order_actions(proposal: &Proposal, parent: Option<&Arc<CoreGrant>>, scene: Scene<'_>) -> Vec<Arc<str>> {
    let tasks = proposal.scope.tasks.iter().filter_map(|task| scene.declarations.task(*task));
    tasks.map(|task| action_id(scene, if parent.is_some() { task.delegate } else { task.start })).collect()
}

/// The engine's action that an order is of its first task.
fn order_action(proposal: &Proposal, parent: Option<&Arc<CoreGrant>>, declarations: &Declarations) -> EntityId {
    let task = proposal.scope.tasks.first().and_then(|task| declarations.task(*task));
    task.map_or(EntityId(u32::MAX), |task| if parent.is_some() { task.delegate } else { task.start })
}

fn order_digest(
    scene: Scene<'_>,
    proposal: &Proposal,
    parent: Option<&Arc<CoreGrant>>,
    arguments: &str,
    locals: &Locals<'_>,
) -> Digest {
    let hops = parent.map(|parent| parent.hops()).unwrap_or_default();
    let tasks: Vec<Vec<Digest>> =
        hops.iter().map(|hop| hop.scope.texts.iter().map(|(_, digest)| *digest).collect()).collect();
    call_digest(&CallForm {
        grant: parent.map(|parent| parent.id),
        tasks: &tasks,
        bundle: &scene.declarations.digest,
        action: &scene.text_of(order_action(proposal, parent, scene.declarations), locals),
        resource: &scene.text_of(proposal.agent, locals),
        arguments,
        context: "{}",
    })
}

fn order_decision(
    py: Python<'_>,
    scene: Scene<'_>,
    settled: Settled,
    proposal: &Proposal,
    parent: Option<&Arc<CoreGrant>>,
    parts: &OrderParts<'_, '_>,
    locals: &Locals<'_>,
) -> PyResult<Py<Decision>> {
    if settled.is_unsafe {
        let detail = "the order has values with no one form, so nobody can approve it".to_owned();
        return Refused::new(Reason::ArgumentUnsafe, Some(detail)).decision(py, scene.snapshot.epoch);
    }
    let request = match settled.digest {
        Some(digest) if settled.outcome.reason() == Reason::StepUp => {
            let leaf = parent.map(|parent| &**parent);
            let tasks = leaf.map_or(&proposal.scope.texts, |leaf| &leaf.scope.texts);
            let (principal, agent) =
                leaf.map_or((proposal.principal, proposal.agent), |leaf| (leaf.tree.principal, leaf.agent));
            let full = |_: TooManyUids| PyRuntimeError::new_err("the engine knows as many entities as it can");
            let intern = |entity| scene.engine.core.intern(|store| known_entity(entity, locals, store)).map_err(full);
            let start = match leaf {
                None => Some((intern(principal)?, intern(agent)?, proposal.claims.clone())),
                Some(_) => None,
            };
            let action = order_action(proposal, parent, scene.declarations);
            Some(Py::new(
                py,
                ApprovalRequest {
                    digest,
                    needed: scene.needed(&settled.outcome),
                    grant: parent.cloned(),
                    start,
                    nonce: scene.engine.nonce,
                    epoch: scene.snapshot.epoch,
                    tasks: tasks.iter().map(|(name, _)| name.to_string()).collect(),
                    principal: scene.uid(py, principal, locals)?,
                    agent: scene.uid(py, agent, locals)?,
                    action: scene.uid(py, action, locals)?,
                    resource: scene.uid(py, proposal.agent, locals)?,
                    arguments: order_form(parts, parent.is_none()),
                    actions: order_actions(proposal, parent, scene),
                },
            )?)
        }
        _ => None,
    };
    settled.finish(py, scene, locals, request)
}
