//! Room for what policies say, kept by each thread from call to call: so deciding a call allocates nothing for it, and
//! has no code to make and to drop it.

use std::cell::Cell;

use agentpdp_core::calls::Outcome;

thread_local! {
    static KEPT: Cell<Option<Box<Outcome>>> = const { Cell::new(None) };
}

/// This thread's room, empty; new room where another call of the thread has it or the thread is ending.
#[inline]
pub(crate) fn take() -> Box<Outcome> {
    KEPT.try_with(Cell::take).ok().flatten().unwrap_or_default()
}

/// Keeps room for the next call, whatever stands in it.
#[inline]
pub(crate) fn keep(mut room: Box<Outcome>) {
    room.clear();
    // A thread that is ending keeps nothing.
    let _ = KEPT.try_with(|kept| kept.set(Some(room)));
}
