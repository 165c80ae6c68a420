//! What did a condition say to another question of the same call?
//!
//! A call asks the same ceilings of the principal and of every agent. A condition that reads neither who is asked nor
//! what the engine says of the grant (`Checks::reads_question`) has one answer for all of them, so it is asked once.
//!
//! Optimisation: preserves what asking each of them again gives; `rust/core/tests/memory.rs` and the state machine of
//! `tests/properties` hold it to that.

use std::cell::Cell;

use crate::evaluate::Failure;

/// The answers of conditions that are the same for every question of a call to one index.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// By the policy's place in the route: whether it was asked, and whether it held. What erred is asked again.
    asked: Cell<u64>,
    held: Cell<u64>,
}

impl Memory {
    #[inline(always)]
    pub(crate) fn recall(&self, place: u32, ask: impl FnOnce() -> Result<bool, Failure>) -> Result<bool, Failure> {
        let Some(bit) = 1u64.checked_shl(place) else { return ask() };
        if self.asked.get() & bit != 0 {
            return Ok(self.held.get() & bit != 0);
        }
        let held = ask()?;
        self.asked.set(self.asked.get() | bit);
        if held {
            self.held.set(self.held.get() | bit);
        }
        Ok(held)
    }
}
