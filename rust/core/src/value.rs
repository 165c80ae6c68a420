//! Which values are there, and when are two of them the same?
//!
//! Cedar has eight kinds of value: booleans, 64-bit integers, strings, entity uids, sets, records and the four
//! extension types. [`Value`] owns its content; [`ValueRef`] borrows it, is `Copy` and three words long, and is what
//! the evaluator works on, so that deciding a call allocates nothing.
//!
//! Invariant: a [`Set`] is sorted and free of duplicates and a [`Record`] is sorted by name, so equality of values is
//! equality of representations. The two enums list their variants in the same order, so both order alike.
//!
//! Twin: `reference/value.py`. Read next: `entities.rs`.

use std::collections::HashSet;
use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::datetime::{Datetime, Duration};
use crate::decimal::Decimal;
use crate::ipaddr::IpNet;

/// An entity uid that the store or the request knows, as a small number.
///
/// Numbers from [`EntityId::LOCAL_START`] on are uids that only one request mentions: they are not in the store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EntityId(pub u32);

impl EntityId {
    /// First number of the uids that only one request knows.
    pub const LOCAL_START: u32 = 0x8000_0000;

    /// Whether only the request that mentions this uid knows it.
    #[inline]
    #[must_use]
    pub fn is_local(self) -> bool {
        self.0 >= Self::LOCAL_START
    }

    /// The number as an index into tables of the store, or into the request's own table for a local id.
    #[inline]
    #[must_use]
    pub fn index(self) -> usize {
        (self.0 & !Self::LOCAL_START) as usize
    }
}

/// The name of an entity type, as a small number of the store's table of types.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TypeId(pub u32);

impl TypeId {
    /// A type that no policy, schema or entity of the store mentions.
    pub const UNKNOWN: Self = Self(u32::MAX);
}

/// An owned Cedar value.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// A signed 64-bit integer.
    Long(i64),
    /// A string of Unicode scalar values.
    String(Arc<str>),
    /// An entity uid.
    Entity(EntityId),
    /// A set of values of any kinds.
    Set(Arc<Set>),
    /// Values by attribute name.
    Record(Arc<Record>),
    /// A decimal with four places.
    Decimal(Decimal),
    /// An IP address or range.
    Ip(IpNet),
    /// Milliseconds since the epoch.
    Datetime(Datetime),
    /// A length of time in milliseconds.
    Duration(Duration),
}

/// A borrowed Cedar value, see [`Value`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ValueRef<'a> {
    /// `true` or `false`.
    Bool(bool),
    /// A signed 64-bit integer.
    Long(i64),
    /// A string of Unicode scalar values.
    String(&'a str),
    /// An entity uid.
    Entity(EntityId),
    /// A set of values of any kinds.
    Set(&'a Set),
    /// Values by attribute name.
    Record(&'a Record),
    /// A decimal with four places.
    Decimal(Decimal),
    /// An IP address or range.
    Ip(IpNet),
    /// Milliseconds since the epoch.
    Datetime(Datetime),
    /// A length of time in milliseconds.
    Duration(Duration),
}

impl Value {
    /// The same value, borrowed.
    #[inline]
    #[must_use]
    pub fn borrow(&self) -> ValueRef<'_> {
        match self {
            Self::Bool(value) => ValueRef::Bool(*value),
            Self::Long(value) => ValueRef::Long(*value),
            Self::String(value) => ValueRef::String(value),
            Self::Entity(value) => ValueRef::Entity(*value),
            Self::Set(value) => ValueRef::Set(value),
            Self::Record(value) => ValueRef::Record(value),
            Self::Decimal(value) => ValueRef::Decimal(*value),
            Self::Ip(value) => ValueRef::Ip(*value),
            Self::Datetime(value) => ValueRef::Datetime(*value),
            Self::Duration(value) => ValueRef::Duration(*value),
        }
    }

    /// A set of these values, in any order and with repeats.
    #[must_use]
    pub fn set(values: Vec<Self>) -> Self {
        Self::Set(Arc::new(Set::new(values)))
    }
}

impl ValueRef<'_> {
    /// The same value, owned.
    #[must_use]
    pub fn to_owned(self) -> Value {
        match self {
            Self::Bool(value) => Value::Bool(value),
            Self::Long(value) => Value::Long(value),
            Self::String(value) => Value::String(Arc::from(value)),
            Self::Entity(value) => Value::Entity(value),
            Self::Set(value) => Value::Set(Arc::new(value.clone())),
            Self::Record(value) => Value::Record(Arc::new(value.clone())),
            Self::Decimal(value) => Value::Decimal(value),
            Self::Ip(value) => Value::Ip(value),
            Self::Datetime(value) => Value::Datetime(value),
            Self::Duration(value) => Value::Duration(value),
        }
    }

    /// The kind of value, in the words that error messages use.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Bool(_) => "Bool",
            Self::Long(_) => "Long",
            Self::String(_) => "String",
            Self::Entity(_) => "entity",
            Self::Set(_) => "Set",
            Self::Record(_) => "Record",
            Self::Decimal(_) => "decimal",
            Self::Ip(_) => "ipaddr",
            Self::Datetime(_) => "datetime",
            Self::Duration(_) => "duration",
        }
    }
}

