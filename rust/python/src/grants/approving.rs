//! Approving, revoking, suspending, and finding grants by id.

use std::sync::Arc;

use agentpdp_core::approvals::{Approved, TooManyApprovals};
use agentpdp_core::calls::Outcome;
use agentpdp_core::chains::HopView;
use agentpdp_core::decision::{Reason, Stage};
use agentpdp_core::entities::TooManyUids;
use agentpdp_core::grant_table::Target;
use agentpdp_core::grants::{Grant as CoreGrant, GrantId, Hit};
use agentpdp_core::orders::{ApprovalQuestion, Desk, decide_about};
use agentpdp_core::request::Locals;
use agentpdp_core::value::{EntityId, Set, Value};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::clock::{LENGTH_EXPECTED, read_length};
use crate::decision::{Decision, UnderGrant};
use crate::engine::Engine;
use crate::grants::approval::ApprovalRequest;
use crate::grants::calls::refuse_status;
use crate::grants::judging::Scene;
use crate::grants::orders::{refused, required};
use crate::grants::settled::Settled;
use crate::grants::{Grant, uid_of};
use crate::uid::{read_uid, resolve};

/// Lets a call pass once, as far as the policies named by its request are in its way.
pub(crate) fn approve(
    py: Python<'_>,
    engine: &Engine,
    request: &ApprovalRequest,
    by: &Bound<'_, PyAny>,
    expires_in: Option<&Bound<'_, PyAny>>,
    at: Option<i64>,
) -> PyResult<()> {
    if request.nonce != engine.nonce {
        return Err(PyValueError::new_err("the request comes from another engine"));
    }
    let length_ms = match expires_in.filter(|given| !given.is_none()) {
        None => None,
        Some(given) => Some(read_length(given).ok_or_else(|| PyValueError::new_err(LENGTH_EXPECTED))?),
    };
    let mut now_ms = engine.clock.now_ms(py, at)?;
    if let Some(grant) = &request.grant {
        now_ms = grant.tree.advance(now_ms);
    }
    engine.with_scene(py, now_ms, |scene| approve_in(py, scene, request, by, length_ms))
}

fn approve_in(
    py: Python<'_>,
    scene: Scene<'_>,
    request: &ApprovalRequest,
    by: &Bound<'_, PyAny>,
    length_ms: Option<i64>,
) -> PyResult<()> {
    let Scene { engine, snapshot, declarations, now_ms, .. } = scene;
    let grants = &engine.core.grants;
    let refuse = |hit: Hit| required(py, refused(py, hit, None, snapshot.epoch)?).map(|_| ());
    let names: Set = Set::new(request.tasks.iter().map(|name| Value::String(Arc::from(name.as_str()))).collect());
    if engine.is_forked() {
        return refuse(Hit { reason: Reason::EngineForked, hop: None });
    }
    let (leaf, end_ms) = match (&request.grant, &request.start) {
        (Some(grant), _) => {
            if let Err(hit) = grants.status(grant, declarations, snapshot.generation, now_ms) {
                return refuse(hit);
            }
            let end_ms =
                length_ms.map_or(grant.expires_ms, |length| now_ms.saturating_add(length).min(grant.expires_ms));
            (HopView::of(grant, grant.root()), end_ms)
        }
        (None, Some((principal, agent, claims))) => {
            let tasks = request.tasks.iter().map(|name| Arc::from(name.as_str())).collect::<Vec<Arc<str>>>();
            if let Err(reason) = grants.check_named(Some(*principal), *agent, tasks.iter()) {
                return refuse(Hit { reason, hop: None });
            }
            let lifetimes = tasks.iter().filter_map(|name| declarations.task(declarations.find(name)?));
            let longest = lifetimes.map(|task| task.lifetime_ms).min().unwrap_or(0);
            let end_ms = now_ms.saturating_add(length_ms.map_or(longest, |length| length.min(longest)));
            (HopView { names: &names, depth: 0, principal: *principal, agent: *agent, claims }, end_ms)
        }
        (None, None) => return Err(PyValueError::new_err("the request is of no call")),
    };
    let mut locals = Locals::default();
    let Some(by) = read_uid(by).map(|by| resolve(by, Some(engine.nonce), &snapshot.store, &mut locals)) else {
        return refuse(Hit { reason: Reason::UnknownParty, hop: None });
    };
    let desk = Desk { snapshot, declarations, grants, locals: &locals, parent: None, now_ms };
    let pairs = request.needed.iter().flat_map(|needed| request.actions.iter().map(move |action| (needed, action)));
    for ((policy, role), action) in pairs {
        let question = ApprovalQuestion { role: role.clone(), policy: policy.clone(), action: action.clone() };
        let outcome = decide_about(declarations.approve, by, &leaf, Some(&question), &desk);
        if outcome.reason() != Reason::Permitted {
            return required(py, about_decision(py, scene, outcome, &locals)?).map(|_| ());
        }
    }
    let policies = request.needed.iter().map(|(policy, _)| Approved {
        policy: policy.clone(),
        asked_epoch: request.epoch,
        generation: snapshot.generation,
        end_ms,
    });
    let approved = engine.core.approvals.approve(request.digest, policies, now_ms);
    approved.map_err(|_: TooManyApprovals| PyRuntimeError::new_err("as many calls are approved as an engine keeps"))
}

