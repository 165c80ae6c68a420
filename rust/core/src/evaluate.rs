//! What is the value of a condition in one call?
//!
//! The scalar evaluator: one recursion over the nodes of a shape, on borrowed values, without lock, allocation or
//! shared write (only sets and records that a condition builds itself are allocated, in the call's arena). Semantics
//! are Cedar's, errors included: an error carries a code and the node it came from, and its message is made on demand.
//!
//! Twin: `reference/evaluate.py`. The column kernels (`kernels.rs`) use the operators defined here.
//! Read next: `authorize.rs`.

use std::cell::OnceCell;
use std::sync::Arc;

use typed_arena::Arena;

use crate::datetime::{Datetime, Duration};
use crate::decimal::Decimal;
use crate::entities::Store;
use crate::expression::{Binary, Function, Unary};
use crate::grant_slots::{GrantPath, GrantRow};
use crate::ipaddr::IpNet;
use crate::request::Locals;
use crate::shape::{Children, Constant, ConstantId, Node, NodeId, Shape};
use crate::slots::{Layout, PathId, Place, Slot};
use crate::value::{EntityId, Record, Set, TypeId, Value, ValueRef};

/// Why an expression has no value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ErrorCode {
    /// An operator or function was given a kind of value that it does not take.
    TypeError,
    /// A record, or an entity of the store, lacks the attribute.
    AttributeMissing,
    /// An entity of the store lacks the tag.
    TagMissing,
    /// An attribute or tag of an entity that is not in the store was read.
    EntityMissing,
    /// An integer result does not fit 64 bits.
    Overflow,
    /// An extension function was given text or numbers that it does not take.
    ExtensionError,
}

impl ErrorCode {
    /// The code as documented.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TypeError => "type_error",
            Self::AttributeMissing => "attribute_missing",
            Self::TagMissing => "tag_missing",
            Self::EntityMissing => "entity_missing",
            Self::Overflow => "overflow",
            Self::ExtensionError => "extension_error",
        }
    }
}

/// An error and the node of the shape where it came up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Failure {
    /// Why.
    pub code: ErrorCode,
    /// Where.
    pub node: NodeId,
}

/// Where values live that a condition builds while it is evaluated.
#[derive(Default)]
pub struct Temporaries(OnceCell<Arena<Value>>);

impl Temporaries {
    /// Keeps a value for as long as the call is decided.
    pub fn keep(&self, value: Value) -> ValueRef<'_> {
        (*self.0.get_or_init(|| Arena::with_capacity(8)).alloc(value)).borrow()
    }
}

impl std::fmt::Debug for Temporaries {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Temporaries")
    }
}

/// One call as its conditions see it.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The entity data.
    pub store: &'a Store,
    /// Uids that only this call mentions.
    pub locals: &'a Locals<'a>,
    /// Who asks.
    pub principal: EntityId,
    /// What is asked for.
    pub action: EntityId,
    /// What it is to be done to.
    pub resource: EntityId,
    /// Where context paths stand.
    pub layout: &'a Layout,
    /// What stands there.
    pub slots: &'a [Slot<'a>],
    /// What the engine itself puts into the context; none in a plain bundle.
    pub grant: Option<&'a GrantRow<'a>>,
    /// For values built on the way.
    pub temporaries: &'a Temporaries,
}

impl<'a> Call<'a> {
    /// What stands at a context path.
    #[inline]
    #[must_use]
    pub fn slot(&self, path: PathId) -> Slot<'a> {
        match self.layout.place(path) {
            Place::Slot(slot) => self.slots.get(usize::from(slot)).copied().unwrap_or(Slot::Unreachable),
            Place::Absent => Slot::Absent,
            Place::Unreachable => self.given(path),
        }
    }

    /// What stands at a path that the engine itself fills.
    #[inline(never)]
    fn given(&self, path: PathId) -> Slot<'a> {
        match (self.grant, GrantPath::of(path)) {
            (Some(grant), Some(path)) => grant.slot(path),
            _ => Slot::Unreachable,
        }
    }

    /// The type of an entity, of the store's or the call's own.
    #[inline]
    #[must_use]
    pub fn type_of(&self, entity: EntityId) -> TypeId {
        if entity.is_local() { self.locals.type_of(entity) } else { self.store.type_of(entity) }
    }
}

