//! What does a Cedar schema say, once everything is resolved?
//!
//! The text becomes Cedar's own schema, for its validator, and out of that the core's: common types are put in, names
//! are full, memberships are transitive. An action type is kept as an enumerated type whose ids are the declared
//! actions, so that an action that nobody declared is refused wherever a value names it. [`resolved_json`] prints the
//! core's schema, the form that `reference/schema.py` reads.
//!
//! Read next: `policies.rs`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use agentpdp_core::entities::{Store, TooManyUids};
use agentpdp_core::schema::{ActionType, AttributeType, EntityType, RecordType, Schema, Type};
use agentpdp_core::value::{EntityId, TypeId};
use cedar_policy_core::ast::EntityUID;
use cedar_policy_core::extensions::Extensions;
use cedar_policy_core::validator::json_schema::Fragment;
use cedar_policy_core::validator::types::{Attributes, EntityKind, Type as CedarType};
use cedar_policy_core::validator::{RawName, ValidatorEntityTypeKind, ValidatorSchema, ValidatorSchemaFragment};

use crate::convert::intern;
use crate::diagnostics::{finding, findings};
use crate::finding::{Code, Finding, Lines};
use crate::limits::{DECLARATIONS_MAX, Language, MEMBERSHIPS_MAX, NESTING_MAX, REQUEST_KINDS_MAX, TYPES_MAX, measure};
use crate::schema_size::TooLarge;
use crate::{schema_closure, schema_size};

pub use crate::schema_json::resolved_json;

/// Parses a schema's text into Cedar's form. Warnings are in the findings, too.
pub(crate) fn parse_schema(file: &Arc<str>, text: &str) -> (Option<ValidatorSchema>, Vec<Finding>) {
    if let Err(finding) = measure(file, text, Language::Schema) {
        return (None, vec![*finding]);
    }
    let lines = Lines::of(text);
    let (fragment, warnings) = match Fragment::<RawName>::from_cedarschema_str(text, Extensions::all_available()) {
        Ok((fragment, warnings)) => (fragment, warnings),
        Err(error) => return (None, findings(Code::SchemaSyntax, file, &lines, &error)),
    };
    let mut found: Vec<Finding> =
        warnings.map(|warning| finding(Code::SchemaShadowing, file, &lines, &warning)).collect();
    if let Err(too_large) = schema_size::check(&fragment).and_then(|()| schema_closure::check(&fragment)) {
        found.push(size_finding(file, &too_large));
        return (None, found);
    }
    match resolve_checked(file, fragment, Some(&lines)) {
        Ok(schema) => (Some(schema), found),
        Err(errors) => {
            found.extend(errors);
            (None, found)
        }
    }
}

/// The schema of a text that has been measured and parsed before, as written.
pub(crate) fn read_fragment(text: &str) -> Option<Fragment<RawName>> {
    Fragment::<RawName>::from_cedarschema_str(text, Extensions::all_available()).ok().map(|(fragment, _)| fragment)
}

/// Resolves a schema that was put together; what is wrong is said of this file.
pub(crate) fn resolve(file: &Arc<str>, fragment: Fragment<RawName>) -> Result<ValidatorSchema, Vec<Finding>> {
    if let Err(too_large) = schema_size::check(&fragment).and_then(|()| schema_closure::check(&fragment)) {
        return Err(vec![size_finding(file, &too_large)]);
    }
    resolve_checked(file, fragment, None)
}

fn resolve_checked(
    file: &Arc<str>,
    fragment: Fragment<RawName>,
    lines: Option<&Lines<'_>>,
) -> Result<ValidatorSchema, Vec<Finding>> {
    #[allow(clippy::result_large_err)] // Cedar's own error, once a bundle
    let resolved = ValidatorSchemaFragment::from_schema_fragment(fragment)
        .and_then(|fragment| ValidatorSchema::from_schema_fragments([fragment], Extensions::all_available()));
    let nowhere = Lines::of("");
    let lines = lines.unwrap_or(&nowhere);
    let schema = resolved.map_err(|error| findings(Code::SchemaInvalid, file, lines, &error))?;
    schema.check_complete().map_err(|error| vec![finding(Code::SchemaInvalid, file, lines, &error)])?;
    Ok(schema)
}

