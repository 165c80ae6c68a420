//! Which JSON types does a part of a tool's schema allow?
//!
//! A JSON Schema says one thing in many ways: `$ref`, `anyOf`, lists of types, `nullable`. [`Leaves`] takes a part of a
//! schema apart into what is left: leaves of one JSON type each, and whether null is allowed. What restricts values
//! further (lengths, patterns, ranges) is the tool's own business and is left out: it can only make less valid.
//!
//! Sources: JSON Schema 2020-12 and draft 7, OpenAPI's `nullable`. Read next: `plan.rs`.

use std::sync::Arc;

use serde_json::Value;

use crate::problem::{Problem, ProblemCode};

/// Leaves of all parts of one tool's schema.
pub const SCHEMA_LEAVES_MAX: usize = 20_000;

/// Objects, lists and references inside one another.
pub const SCHEMA_DEPTH_MAX: usize = 32;

/// A JSON type.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum JsonType {
    /// `string`
    String,
    /// `boolean`
    Boolean,
    /// `integer`
    Integer,
    /// `number`
    Number,
    /// `object`
    Object,
    /// `array`
    Array,
}

impl JsonType {
    /// The type's name in a schema.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Object => "object",
            Self::Array => "array",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::String, Self::Boolean, Self::Integer, Self::Number, Self::Object, Self::Array]
            .into_iter()
            .find(|known| known.name() == name)
    }

    fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::String(_) => Self::String,
            Value::Bool(_) => Self::Boolean,
            Value::Number(number) if number.is_f64() => Self::Number,
            Value::Number(_) => Self::Integer,
            Value::Object(_) => Self::Object,
            Value::Array(_) => Self::Array,
            Value::Null => return None,
        })
    }
}

/// References that are being followed, innermost first.
#[derive(Clone, Debug)]
pub struct Followed<'s> {
    target: &'s Value,
    above: Option<Arc<Self>>,
    /// How many there are.
    depth: usize,
}

/// A part of a schema that allows one JSON type.
#[derive(Clone, Debug)]
pub struct Leaf<'s> {
    /// The part.
    pub node: &'s Value,
    /// The JSON type.
    pub json_type: JsonType,
    /// What was followed to get there.
    pub followed: Option<Arc<Followed<'s>>>,
}

/// Why a part of a schema has no type that rules could see.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Untyped {
    /// Anything goes.
    FreeForm,
    /// It contains itself.
    Recursive,
    /// Positions of a list differ.
    Tuple,
    /// Lists in lists, or several objects or lists to choose from.
    TooManifold,
    /// It is put together in a way that is not read.
    Composed,
    /// Only null is allowed.
    NullOnly,
}

impl Untyped {
    /// In a few words.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::FreeForm => "it is free-form",
            Self::Recursive => "it contains itself",
            Self::Tuple => "each position of the list has its own type, or none",
            Self::TooManifold => "it is a choice of objects or lists, or lists of lists",
            Self::Composed => "it is composed by `allOf` or `$dynamicRef`",
            Self::NullOnly => "it is never anything but null",
        }
    }
}

/// What a part of a schema allows.
#[derive(Clone, Debug, Default)]
pub struct Leaves<'s> {
    /// Types other than null.
    pub leaves: Vec<Leaf<'s>>,
    /// Whether null is allowed.
    pub is_nullable: bool,
    /// Why it has no type.
    pub untyped: Option<Untyped>,
    /// Whether all that is allowed is a list.
    pub is_list: bool,
}

/// The schema of one tool.
#[derive(Clone, Copy, Debug)]
pub struct Schema<'s> {
    /// All of it; local references start here.
    pub root: &'s Value,
}

