//! How does a batch of calls stand in memory?
//!
//! [`Rows`] holds many calls side by side: the three entities of each as indexes into lists of the distinct ones, and
//! the contexts either as one column per context path ([`Contexts::Columns`], from Arrow or NumPy) or as one row of
//! slots per call ([`Contexts::Slots`], from dicts). A row that was refused before any policy is asked keeps its
//! reason and is left alone.
//!
//! Optimisation: a row means what the same call means in `evaluate::Call`; `tests/properties` hold "batch equals
//! singles" to that.

use std::borrow::Cow;

use crate::decision::Reason;
use crate::request::Locals;
use crate::slots::{Layout, PathId, Place, Slot};
use crate::value::{EntityId, ValueRef};

/// Whether a value is there, per row: what [`Slot`] says, as a byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Presence {
    /// There.
    Value,
    /// The record above is there and lacks it.
    Absent,
    /// The record above is not there either.
    Unreachable,
}

impl Presence {
    /// The slot of a row without a value.
    #[must_use]
    pub fn slot<'a>(self) -> Slot<'a> {
        if self == Self::Absent { Slot::Absent } else { Slot::Unreachable }
    }
}

/// What stands at one context path, for every row of the batch.
#[derive(Clone, Debug)]
pub enum Column<'a> {
    /// Integers; `presence` is empty where every row has one.
    Long {
        /// A number per row.
        values: Cow<'a, [i64]>,
        /// Whether it counts.
        presence: Vec<Presence>,
    },
    /// Strings as numbers of distinct ones; `presence` is empty where every row has one.
    Text {
        /// A number of a word per row.
        codes: Cow<'a, [u32]>,
        /// The distinct strings.
        words: Vec<&'a str>,
        /// Whether it counts.
        presence: Vec<Presence>,
    },
    /// Values of any kinds.
    Slots(Vec<Slot<'a>>),
}

impl<'a> Column<'a> {
    /// What stands there in one row.
    #[inline]
    #[must_use]
    pub fn slot(&self, row: usize) -> Slot<'a> {
        let gone = |presence: &[Presence]| presence.get(row).copied().filter(|presence| *presence != Presence::Value);
        match self {
            Self::Long { values, presence } => match (gone(presence), values.get(row)) {
                (Some(gone), _) => gone.slot(),
                (None, Some(value)) => Slot::Value(ValueRef::Long(*value)),
                (None, None) => Slot::Unreachable,
            },
            Self::Text { codes, words, presence } => {
                let word = codes.get(row).and_then(|code| words.get(*code as usize));
                match (gone(presence), word) {
                    (Some(gone), _) => gone.slot(),
                    (None, Some(word)) => Slot::Value(ValueRef::String(word)),
                    (None, None) => Slot::Unreachable,
                }
            }
            Self::Slots(slots) => slots.get(row).copied().unwrap_or(Slot::Unreachable),
        }
    }
}

/// The contexts of all rows.
#[derive(Clone, Debug)]
pub enum Contexts<'a> {
    /// A column per context path that a policy reads, by the number of the path.
    Columns(Vec<Option<Column<'a>>>),
    /// A row of slots per call.
    Slots {
        /// All rows one behind the other.
        slots: Vec<Slot<'a>>,
        /// Where each row starts.
        starts: Vec<u32>,
    },
}

/// The distinct entities of one side of a batch and which of them each row has.
#[derive(Clone, Debug, Default)]
pub struct Side<'a> {
    /// The distinct entities, perhaps with repeats.
    pub distinct: Vec<EntityId>,
    /// Index of the row's entity.
    pub index: Cow<'a, [u32]>,
}

impl Side<'_> {
    /// The entity of a row.
    #[inline]
    #[must_use]
    pub fn entity(&self, row: u32) -> EntityId {
        let index = self.index.get(row as usize).copied().unwrap_or(u32::MAX);
        self.distinct.get(index as usize).copied().unwrap_or(EntityId(u32::MAX))
    }
}

/// Many calls side by side.
#[derive(Clone, Debug)]
pub struct Rows<'a> {
    /// Who asks.
    pub principals: Side<'a>,
    /// What is asked for.
    pub actions: Side<'a>,
    /// What it is to be done to.
    pub resources: Side<'a>,
    /// How the context of each distinct action is laid out, by index of the action.
    pub layouts: Vec<&'a Layout>,
    /// The contexts.
    pub contexts: Contexts<'a>,
    /// Per row, why it was refused before any policy is asked.
    pub refused: Vec<Option<Reason>>,
    /// Uids that only this batch mentions.
    pub locals: &'a Locals<'a>,
}

impl<'a> Rows<'a> {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.refused.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.refused.is_empty()
    }

    /// What stands at a context path in one row.
    #[inline]
    #[must_use]
    pub fn slot(&self, row: u32, path: PathId) -> Slot<'a> {
        match &self.contexts {
            Contexts::Columns(columns) => match columns.get(path.0 as usize) {
                Some(Some(column)) => column.slot(row as usize),
                _ => self.place(row, path).map_or_else(|slot| slot, |_| Slot::Unreachable),
            },
            Contexts::Slots { slots, starts } => match self.place(row, path) {
                Err(slot) => slot,
                Ok(place) => {
                    let start = starts.get(row as usize).copied().unwrap_or(u32::MAX) as usize;
                    slots.get(start.saturating_add(place)).copied().unwrap_or(Slot::Unreachable)
                }
            },
        }
    }

    #[inline]
    fn place(&self, row: u32, path: PathId) -> Result<usize, Slot<'a>> {
        let action = self.actions.index.get(row as usize).copied().unwrap_or(u32::MAX);
        let layout = self.layouts.get(action as usize);
        match layout.map_or(Place::Unreachable, |layout| layout.place(path)) {
            Place::Slot(slot) => Ok(usize::from(slot)),
            Place::Absent => Err(Slot::Absent),
            Place::Unreachable => Err(Slot::Unreachable),
        }
    }
}
