//! Tests of values that stand behind small codes.
//!
//! The words of a dictionary column, the distinct entities of a side of the batch and the attributes of these are few
//! beside the rows. A test of one of them against a constant is made once for each code that some row has, and
//! remembered for the policy; a row then costs two look-ups. Attributes are read once for each distinct entity,
//! whichever policies ask for them.
//!
//! Optimisation: preserves `evaluate::holds`, as `kernels.rs` does.

use super::{Kept, Kernels, Known, Remembered};
use crate::columns::{Column, Contexts, Presence};
use crate::evaluate::{ErrorCode, Failure, quick_relation, relation};
use crate::expression::Binary;
use crate::shape::{Node, NodeId};
use crate::slots::PathId;
use crate::value::{EntityId, Finder, Record, Value, ValueRef};

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

/// Entities whose attributes are read side by side, so that their reads wait for memory together.
const SIDE_BY_SIDE: usize = 32;

/// How far the reading of an attribute has come.
#[derive(Clone, Copy)]
enum Found<'a> {
    NoEntity,
    Record(&'a Record),
    NoAttribute,
    Value(&'a Value),
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

    /// The value behind a code; of an attribute, what was read of it.
    #[inline(always)]
    fn value(&self, cells: &[Cell<'a>], code: usize) -> Result<ValueRef<'a>, ErrorCode> {
        match self {
            Self::Words { words, .. } => words.get(code).map(|word| ValueRef::String(word)).ok_or(ErrorCode::TypeError),
            Self::Side(_, entities) => entity_at(entities, code),
            Self::Attribute(..) => cell_at(cells, code),
        }
    }
}

#[inline(always)]
fn code_at(codes: &[u32], row: u32) -> usize {
    codes.get(row as usize).copied().unwrap_or(u32::MAX) as usize
}

#[inline(always)]
fn cell_at<'a>(cells: &[Cell<'a>], code: usize) -> Result<ValueRef<'a>, ErrorCode> {
    match cells.get(code) {
        Some(Cell::Value(value)) => Ok(*value),
        Some(Cell::Error(code)) => Err(*code),
        Some(Cell::Unread) | None => Err(ErrorCode::TypeError),
    }
}

#[inline(always)]
fn entity_at<'a>(entities: &[EntityId], code: usize) -> Result<ValueRef<'a>, ErrorCode> {
    entities.get(code).map(|entity| ValueRef::Entity(*entity)).ok_or(ErrorCode::TypeError)
}

/// Places of [`SharedAnswers`].
const SHARED_ANSWERS: usize = 16;

/// What a test said of the texts and sets that it met last; entities of a store share those that are equal, so that the
/// same one is often met again.
#[derive(Default)]
struct SharedAnswers([(usize, usize, bool); SHARED_ANSWERS]);

impl SharedAnswers {
    /// The test's answer for a value, remembered by where the value stands in memory.
    #[inline]
    fn ask<'a>(
        &mut self,
        value: ValueRef<'a>,
        test: impl Fn(ValueRef<'a>) -> Result<bool, ErrorCode>,
    ) -> Result<bool, ErrorCode> {
        let (address, length) = match value {
            ValueRef::String(text) if !text.is_empty() => (text.as_ptr().addr(), text.len()),
            ValueRef::Set(set) => (std::ptr::from_ref(set).addr(), 0),
            _ => return test(value),
        };
        let Some(place) = self.0.get_mut((address >> 4) % SHARED_ANSWERS) else { return test(value) };
        if (place.0, place.1) != (address, length) {
            *place = (address, length, test(value)?);
        }
        Ok(place.2)
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
    /// test is made once for each code, and of an attribute once for each text or set that entities share.
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
        match coded {
            Coded::Attribute(codes, ..) => {
                let cells = self.take_cells(coded, rows);
                let mut shared = SharedAnswers::default();
                let mut kept = Kept::new(yes, rows.len());
                for row in rows {
                    match cell_at(&cells, code_at(codes, *row)) {
                        Ok(value) => match shared.ask(value, &test) {
                            Ok(found) => kept.keep_if(found == wanted, *row),
                            Err(code) => self.fail(*row, code, at),
                        },
                        Err(code) => self.fail(*row, code, operand),
                    }
                }
                self.give_cells(coded, cells);
            }
            Coded::Words { codes, words, presence } => {
                let word = |code: usize| words.get(code).map(|word| test(ValueRef::String(word)));
                self.test_codes(wanted, (at, operand), (codes, words.len(), presence), rows, yes, word);
            }
            Coded::Side(codes, entities) => {
                let entity = |code: usize| entities.get(code).map(|entity| test(ValueRef::Entity(*entity)));
                self.test_codes(wanted, (at, operand), (codes, entities.len(), &[]), rows, yes, entity);
            }
        }
    }

