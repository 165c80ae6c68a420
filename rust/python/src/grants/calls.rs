//! Deciding a call under a grant.
//!
//! The way of a call: status of the chain, the action, the arguments and the host's context into slots, the resource
//! that they name, the parties; then the core asks all questions. Only where a person's approval could discharge what
//! is in the way is the call's digest made.

use std::sync::Arc;

use agentpdp_core::authorize::PolicyId;
use agentpdp_core::calls::{Outcome, decide as decide_core};
use agentpdp_core::chains::{Asked, Chain};
use agentpdp_core::datetime::Datetime;
use agentpdp_core::decision::{Reason, Stage};
use agentpdp_core::digest::{CallForm, call_digest};
use agentpdp_core::engine::{ActionEntry, Snapshot};
use agentpdp_core::evaluate::Temporaries;
use agentpdp_core::explain::{Explained, explain as explain_core};
use agentpdp_core::grants::{Grant as CoreGrant, Hit};
use agentpdp_core::orders::is_known;
use agentpdp_core::request::Locals;
use agentpdp_core::slots::Slot;
use agentpdp_core::tasks::{Declarations, Digest, ResourceRule};
use agentpdp_core::value::{EntityId, TypeId, Value};
use pyo3::prelude::*;

use crate::context::{ContextReader, Readings, Slots, fill};
use crate::decision::{Decision, UnderGrant};
use crate::engine::Engine;
use crate::grants::approval::ApprovalRequest;
use crate::grants::read::{Refused, judged, read_arguments, read_host_context};
use crate::grants::uid_of;
use crate::grants::view::View;
use crate::uid::{EntityUid, read_uid, resolve, uid_text};

/// What a call hands in.
#[derive(Clone, Copy)]
pub(crate) struct CallParts<'a, 'py> {
    pub(crate) action: &'a Bound<'py, PyAny>,
    pub(crate) arguments: Option<&'a Bound<'py, PyAny>>,
    pub(crate) resource: Option<&'a Bound<'py, PyAny>>,
    pub(crate) context: Option<&'a Bound<'py, PyAny>>,
}

/// What a call is decided against.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) view: &'a View,
    pub(crate) declarations: &'a Declarations,
    /// The tree's time.
    pub(crate) now_ms: i64,
}

impl Scene<'_> {
    pub(crate) fn type_of(&self, entity: EntityId, locals: &Locals<'_>) -> TypeId {
        if entity.is_local() { locals.type_of(entity) } else { self.snapshot.store.type_of(entity) }
    }

    pub(crate) fn is_known(&self, entity: EntityId, locals: &Locals<'_>) -> bool {
        is_known(entity, self.type_of(entity, locals), self.snapshot, self.declarations, locals)
    }
}

/// Decides one call.
pub(crate) fn decide(
    py: Python<'_>,
    engine: &Engine,
    grant: &Arc<CoreGrant>,
    parts: CallParts<'_, '_>,
    at: Option<i64>,
) -> PyResult<Py<Decision>> {
    let now_ms = grant.tree.advance(engine.clock.now_ms(py, at)?);
    engine.with_scene(py, now_ms, |scene| judge(py, scene, grant, parts, None))
}

/// Every question of a call, besides the decision.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) questions: Vec<Explained>,
    pub(crate) approved: Vec<PolicyId>,
}

/// Decides a call, or with `told` tells every question of it and consumes nothing.
pub(crate) fn judge(
    py: Python<'_>,
    scene: Scene<'_>,
    grant: &Arc<CoreGrant>,
    parts: CallParts<'_, '_>,
    told: Option<&mut Told>,
) -> PyResult<Py<Decision>> {
    let Scene { engine, snapshot, declarations, now_ms, .. } = scene;
    if engine.is_forked() {
        return refuse_status(py, Hit { reason: Reason::EngineForked, hop: None }, snapshot.epoch);
    }
    if let Err(hit) = engine.core.grants.status(grant, declarations, snapshot.generation, now_ms) {
        return refuse_status(py, hit, snapshot.epoch);
    }
    let Some(chain) = Chain::of(grant, declarations, snapshot.generation) else {
        return refuse_status(py, Hit { reason: Reason::TaskChanged, hop: None }, snapshot.epoch);
    };
    let temporaries = Temporaries::default();
    let mut locals = Locals::default();
    let mut readings = Readings::new();
    let read = read_call(scene, grant, &chain, parts, &mut locals, &mut readings);
    let call = match read {
        Ok(call) => call,
        Err(refused) => return refused.decision(py, snapshot.epoch),
    };
    let arguments = judged(py, parts.arguments)?;
    let layout = &*call.entry.layout;
    let mut slots = Slots::from_elem(Slot::Unreachable, layout.slot_count);
    if fill(&readings, &mut slots).is_err() {
        let detail = "the context has text that is not Unicode".to_owned();
        return Refused::new(Reason::ArgumentType, Some(detail)).decision(py, snapshot.epoch);
    }
    let asked = Asked {
        snapshot,
        locals: &locals,
        action: call.action,
        resource: call.resource,
        layout,
        slots: &slots,
        now: Datetime::from_milliseconds(now_ms),
        temporaries: &temporaries,
    };
    let is_dry = told.is_some();
    let mut settled =
        settle(py, scene, grant, parts, &call, &locals, is_dry, |discharged| decide_core(&asked, &chain, discharged))?;
    if let Some(told) = told {
        told.questions = explain_core(&asked, &chain, &settled.approved);
        told.approved = settled.approved.to_vec();
    }
    settled.arguments = Some(arguments);
    settled.decision(py, scene, Some(grant), &call, &locals)
}

