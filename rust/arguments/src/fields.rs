//! Which attributes of the record that rules see come out of each property of an object?
//!
//! A property gives its value, and beside it what rules need of lists and of what they cannot see: `_count`, `_given`,
//! and over lists of objects a set, the largest and the sum of each field. What stands beside a value is always there.
//!
//! Twin: `reference/forms.py`. Read next: `decode.rs`.

use std::sync::Arc;

use agentpdp_core::schema::{AttributeType, RecordType, Type};
use agentpdp_core::value::Record;

use crate::form::{Column, Fields, Form, Places, Property};
use crate::kind::{Kind, Read, Reading};
use crate::problem::{Problem, ProblemCode};

/// Puts the attributes of properties into one record.
pub(crate) fn layout(mut properties: Vec<Property>, pointer: &str, problems: &mut Vec<Problem>) -> Fields {
    let mut attributes: Vec<AttributeType> = Vec::new();
    for property in &properties {
        for attribute in attributes_of(property) {
            if attributes.iter().any(|known| known.name == attribute.name) {
                let message = format!("two attributes of the input are named `{}`", attribute.name.escape_debug());
                let advice = "rename the argument; what a list or an opaque argument adds has this name, too";
                problems.push(Problem::new(ProblemCode::NameCollision, pointer, message, advice));
            } else {
                attributes.push(attribute);
            }
        }
    }
    let record = Arc::new(RecordType::new(attributes));
    for property in &mut properties {
        property.places = places_of(property, &record);
    }
    Fields { properties: properties.into(), record }
}

fn attributes_of(property: &Property) -> Vec<AttributeType> {
    let name = &property.name;
    let is_there = property.is_needed || (property.is_required && !property.is_nullable);
    let always = |name: String, value: Type| AttributeType { name: Arc::from(name), value, required: true };
    let mut attributes = Vec::new();
    if let Some(value) = property.form.value_type() {
        let required = is_there || property.form.is_email_list();
        attributes.push(AttributeType { name: name.clone(), value, required });
    }
    match &property.form {
        Form::List(list) => {
            attributes.push(always(format!("{name}_count"), Type::Long));
            for column in &list.columns {
                if let Some(member) = &column.set {
                    attributes.push(always(format!("{name}_{}", column.name), Type::Set(Box::new(member.clone()))));
                }
                if column.is_number {
                    attributes.push(always(format!("{name}_{}_max", column.name), Type::Long));
                    attributes.push(always(format!("{name}_{}_sum", column.name), Type::Long));
                }
            }
        }
        Form::Opaque(opaque) => {
            attributes.push(always(format!("{name}_given"), Type::Bool));
            if opaque.is_list {
                attributes.push(always(format!("{name}_count"), Type::Long));
            }
        }
        _ => {}
    }
    attributes
}

fn places_of(property: &Property, record: &RecordType) -> Places {
    let name = &property.name;
    let place = |name: &str| {
        let at = record.attributes().binary_search_by(|attribute| (*attribute.name).cmp(name)).ok()?;
        u16::try_from(at).ok()
    };
    let (mut columns, mut count, mut given) = (Vec::new(), None, None);
    match &property.form {
        Form::List(list) => {
            count = place(&format!("{name}_count"));
            for column in &list.columns {
                let number = |suffix: &str| {
                    column.is_number.then(|| place(&format!("{name}_{}_{suffix}", column.name))).flatten()
                };
                let set = column.set.is_some().then(|| place(&format!("{name}_{}", column.name))).flatten();
                columns.push([set, number("max"), number("sum")]);
            }
        }
        Form::Opaque(opaque) => {
            given = place(&format!("{name}_given"));
            count = opaque.is_list.then(|| place(&format!("{name}_count"))).flatten();
        }
        _ => {}
    }
    let value = property.form.value_type().is_some().then(|| place(name)).flatten();
    Places { value, count, given, columns: columns.into(), absent: absent(&property.form) }
}

/// The record of no addresses, for lists of them that are absent.
fn absent(form: &Form) -> Option<Arc<Record>> {
    let Form::Kind(kind) = form else { return None };
    match (&kind.reading, kind.emails(&smallvec::SmallVec::new())) {
        (Reading::EmailList, Read::Owned(agentpdp_core::value::Value::Record(record))) => Some(record),
        _ => None,
    }
}

/// What rules see of the fields of a list's objects over the whole list.
pub(crate) fn columns(fields: &Fields) -> Box<[Column]> {
    let column = |property: &Property| {
        let is_money = |kind: &Arc<Kind>| matches!(kind.reading, Reading::Money { .. });
        let is_number = match &property.form {
            Form::Integer(_) => true,
            Form::Kind(kind) => is_money(kind),
            _ => false,
        };
        let set = property.form.value_type().filter(|value| !matches!(value, Type::Record(_) | Type::Set(_)));
        let attribute = property.places.value?;
        (is_number || set.is_some()).then(|| Column { attribute, name: property.name.clone(), set, is_number })
    };
    fields.properties.iter().filter_map(column).collect()
}
