//! What follows from all questions of one call?
//!
//! Ceilings first, then the tasks hop by hop: the hop's restriction, then its tasks' policies; at the leaf, last,
//! whether the holder may do it itself. The first deny wins and ends the asking. Else, if a question stepped up, the
//! call does, with everything that is asked for; else it is allowed.
//!
//! Twin: `reference/calls.py`. Read next: `orders.rs`.

use crate::authorize::{Policies, PolicyId};
use crate::chains::{Asked, Chain, HopView, Question};
use crate::decision::{Answer, Reason, Stage};
use crate::parties::Party;
use crate::value::EntityId;

/// Forbids with `@step_up` that are satisfied and not discharged.
pub type StepUps = Vec<PolicyId>;

/// What was decided of a call by policies; its room may serve many calls ([`decide_into`]).
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
    /// What the policies said to the first question that stepped up, while others are asked.
    stepped_up: Option<Box<Answer>>,
}

impl Outcome {
    /// Why; a call that nothing was asked of is not permitted.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.reason.unwrap_or(Reason::NotPermitted)
    }

    /// What is decided of a question that cannot be put to policies.
    pub(crate) fn refused(reason: Reason) -> Self {
        Self { reason: Some(reason), stage: Some(Stage::Arguments), ..Self::default() }
    }

    /// Forgets what was decided, keeps the room.
    pub fn clear(&mut self) {
        // Each by its name: what is added here later must be forgotten, too.
        let Self { reason, stage, hop, party, answer, step_ups, stepped_up } = self;
        (*reason, *stage, *hop, *party, *stepped_up) = (None, None, None, None, None);
        answer.clear();
        step_ups.clear();
    }

    /// Ends the asking at a question that no policy was asked for.
    #[cold]
    fn deny(&mut self, reason: Reason, question: Question) {
        self.answer.clear();
        self.settle(reason, question);
    }

    /// Whatever stepped up before, this question decides.
    fn settle(&mut self, reason: Reason, question: Question) {
        self.name(reason, question);
        self.step_ups.clear();
        self.stepped_up = None;
    }

    fn name(&mut self, reason: Reason, question: Question) {
        (self.reason, self.stage) = (Some(reason), Some(question.stage));
        (self.hop, self.party) = (question.hop, Some(question.party));
    }

    /// Takes in what stands in `answer`; false if it denies and so ends the asking.
    #[inline]
    fn take(&mut self, question: Question, policies: &Policies, discharged: &[PolicyId]) -> bool {
        match conclude_question(&self.answer, policies, discharged, &mut self.step_ups) {
            Reason::Permitted => true,
            Reason::StepUp => {
                if self.stepped_up.is_none() {
                    self.name(Reason::StepUp, question);
                    self.stepped_up = Some(Box::new(std::mem::take(&mut self.answer)));
                }
                true
            }
            denied => {
                self.settle(denied, question);
                false
            }
        }
    }

    /// What holds once every question was asked and none denied; the last one's answer stands for an allow.
    #[inline]
    fn finish(&mut self) {
        match self.stepped_up.take() {
            None => self.reason = Some(Reason::Permitted),
            Some(answer) => {
                self.answer = *answer;
                self.step_ups.sort_unstable();
                self.step_ups.dedup();
            }
        }
    }
}

/// What follows from the policies' answer to one question; the step-ups that are left of it are added to `step_ups`.
#[must_use]
pub fn conclude_question(
    answer: &Answer,
    policies: &Policies,
    discharged: &[PolicyId],
    step_ups: &mut StepUps,
) -> Reason {
    let asks = |forbid: &PolicyId| policies.get(*forbid).is_some_and(|policy| policy.step_up.is_some());
    if !answer.forbids.iter().all(asks) {
        return Reason::Forbidden;
    }
    if !answer.forbid_errors.is_empty() {
        return Reason::ForbidError;
    }
    if answer.permits.is_empty() {
        return Reason::NotPermitted;
    }
    let before = step_ups.len();
    step_ups.extend(answer.forbids.iter().copied().filter(|forbid| !discharged.contains(forbid)));
    if step_ups.len() == before { Reason::Permitted } else { Reason::StepUp }
}

/// Asks all questions of a call under a chain, as far as needed.
#[must_use]
pub fn decide(asked: &Asked<'_>, chain: &Chain<'_>, discharged: &[PolicyId]) -> Outcome {
    let mut outcome = Outcome::default();
    decide_into(asked, chain, discharged, &mut outcome);
    outcome
}

/// As [`decide`], into an outcome that nothing was asked for yet, or that was cleared since.
pub fn decide_into(asked: &Asked<'_>, chain: &Chain<'_>, discharged: &[PolicyId], outcome: &mut Outcome) {
    let (Some(declarations), Some((root, _))) = (&asked.snapshot.compiled.declarations, chain.root()) else { return };
    let (policies, target, root) = (&asked.snapshot.policies, asked.target(), root.grant);
    for (question, party, grant) in chain.ceilings() {
        outcome.answer.clear();
        asked.ask_ceiling(party, &HopView::of(grant, root), &target, &mut outcome.answer);
        if !outcome.take(question, policies, discharged) {
            return;
        }
    }
    for (hop, tasks) in chain.iter() {
        outcome.answer.clear();
        let question = hop.question(Stage::Task);
        if !asked.is_inside_restriction(hop.grant) {
            return outcome.deny(Reason::OutsideRestriction, question);
        }
        asked.ask_tasks((hop, root), tasks, declarations, &target, &mut outcome.answer);
        if !outcome.take(question, policies, discharged) {
            return;
        }
    }
    if let Some((leaf, tasks)) = chain.leaf()
        && !asked.is_own(tasks, declarations)
    {
        return outcome.deny(Reason::HandOnOnly, leaf.question(Stage::Task));
    }
    outcome.finish();
}

/// Asks the ceilings of some parties only, with one hop's grant in the context: starting, approving, revoking.
#[must_use]
pub fn decide_ceilings(asked: &Asked<'_>, parties: &[EntityId], hop: &HopView<'_>, discharged: &[PolicyId]) -> Outcome {
    let mut outcome = Outcome::default();
    let target = asked.target();
    for party in parties {
        let question = Question { stage: Stage::Ceiling, hop: None, party: *party };
        outcome.answer.clear();
        let party = Party::of(*party, &asked.snapshot.store, asked.locals);
        asked.ask_ceiling(&party, hop, &target, &mut outcome.answer);
        if !outcome.take(question, &asked.snapshot.policies, discharged) {
            return outcome;
        }
    }
    outcome.finish();
    outcome
}
