//! What time is it for an engine?
//!
//! The core has no clock. An engine is given one when it is made: the system's, one of the caller's (a function that
//! gives milliseconds), or `"caller"`: each call brings its time with it, for replay and tests.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyString;

/// Where an engine's time comes from.
pub(crate) enum Clock {
    /// The system's.
    System,
    /// Each call brings it; the latest that was brought.
    Caller(AtomicI64),
    /// A function of the caller's that gives milliseconds UTC.
    Function(Py<PyAny>),
}

const NOTHING_SEEN: i64 = i64::MIN;

impl Clock {
    /// The clock that `Engine(clock=…)` names.
    pub(crate) fn read(value: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let Some(value) = value else { return Ok(Self::System) };
        if let Ok(word) = value.cast::<PyString>() {
            return match word.to_str()? {
                "system" => Ok(Self::System),
                "caller" => Ok(Self::Caller(AtomicI64::new(NOTHING_SEEN))),
                _ => Err(PyValueError::new_err(
                    "clock is `\"system\"`, `\"caller\"` or a function that gives milliseconds",
                )),
            };
        }
        if value.is_callable() {
            return Ok(Self::Function(value.clone().unbind()));
        }
        Err(PyTypeError::new_err("clock is `\"system\"`, `\"caller\"` or a function that gives milliseconds"))
    }

    /// Whether calls bring their time.
    pub(crate) fn is_callers(&self) -> bool {
        matches!(self, Self::Caller(_))
    }

    /// The time of a call that brings it.
    pub(crate) fn bring(&self, at: i64) -> i64 {
        if let Self::Caller(latest) = self {
            latest.fetch_max(at, Ordering::Relaxed);
        }
        at
    }

    /// The time of a call, in milliseconds UTC.
    pub(crate) fn now_ms(&self, py: Python<'_>, at: Option<i64>) -> PyResult<i64> {
        match (self, at) {
            (Self::Caller(_), Some(at)) => Ok(self.bring(at)),
            (_, Some(_)) => Err(PyValueError::new_err("`at` is for engines made with `clock=\"caller\"`")),
            (Self::System, None) => Ok(SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))),
            (Self::Caller(latest), None) => match latest.load(Ordering::Relaxed) {
                NOTHING_SEEN => {
                    Err(PyValueError::new_err("with `clock=\"caller\"` the first call needs `at`, in milliseconds"))
                }
                latest => Ok(latest),
            },
            (Self::Function(function), None) => function.call0(py)?.extract(py),
        }
    }
}

/// What is said of anything else than a length of time.
pub(crate) const LENGTH_EXPECTED: &str =
    "`expires_in` is a length of time above zero: milliseconds, a `timedelta` or text like `\"10m\"`";

/// A length of time as callers write it: milliseconds, a `timedelta`, or text such as `"30m"`; none if it is none.
pub(crate) fn read_length(value: &Bound<'_, PyAny>) -> Option<i64> {
    use agentpdp_cedar::input::Input;
    use agentpdp_core::datetime::Duration;
    use agentpdp_core::value::Value;
    let length = match crate::input::to_input(value) {
        Input::Long(length) => length,
        Input::String(text) => Duration::parse(&text)?.to_milliseconds(),
        Input::Value(Value::Duration(length)) => length.to_milliseconds(),
        _ => return None,
    };
    (length > 0).then_some(length)
}
