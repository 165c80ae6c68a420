//! What do rules see of these arguments, or why are they refused?
//!
//! One pass over the input by the forms of the plan, in the order of the tool's schema. Plain values are borrowed; what
//! is made on the way lives as long as the call. Everything that is wrong is found before a refusal is chosen
//! (`refusal.rs` says which one wins), and nothing that cannot be read is ever taken for absent.
//!
//! Twin: `reference/arguments.py`. `tests/properties/test_arguments.py` holds both to each other.
//! Read next: `values.rs`, how single values are read.

use std::sync::Arc;

use agentpdp_core::decision::Reason;
use agentpdp_core::evaluate::Temporaries;
use agentpdp_core::slots::{Slot, Slots, reset};
use agentpdp_core::value::{EntityId, TypeId, ValueRef};

use crate::form::{Fields, Form, Property};
use crate::json::{Json, JsonError};
use crate::plan::Plan;
use crate::refusal::{Path, Refusal, Refusals, Step};
use crate::source::{Key, Name, Node, Object, Source};

/// An id that names no entity of the store, of a type that is not open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnknownEntity;

/// Who knows entities by their ids.
pub trait Entities {
    /// The entity of a type and an id.
    ///
    /// # Errors
    ///
    /// [`UnknownEntity`] if it is not in the store and its type is not open.
    fn resolve(&mut self, type_id: TypeId, id: &str) -> Result<EntityId, UnknownEntity>;

    /// The entity that is the call's resource; whether it is known is asked later, after the parties.
    ///
    /// # Errors
    ///
    /// [`UnknownEntity`] if nothing can have this id.
    fn resource(&mut self, type_id: TypeId, id: &str) -> Result<EntityId, UnknownEntity> {
        self.resolve(type_id, id)
    }
}

/// A step to a value that is written anew.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RewriteStep {
    /// The member of an object.
    Name(Arc<str>),
    /// The member of a list.
    Member(usize),
}

/// A text that the tool must get in place of the one that was given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rewrite {
    /// Where it stands in the arguments.
    pub steps: Vec<RewriteStep>,
    /// The canonical text.
    pub text: String,
}

/// What was read of the arguments of one call.
#[derive(Clone, Debug, Default)]
pub struct Decoded<'a> {
    /// One slot for each attribute of the plan's input, in its order.
    pub slots: Slots<'a>,
    /// The resource that the arguments name, where the plan says which does.
    pub resource: Option<EntityId>,
    /// What the tool must get instead of what was given.
    pub rewritten: Vec<Rewrite>,
}

impl Decoded<'_> {
    /// Forgets what was read, keeps the room.
    pub fn clear(&mut self) {
        self.slots.clear();
        self.resource = None;
        self.rewritten.clear();
    }
}

impl Plan {
    /// Reads the arguments of one call.
    ///
    /// # Errors
    ///
    /// The [`Refusal`] that wins.
    pub fn decode<'a, S: Source<'a>>(
        &'a self,
        source: S,
        entities: &mut dyn Entities,
        keep: &'a Temporaries,
        out: &mut Decoded<'a>,
    ) -> Result<(), Refusal> {
        out.clear();
        let mut reader =
            Reader { entities, keep, refusals: Refusals::default(), resource: None, rewritten: Vec::new() };
        match source.node() {
            Node::Object(object) => reader.object::<S>(&self.fields, object, &Path::ROOT, &mut out.slots),
            _ => reader.refusals.add(Reason::ArgumentType, &Path::ROOT, "an object of arguments"),
        }
        (out.resource, out.rewritten) = (reader.resource, reader.rewritten);
        match reader.refusals.into_first() {
            None => Ok(()),
            Some(refusal) => {
                out.clear();
                Err(refusal)
            }
        }
    }
}

/// The refusal of a text that is not read as JSON.
#[must_use]
pub fn refuse_json(error: JsonError) -> Refusal {
    let reason = match error {
        JsonError::Syntax(_) => Reason::ArgumentType,
        JsonError::TooLarge => Reason::ArgumentTooLarge,
    };
    Refusal { reason, argument: String::new(), expected: "a JSON object of arguments".to_owned() }
}

