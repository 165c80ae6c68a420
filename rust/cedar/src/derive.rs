//! Which schema do the organisation's types and the derived actions make together?
//!
//! The organisation's schema keeps its types and loses its actions; the shapes of `actions.rs` stand in their place. The
//! result is Cedar's own [`Fragment`], so that Cedar's validator judges by it and prints it.
//!
//! Read next: `environments.rs`.

use std::sync::Arc;

use agentpdp_core::entities::Store;
use agentpdp_core::schema::{RecordType, Type};
use agentpdp_core::value::{EntityId, TypeId};
use cedar_policy_core::FromNormalizedStr;
use cedar_policy_core::ast::{Name, UnreservedId};
use cedar_policy_core::est::Annotations;
use cedar_policy_core::validator::RawName;
use cedar_policy_core::validator::json_schema::{
    self as json, ActionEntityUID, ActionType, ApplySpec, AttributesOrContext, CommonType, CommonTypeId, Fragment,
    NamespaceDefinition, TypeOfAttribute, TypeVariant,
};

use crate::actions::{ActionShape, ENGINE_NAMESPACE, Role, system_type};

/// A name that Cedar does not take; not reached, since all names come out of Cedar's own parser or are our own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct NoName;

/// Puts the schema together.
pub(crate) fn derived_schema<'a>(
    organisation: &Fragment<RawName>,
    shapes: impl Iterator<Item = &'a ActionShape>,
    grant: &RecordType,
    store: &Store,
) -> Result<Fragment<RawName>, NoName> {
    let mut schema = organisation.clone();
    for definition in schema.0.values_mut() {
        definition.actions.clear();
    }
    let engine: Name = name(ENGINE_NAMESPACE)?;
    let common = [free_name(&schema, "GrantContext"), free_name(&schema, "SystemContext")];
    let declared = &mut namespace(&mut schema, Some(engine)).common_types;
    for (id, record) in common.iter().zip([grant, &system_type()]) {
        let id = CommonTypeId::new(id.parse::<UnreservedId>().map_err(|_| NoName)?).map_err(|_| NoName)?;
        let ty = record_type(record, store)?;
        declared.insert(id, CommonType { ty, annotations: Annotations::new(), loc: None });
    }
    for shape in shapes {
        let (type_name, id) = store.uid(shape.action).ok_or(NoName)?;
        let holder = type_name.rsplit_once("::").map(|(holder, _)| name(holder)).transpose()?;
        let action = action_type(shape, &common, store)?;
        namespace(&mut schema, holder).actions.insert((&**id).into(), action);
    }
    schema.0.retain(|_, definition| {
        !(definition.common_types.is_empty() && definition.entity_types.is_empty() && definition.actions.is_empty())
    });
    Ok(schema)
}

/// A name that hides none of the organisation's types.
fn free_name(schema: &Fragment<RawName>, wanted: &str) -> String {
    let is_taken = |name: &str| {
        schema.0.get(&None).is_some_and(|definition| {
            definition.entity_types.keys().any(|known| AsRef::<str>::as_ref(known) == name)
                || definition.common_types.keys().any(|known| known.to_string() == name)
        })
    };
    let mut name = wanted.to_owned();
    while is_taken(&name) {
        name.push('_');
    }
    name
}

fn namespace(schema: &mut Fragment<RawName>, name: Option<Name>) -> &mut NamespaceDefinition<RawName> {
    schema.0.entry(name).or_insert_with(|| NamespaceDefinition {
        common_types: std::collections::BTreeMap::new(),
        entity_types: std::collections::BTreeMap::new(),
        actions: std::collections::BTreeMap::new(),
        annotations: Annotations::new(),
    })
}

