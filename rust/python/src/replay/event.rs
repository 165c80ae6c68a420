//! A line of JSON as Python's reader would give it, for what is no call.

use agentpdp_arguments::json::Json;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use agentpdp_cedar::recorded::{read_plain, text_of, whole};

/// The object that a line holds; none for whatever is not plain, which Python reads.
#[pyfunction]
#[pyo3(signature = (line, /))]
pub(crate) fn _read_line<'py>(line: &Bound<'py, PyBytes>) -> PyResult<Option<Bound<'py, PyDict>>> {
    let Some(found) = text_of(line.as_bytes()).and_then(read_plain) else { return Ok(None) };
    Ok(python(line.py(), &found)?.cast_into().ok())
}

fn python<'py>(py: Python<'py>, value: &Json<'_>) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Json::Null | Json::Broken => py.None().into_bound(py),
        Json::Bool(flag) => flag.into_pyobject(py)?.to_owned().into_any(),
        Json::Number(text) => match whole(value) {
            Some(integer) => integer.into_pyobject(py)?.into_any(),
            None => text.parse::<f64>()?.into_pyobject(py)?.into_any(),
        },
        Json::Text(text) => text.as_ref().into_pyobject(py)?.into_any(),
        Json::List(members) => {
            let members = members.iter().map(|member| python(py, member));
            PyList::new(py, members.collect::<PyResult<Vec<_>>>()?)?.into_any()
        }
        Json::Object(members) => {
            let dict = PyDict::new(py);
            for (name, member) in &members.pairs {
                dict.set_item(name.as_deref(), python(py, member)?)?;
            }
            dict.into_any()
        }
    })
}
