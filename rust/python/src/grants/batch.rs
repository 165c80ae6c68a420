//! Batches of calls under grants: rows in, columns out.
//!
//! Every row names its grant by a handle or by id; an id is a name, so the acting agent stands beside it. Whatever comes
//! in becomes rows that hold no Python object; then the lock is released once and all rows are decided, in chunks that
//! each see one snapshot. Time is settled in row order first; where something is approved, rows are decided one after
//! the other, so that the first of equal calls uses the approval.

use std::num::NonZero;
use std::sync::Arc;
use std::thread;

use agentpdp_arguments::decode::Rewrite;
use agentpdp_arguments::source::Source;
use agentpdp_cedar::input::Input;
use agentpdp_cedar::uid_text::parse_uid;
use agentpdp_core::authorize::PolicyId;
use agentpdp_core::decision::{Reason, Stage};
use agentpdp_core::engine::{CHUNK_ROWS, Snapshot};
use agentpdp_core::evaluate::{Failure, Temporaries};
use agentpdp_core::grants::{Grant as CoreGrant, Hit};
use agentpdp_core::request::Locals;
use agentpdp_core::value::EntityId;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::batch::{RowValues, columns_of_calls};
use crate::engine::Engine;
use crate::errors;
use crate::grants::Grant;
use crate::grants::approving::parse_id;
use crate::grants::call_decisions::CallDecisions;
use crate::grants::judging::{Answered, Incoming, Scene, Unasked, judge};
use crate::grants::read::Refused;
use crate::grants::view::View;
use crate::input::{to_arguments, to_input};
use crate::room;
use crate::uid::{owned_uid, uid_text};

/// Type and id of an entity.
pub(crate) type Uid = (String, String);

/// One call of a batch, read.
pub(crate) struct Row {
    pub(crate) grant: Result<Arc<CoreGrant>, Reason>,
    /// The action by name or Cedar text.
    pub(crate) action: Arc<str>,
    pub(crate) arguments: Option<RowValues>,
    pub(crate) context: Option<Input>,
    /// Outer none: not given; inner none: it is no entity.
    pub(crate) resource: Option<Option<Uid>>,
    pub(crate) at: Option<i64>,
}

/// What was decided of one row.
pub(crate) struct RowDecision {
    pub(crate) reason: Reason,
    pub(crate) stage: Option<Stage>,
    pub(crate) hop: Option<u16>,
    pub(crate) party: Option<EntityId>,
    pub(crate) policies: Box<[PolicyId]>,
    pub(crate) errors: Box<[(PolicyId, Failure)]>,
    pub(crate) refused: Option<Box<Refused>>,
    /// What the tool must get instead of what was given.
    pub(crate) rewritten: Vec<Rewrite>,
    /// What a step-up asks for.
    pub(crate) answered: Option<Box<Answered>>,
}

impl RowDecision {
    fn status(hit: Hit) -> Self {
        Self {
            reason: hit.reason,
            stage: Some(Stage::Status),
            hop: hit.hop,
            party: None,
            policies: Box::default(),
            errors: Box::default(),
            refused: None,
            rewritten: Vec::new(),
            answered: None,
        }
    }

    fn refused(refused: Box<Refused>) -> Self {
        Self {
            stage: Some(Stage::Arguments),
            refused: Some(refused),
            ..Self::status(Hit { reason: Reason::ArgumentType, hop: None })
        }
        .with_reason()
    }

    fn with_reason(mut self) -> Self {
        if let Some(refused) = &self.refused {
            self.reason = refused.reason;
        }
        self
    }

    fn of(judged: Result<Answered, Unasked>, scene: Scene<'_>) -> Self {
        match judged {
            Err(Unasked::Status(hit)) => Self::status(hit),
            Err(Unasked::Refused(refused)) => Self::refused(refused),
            Ok(answered) if answered.settled.is_unsafe => {
                let detail = "the call has values with no one form, so nobody can approve it".to_owned();
                Self::refused(Refused::new(Reason::ArgumentUnsafe, Some(detail)))
            }
            Ok(mut answered) => {
                let rewritten = std::mem::take(&mut answered.rewritten);
                let outcome = &answered.settled.outcome;
                let answer = &outcome.answer;
                let mut decided = Self {
                    reason: outcome.reason(),
                    stage: outcome.stage,
                    hop: outcome.hop,
                    party: outcome.party,
                    policies: (*answered.settled.policies(scene)).into(),
                    errors: answer.errors().copied().collect(),
                    refused: None,
                    rewritten,
                    answered: None,
                };
                if decided.reason == Reason::StepUp {
                    decided.answered = Some(Box::new(answered));
                } else {
                    room::keep(answered.settled.outcome);
                }
                decided
            }
        }
    }
}

/// All rows decided, each with the snapshot of its chunk.
#[derive(Default)]
pub(crate) struct Decided {
    pub(crate) rows: Vec<RowDecision>,
    /// First row of each run of one snapshot.
    pub(crate) snapshots: Vec<(usize, Arc<Snapshot>)>,
}

