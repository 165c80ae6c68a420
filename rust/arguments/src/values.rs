//! How is one value of the arguments read?
//!
//! Each form reads what JSON has of its type and nothing else: no number is read out of a text, no text out of a number.
//! Where a value may have several types, a value of one that other readers take for another is refused.
//!
//! Twin: `reference/arguments.py`. Read next: `lists.rs`.

use std::borrow::Cow;
use std::sync::LazyLock;

use agentpdp_core::decision::Reason;
use agentpdp_core::slots::{Slot, Slots};
use agentpdp_core::value::{EntityId, Record, Set, TypeId, Value, ValueRef};

use crate::decode::{Reader, Rewrite, RewriteStep, TEXT_ARGUMENT_BYTES_MAX};
use crate::form::{Fields, Form, Union};
use crate::kind::{Kind, Read};
use crate::kinds::{date, ip};
use crate::number::{Number, is_safe};
use crate::refusal::{Path, Rejection, Step};
use crate::source::{List, Node, Object, Source};

static EMPTY_SET: LazyLock<Set> = LazyLock::new(|| Set::new(Vec::new()));

/// A set without members.
pub(crate) fn empty_set() -> ValueRef<'static> {
    ValueRef::Set(&EMPTY_SET)
}

impl<'a> Reader<'a, '_> {
    /// Reads a value; none if it was refused.
    pub(crate) fn value<S: Source<'a>>(
        &mut self,
        form: &'a Form,
        node: Node<'a, S>,
        path: &Path<'_>,
    ) -> Option<ValueRef<'a>> {
        match (form, node) {
            (Form::Kind(kind), node) => self.kind::<S>(kind, node, path),
            (Form::Entity(type_id, inner), node) => {
                let id = self.value::<S>(inner, node, path)?;
                self.entity(*type_id, id, path).map(ValueRef::Entity)
            }
            (Form::Record(fields), Node::Object(object)) => self.record::<S>(fields, object, path),
            (Form::Union(union), node) => self.union::<S>(union, node, path),
            (Form::List(list), node) => self.list::<S>(list, node, path).map(|read| read.value),
            (Form::Text | Form::Choice(_) | Form::Date | Form::Moment | Form::Ip(_), Node::Broken) => {
                self.refuse(Reason::ArgumentUnsafe, path, "text of Unicode characters")
            }
            (_, Node::Text(text)) => self.text(form, text, path),
            (Form::Bool(only), Node::Bool(flag)) => match only {
                Some(only) if *only != flag => {
                    self.refuse(Reason::ArgumentEnum, path, if *only { "true" } else { "false" })
                }
                _ => Some(ValueRef::Bool(flag)),
            },
            (Form::Integer(listed), node @ (Node::Integer(_) | Node::Number(_))) => {
                let Some(whole) = whole::<S>(node) else {
                    return self.refuse(Reason::ArgumentType, path, form.expected());
                };
                let is_listed = listed.as_ref().is_none_or(|listed| listed.contains(&whole));
                if is_listed {
                    Some(ValueRef::Long(whole))
                } else {
                    self.refuse(Reason::ArgumentEnum, path, "one of the numbers that the tool lists")
                }
            }
            (Form::Number(listed), node @ (Node::Integer(_) | Node::Number(_))) => {
                let Some(decimal) = decimal::<S>(node) else {
                    return self.refuse(
                        Reason::ArgumentNotExact,
                        path,
                        "a number with at most four places that doubles keep",
                    );
                };
                let is_listed = listed.as_ref().is_none_or(|listed| listed.contains(&decimal));
                if is_listed {
                    Some(ValueRef::Decimal(decimal))
                } else {
                    self.refuse(Reason::ArgumentEnum, path, "one of the numbers that the tool lists")
                }
            }
            _ => self.refuse(Reason::ArgumentType, path, form.expected()),
        }
    }

    #[cold]
    pub(crate) fn refuse<T>(&mut self, reason: Reason, path: &Path<'_>, expected: &str) -> Option<T> {
        self.refusals.add(reason, path, expected);
        None
    }

    #[cold]
    pub(crate) fn reject<T>(&mut self, rejection: &Rejection, path: &Path<'_>) -> Option<T> {
        self.refusals.add(rejection.reason(), path, rejection.expected());
        None
    }

    fn text(&mut self, form: &'a Form, text: &'a str, path: &Path<'_>) -> Option<ValueRef<'a>> {
        if text.len() > TEXT_ARGUMENT_BYTES_MAX {
            return self.reject(&Rejection::TooLarge(TEXT_ARGUMENT_BYTES_MAX), path);
        }
        let read = match form {
            Form::Text => return Some(ValueRef::String(text)),
            Form::Choice(listed) => {
                if listed.iter().any(|value| **value == *text) {
                    return Some(ValueRef::String(text));
                }
                let listed: Vec<String> = listed.iter().map(|value| format!("`{}`", value.escape_debug())).collect();
                return self.refuse(Reason::ArgumentEnum, path, &listed.join(", "));
            }
            Form::Date => date::read_date(text).map(ValueRef::Datetime),
            Form::Moment => date::read_moment(text).map(ValueRef::Datetime),
            Form::Ip(versions) => ip::read(text, *versions).map(ValueRef::Ip),
            form => return self.refuse(Reason::ArgumentType, path, form.expected()),
        };
        match read {
            Ok(value) => Some(value),
            Err(rejection) => self.reject(&rejection, path),
        }
    }

    /// Reads an argument of a kind.
    fn kind<S: Source<'a>>(&mut self, kind: &'a Kind, node: Node<'a, S>, path: &Path<'_>) -> Option<ValueRef<'a>> {
        let read = match node {
            Node::Text(text) if kind.reads_text() => return self.kind_text(kind, text, path),
            Node::Broken if kind.reads_text() => {
                return self.refuse(Reason::ArgumentUnsafe, path, "text of Unicode characters");
            }
            Node::List(list) if kind.reads_list() => return self.kind_list::<S>(kind, list, path),
            Node::Integer(integer) if kind.reads_numbers().0 => kind.read_integer(integer),
            Node::Number(number) if kind.reads_numbers().0 => kind.read_number(number),
            _ => return self.refuse(Reason::ArgumentType, path, "a string, number or list, as the tool's schema says"),
        };
        match read {
            Ok(read) => Some(self.kept(read)),
            Err(rejection) => self.reject(&rejection, path),
        }
    }

    pub(crate) fn kind_text(&mut self, kind: &'a Kind, text: &'a str, path: &Path<'_>) -> Option<ValueRef<'a>> {
        match kind.read_text(text) {
            Ok(read) => Some(self.kept(read)),
            Err(Rejection::NotCanonical(canonical)) if kind.rewrite => {
                let read = match kind.read_text(&canonical) {
                    Ok(Read::Text(text)) => Value::String(text.into()),
                    Ok(Read::Ready(value)) => value.to_owned(),
                    Ok(Read::Owned(value)) => value,
                    Err(rejection) => return self.reject(&rejection, path),
                };
                self.rewrite(canonical, path);
                Some(self.keep.keep(read))
            }
            Err(rejection) => self.reject(&rejection, path),
        }
    }

    pub(crate) fn rewrite(&mut self, text: String, path: &Path<'_>) {
        let steps = path.steps().into_iter().map(|step| match step {
            Step::Name(name) => RewriteStep::Name(name.into()),
            Step::Member(number) => RewriteStep::Member(number),
        });
        self.rewritten.push(Rewrite { steps: steps.collect(), text });
    }

    pub(crate) fn kept(&self, read: Read<'a>) -> ValueRef<'a> {
        match read {
            Read::Text(text) => ValueRef::String(text),
            Read::Ready(value) => value,
            Read::Owned(value) => self.keep.keep(value),
        }
    }

    /// The entity of an id.
    pub(crate) fn entity(&mut self, type_id: TypeId, id: ValueRef<'_>, path: &Path<'_>) -> Option<EntityId> {
        let resolved = match id {
            ValueRef::Entity(entity) => return Some(entity),
            id => id_text(id).and_then(|text| self.entities.resolve(type_id, &text).ok()),
        };
        if resolved.is_none() {
            self.refusals.add(Reason::ArgumentEntity, path, "the id of an entity that is known");
        }
        resolved
    }

    /// The entity that is the call's resource.
    pub(crate) fn resource_entity(&mut self, type_id: TypeId, id: ValueRef<'_>, path: &Path<'_>) -> Option<EntityId> {
        let resolved = match id {
            ValueRef::Entity(entity) => return Some(entity),
            id => id_text(id).and_then(|text| self.entities.resource(type_id, &text).ok()),
        };
        if resolved.is_none() {
            self.refusals.add(Reason::ArgumentEntity, path, "the id of an entity that is known");
        }
        resolved
    }

    fn record<S: Source<'a>>(
        &mut self,
        fields: &'a Fields,
        object: S::Object,
        path: &Path<'_>,
    ) -> Option<ValueRef<'a>> {
        let mut row = Slots::new();
        self.object::<S>(fields, object, path, &mut row);
        Some(self.keep.keep(record_of(fields, &row)))
    }

    fn union<S: Source<'a>>(&mut self, union: &'a Union, node: Node<'a, S>, path: &Path<'_>) -> Option<ValueRef<'a>> {
        let fields = &union.fields;
        if let Some(expected) = doubt::<S>(union, node) {
            return self.refuse(Reason::ArgumentAmbiguous, path, expected);
        }
        let takes = |form: &Form| match (form, node) {
            (Form::Text | Form::Choice(_), Node::Text(_) | Node::Broken) => true,
            (Form::Date, Node::Text(text)) => date::read_date(text).is_ok(),
            (Form::Moment, Node::Text(text)) => date::read_moment(text).is_ok(),
            (Form::Ip(versions), Node::Text(text)) => ip::read(text, *versions).is_ok(),
            (Form::Bool(_), Node::Bool(_)) | (Form::Number(_), Node::Integer(_) | Node::Number(_)) => true,
            (Form::Integer(_), Node::Integer(_) | Node::Number(_)) => whole::<S>(node).is_some(),
            (Form::List(_), Node::List(_)) | (Form::Record(_), Node::Object(_)) => true,
            _ => false,
        };
        let Some(branch) = fields.properties.iter().find(|property| takes(&property.form)) else {
            let is_text = matches!(node, Node::Text(_))
                && fields
                    .properties
                    .iter()
                    .any(|property| matches!(property.form, Form::Date | Form::Moment | Form::Ip(_)));
            let reason = if is_text { Reason::ArgumentFormat } else { Reason::ArgumentType };
            return self.refuse(reason, path, "one of the types that the tool's schema lists");
        };
        let mut row = Slots::new();
        row.resize(fields.record.attributes().len(), Slot::Absent);
        self.union_branch::<S>(fields, &branch.name, node, path, &mut row);
        Some(self.keep.keep(record_of(fields, &row)))
    }
}

