//! Does a `forbid` read of an open type what an unknown entity does not have?
//!
//! An entity of an open type need not be in the store: it can be compared, but has no attributes, tags or ancestors. A
//! `forbid` that reads one of these must first ask whether the entity is there, with `has` or `hasTag` on the same
//! expression, so that it says itself what holds of an unknown one.
//!
//! Read next: `judge.rs`.

use std::collections::BTreeSet;

use cedar_policy_core::ast::{BinaryOp, Expr, ExprKind, UnaryOp};
use cedar_policy_core::parser::Loc;
use cedar_policy_core::validator::types::{BoolType, Type};

use crate::observe::{entity, parts};

type Typed = Expr<Option<Type>>;

/// Expressions that are known to be entities of the store.
type Known = BTreeSet<String>;

/// Reads of open types that nothing guards: where (none: in the scope), and what is read.
pub(crate) type OpenReads = BTreeSet<(Option<usize>, String)>;

/// Adds what a typed condition reads.
pub(crate) fn find(expr: &Typed, open: &[String], found: &mut OpenReads) {
    if !open.is_empty() {
        Reader { open, found }.read(expr, &Known::new());
    }
}

struct Reader<'r> {
    open: &'r [String],
    found: &'r mut OpenReads,
}

impl Reader<'_> {
    fn read(&mut self, expr: &Typed, known: &Known) {
        match expr.expr_kind() {
            ExprKind::And { left, right } => {
                self.read(left, known);
                self.read(right, &with(known, there(left, true)));
                return;
            }
            ExprKind::Or { left, right } => {
                self.read(left, known);
                self.read(right, &with(known, there(left, false)));
                return;
            }
            ExprKind::If { test_expr, then_expr, else_expr } => {
                self.read(test_expr, known);
                self.read(then_expr, &with(known, there(test_expr, true)));
                self.read(else_expr, &with(known, there(test_expr, false)));
                return;
            }
            ExprKind::GetAttr { expr: base, attr } => {
                self.check(expr, base, known, &format!("the attribute `{}`", attr.escape_debug()));
            }
            ExprKind::BinaryApp { op: BinaryOp::GetTag, arg1, .. } => self.check(expr, arg1, known, "a tag"),
            ExprKind::BinaryApp { op: BinaryOp::In, arg1, .. }
                if !matches!(expr.data(), Some(Type::Bool(BoolType::False))) =>
            {
                self.check(expr, arg1, known, "what it is in");
            }
            _ => {}
        }
        for part in parts(expr) {
            self.read(part, known);
        }
    }

    fn check(&mut self, expr: &Typed, base: &Typed, known: &Known, what: &str) {
        let Some(type_name) = entity(base.data().as_ref()).filter(|name| self.open.contains(name)) else { return };
        if !known.contains(&base.to_string()) {
            let at = base.source_loc().or_else(|| expr.source_loc()).map(Loc::start);
            self.found.insert((at, format!("{what} of `{type_name}`, which is open")));
        }
    }
}

fn with(known: &Known, more: Known) -> Known {
    known.union(&more).cloned().collect()
}

/// What is known to be there if an expression is true, or if it is false.
fn there(expr: &Typed, holds: bool) -> Known {
    match expr.expr_kind() {
        ExprKind::HasAttr { expr: base, .. } | ExprKind::ExtHasAttr { expr: base, .. } if holds => {
            Known::from([base.to_string()])
        }
        ExprKind::BinaryApp { op: BinaryOp::HasTag, arg1, .. } if holds => Known::from([arg1.to_string()]),
        ExprKind::UnaryApp { op: UnaryOp::Not, arg } => there(arg, !holds),
        ExprKind::And { left, right } if holds => with(&there(left, true), there(right, true)),
        ExprKind::Or { left, right } if !holds => with(&there(left, false), there(right, false)),
        ExprKind::And { left, right } => both(there(left, false), &there(right, false)),
        ExprKind::Or { left, right } => both(there(left, true), &there(right, true)),
        _ => Known::new(),
    }
}

fn both(left: Known, right: &Known) -> Known {
    left.intersection(right).cloned().collect()
}