/// A condition and the constants of the policy it belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Condition<'a> {
    /// The nodes.
    pub shape: &'a Shape,
    /// The policy's row of constants.
    pub constants: &'a [Constant],
}

type Evaluated<T> = Result<T, Failure>;

/// Whether the condition holds. A policy without a condition holds.
///
/// # Errors
///
/// [`Failure`] where Cedar's evaluator errs.
#[inline]
pub fn holds<'a>(condition: Condition<'a>, call: &Call<'a>) -> Evaluated<bool> {
    match condition.shape.root() {
        None => Ok(true),
        Some(root) => Evaluator { condition, call }.truth(root),
    }
}

/// The value of one node that must be a boolean.
pub(crate) fn truth<'a>(condition: Condition<'a>, call: &Call<'a>, node: NodeId) -> Evaluated<bool> {
    Evaluator { condition, call }.truth(node)
}

struct Evaluator<'e, 'a> {
    condition: Condition<'a>,
    call: &'e Call<'a>,
}

impl<'a> Evaluator<'_, 'a> {
    fn fail<T>(code: ErrorCode, node: NodeId) -> Evaluated<T> {
        Err(Failure { code, node })
    }

    fn node(&self, node: NodeId) -> Evaluated<&'a Node> {
        self.condition.shape.node(node).ok_or(Failure { code: ErrorCode::TypeError, node })
    }

    fn constant(&self, constant: ConstantId) -> Option<&'a Constant> {
        self.condition.constants.get(constant.0 as usize)
    }

    /// The value of a node that must be a boolean.
    fn truth(&self, node: NodeId) -> Evaluated<bool> {
        match self.node(node)? {
            Node::All(children) => {
                for part in self.condition.shape.children(*children) {
                    if !self.truth(*part)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Node::Any(children) => {
                for part in self.condition.shape.children(*children) {
                    if self.truth(*part)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Node::Unary(Unary::Not, inner) => self.truth(*inner).map(|value| !value),
            Node::If(test, then, otherwise) => {
                if self.truth(*test)? {
                    self.truth(*then)
                } else {
                    self.truth(*otherwise)
                }
            }
            Node::Binary(operator, left, right) => {
                let (left, right) = (self.operand(*left)?, self.operand(*right)?);
                relation(*operator, left, right, self.call.store).map_err(|code| Failure { code, node })
            }
            Node::Like(inner, pattern) => match (self.operand(*inner)?, self.constant(*pattern)) {
                (ValueRef::String(text), Some(Constant::Pattern(pattern))) => Ok(pattern.matches(text)),
                _ => Self::fail(ErrorCode::TypeError, node),
            },
            _ => match self.value(node)? {
                ValueRef::Bool(value) => Ok(value),
                _ => Self::fail(ErrorCode::TypeError, node),
            },
        }
    }

    /// As [`Evaluator::value`], with the short way for what operands mostly are.
    #[inline(always)]
    fn operand(&self, at: NodeId) -> Evaluated<ValueRef<'a>> {
        match self.condition.shape.node(at) {
            Some(Node::Context(path)) => {
                if let Slot::Value(value) = self.call.slot(*path) {
                    return Ok(value);
                }
            }
            Some(Node::Constant(constant)) => {
                if let Some(Constant::Value(value)) = self.constant(*constant) {
                    return Ok(value.borrow());
                }
            }
            Some(Node::GetAttribute(inner, name)) => {
                let entity = match self.condition.shape.node(*inner) {
                    Some(Node::Principal) => Some(self.call.principal),
                    Some(Node::Resource) => Some(self.call.resource),
                    _ => None,
                };
                let data = entity.and_then(|entity| self.call.store.get(entity));
                if let Some(value) = data.and_then(|data| data.attributes.get(name)) {
                    return Ok(value.borrow());
                }
            }
            Some(Node::Principal) => return Ok(ValueRef::Entity(self.call.principal)),
            Some(Node::Resource) => return Ok(ValueRef::Entity(self.call.resource)),
            _ => {}
        }
        self.value(at)
    }

    fn value(&self, at: NodeId) -> Evaluated<ValueRef<'a>> {
        let at_here = |code| Failure { code, node: at };
        match self.node(at)? {
            Node::Constant(constant) => match self.constant(*constant) {
                Some(Constant::Value(value)) => Ok(value.borrow()),
                _ => Self::fail(ErrorCode::TypeError, at),
            },
            Node::Principal => Ok(ValueRef::Entity(self.call.principal)),
            Node::Action => Ok(ValueRef::Entity(self.call.action)),
            Node::Resource => Ok(ValueRef::Entity(self.call.resource)),
            Node::Context(path) => context_value(self.call.slot(*path)).map_err(at_here),
            Node::ContextHas(path) => context_has(self.call.slot(*path)).map(ValueRef::Bool).map_err(at_here),
            Node::If(test, then, otherwise) => {
                if self.truth(*test)? {
                    self.value(*then)
                } else {
                    self.value(*otherwise)
                }
            }
            Node::All(_) | Node::Any(_) | Node::Unary(Unary::Not, _) => self.truth(at).map(ValueRef::Bool),
            Node::Unary(operator, inner) => unary(*operator, self.value(*inner)?).map_err(at_here),
            Node::Binary(operator, left, right) => {
                let left = self.value(*left)?;
                let right = self.value(*right)?;
                binary(*operator, left, right, self.call.store).map_err(at_here)
            }
            Node::GetAttribute(inner, name) => {
                get_attribute(self.value(*inner)?, name, self.call.store).map_err(at_here)
            }
            Node::HasAttribute(inner, name) => {
                has_attribute(self.value(*inner)?, name, self.call.store).map(ValueRef::Bool).map_err(at_here)
            }
            Node::Like(inner, pattern) => match (self.value(*inner)?, self.constant(*pattern)) {
                (ValueRef::String(text), Some(Constant::Pattern(pattern))) => Ok(ValueRef::Bool(pattern.matches(text))),
                _ => Self::fail(ErrorCode::TypeError, at),
            },
            Node::Is(inner, type_id) => match self.value(*inner)? {
                ValueRef::Entity(entity) => Ok(ValueRef::Bool(self.call.type_of(entity) == *type_id)),
                _ => Self::fail(ErrorCode::TypeError, at),
            },
            Node::Set(members) => self.set(*members),
            Node::Record(names, values) => self.record(at, names, *values),
            Node::Call(function, arguments) => self.apply(at, *function, *arguments),
        }
    }

    fn set(&self, members: Children) -> Evaluated<ValueRef<'a>> {
        let members = self.condition.shape.children(members).iter();
        let values = members.map(|member| self.value(*member).map(ValueRef::to_owned)).collect::<Result<_, _>>()?;
        Ok(self.call.temporaries.keep(Value::set(values)))
    }

    fn record(&self, at: NodeId, names: &[Arc<str>], values: Children) -> Evaluated<ValueRef<'a>> {
        let values = self.condition.shape.children(values).iter();
        let attributes =
            names.iter().cloned().zip(values).map(|(name, value)| Ok((name, self.value(*value)?.to_owned())));
        let record = Record::new(attributes.collect::<Result<_, Failure>>()?)
            .map_err(|_| Failure { code: ErrorCode::TypeError, node: at })?;
        Ok(self.call.temporaries.keep(Value::Record(Arc::new(record))))
    }

    fn apply(&self, at: NodeId, function: Function, arguments: Children) -> Evaluated<ValueRef<'a>> {
        let at_here = |code| Failure { code, node: at };
        match self.condition.shape.children(arguments) {
            [only] => call_function(function, &[self.value(*only)?]).map_err(at_here),
            [first, second] => call_function(function, &[self.value(*first)?, self.value(*second)?]).map_err(at_here),
            // A number of arguments that no function takes; an argument's own error comes first.
            several => {
                several.iter().try_for_each(|argument| self.value(*argument).map(|_| ()))?;
                Self::fail(ErrorCode::TypeError, at)
            }
        }
    }
}

