//! `Explanation`: every question of a call, as data.

use std::sync::Arc;

use agentpdp_core::decision::{Reason, Verdict};
use agentpdp_core::explain::Explained;
use agentpdp_core::grants::Grant as CoreGrant;
use agentpdp_core::request::Locals;
use agentpdp_core::value::EntityId;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::decision::{Decision, errors_of};
use crate::grants::calls::{CallParts, decide_in};
use crate::grants::judging::{Scene, Told};
use crate::grants::near::Near;
use crate::uid::EntityUid;

/// What every question of a call comes to. It is the host's, and never shown to a model.
#[pyclass(frozen, subclass, module = "agentpdp._core", name = "Explanation")]
pub(crate) struct Explanation {
    #[pyo3(get)]
    decision: Py<Decision>,
    #[pyo3(get)]
    principal: Py<EntityUid>,
    /// What is asked for; none where that could not be read.
    #[pyo3(get)]
    action: Option<Py<EntityUid>>,
    /// What it is to be done to.
    #[pyo3(get)]
    resource: Option<Py<EntityUid>>,
    /// The tree's time, in milliseconds UTC.
    #[pyo3(get)]
    at: i64,
    /// The chain's grants, root first.
    #[pyo3(get)]
    hops: Py<PyList>,
    /// What was asked, in order, and what each question came to.
    #[pyo3(get)]
    answers: Py<PyList>,
}

/// Asks every question of a call; consumes nothing and moves no time.
pub(crate) fn explain(
    py: Python<'_>,
    scene: Scene<'_>,
    grant: &Arc<CoreGrant>,
    parts: CallParts<'_, '_>,
) -> PyResult<Explanation> {
    let mut told = Told::default();
    let decision = decide_in(py, scene, grant, parts, Some(&mut told))?;
    let answers = PyList::empty(py);
    for (place, asked) in told.questions.iter().enumerate() {
        let row = answer(py, scene, asked, &told)?;
        tell_near(&row, scene, told.near.get(place))?;
        answers.append(row)?;
    }
    if told.questions.is_empty() {
        answers.append(refusal(py, scene, decision.bind(py))?)?;
    }
    let locals = Locals::default();
    let hops = PyList::empty(py);
    for hop in grant.hops() {
        let one = PyDict::new(py);
        one.set_item("grant", hop.id.to_string())?;
        one.set_item("agent", scene.uid(py, hop.agent, &locals)?)?;
        one.set_item("tasks", hop.scope.texts.iter().map(|(name, _)| &**name).collect::<Vec<_>>())?;
        one.set_item("depth", hop.depth)?;
        one.set_item("valid_from", hop.valid_from_ms)?;
        one.set_item("expires", hop.expires_ms)?;
        let restriction = hop.restriction.as_deref();
        let uids = |list: Option<&Option<Box<[EntityId]>>>| {
            let list = list.and_then(Option::as_ref);
            list.map(|list| list.iter().map(|entity| scene.uid(py, *entity, &locals)).collect::<PyResult<Vec<_>>>())
                .transpose()
        };
        one.set_item("only_actions", uids(restriction.map(|restriction| &restriction.actions))?)?;
        one.set_item("only_resources", uids(restriction.map(|restriction| &restriction.resources))?)?;
        hops.append(one)?;
    }
    let principal = scene.uid(py, grant.tree.principal, &locals)?;
    let Told { action, resource, .. } = told;
    let at = scene.now_ms;
    Ok(Explanation { decision, principal, action, resource, at, hops: hops.unbind(), answers: answers.unbind() })
}

#[pymethods]
impl Explanation {
    #[new]
    fn new(other: &Bound<'_, Self>) -> Self {
        let (py, other) = (other.py(), other.get());
        Self {
            decision: other.decision.clone_ref(py),
            principal: other.principal.clone_ref(py),
            action: other.action.as_ref().map(|action| action.clone_ref(py)),
            resource: other.resource.as_ref().map(|resource| resource.clone_ref(py)),
            at: other.at,
            hops: other.hops.clone_ref(py),
            answers: other.answers.clone_ref(py),
        }
    }
}

