//! Which Cedar value does an input mean?
//!
//! As Cedar's own JSON reader has it: entities are `{"__entity": {"type", "id"}}` and extension values
//! `{"__extn": {"fn", "arg"}}`, anywhere; where the schema says that an entity or an extension value is expected, the
//! escape may be left out, and a text is the argument of the type's constructor. Everything else is read by its kind.
//!
//! Reading is not checking: a text where the schema wants an integer is read as a text, and found by [`conform`].
//! Uids get their numbers through a function, so that the same code serves the store, which keeps every uid, and a
//! request, which must not make the store grow. Errors are data ([`ValueError`]) and hold no value of the input.
//!
//! Known difference: the positional forms that Cedar's reader happens to take (`["User", "alice"]`) are refused.
//!
//! Twin: `Reader` in `reference/request.py`. Read next: `entities.rs`.

use std::sync::Arc;

use agentpdp_core::entities::TooManyUids;
use agentpdp_core::evaluate::call_function;
use agentpdp_core::expression::Function;
use agentpdp_core::schema::{RecordType, Type};
use agentpdp_core::value::{EntityId, Record, Value, ValueRef};

use crate::input::Input;
pub use crate::values_check::conform;
pub use crate::values_error::{Problem, Step, ValueError, type_text};

/// Gives a number to a uid: type name and id.
pub type Resolve<'r> = dyn FnMut(&str, &str) -> Result<EntityId, TooManyUids> + 'r;

/// Reads a value, directed by the type that is wanted there, if it is known.
///
/// # Errors
///
/// [`ValueError`] says what is wrong where inside the input.
pub fn read_value(input: &Input, wanted: Option<&Type>, resolve: &mut Resolve<'_>) -> Result<Value, ValueError> {
    Reader { resolve }.read(input, wanted)
}

/// Reads a uid, in any of its forms.
///
/// # Errors
///
/// [`ValueError`] if it is none.
pub fn read_uid(input: &Input, resolve: &mut Resolve<'_>) -> Result<EntityId, ValueError> {
    Reader { resolve }.uid(input)
}

/// Type name and id of an input that has the form of a uid.
#[must_use]
pub fn uid_parts(input: &Input) -> Option<(&str, &str)> {
    if let Input::Uid { type_name, id } = input {
        return Some((type_name, id));
    }
    let inner = input.get("__entity").filter(|inner| type_and_id(inner).is_some()).unwrap_or(input);
    type_and_id(inner)
}

fn type_and_id(input: &Input) -> Option<(&str, &str)> {
    Some((input.get("type")?.text()?, input.get("id")?.text()?))
}

/// Whether a text is the name of an entity type as Cedar prints it: identifiers with `::` between them.
#[must_use]
pub fn is_type_name(text: &str) -> bool {
    text.split("::").all(is_identifier)
}

pub(crate) fn is_identifier(text: &str) -> bool {
    const RESERVED: [&str; 10] = ["true", "false", "if", "then", "else", "in", "is", "like", "has", "__cedar"];
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first == b'_' || first.is_ascii_alphabetic())
        && bytes.all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
        && !RESERVED.contains(&text)
}

/// Whether entities of this type are actions: its last name is `Action`, in whatever namespace.
#[must_use]
pub fn is_action_type(type_name: &str) -> bool {
    type_name == "Action" || type_name.ends_with("::Action")
}

struct Reader<'f, 'r> {
    resolve: &'f mut Resolve<'r>,
}

impl Reader<'_, '_> {
    fn read(&mut self, input: &Input, wanted: Option<&Type>) -> Result<Value, ValueError> {
        match (input, wanted) {
            (Input::Value(value), _) => Ok(value.clone()),
            (_, Some(Type::Entity(_))) => match uid_parts(input) {
                Some(_) => self.uid(input).map(Value::Entity),
                None => Err(misfit(input, wanted)),
            },
            (_, Some(Type::Decimal | Type::Ip | Type::Datetime | Type::Duration)) => self.extension(input, wanted),
            (Input::List(members), Some(Type::Set(member))) => self.set(members, Some(&**member)),
            (Input::Object(attributes), Some(Type::Record(record))) => self.record(attributes, record),
            (_, Some(Type::Set(_) | Type::Record(_))) => Err(misfit(input, wanted)),
            (_, None | Some(Type::Bool | Type::Long | Type::String)) => self.plain(input),
        }
    }

