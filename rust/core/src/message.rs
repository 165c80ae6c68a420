//! How does an error of a policy read to the person who wrote the policy?
//!
//! Errors are a code and a place while deciding; their text is made only when somebody looks. Values of the request
//! stay out of it.

use crate::evaluate::{ErrorCode, Failure};
use crate::expression::{Binary, Unary};
use crate::shape::{Node, NodeId, Shape};
use crate::slots::{PathId, Paths};
use crate::tasks::TaskId;

/// How the policies of one task name what they read.
struct Names<'a> {
    paths: &'a Paths,
    task: Option<TaskId>,
}

impl Names<'_> {
    fn text(&self, path: PathId) -> String {
        self.paths.text(path, self.task)
    }
}

/// One sentence saying what went wrong where.
#[must_use]
pub fn describe(failure: Failure, shape: &Shape, paths: &Paths, task: Option<TaskId>) -> String {
    let paths = Names { paths, task };
    let what = shape.node(failure.node).map_or_else(String::new, |node| text(node, shape, &paths));
    match failure.code {
        ErrorCode::TypeError => format!("`{what}` was given a value of a type that it does not take"),
        ErrorCode::AttributeMissing => format!("`{what}`: there is no such attribute; test for it with `has` first"),
        ErrorCode::TagMissing => format!("`{what}`: there is no such tag; test for it with `.hasTag()` first"),
        ErrorCode::EntityMissing => format!("`{what}` reads an entity that is not in the store"),
        ErrorCode::Overflow => format!("`{what}` does not fit a 64-bit integer"),
        ErrorCode::ExtensionError => format!("`{what}` was given text or a value that it does not take"),
    }
}

fn text(node: &Node, shape: &Shape, paths: &Names<'_>) -> String {
    let inner = |node: NodeId| shape.node(node).map_or_else(String::new, |node| name(node, paths));
    match node {
        Node::GetAttribute(holder, attribute) => format!("{}.{attribute}", inner(*holder)),
        Node::HasAttribute(holder, attribute) => format!("{} has {attribute}", inner(*holder)),
        Node::Binary(operator, left, right) => match binary_name(*operator) {
            (method, true) => format!("{}.{method}({})", inner(*left), inner(*right)),
            (sign, false) => format!("{} {sign} {}", inner(*left), inner(*right)),
        },
        Node::Unary(Unary::Negate, argument) => format!("-{}", inner(*argument)),
        Node::Unary(Unary::Not, argument) => format!("!{}", inner(*argument)),
        Node::Unary(Unary::IsEmpty, argument) => format!("{}.isEmpty()", inner(*argument)),
        other => name(other, paths),
    }
}

/// A node in a few words, without what stands below it.
fn name(node: &Node, paths: &Names<'_>) -> String {
    match node {
        Node::Principal => "principal".to_owned(),
        Node::Action => "action".to_owned(),
        Node::Resource => "resource".to_owned(),
        Node::Context(path) => paths.text(*path),
        Node::ContextHas(path) => format!("has {}", paths.text(*path)),
        Node::GetAttribute(_, attribute) => format!("….{attribute}"),
        Node::HasAttribute(_, attribute) => format!("… has {attribute}"),
        Node::Call(function, _) => format!("{}(…)", function.name()),
        Node::Like(..) => "… like …".to_owned(),
        Node::Is(..) => "… is …".to_owned(),
        Node::All(_) => "… && …".to_owned(),
        Node::Any(_) => "… || …".to_owned(),
        Node::If(..) => "if …".to_owned(),
        Node::Binary(operator, ..) => match binary_name(*operator) {
            (method, true) => format!("….{method}(…)"),
            (sign, false) => format!("… {sign} …"),
        },
        Node::Unary(..) | Node::Constant(_) | Node::Set(_) | Node::Record(..) => "…".to_owned(),
    }
}

/// Cedar's spelling, and whether it is a method.
fn binary_name(operator: Binary) -> (&'static str, bool) {
    match operator {
        Binary::Equal => ("==", false),
        Binary::Less => ("<", false),
        Binary::LessOrEqual => ("<=", false),
        Binary::Add => ("+", false),
        Binary::Subtract => ("-", false),
        Binary::Multiply => ("*", false),
        Binary::In => ("in", false),
        Binary::Contains => ("contains", true),
        Binary::ContainsAll => ("containsAll", true),
        Binary::ContainsAny => ("containsAny", true),
        Binary::GetTag => ("getTag", true),
        Binary::HasTag => ("hasTag", true),
    }
}
