//! Batches of calls under grants: columns in, columns out.
//!
//! Every row names its grant by a handle or by id; an id is a name, so the acting agent stands beside it. What came in
//! holds no Python object that must be read any more; so the lock is released once and all rows are decided, in chunks
//! that each see one snapshot. Rows of one grant are decided together, so that its chain is looked at once for them.
//! Where rows bring their times, these are settled in row order first; where something is approved, rows are decided one
//! after the other, so that the first of equal calls uses the approval.

use std::collections::HashMap;
use std::num::NonZero;
use std::ops::Range;
use std::sync::Arc;

use agentpdp_arguments::decode::Rewrite;
use agentpdp_arguments::source::Source;
use agentpdp_cedar::input::Input;
use agentpdp_cedar::uid_text::parse_uid;
use agentpdp_core::authorize::PolicyId;
use agentpdp_core::decision::{Reason, Stage};
use agentpdp_core::engine::Snapshot;
use agentpdp_core::evaluate::{Failure, Temporaries};
use agentpdp_core::grants::{Grant as CoreGrant, Hit};
use agentpdp_core::parallel::{each_part, thread_count};
use agentpdp_core::request::Locals;
use agentpdp_core::value::EntityId;
use foldhash::fast::FixedState;
use pyo3::prelude::*;
use smallvec::SmallVec;

use crate::batch::{CallColumns, Calls, Found, read_calls};
use crate::engine::Engine;
use crate::errors;
use crate::grants::Grant;
use crate::grants::approving::parse_id;
use crate::grants::call_decisions::CallDecisions;
use crate::grants::judging::{Answered, Held, Incoming, Scene, Unasked, judge_held};
use crate::grants::read::Refused;
use crate::grants::view::{CallReader, View};
use crate::room;
use crate::uid::owned_uid;

/// Type and id of an entity.
pub(crate) type Uid = (String, String);

/// What was decided of one row.
pub(crate) struct RowDecision {
    pub(crate) reason: Reason,
    pub(crate) stage: Option<Stage>,
    pub(crate) hop: Option<u16>,
    pub(crate) party: Option<EntityId>,
    pub(crate) policies: SmallVec<[PolicyId; 2]>,
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
            policies: SmallVec::new(),
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
                    policies: SmallVec::from_slice(&answered.settled.policies(scene)),
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

/// When rows are decided.
enum Times {
    /// All at this time, or at the latest that their tree has seen.
    One(i64),
    /// Each at its own.
    Each(Vec<i64>),
}

impl Times {
    /// One reading of the clock serves the whole batch, but for times that rows bring.
    fn of(py: Python<'_>, engine: &Engine, calls: &Calls) -> PyResult<Self> {
        if calls.len() == 0 {
            return Ok(Self::Each(Vec::new()));
        }
        if !calls.brings_times() {
            return Ok(Self::One(engine.clock.now_ms(py, None)?));
        }
        let mut times = Vec::with_capacity(calls.len());
        let mut system = None;
        for (columns, rows, _) in calls.runs(usize::MAX) {
            for row in rows {
                let now_ms = match (columns.time(row), system) {
                    (None, Some(now_ms)) => now_ms,
                    (at, _) => engine.clock.now_ms(py, at)?,
                };
                if columns.time(row).is_none() && !engine.clock.is_callers() {
                    system = Some(now_ms);
                }
                let tree = columns.grants.at(row).and_then(|grant| grant.as_ref().ok()).map(|grant| &grant.tree);
                times.push(tree.map_or(now_ms, |tree| tree.advance(now_ms)));
            }
        }
        Ok(Self::Each(times))
    }

    fn at(&self, row: usize, grant: &CoreGrant) -> Option<i64> {
        match self {
            Self::One(now_ms) => Some(grant.tree.advance(*now_ms)),
            Self::Each(times) => times.get(row).copied(),
        }
    }
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
    let calls = read_calls(slf, columns)?;
    let times = Times::of(py, engine, &calls)?;
    let decided = py.detach(|| decide_all(engine, &calls, &times, threads));
    Ok(CallDecisions::new(slf.clone().unbind(), calls, decided))
}

/// Calls that are decided against one snapshot, and share a look at their grants: what is revoked meanwhile may be missed by
/// as many.
const CHUNK_CALLS: usize = 4_096;

/// Rows that stand together, and the first of them in the batch.
type Run<'a> = (&'a CallColumns, Range<usize>, usize);