/// Reads a context path.
#[inline]
pub(crate) fn context_value(slot: Slot<'_>) -> Result<ValueRef<'_>, ErrorCode> {
    match slot {
        Slot::Value(value) => Ok(value),
        Slot::Absent | Slot::Unreachable => Err(ErrorCode::AttributeMissing),
    }
}

/// Asks whether a context path is there.
#[inline]
pub(crate) fn context_has(slot: Slot<'_>) -> Result<bool, ErrorCode> {
    match slot {
        Slot::Value(_) => Ok(true),
        Slot::Absent => Ok(false),
        Slot::Unreachable => Err(ErrorCode::AttributeMissing),
    }
}

/// An operator of one argument. `!` of anything but a boolean is a type error like the others'.
pub(crate) fn unary(operator: Unary, value: ValueRef<'_>) -> Result<ValueRef<'_>, ErrorCode> {
    match (operator, value) {
        (Unary::Negate, ValueRef::Long(value)) => value.checked_neg().map(ValueRef::Long).ok_or(ErrorCode::Overflow),
        (Unary::IsEmpty, ValueRef::Set(set)) => Ok(ValueRef::Bool(set.values().is_empty())),
        _ => Err(ErrorCode::TypeError),
    }
}

/// What most relations are: of two integers, two strings or two entities; none for any other.
#[inline(always)]
pub(crate) fn quick_relation(operator: Binary, left: ValueRef<'_>, right: ValueRef<'_>) -> Option<bool> {
    match (operator, left, right) {
        (Binary::Less, ValueRef::Long(left), ValueRef::Long(right)) => Some(left < right),
        (Binary::LessOrEqual, ValueRef::Long(left), ValueRef::Long(right)) => Some(left <= right),
        (Binary::Equal, ValueRef::String(left), ValueRef::String(right)) => Some(left == right),
        (Binary::Equal, ValueRef::Entity(left), ValueRef::Entity(right)) => Some(left == right),
        (Binary::Equal, ValueRef::Long(left), ValueRef::Long(right)) => Some(left == right),
        _ => None,
    }
}

/// An operator of two arguments whose value must be a boolean.
#[inline]
pub(crate) fn relation<'a>(
    operator: Binary,
    left: ValueRef<'a>,
    right: ValueRef<'a>,
    store: &'a Store,
) -> Result<bool, ErrorCode> {
    match (operator, left, right) {
        (Binary::Equal, ValueRef::String(left), ValueRef::String(right)) => Ok(left == right),
        (Binary::Equal, ValueRef::Entity(left), ValueRef::Entity(right)) => Ok(left == right),
        (Binary::Equal, left, right) => Ok(left == right),
        (Binary::Less | Binary::LessOrEqual, left, right) => compare(operator, left, right),
        (Binary::In, left, right) => is_in(left, right, store),
        (Binary::Contains, ValueRef::Set(set), member) => Ok(set.contains(member)),
        _ => match binary(operator, left, right, store)? {
            ValueRef::Bool(value) => Ok(value),
            _ => Err(ErrorCode::TypeError),
        },
    }
}

/// An operator of two arguments.
#[inline]
pub(crate) fn binary<'a>(
    operator: Binary,
    left: ValueRef<'a>,
    right: ValueRef<'a>,
    store: &'a Store,
) -> Result<ValueRef<'a>, ErrorCode> {
    match operator {
        Binary::Equal => Ok(ValueRef::Bool(left == right)),
        Binary::Less | Binary::LessOrEqual => compare(operator, left, right).map(ValueRef::Bool),
        Binary::Add | Binary::Subtract | Binary::Multiply => arithmetic(operator, left, right).map(ValueRef::Long),
        Binary::In => is_in(left, right, store).map(ValueRef::Bool),
        Binary::Contains => match left {
            ValueRef::Set(set) => Ok(ValueRef::Bool(set.contains(right))),
            _ => Err(ErrorCode::TypeError),
        },
        Binary::ContainsAll | Binary::ContainsAny => match (left, right) {
            (ValueRef::Set(set), ValueRef::Set(other)) => Ok(ValueRef::Bool(contains_several(operator, set, other))),
            _ => Err(ErrorCode::TypeError),
        },
        Binary::GetTag => get_tag(left, right, store),
        Binary::HasTag => match (left, right) {
            (ValueRef::Entity(entity), ValueRef::String(tag)) => {
                Ok(ValueRef::Bool(store.get(entity).is_some_and(|data| data.tags.get(tag).is_some())))
            }
            _ => Err(ErrorCode::TypeError),
        },
    }
}

