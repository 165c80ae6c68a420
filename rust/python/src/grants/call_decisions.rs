//! `CallDecisions`: what was decided of a batch of calls under grants, as columns.

use std::collections::BTreeMap;
use std::sync::Arc;

use agentpdp_cedar::input::Input;
use agentpdp_core::decision::{Reason, Stage};
use agentpdp_core::engine::Snapshot;
use agentpdp_core::grants::Grant as CoreGrant;
use agentpdp_core::request::Locals;
use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{ArrayRef, BooleanArray, RecordBatch, StringArray, UInt16Array};
use arrow_schema::{Field, Schema};
use numpy::PyArray1;
use pyo3::exceptions::{PyIndexError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};

use crate::batch::{ArrowColumn, ArrowTable, Calls};
use crate::decision::{Decision, UnderGrant, errors_of};
use crate::engine::Engine;
use crate::errors;
use crate::grants::batch::{Decided, RowDecision};
use crate::grants::calls::as_run;
use crate::grants::judging::Scene;
use crate::grants::view::View;
use crate::to_python::input_to_python;

/// What was decided of each row of a batch of calls under grants.
#[pyclass(frozen, module = "agentpdp", name = "CallDecisions")]
pub(crate) struct CallDecisions {
    engine: Py<Engine>,
    calls: Calls,
    decided: Decided,
}

impl CallDecisions {
    pub(crate) fn new(engine: Py<Engine>, calls: Calls, decided: Decided) -> Self {
        Self { engine, calls, decided }
    }

    fn snapshot(&self, row: usize) -> Option<&Arc<Snapshot>> {
        let after = self.decided.snapshots.partition_point(|(first, _)| *first <= row);
        self.decided.snapshots.get(after.checked_sub(1)?).map(|(_, snapshot)| snapshot)
    }

    /// Ids of the deciding policies of a row, sorted.
    fn names(&self, row: usize, decision: &RowDecision) -> Vec<&str> {
        let Some(snapshot) = self.snapshot(row) else { return Vec::new() };
        names_of(snapshot, decision)
    }

    fn each(&self) -> impl ExactSizeIterator<Item = (usize, &RowDecision)> {
        self.decided.rows.iter().enumerate()
    }

    fn words<'py>(
        py: Python<'py>,
        words: impl Iterator<Item = Option<&'static str>>,
    ) -> Bound<'py, PyArray1<Py<PyAny>>> {
        let word = |word: Option<&'static str>| match word {
            Some(word) => PyString::intern(py, word).into_any().unbind(),
            None => py.None(),
        };
        PyArray1::from_vec(py, words.map(word).collect())
    }

    fn policies_list(&self) -> ArrayRef {
        let mut builder = ListBuilder::new(StringBuilder::new());
        for (row, decision) in self.each() {
            self.names(row, decision).into_iter().for_each(|name| builder.values().append_value(name));
            builder.append(true);
        }
        Arc::new(builder.finish())
    }

    fn decision(&self, py: Python<'_>, at: usize) -> PyResult<Py<Decision>> {
        let missing = || PyIndexError::new_err("no decision there");
        let (columns, row) = self.calls.locate(at).ok_or_else(missing)?;
        let decided = self.decided.rows.get(at).ok_or_else(missing)?;
        let snapshot = self.snapshot(at).ok_or_else(missing)?;
        let grant = columns.grants.at(row).and_then(|grant| grant.as_ref().ok());
        let arguments = columns.arguments_input(row);
        row_decision(py, self.engine.bind(py).get(), snapshot, decided, grant, arguments.as_ref())
    }
}

/// Ids of the deciding policies of a row, sorted.
fn names_of<'s>(snapshot: &'s Snapshot, decision: &RowDecision) -> Vec<&'s str> {
    let mut names: Vec<&str> = decision.policies.iter().map(|policy| snapshot.policies.name(*policy)).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The decision of one row, as a single call would have it.
pub(crate) fn row_decision(
    py: Python<'_>,
    engine: &Engine,
    snapshot: &Snapshot,
    decided: &RowDecision,
    grant: Option<&Arc<CoreGrant>>,
    arguments: Option<&Input>,
) -> PyResult<Py<Decision>> {
    let (declarations, view) = (snapshot.compiled.declarations.as_ref(), View::of(snapshot));
    let (Some(declarations), Some(view)) = (declarations, view) else { return Err(errors::no_tasks(py)) };
    let scene = Scene { engine, snapshot, view, declarations, now_ms: 0 };
    let locals = Locals::default();
    let argument = decided.refused.as_ref().and_then(|refused| refused.argument.clone()).map(Box::new);
    let has_arguments = !matches!(decided.stage, Some(Stage::Status | Stage::Arguments));
    let run = as_run(arguments, &decided.rewritten);
    let arguments = if has_arguments { Some(input_to_python(py, &run)?.unbind()) } else { None };
    let request = match (&decided.answered, grant) {
        (Some(answered), Some(grant)) => answered.request(py, scene, grant, &run, &locals)?,
        _ => None,
    };
    let party = decided.party.map(|party| scene.uid(py, party, &locals)).transpose()?;
    let under = UnderGrant { stage: decided.stage, hop: decided.hop, party, arguments, request, argument };
    let detail = decided.refused.as_ref().and_then(|refused| refused.detail.clone());
    let errors = errors_of(decided.errors.iter(), snapshot);
    Decision::of_row(py, decided.reason, names_of(snapshot, decided), errors, detail, snapshot.epoch, under)
}

