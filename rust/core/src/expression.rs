//! What can a condition say?
//!
//! [`Expression`] is Cedar's expression tree after parsing: operators, variables, literals. It is what the bundle's
//! text becomes and what is compiled; deciding works on the compiled form (`shape.rs`).
//!
//! Twin: `reference/expression.py`. Read next: `policies.rs`.

use std::sync::Arc;

use crate::value::{TypeId, Value};

/// Deepest nesting of an expression that is compiled; deeper text is refused when the bundle is loaded.
pub const EXPRESSION_DEPTH_MAX: usize = 512;

/// A variable of the request.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Variable {
    /// Who asks.
    Principal,
    /// What is asked for.
    Action,
    /// What it is to be done to.
    Resource,
    /// The context record.
    Context,
}

/// An operator of two arguments that evaluates both.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Binary {
    /// `==`
    Equal,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `in`
    In,
    /// `.contains()`
    Contains,
    /// `.containsAll()`
    ContainsAll,
    /// `.containsAny()`
    ContainsAny,
    /// `.getTag()`
    GetTag,
    /// `.hasTag()`
    HasTag,
}

/// An operator of one argument.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Unary {
    /// `!`
    Not,
    /// `-`
    Negate,
    /// `.isEmpty()`
    IsEmpty,
}

/// An extension function or method, by the name that Cedar gives it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Function {
    /// `decimal("…")`
    Decimal,
    /// `.lessThan()`
    LessThan,
    /// `.lessThanOrEqual()`
    LessThanOrEqual,
    /// `.greaterThan()`
    GreaterThan,
    /// `.greaterThanOrEqual()`
    GreaterThanOrEqual,
    /// `ip("…")`
    Ip,
    /// `.isIpv4()`
    IsIpv4,
    /// `.isIpv6()`
    IsIpv6,
    /// `.isLoopback()`
    IsLoopback,
    /// `.isMulticast()`
    IsMulticast,
    /// `.isInRange()`
    IsInRange,
    /// `datetime("…")`
    Datetime,
    /// `duration("…")`
    Duration,
    /// `.offset()`
    Offset,
    /// `.durationSince()`
    DurationSince,
    /// `.toDate()`
    ToDate,
    /// `.toTime()`
    ToTime,
    /// `.toMilliseconds()`
    ToMilliseconds,
    /// `.toSeconds()`
    ToSeconds,
    /// `.toMinutes()`
    ToMinutes,
    /// `.toHours()`
    ToHours,
    /// `.toDays()`
    ToDays,
}

impl Function {
    /// Every function with Cedar's name for it and its number of arguments, the receiver of a method included.
    pub const ALL: &'static [(Self, &'static str, usize)] = &[
        (Self::Decimal, "decimal", 1),
        (Self::LessThan, "lessThan", 2),
        (Self::LessThanOrEqual, "lessThanOrEqual", 2),
        (Self::GreaterThan, "greaterThan", 2),
        (Self::GreaterThanOrEqual, "greaterThanOrEqual", 2),
        (Self::Ip, "ip", 1),
        (Self::IsIpv4, "isIpv4", 1),
        (Self::IsIpv6, "isIpv6", 1),
        (Self::IsLoopback, "isLoopback", 1),
        (Self::IsMulticast, "isMulticast", 1),
        (Self::IsInRange, "isInRange", 2),
        (Self::Datetime, "datetime", 1),
        (Self::Duration, "duration", 1),
        (Self::Offset, "offset", 2),
        (Self::DurationSince, "durationSince", 2),
        (Self::ToDate, "toDate", 1),
        (Self::ToTime, "toTime", 1),
        (Self::ToMilliseconds, "toMilliseconds", 1),
        (Self::ToSeconds, "toSeconds", 1),
        (Self::ToMinutes, "toMinutes", 1),
        (Self::ToHours, "toHours", 1),
        (Self::ToDays, "toDays", 1),
    ];

    /// The function of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known, _)| *known == name).map(|(function, _, _)| *function)
    }

    /// Cedar's name of the function.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(known, _, _)| *known == self).map_or("", |(_, name, _)| name)
    }

    /// Number of arguments, the receiver of a method included.
    #[must_use]
    pub fn arity(self) -> usize {
        Self::ALL.iter().find(|(known, _, _)| *known == self).map_or(0, |(_, _, arity)| *arity)
    }
}

