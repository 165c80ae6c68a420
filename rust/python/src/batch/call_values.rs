//! Arguments of calls in columns, read where they stand.
//!
//! Each column is made into inputs once: a dictionary's for each of its values, any other's for each row. A row's
//! arguments are then a look at the columns ([`RowValues`]), and nothing is copied to read them.
//!
//! Optimisation: preserves what [`CallValues::input`] gives as one value; `tests/boundary/test_call_columns.py` and the
//! state machine of `tests/properties` hold it to that.

use std::sync::Arc;

use agentpdp_arguments::source::{Key, List, Name, Node as SourceNode, Object, Source};
use agentpdp_cedar::input::Input;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};

use super::leaves::{input, keys};
use super::tree::{Leaf, Node};
use crate::grants::input_source::{InputSource, Members, Pairs};

static NULL: Input = Input::Null;

/// The key of a row that has no value.
pub(super) const NO_KEY: u32 = u32::MAX;

/// One column: the inputs of its values, and which of them each row has; none: the row's own.
pub(crate) struct Column {
    values: Vec<Input>,
    keys: Option<Vec<u32>>,
}

/// Columns by name, as deep as their names say.
pub(crate) enum CallValues {
    Column(Column),
    Record(Vec<(String, Self)>),
}

/// The keys of a dictionary column, [`NO_KEY`] where null; none for any other column.
pub(super) fn dictionary_keys(column: &ArrayRef) -> Option<Vec<u32>> {
    let dictionary = column.as_any_dictionary_opt()?;
    let (mut keys, count) = (keys(dictionary), dictionary.values().len());
    for (row, key) in keys.iter_mut().enumerate() {
        if column.is_null(row) || *key as usize >= count {
            *key = NO_KEY;
        }
    }
    Some(keys)
}

impl Column {
    fn of(leaf: Leaf, row_count: usize) -> Self {
        if let Leaf::Arrow(column) = &leaf
            && let Some(keys) = dictionary_keys(column)
            && let Some(dictionary) = column.as_any_dictionary_opt()
        {
            let values = dictionary.values();
            return Self { values: (0..values.len()).map(|at| input(values, at)).collect(), keys: Some(keys) };
        }
        let values = match leaf {
            Leaf::Inputs(inputs) => inputs,
            leaf => (0..row_count).map(|row| leaf.input(row)).collect(),
        };
        Self { values, keys: None }
    }

    #[inline]
    fn at(&self, row: usize) -> &Input {
        let at = match &self.keys {
            None => row,
            Some(keys) => keys.get(row).map_or(usize::MAX, |key| *key as usize),
        };
        self.values.get(at).unwrap_or(&NULL)
    }
}

impl CallValues {
    /// The columns of a tree.
    pub(super) fn of(node: Node, row_count: usize) -> Self {
        match node {
            Node::Leaf(leaf) => Self::Column(Column::of(leaf, row_count)),
            Node::Record(children) => {
                Self::Record(children.into_iter().map(|(name, child)| (name, Self::of(child, row_count))).collect())
            }
        }
    }

    /// Whether a row has a value here; columns below a name are always an object.
    #[inline]
    pub(crate) fn is_there(&self, row: usize) -> bool {
        match self {
            Self::Column(column) => !matches!(column.at(row), Input::Null),
            Self::Record(_) => true,
        }
    }

    /// The value of a row, by itself.
    pub(crate) fn input(&self, row: usize) -> Input {
        match self {
            Self::Column(column) => column.at(row).clone(),
            Self::Record(children) => {
                let there = children.iter().filter(|(_, child)| child.is_there(row));
                Input::Object(there.map(|(name, child)| (name.clone(), child.input(row))).collect())
            }
        }
    }
}

/// What one row of a batch has for its arguments.
pub(crate) enum RowValues {
    /// A value of its own.
    Own(Input),
    /// A row of columns.
    Columns(Arc<CallValues>, usize),
}

