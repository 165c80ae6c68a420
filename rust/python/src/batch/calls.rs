//! Columns of calls under grants, from Arrow or by name, as rows.

use std::collections::HashMap;
use std::sync::Arc;

use agentpdp_cedar::input::Input;
use agentpdp_cedar::uid_text::parse_uid;
use agentpdp_core::decision::Reason;
use agentpdp_core::grants::Grant as CoreGrant;
use foldhash::fast::FixedState;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::arrays::read;
use super::arrow::Import;
use super::call_values::{CallValues, NO_KEY, RowValues, dictionary_keys};
use super::tree::{Leaf, Node};
use crate::engine::Engine;
use crate::errors;
use crate::grants::approving::parse_id;
use crate::grants::batch::{Row, Uid, check_agent, row_grant};
use crate::uid::owned_uid;

/// The columns besides `arguments` and `context`.
const PLAIN: [&str; 5] = ["grant", "agent", "action", "resource", "at"];

#[derive(Default)]
struct Columns {
    plain: [Option<Leaf>; 5],
    arguments: Option<Node>,
    context: Option<Node>,
    row_count: usize,
}

impl Columns {
    /// Puts a column in; others than those of calls are passed over.
    fn insert(&mut self, name: &str, leaf: Leaf) -> Result<(), String> {
        let mut path = name.split('.');
        let first = path.next().unwrap_or_default();
        if let Some(place) = PLAIN.iter().position(|plain| *plain == name).and_then(|at| self.plain.get_mut(at)) {
            if place.is_some() {
                return Err(format!("column `{name}` comes twice"));
            }
            *place = Some(leaf);
            return Ok(());
        }
        let tree = match first {
            "arguments" | "input" => &mut self.arguments,
            "context" => &mut self.context,
            _ => return Ok(()),
        };
        tree.get_or_insert_with(|| Node::Record(Vec::new())).insert(path, leaf)
    }
}

/// Rows of columns; none if this is a sequence of dicts.
pub(crate) fn columns_of_calls(slf: &Bound<'_, Engine>, columns: &Bound<'_, PyAny>) -> PyResult<Option<Vec<Row>>> {
    let (py, engine) = (slf.py(), slf.get());
    let wrong = |message: String| errors::column(py, &message);
    if columns.hasattr("__arrow_c_stream__")? || columns.hasattr("__arrow_c_array__")? {
        let import = Import::take(columns).map_err(|error| wrong(error.value(py).to_string()))?;
        let batches = import.map_or(Ok(Vec::new()), |import| import.into_batches(|_| true)).map_err(wrong)?;
        let mut rows = Vec::new();
        for batch in batches {
            let mut found = Columns { row_count: batch.row_count, ..Columns::default() };
            for (name, column) in batch.columns {
                found.insert(&name, Leaf::Arrow(column)).map_err(wrong)?;
            }
            found.into_rows(py, engine, &mut rows)?;
        }
        return Ok(Some(rows));
    }
    let Ok(dict) = columns.cast::<PyDict>() else {
        if columns.is_instance_of::<PyString>() || columns.try_iter().is_err() {
            let message = "a batch is an Arrow table (or anything with `__arrow_c_stream__`), a dict of columns, or a \
                           sequence of dicts with `grant`, `action` and `arguments`";
            return Err(wrong(message.to_owned()));
        }
        return Ok(None);
    };
    let mut found = Columns::default();
    let mut counted: Option<String> = None;
    for (name, column) in dict.iter() {
        let name = name.cast::<PyString>().map_err(|_| wrong("the names of columns are strings".to_owned()))?;
        let name = name.to_str()?.to_owned();
        let is_side = PLAIN.contains(&name.as_str()) && name != "at";
        let (leaf, count) = read(&column, is_side)
            .map_err(|error| wrong(format!("column `{name}` cannot be read: {}", error.value(py))))?;
        match &counted {
            Some(first) if found.row_count != count => {
                let known = found.row_count;
                return Err(wrong(format!("column `{name}` has {count} rows and `{first}` has {known}")));
            }
            _ => (found.row_count, counted) = (count, Some(name.clone())),
        }
        found.insert(&name, leaf).map_err(wrong)?;
    }
    let mut rows = Vec::new();
    found.into_rows(py, engine, &mut rows)?;
    Ok(Some(rows))
}

impl Columns {
    fn into_rows(self, py: Python<'_>, engine: &Engine, rows: &mut Vec<Row>) -> PyResult<()> {
        let missing =
            |name: &str| errors::column(py, &format!("there is no column `{name}`: a call has grant and action"));
        let [grant, agent, action, resource, at] = &self.plain;
        let grant = grant.as_ref().ok_or_else(|| missing("grant"))?;
        let action = action.as_ref().ok_or_else(|| missing("action"))?;
        let mut grants = Grants { py, engine, grant, agent: agent.as_ref(), keys: Keys::of(grant, agent.as_ref()) };
        let mut actions = Actions { py, action, keys: keys_of(action), known: HashMap::default() };
        let arguments = self.arguments.map(|tree| Arc::new(CallValues::of(tree, self.row_count)));
        let context =
            |row| self.context.as_ref().map(|tree| tree.input(row)).filter(|input| !matches!(input, Input::Null));
        rows.reserve(self.row_count);
        for row in 0..self.row_count {
            let uid = |leaf: &Leaf| uid_at(py, engine, leaf, row);
            let given = arguments.as_ref().filter(|values| values.is_there(row));
            rows.push(Row {
                grant: grants.at(row),
                action: actions.at(row),
                arguments: given.map(|values| RowValues::Columns(values.clone(), row)),
                context: context(row),
                resource: resource.as_ref().and_then(|leaf| is_there(py, leaf, row).then(|| uid(leaf))),
                at: match at.as_ref().map(|at| at.input(row)) {
                    Some(Input::Long(at)) => Some(at),
                    None | Some(Input::Null) => None,
                    Some(_) => return Err(errors::column(py, "column `at` holds milliseconds UTC")),
                },
            });
        }
        Ok(())
    }
}