/// Up to so many names, or members of a set, are walked; more are searched.
const WALKED_MAX: usize = 8;

/// A set of values: sorted, without duplicates.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Set(Box<[Value]>);

impl Set {
    /// A set of these values, in any order and with repeats.
    #[must_use]
    pub fn new(mut values: Vec<Value>) -> Self {
        values.sort_unstable();
        values.dedup();
        Self(values.into_boxed_slice())
    }

    /// The distinct values, in the order of [`Value`].
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.0
    }

    /// Whether the value is a member.
    #[inline]
    #[must_use]
    pub fn contains(&self, value: ValueRef<'_>) -> bool {
        match value {
            ValueRef::String(text) if self.0.len() <= WALKED_MAX => {
                self.0.iter().any(|member| matches!(member, Value::String(member) if **member == *text))
            }
            _ => self.0.binary_search_by(|member| member.borrow().cmp(&value)).is_ok(),
        }
    }

    /// Whether every member of `other` is a member here.
    #[must_use]
    pub fn contains_all(&self, other: &Self) -> bool {
        other.0.len() <= self.0.len() && other.0.iter().all(|value| self.contains(value.borrow()))
    }

    /// Whether some member of `other` is a member here.
    #[must_use]
    pub fn contains_any(&self, other: &Self) -> bool {
        let (few, many) = if self.0.len() < other.0.len() { (self, other) } else { (other, self) };
        few.0.iter().any(|value| many.contains(value.borrow()))
    }
}

/// Values by attribute name, sorted by name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Record {
    /// Sorted. Records of the store that have the same names share them ([`Record::share`]).
    names: Arc<[Arc<str>]>,
    /// As many, in that order.
    values: Box<[Value]>,
}

/// A record was given two values under one name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DuplicateName(pub Arc<str>);

impl Record {
    /// A record of these attributes, in any order.
    ///
    /// # Errors
    ///
    /// [`DuplicateName`] if two attributes have one name.
    pub fn new(mut attributes: Vec<(Arc<str>, Value)>) -> Result<Self, DuplicateName> {
        attributes.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
        for pair in attributes.windows(2) {
            if let [(left, _), (right, _)] = pair
                && left == right
            {
                return Err(DuplicateName(left.clone()));
            }
        }
        // Room for all at once: what had to shrink would leave a hole behind it in memory.
        let mut names = Vec::with_capacity(attributes.len());
        let mut values = Vec::with_capacity(attributes.len());
        for (name, value) in attributes {
            names.push(name);
            values.push(value);
        }
        Ok(Self { names: names.into(), values: values.into_boxed_slice() })
    }

