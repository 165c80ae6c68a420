//! Deciding a call that Python hands in.

use std::borrow::Cow;
use std::sync::Arc;

use agentpdp_arguments::decode::{Rewrite, RewriteStep};
use agentpdp_cedar::input::Input;
use agentpdp_core::decision::{Reason, Stage};
use agentpdp_core::evaluate::Temporaries;
use agentpdp_core::grants::{Grant as CoreGrant, Hit};
use agentpdp_core::request::Locals;
use agentpdp_core::value::EntityId;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::decision::{Decision, UnderGrant};
use crate::engine::Engine;
use crate::grants::approval::ApprovalRequest;
use crate::grants::flat::{FlatCopy, FlatSource};
use crate::grants::input_source::InputSource;
use crate::grants::judging::{Answered, Incoming, Scene, Told, Unasked, judge};
use crate::grants::read::Refused;
use crate::grants::view::CallReader;
use crate::input::{to_arguments, to_input};
use crate::to_python::input_to_python;
use crate::uid::{EntityUid, read_uid, resolve};

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
    mut told: Option<&mut Told>,
) -> PyResult<Py<Decision>> {
    let call = named_action(parts.action, scene);
    let context: Option<Input> = given(parts.context).map(to_input);
    let (mut locals, temporaries) = (Locals::default(), Temporaries::default());
    let store = &scene.snapshot.store;
    let mut read = |value| read_uid(value).map(|uid| resolve(uid, Some(scene.engine.nonce), store, &mut locals));
    let resource = given(parts.resource).map(&mut read);
    let context = context.as_ref();
    // Read once: what is judged, what is digested and what is run are one value, whatever a caller's objects do.
    let given = given(parts.arguments);
    let copy = given.and_then(FlatCopy::of);
    if let Some((copy, flats)) = copy.as_ref().and_then(|copy| Some((copy, copy.flats()?))) {
        let incoming = Incoming { call, arguments: Some(FlatSource::Object(&flats)), context, resource };
        let judged = judge(scene, grant, &incoming, &mut locals, &temporaries, told.as_deref_mut());
        name(py, scene, &judged, &locals, told)?;
        return decision(py, scene, grant, judged, Given::Flat(copy.dict()), &locals);
    }
    let arguments: Option<Input> = given.map(to_arguments);
    let incoming = Incoming { call, arguments: arguments.as_ref().map(InputSource), context, resource };
    let judged = judge(scene, grant, &incoming, &mut locals, &temporaries, told.as_deref_mut());
    name(py, scene, &judged, &locals, told)?;
    decision(py, scene, grant, judged, Given::Read(arguments.as_ref()), &locals)
}

/// Names action and resource where they are to be told.
fn name(
    py: Python<'_>,
    scene: Scene<'_>,
    judged: &Result<Answered, Unasked>,
    locals: &Locals<'_>,
    told: Option<&mut Told>,
) -> PyResult<()> {
    if let (Ok(answered), Some(told)) = (judged, told) {
        told.action = Some(scene.uid(py, answered.action, locals)?);
        told.resource = Some(scene.uid(py, answered.resource, locals)?);
    }
    Ok(())
}

/// Arguments that were read, as they are to be handed back.
#[derive(Clone, Copy)]
enum Given<'a, 'py> {
    /// A copy that nobody else has.
    Flat(&'a Bound<'py, PyDict>),
    Read(Option<&'a Input>),
}

impl<'py> Given<'_, 'py> {
    fn input(self, rewrites: &[Rewrite]) -> Input {
        match self {
            Self::Flat(copy) => as_run(Some(&to_arguments(copy)), rewrites).into_owned(),
            Self::Read(arguments) => as_run(arguments, rewrites).into_owned(),
        }
    }

    fn object(self, py: Python<'py>, rewrites: &[Rewrite]) -> PyResult<Py<PyAny>> {
        match self {
            Self::Flat(copy) if rewrites.is_empty() => Ok(copy.clone().into_any().unbind()),
            Self::Flat(_) => Ok(input_to_python(py, &self.input(rewrites))?.unbind()),
            Self::Read(arguments) => Ok(input_to_python(py, &as_run(arguments, rewrites))?.unbind()),
        }
    }
}

