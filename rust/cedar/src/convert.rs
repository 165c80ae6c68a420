//! What does a condition that Cedar has parsed look like as an expression of the core?
//!
//! One node becomes one node. Only chains change their form: `a || b || c` comes from Cedar as deep as it is long, and
//! becomes a tree as deep as the logarithm of that. This changes no answer, because `&&` and `||` are associative,
//! errors and what is left unevaluated included; `tests/agreement.rs` holds it to that.
//!
//! Recursion goes as deep as Cedar's tree, chains aside, and no deeper than the core compiles.
//!
//! Read next: `policies.rs`.

use std::sync::Arc;

use agentpdp_core::entities::{Store, TooManyUids};
use agentpdp_core::expression::{
    Binary, EXPRESSION_DEPTH_MAX, Expression, Function, Pattern, PatternElement, Slot, Unary, Variable,
};
use agentpdp_core::policies::{ActionScope, Effect, PolicySource, Reference, ScopeSource};
use agentpdp_core::value::{EntityId, Value};
use cedar_policy_core::ast::{self, EntityReference, Expr, ExprKind, PatternElem, PrincipalOrResourceConstraint};

/// Why a policy cannot be converted, and the byte of its file where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ConvertError {
    pub(crate) reason: Unconvertible,
    pub(crate) offset: Option<usize>,
}

/// What cannot be converted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unconvertible {
    /// The expression is nested deeper than the core compiles.
    TooDeep,
    /// A function or form that the core does not have.
    Unknown,
    /// The store can give no more numbers.
    TooManyUids,
}

impl From<TooManyUids> for ConvertError {
    fn from(_: TooManyUids) -> Self {
        Self { reason: Unconvertible::TooManyUids, offset: None }
    }
}

/// Converts a static policy or a template.
pub(crate) fn convert(template: &ast::Template, id: Arc<str>, store: &mut Store) -> Result<PolicySource, ConvertError> {
    let condition = match template.non_scope_constraints() {
        None => None,
        Some(condition) => Some(Converter { store: &mut *store }.expression(condition, 0)?),
    };
    Ok(PolicySource {
        id,
        effect: match template.effect() {
            ast::Effect::Permit => Effect::Permit,
            ast::Effect::Forbid => Effect::Forbid,
        },
        principal: scope(template.principal_constraint().as_inner(), Slot::Principal, store)?,
        action: action_scope(template.action_constraint(), store)?,
        resource: scope(template.resource_constraint().as_inner(), Slot::Resource, store)?,
        condition,
        step_up: None,
    })
}

fn scope(
    constraint: &PrincipalOrResourceConstraint,
    slot: Slot,
    store: &mut Store,
) -> Result<ScopeSource, TooManyUids> {
    let reference = |entity: &EntityReference, store: &mut Store| match entity {
        EntityReference::EUID(uid) => intern(uid, store).map(Reference::Entity),
        EntityReference::Slot(_) => Ok(Reference::Slot(slot)),
    };
    Ok(match constraint {
        PrincipalOrResourceConstraint::Any => ScopeSource::Any,
        PrincipalOrResourceConstraint::Eq(entity) => ScopeSource::Equal(reference(entity, store)?),
        PrincipalOrResourceConstraint::In(entity) => ScopeSource::In(reference(entity, store)?),
        PrincipalOrResourceConstraint::Is(name) => ScopeSource::Is(store.intern_type(&name.to_string())),
        PrincipalOrResourceConstraint::IsIn(name, entity) => {
            ScopeSource::IsIn(store.intern_type(&name.to_string()), reference(entity, store)?)
        }
    })
}

fn action_scope(constraint: &ast::ActionConstraint, store: &mut Store) -> Result<ActionScope, TooManyUids> {
    Ok(match constraint {
        ast::ActionConstraint::Any => ActionScope::Any,
        ast::ActionConstraint::Eq(action) => ActionScope::Equal(intern(action, store)?),
        ast::ActionConstraint::In(actions) => {
            ActionScope::In(actions.iter().map(|action| intern(action, store)).collect::<Result<_, _>>()?)
        }
    })
}