fn action_type(shape: &ActionShape, common: &[String; 2], store: &Store) -> Result<ActionType<RawName>, NoName> {
    let applies_to = match shape.role {
        Role::Group => None,
        _ => Some(ApplySpec {
            principal_types: names(&shape.principals, store)?,
            resource_types: names(&shape.resources, store)?,
            context: AttributesOrContext(context_type(shape, common, store)?),
        }),
    };
    let member_of = shape.groups.iter().map(|group| uid(*group, store)).collect::<Result<Vec<_>, _>>()?;
    Ok(ActionType {
        attributes: None,
        applies_to,
        member_of: (!member_of.is_empty()).then_some(member_of),
        external: false,
        annotations: Annotations::new(),
        loc: None,
    })
}

/// The whole context: the host's own names beside what the engine gives.
fn context_type(
    shape: &ActionShape,
    [grant, system]: &[String; 2],
    store: &Store,
) -> Result<json::Type<RawName>, NoName> {
    let json::Type::Type { ty: TypeVariant::Record(mut record), loc } = record_type(&shape.host, store)? else {
        return Err(NoName);
    };
    let common = |id: &str| {
        let type_name = raw(&format!("{ENGINE_NAMESPACE}::{id}"))?;
        Ok(json::Type::CommonTypeRef { type_name, loc: None })
    };
    for (name, ty) in
        [("input", record_type(&shape.input, store)?), ("grant", common(grant)?), ("system", common(system)?)]
    {
        record.attributes.insert(name.into(), TypeOfAttribute { ty, annotations: Annotations::new(), required: true });
    }
    Ok(json::Type::Type { ty: TypeVariant::Record(record), loc })
}

/// A resolved type in Cedar's form.
pub(crate) fn json_type(resolved: &Type, store: &Store) -> Result<json::Type<RawName>, NoName> {
    let extension = |name: &str| Ok(TypeVariant::Extension { name: name.parse().map_err(|_| NoName)? });
    let ty = match resolved {
        Type::Bool => TypeVariant::Boolean,
        Type::Long => TypeVariant::Long,
        Type::String => TypeVariant::String,
        Type::Entity(type_id) => TypeVariant::Entity { name: type_name(*type_id, store)? },
        Type::Set(member) => TypeVariant::Set { element: Box::new(json_type(member, store)?) },
        Type::Record(record) => return record_type(record, store),
        Type::Decimal => extension("decimal")?,
        Type::Ip => extension("ipaddr")?,
        Type::Datetime => extension("datetime")?,
        Type::Duration => extension("duration")?,
    };
    Ok(json::Type::Type { ty, loc: None })
}

fn record_type(record: &RecordType, store: &Store) -> Result<json::Type<RawName>, NoName> {
    let mut read = json::RecordType { additional_attributes: false, ..json::RecordType::default() };
    for attribute in record.attributes() {
        let ty = json_type(&attribute.value, store)?;
        let attribute_type = TypeOfAttribute { ty, annotations: Annotations::new(), required: attribute.required };
        read.attributes.insert((&*attribute.name).into(), attribute_type);
    }
    Ok(json::Type::Type { ty: TypeVariant::Record(read), loc: None })
}

fn names(types: &[TypeId], store: &Store) -> Result<Vec<RawName>, NoName> {
    types.iter().map(|type_id| type_name(*type_id, store)).collect()
}

fn type_name(type_id: TypeId, store: &Store) -> Result<RawName, NoName> {
    let name: &Arc<str> = store.type_name(type_id).ok_or(NoName)?;
    raw(name)
}

fn uid(action: EntityId, store: &Store) -> Result<ActionEntityUID<RawName>, NoName> {
    let (type_name, id) = store.uid(action).ok_or(NoName)?;
    Ok(ActionEntityUID::new(Some(raw(type_name)?), (&**id).into()))
}

fn raw(text: &str) -> Result<RawName, NoName> {
    RawName::from_normalized_str(text).map_err(|_| NoName)
}

fn name(text: &str) -> Result<Name, NoName> {
    Name::from_normalized_str(text).map_err(|_| NoName)
}
