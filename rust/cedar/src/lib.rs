//! agentpdp-cedar: Cedar text, schema and entity JSON in the core's form.
//!
//! Everything that reads Cedar goes through the official crates, pinned; everything that decides is the core's. Nothing
//! in here runs while a call is decided, but for reading values that a call brings with it.
//!
//! Read in this order:
//!
//! 1. what is wrong and where: [`finding`];
//! 2. before any parser: [`limits`], [`stack`];
//! 3. data from outside: [`input`], [`values`], [`entities`];
//! 4. rules from outside: [`schema`], [`policies`], [`bundle`].

#![forbid(unsafe_code)]

pub mod bundle;
mod convert;
mod diagnostics;
pub mod entities;
mod entities_error;
mod entity_reader;
pub mod finding;
pub mod input;
pub mod limits;
pub mod policies;
mod policies_json;
pub mod schema;
mod schema_closure;
mod schema_json;
mod schema_size;
pub mod stack;
pub mod values;
mod values_check;
mod values_error;
