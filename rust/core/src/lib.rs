//! agentpdp-core: the deciding core.
//!
//! It answers one question, as Cedar does and much faster: may this principal do this action to this resource, in this
//! context? There is no Python here, no I/O, no clock, no parser of policy text and no unsafe code.
//!
//! Read in this order; each module uses only those before it:
//!
//! 1. what rules speak of: [`value`], [`decimal`], [`ipaddr`], [`datetime`], [`entities`];
//! 2. what rules say: [`expression`], [`policies`], [`schema`];
//! 3. deciding: [`request`], [`evaluate`], [`authorize`], [`decision`], [`engine`];
//! 4. making it fast without changing an answer: [`paged`], [`table`], [`slots`], [`shape`], [`checks`], [`index`],
//!    [`routes`];
//! 5. many calls at once: [`columns`], [`kernels`], [`batch`], [`parallel`].
//!
//! The modules of 1 to 3 have twins of the same names in the Python package `agentpdp.reference`.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

pub mod approvals;
pub mod authorize;
pub mod batch;
pub mod calls;
pub mod chains;
pub mod checks;
pub mod columns;
pub mod datetime;
pub mod decimal;
pub mod decision;
pub mod digest;
pub mod engine;
pub mod entities;
pub mod evaluate;
pub mod explain;
pub mod expression;
pub mod grant_slots;
pub mod grant_table;
pub mod grants;
pub mod index;
pub mod ipaddr;
pub mod kernels;
pub mod memory;
pub mod message;
pub mod orders;
pub mod paged;
pub mod parallel;
pub mod parties;
pub mod policies;
pub mod reload;
pub mod request;
pub mod routes;
pub mod schema;
pub mod shape;
pub mod slots;
pub mod table;
pub mod tasks;
pub mod value;
