//! Arrow's PyCapsule interface: how columns come in and go out without a copy.
//!
//! What comes over the C interface is checked in full before anything reads it. Arrays are put together here, so that
//! an offset of a struct reaches its children once; types that nothing reads, or whose parts could be misread, are
//! refused by name.
//!
//! Source: The Arrow PyCapsule Interface; the Arrow C data and C stream interfaces.

use std::collections::HashSet;
use std::ffi::CStr;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi_and_data_type, to_ffi};
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{
    Array, ArrayRef, FixedSizeListArray, GenericListArray, LargeStringArray, OffsetSizeTrait, RecordBatch,
    RecordBatchIterator, StructArray, make_array, new_empty_array,
};
use arrow_buffer::{OffsetBuffer, ScalarBuffer};
use arrow_data::ArrayData;
use arrow_data::transform::MutableArrayData;
use arrow_schema::{ArrowError, DataType, Field, FieldRef};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyTuple};

use super::leaves::{keys, texts};

const SCHEMA: &CStr = c"arrow_schema";
const ARRAY: &CStr = c"arrow_array";
const STREAM: &CStr = c"arrow_array_stream";

/// Deepest nesting of a column's type.
const COLUMN_DEPTH_MAX: usize = 64;

/// Arrays of one type that stand for one after the other; not yet looked into.
pub(super) struct Import {
    data_type: DataType,
    parts: Vec<ArrayData>,
}

impl Import {
    /// Takes what an object exports; none if it exports nothing.
    pub(super) fn take(object: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        if object.hasattr("__arrow_c_stream__")? {
            let capsule = object.call_method0("__arrow_c_stream__")?.cast_into::<PyCapsule>()?;
            Self::from_stream(&capsule).map(Some)
        } else if object.hasattr("__arrow_c_array__")? {
            let pair = object.call_method0("__arrow_c_array__")?.cast_into::<PyTuple>()?;
            let (schema, array) =
                (pair.get_item(0)?.cast_into::<PyCapsule>()?, pair.get_item(1)?.cast_into::<PyCapsule>()?);
            Self::from_array(&schema, &array).map(Some)
        } else {
            Ok(None)
        }
    }

    fn from_array(schema: &Bound<'_, PyCapsule>, array: &Bound<'_, PyCapsule>) -> PyResult<Self> {
        let schema = schema.pointer_checked(Some(SCHEMA))?.cast::<FFI_ArrowSchema>();
        // SAFETY: a capsule of this name points to a schema that lives as long as it, by the interface's contract.
        let data_type = DataType::try_from(unsafe { schema.as_ref() }).map_err(wrong)?;
        let array = array.pointer_checked(Some(ARRAY))?.cast::<FFI_ArrowArray>();
        // SAFETY: likewise an array, which is moved out and marked as released in the capsule.
        let array = unsafe { FFI_ArrowArray::from_raw(array.as_ptr()) };
        let part = import(array, &data_type)?;
        Ok(Self { data_type, parts: vec![part] })
    }

    fn from_stream(capsule: &Bound<'_, PyCapsule>) -> PyResult<Self> {
        let stream = capsule.pointer_checked(Some(STREAM))?.cast::<FFI_ArrowArrayStream>();
        // SAFETY: a capsule of this name points to a stream, which is moved out and marked as released there.
        let mut stream = unsafe { FFI_ArrowArrayStream::from_raw(stream.as_ptr()) };
        let functions = stream.release().and(stream.get_schema()).zip(stream.get_next());
        let Some((get_schema, get_next)) = functions else {
            return Err(PyValueError::new_err("the stream was read before: make a new one"));
        };
        let mut schema = FFI_ArrowSchema::empty();
        // SAFETY: the stream is live and the place for the schema empty, as the function asks.
        match unsafe { get_schema(&raw mut stream, &raw mut schema) } {
            0 => {}
            code => return Err(stream_error(&mut stream, code)),
        }
        let data_type = DataType::try_from(&schema).map_err(wrong)?;
        let mut parts = Vec::new();
        loop {
            let mut array = FFI_ArrowArray::empty();
            // SAFETY: as above, for an array.
            match unsafe { get_next(&raw mut stream, &raw mut array) } {
                0 if array.is_released() => return Ok(Self { data_type, parts }),
                0 => parts.push(import(array, &data_type)?),
                code => return Err(stream_error(&mut stream, code)),
            }
        }
    }

