//! Recorded calls, read and decided in bulk from lines of events.
//!
//! A history is played by Python (`events/replaying.py`), one event after the other; most events are calls. Those that
//! stand next to one another are read here from their bytes, decided in their order and counted, and no Python object
//! is made for them, unless somebody asks for one. Where a line is no plain call under a known name, reading stops, and
//! Python goes on from there. It changes no answer: `tests/events/test_bulk.py` holds both ways to each other.
//!
//! `recorded.rs` of agentpdp-cedar reads a line, `tally.rs` counts, `event.rs` makes an object of a line that is no call.

mod event;
mod tally;

use std::sync::{Arc, Mutex, PoisonError};

use agentpdp_core::decision::{Reason, Verdict};
use agentpdp_core::engine::Snapshot;
use agentpdp_core::evaluate::Temporaries;
use agentpdp_core::grants::Grant as CoreGrant;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

pub(crate) use event::_read_line;

use crate::decision::Decision;
use crate::engine::Engine;
use crate::grants::Grant;
use crate::grants::batch::{RowDecision, RowGiven, check_agent, decide_call};
use crate::grants::call_decisions::row_decision;
use crate::replay::tally::Tally;
use agentpdp_cedar::recorded::{Call, input, read_call, text_of};

/// Calls that are decided at once, against one snapshot.
const CALLS_AT_ONCE: usize = 4_096;

/// What stands behind the name of a grant.
struct Named {
    grant: Result<Arc<CoreGrant>, Reason>,
    /// The tasks that were asked for, by number.
    tasks: u32,
}

#[derive(Default)]
struct State {
    names: HashMap<Box<str>, Named, RandomState>,
    tasks: HashMap<Vec<String>, u32, RandomState>,
    tally: Tally,
}

/// Plays the calls of a history.
#[pyclass(frozen, module = "agentpdp._core", name = "_CallReplay")]
pub(crate) struct CallReplay {
    engine: Py<Engine>,
    state: Mutex<State>,
}

/// One line that was a call.
struct Played {
    /// Its bytes in the block.
    start: usize,
    end: usize,
    /// Lines before it in the block, from where reading began.
    line: usize,
    decided: RowDecision,
}

/// The calls at the start of a block, decided.
#[pyclass(frozen, module = "agentpdp._core", name = "_PlayedCalls")]
pub(crate) struct PlayedCalls {
    engine: Py<Engine>,
    block: Py<PyBytes>,
    snapshot: Option<Arc<Snapshot>>,
    rows: Vec<Played>,
    grants: Vec<Option<Arc<CoreGrant>>>,
    /// Where reading stopped.
    #[pyo3(get)]
    end: usize,
    /// Lines up to there.
    #[pyo3(get)]
    lines: usize,
    /// Rows whose recorded verdict is another.
    #[pyo3(get)]
    differing: Vec<usize>,
    /// Rows whose request has a name.
    #[pyo3(get)]
    requests: Vec<(usize, String)>,
}

#[pymethods]
impl CallReplay {
    #[new]
    fn new(py: Python<'_>, engine: Py<Engine>) -> PyResult<Self> {
        if !engine.bind(py).get().clock.is_callers() {
            return Err(PyValueError::new_err("a history is played with `clock=\"caller\"`"));
        }
        Ok(Self { engine, state: Mutex::default() })
    }

    /// What a grant's name stands for from now on.
    #[pyo3(signature = (name, grant, tasks, /))]
    fn name(&self, py: Python<'_>, name: &str, grant: Option<&Bound<'_, Grant>>, tasks: Vec<String>) {
        let nonce = self.engine.bind(py).get().nonce;
        let grant = grant.map(Bound::get).filter(|grant| grant.engine.bind(py).get().nonce == nonce);
        let grant = grant.map(|grant| grant.issued.clone()).ok_or(Reason::UnknownGrant);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let next = u32::try_from(state.tasks.len()).unwrap_or(u32::MAX);
        let tasks = *state.tasks.entry(tasks).or_insert(next);
        state.names.insert(name.into(), Named { grant, tasks });
    }

    /// Decides the calls of a block of lines from a byte on, up to the first line that is none.
    #[pyo3(signature = (block, start, /))]
    fn play(&self, py: Python<'_>, block: &Bound<'_, PyBytes>, start: usize) -> PlayedCalls {
        let engine = self.engine.bind(py).get();
        let mut played = PlayedCalls {
            engine: self.engine.clone_ref(py),
            block: block.clone().unbind(),
            snapshot: None,
            rows: Vec::new(),
            grants: Vec::new(),
            end: start,
            lines: 0,
            differing: Vec::new(),
            requests: Vec::new(),
        };
        let bytes = block.as_bytes();
        py.detach(|| {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            play_lines(engine, &mut state, bytes, &mut played);
        });
        played
    }

