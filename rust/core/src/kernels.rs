//! For which of these rows does a condition hold?
//!
//! A kernel takes one node of a shape and the rows that are still in question, and goes over all of them before the
//! next node is looked at: [`Kernels::filter`] gives the rows for which a boolean node is true (the true mask, as row
//! numbers) and collects the rows that err (the error mask); `values` gives the values of any node. `&&` asks its next
//! part of the rows that are left, so short circuits and errors fall where they do in the scalar path.
//!
//! Typed kernels read integer columns and dictionary columns without making values of them: a test of a dictionary
//! column is made once for each distinct word. Every run is counted, so that a test can tell kernels from a loop.
//!
//! Optimisation: preserves `evaluate::holds`; `tests/properties` hold "batch equals singles" to that.

mod coded;
mod values;

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::columns::{Presence, Rows};
use crate::entities::Store;
use crate::evaluate::{
    Condition, ErrorCode, Failure, Temporaries, context_has, has_attribute, quick_relation, relation,
};
use crate::expression::{Binary, Unary};
use crate::parties::Party;
use crate::shape::{Children, Constant, ConstantId, Node, NodeId};
use crate::slots::{PathId, Slot};
use crate::value::ValueRef;

use coded::{AttributeKey, Cell};

/// How often kernels ran, and over how many rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KernelRuns {
    /// Runs of kernels over typed columns.
    pub typed: u64,
    /// Runs of kernels over values of any kinds.
    pub untyped: u64,
    /// Rows that all of these went over.
    pub rows: u64,
}

impl KernelRuns {
    /// Adds the runs of another part of the batch.
    pub fn add(&mut self, other: Self) {
        self.typed = self.typed.saturating_add(other.typed);
        self.untyped = self.untyped.saturating_add(other.untyped);
        self.rows = self.rows.saturating_add(other.rows);
    }
}

/// What a policy's test has already said of a value behind a code; an error is found again where it is met again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Known {
    Unasked,
    No,
    Yes,
    Error,
}

/// Room that is kept from one condition to the next, and what is known of the batch's distinct values.
#[derive(Debug, Default)]
pub struct Scratch<'a> {
    known: HashMap<(u32, NodeId), Remembered, FixedState>,
    attributes: HashMap<AttributeKey<'a>, Vec<Cell<'a>>, FixedState>,
    spare: Vec<Vec<u32>>,
    /// Counts so far.
    pub runs: KernelRuns,
}

/// What was said of codes, of one node of a policy.
#[derive(Debug, Default)]
struct Remembered {
    /// Rows that were asked before anything was remembered.
    rows: usize,
    /// By code; empty as long as nothing is remembered.
    known: Vec<Known>,
}

/// Takes the rows that a test keeps, without a branch for each: which they are, no processor can guess.
struct Kept<'y> {
    rows: &'y mut Vec<u32>,
    count: usize,
}

impl<'y> Kept<'y> {
    /// Will add to these rows; at most `most` are offered.
    fn new(rows: &'y mut Vec<u32>, most: usize) -> Self {
        let count = rows.len();
        rows.resize(count.saturating_add(most), 0);
        Self { rows, count }
    }

    #[inline(always)]
    fn keep_if(&mut self, is_kept: bool, row: u32) {
        if let Some(place) = self.rows.get_mut(self.count) {
            *place = row;
            self.count = self.count.wrapping_add(usize::from(is_kept));
        }
    }
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        self.rows.truncate(self.count);
    }
}

/// One value for all rows, or one for each.
enum Operand<'a> {
    One(ValueRef<'a>),
    Many(Vec<ValueRef<'a>>),
}

impl<'a> Operand<'a> {
    #[inline]
    fn at(&self, lane: usize) -> Option<ValueRef<'a>> {
        match self {
            Self::One(value) => Some(*value),
            Self::Many(values) => values.get(lane).copied(),
        }
    }
}

/// The condition of one policy over the rows of a batch.
#[derive(Debug)]
pub struct Kernels<'k, 'a> {
    /// The batch.
    pub rows: &'k Rows<'a>,
    /// The entity data.
    pub store: &'a Store,
    /// What the store says of the distinct principals and resources.
    pub parties: [&'k [Party<'a>]; 2],
    /// The condition.
    pub condition: Condition<'a>,
    /// Number of the policy, to find its words again.
    pub policy: u32,
    /// For values built on the way.
    pub temporaries: &'a Temporaries,
    /// Room and counts.
    pub scratch: &'k mut Scratch<'a>,
    /// Rows that erred, with why and where.
    pub errors: &'k mut Vec<(u32, Failure)>,
}