/// The number of a uid of Cedar's.
pub(crate) fn intern(uid: &ast::EntityUID, store: &mut Store) -> Result<EntityId, TooManyUids> {
    let id: &str = uid.eid().as_ref();
    let name = uid.entity_type().name();
    if name.is_unqualified() {
        // The common case, spared the making of a text.
        store.intern(name.basename_as_ref().as_ref(), id)
    } else {
        store.intern(&name.to_string(), id)
    }
}

struct Converter<'s> {
    store: &'s mut Store,
}

impl Converter<'_> {
    /// One arm for each kind of node, in the order in which Cedar lists them.
    fn expression(&mut self, expr: &Expr, depth: usize) -> Result<Expression, ConvertError> {
        let fail = |reason| ConvertError { reason, offset: offset(expr) };
        if depth > EXPRESSION_DEPTH_MAX {
            return Err(fail(Unconvertible::TooDeep));
        }
        let below = depth.saturating_add(1);
        Ok(match expr.expr_kind() {
            ExprKind::Lit(literal) => Expression::Literal(self.literal(literal)?),
            ExprKind::Var(variable) => Expression::Variable(self::variable(*variable)),
            ExprKind::Slot(slot) if slot.is_principal() => Expression::Slot(Slot::Principal),
            ExprKind::Slot(_) => Expression::Slot(Slot::Resource),
            ExprKind::Unknown(_) => return Err(fail(Unconvertible::Unknown)),
            ExprKind::If { test_expr, then_expr, else_expr } => Expression::If(
                self.boxed(test_expr, below)?,
                self.boxed(then_expr, below)?,
                self.boxed(else_expr, below)?,
            ),
            ExprKind::And { .. } => self.chain(expr, below, as_and, Expression::And)?,
            ExprKind::Or { .. } => self.chain(expr, below, as_or, Expression::Or)?,
            ExprKind::UnaryApp { op, arg } => Expression::Unary(unary(*op), self.boxed(arg, below)?),
            ExprKind::BinaryApp { op, arg1, arg2 } => {
                Expression::Binary(binary(*op), self.boxed(arg1, below)?, self.boxed(arg2, below)?)
            }
            ExprKind::ExtensionFunctionApp { fn_name, args } => {
                let function = Function::named(fn_name.basename_as_ref().as_ref()).filter(|_| fn_name.is_unqualified());
                let function = function.ok_or_else(|| fail(Unconvertible::Unknown))?;
                Expression::Call(function, self.list(args, below)?)
            }
            ExprKind::GetAttr { expr, attr } => Expression::GetAttribute(self.boxed(expr, below)?, Arc::from(&**attr)),
            ExprKind::HasAttr { expr, attr } => {
                Expression::HasAttribute(self.boxed(expr, below)?, Box::new([Arc::from(&**attr)]))
            }
            ExprKind::ExtHasAttr { expr, attrs } => {
                let names = attrs.iter().map(|name| Arc::from(&**name)).collect();
                Expression::HasAttribute(self.boxed(expr, below)?, names)
            }
            ExprKind::Like { expr, pattern } => Expression::Like(self.boxed(expr, below)?, self::pattern(pattern)),
            ExprKind::Is { expr, entity_type } => {
                let type_id = self.store.intern_type(&entity_type.to_string());
                Expression::Is(self.boxed(expr, below)?, type_id)
            }
            ExprKind::Set(members) => Expression::Set(self.list(members, below)?),
            ExprKind::Record(attributes) => Expression::Record(
                attributes
                    .iter()
                    .map(|(name, value)| Ok((Arc::from(&**name), self.expression(value, below)?)))
                    .collect::<Result<_, ConvertError>>()?,
            ),
        })
    }

    fn boxed(&mut self, expr: &Expr, depth: usize) -> Result<Box<Expression>, ConvertError> {
        self.expression(expr, depth).map(Box::new)
    }

    fn list(&mut self, exprs: &[Expr], depth: usize) -> Result<Vec<Expression>, ConvertError> {
        exprs.iter().map(|expr| self.expression(expr, depth)).collect()
    }

    fn literal(&mut self, literal: &ast::Literal) -> Result<Value, ConvertError> {
        Ok(match literal {
            ast::Literal::Bool(value) => Value::Bool(*value),
            ast::Literal::Long(value) => Value::Long(*value),
            ast::Literal::String(text) => Value::String(Arc::from(&**text)),
            ast::Literal::EntityUID(uid) => Value::Entity(intern(uid, self.store)?),
        })
    }

    /// A chain of one operator, left to right, without recursion along it.
    fn chain(
        &mut self,
        expr: &Expr,
        depth: usize,
        split: fn(&Expr) -> Option<(&Expr, &Expr)>,
        join: fn(Box<Expression>, Box<Expression>) -> Expression,
    ) -> Result<Expression, ConvertError> {
        let (mut parts, mut waiting) = (Vec::new(), vec![expr]);
        while let Some(next) = waiting.pop() {
            match split(next) {
                Some((left, right)) => waiting.extend([right, left]),
                None => parts.push(self.expression(next, depth)?),
            }
        }
        // Neighbours are joined until one is left.
        while parts.len() > 1 {
            let mut joined = Vec::with_capacity(parts.len().div_ceil(2));
            let mut rest = parts.into_iter();
            while let Some(left) = rest.next() {
                joined.push(match rest.next() {
                    Some(right) => join(Box::new(left), Box::new(right)),
                    None => left,
                });
            }
            parts = joined;
        }
        parts.pop().ok_or(ConvertError { reason: Unconvertible::Unknown, offset: None })
    }
}

