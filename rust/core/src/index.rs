//! Which policies can a request concern?
//!
//! Scopes never err in Cedar, so a policy whose scope does not apply need not be asked: leaving it out changes nothing.
//! Policies are kept by action (exactly this one, anything in this group, any), and once a list has grown beyond
//! [`LIST_SCANNED_MAX`], by the entity that the scope names for principal or resource, whichever list is shorter.
//! A request then visits the lists of its action and the groups of it, of its principal and what that is in, and of
//! its resource and what that is in. Adding a link is one insert into one list.
//!
//! Optimisation: preserves what asking every policy gives (`Policies::answer_without_index`, `reference/authorize.py`);
//! `rust/core/tests/index.rs` and the properties "indexed equals unindexed" hold it to that.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::FixedState;
use smallvec::SmallVec;

use crate::authorize::{Policy, PolicyId};
use crate::entities::Store;
use crate::paged::Paged;
use crate::policies::{ActionScope, Effect, Scope};
use crate::routes::{Ask, Routes};
use crate::table::{SIDE_BY_SIDE, Table};
use crate::value::EntityId;

/// Policies of one action that are checked one by one; of a longer list, each is kept by principal or resource.
pub const LIST_SCANNED_MAX: usize = 24;

/// A policy with what is needed to rule it out.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// The policy.
    pub policy: PolicyId,
    /// Permit or forbid.
    pub effect: Effect,
    /// Whether it has a condition.
    pub conditional: bool,
    /// What its scope says of the principal.
    pub principal: Scope,
    /// What its scope says of the resource.
    pub resource: Scope,
}

impl Candidate {
    /// The candidate for a policy.
    #[must_use]
    pub fn of(number: PolicyId, policy: &Policy) -> Self {
        Self {
            policy: number,
            effect: policy.effect,
            conditional: policy.shape != crate::shape::ShapeId::default(),
            principal: policy.principal,
            resource: policy.resource,
        }
    }
}

impl From<&Ask> for Candidate {
    fn from(ask: &Ask) -> Self {
        let Ask { policy, effect, principal, resource, .. } = *ask;
        Self { policy, effect, conditional: ask.condition.is_some(), principal, resource }
    }
}

/// The part of a request that a list is kept by.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Side {
    /// The principal.
    Principal,
    /// The resource.
    Resource,
}

/// How a policy's scope names the action.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum ActionKey {
    Any,
    Exactly(EntityId),
    Within(EntityId),
}

#[derive(Clone, Debug, Default)]
struct ActionLists {
    scanned: Arc<Vec<Candidate>>,
    /// Number of policies kept by principal, and by resource.
    by_principal: usize,
    by_resource: usize,
}

/// The policies that name one entity for one side, with the numbers of their action lists.
#[derive(Clone, Debug)]
struct KeyedList {
    side: Side,
    entity: EntityId,
    policies: Keyed,
}

/// Policies that name one entity. One of them stands in the entry itself, so that meeting it costs no further look.
#[derive(Clone, Debug)]
pub enum Keyed {
    /// The number of its action list, and the policy.
    One((u32, Candidate)),
    /// Sorted by action list.
    Many(Arc<Vec<(u32, Candidate)>>),
}

impl Keyed {
    fn all(&self) -> &[(u32, Candidate)] {
        match self {
            Self::One(only) => std::slice::from_ref(only),
            Self::Many(several) => several,
        }
    }

    /// Shows those of some action lists.
    #[inline]
    pub fn visit(&self, route: &[u32], see: &mut impl FnMut(&Candidate)) {
        for action in route {
            self.of_action(*action).iter().for_each(|(_, candidate)| see(candidate));
        }
    }

    /// Those of one action list.
    #[inline]
    fn of_action(&self, action: u32) -> &[(u32, Candidate)] {
        let all = self.all();
        let start = all.partition_point(|(number, _)| *number < action);
        let from = all.get(start..).unwrap_or(&[]);
        from.get(..from.partition_point(|(number, _)| *number == action)).unwrap_or(&[])
    }

    fn insert(&mut self, action: u32, candidate: Candidate) {
        if let Self::One(only) = self {
            *self = Self::Many(Arc::new(vec![*only]));
        }
        if let Self::Many(several) = self {
            let several = Arc::make_mut(several);
            several.insert(several.partition_point(|(number, _)| *number <= action), (action, candidate));
        }
    }
}