impl<'k, 'a> Kernels<'k, 'a> {
    fn count(&mut self, typed: bool, rows: usize) {
        let runs = &mut self.scratch.runs;
        if typed {
            runs.typed = runs.typed.saturating_add(1)
        } else {
            runs.untyped = runs.untyped.saturating_add(1)
        }
        runs.rows = runs.rows.saturating_add(rows as u64);
    }

    fn take(&mut self) -> Vec<u32> {
        self.scratch.spare.pop().unwrap_or_default()
    }

    fn give(&mut self, mut rows: Vec<u32>) {
        rows.clear();
        self.scratch.spare.push(rows);
    }

    fn fail(&mut self, row: u32, code: ErrorCode, node: NodeId) {
        self.errors.push((row, Failure { code, node }));
    }

    fn constant(&self, constant: ConstantId) -> Option<&'a Constant> {
        self.condition.constants.get(constant.0 as usize)
    }

    fn constant_value(&self, node: NodeId) -> Option<ValueRef<'a>> {
        match self.condition.shape.node(node)? {
            Node::Constant(constant) => match self.constant(*constant)? {
                Constant::Value(value) => Some(value.borrow()),
                Constant::Pattern(_) => None,
            },
            _ => None,
        }
    }

    /// Adds the rows for which a boolean node is true to `yes`, in order.
    pub fn filter(&mut self, at: NodeId, rows: &[u32], yes: &mut Vec<u32>) {
        self.filter_for(true, at, rows, yes);
    }

    /// Adds the rows for which a boolean node is what is wanted to `yes`, in order.
    fn filter_for(&mut self, wanted: bool, at: NodeId, rows: &[u32], yes: &mut Vec<u32>) {
        if rows.is_empty() {
            return;
        }
        let condition = self.condition;
        match condition.shape.node(at) {
            Some(Node::All(_) | Node::Any(_) | Node::If(..)) if !wanted => self.others(at, rows, yes),
            Some(Node::All(children)) => self.all(*children, rows, yes),
            Some(Node::Any(children)) => self.any(*children, rows, yes),
            Some(Node::Unary(Unary::Not, inner)) => self.filter_for(!wanted, *inner, rows, yes),
            Some(Node::If(test, then, otherwise)) => self.choose([*test, *then, *otherwise], rows, yes),
            Some(Node::ContextHas(path)) => {
                self.count(true, rows.len());
                let path = *path;
                for row in rows {
                    match context_has(self.rows.slot(*row, path)) {
                        Ok(found) if found == wanted => yes.push(*row),
                        Ok(_) => {}
                        Err(code) => self.fail(*row, code, at),
                    }
                }
            }
            Some(Node::Binary(operator, left, right)) => {
                self.compare(wanted, at, (*operator, *left, *right), rows, yes)
            }
            Some(Node::Like(inner, pattern)) => self.like(wanted, at, *inner, *pattern, rows, yes),
            Some(node) if self.test_coded(wanted, at, node, rows, yes) => {}
            _ => self.truths(wanted, at, rows, yes),
        }
    }

    /// `&&`: each part is asked of the rows that are left.
    fn all(&mut self, children: Children, rows: &[u32], yes: &mut Vec<u32>) {
        let parts = self.condition.shape.children(children);
        let Some((last, first)) = parts.split_last() else {
            yes.extend_from_slice(rows);
            return;
        };
        let mut left = self.take();
        left.extend_from_slice(rows);
        for part in first {
            let mut next = self.take();
            self.filter(*part, &left, &mut next);
            self.give(std::mem::replace(&mut left, next));
        }
        self.filter(*last, &left, yes);
        self.give(left);
    }

    /// `||`: each part is asked of the rows that no part before it was true for or erred on.
    fn any(&mut self, children: Children, rows: &[u32], yes: &mut Vec<u32>) {
        let start = yes.len();
        let mut left = self.take();
        left.extend_from_slice(rows);
        for part in self.condition.shape.children(children) {
            let mut hits = self.take();
            let errors_before = self.errors.len();
            self.filter(*part, &left, &mut hits);
            self.drop_rows(&mut left, &hits, errors_before);
            yes.extend_from_slice(&hits);
            self.give(hits);
        }
        self.give(left);
        if let Some(added) = yes.get_mut(start..) {
            added.sort_unstable();
        }
    }

    /// The rows for which a node of several parts is false.
    fn others(&mut self, at: NodeId, rows: &[u32], yes: &mut Vec<u32>) {
        let mut hits = self.take();
        let mut left = self.take();
        left.extend_from_slice(rows);
        let errors_before = self.errors.len();
        self.filter(at, rows, &mut hits);
        self.drop_rows(&mut left, &hits, errors_before);
        yes.extend_from_slice(&left);
        self.give(hits);
        self.give(left);
    }

    fn choose(&mut self, [test, then, otherwise]: [NodeId; 3], rows: &[u32], yes: &mut Vec<u32>) {
        let start = yes.len();
        let mut hits = self.take();
        let mut left = self.take();
        left.extend_from_slice(rows);
        let errors_before = self.errors.len();
        self.filter(test, rows, &mut hits);
        self.drop_rows(&mut left, &hits, errors_before);
        self.filter(then, &hits, yes);
        self.filter(otherwise, &left, yes);
        self.give(hits);
        self.give(left);
        if let Some(added) = yes.get_mut(start..) {
            added.sort_unstable();
        }
    }

    /// Takes rows that were true, and those that erred since, out of what is left.
    fn drop_rows(&self, left: &mut Vec<u32>, hits: &[u32], errors_before: usize) {
        let mut hits = hits.iter().copied().peekable();
        if self.errors.len() == errors_before {
            left.retain(|row| hits.next_if_eq(row).is_none());
            return;
        }
        let mut erred: Vec<u32> = self.errors.iter().skip(errors_before).map(|(row, _)| *row).collect();
        erred.sort_unstable();
        let mut erred = erred.into_iter().peekable();
        left.retain(|row| {
            while hits.next_if(|hit| hit < row).is_some() {}
            while erred.next_if(|erred| erred < row).is_some() {}
            hits.peek() != Some(row) && erred.peek() != Some(row)
        });
    }

    /// A node whose values must be booleans, by its values.
    fn truths(&mut self, wanted: bool, at: NodeId, rows: &[u32], yes: &mut Vec<u32>) {
        let mut kept = self.take();
        kept.extend_from_slice(rows);
        let operand = self.values(at, &mut kept);
        for (lane, row) in kept.iter().enumerate() {
            match operand.at(lane) {
                Some(ValueRef::Bool(found)) if found == wanted => yes.push(*row),
                Some(ValueRef::Bool(_)) => {}
                _ => self.fail(*row, ErrorCode::TypeError, at),
            }
        }
        self.give(kept);
    }

    fn compare(&mut self, wanted: bool, at: NodeId, parts: (Binary, NodeId, NodeId), rows: &[u32], yes: &mut Vec<u32>) {
        let (operator, left, right) = parts;
        if self.compare_column(wanted, at, parts, rows, yes) || self.compare_coded(wanted, at, parts, rows, yes) {
            return;
        }
        let mut kept = self.take();
        kept.extend_from_slice(rows);
        let (left, right) = self.two(left, right, &mut kept);
        self.count(false, kept.len());
        for (lane, row) in kept.iter().enumerate() {
            let (Some(left), Some(right)) = (left.at(lane), right.at(lane)) else { continue };
            match relation(operator, left, right, self.store) {
                Ok(found) if found == wanted => yes.push(*row),
                Ok(_) => {}
                Err(code) => self.errors.push((*row, Failure { code, node: at })),
            }
        }
        self.give(kept);
    }

    /// A test of one coded operand without a constant; false if it is not that.
    fn test_coded(&mut self, wanted: bool, at: NodeId, node: &Node, rows: &[u32], yes: &mut Vec<u32>) -> bool {
        let operand = match node {
            Node::Is(inner, _) | Node::HasAttribute(inner, _) => *inner,
            Node::GetAttribute(..) => at,
            _ => return false,
        };
        let Some(coded) = self.coded(operand) else { return false };
        let (store, locals) = (self.store, self.rows.locals);
        self.test(wanted, (at, operand), &coded, rows, yes, |value| match node {
            Node::Is(_, type_id) => match value {
                ValueRef::Entity(entity) if entity.is_local() => Ok(locals.type_of(entity) == *type_id),
                ValueRef::Entity(entity) => Ok(store.type_of(entity) == *type_id),
                _ => Err(ErrorCode::TypeError),
            },
            Node::HasAttribute(_, name) => has_attribute(value, name, store),
            _ => truth(Ok(value)),
        });
        true
    }

    /// Coded values or an integer column against a constant; false if it is not that.
    fn compare_column(
        &mut self,
        wanted: bool,
        at: NodeId,
        (operator, left, right): (Binary, NodeId, NodeId),
        rows: &[u32],
        yes: &mut Vec<u32>,
    ) -> bool {
        let (node, constant, flipped) = match (self.constant_value(left), self.constant_value(right)) {
            (None, Some(constant)) => (left, constant, false),
            (Some(constant), None) => (right, constant, true),
            _ => return false,
        };
        if let (Some((values, presence)), ValueRef::Long(bound)) = (self.longs(node), constant) {
            // One loop for each comparison, so that the comparison stands in it.
            match (operator, flipped) {
                (Binary::Equal, _) => {
                    self.long_column(node, rows, yes, values, presence, |value| (value == bound) == wanted);
                }
                (Binary::Less, false) => {
                    self.long_column(node, rows, yes, values, presence, |value| (value < bound) == wanted);
                }
                (Binary::Less, true) => {
                    self.long_column(node, rows, yes, values, presence, |value| (bound < value) == wanted);
                }
                (Binary::LessOrEqual, false) => {
                    self.long_column(node, rows, yes, values, presence, |value| (value <= bound) == wanted);
                }
                (Binary::LessOrEqual, true) => {
                    self.long_column(node, rows, yes, values, presence, |value| (bound <= value) == wanted);
                }
                _ => return false,
            }
            return true;
        }
        let Some(coded) = self.coded(node) else { return false };
        let store = self.store;
        self.test(wanted, (at, node), &coded, rows, yes, |value| {
            let (left, right) = if flipped { (constant, value) } else { (value, constant) };
            match quick_relation(operator, left, right) {
                Some(found) => Ok(found),
                None => relation(operator, left, right, store),
            }
        });
        true
    }

    fn long_column(
        &mut self,
        node: NodeId,
        rows: &[u32],
        yes: &mut Vec<u32>,
        values: &[i64],
        presence: &[Presence],
        test: impl Fn(i64) -> bool,
    ) {
        self.count(true, rows.len());
        let mut kept = Kept::new(yes, rows.len());
        for row in rows {
            if presence.get(*row as usize).is_some_and(|presence| *presence != Presence::Value) {
                self.errors.push((*row, Failure { code: ErrorCode::AttributeMissing, node }));
            } else {
                kept.keep_if(values.get(*row as usize).is_some_and(|value| test(*value)), *row);
            }
        }
    }

    fn like(&mut self, wanted: bool, at: NodeId, inner: NodeId, pattern: ConstantId, rows: &[u32], yes: &mut Vec<u32>) {
        let Some(Constant::Pattern(pattern)) = self.constant(pattern) else {
            rows.iter().for_each(|row| self.fail(*row, ErrorCode::TypeError, at));
            return;
        };
        let test = |value: ValueRef<'a>| match value {
            ValueRef::String(text) => Ok(pattern.matches(text)),
            _ => Err(ErrorCode::TypeError),
        };
        if let Some(coded) = self.coded(inner) {
            self.test(wanted, (at, inner), &coded, rows, yes, test);
            return;
        }
        let mut kept = self.take();
        kept.extend_from_slice(rows);
        let texts = self.values(inner, &mut kept);
        self.count(false, kept.len());
        for (lane, row) in kept.iter().enumerate() {
            match texts.at(lane).map(test) {
                Some(Ok(found)) if found == wanted => yes.push(*row),
                Some(Ok(_)) => {}
                _ => self.fail(*row, ErrorCode::TypeError, at),
            }
        }
        self.give(kept);
    }
}

/// A value that must be a boolean.
fn truth(value: Result<ValueRef<'_>, ErrorCode>) -> Result<bool, ErrorCode> {
    match value? {
        ValueRef::Bool(value) => Ok(value),
        _ => Err(ErrorCode::TypeError),
    }
}

fn slot<'a>(rows: &Rows<'a>, row: u32, path: PathId) -> Slot<'a> {
    rows.slot(row, path)
}
