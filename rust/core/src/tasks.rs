//! What is a task, and what does a bundle with tasks declare besides its policies?
//!
//! A [`Task`] is a named, minimal scope for one workflow: typed parameters, a lifetime, policies (which stand in
//! `authorize.rs`, one set per task). [`Declarations`] is all that `agentpdp.toml` and `tasks/` say, in numbers of the
//! bundle's store. Nothing here changes while an engine lives; a reload makes the next one.
//!
//! Twin: `reference/tasks.py`. Read next: `grants.rs`.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::policies::PolicySource;
use crate::schema::{RecordType, Type};
use crate::value::{EntityId, TypeId, Value};

/// Most tasks that one bundle may have.
pub const TASKS_MAX: usize = 65_000;

/// Most parameters that one task may have.
pub const PARAMS_MAX: usize = 256;

/// A SHA-256 digest.
pub type Digest = [u8; 32];

/// A task of a bundle, as a small number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TaskId(pub u16);

/// One typed parameter of a task.
#[derive(Clone, PartialEq, Debug)]
pub struct Param {
    /// Its name.
    pub name: Arc<str>,
    /// The type of its values.
    pub value: Type,
    /// What it is, for a person.
    pub about: Arc<str>,
    /// What it is where it is not given; none: it must be given.
    pub default: Option<Value>,
    /// The least value, for Long, decimal, datetime and duration.
    pub min: Option<Value>,
    /// The greatest value.
    pub max: Option<Value>,
    /// Whether its value is never logged in the clear.
    pub secret: bool,
}

/// A named, minimal scope for one workflow.
#[derive(Clone, PartialEq, Debug)]
pub struct Task {
    /// Its name: `[a-z0-9-]{1,64}`.
    pub name: Arc<str>,
    /// What it is for.
    pub description: Arc<str>,
    /// Longest life of a grant of it, in milliseconds.
    pub lifetime_ms: i64,
    /// Its parameters, sorted by name.
    pub params: Box<[Param]>,
    /// Types of principals it is for, sorted; none: all.
    pub principals: Option<Box<[TypeId]>>,
    /// Types of agents it is for, sorted; none: all.
    pub agents: Option<Box<[TypeId]>>,
    /// Actions and groups that the holder may do itself; none: all.
    pub own: Option<Box<[EntityId]>>,
    /// `AgentPDP::Action::"start.<task>"`.
    pub start: EntityId,
    /// `AgentPDP::Action::"delegate.<task>"`.
    pub delegate: EntityId,
    /// SHA-256 of what its scope is made of: its own texts and those of `tasks/all.cedar`.
    pub digest: Digest,
}

/// Where the resource of a call comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ResourceRule {
    /// `{ type = "T", from = "input.name" }`: decoding the arguments gives it.
    Argument,
    /// `"principal"`: the person.
    Principal,
    /// `{ from = "principal.name" }`: an entity-typed attribute of the principal.
    PrincipalAttribute(Arc<str>),
    /// One fixed entity.
    Fixed(EntityId),
    /// `"caller"`: the host says it.
    Caller,
}

/// How large chains and trees may grow: an injected agent must not exhaust memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TreeLimits {
    /// Greatest depth of a hop; the root's is 0.
    pub depth_max: u16,
    /// Most live children of one grant.
    pub children_max: u32,
    /// Most live grants of one tree.
    pub grants_max: u32,
}

impl TreeLimits {
    /// What holds where `[limits]` says nothing.
    pub const DEFAULT: Self = Self { depth_max: 16, children_max: 1_024, grants_max: 10_000 };
}

/// What a bundle with tasks declares besides its policies.
#[derive(Clone, PartialEq, Debug)]
pub struct Declarations {
    /// The bundle's digest.
    pub digest: Digest,
    /// Types of principals, sorted.
    pub principals: Box<[TypeId]>,
    /// Types of agents, sorted; none of them is a principal's.
    pub agents: Box<[TypeId]>,
    /// Types whose entities need not be in the store, sorted.
    pub open_types: Box<[TypeId]>,
    /// The token's claims, each required.
    pub claims: Arc<RecordType>,
    /// How large chains and trees may grow.
    pub limits: TreeLimits,
    /// All tasks, sorted by name; a task's number is its place.
    pub tasks: Box<[Task]>,
    /// Where the resource of each of the host's actions comes from; the engine's own actions are not in it.
    pub resources: HashMap<EntityId, ResourceRule, FixedState>,
    /// `AgentPDP::Action::"approve"`.
    pub approve: EntityId,
    /// `AgentPDP::Action::"revoke"`.
    pub revoke: EntityId,
}

impl Declarations {
    /// A task.
    #[inline]
    #[must_use]
    pub fn task(&self, task: TaskId) -> Option<&Task> {
        self.tasks.get(usize::from(task.0))
    }

    /// The task of a name.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)] // at most TASKS_MAX
    pub fn find(&self, name: &str) -> Option<TaskId> {
        self.tasks.binary_search_by(|task| (*task.name).cmp(name)).ok().map(|at| TaskId(at as u16))
    }

    /// Whether an entity of this type need not be in the store.
    #[inline]
    #[must_use]
    pub fn is_open(&self, type_id: TypeId) -> bool {
        self.open_types.binary_search(&type_id).is_ok()
    }
}

/// A bundle's tasks as they are read, before they are compiled.
#[derive(Clone, Debug)]
pub struct TaskSources {
    /// What the bundle declares.
    pub declarations: Declarations,
    /// The policies of each task, in the order of `declarations.tasks`; the policies of `tasks/all.cedar` are part of each.
    pub policies: Vec<Vec<PolicySource>>,
}
