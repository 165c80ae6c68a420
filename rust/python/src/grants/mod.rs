//! Calls under grants: `Grant` and what `Engine` does for it.
//!
//! `clock.rs` says what time it is; `view.rs` keeps what is needed to read calls; `calls.rs` decides a call under a
//! grant; `orders.rs` starts, delegates, approves and revokes; `explain.rs` tells every question. Deciding itself is in
//! agentpdp-core.

pub(crate) mod approval;
pub(crate) mod approving;
pub(crate) mod batch;
pub(crate) mod call_decisions;
pub(crate) mod calls;
pub(crate) mod explain;
pub(crate) mod flat;
pub(crate) mod form;
pub(crate) mod input_source;
pub(crate) mod judging;
pub(crate) mod near;
pub(crate) mod order_reading;
pub(crate) mod orders;
pub(crate) mod read;
pub(crate) mod settled;
pub(crate) mod view;

use std::sync::Arc;

use agentpdp_core::chains::{Chain, Outlook};
use agentpdp_core::grants::Grant as CoreGrant;
use agentpdp_core::value::{EntityId, Value};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::decision::Decision;
use crate::engine::Engine;
use crate::grants::calls::CallParts;
use crate::grants::judging::Scene;
use crate::grants::orders::OrderParts;
use crate::to_python::value_to_python;
use crate::uid::EntityUid;

/// One issued task as its holder has it: it decides, hands on and closes, and does not lead back to the engine.
#[pyclass(frozen, module = "agentpdp", name = "Grant")]
pub(crate) struct Grant {
    pub(crate) engine: Py<Engine>,
    pub(crate) issued: Arc<CoreGrant>,
}

impl Grant {
    /// What is issued; an error if another engine did, as its numbers mean other entities.
    pub(crate) fn issued_by(&self, py: Python<'_>, engine: &Engine) -> PyResult<&Arc<CoreGrant>> {
        if self.engine.bind(py).get().nonce != engine.nonce {
            return Err(PyValueError::new_err("`grant` is a grant of this engine, and this is another's"));
        }
        Ok(&self.issued)
    }

    fn uid(&self, py: Python<'_>, entity: EntityId) -> PyResult<EntityUid> {
        uid_of(&self.engine.bind(py).get().core.load().store, entity)
    }
}

/// The uid of an entity of the store.
pub(crate) fn uid_of(store: &agentpdp_core::entities::Store, entity: EntityId) -> PyResult<EntityUid> {
    let (type_name, id) = store.uid(entity).map_or(("Unknown", ""), |(type_name, id)| (&**type_name, &**id));
    EntityUid::make(type_name, id)
}

#[pymethods]
impl Grant {
    /// The grant's id, 32 hexadecimal digits: a name, not a capability.
    #[getter]
    fn id(&self) -> String {
        self.issued.id.to_string()
    }

    #[getter]
    fn principal(&self, py: Python<'_>) -> PyResult<EntityUid> {
        self.uid(py, self.issued.tree.principal)
    }

    #[getter]
    fn agent(&self, py: Python<'_>) -> PyResult<EntityUid> {
        self.uid(py, self.issued.agent)
    }