    /// [`Kernels::test`] of what needs no reading: the answer for a code is remembered.
    fn test_codes(
        &mut self,
        wanted: bool,
        (at, operand): (NodeId, NodeId),
        (codes, count, presence): (&[u32], usize, &[Presence]),
        rows: &[u32],
        yes: &mut Vec<u32>,
        ask: impl Fn(usize) -> Option<Result<bool, ErrorCode>>,
    ) {
        // Remembering pays once about as many rows were asked as there are codes; else the room would cost more than it saves.
        let Remembered { rows: asked, known } = self.scratch.known.entry((self.policy, at)).or_default();
        if known.is_empty() {
            *asked = asked.saturating_add(rows.len());
            if asked.saturating_mul(2) >= count {
                known.resize(count, Known::Unasked);
            }
        }
        let mut kept = Kept::new(yes, rows.len());
        let is_wanted = if wanted { Known::Yes } else { Known::No };
        for row in rows {
            if presence.get(*row as usize).is_some_and(|presence| *presence != Presence::Value) {
                self.errors.push((*row, Failure { code: ErrorCode::AttributeMissing, node: operand }));
                continue;
            }
            let code = code_at(codes, *row);
            let place = known.get_mut(code);
            if let Some(answer @ (Known::Yes | Known::No)) = place {
                kept.keep_if(*answer == is_wanted, *row);
                continue;
            }
            let answer = ask(code).unwrap_or(Err(ErrorCode::TypeError));
            if let Some(place) = place {
                *place = match answer {
                    Ok(true) => Known::Yes,
                    Ok(false) => Known::No,
                    Err(_) => Known::Error,
                };
            }
            match answer {
                Ok(found) => kept.keep_if(found == wanted, *row),
                Err(code) => self.errors.push((*row, Failure { code, node: at })),
            }
        }
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
        let (ours, theirs) = (self.take_cells(&first, rows), self.take_cells(&second, rows));
        let nodes = [at, left, right];
        // One loop for each pair that is met often, so that how values are read stands in it.
        match (&first, &second) {
            (Coded::Attribute(..), Coded::Attribute(..)) => self.relate(
                wanted,
                (operator, nodes),
                rows,
                yes,
                |row| cell_at(&ours, code_at(first_codes, row)),
                |row| cell_at(&theirs, code_at(second_codes, row)),
            ),
            (Coded::Attribute(..), Coded::Side(_, entities)) => self.relate(
                wanted,
                (operator, nodes),
                rows,
                yes,
                |row| cell_at(&ours, code_at(first_codes, row)),
                |row| entity_at(entities, code_at(second_codes, row)),
            ),
            _ => self.relate(
                wanted,
                (operator, nodes),
                rows,
                yes,
                |row| first.value(&ours, code_at(first_codes, row)),
                |row| second.value(&theirs, code_at(second_codes, row)),
            ),
        }
        self.give_cells(&first, ours);
        self.give_cells(&second, theirs);
        true
    }

