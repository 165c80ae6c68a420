//! Tests of values that stand behind small codes.
//!
//! The words of a dictionary column, the distinct entities of a side of the batch and the attributes of these are few
//! beside the rows. A test of one of them against a constant is made once for each code that some row has, and
//! remembered for the policy; a row then costs two look-ups. Attributes are read once for each distinct entity,
//! whichever policies ask for them.
//!
//! Optimisation: preserves `evaluate::holds`, as `kernels.rs` does.

use super::{Kernels, Known};
use crate::columns::{Column, Contexts, Presence};
use crate::entities::{Entity, Store};
use crate::evaluate::{ErrorCode, Failure, get_attribute, quick_relation, relation};
use crate::expression::Binary;
use crate::parties::Party;
use crate::shape::{Node, NodeId};
use crate::slots::PathId;
use crate::table::SIDE_BY_SIDE;
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

impl<'k, 'a> Coded<'k, 'a> {
    /// The codes of the rows, where every row has one.
    fn codes(&self) -> Option<&'k [u32]> {
        match self {
            Self::Words { codes, presence: [], .. } => Some(codes),
            Self::Words { .. } => None,
            Self::Side(codes, _) | Self::Attribute(codes, _, _) => Some(codes),
        }
    }

    fn key(&self) -> Option<AttributeKey<'a>> {
        if let Self::Attribute(_, _, key) = self { Some(*key) } else { None }
    }
}

/// What values behind codes are read from.
#[derive(Clone, Copy)]
struct Reader<'k, 'a> {
    parties: &'k [Party<'a>],
    store: &'a Store,
}

