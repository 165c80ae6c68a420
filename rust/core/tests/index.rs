//! Law: asking by the index is asking every policy whose scope applies, and no other, whatever was linked, unlinked or
//! moved before.
//!
//! Policies without conditions are satisfied wherever their scope applies, so the answer names just those; it is
//! compared with a plain scan over all policies that walks the hierarchy itself (`index/world.rs`). Versions that were
//! kept must go on answering as they did.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test fails by a panic
#![allow(clippy::cast_possible_truncation)] // numbers here are small

#[path = "seeded/mod.rs"]
mod seeded;
#[path = "index/world.rs"]
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use agentpdp_core::authorize::{Diagnostics, Policies, PolicyId};
use agentpdp_core::decision::Answer;
use agentpdp_core::evaluate::{Call, Temporaries};
use agentpdp_core::expression::Slot as LinkSlot;
use agentpdp_core::index::LIST_SCANNED_MAX;
use agentpdp_core::parties::Party;
use agentpdp_core::policies::{ActionScope, Effect, PolicySource, Reference, Scope, ScopeSource, SlotValues};
use agentpdp_core::slots::{Layout, Paths, Slot};
use agentpdp_core::value::EntityId;
use seeded::Random;
use world::{Moment, World};

const SEEDS: u64 = 30;
const STEPS: usize = 500;

type Scopes = (Scope, ActionScope, Scope);
type Request = (EntityId, EntityId, EntityId);

/// The policies of one moment, and what they must mean.
#[derive(Clone, Default)]
struct Version {
    policies: Policies,
    plain: BTreeMap<String, Scopes>,
}

fn scope(random: &mut Random, world: &World) -> Scope {
    // Few entities are named often, so that their lists grow long.
    let among = if random.one_in(2) { &world.entities[..4] } else { &world.entities[..] };
    let (entity, type_id) = (random.pick(among), random.pick(&world.types));
    match random.below(8) {
        0 => Scope::Any,
        1 => Scope::Is(type_id),
        2 => Scope::IsIn(type_id, entity),
        3..=5 => Scope::Equal(entity),
        _ => Scope::In(entity),
    }
}

fn action_scope(random: &mut Random, world: &World) -> ActionScope {
    match random.below(4) {
        0 => ActionScope::Any,
        1 => ActionScope::Equal(random.pick(&world.actions)),
        _ => ActionScope::In((0..random.below(4)).map(|_| random.pick(&world.actions)).collect()),
    }
}

/// A template whose links say just this: the entity of a scope becomes a slot.
fn slotted(scope: Scope, slot: LinkSlot) -> (ScopeSource, Option<EntityId>) {
    let reference = Reference::Slot(slot);
    match scope {
        Scope::Any => (ScopeSource::Any, None),
        Scope::Is(type_id) => (ScopeSource::Is(type_id), None),
        Scope::Equal(entity) => (ScopeSource::Equal(reference), Some(entity)),
        Scope::In(entity) => (ScopeSource::In(reference), Some(entity)),
        Scope::IsIn(type_id, entity) => (ScopeSource::IsIn(type_id, reference), Some(entity)),
    }
}

impl Version {
    /// Adds a policy: as a link of a template of its own, or as a static one if its scope names no entity.
    fn add(&mut self, random: &mut Random, world: &World, number: usize) {
        let (name, action) = (format!("p{number}"), action_scope(random, world));
        let (mine, theirs) = (scope(random, world), scope(random, world));
        let (principal, by_principal) = slotted(mine, LinkSlot::Principal);
        let (resource, by_resource) = slotted(theirs, LinkSlot::Resource);
        let is_link = by_principal.is_some() || by_resource.is_some();
        let id: Arc<str> = if is_link { format!("template {number}").into() } else { Arc::from(&*name) };
        let effect = if random.one_in(3) { Effect::Forbid } else { Effect::Permit };
        let source = PolicySource {
            id: id.clone(),
            effect,
            principal,
            action: action.clone(),
            resource,
            condition: None,
            step_up: None,
        };
        self.policies.add(source, &mut Paths::new(None)).unwrap();
        if is_link {
            let values = SlotValues { principal: by_principal, resource: by_resource };
            self.policies.link(&id, &name, values, 0).unwrap();
        }
        self.plain.insert(name, (mine, action, theirs));
    }

