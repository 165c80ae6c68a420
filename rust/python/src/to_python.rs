//! Core values as Python hands them out.
//!
//! Extension values become what `input.rs` reads: `Decimal`, `datetime`, `timedelta`, and text for addresses.

use agentpdp_cedar::input::Input;
use agentpdp_core::datetime::{Datetime, Duration};
use agentpdp_core::entities::Store;
use agentpdp_core::value::Value;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::grants::uid_of;
use crate::uid::EntityUid;

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

/// What was read of a Python or Arrow value, as a Python object again.
pub(crate) fn input_to_python<'py>(py: Python<'py>, input: &Input) -> PyResult<Bound<'py, PyAny>> {
    Ok(match input {
        Input::Null => py.None().into_bound(py),
        Input::Bool(flag) => flag.into_pyobject(py)?.to_owned().into_any(),
        Input::Long(integer) => integer.into_pyobject(py)?.into_any(),
        Input::Float(double) => double.into_pyobject(py)?.into_any(),
        Input::Number(text) => {
            let is_whole = text.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit());
            let (module, class) = if is_whole { ("builtins", "int") } else { ("decimal", "Decimal") };
            py.import(module)?.getattr(class)?.call1((text,))?
        }
        // Nothing is run of what no reader takes.
        Input::Broken | Input::Foreign => py.None().into_bound(py),
        Input::String(text) => text.into_pyobject(py)?.into_any(),
        Input::List(members) => {
            let members = members.iter().map(|member| input_to_python(py, member));
            PyList::new(py, members.collect::<PyResult<Vec<_>>>()?)?.into_any()
        }
        Input::Object(members) => {
            let dict = PyDict::new(py);
            for (name, member) in members {
                dict.set_item(name, input_to_python(py, member)?)?;
            }
            dict.into_any()
        }
        Input::Uid { type_name, id } => Bound::new(py, EntityUid::make(type_name, id)?)?.into_any(),
        // What was an address stays one, as its digest is another than its text's.
        Input::Value(Value::Ip(range)) => {
            py.import("ipaddress")?.getattr("ip_interface")?.call1((range.to_string(),))?
        }
        Input::Value(value) => value_to_python(py, value, &Store::default())?,
    })
}