    /// As the batches of a table: rows, and columns by name. Only columns that `is_wanted` are looked into.
    pub(super) fn into_batches(self, is_wanted: impl Fn(&str) -> bool) -> Result<Vec<Batch>, String> {
        let DataType::Struct(fields) = &self.data_type else {
            return Err(format!("a table is wanted and this is {}", self.data_type));
        };
        let names = fields.iter().map(|field| field.name().as_str()).filter(|name| is_wanted(name));
        if let Some(twice) = twice(names) {
            return Err(format!("column `{twice}` comes twice"));
        }
        if self.parts.is_empty() {
            let wanted = fields.iter().filter(|field| is_wanted(field.name()));
            let columns = wanted.map(|field| (field.name().clone(), new_empty_array(field.data_type()))).collect();
            return Ok(vec![Batch { row_count: 0, columns }]);
        }
        self.parts.iter().map(|part| batch(part, fields, &is_wanted)).collect()
    }

    /// As one column; its chunks are joined.
    pub(super) fn into_column(self) -> Result<ArrayRef, String> {
        let chunks = self.parts.iter().map(checked).collect::<Result<Vec<_>, _>>()?;
        match chunks.as_slice() {
            [] => {
                check_type(&self.data_type, COLUMN_DEPTH_MAX)?;
                Ok(new_empty_array(&self.data_type))
            }
            [only] => Ok(only.clone()),
            _ => joined(&chunks),
        }
    }
}

/// Chunks in one piece. Those of a dictionary have a dictionary each, so its text is written out.
fn joined(chunks: &[ArrayRef]) -> Result<ArrayRef, String> {
    let is_dictionary = |chunk: &ArrayRef| matches!(chunk.data_type(), DataType::Dictionary(..));
    if chunks.iter().any(is_dictionary) {
        let words = chunks.iter().map(words).collect::<Option<Vec<_>>>();
        let words = words.ok_or("a dictionary that is not of text comes in several chunks: join them first")?;
        return Ok(Arc::new(words.into_iter().flatten().collect::<LargeStringArray>()));
    }
    let parts: Vec<ArrayData> = chunks.iter().map(Array::to_data).collect();
    let row_count = parts.iter().map(ArrayData::len).sum();
    let mut whole = MutableArrayData::new(parts.iter().collect(), false, row_count);
    for (at, part) in parts.iter().enumerate() {
        whole.try_extend(at, 0, part.len()).map_err(|error| format!("its chunks cannot be joined: {error}"))?;
    }
    array(&whole.freeze()).map_err(|error| error.to_string())
}

/// The text of each row of a dictionary of text.
fn words(column: &ArrayRef) -> Option<Vec<Option<&str>>> {
    let dictionary = column.as_any_dictionary_opt()?;
    let words: Vec<Option<&str>> = texts(dictionary.values())?.collect();
    let word = |(row, key): (usize, &u32)| {
        if column.is_null(row) { None } else { words.get(*key as usize).copied().flatten() }
    };
    Some(keys(dictionary).iter().enumerate().map(word).collect())
}

/// A record batch: number of rows, and columns by name.
pub(super) struct Batch {
    pub(super) row_count: usize,
    pub(super) columns: Vec<(String, ArrayRef)>,
}

