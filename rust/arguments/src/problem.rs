//! What is wrong with a tool list or with what a bundle declares of a tool's arguments, where, and what would be right?
//!
//! A [`Problem`] is data, like a finding: a [`ProblemCode`] of one table that code, documentation and tests walk
//! ([`ProblemCode::ALL`]), a place, a message, an advice. Whoever reads the bundle adds file and line.
//!
//! Read next: `refusal.rs`.

use std::fmt;

macro_rules! codes {
    ($($variant:ident $name:literal, $meaning:literal;)*) => {
        /// What kind of problem it is.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum ProblemCode { $(#[doc = $meaning] $variant,)* }

        impl ProblemCode {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code as documented.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// One sentence saying what it means.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }
        }
    };
}

codes! {
    ToolsSyntax "tools_syntax", "the text of a tool list is not JSON, or an object of it has a name twice";
    ToolsTooLarge "tools_too_large", "a tool list is larger, longer or nested deeper than is read";
    ToolShape "tool_shape", "a tool list or a tool lacks a key or has one of the wrong kind";
    ToolDuplicate "tool_duplicate", "two tools have one name";
    InputNotObject "input_not_object", "a tool's input schema does not describe an object";
    RefRemote "ref_remote", "a `$ref` names another document";
    RefUnresolved "ref_unresolved", "a `$ref` names nothing in the tool's schema";
    NameCollision "name_collision", "two attributes of an input have one name, such as `to_count` beside a list `to`";
    NameReserved "name_reserved", "an argument's name starts with `__`";
    InputTooLarge "input_too_large", "a tool's schema means more arguments than are read";
    ArgumentUndeclared "argument_undeclared", "a declaration names an argument that the tool's schema does not have";
    KindUnknown "kind_unknown", "there is no such kind";
    KindOption "kind_option", "a kind has an unknown key, lacks one, or has one of the wrong kind";
    KindType "kind_type", "a kind is declared for an argument of a type that it does not read";
    EntityType "entity_type", "an argument declared as an entity is not a string, an integer or a list of them";
    ResourceType "resource_type", "the argument that the resource comes from is not one string or integer";
    OpaqueTyped "opaque_typed", "an argument declared opaque has a type that rules can read";
}

impl fmt::Display for ProblemCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// What kind it is.
    pub code: ProblemCode,
    /// A JSON pointer into the tool list or the tool, or the path of an argument.
    pub place: String,
    /// What is wrong.
    pub message: String,
    /// What would be right; may be empty.
    pub advice: String,
}

impl Problem {
    /// A problem at a place.
    #[must_use]
    pub fn new(
        code: ProblemCode,
        place: impl Into<String>,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { code, place: place.into(), message: message.into(), advice: advice.into() }
    }

    /// The same problem with its place below another one.
    #[must_use]
    pub fn below(mut self, place: &str) -> Self {
        self.place = format!("{place}{}", self.place);
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {} [{}]", self.place, self.message, self.code)?;
        if self.advice.is_empty() { Ok(()) } else { write!(formatter, "; {}", self.advice) }
    }
}

/// The known word that looks most like another one, if any does.
#[must_use]
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let scored = known.into_iter().map(|candidate| (distance(word, candidate), candidate));
    let (best, candidate) = scored.min_by_key(|(distance, _)| *distance)?;
    (best <= 2.max(word.chars().count() / 3)).then_some(candidate)
}

/// How many letters must be changed, added or taken away.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, letter) in left.chars().take(64).enumerate() {
        let mut diagonal = line;
        let mut last = line.saturating_add(1);
        let mut next = vec![last];
        for (other, above) in right.iter().zip(row.iter().skip(1)) {
            let changed = diagonal.saturating_add(usize::from(letter != *other));
            last = changed.min(above.saturating_add(1)).min(last.saturating_add(1));
            diagonal = *above;
            next.push(last);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}
