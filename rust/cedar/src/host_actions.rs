//! What is declared of each tool and of each action of the host?
//!
//! A tool is an action in the bundle's `namespace`. What the schema says of an action of that uid is kept: its context, its
//! groups, its principals and resources. Where its resource comes from must be declared, because a policy that checks
//! another resource than the tool uses protects nothing.
//!
//! Read next: `tasks.rs`.

use std::collections::HashMap;
use std::sync::Arc;

use agentpdp_arguments::plan::Plan;
use agentpdp_core::entities::TooManyUids;
use agentpdp_core::schema::{ActionType, Type};
use agentpdp_core::tasks::ResourceRule;
use agentpdp_core::value::{EntityId, TypeId};

use crate::actions::{ActionShape, HostAction, RESERVED, Role, impact_group, union};
use crate::declarations::{Lookup, Parties};
use crate::finding::Code;
use crate::nearest::did_you_mean;
use crate::settings::{ActionText, Impact, ResourceText, Settings};
use crate::toml_text::{Placed, TextFile};
use crate::tools::PinnedTool;

/// Makes the shapes of tools and of the host's actions.
pub(crate) struct HostActions<'h, 'l> {
    pub(crate) lookup: &'h mut Lookup<'l>,
    pub(crate) parties: &'h Parties,
    pub(crate) settings: &'h Settings,
    pub(crate) settings_file: &'h TextFile<'h>,
    pub(crate) schema_file: &'h TextFile<'h>,
}

