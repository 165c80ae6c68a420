//! What values does a node have in these rows?
//!
//! The untyped half of the kernels: one value per row, for whatever no typed kernel reads. A node goes over all rows
//! before the next node is looked at; rows that it errs on leave.
//!
//! Optimisation: preserves `evaluate::holds`, as `kernels.rs` does.

use super::{Kernels, Operand, slot};
use crate::evaluate::{ErrorCode, Failure, binary, call_function, context_value, get_attribute, has_attribute, unary};
use crate::expression::{Binary, Unary};
use crate::shape::{Children, Node, NodeId};
use crate::value::{EntityId, Record, Value, ValueRef};

impl<'a> Kernels<'_, 'a> {
    /// The values of two nodes for the rows that neither errs on.
    pub(super) fn two(&mut self, left: NodeId, right: NodeId, kept: &mut Vec<u32>) -> (Operand<'a>, Operand<'a>) {
        let left = self.values(left, kept);
        let mut still = self.take();
        still.extend_from_slice(kept);
        let right = self.values(right, &mut still);
        let left = compact(left, kept, &still);
        self.give(std::mem::replace(kept, still));
        (left, right)
    }

    /// The values of a node for the rows that it does not err on; the others leave `rows`.
    pub(super) fn values(&mut self, at: NodeId, rows: &mut Vec<u32>) -> Operand<'a> {
        if rows.is_empty() {
            return Operand::Many(Vec::new());
        }
        let condition = self.condition;
        let batch = self.rows;
        let of_side = |entity: &dyn Fn(u32) -> EntityId| {
            Operand::Many(rows.iter().map(|row| ValueRef::Entity(entity(*row))).collect())
        };
        match condition.shape.node(at) {
            None => Operand::Many(Vec::new()),
            Some(Node::Constant(_)) => match self.constant_value(at) {
                Some(value) => Operand::One(value),
                None => self.map(at, rows, |_, _| Err(ErrorCode::TypeError)),
            },
            Some(Node::Principal) => of_side(&|row| batch.principals.entity(row)),
            Some(Node::Action) => of_side(&|row| batch.actions.entity(row)),
            Some(Node::Resource) => of_side(&|row| batch.resources.entity(row)),
            Some(Node::Context(path)) => {
                let path = *path;
                self.map(at, rows, |_, row| context_value(slot(batch, row, path)))
            }
            Some(Node::GetAttribute(inner, name)) => {
                if let Some(coded) = self.coded(at)
                    && let Some(values) = self.attribute_values(at, &coded, rows)
                {
                    return Operand::Many(values);
                }
                let store = self.store;
                self.map_values(at, *inner, rows, |holder| get_attribute(holder, name, store))
            }
            Some(Node::HasAttribute(inner, name)) => {
                let store = self.store;
                self.map_values(at, *inner, rows, |holder| has_attribute(holder, name, store).map(ValueRef::Bool))
            }
            Some(Node::Is(inner, type_id)) => {
                let (store, locals, type_id) = (self.store, batch.locals, *type_id);
                self.map_values(at, *inner, rows, |value| match value {
                    ValueRef::Entity(entity) => {
                        let found = if entity.is_local() { locals.type_of(entity) } else { store.type_of(entity) };
                        Ok(ValueRef::Bool(found == type_id))
                    }
                    _ => Err(ErrorCode::TypeError),
                })
            }
            Some(Node::Unary(operator, inner)) if *operator != Unary::Not => {
                let operator = *operator;
                self.map_values(at, *inner, rows, |value| unary(operator, value))
            }
            Some(Node::Binary(operator, left, right)) => self.binary_values(at, *operator, *left, *right, rows),
            Some(Node::If(test, then, otherwise)) => self.choose_values([*test, *then, *otherwise], rows),
            Some(Node::Set(members)) => self.sets(*members, rows),
            Some(Node::Record(names, values)) => self.records(at, names, *values, rows),
            Some(Node::Call(function, arguments)) => {
                let lists = self.lists(*arguments, rows);
                let function = *function;
                self.map(at, rows, |lane, _| match &lists[..] {
                    [only] => {
                        only.at(lane).map_or(Err(ErrorCode::TypeError), |value| call_function(function, &[value]))
                    }
                    [first, second] => match (first.at(lane), second.at(lane)) {
                        (Some(first), Some(second)) => call_function(function, &[first, second]),
                        _ => Err(ErrorCode::TypeError),
                    },
                    _ => Err(ErrorCode::TypeError),
                })
            }
            Some(Node::All(_) | Node::Any(_) | Node::Unary(..) | Node::ContextHas(_) | Node::Like(..)) => {
                self.booleans(at, rows)
            }
        }
    }

    /// A value per row, or an error that takes the row out.
    fn map(
        &mut self,
        at: NodeId,
        rows: &mut Vec<u32>,
        mut value: impl FnMut(usize, u32) -> Result<ValueRef<'a>, ErrorCode>,
    ) -> Operand<'a> {
        self.count(false, rows.len());
        let mut values = Vec::with_capacity(rows.len());
        let mut lane = 0usize;
        let errors = &mut *self.errors;
        rows.retain(|row| {
            let result = value(lane, *row);
            lane = lane.saturating_add(1);
            match result {
                Ok(value) => {
                    values.push(value);
                    true
                }
                Err(code) => {
                    errors.push((*row, Failure { code, node: at }));
                    false
                }
            }
        });
        Operand::Many(values)
    }

    fn map_values(
        &mut self,
        at: NodeId,
        inner: NodeId,
        rows: &mut Vec<u32>,
        value: impl Fn(ValueRef<'a>) -> Result<ValueRef<'a>, ErrorCode>,
    ) -> Operand<'a> {
        let inner = self.values(inner, rows);
        self.map(at, rows, |lane, _| inner.at(lane).map_or(Err(ErrorCode::TypeError), &value))
    }

    fn binary_values(
        &mut self,
        at: NodeId,
        operator: Binary,
        left: NodeId,
        right: NodeId,
        rows: &mut Vec<u32>,
    ) -> Operand<'a> {
        let (left, right) = self.two(left, right, rows);
        let store = self.store;
        self.map(at, rows, |lane, _| match (left.at(lane), right.at(lane)) {
            (Some(left), Some(right)) => binary(operator, left, right, store),
            _ => Err(ErrorCode::TypeError),
        })
    }

    /// The values of a boolean node that has a kernel for its true rows.
    pub(super) fn booleans(&mut self, at: NodeId, rows: &mut Vec<u32>) -> Operand<'a> {
        let mut hits = self.take();
        let mut left = self.take();
        left.extend_from_slice(rows);
        let errors_before = self.errors.len();
        self.filter(at, rows, &mut hits);
        self.drop_rows(&mut left, &hits, errors_before);
        let merged = merge(&hits, &left);
        let values = merged.iter().map(|(_, is_hit)| ValueRef::Bool(*is_hit)).collect();
        rows.clear();
        rows.extend(merged.iter().map(|(row, _)| *row));
        self.give(hits);
        self.give(left);
        Operand::Many(values)
    }

    pub(super) fn choose_values(&mut self, [test, then, otherwise]: [NodeId; 3], rows: &mut Vec<u32>) -> Operand<'a> {
        let mut hits = self.take();
        let mut left = self.take();
        left.extend_from_slice(rows);
        let errors_before = self.errors.len();
        self.filter(test, rows, &mut hits);
        self.drop_rows(&mut left, &hits, errors_before);
        let yes = self.values(then, &mut hits);
        let no = self.values(otherwise, &mut left);
        let (mut at_yes, mut at_no) = (0usize, 0usize);
        let mut values = Vec::with_capacity(hits.len().saturating_add(left.len()));
        rows.clear();
        for (row, is_hit) in merge(&hits, &left) {
            let (operand, lane) = if is_hit { (&yes, &mut at_yes) } else { (&no, &mut at_no) };
            if let Some(value) = operand.at(*lane) {
                values.push(value);
                rows.push(row);
            }
            *lane = lane.saturating_add(1);
        }
        self.give(hits);
        self.give(left);
        Operand::Many(values)
    }

    /// The values of several nodes for the rows that none of them errs on.
    fn lists(&mut self, nodes: Children, rows: &mut Vec<u32>) -> Vec<Operand<'a>> {
        let mut lists: Vec<Operand<'a>> = Vec::new();
        for node in self.condition.shape.children(nodes) {
            let mut still = self.take();
            still.extend_from_slice(rows);
            let values = self.values(*node, &mut still);
            if still.len() < rows.len() {
                lists = lists.into_iter().map(|list| compact(list, rows, &still)).collect();
            }
            lists.push(values);
            self.give(std::mem::replace(rows, still));
        }
        lists
    }

    fn sets(&mut self, members: Children, rows: &mut Vec<u32>) -> Operand<'a> {
        let lists = self.lists(members, rows);
        self.count(false, rows.len());
        let of_lane =
            |lane| Value::set(lists.iter().filter_map(|list| list.at(lane)).map(ValueRef::to_owned).collect());
        Operand::Many((0..rows.len()).map(|lane| self.temporaries.keep(of_lane(lane))).collect())
    }

    fn records(
        &mut self,
        at: NodeId,
        names: &[std::sync::Arc<str>],
        values: Children,
        rows: &mut Vec<u32>,
    ) -> Operand<'a> {
        let lists = self.lists(values, rows);
        let temporaries = self.temporaries;
        self.map(at, rows, |lane, _| {
            let values = lists.iter().filter_map(|list| list.at(lane)).map(ValueRef::to_owned);
            let record = Record::new(names.iter().cloned().zip(values).collect()).map_err(|_| ErrorCode::TypeError)?;
            Ok(temporaries.keep(Value::Record(std::sync::Arc::new(record))))
        })
    }
}

/// The values of the rows that are still there.
fn compact<'a>(operand: Operand<'a>, before: &[u32], still: &[u32]) -> Operand<'a> {
    match operand {
        Operand::Many(values) if still.len() < before.len() => {
            let mut still = still.iter().peekable();
            let kept = before.iter().zip(values).filter(|(row, _)| still.next_if_eq(row).is_some());
            Operand::Many(kept.map(|(_, value)| value).collect())
        }
        other => other,
    }
}

/// Two ordered lists of rows as one, with which list each came from.
fn merge(hits: &[u32], left: &[u32]) -> Vec<(u32, bool)> {
    let tagged = hits.iter().map(|row| (*row, true)).chain(left.iter().map(|row| (*row, false)));
    let mut merged: Vec<(u32, bool)> = tagged.collect();
    merged.sort_unstable();
    merged
}
