//! What does outside data look like before it is known which Cedar values it means?
//!
//! An [`Input`] is a JSON value, or a Python value that a caller has put into this form. JSON text becomes inputs by
//! [`read_members`], one member of the outermost list at a time, so that a file of a million entities never stands in
//! memory as one tree. A name that an object has twice is an error: readers disagree about what it means.
//!
//! Read next: `values.rs`.

use std::fmt;
use std::ops::ControlFlow;

use agentpdp_core::value::Value;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};

/// A value from outside.
#[derive(Clone, PartialEq, Debug)]
pub enum Input {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number of 64 bits.
    Long(i64),
    /// A double that is not one of those.
    Float(f64),
    /// A number that is neither, by its text, which JSON's grammar has.
    Number(String),
    /// A text.
    String(String),
    /// A list.
    List(Vec<Self>),
    /// An object, its names in their order and each once.
    Object(Vec<(String, Self)>),
    /// An entity uid.
    Uid {
        /// The name of the type.
        type_name: String,
        /// The id.
        id: String,
    },
    /// A value that needs no reading.
    Value(Value),
    /// A text that is not Unicode: no reader takes it.
    Broken,
    /// Something that JSON and Cedar have no value for: it is there, and no reader takes it.
    Foreign,
}

/// Largest float whose whole value every reader sees; its negative is the smallest.
const WHOLE_FLOAT_MAX: f64 = 9_007_199_254_740_992.0;

impl Input {
    /// A double: where it is whole, an integer.
    #[allow(clippy::cast_possible_truncation)] // whole and within 2^53
    #[must_use]
    pub fn of_float(float: f64) -> Self {
        if float.fract() == 0.0 && float.abs() <= WHOLE_FLOAT_MAX {
            Self::Long(float as i64)
        } else {
            Self::Float(float)
        }
    }

    /// The kind of input, in the words that messages use.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Long(_) => "an integer",
            Self::Float(_) | Self::Number(_) => "a number that is no 64-bit integer",
            Self::String(_) => "a string",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
            Self::Uid { .. } => "an entity",
            Self::Value(_) => "a value",
            Self::Broken => "text that is not Unicode",
            Self::Foreign => "no value that Cedar has",
        }
    }

    /// The member of an object.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(known, _)| known == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text of a string.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }
}

/// Reads the members of the list that a JSON text is, one after the other.
///
/// `take` gets each with its place in the list, and may stop.
///
/// # Errors
///
/// What the JSON reader says, with line and column.
pub fn read_members(
    text: &str,
    take: &mut dyn FnMut(usize, Input) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let mut stopped = ControlFlow::Continue(());
    let result = reader.deserialize_seq(Members { take, stopped: &mut stopped });
    if stopped.is_break() {
        return Ok(stopped);
    }
    result.and_then(|()| reader.end()).map(|()| stopped)
}

/// Reads one JSON value.
///
/// # Errors
///
/// What the JSON reader says, with line and column.
pub fn read_one(text: &str) -> Result<Input, serde_json::Error> {
    serde_json::from_str(text)
}

/// The byte at which a member of the outermost list starts.
#[must_use]
pub fn member_offset(text: &str, index: usize) -> Option<usize> {
    let (mut depth, mut seen, mut in_string, mut escaped, mut waiting) = (0usize, 0usize, false, false, false);
    for (at, byte) in text.bytes().enumerate() {
        if in_string {
            (in_string, escaped) = (escaped || byte != b'"', !escaped && byte == b'\\');
            continue;
        }
        if waiting && !byte.is_ascii_whitespace() {
            if seen == index {
                return Some(at);
            }
            waiting = false;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => {
                depth = depth.saturating_add(1);
                waiting = waiting || depth == 1;
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 1 => (seen, waiting) = (seen.saturating_add(1), true),
            _ => {}
        }
    }
    None
}

struct Members<'t> {
    take: &'t mut dyn FnMut(usize, Input) -> ControlFlow<()>,
    stopped: &'t mut ControlFlow<()>,
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of entities")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut index = 0usize;
        while let Some(member) = members.next_element::<Input>()? {
            if (self.take)(index, member).is_break() {
                *self.stopped = ControlFlow::Break(());
                return Err(A::Error::custom("stopped"));
            }
            index = index.saturating_add(1);
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Input {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Input;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Input, E> {
        Ok(Input::Null)
    }

    fn visit_none<E>(self) -> Result<Input, E> {
        Ok(Input::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Input, E> {
        Ok(Input::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Input, E> {
        Ok(Input::Long(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Input, E> {
        Ok(i64::try_from(value).map_or_else(|_| Input::Number(value.to_string()), Input::Long))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Input, E> {
        Ok(Input::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Input, E> {
        Ok(Input::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Input, E> {
        Ok(Input::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut members: A) -> Result<Input, A::Error> {
        let mut list = Vec::new();
        while let Some(member) = members.next_element()? {
            list.push(member);
        }
        Ok(Input::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Input, A::Error> {
        let mut object: Vec<(String, Input)> = Vec::new();
        let mut names = Names::default();
        while let Some(name) = members.next_key::<String>()? {
            if !names.insert(&name, &object) {
                return Err(de::Error::custom(format!(
                    "the name `{}` stands twice in one object",
                    name.escape_debug()
                )));
            }
            object.push((name, members.next_value_seed(Seed)?));
        }
        Ok(Input::Object(object))
    }
}

struct Seed;

impl<'de> DeserializeSeed<'de> for Seed {
    type Value = Input;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Input, D::Error> {
        Input::deserialize(deserializer)
    }
}

/// Names seen in one object; few are looked through, many are hashed.
#[derive(Default)]
struct Names {
    hashed: std::collections::HashSet<String>,
}

impl Names {
    const LOOKED_THROUGH_MAX: usize = 16;

    /// Whether the name is new.
    fn insert(&mut self, name: &str, object: &[(String, Input)]) -> bool {
        if object.len() <= Self::LOOKED_THROUGH_MAX {
            return object.iter().all(|(known, _)| known != name);
        }
        if self.hashed.is_empty() {
            self.hashed.extend(object.iter().map(|(known, _)| known.clone()));
        }
        self.hashed.insert(name.to_owned())
    }
}
