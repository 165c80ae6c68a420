//! What follows from all questions of one call?
//!
//! Ceilings first, then the tasks hop by hop: the hop's restriction, then its tasks' policies; at the leaf, last,
//! whether the holder may do it itself. The first deny wins and ends the asking. Else, if a question stepped up, the
//! call does, with everything that is asked for; else it is allowed.
//!
//! Twin: `reference/calls.py`. Read next: `orders.rs`.

use smallvec::SmallVec;

use crate::authorize::{Policies, PolicyId};
use crate::chains::{Asked, Chain, HopView, Question};
use crate::decision::{Answer, Reason, Stage};
use crate::grants::Grant;
use crate::value::EntityId;

/// Forbids with `@step_up` that are satisfied and not discharged.
pub type StepUps = SmallVec<[PolicyId; 4]>;

/// What was decided of a call by policies.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Why; none until something was asked.
    pub reason: Option<Reason>,
    /// Where in the procedure; none for an allow.
    pub stage: Option<Stage>,
    /// The hop of the deciding question.
    pub hop: Option<u16>,
    /// Who was asked.
    pub party: Option<EntityId>,
    /// What the policies said to the deciding question; for an allow, to the last one.
    pub answer: Answer,
    /// All that has to be approved, over all questions, in their order.
    pub step_ups: StepUps,
}

impl Outcome {
    /// Why; a call that nothing was asked of is not permitted.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.reason.unwrap_or(Reason::NotPermitted)
    }

    /// Ends the asking at a question that no policy was asked for.
    fn deny(&mut self, reason: Reason, question: Question) {
        self.settle(reason, question, &mut Answer::default());
        self.step_ups.clear();
    }

    fn settle(&mut self, reason: Reason, question: Question, answer: &mut Answer) {
        (self.reason, self.stage) = (Some(reason), Some(question.stage));
        (self.hop, self.party, self.answer) = (question.hop, Some(question.party), std::mem::take(answer));
    }

    /// Takes an answer in; false if it denies and so ends the asking.
    #[inline]
    fn take(&mut self, question: Question, answer: &mut Answer, policies: &Policies, discharged: &[PolicyId]) -> bool {
        let (reason, step_ups) = conclude_question(answer, policies, discharged);
        match reason {
            Reason::Permitted => true,
            Reason::StepUp => {
                if self.step_ups.is_empty() {
                    self.settle(reason, question, answer);
                }
                self.step_ups.extend(step_ups);
                true
            }
            denied => {
                self.settle(denied, question, answer);
                self.step_ups.clear();
                false
            }
        }
    }

    /// What holds once every question was asked and none denied; the last one's answer stands for an allow.
    #[inline]
    fn finish(&mut self, last: &mut Answer) {
        if self.step_ups.is_empty() {
            self.reason = Some(Reason::Permitted);
            self.answer = std::mem::take(last);
        } else {
            self.step_ups.sort_unstable();
            self.step_ups.dedup();
        }
    }
}

/// What follows from the policies' answer to one question, and the step-ups that are left of it.
#[must_use]
pub fn conclude_question(answer: &Answer, policies: &Policies, discharged: &[PolicyId]) -> (Reason, StepUps) {
    let asks = |forbid: &PolicyId| policies.get(*forbid).is_some_and(|policy| policy.step_up.is_some());
    if !answer.forbids.iter().all(asks) {
        return (Reason::Forbidden, StepUps::new());
    }
    if !answer.forbid_errors.is_empty() {
        return (Reason::ForbidError, StepUps::new());
    }
    if answer.permits.is_empty() {
        return (Reason::NotPermitted, StepUps::new());
    }
    let left: StepUps = answer.forbids.iter().copied().filter(|forbid| !discharged.contains(forbid)).collect();
    if left.is_empty() { (Reason::Permitted, left) } else { (Reason::StepUp, left) }
}

/// Asks all questions of a call under a chain, as far as needed.
#[must_use]
pub fn decide(asked: &Asked<'_>, chain: &Chain<'_>, discharged: &[PolicyId]) -> Outcome {
    let mut outcome = Outcome::default();
    decide_into(asked, chain, discharged, &mut outcome);
    outcome
}

/// As [`decide`], into an outcome that nothing was asked for yet.
pub fn decide_into(asked: &Asked<'_>, chain: &Chain<'_>, discharged: &[PolicyId], outcome: &mut Outcome) {
    let (Some(declarations), Some(root)) = (&asked.snapshot.compiled.declarations, chain.hops.first()) else { return };
    let (policies, target) = (&asked.snapshot.policies, asked.target());
    // One room for all answers: only one of them is kept.
    let mut answer = Answer::default();
    let principal = Question { stage: Stage::Ceiling, hop: None, party: root.tree.principal };
    let of = |stage, hop: &Grant| Question { stage, hop: Some(hop.depth), party: hop.agent };
    let ceilings = chain.hops.iter().map(|hop| (of(Stage::Ceiling, hop), *hop));
    for (question, hop) in [(principal, *root)].into_iter().chain(ceilings) {
        answer.clear();
        asked.ask_ceiling(question.party, &HopView::of(hop, root), &target, &mut answer);
        if !outcome.take(question, &mut answer, policies, discharged) {
            return;
        }
    }
    for (hop, tasks) in chain.hops.iter().zip(&chain.tasks) {
        answer.clear();
        let question = of(Stage::Task, hop);
        if !asked.is_inside_restriction(hop) {
            return outcome.deny(Reason::OutsideRestriction, question);
        }
        asked.ask_tasks((hop, root), tasks, declarations, &target, &mut answer);
        if !outcome.take(question, &mut answer, policies, discharged) {
            return;
        }
    }
    if let (Some(leaf), Some(tasks)) = (chain.hops.last(), chain.tasks.last())
        && !asked.is_own(tasks, declarations)
    {
        return outcome.deny(Reason::HandOnOnly, of(Stage::Task, leaf));
    }
    outcome.finish(&mut answer);
}

/// Asks the ceilings of some parties only, with one hop's grant in the context: starting, approving, revoking.
#[must_use]
pub fn decide_ceilings(asked: &Asked<'_>, parties: &[EntityId], hop: &HopView<'_>, discharged: &[PolicyId]) -> Outcome {
    let mut outcome = Outcome::default();
    let (target, mut answer) = (asked.target(), Answer::default());
    for party in parties {
        let question = Question { stage: Stage::Ceiling, hop: None, party: *party };
        answer.clear();
        asked.ask_ceiling(*party, hop, &target, &mut answer);
        if !outcome.take(question, &mut answer, &asked.snapshot.policies, discharged) {
            return outcome;
        }
    }
    outcome.finish(&mut answer);
    outcome
}
