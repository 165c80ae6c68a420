//! Which entity is wrong, where in it, and how?
//!
//! Uids are named, values of attributes are not. Read next: `schema.rs`.

use std::fmt;

use agentpdp_core::entities::{Cycle, Store};

use crate::entities::uid_text;
use crate::finding::Code;
use crate::input::Input;

/// An entity that cannot be put in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EntityError {
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
        Self {
            code,
            index: None,
            uid: None,
            path: String::new(),
            message: message.into(),
            advice: String::new(),
            cycle: None,
        }
    }

    pub(crate) fn shape(message: String) -> Self {
        Self::new(Code::EntityShape, message)
            .advise("an entity has `uid`, `attrs`, `parents` and, where it has tags, `tags`")
    }

    pub(crate) fn at(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    pub(crate) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = advice.into();
        self
    }

    pub(crate) fn of(mut self, index: usize, input: &Input) -> Self {
        (self.index, self.uid) = (Some(index), uid_text(input));
        self
    }

    /// The same error with the name of the entity that a cycle goes through.
    #[must_use]
    pub fn named(mut self, store: &Store) -> Self {
        if let Some((type_name, id)) = self.cycle.and_then(|cycle| store.uid(cycle.0)) {
            self.uid = Some(format!("{type_name}::\"{}\"", id.escape_debug()));
        }
        self
    }

    /// What kind of error it is.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// The entity's place in the list, counted from 0.
    #[must_use]
    pub fn index(&self) -> Option<usize> {
        self.index
    }

    /// The entity's uid as Cedar text.
    #[must_use]
    pub fn uid(&self) -> Option<&str> {
        self.uid.as_deref()
    }

    /// Where in the entity, as `attrs.address.city`; empty for the entity as a whole.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong there.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What would be right; may be empty.
    #[must_use]
    pub fn advice(&self) -> &str {
        &self.advice
    }
}

impl From<Cycle> for EntityError {
    fn from(cycle: Cycle) -> Self {
        let error = Self::new(Code::EntityCycle, "the entity would be its own ancestor");
        Self { cycle: Some(cycle), ..error }.advise("take one of the `parents` away that lead back to it")
    }
}

impl fmt::Display for EntityError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.uid, self.index) {
            (Some(uid), _) => write!(formatter, "entity `{uid}`: ")?,
            (None, Some(index)) => write!(formatter, "entity {index}: ")?,
            (None, None) => {}
        }
        if !self.path.is_empty() {
            write!(formatter, "`{}`: ", self.path)?;
        }
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for EntityError {}
