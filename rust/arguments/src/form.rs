//! How is each value of a tool's arguments read?
//!
//! A [`Form`] says how one value is read, [`Fields`] how an object is: which names it may have, in the order of the tool's
//! schema, and which attributes of the record that rules see come out of each.
//!
//! Read next: `schema.rs`, which makes forms, and `decode.rs`, which reads by them.

use std::sync::Arc;

use agentpdp_core::decimal::Decimal;
use agentpdp_core::schema::{RecordType, Type};
use agentpdp_core::value::{Record, TypeId};

use crate::kind::{Kind, Reading};
use crate::kinds::ip::Versions;

/// How one value is read.
#[derive(Clone, PartialEq, Debug)]
pub enum Form {
    /// Text.
    Text,
    /// One of these texts.
    Choice(Box<[Arc<str>]>),
    /// True or false, perhaps only one of them.
    Bool(Option<bool>),
    /// A whole number, perhaps one of these.
    Integer(Option<Box<[i64]>>),
    /// A number, perhaps one of these.
    Number(Option<Box<[Decimal]>>),
    /// A day as text.
    Date,
    /// A moment as text.
    Moment,
    /// An address as text.
    Ip(Versions),
    /// A text or number of a kind, or a list where the kind reads lists as one value.
    Kind(Arc<Kind>),
    /// The id of an entity, read by the inner form.
    Entity(TypeId, Box<Self>),
    /// An object.
    Record(Arc<Fields>),
    /// One of several JSON types.
    Union(Arc<Union>),
    /// A list whose members all have one form.
    List(Arc<ListForm>),
    /// Something that rules do not see.
    Opaque(Opaque),
}

/// What is known of something that rules do not see.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Opaque {
    /// Whether it is a list.
    pub is_list: bool,
    /// Whether the bundle lets it be given.
    pub is_allowed: bool,
}

/// A list.
#[derive(Clone, PartialEq, Debug)]
pub struct ListForm {
    /// How each member is read.
    pub member: Form,
    /// The type of a member.
    pub member_type: Type,
    /// Attributes of the members that rules see over the whole list.
    pub columns: Box<[Column]>,
}

/// One attribute of a list's members, over the whole list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Column {
    /// Its place among the members' attributes.
    pub attribute: u16,
    /// The name of its property.
    pub name: Arc<str>,
    /// The type of the set's members; none if there is no set.
    pub set: Option<Type>,
    /// Whether largest and sum are seen.
    pub is_number: bool,
}

/// One of several JSON types; each branch is an optional attribute of a record.
#[derive(Clone, PartialEq, Debug)]
pub struct Union {
    /// The branches as properties of a record.
    pub fields: Fields,
    /// Whether null is one of them.
    pub has_null: bool,
}

/// How an object is read.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Fields {
    /// Its names in the order of the tool's schema.
    pub properties: Box<[Property]>,
    /// What rules see.
    pub record: Arc<RecordType>,
}

/// One name of an object.
#[derive(Clone, PartialEq, Debug)]
pub struct Property {
    /// Its number among the plan's names.
    pub number: u32,
    /// The name.
    pub name: Arc<str>,
    /// How its value is read.
    pub form: Form,
    /// Whether the tool's schema requires it.
    pub is_required: bool,
    /// Whether it must be there and not null.
    pub is_needed: bool,
    /// Whether null stands for absent.
    pub is_nullable: bool,
    /// The type of the resource that it is the id of.
    pub resource: Option<TypeId>,
    /// Where its attributes stand.
    pub places: Places,
}

/// Where the attributes of a property stand in its record.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Places {
    /// The value.
    pub value: Option<u16>,
    /// `_count`
    pub count: Option<u16>,
    /// `_given`
    pub given: Option<u16>,
    /// For each column of the list: the set, the largest, the sum.
    pub columns: Box<[[Option<u16>; 3]]>,
    /// What the value is where the property is absent.
    pub absent: Option<Arc<Record>>,
}

impl Form {
    /// The type of the value that rules see; none if they do not see it.
    #[must_use]
    pub fn value_type(&self) -> Option<Type> {
        Some(match self {
            Self::Text | Self::Choice(_) => Type::String,
            Self::Bool(_) => Type::Bool,
            Self::Integer(_) => Type::Long,
            Self::Number(_) => Type::Decimal,
            Self::Date | Self::Moment => Type::Datetime,
            Self::Ip(_) => Type::Ip,
            Self::Kind(kind) => kind.value_type(),
            Self::Entity(type_id, _) => Type::Entity(*type_id),
            Self::Record(fields) => Type::Record(fields.record.clone()),
            Self::Union(union) => Type::Record(union.fields.record.clone()),
            Self::List(list) => Type::Set(Box::new(list.member_type.clone())),
            Self::Opaque(_) => return None,
        })
    }

    /// Whether it is the kind whose record is always there.
    #[must_use]
    pub fn is_email_list(&self) -> bool {
        matches!(self, Self::Kind(kind) if kind.reading == Reading::EmailList)
    }

    /// What an argument of this form is, in the words of refusals.
    #[must_use]
    pub fn expected(&self) -> &'static str {
        match self {
            Self::Text | Self::Choice(_) | Self::Date | Self::Moment | Self::Ip(_) => "a string",
            Self::Bool(_) => "true or false",
            Self::Integer(_) => "a whole number from -(2^53-1) to 2^53-1",
            Self::Number(_) => "a number",
            Self::Kind(kind) if kind.reads_list() => "a string or a list of strings, as the tool's schema says",
            Self::Kind(_) => "a string or number, as the tool's schema says",
            Self::Entity(_, inner) => inner.expected(),
            Self::Record(_) => "an object",
            Self::Union(_) => "one of the types that the tool's schema lists",
            Self::List(_) | Self::Opaque(Opaque { is_list: true, .. }) => "a list",
            Self::Opaque(_) => "a JSON value",
        }
    }
}
