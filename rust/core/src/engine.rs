//! What is a decision made against, and how does that change while others decide?
//!
//! An [`Engine`] holds what the bundle fixes (schema, layouts of contexts) and the current [`Snapshot`] of what may
//! change (entities, links). Deciding loads the snapshot without lock or shared write and keeps it for the call or for
//! a chunk of a batch; an edit makes the next snapshot under the writer's lock and puts it in place in one step.
//!
//! Twin: `reference/engine.py`.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use arc_swap::{ArcSwap, Guard};
use foldhash::fast::FixedState;

use crate::approvals::{Approvals, Approved};
use crate::authorize::{OnError, Policies, PolicyError};
use crate::decision::Reason;
use crate::entities::{Cycle, Edits, Entity, Lineage, Store};
use crate::grant_slots::{GrantPaths, RESERVED};
use crate::grant_table::Grants;
use crate::parties::Party;
use crate::policies::{PolicySource, SlotValues};
use crate::request::{Locals, check_parties};
use crate::schema::{ActionType, RecordType, Schema};
use crate::slots::{Layout, Paths};
use crate::tasks::{Declarations, TaskId, TaskSources};
use crate::value::{EntityId, TypeId};

/// Rows of a batch that are decided against one snapshot.
pub const CHUNK_ROWS: usize = 8_192;

/// Everything that may change while an engine lives, at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// What the bundle fixes; a reload puts another in its place.
    pub compiled: Arc<Compiled>,
    /// The entities.
    pub store: Store,
    /// Policies and links.
    pub policies: Policies,
    /// Number of changes so far.
    pub epoch: u64,
    /// Number of reloads so far.
    pub generation: u64,
}

/// An action of the schema and how its contexts are read.
#[derive(Clone, Debug)]
pub struct ActionEntry {
    /// What the schema says.
    pub action: ActionType,
    /// How its contexts are laid out.
    pub layout: Arc<Layout>,
    /// Whether no type of its principals and resources lists its ids.
    is_plain: bool,
}

impl ActionEntry {
    /// Whether principal and resource fit, as [`check_parties`] says.
    ///
    /// # Errors
    ///
    /// The reason why not.
    #[inline]
    pub fn check_parties(
        &self,
        principal: &Party<'_>,
        resource: &Party<'_>,
        schema: &Schema,
        store: &Store,
        locals: &Locals<'_>,
    ) -> Result<(), Reason> {
        let ActionType { principals, resources, .. } = &self.action;
        if self.is_plain && principals.contains(&principal.type_id) && resources.contains(&resource.type_id) {
            return Ok(());
        }
        check_parties(&self.action, principal.entity, resource.entity, schema, store, locals)
    }
}

/// What a bundle fixes.
#[derive(Debug)]
pub struct Compiled {
    /// The schema, if there is one.
    pub schema: Option<Arc<Schema>>,
    /// What an erring forbid does.
    pub on_error: OnError,
    /// All context paths that policies read.
    pub paths: Arc<Paths>,
    /// Actions of the schema.
    pub actions: Arc<HashMap<EntityId, ActionEntry, FixedState>>,
    /// The layout of contexts where there is no schema.
    pub whole: Arc<Layout>,
    /// What a bundle with tasks declares.
    pub declarations: Option<Declarations>,
    /// What whoever holds the bundle keeps with it.
    pub attachment: OnceLock<Attachment>,
}

/// Something that the core keeps and does not look at.
pub type Attachment = Box<dyn Any + Send + Sync>;

/// Why a bundle cannot be compiled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BuildError {
    /// A policy cannot be added.
    Policy(Arc<str>, PolicyError),
    /// Policies read more paths of an action's context than a call has room for.
    TooManySlots(EntityId),
}