/// The action lists that a request concerns.
type Route = SmallVec<[u32; 8]>;

/// All policies by what their scopes name.
#[derive(Clone, Debug, Default)]
pub struct Index {
    numbers: Arc<HashMap<ActionKey, u32, FixedState>>,
    actions: Paged<ActionLists>,
    keyed: Table<KeyedList>,
    /// How many policies name an entity for the principal.
    principals: Table<(EntityId, u32)>,
    /// What is remembered of this version of the lists.
    routes: Arc<Routes>,
    seed: FixedState,
    may_repeat: bool,
    is_task: bool,
}

impl Index {
    /// An index of the few policies of a task, which name their actions.
    #[must_use]
    pub fn of_task() -> Self {
        Self { is_task: true, ..Self::default() }
    }

    /// How many actions are worth a remembered route.
    #[inline]
    #[must_use]
    pub fn routes_wanted(&self) -> usize {
        if self.is_task { self.numbers.len().saturating_mul(4) } else { usize::MAX }
    }

    /// Whether a visit may meet a policy more than once.
    #[inline]
    #[must_use]
    pub fn may_repeat(&self) -> bool {
        self.may_repeat
    }

    /// What each action concerns, as far as it was asked for.
    #[inline]
    #[must_use]
    pub fn routes(&self) -> &Routes {
        &self.routes
    }

    /// Puts a policy into the lists it belongs to.
    pub fn insert(&mut self, number: PolicyId, policy: &Policy) {
        self.routes = Arc::default();
        let keys = action_keys(&policy.action);
        self.may_repeat |= keys.len() > 1;
        let candidate = Candidate::of(number, policy);
        self.count_principal(policy, true);
        for key in keys {
            let action = self.action_number(key);
            self.insert_for_action(action, candidate);
        }
    }

    #[allow(clippy::cast_possible_truncation)] // actions are far fewer than 2^32
    fn action_number(&mut self, key: ActionKey) -> u32 {
        if let Some(found) = self.numbers.get(&key) {
            return *found;
        }
        let number = self.actions.push(ActionLists::default()) as u32;
        Arc::make_mut(&mut self.numbers).insert(key, number);
        number
    }

    fn insert_for_action(&mut self, action: u32, candidate: Candidate) {
        let Some(lists) = self.actions.get_mut(action as usize) else { return };
        let is_keyed = lists.by_principal > 0 || lists.by_resource > 0;
        if !is_keyed && lists.scanned.len() < LIST_SCANNED_MAX {
            Arc::make_mut(&mut lists.scanned).push(candidate);
            return;
        }
        // A list that outgrows being walked is spread as a whole, but for policies that name no entity.
        let before = if is_keyed { Vec::new() } else { std::mem::take(Arc::make_mut(&mut lists.scanned)) };
        for candidate in before.into_iter().chain([candidate]) {
            match self.choose(action, &candidate) {
                None => {
                    if let Some(lists) = self.actions.get_mut(action as usize) {
                        Arc::make_mut(&mut lists.scanned).push(candidate);
                    }
                }
                Some((side, entity)) => {
                    self.push_keyed(action, side, entity, candidate);
                    self.count(action, side, |count| count.saturating_add(1));
                }
            }
        }
    }

    /// The shorter of the lists that the policy could be kept in; none if its scope names no entity.
    fn choose(&self, action: u32, candidate: &Candidate) -> Option<(Side, EntityId)> {
        let sides = [(Side::Principal, candidate.principal), (Side::Resource, candidate.resource)];
        sides
            .into_iter()
            .filter_map(|(side, scope)| named_entity(scope).map(|entity| (side, entity)))
            .min_by_key(|(side, entity)| self.keyed(*side, *entity).map_or(0, |keyed| keyed.of_action(action).len()))
    }

    fn hash(&self, side: Side, entity: EntityId) -> u64 {
        self.seed.hash_one((side, entity))
    }

    #[inline]
    fn keyed(&self, side: Side, entity: EntityId) -> Option<&Keyed> {
        let is_it = |list: &KeyedList| list.side == side && list.entity == entity;
        self.keyed.find(self.hash(side, entity), is_it).map(|list| &list.policies)
    }

    fn push_keyed(&mut self, action: u32, side: Side, entity: EntityId, candidate: Candidate) {
        let hash = self.hash(side, entity);
        let is_it = |list: &KeyedList| list.side == side && list.entity == entity;
        if let Some(list) = self.keyed.find_mut(hash, is_it) {
            list.policies.insert(action, candidate);
        } else {
            self.keyed.insert(hash, KeyedList { side, entity, policies: Keyed::One((action, candidate)) });
        }
    }