/// A decision that the chain's status makes.
pub(crate) fn refuse_status(py: Python<'_>, hit: Hit, epoch: u64) -> PyResult<Py<Decision>> {
    let under = UnderGrant { stage: Some(Stage::Status), hop: hit.hop, ..UnderGrant::default() };
    Decision::refused_under(py, hit.reason, None, epoch, under)
}

/// A call, read and checked; its values are in the readings.
pub(crate) struct Read<'a> {
    pub(crate) action: EntityId,
    pub(crate) entry: &'a ActionEntry,
    pub(crate) resource: EntityId,
}

fn read_call<'a, 'py>(
    scene: Scene<'a>,
    grant: &CoreGrant,
    chain: &Chain<'_>,
    parts: CallParts<'a, 'py>,
    locals: &mut Locals<'a>,
    readings: &mut Readings<'py>,
) -> Result<Read<'a>, Refused> {
    let Scene { engine, snapshot, view, .. } = scene;
    let (store, schema) = (&snapshot.store, snapshot.compiled.schema.as_deref());
    let unknown = || Refused::new(Reason::UnknownAction, Some("`agentpdp schema BUNDLE` lists the actions".to_owned()));
    let action = named_action(parts.action, scene, locals).ok_or_else(unknown)?;
    let (Some(entry), Some(call)) = (snapshot.compiled.actions.get(&action), view.call(action)) else {
        return Err(unknown());
    };
    let mut reader = ContextReader { nonce: Some(engine.nonce), store, schema, locals };
    let argument = read_arguments(parts.arguments, call, scene, &mut reader, readings);
    let host = read_host_context(parts.context, call, &mut reader, readings);
    let argument = Refused::first(argument, host)?;
    let resource = derive(scene, grant, argument, parts.resource, entry, locals)?;
    let root = chain.hops.first().map(|root| root.tree.principal);
    let mut parties = root.into_iter().chain(chain.hops.iter().map(|hop| hop.agent));
    if !parties.clone().all(|party| scene.is_known(party, locals)) {
        return Err(Refused::new(
            Reason::UnknownParty,
            Some("the principal or an agent is not in the store".to_owned()),
        ));
    }
    let is_fixed = matches!(scene.declarations.resources.get(&action), Some(ResourceRule::Fixed(_)));
    if !is_fixed && !scene.is_known(resource, locals) {
        return Err(Refused::new(Reason::UnknownResource, Some("it is not in the store".to_owned())));
    }
    let is_for = |types: &[TypeId], entity| types.contains(&scene.type_of(entity, locals));
    if !parties.all(|party| is_for(&entry.action.principals, party)) || !is_for(&entry.action.resources, resource) {
        return Err(Refused::new(Reason::NotApplicable, None));
    }
    Ok(Read { action, entry, resource })
}

/// The host's action that a caller names, by its name or as an entity.
fn named_action<'a>(value: &'a Bound<'_, PyAny>, scene: Scene<'_>, locals: &mut Locals<'a>) -> Option<EntityId> {
    if let Ok(name) = value.cast::<pyo3::types::PyString>()
        && let Ok(name) = name.to_str()
        && let Some(action) = scene.view.named(name)
    {
        return Some(action);
    }
    let action = resolve(read_uid(value)?, Some(scene.engine.nonce), &scene.snapshot.store, locals);
    scene.view.call(action).map(|_| action)
}