impl Snapshot {
    /// Compiles policies over a store that holds the uids they name: what an engine starts from.
    ///
    /// # Errors
    ///
    /// [`BuildError`] names the policy or action.
    pub fn new(
        schema: Option<Schema>,
        on_error: OnError,
        store: Store,
        sources: Vec<PolicySource>,
        tasks: Option<TaskSources>,
    ) -> Result<Self, BuildError> {
        let mut paths = Paths::new(schema.as_ref());
        if schema.is_none() {
            paths.number(&[]);
        }
        if let Some(tasks) = &tasks {
            paths = paths.with_grants(GrantPaths::new(&tasks.declarations));
        }
        let mut policies = Policies::default();
        // Shape 0 is the condition that is not there, so that candidates know it without a look-up.
        policies.reserve_empty_shape();
        add_all(&mut policies, sources, &mut paths)?;
        let mut declarations = None;
        if let Some(tasks) = tasks {
            for (number, sources) in (0u16..).zip(tasks.policies) {
                paths.enter(Some(TaskId(number)));
                add_all(&mut policies, sources, &mut paths)?;
            }
            paths.enter(None);
            declarations = Some(tasks.declarations);
        }
        let actions = action_entries(schema.as_ref(), &paths, declarations.is_some())?;
        let compiled = Compiled {
            schema: schema.map(Arc::new),
            on_error,
            paths: Arc::new(paths),
            actions: Arc::new(actions),
            whole: Arc::new(Layout::whole()),
            declarations,
            attachment: OnceLock::new(),
        };
        Ok(Self { compiled: Arc::new(compiled), store, policies, epoch: 0, generation: 0 })
    }

    /// Whether an approval still holds: its bundle decides, and its policy is the one that was asked about.
    #[must_use]
    pub fn upholds(&self, approved: &Approved) -> bool {
        let policy = self.policies.find(&approved.policy).and_then(|policy| self.policies.get(policy));
        approved.generation == self.generation && policy.is_none_or(|policy| policy.since_epoch <= approved.asked_epoch)
    }
}

fn add_all(policies: &mut Policies, sources: Vec<PolicySource>, paths: &mut Paths) -> Result<(), BuildError> {
    sources.into_iter().try_for_each(|source| {
        let id = source.id.clone();
        policies.add(source, paths).map_err(|error| BuildError::Policy(id, error))
    })
}

/// The actions of a schema, each with the layout of what a caller hands in as its context.
fn action_entries(
    schema: Option<&Schema>,
    paths: &Paths,
    with_tasks: bool,
) -> Result<HashMap<EntityId, ActionEntry, FixedState>, BuildError> {
    let mut layouts: Vec<(Arc<RecordType>, Arc<Layout>)> = Vec::new();
    let mut actions: HashMap<EntityId, ActionEntry, FixedState> = HashMap::default();
    for action in schema.iter().flat_map(|schema| schema.actions.values()) {
        let layout = match layouts.iter().find(|(context, _)| *context == action.context) {
            Some((_, layout)) => layout.clone(),
            None => {
                let own = if with_tasks { Arc::new(callers_part(&action.context)) } else { action.context.clone() };
                let layout = Arc::new(Layout::of(&own, paths).ok_or(BuildError::TooManySlots(action.action))?);
                layouts.push((action.context.clone(), layout.clone()));
                layout
            }
        };
        let lists_ids = |type_id: &TypeId| {
            let known = schema.and_then(|schema| schema.entity_types.get(type_id));
            known.is_none_or(|known| known.ids.is_some())
        };
        let is_plain = !action.principals.iter().chain(&action.resources).any(lists_ids);
        actions.insert(action.action, ActionEntry { action: action.clone(), layout, is_plain });
    }
    Ok(actions)
}

/// A context without what the engine itself puts into it.
fn callers_part(context: &RecordType) -> RecordType {
    let is_given = |name: &str| name != "input" && RESERVED.contains(&name);
    RecordType::new(context.attributes().iter().filter(|attribute| !is_given(&attribute.name)).cloned().collect())
}

/// Decides requests, while entities and links change.
#[derive(Debug)]
pub struct Engine {
    current: ArcSwap<Snapshot>,
    lineage: Mutex<Option<Lineage>>,
    /// All grants.
    pub grants: Grants,
    /// What was approved and not yet done.
    pub approvals: Approvals,
}

/// Entities to put in, with their uids.
pub type NewEntities = Vec<(EntityId, Entity)>;

impl Engine {
    /// An engine over what a bundle compiled to.
    #[must_use]
    pub fn new(initial: Snapshot) -> Self {
        Self {
            current: ArcSwap::from_pointee(initial),
            lineage: Mutex::new(None),
            grants: Grants::default(),
            approvals: Approvals::default(),
        }
    }

    /// What the bundle fixes, as it stands now.
    #[must_use]
    pub fn compiled(&self) -> Arc<Compiled> {
        self.load().compiled.clone()
    }

    /// The current snapshot, for one call: neither lock nor shared write.
    #[inline]
    #[must_use]
    pub fn load(&self) -> Guard<Arc<Snapshot>> {
        self.current.load()
    }

