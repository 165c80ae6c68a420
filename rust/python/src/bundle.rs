//! `Bundle` and `Finding`: loading, with what is wrong as data.

use std::ops::ControlFlow;

use agentpdp_cedar::bundle::{Delegation, Ids, Loaded, Sources, delegation_json, load, policies_json};
use agentpdp_cedar::finding::Finding as CedarFinding;
use agentpdp_core::authorize::OnError;
use agentpdp_core::engine::Snapshot;
use agentpdp_core::entities::Store;
use pyo3::exceptions::{PyKeyError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors;
use crate::grants::view::HostAction;

/// One thing that is wrong or doubtful in a bundle.
#[pyclass(frozen, module = "agentpdp", name = "Finding", get_all, eq, hash)]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Finding {
    /// What kind it is, by the table of codes.
    code: String,
    /// `"error"` or `"warning"`.
    severity: String,
    /// The file, by its path in the bundle.
    file: String,
    /// The line, counted from 1.
    line: Option<u32>,
    /// The column, counted from 1, in characters.
    column: Option<u32>,
    /// The policy, by its id.
    policy: Option<String>,
    /// What is wrong.
    message: String,
    /// What would be right; may be empty.
    advice: String,
}

impl From<&CedarFinding> for Finding {
    fn from(finding: &CedarFinding) -> Self {
        Self {
            code: finding.code.name().to_owned(),
            severity: finding.severity.name().to_owned(),
            file: finding.file.to_string(),
            line: finding.line,
            column: finding.column,
            policy: finding.policy.as_ref().map(ToString::to_string),
            message: finding.message.clone(),
            advice: finding.advice.clone(),
        }
    }
}

#[pymethods]
impl Finding {
    #[new]
    #[pyo3(signature = (code, severity, file, message, advice, *, line=None, column=None, policy=None))]
    #[allow(clippy::too_many_arguments)] // the fields, one by one
    fn new(
        code: String,
        severity: String,
        file: String,
        message: String,
        advice: String,
        line: Option<u32>,
        column: Option<u32>,
        policy: Option<String>,
    ) -> Self {
        Self { code, severity, file, line, column, policy, message, advice }
    }

    fn __str__(&self) -> String {
        let mut text = self.file.clone();
        for number in [self.line, self.column].into_iter().flatten() {
            text.push_str(&format!(":{number}"));
        }
        text.push_str(&format!(": {} {}: {}", self.severity, self.code, self.message));
        if !self.advice.is_empty() {
            text.push_str(&format!(" ({})", self.advice));
        }
        text
    }

    fn __repr__(&self) -> String {
        format!("Finding({:?})", self.__str__())
    }
}

/// Everything that a deployment decides by, compiled.
#[pyclass(frozen, subclass, module = "agentpdp._core", name = "Bundle")]
pub(crate) struct Bundle {
    digest: String,
    sources: Sources,
    loaded: Loaded,
    initial: Snapshot,
}

impl Bundle {
    pub(crate) fn initial(&self) -> &Snapshot {
        &self.initial
    }

    /// The host's actions.
    pub(crate) fn host_actions(&self) -> Vec<HostAction> {
        host_actions(&self.loaded)
    }

    /// Loads the bundle again over a store whose numbers go on.
    pub(crate) fn load_over(&self, base: Store) -> Loaded {
        let sources = Sources { base: Some(base), ..self.sources.clone() };
        load(&sources, &mut |_, _| ControlFlow::Continue(()))
    }

    pub(crate) fn name_or_empty(&self) -> &str {
        self.loaded.name.as_deref().unwrap_or_default()
    }
}

/// The host's actions of a bundle.
pub(crate) fn host_actions(loaded: &Loaded) -> Vec<HostAction> {
    let of = |delegation: &Delegation| {
        let host = |(action, _)| HostAction { action, plan: delegation.plan(action).cloned() };
        delegation.host_actions().into_iter().map(host).collect()
    };
    loaded.delegation.as_ref().map(of).unwrap_or_default()
}

