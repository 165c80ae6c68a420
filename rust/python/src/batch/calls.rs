//! Calls under grants, side by side: from Arrow, columns by name, or dicts.
//!
//! A row is a number. What stands in it is looked up in the columns when it is decided, without the interpreter's lock;
//! only grants are found, and what Python objects name is read, beforehand. Words of a dictionary are read once.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Range;
use std::sync::Arc;

use agentpdp_cedar::input::Input;
use agentpdp_cedar::uid_text::parse_uid;
use agentpdp_core::decision::Reason;
use agentpdp_core::grants::Grant as CoreGrant;
use agentpdp_core::value::EntityId;
use foldhash::fast::FixedState;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::arrays::read;
use super::arrow::Import;
use super::call_values::{CallValues, NO_KEY, RowSource, dictionary_keys};
use super::tree::{Leaf, Node};
use crate::engine::Engine;
use crate::errors;
use crate::grants::approving::parse_id;
use crate::grants::batch::{Uid, check_agent, is_agent, row_grant};
use crate::input::{to_arguments, to_input};
use crate::uid::{owned_uid, uid_text};

/// A grant that a row names, or why there is none.
pub(crate) type Found = Result<Arc<CoreGrant>, Reason>;

/// What a row gives as an entity. Outer none: nothing; inner none: what is no entity.
type Given = Option<Option<Uid>>;

/// The numbers of keys that were met.
type Known<K> = HashMap<K, u32, FixedState>;

/// Values, and which of them each row has.
pub(crate) struct Distinct<T> {
    values: Vec<T>,
    index: Vec<u32>,
}

impl<T> Distinct<T> {
    fn with_capacity(row_count: usize) -> Self {
        Self { values: Vec::new(), index: Vec::with_capacity(row_count) }
    }

    fn next(&self) -> u32 {
        u32::try_from(self.values.len()).unwrap_or(u32::MAX)
    }

    fn push(&mut self, value: T) {
        self.index.push(self.next());
        self.values.push(value);
    }

    /// Gives the next row the value of a key, which is made where the key was not met yet.
    fn push_known<K: Hash + Eq>(&mut self, key: K, known: &mut Known<K>, make: impl FnOnce() -> T) {
        let next = self.next();
        let number = *known.entry(key).or_insert(next);
        if number == next {
            self.values.push(make());
        }
        self.index.push(number);
    }

    /// The number of a row's value.
    #[inline]
    pub(crate) fn number(&self, row: usize) -> usize {
        self.index.get(row).map_or(usize::MAX, |number| *number as usize)
    }

    /// A row's value.
    #[inline]
    pub(crate) fn at(&self, row: usize) -> Option<&T> {
        self.values.get(self.number(row))
    }
}

enum Resources {
    None,
    /// Read when rows are.
    Column(Leaf),
    Read(Vec<Given>),
}

/// A run of calls whose columns stand together.
pub(crate) struct CallColumns {
    row_count: usize,
    /// What rows name as their grant.
    pub(crate) grants: Distinct<Found>,
    /// Actions by name or Cedar text.
    pub(crate) actions: Distinct<Arc<str>>,
    arguments: Option<CallValues>,
    context: Option<Node>,
    resources: Resources,
    /// Milliseconds that rows bring; none where no row does.
    times: Option<Vec<Option<i64>>>,
}

impl CallColumns {
    /// Number of calls.
    pub(crate) fn len(&self) -> usize {
        self.row_count
    }

    /// The arguments of a row; none where nothing is given.
    #[inline]
    pub(crate) fn arguments(&self, row: usize) -> Option<RowSource<'_>> {
        let values = self.arguments.as_ref().filter(|values| values.is_there(row))?;
        Some(RowSource::Row(values, row))
    }

    /// The arguments of a row as one value.
    pub(crate) fn arguments_input(&self, row: usize) -> Option<Input> {
        self.arguments.as_ref().filter(|values| values.is_there(row)).map(|values| values.input(row))
    }

    /// The host's context of a row; none where nothing is given.
    pub(crate) fn context(&self, row: usize) -> Option<Cow<'_, Input>> {
        let given = match self.context.as_ref()? {
            Node::Leaf(Leaf::Inputs(inputs)) => Cow::Borrowed(inputs.get(row)?),
            tree => Cow::Owned(tree.input(row)),
        };
        (!matches!(*given, Input::Null)).then_some(given)
    }

    /// What a row gives as its resource.
    pub(crate) fn resource(&self, row: usize) -> Cow<'_, Given> {
        match &self.resources {
            Resources::None => Cow::Owned(None),
            Resources::Column(leaf) => Cow::Owned(uid_of(&leaf.input(row))),
            Resources::Read(given) => given.get(row).map_or(Cow::Owned(Some(None)), Cow::Borrowed),
        }
    }

    /// The time that a row brings.
    pub(crate) fn time(&self, row: usize) -> Option<i64> {
        self.times.as_ref()?.get(row).copied().flatten()
    }
}