fn about_decision(py: Python<'_>, scene: Scene<'_>, outcome: Outcome, locals: &Locals<'_>) -> PyResult<Py<Decision>> {
    if outcome.stage == Some(Stage::Arguments) {
        let under = UnderGrant { stage: outcome.stage, ..UnderGrant::default() };
        return Decision::refused_under(py, outcome.reason(), None, scene.snapshot.epoch, under);
    }
    Settled::plain(Box::new(outcome)).finish(py, scene, locals, None)
}

/// What `revoke`, `suspend` and `resume` name; just one of the four.
pub(crate) struct TargetParts<'a, 'py> {
    pub(crate) grant: Option<&'a Bound<'py, PyAny>>,
    pub(crate) agent: Option<&'a Bound<'py, PyAny>>,
    pub(crate) principal: Option<&'a Bound<'py, PyAny>>,
    pub(crate) task: Option<&'a Bound<'py, PyAny>>,
}

/// Reads a target; none for the id of a grant that is not there.
pub(crate) fn read_target(py: Python<'_>, engine: &Engine, parts: &TargetParts<'_, '_>) -> PyResult<Option<Target>> {
    let given = |value: Option<&Bound<'_, PyAny>>| value.is_some_and(|value| !value.is_none());
    let count =
        [parts.grant, parts.agent, parts.principal, parts.task].into_iter().filter(|value| given(*value)).count();
    if count != 1 {
        return Err(PyTypeError::new_err("name just one of `grant=`, `agent=`, `principal=` and `task=`"));
    }
    let entity = |value: &Bound<'_, PyAny>| -> PyResult<EntityId> {
        let (type_name, id) = crate::uid::owned_uid(value)?;
        let full = |_: TooManyUids| PyRuntimeError::new_err("the engine knows as many entities as it can");
        engine.core.intern(|store| store.intern(&type_name, &id)).map_err(full)
    };
    if let Some(agent) = parts.agent.filter(|value| !value.is_none()) {
        return entity(agent).map(Target::Agent).map(Some);
    }
    if let Some(principal) = parts.principal.filter(|value| !value.is_none()) {
        return entity(principal).map(Target::Principal).map(Some);
    }
    if let Some(task) = parts.task.filter(|value| !value.is_none()) {
        return Ok(Some(Target::Task(Arc::from(task.extract::<String>()?.as_str()))));
    }
    let Some(grant) = parts.grant else { return Ok(None) };
    let is_foreign = grant.cast::<Grant>().is_ok_and(|handle| handle.get().engine.bind(py).get().nonce != engine.nonce);
    let is_malformed = grant.extract::<String>().is_ok_and(|text| parse_id(&text).is_none());
    if is_foreign || is_malformed {
        let message = "`grant` is a grant of this engine or an id: 32 hexadecimal digits, in lower case";
        return Err(PyValueError::new_err(message));
    }
    Ok(read_grant(py, engine, grant)?.map(Target::Grant))
}

