//! What does a condition look like once its constants are taken out?
//!
//! Ten thousand policies are often one policy with ten thousand constants. [`compile`] turns an expression into a
//! [`Shape`] (a flat array of nodes) and the policy's own row of constants; equal shapes are kept once ([`Shapes`]).
//! Chains of `&&` and `||` become one node, attribute chains on the context become context paths, and literals that
//! are put together from literals (`decimal("1.5")`, `["a", "b"]`) become one constant.
//!
//! Optimisation: `evaluate.rs` gives on a shape what `reference/evaluate.py` gives on the expression.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::checks::Checks;
use crate::evaluate::call_function;
use crate::expression::{Binary, EXPRESSION_DEPTH_MAX, Expression, Function, Pattern, Unary, Variable};
use crate::slots::{PathId, Paths};
use crate::value::{Record, TypeId, Value, ValueRef};

/// The number of a node in its shape.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct NodeId(pub u32);

/// The number of a constant in its policy's row.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ConstantId(pub u32);

/// The number of a shape.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct ShapeId(pub u32);

/// Some of a shape's list of children.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Children {
    start: u32,
    end: u32,
}

/// One step of evaluating a condition.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Node {
    /// One of the policy's constants.
    Constant(ConstantId),
    /// The principal.
    Principal,
    /// The action.
    Action,
    /// The resource.
    Resource,
    /// The context, or what stands at a path of it.
    Context(PathId),
    /// Whether something stands at a path of the context.
    ContextHas(PathId),
    /// `if … then … else …`
    If(NodeId, NodeId, NodeId),
    /// `… && … && …`
    All(Children),
    /// `… || … || …`
    Any(Children),
    /// An operator of one argument.
    Unary(Unary, NodeId),
    /// An operator of two arguments.
    Binary(Binary, NodeId, NodeId),
    /// `.name`
    GetAttribute(NodeId, Arc<str>),
    /// `has name`
    HasAttribute(NodeId, Arc<str>),
    /// `like` one of the policy's constants.
    Like(NodeId, ConstantId),
    /// `is`
    Is(NodeId, TypeId),
    /// `[…]`
    Set(Children),
    /// `{…}`, the names sorted.
    Record(Arc<[Arc<str>]>, Children),
    /// An extension function.
    Call(Function, Children),
}

/// A condition without its constants; the last node is the whole.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Shape {
    nodes: Box<[Node]>,
    children: Box<[NodeId]>,
}

impl Shape {
    /// A node; none only for a number of another shape.
    #[inline]
    #[must_use]
    pub fn node(&self, node: NodeId) -> Option<&Node> {
        self.nodes.get(node.0 as usize)
    }

    /// All nodes, children before parents.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The children of a node of several.
    #[inline]
    #[must_use]
    pub fn children(&self, children: Children) -> &[NodeId] {
        self.children.get(children.start as usize..children.end as usize).unwrap_or(&[])
    }

    /// The whole condition; none if the policy has no condition.
    #[inline]
    #[must_use]
    #[allow(clippy::cast_possible_truncation)] // node counts are bounded by the text's size
    pub fn root(&self) -> Option<NodeId> {
        self.nodes.len().checked_sub(1).map(|last| NodeId(last as u32))
    }
}

/// One constant of a policy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Constant {
    /// A value.
    Value(Value),
    /// The pattern of a `like`.
    Pattern(Pattern),
}

/// All shapes of a bundle, each once.
#[derive(Clone, Debug, Default)]
pub struct Shapes {
    list: Vec<(Arc<Shape>, Arc<Checks>)>,
    numbers: HashMap<Arc<Shape>, ShapeId, FixedState>,
}

impl Shapes {
    /// The number of a shape; a new one if it is new.
    #[allow(clippy::cast_possible_truncation)] // shapes are at most as many as policies
    pub fn number(&mut self, shape: Shape) -> ShapeId {
        if let Some(found) = self.numbers.get(&shape) {
            return *found;
        }
        let number = ShapeId(self.list.len() as u32);
        let checks = Arc::new(Checks::of(&shape));
        let shape = Arc::new(shape);
        self.list.push((shape.clone(), checks));
        self.numbers.insert(shape, number);
        number
    }

    /// The shape of a number.
    #[inline]
    #[must_use]
    pub fn get(&self, shape: ShapeId) -> Option<&Shape> {
        self.list.get(shape.0 as usize).map(|(shape, _)| &**shape)
    }

