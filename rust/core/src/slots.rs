//! Where does a context attribute stand while a call is decided?
//!
//! Policies read the context by paths (`context.input.amount`). With a schema the shape of every context is known, so
//! paths are numbered once for the bundle ([`Paths`]) and each action gets a [`Layout`]: the order in which a context
//! is read and checked, and the place of each path in the call's row of slots. Deciding then reads a slot, never a
//! record.
//!
//! Optimisation: preserves what `evaluate` in `reference/evaluate.py` gives on the context as a record;
//! `tests/properties` hold it to that. Without a schema there is one path, the empty one, and one slot, the context.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;
use smallvec::SmallVec;

use crate::grant_slots::{GrantPath, GrantPaths};
use crate::schema::{RecordType, Schema, Type};
use crate::tasks::TaskId;
use crate::value::ValueRef;

/// A context path of the bundle, as a small number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PathId(pub u32);

impl PathId {
    /// First number of the paths that the engine itself fills (`grant_slots.rs`).
    pub const GRANT_START: u32 = 0x8000_0000;
}

/// What stands at a context path.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Slot<'a> {
    /// This value.
    Value(ValueRef<'a>),
    /// The record above is there and lacks the attribute.
    Absent,
    /// The record above is not there either.
    Unreachable,
}

/// A row of slots.
pub type Slots<'a> = SmallVec<[Slot<'a>; 16]>;

/// Gives a row so many slots that all hold the same, whatever stood there before.
#[inline(never)] // its code stands once
pub fn reset<'a>(row: &mut Slots<'a>, slot_count: usize, slot: Slot<'a>) {
    row.clear();
    row.resize(slot_count, slot);
}

/// All context paths that the bundle's policies read.
#[derive(Clone, Debug)]
pub struct Paths {
    names: Vec<Box<[Arc<str>]>>,
    numbers: HashMap<Box<[Arc<str>]>, PathId, FixedState>,
    /// Whether the path is a record in every action that declares it, so that attributes below it are paths too.
    contexts: Vec<Arc<RecordType>>,
    /// In a bundle with tasks: the paths that the engine itself fills.
    grant: Option<GrantPaths>,
    /// The task whose policies are being compiled.
    task: Option<TaskId>,
}

impl Paths {
    /// No path yet; contexts look as the schema says, or like anything if there is none.
    #[must_use]
    pub fn new(schema: Option<&Schema>) -> Self {
        let mut contexts: Vec<Arc<RecordType>> = Vec::new();
        for action in schema.into_iter().flat_map(|schema| schema.actions.values()) {
            if !contexts.iter().any(|known| Arc::ptr_eq(known, &action.context) || known == &action.context) {
                contexts.push(action.context.clone());
            }
        }
        Self { names: Vec::new(), numbers: HashMap::default(), contexts, grant: None, task: None }
    }

    /// The paths of a bundle with tasks.
    #[must_use]
    pub fn with_grants(self, grant: GrantPaths) -> Self {
        Self { grant: Some(grant), ..self }
    }

    /// Says whose policies are compiled next: a task's, or the organisation's.
    pub fn enter(&mut self, task: Option<TaskId>) {
        self.task = task;
    }

    /// Whose policies are compiled.
    #[must_use]
    pub fn task(&self) -> Option<TaskId> {
        self.task
    }

    fn grant_path(&self, path: &[Arc<str>]) -> Option<GrantPath> {
        self.grant.as_ref()?.find(path, self.task)
    }

    /// The number of a path; a new one if it was not asked for before.
    #[allow(clippy::cast_possible_truncation)] // paths are far fewer than 2^32: each stands in a policy's text
    pub fn number(&mut self, path: &[Arc<str>]) -> PathId {
        if let Some(given) = self.grant_path(path) {
            return given.id();
        }
        if let Some(found) = self.numbers.get(path) {
            return *found;
        }
        let number = PathId(self.names.len() as u32);
        self.names.push(path.into());
        self.numbers.insert(path.into(), number);
        number
    }

    /// The number of a path, if some policy reads it.
    #[must_use]
    pub fn find(&self, path: &[Arc<str>]) -> Option<PathId> {
        self.numbers.get(path).copied()
    }

    /// Number of paths.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether no policy reads the context.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The names along a path of the call's own part of the context.
    #[must_use]
    pub fn names(&self, path: PathId) -> &[Arc<str>] {
        self.names.get(path.0 as usize).map_or(&[], |names| names)
    }

    /// A path as policies write it; that of a parameter depends on the task whose policy reads it.
    #[must_use]
    pub fn text(&self, path: PathId, task: Option<TaskId>) -> String {
        if let (Some(given), Some(grant)) = (GrantPath::of(path), &self.grant) {
            return format!("context.{}", grant.text(given, task));
        }
        self.names(path).iter().fold("context".to_owned(), |text, name| text + "." + name)
    }

    /// Whether attributes below this path may be read as paths of their own: it is a record wherever it is declared.
    #[must_use]
    pub fn is_record(&self, path: &[Arc<str>]) -> bool {
        if let Some(given) = self.grant_path(path) {
            return given == GrantPath::Record;
        }
        !self.contexts.is_empty() && self.contexts.iter().all(|context| is_record_or_undeclared(context, path))
    }
}

