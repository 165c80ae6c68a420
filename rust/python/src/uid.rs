//! `EntityUid`: type and id of an entity, as Python hands it in.
//!
//! An object remembers the number that the last engine gave it, so that deciding with the same object again costs no
//! look-up. The memory is one atomic word: (engine's nonce, number); it can only ever be right for that engine.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

use agentpdp_cedar::uid_text::parse_uid;
use agentpdp_cedar::values::is_type_name;
use agentpdp_core::entities::Store;
use agentpdp_core::request::Locals;
use agentpdp_core::value::EntityId;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

/// The type and the id of an entity.
#[pyclass(frozen, module = "agentpdp", name = "EntityUid")]
pub(crate) struct EntityUid {
    pub(crate) type_name: Box<str>,
    pub(crate) id: Box<str>,
    memory: AtomicU64,
}

impl EntityUid {
    pub(crate) fn make(type_name: &str, id: &str) -> PyResult<Self> {
        if !is_type_name(type_name) {
            return Err(PyValueError::new_err(format!(
                "`{}` is not the name of an entity type: names look like `User` or `App::User`",
                type_name.escape_debug()
            )));
        }
        Ok(Self { type_name: type_name.into(), id: id.into(), memory: AtomicU64::new(0) })
    }

    /// The uid of an entity that an engine's store knows, under the store's number.
    pub(crate) fn known(type_name: &str, id: &str, nonce: u32, entity: EntityId) -> Self {
        let memory = AtomicU64::new(u64::from(nonce) << 32 | u64::from(entity.0));
        Self { type_name: type_name.into(), id: id.into(), memory }
    }

    /// The number of this uid in a store, if the store knows it. With the nonce of the store's engine it is
    /// remembered; a store that only one call sees has none.
    #[inline]
    pub(crate) fn find(&self, nonce: Option<u32>, store: &Store) -> Option<EntityId> {
        let Some(nonce) = nonce else { return store.find(&self.type_name, &self.id) };
        let memory = self.memory.load(Ordering::Relaxed);
        let (engine, number) = ((memory >> 32) as u32, memory as u32);
        if engine == nonce {
            return Some(EntityId(number));
        }
        let found = store.find(&self.type_name, &self.id)?;
        self.memory.store(u64::from(nonce) << 32 | u64::from(found.0), Ordering::Relaxed);
        Some(found)
    }
}

impl EntityUid {
    /// Cedar text, `User::"alice"`.
    pub(crate) fn text(&self) -> String {
        uid_text(&self.type_name, &self.id)
    }
}

#[pymethods]
impl EntityUid {
    #[new]
    #[pyo3(signature = (r#type, id, /))]
    fn new(r#type: &str, id: &str) -> PyResult<Self> {
        Self::make(r#type, id)
    }

    /// The uid that a Cedar text such as `User::"alice"` names.
    #[staticmethod]
    #[pyo3(signature = (text, /))]
    fn parse(text: &str) -> PyResult<Self> {
        let (type_name, id) = parse_uid(text).ok_or_else(|| {
            PyValueError::new_err(format!(
                "`{}` is not an entity: write its type and its id in quotes, like `User::\"alice\"`",
                text.escape_debug().take(100).collect::<String>()
            ))
        })?;
        Self::make(type_name, &id)
    }

    #[getter]
    fn r#type(&self) -> &str {
        &self.type_name
    }

    #[getter]
    fn id(&self) -> &str {
        &self.id
    }

    fn __str__(&self) -> String {
        self.text()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let repr = |text: &str| -> PyResult<String> { Ok(PyString::new(py, text).repr()?.to_string()) };
        Ok(format!("EntityUid({}, {})", repr(&self.type_name)?, repr(&self.id)?))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| {
            let other = other.get();
            self.type_name == other.type_name && self.id == other.id
        })
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.type_name, &self.id).hash(&mut hasher);
        hasher.finish()
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        let arguments = (&*slf.get().type_name, &*slf.get().id).into_pyobject(py)?;
        (slf.get_type(), arguments).into_pyobject(py)
    }
}

/// The Cedar text of a uid.
pub(crate) fn uid_text(type_name: &str, id: &str) -> String {
    format!("{type_name}::\"{}\"", id.escape_debug())
}

/// What a caller may hand in as an entity, read.
pub(crate) enum UidArgument<'a> {
    Object(&'a EntityUid),
    Text(Cow<'a, str>, Cow<'a, str>),
}

/// Reads an `EntityUid`, a `(type, id)` tuple or Cedar text; none if it is none of these.
#[inline]
pub(crate) fn read_uid<'a>(value: &'a Bound<'_, PyAny>) -> Option<UidArgument<'a>> {
    if let Ok(object) = value.cast_exact::<EntityUid>() {
        return Some(UidArgument::Object(object.get()));
    }
    read_uid_slow(value)
}

#[cold]
fn read_uid_slow<'a>(value: &'a Bound<'_, PyAny>) -> Option<UidArgument<'a>> {
    if let Ok(text) = value.cast::<PyString>() {
        let (type_name, id) = parse_uid(text.to_str().ok()?)?;
        return Some(UidArgument::Text(Cow::Borrowed(type_name), id));
    }
    let tuple = value.cast::<PyTuple>().ok().filter(|tuple| tuple.len() == 2)?;
    let part = |at: usize| -> Option<String> { tuple.get_item(at).ok()?.extract().ok() };
    let type_name = part(0).filter(|name| is_type_name(name))?;
    Some(UidArgument::Text(Cow::Owned(type_name), Cow::Owned(part(1)?)))
}

/// The number of a uid for one request.
#[inline]
pub(crate) fn resolve<'a>(
    argument: UidArgument<'a>,
    nonce: Option<u32>,
    store: &Store,
    locals: &mut Locals<'a>,
) -> EntityId {
    match argument {
        UidArgument::Object(object) => object
            .find(nonce, store)
            .unwrap_or_else(|| locals.resolve(store, Cow::Borrowed(&object.type_name), Cow::Borrowed(&object.id))),
        UidArgument::Text(type_name, id) => locals.resolve(store, type_name, id),
    }
}

/// Type and id as owned text, for everything that is not deciding.
pub(crate) fn owned_uid(value: &Bound<'_, PyAny>) -> PyResult<(String, String)> {
    let wrong = || {
        PyTypeError::new_err(
            "an entity is an `EntityUid`, a `(type, id)` tuple of two strings or Cedar text like `User::\"alice\"`",
        )
    };
    match read_uid(value).ok_or_else(wrong)? {
        UidArgument::Object(object) => Ok((object.type_name.to_string(), object.id.to_string())),
        UidArgument::Text(type_name, id) => Ok((type_name.into_owned(), id.into_owned())),
    }
}