fn decide_all(engine: &Engine, calls: &Calls, times: &Times, threads: Option<NonZero<usize>>) -> Decided {
    let runs = calls.runs(CHUNK_CALLS);
    let threads = if engine.core.approvals.is_empty() { thread_count(threads) } else { 1 };
    let parts = runs.chunks(runs.len().div_ceil(threads).max(1)).collect();
    let mut parts = each_part(parts, |runs| decide_runs(engine, runs, times)).into_iter();
    let mut all = parts.next().unwrap_or_default();
    for part in parts {
        all.snapshots.extend(part.snapshots);
        all.rows.extend(part.rows);
    }
    all
}

fn decide_runs(engine: &Engine, runs: &[Run<'_>], times: &Times) -> Decided {
    let row_count = runs.iter().map(|(_, rows, _)| rows.len()).sum();
    let mut decided = Decided { rows: Vec::with_capacity(row_count), snapshots: Vec::new() };
    for (columns, rows, start) in runs {
        let snapshot = engine.core.snapshot();
        decided.snapshots.push((*start, snapshot.clone()));
        let from = decided.rows.len();
        // A row that was passed over would be denied, and every other stays in its place.
        let unknown = || RowDecision::status(Hit { reason: Reason::UnknownGrant, hop: None });
        decided.rows.extend(std::iter::repeat_with(unknown).take(rows.len()));
        let Some(made) = decided.rows.get_mut(from..) else { continue };
        decide_chunk(engine, &snapshot, columns, rows.clone(), *start, times, made);
    }
    decided
}

/// Decides the rows of one chunk, each into its place.
fn decide_chunk(
    engine: &Engine,
    snapshot: &Snapshot,
    columns: &CallColumns,
    rows: Range<usize>,
    start: usize,
    times: &Times,
    made: &mut [RowDecision],
) {
    let (Some(declarations), Some(view)) = (&snapshot.compiled.declarations, View::of(snapshot)) else { return };
    let mut readers: HashMap<usize, Option<&CallReader>, FixedState> = HashMap::default();
    let mut last: Option<LookedAt<'_>> = None;
    for row in order(columns, rows.clone(), engine) {
        let at = row - rows.start;
        let (Some(grant), Some(place)) = (columns.grants.at(row), made.get_mut(at)) else { continue };
        let grant = match grant {
            Ok(grant) => grant,
            Err(reason) => {
                place.reason = *reason;
                continue;
            }
        };
        let Some(now_ms) = times.at(start + at, grant) else { continue };
        let scene = Scene { engine, snapshot, view, declarations, now_ms };
        if !last.as_ref().is_some_and(|last| last.is_of(grant, now_ms)) {
            let mut held = Held::new(grant);
            let hit = held.look(scene).err();
            last = Some(LookedAt { grant, now_ms, held, hit });
        }
        let held = match &last {
            Some(LookedAt { hit: Some(hit), .. }) => {
                *place = RowDecision::status(*hit);
                continue;
            }
            Some(LookedAt { held, .. }) => held,
            None => continue,
        };
        let read = || reader(scene, columns.actions.at(row)?);
        let reader = *readers.entry(columns.actions.number(row)).or_insert_with(read);
        let (resource, context) = (columns.resource(row), columns.context(row));
        let given = RowGiven {
            arguments: columns.arguments(row),
            context: context.as_deref(),
            resource: resource.as_ref().as_ref().map(|uid| uid.as_ref().map(|(name, id)| (name.as_str(), id.as_str()))),
        };
        *place = decide_given(scene, held, reader, &given, &Temporaries::default());
    }
}

/// A grant whose chain was looked at for a time.
struct LookedAt<'a> {
    grant: &'a Arc<CoreGrant>,
    now_ms: i64,
    held: Held<'a>,
    /// Why the chain does not hold, if it does not.
    hit: Option<Hit>,
}