    /// The shape of a number, and the same as parts.
    #[inline]
    #[must_use]
    pub fn with_checks(&self, shape: ShapeId) -> Option<(&Arc<Shape>, &Arc<Checks>)> {
        self.list.get(shape.0 as usize).map(|(shape, checks)| (shape, checks))
    }

    /// Number of different shapes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is no shape.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// Why an expression cannot be compiled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CompileError {
    /// It is nested deeper than [`EXPRESSION_DEPTH_MAX`].
    TooDeep,
    /// It names a slot, which only scopes may.
    SlotInCondition,
}

/// Takes the constants out of an expression.
///
/// # Errors
///
/// [`CompileError`] if the expression is too deep or names a slot.
pub fn compile(expression: &Expression, paths: &mut Paths) -> Result<(Shape, Vec<Constant>), CompileError> {
    let mut compiler = Compiler { nodes: Vec::new(), children: Vec::new(), constants: Vec::new(), paths };
    compiler.node(expression, 0)?;
    let shape = Shape { nodes: compiler.nodes.into_boxed_slice(), children: compiler.children.into_boxed_slice() };
    Ok((shape, compiler.constants))
}

struct Compiler<'a> {
    nodes: Vec<Node>,
    children: Vec<NodeId>,
    constants: Vec<Constant>,
    paths: &'a mut Paths,
}

impl Compiler<'_> {
    fn node(&mut self, expression: &Expression, depth: usize) -> Result<NodeId, CompileError> {
        let below = depth.saturating_add(1);
        if below > EXPRESSION_DEPTH_MAX {
            return Err(CompileError::TooDeep);
        }
        if let Some(value) = constant(expression, 0) {
            let constant = self.constant(Constant::Value(value));
            return Ok(self.push(Node::Constant(constant)));
        }
        let node = match expression {
            Expression::Literal(value) => Node::Constant(self.constant(Constant::Value(value.clone()))),
            Expression::Slot(_) => return Err(CompileError::SlotInCondition),
            Expression::Variable(variable) => match variable {
                Variable::Principal => Node::Principal,
                Variable::Action => Node::Action,
                Variable::Resource => Node::Resource,
                Variable::Context => Node::Context(self.paths.number(&[])),
            },
            Expression::If(test, then, otherwise) => {
                Node::If(self.node(test, below)?, self.node(then, below)?, self.node(otherwise, below)?)
            }
            Expression::And(..) => {
                let mut parts = Vec::new();
                self.chain(expression, below, &mut parts, as_and)?;
                Node::All(self.keep(&parts))
            }
            Expression::Or(..) => {
                let mut parts = Vec::new();
                self.chain(expression, below, &mut parts, as_or)?;
                Node::Any(self.keep(&parts))
            }
            Expression::Unary(operator, inner) => Node::Unary(*operator, self.node(inner, below)?),
            Expression::Binary(operator, left, right) => {
                Node::Binary(*operator, self.node(left, below)?, self.node(right, below)?)
            }
            Expression::GetAttribute(inner, name) => self.get_attribute(inner, name, below)?,
            Expression::HasAttribute(inner, names) => return self.has_attribute(inner, names, below),
            Expression::Like(inner, pattern) => {
                let inner = self.node(inner, below)?;
                Node::Like(inner, self.constant(Constant::Pattern(pattern.clone())))
            }
            Expression::Is(inner, type_id) => Node::Is(self.node(inner, below)?, *type_id),
            Expression::Set(members) => Node::Set(self.list(members.iter(), below)?),
            Expression::Record(attributes) => {
                let mut attributes: Vec<_> = attributes.iter().collect();
                attributes.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
                let names = attributes.iter().map(|(name, _)| name.clone()).collect();
                Node::Record(names, self.list(attributes.iter().map(|(_, value)| value), below)?)
            }
            Expression::Call(function, arguments) => Node::Call(*function, self.list(arguments.iter(), below)?),
        };
        Ok(self.push(node))
    }

    #[allow(clippy::cast_possible_truncation)] // bounded by the text's size
    fn push(&mut self, node: Node) -> NodeId {
        let number = NodeId(self.nodes.len() as u32);
        self.nodes.push(node);
        number
    }

    #[allow(clippy::cast_possible_truncation)] // bounded by the text's size
    fn constant(&mut self, constant: Constant) -> ConstantId {
        let number = ConstantId(self.constants.len() as u32);
        self.constants.push(constant);
        number
    }

    #[allow(clippy::cast_possible_truncation)] // bounded by the text's size
    fn keep(&mut self, parts: &[NodeId]) -> Children {
        let start = self.children.len() as u32;
        self.children.extend_from_slice(parts);
        Children { start, end: self.children.len() as u32 }
    }

    fn list<'e>(
        &mut self,
        members: impl Iterator<Item = &'e Expression>,
        depth: usize,
    ) -> Result<Children, CompileError> {
        let parts = members.map(|member| self.node(member, depth)).collect::<Result<Vec<_>, _>>()?;
        Ok(self.keep(&parts))
    }

    /// The parts of a chain of one operator, left to right, without recursion along the chain.
    fn chain(
        &mut self,
        expression: &Expression,
        depth: usize,
        parts: &mut Vec<NodeId>,
        split: fn(&Expression) -> Option<(&Expression, &Expression)>,
    ) -> Result<(), CompileError> {
        let mut waiting = vec![expression];
        while let Some(next) = waiting.pop() {
            if let Some((left, right)) = split(next) {
                waiting.push(right);
                waiting.push(left);
            } else {
                parts.push(self.node(next, depth)?);
            }
        }
        Ok(())
    }

    fn get_attribute(&mut self, inner: &Expression, name: &Arc<str>, depth: usize) -> Result<Node, CompileError> {
        if let Some(mut path) = context_path(inner)
            && self.paths.is_record(&path)
        {
            path.push(name.clone());
            return Ok(Node::Context(self.paths.number(&path)));
        }
        Ok(Node::GetAttribute(self.node(inner, depth)?, name.clone()))
    }

    fn has_attribute(&mut self, inner: &Expression, names: &[Arc<str>], depth: usize) -> Result<NodeId, CompileError> {
        let mut holder = inner.clone();
        let mut parts = Vec::with_capacity(names.len());
        for name in names {
            let context = context_path(&holder).filter(|path| self.paths.is_record(path));
            let node = if let Some(mut path) = context {
                path.push(name.clone());
                Node::ContextHas(self.paths.number(&path))
            } else {
                Node::HasAttribute(self.node(&holder, depth)?, name.clone())
            };
            parts.push(self.push(node));
            holder = Expression::GetAttribute(Box::new(holder), name.clone());
        }
        if let [only] = parts[..] {
            return Ok(only);
        }
        let children = self.keep(&parts);
        Ok(self.push(Node::All(children)))
    }
}

