//! Arguments of calls in columns, read where they stand.
//!
//! Columns of texts and of integers are read from Arrow's own memory, those of anything else are made into inputs once; a
//! dictionary's values stand once. A row's arguments are then a look at the columns, and nothing is copied to read them.
//!
//! Optimisation: preserves what [`CallValues::input`] gives as one value; `tests/boundary/test_call_columns.py` and the
//! state machine of `tests/properties` hold it to that.

use std::sync::Arc;

use agentpdp_arguments::source::{Key, List, Name, Node as SourceNode, Object, Source};
use agentpdp_cedar::input::Input;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, LargeStringArray, StringArray, StringViewArray};
use arrow_buffer::NullBuffer;
use arrow_schema::DataType;

use super::leaves::{input, integers, keys};
use super::tree::{Leaf, Node};
use crate::grants::input_source::{InputSource, Members, Pairs};

/// The key of a row that has no value.
pub(super) const NO_KEY: u32 = u32::MAX;

/// Values side by side, in whatever form they are read fastest.
enum Values {
    Text(StringArray),
    LargeText(LargeStringArray),
    TextView(StringViewArray),
    Integers(Vec<i64>),
    Inputs(Vec<Input>),
}

/// One value of a column.
enum Cell<'a> {
    Null,
    Integer(i64),
    Text(&'a str),
    Input(&'a Input),
}

/// One column.
pub(crate) struct Column {
    values: Values,
    /// Number of values.
    count: usize,
    /// Which of the values are there; none: all.
    nulls: Option<NullBuffer>,
    /// Which value each row has; none: its own.
    keys: Option<Vec<u32>>,
    /// In which rows what is above the column is there; none: in all.
    above: Option<Arc<Vec<bool>>>,
}

/// Columns by name.
pub(crate) struct Record {
    children: Vec<(String, CallValues)>,
    /// Rows in which there is a record; none: in all.
    present: Option<Vec<bool>>,
}

/// Columns by name, as deep as their names say.
pub(crate) enum CallValues {
    Column(Column),
    Record(Record),
}

/// The keys of a dictionary column, [`NO_KEY`] where null; none for any other column.
pub(super) fn dictionary_keys(column: &ArrayRef) -> Option<Vec<u32>> {
    let dictionary = column.as_any_dictionary_opt()?;
    let (mut keys, count) = (keys(dictionary).into_owned(), dictionary.values().len());
    for key in &mut keys {
        if *key as usize >= count {
            *key = NO_KEY;
        }
    }
    if let Some(nulls) = column.nulls().filter(|nulls| nulls.null_count() > 0) {
        for (key, is_valid) in keys.iter_mut().zip(nulls) {
            if !is_valid {
                *key = NO_KEY;
            }
        }
    }
    Some(keys)
}

impl Values {
    fn of(column: &ArrayRef) -> Self {
        match column.data_type() {
            DataType::Utf8 => Self::Text(column.as_string().clone()),
            DataType::LargeUtf8 => Self::LargeText(column.as_string().clone()),
            DataType::Utf8View => Self::TextView(column.as_string_view().clone()),
            _ => match integers(column) {
                Some(integers) => Self::Integers(integers.into_owned()),
                None => Self::Inputs((0..column.len()).map(|at| input(column, at)).collect()),
            },
        }
    }
}

impl Column {
    fn of(leaf: Leaf, row_count: usize) -> Self {
        match leaf {
            Leaf::Arrow(column) => Self::of_arrow(&column, None),
            Leaf::Field(column, above) => Self::of_arrow(&column, Some(above)),
            Leaf::Inputs(inputs) => Self::of_values(Values::Inputs(inputs), None),
            leaf => Self::of_values(Values::Inputs((0..row_count).map(|row| leaf.input(row)).collect()), None),
        }
    }

    fn of_arrow(column: &ArrayRef, above: Option<Arc<Vec<bool>>>) -> Self {
        match (dictionary_keys(column), column.as_any_dictionary_opt()) {
            (Some(keys), Some(dictionary)) => {
                let words = dictionary.values();
                Self { keys: Some(keys), above, ..Self::of_values(Values::of(words), words.logical_nulls()) }
            }
            _ => Self { above, ..Self::of_values(Values::of(column), column.logical_nulls()) },
        }
    }

    fn of_values(values: Values, nulls: Option<NullBuffer>) -> Self {
        let (count, nulls) = match &values {
            Values::Text(texts) => (texts.len(), nulls),
            Values::LargeText(texts) => (texts.len(), nulls),
            Values::TextView(texts) => (texts.len(), nulls),
            Values::Integers(integers) => (integers.len(), nulls),
            // What Arrow has a value for may be null all the same: a word of a dictionary.
            Values::Inputs(inputs) => {
                let is_there: Vec<bool> = inputs.iter().map(|input| !matches!(input, Input::Null)).collect();
                (inputs.len(), Some(NullBuffer::from(is_there)))
            }
        };
        Self { values, count, nulls: nulls.filter(|nulls| nulls.null_count() > 0), keys: None, above: None }
    }

    /// The place of a row's value; none where there is none.
    #[inline(always)]
    fn place(&self, row: usize) -> Option<usize> {
        if self.above.as_ref().is_some_and(|above| !above.get(row).copied().unwrap_or(false)) {
            return None;
        }
        let at = match &self.keys {
            None => row,
            Some(keys) => *keys.get(row)? as usize,
        };
        let is_there = at < self.count && self.nulls.as_ref().is_none_or(|nulls| nulls.is_valid(at));
        is_there.then_some(at)
    }

    #[inline]
    fn at(&self, row: usize) -> Cell<'_> {
        let Some(at) = self.place(row) else { return Cell::Null };
        match &self.values {
            Values::Text(texts) => Cell::Text(texts.value(at)),
            Values::LargeText(texts) => Cell::Text(texts.value(at)),
            Values::TextView(texts) => Cell::Text(texts.value(at)),
            Values::Integers(integers) => integers.get(at).map_or(Cell::Null, |integer| Cell::Integer(*integer)),
            Values::Inputs(inputs) => inputs.get(at).map_or(Cell::Null, Cell::Input),
        }
    }
}

