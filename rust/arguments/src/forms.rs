//! Which form has each value, by the tool's schema and what is declared of it?
//!
//! The table of the design, from JSON Schema to Cedar, as code: [`Maker`] walks a schema and makes [`Fields`] and
//! [`Form`]s, numbers the names, and collects problems and notes on the way. An argument that is declared is known by
//! its path: names joined by points.
//!
//! Twin: `reference/forms.py`. Read next: `fields.rs`.

use std::collections::BTreeSet;
use std::sync::Arc;

use agentpdp_core::decimal::Decimal;
use agentpdp_core::value::TypeId;
use serde_json::Value;

use crate::declaration::Declaration;
use crate::form::{Column, Fields, Form, ListForm, Opaque, Property, Union};
use crate::kind::{Kind, Reading};
use crate::kinds::ip::Versions;
use crate::number::Number;
use crate::plan::Note;
use crate::problem::{Problem, ProblemCode};
use crate::schema::{
    Followed, JsonType, Leaf, Leaves, SCHEMA_DEPTH_MAX, SCHEMA_LEAVES_MAX, Schema, Untyped, too_large, values,
};

/// Where something stands, twice: as the path that declarations use, and as a pointer into the schema.
#[derive(Clone, Debug, Default)]
pub(crate) struct Here {
    pub(crate) path: String,
    pub(crate) pointer: String,
    pub(crate) depth: usize,
}

impl Here {
    pub(crate) fn below(&self, name: &str) -> Self {
        let point = if self.path.is_empty() { "" } else { "." };
        Self {
            path: format!("{}{point}{name}", self.path),
            pointer: format!("{}/properties/{}", self.pointer, crate::tool::pointer_name(name)),
            depth: self.depth.saturating_add(1),
        }
    }

    fn member(&self) -> Self {
        Self {
            path: self.path.clone(),
            pointer: format!("{}/items", self.pointer),
            depth: self.depth.saturating_add(1),
        }
    }
}

/// Makes the forms of one tool's arguments.
pub(crate) struct Maker<'s> {
    schema: Schema<'s>,
    pub(crate) declaration: &'s Declaration,
    pub(crate) problems: Vec<Problem>,
    pub(crate) notes: Vec<Note>,
    pub(crate) names: Vec<Arc<str>>,
    seen: BTreeSet<String>,
    leaf_count: usize,
}

impl<'s> Maker<'s> {
    pub(crate) fn new(schema: &'s Value, declaration: &'s Declaration) -> Self {
        let schema = Schema { root: schema };
        let (problems, notes, names, seen) = Default::default();
        Self { schema, declaration, problems, notes, names, seen, leaf_count: 0 }
    }

    /// The whole input.
    pub(crate) fn input(&mut self) -> Fields {
        let here = Here::default();
        let root = self.schema.root;
        let nothing = matches!(root, Value::Bool(true)) || root.as_object().is_some_and(serde_json::Map::is_empty);
        if nothing {
            return Fields::default();
        }
        let leaves = self.leaves(root, None, &here);
        match leaves.leaves.as_slice() {
            [leaf] if leaf.json_type == JsonType::Object && leaves.untyped.is_none() => {
                let leaf = leaf.clone();
                self.fields(&leaf, &here)
            }
            _ => {
                let advice = "write `\"type\": \"object\"` and `\"properties\"`";
                self.problem(
                    ProblemCode::InputNotObject,
                    &here.pointer,
                    "the input schema does not describe one object",
                    advice,
                );
                Fields::default()
            }
        }
    }

