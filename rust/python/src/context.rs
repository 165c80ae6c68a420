//! Reading a context: from a Python dict into the slots of one call.
//!
//! With a schema the layout of the action says which names to read and which types they must have; plain strings,
//! integers, booleans and entities take the short way, everything else goes through the Cedar reader. Only when
//! something does not fit is the whole context looked at again ([`diagnose`]) to say what, where and what would be right.

use std::ptr::null_mut;

use agentpdp_cedar::input::Input;
use agentpdp_cedar::values::read_value;
use agentpdp_core::decimal::Decimal;
use agentpdp_core::decision::Reason;
use agentpdp_core::entities::Store;
use agentpdp_core::request::{Locals, admits, check_value};
use agentpdp_core::schema::{RecordType, Schema, Type};
use agentpdp_core::slots::{AttributePlan, Layout, RecordPlan, Slot};
use agentpdp_core::value::{Value, ValueRef};
use pyo3::Borrowed;
use pyo3::ffi::{PyDict_Next, PyObject};
use pyo3::prelude::*;
use pyo3::sync::critical_section::with_critical_section;
use pyo3::types::{PyBool, PyDict, PyInt, PyString};
use smallvec::SmallVec;

use crate::input::to_input;
use crate::uid::EntityUid;

/// Most names of a record that is read in one walk over its dict.
const WALKED_NAMES: usize = 64;

/// Walks over a dict for as long as `visit` says so, which must run no Python code; whether it said so to the end.
#[inline(always)]
pub(crate) fn walk<'py>(
    dict: &Bound<'py, PyDict>,
    mut visit: impl FnMut(*mut PyObject, Borrowed<'_, 'py, PyAny>) -> bool,
) -> bool {
    with_critical_section(dict, || {
        let (mut position, mut key, mut value) = (0, null_mut(), null_mut());
        // SAFETY: the dict is a dict, and nobody changes it meanwhile: no Python code runs in here.
        while unsafe { PyDict_Next(dict.as_ptr(), &raw mut position, &raw mut key, &raw mut value) } != 0 {
            // SAFETY: the dict holds the value for as long as it is looked at here.
            if !visit(key, unsafe { Borrowed::from_ptr(dict.py(), value) }) {
                return false;
            }
        }
        true
    })
}

/// The names of a record as Python strings, hashed once.
pub(crate) struct RecordKeys(Vec<(Py<PyString>, Option<RecordKeys>)>);

impl RecordKeys {
    pub(crate) fn of(py: Python<'_>, plan: &RecordPlan) -> Self {
        let key = |attribute: &AttributePlan| {
            let inner = attribute.inner.as_ref().map(|inner| Self::of(py, inner));
            (PyString::intern(py, &attribute.name).unbind(), inner)
        };
        Self(plan.attributes.iter().map(key).collect())
    }
}

/// What a slot will hold, with what it borrows from.
pub(crate) enum Held<'py> {
    Text(Bound<'py, PyString>),
    Ready(ValueRef<'static>),
    Owned(Value),
    Absent,
}

impl Held<'_> {
    /// The slot that this reading makes; none for a text that is no Unicode.
    #[inline]
    pub(crate) fn slot(&self) -> Option<Slot<'_>> {
        Some(match self {
            Self::Text(text) => Slot::Value(ValueRef::String(text.to_str().ok()?)),
            Self::Ready(value) => Slot::Value(*value),
            Self::Owned(value) => Slot::Value(value.borrow()),
            Self::Absent => Slot::Absent,
        })
    }
}

/// What was read of a context so far: slot numbers with what they will hold.
pub(crate) type Readings<'py> = SmallVec<[(u16, Held<'py>); 12]>;

/// Puts readings into their slots.
#[inline]
pub(crate) fn fill<'a>(readings: &'a [(u16, Held<'_>)], slots: &mut [Slot<'a>]) -> Result<(), Misfit> {
    for (slot, held) in readings {
        if let Some(place) = slots.get_mut(usize::from(*slot)) {
            *place = held.slot().ok_or(Misfit)?;
        }
    }
    Ok(())
}

