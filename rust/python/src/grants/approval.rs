//! `ApprovalRequest`: what to show a person, and what to hand to `Engine.approve`.

use std::sync::Arc;

use agentpdp_cedar::input::Input;
use agentpdp_core::grants::Grant as CoreGrant;
use agentpdp_core::tasks::Digest;
use agentpdp_core::value::{EntityId, Value};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::to_python::input_to_python;
use crate::uid::EntityUid;

/// What somebody has to approve before one call is allowed.
#[pyclass(frozen, module = "agentpdp", name = "ApprovalRequest")]
pub(crate) struct ApprovalRequest {
    /// The call's digest.
    pub(crate) digest: Digest,
    /// Policies and the roles that they ask for, sorted.
    pub(crate) needed: Vec<(Arc<str>, Arc<str>)>,
    /// The grant of the call; none for a `start`.
    pub(crate) grant: Option<Arc<CoreGrant>>,
    /// For a `start`: the principal, the agent, the claims.
    pub(crate) start: Option<(EntityId, EntityId, Box<[Value]>)>,
    /// The engine's nonce.
    pub(crate) nonce: u32,
    /// The epoch of the decision that asks: what the policies' names stood for then is what is asked about.
    pub(crate) epoch: u64,
    /// Names of the tasks of the leaf, or of those to be started.
    #[pyo3(get)]
    pub(crate) tasks: Vec<String>,
    #[pyo3(get)]
    pub(crate) principal: Py<EntityUid>,
    #[pyo3(get)]
    pub(crate) agent: Py<EntityUid>,
    #[pyo3(get)]
    pub(crate) action: Py<EntityUid>,
    #[pyo3(get)]
    pub(crate) resource: Py<EntityUid>,
    /// Ids of the actions: the call's one, or one for each task of an order.
    pub(crate) actions: Vec<Arc<str>>,
    /// What the digest binds; whoever asks gets a copy.
    pub(crate) arguments: Input,
}

impl ApprovalRequest {
    /// The roles that are asked for, each once, sorted.
    pub(crate) fn roles(&self) -> Vec<String> {
        let mut roles: Vec<String> = self.needed.iter().map(|(_, role)| role.to_string()).collect();
        roles.sort_unstable();
        roles.dedup();
        roles
    }
}

#[pymethods]
impl ApprovalRequest {
    /// The call's digest, 64 hexadecimal digits.
    #[getter]
    fn digest(&self) -> String {
        let mut text = String::with_capacity(64);
        agentpdp_core::digest::write_hex(&mut text, &self.digest);
        text
    }

    /// What is to be handed to the tool, or what is asked of `start` or `delegate`; made anew each time.
    #[getter]
    fn arguments<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        input_to_python(py, &self.arguments)
    }

    /// Pairs of policy and role.
    #[getter]
    fn needed<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.needed.iter().map(|(policy, role)| (&**policy, &**role)))
    }

    /// The id of the grant that the call was made under; none for a `start`.
    #[getter]
    fn grant(&self) -> Option<String> {
        self.grant.as_ref().map(|grant| grant.id.to_string())
    }

    /// Everything that a person should see, as JSON-like data.
    fn to_json<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let json = PyDict::new(py);
        json.set_item("digest", self.digest())?;
        let needed = self.needed.iter().map(|(policy, role)| {
            let pair = PyDict::new(py);
            pair.set_item("policy", &**policy)?;
            pair.set_item("role", &**role)?;
            Ok(pair)
        });
        json.set_item("needed", needed.collect::<PyResult<Vec<_>>>()?)?;
        json.set_item("grant", self.grant())?;
        json.set_item("tasks", &self.tasks)?;
        for (name, uid) in [
            ("principal", &self.principal),
            ("agent", &self.agent),
            ("action", &self.action),
            ("resource", &self.resource),
        ] {
            json.set_item(name, uid.bind(py).str()?)?;
        }
        json.set_item("arguments", self.arguments(py)?)?;
        Ok(json)
    }

    fn __repr__(&self) -> String {
        let digest: String = self.digest().chars().take(12).collect();
        format!("ApprovalRequest(roles={:?}, digest={digest}…)", self.roles())
    }
}
