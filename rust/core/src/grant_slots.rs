//! Where do `context.grant` and `context.system` stand while a call is decided?
//!
//! What the engine itself puts into a context is the same for every action and differs only from hop to hop, so it
//! takes no slots of a call: a path below `grant` or `system` is a number of its own kind ([`GrantPath`]), read from
//! the hop's [`GrantRow`]. Claims and parameters are known by their place in the sorted list of names. A path below
//! `grant.params` is one of the task whose policy reads it.
//!
//! Optimisation: preserves what reading the record `context.grant` of `reference/chains.py` gives; the state machine of
//! `tests/properties` holds it to that. Read next: `slots.rs`.

use std::sync::Arc;

use crate::datetime::Datetime;
use crate::schema::RecordType;
use crate::slots::{PathId, Slot};
use crate::tasks::{Declarations, TaskId};
use crate::value::{EntityId, Set, Value, ValueRef};

/// Names that the engine gives in a context; a host's own context may not have them.
pub const RESERVED: [&str; 4] = ["input", "grant", "history", "system"];

/// A path below `context.grant` or `context.system`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GrantPath {
    /// A record that is always there: `grant`, `grant.claims`, `grant.params`, `system`.
    Record,
    /// `grant.tasks`
    Tasks,
    /// `grant.depth`
    Depth,
    /// `grant.principal`
    Principal,
    /// `grant.agent`
    Agent,
    /// `system.now`
    Now,
    /// `grant.claims.<name>`
    Claim(u16),
    /// `grant.params.<name>`
    Param(u16),
    /// A name that nothing declares.
    Absent,
}

impl GrantPath {
    const KIND_BITS: u32 = 16;

    /// The path as a number.
    #[must_use]
    pub(crate) fn id(self) -> PathId {
        let (kind, place) = match self {
            Self::Record => (0, 0),
            Self::Tasks => (1, 0),
            Self::Depth => (2, 0),
            Self::Principal => (3, 0),
            Self::Agent => (4, 0),
            Self::Now => (5, 0),
            Self::Claim(place) => (6, place),
            Self::Param(place) => (7, place),
            Self::Absent => (8, 0),
        };
        PathId(PathId::GRANT_START | kind << Self::KIND_BITS | u32::from(place))
    }

    /// The path of a number that is one of these.
    #[inline]
    #[must_use]
    #[allow(clippy::cast_possible_truncation)] // the low bits are the place
    pub fn of(path: PathId) -> Option<Self> {
        if path.0 < PathId::GRANT_START {
            return None;
        }
        let place = path.0 as u16;
        Some(match (path.0 & !PathId::GRANT_START) >> Self::KIND_BITS {
            0 => Self::Record,
            1 => Self::Tasks,
            2 => Self::Depth,
            3 => Self::Principal,
            4 => Self::Agent,
            5 => Self::Now,
            6 => Self::Claim(place),
            7 => Self::Param(place),
            _ => Self::Absent,
        })
    }
}

/// The names below `grant.claims` and `grant.params` of a bundle with tasks.
#[derive(Clone, Debug)]
pub struct GrantPaths {
    claims: Arc<RecordType>,
    params: Box<[Box<[Arc<str>]>]>,
}

impl GrantPaths {
    /// The names that a bundle declares.
    #[must_use]
    pub fn new(declarations: &Declarations) -> Self {
        let names = |task: &crate::tasks::Task| task.params.iter().map(|param| param.name.clone()).collect();
        Self { claims: declarations.claims.clone(), params: declarations.tasks.iter().map(names).collect() }
    }

