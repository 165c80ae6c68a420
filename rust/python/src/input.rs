//! Python values as the Cedar reader takes them.
//!
//! `bool` is Bool before it is `int`; whole floats are integers; NumPy numbers count by value; `Decimal`, `datetime`,
//! `timedelta` and `ipaddress` objects are Cedar's extension values where they can be held exactly. What Cedar cannot
//! hold becomes an input that the reader refuses, so the call is denied and nothing raises.

use agentpdp_cedar::input::Input;
use agentpdp_core::datetime::{Datetime, Duration};
use agentpdp_core::decimal::Decimal;
use agentpdp_core::ipaddr::IpNet;
use agentpdp_core::value::Value;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PyMapping, PyNone, PySet, PyString, PyTuple};

use crate::uid::EntityUid;

/// Deepest nesting of a Python value that is read.
pub(crate) const NESTING_MAX: usize = 64;

static EPOCH: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// Bits of the largest integer that is read: Python writes its digits whatever its own limit is.
const INTEGER_BITS_MAX: u64 = 2_048;

/// Characters of the longest decimal that is read among arguments.
const DECIMAL_DIGITS_MAX: usize = 640;

/// Reads a Python value; whatever has no counterpart becomes an input that every reader refuses. Only `None` is null:
/// a value that cannot be read must never pass for one that is not there.
pub(crate) fn to_input(value: &Bound<'_, PyAny>) -> Input {
    read(value, Place { depth: 0, is_json: false }).unwrap_or(Input::Foreign)
}

/// Reads an agent's arguments: as any value, but JSON has no sets, and a `Decimal` is a number by its text.
pub(crate) fn to_arguments(value: &Bound<'_, PyAny>) -> Input {
    read(value, Place { depth: 0, is_json: true }).unwrap_or(Input::Foreign)
}

/// Where in a value something stands.
#[derive(Clone, Copy)]
struct Place {
    depth: usize,
    /// Whether it is read as JSON has it.
    is_json: bool,
}

impl Place {
    fn within(self) -> Self {
        Self { depth: self.depth + 1, ..self }
    }
}

fn read(value: &Bound<'_, PyAny>, place: Place) -> PyResult<Input> {
    if value.is_instance_of::<PyNone>() {
        return Ok(Input::Null);
    }
    if place.depth > NESTING_MAX {
        return Ok(Input::Foreign);
    }
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(Input::Bool(flag.is_true()));
    }
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(text.to_str().map_or(Input::Broken, |text| Input::String(text.to_owned())));
    }
    if value.is_instance_of::<PyInt>() {
        return value.extract::<i64>().map_or_else(|_| read_large(value), |integer| Ok(Input::Long(integer)));
    }
    if let Ok(float) = value.cast::<PyFloat>() {
        return Ok(Input::of_float(float.value()));
    }
    if let Ok(uid) = value.cast::<EntityUid>() {
        let uid = uid.get();
        return Ok(Input::Uid { type_name: uid.type_name.to_string(), id: uid.id.to_string() });
    }
    if let Ok(dict) = value.cast::<PyDict>() {
        return read_dict(dict, place);
    }
    if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        return read_members(value, place);
    }
    if value.is_instance_of::<PySet>() || value.is_instance_of::<PyFrozenSet>() {
        return if place.is_json { Ok(Input::Foreign) } else { read_members(value, place) };
    }
    read_other(value, place)
}

/// An integer beyond 64 bits, by its digits.
#[cold]
fn read_large(value: &Bound<'_, PyAny>) -> PyResult<Input> {
    let bits: u64 = value.call_method0("bit_length")?.extract()?;
    if bits > INTEGER_BITS_MAX {
        return Ok(Input::Foreign);
    }
    // A subclass may write itself in other ways.
    let digits = value.py().get_type::<PyInt>().call_method1("__repr__", (value,))?;
    Ok(Input::Number(digits.extract()?))
}

fn read_members(value: &Bound<'_, PyAny>, place: Place) -> PyResult<Input> {
    value.try_iter()?.map(|member| read(&member?, place.within())).collect::<PyResult<_>>().map(Input::List)
}

