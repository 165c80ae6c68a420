//! Law: work that is done in parts gives what each part gives, in the order of the parts.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use agentpdp_core::parallel::each_part;

#[test]
fn every_part_is_done_once_and_results_stay_in_order() {
    for count in [0, 1, 2, 3, 40] {
        let done = AtomicUsize::new(0);
        let results = each_part((0..count).collect(), |part: usize| {
            done.fetch_add(1, Ordering::Relaxed);
            part * 2
        });
        assert_eq!(results, (0..count).map(|part| part * 2).collect::<Vec<_>>());
        assert_eq!(done.into_inner(), count);
    }
}

#[test]
fn a_part_that_panics_is_heard_of() {
    for bad in 0..3 {
        let work = |part| assert_ne!(part, bad);
        let heard = catch_unwind(AssertUnwindSafe(|| each_part(vec![0, 1, 2], work)));
        assert!(heard.is_err(), "part {bad}");
    }
}