impl<'a> Reader<'_, 'a> {
    /// Reads the attribute of the entities of these rows of which it was not read yet; a few side by side, so that they wait
    /// for memory together. What has no data stays unread.
    fn read_ahead(&self, coded: &Coded<'_, 'a>, cells: &mut [Cell<'a>], rows: &[u32]) {
        let Coded::Attribute(codes, _, (_, name)) = coded else { return };
        for rows in rows.chunks(SIDE_BY_SIDE) {
            let mut unread: [Option<(usize, &'a Entity)>; SIDE_BY_SIDE] = [None; SIDE_BY_SIDE];
            for (place, row) in unread.iter_mut().zip(rows) {
                let code = codes.get(*row as usize).copied().unwrap_or(u32::MAX) as usize;
                if let Some(Cell::Unread) = cells.get(code) {
                    *place = self.parties.get(code).and_then(|party| Some((code, party.data?)));
                }
            }
            let values = unread.map(|entity| entity.map(|(code, data)| (code, data.attributes.get(name))));
            for (code, value) in values.into_iter().flatten() {
                if let Some(cell) = cells.get_mut(code) {
                    *cell = value.map_or(Cell::Error(ErrorCode::AttributeMissing), |value| Cell::Value(value.borrow()));
                }
            }
        }
    }

    #[inline(always)]
    fn value(&self, coded: &Coded<'_, 'a>, cells: &mut [Cell<'a>], code: usize) -> Result<ValueRef<'a>, ErrorCode> {
        match coded {
            Coded::Words { words, .. } => words.get(code).map(|word| ValueRef::String(word)),
            Coded::Side(_, entities) => entities.get(code).map(|entity| ValueRef::Entity(*entity)),
            Coded::Attribute(_, entities, (_, name)) => {
                return read_cell(cells, code, || attribute_of(self.parties, entities, code, name, self.store));
            }
        }
        .ok_or(ErrorCode::TypeError)
    }
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

    /// Adds the rows for whose value of an operand the test says what is wanted; where codes are few beside the rows, the
    /// test is made once for each code.
    pub(super) fn test(
        &mut self,
        wanted: bool,
        (at, operand): (NodeId, NodeId),
        coded: &Coded<'k, 'a>,
        rows: &[u32],
        yes: &mut Vec<u32>,
        test: impl Fn(ValueRef<'a>) -> Result<bool, ErrorCode>,
    ) {
        self.count(true, rows.len());
        let mut cells = self.take_cells(coded);
        let none: &[Presence] = &[];
        let (codes, count, presence) = match coded {
            Coded::Words { codes, words, presence } => (*codes, words.len(), *presence),
            Coded::Side(codes, entities) | Coded::Attribute(codes, entities, _) => (*codes, entities.len(), none),
        };
        let reader = self.reader(coded);
        reader.read_ahead(coded, &mut cells, rows);
        let mut ask = |code: usize| {
            let value = reader.value(coded, &mut cells, code).map_err(|code| Failure { code, node: operand })?;
            test(value).map_err(|code| Failure { code, node: at })
        };
        // Remembering pays where rows are at least about as many as codes; else the room would cost more than it saves.
        let mut known = match self.scratch.known.get_mut(&(self.policy, at)) {
            Some(known) => Some(known),
            None if rows.len().saturating_mul(2) < count => None,
            None => Some(self.scratch.known.entry((self.policy, at)).or_insert(vec![Known::Unasked; count])),
        };
        let is_wanted = if wanted { Known::Yes } else { Known::No };
        for row in rows {
            if presence.get(*row as usize).is_some_and(|presence| *presence != Presence::Value) {
                self.errors.push((*row, Failure { code: ErrorCode::AttributeMissing, node: operand }));
                continue;
            }
            let code = codes.get(*row as usize).copied().unwrap_or(u32::MAX) as usize;
            let place = known.as_mut().and_then(|known| known.get_mut(code));
            if let Some(Known::Yes | Known::No) = place {
                if place.is_some_and(|place| *place == is_wanted) {
                    yes.push(*row);
                }
                continue;
            }
            let answer = ask(code);
            if let Some(place) = place {
                *place = match answer {
                    Ok(true) => Known::Yes,
                    Ok(false) => Known::No,
                    Err(_) => Known::Error,
                };
            }
            match answer {
                Ok(found) if found == wanted => yes.push(*row),
                Ok(_) => {}
                Err(failure) => self.errors.push((*row, failure)),
            }
        }
        self.give_cells(coded, cells);
    }

    /// Two operands whose values stand behind codes, against each other; false if they are not that.
    pub(super) fn compare_coded(
        &mut self,
        wanted: bool,
        at: NodeId,
        (operator, left, right): (Binary, NodeId, NodeId),
        rows: &[u32],
        yes: &mut Vec<u32>,
    ) -> bool {
        let (Some(first), Some(second)) = (self.coded(left), self.coded(right)) else { return false };
        let (Some(first_codes), Some(second_codes)) = (first.codes(), second.codes()) else { return false };
        if first.key().is_some() && first.key() == second.key() {
            return false;
        }
        self.count(true, rows.len());
        let (mut first_cells, mut second_cells) = (self.take_cells(&first), self.take_cells(&second));
        let (first_reader, second_reader, store) = (self.reader(&first), self.reader(&second), self.store);
        first_reader.read_ahead(&first, &mut first_cells, rows);
        second_reader.read_ahead(&second, &mut second_cells, rows);
        let code_of = |codes: &[u32], row: u32| codes.get(row as usize).copied().unwrap_or(u32::MAX) as usize;
        for row in rows {
            let mut ask = || {
                let value = first_reader.value(&first, &mut first_cells, code_of(first_codes, *row));
                let one = value.map_err(|code| Failure { code, node: left })?;
                let value = second_reader.value(&second, &mut second_cells, code_of(second_codes, *row));
                let other = value.map_err(|code| Failure { code, node: right })?;
                match quick_relation(operator, one, other) {
                    Some(found) => Ok(found),
                    None => relation(operator, one, other, store).map_err(|code| Failure { code, node: at }),
                }
            };
            match ask() {
                Ok(found) if found == wanted => yes.push(*row),
                Ok(_) => {}
                Err(failure) => self.errors.push((*row, failure)),
            }
        }
        self.give_cells(&first, first_cells);
        self.give_cells(&second, second_cells);
        true
    }

    fn reader(&self, coded: &Coded<'k, 'a>) -> Reader<'k, 'a> {
        Reader { parties: self.parties_of(coded), store: self.store }
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
        let reader = self.reader(coded);
        reader.read_ahead(coded, &mut cells, rows);
        let Reader { store, parties } = reader;
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
#[inline(always)]
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
