//! From a dict of NumPy arrays (or lists, or Arrow arrays) to rows.

use std::num::NonZero;
use std::sync::Arc;

use agentpdp_cedar::input::Input;
use arrow_array::{ArrayRef, Int64Array};
use numpy::{PyArray1, PyArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::arrow::Import;
use super::columns::{SIDES, decide_columns, is_context};
use super::decisions::Decisions;
use super::tree::{Leaf, Node};
use crate::engine::Engine;
use crate::errors;
use crate::input::to_input;

/// Decides a dict of columns by name.
pub(super) fn decide_arrays(
    slf: &Bound<'_, Engine>,
    columns: &Bound<'_, PyDict>,
    threads: Option<NonZero<usize>>,
    decisions: &mut Decisions,
) -> PyResult<()> {
    let py = slf.py();
    let wrong = |message: &str| errors::column(py, message);
    let mut sides: [Option<Leaf>; 3] = [None, None, None];
    let mut context = Node::Record(Vec::new());
    let mut row_count: Option<(usize, String)> = None;
    for (name, column) in columns.iter() {
        let name = name.cast::<PyString>().map_err(|_| wrong("the names of columns are strings"))?.to_str()?.to_owned();
        let side = SIDES.iter().position(|side| *side == name);
        if side.is_none() && !is_context(&name) {
            continue;
        }
        let (leaf, count) = read(&column, side.is_some())
            .map_err(|error| wrong(&format!("column `{name}` cannot be read: {}", error.value(py))))?;
        match &row_count {
            Some((known, first)) if *known != count => {
                return Err(wrong(&format!("column `{name}` has {count} rows and `{first}` has {known}")));
            }
            Some(_) => {}
            None => row_count = Some((count, name.clone())),
        }
        match side.and_then(|side| sides.get_mut(side)) {
            Some(place) => *place = Some(leaf),
            None => context.insert(name.split('.').skip(1), leaf).map_err(|message| wrong(&message))?,
        }
    }
    let row_count = row_count.map_or(0, |(count, _)| count);
    decide_columns(slf, sides, &context, row_count, threads, decisions)
}

/// A column and its number of rows.
pub(super) fn read(column: &Bound<'_, PyAny>, is_side: bool) -> PyResult<(Leaf, usize)> {
    if let Ok(codes) = column.cast::<PyArray1<u64>>()
        && is_side
    {
        let codes = codes.readonly().as_array().to_vec();
        let count = codes.len();
        return Ok((Leaf::Codes(codes), count));
    }
    if let Ok(integers) = column.cast::<PyArray1<i64>>() {
        let values = integers.readonly().as_array().to_vec();
        let count = values.len();
        return Ok((Leaf::Arrow(Arc::new(Int64Array::from(values))), count));
    }
    if let Some(array) = read_arrow(column)? {
        let count = array.len();
        return Ok((Leaf::Arrow(array), count));
    }
    let column = if column.hasattr("tolist")? { column.call_method0("tolist")? } else { column.clone() };
    if is_side {
        let objects: Vec<Py<PyAny>> = column.try_iter()?.map(|object| Ok(object?.unbind())).collect::<PyResult<_>>()?;
        let count = objects.len();
        return Ok((Leaf::Objects(objects), count));
    }
    let inputs: Vec<Input> = column.try_iter()?.map(|value| Ok(to_input(&value?))).collect::<PyResult<_>>()?;
    let count = inputs.len();
    Ok((Leaf::Inputs(inputs), count))
}

/// An Arrow array in one piece; none if the column is something else.
fn read_arrow(column: &Bound<'_, PyAny>) -> PyResult<Option<ArrayRef>> {
    let Some(import) = Import::take(column)? else { return Ok(None) };
    import.into_column().map(Some).map_err(PyValueError::new_err)
}