    /// Takes a link away; static policies stay.
    fn remove(&mut self, random: &mut Random) {
        let Some(name) = self.plain.keys().nth(random.below(self.plain.len())).cloned() else { return };
        let (principal, _, resource) = &self.plain[&name];
        let is_link = [principal, resource].iter().any(|scope| !matches!(scope, Scope::Any | Scope::Is(_)));
        assert_eq!(self.policies.unlink(&name), is_link);
        if is_link {
            self.plain.remove(&name);
            assert!(!self.policies.unlink(&name));
        }
    }

    /// The policies whose scope applies, one after the other.
    fn scan(&self, world: &World, moment: &Moment, (principal, action, resource): Request) -> BTreeSet<String> {
        let applies = |(mine, wanted, theirs): &Scopes| {
            world.fits_action(moment, wanted, action)
                && world.fits(moment, *mine, principal)
                && world.fits(moment, *theirs, resource)
        };
        self.plain.iter().filter(|(_, scopes)| applies(scopes)).map(|(name, _)| name.clone()).collect()
    }

    /// The same by the index, as single calls go, with no policy twice.
    fn ask(&self, world: &World, moment: &Moment, (principal, action, resource): Request) -> BTreeSet<String> {
        let (layout, temporaries, slots) = (Layout::whole(), Temporaries::default(), [Slot::Unreachable]);
        let (store, locals, layout, temporaries) = (&moment.store, &world.locals, &layout, &temporaries);
        let call = Call { store, locals, principal, action, resource, layout, slots: &slots, grant: None, temporaries };
        let mut answer = Answer::default();
        self.policies.answer(&call, Diagnostics::Full, &mut answer);
        let found: Vec<PolicyId> = answer.permits.iter().chain(&answer.forbids).copied().collect();
        let names: BTreeSet<String> = found.iter().map(|policy| self.policies.name(*policy).to_owned()).collect();
        assert_eq!(names.len(), found.len(), "no policy is asked twice");
        names
    }

    /// The same by the index, as batches go: once for the principal, once for the resource.
    fn ask_by_sides(&self, world: &World, moment: &Moment, (principal, action, resource): Request) -> BTreeSet<String> {
        let store = &moment.store;
        let party = |entity: EntityId| {
            let type_id = if entity.is_local() { world.locals.type_of(entity) } else { store.type_of(entity) };
            Party::new(entity, type_id, store)
        };
        let (mine, theirs) = (party(principal), party(resource));
        let mut found = BTreeSet::new();
        let mut see = |candidate: &agentpdp_core::index::Candidate| {
            if mine.fits(candidate.principal) && theirs.fits(candidate.resource) {
                found.insert(self.policies.name(candidate.policy).to_owned());
            }
        };
        if self.policies.index().visit_principal(principal, action, store, &mut see) {
            self.policies.index().visit_resource(resource, action, store, &mut see);
        }
        found
    }

    fn check(&self, random: &mut Random, world: &World, moment: &Moment) {
        assert_eq!(self.policies.len(), self.plain.len());
        for _ in 0..4 {
            let request = (world.party(random), random.pick(&world.actions), world.party(random));
            let expected = self.scan(world, moment, request);
            assert_eq!(self.ask(world, moment, request), expected, "{request:?}");
            assert_eq!(self.ask_by_sides(world, moment, request), expected, "{request:?}");
        }
    }

    /// Whether each entity is known to be named is whether a scope for principals names it.
    fn check_names(&self, world: &World) {
        let named: BTreeSet<EntityId> =
            self.plain.values().filter_map(|(principal, ..)| entity_of(*principal)).collect();
        for entity in &world.entities {
            assert_eq!(self.policies.index().names_principal(*entity), named.contains(entity));
        }
    }
}

fn entity_of(scope: Scope) -> Option<EntityId> {
    match scope {
        Scope::Equal(entity) | Scope::In(entity) | Scope::IsIn(_, entity) => Some(entity),
        Scope::Any | Scope::Is(_) => None,
    }
}

#[test]
fn the_index_asks_just_the_policies_whose_scope_applies() {
    for seed in 1..=SEEDS {
        let (mut random, mut world) = (Random::new(seed), World::new());
        let (mut now, mut kept) = (Version::default(), Vec::new());
        now.policies.reserve_empty_shape();
        for step in 0..STEPS {
            match random.below(10) {
                0..=5 => now.add(&mut random, &world, step),
                6 | 7 => now.remove(&mut random),
                _ => world.edit(&mut random),
            }
            now.check(&mut random, &world, &world.now);
            if random.one_in(100) {
                kept.push((now.clone(), world.now.clone()));
            }
        }
        now.check_names(&world);
        kept.iter().for_each(|(version, moment)| version.check(&mut random, &world, moment));
        while now
            .plain
            .keys()
            .any(|name| now.policies.find(name).is_some_and(|it| now.policies.get(it).unwrap().link.is_some()))
        {
            now.remove(&mut random);
        }
        now.check(&mut random, &world, &world.now);
        now.check_names(&world);
        kept.iter().for_each(|(version, moment)| version.check(&mut random, &world, moment));
    }
}

