//! What would every question of a call come to?
//!
//! Nothing is consumed and no time passes. Deciding ends at the first deny; explaining asks on, so that a person sees
//! what each party and each hop says.
//!
//! Twin: `reference/explain.py`. Read next: `engine.rs`.

use crate::authorize::PolicyId;
use crate::calls::{StepUps, conclude_question};
use crate::chains::{Asked, Chain, HopView, Question};
use crate::decision::{Answer, Reason, Stage};

/// One question with everything that was found out about it.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The question.
    pub question: Question,
    /// What follows from the answer to it, by itself.
    pub reason: Reason,
    /// What the policies said.
    pub answer: Answer,
}

/// Asks every question of every stage; charges and consumes nothing.
#[must_use]
pub fn explain(asked: &Asked<'_>, chain: &Chain<'_>, discharged: &[PolicyId]) -> Vec<Explained> {
    let (Some(declarations), Some((root, _))) = (&asked.snapshot.compiled.declarations, chain.root()) else {
        return Vec::new();
    };
    let (target, root, mut all) = (asked.target(), root.grant, Vec::new());
    let told = |question, answer: Answer| {
        let reason = conclude_question(&answer, &asked.snapshot.policies, discharged, &mut StepUps::new());
        Explained { question, reason, answer }
    };
    for (question, party, grant) in chain.ceilings() {
        let mut answer = Answer::default();
        asked.ask_ceiling(party, &HopView::of(grant, root), &target, &mut answer);
        all.push(told(question, answer));
    }
    for (hop, tasks) in chain.iter() {
        let mut answer = Answer::default();
        asked.ask_tasks((hop, root), tasks, declarations, &target, &mut answer);
        let mut told = told(hop.question(Stage::Task), answer);
        if !asked.is_inside_restriction(hop.grant) {
            told.reason = Reason::OutsideRestriction;
        }
        all.push(told);
    }
    if let Some((leaf, tasks)) = chain.leaf()
        && !asked.is_own(tasks, declarations)
    {
        let question = leaf.question(Stage::Task);
        all.push(Explained { question, reason: Reason::HandOnOnly, answer: Answer::default() });
    }
    all
}
