//! Judging a call under a grant, whatever form it comes in.
//!
//! The way of a call: status of the chain, the action, the arguments and the host's context into slots, the resource
//! that they name, the parties; then the core asks all questions. Only where a person's approval could discharge what
//! is in the way is the call's digest made. No Python object is touched here, so batches run without the lock.

use std::borrow::Cow;
use std::sync::Arc;

use agentpdp_arguments::canonical::canonical_rewritten;
use agentpdp_arguments::decode::{Decoded, Entities, Rewrite, UnknownEntity};
use agentpdp_arguments::json::{Json, Members};
use agentpdp_arguments::source::Source;
use agentpdp_cedar::input::Input;
use agentpdp_core::authorize::PolicyId;
use agentpdp_core::calls::{Outcome, decide as decide_core, decide_into};
use agentpdp_core::chains::{Asked, Chain};
use agentpdp_core::datetime::Datetime;
use agentpdp_core::decision::Reason;
use agentpdp_core::digest::{CallForm, call_digest};
use agentpdp_core::engine::Snapshot;
use agentpdp_core::evaluate::Temporaries;
use agentpdp_core::explain::{Explained, explain as explain_core};
use agentpdp_core::grants::{Grant as CoreGrant, Hit};
use agentpdp_core::orders::{fill_record, is_known};
use agentpdp_core::parties::Party;
use agentpdp_core::request::Locals;
use agentpdp_core::slots::{RecordPlan, Slot, Slots, reset};
use agentpdp_core::tasks::{Declarations, Digest, ResourceRule};
use agentpdp_core::value::{EntityId, Record, TypeId, Value, ValueRef};
use pyo3::Py;

use crate::engine::Engine;
use crate::grants::form::canonical_input;
use crate::grants::near::{Near, near};
use crate::grants::read::{Refused, read_host};
use crate::grants::settled::Settled;
use crate::grants::view::{CallReader, View};
use crate::room;
use crate::uid::{EntityUid, uid_text};

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

impl<'a> Scene<'a> {
    pub(crate) fn is_known(&self, entity: EntityId, locals: &Locals<'_>) -> bool {
        is_known(entity, self.snapshot, self.declarations, locals)
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
}

/// The store's numbers for the entities that arguments name.
struct Named<'s, 'r, 'l> {
    scene: Scene<'s>,
    locals: &'r mut Locals<'l>,
}

impl Entities for Named<'_, '_, '_> {
    fn resource(&mut self, type_id: TypeId, id: &str) -> Result<EntityId, UnknownEntity> {
        let store = &self.scene.snapshot.store;
        if let Some(known) = store.find_typed(type_id, id) {
            return Ok(known);
        }
        let name = store.type_name(type_id).ok_or(UnknownEntity)?;
        Ok(self.locals.resolve(store, Cow::Owned(name.to_string()), Cow::Owned(id.to_owned())))
    }

    fn resolve(&mut self, type_id: TypeId, id: &str) -> Result<EntityId, UnknownEntity> {
        let Scene { snapshot, declarations, .. } = self.scene;
        let entity = self.resource(type_id, id)?;
        if is_known(entity, snapshot, declarations, self.locals) { Ok(entity) } else { Err(UnknownEntity) }
    }
}

/// A call as it comes in, its action and resource looked up.
#[derive(Clone, Copy)]
pub(crate) struct Incoming<'a, S> {
    /// How the host's action is read; none where there is none of this name.
    pub(crate) call: Option<&'a CallReader>,
    /// None where nothing is handed in.
    pub(crate) arguments: Option<S>,
    pub(crate) context: Option<&'a Input>,
    /// Outer none: not given; inner none: it is no entity.
    pub(crate) resource: Option<Option<EntityId>>,
}

/// Every question of a call, besides the decision.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) questions: Vec<Explained>,
    pub(crate) approved: Vec<PolicyId>,
    /// Per question, permits that name the action and are not satisfied.
    pub(crate) near: Vec<Near>,
    /// The action and the resource, once they are read.
    pub(crate) action: Option<Py<EntityUid>>,
    pub(crate) resource: Option<Py<EntityUid>>,
}

/// Why no policy was asked.
pub(crate) enum Unasked {
    /// The chain does not hold.
    Status(Hit),
    /// Something of the call cannot be read, or does not fit.
    Refused(Box<Refused>),
}

impl From<Hit> for Unasked {
    fn from(hit: Hit) -> Self {
        Self::Status(hit)
    }
}

impl From<Box<Refused>> for Unasked {
    fn from(refused: Box<Refused>) -> Self {
        Self::Refused(refused)
    }
}

/// What policies came to, and what the call was.
pub(crate) struct Answered {
    pub(crate) settled: Settled,
    pub(crate) action: EntityId,
    pub(crate) resource: EntityId,
    /// The resource of a call that asks, where only the call knows it.
    pub(crate) resource_uid: Option<Box<(String, String)>>,
    /// What the tool must get instead of what was given.
    pub(crate) rewritten: Vec<Rewrite>,
}

/// A grant whose chain holds; before it was looked at, one that allows nothing.
pub(crate) struct Held<'g> {
    grant: &'g CoreGrant,
    chain: Chain<'g>,
}