fn size_finding(file: &Arc<str>, too_large: &TooLarge) -> Finding {
    match too_large {
        TooLarge::Nested(name) => Finding::new(
            Code::NestedTooDeep,
            file,
            format!("with `{name}` put in, types are nested deeper than {NESTING_MAX}"),
            "make the types flatter, or entities of them",
        ),
        TooLarge::Types => Finding::new(
            Code::SchemaTooLarge,
            file,
            format!("with common types put in, the schema has more than {TYPES_MAX} types"),
            "make entities of records that are named often",
        ),
        TooLarge::Declarations => Finding::new(
            Code::SchemaTooLarge,
            file,
            format!("the schema declares more than {DECLARATIONS_MAX} entity types and actions"),
            "declare fewer",
        ),
        TooLarge::Memberships => Finding::new(
            Code::SchemaTooLarge,
            file,
            format!("the schema has more than {MEMBERSHIPS_MAX} memberships, those of groups in groups counted"),
            "make groups of types or actions flatter",
        ),
        TooLarge::RequestKinds => Finding::new(
            Code::SchemaTooLarge,
            file,
            format!("actions apply to more than {REQUEST_KINDS_MAX} pairs of principal and resource types"),
            "let actions apply to fewer types, or make one type of several",
        ),
    }
}

/// Converts Cedar's schema, in an order that does not depend on hashing.
pub(crate) fn convert_schema(cedar: &ValidatorSchema, store: &mut Store) -> Result<Schema, TooManyUids> {
    let mut converter = SchemaConverter { cedar, store };
    let mut schema = Schema::default();
    let names: BTreeSet<_> = cedar.entity_type_names().collect();
    for name in names {
        if let Some(converted) = converter.entity_type(name) {
            let type_id = converter.store.intern_type(&name.to_string());
            schema.entity_types.insert(type_id, converted);
        }
    }
    let declared: BTreeSet<&EntityUID> = cedar.actions().collect();
    let ancestors = ancestors(cedar);
    let mut action_ids: BTreeMap<TypeId, Vec<Arc<str>>> = BTreeMap::new();
    for uid in declared {
        let above = ancestors.get(uid).map_or(&[][..], Vec::as_slice);
        let Some(action) = converter.action(uid, above)? else { continue };
        let id: &str = uid.eid().as_ref();
        action_ids.entry(converter.store.type_of(action.action)).or_default().push(Arc::from(id));
        schema.actions.insert(action.action, action);
    }
    for (type_id, mut ids) in action_ids {
        ids.sort_unstable();
        let ids = Some(ids.into_boxed_slice());
        let member_of = schema.actions.values().flat_map(|action| action.ancestors.iter());
        let member_of: BTreeSet<TypeId> = member_of.map(|group| converter.store.type_of(*group)).collect();
        let member_of = member_of.into_iter().collect();
        schema.entity_types.insert(type_id, EntityType { attributes: Arc::default(), tags: None, ids, member_of });
    }
    Ok(schema)
}

/// The groups of every action, sorted.
fn ancestors(cedar: &ValidatorSchema) -> HashMap<&EntityUID, Vec<&EntityUID>> {
    let mut ancestors: HashMap<&EntityUID, Vec<&EntityUID>> = HashMap::new();
    for group in cedar.action_ids() {
        for member in group.descendants() {
            ancestors.entry(member).or_default().push(group.name());
        }
    }
    ancestors
}

struct SchemaConverter<'c> {
    cedar: &'c ValidatorSchema,
    store: &'c mut Store,
}