impl RowValues {
    /// The arguments as a source.
    #[inline]
    pub(crate) fn source(&self) -> RowSource<'_> {
        match self {
            Self::Own(input) => RowSource::Value(InputSource(input)),
            Self::Columns(values, row) => RowSource::Row(values, *row),
        }
    }

    /// The arguments as one value.
    pub(crate) fn input(&self) -> Input {
        match self {
            Self::Own(input) => input.clone(),
            Self::Columns(values, row) => values.input(*row),
        }
    }
}

/// A row of columns, or a value in it.
#[derive(Clone, Copy)]
pub(crate) enum RowSource<'a> {
    Row(&'a CallValues, usize),
    Value(InputSource<'a>),
}

/// Members of a list.
#[derive(Clone, Copy)]
pub(crate) struct RowMembers<'a>(Members<'a>);

/// Members of an object.
#[derive(Clone, Copy)]
pub(crate) enum RowObject<'a> {
    Row(&'a [(String, CallValues)], usize),
    Pairs(Pairs<'a>),
}

impl<'a> Source<'a> for RowSource<'a> {
    type List = RowMembers<'a>;
    type Object = RowObject<'a>;

    #[inline]
    fn node(self) -> SourceNode<'a, Self> {
        let value = match self {
            Self::Row(CallValues::Record(children), row) => {
                return SourceNode::Object(RowObject::Row(children, row));
            }
            Self::Row(CallValues::Column(column), row) => InputSource(column.at(row)),
            Self::Value(value) => value,
        };
        match value.node() {
            SourceNode::Null => SourceNode::Null,
            SourceNode::Bool(flag) => SourceNode::Bool(flag),
            SourceNode::Integer(integer) => SourceNode::Integer(integer),
            SourceNode::Number(number) => SourceNode::Number(number),
            SourceNode::Text(text) => SourceNode::Text(text),
            SourceNode::Broken => SourceNode::Broken,
            SourceNode::List(members) => SourceNode::List(RowMembers(members)),
            SourceNode::Object(pairs) => SourceNode::Object(RowObject::Pairs(pairs)),
            SourceNode::Foreign => SourceNode::Foreign,
        }
    }
}

impl<'a> List<'a, RowSource<'a>> for RowMembers<'a> {
    fn len(self) -> usize {
        self.0.len()
    }

    fn members(self) -> impl Iterator<Item = RowSource<'a>> {
        self.0.members().map(RowSource::Value)
    }
}

impl<'a> Object<'a, RowSource<'a>> for RowObject<'a> {
    #[inline]
    fn len(self) -> usize {
        match self {
            Self::Row(children, row) => children.iter().filter(|(_, child)| child.is_there(row)).count(),
            Self::Pairs(pairs) => pairs.len(),
        }
    }

    #[inline]
    fn get(self, key: Key<'_>) -> Option<RowSource<'a>> {
        match self {
            Self::Row(children, row) => {
                // Columns mostly stand in the order of the tool's schema.
                let first = children.get(key.number as usize).filter(|(name, _)| *name == key.name);
                let (_, child) = first.or_else(|| children.iter().find(|(name, _)| *name == key.name))?;
                child.is_there(row).then_some(RowSource::Row(child, row))
            }
            Self::Pairs(pairs) => pairs.get(key).map(RowSource::Value),
        }
    }

    fn members(self) -> impl Iterator<Item = (Name<'a>, RowSource<'a>)> {
        let (children, row, pairs) = match self {
            Self::Row(children, row) => (children, row, None),
            Self::Pairs(pairs) => (&[][..], 0, Some(pairs)),
        };
        let there = children.iter().filter(move |(_, child)| child.is_there(row));
        let there = there.map(move |(name, child)| (Name::Text(name), RowSource::Row(child, row)));
        let pairs = pairs.into_iter().flat_map(Object::members);
        there.chain(pairs.map(|(name, value)| (name, RowSource::Value(value))))
    }

    fn has_duplicates(self) -> bool {
        match self {
            Self::Row(..) => false,
            Self::Pairs(pairs) => pairs.has_duplicates(),
        }
    }
}
