//! `Decisions`: what was decided of a batch, as columns.

use std::sync::Arc;

use agentpdp_core::authorize::{Policies, PolicyId};
use agentpdp_core::decision::{Answer, Reason, Verdict};
use agentpdp_core::engine::Snapshot;
use agentpdp_core::evaluate::Failure;
use agentpdp_core::parallel::Decided;
use arrow_array::builder::{ListBuilder, StringBuilder, StructBuilder};
use arrow_array::{ArrayRef, BooleanArray, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Fields, Schema};
use numpy::PyArray1;
use pyo3::exceptions::{PyIndexError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};

use super::arrow::{ArrowColumn, ArrowTable};
use crate::decision::{Decision, PolicyError};

/// What was decided of each row of a batch.
#[pyclass(frozen, module = "agentpdp", name = "Decisions")]
#[derive(Default)]
pub(crate) struct Decisions {
    reasons: Vec<Reason>,
    /// Record batches of the input: first row of each, and what was decided of it.
    parts: Vec<(usize, Decided)>,
}

impl Decisions {
    pub(super) fn append(&mut self, decided: Decided) {
        let start = self.reasons.len();
        self.reasons.extend_from_slice(&decided.answer.reasons);
        self.parts.push((start, decided));
    }

    pub(super) fn refuse_all(&mut self, reason: Reason, row_count: usize) {
        self.reasons.resize(self.reasons.len() + row_count, reason);
    }

    /// Deciding policies of all rows in order: (row, policy, the policies it is one of).
    fn satisfied(&self) -> impl Iterator<Item = (usize, PolicyId, &Policies)> {
        self.parts.iter().flat_map(|(start, decided)| {
            decided.answer.satisfied.iter().filter_map(move |(row, policy)| {
                Some((start + *row as usize, *policy, &decided.snapshot(*row)?.policies))
            })
        })
    }

    fn errors_in_order(&self) -> impl Iterator<Item = (usize, PolicyId, Failure, &Snapshot)> {
        self.parts.iter().flat_map(|(start, decided)| {
            decided.answer.errors.iter().filter_map(move |(row, policy, failure)| {
                Some((start + *row as usize, *policy, *failure, decided.snapshot(*row)?))
            })
        })
    }

    /// Ids of the deciding policies of each row, sorted.
    fn names(&self) -> Vec<(usize, &str)> {
        let mut names: Vec<(usize, &str)> =
            self.satisfied().map(|(row, policy, policies)| (row, policies.name(policy))).collect();
        names.sort_unstable();
        names
    }

    fn policies_list(&self) -> ArrayRef {
        let mut builder = ListBuilder::new(StringBuilder::new());
        let mut names = self.names().into_iter().peekable();
        for row in 0..self.reasons.len() {
            while let Some((_, name)) = names.next_if(|(at, _)| *at == row) {
                builder.values().append_value(name);
            }
            builder.append(true);
        }
        Arc::new(builder.finish())
    }

    fn errors_list(&self) -> ArrayRef {
        let text = |name: &str| Field::new(name, DataType::Utf8, false);
        let fields = Fields::from(vec![text("policy"), text("code"), text("message")]);
        let mut builder = ListBuilder::new(StructBuilder::from_fields(fields, 0));
        let mut errors = self.errors_in_order().peekable();
        for row in 0..self.reasons.len() {
            let mut of_row: Vec<PolicyError> = Vec::new();
            while let Some((_, policy, failure, snapshot)) = errors.next_if(|(at, ..)| *at == row) {
                of_row.push(PolicyError::make(policy, failure, snapshot));
            }
            of_row.sort_unstable_by(|left, right| left.policy.cmp(&right.policy));
            for error in of_row {
                let structs = builder.values();
                for (at, text) in [&*error.policy, error.code, &*error.message].into_iter().enumerate() {
                    if let Some(field) = structs.field_builder::<StringBuilder>(at) {
                        field.append_value(text);
                    }
                }
                structs.append(true);
            }
            builder.append(true);
        }
        Arc::new(builder.finish())
    }