/// Decides a batch, in whichever form it comes.
pub(crate) fn decide_batch(
    slf: &Bound<'_, Engine>,
    columns: &Bound<'_, PyAny>,
    threads: Option<NonZero<usize>>,
) -> PyResult<CallDecisions> {
    let (py, engine) = (slf.py(), slf.get());
    if engine.core.load().compiled.declarations.is_none() {
        return Err(errors::no_tasks(py));
    }
    let rows = match columns_of_calls(slf, columns)? {
        Some(rows) => rows,
        None => read_dicts(py, engine, columns)?,
    };
    let mut times = Vec::with_capacity(rows.len());
    let mut system = None;
    for row in &rows {
        // One reading of the clock serves the whole batch, but for times that rows bring.
        let now_ms = match (row.at, system) {
            (None, Some(now_ms)) => now_ms,
            (at, _) => engine.clock.now_ms(py, at)?,
        };
        if row.at.is_none() && !engine.clock.is_callers() {
            system = Some(now_ms);
        }
        times.push(row.grant.as_ref().map_or(now_ms, |grant| grant.tree.advance(now_ms)));
    }
    let decided = py.detach(|| decide_all(engine, &rows, &times, threads));
    Ok(CallDecisions::new(slf.clone().unbind(), rows, decided))
}

