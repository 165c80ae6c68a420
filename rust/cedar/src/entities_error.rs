//! Which entity is wrong, where in it, and how?
//!
//! Uids are named, values of attributes are not. Read next: `schema.rs`.

use std::fmt;

use agentpdp_core::entities::{Cycle, Store};

use crate::finding::Code;
use crate::input::Input;
use crate::values::uid_parts;

/// An entity that cannot be put in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EntityError(Box<Details>);

#[derive(Clone, PartialEq, Eq, Debug)]
struct Details {
    code: Code,
    index: Option<usize>,
    uid: Option<String>,
    path: String,
    message: String,
    advice: String,
    cycle: Option<Cycle>,
}

impl EntityError {
    /// The keys that an entity's JSON may have.
    pub const KEYS: &'static [&'static str] = &["uid", "attrs", "parents", "tags"];

    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Box::new(Details {
            code,
            index: None,
            uid: None,
            path: String::new(),
            message: message.into(),
            advice: String::new(),
            cycle: None,
        }))
    }

    pub(crate) fn shape(message: String) -> Self {
        Self::new(Code::EntityShape, message)
            .advise("an entity has `uid`, `attrs`, `parents` and, where it has tags, `tags`")
    }

    pub(crate) fn at(mut self, path: impl Into<String>) -> Self {
        self.0.path = path.into();
        self
    }

    pub(crate) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.0.advice = advice.into();
        self
    }

    pub(crate) fn of(mut self, index: usize, input: &Input) -> Self {
        (self.0.index, self.0.uid) = (Some(index), uid_text(input));
        self
    }

    /// The same error with the name of the entity that a cycle goes through.
    #[must_use]
    pub fn named(mut self, store: &Store) -> Self {
        if let Some((type_name, id)) = self.0.cycle.and_then(|cycle| store.uid(cycle.0)) {
            self.0.uid = Some(format!("{type_name}::\"{}\"", id.escape_debug()));
        }
        self
    }

    /// What kind of error it is.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The entity's place in the list, counted from 0.
    #[must_use]
    pub fn index(&self) -> Option<usize> {
        self.0.index
    }

    /// The entity's uid as Cedar text.
    #[must_use]
    pub fn uid(&self) -> Option<&str> {
        self.0.uid.as_deref()
    }

    /// Where in the entity, as `attrs.address.city`; empty for the entity as a whole.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// What is wrong there.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What would be right; may be empty.
    #[must_use]
    pub fn advice(&self) -> &str {
        &self.0.advice
    }
}

impl From<Cycle> for EntityError {
    fn from(cycle: Cycle) -> Self {
        let mut error = Self::new(Code::EntityCycle, "the entity would be its own ancestor");
        error.0.cycle = Some(cycle);
        error.advise("take one of the `parents` away that lead back to it")
    }
}

impl fmt::Display for EntityError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.0.uid, self.0.index) {
            (Some(uid), _) => write!(formatter, "entity `{uid}`: ")?,
            (None, Some(index)) => write!(formatter, "entity {index}: ")?,
            (None, None) => {}
        }
        if !self.0.path.is_empty() {
            write!(formatter, "`{}`: ", self.0.path)?;
        }
        formatter.write_str(&self.0.message)
    }
}

impl std::error::Error for EntityError {}

/// The uid of an entity's JSON as Cedar text, as far as it has one.
fn uid_text(input: &Input) -> Option<String> {
    let (type_name, id) = uid_parts(input.get("uid")?)?;
    Some(format!("{}::\"{}\"", type_name.escape_debug(), id.escape_debug()))
}
