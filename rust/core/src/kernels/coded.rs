//! Tests of values that stand behind small codes.
//!
//! The words of a dictionary column, the distinct entities of a side of the batch and the attributes of these are few
//! beside the rows. A test of one of them against a constant is made once for each code that some row has, and
//! remembered for the policy; a row then costs two look-ups. Attributes are read once for each distinct entity,
//! whichever policies ask for them.
//!
//! Optimisation: preserves `evaluate::holds`, as `kernels.rs` does.

use super::{Kernels, Known};
use crate::authorize::Party;
use crate::columns::{Column, Contexts, Presence};
use crate::entities::Store;
use crate::evaluate::{ErrorCode, Failure, get_attribute};
use crate::shape::{Node, NodeId};
use crate::slots::PathId;
use crate::value::{EntityId, Value, ValueRef};

/// A side of the batch.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Which {
    Principal,
    Action,
    Resource,
}

/// An attribute of a side's entities: by side and name.
pub(super) type AttributeKey<'a> = (Which, &'a str);

/// What is known of an attribute of one entity.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cell<'a> {
    Unread,
    Value(ValueRef<'a>),
    Error(ErrorCode),
}

impl<'a> Cell<'a> {
    fn result(self) -> Result<ValueRef<'a>, ErrorCode> {
        match self {
            Self::Value(value) => Ok(value),
            Self::Error(code) => Err(code),
            Self::Unread => Err(ErrorCode::TypeError),
        }
    }
}

/// A node whose values stand behind codes.
pub(super) enum Coded<'k, 'a> {
    Words { codes: &'k [u32], words: &'k [&'a str], presence: &'k [Presence] },
    Side(&'k [u32], &'k [EntityId]),
    Attribute(&'k [u32], &'k [EntityId], AttributeKey<'a>),
}

impl<'k, 'a> Kernels<'k, 'a> {
    /// The side that a node stands for.
    fn side(&self, node: NodeId) -> Option<(Which, &'k [u32], &'k [EntityId])> {
        let rows = self.rows;
        let (which, side) = match self.condition.shape.node(node)? {
            Node::Principal => (Which::Principal, &rows.principals),
            Node::Action => (Which::Action, &rows.actions),
            Node::Resource => (Which::Resource, &rows.resources),
            _ => return None,
        };
        Some((which, &side.index, &side.distinct))
    }

    /// The codes of a node; none for nodes whose values have none.
    pub(super) fn coded(&self, node: NodeId) -> Option<Coded<'k, 'a>> {
        let condition = self.condition;
        match condition.shape.node(node)? {
            Node::Context(path) => self.words(*path),
            Node::GetAttribute(inner, name) => {
                let (which, codes, entities) = self.side(*inner)?;
                Some(Coded::Attribute(codes, entities, (which, name)))
            }
            _ => self.side(node).map(|(_, codes, entities)| Coded::Side(codes, entities)),
        }
    }

    fn words(&self, path: PathId) -> Option<Coded<'k, 'a>> {
        let rows = self.rows;
        let Contexts::Columns(columns) = &rows.contexts else { return None };
        match columns.get(path.0 as usize) {
            Some(Some(Column::Text { codes, words, presence })) => Some(Coded::Words { codes, words, presence }),
            _ => None,
        }
    }

    /// Adds the rows for whose value of `operand` the test is true; the test is made once for each code.
    pub(super) fn test(
        &mut self,
        at: NodeId,
        operand: NodeId,
        coded: &Coded<'k, 'a>,
        rows: &[u32],
        yes: &mut Vec<u32>,
        test: impl Fn(ValueRef<'a>) -> Result<bool, ErrorCode>,
    ) {
        self.count(true, rows.len());
        let mut cells = self.take_cells(coded);
        let (store, parties) = (self.store, self.parties_of(coded));
        let none: &[Presence] = &[];
        let (codes, count, presence) = match coded {
            Coded::Words { codes, words, presence } => (*codes, words.len(), *presence),
            Coded::Side(codes, entities) | Coded::Attribute(codes, entities, _) => (*codes, entities.len(), none),
        };
        let mut ask = |code: usize| {
            let value = match coded {
                Coded::Words { words, .. } => words.get(code).map(|word| ValueRef::String(word)),
                Coded::Side(_, entities) => entities.get(code).map(|entity| ValueRef::Entity(*entity)),
                Coded::Attribute(_, entities, (_, name)) => {
                    match read_cell(&mut cells, code, || attribute_of(parties, entities, code, name, store)) {
                        Ok(value) => Some(value),
                        Err(code) => return Known::Error(Failure { code, node: operand }),
                    }
                }
            };
            match value.map_or(Err(ErrorCode::TypeError), &test) {
                Ok(true) => Known::Yes,
                Ok(false) => Known::No,
                Err(code) => Known::Error(Failure { code, node: at }),
            }
        };
        // Remembering pays where rows are at least about as many as codes; else the room would cost more than it saves.
        let mut known = match self.scratch.known.get_mut(&(self.policy, at)) {
            Some(known) => Some(known),
            None if rows.len().saturating_mul(2) < count => None,
            None => Some(self.scratch.known.entry((self.policy, at)).or_insert(vec![Known::Unasked; count])),
        };
        for row in rows {
            if presence.get(*row as usize).is_some_and(|presence| *presence != Presence::Value) {
                self.errors.push((*row, Failure { code: ErrorCode::AttributeMissing, node: operand }));
                continue;
            }
            let code = codes.get(*row as usize).copied().unwrap_or(u32::MAX) as usize;
            let answer = match known.as_mut().and_then(|known| known.get_mut(code)) {
                Some(answer) => {
                    if *answer == Known::Unasked {
                        *answer = ask(code);
                    }
                    *answer
                }
                None => ask(code),
            };
            match answer {
                Known::Yes => yes.push(*row),
                Known::Error(failure) => self.errors.push((*row, failure)),
                Known::No | Known::Unasked => {}
            }
        }
        self.give_cells(coded, cells);
    }

    /// The attribute of a side's entity in each row.
    pub(super) fn attribute_values(
        &mut self,
        at: NodeId,
        coded: &Coded<'k, 'a>,
        rows: &mut Vec<u32>,
    ) -> Option<Vec<ValueRef<'a>>> {
        let Coded::Attribute(codes, entities, (_, name)) = coded else { return None };
        self.count(false, rows.len());
        let mut cells = self.take_cells(coded);
        let (store, parties) = (self.store, self.parties_of(coded));
        let errors = &mut *self.errors;
        let mut values = Vec::with_capacity(rows.len());
        rows.retain(|row| {
            let code = codes.get(*row as usize).copied().unwrap_or(u32::MAX) as usize;
            let read = read_cell(&mut cells, code, || attribute_of(parties, entities, code, name, store));
            match read {
                Ok(value) => values.push(value),
                Err(code) => errors.push((*row, Failure { code, node: at })),
            }
            read.is_ok()
        });
        self.give_cells(coded, cells);
        Some(values)
    }

    /// What the store says of the entities that an attribute is read of; none for actions.
    fn parties_of(&self, coded: &Coded<'k, 'a>) -> &'k [Party<'a>] {
        let [principals, resources] = self.parties;
        match coded {
            Coded::Attribute(_, _, (Which::Principal, _)) => principals,
            Coded::Attribute(_, _, (Which::Resource, _)) => resources,
            _ => &[],
        }
    }

    fn take_cells(&mut self, coded: &Coded<'k, 'a>) -> Vec<Cell<'a>> {
        let Coded::Attribute(_, entities, key) = coded else { return Vec::new() };
        let cells = self.scratch.attributes.get_mut(key).map(std::mem::take).unwrap_or_default();
        if cells.is_empty() { vec![Cell::Unread; entities.len()] } else { cells }
    }

