//! How does the target of a tool read one argument's text?
//!
//! One module for each kind. Each has a quick proof that a text is canonical, which borrows and does not allocate, a
//! list of harmless spellings that every reader reads alike, and for everything else a well-kept parser, whose result
//! is the canonical spelling if the proof takes it. Where common readers disagree the text is refused.
//!
//! Read next: `kind.rs`.

pub mod command;
pub mod date;
pub mod email;
pub mod host;
pub mod iban;
pub mod id;
pub mod ip;
pub mod money;
pub mod path;
pub mod text;
pub mod url;
pub mod windows;