/// The record of a row of slots.
pub(crate) fn record_of(fields: &Fields, row: &Slots<'_>) -> Value {
    let attributes = fields.record.attributes().iter().zip(row).filter_map(|(attribute, slot)| match slot {
        Slot::Value(value) => Some((attribute.name.clone(), (*value).to_owned())),
        _ => None,
    });
    Value::Record(Record::new(attributes.collect()).unwrap_or_default().into())
}

/// The whole number that a node is.
pub(crate) fn whole<'a, S: Source<'a>>(node: Node<'a, S>) -> Option<i64> {
    match node {
        Node::Integer(integer) => is_safe(integer).then_some(integer),
        Node::Number(number) => number.whole(),
        _ => None,
    }
}

fn decimal<'a, S: Source<'a>>(node: Node<'a, S>) -> Option<agentpdp_core::decimal::Decimal> {
    match node {
        Node::Integer(integer) if is_safe(integer) => agentpdp_core::decimal::Decimal::from_long(integer),
        Node::Integer(integer) => {
            let mut text = crate::number::Buffer::default();
            std::fmt::Write::write_fmt(&mut text, format_args!("{integer}")).ok()?;
            Number::Text(text.text()).decimal()
        }
        Node::Number(number) => number.decimal(),
        _ => None,
    }
}