/// The resource of a call by the rule of its action; a caller's must be the same.
fn derive<'a>(
    scene: Scene<'a>,
    grant: &CoreGrant,
    argument: Option<EntityId>,
    given: Option<&'a Bound<'_, PyAny>>,
    entry: &ActionEntry,
    locals: &mut Locals<'a>,
) -> Result<EntityId, Refused> {
    let store = &scene.snapshot.store;
    let missing = || Refused::new(Reason::UnknownResource, Some("no resource is given".to_owned()));
    let mismatch = || Refused::new(Reason::ResourceMismatch, None);
    let mut read = |given| read_uid(given).map(|uid| resolve(uid, Some(scene.engine.nonce), store, locals));
    let given = given.filter(|given| !given.is_none()).map(&mut read);
    let principal = grant.tree.principal;
    let found = match scene.declarations.resources.get(&entry.action.action) {
        None => return Err(missing()),
        Some(ResourceRule::Caller) => return given.flatten().ok_or_else(missing),
        Some(ResourceRule::Argument) => argument,
        Some(ResourceRule::Principal) => Some(principal),
        Some(ResourceRule::Fixed(entity)) => Some(*entity),
        Some(ResourceRule::PrincipalAttribute(name)) => {
            match store.get(principal).and_then(|data| data.attributes.get(name)) {
                Some(Value::Entity(entity)) => Some(*entity),
                _ => None,
            }
        }
    };
    match (found, given) {
        (Some(found), None) => Ok(found),
        (Some(found), Some(Some(given))) if found == given => Ok(found),
        (_, Some(_)) => Err(mismatch()),
        (None, None) => Err(missing()),
    }
}

/// What came of asking, once approvals are taken into account.
pub(crate) struct Settled {
    pub(crate) outcome: Outcome,
    /// Step-up forbids that approvals take back.
    pub(crate) approved: Vec<PolicyId>,
    /// The call's digest, where something is in the way that could be approved.
    pub(crate) digest: Option<Digest>,
    pub(crate) arguments: Option<Py<PyAny>>,
    /// Nobody can approve it: it has no one form.
    pub(crate) is_unsafe: bool,
}

/// Asks; where something could be approved, asks again with what was; uses up approvals on an allow.
#[expect(clippy::too_many_arguments, reason = "the parts of one call")]
fn settle(
    py: Python<'_>,
    scene: Scene<'_>,
    grant: &CoreGrant,
    parts: CallParts<'_, '_>,
    call: &Read<'_>,
    locals: &Locals<'_>,
    is_dry: bool,
    ask: impl Fn(&[PolicyId]) -> Outcome,
) -> PyResult<Settled> {
    let outcome = ask(&[]);
    if outcome.reason() != Reason::StepUp {
        return Ok(Settled::plain(outcome));
    }
    let arguments = crate::grants::form::canonical(py, parts.arguments)?;
    let context = crate::grants::form::canonical(py, parts.context)?;
    let (Some(arguments), Some(context)) = (arguments, context) else { return Ok(Settled::not_safe(outcome)) };
    let tasks: Vec<Vec<Digest>> =
        grant.hops().iter().map(|hop| hop.scope.texts.iter().map(|(_, digest)| *digest).collect()).collect();
    let digest = call_digest(&CallForm {
        grant: Some(grant.id),
        tasks: &tasks,
        bundle: &scene.declarations.digest,
        action: &scene.text_of(call.action, locals),
        resource: &scene.text_of(call.resource, locals),
        arguments: &arguments,
        context: &context,
    });
    Ok(Settled::with_approvals(outcome, digest, scene, is_dry, ask))
}

impl Settled {
    pub(crate) fn plain(outcome: Outcome) -> Self {
        Self { outcome, approved: Vec::new(), digest: None, arguments: None, is_unsafe: false }
    }

    pub(crate) fn not_safe(outcome: Outcome) -> Self {
        Self { is_unsafe: true, ..Self::plain(outcome) }
    }

    /// What the approvals of a digest change.
    pub(crate) fn with_approvals(
        outcome: Outcome,
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
        let names = approvals.of(&digest, scene.now_ms);
        let policies = &scene.snapshot.policies;
        let approved: Vec<PolicyId> = names.iter().filter_map(|name| policies.find(name)).collect();
        if approved.is_empty() {
            return plain(outcome);
        }
        let used: Vec<Arc<str>> = outcome
            .step_ups
            .iter()
            .filter(|policy| approved.contains(policy))
            .filter_map(|policy| policies.get(*policy).map(|policy| policy.name.clone()))
            .collect();
        let second = ask(&approved);
        if second.reason() == Reason::Permitted && !is_dry && !approvals.consume(&digest, &used, scene.now_ms) {
            // Another call has used them up between the look and the use.
            return plain(outcome);
        }
        Self { approved, ..plain(second) }
    }