    fn uid(&mut self, input: &Input) -> Result<EntityId, ValueError> {
        if is_expression_escape(input) {
            return Err(Problem::ExpressionEscape.into());
        }
        let (type_name, id) = uid_parts(input).ok_or(Problem::NotAUid(input.kind()))?;
        if !is_type_name(type_name) {
            return Err(Problem::NotATypeName.into());
        }
        (self.resolve)(type_name, id).map_err(|TooManyUids| Problem::TooManyUids.into())
    }

    fn set(&mut self, members: &[Input], wanted: Option<&Type>) -> Result<Value, ValueError> {
        let values = members.iter().map(|member| self.read(member, wanted));
        values.collect::<Result<_, _>>().map(Value::set).map_err(|error: ValueError| error.inside(Step::Member))
    }

    /// A record whose attributes the schema knows.
    fn record(&mut self, attributes: &[(String, Input)], wanted: &RecordType) -> Result<Value, ValueError> {
        let mut read = Vec::with_capacity(attributes.len());
        for (name, value) in attributes {
            let Some(attribute) = wanted.get(name) else {
                return Err(ValueError::from(Problem::Undeclared).inside(Step::Name(Arc::from(&**name))));
            };
            let value = self.read(value, Some(&attribute.value));
            read.push((
                attribute.name.clone(),
                value.map_err(|error| error.inside(Step::Name(attribute.name.clone())))?,
            ));
        }
        let lacks = |name: &str| attributes.iter().all(|(given, _)| given != name);
        let missing = wanted.attributes().iter().find(|attribute| attribute.required && lacks(&attribute.name));
        if let Some(attribute) = missing {
            return Err(ValueError::from(Problem::Missing).inside(Step::Name(attribute.name.clone())));
        }
        make_record(read)
    }

    /// An extension value where the schema says so.
    fn extension(&mut self, input: &Input, wanted: Option<&Type>) -> Result<Value, ValueError> {
        if let Input::String(text) = input
            && let Some(function) = wanted.and_then(constructor)
        {
            return apply(function, &[Value::String(Arc::from(&**text))]);
        }
        if is_expression_escape(input) {
            return Err(Problem::ExpressionEscape.into());
        }
        let call = input.get("__extn").and_then(call_parts).or_else(|| call_parts(input));
        let Some((name, arguments)) = call else { return Err(misfit(input, wanted)) };
        let function = Function::named(name).ok_or(Problem::NoSuchFunction)?;
        let types = parameters(function);
        if types.len() != arguments.len() {
            return Err(Problem::ArgumentCount(function).into());
        }
        let values = arguments.iter().zip(types).map(|(argument, wanted)| self.read(argument, Some(wanted)));
        apply(function, &values.collect::<Result<Vec<_>, _>>()?)
    }

    /// A value of which nothing is known beforehand.
    fn plain(&mut self, input: &Input) -> Result<Value, ValueError> {
        match input {
            Input::Null | Input::Float(_) | Input::Number(_) | Input::Broken | Input::Foreign => {
                Err(Problem::NotAValue(input.kind()).into())
            }
            Input::Bool(value) => Ok(Value::Bool(*value)),
            Input::Long(value) => Ok(Value::Long(*value)),
            Input::String(text) => Ok(Value::String(Arc::from(&**text))),
            Input::List(members) => self.set(members, None),
            Input::Object(attributes) => self.plain_object(attributes),
            Input::Uid { .. } => self.uid(input).map(Value::Entity),
            Input::Value(value) => Ok(value.clone()),
        }
    }