/// The text that a value is as an id.
fn id_text(value: ValueRef<'_>) -> Option<Cow<'_, str>> {
    match value {
        ValueRef::String(text) => Some(Cow::Borrowed(text)),
        ValueRef::Long(number) => Some(Cow::Owned(number.to_string())),
        ValueRef::Record(record) => {
            ["text", "string", "integer"].into_iter().find_map(|name| id_text(record.get(name)?.borrow()))
        }
        _ => None,
    }
}

/// What would be right where other readers take a value for one of another branch.
fn doubt<'a, S: Source<'a>>(union: &Union, node: Node<'a, S>) -> Option<&'static str> {
    let has = |is_it: fn(&Form) -> bool| union.fields.properties.iter().any(|property| is_it(&property.form));
    let has_number = has(|form| matches!(form, Form::Integer(_) | Form::Number(_)));
    let has_flag = has(|form| matches!(form, Form::Bool(_)));
    match node {
        Node::Text(text) => {
            let trimmed = text.trim();
            if has_number && looks_like_number(trimmed) {
                return Some("a number, not a text that looks like one");
            }
            if has_flag && looks_like_flag(trimmed) {
                return Some("true or false, not a text that looks like one");
            }
            if union.has_null && ["null", "none", "nil"].iter().any(|null| trimmed.eq_ignore_ascii_case(null)) {
                return Some("null, not a text that looks like it");
            }
            if trimmed.starts_with('[') && has(|form| matches!(form, Form::List(_))) {
                return Some("a list, not a text that looks like one");
            }
            (trimmed.starts_with('{') && has(|form| matches!(form, Form::Record(_))))
                .then_some("an object, not a text that looks like one")
        }
        Node::Integer(0 | 1) if has_flag => Some("true or false, not a number that is read as one"),
        Node::Number(number) if has_flag && matches!(number.whole(), Some(0 | 1)) => {
            Some("true or false, not a number that is read as one")
        }
        _ => None,
    }
}

/// Whether some reader takes a text for a number: digits of any script with signs, points, exponents, separators, or
/// hexadecimal, or what is not finite.
fn looks_like_number(text: &str) -> bool {
    let unsigned = text.trim_start_matches(['+', '-', '−']).trim_start();
    let word = unsigned.to_ascii_lowercase();
    if ["nan", "inf", "infinity"].contains(&word.as_str()) {
        return true;
    }
    let (mantissa, power) = word.split_once('e').unwrap_or((&word, "0"));
    let is_power = power.trim_start_matches(['+', '-']).chars().all(char::is_numeric);
    let is_part =
        |character: char| character.is_numeric() || matches!(character, '.' | ',' | '_' | '\'' | ' ' | '٫' | '٬');
    let is_plain = is_power && mantissa.chars().all(is_part) && mantissa.matches('.').count() <= 1;
    let prefixed = ["0x", "0o", "0b"].iter().find_map(|prefix| word.strip_prefix(prefix));
    let is_prefixed =
        prefixed.is_some_and(|digits| digits.chars().all(|digit| digit.is_ascii_hexdigit() || digit == '_'));
    unsigned.chars().any(char::is_numeric) && (is_plain || is_prefixed)
}

/// Whether some reader takes a text for true or false.
fn looks_like_flag(text: &str) -> bool {
    ["true", "false", "yes", "no", "on", "off", "y", "n", "t", "f", "1", "0"]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word))
}

/// Number of members of a list, or names of an object.
pub(crate) fn is_empty<'a, S: Source<'a>>(node: Node<'a, S>) -> bool {
    match node {
        Node::Null => true,
        Node::List(list) => list.is_empty(),
        Node::Object(object) => object.is_empty(),
        _ => false,
    }
}
