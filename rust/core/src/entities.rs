//! Which entities are there, what are their attributes, and what is an entity `in`?
//!
//! A [`Store`] is one immutable version of the entity data: uids and type names as small numbers, and per entity its
//! attributes, tags, parents and all ancestors. Clones share everything. [`Edits`] makes the next version out of one:
//! whole entities are put in or taken out, and the ancestors of exactly those entities that stand below a changed one
//! are computed anew, so the cost is in proportion to the change.
//!
//! As in Cedar, a parent that is not in the store is still an ancestor, the hierarchy has no cycles, and taking an
//! entity out takes the edges to it away for good.
//!
//! Twin: `reference/entities.py`. Read next: `expression.rs`.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::FixedState;
use smallvec::SmallVec;

use crate::paged::Paged;
use crate::table::{SIDE_BY_SIDE, Table};
use crate::value::{EntityId, Record, Shared, TypeId};

/// Most entity uids that one store may know, over its whole life.
pub const UIDS_MAX: usize = 0x7fff_fff0;

/// The data of one entity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entity {
    /// Attributes by name.
    pub attributes: Record,
    /// Tags by name.
    pub tags: Record,
    /// Direct parents, in the store or not.
    pub parents: Box<[EntityId]>,
    /// Parents, their parents and so on, sorted; not the entity itself.
    ancestors: SmallVec<[EntityId; 6]>,
}

impl Entity {
    /// An entity whose ancestors will be computed when it is put into a store.
    #[must_use]
    pub fn new(attributes: Record, tags: Record, mut parents: Vec<EntityId>) -> Self {
        parents.sort_unstable();
        parents.dedup();
        Self { attributes, tags, parents: parents.into_boxed_slice(), ancestors: SmallVec::new() }
    }

    /// Parents, their parents and so on, sorted; not the entity itself.
    #[inline]
    #[must_use]
    pub fn ancestors(&self) -> &[EntityId] {
        &self.ancestors
    }
}

#[derive(Clone, Debug)]
struct Known {
    type_id: TypeId,
    id: Arc<str>,
    data: Option<Arc<Entity>>,
}

impl Default for Known {
    fn default() -> Self {
        Self { type_id: TypeId::UNKNOWN, id: Arc::from(""), data: None }
    }
}

#[derive(Clone, Debug, Default)]
struct Types {
    names: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, TypeId, FixedState>,
}

/// One immutable version of the entity data.
#[derive(Clone, Debug, Default)]
pub struct Store {
    known: Paged<Known>,
    uids: Table<EntityId>,
    types: Arc<Types>,
    seed: FixedState,
    entity_count: usize,
}

/// The store cannot give another number: [`UIDS_MAX`] is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooManyUids;