/// What a call came to, as Python has it.
fn decision(
    py: Python<'_>,
    scene: Scene<'_>,
    grant: &Arc<CoreGrant>,
    judged: Result<Answered, Unasked>,
    given: Given<'_, '_>,
    locals: &Locals<'_>,
) -> PyResult<Py<Decision>> {
    let answered = match judged {
        Err(Unasked::Status(hit)) => return refuse_status(py, hit, scene.snapshot.epoch),
        Err(Unasked::Refused(refused)) => return refused.decision(py, scene.snapshot.epoch),
        Ok(answered) => answered,
    };
    if answered.settled.is_unsafe {
        let detail = "the call has values with no one form, so nobody can approve it".to_owned();
        return Refused::new(Reason::ArgumentUnsafe, Some(detail)).decision(py, scene.snapshot.epoch);
    }
    let asks = answered.settled.outcome.reason() == Reason::StepUp;
    let request = match asks.then(|| given.input(&answered.rewritten)) {
        Some(arguments) => answered.request(py, scene, grant, &arguments, locals)?,
        None => None,
    };
    let Answered { mut settled, rewritten, .. } = answered;
    settled.arguments = Some(given.object(py, &rewritten)?);
    settled.finish(py, scene, locals, request)
}

/// A decision that the chain's status makes.
pub(crate) fn refuse_status(py: Python<'_>, hit: Hit, epoch: u64) -> PyResult<Py<Decision>> {
    let under = UnderGrant { stage: Some(Stage::Status), hop: hit.hop, ..UnderGrant::default() };
    Decision::refused_under(py, hit.reason, None, epoch, under)
}

/// The host's action that a caller names, by its name or as an entity.
pub(crate) fn named_action<'a>(value: &Bound<'_, PyAny>, scene: Scene<'a>) -> Option<&'a CallReader> {
    if let Ok(name) = value.cast::<PyString>()
        && let Ok(name) = name.to_str()
        && let Some(call) = scene.view.named(name)
    {
        return Some(call);
    }
    let mut locals = Locals::default();
    let action = resolve(read_uid(value)?, Some(scene.engine.nonce), &scene.snapshot.store, &mut locals);
    scene.view.call(action)
}

impl Answered {
    /// What to show a person, of a step-up.
    pub(crate) fn request(
        &self,
        py: Python<'_>,
        scene: Scene<'_>,
        grant: &Arc<CoreGrant>,
        arguments: &Input,
        locals: &Locals<'_>,
    ) -> PyResult<Option<Py<ApprovalRequest>>> {
        let outcome = &self.settled.outcome;
        let Some(digest) = self.settled.digest.filter(|_| outcome.reason() == Reason::StepUp) else { return Ok(None) };
        let request = ApprovalRequest {
            digest,
            needed: scene.needed(outcome),
            grant: Some(grant.clone()),
            start: None,
            nonce: scene.engine.nonce,
            epoch: scene.snapshot.epoch,
            tasks: grant.scope.texts.iter().map(|(name, _)| name.to_string()).collect(),
            principal: scene.uid(py, grant.tree.principal, locals)?,
            agent: scene.uid(py, grant.agent, locals)?,
            action: scene.uid(py, self.action, locals)?,
            resource: match self.resource_uid.as_deref() {
                Some((type_name, id)) => Py::new(py, EntityUid::make(type_name, id)?)?,
                None => scene.uid(py, self.resource, locals)?,
            },
            arguments: arguments.clone(),
            actions: vec![action_id(scene, self.action)],
        };
        Py::new(py, request).map(Some)
    }
}

/// The id of an action.
pub(crate) fn action_id(scene: Scene<'_>, action: EntityId) -> Arc<str> {
    scene.snapshot.store.uid(action).map_or_else(|| Arc::from(""), |(_, id)| id.clone())
}

/// What is run where nothing is handed in.
static NOTHING: Input = Input::Object(Vec::new());

/// The arguments as they are to be run: those that were judged, with what is written anew.
pub(crate) fn as_run<'a>(arguments: Option<&'a Input>, rewrites: &[Rewrite]) -> Cow<'a, Input> {
    let arguments = arguments.unwrap_or(&NOTHING);
    if rewrites.is_empty() {
        return Cow::Borrowed(arguments);
    }
    let mut made = arguments.clone();
    for rewrite in rewrites {
        let mut place = Some(&mut made);
        for step in &rewrite.steps {
            place = match (place, step) {
                (Some(Input::Object(members)), RewriteStep::Name(name)) => {
                    members.iter_mut().find(|(known, _)| **known == **name).map(|(_, value)| value)
                }
                (Some(Input::List(members)), RewriteStep::Member(at)) => members.get_mut(*at),
                _ => None,
            };
        }
        if let Some(place) = place {
            *place = Input::String(rewrite.text.clone());
        }
    }
    Cow::Owned(made)
}