    /// What was decided so far: tasks, action, verdict, reason, stage, policies, and how many calls.
    fn tally<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyTuple>>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *state;
        let mut tasks: Vec<&[String]> = vec![&[]; state.tasks.len()];
        for (names, number) in &state.tasks {
            if let Some(place) = tasks.get_mut(*number as usize) {
                *place = names;
            }
        }
        let row = |(told, count): (&tally::Told, &u64)| {
            let tasks = PyTuple::new(py, tasks.get(told.tasks as usize).copied().unwrap_or_default())?;
            let verdict = told.reason.verdict().name();
            let stage = told.stage.map(agentpdp_core::decision::Stage::name);
            let policies = told.policies.as_slice();
            (tasks, told.action.as_str(), verdict, told.reason.name(), stage, policies, *count).into_pyobject(py)
        };
        state.tally.told().iter().map(row).collect()
    }
}

fn play_lines(engine: &Engine, state: &mut State, bytes: &[u8], played: &mut PlayedCalls) {
    let snapshot = engine.core.snapshot();
    if snapshot.compiled.declarations.is_none() {
        return;
    }
    while played.rows.len() < CALLS_AT_ONCE {
        let Some(rest) = bytes.get(played.end..).filter(|rest| !rest.is_empty()) else { break };
        let length = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
        let Some(text) = rest.get(..length).and_then(text_of) else { break };
        if !text.is_empty() {
            let Some(call) = read_call(text) else { break };
            let Some(named) = state.names.get(&*call.grant) else { break };
            let decided = decide(engine, &snapshot, named, &call);
            state.tally.add(named.tasks, &call.action, &decided, &snapshot);
            let row = played.rows.len();
            if call.verdict.is_some_and(|recorded| recorded != decided.reason.verdict()) {
                played.differing.push(row);
            }
            if let Some(request) = call.request {
                played.requests.push((row, request.into_owned()));
            }
            let start = played.end;
            played.rows.push(Played { start, end: start + length, line: played.lines, decided });
            played.grants.push(named.grant.as_ref().ok().cloned());
        }
        played.end += length;
        played.lines += 1;
    }
    played.snapshot = Some(snapshot);
}

/// Decides one call as `Engine.decide_batch` does.
fn decide(engine: &Engine, snapshot: &Snapshot, named: &Named, call: &Call<'_>) -> RowDecision {
    let mut grant = named.grant.clone();
    if let (Ok(found), Some(agent)) = (&grant, &call.agent) {
        let agent = agent.as_ref().map(|(type_name, id)| (type_name.clone().into_owned(), id.clone().into_owned()));
        grant = check_agent(engine, found.clone(), agent);
    }
    let at = engine.clock.bring(call.at);
    let now_ms = grant.as_ref().map_or(at, |grant| grant.tree.advance(at));
    let resource = call.resource.as_ref().map(|given| given.as_ref().map(|(name, id)| (&**name, &**id)));
    let (arguments, context) = (call.arguments.as_ref(), call.context.as_ref());
    let given = RowGiven { arguments, context, resource };
    decide_call(engine, snapshot, &grant, &call.action, &given, now_ms, &Temporaries::default())
}

impl PlayedCalls {
    fn row(&self, row: usize) -> PyResult<&Played> {
        self.rows.get(row).ok_or_else(|| PyIndexError::new_err("no call there"))
    }
}

#[pymethods]
impl PlayedCalls {
    fn __len__(&self) -> usize {
        self.rows.len()
    }

    /// Whether there may be more calls at the end.
    #[getter]
    fn is_full(&self) -> bool {
        self.rows.len() >= CALLS_AT_ONCE
    }

    /// Where a call stands: lines before it, from where reading began, and its bytes.
    fn place(&self, row: usize) -> PyResult<(usize, usize, usize)> {
        let played = self.row(row)?;
        Ok((played.line, played.start, played.end))
    }

    /// A number for the verdict of each call: equal for equal verdicts.
    #[getter]
    fn verdicts<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let code = |played: &Played| match played.decided.reason.verdict() {
            Verdict::Allow => 0,
            Verdict::StepUp => 1,
            Verdict::Deny => 2,
        };
        PyBytes::new(py, &self.rows.iter().map(code).collect::<Vec<u8>>())
    }

    /// The decision of a call.
    fn __getitem__(&self, py: Python<'_>, row: usize) -> PyResult<Py<Decision>> {
        let (played, missing) = (self.row(row)?, || PyIndexError::new_err("no call there"));
        let snapshot = self.snapshot.as_ref().ok_or_else(missing)?;
        let line = self.block.bind(py).as_bytes().get(played.start..played.end).ok_or_else(missing)?;
        let call = text_of(line).and_then(read_call).ok_or_else(missing)?;
        let arguments = call.arguments.as_ref().and_then(input);
        let grant = self.grants.get(row).and_then(Option::as_ref);
        row_decision(py, self.engine.bind(py).get(), snapshot, &played.decided, grant, arguments.as_ref())
    }
}