impl<'g> Held<'g> {
    pub(crate) fn new(grant: &'g CoreGrant) -> Self {
        Self { grant, chain: Chain::default() }
    }

    /// Looks at the grant as it stands at the tree's time; gives the first hit of its chain.
    #[inline]
    pub(crate) fn look(&mut self, scene: Scene<'g>) -> Result<(), Hit> {
        let Scene { engine, snapshot, declarations, now_ms, .. } = scene;
        if engine.is_forked() {
            return Err(Hit { reason: Reason::EngineForked, hop: None });
        }
        engine.core.grants.status(self.grant, declarations, snapshot.generation, now_ms)?;
        match self.chain.fill(self.grant, snapshot, declarations) {
            true => Ok(()),
            false => Err(Hit { reason: Reason::TaskChanged, hop: None }),
        }
    }
}

/// Decides a call under a grant, or with `told` tells every question of it and consumes nothing.
#[inline]
pub(crate) fn judge<'a, S: Source<'a>>(
    scene: Scene<'a>,
    grant: &CoreGrant,
    incoming: &Incoming<'a, S>,
    locals: &mut Locals<'a>,
    temporaries: &'a Temporaries,
    told: Option<&mut Told>,
) -> Result<Answered, Unasked> {
    let mut held = Held::new(grant);
    held.look(scene)?;
    judge_held(scene, &held, incoming, locals, temporaries, told)
}

/// As [`judge`], under a grant whose chain was looked at.
pub(crate) fn judge_held<'a, S: Source<'a>>(
    scene: Scene<'a>,
    Held { grant, chain }: &Held<'_>,
    incoming: &Incoming<'a, S>,
    locals: &mut Locals<'a>,
    temporaries: &'a Temporaries,
    told: Option<&mut Told>,
) -> Result<Answered, Unasked> {
    let Scene { snapshot, now_ms, .. } = scene;
    let mut room = Room::default();
    let read = read_call(scene, grant, chain, incoming, locals, temporaries, &mut room)?;
    let asked = Asked {
        snapshot,
        locals,
        action: read.call.action,
        resource: read.resource,
        layout: &read.call.entry.layout,
        slots: &room.slots,
        now: Datetime::from_milliseconds(now_ms),
        temporaries,
    };
    let is_dry = told.is_some();
    let mut outcome = room::take();
    decide_into(&asked, chain, &[], &mut outcome);
    let settled = if outcome.reason() == Reason::StepUp {
        match digest(scene, grant, incoming, &read, &room.decoded.rewritten, locals) {
            None => Settled::not_safe(outcome),
            Some(digest) => Settled::with_approvals(outcome, digest, scene, is_dry, |discharged| {
                decide_core(&asked, chain, discharged)
            }),
        }
    } else {
        Settled::plain(outcome)
    };
    if let Some(told) = told {
        told.questions = explain_core(&asked, chain, &settled.approved);
        told.near = near(&asked, chain, &told.questions);
        told.approved = settled.approved.to_vec();
    }
    let Read { call: CallReader { action, .. }, resource } = read;
    let (action, resource) = (*action, resource.entity);
    let is_shown = settled.outcome.reason() == Reason::StepUp && resource.is_local();
    let owned = |(name, id): (&str, &str)| Box::new((name.to_owned(), id.to_owned()));
    let resource_uid = is_shown.then(|| owned(scene.parts_of(resource, locals)));
    let rewritten = room.decoded.rewritten;
    Ok(Answered { settled, action, resource, resource_uid, rewritten })
}

/// The digest of a call with its arguments as the tool gets them; none if it has no one form.
fn digest<'a, S: Source<'a>>(
    scene: Scene<'_>,
    grant: &CoreGrant,
    incoming: &Incoming<'a, S>,
    read: &Read<'_>,
    rewritten: &[Rewrite],
    locals: &Locals<'_>,
) -> Option<Digest> {
    let arguments = match incoming.arguments {
        None => "{}".to_owned(),
        Some(arguments) => canonical_rewritten(arguments, rewritten).ok()?,
    };
    let context = incoming.context.map_or(Some("{}".to_owned()), canonical_input)?;
    let tasks: Vec<Vec<Digest>> =
        grant.hops().iter().map(|hop| hop.scope.texts.iter().map(|(_, digest)| *digest).collect()).collect();
    Some(call_digest(&CallForm {
        grant: Some(grant.id),
        tasks: &tasks,
        bundle: &scene.declarations.digest,
        action: &scene.text_of(read.call.action, locals),
        resource: &scene.text_of(read.resource.entity, locals),
        arguments: &arguments,
        context: &context,
    }))
}

/// What is read where no arguments are handed in.
static NO_ARGUMENTS: Json<'static> = Json::Object(Members { pairs: Vec::new(), has_duplicates: false });

/// A call, read and checked.
struct Read<'a> {
    call: &'a CallReader,
    resource: Party<'a>,
}

/// Where the values of a call stand while it is judged.
#[derive(Default)]
struct Room<'a> {
    decoded: Decoded<'a>,
    slots: Slots<'a>,
}

