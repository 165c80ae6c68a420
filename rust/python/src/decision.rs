//! `Decision` and `PolicyError`: results as Python sees them.
//!
//! Most decisions of an engine are equal to one made before, so each thread keeps the objects it made lately and hands
//! them out again: a decision then costs one look-up and no allocation. The memory belongs to the thread, so threads
//! share no reference count.

use std::cell::RefCell;
use std::hash::BuildHasher;

use agentpdp_core::authorize::PolicyId;
use agentpdp_core::calls::Outcome;
use agentpdp_core::decision::{Answer, Reason, Stage};
use agentpdp_core::engine::Snapshot;
use agentpdp_core::evaluate::Failure;
use agentpdp_core::message::describe;
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use smallvec::SmallVec;

use crate::grants::approval::ApprovalRequest;
use crate::uid::EntityUid;

/// Decisions that one thread keeps before it starts anew.
const KEPT_MAX: usize = 4_096;

/// An error of one policy.
#[pyclass(frozen, module = "agentpdp", name = "PolicyError", eq, hash)]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct PolicyError {
    /// Id of the policy.
    #[pyo3(get)]
    pub(crate) policy: String,
    /// Code of the error.
    #[pyo3(get)]
    pub(crate) code: &'static str,
    /// One sentence saying what went wrong where.
    #[pyo3(get)]
    pub(crate) message: String,
}

impl PolicyError {
    pub(crate) fn make(policy: PolicyId, failure: Failure, snapshot: &Snapshot) -> Self {
        let (policies, paths) = (&snapshot.policies, &snapshot.compiled.paths);
        let found = policies.get(policy);
        let task = found.and_then(|found| found.task);
        let condition = found.and_then(|found| policies.condition(found));
        let message = condition.map_or_else(String::new, |condition| describe(failure, condition.shape, paths, task));
        Self { policy: policies.name(policy).to_owned(), code: failure.code.name(), message }
    }
}

#[pymethods]
impl PolicyError {
    fn __repr__(&self) -> String {
        format!("PolicyError(policy={:?}, code={:?}, message={:?})", self.policy, self.code, self.message)
    }
}

/// What went wrong, sorted by policy; a policy that several tasks have says it once.
pub(crate) fn errors_of<'f>(
    failures: impl Iterator<Item = &'f (PolicyId, Failure)>,
    snapshot: &Snapshot,
) -> Vec<PolicyError> {
    let mut errors: Vec<PolicyError> =
        failures.map(|(policy, failure)| PolicyError::make(*policy, *failure, snapshot)).collect();
    errors.sort_unstable_by(|left, right| (&left.policy, left.code).cmp(&(&right.policy, right.code)));
    errors.dedup_by(|later, earlier| later.policy == earlier.policy && later.code == earlier.code);
    errors
}

/// What a decision of a call under a grant holds besides.
#[derive(Default)]
pub(crate) struct UnderGrant {
    /// Where it was decided; none for an allow.
    pub(crate) stage: Option<Stage>,
    /// The hop of the deciding question.
    pub(crate) hop: Option<u16>,
    /// Who was asked.
    pub(crate) party: Option<Py<EntityUid>>,
    /// The arguments that were judged.
    pub(crate) arguments: Option<Py<PyAny>>,
    /// What to show a person.
    pub(crate) request: Option<Py<ApprovalRequest>>,
    /// The argument that is wrong, and what would be right.
    pub(crate) argument: Option<Box<(String, String)>>,
}

/// What was decided of one call.
#[pyclass(frozen, module = "agentpdp", name = "Decision")]
pub(crate) struct Decision {
    reason: Reason,
    policies: Py<PyTuple>,
    errors: Vec<PolicyError>,
    detail: Option<String>,
    #[pyo3(get)]
    epoch: u64,
    under: Option<UnderGrant>,
}

impl Decision {
    pub(crate) fn reason(&self) -> Reason {
        self.reason
    }

    /// A decision that was made before any policy was asked.
    pub(crate) fn refused(py: Python<'_>, reason: Reason, detail: Option<String>, epoch: u64) -> PyResult<Py<Self>> {
        let policies = PyTuple::empty(py).unbind();
        Py::new(py, Self { reason, policies, errors: Vec::new(), detail, epoch, under: None })
    }

    /// A decision under a grant that was made before any policy was asked.
    pub(crate) fn refused_under(
        py: Python<'_>,
        reason: Reason,
        detail: Option<String>,
        epoch: u64,
        under: UnderGrant,
    ) -> PyResult<Py<Self>> {
        let policies = PyTuple::empty(py).unbind();
        Py::new(py, Self { reason, policies, errors: Vec::new(), detail, epoch, under: Some(under) })
    }

