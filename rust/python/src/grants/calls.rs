//! Deciding a call that Python hands in.

use std::sync::Arc;

use agentpdp_arguments::decode::{Rewrite, RewriteStep};
use agentpdp_cedar::input::Input;
use agentpdp_core::decision::{Reason, Stage};
use agentpdp_core::evaluate::Temporaries;
use agentpdp_core::grants::{Grant as CoreGrant, Hit};
use agentpdp_core::request::Locals;
use agentpdp_core::value::EntityId;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat, PyInt, PyList, PyMapping, PyString, PyTuple};

use crate::decision::{Decision, UnderGrant};
use crate::engine::Engine;
use crate::grants::approval::ApprovalRequest;
use crate::grants::judging::{Answered, Incoming, Judged, Scene, Told, judge};
use crate::grants::read::Refused;
use crate::grants::settled::Settled;
use crate::input::to_input;
use crate::source::{Kept, PySource};
use crate::uid::{read_uid, resolve};

/// What a call hands in.
#[derive(Clone, Copy)]
pub(crate) struct CallParts<'a, 'py> {
    pub(crate) action: &'a Bound<'py, PyAny>,
    pub(crate) arguments: Option<&'a Bound<'py, PyAny>>,
    pub(crate) resource: Option<&'a Bound<'py, PyAny>>,
    pub(crate) context: Option<&'a Bound<'py, PyAny>>,
}

fn given<'a, 'py>(value: Option<&'a Bound<'py, PyAny>>) -> Option<&'a Bound<'py, PyAny>> {
    value.filter(|value| !value.is_none())
}

/// Decides one call.
pub(crate) fn decide(
    py: Python<'_>,
    engine: &Engine,
    grant: &Arc<CoreGrant>,
    parts: CallParts<'_, '_>,
    at: Option<i64>,
) -> PyResult<Py<Decision>> {
    let now_ms = grant.tree.advance(engine.clock.now_ms(py, at)?);
    engine.with_scene(py, now_ms, |scene| decide_in(py, scene, grant, parts, None))
}

/// Decides a call, or with `told` tells every question of it and consumes nothing.
pub(crate) fn decide_in(
    py: Python<'_>,
    scene: Scene<'_>,
    grant: &Arc<CoreGrant>,
    parts: CallParts<'_, '_>,
    told: Option<&mut Told>,
) -> PyResult<Py<Decision>> {
    let action = named_action(parts.action, scene);
    let keys = action.and_then(|action| scene.view.call(action)).map_or(&[][..], |call| &call.keys);
    let kept = Kept::new(py, keys);
    let arguments = given(parts.arguments).map(|value| PySource { value, kept: &kept });
    let context: Option<Input> = given(parts.context).map(to_input);
    let temporaries = Temporaries::default();
    let mut locals = Locals::default();
    let store = &scene.snapshot.store;
    let mut read = |value| read_uid(value).map(|uid| resolve(uid, Some(scene.engine.nonce), store, &mut locals));
    let resource = given(parts.resource).map(&mut read);
    let incoming = Incoming { action, arguments, context: context.as_ref(), resource };
    match judge(scene, grant, &incoming, &mut locals, &temporaries, told) {
        Judged::Status(hit) => refuse_status(py, hit, scene.snapshot.epoch),
        Judged::Refused(refused) => refused.decision(py, scene.snapshot.epoch),
        Judged::Asked(answered) => {
            let arguments = judged(py, parts.arguments, &answered.rewritten)?;
            answered.decision(py, scene, grant, arguments, &locals)
        }
    }
}

/// A decision that the chain's status makes.
pub(crate) fn refuse_status(py: Python<'_>, hit: Hit, epoch: u64) -> PyResult<Py<Decision>> {
    let under = UnderGrant { stage: Some(Stage::Status), hop: hit.hop, ..UnderGrant::default() };
    Decision::refused_under(py, hit.reason, None, epoch, under)
}

/// The host's action that a caller names, by its name or as an entity.
pub(crate) fn named_action(value: &Bound<'_, PyAny>, scene: Scene<'_>) -> Option<EntityId> {
    if let Ok(name) = value.cast::<PyString>()
        && let Ok(name) = name.to_str()
        && let Some(action) = scene.view.named(name)
    {
        return Some(action);
    }
    let mut locals = Locals::default();
    let action = resolve(read_uid(value)?, Some(scene.engine.nonce), &scene.snapshot.store, &mut locals);
    scene.view.call(action).map(|_| action)
}

