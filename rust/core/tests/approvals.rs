//! Laws of approvals: what was said last counts, what has ended serves nobody, and room is made before it is refused.

#![allow(clippy::unwrap_used)] // a test fails by a panic

use std::iter::once;
use std::sync::Arc;

use agentpdp_core::approvals::{APPROVALS_MAX, Approvals, Approved, TooManyApprovals};
use agentpdp_core::tasks::Digest;

const ANY: fn(&Approved) -> bool = |_| true;

fn digest(number: usize) -> Digest {
    let mut digest = Digest::default();
    for (place, byte) in digest.iter_mut().zip(number.to_le_bytes()) {
        *place = byte;
    }
    digest
}

fn approved(policy: &str, asked_epoch: u64, end_ms: i64) -> Approved {
    Approved { policy: policy.into(), asked_epoch, generation: 0, end_ms }
}

fn needed(policies: &[&str]) -> Vec<Arc<str>> {
    policies.iter().map(|policy| Arc::from(*policy)).collect()
}

fn of(approvals: &Approvals, now_ms: i64) -> Vec<Arc<str>> {
    approvals.of(&digest(1), now_ms, ANY).into_vec()
}

#[test]
fn approving_again_replaces_the_end_also_by_an_earlier_one() {
    let approvals = Approvals::default();
    approvals.approve(digest(1), once(approved("a", 7, 100)), 0).unwrap();
    approvals.approve(digest(1), once(approved("a", 7, 50)), 0).unwrap();
    assert_eq!(of(&approvals, 49), needed(&["a"]));
    assert_eq!(of(&approvals, 50), needed(&[]));
}

#[test]
fn an_older_question_takes_nothings_place() {
    let approvals = Approvals::default();
    approvals.approve(digest(1), once(approved("a", 7, 100)), 0).unwrap();
    approvals.approve(digest(1), once(approved("a", 6, 50)), 0).unwrap();
    assert_eq!(of(&approvals, 50), needed(&["a"]));
}

#[test]
fn what_ended_between_deciding_and_using_it_up_is_not_there() {
    let approvals = Approvals::default();
    approvals.approve(digest(1), [approved("a", 7, 100), approved("b", 7, 50)].into_iter(), 0).unwrap();
    assert!(!approvals.consume(&digest(1), &needed(&["a", "b"]), 50, ANY));
    assert!(!approvals.consume(&digest(1), &needed(&["c"]), 0, ANY));
    assert!(!approvals.consume(&digest(1), &needed(&["a"]), 0, |_| false));
    assert!(!approvals.consume(&digest(2), &needed(&["a"]), 0, ANY));
    assert!(approvals.consume(&digest(1), &needed(&["a", "b"]), 49, ANY));
    assert!(!approvals.consume(&digest(1), &needed(&["a"]), 49, ANY));
    assert!(approvals.is_empty());
}

#[test]
fn a_full_table_forgets_what_has_ended_before_it_refuses() {
    let approvals = Approvals::default();
    approvals.approve(digest(1), [approved("a", 7, 10), approved("b", 7, 100)].into_iter(), 0).unwrap();
    for number in 2..=APPROVALS_MAX {
        approvals.approve(digest(number), once(approved("a", 7, if number == 2 { 10 } else { 100 })), 0).unwrap();
    }
    let another = || once(approved("a", 7, 100));
    assert_eq!(approvals.approve(digest(0), another(), 9), Err(TooManyApprovals));
    assert_eq!(approvals.approve(digest(0), another(), 10), Ok(()));
    // The call of which only one policy has ended is still there, and the one that has ended is not.
    assert_eq!(of(&approvals, 99), needed(&["b"]));
    assert!(approvals.of(&digest(2), 9, ANY).is_empty());
    assert_eq!(approvals.approve(digest(2), another(), 99), Err(TooManyApprovals));
}