    /// The decision of a row of a batch of calls under grants.
    pub(crate) fn of_row(
        py: Python<'_>,
        reason: Reason,
        policies: Vec<&str>,
        errors: Vec<PolicyError>,
        detail: Option<String>,
        epoch: u64,
        under: UnderGrant,
    ) -> PyResult<Py<Self>> {
        let policies = PyTuple::new(py, policies)?.unbind();
        Py::new(py, Self { reason, policies, errors, detail, epoch, under: Some(under) })
    }

    /// The decision that follows from the outcome of a call under a grant.
    pub(crate) fn of_outcome(
        py: Python<'_>,
        outcome: &Outcome,
        policies: &[PolicyId],
        nonce: u32,
        snapshot: &Snapshot,
        under: UnderGrant,
    ) -> PyResult<Py<Self>> {
        let answer = &outcome.answer;
        let errors = if answer.has_errors() { errors_of(answer.errors(), snapshot) } else { Vec::new() };
        let policies = names_of(py, policies, nonce, snapshot)?;
        let (reason, epoch) = (outcome.reason(), snapshot.epoch);
        Py::new(py, Self { reason, policies, errors, detail: None, epoch, under: Some(under) })
    }

    /// The decision that follows from an answer.
    pub(crate) fn of_answer(
        py: Python<'_>,
        reason: Reason,
        answer: &Answer,
        snapshot: &Snapshot,
    ) -> PyResult<Py<Self>> {
        let policies = &snapshot.policies;
        let errors = errors_of(answer.errors(), snapshot);
        let mut names: SmallVec<[&str; 8]> = match reason {
            Reason::Permitted => answer.permits.iter().map(|policy| policies.name(*policy)).collect(),
            Reason::Forbidden => answer.forbids.iter().map(|policy| policies.name(*policy)).collect(),
            Reason::ForbidError => answer.forbid_errors.iter().map(|(policy, _)| policies.name(*policy)).collect(),
            _ => SmallVec::new(),
        };
        names.sort_unstable();
        let policies = PyTuple::new(py, names)?.unbind();
        Py::new(py, Self { reason, policies, errors, detail: None, epoch: snapshot.epoch, under: None })
    }
}

#[pymethods]
impl Decision {
    #[getter]
    fn verdict<'py>(&self, py: Python<'py>) -> &Bound<'py, PyString> {
        match self.reason.verdict() {
            agentpdp_core::decision::Verdict::Allow => intern!(py, "allow"),
            agentpdp_core::decision::Verdict::StepUp => intern!(py, "step_up"),
            agentpdp_core::decision::Verdict::Deny => intern!(py, "deny"),
        }
    }

    #[getter]
    fn allowed(&self) -> bool {
        self.reason == Reason::Permitted
    }

    #[getter(reason)]
    fn reason_name(&self) -> &'static str {
        self.reason.name()
    }

    #[getter]
    fn stage(&self) -> Option<&'static str> {
        let stage = self.under.as_ref().map_or(self.reason.stage(), |under| under.stage);
        stage.map(Stage::name)
    }

    #[getter]
    fn hop(&self) -> Option<u16> {
        self.under.as_ref().and_then(|under| under.hop)
    }

    #[getter]
    fn party(&self, py: Python<'_>) -> Option<Py<EntityUid>> {
        self.under.as_ref().and_then(|under| under.party.as_ref()).map(|party| party.clone_ref(py))
    }

    #[getter]
    fn arguments(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.under.as_ref().and_then(|under| under.arguments.as_ref()).map(|arguments| arguments.clone_ref(py))
    }

    #[getter]
    fn approval_request(&self, py: Python<'_>) -> Option<Py<ApprovalRequest>> {
        self.under.as_ref().and_then(|under| under.request.as_ref()).map(|request| request.clone_ref(py))
    }

    /// What a model may see: nothing of other parties' policies.
    #[getter]
    fn advice<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let under = self.under.as_ref();
        let advice = PyDict::new(py);
        advice.set_item("reason", self.reason.name())?;
        advice.set_item("hop", self.hop())?;
        let argument = under.and_then(|under| under.argument.as_deref());
        advice.set_item("argument", argument.map(|(argument, _)| argument))?;
        advice.set_item("expected", argument.map(|(_, expected)| expected))?;
        let request = under.and_then(|under| under.request.as_ref());
        advice.set_item("roles", request.map_or_else(Vec::new, |request| request.get().roles()))?;
        Ok(advice)
    }

    #[getter]
    fn policies(&self, py: Python<'_>) -> Py<PyTuple> {
        self.policies.clone_ref(py)
    }

    #[getter]
    fn errors<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.errors.iter().cloned())
    }

    #[getter]
    fn message(&self, py: Python<'_>) -> PyResult<String> {
        let meaning = self.reason.meaning();
        let names: Vec<String> = self.policies.bind(py).iter().map(|name| format!("`{name}`")).collect();
        Ok(match (&self.detail, names.is_empty()) {
            (Some(detail), _) => format!("{meaning}: {detail}"),
            (None, false) => format!("{meaning}: {}", names.join(", ")),
            (None, true) => meaning.to_owned(),
        })
    }

    fn __bool__(&self) -> PyResult<bool> {
        Err(PyTypeError::new_err("a decision is neither true nor false: ask `.allowed`"))
    }

    fn __eq__(&self, py: Python<'_>, other: &Bound<'_, PyAny>) -> PyResult<bool> {
        let Ok(other) = other.cast::<Self>() else { return Ok(false) };
        let other = other.get();
        Ok(self.reason == other.reason
            && self.errors == other.errors
            && self.detail == other.detail
            && self.epoch == other.epoch
            && self.stage() == other.stage()
            && self.hop() == other.hop()
            && self.policies.bind(py).eq(other.policies.bind(py))?)
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        (self.reason.name(), self.policies.bind(py)).into_pyobject(py)?.hash()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let errors: Vec<String> = self.errors.iter().map(PolicyError::__repr__).collect();
        Ok(format!(
            "Decision({}, {}, policies={}, errors=[{}])",
            self.reason.verdict().name(),
            self.reason.name(),
            self.policies.bind(py).repr()?,
            errors.join(", ")
        ))
    }
}