impl Store {
    /// An empty store whose hashes depend on `seed`, so that nobody can prepare uids that collide.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed: FixedState::with_seed(seed), ..Self::default() }
    }

    /// Number of entities that have data.
    #[must_use]
    pub fn entity_count(&self) -> usize {
        self.entity_count
    }

    /// Number of uids that have a number, with data or without.
    #[must_use]
    pub fn uid_count(&self) -> usize {
        self.known.len()
    }

    /// The number of a type name, if some uid, policy or schema named it.
    #[must_use]
    pub fn find_type(&self, name: &str) -> Option<TypeId> {
        self.types.numbers.get(name).copied()
    }

    /// The number of a type name.
    #[allow(clippy::cast_possible_truncation)] // names are far fewer than 2^32: each costs memory
    pub fn intern_type(&mut self, name: &str) -> TypeId {
        if let Some(found) = self.find_type(name) {
            return found;
        }
        let types = Arc::make_mut(&mut self.types);
        let number = TypeId(types.names.len() as u32);
        let name: Arc<str> = Arc::from(name);
        types.names.push(name.clone());
        types.numbers.insert(name, number);
        number
    }

    /// The name of a type.
    #[must_use]
    pub fn type_name(&self, type_id: TypeId) -> Option<&Arc<str>> {
        self.types.names.get(type_id.0 as usize)
    }

    fn uid_hash(&self, type_id: TypeId, id: &str) -> u64 {
        self.seed.hash_one((type_id.0, id))
    }

    /// The number of a uid, if the store knows it.
    #[inline]
    #[must_use]
    pub fn find(&self, type_name: &str, id: &str) -> Option<EntityId> {
        self.find_typed(self.find_type(type_name)?, id)
    }

    /// The number of a uid of a known type, if the store knows it.
    #[inline]
    #[must_use]
    pub fn find_typed(&self, type_id: TypeId, id: &str) -> Option<EntityId> {
        let is_it = |candidate: &EntityId| {
            self.known.get(candidate.index()).is_some_and(|known| known.type_id == type_id && &*known.id == id)
        };
        self.uids.find(self.uid_hash(type_id, id), is_it).copied()
    }

    /// What [`Store::find_typed`] says of many uids, in their order; a few are looked up side by side, so that they wait for
    /// memory together.
    #[must_use]
    pub fn find_all(&self, uids: &[(TypeId, &str)]) -> Vec<Option<EntityId>> {
        let mut found = Vec::with_capacity(uids.len());
        let (blocks, rest) = uids.as_chunks::<SIDE_BY_SIDE>();
        for block in blocks {
            let candidates = self.uids.with_hashes(block.map(|(type_id, id)| self.uid_hash(type_id, id)));
            let known = candidates.map(|entity| Some((*entity?, self.known.get(entity?.index())?)));
            found.extend(block.iter().zip(known).map(|((type_id, id), known)| match known? {
                (entity, known) if known.type_id == *type_id && *known.id == **id => Some(entity),
                _ => self.find_typed(*type_id, id), // another uid has its hash
            }));
        }
        found.extend(rest.iter().map(|(type_id, id)| self.find_typed(*type_id, id)));
        found
    }

    /// The number of a uid; a new one if the store does not know it yet.
    ///
    /// # Errors
    ///
    /// [`TooManyUids`] once [`UIDS_MAX`] uids are known.
    #[allow(clippy::cast_possible_truncation)] // below UIDS_MAX
    pub fn intern(&mut self, type_name: &str, id: &str) -> Result<EntityId, TooManyUids> {
        let type_id = self.intern_type(type_name);
        if let Some(found) = self.find_typed(type_id, id) {
            return Ok(found);
        }
        if self.known.len() >= UIDS_MAX {
            return Err(TooManyUids);
        }
        let number = EntityId(self.known.len() as u32);
        self.known.push(Known { type_id, id: Arc::from(id), data: None });
        self.uids.insert(self.uid_hash(type_id, id), number);
        Ok(number)
    }

    /// The type of a uid; [`TypeId::UNKNOWN`] if the number is not the store's.
    #[inline]
    #[must_use]
    pub fn type_of(&self, entity: EntityId) -> TypeId {
        if entity.is_local() {
            return TypeId::UNKNOWN;
        }
        self.known.get(entity.index()).map_or(TypeId::UNKNOWN, |known| known.type_id)
    }

    /// Type name and id of a uid.
    #[must_use]
    pub fn uid(&self, entity: EntityId) -> Option<(&Arc<str>, &Arc<str>)> {
        if entity.is_local() {
            return None;
        }
        let known = self.known.get(entity.index())?;
        Some((self.type_name(known.type_id)?, &known.id))
    }

    /// Type and data of a uid, by one look.
    #[inline]
    #[must_use]
    pub fn look(&self, entity: EntityId) -> (TypeId, Option<&Entity>) {
        if entity.is_local() {
            return (TypeId::UNKNOWN, None);
        }
        match self.known.get(entity.index()) {
            Some(known) => (known.type_id, known.data.as_deref()),
            None => (TypeId::UNKNOWN, None),
        }
    }

    /// The data of an entity, if it is in the store.
    #[inline]
    #[must_use]
    pub fn get(&self, entity: EntityId) -> Option<&Entity> {
        if entity.is_local() {
            return None;
        }
        self.known.get(entity.index())?.data.as_deref()
    }

    /// Parents, their parents and so on, sorted; empty if the entity is not in the store.
    #[inline]
    #[must_use]
    pub fn ancestors(&self, entity: EntityId) -> &[EntityId] {
        self.get(entity).map_or(&[], Entity::ancestors)
    }

    /// Cedar's `in` for two uids: the same, or an ancestor.
    #[inline]
    #[must_use]
    pub fn is_in(&self, entity: EntityId, ancestor: EntityId) -> bool {
        entity == ancestor || contains_sorted(self.ancestors(entity), ancestor)
    }

    /// Whether every uid of another store has the same number here.
    #[must_use]
    pub fn continues(&self, other: &Self) -> bool {
        let numbers = 0..other.known.len();
        numbers.map(|number| (self.known.get(number), other.known.get(number))).all(|pair| match pair {
            (Some(mine), Some(others)) => mine.type_id == others.type_id && mine.id == others.id,
            _ => false,
        })
    }

    /// The same uids and types, none of them with data.
    #[must_use]
    pub fn without_data(&self) -> Self {
        let mut store = self.clone();
        for number in 0..self.known.len() {
            if self.known.get(number).is_some_and(|known| known.data.is_some())
                && let Some(known) = store.known.get_mut(number)
            {
                known.data = None;
            }
        }
        store.entity_count = 0;
        store
    }

    /// All uids that have data.
    pub fn entities(&self) -> impl Iterator<Item = (EntityId, &Entity)> {
        (0u32..).zip(self.known.iter()).filter_map(|(number, known)| Some((EntityId(number), known.data.as_deref()?)))
    }

    fn set_data(&mut self, entity: EntityId, data: Option<Arc<Entity>>) {
        if let Some(known) = self.known.get_mut(entity.index()) {
            match (known.data.is_some(), data.is_some()) {
                (false, true) => self.entity_count = self.entity_count.saturating_add(1),
                (true, false) => self.entity_count = self.entity_count.saturating_sub(1),
                _ => {}
            }
            known.data = data;
        }
    }
}