fn decide_all(engine: &Engine, rows: &[Row], times: &[i64], threads: Option<NonZero<usize>>) -> Decided {
    let wanted = threads.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZero::get);
    let chunks = rows.len().div_ceil(CHUNK_ROWS);
    let runs = if engine.core.approvals.is_empty() { wanted.min(chunks).max(1) } else { 1 };
    let per_run = chunks.div_ceil(runs).max(1) * CHUNK_ROWS;
    if runs == 1 {
        return decide_run(engine, rows, times);
    }
    let parts = thread::scope(|scope| {
        let handles: Vec<_> = rows
            .chunks(per_run)
            .zip(times.chunks(per_run))
            .map(|(rows, times)| scope.spawn(move || decide_run(engine, rows, times)))
            .collect();
        handles.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    let mut all = Decided::default();
    for part in parts {
        match part {
            Ok(part) => {
                let start = all.rows.len();
                all.snapshots.extend(part.snapshots.into_iter().map(|(first, snapshot)| (start + first, snapshot)));
                all.rows.extend(part.rows);
            }
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
    all
}

fn decide_run(engine: &Engine, rows: &[Row], times: &[i64]) -> Decided {
    let mut decided = Decided { rows: Vec::with_capacity(rows.len()), snapshots: Vec::new() };
    for (rows, times) in rows.chunks(CHUNK_ROWS).zip(times.chunks(CHUNK_ROWS)) {
        let snapshot = engine.core.snapshot();
        decided.snapshots.push((decided.rows.len(), snapshot.clone()));
        let mut made: Vec<Option<RowDecision>> = std::iter::repeat_with(|| None).take(rows.len()).collect();
        for at in order(rows, engine) {
            if let (Some(row), Some(now_ms), Some(place)) = (rows.get(at), times.get(at), made.get_mut(at)) {
                *place = Some(decide_row(engine, &snapshot, row, *now_ms));
            }
        }
        // A row that was passed over would be denied, and every other stays in its place.
        let unknown = || RowDecision::status(Hit { reason: Reason::UnknownGrant, hop: None });
        decided.rows.extend(made.into_iter().map(|made| made.unwrap_or_else(unknown)));
    }
    decided
}

/// The order in which rows of one chunk are decided: calls of one task and action together, as they ask the same
/// policies. Rows do not depend on each other, but where an approval may be used up by the first of them.
fn order(rows: &[Row], engine: &Engine) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    if engine.core.approvals.is_empty() {
        let key = |at: &usize| {
            let row = rows.get(*at)?;
            let grant = row.grant.as_ref().ok()?;
            Some((Arc::as_ptr(&grant.scope), &*row.action, Arc::as_ptr(grant)))
        };
        order.sort_by_cached_key(key);
    }
    order
}

fn decide_row(engine: &Engine, snapshot: &Snapshot, row: &Row, now_ms: i64) -> RowDecision {
    let call = RowCall {
        grant: &row.grant,
        action: &row.action,
        arguments: row.arguments.as_ref().map(RowValues::source),
        context: row.context.as_ref(),
        resource: row.resource.as_ref().map(|given| given.as_ref().map(|(name, id)| (name.as_str(), id.as_str()))),
    };
    decide_call(engine, snapshot, &call, &Temporaries::default(), now_ms)
}

/// One call of a batch as it is judged, wherever its parts stand.
pub(crate) struct RowCall<'a, S> {
    pub(crate) grant: &'a Result<Arc<CoreGrant>, Reason>,
    pub(crate) action: &'a str,
    pub(crate) arguments: Option<S>,
    pub(crate) context: Option<&'a Input>,
    /// Outer none: not given; inner none: it is no entity.
    pub(crate) resource: Option<Option<(&'a str, &'a str)>>,
}

/// Decides one call of a batch.
pub(crate) fn decide_call<'a, S: Source<'a>>(
    engine: &'a Engine,
    snapshot: &'a Snapshot,
    call: &RowCall<'a, S>,
    temporaries: &'a Temporaries,
    now_ms: i64,
) -> RowDecision {
    let (Some(declarations), Some(view)) = (&snapshot.compiled.declarations, View::of(snapshot)) else {
        return RowDecision::status(Hit { reason: Reason::UnknownGrant, hop: None });
    };
    let grant = match call.grant {
        Ok(grant) => grant,
        Err(reason) => return RowDecision::status(Hit { reason: *reason, hop: None }),
    };
    let scene = Scene { engine, snapshot, view, declarations, now_ms };
    let mut locals = Locals::default();
    let store = &snapshot.store;
    let resource =
        call.resource.map(|given| given.map(|(type_name, id)| locals.resolve(store, type_name.into(), id.into())));
    let reader = view.named(call.action).or_else(|| {
        let (type_name, id) = parse_uid(call.action)?;
        view.call(store.find(type_name, &id)?)
    });
    let incoming = Incoming { call: reader, arguments: call.arguments, context: call.context, resource };
    RowDecision::of(judge(scene, grant, &incoming, &mut locals, temporaries, None), scene)
}

/// The grant that a row names by a handle or by id, with the agent beside it.
pub(crate) fn row_grant(
    py: Python<'_>,
    engine: &Engine,
    grant: Option<&Bound<'_, PyAny>>,
    agent: Option<&Bound<'_, PyAny>>,
) -> Result<Arc<CoreGrant>, Reason> {
    let grant = grant.ok_or(Reason::UnknownGrant)?;
    let agent = agent.filter(|agent| !agent.is_none());
    let handle = grant.cast::<Grant>().ok();
    let found = match handle {
        Some(handle) if handle.get().engine.bind(py).get().nonce == engine.nonce => Some(handle.get().issued.clone()),
        Some(_) => None,
        None => grant.extract::<String>().ok().and_then(|text| engine.core.grants.find(parse_id(&text)?)),
    };
    let found = found.ok_or(Reason::UnknownGrant)?;
    match agent {
        None if handle.is_some() => Ok(found),
        None => Err(Reason::AgentMismatch),
        Some(agent) => check_agent(engine, found, owned_uid(agent).ok()),
    }
}

/// The grant, if this is its agent.
pub(crate) fn check_agent(
    engine: &Engine,
    grant: Arc<CoreGrant>,
    agent: Option<Uid>,
) -> Result<Arc<CoreGrant>, Reason> {
    let snapshot = engine.core.load();
    let is_it = agent.and_then(|(type_name, id)| snapshot.store.find(&type_name, &id)) == Some(grant.agent);
    if is_it { Ok(grant) } else { Err(Reason::AgentMismatch) }
}

/// An action's name or Cedar text; what is neither names nothing.
fn action_text(action: &Bound<'_, PyAny>) -> String {
    match action.cast::<PyString>() {
        Ok(name) => name.to_str().unwrap_or_default().to_owned(),
        Err(_) => owned_uid(action).map_or_else(|_| String::new(), |(type_name, id)| uid_text(&type_name, &id)),
    }
}

fn read_dicts<'py>(py: Python<'py>, engine: &Engine, rows: &Bound<'py, PyAny>) -> PyResult<Vec<Row>> {
    let wrong = |at: usize, what: &str| errors::column(py, &format!("row {at} {what}"));
    let mut read = Vec::new();
    for (at, row) in rows.try_iter()?.enumerate() {
        let row = row?;
        let row =
            row.cast::<PyDict>().map_err(|_| wrong(at, "is no dict: a row has `grant`, `action`, `arguments`"))?;
        let part = |name: &Bound<'py, PyString>| -> PyResult<Option<Bound<'py, PyAny>>> {
            Ok(row.get_item(name)?.filter(|value| !value.is_none()))
        };
        let (grant, agent) = (part(intern!(py, "grant"))?, part(intern!(py, "agent"))?);
        let action = part(intern!(py, "action"))?.ok_or_else(|| wrong(at, "has no `action`"))?;
        if grant.is_none() {
            return Err(wrong(at, "has no `grant`"));
        }
        let resource = part(intern!(py, "resource"))?.map(|resource| owned_uid(&resource).ok());
        read.push(Row {
            grant: row_grant(py, engine, grant.as_ref(), agent.as_ref()),
            action: Arc::from(action_text(&action)),
            arguments: part(intern!(py, "arguments"))?.as_ref().map(to_arguments).map(RowValues::Own),
            context: part(intern!(py, "context"))?.as_ref().map(to_input),
            resource,
            at: part(intern!(py, "at"))?.map(|at| at.extract()).transpose()?,
        });
    }
    Ok(read)
}