    /// The path of these names, if it is below `grant` or `system`, as a policy of this task reads it.
    #[must_use]
    pub fn find(&self, path: &[Arc<str>], task: Option<TaskId>) -> Option<GrantPath> {
        let names: Vec<&str> = path.iter().map(|name| &**name).collect();
        let place = |at: Option<usize>, make: fn(u16) -> GrantPath| {
            at.and_then(|at| u16::try_from(at).ok()).map_or(GrantPath::Absent, make)
        };
        Some(match names[..] {
            ["grant" | "system"] | ["grant", "claims"] => GrantPath::Record,
            ["grant", "params"] if task.is_some() => GrantPath::Record,
            ["grant", "tasks"] => GrantPath::Tasks,
            ["grant", "depth"] => GrantPath::Depth,
            ["grant", "principal"] => GrantPath::Principal,
            ["grant", "agent"] => GrantPath::Agent,
            ["system", "now"] => GrantPath::Now,
            ["grant", "claims", name] => {
                place(self.claims.attributes().iter().position(|claim| &*claim.name == name), GrantPath::Claim)
            }
            ["grant", "params", name] => {
                place(self.params_of(task).iter().position(|param| &**param == name), GrantPath::Param)
            }
            ["grant" | "system", _] => GrantPath::Absent,
            _ => return None,
        })
    }

    fn params_of(&self, task: Option<TaskId>) -> &[Arc<str>] {
        task.and_then(|task| self.params.get(usize::from(task.0))).map_or(&[], |params| params)
    }

    /// The path as policies of this task write it, without `context.`.
    #[must_use]
    pub fn text(&self, path: GrantPath, task: Option<TaskId>) -> String {
        let below = |holder: &str, name: Option<&Arc<str>>| format!("{holder}.{}", name.map_or("…", |name| name));
        match path {
            GrantPath::Record | GrantPath::Absent => "grant".to_owned(),
            GrantPath::Tasks => "grant.tasks".to_owned(),
            GrantPath::Depth => "grant.depth".to_owned(),
            GrantPath::Principal => "grant.principal".to_owned(),
            GrantPath::Agent => "grant.agent".to_owned(),
            GrantPath::Now => "system.now".to_owned(),
            GrantPath::Claim(at) => {
                below("grant.claims", self.claims.attributes().get(usize::from(at)).map(|claim| &claim.name))
            }
            GrantPath::Param(at) => below("grant.params", self.params_of(task).get(usize::from(at))),
        }
    }
}

/// What `context.grant` and `context.system` hold for one question.
#[derive(Clone, Copy, Debug)]
pub struct GrantRow<'a> {
    /// Names of the hop's tasks.
    pub tasks: &'a Set,
    /// The hop's depth.
    pub depth: i64,
    /// The original principal.
    pub principal: EntityId,
    /// The hop's agent.
    pub agent: EntityId,
    /// The tree's claims, sorted by name.
    pub claims: &'a [Value],
    /// The parameters of the task whose policies are asked, sorted by name; none for a ceiling.
    pub params: &'a [Value],
    /// The call's time.
    pub now: Datetime,
}

impl<'a> GrantRow<'a> {
    /// What stands at a path.
    #[inline]
    #[must_use]
    pub fn slot(&self, path: GrantPath) -> Slot<'a> {
        let held = |values: &'a [Value], at: u16| match values.get(usize::from(at)) {
            Some(value) => Slot::Value(value.borrow()),
            None => Slot::Absent,
        };
        match path {
            // Asked for with `has` only: as a value the bundle's reader refuses it.
            GrantPath::Record => Slot::Value(ValueRef::Bool(true)),
            GrantPath::Tasks => Slot::Value(ValueRef::Set(self.tasks)),
            GrantPath::Depth => Slot::Value(ValueRef::Long(self.depth)),
            GrantPath::Principal => Slot::Value(ValueRef::Entity(self.principal)),
            GrantPath::Agent => Slot::Value(ValueRef::Entity(self.agent)),
            GrantPath::Now => Slot::Value(ValueRef::Datetime(self.now)),
            GrantPath::Claim(at) => held(self.claims, at),
            GrantPath::Param(at) => held(self.params, at),
            GrantPath::Absent => Slot::Absent,
        }
    }
}