fn as_and(expression: &Expression) -> Option<(&Expression, &Expression)> {
    if let Expression::And(left, right) = expression { Some((left, right)) } else { None }
}

fn as_or(expression: &Expression) -> Option<(&Expression, &Expression)> {
    if let Expression::Or(left, right) = expression { Some((left, right)) } else { None }
}

/// The names of `context.a.b.c`; none if the expression is something else.
fn context_path(expression: &Expression) -> Option<Vec<Arc<str>>> {
    let mut names = Vec::new();
    let mut rest = expression;
    loop {
        match rest {
            Expression::Variable(Variable::Context) => break,
            Expression::GetAttribute(inner, name) => {
                names.push(name.clone());
                rest = inner;
            }
            _ => return None,
        }
    }
    names.reverse();
    Some(names)
}

/// The value of an expression that is put together from literals only and does not err.
fn constant(expression: &Expression, depth: usize) -> Option<Value> {
    if depth > EXPRESSION_DEPTH_MAX {
        return None;
    }
    let below = depth.saturating_add(1);
    match expression {
        Expression::Literal(value) => Some(value.clone()),
        Expression::Set(members) => {
            Some(Value::set(members.iter().map(|member| constant(member, below)).collect::<Option<_>>()?))
        }
        Expression::Record(attributes) => {
            let attributes = attributes.iter().map(|(name, value)| Some((name.clone(), constant(value, below)?)));
            Some(Value::Record(Arc::new(Record::new(attributes.collect::<Option<_>>()?).ok()?)))
        }
        Expression::Call(function, arguments) => {
            let values: Vec<Value> = arguments.iter().map(|value| constant(value, below)).collect::<Option<_>>()?;
            let values: Vec<ValueRef<'_>> = values.iter().map(Value::borrow).collect();
            call_function(*function, &values).ok().map(ValueRef::to_owned)
        }
        _ => None,
    }
}