fn read_dict(dict: &Bound<'_, PyDict>, place: Place) -> PyResult<Input> {
    let mut attributes = Vec::with_capacity(dict.len());
    for (name, value) in dict.iter() {
        let Ok(name) = name.cast::<PyString>() else { return Ok(Input::Foreign) };
        let Ok(name) = name.to_str() else { return Ok(Input::Foreign) };
        attributes.push((name.to_owned(), read(&value, place.within())?));
    }
    Ok(Input::Object(attributes))
}

/// Everything that is not a plain JSON value.
fn read_other(value: &Bound<'_, PyAny>, place: Place) -> PyResult<Input> {
    let py = value.py();
    if let Some(found) = read_extension(value, place)? {
        return Ok(found);
    }
    if let Ok(mapping) = value.cast::<PyMapping>() {
        let dict = PyDict::new(py);
        dict.update(mapping)?;
        return read_dict(&dict, place);
    }
    if is_numpy(value) {
        return read_numpy(value, place);
    }
    Ok(Input::Foreign)
}

/// A NumPy scalar or array of booleans, numbers or text.
fn read_numpy(value: &Bound<'_, PyAny>, place: Place) -> PyResult<Input> {
    let kind: String = value.getattr("dtype")?.getattr("kind")?.extract()?;
    if !matches!(kind.as_str(), "b" | "i" | "u" | "f" | "U" | "O") {
        return Ok(Input::Foreign);
    }
    let plain = value.call_method0("tolist")?;
    if is_numpy(&plain) { Ok(Input::Foreign) } else { read(&plain, place.within()) }
}

pub(crate) fn is_numpy(value: &Bound<'_, PyAny>) -> bool {
    let module = value.get_type().module();
    module.is_ok_and(|module| module.to_str().is_ok_and(|module| module == "numpy" || module.starts_with("numpy.")))
}

/// Classes of the standard library that are Cedar's extension values.
struct Classes {
    decimal: Py<PyAny>,
    datetime: Py<PyAny>,
    timedelta: Py<PyAny>,
    addresses: Py<PyAny>,
}

static CLASSES: PyOnceLock<Classes> = PyOnceLock::new();

fn classes(py: Python<'_>) -> PyResult<&Classes> {
    CLASSES.get_or_try_init(py, || {
        let of = |module: &str, name: &str| -> PyResult<Bound<'_, PyAny>> { py.import(module)?.getattr(name) };
        let addresses = ["IPv4Address", "IPv6Address", "IPv4Network", "IPv6Network", "IPv4Interface", "IPv6Interface"];
        let addresses: Vec<_> = addresses.iter().map(|name| of("ipaddress", name)).collect::<PyResult<_>>()?;
        Ok(Classes {
            decimal: of("decimal", "Decimal")?.unbind(),
            datetime: of("datetime", "datetime")?.unbind(),
            timedelta: of("datetime", "timedelta")?.unbind(),
            addresses: PyTuple::new(py, addresses)?.into_any().unbind(),
        })
    })
}

fn read_extension(value: &Bound<'_, PyAny>, place: Place) -> PyResult<Option<Input>> {
    let py = value.py();
    let classes = classes(py)?;
    Ok(if value.is_instance(classes.decimal.bind(py))? {
        Some(if place.is_json { read_number(value)? } else { read_decimal(value)? })
    } else if value.is_instance(classes.datetime.bind(py))? {
        Some(read_datetime(value)?)
    } else if value.is_instance(classes.timedelta.bind(py))? {
        let length = milliseconds(value)?;
        Some(length.map_or(Input::Foreign, |length| Input::Value(Value::Duration(Duration::from_milliseconds(length)))))
    } else if value.is_instance(classes.addresses.bind(py))? {
        let text = cedar_address(value.str()?.extract()?);
        Some(IpNet::parse(&text).map_or(Input::Foreign, |range| Input::Value(Value::Ip(range))))
    } else {
        None
    })
}

/// Exponents of the first digit that a Cedar decimal can have.
const DECIMAL_EXPONENTS: std::ops::Range<i64> = -4..20;