fn is_there(py: Python<'_>, leaf: &Leaf, row: usize) -> bool {
    match leaf {
        Leaf::Objects(objects) => objects.get(row).is_some_and(|object| !object.is_none(py)),
        Leaf::Codes(_) => true,
        other => !matches!(other.input(row), Input::Null),
    }
}

fn text_at(py: Python<'_>, leaf: &Leaf, row: usize) -> Option<String> {
    match leaf {
        Leaf::Objects(objects) => Some(objects.get(row)?.bind(py).str().ok()?.to_string_lossy().into_owned()),
        other => match other.input(row) {
            Input::String(text) => Some(text),
            _ => None,
        },
    }
}

fn uid_at(py: Python<'_>, engine: &Engine, leaf: &Leaf, row: usize) -> Option<Uid> {
    match leaf {
        Leaf::Objects(objects) => owned_uid(objects.get(row)?.bind(py)).ok(),
        Leaf::Codes(codes) => {
            let entity = super::uids::decode(*codes.get(row)?, engine.nonce)?;
            let snapshot = engine.core.load();
            snapshot.store.uid(entity).map(|(type_name, id)| (type_name.to_string(), id.to_string()))
        }
        other => match other.input(row) {
            Input::String(text) => parse_uid(&text).map(|(type_name, id)| (type_name.to_owned(), id.into_owned())),
            Input::Object(_) => {
                let input = other.input(row);
                let (type_name, id) = agentpdp_cedar::values::uid_parts(&input)?;
                Some((type_name.to_owned(), id.to_owned()))
            }
            _ => None,
        },
    }
}

/// The keys of a column that is a dictionary.
fn keys_of(leaf: &Leaf) -> Option<Vec<u32>> {
    match leaf {
        Leaf::Arrow(column) => dictionary_keys(column),
        _ => None,
    }
}

type Found = Result<Arc<CoreGrant>, Reason>;

/// Grants of rows, each pair of a dictionary's words looked up once.
struct Grants<'a, 'py> {
    py: Python<'py>,
    engine: &'a Engine,
    grant: &'a Leaf,
    agent: Option<&'a Leaf>,
    keys: Option<Keys>,
}

/// Which words of the dictionaries of grants and agents each row has, and what was found of them.
struct Keys {
    grants: Vec<u32>,
    agents: Option<Vec<u32>>,
    known: HashMap<(u32, u32), Found, FixedState>,
}

impl Keys {
    fn of(grant: &Leaf, agent: Option<&Leaf>) -> Option<Self> {
        let agents = match agent {
            None => None,
            Some(agent) => Some(keys_of(agent)?),
        };
        Some(Self { grants: keys_of(grant)?, agents, known: HashMap::default() })
    }
}

impl Grants<'_, '_> {
    fn at(&mut self, row: usize) -> Found {
        let Self { py, engine, grant, agent, .. } = *self;
        let find = || grant_at(py, engine, grant, agent, row);
        let Some(keys) = &mut self.keys else { return find() };
        let pair = (
            keys.grants.get(row).copied().unwrap_or(NO_KEY),
            keys.agents.as_ref().and_then(|agents| agents.get(row).copied()).unwrap_or(NO_KEY),
        );
        keys.known.entry(pair).or_insert_with(find).clone()
    }
}

/// Actions of rows, each word of a dictionary read once.
struct Actions<'a, 'py> {
    py: Python<'py>,
    action: &'a Leaf,
    keys: Option<Vec<u32>>,
    known: HashMap<u32, Arc<str>, FixedState>,
}

impl Actions<'_, '_> {
    fn at(&mut self, row: usize) -> Arc<str> {
        let (py, action) = (self.py, self.action);
        let read = || Arc::from(text_at(py, action, row).unwrap_or_default());
        match self.keys.as_ref().and_then(|keys| keys.get(row)) {
            Some(key) => self.known.entry(*key).or_insert_with(read).clone(),
            None => read(),
        }
    }
}

fn grant_at(py: Python<'_>, engine: &Engine, grant: &Leaf, agent: Option<&Leaf>, row: usize) -> Found {
    let agent = agent.filter(|agent| is_there(py, agent, row));
    let object = match grant {
        Leaf::Objects(objects) => objects.get(row).map(|object| object.bind(py)),
        _ => None,
    };
    let found = match object.filter(|object| object.is_instance_of::<crate::grants::Grant>()) {
        Some(handle) => row_grant(py, engine, Some(handle), None)?,
        None => {
            let text = text_at(py, grant, row).ok_or(Reason::UnknownGrant)?;
            let id = parse_id(&text).ok_or(Reason::UnknownGrant)?;
            engine.core.grants.find(id).ok_or(Reason::UnknownGrant)?
        }
    };
    if agent.is_none() && object.is_some_and(|object| object.is_instance_of::<crate::grants::Grant>()) {
        return Ok(found);
    }
    let agent = agent.ok_or(Reason::AgentMismatch)?;
    check_agent(engine, found, uid_at(py, engine, agent, row))
}