fn contains_several(operator: Binary, set: &Set, other: &Set) -> bool {
    if operator == Binary::ContainsAll { set.contains_all(other) } else { set.contains_any(other) }
}

/// `<` and `<=`: of two integers, two datetimes or two durations.
#[inline]
fn compare(operator: Binary, left: ValueRef<'_>, right: ValueRef<'_>) -> Result<bool, ErrorCode> {
    let order = match (left, right) {
        (ValueRef::Long(left), ValueRef::Long(right)) => left.cmp(&right),
        (ValueRef::Datetime(left), ValueRef::Datetime(right)) => left.cmp(&right),
        (ValueRef::Duration(left), ValueRef::Duration(right)) => left.cmp(&right),
        _ => return Err(ErrorCode::TypeError),
    };
    Ok(if operator == Binary::Less { order.is_lt() } else { order.is_le() })
}

fn arithmetic(operator: Binary, left: ValueRef<'_>, right: ValueRef<'_>) -> Result<i64, ErrorCode> {
    let (ValueRef::Long(left), ValueRef::Long(right)) = (left, right) else { return Err(ErrorCode::TypeError) };
    let result = match operator {
        Binary::Add => left.checked_add(right),
        Binary::Subtract => left.checked_sub(right),
        _ => left.checked_mul(right),
    };
    result.ok_or(ErrorCode::Overflow)
}