/// What a thread made lately for some policies of one version of an engine.
struct Kept<T> {
    nonce: u32,
    epoch: u64,
    reason: Option<Reason>,
    policies: SmallVec<[PolicyId; 4]>,
    made: Py<T>,
}

struct Memory<T> {
    table: hashbrown::HashTable<Kept<T>>,
    hasher: foldhash::fast::FixedState,
}

impl<T> Default for Memory<T> {
    fn default() -> Self {
        Self { table: hashbrown::HashTable::new(), hasher: foldhash::fast::FixedState::default() }
    }
}

thread_local! {
    static DECISIONS: RefCell<Memory<Decision>> = RefCell::default();
    static NAMES: RefCell<Memory<PyTuple>> = RefCell::default();
}

/// What was made of these policies last time, or what is made now.
fn remembered<T>(
    py: Python<'_>,
    memory: &'static std::thread::LocalKey<RefCell<Memory<T>>>,
    (nonce, epoch, reason, policies): (u32, u64, Option<Reason>, &[PolicyId]),
    make: impl Fn() -> PyResult<Py<T>>,
) -> PyResult<Py<T>> {
    // A thread that is ending, or something made while something is made, simply makes its own.
    let kept = memory.try_with(|memory| {
        let Ok(mut memory) = memory.try_borrow_mut() else { return make() };
        let hash = memory.hasher.hash_one((nonce, epoch, reason.map(|reason| reason as u8), policies));
        let is_it = |kept: &Kept<T>| {
            kept.nonce == nonce && kept.epoch == epoch && kept.reason == reason && kept.policies[..] == *policies
        };
        if let Some(kept) = memory.table.find(hash, is_it) {
            return Ok(kept.made.clone_ref(py));
        }
        let made = make()?;
        if memory.table.len() >= KEPT_MAX {
            memory.table.clear();
        }
        let kept = Kept { nonce, epoch, reason, policies: policies.into(), made: made.clone_ref(py) };
        let hasher = memory.hasher.clone();
        memory.table.insert_unique(hash, kept, |kept| {
            hasher.hash_one((kept.nonce, kept.epoch, kept.reason.map(|reason| reason as u8), &kept.policies[..]))
        });
        Ok(made)
    });
    kept.unwrap_or_else(|_| make())
}

/// Names of policies, sorted, each once; the same object as last time.
fn names_of(py: Python<'_>, policies: &[PolicyId], nonce: u32, snapshot: &Snapshot) -> PyResult<Py<PyTuple>> {
    if policies.is_empty() {
        return Ok(PyTuple::empty(py).unbind());
    }
    remembered(py, &NAMES, (nonce, snapshot.epoch, None, policies), || {
        let mut names: SmallVec<[&str; 8]> = policies.iter().map(|policy| snapshot.policies.name(*policy)).collect();
        names.sort_unstable();
        names.dedup();
        Ok(PyTuple::new(py, names)?.unbind())
    })
}

/// The decision that follows from an answer; for an engine by its nonce the same object as last time where nothing differs.
pub(crate) fn decision(
    py: Python<'_>,
    reason: Reason,
    answer: &Answer,
    nonce: Option<u32>,
    snapshot: &Snapshot,
) -> PyResult<Py<Decision>> {
    let make = || Decision::of_answer(py, reason, answer, snapshot);
    let Some(nonce) = nonce.filter(|_| !answer.has_errors()) else { return make() };
    let policies: &[PolicyId] = match reason {
        Reason::Permitted => &answer.permits,
        Reason::Forbidden => &answer.forbids,
        _ => &[],
    };
    remembered(py, &DECISIONS, (nonce, snapshot.epoch, Some(reason), policies), make)
}