fn read_call<'a, S: Source<'a>>(
    scene: Scene<'a>,
    grant: &CoreGrant,
    chain: &Chain<'_>,
    incoming: &Incoming<'a, S>,
    locals: &mut Locals<'a>,
    temporaries: &'a Temporaries,
    Room { decoded, slots }: &mut Room<'a>,
) -> Result<Read<'a>, Box<Refused>> {
    let unknown = || Refused::new(Reason::UnknownAction, Some("`agentpdp schema BUNDLE` lists the actions".to_owned()));
    let call = incoming.call.ok_or_else(unknown)?;
    let entry = &call.entry;
    let arguments = decode(scene, call, incoming.arguments, locals, temporaries, decoded);
    let host = read_host(scene, call, incoming.context, locals);
    let host = Refused::first(arguments, host)?;
    let resource = derive(scene, grant, call, decoded.resource, incoming.resource)?;
    let Scene { snapshot, declarations, .. } = scene;
    let mut is_for_all = true;
    for party in chain.parties() {
        if !party.is_known(snapshot, declarations, locals) {
            return Err(Refused::new(
                Reason::UnknownParty,
                Some("the principal or an agent is not in the store".to_owned()),
            ));
        }
        is_for_all &= entry.action.principals.contains(&party.type_id);
    }
    let Some(resource) = resource else {
        return Err(Refused::new(Reason::UnknownResource, Some("no resource is given".to_owned())));
    };
    let resource = Party::of(resource, &snapshot.store, locals);
    let is_fixed = matches!(call.resource, Some(ResourceRule::Fixed(_)));
    if !is_fixed && !resource.is_known(snapshot, declarations, locals) {
        return Err(Refused::new(Reason::UnknownResource, Some("it is not in the store".to_owned())));
    }
    if !is_for_all || !entry.action.resources.contains(&resource.type_id) {
        return Err(Refused::new(Reason::NotApplicable, None));
    }
    reset(slots, entry.layout.slot_count, Slot::Unreachable);
    if let Some(plan) = &call.input {
        fill_input(plan, &decoded.slots, temporaries, slots);
    }
    if let Some(host) = host {
        let kept = temporaries.keep(Value::Record(Arc::new(host)));
        if let ValueRef::Record(record) = kept {
            fill_record(&call.host, record, slots);
        }
    }
    Ok(Read { call, resource })
}

/// Reads the arguments by the plan of the tool; an action that is no tool has none.
fn decode<'a, S: Source<'a>>(
    scene: Scene<'a>,
    call: &'a CallReader,
    arguments: Option<S>,
    locals: &mut Locals<'a>,
    temporaries: &'a Temporaries,
    decoded: &mut Decoded<'a>,
) -> Result<(), Box<Refused>> {
    let mut named = Named { scene, locals };
    let read = match arguments {
        Some(arguments) => call.plan.decode(arguments, &mut named, temporaries, decoded),
        None => call.plan.decode(&NO_ARGUMENTS, &mut named, temporaries, decoded),
    };
    read.map_err(Box::from)
}

/// Puts decoded arguments into the slots that policies read.
fn fill_input<'a>(plan: &RecordPlan, decoded: &[Slot<'a>], temporaries: &'a Temporaries, slots: &mut [Slot<'a>]) {
    let mut put = |at: Option<u16>, slot: Slot<'a>| {
        if let Some(place) = at.and_then(|at| slots.get_mut(usize::from(at))) {
            *place = slot;
        }
    };
    for (attribute, slot) in plan.attributes.iter().zip(decoded) {
        put(attribute.slot, *slot);
    }
    plan.undeclared.iter().for_each(|at| put(Some(*at), Slot::Absent));
    if plan.slot.is_some() {
        let values = plan.attributes.iter().zip(decoded).filter_map(|(attribute, slot)| match slot {
            Slot::Value(value) => Some((attribute.name.clone(), ValueRef::to_owned(*value))),
            _ => None,
        });
        if let Ok(record) = Record::new(values.collect()) {
            put(plan.slot, Slot::Value(temporaries.keep(Value::Record(Arc::new(record)))));
        }
    }
    for (attribute, slot) in plan.attributes.iter().zip(decoded) {
        if let (Some(inner), Slot::Value(ValueRef::Record(record))) = (&attribute.inner, slot) {
            fill_record(inner, record, slots);
        }
    }
}

/// The resource of a call by the rule of its action, if there is one; a caller's must be the same.
fn derive(
    scene: Scene<'_>,
    grant: &CoreGrant,
    call: &CallReader,
    argument: Option<EntityId>,
    given: Option<Option<EntityId>>,
) -> Result<Option<EntityId>, Box<Refused>> {
    let store = &scene.snapshot.store;
    let principal = grant.tree.principal;
    let found = match &call.resource {
        None => return Ok(None),
        Some(ResourceRule::Caller) => return Ok(given.flatten()),
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
        (Some(found), Some(Some(given))) if found == given => Ok(Some(found)),
        (_, Some(_)) => Err(Refused::new(Reason::ResourceMismatch, None)),
        (found, None) => Ok(found),
    }
}