impl SchemaConverter<'_> {
    fn entity_type(&mut self, name: &cedar_policy_core::ast::EntityType) -> Option<EntityType> {
        let cedar = self.cedar.get_entity_type(name)?;
        let ids = match &cedar.kind {
            ValidatorEntityTypeKind::Enum(choices) => {
                let mut ids: Vec<Arc<str>> = choices.iter().map(|id| Arc::from(AsRef::<str>::as_ref(id))).collect();
                ids.sort_unstable();
                ids.dedup();
                Some(ids.into_boxed_slice())
            }
            ValidatorEntityTypeKind::Standard(_) | ValidatorEntityTypeKind::External => None,
        };
        let above: BTreeSet<String> =
            self.cedar.ancestors(name).into_iter().flatten().map(ToString::to_string).collect();
        Some(EntityType {
            attributes: Arc::new(self.record(cedar.attributes())),
            tags: cedar.tag_type().map(|tags| self.value_type(tags)),
            ids,
            member_of: above.iter().map(|name| self.store.intern_type(name)).collect(),
        })
    }

    /// The action; none for one that is declared elsewhere, which a complete schema does not have.
    fn action(&mut self, uid: &EntityUID, above: &[&EntityUID]) -> Result<Option<ActionType>, TooManyUids> {
        let Some(cedar) = self.cedar.get_action_id(uid) else { return Ok(None) };
        let context = match cedar.context_type() {
            Some(CedarType::Record { attrs, .. }) => self.record(attrs),
            _ => return Ok(None),
        };
        let mut groups = above.iter().map(|group| intern(group, self.store)).collect::<Result<Vec<EntityId>, _>>()?;
        groups.sort_unstable();
        groups.dedup();
        Ok(Some(ActionType {
            action: intern(uid, self.store)?,
            ancestors: groups.into_boxed_slice(),
            principals: self.parties(cedar.principals()),
            resources: self.parties(cedar.resources()),
            context: Arc::new(context),
        }))
    }

    /// Types that an action applies to.
    fn parties<'n>(&mut self, names: impl Iterator<Item = &'n cedar_policy_core::ast::EntityType>) -> Box<[TypeId]> {
        let mut types: Vec<TypeId> = names.map(|name| self.store.intern_type(&name.to_string())).collect();
        types.sort_unstable();
        types.dedup();
        types.into_boxed_slice()
    }

    fn record(&mut self, attributes: &Attributes) -> RecordType {
        let convert = |(name, attribute): (&_, &cedar_policy_core::validator::types::AttributeType)| AttributeType {
            name: Arc::from(AsRef::<str>::as_ref(name)),
            value: self.value_type(&attribute.attr_type),
            required: attribute.is_required,
        };
        RecordType::new(attributes.iter().map(convert).collect())
    }

    /// The type of a value. A resolved schema has only types that values can have; what a validator computes with
    /// besides (no type at all, any entity) is read as the narrowest type there is, an empty record.
    fn value_type(&mut self, cedar: &CedarType) -> Type {
        let nothing = || Type::Record(Arc::default());
        match cedar {
            CedarType::Bool(_) => Type::Bool,
            CedarType::Long => Type::Long,
            CedarType::String => Type::String,
            CedarType::Entity(EntityKind::Entity(types)) => types
                .get_single_entity()
                .map_or_else(nothing, |name| Type::Entity(self.store.intern_type(&name.to_string()))),
            CedarType::Set { element_type: Some(element) } => Type::Set(Box::new(self.value_type(element))),
            CedarType::Record { attrs, .. } => Type::Record(Arc::new(self.record(attrs))),
            CedarType::ExtensionType { name } => match name.to_string().as_str() {
                "decimal" => Type::Decimal,
                "ipaddr" => Type::Ip,
                "datetime" => Type::Datetime,
                "duration" => Type::Duration,
                _ => nothing(),
            },
            CedarType::Never | CedarType::Entity(EntityKind::AnyEntity) | CedarType::Set { element_type: None } => {
                nothing()
            }
        }
    }
}