    /// Declared paths that no argument has.
    pub(crate) fn undeclared(&self) -> Vec<&'s str> {
        let Declaration { kinds, require, opaque, entities, resource } = self.declaration;
        let paths = kinds.iter().map(|(path, _)| path).chain(require).chain(opaque);
        let paths = paths.chain(entities.iter().chain(resource).map(|(path, _)| path));
        let unknown: BTreeSet<&str> = paths.map(|path| &**path).filter(|path| !self.seen.contains(*path)).collect();
        unknown.into_iter().collect()
    }

    /// Paths that there are.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.seen.iter().map(String::as_str)
    }

    pub(crate) fn problem(&mut self, code: ProblemCode, place: &str, message: &str, advice: &str) {
        self.problems.push(Problem::new(code, place, message, advice));
    }

    fn leaves(&mut self, node: &'s Value, followed: Option<Arc<Followed<'s>>>, here: &Here) -> Leaves<'s> {
        let found = self.schema.leaves(node, followed, &here.pointer).unwrap_or_else(|problem| {
            self.problems.push(problem);
            Leaves { untyped: Some(Untyped::FreeForm), ..Leaves::default() }
        });
        self.leaf_count = self.leaf_count.saturating_add(found.leaves.len()).saturating_add(1);
        if self.leaf_count > SCHEMA_LEAVES_MAX || here.depth > SCHEMA_DEPTH_MAX {
            if !self.problems.iter().any(|problem| problem.code == ProblemCode::InputTooLarge) {
                self.problems.push(too_large(&here.pointer));
            }
            return Leaves { untyped: Some(Untyped::FreeForm), ..Leaves::default() };
        }
        found
    }

    fn fields(&mut self, leaf: &Leaf<'s>, here: &Here) -> Fields {
        let required: Vec<&str> = match leaf.node.get("required") {
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let mut properties = Vec::new();
        if let Some(Value::Object(declared)) = leaf.node.get("properties") {
            for (name, node) in declared {
                let here = here.below(name);
                if name.starts_with("__") {
                    let message = format!("the name `{}` starts with `__`, which no argument may", name.escape_debug());
                    self.problem(ProblemCode::NameReserved, &here.pointer, &message, "rename the argument");
                    continue;
                }
                properties.push(self.property(name, node, required.contains(&name.as_str()), leaf, &here));
            }
        }
        crate::fields::layout(properties, &here.pointer, &mut self.problems)
    }

    fn property(&mut self, name: &str, node: &'s Value, is_required: bool, above: &Leaf<'s>, here: &Here) -> Property {
        self.seen.insert(here.path.clone());
        let leaves = self.leaves(node, above.followed.clone(), here);
        let form = self.form(&leaves, here);
        let declared = self.declaration;
        let is_path = |path: &Arc<str>| **path == *here.path;
        let resource = declared.resource.as_ref().filter(|(path, _)| is_path(path)).map(|(_, type_id)| *type_id);
        if resource.is_some() && !is_id(&form) {
            let message =
                format!("the resource comes from `{}`, which is not one string or integer", here.path.escape_debug());
            self.problem(
                ProblemCode::ResourceType,
                &here.path,
                &message,
                "take an argument that is the id of one entity",
            );
        }
        self.property_of(name, form, is_required, declared.require.iter().any(is_path), leaves.is_nullable, resource)
    }

    fn property_of(
        &mut self,
        name: &str,
        form: Form,
        is_required: bool,
        is_needed: bool,
        is_nullable: bool,
        resource: Option<TypeId>,
    ) -> Property {
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        let name: Arc<str> = Arc::from(name);
        self.names.push(name.clone());
        let is_needed = is_needed || resource.is_some();
        Property { number, name, form, is_required, is_needed, is_nullable, resource, places: Default::default() }
    }

    /// The form of a value, declared or not.
    fn form(&mut self, leaves: &Leaves<'s>, here: &Here) -> Form {
        let declared = self.declaration;
        let kind = declared.kinds.iter().find(|(path, _)| **path == *here.path).map(|(_, kind)| kind);
        let entity = declared.entities.iter().find(|(path, _)| **path == *here.path).map(|(_, type_id)| *type_id);
        let form = match (kind, entity) {
            (None, None) => self.undeclared_form(leaves, here),
            (kind, entity) => self.declared_form(leaves, kind, entity, here),
        };
        if !matches!(form, Form::Opaque(_)) && declared.opaque.iter().any(|path| **path == *here.path) {
            let message = format!("`{}` is declared opaque, and rules can see it", here.path.escape_debug());
            self.problem(ProblemCode::OpaqueTyped, &here.path, &message, "take it out of `opaque`");
        }
        if let Form::Choice(values) = &form {
            self.notes.push(Note::Choice { argument: Arc::from(&*here.path), values: values.clone() });
        }
        form
    }

    fn declared_form(&mut self, leaves: &Leaves<'s>, kind: Option<&Kind>, entity: Option<TypeId>, here: &Here) -> Form {
        let kind = kind.map(|kind| Arc::new(kind.clone()));
        let types: Vec<JsonType> = leaves.leaves.iter().map(|leaf| leaf.json_type).collect();
        let is_single =
            leaves.untyped.is_none() && types.iter().all(|json_type| self.is_taken(*json_type, kind.as_deref()));
        let inner = |json_types: &[JsonType]| match &kind {
            Some(kind) => Form::Kind(kind.clone()),
            None if json_types.contains(&JsonType::String) => Form::Text,
            None => Form::Integer(None),
        };
        let wrapped = |inner: Form| match entity {
            Some(type_id) => Form::Entity(type_id, Box::new(inner)),
            None => inner,
        };
        let has_id = kind.as_ref().is_none_or(|kind| has_text(kind));
        if is_single && !types.is_empty() && (entity.is_none() || has_id) {
            let both = types.contains(&JsonType::String) && types.contains(&JsonType::Integer) && kind.is_none();
            return wrapped(if both { self.either(here) } else { inner(&types) });
        }
        let items = match leaves.leaves.as_slice() {
            [leaf] if leaf.json_type == JsonType::Array && leaves.untyped.is_none() => {
                leaf.node.get("items").map(|items| (leaf, items))
            }
            _ => None,
        };
        if let Some((leaf, items)) = items
            && !kind.as_ref().is_some_and(|kind| kind.reads_list())
        {
            let leaf = leaf.clone();
            let members = self.leaves(items, leaf.followed, &here.member());
            let types: Vec<JsonType> = members.leaves.iter().map(|leaf| leaf.json_type).collect();
            let is_taken = types.iter().all(|json_type| self.is_taken(*json_type, kind.as_deref()));
            if is_taken && !types.is_empty() && members.untyped.is_none() && (entity.is_none() || has_id) {
                return list(wrapped(inner(&types)), Box::default());
            }
        }
        let (code, message) = match (&kind, entity) {
            (None, _) => {
                (ProblemCode::EntityType, "is declared as an entity, and is not a string, an integer or a list of them")
            }
            (Some(_), Some(_)) if !has_id => {
                (ProblemCode::EntityType, "is declared as an entity and with a kind that is no id")
            }
            _ => (ProblemCode::KindType, "is declared with a kind that does not read its type"),
        };
        let message = format!("`{}` {message}", here.path.escape_debug());
        self.problem(
            code,
            &here.path,
            &message,
            "see the tool's schema, and take the declaration away or declare another kind",
        );
        Form::Opaque(Opaque { is_list: false, is_allowed: false })
    }

    /// The id of an entity that is a string or an integer.
    fn either(&mut self, here: &Here) -> Form {
        let branches = vec![
            self.property_of("string", Form::Text, false, false, false, None),
            self.property_of("integer", Form::Integer(None), false, false, false, None),
        ];
        let fields = crate::fields::layout(branches, &here.pointer, &mut self.problems);
        Form::Union(Arc::new(Union { fields, has_null: false }))
    }

    /// Whether a value of this JSON type can be of the kind, or an id where there is none.
    fn is_taken(&self, json_type: JsonType, kind: Option<&Kind>) -> bool {
        match (kind, json_type) {
            (None, JsonType::String | JsonType::Integer) => true,
            (Some(kind), JsonType::String) => kind.reads_text(),
            (Some(kind), JsonType::Integer) => kind.reads_numbers().0,
            (Some(kind), JsonType::Number) => kind.reads_numbers().1,
            (Some(kind), JsonType::Array) => kind.reads_list(),
            _ => false,
        }
    }

    fn opaque(&mut self, untyped: Untyped, is_list: bool, here: &Here) -> Form {
        let is_allowed = self.declaration.opaque.iter().any(|path| **path == *here.path);
        let argument = Arc::from(&*here.path);
        self.notes.push(Note::Opaque { argument, reason: untyped.reason(), is_allowed });
        Form::Opaque(Opaque { is_list, is_allowed })
    }

    fn undeclared_form(&mut self, leaves: &Leaves<'s>, here: &Here) -> Form {
        if let Some(untyped) = leaves.untyped {
            return self.opaque(untyped, false, here);
        }
        match leaves.leaves.as_slice() {
            [leaf] => {
                let leaf = leaf.clone();
                self.single(&leaf, here)
            }
            several => {
                let several = several.to_vec();
                self.union(&several, leaves, here)
            }
        }
    }

    fn single(&mut self, leaf: &Leaf<'s>, here: &Here) -> Form {
        let listed = values(leaf.node);
        match leaf.json_type {
            JsonType::String => text_form(leaf.node, listed.as_deref()),
            JsonType::Boolean => Form::Bool(match listed.as_deref() {
                Some([Value::Bool(only)]) => Some(*only),
                _ => None,
            }),
            JsonType::Integer => Form::Integer(listed.map(|values| values.into_iter().filter_map(integer).collect())),
            JsonType::Number => Form::Number(listed.map(|values| values.into_iter().filter_map(decimal).collect())),
            JsonType::Object => self.object(leaf, here),
            JsonType::Array => self.list(leaf, here),
        }
    }

    fn object(&mut self, leaf: &Leaf<'s>, here: &Here) -> Form {
        let has_properties =
            leaf.node.get("properties").and_then(Value::as_object).is_some_and(|names| !names.is_empty());
        let is_closed = leaf.node.get("additionalProperties") == Some(&Value::Bool(false))
            && leaf.node.get("patternProperties").is_none();
        if has_properties || is_closed {
            return Form::Record(Arc::new(self.fields(leaf, here)));
        }
        self.opaque(Untyped::FreeForm, false, here)
    }

    fn list(&mut self, leaf: &Leaf<'s>, here: &Here) -> Form {
        let (Some(items @ (Value::Object(_) | Value::Bool(_))), None) =
            (leaf.node.get("items"), leaf.node.get("prefixItems"))
        else {
            return self.opaque(Untyped::Tuple, true, here);
        };
        let inner = here.member();
        let leaves = self.leaves(items, leaf.followed.clone(), &inner);
        if let Some(untyped) = leaves.untyped {
            return self.opaque(untyped, true, here);
        }
        if leaves.leaves.iter().any(|leaf| leaf.json_type == JsonType::Array)
            || (leaves.leaves.len() == 1 && leaves.leaves.iter().any(|leaf| is_free_object(leaf.node, leaf.json_type)))
        {
            return self.opaque(Untyped::TooManifold, true, here);
        }
        match self.undeclared_form(&leaves, &inner) {
            Form::Opaque(opaque) => Form::Opaque(Opaque { is_list: true, ..opaque }),
            Form::Record(fields) => {
                let columns = crate::fields::columns(&fields);
                list(Form::Record(fields), columns)
            }
            member => list(member, Box::default()),
        }
    }

    fn union(&mut self, several: &[Leaf<'s>], leaves: &Leaves<'s>, here: &Here) -> Form {
        let mut branches: Vec<(&'static str, Form)> = Vec::new();
        let has_number = several.iter().any(|leaf| leaf.json_type == JsonType::Number);
        for leaf in several.iter().filter(|leaf| !(has_number && leaf.json_type == JsonType::Integer)) {
            let form = match self.single(leaf, here) {
                Form::Number(_) if several.len() > 1 && values(leaf.node).is_none() => Form::Number(None),
                Form::Opaque(_) => return self.manifold(leaves, here),
                form => form,
            };
            let name = branch_name(&form);
            match branches.iter_mut().find(|(known, _)| *known == name) {
                None => branches.push((name, form)),
                Some((_, known)) => match merged(known, &form) {
                    Some(merged) => *known = merged,
                    None => return self.manifold(leaves, here),
                },
            }
        }
        // Where any text is allowed, a text that looks like a date is no date to whoever reads it as text.
        if branches.iter().any(|(name, _)| *name == "string") {
            branches.retain(|(name, _)| !matches!(*name, "date" | "datetime" | "ip"));
        }
        if let [(_, only)] = branches.as_slice() {
            return only.clone();
        }
        let properties =
            branches.into_iter().map(|(name, form)| self.property_of(name, form, false, false, false, None)).collect();
        let fields = crate::fields::layout(properties, &here.pointer, &mut self.problems);
        Form::Union(Arc::new(Union { fields, has_null: leaves.is_nullable }))
    }

    fn manifold(&mut self, leaves: &Leaves<'s>, here: &Here) -> Form {
        self.notes.retain(|note| !matches!(note, Note::Opaque { argument, .. } if **argument == *here.path));
        self.opaque(Untyped::TooManifold, leaves.is_list, here)
    }
}

fn is_free_object(node: &Value, json_type: JsonType) -> bool {
    let has_properties = node.get("properties").and_then(Value::as_object).is_some_and(|names| !names.is_empty());
    json_type == JsonType::Object && !has_properties && node.get("additionalProperties") != Some(&Value::Bool(false))
}

fn list(member: Form, columns: Box<[Column]>) -> Form {
    match member.value_type() {
        Some(member_type) => Form::List(Arc::new(ListForm { member, member_type, columns })),
        None => Form::Opaque(Opaque { is_list: true, is_allowed: false }),
    }
}

fn text_form(node: &Value, listed: Option<&[&Value]>) -> Form {
    if let Some(listed) = listed {
        return Form::Choice(listed.iter().filter_map(|value| value.as_str()).map(Arc::from).collect());
    }
    match node.get("format").and_then(Value::as_str) {
        Some("date") => Form::Date,
        Some("date-time") => Form::Moment,
        Some("ipv4") => Form::Ip(Versions::Only4),
        Some("ipv6") => Form::Ip(Versions::Only6),
        _ => Form::Text,
    }
}

fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| Number::Float(value.as_f64()?).whole())
}