impl HostActions<'_, '_> {
    /// The shapes, tools first.
    pub(crate) fn shapes(&mut self, tools: &[PinnedTool<'_>]) -> Result<Vec<ActionShape>, TooManyUids> {
        let namespace = self.settings.namespace.as_ref().map(|namespace| namespace.value.as_str());
        let action_type = namespace.map_or_else(|| "Action".to_owned(), |namespace| format!("{namespace}::Action"));
        let mut declared: HashMap<&str, &ActionText> =
            self.settings.actions.iter().map(|action| (action.name.value.as_str(), action)).collect();
        let mut organisation: Vec<&ActionType> = self.lookup.organisation.actions.values().collect();
        organisation.sort_unstable_by_key(|action| action.action);
        let mut shapes: Vec<ActionShape> = Vec::new();
        for pinned in tools {
            let action = self.lookup.store.intern(&action_type, &pinned.tool.name)?;
            if shapes.iter().any(|shape| shape.action == action) {
                let message = format!("a tool `{}` stands in another list", pinned.tool.name.escape_debug());
                pinned.file.find(Code::ToolDuplicate, pinned.place(), message, "pin each tool once");
                continue;
            }
            let declared = declared.remove(&*pinned.tool.name);
            let known = self.lookup.organisation.actions.get(&action);
            shapes.push(self.shape(action, known, Some(pinned), declared)?);
        }
        let tool_count = shapes.len();
        for known in organisation {
            if shapes.iter().take(tool_count).any(|shape| shape.action == known.action) {
                continue;
            }
            let id = self.lookup.store.uid(known.action).map(|(_, id)| id.clone()).unwrap_or_default();
            if known.principals.is_empty() && known.resources.is_empty() {
                shapes.push(ActionShape {
                    action: known.action,
                    groups: known.ancestors.to_vec(),
                    principals: Vec::new(),
                    resources: Vec::new(),
                    host: Arc::default(),
                    input: Arc::default(),
                    role: Role::Group,
                });
                continue;
            }
            let declared = declared.remove(&*id);
            shapes.push(self.shape(known.action, Some(known), None, declared)?);
        }
        let names = tools.iter().map(|pinned| &*pinned.tool.name);
        for action in declared.values() {
            let message = format!(
                "`[actions.{}]` declares no tool and no action of the schema",
                action.name.value.escape_debug()
            );
            let advice = did_you_mean(&action.name.value, names.clone(), "tools are");
            self.settings_file.find(Code::ActionUndeclared, action.name.at, message, advice);
        }
        Ok(shapes)
    }

    fn shape(
        &mut self,
        action: EntityId,
        known: Option<&ActionType>,
        pinned: Option<&PinnedTool<'_>>,
        declared: Option<&ActionText>,
    ) -> Result<ActionShape, TooManyUids> {
        let known =
            known.filter(|known| !(known.principals.is_empty() && known.resources.is_empty() && pinned.is_none()));
        let host = known.map(|known| known.context.clone()).unwrap_or_default();
        for name in RESERVED.iter().filter(|name| host.get(name).is_some()) {
            let id = self.lookup.store.uid(action).map(|(_, id)| id.escape_debug().to_string()).unwrap_or_default();
            let message = format!("the context of the action `{id}` declares `{name}`, which is the engine's");
            let at = find_text(self.schema_file.text, &id);
            self.schema_file.find(Code::ContextReserved, at, message, "give the attribute another name");
        }
        let impact = self.impact(pinned, declared);
        let mut groups = known.map(|known| known.ancestors.to_vec()).unwrap_or_default();
        for impact in &impact {
            groups.push(impact_group(*impact, self.lookup.store)?);
        }
        let principals = match known.filter(|known| !known.principals.is_empty()) {
            Some(known) => union(&known.principals, &self.parties.agents),
            None => union(&self.parties.principals, &self.parties.agents),
        };
        let (rule, by_principal, resources) = self.resource(pinned, declared, known, &principals)?;
        let plan = self.plan(pinned, declared);
        let input = plan.as_ref().map(|plan| plan.input.clone()).unwrap_or_default();
        let tool = pinned.map(|pinned| pinned.tool.clone());
        let host_action = HostAction { rule, by_principal, impact, tool, plan, declared: declared.cloned() };
        let role = Role::Host(Box::new(host_action));
        Ok(ActionShape { action, groups, principals, resources, host, input, role })
    }

    fn impact(&self, pinned: Option<&PinnedTool<'_>>, declared: Option<&ActionText>) -> Vec<Impact> {
        let Some(impact) = declared.and_then(|declared| declared.impact.as_ref()) else {
            return Impact::HARMFUL.to_vec();
        };
        let hints = pinned.map(|pinned| pinned.tool.annotations).unwrap_or_default();
        let is_read = impact.value == [Impact::Read];
        if is_read && (hints.read_only == Some(false) || hints.destructive == Some(true)) {
            let message = "the tool's own definition says that it does not only read; it counts as `write`";
            let advice = "write `impact = [\"write\"]`, or pin a definition without the annotation";
            self.settings_file.find(Code::ImpactStricter, impact.at, message, advice);
            return vec![Impact::Write];
        }
        impact.value.clone()
    }

    /// How the arguments of a tool are read; none for an action of the host.
    fn plan(&mut self, pinned: Option<&PinnedTool<'_>>, declared: Option<&ActionText>) -> Option<Arc<Plan>> {
        if let Some(pinned) = pinned {
            let (settings, lookup) = (self.settings_file, &mut *self.lookup);
            return crate::tools::plan(pinned, declared, settings, lookup);
        }
        for name in declared.into_iter().flat_map(ActionText::arguments) {
            let shown = name.value.escape_debug();
            let message = format!("`{shown}` is declared of an action that has no tool and so no arguments");
            let advice = "take it out, or pin the tool's definition in `tools/`";
            self.settings_file.find(Code::ArgumentUndeclared, name.at, message, advice);
        }
        None
    }

    /// Where the resource comes from, its type for each principal's type, and all its types.
    #[allow(clippy::type_complexity)] // three things of one declaration
    fn resource(
        &mut self,
        pinned: Option<&PinnedTool<'_>>,
        declared: Option<&ActionText>,
        known: Option<&ActionType>,
        principals: &[TypeId],
    ) -> Result<(ResourceRule, Vec<(TypeId, TypeId)>, Vec<TypeId>), TooManyUids> {
        let people: Vec<TypeId> =
            principals.iter().copied().filter(|type_id| self.parties.principals.contains(type_id)).collect();
        let Some(resource) = declared.and_then(|declared| declared.resource.as_ref()) else {
            if let Some(pinned) = pinned
                && declared.is_none_or(|declared| !declared.has_resource)
            {
                self.propose(pinned, declared);
            }
            return Ok((ResourceRule::Caller, Vec::new(), self.caller_types(known)));
        };
        let one = |lookup: &mut Lookup<'_>, type_name: &Placed<String>| {
            lookup.entity_type(self.settings_file, type_name).into_iter().collect::<Vec<_>>()
        };
        let (rule, by_principal, resources) = match &resource.value {
            ResourceText::Argument { type_name, argument } => {
                if pinned.is_none() {
                    let message = "the resource comes from an argument, and the action has no tool";
                    self.settings_file.find(
                        Code::ArgumentUndeclared,
                        argument.at,
                        message,
                        "write `\"caller\"`, or pin the tool's definition in `tools/`",
                    );
                }
                (ResourceRule::Argument, Vec::new(), one(self.lookup, type_name))
            }
            ResourceText::Fixed { type_name, id } => {
                let types = one(self.lookup, type_name);
                let entity = self.lookup.store.intern(&type_name.value, &id.value)?;
                let entity_type = types.first().and_then(|type_id| self.lookup.organisation.entity_types.get(type_id));
                if entity_type.is_some_and(|entity_type| !entity_type.has_id(&id.value)) {
                    let message = format!("the schema's `{}` does not list this id", type_name.value);
                    self.settings_file.find(Code::EntityIdUnknown, id.at, message, "write one of its ids");
                }
                (ResourceRule::Fixed(entity), Vec::new(), types)
            }
            ResourceText::Principal => {
                let by: Vec<_> = people.iter().map(|type_id| (*type_id, *type_id)).collect();
                (ResourceRule::Principal, by, people)
            }
            ResourceText::PrincipalAttribute(name) => {
                let by = self.attribute_types(&people, name);
                let types = union(&by.iter().map(|(_, resource)| *resource).collect::<Vec<_>>(), &[]);
                (ResourceRule::PrincipalAttribute(Arc::from(&*name.value)), by, types)
            }
            ResourceText::Caller => (ResourceRule::Caller, Vec::new(), self.caller_types(known)),
        };
        if let Some(known) = known.filter(|known| !known.resources.is_empty())
            && let Some(other) = resources.iter().find(|type_id| !known.resources.contains(type_id))
        {
            let other = self.lookup.store.type_name(*other).map_or_else(String::new, ToString::to_string);
            let message = format!("the schema's action does not take `{other}` as resource");
            self.settings_file.find(
                Code::ResourceType,
                resource.at,
                message,
                "declare a type that the schema's `appliesTo` names",
            );
        }
        Ok((rule, by_principal, resources))
    }

