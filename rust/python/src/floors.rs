//! What a call costs before anything is decided: the floors that benches are measured against.
//!
//! They take the arguments of `authorize`, or of `Grant.decide` and the grant, read them and return an object that is
//! already there. Not part of the API.

use std::hash::BuildHasher;
use std::hint::black_box;

use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyList, PyString};

use crate::grants::Grant;
use crate::uid::EntityUid;

static HASHER: foldhash::fast::FixedState = foldhash::fast::FixedState::with_seed(0);

/// Takes four arguments and does nothing.
#[pyfunction]
#[pyo3(signature = (_principal, _action, _resource, _context))]
pub(crate) fn _floor_empty(
    _principal: &Bound<'_, PyAny>,
    _action: &Bound<'_, PyAny>,
    _resource: &Bound<'_, PyAny>,
    _context: &Bound<'_, PyAny>,
) {
}

/// Hashes three names and reads every string and integer of `context["input"]`.
#[pyfunction]
#[pyo3(signature = (principal, action, resource, context))]
pub(crate) fn _floor_read(
    principal: &Bound<'_, PyAny>,
    action: &Bound<'_, PyAny>,
    resource: &Bound<'_, PyAny>,
    context: &Bound<'_, PyAny>,
) -> PyResult<()> {
    for uid in [principal, action, resource] {
        let uid = uid.cast::<EntityUid>()?.get();
        black_box(HASHER.hash_one((&*uid.type_name, &*uid.id)));
    }
    let py = context.py();
    let input = context
        .cast::<PyDict>()?
        .get_item(intern!(py, "input"))?
        .ok_or_else(|| PyTypeError::new_err("context has no `input`"))?;
    read_all(input.cast::<PyDict>()?)
}

/// The read floor on each dict of a list, with keys `principal`, `action`, `resource`, `context`.
#[pyfunction]
#[pyo3(signature = (rows))]
pub(crate) fn _floor_read_batch(rows: &Bound<'_, PyList>) -> PyResult<()> {
    let py = rows.py();
    let missing = || PyTypeError::new_err("a row has `principal`, `action`, `resource` and `context`");
    for row in rows.iter() {
        let row = row.cast::<PyDict>()?;
        _floor_read(
            &row.get_item(intern!(py, "principal"))?.ok_or_else(missing)?,
            &row.get_item(intern!(py, "action"))?.ok_or_else(missing)?,
            &row.get_item(intern!(py, "resource"))?.ok_or_else(missing)?,
            &row.get_item(intern!(py, "context"))?.ok_or_else(missing)?,
        )?;
    }
    Ok(())
}

/// Takes a grant, an action and arguments, and does nothing.
#[pyfunction]
#[pyo3(signature = (_grant, _action, _arguments))]
pub(crate) fn _floor_call_empty(_grant: &Bound<'_, PyAny>, _action: &Bound<'_, PyAny>, _arguments: &Bound<'_, PyAny>) {}

/// Looks at a grant, hashes the action's name, reads every string and integer of the arguments, and returns the action.
#[pyfunction]
#[pyo3(signature = (grant, action, arguments))]
pub(crate) fn _floor_call<'py>(
    grant: &Bound<'py, PyAny>,
    action: &Bound<'py, PyAny>,
    arguments: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    black_box(grant.cast::<Grant>()?.get());
    black_box(HASHER.hash_one(action.cast::<PyString>()?.to_str()?));
    read_all(arguments.cast::<PyDict>()?)?;
    Ok(action.clone())
}

fn read_all(input: &Bound<'_, PyDict>) -> PyResult<()> {
    for (_, value) in input.iter() {
        if let Ok(text) = value.cast::<PyString>() {
            black_box(text.to_str()?);
        } else {
            black_box(value.cast::<PyInt>()?.extract::<i64>()?);
        }
    }
    Ok(())
}
