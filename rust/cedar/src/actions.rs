//! Which actions does a bundle with tasks have, on whom, on what and with which context?
//!
//! Every tool is an action; an action of the schema without a tool is one of the host; for every task the engine adds
//! `start.<task>` and `delegate.<task>`, and besides these `approve`, `revoke` and the groups. All of them are
//! [`ActionShape`]s: what `derive.rs` makes the schema of and `environments.rs` the types that policies are judged by.
//!
//! Read next: `derive.rs`.

use std::sync::Arc;

use agentpdp_arguments::plan::Plan;
use agentpdp_arguments::tool::Tool;
use agentpdp_core::entities::{Store, TooManyUids};
use agentpdp_core::schema::{AttributeType, RecordType, Type};
use agentpdp_core::tasks::ResourceRule;
use agentpdp_core::value::{EntityId, TypeId};

use crate::settings::{ActionText, Impact};

/// The namespace of the engine's own actions.
pub(crate) const ENGINE_NAMESPACE: &str = "AgentPDP";

/// The type of the engine's own actions.
pub(crate) const ENGINE_ACTION: &str = "AgentPDP::Action";

/// Names that the engine gives in a context; a host's own context may not have them.
pub(crate) const RESERVED: [&str; 4] = ["input", "grant", "history", "system"];

/// What an action is.
#[derive(Clone, Debug)]
pub(crate) enum Role {
    /// A group of actions.
    Group,
    /// A tool, or an action of the host.
    Host(Box<HostAction>),
    /// `start.<task>`, by the task's number.
    Start,
    /// `delegate.<task>`, by the task's number.
    Delegate,
    /// `approve`
    Approve,
    /// `revoke`
    Revoke,
}

/// What is declared of a tool or an action of the host.
#[derive(Clone, Debug)]
pub(crate) struct HostAction {
    pub(crate) rule: ResourceRule,
    /// The resource's type for each principal's type, where it depends on that.
    pub(crate) by_principal: Vec<(TypeId, TypeId)>,
    pub(crate) impact: Vec<Impact>,
    pub(crate) tool: Option<Tool>,
    /// How a tool's arguments are read.
    pub(crate) plan: Option<Arc<Plan>>,
    pub(crate) declared: Option<ActionText>,
}

/// One action.
#[derive(Clone, Debug)]
pub(crate) struct ActionShape {
    pub(crate) action: EntityId,
    /// The groups that it is in; all of them, or those that it is in directly.
    pub(crate) groups: Vec<EntityId>,
    /// Types of parties, sorted.
    pub(crate) principals: Vec<TypeId>,
    /// Types of resources, sorted.
    pub(crate) resources: Vec<TypeId>,
    /// The host's own part of the context.
    pub(crate) host: Arc<RecordType>,
    /// `context.input`
    pub(crate) input: Arc<RecordType>,
    pub(crate) role: Role,
}

impl ActionShape {
    fn group(action: EntityId) -> Self {
        Self {
            action,
            groups: Vec::new(),
            principals: Vec::new(),
            resources: Vec::new(),
            host: Arc::default(),
            input: Arc::default(),
            role: Role::Group,
        }
    }

    pub(crate) fn host_action(&self) -> Option<&HostAction> {
        if let Role::Host(host) = &self.role { Some(host) } else { None }
    }
}

/// The uid of one of the engine's own actions.
pub(crate) fn engine_action(id: &str, store: &mut Store) -> Result<EntityId, TooManyUids> {
    store.intern(ENGINE_ACTION, id)
}

/// The uid of an impact's group.
pub(crate) fn impact_group(impact: Impact, store: &mut Store) -> Result<EntityId, TooManyUids> {
    engine_action(&format!("impact.{}", impact.name()), store)
}

/// A task, as far as its actions need it.
pub(crate) struct TaskParts<'t> {
    pub(crate) name: &'t str,
    pub(crate) params: Arc<RecordType>,
    pub(crate) agents: Vec<TypeId>,
}

/// The engine's own actions and groups.
pub(crate) fn engine_actions(
    tasks: &[TaskParts<'_>],
    principals: &[TypeId],
    agents: &[TypeId],
    store: &mut Store,
) -> Result<Vec<ActionShape>, TooManyUids> {
    let mut shapes = Vec::new();
    for impact in Impact::ALL {
        shapes.push(ActionShape::group(impact_group(impact, store)?));
    }
    let parties = union(principals, agents);
    for (group, role) in [("start", Role::Start), ("delegate", Role::Delegate)] {
        let group_action = engine_action(group, store)?;
        shapes.push(ActionShape::group(group_action));
        for task in tasks {
            shapes.push(ActionShape {
                groups: vec![group_action],
                principals: parties.clone(),
                resources: task.agents.clone(),
                input: order_input(&task.params),
                role: role.clone(),
                ..ActionShape::group(engine_action(&format!("{group}.{}", task.name), store)?)
            });
        }
    }
    shapes.push(ActionShape {
        principals: principals.to_vec(),
        resources: agents.to_vec(),
        input: approve_input(),
        role: Role::Approve,
        ..ActionShape::group(engine_action("approve", store)?)
    });
    shapes.push(ActionShape {
        principals: parties,
        resources: agents.to_vec(),
        role: Role::Revoke,
        ..ActionShape::group(engine_action("revoke", store)?)
    });
    Ok(shapes)
}

fn order_input(params: &Arc<RecordType>) -> Arc<RecordType> {
    let params = required("params", Type::Record(params.clone()));
    Arc::new(RecordType::new(vec![params, required("lifetime_ms", Type::Long), required("depth", Type::Long)]))
}

fn approve_input() -> Arc<RecordType> {
    Arc::new(RecordType::new(vec![
        required("role", Type::String),
        required("policy", Type::String),
        required("action", Type::String),
        required("tasks", Type::Set(Box::new(Type::String))),
        required("own", Type::Bool),
    ]))
}

/// `context.grant` for a principal's and an agent's type; with the parameters of a task for its policies.
pub(crate) fn grant_type(
    pair: (TypeId, TypeId),
    claims: &Arc<RecordType>,
    params: Option<&Arc<RecordType>>,
) -> RecordType {
    let mut attributes = vec![
        required("tasks", Type::Set(Box::new(Type::String))),
        required("depth", Type::Long),
        required("principal", Type::Entity(pair.0)),
        required("agent", Type::Entity(pair.1)),
        required("claims", Type::Record(claims.clone())),
    ];
    attributes.extend(params.map(|params| required("params", Type::Record(params.clone()))));
    RecordType::new(attributes)
}

/// `context.system`
pub(crate) fn system_type() -> RecordType {
    RecordType::new(vec![required("now", Type::Datetime)])
}

pub(crate) fn required(name: &str, value: Type) -> AttributeType {
    AttributeType { name: Arc::from(name), value, required: true }
}

/// Both, sorted.
pub(crate) fn union(left: &[TypeId], right: &[TypeId]) -> Vec<TypeId> {
    let mut all = [left, right].concat();
    all.sort_unstable();
    all.dedup();
    all
}