/// Whether a sorted slice holds a number; short slices are walked.
#[inline]
#[must_use]
pub fn contains_sorted(sorted: &[EntityId], wanted: EntityId) -> bool {
    if sorted.len() <= 8 { sorted.contains(&wanted) } else { sorted.binary_search(&wanted).is_ok() }
}

/// Who names whom as a parent, turned around: what the next edit must visit; and what attributes share. Held by the
/// writer, not by snapshots.
#[derive(Clone, Debug, Default)]
pub struct Lineage {
    children: HashMap<EntityId, HashSet<EntityId, FixedState>, FixedState>,
    shared: Shared,
    /// What was changed since the store was loaded.
    pub(crate) touched: Touched,
}

/// Entities that were put in, or taken out, since the store was loaded; one may be both, taken out first.
#[derive(Clone, Debug, Default)]
pub struct Touched {
    pub(crate) put: HashSet<EntityId, FixedState>,
    pub(crate) taken: HashSet<EntityId, FixedState>,
}

impl Touched {
    /// Adds what was changed later, at the cost of that alone.
    fn merge(&mut self, later: &Self) {
        for entity in &later.taken {
            self.put.remove(entity);
        }
        self.put.extend(&later.put);
        self.taken.extend(&later.taken);
    }
}

impl Lineage {
    /// The direct children of all parents in a store.
    #[must_use]
    pub fn of(store: &Store) -> Self {
        let mut lineage = Self::default();
        for (child, data) in store.entities() {
            lineage.link(child, &data.parents);
            data.attributes.clone().share(&mut lineage.shared);
            data.tags.clone().share(&mut lineage.shared);
        }
        lineage
    }

    fn link(&mut self, child: EntityId, parents: &[EntityId]) {
        for parent in parents {
            self.children.entry(*parent).or_default().insert(child);
        }
    }

    fn unlink(&mut self, child: EntityId, parents: &[EntityId]) {
        for parent in parents {
            if let Some(children) = self.children.get_mut(parent) {
                children.remove(&child);
                if children.is_empty() {
                    self.children.remove(parent);
                }
            }
        }
    }

    fn children(&self, parent: EntityId) -> impl Iterator<Item = EntityId> {
        self.children.get(&parent).into_iter().flatten().copied()
    }
}

/// The hierarchy would have a cycle through this entity.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cycle(pub EntityId);

/// Makes the next version of a store: all of the edits, or on an error none.
#[derive(Debug)]
pub struct Edits<'a> {
    store: Store,
    lineage: &'a mut Lineage,
    changed: Vec<EntityId>,
    /// What was put in and what was taken out, in order: [`Edits::put`] and [`Edits::take`].
    touched: Touched,
    /// What each touched entity's parents were before, to be able to go back.
    before: Vec<(EntityId, Box<[EntityId]>)>,
}

impl<'a> Edits<'a> {
    /// Starts from a version of the store and the lineage that belongs to it.
    pub fn new(store: Store, lineage: &'a mut Lineage) -> Self {
        Self { store, lineage, changed: Vec::new(), touched: Touched::default(), before: Vec::new() }
    }

    /// The store as edited so far, to give numbers to uids.
    pub fn store(&mut self) -> &mut Store {
        &mut self.store
    }

    /// Puts an entity in, in place of what was there under this uid.
    pub fn put(&mut self, entity: EntityId, data: Entity) {
        self.touched.put.insert(entity);
        self.put_data(entity, data);
    }

    fn put_data(&mut self, entity: EntityId, mut data: Entity) {
        data.attributes.share(&mut self.lineage.shared);
        data.tags.share(&mut self.lineage.shared);
        let old = self.parents_of(entity);
        self.lineage.unlink(entity, &old);
        self.lineage.link(entity, &data.parents);
        self.before.push((entity, old));
        self.store.set_data(entity, Some(Arc::new(data)));
        self.changed.push(entity);
    }

