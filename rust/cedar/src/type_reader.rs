//! Which type does a Cedar type in a text of `agentpdp.toml` or `tasks/` mean?
//!
//! Cedar's own schema parser reads it; names are looked up in the organisation's schema, common types are put in.
//!
//! Read next: `declarations.rs`.

use std::sync::Arc;

use agentpdp_core::entities::Store;
use agentpdp_core::schema::{AttributeType, RecordType, Type};
use cedar_policy_core::ast::Name;
use cedar_policy_core::extensions::Extensions;
use cedar_policy_core::validator::RawName;
use cedar_policy_core::validator::json_schema::{self as json, Fragment, NamespaceDefinition, TypeVariant};

use crate::limits::{Language, NESTING_MAX, measure};
use crate::nearest::did_you_mean;

/// Longest text of a type, in bytes.
pub(crate) const TYPE_TEXT_BYTES_MAX: usize = 4_096;

/// Why a text is no type, and what would be right.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct NoType {
    pub(crate) message: String,
    pub(crate) advice: String,
}

/// Reads types over an organisation's schema.
pub(crate) struct TypeReader<'s> {
    schema: &'s Fragment<RawName>,
}

impl<'s> TypeReader<'s> {
    pub(crate) fn new(schema: &'s Fragment<RawName>) -> Self {
        Self { schema }
    }

    /// The type that a text means.
    pub(crate) fn read(&self, text: &str, store: &mut Store) -> Result<Type, NoType> {
        let parsed = parse(text).ok_or_else(|| NoType {
            message: format!("`{}` is not a Cedar type", shown(text)),
            advice: "write one as in a schema: `Long`, `String`, `Bool`, `decimal`, `datetime`, `Set<String>`, an entity type"
                .to_owned(),
        })?;
        self.resolve(&parsed, None, 0, store)
    }

    /// Whether the schema declares an entity type of this full name.
    pub(crate) fn is_entity_type(&self, name: &str) -> bool {
        let (namespace, base) = split(name);
        self.schema.0.iter().any(|(declared, definition)| {
            is_namespace(declared.as_ref(), namespace)
                && definition.entity_types.keys().any(|known| AsRef::<str>::as_ref(known) == base)
        })
    }

    /// Full names of all entity types.
    pub(crate) fn entity_types(&self) -> Vec<String> {
        let full = |(namespace, definition): (&'s Option<Name>, &'s NamespaceDefinition<RawName>)| {
            definition.entity_types.keys().map(move |name| join(namespace.as_ref(), name.as_ref()))
        };
        self.schema.0.iter().flat_map(full).collect()
    }

    fn common_type(&self, name: &str) -> Option<(Option<&'s Name>, &'s json::Type<RawName>)> {
        let (namespace, base) = split(name);
        self.schema.0.iter().filter(|(declared, _)| is_namespace(declared.as_ref(), namespace)).find_map(
            |(declared, definition)| {
                let found = definition.common_types.iter().find(|(known, _)| {
                    let known: &cedar_policy_core::ast::UnreservedId = (*known).as_ref();
                    AsRef::<str>::as_ref(known) == base
                });
                found.map(|(_, common)| (declared.as_ref(), &common.ty))
            },
        )
    }

