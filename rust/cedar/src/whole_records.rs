//! Does a policy use as a whole what is only there in parts?
//!
//! While a call is decided `context` and the records that the engine puts into it are slots, one for each attribute: no
//! record is made of them. A policy names an attribute of them, or asks for one with `has`.
//!
//! Read next: `policies.rs`.

use cedar_policy_core::ast::{Expr, ExprKind, Var};
use cedar_policy_core::parser::Loc;

use crate::observe::parts;

/// Records that are there in parts only.
const IN_PARTS: [&[&str]; 6] = [&[], &["input"], &["grant"], &["grant", "params"], &["grant", "claims"], &["system"]];

/// Places where such a record is used as a whole, and how the policy writes it.
pub(crate) fn whole_records(expr: &Expr) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    find(expr, &mut found);
    found
}

fn find(expr: &Expr, found: &mut Vec<(usize, String)>) {
    if let Some(path) = path(expr) {
        if IN_PARTS.contains(&&*path) {
            let at = expr.source_loc().map_or(0, Loc::start);
            found.push((at, path.iter().fold("context".to_owned(), |text, name| text + "." + name)));
        }
        return;
    }
    match expr.expr_kind() {
        ExprKind::GetAttr { expr: base, .. }
        | ExprKind::HasAttr { expr: base, .. }
        | ExprKind::ExtHasAttr { expr: base, .. }
            if path(base).is_some() => {}
        _ => parts(expr).into_iter().for_each(|part| find(part, found)),
    }
}

/// The names along a path that starts at `context`.
pub(crate) fn path(expr: &Expr) -> Option<Vec<&str>> {
    match expr.expr_kind() {
        ExprKind::Var(Var::Context) => Some(Vec::new()),
        ExprKind::GetAttr { expr, attr } => {
            let mut path = path(expr)?;
            path.push(attr);
            Some(path)
        }
        _ => None,
    }
}
