//! Where is there room for Cedar's recursion?
//!
//! Cedar's conversion, its validator and even dropping its trees recurse once for every level of an expression, and a
//! chain of `||` is as many levels deep as it is long. A thread with a large stack runs them; the system gives memory
//! to the pages that are touched only. `limits.rs` keeps texts within what fits, and `tests/limits.rs` tries it out.

use std::sync::{Mutex, PoisonError};
use std::thread;

/// Sizes of the stack that are asked for one after the other, in bytes; each takes address space, not memory.
///
/// What the limits let through needs 32 MiB where Cedar is optimised and 64 MiB where it is not.
pub const STACK_BYTES: [usize; 3] = [512 << 20, 256 << 20, 128 << 20];

/// The system gave no thread with a stack of the least size.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoRoom;

/// Runs on a thread with a large stack and waits for it.
///
/// # Errors
///
/// [`NoRoom`] if the system refuses the thread.
pub fn run<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, NoRoom> {
    let work = Mutex::new(Some(work));
    let take = || work.lock().unwrap_or_else(PoisonError::into_inner).take();
    thread::scope(|scope| {
        for bytes in STACK_BYTES {
            let builder = thread::Builder::new().name("agentpdp-load".to_owned()).stack_size(bytes);
            let Ok(handle) = builder.spawn_scoped(scope, || take().map(|work| work())) else { continue };
            return match handle.join() {
                Ok(result) => result.ok_or(NoRoom),
                Err(panic) => std::panic::resume_unwind(panic),
            };
        }
        Err(NoRoom)
    })
}