    fn count(&mut self, action: u32, side: Side, change: impl Fn(usize) -> usize) {
        if let Some(lists) = self.actions.get_mut(action as usize) {
            match side {
                Side::Principal => lists.by_principal = change(lists.by_principal),
                Side::Resource => lists.by_resource = change(lists.by_resource),
            }
        }
    }

    /// Takes a policy out of the lists it is in.
    pub fn remove(&mut self, number: PolicyId, policy: &Policy) {
        self.routes = Arc::default();
        self.count_principal(policy, false);
        for key in action_keys(&policy.action) {
            let Some(action) = self.numbers.get(&key).copied() else { continue };
            if let Some(lists) = self.actions.get_mut(action as usize)
                && let Some(at) = lists.scanned.iter().position(|candidate| candidate.policy == number)
            {
                Arc::make_mut(&mut lists.scanned).remove(at);
                continue;
            }
            for (side, scope) in [(Side::Principal, policy.principal), (Side::Resource, policy.resource)] {
                if let Some(entity) = named_entity(scope) {
                    self.remove_keyed(action, side, entity, number);
                }
            }
        }
    }

    /// Keeps count of the policies that name an entity for the principal.
    fn count_principal(&mut self, policy: &Policy, more: bool) {
        let Some(entity) = named_entity(policy.principal) else { return };
        let hash = self.seed.hash_one(entity);
        let is_it = |(known, _): &(EntityId, u32)| *known == entity;
        let Some((_, count)) = self.principals.find_mut(hash, is_it) else {
            self.principals.insert(hash, (entity, 1));
            return;
        };
        *count = if more { count.saturating_add(1) } else { count.saturating_sub(1) };
        if *count == 0 {
            self.principals.remove(hash, is_it);
        }
    }

    fn remove_keyed(&mut self, action: u32, side: Side, entity: EntityId, number: PolicyId) {
        let hash = self.hash(side, entity);
        let is_it = |list: &KeyedList| list.side == side && list.entity == entity;
        let Some(list) = self.keyed.find_mut(hash, is_it) else { return };
        let is_policy = |(of, candidate): &(u32, Candidate)| *of == action && candidate.policy == number;
        let Some(at) = list.policies.all().iter().position(is_policy) else { return };
        if let Keyed::Many(several) = &mut list.policies {
            Arc::make_mut(several).remove(at);
        }
        if matches!(list.policies, Keyed::One(_)) || list.policies.all().is_empty() {
            self.keyed.remove(hash, is_it);
        }
        self.count(action, side, |count| count.saturating_sub(1));
    }

    /// Shows every policy that the request can concern, and perhaps some that it cannot.
    #[inline]
    pub fn visit(
        &self,
        principal: EntityId,
        action: EntityId,
        resource: EntityId,
        store: &Store,
        mut see: impl FnMut(&Candidate),
    ) {
        let (mut by_principal, mut by_resource) = (Route::new(), Route::new());
        self.visit_actions(action, store, |number, lists| {
            lists.scanned.iter().for_each(&mut see);
            if lists.by_principal > 0 {
                by_principal.push(number);
            }
            if lists.by_resource > 0 {
                by_resource.push(number);
            }
        });
        self.visit_keyed(&by_principal, Side::Principal, principal, store.ancestors(principal), &mut see);
        self.visit_keyed(&by_resource, Side::Resource, resource, store.ancestors(resource), &mut see);
    }

    /// Shows every policy that a principal and an action can concern, but for those kept by resource; gives whether
    /// there are any of those.
    pub fn visit_principal(
        &self,
        principal: EntityId,
        action: EntityId,
        store: &Store,
        mut see: impl FnMut(&Candidate),
    ) -> bool {
        let (mut by_principal, mut by_resource) = (Route::new(), false);
        self.visit_actions(action, store, |number, lists| {
            by_resource |= lists.by_resource > 0;
            lists.scanned.iter().for_each(&mut see);
            if lists.by_principal > 0 {
                by_principal.push(number);
            }
        });
        self.visit_keyed(&by_principal, Side::Principal, principal, store.ancestors(principal), &mut see);
        by_resource
    }