    fn table(&self) -> PyResult<ArrowTable> {
        let wrong = |error: arrow_schema::ArrowError| PyTypeError::new_err(error.to_string());
        let allowed: BooleanArray = self.reasons.iter().map(|reason| Some(*reason == Reason::Permitted)).collect();
        let verdict: StringArray = self.reasons.iter().map(|reason| Some(reason.verdict().name())).collect();
        let reason: StringArray = self.reasons.iter().map(|reason| Some(reason.name())).collect();
        let policy: StringArray = self.first_policies().into_iter().collect();
        let (policies, errors) = (self.policies_list(), self.errors_list());
        let field = |name: &str, column: &ArrayRef, nullable| Field::new(name, column.data_type().clone(), nullable);
        let columns: Vec<(&str, ArrayRef, bool)> = vec![
            ("allowed", Arc::new(allowed), false),
            ("verdict", Arc::new(verdict), false),
            ("reason", Arc::new(reason), false),
            ("policy", Arc::new(policy), true),
            ("policies", policies, false),
            ("errors", errors, false),
        ];
        let fields: Vec<Field> =
            columns.iter().map(|(name, column, nullable)| field(name, column, *nullable)).collect();
        let schema = Arc::new(Schema::new(fields));
        let arrays = columns.into_iter().map(|(_, column, _)| column).collect();
        let batch = RecordBatch::try_new(schema, arrays).map_err(wrong)?;
        Ok(ArrowTable(batch))
    }

    fn first_policies(&self) -> Vec<Option<&str>> {
        let mut first: Vec<Option<&str>> = vec![None; self.reasons.len()];
        for (row, policy, policies) in self.satisfied() {
            if let Some(place) = first.get_mut(row) {
                let name = policies.name(policy);
                *place = Some(place.map_or(name, |known| known.min(name)));
            }
        }
        first
    }

    fn objects<'py>(
        py: Python<'py>,
        values: impl ExactSizeIterator<Item = Option<Bound<'py, PyString>>>,
    ) -> Bound<'py, PyArray1<Py<PyAny>>> {
        let none = py.None();
        let objects: Vec<Py<PyAny>> =
            values.map(|value| value.map_or_else(|| none.clone_ref(py), |value| value.into_any().unbind())).collect();
        PyArray1::from_vec(py, objects)
    }
}

#[pymethods]
impl Decisions {
    fn __len__(&self) -> usize {
        self.reasons.len()
    }

    /// Whether each row is allowed: NumPy bool.
    #[getter]
    fn allowed<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<bool>> {
        PyArray1::from_iter(py, self.reasons.iter().map(|reason| *reason == Reason::Permitted))
    }

    /// `"allow"` or `"deny"` for each row: NumPy objects.
    #[getter]
    fn verdict<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<Py<PyAny>>> {
        let (allow, deny) = (PyString::intern(py, "allow"), PyString::intern(py, "deny"));
        let of_reason = |reason: &Reason| if reason.verdict() == Verdict::Allow { allow.clone() } else { deny.clone() };
        Self::objects(py, self.reasons.iter().map(|reason| Some(of_reason(reason))))
    }

    /// The reason code of each row: NumPy objects.
    #[getter]
    fn reason<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<Py<PyAny>>> {
        let names: Vec<Bound<'py, PyString>> =
            Reason::ALL.iter().map(|reason| PyString::intern(py, reason.name())).collect();
        Self::objects(py, self.reasons.iter().map(|reason| names.get(*reason as usize).cloned()))
    }

    /// The first deciding policy of each row by id, or None: NumPy objects.
    #[getter]
    fn policy<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<Py<PyAny>>> {
        let mut last: Option<(&str, Bound<'py, PyString>)> = None;
        let interned = |name: &'_ str| PyString::intern(py, name);
        let first = self.first_policies();
        let values: Vec<Option<Bound<'py, PyString>>> = first
            .iter()
            .map(|name| {
                let name = (*name)?;
                if let Some((known, text)) = &last
                    && *known == name
                {
                    return Some(text.clone());
                }
                let text = interned(name);
                last = Some((name, text.clone()));
                Some(text)
            })
            .collect();
        Self::objects(py, values.into_iter())
    }

    /// All deciding policies of each row, sorted: an Arrow list of strings.
    #[getter]
    fn policies(&self, py: Python<'_>) -> ArrowColumn {
        ArrowColumn(py.detach(|| self.policies_list()))
    }

    /// All errors of each row: an Arrow list of structs of policy, code and message.
    #[getter]
    fn errors(&self) -> ArrowColumn {
        ArrowColumn(self.errors_list())
    }

    /// All columns as one table: pyarrow's where it is installed, else an object with `__arrow_c_stream__`.
    fn to_arrow<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let table = Bound::new(py, self.table()?)?.into_any();
        match py.import("pyarrow") {
            Ok(pyarrow) => pyarrow.call_method1("table", (table,)),
            Err(_) => Ok(table),
        }
    }

