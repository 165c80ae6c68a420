//! Of a question that no permit answers: which permits name the action, and what keeps each from it?
//!
//! For explanations only. Policies are walked one by one, as nobody waits for this.

use agentpdp_core::authorize::{Policy, PolicyId, action_applies};
use agentpdp_core::chains::{Asked, Chain};
use agentpdp_core::decision::{Reason, Stage};
use agentpdp_core::explain::Explained;
use agentpdp_core::parties::Party;
use agentpdp_core::policies::Effect;
use agentpdp_core::tasks::TaskId;

/// Most permits that one question tells of.
const NEAR_MAX: usize = 20;

/// What keeps a permit from being satisfied.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hindrance {
    /// Its scope applies, and its condition is false.
    Condition,
    /// Its condition errs.
    Error,
    /// It is for other resources.
    Resource,
    /// It is for other parties.
    Principal,
}

impl Hindrance {
    /// The word.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Condition => "condition",
            Self::Error => "error",
            Self::Resource => "resource",
            Self::Principal => "principal",
        }
    }
}

/// The permits of one question that name the action, the nearest first, and how many more there are.
#[derive(Default)]
pub(crate) struct Near {
    pub(crate) permits: Vec<(Hindrance, PolicyId)>,
    pub(crate) more: usize,
}

/// The permits near each question; empty where something permits, or the restriction of the hop is what denies.
pub(crate) fn near(asked: &Asked<'_>, chain: &Chain<'_>, questions: &[Explained]) -> Vec<Near> {
    questions.iter().map(|question| near_one(asked, chain, question)).collect()
}

fn near_one(asked: &Asked<'_>, chain: &Chain<'_>, explained: &Explained) -> Near {
    if explained.reason != Reason::NotPermitted {
        return Near::default();
    }
    let store = &asked.snapshot.store;
    let question = &explained.question;
    let tasks: Option<&[TaskId]> = match question.stage {
        Stage::Task => Some(question.hop.and_then(|hop| chain.hop(usize::from(hop))).map_or(&[], |(_, tasks)| tasks)),
        _ => None,
    };
    let is_asked = |policy: &Policy| match (tasks, policy.task) {
        (None, None) => true,
        (Some(tasks), Some(task)) => tasks.contains(&task),
        _ => false,
    };
    let principal = Party::of(question.party, store, asked.locals);
    let resource = &asked.resource;
    let hindrance = |(id, policy): (PolicyId, &Policy)| {
        if policy.effect != Effect::Permit || !is_asked(policy) || !action_applies(&policy.action, asked.action, store)
        {
            return None;
        }
        let errs = explained.answer.permit_errors.iter().any(|(erring, _)| *erring == id);
        Some(match (principal.fits(policy.principal), resource.fits(policy.resource)) {
            (false, _) => (Hindrance::Principal, id),
            (true, false) => (Hindrance::Resource, id),
            (true, true) if errs => (Hindrance::Error, id),
            (true, true) => (Hindrance::Condition, id),
        })
    };
    let mut permits: Vec<_> = asked.snapshot.policies.iter().filter_map(hindrance).collect();
    permits.sort_unstable();
    let more = permits.len().saturating_sub(NEAR_MAX);
    permits.truncate(NEAR_MAX);
    Near { permits, more }
}
