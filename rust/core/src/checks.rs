//! In which steps is a condition asked of one call?
//!
//! Most parts of a condition test a value at hand (a context path, an attribute of principal or resource) against
//! another one. [`Checks`] names these operands directly, so that such a test costs neither a walk over nodes nor the
//! moves of results. A part that is something else, or whose operands are not there or of other kinds, is left to the
//! walk of `evaluate.rs`, which then also says what the error is.
//!
//! The same parts are asked of a call and of a row of a batch ([`Questioned`]).
//!
//! Optimisation: preserves `evaluate::holds`; `Policies::answer_without_index` asks by that, and `tests/properties` and
//! the agreement tests of `rust/cedar` and `rust/fuzz` compare the two.

use std::sync::Arc;

use crate::entities::Store;
use crate::evaluate::{Call, Condition, Failure, quick_relation, relation, truth};
use crate::expression::{Binary, Unary};
use crate::parties::Party;
use crate::shape::{Children, Constant, ConstantId, Node, NodeId, Shape};
use crate::slots::{PathId, Slot};
use crate::value::{TypeId, ValueRef};

/// A condition as parts that must all hold.
#[derive(Clone, Debug, Default)]
pub struct Checks {
    parts: Box<[Check]>,
    /// Whether it reads who is asked, or what the engine says of the grant: what differs between a call's questions.
    reads_question: bool,
}

/// One part, and the node that it stands for.
#[derive(Clone, Debug)]
struct Check {
    test: Test,
    node: NodeId,
    negated: bool,
}

#[derive(Clone, Debug)]
enum Test {
    All(Box<[Check]>),
    Any(Box<[Check]>),
    Relation(Binary, Operand, Operand),
    Like(Operand, ConstantId),
    ContextHas(PathId),
    HasAttribute(Side, Arc<str>),
    Is(Side, TypeId),
    /// Anything else: the walk over the nodes.
    Node,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Side {
    Principal,
    Resource,
}

#[derive(Clone, Debug)]
enum Operand {
    Context(PathId),
    Constant(ConstantId),
    Attribute(Side, Arc<str>),
    Entity(Side),
}

/// What conditions are asked of: a call, or a row of a batch.
pub trait Questioned<'a> {
    /// What stands at a context path.
    fn slot(&self, path: PathId) -> Slot<'a>;

    /// The entity data.
    fn store(&self) -> &'a Store;

    /// The value of one node that must be a boolean, by the walk over the nodes.
    ///
    /// # Errors
    ///
    /// [`Failure`] where Cedar's evaluator errs.
    fn walk(&self, condition: Condition<'a>, node: NodeId) -> Result<bool, Failure>;
}

impl<'a> Questioned<'a> for Call<'a> {
    #[inline(always)]
    fn slot(&self, path: PathId) -> Slot<'a> {
        self.slot(path)
    }

    #[inline(always)]
    fn store(&self) -> &'a Store {
        self.store
    }

    #[cold]
    fn walk(&self, condition: Condition<'a>, node: NodeId) -> Result<bool, Failure> {
        truth(condition, self, node)
    }
}

impl Checks {
    /// The parts of a shape's condition.
    #[must_use]
    pub fn of(shape: &Shape) -> Self {
        let Some(root) = shape.root() else { return Self::default() };
        let parts = match shape.node(root) {
            Some(Node::All(children)) => several(shape, *children),
            _ => Box::new([check(shape, root)]),
        };
        let reads_question = shape.nodes().iter().any(|node| match node {
            Node::Principal => true,
            Node::Context(path) | Node::ContextHas(path) => path.0 >= PathId::GRANT_START,
            _ => false,
        });
        Self { parts, reads_question }
    }

    /// Whether the questions of one call can have different answers.
    #[inline]
    #[must_use]
    pub fn reads_question(&self) -> bool {
        self.reads_question
    }

    /// Whether the condition holds, as `evaluate::holds` says.
    ///
    /// # Errors
    ///
    /// [`Failure`] where Cedar's evaluator errs.
    #[inline]
    pub fn hold<'a, Q: Questioned<'a>>(
        &self,
        condition: Condition<'a>,
        call: &Q,
        principal: &Party<'a>,
        resource: &Party<'a>,
    ) -> Result<bool, Failure> {
        Checker { condition, call, principal, resource }.each(false, &self.parts)
    }
}

fn several(shape: &Shape, children: Children) -> Box<[Check]> {
    shape.children(children).iter().map(|part| check(shape, *part)).collect()
}

