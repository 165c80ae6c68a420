//! Python values as sources of arguments: what JSON has, taken by value.
//!
//! `bool` before `int`, whole floats as integers, NumPy's scalars and arrays and `Decimal` by value, any mapping as an
//! object. Whatever JSON has not is foreign, and denies. What is looked at is kept until the call ends, so that texts can
//! be borrowed and nothing changes its answer on the way: lists and other mappings are copied once.
//!
//! Read next: `arguments.rs`.

use std::sync::Arc;

use agentpdp_arguments::number::Number;
use agentpdp_arguments::source::{Key, List, Name, Node, Object, Source};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyMapping, PyString, PyTuple};
use typed_arena::Arena;

use crate::input::is_numpy;

/// Powers of ten of a `Decimal`'s first digit that are looked at.
const DECIMAL_EXPONENTS: std::ops::Range<i64> = -400..400;

/// What is looked at while one call's arguments are read.
pub(crate) struct Kept<'py, 'k> {
    py: Python<'py>,
    keys: &'k [Py<PyString>],
    objects: Arena<Bound<'py, PyAny>>,
}

impl<'py, 'k> Kept<'py, 'k> {
    /// Nothing yet; `keys` are the names of the plan, by number.
    pub(crate) fn new(py: Python<'py>, keys: &'k [Py<PyString>]) -> Self {
        Self { py, keys, objects: Arena::with_capacity(16) }
    }

    fn keep(&self, object: Bound<'py, PyAny>) -> &Bound<'py, PyAny> {
        self.objects.alloc(object)
    }
}

/// The names of a plan as Python strings, hashed once.
pub(crate) fn keys_of(py: Python<'_>, names: &[Arc<str>]) -> Vec<Py<PyString>> {
    names.iter().map(|name| PyString::intern(py, name).unbind()).collect()
}

/// One Python value.
#[derive(Clone, Copy)]
pub(crate) struct PySource<'a, 'py> {
    pub(crate) value: &'a Bound<'py, PyAny>,
    pub(crate) kept: &'a Kept<'py, 'a>,
}

impl<'a, 'py> PySource<'a, 'py> {
    fn of(&self, value: Bound<'py, PyAny>) -> Self {
        Self { value: self.kept.keep(value), kept: self.kept }
    }

    /// Everything that is not one of JSON's types itself.
    #[cold]
    fn other(self) -> PyResult<Node<'a, Self>> {
        let value = self.value;
        if value.is_none() {
            return Ok(Node::Null);
        }
        if let Ok(list) = value.cast::<PyList>() {
            return Ok(Node::List(PyMembers { tuple: self.of(list.to_tuple().into_any()) }));
        }
        if value.is_instance_of::<PyTuple>() {
            return Ok(Node::List(PyMembers { tuple: self }));
        }
        if is_numpy(value) {
            let kind: String = value.getattr("dtype")?.getattr("kind")?.extract()?;
            let plain = value.call_method0("tolist")?;
            let is_plain = matches!(kind.as_str(), "b" | "i" | "u" | "f" | "U" | "O") && !is_numpy(&plain);
            return Ok(if is_plain { self.of(plain).node() } else { Node::Foreign });
        }
        if let Some(text) = decimal_text(value)? {
            return Ok(match self.of(text.into_any()).value.cast::<PyString>().map(|text| text.to_str()) {
                Ok(Ok(text)) => Node::Number(Number::Text(text)),
                _ => Node::Foreign,
            });
        }
        if let Ok(mapping) = value.cast::<PyMapping>() {
            let dict = PyDict::new(self.kept.py);
            dict.update(mapping)?;
            return Ok(Node::Object(PyObject { dict: self.of(dict.into_any()) }));
        }
        Ok(Node::Foreign)
    }
}