/// A `Decimal` as a number, with the digits that it has.
fn read_number(value: &Bound<'_, PyAny>) -> PyResult<Input> {
    let decimal = classes(value.py())?.decimal.bind(value.py());
    let text: String = decimal.call_method1("__str__", (value,))?.extract()?;
    let is_number = text.len() <= DECIMAL_DIGITS_MAX && text.ends_with(|end: char| end.is_ascii_digit());
    // A NaN may end in digits, too, and only a number begins with one.
    let begins = text.trim_start_matches('-').starts_with(|first: char| first.is_ascii_digit());
    let is_whole = text.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit());
    Ok(match is_number && begins {
        // A power of ten tells a decimal from an integer when it is handed on.
        true if is_whole => Input::Number(text + "e0"),
        true => Input::Number(text),
        false => Input::Foreign,
    })
}

/// A `Decimal` that four places hold exactly. Its size is looked at first, as `1e-999999999` is short.
fn read_decimal(value: &Bound<'_, PyAny>) -> PyResult<Input> {
    if !value.call_method0("is_finite")?.is_truthy()? {
        return Ok(Input::Foreign);
    }
    if !value.is_truthy()? {
        return Ok(Decimal::from_long(0).map_or(Input::Foreign, |zero| Input::Value(Value::Decimal(zero))));
    }
    let exponent: i64 = value.call_method0("adjusted")?.extract()?;
    if !DECIMAL_EXPONENTS.contains(&exponent) {
        return Ok(Input::Foreign);
    }
    let text: String = value.call_method1("__format__", ("f",))?.extract()?;
    let text = match text.split_once('.') {
        None => format!("{text}.0"),
        Some((whole, places)) => {
            let places = places.trim_end_matches('0');
            format!("{whole}.{}", if places.is_empty() { "0" } else { places })
        }
    };
    Ok(Decimal::parse(&text).map_or(Input::Foreign, |decimal| Input::Value(Value::Decimal(decimal))))
}

/// A `datetime` that knows its zone and has whole milliseconds.
fn read_datetime(value: &Bound<'_, PyAny>) -> PyResult<Input> {
    let py = value.py();
    if value.call_method0("utcoffset")?.is_none() {
        return Ok(Input::Foreign);
    }
    let epoch = EPOCH.get_or_try_init(py, || -> PyResult<Py<PyAny>> {
        let datetime = py.import("datetime")?;
        let utc = datetime.getattr("timezone")?.getattr("utc")?;
        let arguments = (1970, 1, 1, 0, 0, 0, 0, utc);
        Ok(datetime.getattr("datetime")?.call1(arguments)?.unbind())
    })?;
    let since = value.call_method1("__sub__", (epoch,))?;
    Ok(milliseconds(&since)?
        .map_or(Input::Foreign, |time| Input::Value(Value::Datetime(Datetime::from_milliseconds(time)))))
}

/// The whole milliseconds of a `timedelta`; none if it has a fraction of one.
fn milliseconds(value: &Bound<'_, PyAny>) -> PyResult<Option<i64>> {
    let part = |name: &str| -> PyResult<i64> { value.getattr(name)?.extract() };
    let (days, seconds, micros) = (part("days")?, part("seconds")?, part("microseconds")?);
    // pandas has parts below a microsecond.
    let nanos: i64 = value.getattr("nanoseconds").map_or(Ok(0), |nanos| nanos.extract())?;
    if micros % 1_000 != 0 || nanos != 0 {
        return Ok(None);
    }
    Ok(days
        .checked_mul(86_400)
        .and_then(|total| total.checked_add(seconds))
        .and_then(|total| total.checked_mul(1_000))
        .and_then(|total| total.checked_add(micros / 1_000)))
}

/// An address as Cedar writes it: Python ends some of version 6 with the dots of version 4, which Cedar does not read.
fn cedar_address(text: String) -> String {
    let (host, prefix) = text.split_at(text.find('/').unwrap_or(text.len()));
    let rewritten = host.rsplit_once(':').and_then(|(head, last)| {
        let [a, b, c, d] = last.parse::<std::net::Ipv4Addr>().ok()?.octets();
        Some(format!("{head}:{a:02x}{b:02x}:{c:02x}{d:02x}{prefix}"))
    });
    rewritten.unwrap_or(text)
}