/// What the index is for: links that name others are not even looked at.
#[test]
fn a_request_does_not_meet_the_links_of_others() {
    let world = World::new();
    let mut policies = Policies::default();
    policies.reserve_empty_shape();
    let slot = |slot| ScopeSource::Equal(Reference::Slot(slot));
    let (principal, resource) = (slot(LinkSlot::Principal), slot(LinkSlot::Resource));
    let (id, action) = (Arc::from("share"), ActionScope::Equal(world.actions[0]));
    let source =
        PolicySource { id, effect: Effect::Permit, principal, action, resource, condition: None, step_up: None };
    policies.add(source, &mut Paths::new(None)).unwrap();
    let mut count = 0;
    for mine in &world.entities {
        for theirs in &world.entities {
            let values = SlotValues { principal: Some(*mine), resource: Some(*theirs) };
            policies.link("share", &format!("{mine:?} {theirs:?}"), values, 0).unwrap();
            count += 1;
        }
    }
    let most = world.entities.len() * 2 + LIST_SCANNED_MAX;
    for mine in &world.entities {
        let mut visited = 0;
        let see = |_: &agentpdp_core::index::Candidate| visited += 1;
        policies.index().visit(*mine, world.actions[0], world.entities[0], &world.now.store, see);
        assert!(visited <= most && most < count / 10, "{visited} of {count} visited");
    }
}

/// A set in which each policy stands in several lists: one that an action leads to by two ways is met once.
#[test]
fn a_policy_of_several_groups_is_asked_once_where_all_have_several() {
    let (mut random, mut world) = (Random::new(5), World::new());
    while world.actions.iter().all(|action| world.now.store.ancestors(*action).is_empty()) {
        world.edit(&mut random);
    }
    let (store, actions) = (&world.now.store, &world.actions);
    let action = *actions.iter().find(|action| !store.ancestors(**action).is_empty()).unwrap();
    let groups = ActionScope::In(vec![action, store.ancestors(action)[0]].into());
    let mut version = Version::default();
    version.policies.reserve_empty_shape();
    let source = PolicySource {
        id: Arc::from("both"),
        effect: Effect::Permit,
        principal: ScopeSource::Any,
        action: groups.clone(),
        resource: ScopeSource::Any,
        condition: None,
        step_up: None,
    };
    version.policies.add(source, &mut Paths::new(None)).unwrap();
    version.plain.insert("both".to_owned(), (Scope::Any, groups, Scope::Any));
    let request = (world.entities[0], action, world.entities[1]);
    assert_eq!(version.ask(&world, &world.now, request), BTreeSet::from(["both".to_owned()]));
}

/// Where all that an action concerns is kept by resource, asking by the principal alone says that there is more.
#[test]
fn policies_that_are_all_kept_by_resource_are_found_by_sides() {
    let world = World::new();
    let mut version = Version::default();
    version.policies.reserve_empty_shape();
    let (id, action) = (Arc::from("of"), ActionScope::Equal(world.actions[0]));
    let (principal, resource) = (ScopeSource::Any, ScopeSource::Equal(Reference::Slot(LinkSlot::Resource)));
    let source = PolicySource {
        id,
        effect: Effect::Permit,
        principal,
        action: action.clone(),
        resource,
        condition: None,
        step_up: None,
    };
    version.policies.add(source, &mut Paths::new(None)).unwrap();
    for (number, entity) in world.entities.iter().enumerate() {
        let values = SlotValues { principal: None, resource: Some(*entity) };
        version.policies.link("of", &format!("l{number}"), values, 0).unwrap();
        version.plain.insert(format!("l{number}"), (Scope::Any, action.clone(), Scope::Equal(*entity)));
    }
    assert!(world.entities.len() > LIST_SCANNED_MAX + 1);
    for (number, entity) in world.entities.iter().enumerate() {
        let found = version.ask_by_sides(&world, &world.now, (world.entities[0], world.actions[0], *entity));
        assert_eq!(found, BTreeSet::from([format!("l{number}")]));
    }
}