fn batch(part: &ArrayData, fields: &[FieldRef], is_wanted: impl Fn(&str) -> bool) -> Result<Batch, String> {
    if part.nulls().is_some_and(|nulls| nulls.null_count() > 0) {
        return Err("the table has rows that are null as a whole: a row is a value in each column".to_owned());
    }
    let (offset, row_count) = (part.offset(), part.len());
    let wanted = fields.iter().zip(part.child_data()).filter(|(field, _)| is_wanted(field.name()));
    let column = |(field, data): (&FieldRef, &ArrayData)| {
        let whole = checked(data).map_err(|message| format!("column `{}`: {message}", field.name()))?;
        if whole.len() < offset.saturating_add(row_count) {
            return Err(format!("column `{}` is shorter than its table", field.name()));
        }
        Ok((field.name().clone(), whole.slice(offset, row_count)))
    };
    Ok(Batch { row_count, columns: wanted.map(column).collect::<Result<_, _>>()? })
}

fn import(array: FFI_ArrowArray, data_type: &DataType) -> PyResult<ArrayData> {
    // SAFETY: the producer vouches, by the interface's contract, that the array is of the type it gave with it; what
    // can be checked of that is checked before anything is read.
    unsafe { from_ffi_and_data_type(array, data_type.clone()) }.map_err(wrong)
}

fn stream_error(stream: &mut FFI_ArrowArrayStream, code: i32) -> PyErr {
    let text = stream.get_last_error().and_then(|last_error| {
        // SAFETY: the stream is live; the text, if there is one, lives until the stream's next call.
        let text = unsafe { last_error(&raw mut *stream) };
        (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
    });
    PyValueError::new_err(text.unwrap_or_else(|| format!("the stream failed with error {code}")))
}

fn wrong(error: ArrowError) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// An array that was checked in full.
fn checked(data: &ArrayData) -> Result<ArrayRef, String> {
    check_type(data.data_type(), COLUMN_DEPTH_MAX)?;
    let checked = if has_sound_keys(data) { validate_words(data) } else { data.validate_full() };
    checked.map_err(|error| format!("not valid Arrow data: {error}"))?;
    array(data).map_err(|error| format!("not valid Arrow data: {error}"))
}

/// Whether each row of a dictionary column has a key, and one of the dictionary's; false where that is not seen at a glance.
/// What `validate_full` asks key by key, most of the time that it takes, is asked of all keys at once here.
fn has_sound_keys(data: &ArrayData) -> bool {
    let is_plain = matches!(data.data_type(), DataType::Dictionary(keys, _) if **keys == DataType::Int32);
    let (true, [words], 0, Ok(())) = (is_plain, data.child_data(), data.null_count(), data.validate()) else {
        return false;
    };
    let keys = data.buffer::<i32>(0).get(..data.len()).unwrap_or_default();
    // As a number without sign, a negative key is beyond all words.
    let last = keys.iter().fold(0u32, |last, key| last.max(key.cast_unsigned()));
    keys.len() == data.len() && usize::try_from(last).is_ok_and(|last| last < words.len())
}

/// As `validate_full`, of a dictionary column whose keys are sound.
fn validate_words(data: &ArrayData) -> Result<(), ArrowError> {
    data.validate_nulls()?;
    data.child_data().iter().try_for_each(ArrayData::validate_full)
}

/// A name that comes twice: which of the two would be meant?
fn twice<'n>(mut names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let mut seen = HashSet::new();
    names.find(|name| !seen.insert(*name))
}

/// Refuses types that are not read wherever they stand.
fn check_type(data_type: &DataType, depth_left: usize) -> Result<(), String> {
    let Some(depth_left) = depth_left.checked_sub(1) else {
        return Err(format!("nested deeper than {COLUMN_DEPTH_MAX} levels"));
    };
    match data_type {
        DataType::Struct(fields) => {
            if let Some(twice) = twice(fields.iter().map(|field| field.name().as_str())) {
                return Err(format!("a struct has its field `{twice}` twice"));
            }
            fields.iter().try_for_each(|field| check_type(field.data_type(), depth_left))
        }
        DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _) => {
            check_type(field.data_type(), depth_left)
        }
        DataType::Dictionary(_, values) if values.is_nested() => {
            Err(format!("a dictionary of {values} is not read: bring it plain"))
        }
        DataType::Map(..)
        | DataType::Union(..)
        | DataType::RunEndEncoded(..)
        | DataType::ListView(..)
        | DataType::LargeListView(..) => {
            Err(format!("{data_type} is not read: records come as structs, sets as lists, the rest plain"))
        }
        _ => Ok(()),
    }
}

