//! What was decided, where, and why?
//!
//! The words of a decision: verdict, reason, stage. The reasons stand in one table that code, docs and tests walk.
//!
//! Twin: `reference/decision.py`.

use crate::authorize::PolicyId;
use crate::evaluate::Failure;

/// The answer to a call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Verdict {
    /// It may be done.
    Allow,
    /// A person must approve it first.
    StepUp,
    /// It may not.
    Deny,
}

impl Verdict {
    /// The word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::StepUp => "step_up",
            Self::Deny => "deny",
        }
    }
}

/// Where in the procedure a call was decided.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Stage {
    /// Before anything was read of it.
    Status,
    /// While the call was read and checked.
    Arguments,
    /// By the organisation's policies.
    Ceiling,
    /// By the tasks of the chain.
    Task,
}

impl Stage {
    /// The word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Arguments => "arguments",
            Self::Ceiling => "ceiling",
            Self::Task => "task",
        }
    }
}

macro_rules! reasons {
    ($($variant:ident $name:literal $verdict:ident $stages:expr, $meaning:literal;)*) => {
        /// Why a call was decided as it was.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u8)]
        pub enum Reason { $(#[doc = $meaning] $variant,)* }

        impl Reason {
            /// Every reason, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code as documented.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// One sentence saying what it means.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }

            /// The verdict that it goes with.
            #[must_use]
            pub fn verdict(self) -> Verdict {
                match self { $(Self::$variant => Verdict::$verdict,)* }
            }

            /// The stages that give it; none for an allow.
            #[must_use]
            pub fn stages(self) -> &'static [Stage] {
                match self { $(Self::$variant => $stages,)* }
            }

            /// The first stage that gives it; the only one for a reason of a plain bundle.
            #[must_use]
            pub fn stage(self) -> Option<Stage> {
                self.stages().first().copied()
            }
        }
    };
}

use Stage::{Arguments, Ceiling, Status, Task};

reasons! {
    Permitted "permitted" Allow &[], "a permit is satisfied and no forbid is";
    StepUp "step_up" StepUp &[Ceiling, Task], "a satisfied forbid asks for an approval";
    Forbidden "forbidden" Deny &[Ceiling, Task], "a forbid is satisfied";
    ForbidError "forbid_error" Deny &[Ceiling, Task], "a forbid could not be evaluated, so it counts as satisfied";
    NotPermitted "not_permitted" Deny &[Ceiling, Task], "no permit is satisfied";
    UnknownGrant "unknown_grant" Deny &[Status], "there is no such grant, or no longer";
    Revoked "revoked" Deny &[Status], "the grant, an agent or task of its chain, or its principal was revoked";
    Suspended "suspended" Deny &[Status], "the grant, an agent or task of its chain, or its principal is suspended";
    NotYetValid "not_yet_valid" Deny &[Status], "the grant is not valid yet";
    Expired "expired" Deny &[Status], "the grant has expired";
    TaskChanged "task_changed" Deny &[Status], "the bundle was reloaded and holds another text of the grant's task";
    AgentMismatch "agent_mismatch" Deny &[Status], "the acting agent is not the agent of the grant";
    EngineForked "engine_forked" Deny &[Status], "the engine was made in another process";
    ParamUnknown "param_unknown" Deny &[Arguments], "the task has no such parameter";
    ParamMissing "param_missing" Deny &[Arguments], "a parameter without a default is not given";
    ParamType "param_type" Deny &[Arguments], "a parameter does not fit its type";
    ParamRange "param_range" Deny &[Arguments], "a parameter is outside its range";
    LifetimeTooLong "lifetime_too_long" Deny &[Arguments], "the lifetime asked for is beyond the task's or the parent's";
    AgentRepeated "agent_repeated" Deny &[Arguments], "the agent is on the chain already";
    PrincipalAsAgent "principal_as_agent" Deny &[Arguments], "the agent is the principal, or is of a principal's type";
    DepthExceeded "depth_exceeded" Deny &[Arguments], "the chain would be too deep";
    TreeFull "tree_full" Deny &[Arguments], "the grant has too many live children, or the tree too many live grants";
    UnknownAction "unknown_action" Deny &[Arguments], "the schema does not declare the action";
    ContextReserved "context_reserved" Deny &[Arguments], "the host's context has a name that is reserved";
    ArgumentUnknown "argument_unknown" Deny &[Arguments], "an argument, or a name of the context, is not declared";
    ArgumentMissing "argument_missing" Deny &[Arguments], "an argument, or a name of the context, is required and not there";
    ArgumentType "argument_type" Deny &[Arguments], "an argument, or a value of the context, does not fit its type";
    ArgumentReserved "argument_reserved" Deny &[Arguments], "an argument has a key that starts with `__`";
    ArgumentUnsafe "argument_unsafe" Deny &[Arguments], "an argument has no one form: a repeated key, a lone surrogate, a number that is not exact";
    ArgumentTooLarge "argument_too_large" Deny &[Arguments], "an argument is beyond a limit of size or nesting";
    ArgumentEnum "argument_enum" Deny &[Arguments], "an argument is outside the values that its tool lists";
    ArgumentFormat "argument_format" Deny &[Arguments], "an argument does not parse as its format or kind";
    ArgumentNotExact "argument_not_exact" Deny &[Arguments], "a number cannot be held without rounding";
    ArgumentNotCanonical "argument_not_canonical" Deny &[Arguments], "an argument is spelled in another way than its kind's one";
    ArgumentAmbiguous "argument_ambiguous" Deny &[Arguments], "an argument is read in different ways by different readers";
    ArgumentOverflow "argument_overflow" Deny &[Arguments], "a count or sum of an argument does not fit 64 bits";
    ArgumentOpaque "argument_opaque" Deny &[Arguments], "an argument that rules cannot see is given";
    ArgumentEntity "argument_entity" Deny &[Arguments], "an argument names an entity that is not in the store";
    ResourceMismatch "resource_mismatch" Deny &[Arguments], "the resource given is not the one that the arguments name";
    UnknownParty "unknown_party" Deny &[Arguments], "the principal or an agent is not an entity, not in the store, or not one of its enumerated type";
    UnknownResource "unknown_resource" Deny &[Arguments], "the resource is not an entity, not in the store, or not one of its enumerated type";
    NotApplicable "not_applicable" Deny &[Arguments], "the action does not apply to this type of principal or resource";
    StaleCode "stale_code" Deny &[Arguments], "an encoded entity belongs to another engine";
    OutsideRestriction "outside_restriction" Deny &[Task], "a hop was delegated without this action or resource";
    HandOnOnly "hand_on_only" Deny &[Task], "the task lets its holder hand this on, not do it";
}

/// What the ceilings said of one request: the policies that are satisfied and those that erred. Who asks often keeps one
/// and clears it, so that nothing is allocated.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Satisfied permits.
    pub permits: Vec<PolicyId>,
    /// Satisfied forbids.
    pub forbids: Vec<PolicyId>,
    /// Permits that erred.
    pub permit_errors: Vec<(PolicyId, Failure)>,
    /// Forbids that erred.
    pub forbid_errors: Vec<(PolicyId, Failure)>,
}

impl Answer {
    /// Whether a policy erred.
    #[inline]
    #[must_use]
    pub fn has_errors(&self) -> bool {
        !self.permit_errors.is_empty() || !self.forbid_errors.is_empty()
    }

    /// All policies that erred, permits first.
    pub fn errors(&self) -> impl Iterator<Item = &(PolicyId, Failure)> {
        self.permit_errors.iter().chain(&self.forbid_errors)
    }

    /// Forgets what was said, keeps the room.
    pub fn clear(&mut self) {
        let Self { permits, forbids, permit_errors, forbid_errors } = self;
        permits.clear();
        forbids.clear();
        permit_errors.clear();
        forbid_errors.clear();
    }
}