    fn plain_object(&mut self, attributes: &[(String, Input)]) -> Result<Value, ValueError> {
        if let [(escape, inner)] = attributes {
            match (escape.as_str(), inner) {
                ("__expr", Input::String(_)) => return Err(Problem::ExpressionEscape.into()),
                ("__entity", Input::Object(_)) if type_and_id(inner).is_some() => {
                    return self.uid(inner).map(Value::Entity);
                }
                ("__extn", Input::Object(_)) => {
                    if let Some((name, arguments)) = call_parts(inner) {
                        return self.plain_call(name, arguments);
                    }
                }
                _ => {}
            }
        }
        let mut read = Vec::with_capacity(attributes.len());
        for (name, value) in attributes {
            let name: Arc<str> = Arc::from(&**name);
            let value = self.plain(value).map_err(|error| error.inside(Step::Name(name.clone())))?;
            read.push((name, value));
        }
        make_record(read)
    }

    fn plain_call(&mut self, name: &str, arguments: &[Input]) -> Result<Value, ValueError> {
        let function = Function::named(name).ok_or(Problem::NoSuchFunction)?;
        if function.arity() != arguments.len() {
            return Err(Problem::ArgumentCount(function).into());
        }
        let values = arguments.iter().map(|argument| self.plain(argument));
        apply(function, &values.collect::<Result<Vec<_>, _>>()?)
    }
}

fn misfit(input: &Input, wanted: Option<&Type>) -> ValueError {
    match (input, wanted) {
        (Input::Null | Input::Float(_) | Input::Number(_) | Input::Broken | Input::Foreign, _) | (_, None) => {
            Problem::NotAValue(input.kind()).into()
        }
        (_, Some(wanted)) => Problem::Misfit { wanted: wanted.clone(), found: input.kind() }.into(),
    }
}

fn make_record(attributes: Vec<(Arc<str>, Value)>) -> Result<Value, ValueError> {
    Record::new(attributes)
        .map(|record| Value::Record(Arc::new(record)))
        .map_err(|duplicate| ValueError::from(Problem::Repeated).inside(Step::Name(duplicate.0)))
}

/// `__expr` was an escape of Cedar 2; it is refused wherever an escape may stand.
fn is_expression_escape(input: &Input) -> bool {
    matches!(input.get("__expr"), Some(Input::String(_)))
}

/// Name and arguments of `{"fn": …, "arg": …}` or `{"fn": …, "args": […]}`.
fn call_parts(input: &Input) -> Option<(&str, &[Input])> {
    let name = input.get("fn")?.text()?;
    match (input.get("arg"), input.get("args")) {
        (Some(argument), _) => Some((name, std::slice::from_ref(argument))),
        (None, Some(Input::List(arguments))) => Some((name, arguments)),
        _ => None,
    }
}

fn apply(function: Function, arguments: &[Value]) -> Result<Value, ValueError> {
    let borrowed: Vec<ValueRef<'_>> = arguments.iter().map(Value::borrow).collect();
    call_function(function, &borrowed).map(ValueRef::to_owned).map_err(|_| Problem::BadArgument(function).into())
}

/// The function that makes an extension value out of a text.
fn constructor(wanted: &Type) -> Option<Function> {
    match wanted {
        Type::Decimal => Some(Function::Decimal),
        Type::Ip => Some(Function::Ip),
        Type::Datetime => Some(Function::Datetime),
        Type::Duration => Some(Function::Duration),
        _ => None,
    }
}

/// The types that a function's arguments are read as.
fn parameters(function: Function) -> &'static [Type] {
    use Function as F;
    match function {
        F::Decimal | F::Ip | F::Datetime | F::Duration => &[Type::String],
        F::LessThan | F::LessThanOrEqual | F::GreaterThan | F::GreaterThanOrEqual => &[Type::Decimal, Type::Decimal],
        F::IsIpv4 | F::IsIpv6 | F::IsLoopback | F::IsMulticast => &[Type::Ip],
        F::IsInRange => &[Type::Ip, Type::Ip],
        F::Offset => &[Type::Datetime, Type::Duration],
        F::DurationSince => &[Type::Datetime, Type::Datetime],
        F::ToDate | F::ToTime => &[Type::Datetime],
        F::ToMilliseconds | F::ToSeconds | F::ToMinutes | F::ToHours | F::ToDays => &[Type::Duration],
    }
}