/// Whether a context of this type cannot have anything but a record at a path.
fn is_record_or_undeclared(context: &RecordType, path: &[Arc<str>]) -> bool {
    let mut record = context;
    for name in path {
        match record.get(name).map(|attribute| &attribute.value) {
            Some(Type::Record(inner)) => record = inner,
            Some(_) => return false,
            None => return true,
        }
    }
    true
}

/// The place of a path in a call's row of slots, or what is known of it before the call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// In this slot.
    Slot(u16),
    /// Never there: the record above always is, and does not declare it.
    Absent,
    /// Never reachable.
    Unreachable,
}

/// How one action's context is read, checked and laid out.
#[derive(Clone, Debug)]
pub struct Layout {
    places: Box<[Place]>,
    /// How the context record itself is read.
    pub context: RecordPlan,
    /// Number of slots of a call.
    pub slot_count: usize,
}

/// How one record of a context is read.
#[derive(Clone, Debug, Default)]
pub struct RecordPlan {
    /// The slot for the record as a whole, where a policy reads it as one.
    pub slot: Option<u16>,
    /// Its attributes, sorted by name.
    pub attributes: Box<[AttributePlan]>,
    /// Slots of attributes that policies read and the schema does not declare: absent when the record is there.
    pub undeclared: Box<[u16]>,
}

/// How one attribute is read.
#[derive(Clone, Debug)]
pub struct AttributePlan {
    /// Its name.
    pub name: Arc<str>,
    /// The type its value must have.
    pub value: Type,
    /// Whether it must be there.
    pub required: bool,
    /// The slot for its value, where a policy reads it.
    pub slot: Option<u16>,
    /// For a record: how it is read.
    pub inner: Option<RecordPlan>,
}

impl Layout {
    /// The layout of contexts of this type; none if it would need more than 65,000 slots.
    #[must_use]
    pub fn of(context: &RecordType, paths: &Paths) -> Option<Self> {
        let mut places = vec![Place::Unreachable; paths.len()];
        let mut count = 0u16;
        let plan = plan_record(context, &mut Vec::new(), true, paths, &mut places, &mut count)?;
        Some(Self { places: places.into_boxed_slice(), context: plan, slot_count: usize::from(count) })
    }

    /// The layout where there is no schema: one slot, the whole context.
    #[must_use]
    pub fn whole() -> Self {
        let context = RecordPlan { slot: Some(0), ..RecordPlan::default() };
        Self { places: Box::new([Place::Slot(0)]), context, slot_count: 1 }
    }

    /// Every path that stands in a slot, with its slot.
    pub fn slots(&self) -> impl Iterator<Item = (PathId, u16)> {
        (0u32..).zip(&self.places).filter_map(|(number, place)| match place {
            Place::Slot(slot) => Some((PathId(number), *slot)),
            _ => None,
        })
    }

    /// Where a path stands.
    #[inline]
    #[must_use]
    pub fn place(&self, path: PathId) -> Place {
        self.places.get(path.0 as usize).copied().unwrap_or(Place::Unreachable)
    }
}

/// `always`: the record is there in every call, since all records above it are required.
fn plan_record(
    record: &RecordType,
    prefix: &mut Vec<Arc<str>>,
    always: bool,
    paths: &Paths,
    places: &mut [Place],
    count: &mut u16,
) -> Option<RecordPlan> {
    let slot = take_slot(prefix, paths, places, count)?;
    let mut attributes = Vec::with_capacity(record.attributes().len());
    for attribute in record.attributes() {
        prefix.push(attribute.name.clone());
        let (slot, inner) = match &attribute.value {
            Type::Record(inner) => {
                let inner = plan_record(inner, prefix, always && attribute.required, paths, places, count)?;
                (inner.slot, Some(inner))
            }
            _ => (take_slot(prefix, paths, places, count)?, None),
        };
        prefix.pop();
        attributes.push(AttributePlan {
            name: attribute.name.clone(),
            value: attribute.value.clone(),
            required: attribute.required,
            slot,
            inner,
        });
    }
    let undeclared = plan_undeclared(record, prefix, always, paths, places, count)?;
    Some(RecordPlan { slot, attributes: attributes.into_boxed_slice(), undeclared: undeclared.into_boxed_slice() })
}

/// Paths right below a record that the record does not declare.
fn plan_undeclared(
    record: &RecordType,
    prefix: &[Arc<str>],
    always: bool,
    paths: &Paths,
    places: &mut [Place],
    count: &mut u16,
) -> Option<Vec<u16>> {
    let mut slots = Vec::new();
    for (names, place) in paths.names.iter().zip(places.iter_mut()) {
        let below = names.split_last().filter(|(_, above)| *above == prefix);
        let Some((last, _)) = below else { continue };
        if record.get(last).is_some() {
            continue;
        }
        if always {
            *place = Place::Absent;
        } else {
            *place = Place::Slot(*count);
            slots.push(*count);
            *count = count.checked_add(1)?;
        }
    }
    Some(slots)
}

/// Outer none: too many slots. Inner none: no policy reads this path.
fn take_slot(prefix: &[Arc<str>], paths: &Paths, places: &mut [Place], count: &mut u16) -> Option<Option<u16>> {
    let Some(number) = paths.numbers.get(prefix) else { return Some(None) };
    let slot = *count;
    if let Some(place) = places.get_mut(number.0 as usize) {
        *place = Place::Slot(slot);
    }
    *count = count.checked_add(1)?;
    Some(Some(slot))
}