fn check(shape: &Shape, node: NodeId) -> Check {
    let test = match shape.node(node) {
        Some(Node::Unary(Unary::Not, inner)) => {
            let inner = check(shape, *inner);
            return Check { negated: !inner.negated, ..inner };
        }
        Some(Node::All(children)) => Test::All(several(shape, *children)),
        Some(Node::Any(children)) => Test::Any(several(shape, *children)),
        Some(Node::Binary(operator, left, right)) => match (operand(shape, *left), operand(shape, *right)) {
            (Some(left), Some(right)) => Test::Relation(*operator, left, right),
            _ => Test::Node,
        },
        Some(Node::Like(inner, pattern)) => match operand(shape, *inner) {
            Some(inner) => Test::Like(inner, *pattern),
            None => Test::Node,
        },
        Some(Node::ContextHas(path)) => Test::ContextHas(*path),
        Some(Node::HasAttribute(inner, name)) => match operand(shape, *inner) {
            Some(Operand::Entity(side)) => Test::HasAttribute(side, name.clone()),
            _ => Test::Node,
        },
        Some(Node::Is(inner, type_id)) => match operand(shape, *inner) {
            Some(Operand::Entity(side)) => Test::Is(side, *type_id),
            _ => Test::Node,
        },
        _ => Test::Node,
    };
    Check { test, node, negated: false }
}

fn operand(shape: &Shape, node: NodeId) -> Option<Operand> {
    match shape.node(node)? {
        Node::Context(path) => Some(Operand::Context(*path)),
        Node::Constant(constant) => Some(Operand::Constant(*constant)),
        Node::Principal => Some(Operand::Entity(Side::Principal)),
        Node::Resource => Some(Operand::Entity(Side::Resource)),
        Node::GetAttribute(inner, name) => match shape.node(*inner)? {
            Node::Principal => Some(Operand::Attribute(Side::Principal, name.clone())),
            Node::Resource => Some(Operand::Attribute(Side::Resource, name.clone())),
            _ => None,
        },
        _ => None,
    }
}

struct Checker<'c, 'a, Q> {
    condition: Condition<'a>,
    call: &'c Q,
    principal: &'c Party<'a>,
    resource: &'c Party<'a>,
}

impl<'a, Q: Questioned<'a>> Checker<'_, 'a, Q> {
    /// Asks the parts until one is `last`, which then is the answer: of `&&` the first false one, of `||` the first true
    /// one. Both in one piece of code, as that of a call under a grant is more than a core keeps nearest.
    fn each(&self, last: bool, parts: &[Check]) -> Result<bool, Failure> {
        for part in parts {
            if self.check(part)? == last {
                return Ok(last);
            }
        }
        Ok(!last)
    }

    #[inline]
    fn check(&self, check: &Check) -> Result<bool, Failure> {
        let quick = match &check.test {
            Test::All(parts) => Some(self.each(false, parts)?),
            Test::Any(parts) => Some(self.each(true, parts)?),
            test => self.quick(test),
        };
        match quick {
            Some(value) => Ok(value != check.negated),
            None => self.walk(check),
        }
    }

    #[cold]
    #[inline(never)]
    fn walk(&self, check: &Check) -> Result<bool, Failure> {
        Ok(self.call.walk(self.condition, check.node)? != check.negated)
    }

    /// The answer of a test whose operands are there and of the kinds that it takes.
    #[inline]
    fn quick(&self, test: &Test) -> Option<bool> {
        match test {
            Test::Relation(operator, left, right) => {
                let (left, right) = (self.operand(left)?, self.operand(right)?);
                quick_relation(*operator, left, right)
                    .or_else(|| relation(*operator, left, right, self.call.store()).ok())
            }
            Test::Like(inner, pattern) => match (self.operand(inner)?, self.constant(*pattern)?) {
                (ValueRef::String(text), Constant::Pattern(pattern)) => Some(pattern.matches(text)),
                _ => None,
            },
            Test::ContextHas(path) => match self.call.slot(*path) {
                Slot::Value(_) => Some(true),
                Slot::Absent => Some(false),
                Slot::Unreachable => None,
            },
            Test::HasAttribute(side, name) => Some(self.party(*side).data?.attributes.get(name).is_some()),
            Test::Is(side, type_id) => Some(self.party(*side).type_id == *type_id),
            Test::All(_) | Test::Any(_) | Test::Node => None,
        }
    }

    #[inline(always)]
    fn operand(&self, operand: &Operand) -> Option<ValueRef<'a>> {
        match operand {
            Operand::Context(path) => match self.call.slot(*path) {
                Slot::Value(value) => Some(value),
                Slot::Absent | Slot::Unreachable => None,
            },
            Operand::Constant(constant) => match self.constant(*constant)? {
                Constant::Value(value) => Some(value.borrow()),
                Constant::Pattern(_) => None,
            },
            Operand::Attribute(side, name) => self.party(*side).data?.attributes.get(name).map(|value| value.borrow()),
            Operand::Entity(side) => Some(ValueRef::Entity(self.party(*side).entity)),
        }
    }

    #[inline(always)]
    fn constant(&self, constant: ConstantId) -> Option<&'a Constant> {
        self.condition.constants.get(constant.0 as usize)
    }

    #[inline(always)]
    fn party(&self, side: Side) -> &Party<'a> {
        match side {
            Side::Principal => self.principal,
            Side::Resource => self.resource,
        }
    }
}