    /// A record of these values under names that are sorted and each there once; none if it is not as many.
    #[must_use]
    pub fn of_sorted(names: Arc<[Arc<str>]>, values: Box<[Value]>) -> Option<Self> {
        debug_assert!(names.is_sorted_by(|left, right| left < right));
        (names.len() == values.len()).then_some(Self { names, values })
    }

    /// The attributes, sorted by name.
    pub fn attributes(&self) -> impl ExactSizeIterator<Item = (&Arc<str>, &Value)> {
        self.names.iter().zip(&self.values)
    }

    /// Number of attributes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no attribute.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Replaces the names, and texts and sets among the values, by equal ones that other records have too, so that they
    /// are in memory once: what many entities say alike is then found in a core's own memory.
    pub fn share(&mut self, known: &mut Shared) {
        match known.names.get(&self.names) {
            Some(names) => self.names = names.clone(),
            None if known.names.len() < SHARED_NAMES_MAX => {
                known.names.insert(self.names.clone());
            }
            None => {}
        }
        self.values.iter_mut().for_each(|value| known.share(value));
    }

    /// The value under a name.
    #[inline]
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(place(&self.names, name)?)
    }
}

#[inline]
fn place(names: &[Arc<str>], name: &str) -> Option<usize> {
    if names.len() <= WALKED_MAX {
        names.iter().position(|candidate| &**candidate == name)
    } else {
        names.binary_search_by(|candidate| (**candidate).cmp(name)).ok()
    }
}

/// Finds the values under one name in many records; where two share their names, the name is looked up once.
#[derive(Clone, Copy, Debug)]
pub struct Finder<'a> {
    name: &'a str,
    names: &'a [Arc<str>],
    place: Option<usize>,
}

impl<'a> Finder<'a> {
    /// Looks for this name.
    #[must_use]
    pub fn new(name: &'a str) -> Self {
        Self { name, names: &[], place: None }
    }

    /// The value under the name in a record.
    #[inline]
    pub fn get(&mut self, record: &'a Record) -> Option<&'a Value> {
        if !std::ptr::eq(self.names, &*record.names) {
            (self.names, self.place) = (&record.names, place(&record.names, self.name));
        }
        record.values.get(self.place?)
    }
}

/// Most lists of names that are kept to be shared.
const SHARED_NAMES_MAX: usize = 4_096;

/// Places for values that are kept to be shared.
const SHARED_VALUES_MAX: usize = 4_096;

/// Longest text, in bytes, and most members of a set that are looked for among those that were seen before.
const SHARED_TEXT_MAX: usize = 64;
const SHARED_MEMBERS_MAX: usize = 16;

/// Lists of attribute names that records share, and values that they had last.
#[derive(Clone, Debug, Default)]
pub struct Shared {
    names: HashSet<Arc<[Arc<str>]>, FixedState>,
    /// By hash; a value takes the place of the one before it, so that no more are kept than there are places.
    values: Vec<Value>,
}

impl Shared {
    fn share(&mut self, value: &mut Value) {
        let small = |value: &Value| match value {
            Value::String(text) => text.len() <= SHARED_TEXT_MAX,
            Value::Set(_) | Value::Record(_) => false,
            _ => true,
        };
        match value {
            Value::String(_) if small(value) => {}
            Value::Set(set) if set.0.len() <= SHARED_MEMBERS_MAX && set.0.iter().all(small) => {}
            _ => return,
        }
        if self.values.is_empty() {
            self.values.resize(SHARED_VALUES_MAX, Value::Bool(false));
        }
        let place = usize::try_from(FixedState::default().hash_one(&*value)).unwrap_or_default() % SHARED_VALUES_MAX;
        match self.values.get_mut(place) {
            Some(kept) if kept == value => *value = kept.clone(),
            Some(kept) => *kept = value.clone(),
            None => {}
        }
    }
}
