//! The columns of a context as a tree by name, whatever each column is made of.
//!
//! Read next: `contexts.rs`, which walks it along the layouts of the batch's actions.

use std::sync::Arc;

use agentpdp_cedar::input::Input;
use agentpdp_core::columns::Side;
use agentpdp_core::decision::Reason;
use agentpdp_core::request::Locals;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use pyo3::prelude::*;

use super::leaves::input;
use super::uids::SideReader;

/// A column: from Arrow, or from Python objects.
pub(super) enum Leaf {
    Arrow(ArrayRef),
    /// A field of a struct column, with the rows in which the struct is there.
    Field(ArrayRef, Arc<Vec<bool>>),
    Inputs(Vec<Input>),
    Codes(Vec<u64>),
    Objects(Vec<Py<PyAny>>),
}

impl Leaf {
    pub(super) fn arrow(&self) -> Option<&ArrayRef> {
        match self {
            Self::Arrow(column) | Self::Field(column, _) => Some(column),
            _ => None,
        }
    }

    pub(super) fn side<'a>(
        &'a self,
        reader: &SideReader<'_>,
        name: &str,
        locals: &mut Locals<'a>,
        refused: &mut [Option<Reason>],
    ) -> Result<Side<'a>, String> {
        match self {
            Self::Arrow(column) | Self::Field(column, _) => reader.read(column, name, locals, refused),
            Self::Codes(codes) => Ok(reader.read_codes(codes.iter().copied().map(Some), refused)),
            Self::Objects(objects) => Python::attach(|py| {
                Ok(reader.read_owned_objects(objects.iter().map(|object| object.bind(py)), locals, refused))
            }),
            Self::Inputs(_) => Err(format!("column `{name}` holds no entities")),
        }
    }

    pub(super) fn present(&self, row_count: usize) -> Vec<bool> {
        match self {
            Self::Arrow(column) => match column.logical_nulls() {
                None => vec![true; row_count],
                Some(nulls) => nulls.iter().collect(),
            },
            Self::Field(column, above) => {
                let nulls = column.logical_nulls();
                let is_there = |row: usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
                above.iter().enumerate().map(|(row, above)| *above && is_there(row)).collect()
            }
            Self::Inputs(inputs) => inputs.iter().map(|input| !matches!(input, Input::Null)).collect(),
            Self::Codes(_) | Self::Objects(_) => vec![true; row_count],
        }
    }

    pub(super) fn input(&self, row: usize) -> Input {
        match self {
            Self::Arrow(column) => input(column, row),
            Self::Field(column, above) if above.get(row).copied().unwrap_or(false) => input(column, row),
            Self::Field(..) => Input::Null,
            Self::Inputs(inputs) => inputs.get(row).cloned().unwrap_or(Input::Null),
            Self::Codes(_) | Self::Objects(_) => Input::Null,
        }
    }
}

/// The attributes of a column of records, and in which rows there is a record.
pub(super) struct Children {
    pub(super) nodes: Vec<(String, Node)>,
    pub(super) records: Vec<bool>,
}

/// The attributes of an object; of anything else, none.
fn attributes(input: &Input) -> &[(String, Input)] {
    match input {
        Input::Object(attributes) => attributes,
        _ => &[],
    }
}

impl Children {
    /// Those of Python objects.
    fn of_objects(inputs: &[Input]) -> Self {
        let mut names: Vec<&String> = inputs.iter().flat_map(attributes).map(|(name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        let child = |name: &String| {
            let of_row = |input| match attributes(input).iter().find(|(known, _)| known == name) {
                None => Input::Null,
                // Only a cell that is None is absent; inside an object it is no value.
                Some((_, Input::Null)) => Input::Foreign,
                Some((_, value)) => value.clone(),
            };
            (name.clone(), Node::Leaf(Leaf::Inputs(inputs.iter().map(of_row).collect())))
        };
        Self {
            nodes: names.into_iter().map(child).collect(),
            records: inputs.iter().map(|input| matches!(input, Input::Object(_))).collect(),
        }
    }
}

/// The columns of a context as a tree by name.
pub(super) enum Node {
    Leaf(Leaf),
    Record(Vec<(String, Node)>),
}

impl Node {
    /// Puts a column in at a path.
    pub(super) fn insert<'p>(&mut self, mut path: impl Iterator<Item = &'p str>, leaf: Leaf) -> Result<(), String> {
        let Some(name) = path.next() else {
            return match (&*self, leaf) {
                (Self::Record(children), leaf) if children.is_empty() => {
                    *self = Self::Leaf(leaf);
                    Ok(())
                }
                _ => Err("the context comes twice: as one column and as columns with dotted names".to_owned()),
            };
        };
        let Self::Record(children) = self else {
            return Err(format!("column `…{name}` stands below a column that has values of its own"));
        };
        if let Some((_, child)) = children.iter_mut().find(|(known, _)| known == name) {
            return child.insert(path, leaf);
        }
        let mut child = Self::Record(Vec::new());
        child.insert(path, leaf)?;
        children.push((name.to_owned(), child));
        Ok(())
    }

    /// What a column of records is made of; none where the tree itself says it.
    pub(super) fn children(&self, row_count: usize) -> Option<Children> {
        match self {
            Self::Record(_) => None,
            Self::Leaf(leaf)
                if leaf.arrow().is_some_and(|column| matches!(column.data_type(), DataType::Struct(_))) =>
            {
                let structs = leaf.arrow()?.as_struct();
                let present = Arc::new(leaf.present(row_count));
                let children = structs.fields().iter().zip(structs.columns());
                let node = |column: &ArrayRef| Self::Leaf(Leaf::Field(column.clone(), present.clone()));
                let nodes = children.map(|(field, column)| (field.name().clone(), node(column))).collect();
                Some(Children { nodes, records: present.to_vec() })
            }
            Self::Leaf(Leaf::Inputs(inputs)) => Some(Children::of_objects(inputs)),
            // Nothing else holds records.
            Self::Leaf(_) => Some(Children { nodes: Vec::new(), records: vec![false; row_count] }),
        }
    }

    /// In which rows something is there.
    pub(super) fn present(&self, row_count: usize) -> Vec<bool> {
        match self {
            Self::Leaf(leaf) => leaf.present(row_count),
            Self::Record(children) => {
                let mut present = vec![false; row_count];
                for (_, child) in children {
                    for (mine, its) in present.iter_mut().zip(child.present(row_count)) {
                        *mine |= its;
                    }
                }
                present
            }
        }
    }

    /// The value of one row; null where nothing is there.
    pub(super) fn input(&self, row: usize) -> Input {
        match self {
            Self::Leaf(leaf) => leaf.input(row),
            Self::Record(children) => {
                let pair = |(name, child): &(String, Node)| match child.input(row) {
                    Input::Null => None,
                    value => Some((name.clone(), value)),
                };
                Input::Object(children.iter().filter_map(pair).collect())
            }
        }
    }
}