    fn resolve(
        &self,
        read: &json::Type<RawName>,
        namespace: Option<&Name>,
        depth: usize,
        store: &mut Store,
    ) -> Result<Type, NoType> {
        let below = depth.saturating_add(1);
        if depth > NESTING_MAX {
            let message = format!("the type is nested deeper than {NESTING_MAX}");
            return Err(NoType { message, advice: "make it flatter".to_owned() });
        }
        Ok(match read {
            json::Type::CommonTypeRef { type_name, .. }
            | json::Type::Type { ty: TypeVariant::EntityOrCommon { type_name }, .. } => {
                return self.named(type_name, namespace, below, store);
            }
            json::Type::Type { ty: TypeVariant::Entity { name }, .. } => {
                return self.named(name, namespace, below, store);
            }
            json::Type::Type { ty: TypeVariant::String, .. } => Type::String,
            json::Type::Type { ty: TypeVariant::Long, .. } => Type::Long,
            json::Type::Type { ty: TypeVariant::Boolean, .. } => Type::Bool,
            json::Type::Type { ty: TypeVariant::Set { element }, .. } => {
                Type::Set(Box::new(self.resolve(element, namespace, below, store)?))
            }
            json::Type::Type { ty: TypeVariant::Record(record), .. } => {
                let mut attributes = Vec::new();
                for (name, attribute) in &record.attributes {
                    let value = self.resolve(&attribute.ty, namespace, below, store)?;
                    attributes.push(AttributeType { name: Arc::from(&**name), value, required: attribute.required });
                }
                Type::Record(Arc::new(RecordType::new(attributes)))
            }
            json::Type::Type { ty: TypeVariant::Extension { name }, .. } => {
                builtin(name.as_ref()).ok_or_else(|| self.unknown(name.as_ref()))?
            }
        })
    }

    fn named(&self, name: &RawName, namespace: Option<&Name>, depth: usize, store: &mut Store) -> Result<Type, NoType> {
        let written = name.to_string();
        let inside = namespace.filter(|_| name.is_unqualified()).map(|namespace| join(Some(namespace), &written));
        for full in inside.into_iter().chain([written.clone()]) {
            if let Some((namespace, common)) = self.common_type(&full) {
                return self.resolve(common, namespace, depth, store);
            }
            if self.is_entity_type(&full) {
                return Ok(Type::Entity(store.intern_type(&full)));
            }
        }
        let base = written.strip_prefix("__cedar::").unwrap_or(&written);
        builtin(base).ok_or_else(|| self.unknown(&written))
    }

    fn unknown(&self, name: &str) -> NoType {
        let types = self.entity_types();
        let known = types.iter().map(String::as_str).chain(BUILTIN.iter().map(|(name, _)| *name));
        NoType {
            message: format!("there is no type `{}`", shown(name)),
            advice: did_you_mean(name, known, "types are"),
        }
    }
}

const BUILTIN: [(&str, Type); 8] = [
    ("Bool", Type::Bool),
    ("Boolean", Type::Bool),
    ("Long", Type::Long),
    ("String", Type::String),
    ("decimal", Type::Decimal),
    ("ipaddr", Type::Ip),
    ("datetime", Type::Datetime),
    ("duration", Type::Duration),
];

fn builtin(name: &str) -> Option<Type> {
    BUILTIN.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
}

fn parse(text: &str) -> Option<json::Type<RawName>> {
    let file: Arc<str> = Arc::from("type");
    if text.len() > TYPE_TEXT_BYTES_MAX || text.contains(';') || measure(&file, text, Language::Schema).is_err() {
        return None;
    }
    let declared = format!("type read = {text}\n;");
    let (fragment, _) = Fragment::<RawName>::from_cedarschema_str(&declared, Extensions::all_available()).ok()?;
    let mut namespaces = fragment.0.into_iter();
    let (None, definition) = namespaces.next()? else { return None };
    if namespaces.next().is_some() || !definition.entity_types.is_empty() || !definition.actions.is_empty() {
        return None;
    }
    let mut common = definition.common_types.into_values();
    let read = common.next()?;
    common.next().is_none().then_some(read.ty)
}

fn shown(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_debug).collect()
}

fn split(name: &str) -> (Option<&str>, &str) {
    name.rsplit_once("::").map_or((None, name), |(namespace, base)| (Some(namespace), base))
}

fn is_namespace(declared: Option<&Name>, wanted: Option<&str>) -> bool {
    declared.map(ToString::to_string).as_deref() == wanted
}

pub(crate) fn join(namespace: Option<&Name>, base: &str) -> String {
    namespace.map_or_else(|| base.to_owned(), |namespace| format!("{namespace}::{base}"))
}
