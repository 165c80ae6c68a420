//! What is a JSON-like value that nobody has checked yet?
//!
//! A [`Source`] is one value of hostile input. The JSON reader (`json.rs`) and the Python binding both give their
//! values this form, so one reader of arguments serves both. A source keeps what matters for safety: the order of
//! names, names that stand twice, text that is not Unicode, numbers with their text.
//!
//! Read next: `json.rs`.

use crate::number::Number;

/// A name of an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Name<'a> {
    /// Text.
    Text(&'a str),
    /// Text with a lone surrogate.
    Broken,
    /// No text at all.
    Foreign,
}

/// A name that is looked for: its number in the plan, for sources that prepare names, and its text.
#[derive(Clone, Copy, Debug)]
pub struct Key<'k> {
    /// Which of the plan's names it is.
    pub number: u32,
    /// The name.
    pub name: &'k str,
}

/// What a value is.
#[derive(Clone, Copy, Debug)]
pub enum Node<'a, S: Source<'a>> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// An integer of 64 bits.
    Integer(i64),
    /// Any other number.
    Number(Number<'a>),
    /// Text.
    Text(&'a str),
    /// Text with a lone surrogate.
    Broken,
    /// A list.
    List(S::List),
    /// An object.
    Object(S::Object),
    /// Nothing that JSON has.
    Foreign,
}

/// One value of hostile input.
pub trait Source<'a>: Copy {
    /// A list of such values.
    type List: List<'a, Self>;
    /// An object of such values.
    type Object: Object<'a, Self>;

    /// What it is.
    fn node(self) -> Node<'a, Self>;
}

/// A list.
pub trait List<'a, S>: Copy {
    /// Number of members.
    fn len(self) -> usize;
    /// Whether there is none.
    fn is_empty(self) -> bool {
        self.len() == 0
    }
    /// The members in order.
    fn members(self) -> impl Iterator<Item = S>;
}

/// An object.
pub trait Object<'a, S>: Copy {
    /// Number of members; a name that stands twice counts twice.
    fn len(self) -> usize;
    /// Whether there is none.
    fn is_empty(self) -> bool {
        self.len() == 0
    }
    /// The value under a name, the first if it stands twice.
    fn get(self, key: Key<'_>) -> Option<S>;
    /// The members in order.
    fn members(self) -> impl Iterator<Item = (Name<'a>, S)>;
    /// Whether a name stands twice.
    fn has_duplicates(self) -> bool;
}