impl CallValues {
    /// The columns of a tree.
    pub(super) fn of(node: Node, row_count: usize) -> Self {
        let is_struct =
            |leaf: &Leaf| leaf.arrow().is_some_and(|column| matches!(column.data_type(), DataType::Struct(_)));
        if let Node::Leaf(leaf) = &node
            && is_struct(leaf)
            && let Some(fields) = node.children(row_count)
        {
            return Self::Record(Record::of(fields.nodes, Some(fields.records), row_count));
        }
        match node {
            Node::Leaf(leaf) => Self::Column(Column::of(leaf, row_count)),
            Node::Record(children) => Self::Record(Record::of(children, None, row_count)),
        }
    }

    /// Values that were read before, one for each row; null where a row has none.
    pub(super) fn of_inputs(inputs: Vec<Input>) -> Self {
        let row_count = inputs.len();
        Self::Column(Column::of(Leaf::Inputs(inputs), row_count))
    }

    /// Whether a row has a value here; columns below a dotted name are always an object.
    #[inline]
    pub(crate) fn is_there(&self, row: usize) -> bool {
        match self {
            Self::Column(column) => column.place(row).is_some(),
            Self::Record(record) => {
                record.present.as_ref().is_none_or(|present| present.get(row).copied().unwrap_or(false))
            }
        }
    }

    /// The value of a row, by itself.
    pub(crate) fn input(&self, row: usize) -> Input {
        if !self.is_there(row) {
            return Input::Null;
        }
        match self {
            Self::Column(column) => match column.at(row) {
                Cell::Null => Input::Null,
                Cell::Integer(integer) => Input::Long(integer),
                Cell::Text(text) => Input::String(text.to_owned()),
                Cell::Input(input) => input.clone(),
            },
            Self::Record(record) => {
                Input::Object(record.there(row).map(|(name, child)| (name.clone(), child.input(row))).collect())
            }
        }
    }
}

impl Record {
    fn of(children: Vec<(String, Node)>, present: Option<Vec<bool>>, row_count: usize) -> Self {
        let children: Vec<_> =
            children.into_iter().map(|(name, child)| (name, CallValues::of(child, row_count))).collect();
        Self { children, present }
    }

    /// The columns that have a value in a row.
    fn there(&self, row: usize) -> impl Iterator<Item = &(String, CallValues)> {
        self.children.iter().filter(move |(_, child)| child.is_there(row))
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
    Row(&'a Record, usize),
    Pairs(Pairs<'a>),
}

impl<'a> Source<'a> for RowSource<'a> {
    type List = RowMembers<'a>;
    type Object = RowObject<'a>;

    #[inline]
    fn node(self) -> SourceNode<'a, Self> {
        let value = match self {
            Self::Row(CallValues::Record(record), row) => return SourceNode::Object(RowObject::Row(record, row)),
            Self::Row(CallValues::Column(column), row) => match column.at(row) {
                Cell::Null => return SourceNode::Null,
                Cell::Integer(integer) => return SourceNode::Integer(integer),
                Cell::Text(text) => return SourceNode::Text(text),
                Cell::Input(input) => InputSource(input),
            },
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
            Self::Row(record, row) => record.there(row).count(),
            Self::Pairs(pairs) => pairs.len(),
        }
    }

    #[inline]
    fn get(self, key: Key<'_>) -> Option<RowSource<'a>> {
        match self {
            Self::Row(record, row) => {
                // Columns mostly stand in the order of the tool's schema.
                let children = &record.children;
                let first = children.get(key.number as usize).filter(|(name, _)| *name == key.name);
                let (_, child) = first.or_else(|| children.iter().find(|(name, _)| *name == key.name))?;
                child.is_there(row).then_some(RowSource::Row(child, row))
            }
            Self::Pairs(pairs) => pairs.get(key).map(RowSource::Value),
        }
    }

    fn members(self) -> impl Iterator<Item = (Name<'a>, RowSource<'a>)> {
        let (rows, pairs) = match self {
            Self::Row(record, row) => (Some((record, row)), None),
            Self::Pairs(pairs) => (None, Some(pairs)),
        };
        let there = rows.into_iter().flat_map(|(record, row)| {
            record.there(row).map(move |(name, child)| (Name::Text(name), RowSource::Row(child, row)))
        });
        let pairs = pairs.into_iter().flat_map(Object::members);
        there.chain(pairs.map(|(name, value)| (name, RowSource::Value(value))))
    }

    fn has_duplicates(self) -> bool {
        match self {
            Self::Row(..) => false, // no two columns have one name
            Self::Pairs(pairs) => pairs.has_duplicates(),
        }
    }
}