#[pymethods]
impl Bundle {
    #[new]
    #[pyo3(signature = (*, files, digest, ids="annotation", validate=true, progress=None))]
    fn new(
        py: Python<'_>,
        files: Vec<(String, String)>,
        digest: String,
        ids: &str,
        validate: bool,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let ids = match ids {
            "annotation" => Ids::Annotation,
            "position" => Ids::Position,
            _ => return Err(PyValueError::new_err("ids is `\"annotation\"` or `\"position\"`")),
        };
        let sources = Sources {
            digest: digest_bytes(&digest)?,
            ids,
            validate,
            seed: std::hash::BuildHasher::hash_one(&std::collections::hash_map::RandomState::new(), "uids"),
            ..Sources::of_files(files)
        };
        let mut raised: Option<PyErr> = None;
        let mut tell = |done: usize, total: usize| {
            let Some(progress) = &progress else { return ControlFlow::Continue(()) };
            match Python::attach(|py| progress.call1(py, (done, total)).map(|_| ())) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    raised = Some(error);
                    ControlFlow::Break(())
                }
            }
        };
        let loaded = py.detach(|| load(&sources, &mut tell));
        if let Some(error) = raised {
            return Err(error);
        }
        match loaded.compiled.clone() {
            Some(initial) => Ok(Self { digest, sources, loaded, initial }),
            None => Err(errors::bundle(py, loaded.findings.iter().map(Finding::from).collect())),
        }
    }

    /// A name for people, if the bundle has one.
    #[getter]
    fn name(&self) -> Option<&str> {
        self.loaded.name.as_deref()
    }

    /// SHA-256 of the content, 64 hexadecimal digits.
    #[getter]
    fn digest(&self) -> &str {
        &self.digest
    }

    /// What an erring forbid does: `"deny"` or `"cedar"`.
    #[getter]
    fn on_error(&self) -> &'static str {
        match self.loaded.on_error {
            OnError::Deny => "deny",
            OnError::Cedar => "cedar",
        }
    }

    /// Ids of the static policies, in the order of the files.
    #[getter]
    fn policies<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, pyo3::types::PyTuple>> {
        let ids = self.loaded.policies.iter().filter(|place| !place.is_template).map(|place| &*place.id);
        pyo3::types::PyTuple::new(py, ids.collect::<Vec<_>>())
    }

    /// Ids of the templates, in the order of the files.
    #[getter]
    fn templates<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, pyo3::types::PyTuple>> {
        let ids = self.loaded.policies.iter().filter(|place| place.is_template).map(|place| &*place.id);
        pyo3::types::PyTuple::new(py, ids.collect::<Vec<_>>())
    }

    /// Whether the bundle has a schema.
    #[getter]
    fn has_schema(&self) -> bool {
        self.initial.compiled.schema.is_some()
    }

    /// Number of entities that the bundle brings.
    #[getter]
    fn entity_count(&self) -> usize {
        self.initial.store.entity_count()
    }

    /// What is wrong or doubtful, by file and place.
    #[getter]
    fn findings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, pyo3::types::PyTuple>> {
        let findings: Vec<Finding> = self.loaded.findings.iter().map(Finding::from).collect();
        pyo3::types::PyTuple::new(py, findings)
    }

    /// Names of the tasks, sorted.
    #[getter]
    fn tasks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, pyo3::types::PyTuple>> {
        let names = self.loaded.delegation.iter().flat_map(Delegation::tasks);
        pyo3::types::PyTuple::new(py, names.collect::<Vec<_>>())
    }

    /// What a bundle with tasks declares, and what its review says, as JSON text; none for a plain bundle.
    fn _declared(&self) -> Option<(String, String)> {
        let delegation = self.loaded.delegation.as_ref()?;
        Some((delegation.json.to_string(), delegation.review.to_string()))
    }

    /// The text of the schema, of a bundle with tasks the ceiling's or a task's; empty if there is none.
    #[pyo3(signature = (task=None))]
    fn schema_text(&self, task: Option<&str>) -> PyResult<String> {
        match (&self.loaded.delegation, task) {
            (Some(delegation), task) => delegation
                .schema_text(task)
                .ok_or_else(|| PyKeyError::new_err(format!("there is no task {:?}", task.unwrap_or_default()))),
            (None, Some(task)) => Err(PyKeyError::new_err(format!("there is no task {task:?}: the bundle is plain"))),
            (None, None) => Ok(self.sources.schema.as_ref().map_or_else(String::new, |(_, text)| text.clone())),
        }
    }

    /// Policies in Cedar's JSON form, the resolved schema, the entities: what the reference decides by.
    fn to_json<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let wrong = |message: String| PyRuntimeError::new_err(message);
        let loads = py.import("json")?.getattr("loads")?;
        let policies = py
            .detach(|| policies_json(&self.sources, &self.loaded))
            .ok_or_else(|| wrong("the policies have no JSON form".to_owned()))?;
        let json = PyDict::new(py);
        json.set_item("policies", loads.call1((policies.to_string(),))?)?;
        match self.loaded.schema_json() {
            Some(schema) => json.set_item("schema", loads.call1((schema.to_string(),))?)?,
            None => json.set_item("schema", py.None())?,
        }
        let entities = self.sources.entities.as_ref().map_or("[]", |(_, text)| text);
        json.set_item("entities", loads.call1((entities,))?)?;
        json.set_item("on_error", self.on_error())?;
        if let Some(delegation) = py.detach(|| delegation_json(&self.sources, &self.loaded)) {
            json.set_item("delegation", loads.call1((delegation.to_string(),))?)?;
        }
        Ok(json)
    }

    fn __repr__(&self) -> String {
        let digest: String = self.digest.chars().take(12).collect();
        format!("Bundle({:?}, policies={}, digest={digest}…)", self.name_or_empty(), self.loaded.policies.len())
    }
}

/// A digest of 64 hexadecimal digits as bytes.
fn digest_bytes(text: &str) -> PyResult<[u8; 32]> {
    let wrong = || PyValueError::new_err("a digest is 64 hexadecimal digits");
    let digits: Vec<u32> = text.chars().map(|digit| digit.to_digit(16)).collect::<Option<_>>().ok_or_else(wrong)?;
    let pairs = digits.chunks_exact(2).filter_map(|pair| match pair {
        [high, low] => u8::try_from(high * 16 + low).ok(),
        _ => None,
    });
    pairs.collect::<Vec<u8>>().try_into().map_err(|_| wrong())
}
