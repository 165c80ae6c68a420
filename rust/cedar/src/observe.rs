//! Which parts of a condition can never be what whoever wrote them meant?
//!
//! Strict validation lets `context.input has amuont` pass, and `==`, `in` and `contains` between entities of types that
//! never match: it takes them as false, and a limit is gone. A part is found if it is false in every environment in which
//! the typechecker reached it. What a condition's short circuits leave out is not reached.
//!
//! A part is known by where its operands stand: the typechecker gives what a short circuit leaves the place of the whole.
//! Operands of a scope have no place.
//!
//! Read next: `open_reads.rs`.

use std::collections::BTreeMap;

use cedar_policy_core::ast::{BinaryOp, Expr, ExprKind};
use cedar_policy_core::validator::ValidatorSchema;
use cedar_policy_core::validator::types::{BoolType, EntityKind, Type};

use crate::finding::Code;

type Typed = Expr<Option<Type>>;

/// Start and end of the operands of a part, its kind, and for `has` the path.
type Place = (usize, usize, usize, usize, u8, String);

/// What is known of one part so far.
#[derive(Clone, Debug)]
struct Seen {
    /// Whether it can be true somewhere.
    possible: bool,
    code: Code,
    /// For `has`: the attribute that nothing declares. Otherwise the types that never match.
    what: String,
    /// Names that are declared where it looks.
    known: Vec<String>,
}

/// What the typed conditions of one policy show.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observations {
    parts: BTreeMap<Place, Seen>,
}

/// A part that can never be true.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Never {
    pub(crate) code: Code,
    pub(crate) at: usize,
    pub(crate) what: String,
    pub(crate) known: Vec<String>,
}

impl Observations {
    /// Reads a typed condition.
    pub(crate) fn read(&mut self, expr: &Typed, schema: &ValidatorSchema) {
        match expr.expr_kind() {
            ExprKind::HasAttr { expr: base, attr } => {
                let known = base.data().as_ref().map_or_else(Vec::new, |base| names(base, schema));
                self.see(expr, base, attr.to_string(), attr.to_string(), known);
            }
            ExprKind::ExtHasAttr { expr: base, attrs } => {
                let (what, known) = missing(base.data().as_ref(), attrs.iter().map(|attr| &**attr), schema);
                let path: Vec<&str> = attrs.iter().map(|attr| &**attr).collect();
                self.see(expr, base, path.join("."), what, known);
            }
            ExprKind::BinaryApp { op: BinaryOp::HasTag, arg1, .. } => {
                self.see(expr, arg1, String::new(), "tags".to_owned(), Vec::new());
            }
            ExprKind::Is { expr: base, entity_type } => self.read_is(expr, base, &entity_type.to_string()),
            ExprKind::BinaryApp { op, arg1, arg2 } => self.read_binary(expr, *op, arg1, arg2),
            _ => {}
        }
        for part in parts(expr) {
            self.read(part, schema);
        }
    }

    fn read_binary(&mut self, expr: &Typed, op: BinaryOp, left: &Typed, right: &Typed) {
        let (one, of) =
            (|side: &Typed| entity(side.data().as_ref()), |side: &Typed| entity(member(side.data().as_ref())));
        let (kind, types) = match op {
            BinaryOp::Eq => (1, (one(left), one(right))),
            BinaryOp::In => (2, (one(left), of(right).or_else(|| one(right)))),
            BinaryOp::Contains => (3, (of(left), one(right))),
            BinaryOp::ContainsAll => (4, (of(left), of(right))),
            BinaryOp::ContainsAny => (5, (of(left), of(right))),
            _ => return,
        };
        let (Some(left_type), Some(right_type)) = types else { return };
        // Whether an entity of one type can be in one of another the typechecker knows.
        let is_false = matches!(expr.data(), Some(Type::Bool(BoolType::False)));
        let never = left_type != right_type && (op != BinaryOp::In || is_false);
        let (Some(first), Some(second)) = (left.source_loc(), right.source_loc()) else { return };
        let place = (first.start(), first.end(), second.start(), second.end(), kind, String::new());
        let what = format!("`{left_type}` and `{right_type}`");
        self.put(place, Code::TypesNeverMatch, !never, what, Vec::new());
    }

