//! Batches: from columns to columns.
//!
//! Whatever comes in becomes `Rows` of the core: columns with the interpreter's lock released, which is released once for
//! them and for deciding; dicts with it held, until all are read. The result waits as numbers until Python asks for a
//! column of it.

mod arrays;
mod arrow;
mod call_values;
mod calls;
mod columns;
mod contexts;
mod decisions;
mod dicts;
mod leaves;
mod tree;
mod uids;

use std::num::NonZero;

use agentpdp_core::columns::Rows;
use agentpdp_core::parallel::{Decided, decide_all};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

pub(crate) use arrow::{ArrowColumn, ArrowTable};
pub(crate) use calls::{CallColumns, Calls, Found, read_calls};
pub(crate) use decisions::Decisions;
pub(crate) use uids::encode;

use crate::engine::{Engine, read_diagnostics};
use crate::errors;

/// Most rows of one batch.
pub(crate) const BATCH_ROWS_MAX: usize = 1 << 30;

/// Decides a batch, in whichever form it comes.
pub(crate) fn authorize_batch(
    slf: &Bound<'_, Engine>,
    columns: &Bound<'_, PyAny>,
    threads: Option<isize>,
    diagnostics: Option<&str>,
) -> PyResult<Decisions> {
    // Kernels find every satisfied policy anyway, so the shorter form costs the same here.
    read_diagnostics(diagnostics)?;
    let threads = read_threads(threads)?;
    let mut decisions = Decisions::default();
    if columns.hasattr("__arrow_c_stream__")? || columns.hasattr("__arrow_c_array__")? {
        columns::decide_arrow(slf, columns, threads, &mut decisions)?;
    } else if let Ok(dict) = columns.cast::<PyDict>() {
        arrays::decide_arrays(slf, dict, threads, &mut decisions)?;
    } else if columns.is_instance_of::<PyString>() || columns.try_iter().is_err() {
        return Err(errors::column(
            slf.py(),
            "a batch is an Arrow table (or anything with `__arrow_c_stream__`), a dict of NumPy arrays, \
             or a sequence of dicts with `principal`, `action`, `resource` and `context`",
        ));
    } else {
        dicts::decide_dicts(slf, columns, threads, &mut decisions)?;
    }
    Ok(decisions)
}

/// The number of threads asked for.
pub(crate) fn read_threads(threads: Option<isize>) -> PyResult<Option<NonZero<usize>>> {
    let read = |threads| {
        let positive = usize::try_from(threads).ok().and_then(NonZero::new);
        positive.ok_or_else(|| PyValueError::new_err("threads is at least 1"))
    };
    threads.map(read).transpose()
}

/// Decides rows with the interpreter lock released.
fn decide(py: Python<'_>, engine: &Engine, rows: &Rows<'_>, threads: Option<NonZero<usize>>) -> Decided {
    py.detach(|| decide_all(&engine.core, rows, threads))
}