    fn caller_types(&self, known: Option<&ActionType>) -> Vec<TypeId> {
        match known.filter(|known| !known.resources.is_empty()) {
            Some(known) => known.resources.to_vec(),
            None => {
                let types = self.lookup.types.entity_types();
                let ids: Vec<TypeId> = types.iter().filter_map(|name| self.lookup.store.find_type(name)).collect();
                union(&ids, &[])
            }
        }
    }

    /// The type of an attribute for every principal's type.
    fn attribute_types(&self, people: &[TypeId], name: &Placed<String>) -> Vec<(TypeId, TypeId)> {
        let mut read = Vec::new();
        for principal in people {
            let entity_type = self.lookup.organisation.entity_types.get(principal);
            let attribute = entity_type.and_then(|entity_type| entity_type.attributes.get(&name.value));
            match attribute.map(|attribute| &attribute.value) {
                Some(Type::Entity(type_id)) => read.push((*principal, *type_id)),
                found => {
                    let principal =
                        self.lookup.store.type_name(*principal).map_or_else(String::new, ToString::to_string);
                    let what = if found.is_some() { "is no entity" } else { "is not declared" };
                    let message = format!("the attribute `{}` of `{principal}` {what}", name.value.escape_debug());
                    let known = entity_type.into_iter().flat_map(|entity_type| entity_type.attributes.attributes());
                    let known = known.filter(|known| matches!(known.value, Type::Entity(_))).map(|known| &*known.name);
                    let advice = did_you_mean(&name.value, known, "its attributes that are entities are");
                    self.settings_file.find(Code::ResourceType, name.at, message, advice);
                }
            }
        }
        read
    }

    /// The finding that a tool's resource is not declared, with a proposal.
    fn propose(&self, pinned: &PinnedTool<'_>, declared: Option<&ActionText>) {
        let tool = &pinned.tool;
        let types = self.lookup.types.entity_types();
        let properties = tool.input_schema.get("properties").and_then(serde_json::Value::as_object);
        let names = properties.into_iter().flat_map(|properties| properties.keys());
        let from = names.into_iter().find_map(|name| {
            let stem = name.strip_suffix("_id").or_else(|| name.strip_suffix("Id")).unwrap_or(name);
            let plain = stem.replace(['_', '-'], "").to_lowercase();
            let base = |full: &str| full.rsplit("::").next().unwrap_or(full).to_lowercase();
            types.iter().find(|known| base(known) == plain).map(|known| (known, name))
        });
        let reads =
            declared.and_then(|declared| declared.impact.as_ref()).is_some_and(|impact| impact.value == [Impact::Read]);
        let proposal = match from {
            Some((type_name, name)) => format!("{{ type = \"{type_name}\", from = \"input.{name}\" }}"),
            None if reads => "\"principal\"".to_owned(),
            None => "{ type = \"System\", id = \"…\" }".to_owned(),
        };
        let message =
            format!("where the resource of the tool `{}` comes from is not declared", tool.name.escape_debug());
        match declared {
            Some(declared) => {
                let advice = format!("write `resource = {proposal}`, or another one that fits");
                self.settings_file.find(Code::ResourceMissing, declared.name.at, message, advice);
            }
            None => {
                let advice = format!(
                    "write `[actions.{}]` and below it `resource = {proposal}` and `impact`",
                    tool.name.escape_debug()
                );
                self.settings_file.find_whole(Code::ResourceMissing, message, advice);
            }
        }
    }
}

/// The byte at which a name stands in a text, in quotes if it can be.
pub(crate) fn find_text(text: &str, quoted: &str) -> usize {
    text.find(&format!("\"{quoted}\"")).or_else(|| text.find(quoted)).unwrap_or(0)
}