    /// The current snapshot, to keep.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    pub(crate) fn write(&self) -> MutexGuard<'_, Option<Lineage>> {
        self.lineage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes entities in one step: all of what `edit` does, or on an error nothing.
    ///
    /// # Errors
    ///
    /// What `edit` gives, or a [`Cycle`].
    pub fn edit<E: From<Cycle>>(&self, edit: impl FnOnce(&mut Edits<'_>) -> Result<(), E>) -> Result<(), E> {
        let mut lineage = self.write();
        let now = self.snapshot();
        let lineage = lineage.get_or_insert_with(|| Lineage::of(&now.store));
        let mut edits = Edits::new(now.store.clone(), lineage);
        if let Err(error) = edit(&mut edits) {
            edits.abandon();
            return Err(error);
        }
        let store = edits.finish()?;
        self.publish(Snapshot { store, epoch: now.epoch.saturating_add(1), ..(*now).clone() });
        Ok(())
    }

    /// The current snapshot with changes that only one call sees.
    ///
    /// # Errors
    ///
    /// What `edit` gives, or a [`Cycle`].
    pub fn edit_for_one_call<E: From<Cycle>>(
        &self,
        edit: impl FnOnce(&mut Edits<'_>) -> Result<(), E>,
    ) -> Result<Snapshot, E> {
        let mut lineage = self.write();
        let now = self.snapshot();
        let lineage = lineage.get_or_insert_with(|| Lineage::of(&now.store));
        let mut edits = Edits::new(now.store.clone(), lineage);
        if let Err(error) = edit(&mut edits) {
            edits.abandon();
            return Err(error);
        }
        let store = edits.finish_for_one_call()?;
        Ok(Snapshot { store, ..(*now).clone() })
    }

    /// Gives numbers to uids for as long as the engine lives.
    ///
    /// # Errors
    ///
    /// What `intern` gives.
    pub fn intern<T, E>(&self, intern: impl FnOnce(&mut Store) -> Result<T, E>) -> Result<T, E> {
        let _lineage = self.write();
        let now = self.snapshot();
        let mut store = now.store.clone();
        let result = intern(&mut store)?;
        if store.uid_count() != now.store.uid_count() {
            self.publish(Snapshot { store, ..(*now).clone() });
        }
        Ok(result)
    }

    /// Adds links, all or none: for each template name, link name and the entities of its slots.
    ///
    /// # Errors
    ///
    /// The first link that cannot be added, by its place in the list.
    pub fn link(&self, links: &[(&str, &str, SlotUids<'_>)]) -> Result<(), (usize, PolicyError)> {
        let _lineage = self.write();
        let now = self.snapshot();
        let (mut store, mut policies) = (now.store.clone(), now.policies.clone());
        let epoch = now.epoch.saturating_add(1);
        for (at, (template, name, slots)) in links.iter().enumerate() {
            let values = slots.intern(&mut store).ok_or((at, PolicyError::TooMany))?;
            policies.link(template, name, values, epoch).map_err(|error| (at, error))?;
        }
        self.publish(Snapshot { store, policies, epoch, ..(*now).clone() });
        Ok(())
    }

    /// Takes a link away; false if there is none of this name.
    pub fn unlink(&self, name: &str) -> bool {
        let _lineage = self.write();
        let now = self.snapshot();
        let mut policies = now.policies.clone();
        let found = policies.unlink(name);
        if found {
            self.publish(Snapshot { policies, epoch: now.epoch.saturating_add(1), ..(*now).clone() });
        }
        found
    }

    pub(crate) fn publish(&self, next: Snapshot) {
        self.current.store(Arc::new(next));
    }
}

/// Type name and id of the entities for a link's slots.
#[derive(Clone, Copy, Debug, Default)]
pub struct SlotUids<'a> {
    /// For `?principal`.
    pub principal: Option<(&'a str, &'a str)>,
    /// For `?resource`.
    pub resource: Option<(&'a str, &'a str)>,
}

impl SlotUids<'_> {
    fn intern(&self, store: &mut Store) -> Option<SlotValues> {
        let mut number = |uid: Option<(&str, &str)>| match uid {
            None => Some(None),
            Some((type_name, id)) => store.intern(type_name, id).ok().map(Some),
        };
        Some(SlotValues { principal: number(self.principal)?, resource: number(self.resource)? })
    }
}