/// One element of the pattern of `like`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PatternElement {
    /// This character.
    Char(char),
    /// Any number of any characters.
    Wildcard,
}

/// The pattern of `like`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Pattern {
    elements: Arc<[PatternElement]>,
    /// The texts between the wildcards, in order: always one more than there are wildcards.
    texts: Arc<[Box<str>]>,
}

impl Pattern {
    /// A pattern of these elements.
    #[must_use]
    pub fn new(elements: Vec<PatternElement>) -> Self {
        let text = |part: &[PatternElement]| {
            let chars = part.iter().filter_map(|element| match element {
                PatternElement::Char(char) => Some(*char),
                PatternElement::Wildcard => None,
            });
            chars.collect::<String>().into_boxed_str()
        };
        let texts = elements.split(|element| *element == PatternElement::Wildcard).map(text).collect();
        Self { elements: elements.into(), texts }
    }

    /// The elements in order.
    #[must_use]
    pub fn elements(&self) -> &[PatternElement] {
        &self.elements
    }

    /// Whether the text matches: it begins with the first text between wildcards, ends with the last one, and has the
    /// others between in order, each at the first place where it can be; linear in the text for each wildcard.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let Some((first, others)) = self.texts.split_first() else { return false };
        let Some((last, between)) = others.split_last() else { return **first == *text };
        // Most texts that do not match are told by their first byte.
        if first.as_bytes().first().is_some_and(|byte| text.as_bytes().first() != Some(byte)) {
            return false;
        }
        let Some(rest) = text.strip_prefix(&**first).and_then(|rest| rest.strip_suffix(&**last)) else { return false };
        match between {
            [] => true,
            [only] => holds_text(rest, only),
            several => {
                let mut rest = rest;
                several.iter().all(|part| match rest.split_once(&**part) {
                    Some((_, after)) => {
                        rest = after;
                        true
                    }
                    None => false,
                })
            }
        }
    }
}

/// Texts up to this many bytes are searched place by place, which needs no preparation.
const SHORT_TEXT_BYTES: usize = 64;

/// Whether a text holds another.
#[inline]
fn holds_text(text: &str, wanted: &str) -> bool {
    let (text_bytes, wanted_bytes) = (text.as_bytes(), wanted.as_bytes());
    let Some((first, after)) = wanted_bytes.split_first() else { return true };
    if text.len() > SHORT_TEXT_BYTES {
        return text.contains(wanted);
    }
    let mut rest = text_bytes;
    while let Some((byte, below)) = rest.split_first() {
        if rest.len() < wanted_bytes.len() {
            return false;
        }
        if byte == first && below.starts_with(after) {
            return true;
        }
        rest = below;
    }
    false
}

/// A template's place for an entity.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Slot {
    /// `?principal`
    Principal,
    /// `?resource`
    Resource,
}

/// Cedar's expression tree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Expression {
    /// A value that does not depend on the request.
    Literal(Value),
    /// A variable of the request.
    Variable(Variable),
    /// A template's place for an entity.
    Slot(Slot),
    /// `if … then … else …`
    If(Box<Self>, Box<Self>, Box<Self>),
    /// `… && …`
    And(Box<Self>, Box<Self>),
    /// `… || …`
    Or(Box<Self>, Box<Self>),
    /// An operator of one argument.
    Unary(Unary, Box<Self>),
    /// An operator of two arguments.
    Binary(Binary, Box<Self>, Box<Self>),
    /// `.name` of a record or an entity.
    GetAttribute(Box<Self>, Arc<str>),
    /// `has name` of a record or an entity; with several names, `has a.b.c`.
    HasAttribute(Box<Self>, Box<[Arc<str>]>),
    /// `like` of a string.
    Like(Box<Self>, Pattern),
    /// `is` of an entity.
    Is(Box<Self>, TypeId),
    /// `[…]`
    Set(Vec<Self>),
    /// `{…}`
    Record(Vec<(Arc<str>, Self)>),
    /// An extension function or method, with Cedar's number of arguments.
    Call(Function, Vec<Self>),
}