/// The calls of a batch.
#[derive(Default)]
pub(crate) struct Calls {
    /// With the first row of each.
    parts: Vec<(usize, CallColumns)>,
    row_count: usize,
}

impl Calls {
    fn push(&mut self, part: CallColumns) {
        let start = self.row_count;
        self.row_count += part.len();
        self.parts.push((start, part));
    }

    /// Number of calls.
    pub(crate) fn len(&self) -> usize {
        self.row_count
    }

    /// The columns of a row, and its place in them.
    pub(crate) fn locate(&self, row: usize) -> Option<(&CallColumns, usize)> {
        let after = self.parts.partition_point(|(start, _)| *start <= row);
        let (start, part) = self.parts.get(after.checked_sub(1)?)?;
        Some((part, row - start))
    }

    /// Whether some row brings its time.
    pub(crate) fn brings_times(&self) -> bool {
        self.parts.iter().any(|(_, part)| part.times.is_some())
    }

    /// All rows, in runs of at most so many that stand in the same columns; with the first row of each in the batch.
    pub(crate) fn runs(&self, rows_max: usize) -> Vec<(&CallColumns, Range<usize>, usize)> {
        let of_part = |(start, part): &'_ (usize, CallColumns)| {
            let (start, count) = (*start, part.len());
            (0..count).step_by(rows_max).map(move |at| (at..(at + rows_max).min(count), start + at))
        };
        let with_part = |both| of_part(both).map(|(rows, start)| (&both.1, rows, start)).collect::<Vec<_>>();
        self.parts.iter().flat_map(with_part).collect()
    }
}

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

