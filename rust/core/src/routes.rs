//! What must be asked for a call of this action?
//!
//! Which lists of the index an action concerns does not change with the call. [`Routes`] remembers, for each action that
//! was asked for, the policies that are walked anyway, each once and with its condition at hand, and the numbers of the
//! lists that are kept by principal and by resource. A version of the policies begins with none; what is remembered is
//! made by the first call of an action and read by the others without a lock.
//!
//! Optimisation: preserves what `Index::visit` shows; `Policies::answer_without_index` and the tests named in `index.rs`
//! hold it to that.

use std::sync::{Arc, OnceLock};

use crate::authorize::PolicyId;
use crate::checks::Checks;
use crate::policies::{Effect, Scope};
use crate::shape::{Constant, Shape};
use crate::value::EntityId;

/// Most actions that are remembered; those beyond are routed by the index each time.
const PLACES_MAX: usize = 1 << 12;

/// Actions that are remembered of a few policies.
const PLACES_MIN: usize = 1 << 6;

/// Places that are looked at for one action.
const PROBES: usize = 8;

/// A policy with everything that asking it takes.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The policy.
    pub policy: PolicyId,
    /// Permit or forbid.
    pub effect: Effect,
    /// What its scope says of the principal.
    pub principal: Scope,
    /// What its scope says of the resource.
    pub resource: Scope,
    /// Its condition; none if it has none.
    pub condition: Option<AskedCondition>,
}

/// A condition that is kept beside the policies that have it.
#[derive(Clone, Debug)]
pub struct AskedCondition {
    /// The nodes.
    pub shape: Arc<Shape>,
    /// The same as parts.
    pub checks: Arc<Checks>,
    /// The policy's row of constants.
    pub constants: Arc<[Constant]>,
}

/// What one action concerns.
#[derive(Clone, Debug)]
pub struct Route {
    /// The action.
    pub action: EntityId,
    /// What the action was in when this was made.
    pub groups: Box<[EntityId]>,
    /// Policies that every call of it is checked against.
    pub asks: Box<[Ask]>,
    /// Numbers of its lists that have policies kept by principal.
    pub by_principal: Box<[u32]>,
    /// Numbers of its lists that have policies kept by resource.
    pub by_resource: Box<[u32]>,
}

/// The routes of one version of the policies.
#[derive(Debug, Default)]
pub struct Routes(OnceLock<Box<[OnceLock<Box<Route>>]>>);

impl Routes {
    /// The route of an action that is in these groups, made if there was none; none if there is no place for it, or if
    /// it was in other groups when its route was made.
    ///
    /// `wanted` is how many actions the policies may have routes for.
    #[inline]
    pub fn find(
        &self,
        action: EntityId,
        groups: &[EntityId],
        wanted: usize,
        make: impl Fn() -> Route,
    ) -> Option<&Route> {
        if action.is_local() {
            return None;
        }
        let places = self.0.get_or_init(|| {
            let count = wanted.clamp(PLACES_MIN, PLACES_MAX).next_power_of_two();
            (0..count).map(|_| OnceLock::new()).collect()
        });
        let first = action.index().wrapping_mul(0x9e37_79b1);
        for probe in 0..PROBES {
            let place = places.get(first.wrapping_add(probe) & places.len().wrapping_sub(1))?;
            let route = place.get_or_init(|| Box::new(make()));
            if route.action == action {
                return (*route.groups == *groups).then_some(&**route);
            }
        }
        None
    }
}