    fn give_cells(&mut self, coded: &Coded<'k, 'a>, cells: Vec<Cell<'a>>) {
        if let Coded::Attribute(_, _, key) = coded {
            self.scratch.attributes.insert(*key, cells);
        }
    }

    /// The integer column of a context path.
    pub(super) fn longs(&self, node: NodeId) -> Option<(&'k [i64], &'k [Presence])> {
        let rows = self.rows;
        let Some(Node::Context(path)) = self.condition.shape.node(node) else { return None };
        let Contexts::Columns(columns) = &rows.contexts else { return None };
        match columns.get(path.0 as usize) {
            Some(Some(Column::Long { values, presence })) => Some((values, presence)),
            _ => None,
        }
    }
}

fn attribute_of<'a>(
    parties: &[Party<'a>],
    entities: &[EntityId],
    code: usize,
    name: &str,
    store: &'a Store,
) -> Result<ValueRef<'a>, ErrorCode> {
    match parties.get(code) {
        Some(party) => {
            let data = party.data.ok_or(ErrorCode::EntityMissing)?;
            data.attributes.get(name).map(Value::borrow).ok_or(ErrorCode::AttributeMissing)
        }
        None => {
            let entity = entities.get(code).copied().unwrap_or(EntityId(u32::MAX));
            get_attribute(ValueRef::Entity(entity), name, store)
        }
    }
}

/// The value of one cell, read if it was not yet.
#[inline]
fn read_cell<'a>(
    cells: &mut [Cell<'a>],
    code: usize,
    read: impl FnOnce() -> Result<ValueRef<'a>, ErrorCode>,
) -> Result<ValueRef<'a>, ErrorCode> {
    match cells.get_mut(code) {
        None => read(),
        Some(cell) => {
            if matches!(cell, Cell::Unread) {
                *cell = match read() {
                    Ok(value) => Cell::Value(value),
                    Err(code) => Cell::Error(code),
                };
            }
            cell.result()
        }
    }
}