    /// Shows every policy that is kept by a resource.
    pub fn visit_resource(&self, resource: EntityId, action: EntityId, store: &Store, mut see: impl FnMut(&Candidate)) {
        let mut by_resource = Route::new();
        self.visit_actions(action, store, |number, lists| {
            if lists.by_resource > 0 {
                by_resource.push(number);
            }
        });
        self.visit_keyed(&by_resource, Side::Resource, resource, store.ancestors(resource), &mut see);
    }

    /// Shows the policies that every call of an action is checked against, and gives the numbers of the action's lists
    /// that have policies kept by principal, and by resource.
    pub fn route(&self, action: EntityId, store: &Store, mut see: impl FnMut(&Candidate)) -> [Vec<u32>; 2] {
        let (mut by_principal, mut by_resource) = (Vec::new(), Vec::new());
        self.visit_actions(action, store, |number, lists| {
            lists.scanned.iter().for_each(&mut see);
            if lists.by_principal > 0 {
                by_principal.push(number);
            }
            if lists.by_resource > 0 {
                by_resource.push(number);
            }
        });
        [by_principal, by_resource]
    }

    /// Whether some scope names just this entity for the principal, so that it is not like others in the same groups.
    #[must_use]
    pub fn names_principal(&self, principal: EntityId) -> bool {
        self.principals.find(self.seed.hash_one(principal), |(entity, _)| *entity == principal).is_some()
    }

    /// Shows the policies of these action lists that name an entity or something that it is in: one look-up for each.
    #[inline]
    pub fn visit_keyed(
        &self,
        route: &[u32],
        side: Side,
        entity: EntityId,
        ancestors: &[EntityId],
        see: &mut impl FnMut(&Candidate),
    ) {
        if route.is_empty() {
            return;
        }
        for named in std::iter::once(entity).chain(ancestors.iter().copied()) {
            if let Some(keyed) = self.keyed(side, named) {
                keyed.visit(route, see);
            }
        }
    }

    /// The policies that name each of these entities, in their order; a few are looked up side by side, so that they wait for
    /// memory together.
    pub fn kept<'i>(&'i self, named: &[(Side, EntityId)], see: &mut impl FnMut(usize, &'i Keyed)) {
        let (blocks, rest) = named.as_chunks::<SIDE_BY_SIDE>();
        let mut number = 0usize;
        let mut show = |keyed: Option<&'i Keyed>| {
            keyed.into_iter().for_each(|keyed| see(number, keyed));
            number = number.saturating_add(1);
        };
        for block in blocks {
            let lists = self.keyed.with_hashes(block.map(|(side, entity)| self.hash(side, entity)));
            for ((side, entity), list) in block.iter().zip(lists) {
                show(match list {
                    Some(list) if (list.side, list.entity) == (*side, *entity) => Some(&list.policies),
                    Some(_) => self.keyed(*side, *entity), // another entity has its hash
                    None => None,
                });
            }
        }
        rest.iter().for_each(|(side, entity)| show(self.keyed(*side, *entity)));
    }

    /// Shows the numbers of the lists that a request for this action concerns.
    #[inline]
    fn visit_actions(&self, action: EntityId, store: &Store, mut see: impl FnMut(u32, &ActionLists)) {
        let mut see_key = |key| {
            if let Some(number) = self.numbers.get(&key)
                && let Some(lists) = self.actions.get(*number as usize)
            {
                see(*number, lists);
            }
        };
        see_key(ActionKey::Exactly(action));
        see_key(ActionKey::Within(action));
        for group in store.ancestors(action) {
            see_key(ActionKey::Within(*group));
        }
        see_key(ActionKey::Any);
    }
}

fn action_keys(scope: &ActionScope) -> Vec<ActionKey> {
    match scope {
        ActionScope::Any => vec![ActionKey::Any],
        ActionScope::Equal(action) => vec![ActionKey::Exactly(*action)],
        ActionScope::In(groups) => {
            let mut groups = groups.to_vec();
            groups.sort_unstable();
            groups.dedup();
            groups.into_iter().map(ActionKey::Within).collect()
        }
    }
}

/// The entity that a scope names: a request that is neither this entity nor in it cannot be meant.
fn named_entity(scope: Scope) -> Option<EntityId> {
    match scope {
        Scope::Equal(entity) | Scope::In(entity) | Scope::IsIn(_, entity) => Some(entity),
        Scope::Any | Scope::Is(_) => None,
    }
}