    /// Adds the rows for whose two values a relation is what is wanted.
    #[inline(always)]
    fn relate(
        &mut self,
        wanted: bool,
        (operator, [at, left, right]): (Binary, [NodeId; 3]),
        rows: &[u32],
        yes: &mut Vec<u32>,
        one: impl Fn(u32) -> Result<ValueRef<'a>, ErrorCode>,
        other: impl Fn(u32) -> Result<ValueRef<'a>, ErrorCode>,
    ) {
        let store = self.store;
        let mut kept = Kept::new(yes, rows.len());
        for row in rows {
            let (one, other) = match (one(*row), other(*row)) {
                (Ok(one), Ok(other)) => (one, other),
                (Err(code), _) => {
                    self.fail(*row, code, left);
                    continue;
                }
                (_, Err(code)) => {
                    self.fail(*row, code, right);
                    continue;
                }
            };
            let found = match quick_relation(operator, one, other) {
                Some(found) => found,
                None => match relation(operator, one, other, store) {
                    Ok(found) => found,
                    Err(code) => {
                        self.fail(*row, code, at);
                        continue;
                    }
                },
            };
            kept.keep_if(found == wanted, *row);
        }
    }

    /// The attribute of a side's entity in each row.
    pub(super) fn attribute_values(
        &mut self,
        at: NodeId,
        coded: &Coded<'k, 'a>,
        rows: &mut Vec<u32>,
    ) -> Option<Vec<ValueRef<'a>>> {
        let Coded::Attribute(codes, ..) = coded else { return None };
        self.count(false, rows.len());
        let cells = self.take_cells(coded, rows);
        let errors = &mut *self.errors;
        let mut values = Vec::with_capacity(rows.len());
        rows.retain(|row| {
            let read = cell_at(&cells, code_at(codes, *row));
            match read {
                Ok(value) => values.push(value),
                Err(code) => errors.push((*row, Failure { code, node: at })),
            }
            read.is_ok()
        });
        self.give_cells(coded, cells);
        Some(values)
    }

    /// What is known of an attribute, the entities of these rows included; nothing for what is no attribute.
    fn take_cells(&mut self, coded: &Coded<'k, 'a>, rows: &[u32]) -> Vec<Cell<'a>> {
        let Coded::Attribute(codes, entities, key) = coded else { return Vec::new() };
        let mut cells = self.scratch.attributes.get_mut(key).map(std::mem::take).unwrap_or_default();
        if cells.is_empty() {
            cells = vec![Cell::Unread; entities.len()];
        }
        let ([principals, resources], (which, name), store) = (self.parties, *key, self.store);
        // What the store says of them was looked up before, but for actions.
        let parties = match which {
            Which::Principal => principals,
            Which::Resource => resources,
            Which::Action => &[],
        };
        // Which are to be read first, without a branch for each; then the reads wait for memory side by side.
        let mut unread = self.take();
        let mut kept = Kept::new(&mut unread, rows.len());
        for row in rows {
            let code = codes.get(*row as usize).copied().unwrap_or(u32::MAX);
            kept.keep_if(matches!(cells.get(code as usize), Some(Cell::Unread)), code);
        }
        drop(kept);
        let mut finder = Finder::new(name);
        for codes in unread.chunks(SIDE_BY_SIDE) {
            let mut found = [Found::NoEntity; SIDE_BY_SIDE];
            for (place, code) in found.iter_mut().zip(codes) {
                let code = *code as usize;
                let data = match (parties.get(code), entities.get(code)) {
                    (Some(party), _) => party.data,
                    (None, Some(entity)) => store.get(*entity),
                    (None, None) => None,
                };
                if let Some(data) = data {
                    *place = Found::Record(&data.attributes);
                }
            }
            for place in &mut found {
                if let Found::Record(record) = place {
                    *place = finder.get(record).map_or(Found::NoAttribute, Found::Value);
                }
            }
            for (found, code) in found.iter().zip(codes) {
                if let Some(cell) = cells.get_mut(*code as usize) {
                    *cell = match found {
                        Found::Value(value) => Cell::Value(value.borrow()),
                        Found::NoAttribute | Found::Record(_) => Cell::Error(ErrorCode::AttributeMissing),
                        Found::NoEntity => Cell::Error(ErrorCode::EntityMissing),
                    };
                }
            }
        }
        self.give(unread);
        cells
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