    /// The policies that decided.
    fn policies(&self, scene: Scene<'_>) -> Vec<PolicyId> {
        let answer = &self.outcome.answer;
        match self.outcome.reason() {
            Reason::Permitted => answer.permits.to_vec(),
            Reason::Forbidden => answer.forbids.to_vec(),
            Reason::ForbidError => answer.forbid_errors.iter().map(|(policy, _)| *policy).collect(),
            Reason::StepUp => {
                let asks = |policy: &&PolicyId| {
                    let found = scene.snapshot.policies.get(**policy);
                    found.is_some_and(|found| found.step_up.is_some()) && !self.approved.contains(policy)
                };
                answer.forbids.iter().filter(asks).copied().collect()
            }
            _ => Vec::new(),
        }
    }

    /// The decision of a call under a grant.
    fn decision(
        self,
        py: Python<'_>,
        scene: Scene<'_>,
        grant: Option<&Arc<CoreGrant>>,
        call: &Read<'_>,
        locals: &Locals<'_>,
    ) -> PyResult<Py<Decision>> {
        if self.is_unsafe {
            let detail = "the call has values with no one form, so nobody can approve it".to_owned();
            return Refused::new(Reason::ArgumentUnsafe, Some(detail)).decision(py, scene.snapshot.epoch);
        }
        let request = match (self.digest, grant) {
            (Some(digest), Some(grant)) if self.outcome.reason() == Reason::StepUp => {
                let arguments = self.arguments.as_ref().map_or_else(|| py.None(), |arguments| arguments.clone_ref(py));
                Some(Py::new(
                    py,
                    ApprovalRequest {
                        digest,
                        needed: scene.needed(&self.outcome),
                        grant: Some(grant.clone()),
                        start: None,
                        nonce: scene.engine.nonce,
                        tasks: grant.scope.texts.iter().map(|(name, _)| name.to_string()).collect(),
                        principal: scene.uid(py, grant.tree.principal, locals)?,
                        agent: scene.uid(py, grant.agent, locals)?,
                        action: scene.uid(py, call.action, locals)?,
                        resource: scene.uid(py, call.resource, locals)?,
                        arguments,
                    },
                )?)
            }
            _ => None,
        };
        self.finish(py, scene, locals, request)
    }

    /// The decision, with what to show a person.
    pub(crate) fn finish(
        self,
        py: Python<'_>,
        scene: Scene<'_>,
        locals: &Locals<'_>,
        request: Option<Py<ApprovalRequest>>,
    ) -> PyResult<Py<Decision>> {
        let party = self.outcome.party.map(|party| scene.uid(py, party, locals)).transpose()?;
        let policies = self.policies(scene);
        let under = UnderGrant {
            stage: self.outcome.stage,
            hop: self.outcome.hop,
            party,
            arguments: self.arguments,
            request,
            argument: None,
        };
        Decision::of_outcome(py, &self.outcome, &policies, scene.snapshot, under)
    }
}

impl Scene<'_> {
    /// Policies and roles of all step-ups, sorted.
    pub(crate) fn needed(&self, outcome: &Outcome) -> Vec<(Arc<str>, Arc<str>)> {
        let found = outcome.step_ups.iter().filter_map(|policy| self.snapshot.policies.get(*policy));
        let mut needed: Vec<(Arc<str>, Arc<str>)> = found
            .filter_map(|policy| policy.step_up.as_ref().map(|role| (policy.name.clone(), role.clone())))
            .collect();
        needed.sort_unstable();
        needed.dedup();
        needed
    }

    /// Type and id of an entity of the store or of the call.
    pub(crate) fn parts_of<'x>(&'x self, entity: EntityId, locals: &'x Locals<'_>) -> (&'x str, &'x str) {
        if entity.is_local() {
            return (locals.type_name_of(entity).unwrap_or("Unknown"), locals.id_of(entity).unwrap_or(""));
        }
        self.snapshot.store.uid(entity).map_or(("Unknown", ""), |(type_name, id)| (&**type_name, &**id))
    }

    /// Cedar text of an entity.
    pub(crate) fn text_of(&self, entity: EntityId, locals: &Locals<'_>) -> String {
        let (type_name, id) = self.parts_of(entity, locals);
        uid_text(type_name, id)
    }

    /// The uid of an entity, as Python has it.
    pub(crate) fn uid(&self, py: Python<'_>, entity: EntityId, locals: &Locals<'_>) -> PyResult<Py<EntityUid>> {
        if !entity.is_local() {
            return Py::new(py, uid_of(&self.snapshot.store, entity)?);
        }
        let (type_name, id) = self.parts_of(entity, locals);
        Py::new(py, EntityUid::make(type_name, id)?)
    }
}