/// An array of checked data; the offset of a struct or list is applied to its children here, and only here.
fn array(data: &ArrayData) -> Result<ArrayRef, ArrowError> {
    let child = || data.child_data().first().ok_or_else(|| ArrowError::CDataInterface("no child".to_owned()));
    Ok(match data.data_type() {
        DataType::Struct(fields) if fields.is_empty() => {
            Arc::new(StructArray::new_empty_fields(data.len(), data.nulls().cloned()))
        }
        DataType::Struct(fields) => {
            let of_child = |child: &ArrayData| Ok::<_, ArrowError>(array(child)?.slice(data.offset(), data.len()));
            let children = data.child_data().iter().map(of_child).collect::<Result<_, _>>()?;
            Arc::new(StructArray::try_new(fields.clone(), children, data.nulls().cloned())?)
        }
        data_type if data.is_empty() => new_empty_array(data_type),
        DataType::List(field) => list::<i32>(data, field, array(child()?)?)?,
        DataType::LargeList(field) => list::<i64>(data, field, array(child()?)?)?,
        DataType::FixedSizeList(field, size) => {
            let width = usize::try_from(*size).unwrap_or(0);
            let values = array(child()?)?.slice(data.offset() * width, data.len() * width);
            let nulls = data.nulls().cloned();
            Arc::new(FixedSizeListArray::try_new_with_length(field.clone(), *size, values, nulls, data.len())?)
        }
        _ => make_array(data.clone()),
    })
}

fn list<O: OffsetSizeTrait>(data: &ArrayData, field: &FieldRef, values: ArrayRef) -> Result<ArrayRef, ArrowError> {
    let buffer = data.buffers().first().cloned().unwrap_or_default();
    let offsets = OffsetBuffer::new(ScalarBuffer::<O>::new(buffer, data.offset(), data.len() + 1));
    Ok(Arc::new(GenericListArray::try_new(field.clone(), offsets, values, data.nulls().cloned())?))
}

/// A column for others to take.
#[pyclass(frozen, module = "agentpdp", name = "Column")]
pub(crate) struct ArrowColumn(pub(crate) ArrayRef);

#[pymethods]
impl ArrowColumn {
    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let schema = FFI_ArrowSchema::try_from(self.0.data_type()).map_err(wrong)?;
        PyCapsule::new_with_value(py, schema, SCHEMA)
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
        // A request for another type may be left unheard, by the interface.
        let _ = requested_schema;
        let (array, schema) = to_ffi(&self.0.to_data()).map_err(wrong)?;
        Ok((PyCapsule::new_with_value(py, schema, SCHEMA)?, PyCapsule::new_with_value(py, array, ARRAY)?))
    }

    fn __repr__(&self) -> String {
        format!("Column({} rows of {})", self.0.len(), self.0.data_type())
    }
}

/// A table for others to take.
#[pyclass(frozen, module = "agentpdp", name = "Table")]
pub(crate) struct ArrowTable(pub(crate) RecordBatch);

#[pymethods]
impl ArrowTable {
    fn __len__(&self) -> usize {
        self.0.num_rows()
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let schema = FFI_ArrowSchema::try_from(&*self.0.schema()).map_err(wrong)?;
        PyCapsule::new_with_value(py, schema, SCHEMA)
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        let reader = RecordBatchIterator::new([Ok(self.0.clone())], self.0.schema());
        PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(Box::new(reader)), STREAM)
    }

    fn __repr__(&self) -> String {
        let names: Vec<&str> =
            self.0.schema_ref().fields().iter().map(|field: &Arc<Field>| field.name().as_str()).collect();
        format!("Table({} rows: {})", self.0.num_rows(), names.join(", "))
    }
}