/// The grant of a handle of this engine, or of an id.
pub(crate) fn read_grant(
    py: Python<'_>,
    engine: &Engine,
    value: &Bound<'_, PyAny>,
) -> PyResult<Option<Arc<CoreGrant>>> {
    if let Ok(handle) = value.cast::<Grant>() {
        let handle = handle.get();
        let is_ours = handle.engine.bind(py).get().nonce == engine.nonce;
        return Ok(is_ours.then(|| handle.issued.clone()));
    }
    let text: String =
        value.extract().map_err(|_| PyTypeError::new_err("a grant is a `Grant` or its id, 32 hexadecimal digits"))?;
    Ok(parse_id(&text).and_then(|id| engine.core.grants.find(id)))
}

/// The id that 32 hexadecimal digits name.
pub(crate) fn parse_id(text: &str) -> Option<GrantId> {
    let is_plain = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if is_plain { u128::from_str_radix(text, 16).ok().map(GrantId::new) } else { None }
}

/// Asks the `revoke` rules whether somebody may revoke a grant.
pub(crate) fn may_revoke(
    py: Python<'_>,
    engine: &Engine,
    grant: &Arc<CoreGrant>,
    by: &Bound<'_, PyAny>,
    at: Option<i64>,
) -> PyResult<()> {
    let now_ms = grant.tree.advance(engine.clock.now_ms(py, at)?);
    engine.with_scene(py, now_ms, |scene| {
        let Scene { snapshot, declarations, .. } = scene;
        let mut locals = Locals::default();
        let Some(by) = read_uid(by).map(|by| resolve(by, Some(engine.nonce), &snapshot.store, &mut locals)) else {
            return required(py, refused(py, Hit { reason: Reason::UnknownParty, hop: None }, None, snapshot.epoch)?)
                .map(|_| ());
        };
        let desk = Desk { snapshot, declarations, grants: &engine.core.grants, locals: &locals, parent: None, now_ms };
        let outcome = decide_about(declarations.revoke, by, &HopView::of(grant, grant.root()), None, &desk);
        required(py, about_decision(py, scene, outcome, &locals)?).map(|_| ())
    })
}

/// `Denied`: there is no such grant.
pub(crate) fn deny_unknown(py: Python<'_>, engine: &Engine) -> PyResult<()> {
    let hit = Hit { reason: Reason::UnknownGrant, hop: None };
    required(py, refuse_status(py, hit, engine.core.load().epoch)?).map(|_| ())
}

/// The grant of an id for the agent that acts: an id is a name, not a capability.
pub(crate) fn find_grant(
    py: Python<'_>,
    engine: &Engine,
    id: &Bound<'_, PyAny>,
    agent: &Bound<'_, PyAny>,
) -> PyResult<Arc<CoreGrant>> {
    let snapshot = engine.core.snapshot();
    let deny = |reason| required(py, refuse_status(py, Hit { reason, hop: None }, snapshot.epoch)?);
    let Some(found) = read_grant(py, engine, id)? else {
        deny(Reason::UnknownGrant)?;
        return Err(PyRuntimeError::new_err("a refused grant was allowed"));
    };
    let wanted = uid_of(&snapshot.store, found.agent)?;
    let is_it =
        crate::uid::owned_uid(agent).is_ok_and(|(type_name, id)| *type_name == *wanted.type_name && *id == *wanted.id);
    if !is_it {
        deny(Reason::AgentMismatch)?;
    }
    Ok(found)
}
