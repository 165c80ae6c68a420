//! agentpdp-cedar: Cedar text, schema and entity JSON in the core's form.
//!
//! Everything that reads Cedar goes through the official crates, pinned; everything that decides is the core's. Nothing
//! in here runs while a call is decided, but for reading values that a call brings with it.
//!
//! Read in this order:
//!
//! 1. what is wrong and where: [`finding`], `nearest`;
//! 2. before any parser: [`limits`], [`stack`];
//! 3. data from outside: [`input`], [`values`], [`entities`], [`uid_text`], [`recorded`];
//! 4. settings and tasks: `toml_text`, [`settings`], [`task_text`], `type_reader`, `declarations`;
//! 5. rules from outside: [`schema`], [`policies`], [`bundle`];
//! 6. a bundle with tasks: `actions`, `host_actions`, `derive` (its schema), `environments`, `judge`, `observe`,
//!    `open_reads`, `strict` (its policies), [`tasks`], [`with_tasks`], `review` (its doubts), [`delegation_json`].

#![forbid(unsafe_code)]

mod actions;
pub mod bundle;
mod convert;
mod declarations;
pub mod delegation_json;
mod derive;
mod diagnostics;
pub mod entities;
mod entities_error;
mod entity_reader;
mod environments;
pub mod finding;
mod host_actions;
pub mod input;
mod judge;
pub mod lifetime;
pub mod limits;
mod limits_toml;
mod nearest;
mod observe;
mod open_reads;
mod own;
pub mod policies;
mod policies_json;
pub mod recorded;
mod review;
pub mod schema;
mod schema_closure;
mod schema_json;
mod schema_size;
pub mod settings;
pub mod stack;
mod strict;
pub mod task_text;
pub mod tasks;
mod toml_text;
mod tools;
mod type_reader;
pub mod uid_text;
pub mod values;
mod values_check;
mod values_error;
mod whole_records;
pub mod with_tasks;