impl LookedAt<'_> {
    fn is_of(&self, grant: &Arc<CoreGrant>, now_ms: i64) -> bool {
        Arc::ptr_eq(self.grant, grant) && self.now_ms == now_ms
    }
}

/// The order in which rows of one chunk are decided: calls of one task together, as they ask the same policies, and of one
/// grant. Rows do not depend on each other, but where an approval may be used up by the first of them.
fn order(columns: &CallColumns, rows: Range<usize>, engine: &Engine) -> Vec<usize> {
    if !engine.core.approvals.is_empty() {
        return rows.collect();
    }
    let key = |row: usize| {
        let grant = columns.grants.at(row).and_then(|grant| grant.as_ref().ok());
        let places = grant.map(|grant| (Arc::as_ptr(&grant.scope) as usize, Arc::as_ptr(grant) as usize));
        (places, columns.actions.number(row), row)
    };
    let mut keys: Vec<_> = rows.map(key).collect();
    keys.sort_unstable();
    keys.into_iter().map(|(_, _, row)| row).collect()
}

/// What is given with a call, wherever it stands.
pub(crate) struct RowGiven<'a, S> {
    pub(crate) arguments: Option<S>,
    pub(crate) context: Option<&'a Input>,
    /// Outer none: not given; inner none: it is no entity.
    pub(crate) resource: Option<Option<(&'a str, &'a str)>>,
}

/// Decides one call by itself as a row of a batch is.
pub(crate) fn decide_call<'a, S: Source<'a>>(
    engine: &'a Engine,
    snapshot: &'a Snapshot,
    grant: &'a Found,
    action: &str,
    given: &RowGiven<'a, S>,
    now_ms: i64,
    temporaries: &'a Temporaries,
) -> RowDecision {
    let (Some(declarations), Some(view)) = (&snapshot.compiled.declarations, View::of(snapshot)) else {
        return RowDecision::status(Hit { reason: Reason::UnknownGrant, hop: None });
    };
    let grant = match grant {
        Ok(grant) => grant,
        Err(reason) => return RowDecision::status(Hit { reason: *reason, hop: None }),
    };
    let scene = Scene { engine, snapshot, view, declarations, now_ms };
    let mut held = Held::new(grant);
    match held.look(scene) {
        Ok(()) => decide_given(scene, &held, reader(scene, action), given, temporaries),
        Err(hit) => RowDecision::status(hit),
    }
}

/// How an action is read that is named by its id or by Cedar text.
fn reader<'a>(scene: Scene<'a>, action: &str) -> Option<&'a CallReader> {
    scene.view.named(action).or_else(|| {
        let (type_name, id) = parse_uid(action)?;
        scene.view.call(scene.snapshot.store.find(type_name, &id)?)
    })
}

fn decide_given<'a, S: Source<'a>>(
    scene: Scene<'a>,
    held: &Held<'_>,
    reader: Option<&'a CallReader>,
    given: &RowGiven<'a, S>,
    temporaries: &'a Temporaries,
) -> RowDecision {
    let mut locals = Locals::default();
    let store = &scene.snapshot.store;
    let resource =
        given.resource.map(|given| given.map(|(type_name, id)| locals.resolve(store, type_name.into(), id.into())));
    let incoming = Incoming { call: reader, arguments: given.arguments, context: given.context, resource };
    RowDecision::of(judge_held(scene, held, &incoming, &mut locals, temporaries, None), scene)
}

/// The grant that a row names by a handle or by id, with the agent beside it.
pub(crate) fn row_grant(
    py: Python<'_>,
    engine: &Engine,
    grant: Option<&Bound<'_, PyAny>>,
    agent: Option<&Bound<'_, PyAny>>,
) -> Found {
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
pub(crate) fn check_agent(engine: &Engine, grant: Arc<CoreGrant>, agent: Option<Uid>) -> Found {
    let snapshot = engine.core.load();
    is_agent(grant, agent.and_then(|(type_name, id)| snapshot.store.find(&type_name, &id)))
}

/// The same of an agent that was looked up; none is nobody's.
pub(crate) fn is_agent(grant: Arc<CoreGrant>, agent: Option<EntityId>) -> Found {
    if agent == Some(grant.agent) { Ok(grant) } else { Err(Reason::AgentMismatch) }
}
