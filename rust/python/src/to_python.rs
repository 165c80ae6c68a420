//! Core values as Python hands them out.
//!
//! Extension values become what `input.rs` reads: `Decimal`, `datetime`, `timedelta`, and text for addresses.

use agentpdp_core::datetime::{Datetime, Duration};
use agentpdp_core::entities::Store;
use agentpdp_core::value::Value;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::grants::uid_of;

/// A value as a Python object; sets become lists, in the order of values.
pub(crate) fn value_to_python<'py>(py: Python<'py>, value: &Value, store: &Store) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Bool(flag) => flag.into_pyobject(py)?.to_owned().into_any(),
        Value::Long(integer) => integer.into_pyobject(py)?.into_any(),
        Value::String(text) => text.as_ref().into_pyobject(py)?.into_any(),
        Value::Entity(entity) => Bound::new(py, uid_of(store, *entity)?)?.into_any(),
        Value::Set(set) => {
            let members = set.values().iter().map(|member| value_to_python(py, member, store));
            PyList::new(py, members.collect::<PyResult<Vec<_>>>()?)?.into_any()
        }
        Value::Record(record) => {
            let dict = PyDict::new(py);
            for (name, value) in record.attributes() {
                dict.set_item(&**name, value_to_python(py, value, store)?)?;
            }
            dict.into_any()
        }
        Value::Decimal(number) => py.import("decimal")?.getattr("Decimal")?.call1((number.to_string(),))?,
        Value::Ip(range) => range.to_string().into_pyobject(py)?.into_any(),
        // Python's years end at 9999; what is beyond is given as Cedar writes it.
        Value::Datetime(time) => match python_time(py, *time) {
            Ok(found) => found,
            Err(_) => time.to_string().into_pyobject(py)?.into_any(),
        },
        Value::Duration(length) => match python_length(py, *length) {
            Ok(found) => found,
            Err(_) => length.to_string().into_pyobject(py)?.into_any(),
        },
    })
}

fn python_length<'py>(py: Python<'py>, length: Duration) -> PyResult<Bound<'py, PyAny>> {
    py.import("datetime")?.getattr("timedelta")?.call1((0, 0, 0, length.to_milliseconds()))
}

fn python_time<'py>(py: Python<'py>, time: Datetime) -> PyResult<Bound<'py, PyAny>> {
    let datetime = py.import("datetime")?;
    let utc = datetime.getattr("timezone")?.getattr("utc")?;
    let epoch = datetime.getattr("datetime")?.call1((1970, 1, 1, 0, 0, 0, 0, utc))?;
    epoch.call_method1("__add__", (python_length(py, Duration::from_milliseconds(time.milliseconds()))?,))
}
