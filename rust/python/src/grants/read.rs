//! Reading what a call under a grant hands in: arguments and the host's own context.

use agentpdp_core::decision::{Reason, Stage};
use agentpdp_core::grant_slots::RESERVED;
use agentpdp_core::slots::RecordPlan;
use agentpdp_core::value::EntityId;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};

use crate::context::{ContextReader, Readings, diagnose_record};
use crate::decision::{Decision, UnderGrant};
use crate::grants::calls::Scene;
use crate::grants::view::CallReader;

/// Why a call is refused before any policy is asked.
pub(crate) struct Refused {
    pub(crate) reason: Reason,
    pub(crate) detail: Option<String>,
    /// The argument, and what would be right.
    pub(crate) argument: Option<(String, String)>,
}

impl Refused {
    pub(crate) fn new(reason: Reason, detail: Option<String>) -> Self {
        Self { reason, detail, argument: None }
    }

    /// Of two readings the refusal that comes first; the arguments' wins a tie.
    pub(crate) fn first(
        arguments: Result<Option<EntityId>, Self>,
        host: Result<(), Self>,
    ) -> Result<Option<EntityId>, Self> {
        match (arguments, host) {
            (Ok(found), Ok(())) => Ok(found),
            (Err(refused), Ok(())) | (Ok(_), Err(refused)) => Err(refused),
            (Err(arguments), Err(host)) if host.rank() < arguments.rank() => Err(host),
            (Err(arguments), Err(_)) => Err(arguments),
        }
    }

    fn rank(&self) -> u8 {
        match self.reason {
            Reason::ContextReserved => 0,
            Reason::ArgumentUnknown => 1,
            Reason::ArgumentMissing => 2,
            Reason::ArgumentType => 3,
            _ => 4,
        }
    }

    /// The decision that follows.
    pub(crate) fn decision(self, py: Python<'_>, epoch: u64) -> PyResult<Py<Decision>> {
        let under = UnderGrant { stage: Some(Stage::Arguments), argument: self.argument, ..UnderGrant::default() };
        Decision::refused_under(py, self.reason, self.detail, epoch, under)
    }
}

/// Reads the arguments; gives the entity that they name as the resource, where the action's rule says so.
pub(crate) fn read_arguments<'py>(
    arguments: Option<&Bound<'py, PyAny>>,
    call: &CallReader,
    scene: Scene<'_>,
    reader: &mut ContextReader<'_, '_>,
    readings: &mut Readings<'py>,
) -> Result<Option<EntityId>, Refused> {
    let _ = scene;
    let Some((input, keys)) = &call.input else { return Ok(None) };
    read_record(arguments, input, keys, "input", reader, readings)?;
    Ok(None)
}

/// Reads the host's own context.
pub(crate) fn read_host_context<'py>(
    context: Option<&Bound<'py, PyAny>>,
    call: &CallReader,
    reader: &mut ContextReader<'_, '_>,
    readings: &mut Readings<'py>,
) -> Result<(), Refused> {
    if let Some(dict) = context.and_then(|context| context.cast::<PyDict>().ok()) {
        let is_reserved = |name: &&&str| dict.contains(**name).unwrap_or(true);
        if let Some(name) = RESERVED.iter().find(is_reserved) {
            let detail = format!("`context.{name}` is given by the engine: name it otherwise");
            return Err(Refused::new(Reason::ContextReserved, Some(detail)));
        }
    }
    read_record(context, &call.host, &call.host_keys, "context", reader, readings)
}

fn read_record<'py>(
    value: Option<&Bound<'py, PyAny>>,
    plan: &RecordPlan,
    keys: &crate::context::RecordKeys,
    path: &str,
    reader: &mut ContextReader<'_, '_>,
    readings: &mut Readings<'py>,
) -> Result<(), Refused> {
    let value = value.filter(|value| !value.is_none());
    if reader.read_plan(value, plan, keys, readings).is_ok() {
        return Ok(());
    }
    let (reason, detail) = diagnose_record(value, plan, path, reader);
    Err(Refused::new(reason, Some(detail)))
}

/// The arguments as they are to be run: a copy, so that what was judged cannot change afterwards.
pub(crate) fn judged(py: Python<'_>, arguments: Option<&Bound<'_, PyAny>>) -> PyResult<Py<PyAny>> {
    match arguments.filter(|arguments| !arguments.is_none()) {
        None => Ok(PyDict::new(py).into_any().unbind()),
        Some(arguments) => Ok(copy(arguments)?.unbind()),
    }
}

fn copy<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = value.py();
    if let Ok(dict) = value.cast::<PyDict>() {
        let made = dict.copy()?;
        for (name, value) in dict.iter() {
            if value.is_instance_of::<PyDict>() || value.is_instance_of::<PyList>() {
                made.set_item(name, copy(&value)?)?;
            }
        }
        return Ok(made.into_any());
    }
    if let Ok(list) = value.cast::<PyList>() {
        let members = list.iter().map(|member| copy(&member)).collect::<PyResult<Vec<_>>>()?;
        return Ok(PyList::new(py, members)?.into_any());
    }
    if value.is_instance_of::<PyString>() || value.hasattr("keys").is_ok_and(|has| !has) {
        return Ok(value.clone());
    }
    let made = PyDict::new(py);
    made.update(value.cast::<pyo3::types::PyMapping>()?)?;
    Ok(made.into_any())
}