#[pymethods]
impl CallDecisions {
    fn __len__(&self) -> usize {
        self.decided.rows.len()
    }

    #[getter]
    fn allowed<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<bool>> {
        PyArray1::from_iter(py, self.each().map(|(_, row)| row.reason == Reason::Permitted))
    }

    #[getter]
    fn verdict<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<Py<PyAny>>> {
        Self::words(py, self.each().map(|(_, row)| Some(row.reason.verdict().name())))
    }

    #[getter]
    fn reason<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<Py<PyAny>>> {
        Self::words(py, self.each().map(|(_, row)| Some(row.reason.name())))
    }

    #[getter]
    fn stage<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<Py<PyAny>>> {
        Self::words(py, self.each().map(|(_, row)| row.stage.map(Stage::name)))
    }

    #[getter]
    fn hop<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<Py<PyAny>>>> {
        let hop = |hop: Option<u16>| Ok(hop.into_pyobject(py)?.unbind());
        Ok(PyArray1::from_vec(py, self.each().map(|(_, row)| hop(row.hop)).collect::<PyResult<_>>()?))
    }

    /// The first deciding policy of each row by id, or None.
    #[getter]
    fn policy<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<Py<PyAny>>> {
        let first = |(at, row): (usize, &RowDecision)| match self.names(at, row).first() {
            Some(name) => PyString::intern(py, name).into_any().unbind(),
            None => py.None(),
        };
        PyArray1::from_vec(py, self.each().map(first).collect())
    }

    /// All deciding policies of each row, sorted: an Arrow list of strings.
    #[getter]
    fn policies(&self) -> ArrowColumn {
        ArrowColumn(self.policies_list())
    }

    fn to_arrow<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let wrong = |error: arrow_schema::ArrowError| PyTypeError::new_err(error.to_string());
        let allowed: BooleanArray = self.each().map(|(_, row)| Some(row.reason == Reason::Permitted)).collect();
        let verdict: StringArray = self.each().map(|(_, row)| Some(row.reason.verdict().name())).collect();
        let reason: StringArray = self.each().map(|(_, row)| Some(row.reason.name())).collect();
        let stage: StringArray = self.each().map(|(_, row)| row.stage.map(Stage::name)).collect();
        let hop: UInt16Array = self.each().map(|(_, row)| row.hop).collect();
        let first = |(at, row): (usize, &RowDecision)| self.names(at, row).first().map(|name| (*name).to_owned());
        let policy: StringArray = self.each().map(first).collect();
        let columns: Vec<(&str, ArrayRef, bool)> = vec![
            ("allowed", Arc::new(allowed), false),
            ("verdict", Arc::new(verdict), false),
            ("reason", Arc::new(reason), false),
            ("stage", Arc::new(stage), true),
            ("hop", Arc::new(hop), true),
            ("policy", Arc::new(policy), true),
            ("policies", self.policies_list(), false),
        ];
        let field = |(name, column, nullable): &(&str, ArrayRef, bool)| {
            Field::new(*name, column.data_type().clone(), *nullable)
        };
        let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
        let arrays = columns.into_iter().map(|(_, column, _)| column).collect();
        let table = ArrowTable(RecordBatch::try_new(schema, arrays).map_err(wrong)?);
        let table = Bound::new(py, table)?.into_any();
        match py.import("pyarrow") {
            Ok(pyarrow) => pyarrow.call_method1("table", (table,)),
            Err(_) => Ok(table),
        }
    }

    /// Rows by verdict, by reason and by deciding policy.
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let mut verdicts: BTreeMap<&str, usize> = BTreeMap::from([("allow", 0), ("step_up", 0), ("deny", 0)]);
        let (mut reasons, mut policies) = (BTreeMap::<&str, usize>::new(), BTreeMap::<&str, usize>::new());
        for (at, row) in self.each() {
            *verdicts.entry(row.reason.verdict().name()).or_default() += 1;
            *reasons.entry(row.reason.name()).or_default() += 1;
            for name in self.names(at, row) {
                *policies.entry(name).or_default() += 1;
            }
        }
        let counts = PyDict::new(py);
        for (verdict, count) in verdicts {
            counts.set_item(verdict, count)?;
        }
        counts.set_item("reasons", reasons)?;
        counts.set_item("policies", policies)?;
        Ok(counts)
    }

    fn __getitem__(&self, py: Python<'_>, index: isize) -> PyResult<Py<Decision>> {
        let len = self.decided.rows.len() as isize;
        let at = usize::try_from(if index < 0 { index + len } else { index }).ok();
        let at = at.filter(|at| *at < self.decided.rows.len());
        let at = at.ok_or_else(|| PyIndexError::new_err(format!("there are {len} decisions, none at {index}")))?;
        self.decision(py, at)
    }

    fn __iter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let this = slf.get();
        let all = (0..this.decided.rows.len()).map(|at| this.decision(slf.py(), at));
        Ok(PyList::new(slf.py(), all.collect::<PyResult<Vec<_>>>()?)?.try_iter()?.into_any())
    }

    fn __bool__(&self) -> PyResult<bool> {
        Err(PyTypeError::new_err("decisions are neither true nor false: ask `.allowed`"))
    }

    fn __repr__(&self) -> String {
        let allow = self.each().filter(|(_, row)| row.reason == Reason::Permitted).count();
        let asking = self.each().filter(|(_, row)| row.reason == Reason::StepUp).count();
        let rows = self.decided.rows.len();
        format!("CallDecisions({rows} rows: {allow} allow, {asking} step_up, {} deny)", rows - allow - asking)
    }
}