    fn read_is(&mut self, expr: &Typed, base: &Typed, wanted: &str) {
        let (Some(loc), Some(found)) = (base.source_loc(), entity(base.data().as_ref())) else { return };
        let possible = !matches!(expr.data(), Some(Type::Bool(BoolType::False)));
        let place = (loc.start(), loc.end(), 0, 0, 6, wanted.to_owned());
        self.put(place, Code::TypesNeverMatch, possible, format!("`{found}` and `{wanted}`"), Vec::new());
    }

    fn see(&mut self, expr: &Typed, base: &Typed, path: String, what: String, known: Vec<String>) {
        let Some(loc) = base.source_loc() else { return };
        let possible = !matches!(expr.data(), Some(Type::Bool(BoolType::False)));
        self.put((loc.start(), loc.end(), 0, 0, 0, path), Code::HasUndeclared, possible, what, known);
    }

    fn put(&mut self, place: Place, code: Code, possible: bool, what: String, known: Vec<String>) {
        let seen = self.parts.entry(place).or_insert_with(|| Seen { possible: false, code, what, known: Vec::new() });
        seen.possible |= possible;
        seen.known.extend(known);
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (place, other) in other.parts {
            match self.parts.get_mut(&place) {
                Some(seen) => {
                    seen.possible |= other.possible;
                    seen.known.extend(other.known);
                }
                None => {
                    self.parts.insert(place, other);
                }
            }
        }
    }

    /// The parts that can never be true, in the order of the text.
    pub(crate) fn never(self) -> Vec<Never> {
        let found = self.parts.into_iter().filter(|(_, seen)| !seen.possible);
        found.map(|(place, seen)| Never { code: seen.code, at: place.0, what: seen.what, known: seen.known }).collect()
    }
}

/// The parts of an expression, without making a list of what is below them.
pub(crate) fn parts<T>(expr: &Expr<T>) -> Vec<&Expr<T>> {
    match expr.expr_kind() {
        ExprKind::Lit(_) | ExprKind::Var(_) | ExprKind::Slot(_) | ExprKind::Unknown(_) => Vec::new(),
        ExprKind::If { test_expr, then_expr, else_expr } => vec![test_expr, then_expr, else_expr],
        ExprKind::And { left, right } | ExprKind::Or { left, right } => vec![left, right],
        ExprKind::UnaryApp { arg, .. } => vec![arg],
        ExprKind::BinaryApp { arg1, arg2, .. } => vec![arg1, arg2],
        ExprKind::ExtensionFunctionApp { args, .. } => args.iter().collect(),
        ExprKind::GetAttr { expr, .. }
        | ExprKind::HasAttr { expr, .. }
        | ExprKind::ExtHasAttr { expr, .. }
        | ExprKind::Like { expr, .. }
        | ExprKind::Is { expr, .. } => vec![expr],
        ExprKind::Set(members) => members.iter().collect(),
        ExprKind::Record(attributes) => attributes.values().collect(),
    }
}

/// The one type of entities, if it is one.
pub(crate) fn entity(found: Option<&Type>) -> Option<String> {
    match found? {
        Type::Entity(EntityKind::Entity(types)) => types.get_single_entity().map(ToString::to_string),
        _ => None,
    }
}

fn member(found: Option<&Type>) -> Option<&Type> {
    match found? {
        Type::Set { element_type: Some(member) } => Some(member),
        _ => None,
    }
}

fn names(found: &Type, schema: &ValidatorSchema) -> Vec<String> {
    found.all_attributes(schema).keys().map(ToString::to_string).collect()
}

/// The first name of a path that is not declared, and what is declared in its place.
fn missing<'n>(
    base: Option<&Type>,
    path: impl Iterator<Item = &'n str>,
    schema: &ValidatorSchema,
) -> (String, Vec<String>) {
    let (mut found, mut last) = (base.cloned(), String::new());
    for name in path {
        let attributes = found.as_ref().map(|found| found.all_attributes(schema));
        last = name.to_owned();
        match attributes.as_ref().and_then(|attributes| attributes.get_attr(name)) {
            Some(attribute) => found = Some((*attribute.attr_type).clone()),
            None => {
                return (
                    last,
                    attributes.map_or_else(Vec::new, |known| known.keys().map(ToString::to_string).collect()),
                );
            }
        }
    }
    (last, Vec::new())
}
