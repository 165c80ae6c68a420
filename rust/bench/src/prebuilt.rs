//! What does the workload look like as Cedar's own types?
//!
//! Everything that a host can prepare is prepared: policies with their links, entities checked against the schema, and
//! every request with its context, checked, too. What is left for the clock is `is_authorized` alone.
//!
//! Links name templates by `@id`; Cedar names policies by position, so the ids are looked up once.
//!
//! Read next: `measure.rs`.

use std::collections::HashMap;
use std::fmt::Display;
use std::str::FromStr;

use cedar_policy::{
    AuthorizationError, Authorizer, Context, Decision, Effect, Entities, EntityUid, PolicyId, PolicySet, Request,
    Schema, SlotId,
};

use crate::failure::Failure;
use crate::workload::{Asked, Link, Workload};

/// A workload, ready to be asked.
pub(crate) struct Prebuilt {
    pub(crate) policies: PolicySet,
    pub(crate) entities: Entities,
    pub(crate) requests: Vec<Request>,
}

impl Prebuilt {
    pub(crate) fn new(workload: &Workload) -> Result<Self, Failure> {
        let schema = schema(&workload.schema)?;
        let mut policies = policies(&workload.policies)?;
        link(&mut policies, &workload.links)?;
        let entities = Entities::from_json_str(&workload.entities, Some(&schema));
        let requests = (1..).zip(&workload.requests).map(|(line, asked)| {
            request(asked, &schema).map_err(|what| Failure::of(format!("requests.jsonl:{line}"), what))
        });
        Ok(Self {
            policies,
            entities: entities.map_err(|error| Failure::of("entities.json", error))?,
            requests: requests.collect::<Result<_, _>>()?,
        })
    }

    /// How many requests are allowed by our rule: as Cedar decides, but an erring forbid denies.
    pub(crate) fn allowed(&self, authorizer: &Authorizer) -> usize {
        let is_allowed = |request: &&Request| {
            let answer = authorizer.is_authorized(request, &self.policies, &self.entities);
            let mut failed = answer.diagnostics().errors();
            let forbids = |AuthorizationError::PolicyEvaluationError(error): &_| self.forbids(error.policy_id());
            answer.decision() == Decision::Allow && !failed.any(forbids)
        };
        self.requests.iter().filter(is_allowed).count()
    }

    fn forbids(&self, policy: &PolicyId) -> bool {
        self.policies.policy(policy).is_some_and(|policy| policy.effect() == Effect::Forbid)
    }
}

/// The schema, parsed.
pub(crate) fn schema(text: &str) -> Result<Schema, Failure> {
    let (schema, _) = Schema::from_cedarschema_str(text).map_err(|error| Failure::of("schema.cedarschema", error))?;
    Ok(schema)
}

/// The policies, parsed.
pub(crate) fn policies(text: &str) -> Result<PolicySet, Failure> {
    PolicySet::from_str(text).map_err(|error| Failure::of("policies.cedar", error))
}

fn link(policies: &mut PolicySet, links: &[Link]) -> Result<(), Failure> {
    let named =
        |template: &cedar_policy::Template| Some((template.annotation("id")?.to_owned(), template.id().clone()));
    let templates: HashMap<String, PolicyId> = policies.templates().filter_map(named).collect();
    for link in links {
        let place = format!("links.json, `{}`", link.id);
        let template = templates.get(&link.template).cloned();
        let template = template.ok_or_else(|| Failure::of(&place, format!("no template `{}`", link.template)))?;
        let mut values = HashMap::new();
        for (slot, text) in [(SlotId::principal(), &link.principal), (SlotId::resource(), &link.resource)] {
            if let Some(text) = text {
                values.insert(slot, uid(text).map_err(|what| Failure::of(&place, what))?);
            }
        }
        let linked = policies.link(template, PolicyId::new(&link.id), values);
        linked.map_err(|error| Failure::of(&place, error))?;
    }
    Ok(())
}

fn request(asked: &Asked, schema: &Schema) -> Result<Request, String> {
    let (principal, action, resource) = (uid(&asked.principal)?, uid(&asked.action)?, uid(&asked.resource)?);
    let context = Context::from_json_value(asked.context.clone(), Some((schema, &action))).map_err(said)?;
    Request::new(principal, action, resource, context, Some(schema)).map_err(said)
}

fn uid(text: &str) -> Result<EntityUid, String> {
    EntityUid::from_str(text).map_err(said)
}

fn said(error: impl Display) -> String {
    error.to_string()
}