fn decimal(value: &Value) -> Option<Decimal> {
    match value.as_i64() {
        Some(whole) => Decimal::from_long(whole),
        None => Number::Float(value.as_f64()?).decimal(),
    }
}

/// The name of a branch: that of its JSON type, or of its format.
fn branch_name(form: &Form) -> &'static str {
    match form {
        Form::Text | Form::Choice(_) => "string",
        Form::Bool(_) => "boolean",
        Form::Integer(_) => "integer",
        Form::Number(_) => "number",
        Form::Date => "date",
        Form::Moment => "datetime",
        Form::Ip(_) => "ip",
        Form::List(_) => "array",
        _ => "object",
    }
}

/// Two branches of one JSON type as one, if that is possible.
fn merged(known: &Form, other: &Form) -> Option<Form> {
    Some(match (known, other) {
        (Form::Choice(known), Form::Choice(other)) => {
            let mut values = known.to_vec();
            values.extend(other.iter().filter(|value| !known.contains(value)).cloned());
            Form::Choice(values.into())
        }
        (Form::Text | Form::Choice(_), Form::Text | Form::Choice(_)) => Form::Text,
        (Form::Bool(known), Form::Bool(other)) => Form::Bool(known.filter(|known| Some(*known) == *other)),
        (Form::Integer(_), Form::Integer(_)) => Form::Integer(None),
        (Form::Number(_), Form::Number(_)) => Form::Number(None),
        (Form::Ip(known), Form::Ip(other)) => Form::Ip(if known == other { *known } else { Versions::Any }),
        (Form::Date, Form::Date) | (Form::Moment, Form::Moment) => known.clone(),
        _ => return None,
    })
}

/// Whether a form is the id of one entity.
fn is_id(form: &Form) -> bool {
    match form {
        Form::Text | Form::Choice(_) | Form::Integer(_) | Form::Entity(..) => true,
        Form::Kind(kind) => has_text(kind),
        _ => false,
    }
}

/// Whether a kind has one text that can be an id.
fn has_text(kind: &Kind) -> bool {
    matches!(
        kind.reading,
        Reading::Url(_)
            | Reading::Host
            | Reading::Path
            | Reading::WindowsPath
            | Reading::Email
            | Reading::Iban
            | Reading::Id(_)
    )
}
