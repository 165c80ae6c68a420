//! Arguments that are a dict of plain values, read without making anything of them first.
//!
//! Most calls' arguments are texts, integers, flags and nulls in one dict. Such a dict is copied in one step of the
//! interpreter, and nobody else has the copy while the call is decided: what is judged, what is digested and what is
//! handed back are one value, whatever a caller does with its own dict meanwhile. Everything else (lists, records,
//! subclasses, integers beyond 64 bits, whole floats, which are handed on as integers) goes by `input.rs`, which must read
//! plain values alike: `tests/boundary/test_one_reading.py` holds both to each other.

use std::ptr::null_mut;
use std::slice::from_raw_parts;
use std::str::from_utf8_unchecked;

use agentpdp_arguments::number::Number;
use agentpdp_arguments::source::{Key, List, Name, Node, Object, Source};
use pyo3::ffi::{PyDict_Next, PyUnicode_AsUTF8AndSize};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyString};
use smallvec::SmallVec;

/// Names beyond which arguments go by `input.rs`: each look-up walks over them.
const NAMES_MAX: usize = 32;

/// A copy of a dict that nobody else has.
pub(crate) struct FlatCopy<'py>(Bound<'py, PyDict>);

/// One plain value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Flat<'a> {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(&'a str),
    Broken,
}

/// Members of a copy by name.
pub(crate) type Flats<'a> = SmallVec<[(&'a str, Flat<'a>); 8]>;

impl<'py> FlatCopy<'py> {
    /// The copy of a plain dict; none for any other value.
    pub(crate) fn of(arguments: &Bound<'py, PyAny>) -> Option<Self> {
        let dict = arguments.cast_exact::<PyDict>().ok()?;
        if dict.len() > NAMES_MAX {
            return None;
        }
        Some(Self(dict.copy().ok()?))
    }

    /// The copy itself, to be handed on once the members are read.
    pub(crate) fn dict(&self) -> &Bound<'py, PyDict> {
        &self.0
    }

    /// The members; none if one of them is not plain.
    pub(crate) fn flats(&self) -> Option<Flats<'_>> {
        let py = self.0.py();
        let mut flats = Flats::new();
        let (mut position, mut name, mut value) = (0, null_mut(), null_mut());
        // SAFETY: the dict is a dict that nobody else has, and nothing here changes it.
        while unsafe { PyDict_Next(self.0.as_ptr(), &raw mut position, &raw mut name, &raw mut value) } != 0 {
            // SAFETY: the copy holds its names and values for as long as it is borrowed, as nobody can change it.
            let (name, value) = unsafe { (Borrowed::from_ptr(py, name), Borrowed::from_ptr(py, value)) };
            flats.push((text_of(name.cast_exact::<PyString>().ok()?)?, flat(value)?));
        }
        Some(flats)
    }
}

/// The characters of a text; none if they are not Unicode's.
#[inline]
fn text_of<'a>(text: Borrowed<'a, '_, PyString>) -> Option<&'a str> {
    let mut size = 0;
    // SAFETY: it is a text.
    let bytes = unsafe { PyUnicode_AsUTF8AndSize(text.as_ptr(), &raw mut size) };
    if bytes.is_null() {
        drop(PyErr::take(text.py()));
        return None;
    }
    // SAFETY: so many bytes of UTF-8 stand there for as long as the text lives, which is not changed.
    Some(unsafe { from_utf8_unchecked(from_raw_parts(bytes.cast(), usize::try_from(size).ok()?)) })
}

#[inline]
fn flat<'a>(value: Borrowed<'a, '_, PyAny>) -> Option<Flat<'a>> {
    if let Ok(text) = value.cast_exact::<PyString>() {
        return Some(text_of(text).map_or(Flat::Broken, Flat::Text));
    }
    if let Ok(integer) = value.cast_exact::<PyInt>() {
        return integer.extract().ok().map(Flat::Integer);
    }
    if let Ok(flag) = value.cast_exact::<PyBool>() {
        return Some(Flat::Bool(flag.is_true()));
    }
    if value.is_none() {
        return Some(Flat::Null);
    }
    let float = value.cast_exact::<PyFloat>().ok()?.value();
    (float.fract() != 0.0).then_some(Flat::Float(float))
}

/// The whole, or one value of it, as a source.
#[derive(Clone, Copy)]
pub(crate) enum FlatSource<'a> {
    Object(&'a [(&'a str, Flat<'a>)]),
    Value(Flat<'a>),
}

/// A list: there is none among plain values.
#[derive(Clone, Copy)]
pub(crate) enum NoList {}

/// The members by name.
#[derive(Clone, Copy)]
pub(crate) struct FlatObject<'a>(&'a [(&'a str, Flat<'a>)]);

impl<'a> Source<'a> for FlatSource<'a> {
    type List = NoList;
    type Object = FlatObject<'a>;

    #[inline]
    fn node(self) -> Node<'a, Self> {
        match self {
            Self::Object(members) => Node::Object(FlatObject(members)),
            Self::Value(Flat::Text(text)) => Node::Text(text),
            Self::Value(Flat::Integer(integer)) => Node::Integer(integer),
            Self::Value(Flat::Bool(flag)) => Node::Bool(flag),
            Self::Value(Flat::Null) => Node::Null,
            Self::Value(Flat::Float(float)) if float.is_finite() => Node::Number(Number::Float(float)),
            Self::Value(Flat::Float(_)) => Node::Foreign,
            Self::Value(Flat::Broken) => Node::Broken,
        }
    }
}

impl<'a> List<'a, FlatSource<'a>> for NoList {
    fn len(self) -> usize {
        match self {}
    }

    fn members(self) -> impl Iterator<Item = FlatSource<'a>> {
        std::iter::empty()
    }
}

impl<'a> Object<'a, FlatSource<'a>> for FlatObject<'a> {
    #[inline]
    fn len(self) -> usize {
        self.0.len()
    }

    #[inline]
    fn get(self, key: Key<'_>) -> Option<FlatSource<'a>> {
        // Callers mostly name arguments in the order of the tool's schema.
        let first = self.0.get(key.number as usize).filter(|(name, _)| *name == key.name);
        let found = first.or_else(|| self.0.iter().find(|(name, _)| *name == key.name));
        found.map(|(_, value)| FlatSource::Value(*value))
    }

    fn members(self) -> impl Iterator<Item = (Name<'a>, FlatSource<'a>)> {
        self.0.iter().map(|(name, value)| (Name::Text(name), FlatSource::Value(*value)))
    }

    fn has_duplicates(self) -> bool {
        false
    }
}