/// Something in the context does not fit; what it is has not been found out yet.
pub(crate) struct Misfit;

/// What a context is read against.
pub(crate) struct ContextReader<'r, 'l> {
    pub(crate) nonce: Option<u32>,
    pub(crate) store: &'r Store,
    pub(crate) schema: Option<&'r Schema>,
    pub(crate) locals: &'r mut Locals<'l>,
}

impl<'py> ContextReader<'_, '_> {
    /// Reads the context of an action of the schema.
    #[inline]
    pub(crate) fn read(
        &mut self,
        context: Option<&Bound<'py, PyAny>>,
        layout: &Layout,
        keys: &RecordKeys,
        readings: &mut Readings<'py>,
    ) -> Result<(), Misfit> {
        match context {
            None => self.read_empty(&layout.context, readings),
            Some(context) => self.read_record(context, &layout.context, keys, readings),
        }
    }

    /// Reads a context where there is no schema: as one record.
    pub(crate) fn read_whole(
        &mut self,
        context: Option<&Bound<'py, PyAny>>,
        readings: &mut Readings<'py>,
    ) -> Result<(), Misfit> {
        let input = context.map_or(Input::Object(Vec::new()), to_input);
        if !matches!(input, Input::Object(_)) {
            return Err(Misfit);
        }
        match self.value(&input, None)? {
            record @ Value::Record(_) => readings.push((0, Held::Owned(record))),
            _ => return Err(Misfit),
        }
        Ok(())
    }

    fn read_empty(&mut self, plan: &RecordPlan, readings: &mut Readings<'py>) -> Result<(), Misfit> {
        if plan.attributes.iter().any(|attribute| attribute.required) {
            return Err(Misfit);
        }
        plan.attributes
            .iter()
            .filter_map(|attribute| attribute.slot)
            .for_each(|slot| readings.push((slot, Held::Absent)));
        plan.undeclared.iter().for_each(|slot| readings.push((*slot, Held::Absent)));
        if let Some(slot) = plan.slot {
            readings.push((slot, Held::Owned(Value::Record(std::sync::Arc::default()))));
        }
        Ok(())
    }

    fn read_record(
        &mut self,
        value: &Bound<'py, PyAny>,
        plan: &RecordPlan,
        keys: &RecordKeys,
        readings: &mut Readings<'py>,
    ) -> Result<(), Misfit> {
        let Ok(dict) = value.cast::<PyDict>() else { return self.read_mapping(value, plan, keys, readings) };
        if !self.read_quickly(dict, plan, keys, readings)? {
            let mut found = 0usize;
            for (attribute, (key, inner)) in plan.attributes.iter().zip(&keys.0) {
                match dict.get_item(key.bind(dict.py())).map_err(|_| Misfit)? {
                    Some(value) => {
                        found += 1;
                        self.read_value(value, attribute, inner.as_ref(), readings)?;
                    }
                    None => read_missing(attribute, readings)?,
                }
            }
            if found != dict.len() {
                return Err(Misfit);
            }
        }
        plan.undeclared.iter().for_each(|slot| readings.push((*slot, Held::Absent)));
        if let Some(slot) = plan.slot {
            let record = self.record(dict, plan)?;
            readings.push((slot, Held::Owned(record)));
        }
        Ok(())
    }

    /// Reads a record in one walk over its dict, if all keys of that are the very strings of the layout, as the names
    /// in a program's text are; false, and nothing read, if some key is another object.
    fn read_quickly(
        &mut self,
        dict: &Bound<'py, PyDict>,
        plan: &RecordPlan,
        keys: &RecordKeys,
        readings: &mut Readings<'py>,
    ) -> Result<bool, Misfit> {
        let before = readings.len();
        let (mut seen, mut found) = (0u64, 0usize);
        let mut others: SmallVec<[(usize, Bound<'py, PyAny>); 2]> = SmallVec::new();
        let mut is_readable = true;
        let is_known = walk(dict, |key, value| {
            let at = keys.0.iter().position(|(known, _)| known.as_ptr() == key);
            let Some((at, attribute)) = at.and_then(|at| Some((at, plan.attributes.get(at)?))) else {
                return false;
            };
            seen |= 1u64.checked_shl(at as u32).unwrap_or(0);
            found += 1;
            match (&attribute.value, attribute.slot) {
                (Type::String, Some(slot)) if value.is_exact_instance_of::<PyString>() => {
                    if let Ok(text) = value.cast_exact::<PyString>() {
                        readings.push((slot, Held::Text(text.to_owned())));
                    }
                }
                (Type::Long, Some(slot)) if value.is_exact_instance_of::<PyInt>() => match value.extract() {
                    Ok(integer) => readings.push((slot, Held::Ready(ValueRef::Long(integer)))),
                    Err(_) => is_readable = false,
                },
                _ => others.push((at, value.to_owned())),
            }
            true
        });
        if !is_readable {
            return Err(Misfit);
        }
        if !is_known || plan.attributes.len() > WALKED_NAMES {
            readings.truncate(before);
            return Ok(false);
        }
        for (at, value) in others.drain(..) {
            if let (Some(attribute), Some((_, inner))) = (plan.attributes.get(at), keys.0.get(at)) {
                self.read_value(value, attribute, inner.as_ref(), readings)?;
            }
        }
        if found != plan.attributes.len() {
            for (at, attribute) in plan.attributes.iter().enumerate() {
                if seen >> at & 1 == 0 {
                    read_missing(attribute, readings)?;
                }
            }
        }
        Ok(true)
    }

    #[inline]
    fn read_value(
        &mut self,
        value: Bound<'py, PyAny>,
        attribute: &AttributePlan,
        inner: Option<&RecordKeys>,
        readings: &mut Readings<'py>,
    ) -> Result<(), Misfit> {
        match (&attribute.inner, inner) {
            (Some(plan), Some(keys)) => self.read_record(&value, plan, keys, readings),
            _ => self.read_leaf(value, attribute, readings),
        }
    }

    /// A mapping that is not a dict is copied into one.
    #[cold]
    fn read_mapping(
        &mut self,
        value: &Bound<'py, PyAny>,
        plan: &RecordPlan,
        keys: &RecordKeys,
        readings: &mut Readings<'py>,
    ) -> Result<(), Misfit> {
        let mapping = value.cast::<pyo3::types::PyMapping>().map_err(|_| Misfit)?;
        let dict = PyDict::new(value.py());
        dict.update(mapping).map_err(|_| Misfit)?;
        self.read_record(dict.as_any(), plan, keys, readings)
    }

    /// A record as one value, for policies that read it whole; its attributes have been checked.
    fn record(&mut self, dict: &Bound<'py, PyDict>, plan: &RecordPlan) -> Result<Value, Misfit> {
        self.value(&to_input(dict.as_any()), Some(&type_of_plan(plan)))
    }

    #[inline]
    fn read_leaf(
        &mut self,
        value: Bound<'py, PyAny>,
        attribute: &AttributePlan,
        readings: &mut Readings<'py>,
    ) -> Result<(), Misfit> {
        let held = match &attribute.value {
            // Whether the text can be had at all shows when its slot is filled.
            Type::String => match value.cast_into::<PyString>() {
                Ok(text) if attribute.slot.is_some() || text.to_str().is_ok() => Held::Text(text),
                _ => return Err(Misfit),
            },
            Type::Long => match value.cast_exact::<PyInt>() {
                Ok(integer) => Held::Ready(ValueRef::Long(integer.extract().map_err(|_| Misfit)?)),
                Err(_) => self.read_any(&value, &attribute.value)?,
            },
            Type::Bool => match value.cast::<PyBool>() {
                Ok(flag) => Held::Ready(ValueRef::Bool(flag.is_true())),
                Err(_) => self.read_any(&value, &attribute.value)?,
            },
            Type::Entity(wanted) => self.read_entity(&value, *wanted, &attribute.value)?,
            _ => self.read_any(&value, &attribute.value)?,
        };
        if let Some(slot) = attribute.slot {
            readings.push((slot, held));
        }
        Ok(())
    }

    fn read_entity(
        &mut self,
        value: &Bound<'py, PyAny>,
        wanted: agentpdp_core::value::TypeId,
        type_of_value: &Type,
    ) -> Result<Held<'py>, Misfit> {
        if let Ok(uid) = value.cast_exact::<EntityUid>()
            && let Some(known) = uid.get().find(self.nonce, self.store)
            && self.store.type_of(known) == wanted
            && self.schema.is_none_or(|schema| admits(known, schema, self.store, self.locals))
        {
            return Ok(Held::Ready(ValueRef::Entity(known)));
        }
        self.read_any(value, type_of_value)
    }

    fn read_any(&mut self, value: &Bound<'py, PyAny>, wanted: &Type) -> Result<Held<'py>, Misfit> {
        self.value(&to_input(value), Some(wanted)).map(Held::Owned)
    }

    /// The Cedar value of an input; with a schema it must fit the type.
    pub(crate) fn value(&mut self, input: &Input, wanted: Option<&Type>) -> Result<Value, Misfit> {
        let widened = wanted.and_then(|wanted| widen(input, wanted));
        let (store, locals) = (self.store, &mut *self.locals);
        let mut resolve =
            |type_name: &str, id: &str| Ok(locals.resolve(store, type_name.to_owned().into(), id.to_owned().into()));
        let value = read_value(widened.as_ref().unwrap_or(input), wanted, &mut resolve).map_err(|_| Misfit)?;
        match (self.schema, wanted) {
            (Some(schema), Some(wanted)) if !check_value(value.borrow(), wanted, schema, store, locals) => Err(Misfit),
            _ => Ok(value),
        }
    }
}

/// An attribute that is not there.
#[inline]
fn read_missing(attribute: &AttributePlan, readings: &mut Readings<'_>) -> Result<(), Misfit> {
    if attribute.required {
        return Err(Misfit);
    }
    if let Some(slot) = attribute.slot {
        readings.push((slot, Held::Absent));
    }
    Ok(())
}

/// Whole numbers where the schema says decimal are that decimal, inside sets and records too.
fn widen(input: &Input, wanted: &Type) -> Option<Input> {
    match (input, wanted) {
        (Input::Long(number), Type::Decimal) => {
            Decimal::from_long(*number).map(|decimal| Input::Value(Value::Decimal(decimal)))
        }
        (Input::List(members), Type::Set(member)) => {
            let widened = members.iter().map(|value| widen(value, member).unwrap_or_else(|| value.clone()));
            Some(Input::List(widened.collect()))
        }
        (Input::Object(attributes), Type::Record(record)) => {
            let widened = attributes.iter().map(|(name, value)| {
                let wider = record.get(name).and_then(|attribute| widen(value, &attribute.value));
                (name.clone(), wider.unwrap_or_else(|| value.clone()))
            });
            Some(Input::Object(widened.collect()))
        }
        _ => None,
    }
}

/// The record type that a plan reads.
pub(crate) fn type_of_plan(plan: &RecordPlan) -> Type {
    Type::Record(std::sync::Arc::new(record_type(plan)))
}

fn record_type(plan: &RecordPlan) -> RecordType {
    let attribute = |attribute: &AttributePlan| agentpdp_core::schema::AttributeType {
        name: attribute.name.clone(),
        value: attribute.value.clone(),
        required: attribute.required,
    };
    RecordType::new(plan.attributes.iter().map(attribute).collect())
}

/// What does not fit in a part of a context: the reason and one sentence saying where.
pub(crate) fn diagnose_input(
    input: &Input,
    plan: &RecordPlan,
    path: &str,
    reader: &mut ContextReader<'_, '_>,
) -> (Reason, String) {
    let Input::Object(attributes) = input else {
        return (Reason::ArgumentType, format!("`{path}` must be a dict with string keys"));
    };
    let mut problems = Vec::new();
    find_problems(attributes, &record_type(plan), path, reader, &mut problems);
    let unclear = (Reason::ArgumentType, format!("`{path}` cannot be read"));
    problems.into_iter().min_by_key(|(reason, _)| *reason).unwrap_or(unclear)
}

/// What does not fit, in the order in which reasons are given: the reason and one sentence saying where.
pub(crate) fn diagnose(
    context: Option<&Bound<'_, PyAny>>,
    layout: Option<&Layout>,
    reader: &mut ContextReader<'_, '_>,
) -> (Reason, String) {
    let input = context.map_or(Input::Object(Vec::new()), to_input);
    let mut problems = Vec::new();
    match (&input, layout) {
        (Input::Object(attributes), Some(layout)) => {
            find_problems(attributes, &record_type(&layout.context), "context", reader, &mut problems);
        }
        (Input::Object(attributes), None) => {
            for (name, value) in attributes {
                if reader.value(value, None).is_err() {
                    problems.push((Reason::ArgumentType, format!("`context.{name}` is not a value that Cedar has")));
                }
            }
        }
        _ => problems.push((Reason::ArgumentType, "the context must be a dict with string keys".to_owned())),
    }
    let unclear = (Reason::ArgumentType, "the context cannot be read".to_owned());
    problems.into_iter().min_by_key(|(reason, _)| *reason).unwrap_or(unclear)
}

/// The reason that comes first of what does not fit in a value that cannot be read as its type.
pub(crate) fn misfit(value: &Input, wanted: &Type, reader: &mut ContextReader<'_, '_>) -> Reason {
    let mut problems = Vec::new();
    find_problem(value, wanted, "", reader, &mut problems);
    problems.into_iter().map(|(reason, _)| reason).min().unwrap_or(Reason::ArgumentType)
}

fn find_problems(
    attributes: &[(String, Input)],
    wanted: &RecordType,
    path: &str,
    reader: &mut ContextReader<'_, '_>,
    problems: &mut Vec<(Reason, String)>,
) {
    for (name, value) in attributes {
        let here = format!("{path}.{name}");
        match wanted.get(name) {
            None => {
                let known: Vec<&str> = wanted.attributes().iter().map(|attribute| &*attribute.name).collect();
                let known = if known.is_empty() { "no names".to_owned() } else { format!("`{}`", known.join("`, `")) };
                problems.push((
                    Reason::ArgumentUnknown,
                    format!("`{}` is not declared; the schema knows {known} there", here.escape_debug()),
                ));
            }
            Some(attribute) => find_problem(value, &attribute.value, &here, reader, problems),
        }
    }
    for attribute in wanted.attributes() {
        if attribute.required && !attributes.iter().any(|(name, _)| **name == *attribute.name) {
            let kind = type_text(&attribute.value, reader.store);
            problems.push((Reason::ArgumentMissing, format!("`{path}.{}` is required, a {kind}", attribute.name)));
        }
    }
}

fn find_problem(
    value: &Input,
    wanted: &Type,
    path: &str,
    reader: &mut ContextReader<'_, '_>,
    problems: &mut Vec<(Reason, String)>,
) {
    match (value, wanted) {
        (Input::Object(attributes), Type::Record(record)) => {
            find_problems(attributes, record, path, reader, problems);
        }
        (Input::List(members), Type::Set(member)) => {
            members.iter().for_each(|value| find_problem(value, member, &format!("{path}[]"), reader, problems));
        }
        _ => {
            if reader.value(value, Some(wanted)).is_err() {
                let kind = type_text(wanted, reader.store);
                problems.push((Reason::ArgumentType, format!("`{}` must be a {kind}", path.escape_debug())));
            }
        }
    }
}

/// A type as the schema writes it.
pub(crate) fn type_text(wanted: &Type, store: &Store) -> String {
    match wanted {
        Type::Bool => "Bool".to_owned(),
        Type::Long => "Long".to_owned(),
        Type::String => "String".to_owned(),
        Type::Entity(type_id) => store.type_name(*type_id).map_or_else(|| "entity".to_owned(), |name| name.to_string()),
        Type::Set(member) => format!("Set<{}>", type_text(member, store)),
        Type::Record(_) => "record".to_owned(),
        Type::Decimal => "decimal".to_owned(),
        Type::Ip => "ipaddr".to_owned(),
        Type::Datetime => "datetime".to_owned(),
        Type::Duration => "duration".to_owned(),
    }
}