    /// Rows by verdict, by reason and by deciding policy.
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let mut by_reason = vec![0usize; Reason::ALL.len()];
        for reason in &self.reasons {
            if let Some(count) = by_reason.get_mut(*reason as usize) {
                *count += 1;
            }
        }
        let reasons = PyDict::new(py);
        for (reason, count) in Reason::ALL.iter().zip(&by_reason).filter(|(_, count)| **count > 0) {
            reasons.set_item(reason.name(), count)?;
        }
        let mut by_policy: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
        for (_, policy, policies) in self.satisfied() {
            *by_policy.entry(policies.name(policy)).or_default() += 1;
        }
        let policies = PyDict::new(py);
        for (name, count) in by_policy {
            policies.set_item(name, count)?;
        }
        let allow = self.reasons.iter().filter(|reason| **reason == Reason::Permitted).count();
        let counts = PyDict::new(py);
        counts.set_item("allow", allow)?;
        counts.set_item("deny", self.reasons.len() - allow)?;
        counts.set_item("reasons", reasons)?;
        counts.set_item("policies", policies)?;
        Ok(counts)
    }

    fn __getitem__(&self, py: Python<'_>, index: isize) -> PyResult<Py<Decision>> {
        let len = self.reasons.len() as isize;
        let row = usize::try_from(if index < 0 { index + len } else { index })
            .ok()
            .filter(|row| *row < self.reasons.len())
            .ok_or_else(|| PyIndexError::new_err(format!("there are {len} decisions, none at {index}")))?;
        let reason = self.reasons[row];
        let part = self.parts.iter().rev().find(|(start, _)| *start <= row);
        let Some((start, decided)) = part else { return Decision::refused(py, reason, None, 0) };
        let at = (row - start) as u32;
        let Some(snapshot) = decided.snapshot(at) else { return Decision::refused(py, reason, None, 0) };
        let mut answer = Answer::default();
        let satisfied = &decided.answer.satisfied;
        let first = satisfied.partition_point(|(other, _)| *other < at);
        for (_, policy) in satisfied[first..].iter().take_while(|(other, _)| *other == at) {
            match reason {
                Reason::Permitted => answer.permits.push(*policy),
                Reason::Forbidden => answer.forbids.push(*policy),
                _ => {}
            }
        }
        let errors = &decided.answer.errors;
        let first = errors.partition_point(|(other, ..)| *other < at);
        for (_, policy, failure) in errors[first..].iter().take_while(|(other, ..)| *other == at) {
            let is_forbid = snapshot
                .policies
                .get(*policy)
                .is_some_and(|policy| policy.effect == agentpdp_core::policies::Effect::Forbid);
            let list = if is_forbid { &mut answer.forbid_errors } else { &mut answer.permit_errors };
            list.push((*policy, *failure));
        }
        Decision::of_answer(py, reason, &answer, snapshot)
    }

    fn __iter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let this = slf.get();
        let all: Vec<Py<Decision>> =
            (0..this.reasons.len()).map(|row| this.__getitem__(slf.py(), row as isize)).collect::<PyResult<_>>()?;
        Ok(PyList::new(slf.py(), all)?.try_iter()?.into_any())
    }

    fn __bool__(&self) -> PyResult<bool> {
        Err(PyTypeError::new_err("decisions are neither true nor false: ask `.allowed`"))
    }

    fn __repr__(&self) -> String {
        let allow = self.reasons.iter().filter(|reason| **reason == Reason::Permitted).count();
        format!("Decisions({} rows: {allow} allow, {} deny)", self.reasons.len(), self.reasons.len() - allow)
    }

    /// How often kernels ran: typed, untyped, and over how many rows.
    #[getter]
    fn _kernel_runs(&self) -> (u64, u64, u64) {
        let mut runs = agentpdp_core::kernels::KernelRuns::default();
        self.parts.iter().for_each(|(_, decided)| runs.add(decided.answer.runs));
        (runs.typed, runs.untyped, runs.rows)
    }
}