/// Reads arguments from their JSON text and hands them to `then`.
///
/// # Errors
///
/// What `then` refuses, and texts that are not JSON or too large.
pub fn with_json<T>(text: &str, then: impl FnOnce(&Json<'_>) -> Result<T, Refusal>) -> Result<T, Refusal> {
    then(&crate::json::read(text).map_err(refuse_json)?)
}

/// Reads one call's arguments.
pub(crate) struct Reader<'a, 'e> {
    pub(crate) entities: &'e mut dyn Entities,
    pub(crate) keep: &'a Temporaries,
    pub(crate) refusals: Refusals,
    pub(crate) resource: Option<EntityId>,
    pub(crate) rewritten: Vec<Rewrite>,
}

impl<'a> Reader<'a, '_> {
    /// Reads an object into a row of slots.
    pub(crate) fn object<S: Source<'a>>(
        &mut self,
        fields: &'a Fields,
        object: S::Object,
        path: &Path<'_>,
        row: &mut Slots<'a>,
    ) {
        reset(row, fields.record.attributes().len(), Slot::Absent);
        let mut found = 0usize;
        for property in &fields.properties {
            match object.get(Key { number: property.number, name: &property.name }) {
                Some(value) => {
                    found = found.saturating_add(1);
                    self.property(property, value, path, row);
                }
                None => {
                    if property.is_required || property.is_needed {
                        self.missing(property, path);
                    }
                    self.absent(property, row);
                }
            }
        }
        if found != object.len() {
            self.surplus::<S>(fields, object, path);
        }
    }

    #[inline]
    fn property<S: Source<'a>>(&mut self, property: &'a Property, value: S, path: &Path<'_>, row: &mut Slots<'a>) {
        let place = |row: &mut Slots<'a>, value: ValueRef<'a>| {
            if let Some(slot) = property.places.value.and_then(|at| row.get_mut(usize::from(at))) {
                *slot = Slot::Value(value);
            }
        };
        let node = value.node();
        // The plain ones first: most arguments are.
        match (&property.form, node) {
            (Form::Text, Node::Text(text)) if text.len() <= TEXT_ARGUMENT_BYTES_MAX && property.resource.is_none() => {
                return place(row, ValueRef::String(text));
            }
            (Form::Integer(None), Node::Integer(integer))
                if crate::number::is_safe(integer) && property.resource.is_none() =>
            {
                return place(row, ValueRef::Long(integer));
            }
            _ => {}
        }
        self.other_property::<S>(property, node, path, row);
    }

    fn other_property<S: Source<'a>>(
        &mut self,
        property: &'a Property,
        node: Node<'a, S>,
        path: &Path<'_>,
        row: &mut Slots<'a>,
    ) {
        let here = path.then(Step::Name(&property.name));
        if let (Node::Null, false) = (node, matches!(property.form, Form::Opaque(_))) {
            match (property.is_nullable, property.is_needed) {
                (true, true) => self.missing(property, path),
                (true, false) => {}
                (false, _) => self.refusals.add(Reason::ArgumentType, &here, property.form.expected()),
            }
            return self.absent(property, row);
        }
        let mut set = |at: Option<u16>, value: ValueRef<'a>| {
            if let Some(slot) = at.and_then(|at| row.get_mut(usize::from(at))) {
                *slot = Slot::Value(value);
            }
        };
        let places = &property.places;
        match &property.form {
            Form::List(list) => {
                let Some(read) = self.list::<S>(list, node, &here) else { return };
                set(places.value, read.value);
                set(places.count, ValueRef::Long(read.count));
                for (column, [set_place, max, sum]) in read.columns.into_iter().zip(&places.columns) {
                    if let Some(members) = column.set {
                        set(*set_place, members);
                    }
                    set(*max, ValueRef::Long(column.max));
                    set(*sum, ValueRef::Long(column.sum));
                }
            }
            Form::Opaque(opaque) => {
                let (is_given, count) = self.opaque::<S>(*opaque, node, &here);
                set(places.given, ValueRef::Bool(is_given));
                set(places.count, ValueRef::Long(count));
                if property.is_needed && !is_given {
                    self.missing(property, path);
                }
            }
            form => {
                let Some(value) = self.value::<S>(form, node, &here) else { return };
                set(places.value, value);
                if let Some(type_id) = property.resource {
                    self.resource = self.resource_entity(type_id, value, &here);
                }
                self.check_filled(property, value, &here);
            }
        }
    }

    /// A required list of addresses has one.
    fn check_filled(&mut self, property: &Property, value: ValueRef<'_>, path: &Path<'_>) {
        let is_required = property.is_needed || (property.is_required && !property.is_nullable);
        if is_required
            && property.form.is_email_list()
            && property.places.absent.as_deref().is_some_and(|none| ValueRef::Record(none) == value)
        {
            self.refusals.add(Reason::ArgumentFormat, path, "at least one address");
        }
    }

    #[cold]
    fn missing(&mut self, property: &Property, path: &Path<'_>) {
        let here = path.then(Step::Name(&property.name));
        self.refusals.add(Reason::ArgumentMissing, &here, property.form.expected());
    }

    /// What rules see of a property that is not there.
    pub(crate) fn absent(&mut self, property: &'a Property, row: &mut Slots<'a>) {
        let places = &property.places;
        let mut set = |at: Option<u16>, value: ValueRef<'a>| {
            if let Some(slot) = at.and_then(|at| row.get_mut(usize::from(at))) {
                *slot = Slot::Value(value);
            }
        };
        if let Some(record) = &places.absent {
            set(places.value, ValueRef::Record(record));
        }
        set(places.count, ValueRef::Long(0));
        set(places.given, ValueRef::Bool(false));
        for [members, max, sum] in &places.columns {
            set(*members, crate::values::empty_set());
            set(*max, ValueRef::Long(0));
            set(*sum, ValueRef::Long(0));
        }
    }

    /// Names that the object should not have, or has twice.
    #[cold]
    fn surplus<S: Source<'a>>(&mut self, fields: &Fields, object: S::Object, path: &Path<'_>) {
        for (name, _) in object.members() {
            match name {
                Name::Text(name) if fields.properties.iter().any(|property| *property.name == *name) => {}
                Name::Text(name) if name.starts_with("__") => {
                    let here = path.then(Step::Name(name));
                    self.refusals.add(Reason::ArgumentReserved, &here, "names that do not start with `__`");
                }
                Name::Text(name) => {
                    let known: Vec<String> = fields
                        .properties
                        .iter()
                        .map(|property| format!("`{}`", property.name.escape_debug()))
                        .collect();
                    let expected = if known.is_empty() { "no arguments".to_owned() } else { known.join(", ") };
                    self.refusals.add(Reason::ArgumentUnknown, &path.then(Step::Name(name)), expected);
                }
                Name::Broken => self.refusals.add(Reason::ArgumentUnsafe, path, "names of Unicode characters"),
                Name::Foreign => self.refusals.add(Reason::ArgumentType, path, "names that are text"),
            }
        }
        if object.has_duplicates() {
            self.refusals.add(Reason::ArgumentUnsafe, path, "each name once");
        }
    }
}

/// Bytes of one text that has no kind.
pub const TEXT_ARGUMENT_BYTES_MAX: usize = 4 << 20;
