//! Under which types of principal, resource and context is a policy asked?
//!
//! Cedar's typechecker judges a condition in one environment at a time: an action, a type of principal, a type of
//! resource, the type of the context. This module lists the environments of a policy: those of the actions that its
//! scope names, once for each pair of a principal's and an agent's type, since `context.grant.principal` and `.agent` are
//! entities of one type. A policy of a task is asked with its agent as principal, and sees its own parameters.
//!
//! Read next: `judge.rs`.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use agentpdp_core::entities::Store;
use agentpdp_core::schema::{RecordType, Type};
use agentpdp_core::tasks::ResourceRule;
use agentpdp_core::value::{EntityId, TypeId};
use cedar_policy_core::FromNormalizedStr;
use cedar_policy_core::ast::{ActionConstraint, Eid, EntityType, EntityUID, Name};
use cedar_policy_core::validator::types::{AttributeType, EntityKind, EntityLUB, OpenTag, Type as CedarType};
use smol_str::SmolStr;

use crate::actions::{ActionShape, Role, grant_type, system_type};

/// Whose policies are judged.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    /// The organisation's.
    Ceiling,
    /// A task's, with its parameters; of `tasks/all.cedar`, which has none.
    Task {
        /// What the contexts are remembered under.
        number: usize,
        params: Option<Arc<RecordType>>,
        /// Types of principals and agents that the task is for.
        principals: Vec<TypeId>,
        agents: Vec<TypeId>,
        /// The actions that an unscoped policy is asked for, by their number; none: all.
        unscoped: Option<BTreeSet<usize>>,
    },
}

/// One environment.
#[derive(Clone, Debug)]
pub(crate) struct Environment<'e> {
    pub(crate) principal: &'e EntityType,
    pub(crate) action: &'e EntityUID,
    pub(crate) resource: &'e EntityType,
    pub(crate) context: Arc<CedarType>,
}

/// The environments of a bundle's policies.
pub(crate) struct Environments<'s> {
    shapes: &'s [ActionShape],
    principals: &'s [TypeId],
    agents: &'s [TypeId],
    claims: &'s Arc<RecordType>,
    names: HashMap<TypeId, EntityType>,
    uids: Vec<EntityUID>,
    /// Numbers of the shapes that an action or a group stands for.
    members: HashMap<EntityUID, Vec<usize>>,
    contexts: RefCell<Contexts>,
}

/// Contexts by shape, pair of types, and task.
type Contexts = HashMap<(usize, (TypeId, TypeId), Option<usize>), Arc<CedarType>>;

impl<'s> Environments<'s> {
    pub(crate) fn new(
        shapes: &'s [ActionShape],
        store: &Store,
        principals: &'s [TypeId],
        agents: &'s [TypeId],
        claims: &'s Arc<RecordType>,
    ) -> Option<Self> {
        let types = (0..).map(TypeId).map_while(|type_id| store.type_name(type_id).map(|name| (type_id, name)));
        let typed = |(type_id, name): (TypeId, &Arc<str>)| Some((type_id, entity_type(name)?));
        let names: HashMap<TypeId, EntityType> = types.map(typed).collect::<Option<_>>()?;
        let uid = |entity: EntityId| {
            let (_, id) = store.uid(entity)?;
            Some(EntityUID::from_components(names.get(&store.type_of(entity))?.clone(), Eid::new(&**id), None))
        };
        let uids = shapes.iter().map(|shape| uid(shape.action)).collect::<Option<Vec<_>>>()?;
        let mut members: HashMap<EntityUID, Vec<usize>> = HashMap::new();
        for (number, shape) in shapes.iter().enumerate().filter(|(_, shape)| !matches!(shape.role, Role::Group)) {
            for group in shape.groups.iter().chain([&shape.action]) {
                members.entry(uid(*group)?).or_default().push(number);
            }
        }
        Some(Self { shapes, principals, agents, claims, names, uids, members, contexts: RefCell::default() })
    }

    /// Numbers of the actions that a scope names, groups expanded; none if it names none.
    pub(crate) fn named(&self, scope: &ActionConstraint) -> Option<BTreeSet<usize>> {
        let named: Vec<&Arc<EntityUID>> = match scope {
            ActionConstraint::Any => return None,
            ActionConstraint::Eq(action) => vec![action],
            ActionConstraint::In(actions) => actions.iter().collect(),
        };
        let members = |uid: &Arc<EntityUID>| self.members.get(&**uid).cloned().unwrap_or_default();
        Some(named.into_iter().flat_map(members).collect())
    }