    /// Takes an entity out, and the edges to it; nothing happens if it is not there.
    pub fn take(&mut self, entity: EntityId) {
        if self.store.get(entity).is_none() {
            return;
        }
        self.touched.put.remove(&entity);
        self.touched.taken.insert(entity);
        let below: Vec<EntityId> = self.lineage.children(entity).collect();
        for child in below {
            let Some(data) = self.store.get(child) else { continue };
            let mut data = data.clone();
            data.parents = data.parents.iter().copied().filter(|parent| *parent != entity).collect();
            self.put_data(child, data);
        }
        let old = self.parents_of(entity);
        self.lineage.unlink(entity, &old);
        self.before.push((entity, old));
        self.store.set_data(entity, None);
        self.changed.push(entity);
    }

    fn parents_of(&self, entity: EntityId) -> Box<[EntityId]> {
        self.store.get(entity).map(|data| data.parents.clone()).unwrap_or_default()
    }

    /// The next version of the store.
    ///
    /// # Errors
    ///
    /// [`Cycle`] if an entity would be its own ancestor; the lineage is then as it was before the first edit.
    pub fn finish(mut self) -> Result<Store, Cycle> {
        match self.close() {
            Ok(()) => {
                self.lineage.touched.merge(&self.touched);
                Ok(self.store)
            }
            Err(cycle) => {
                self.go_back();
                Err(cycle)
            }
        }
    }

    /// The next version of the store for one call only: the lineage stays as it was.
    ///
    /// # Errors
    ///
    /// [`Cycle`] if an entity would be its own ancestor.
    pub fn finish_for_one_call(mut self) -> Result<Store, Cycle> {
        let closed = self.close();
        let store = self.store.clone();
        self.go_back();
        closed.map(|()| store)
    }

    /// Leaves the lineage as it was before the first edit.
    pub fn abandon(mut self) {
        self.go_back();
    }

    fn go_back(&mut self) {
        while let Some((entity, old)) = self.before.pop() {
            let now = self.parents_of(entity);
            self.lineage.unlink(entity, &now);
            self.lineage.link(entity, &old);
            let data = Entity { parents: old, ..Entity::default() };
            self.store.set_data(entity, Some(Arc::new(data)));
        }
    }

    /// Computes the ancestors of every changed entity and of everything below one.
    fn close(&mut self) -> Result<(), Cycle> {
        let mut stale: HashSet<EntityId, FixedState> = HashSet::default();
        let mut waiting = self.changed.clone();
        while let Some(entity) = waiting.pop() {
            if stale.insert(entity) {
                waiting.extend(self.lineage.children(entity));
            }
        }
        let mut open: HashSet<EntityId, FixedState> = HashSet::default();
        let starts: Vec<EntityId> = stale.iter().copied().collect();
        starts.into_iter().try_for_each(|start| self.close_from(start, &mut stale, &mut open))
    }

    /// Depth first without recursion: an entity is closed once all of its stale parents are.
    fn close_from(
        &mut self,
        start: EntityId,
        stale: &mut HashSet<EntityId, FixedState>,
        open: &mut HashSet<EntityId, FixedState>,
    ) -> Result<(), Cycle> {
        let mut stack = vec![start];
        while let Some(entity) = stack.last().copied() {
            if !stale.contains(&entity) {
                stack.pop();
                continue;
            }
            let Some(data) = self.store.get(entity) else {
                stale.remove(&entity);
                stack.pop();
                continue;
            };
            open.insert(entity);
            let waiting: Vec<EntityId> = data.parents.iter().copied().filter(|parent| stale.contains(parent)).collect();
            if let Some(repeated) = waiting.iter().find(|parent| open.contains(*parent)) {
                return Err(Cycle(*repeated));
            }
            if waiting.is_empty() {
                self.close_one(entity);
                stale.remove(&entity);
                open.remove(&entity);
                stack.pop();
            } else {
                stack.extend(waiting);
            }
        }
        Ok(())
    }

    fn close_one(&mut self, entity: EntityId) {
        let Some(data) = self.store.get(entity) else { return };
        let mut ancestors: Vec<EntityId> = data.parents.to_vec();
        for parent in &data.parents {
            ancestors.extend_from_slice(self.store.ancestors(*parent));
        }
        ancestors.sort_unstable();
        ancestors.dedup();
        if data.ancestors[..] == ancestors[..] {
            return;
        }
        if let Some(known) = self.store.known.get_mut(entity.index())
            && let Some(data) = known.data.as_mut()
        {
            Arc::make_mut(data).ancestors = SmallVec::from_slice(&ancestors);
        }
    }
}
