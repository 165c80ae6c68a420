//! Does a policy of a bundle with tasks validate, and can it ever apply?
//!
//! Cedar's own checks and its strict typechecker are asked, in the environments of `environments.rs`. A policy is right if
//! it is valid and can apply for at least one pair of a principal's and an agent's type; otherwise the findings are those
//! of the pair with the fewest. What strict validation lets pass and yet takes a limit away is found by `observe.rs` and
//! `open_reads.rs` on the typed conditions.
//!
//! Read next: `observe.rs`.

use std::collections::HashSet;

use cedar_policy_core::ast::{Effect, EntityType, SlotId, Template};
use cedar_policy_core::validator::typecheck::{PolicyCheck, Typechecker};
use cedar_policy_core::validator::types::RequestEnv;
use cedar_policy_core::validator::{
    ValidationError, ValidationMode, ValidationWarning, Validator, ValidatorSchema, confusable_string_checks,
};

use crate::environments::{Asked, Environment, Environments};
use crate::observe::Observations;
use crate::open_reads::{self, OpenReads};

/// What is wrong with a policy.
#[derive(Debug, Default)]
pub(crate) struct Judgement {
    pub(crate) errors: Vec<ValidationError>,
    pub(crate) warnings: Vec<ValidationWarning>,
    /// Whether some request can satisfy it.
    pub(crate) applies: bool,
    /// What its typed conditions show.
    pub(crate) observations: Observations,
    /// For a forbid: what it reads of open types unguarded.
    pub(crate) open_reads: OpenReads,
}

/// Judges policies over one schema.
pub(crate) struct Judge<'s> {
    pub(crate) schema: &'s ValidatorSchema,
    pub(crate) environments: &'s Environments<'s>,
    checker: Typechecker<'s>,
    /// Names of the open types.
    open: Vec<String>,
}

/// What one pair of types gives.
#[derive(Default)]
struct Pair {
    errors: HashSet<ValidationError>,
    applies: bool,
    observations: Observations,
    open_reads: OpenReads,
}

impl<'s> Judge<'s> {
    pub(crate) fn new(schema: &'s ValidatorSchema, environments: &'s Environments<'s>, open: Vec<String>) -> Self {
        Self { schema, environments, checker: Typechecker::new(schema, ValidationMode::Strict), open }
    }

    pub(crate) fn judge(&self, template: &Template, asked: &Asked) -> Judgement {
        let mut judgement = Judgement {
            errors: Validator::validate_entity_types_and_literals(self.schema, template).collect(),
            warnings: doubts(template),
            ..Judgement::default()
        };
        let pairs = self.environments.of(template.action_constraint(), asked);
        let mut read: Vec<Pair> = pairs.iter().map(|pair| self.check(template, pair)).collect();
        if !read.iter().any(|pair| pair.errors.is_empty() && pair.applies) {
            read.sort_by_key(|pair| (!pair.applies, pair.errors.len()));
            read.truncate(1);
        }
        let some_pair_is_right = read.iter().any(|pair| pair.errors.is_empty() && pair.applies);
        for pair in read {
            if some_pair_is_right && !(pair.errors.is_empty() && pair.applies) {
                continue;
            }
            judgement.applies |= pair.applies;
            judgement.observations.merge(pair.observations);
            judgement.open_reads.extend(pair.open_reads);
            judgement.errors.extend(pair.errors);
        }
        judgement
    }

    fn check(&self, template: &Template, environments: &[Environment<'_>]) -> Pair {
        let mut pair = Pair::default();
        for environment in environments {
            for (principal_slot, resource_slot) in self.slots(template, environment) {
                let request = RequestEnv::DeclaredAction {
                    principal: environment.principal,
                    action: environment.action,
                    resource: environment.resource,
                    context: &environment.context,
                    principal_slot,
                    resource_slot,
                };
                match self.checker.typecheck_by_single_request_env(template, &request) {
                    PolicyCheck::Success(typed) => {
                        pair.applies = true;
                        pair.observations.read(&typed, self.schema);
                        if template.effect() == Effect::Forbid {
                            open_reads::find(&typed, &self.open, &mut pair.open_reads);
                        }
                    }
                    PolicyCheck::Irrelevant(errors, typed) => {
                        pair.errors.extend(errors);
                        pair.observations.read(&typed, self.schema);
                    }
                    PolicyCheck::Fail(errors) => {
                        pair.applies = true;
                        pair.errors.extend(errors);
                    }
                }
            }
        }
        pair
    }

    /// The types that a template's slots may have in an environment.
    fn slots(
        &self,
        template: &Template,
        environment: &Environment<'_>,
    ) -> Vec<(Option<EntityType>, Option<EntityType>)> {
        let above = |slot: SlotId, own: &EntityType| -> Vec<Option<EntityType>> {
            if !template.slots().any(|known| known.id == slot) {
                return vec![None];
            }
            let types = self.schema.entity_types().filter(|known| known.has_descendant_entity_type(own));
            types.map(|known| Some(known.name().clone())).chain([Some(own.clone())]).collect()
        };
        let resources = above(SlotId::resource(), environment.resource);
        let pairs = |principal: Option<EntityType>| {
            resources.iter().map(move |resource| (principal.clone(), resource.clone())).collect::<Vec<_>>()
        };
        above(SlotId::principal(), environment.principal).into_iter().flat_map(pairs).collect()
    }
}

/// Texts that look like other ones.
fn doubts(template: &Template) -> Vec<ValidationWarning> {
    confusable_string_checks(std::iter::once(template)).collect()
}