    /// Names of its tasks, in the order asked for.
    #[getter]
    fn tasks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.issued.scope.texts.iter().map(|(name, _)| &**name))
    }

    /// The parameters' values by name; where two tasks have one name, the first task's.
    #[getter]
    fn params<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let snapshot = self.engine.bind(py).get().core.snapshot();
        let params = PyDict::new(py);
        let mut values: std::slice::Iter<'_, Value> = self.issued.params().iter();
        for names in &self.issued.scope.params {
            for name in names {
                let Some(value) = values.next() else { break };
                if !params.contains(&**name)? {
                    params.set_item(&**name, value_to_python(py, value, &snapshot.store)?)?;
                }
            }
        }
        Ok(params)
    }

    #[getter]
    fn depth(&self) -> u16 {
        self.issued.depth
    }

    /// Valid from then on, in milliseconds UTC.
    #[getter]
    fn valid_from(&self) -> i64 {
        self.issued.valid_from_ms
    }

    /// Valid before then, in milliseconds UTC.
    #[getter]
    fn expires(&self) -> i64 {
        self.issued.expires_ms
    }

    /// The id of the grant that it was delegated under; none for a root.
    #[getter]
    fn parent(&self) -> Option<String> {
        self.issued.parent.as_ref().map(|parent| parent.id.to_string())
    }

    #[pyo3(signature = (action, arguments=None, *, resource=None, context=None, at=None))]
    fn decide(
        &self,
        py: Python<'_>,
        action: &Bound<'_, PyAny>,
        arguments: Option<&Bound<'_, PyAny>>,
        resource: Option<&Bound<'_, PyAny>>,
        context: Option<&Bound<'_, PyAny>>,
        at: Option<i64>,
    ) -> PyResult<Py<Decision>> {
        let parts = CallParts { action, arguments, resource, context };
        calls::decide(py, self.engine.bind(py).get(), &self.issued, parts, at)
    }

    #[pyo3(signature = (action, arguments=None, *, resource=None, context=None, at=None))]
    fn require(
        &self,
        py: Python<'_>,
        action: &Bound<'_, PyAny>,
        arguments: Option<&Bound<'_, PyAny>>,
        resource: Option<&Bound<'_, PyAny>>,
        context: Option<&Bound<'_, PyAny>>,
        at: Option<i64>,
    ) -> PyResult<Py<Decision>> {
        orders::required(py, self.decide(py, action, arguments, resource, context, at)?)
    }

    #[pyo3(signature = (
        task, *, agent, params=None, only_actions=None, only_resources=None, expires_in=None, at=None
    ))]
    #[expect(clippy::too_many_arguments, reason = "they are the parameters of the Python method")]
    fn delegate(
        &self,
        py: Python<'_>,
        task: &Bound<'_, PyAny>,
        agent: &Bound<'_, PyAny>,
        params: Option<&Bound<'_, PyAny>>,
        only_actions: Option<&Bound<'_, PyAny>>,
        only_resources: Option<&Bound<'_, PyAny>>,
        expires_in: Option<&Bound<'_, PyAny>>,
        at: Option<i64>,
    ) -> PyResult<Self> {
        let parts = OrderParts { params, only_actions, only_resources, expires_in, ..OrderParts::new(task, agent) };
        let issued = orders::issue(py, self.engine.bind(py).get(), Some(&self.issued), &parts, at)?;
        Ok(Self { engine: self.engine.clone_ref(py), issued })
    }

    /// What to expect of each tool: `"never"`, `"always"` or `"depends"`.
    #[pyo3(signature = (*, at=None))]
    fn actions<'py>(&self, py: Python<'py>, at: Option<i64>) -> PyResult<Bound<'py, PyDict>> {
        let engine = self.engine.bind(py).get();
        let now_ms = self.issued.tree.advance(engine.clock.now_ms(py, at)?);
        engine.with_scene(py, now_ms, |scene| {
            let Scene { snapshot, declarations, view, .. } = scene;
            let holds = !engine.is_forked()
                && engine.core.grants.status(&self.issued, declarations, snapshot.generation, now_ms).is_ok();
            let chain = holds.then(|| Chain::of(&self.issued, snapshot, declarations)).flatten();
            let found = PyDict::new(py);
            for (name, action) in view.tools() {
                let outlook =
                    chain.as_ref().map_or(Outlook::Never, |chain| chain.outlook(action, snapshot, declarations));
                found.set_item(name, outlook.name())?;
            }
            Ok(found)
        })
    }

    /// Ends the grant: nothing under it works any more.
    fn close(&self, py: Python<'_>) {
        self.engine.bind(py).get().core.grants.close(&self.issued);
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        _exception_type: &Bound<'_, PyAny>,
        _exception: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) {
        self.close(py);
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let tasks: Vec<&str> = self.issued.scope.texts.iter().map(|(name, _)| &**name).collect();
        let agent = self.agent(py)?;
        Ok(format!("Grant({}, agent={}, depth={})", tasks.join("+"), agent.text(), self.issued.depth))
    }
}