/// The answer to one question, as data.
fn answer<'py>(py: Python<'py>, scene: Scene<'_>, asked: &Explained, told: &Told) -> PyResult<Bound<'py, PyDict>> {
    let snapshot = scene.snapshot;
    let row = PyDict::new(py);
    row.set_item("stage", asked.question.stage.name())?;
    row.set_item("hop", asked.question.hop)?;
    row.set_item("party", scene.uid(py, asked.question.party, &Locals::default())?)?;
    row.set_item("verdict", asked.reason.verdict().name())?;
    row.set_item("reason", asked.reason.name())?;
    let policies = &snapshot.policies;
    let names = |ids: &mut dyn Iterator<Item = agentpdp_core::authorize::PolicyId>| {
        let mut names: Vec<String> = ids.map(|policy| policies.name(policy).to_owned()).collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    let answer = &asked.answer;
    let is_left = |policy: &agentpdp_core::authorize::PolicyId| {
        policies.get(*policy).is_some_and(|found| found.step_up.is_some()) && !told.approved.contains(policy)
    };
    let decided = match asked.reason {
        Reason::Permitted => names(&mut answer.permits.iter().copied()),
        Reason::Forbidden => names(&mut answer.forbids.iter().copied()),
        Reason::ForbidError => names(&mut answer.forbid_errors.iter().map(|(policy, _)| *policy)),
        Reason::StepUp => names(&mut answer.forbids.iter().copied().filter(is_left)),
        _ => Vec::new(),
    };
    row.set_item("policies", decided)?;
    row.set_item("permits", names(&mut answer.permits.iter().copied()))?;
    row.set_item("forbids", names(&mut answer.forbids.iter().copied()))?;
    row.set_item("errors", errors_of(asked.answer.errors(), snapshot))?;
    let needed = PyList::empty(py);
    if asked.reason == Reason::StepUp {
        for policy in answer.forbids.iter().filter(|policy| is_left(policy)) {
            let Some(found) = policies.get(*policy) else { continue };
            let pair = PyDict::new(py);
            pair.set_item("policy", &*found.name)?;
            pair.set_item("role", found.step_up.as_deref())?;
            needed.append(pair)?;
        }
    }
    row.set_item("needed", needed)?;
    let approved = answer.forbids.iter().copied().filter(|policy| told.approved.contains(policy));
    row.set_item("approved", names(&mut { approved }))?;
    Ok(row)
}

/// Permits that name the action and are not satisfied, each with what keeps it from it.
fn tell_near(row: &Bound<'_, PyDict>, scene: Scene<'_>, near: Option<&Near>) -> PyResult<()> {
    let py = row.py();
    let list = PyList::empty(py);
    for (hindrance, policy) in near.map_or(&[][..], |near| &near.permits) {
        let one = PyDict::new(py);
        one.set_item("policy", scene.snapshot.policies.name(*policy))?;
        one.set_item("hindrance", hindrance.name())?;
        list.append(one)?;
    }
    row.set_item("near", list)?;
    row.set_item("near_more", near.map_or(0, |near| near.more))
}

/// What stands against a call before any question is asked.
fn refusal<'py>(py: Python<'py>, scene: Scene<'_>, decision: &Bound<'py, Decision>) -> PyResult<Bound<'py, PyDict>> {
    let row = PyDict::new(py);
    row.set_item("stage", decision.getattr("stage")?)?;
    row.set_item("hop", decision.getattr("hop")?)?;
    row.set_item("party", py.None())?;
    row.set_item("verdict", Verdict::Deny.name())?;
    row.set_item("reason", decision.getattr("reason")?)?;
    for name in ["policies", "permits", "forbids", "errors", "needed", "approved"] {
        row.set_item(name, PyList::empty(py))?;
    }
    tell_near(&row, scene, None)?;
    Ok(row)
}
