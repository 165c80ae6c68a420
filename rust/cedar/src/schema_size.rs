//! How large and how deep do a schema's types become once common types are put in?
//!
//! Common types may name one another, so a few lines can stand for a type of 2^100 parts, or one nested 100,000 deep.
//! Cedar puts them in without looking. This looks first, on the schema as written: each common type is measured once.
//!
//! Read next: `schema_closure.rs`.

use std::collections::HashMap;

use cedar_policy_core::ast::Name;
use cedar_policy_core::validator::RawName;
use cedar_policy_core::validator::json_schema::{EntityTypeKind, Fragment, RecordType, Type, TypeVariant};

use crate::limits::{NESTING_MAX, TYPES_MAX};

/// What is too large about a schema.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum TooLarge {
    /// Types are nested too deep, seen from this common type or declaration.
    Nested(String),
    /// There are too many types once common types are put in.
    Types,
    /// There are too many entity types and actions.
    Declarations,
    /// There are too many memberships once they are closed transitively.
    Memberships,
    /// Actions apply to too many pairs of a principal's and a resource's type.
    RequestKinds,
}

/// Number of types, and how deep they are nested.
#[derive(Clone, Copy, Debug)]
struct Size {
    types: usize,
    height: usize,
}

/// Measures a schema as written.
pub(crate) fn check(schema: &Fragment<RawName>) -> Result<(), TooLarge> {
    let mut measurer = Measurer { common: HashMap::new(), sizes: HashMap::new() };
    for (namespace, definition) in &schema.0 {
        for (id, common) in &definition.common_types {
            let name = qualify(namespace.as_ref(), id.as_ref().as_ref());
            measurer.common.insert(name, (namespace.as_ref(), &common.ty));
        }
    }
    let mut total = 0usize;
    let mut add = |size: Size| {
        total = total.saturating_add(size.types);
        if total > TYPES_MAX { Err(TooLarge::Types) } else { Ok(()) }
    };
    let names: Vec<String> = measurer.common.keys().cloned().collect();
    for name in names {
        measurer.of_name(&name, 0)?;
    }
    for (namespace, definition) in &schema.0 {
        for entity_type in definition.entity_types.values() {
            if let EntityTypeKind::Standard(entity_type) = &entity_type.kind {
                add(measurer.of(&entity_type.shape.0, namespace.as_ref(), 0)?)?;
                entity_type.tags.iter().try_for_each(|tags| add(measurer.of(tags, namespace.as_ref(), 0)?))?;
            }
        }
        for applies in definition.actions.values().filter_map(|action| action.applies_to.as_ref()) {
            add(measurer.of(&applies.context.0, namespace.as_ref(), 0)?)?;
        }
    }
    Ok(())
}

pub(crate) fn qualify(namespace: Option<&Name>, name: &str) -> String {
    namespace.map_or_else(|| name.to_owned(), |namespace| format!("{namespace}::{name}"))
}

struct Measurer<'s> {
    /// Every common type with the namespace that it is declared in, by its full name.
    common: HashMap<String, (Option<&'s Name>, &'s Type<RawName>)>,
    /// What is known already; nothing while it is being measured.
    sizes: HashMap<String, Option<Size>>,
}

impl<'s> Measurer<'s> {
    const LEAF: Size = Size { types: 1, height: 1 };

    /// Steps on the way to a type's end, names that stand for names included: what the measuring itself recurses.
    const STEPS_MAX: usize = 4 * NESTING_MAX;

    fn of(&mut self, measured: &'s Type<RawName>, namespace: Option<&'s Name>, depth: usize) -> Result<Size, TooLarge> {
        match measured {
            Type::CommonTypeRef { type_name, .. }
            | Type::Type { ty: TypeVariant::EntityOrCommon { type_name }, .. } => {
                let name = type_name.to_string();
                let here = qualify(namespace, &name);
                let name = if type_name.is_unqualified() && self.common.contains_key(&here) { here } else { name };
                self.of_name(&name, depth)
            }
            Type::Type { ty: TypeVariant::Set { element }, .. } => {
                let size = self.of(element, namespace, depth.saturating_add(1))?;
                Ok(Size { types: size.types.saturating_add(1), height: size.height.saturating_add(1) })
            }
            Type::Type { ty: TypeVariant::Record(record), .. } => self.of_record(record, namespace, depth),
            Type::Type { .. } => Ok(Self::LEAF),
        }
    }

    fn of_record(
        &mut self,
        record: &'s RecordType<RawName>,
        namespace: Option<&'s Name>,
        depth: usize,
    ) -> Result<Size, TooLarge> {
        let mut sum = Self::LEAF;
        for attribute in record.attributes.values() {
            let size = self.of(&attribute.ty, namespace, depth.saturating_add(1))?;
            sum.types = sum.types.saturating_add(size.types);
            sum.height = sum.height.max(size.height.saturating_add(1));
        }
        Ok(sum)
    }

    fn of_name(&mut self, name: &str, depth: usize) -> Result<Size, TooLarge> {
        // A name that is no common type is an entity type, or a mistake that Cedar reports.
        let Some((namespace, measured)) = self.common.get(name).copied() else { return Ok(Self::LEAF) };
        let size = match self.sizes.get(name) {
            Some(Some(size)) => *size,
            // It names itself, which Cedar reports.
            Some(None) => Self::LEAF,
            None => {
                if depth > Self::STEPS_MAX {
                    return Err(TooLarge::Nested(name.to_owned()));
                }
                self.sizes.insert(name.to_owned(), None);
                let size = self.of(measured, namespace, depth.saturating_add(1))?;
                self.sizes.insert(name.to_owned(), Some(size));
                size
            }
        };
        if size.height > NESTING_MAX {
            return Err(TooLarge::Nested(name.to_owned()));
        }
        Ok(size)
    }
}