/// `in`: an entity in another, or in one of a set; every member of the set must be an entity.
#[inline]
fn is_in(left: ValueRef<'_>, right: ValueRef<'_>, store: &Store) -> Result<bool, ErrorCode> {
    let ValueRef::Entity(entity) = left else { return Err(ErrorCode::TypeError) };
    match right {
        ValueRef::Entity(ancestor) => Ok(store.is_in(entity, ancestor)),
        ValueRef::Set(set) => {
            let mut found = false;
            for member in set.values() {
                let Value::Entity(ancestor) = member else { return Err(ErrorCode::TypeError) };
                found = found || store.is_in(entity, *ancestor);
            }
            Ok(found)
        }
        _ => Err(ErrorCode::TypeError),
    }
}

fn get_tag<'a>(left: ValueRef<'a>, right: ValueRef<'a>, store: &'a Store) -> Result<ValueRef<'a>, ErrorCode> {
    let (ValueRef::Entity(entity), ValueRef::String(tag)) = (left, right) else { return Err(ErrorCode::TypeError) };
    let data = store.get(entity).ok_or(ErrorCode::EntityMissing)?;
    data.tags.get(tag).map(Value::borrow).ok_or(ErrorCode::TagMissing)
}

/// `.name` of a record or an entity.
#[inline]
pub(crate) fn get_attribute<'a>(holder: ValueRef<'a>, name: &str, store: &'a Store) -> Result<ValueRef<'a>, ErrorCode> {
    let record = match holder {
        ValueRef::Record(record) => record,
        ValueRef::Entity(entity) => &store.get(entity).ok_or(ErrorCode::EntityMissing)?.attributes,
        _ => return Err(ErrorCode::TypeError),
    };
    record.get(name).map(Value::borrow).ok_or(ErrorCode::AttributeMissing)
}

