//! agentpdp-arguments: what an agent hands to a tool, as values that Cedar rules can read.
//!
//! Arguments are hostile text. A tool's JSON Schema and what the bundle declares of its arguments make a [`plan::Plan`],
//! once; the plan then reads the arguments of each call into slots, or refuses them with a coded reason. There is no
//! Python here, no I/O, no clock and no unsafe code.
//!
//! Read in this order; each module uses only those before it:
//!
//! 1. what can be wrong: [`problem`] (when a bundle is loaded), [`refusal`] (when a call is read);
//! 2. hostile input: [`number`], [`source`], [`json`], [`canonical`];
//! 3. what is declared: [`tool`], [`unicode`], [`kinds`], [`kind`], [`declaration`];
//! 4. reading: [`form`], [`schema`], [`plan`] (with `forms.rs`, `fields.rs`), [`decode`] (with `values.rs`, `lists.rs`).

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

pub mod canonical;
pub mod cedar_json;
pub mod declaration;
pub mod decode;
mod fields;
pub mod form;
mod forms;
pub mod json;
pub mod kind;
pub mod kinds;
mod lists;
pub mod number;
pub mod plan;
pub mod problem;
pub mod refusal;
pub mod schema;
pub mod source;
pub mod tool;
pub mod unicode;
mod values;