/// Reads the calls of a batch, in whichever form they come.
pub(crate) fn read_calls(slf: &Bound<'_, Engine>, columns: &Bound<'_, PyAny>) -> PyResult<Calls> {
    let (py, engine) = (slf.py(), slf.get());
    let wrong = |message: String| errors::column(py, &message);
    let mut calls = Calls::default();
    if columns.hasattr("__arrow_c_stream__")? || columns.hasattr("__arrow_c_array__")? {
        let import = Import::take(columns).map_err(|error| wrong(error.value(py).to_string()))?;
        let batches = import.map_or(Ok(Vec::new()), |import| import.into_batches(|_| true)).map_err(wrong)?;
        for batch in batches {
            let mut found = Columns { row_count: batch.row_count, ..Columns::default() };
            for (name, column) in batch.columns {
                found.insert(&name, Leaf::Arrow(column)).map_err(wrong)?;
            }
            calls.push(found.into_calls(py, engine)?);
        }
        return Ok(calls);
    }
    let Ok(dict) = columns.cast::<PyDict>() else {
        if columns.is_instance_of::<PyString>() || columns.try_iter().is_err() {
            let message = "a batch is an Arrow table (or anything with `__arrow_c_stream__`), a dict of columns, or a \
                           sequence of dicts with `grant`, `action` and `arguments`";
            return Err(wrong(message.to_owned()));
        }
        calls.push(read_dicts(py, engine, columns)?);
        return Ok(calls);
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
    calls.push(found.into_calls(py, engine)?);
    Ok(calls)
}

impl Columns {
    fn into_calls(self, py: Python<'_>, engine: &Engine) -> PyResult<CallColumns> {
        let missing =
            |name: &str| errors::column(py, &format!("there is no column `{name}`: a call has grant and action"));
        let Self { plain: [grant, agent, action, resource, at], arguments, context, row_count } = self;
        let grant = grant.ok_or_else(|| missing("grant"))?;
        let action = action.ok_or_else(|| missing("action"))?;
        let resources = match resource {
            None => Resources::None,
            // Python's objects are read while the lock is held, and codes by the engine that gave them.
            Some(leaf @ (Leaf::Objects(_) | Leaf::Codes(_))) => {
                Resources::Read((0..row_count).map(|row| uid_at(py, engine, &leaf, row)).collect())
            }
            Some(leaf) => Resources::Column(leaf),
        };
        let time = |leaf: &Leaf, row| match leaf.input(row) {
            Input::Long(at) => Ok(Some(at)),
            Input::Null => Ok(None),
            _ => Err(errors::column(py, "column `at` holds milliseconds UTC")),
        };
        let times = at.map(|leaf| (0..row_count).map(|row| time(&leaf, row)).collect::<PyResult<Vec<_>>>());
        Ok(CallColumns {
            row_count,
            grants: find_grants(py, engine, &grant, agent.as_ref(), row_count),
            actions: read_actions(py, &action, row_count),
            arguments: arguments.map(|tree| CallValues::of(tree, row_count)),
            context,
            resources,
            times: times.transpose()?.filter(|times| times.iter().any(Option::is_some)),
        })
    }
}

/// Reads calls that are dicts.
fn read_dicts<'py>(py: Python<'py>, engine: &Engine, rows: &Bound<'py, PyAny>) -> PyResult<CallColumns> {
    let wrong = |at: usize, what: &str| errors::column(py, &format!("row {at} {what}"));
    let (mut grants, mut actions) = (Distinct::with_capacity(0), Distinct::with_capacity(0));
    let (mut arguments, mut contexts) = (Vec::new(), Vec::new());
    let (mut resources, mut times): (Vec<Given>, Vec<Option<i64>>) = (Vec::new(), Vec::new());
    for (at, row) in rows.try_iter()?.enumerate() {
        let row = row?;
        let row =
            row.cast::<PyDict>().map_err(|_| wrong(at, "is no dict: a row has `grant`, `action`, `arguments`"))?;
        let part = |name: &Bound<'py, PyString>| -> PyResult<Option<Bound<'py, PyAny>>> {
            Ok(row.get_item(name)?.filter(|value| !value.is_none()))
        };
        let (grant, agent) = (part(intern!(py, "grant"))?, part(intern!(py, "agent"))?);
        let action = part(intern!(py, "action"))?.ok_or_else(|| wrong(at, "has no `action`"))?;
        if grant.is_none() {
            return Err(wrong(at, "has no `grant`"));
        }
        grants.push(row_grant(py, engine, grant.as_ref(), agent.as_ref()));
        actions.push(Arc::from(action_text(&action)));
        arguments.push(part(intern!(py, "arguments"))?.as_ref().map_or(Input::Null, to_arguments));
        contexts.push(part(intern!(py, "context"))?.as_ref().map_or(Input::Null, to_input));
        resources.push(part(intern!(py, "resource"))?.map(|resource| owned_uid(&resource).ok()));
        times.push(part(intern!(py, "at"))?.map(|at| at.extract()).transpose()?);
    }
    Ok(CallColumns {
        row_count: grants.index.len(),
        grants,
        actions,
        arguments: Some(CallValues::of_inputs(arguments)),
        context: Some(Node::Leaf(Leaf::Inputs(contexts))),
        resources: Resources::Read(resources),
        times: Some(times).filter(|times| times.iter().any(Option::is_some)),
    })
}