    /// The environments of a policy with this scope, pair by pair.
    pub(crate) fn of(&self, scope: &ActionConstraint, asked: &Asked) -> Vec<Vec<Environment<'_>>> {
        let (principals, agents, unscoped) = match asked {
            Asked::Ceiling => (self.principals, self.agents, None),
            Asked::Task { principals, agents, unscoped, .. } => (&principals[..], &agents[..], unscoped.as_ref()),
        };
        let actions: Vec<usize> = match (self.named(scope), unscoped) {
            (Some(named), _) => named.into_iter().collect(),
            (None, Some(actions)) => actions.iter().copied().collect(),
            (None, None) => (0..self.shapes.len()).collect(),
        };
        let mut pairs = Vec::with_capacity(principals.len().saturating_mul(agents.len()));
        for principal in principals {
            for agent in agents {
                let mut environments = Vec::new();
                for number in &actions {
                    self.add(*number, (*principal, *agent), asked, &mut environments);
                }
                pairs.push(environments);
            }
        }
        pairs
    }

    fn add<'e>(&'e self, number: usize, pair: (TypeId, TypeId), asked: &Asked, into: &mut Vec<Environment<'e>>) {
        let (Some(shape), Some(action)) = (self.shapes.get(number), self.uids.get(number)) else { return };
        let (principals, resources) = parties(shape, pair, asked);
        if principals.is_empty() || resources.is_empty() {
            return;
        }
        let context = self.context(number, shape, pair, asked);
        for principal in principals.iter().filter_map(|type_id| self.names.get(type_id)) {
            for resource in resources.iter().filter_map(|type_id| self.names.get(type_id)) {
                into.push(Environment { principal, action, resource, context: context.clone() });
            }
        }
    }

    fn context(&self, number: usize, shape: &ActionShape, pair: (TypeId, TypeId), asked: &Asked) -> Arc<CedarType> {
        let (task, params) = match asked {
            Asked::Ceiling => (None, None),
            Asked::Task { number, params, .. } => (Some(*number), params.as_ref()),
        };
        if let Some(known) = self.contexts.borrow().get(&(number, pair, task)) {
            return known.clone();
        }
        let closed = |attributes| Arc::new(CedarType::record_with_attributes(attributes, OpenTag::ClosedAttributes));
        let record = |record: &RecordType| closed(self.attributes(record));
        let given = [
            ("input", record(&shape.input)),
            ("grant", record(&grant_type(pair, self.claims, params))),
            ("system", record(&system_type())),
        ];
        let given = given.map(|(name, value)| (name.into(), AttributeType::required_attribute(value)));
        let context = closed(self.attributes(&shape.host).into_iter().chain(given).collect());
        self.contexts.borrow_mut().insert((number, pair, task), context.clone());
        context
    }

    fn attributes(&self, record: &RecordType) -> Vec<(SmolStr, AttributeType)> {
        let attribute = |attribute: &agentpdp_core::schema::AttributeType| {
            let value = Arc::new(self.cedar_type(&attribute.value));
            ((&*attribute.name).into(), AttributeType::new(value, attribute.required))
        };
        record.attributes().iter().map(attribute).collect()
    }

    /// A resolved type in the form of Cedar's typechecker.
    fn cedar_type(&self, resolved: &Type) -> CedarType {
        let extension = |name: &str| match Name::from_normalized_str(name) {
            Ok(name) => CedarType::ExtensionType { name },
            Err(_) => CedarType::Never,
        };
        match resolved {
            Type::Bool => CedarType::primitive_boolean(),
            Type::Long => CedarType::Long,
            Type::String => CedarType::String,
            Type::Entity(type_id) => match self.names.get(type_id) {
                Some(name) => CedarType::Entity(EntityKind::Entity(EntityLUB::single_entity(name.clone()))),
                None => CedarType::Never,
            },
            Type::Set(member) => CedarType::set(Arc::new(self.cedar_type(member))),
            Type::Record(record) => {
                CedarType::record_with_attributes(self.attributes(record), OpenTag::ClosedAttributes)
            }
            Type::Decimal => extension("decimal"),
            Type::Ip => extension("ipaddr"),
            Type::Datetime => extension("datetime"),
            Type::Duration => extension("duration"),
        }
    }
}

fn entity_type(name: &str) -> Option<EntityType> {
    Name::from_normalized_str(name).ok().map(EntityType::from)
}

/// Types of parties and of resources of an action, for a pair of types.
fn parties(shape: &ActionShape, pair: (TypeId, TypeId), asked: &Asked) -> (Vec<TypeId>, Vec<TypeId>) {
    let of = |types: &[TypeId], wanted: &[TypeId]| -> Vec<TypeId> {
        types.iter().copied().filter(|type_id| wanted.contains(type_id)).collect()
    };
    let in_task = matches!(asked, Asked::Task { .. });
    match &shape.role {
        Role::Group => (Vec::new(), Vec::new()),
        Role::Start | Role::Approve | Role::Revoke if in_task => (Vec::new(), Vec::new()),
        Role::Start | Role::Approve | Role::Revoke => (shape.principals.clone(), of(&shape.resources, &[pair.1])),
        Role::Delegate | Role::Host(_) => {
            let principals =
                if in_task { of(&shape.principals, &[pair.1]) } else { of(&shape.principals, &[pair.0, pair.1]) };
            (principals, resources(shape, pair.0))
        }
    }
}

/// Types of resources where the original principal is of this type.
fn resources(shape: &ActionShape, principal: TypeId) -> Vec<TypeId> {
    let Some(host) = shape.host_action() else { return shape.resources.clone() };
    match host.rule {
        ResourceRule::Principal | ResourceRule::PrincipalAttribute(_) => {
            host.by_principal.iter().filter(|(known, _)| *known == principal).map(|(_, resource)| *resource).collect()
        }
        _ => shape.resources.clone(),
    }
}