fn offset(expr: &Expr) -> Option<usize> {
    expr.source_loc().map(cedar_policy_core::parser::Loc::start)
}

fn as_and(expr: &Expr) -> Option<(&Expr, &Expr)> {
    if let ExprKind::And { left, right } = expr.expr_kind() { Some((left, right)) } else { None }
}

fn as_or(expr: &Expr) -> Option<(&Expr, &Expr)> {
    if let ExprKind::Or { left, right } = expr.expr_kind() { Some((left, right)) } else { None }
}

fn variable(variable: ast::Var) -> Variable {
    match variable {
        ast::Var::Principal => Variable::Principal,
        ast::Var::Action => Variable::Action,
        ast::Var::Resource => Variable::Resource,
        ast::Var::Context => Variable::Context,
    }
}

fn unary(operator: ast::UnaryOp) -> Unary {
    match operator {
        ast::UnaryOp::Not => Unary::Not,
        ast::UnaryOp::Neg => Unary::Negate,
        ast::UnaryOp::IsEmpty => Unary::IsEmpty,
    }
}

fn binary(operator: ast::BinaryOp) -> Binary {
    match operator {
        ast::BinaryOp::Eq => Binary::Equal,
        ast::BinaryOp::Less => Binary::Less,
        ast::BinaryOp::LessEq => Binary::LessOrEqual,
        ast::BinaryOp::Add => Binary::Add,
        ast::BinaryOp::Sub => Binary::Subtract,
        ast::BinaryOp::Mul => Binary::Multiply,
        ast::BinaryOp::In => Binary::In,
        ast::BinaryOp::Contains => Binary::Contains,
        ast::BinaryOp::ContainsAll => Binary::ContainsAll,
        ast::BinaryOp::ContainsAny => Binary::ContainsAny,
        ast::BinaryOp::GetTag => Binary::GetTag,
        ast::BinaryOp::HasTag => Binary::HasTag,
    }
}

fn pattern(pattern: &ast::Pattern) -> Pattern {
    let element = |element: &PatternElem| match element {
        PatternElem::Char(character) => PatternElement::Char(*character),
        PatternElem::Wildcard => PatternElement::Wildcard,
    };
    Pattern::new(pattern.iter().map(element).collect())
}