impl Answered {
    /// The decision, with what to show a person.
    pub(crate) fn decision(
        self,
        py: Python<'_>,
        scene: Scene<'_>,
        grant: &Arc<CoreGrant>,
        arguments: Py<PyAny>,
        locals: &Locals<'_>,
    ) -> PyResult<Py<Decision>> {
        let mut settled = self.settled;
        if settled.is_unsafe {
            let detail = "the call has values with no one form, so nobody can approve it".to_owned();
            return Refused::new(Reason::ArgumentUnsafe, Some(detail)).decision(py, scene.snapshot.epoch);
        }
        let request = request(py, scene, grant, &settled, (self.action, self.resource), &arguments, locals)?;
        settled.arguments = Some(arguments);
        settled.finish(py, scene, locals, request)
    }
}

impl Answered {
    /// What to show a person, of a step-up.
    pub(crate) fn request(
        &self,
        py: Python<'_>,
        scene: Scene<'_>,
        grant: &Arc<CoreGrant>,
        arguments: &Py<PyAny>,
        locals: &Locals<'_>,
    ) -> PyResult<Option<Py<ApprovalRequest>>> {
        request(py, scene, grant, &self.settled, (self.action, self.resource), arguments, locals)
    }
}

fn request(
    py: Python<'_>,
    scene: Scene<'_>,
    grant: &Arc<CoreGrant>,
    settled: &Settled,
    (action, resource): (EntityId, EntityId),
    arguments: &Py<PyAny>,
    locals: &Locals<'_>,
) -> PyResult<Option<Py<ApprovalRequest>>> {
    let Some(digest) = settled.digest.filter(|_| settled.outcome.reason() == Reason::StepUp) else { return Ok(None) };
    let request = ApprovalRequest {
        digest,
        needed: scene.needed(&settled.outcome),
        grant: Some(grant.clone()),
        start: None,
        nonce: scene.engine.nonce,
        tasks: grant.scope.texts.iter().map(|(name, _)| name.to_string()).collect(),
        principal: scene.uid(py, grant.tree.principal, locals)?,
        agent: scene.uid(py, grant.agent, locals)?,
        action: scene.uid(py, action, locals)?,
        resource: scene.uid(py, resource, locals)?,
        arguments: arguments.clone_ref(py),
    };
    Py::new(py, request).map(Some)
}

/// The arguments as they are to be run: a copy, so that what was judged cannot change afterwards, with what is written
/// anew.
pub(crate) fn judged(
    py: Python<'_>,
    arguments: Option<&Bound<'_, PyAny>>,
    rewritten: &[Rewrite],
) -> PyResult<Py<PyAny>> {
    let Some(arguments) = given(arguments) else { return Ok(PyDict::new(py).into_any().unbind()) };
    let copied = copy(arguments)?;
    for rewrite in rewritten {
        let Some((last, above)) = rewrite.steps.split_last() else { continue };
        let mut holder = copied.clone();
        for step in above {
            holder = match step {
                RewriteStep::Name(name) => holder.get_item(&**name)?,
                RewriteStep::Member(at) => holder.get_item(*at)?,
            };
        }
        match last {
            RewriteStep::Name(name) => holder.set_item(&**name, &rewrite.text)?,
            RewriteStep::Member(at) => holder.set_item(*at, &rewrite.text)?,
        }
    }
    Ok(copied.unbind())
}

/// A copy of dicts and lists all the way down; tuples become lists, as JSON has none.
fn copy<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = value.py();
    if let Ok(dict) = value.cast_exact::<PyDict>() {
        let made = dict.copy()?;
        for (name, value) in dict.iter() {
            if has_parts(&value) {
                made.set_item(name, copy(&value)?)?;
            }
        }
        return Ok(made.into_any());
    }
    if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        let members = value.try_iter()?.map(|member| copy(&member?)).collect::<PyResult<Vec<_>>>()?;
        return Ok(PyList::new(py, members)?.into_any());
    }
    if let Ok(mapping) = value.cast::<PyMapping>() {
        let made = PyDict::new(py);
        made.update(mapping)?;
        return copy(made.as_any());
    }
    Ok(value.clone())
}

/// Whether something can hold other values; plain ones are told apart without asking for abstract classes.
fn has_parts(value: &Bound<'_, PyAny>) -> bool {
    let is_plain = value.is_instance_of::<PyString>()
        || value.is_instance_of::<PyInt>()
        || value.is_instance_of::<PyFloat>()
        || value.is_none();
    !is_plain
        && (value.is_instance_of::<PyList>()
            || value.is_instance_of::<PyTuple>()
            || value.is_instance_of::<PyDict>()
            || value.cast::<PyMapping>().is_ok())
}