impl<'s> Schema<'s> {
    /// Takes a part apart.
    ///
    /// # Errors
    ///
    /// References to other documents and to nothing.
    pub fn leaves(
        &self,
        node: &'s Value,
        followed: Option<Arc<Followed<'s>>>,
        place: &str,
    ) -> Result<Leaves<'s>, Problem> {
        let mut leaves = Leaves::default();
        self.collect(node, followed, place, &mut leaves)?;
        if leaves.leaves.is_empty() && leaves.untyped.is_none() {
            leaves.untyped = Some(Untyped::NullOnly);
        }
        leaves.is_list =
            !leaves.leaves.is_empty() && leaves.leaves.iter().all(|leaf| leaf.json_type == JsonType::Array);
        Ok(leaves)
    }

    fn collect(
        &self,
        node: &'s Value,
        followed: Option<Arc<Followed<'s>>>,
        place: &str,
        out: &mut Leaves<'s>,
    ) -> Result<(), Problem> {
        if out.leaves.len() > SCHEMA_LEAVES_MAX {
            return Err(too_large(place));
        }
        let Value::Object(object) = node else {
            out.untyped = Some(Untyped::FreeForm);
            return Ok(());
        };
        out.is_nullable |= object.get("nullable") == Some(&Value::Bool(true));
        if let Some(reference) = object.get("$ref") {
            let target = self.resolve(reference, place)?;
            let Some(followed) = follow(target, followed) else {
                out.untyped = Some(Untyped::Recursive);
                return Ok(());
            };
            return self.collect(target, Some(followed), place, out);
        }
        if object.contains_key("$dynamicRef") || object.contains_key("$recursiveRef") {
            out.untyped = Some(Untyped::Composed);
            return Ok(());
        }
        let is_typed = object.contains_key("type") || object.contains_key("properties");
        match object.get("allOf") {
            Some(Value::Array(parts)) if !is_typed => {
                return match parts.as_slice() {
                    [only] => self.collect(only, followed, place, out),
                    _ => {
                        out.untyped = Some(Untyped::Composed);
                        Ok(())
                    }
                };
            }
            _ => {}
        }
        let branches = object.get("anyOf").or_else(|| object.get("oneOf"));
        if let (Some(Value::Array(branches)), false) = (branches, is_typed) {
            return branches.iter().try_for_each(|branch| self.collect(branch, followed.clone(), place, out));
        }
        collect_types(node, followed.as_ref(), out);
        Ok(())
    }

    /// What a local reference names.
    fn resolve(&self, reference: &Value, place: &str) -> Result<&'s Value, Problem> {
        let place = format!("{place}/$ref");
        let text = reference.as_str().unwrap_or("");
        let Some(pointer) = text.strip_prefix('#') else {
            let message = "a `$ref` names another document, which is not fetched";
            return Err(Problem::new(
                ProblemCode::RefRemote,
                place,
                message,
                "put what it names under `$defs` and write `#/$defs/NAME`",
            ));
        };
        self.root.pointer(&decoded(pointer)).ok_or_else(|| {
            let message = format!("`{}` names nothing in this schema", text.escape_debug());
            Problem::new(ProblemCode::RefUnresolved, place, message, "write `#/$defs/NAME` with a name that is there")
        })
    }
}

/// Percent encodings of a fragment taken back.
fn decoded(pointer: &str) -> String {
    let mut bytes = Vec::with_capacity(pointer.len());
    let mut rest = pointer.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = (*first == b'%').then(|| after.get(..2)).flatten();
        let code = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|text| u8::from_str_radix(text, 16).ok());
        match code {
            Some(code) => {
                bytes.push(code);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| pointer.to_owned())
}

/// One reference further; none if it is being followed already, or too many are.
fn follow<'s>(target: &'s Value, above: Option<Arc<Followed<'s>>>) -> Option<Arc<Followed<'s>>> {
    let depth = above.as_ref().map_or(0, |above| above.depth).saturating_add(1);
    let mut each = above.as_deref();
    while let Some(followed) = each {
        if std::ptr::eq(followed.target, target) {
            return None;
        }
        each = followed.above.as_deref();
    }
    (depth <= SCHEMA_DEPTH_MAX).then(|| Arc::new(Followed { target, above, depth }))
}

pub(crate) fn too_large(place: &str) -> Problem {
    let message = format!(
        "the schema means more than {SCHEMA_LEAVES_MAX} arguments, or has them more than {SCHEMA_DEPTH_MAX} deep"
    );
    Problem::new(
        ProblemCode::InputTooLarge,
        place,
        message,
        "split the tool, or make the part an object without properties",
    )
}

/// The types that a part itself names, or else those of what it lists or of its keywords.
fn collect_types<'s>(node: &'s Value, followed: Option<&Arc<Followed<'s>>>, out: &mut Leaves<'s>) {
    let get = |key: &str| node.get(key);
    let mut add = |json_type: JsonType| {
        let is_known = out.leaves.iter().any(|leaf| std::ptr::eq(leaf.node, node) && leaf.json_type == json_type);
        if !is_known {
            out.leaves.push(Leaf { node, json_type, followed: followed.cloned() });
        }
    };
    let listed = values(node);
    let named: Vec<&str> = match get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let mut has_null = named.contains(&"null");
    if !named.is_empty() {
        let known: Vec<_> = named.iter().filter_map(|name| JsonType::parse(name)).collect();
        let is_known = known.len().saturating_add(usize::from(has_null)) == named.len();
        known.into_iter().for_each(&mut add);
        if !is_known {
            out.untyped = Some(Untyped::FreeForm);
        }
    } else if let Some(listed) = &listed {
        listed.iter().filter_map(|value| JsonType::of(value)).for_each(&mut add);
        has_null = listed.iter().any(|value| value.is_null());
    } else if get("properties").is_some() {
        add(JsonType::Object);
    } else if get("items").is_some() || get("prefixItems").is_some() {
        add(JsonType::Array);
    } else {
        out.untyped = Some(Untyped::FreeForm);
    }
    out.is_nullable |= has_null;
}

/// What a part lists as the only values.
#[must_use]
pub fn values(node: &Value) -> Option<Vec<&Value>> {
    match (node.get("enum"), node.get("const")) {
        (Some(Value::Array(values)), _) => Some(values.iter().collect()),
        (_, Some(value)) => Some(vec![value]),
        _ => None,
    }
}
