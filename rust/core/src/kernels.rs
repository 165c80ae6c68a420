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

mod values;

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::columns::{Column, Contexts, Presence, Rows};
use crate::entities::Store;
use crate::evaluate::{Condition, ErrorCode, Failure, Temporaries, binary, context_has};
use crate::expression::{Binary, Unary};
use crate::shape::{Children, Constant, ConstantId, Node, NodeId};
use crate::slots::{PathId, Slot};
use crate::value::ValueRef;

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

/// What one policy's condition has already been told of the words of a dictionary: 0 not asked, 1 no, 2 yes.
type Words = Vec<u8>;

/// Room that is kept from one condition to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    words: HashMap<(u32, NodeId), Words, FixedState>,
    spare: Vec<Vec<u32>>,
    /// Counts so far.
    pub runs: KernelRuns,
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
    /// The condition.
    pub condition: Condition<'a>,
    /// Number of the policy, to find its words again.
    pub policy: u32,
    /// For values built on the way.
    pub temporaries: &'a Temporaries,
    /// Room and counts.
    pub scratch: &'k mut Scratch,
    /// Rows that erred, with why and where.
    pub errors: &'k mut Vec<(u32, Failure)>,
}

impl<'a> Kernels<'_, 'a> {
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
        if rows.is_empty() {
            return;
        }
        let condition = self.condition;
        match condition.shape.node(at) {
            Some(Node::All(children)) => self.all(*children, rows, yes),
            Some(Node::Any(children)) => self.any(*children, rows, yes),
            Some(Node::Unary(Unary::Not, inner)) => self.not(*inner, rows, yes),
            Some(Node::If(test, then, otherwise)) => self.choose([*test, *then, *otherwise], rows, yes),
            Some(Node::ContextHas(path)) => {
                self.count(true, rows.len());
                let path = *path;
                for row in rows {
                    match context_has(self.rows.slot(*row, path)) {
                        Ok(true) => yes.push(*row),
                        Ok(false) => {}
                        Err(code) => self.fail(*row, code, at),
                    }
                }
            }
            Some(Node::Binary(operator, left, right)) => self.compare(at, *operator, *left, *right, rows, yes),
            Some(Node::Like(inner, pattern)) => self.like(at, *inner, *pattern, rows, yes),
            _ => self.truths(at, rows, yes),
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

    fn not(&mut self, inner: NodeId, rows: &[u32], yes: &mut Vec<u32>) {
        let mut hits = self.take();
        let mut left = self.take();
        left.extend_from_slice(rows);
        let errors_before = self.errors.len();
        self.filter(inner, rows, &mut hits);
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
    fn truths(&mut self, at: NodeId, rows: &[u32], yes: &mut Vec<u32>) {
        let mut kept = self.take();
        kept.extend_from_slice(rows);
        let operand = self.values(at, &mut kept);
        for (lane, row) in kept.iter().enumerate() {
            match operand.at(lane) {
                Some(ValueRef::Bool(true)) => yes.push(*row),
                Some(ValueRef::Bool(false)) => {}
                _ => self.fail(*row, ErrorCode::TypeError, at),
            }
        }
        self.give(kept);
    }

    fn compare(&mut self, at: NodeId, operator: Binary, left: NodeId, right: NodeId, rows: &[u32], yes: &mut Vec<u32>) {
        if self.compare_column(at, operator, left, right, rows, yes) {
            return;
        }
        let mut kept = self.take();
        kept.extend_from_slice(rows);
        let (left, right) = self.two(left, right, &mut kept);
        self.count(false, kept.len());
        for (lane, row) in kept.iter().enumerate() {
            let (Some(left), Some(right)) = (left.at(lane), right.at(lane)) else { continue };
            match binary(operator, left, right, self.store) {
                Ok(ValueRef::Bool(true)) => yes.push(*row),
                Ok(ValueRef::Bool(false)) => {}
                Ok(_) => self.errors.push((*row, Failure { code: ErrorCode::TypeError, node: at })),
                Err(code) => self.errors.push((*row, Failure { code, node: at })),
            }
        }
        self.give(kept);
    }

    /// A typed column against a constant; false if it is not that.
    fn compare_column(
        &mut self,
        at: NodeId,
        operator: Binary,
        left: NodeId,
        right: NodeId,
        rows: &[u32],
        yes: &mut Vec<u32>,
    ) -> bool {
        let batch = self.rows;
        let Contexts::Columns(columns) = &batch.contexts else { return false };
        let path_of = |node| match self.condition.shape.node(node) {
            Some(Node::Context(path)) => Some(*path),
            _ => None,
        };
        let (path, constant, flipped) = match (path_of(left), path_of(right)) {
            (Some(path), None) => (path, self.constant_value(right), false),
            (None, Some(path)) => (path, self.constant_value(left), true),
            _ => return false,
        };
        let (Some(constant), Some(Some(column))) = (constant, columns.get(path.0 as usize)) else { return false };
        match (column, constant) {
            (Column::Long { values, presence }, ValueRef::Long(wanted)) => {
                let Some(test) = long_test(operator, flipped) else { return false };
                self.long_column(at, rows, yes, values, presence, |value| test(value, wanted));
            }
            (Column::Text { codes, words, presence }, ValueRef::String(wanted)) if operator == Binary::Equal => {
                self.text_column(at, rows, yes, codes, words, presence, |word| word == wanted);
            }
            (Column::Text { codes, words, presence }, ValueRef::Set(set))
                if flipped && operator == Binary::Contains =>
            {
                self.text_column(at, rows, yes, codes, words, presence, |word| set.contains(ValueRef::String(word)));
            }
            _ => return false,
        }
        true
    }

    fn long_column(
        &mut self,
        at: NodeId,
        rows: &[u32],
        yes: &mut Vec<u32>,
        values: &[i64],
        presence: &[Presence],
        test: impl Fn(i64) -> bool,
    ) {
        self.count(true, rows.len());
        for row in rows {
            if presence.get(*row as usize).is_some_and(|presence| *presence != Presence::Value) {
                self.errors.push((*row, Failure { code: ErrorCode::AttributeMissing, node: at }));
            } else if values.get(*row as usize).is_some_and(|value| test(*value)) {
                yes.push(*row);
            }
        }
    }

    /// Asks once for each distinct word.
    #[allow(clippy::too_many_arguments)] // the parts of one column, borrowed apart from `self`
    fn text_column(
        &mut self,
        at: NodeId,
        rows: &[u32],
        yes: &mut Vec<u32>,
        codes: &[u32],
        words: &[&'a str],
        presence: &[Presence],
        test: impl Fn(&str) -> bool,
    ) {
        self.count(true, rows.len());
        let known = self.scratch.words.entry((self.policy, at)).or_insert_with(|| vec![0; words.len()]);
        for row in rows {
            if presence.get(*row as usize).is_some_and(|presence| *presence != Presence::Value) {
                self.errors.push((*row, Failure { code: ErrorCode::AttributeMissing, node: at }));
                continue;
            }
            let Some(code) = codes.get(*row as usize) else { continue };
            let Some(answer) = known.get_mut(*code as usize) else { continue };
            if *answer == 0 {
                *answer = 1 + u8::from(words.get(*code as usize).is_some_and(|word| test(word)));
            }
            if *answer == 2 {
                yes.push(*row);
            }
        }
    }

    fn like(&mut self, at: NodeId, inner: NodeId, pattern: ConstantId, rows: &[u32], yes: &mut Vec<u32>) {
        let Some(Constant::Pattern(pattern)) = self.constant(pattern) else {
            rows.iter().for_each(|row| self.fail(*row, ErrorCode::TypeError, at));
            return;
        };
        let batch = self.rows;
        if let Some(Node::Context(path)) = self.condition.shape.node(inner)
            && let Contexts::Columns(columns) = &batch.contexts
            && let Some(Some(Column::Text { codes, words, presence })) = columns.get(path.0 as usize)
        {
            self.text_column(at, rows, yes, codes, words, presence, |word| pattern.matches(word));
            return;
        }
        let mut kept = self.take();
        kept.extend_from_slice(rows);
        let texts = self.values(inner, &mut kept);
        self.count(false, kept.len());
        for (lane, row) in kept.iter().enumerate() {
            match texts.at(lane) {
                Some(ValueRef::String(text)) => {
                    if pattern.matches(text) {
                        yes.push(*row);
                    }
                }
                _ => self.fail(*row, ErrorCode::TypeError, at),
            }
        }
        self.give(kept);
    }
}

fn slot<'a>(rows: &Rows<'a>, row: u32, path: PathId) -> Slot<'a> {
    rows.slot(row, path)
}

/// The test of an integer column against a constant, the constant on the left where `flipped`.
fn long_test(operator: Binary, flipped: bool) -> Option<fn(i64, i64) -> bool> {
    Some(match (operator, flipped) {
        (Binary::Equal, _) => |value, wanted| value == wanted,
        (Binary::Less, false) => |value, wanted| value < wanted,
        (Binary::Less, true) => |value, wanted| wanted < value,
        (Binary::LessOrEqual, false) => |value, wanted| value <= wanted,
        (Binary::LessOrEqual, true) => |value, wanted| wanted <= value,
        _ => return None,
    })
}
