//! A store and its plain twin: parents by entity, walked anew for each question.

use std::collections::{BTreeMap, BTreeSet};

use agentpdp_core::entities::{Cycle, Edits, Entity, Lineage, Store};
use agentpdp_core::policies::{ActionScope, Scope};
use agentpdp_core::request::Locals;
use agentpdp_core::value::{EntityId, Record, TypeId};

use crate::seeded::Random;

const TYPES: [&str; 3] = ["User", "Group", "Doc"];
const ENTITIES: usize = 12;
const ACTIONS: usize = 6;

pub(crate) type Parents = BTreeMap<EntityId, BTreeSet<EntityId>>;

/// One moment of the store, and what it must mean.
#[derive(Clone)]
pub(crate) struct Moment {
    pub(crate) store: Store,
    parents: Parents,
}

pub(crate) struct World {
    pub(crate) now: Moment,
    lineage: Lineage,
    pub(crate) entities: Vec<EntityId>,
    pub(crate) actions: Vec<EntityId>,
    pub(crate) types: Vec<TypeId>,
    /// Uids that the store does not know.
    pub(crate) strangers: Vec<EntityId>,
    pub(crate) locals: Locals<'static>,
}

impl World {
    pub(crate) fn new() -> Self {
        let mut store = Store::new(1);
        let mut name = |kind: &str, number: usize| store.intern(kind, &format!("{kind}{number}")).unwrap();
        let named = TYPES.into_iter().flat_map(|kind| (0..ENTITIES).map(move |number| (kind, number)));
        let entities = named.map(|(kind, number)| name(kind, number)).collect();
        let actions = (0..ACTIONS).map(|number| name("Action", number)).collect();
        let types = TYPES.iter().map(|kind| store.find_type(kind).unwrap()).collect();
        let mut locals = Locals::default();
        let strangers = ["User", "Doc", "Nothing"].map(|kind| locals.resolve(&store, kind.into(), "stranger".into()));
        let now = Moment { store, parents: Parents::new() };
        Self { now, lineage: Lineage::default(), entities, actions, types, strangers: strangers.to_vec(), locals }
    }

    /// An entity, or a few times one that the store does not know.
    pub(crate) fn party(&self, random: &mut Random) -> EntityId {
        if random.one_in(12) { random.pick(&self.strangers) } else { random.pick(&self.entities) }
    }

    /// Puts some entities in with random parents, takes some out; all at once, or nothing if there would be a cycle.
    pub(crate) fn edit(&mut self, random: &mut Random) {
        let mut parents = self.now.parents.clone();
        let mut edits = Edits::new(self.now.store.clone(), &mut self.lineage);
        for _ in 0..1 + random.below(4) {
            let among = if random.one_in(4) { &self.actions } else { &self.entities };
            let entity = random.pick(among);
            if random.one_in(4) {
                edits.take(entity);
                if parents.remove(&entity).is_some() {
                    parents.values_mut().for_each(|above| above.retain(|parent| *parent != entity));
                }
            } else {
                let above: Vec<EntityId> = (0..random.below(3)).map(|_| random.pick(among)).collect();
                edits.put(entity, Entity::new(Record::default(), Record::default(), above.clone()));
                parents.insert(entity, above.into_iter().collect());
            }
        }
        let next = Moment { store: self.now.store.clone(), parents };
        let has_cycle = next.parents.keys().any(|entity| next.above(*entity).contains(entity));
        match edits.finish() {
            Ok(store) => {
                assert!(!has_cycle);
                self.now = Moment { store, ..next };
            }
            Err(Cycle(_)) => assert!(has_cycle),
        }
    }

    fn type_of(&self, entity: EntityId) -> TypeId {
        if entity.is_local() { self.locals.type_of(entity) } else { self.now.store.type_of(entity) }
    }

    /// Whether a scope applies, by what stands in Cedar's documentation.
    pub(crate) fn fits(&self, moment: &Moment, scope: Scope, entity: EntityId) -> bool {
        let is_in = |group: EntityId| entity == group || moment.above(entity).contains(&group);
        match scope {
            Scope::Any => true,
            Scope::Equal(wanted) => entity == wanted,
            Scope::In(group) => is_in(group),
            Scope::Is(type_id) => self.type_of(entity) == type_id,
            Scope::IsIn(type_id, group) => self.type_of(entity) == type_id && is_in(group),
        }
    }

    /// The same for the action.
    pub(crate) fn fits_action(&self, moment: &Moment, scope: &ActionScope, action: EntityId) -> bool {
        match scope {
            ActionScope::Any => true,
            ActionScope::Equal(wanted) => action == *wanted,
            ActionScope::In(groups) => groups.iter().any(|group| self.fits(moment, Scope::In(*group), action)),
        }
    }
}

impl Moment {
    /// Everything above an entity: its parents, theirs and so on.
    fn above(&self, entity: EntityId) -> BTreeSet<EntityId> {
        let mut found = BTreeSet::new();
        let mut waiting = vec![entity];
        while let Some(next) = waiting.pop() {
            for parent in self.parents.get(&next).into_iter().flatten() {
                if found.insert(*parent) {
                    waiting.push(*parent);
                }
            }
        }
        found
    }
}
