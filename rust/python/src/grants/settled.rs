//! What asking came to, once approvals are taken into account.

use std::borrow::Cow;
use std::sync::Arc;

use agentpdp_core::approvals::Approved;
use agentpdp_core::authorize::PolicyId;
use agentpdp_core::calls::Outcome;
use agentpdp_core::decision::Reason;
use agentpdp_core::request::Locals;
use agentpdp_core::tasks::Digest;
use agentpdp_core::value::EntityId;
use pyo3::prelude::*;

use crate::decision::{Decision, UnderGrant};
use crate::grants::approval::ApprovalRequest;
use crate::grants::judging::Scene;
use crate::room;
use crate::uid::EntityUid;

/// What came of asking, once approvals are taken into account.
pub(crate) struct Settled {
    pub(crate) outcome: Box<Outcome>,
    /// Step-up forbids that approvals take back.
    pub(crate) approved: Vec<PolicyId>,
    /// The call's digest, where something is in the way that could be approved.
    pub(crate) digest: Option<Digest>,
    pub(crate) arguments: Option<Py<PyAny>>,
    /// Nobody can approve it: it has no one form.
    pub(crate) is_unsafe: bool,
}

impl Settled {
    pub(crate) fn plain(outcome: Box<Outcome>) -> Self {
        Self { outcome, approved: Vec::new(), digest: None, arguments: None, is_unsafe: false }
    }

    pub(crate) fn not_safe(outcome: Box<Outcome>) -> Self {
        Self { is_unsafe: true, ..Self::plain(outcome) }
    }

    /// What the approvals of a digest change.
    pub(crate) fn with_approvals(
        outcome: Box<Outcome>,
        digest: Digest,
        scene: Scene<'_>,
        is_dry: bool,
        ask: impl Fn(&[PolicyId]) -> Outcome,
    ) -> Self {
        let approvals = &scene.engine.core.approvals;
        let plain = |outcome| Self { digest: Some(digest), ..Self::plain(outcome) };
        if approvals.is_empty() {
            return plain(outcome);
        }
        let holds = |approved: &Approved| scene.snapshot.upholds(approved);
        let names = approvals.of(&digest, scene.now_ms, holds);
        let policies = &scene.snapshot.policies;
        // One name may be that of several policies: those of `tasks/all.cedar` are part of every task.
        let name_of = |policy: &PolicyId| policies.get(*policy).map(|policy| policy.name.clone());
        let is_approved = |policy: &&PolicyId| name_of(policy).is_some_and(|name| names.contains(&name));
        let approved: Vec<PolicyId> = outcome.step_ups.iter().filter(is_approved).copied().collect();
        if approved.is_empty() {
            return plain(outcome);
        }
        let used: Vec<Arc<str>> = approved.iter().filter_map(name_of).collect();
        let second = ask(&approved);
        let is_allowed = second.reason() == Reason::Permitted && !is_dry;
        if is_allowed && !approvals.consume(&digest, &used, scene.now_ms, holds) {
            // Another call has used them up between the look and the use.
            return plain(outcome);
        }
        Self { approved, ..plain(Box::new(second)) }
    }

    /// The policies that decided.
    pub(crate) fn policies(&self, scene: Scene<'_>) -> Cow<'_, [PolicyId]> {
        let answer = &self.outcome.answer;
        match self.outcome.reason() {
            Reason::Permitted => Cow::Borrowed(&answer.permits),
            Reason::Forbidden => Cow::Borrowed(&answer.forbids),
            Reason::ForbidError => answer.forbid_errors.iter().map(|(policy, _)| *policy).collect(),
            Reason::StepUp => {
                let asks = |policy: &&PolicyId| {
                    let found = scene.snapshot.policies.get(**policy);
                    found.is_some_and(|found| found.step_up.is_some()) && !self.approved.contains(policy)
                };
                answer.forbids.iter().filter(asks).copied().collect()
            }
            _ => Cow::Borrowed(&[]),
        }
    }

    /// The decision, with what to show a person.
    pub(crate) fn finish(
        mut self,
        py: Python<'_>,
        scene: Scene<'_>,
        locals: &Locals<'_>,
        request: Option<Py<ApprovalRequest>>,
    ) -> PyResult<Py<Decision>> {
        let party = self.outcome.party.map(|party| scene.uid(py, party, locals)).transpose()?;
        let arguments = self.arguments.take();
        let policies = self.policies(scene);
        let under =
            UnderGrant { stage: self.outcome.stage, hop: self.outcome.hop, party, arguments, request, argument: None };
        let decided = Decision::of_outcome(py, &self.outcome, &policies, scene.engine.nonce, scene.snapshot, under);
        drop(policies);
        room::keep(self.outcome);
        decided
    }
}

impl Scene<'_> {
    /// The uid of an entity, as Python has it.
    pub(crate) fn uid(&self, py: Python<'_>, entity: EntityId, locals: &Locals<'_>) -> PyResult<Py<EntityUid>> {
        if let Some((type_name, id)) = self.snapshot.store.uid(entity) {
            return Py::new(py, EntityUid::known(type_name, id, self.engine.nonce, entity));
        }
        let (type_name, id) = self.parts_of(entity, locals);
        Py::new(py, EntityUid::make(type_name, id)?)
    }
}
