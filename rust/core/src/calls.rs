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

    fn deny(mut self, reason: Reason, question: Question, answer: Answer) -> Self {
        self.settle(reason, question, answer);
        self.step_ups.clear();
        self
    }

    fn settle(&mut self, reason: Reason, question: Question, answer: Answer) {
        (self.reason, self.stage) = (Some(reason), Some(question.stage));
        (self.hop, self.party, self.answer) = (question.hop, Some(question.party), answer);
    }

    /// Takes an answer in; false if it denies and so ends the asking.
    fn take(&mut self, question: Question, answer: Answer, policies: &Policies, discharged: &[PolicyId]) -> bool {
        let (reason, step_ups) = conclude_question(&answer, policies, discharged);
        match reason {
            Reason::Permitted => {
                if self.step_ups.is_empty() {
                    self.answer = answer;
                }
                true
            }
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

    /// What holds once every question was asked and none denied.
    fn finish(mut self) -> Self {
        if self.step_ups.is_empty() {
            (self.reason, self.stage, self.hop, self.party) = (Some(Reason::Permitted), None, None, None);
        }
        self.step_ups.sort_unstable();
        self.step_ups.dedup();
        self
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
    let Some(declarations) = &asked.snapshot.compiled.declarations else { return outcome };
    let policies = &asked.snapshot.policies;
    for (question, place) in chain.questions() {
        let (Some(hop), Some(tasks)) = (chain.hops.get(place), chain.tasks.get(place)) else { return outcome };
        let mut answer = Answer::default();
        if question.stage == Stage::Ceiling {
            asked.ask_ceiling(question.party, &HopView::of(hop), &mut answer);
        } else if asked.is_inside_restriction(hop) {
            asked.ask_tasks(hop, tasks, declarations, &mut answer);
        } else {
            return outcome.deny(Reason::OutsideRestriction, question, answer);
        }
        if !outcome.take(question, answer, policies, discharged) {
            return outcome;
        }
    }
    if let (Some(leaf), Some(tasks)) = (chain.hops.last(), chain.tasks.last())
        && !asked.is_own(tasks, declarations)
    {
        let question = Question { stage: Stage::Task, hop: Some(leaf.depth), party: leaf.agent };
        return outcome.deny(Reason::HandOnOnly, question, Answer::default());
    }
    outcome.finish()
}

/// Asks the ceilings of some parties only, with one hop's grant in the context: starting, approving, revoking.
#[must_use]
pub fn decide_ceilings(asked: &Asked<'_>, parties: &[EntityId], hop: &HopView<'_>, discharged: &[PolicyId]) -> Outcome {
    let mut outcome = Outcome::default();
    for party in parties {
        let question = Question { stage: Stage::Ceiling, hop: None, party: *party };
        let mut answer = Answer::default();
        asked.ask_ceiling(*party, hop, &mut answer);
        if !outcome.take(question, answer, &asked.snapshot.policies, discharged) {
            return outcome;
        }
    }
    outcome.finish()
}