/// The digits of a `Decimal`; none for other objects. Its size is looked at first, as `1e-999999999` is short.
fn decimal_text<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyString>>> {
    let py = value.py();
    if !value.is_instance(&py.import("decimal")?.getattr("Decimal")?)? {
        return Ok(None);
    }
    let is_finite = value.call_method0("is_finite")?.is_truthy()?;
    let exponent: i64 = if is_finite && value.is_truthy()? { value.call_method0("adjusted")?.extract()? } else { 0 };
    let text = if !is_finite || !DECIMAL_EXPONENTS.contains(&exponent) {
        // No number: nothing reads it.
        PyString::new(py, "beyond")
    } else if value.is_truthy()? {
        value.call_method1("__format__", ("f",))?.cast_into::<PyString>()?
    } else {
        PyString::new(py, "0")
    };
    Ok(Some(text))
}

impl<'a, 'py> Source<'a> for PySource<'a, 'py> {
    type List = PyMembers<'a, 'py>;
    type Object = PyObject<'a, 'py>;

    #[inline]
    fn node(self) -> Node<'a, Self> {
        let value = self.value;
        if let Ok(text) = value.cast::<PyString>() {
            return text.to_str().map_or(Node::Broken, Node::Text);
        }
        if let Ok(flag) = value.cast::<PyBool>() {
            return Node::Bool(flag.is_true());
        }
        if let Ok(integer) = value.cast::<PyInt>() {
            return integer.extract().map_or(Node::Number(Number::Beyond), Node::Integer);
        }
        if let Ok(float) = value.cast::<PyFloat>() {
            return Node::Number(Number::Float(float.value()));
        }
        if value.is_instance_of::<PyDict>() {
            return Node::Object(PyObject { dict: self });
        }
        // A value that raises when it is looked at is nothing that JSON has.
        self.other().unwrap_or(Node::Foreign)
    }
}

/// The members of a list, in a tuple that nobody changes.
#[derive(Clone, Copy)]
pub(crate) struct PyMembers<'a, 'py> {
    tuple: PySource<'a, 'py>,
}

impl<'a, 'py> List<'a, PySource<'a, 'py>> for PyMembers<'a, 'py> {
    fn len(self) -> usize {
        self.tuple.value.cast::<PyTuple>().map_or(0, |tuple| tuple.len())
    }

    fn members(self) -> impl Iterator<Item = PySource<'a, 'py>> {
        let tuple = self.tuple.value.cast::<PyTuple>().ok();
        tuple.into_iter().flat_map(|tuple| tuple.iter()).map(move |member| self.tuple.of(member))
    }
}

/// A dict.
#[derive(Clone, Copy)]
pub(crate) struct PyObject<'a, 'py> {
    dict: PySource<'a, 'py>,
}

impl<'a, 'py> Object<'a, PySource<'a, 'py>> for PyObject<'a, 'py> {
    fn len(self) -> usize {
        self.dict.value.cast::<PyDict>().map_or(0, |dict| dict.len())
    }

    #[inline]
    fn get(self, key: Key<'_>) -> Option<PySource<'a, 'py>> {
        let dict = self.dict.value.cast::<PyDict>().ok()?;
        let found = match self.dict.kept.keys.get(key.number as usize) {
            Some(prepared) => dict.get_item(prepared.bind(self.dict.kept.py)),
            None => dict.get_item(key.name),
        };
        // A key that raises when it is compared is found among the surplus names.
        found.ok().flatten().map(|value| self.dict.of(value))
    }

    fn members(self) -> impl Iterator<Item = (Name<'a>, PySource<'a, 'py>)> {
        let items = self.dict.value.cast::<PyDict>().ok().map(|dict| dict.items());
        items.into_iter().flat_map(|items| items.to_tuple().iter().collect::<Vec<_>>()).filter_map(move |item| {
            let pair = item.cast_into::<PyTuple>().ok()?;
            let name = self.dict.of(pair.get_item(0).ok()?);
            let name = match name.value.cast::<PyString>() {
                Ok(text) => text.to_str().map_or(Name::Broken, Name::Text),
                Err(_) => Name::Foreign,
            };
            Some((name, self.dict.of(pair.get_item(1).ok()?)))
        })
    }

    fn has_duplicates(self) -> bool {
        false
    }
}