/// An action's name or Cedar text; what is neither names nothing.
fn action_text(action: &Bound<'_, PyAny>) -> String {
    match action.cast::<PyString>() {
        Ok(name) => name.to_str().unwrap_or_default().to_owned(),
        Err(_) => owned_uid(action).map_or_else(|_| String::new(), |(type_name, id)| uid_text(&type_name, &id)),
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

fn uid_at(py: Python<'_>, engine: &Engine, leaf: &Leaf, row: usize) -> Given {
    match leaf {
        Leaf::Objects(objects) => {
            let object = objects.get(row)?.bind(py);
            (!object.is_none()).then(|| owned_uid(object).ok())
        }
        Leaf::Codes(codes) => Some(codes.get(row).and_then(|code| {
            let entity = super::uids::decode(*code, engine.nonce)?;
            let snapshot = engine.core.load();
            snapshot.store.uid(entity).map(|(type_name, id)| (type_name.to_string(), id.to_string()))
        })),
        other => uid_of(&other.input(row)),
    }
}

/// The entity that a value names, as Cedar text or as a record of type and id.
fn uid_of(input: &Input) -> Given {
    let uid = match input {
        Input::Null => return None,
        Input::String(text) => parse_uid(text).map(|(type_name, id)| (type_name.to_owned(), id.into_owned())),
        Input::Object(_) => {
            let uid = agentpdp_cedar::values::uid_parts(input);
            uid.map(|(type_name, id)| (type_name.to_owned(), id.to_owned()))
        }
        _ => None,
    };
    Some(uid)
}

/// The keys of a column that is a dictionary.
fn keys_of(leaf: &Leaf) -> Option<Vec<u32>> {
    match leaf {
        Leaf::Arrow(column) => dictionary_keys(column),
        _ => None,
    }
}

/// The grants of rows; each word of the two columns is looked up once.
fn find_grants(
    py: Python<'_>,
    engine: &Engine,
    grant: &Leaf,
    agent: Option<&Leaf>,
    row_count: usize,
) -> Distinct<Found> {
    let mut found = Distinct::with_capacity(row_count);
    let agents = agent.map_or(Some(None), |agent| keys_of(agent).map(Some));
    let (Some(grants), Some(agents)) = (keys_of(grant), agents) else {
        (0..row_count).for_each(|row| found.push(grant_at(py, engine, grant, agent, row)));
        return found;
    };
    let snapshot = engine.core.snapshot();
    let agent_at = |row| {
        let (type_name, id) = uid_at(py, engine, agent?, row)??;
        snapshot.store.find(&type_name, &id)
    };
    let mut known_grants: HashMap<u32, Found, FixedState> = HashMap::default();
    let mut known_agents: HashMap<u32, Option<EntityId>, FixedState> = HashMap::default();
    let mut known = Known::default();
    for (row, key) in grants.into_iter().enumerate() {
        let agent_key = agents.as_ref().and_then(|agents| agents.get(row).copied()).unwrap_or(NO_KEY);
        found.push_known((key, agent_key), &mut known, || {
            let agent = *known_agents.entry(agent_key).or_insert_with(|| agent_at(row));
            let named = known_grants.entry(key).or_insert_with(|| grant_named(py, engine, grant, row));
            named.clone().and_then(|found| is_agent(found, agent))
        });
    }
    found
}

/// The actions of rows, each word of a dictionary read once.
fn read_actions(py: Python<'_>, action: &Leaf, row_count: usize) -> Distinct<Arc<str>> {
    let mut found = Distinct::with_capacity(row_count);
    let read = |row| Arc::from(text_at(py, action, row).unwrap_or_default());
    let Some(keys) = keys_of(action) else {
        (0..row_count).for_each(|row| found.push(read(row)));
        return found;
    };
    let mut known = Known::default();
    for (row, key) in keys.into_iter().enumerate() {
        found.push_known(key, &mut known, || read(row));
    }
    found
}

fn grant_at(py: Python<'_>, engine: &Engine, grant: &Leaf, agent: Option<&Leaf>, row: usize) -> Found {
    let object = match grant {
        Leaf::Objects(objects) => objects.get(row).map(|object| object.bind(py)),
        _ => None,
    };
    let handle = object.filter(|object| object.is_instance_of::<crate::grants::Grant>());
    let found = match handle {
        Some(handle) => row_grant(py, engine, Some(handle), None)?,
        None => grant_named(py, engine, grant, row)?,
    };
    match agent.and_then(|agent| uid_at(py, engine, agent, row)) {
        None if handle.is_some() => Ok(found),
        agent => check_agent(engine, found, agent.flatten()),
    }
}

/// The grant whose id a row has.
fn grant_named(py: Python<'_>, engine: &Engine, grant: &Leaf, row: usize) -> Found {
    let text = text_at(py, grant, row).ok_or(Reason::UnknownGrant)?;
    let id = parse_id(&text).ok_or(Reason::UnknownGrant)?;
    engine.core.grants.find(id).ok_or(Reason::UnknownGrant)
}
