//! What was decided, where, and why?
//!
//! The words of a decision: verdict, reason, stage. The reasons stand in one table that code, docs and tests walk.
//!
//! Twin: `reference/decision.py`.

use smallvec::SmallVec;

use crate::authorize::PolicyId;
use crate::evaluate::Failure;

/// The answer to a call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Verdict {
    /// It may be done.
    Allow,
    /// It may not.
    Deny,
}

impl Verdict {
    /// The word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
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
}

impl Stage {
    /// The word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Arguments => "arguments",
            Self::Ceiling => "ceiling",
        }
    }
}

macro_rules! reasons {
    ($($variant:ident $name:literal $verdict:ident $stage:expr, $meaning:literal;)*) => {
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

            /// The stage that gives it; none for an allow.
            #[must_use]
            pub fn stage(self) -> Option<Stage> {
                match self { $(Self::$variant => $stage,)* }
            }
        }
    };
}

reasons! {
    Permitted "permitted" Allow None, "a permit is satisfied and no forbid is";
    Forbidden "forbidden" Deny Some(Stage::Ceiling), "a forbid is satisfied";
    ForbidError "forbid_error" Deny Some(Stage::Ceiling), "a forbid could not be evaluated, so it counts as satisfied";
    NotPermitted "not_permitted" Deny Some(Stage::Ceiling), "no permit is satisfied";
    UnknownAction "unknown_action" Deny Some(Stage::Arguments), "the schema does not declare the action";
    ArgumentUnknown "argument_unknown" Deny Some(Stage::Arguments), "the context has a name that the schema does not declare";
    ArgumentMissing "argument_missing" Deny Some(Stage::Arguments), "the context lacks a name that the schema requires";
    ArgumentType "argument_type" Deny Some(Stage::Arguments), "a value of the context does not fit its type";
    UnknownParty "unknown_party" Deny Some(Stage::Arguments), "the principal is not an entity, or not one of its enumerated type";
    UnknownResource "unknown_resource" Deny Some(Stage::Arguments), "the resource is not an entity, or not one of its enumerated type";
    NotApplicable "not_applicable" Deny Some(Stage::Arguments), "the action does not apply to this type of principal or resource";
    StaleCode "stale_code" Deny Some(Stage::Arguments), "an encoded entity belongs to another engine";
    EngineForked "engine_forked" Deny Some(Stage::Status), "the engine was made in another process";
}

/// What the ceilings said of one request: the policies that are satisfied and those that erred.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Satisfied permits.
    pub permits: SmallVec<[PolicyId; 8]>,
    /// Satisfied forbids.
    pub forbids: SmallVec<[PolicyId; 4]>,
    /// Permits that erred.
    pub permit_errors: SmallVec<[(PolicyId, Failure); 2]>,
    /// Forbids that erred.
    pub forbid_errors: SmallVec<[(PolicyId, Failure); 2]>,
}

impl Answer {
    /// Forgets what was said, keeps the room.
    pub fn clear(&mut self) {
        self.permits.clear();
        self.forbids.clear();
        self.permit_errors.clear();
        self.forbid_errors.clear();
    }
}