/// `has name` of a record or an entity; an entity that is not in the store has nothing.
#[inline]
pub(crate) fn has_attribute(holder: ValueRef<'_>, name: &str, store: &Store) -> Result<bool, ErrorCode> {
    match holder {
        ValueRef::Record(record) => Ok(record.get(name).is_some()),
        ValueRef::Entity(entity) => Ok(store.get(entity).is_some_and(|data| data.attributes.get(name).is_some())),
        _ => Err(ErrorCode::TypeError),
    }
}

/// An extension function or method on evaluated arguments.
///
/// # Errors
///
/// [`ErrorCode::TypeError`] for arguments of another kind, [`ErrorCode::ExtensionError`] for text or numbers that the
/// function does not take.
pub fn call_function(function: Function, arguments: &[ValueRef<'_>]) -> Result<ValueRef<'static>, ErrorCode> {
    use ValueRef as V;
    match (function, arguments) {
        (Function::Decimal, [V::String(text)]) => Decimal::parse(text).map(V::Decimal).ok_or(ErrorCode::ExtensionError),
        (Function::Ip, [V::String(text)]) => IpNet::parse(text).map(V::Ip).ok_or(ErrorCode::ExtensionError),
        (Function::Datetime, [V::String(text)]) => {
            Datetime::parse(text).map(V::Datetime).ok_or(ErrorCode::ExtensionError)
        }
        (Function::Duration, [V::String(text)]) => {
            Duration::parse(text).map(V::Duration).ok_or(ErrorCode::ExtensionError)
        }
        (_, [V::Decimal(left), V::Decimal(right)]) => decimal_method(function, *left, *right),
        (_, [V::Ip(range)]) => ip_method(function, range),
        (Function::IsInRange, [V::Ip(range), V::Ip(other)]) => Ok(V::Bool(range.is_in_range(other))),
        (Function::Offset, [V::Datetime(start), V::Duration(length)]) => {
            start.offset(*length).map(V::Datetime).ok_or(ErrorCode::ExtensionError)
        }
        (Function::DurationSince, [V::Datetime(end), V::Datetime(start)]) => {
            end.duration_since(*start).map(V::Duration).ok_or(ErrorCode::ExtensionError)
        }
        (Function::ToDate, [V::Datetime(time)]) => time.to_date().map(V::Datetime).ok_or(ErrorCode::ExtensionError),
        (Function::ToTime, [V::Datetime(time)]) => Ok(V::Duration(time.to_time())),
        (_, [V::Duration(length)]) => duration_method(function, *length),
        _ => Err(ErrorCode::TypeError),
    }
}

fn decimal_method(function: Function, left: Decimal, right: Decimal) -> Result<ValueRef<'static>, ErrorCode> {
    Ok(ValueRef::Bool(match function {
        Function::LessThan => left < right,
        Function::LessThanOrEqual => left <= right,
        Function::GreaterThan => left > right,
        Function::GreaterThanOrEqual => left >= right,
        _ => return Err(ErrorCode::TypeError),
    }))
}

fn ip_method(function: Function, range: &IpNet) -> Result<ValueRef<'static>, ErrorCode> {
    Ok(ValueRef::Bool(match function {
        Function::IsIpv4 => range.is_ipv4(),
        Function::IsIpv6 => range.is_ipv6(),
        Function::IsLoopback => range.is_loopback(),
        Function::IsMulticast => range.is_multicast(),
        _ => return Err(ErrorCode::TypeError),
    }))
}

fn duration_method(function: Function, length: Duration) -> Result<ValueRef<'static>, ErrorCode> {
    Ok(ValueRef::Long(match function {
        Function::ToMilliseconds => length.to_milliseconds(),
        Function::ToSeconds => length.to_seconds(),
        Function::ToMinutes => length.to_minutes(),
        Function::ToHours => length.to_hours(),
        Function::ToDays => length.to_days(),
        _ => return Err(ErrorCode::TypeError),
    }))
}
