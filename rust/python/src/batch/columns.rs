//! From Arrow columns to rows.
//!
//! The context comes as a struct column, or as columns with dotted names (`context.input.amount`), or as both; either
//! way it is a tree of columns, which is walked along the layouts of the batch's actions. Every rule of reading a
//! single context holds per row: what is not declared, missing or ill-typed refuses that row and no other.

use std::num::NonZero;
use std::sync::Arc;

use agentpdp_cedar::input::Input;
use agentpdp_core::columns::{Column, Contexts, Presence, Rows, Side};
use agentpdp_core::decision::Reason;
use agentpdp_core::engine::Snapshot;
use agentpdp_core::request::{Locals, check_id};
use agentpdp_core::schema::Type;
use agentpdp_core::slots::{AttributePlan, Layout, RecordPlan, Slot};
use agentpdp_core::value::{Value, ValueRef};
use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;
use pyo3::prelude::*;
use pyo3_arrow::{PyRecordBatch, PyTable};
use typed_arena::Arena;

use super::decisions::Decisions;
use super::leaves::{input, integers, texts};
use super::uids::SideReader;
use super::{BATCH_ROWS_MAX, decide};
use crate::context::{ContextReader, type_of_plan};
use crate::engine::Engine;
use crate::errors;

/// Decides whatever speaks Arrow's C interface, record batch by record batch.
pub(super) fn decide_arrow(
    slf: &Bound<'_, Engine>,
    table: &Bound<'_, PyAny>,
    threads: Option<NonZero<usize>>,
    decisions: &mut Decisions,
) -> PyResult<()> {
    let batches = if table.hasattr("__arrow_c_stream__")? {
        table.extract::<PyTable>()?.into_inner().0
    } else {
        vec![table.extract::<PyRecordBatch>()?.into_inner()]
    };
    for batch in batches {
        decide_record_batch(slf, &batch, threads, decisions)?;
    }
    Ok(())
}

fn decide_record_batch(
    slf: &Bound<'_, Engine>,
    batch: &RecordBatch,
    threads: Option<NonZero<usize>>,
    decisions: &mut Decisions,
) -> PyResult<()> {
    let wrong = |message: &str| errors::column(slf.py(), message);
    let schema = batch.schema();
    let mut sides: [Option<Leaf>; 3] = [None, None, None];
    let mut context = Node::Record(Vec::new());
    for (field, column) in schema.fields().iter().zip(batch.columns()) {
        // What comes over a C interface is not checked by anybody else.
        column
            .to_data()
            .validate_full()
            .map_err(|error| wrong(&format!("column `{}` is not valid Arrow data: {error}", field.name())))?;
        let leaf = Leaf::Arrow(column.clone());
        match field.name().as_str() {
            "principal" => sides[0] = Some(leaf),
            "action" => sides[1] = Some(leaf),
            "resource" => sides[2] = Some(leaf),
            name => {
                let mut path = name.split('.');
                if path.next() == Some("context") {
                    context.insert(path, leaf).map_err(|message| wrong(&message))?;
                }
            }
        }
    }
    decide_columns(slf, sides, &context, batch.num_rows(), threads, decisions)
}

/// Decides rows that stand in columns.
pub(super) fn decide_columns(
    slf: &Bound<'_, Engine>,
    sides: [Option<Leaf>; 3],
    context: &Node,
    row_count: usize,
    threads: Option<NonZero<usize>>,
    decisions: &mut Decisions,
) -> PyResult<()> {
    let py = slf.py();
    let engine = slf.get();
    let wrong = |message: &str| errors::column(py, message);
    if row_count >= BATCH_ROWS_MAX {
        return Err(wrong(&format!("a batch has fewer than {BATCH_ROWS_MAX} rows: split it")));
    }
    let missing = |name: &str| wrong(&format!("there is no column `{name}`: a batch has principal, action and resource"));
    let [Some(principal), Some(action), Some(resource)] = &sides else {
        let at = sides.iter().position(Option::is_none).unwrap_or(0);
        return Err(missing(["principal", "action", "resource"].get(at).copied().unwrap_or("principal")));
    };
    if engine.is_forked() {
        decisions.refuse_all(Reason::EngineForked, row_count);
        return Ok(());
    }
    let snapshot = engine.core.snapshot();
    let mut locals = Locals::default();
    let mut refused: Vec<Option<Reason>> = vec![None; row_count];
    let reader = |unreadable| SideReader { nonce: engine.nonce, store: &snapshot.store, unreadable };
    let actions = action
        .side(&reader(Reason::UnknownAction), "action", &mut locals, &mut refused)
        .map_err(|message| wrong(&message))?;
    let principals = principal
        .side(&reader(Reason::UnknownParty), "principal", &mut locals, &mut refused)
        .map_err(|message| wrong(&message))?;
    let resources = resource
        .side(&reader(Reason::UnknownResource), "resource", &mut locals, &mut refused)
        .map_err(|message| wrong(&message))?;

    let layouts = layouts(engine, &actions, &mut refused);
    let arena = Arena::new();
    let mut builder =
        ContextBuilder { engine, snapshot: &snapshot, locals: &mut locals, refused, actions: &actions, arena: &arena };
    let contexts = builder.contexts(context, &layouts, row_count);
    let mut refused = builder.refused;
    check_parties(engine, &snapshot, &locals, &principals, &actions, &resources, &mut refused);
    let rows = Rows { principals, actions, resources, layouts, contexts, refused, locals: &locals };
    let decided = decide(py, engine, &rows, threads);
    decisions.append(decided);
    Ok(())
}

/// The layout of each distinct action's contexts; rows with an action that the schema does not know are refused.
pub(super) fn layouts<'e>(engine: &'e Engine, actions: &Side, refused: &mut [Option<Reason>]) -> Vec<&'e Layout> {
    let compiled = engine.compiled();
    let entries: Vec<_> = actions.distinct.iter().map(|action| compiled.actions.get(action)).collect();
    if compiled.schema.is_some() {
        for (index, refused) in actions.index.iter().zip(refused) {
            if entries.get(*index as usize).is_none_or(Option::is_none) && refused.is_none_or(|reason| reason != Reason::StaleCode) {
                *refused = Some(Reason::UnknownAction);
            }
        }
    }
    entries.into_iter().map(|entry| entry.map_or(&*compiled.whole, |entry| &*entry.layout)).collect()
}

/// Refuses rows whose principal or resource does not fit the action, as `request::check_parties` does for one call.
pub(super) fn check_parties(
    engine: &Engine,
    snapshot: &Snapshot,
    locals: &Locals<'_>,
    principals: &Side,
    actions: &Side,
    resources: &Side,
    refused: &mut [Option<Reason>],
) {
    let compiled = engine.compiled();
    let Some(schema) = compiled.schema.as_deref() else { return };
    let store = &snapshot.store;
    let facts = |side: &Side| -> Vec<_> {
        let fact = |entity: &agentpdp_core::value::EntityId| {
            let type_id = if entity.is_local() { locals.type_of(*entity) } else { store.type_of(*entity) };
            (type_id, check_id(*entity, schema, store, locals))
        };
        side.distinct.iter().map(fact).collect()
    };
    let (principal_facts, resource_facts) = (facts(principals), facts(resources));
    let entries: Vec<_> = actions.distinct.iter().map(|action| compiled.actions.get(action)).collect();
    for (row, refused) in refused.iter_mut().enumerate() {
        if refused.is_some() {
            continue;
        }
        let at = |side: &Side| side.index.get(row).map_or(usize::MAX, |index| *index as usize);
        let (Some((principal, principal_ok)), Some((resource, resource_ok)), Some(Some(entry))) =
            (principal_facts.get(at(principals)), resource_facts.get(at(resources)), entries.get(at(actions)))
        else {
            *refused = Some(Reason::UnknownAction);
            continue;
        };
        *refused = if !principal_ok {
            Some(Reason::UnknownParty)
        } else if !resource_ok {
            Some(Reason::UnknownResource)
        } else if !entry.action.principals.contains(principal) || !entry.action.resources.contains(resource) {
            Some(Reason::NotApplicable)
        } else {
            None
        };
    }
}

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
    fn arrow(&self) -> Option<&ArrayRef> {
        match self {
            Self::Arrow(column) | Self::Field(column, _) => Some(column),
            _ => None,
        }
    }

    fn side<'a>(
        &'a self,
        reader: &SideReader<'_>,
        name: &str,
        locals: &mut Locals<'a>,
        refused: &mut [Option<Reason>],
    ) -> Result<Side, String> {
        match self {
            Self::Arrow(column) | Self::Field(column, _) => reader.read(column, name, locals, refused),
            Self::Codes(codes) => Ok(reader.read_codes(codes.iter().copied().map(Some), refused)),
            Self::Objects(objects) => Python::attach(|py| {
                Ok(reader.read_owned_objects(objects.iter().map(|object| object.bind(py)), locals, refused))
            }),
            Self::Inputs(_) => Err(format!("column `{name}` holds no entities")),
        }
    }

    fn present(&self, row_count: usize) -> Vec<bool> {
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

    fn input(&self, row: usize) -> Input {
        match self {
            Self::Arrow(column) => input(column, row),
            Self::Field(column, above) if above.get(row).copied().unwrap_or(false) => input(column, row),
            Self::Field(..) => Input::Null,
            Self::Inputs(inputs) => inputs.get(row).cloned().unwrap_or(Input::Null),
            Self::Codes(_) | Self::Objects(_) => Input::Null,
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

    /// The columns of a record's attributes, and in which rows the record is there (none: where a child is, or where
    /// it is required).
    fn children(&self, row_count: usize) -> Option<(Vec<(String, Node)>, Option<Vec<bool>>)> {
        match self {
            Self::Record(_) => None,
            Self::Leaf(leaf) if leaf.arrow().is_some_and(|column| matches!(column.data_type(), DataType::Struct(_))) => {
                let structs = leaf.arrow()?.as_struct();
                let present = Arc::new(leaf.present(row_count));
                let children = structs.fields().iter().zip(structs.columns());
                let node = |column: &ArrayRef| Self::Leaf(Leaf::Field(column.clone(), present.clone()));
                let nodes = children.map(|(field, column)| (field.name().clone(), node(column))).collect();
                Some((nodes, Some(present.to_vec())))
            }
            Self::Leaf(leaf) => {
                let names = leaf.names();
                let child = |name: &String| {
                    let of_row = |row| match leaf.input(row) {
                        Input::Object(attributes) => {
                            attributes.into_iter().find(|(known, _)| known == name).map_or(Input::Null, |(_, value)| value)
                        }
                        _ => Input::Null,
                    };
                    (name.clone(), Self::Leaf(Leaf::Inputs((0..row_count).map(of_row).collect())))
                };
                let present = (0..row_count).map(|row| matches!(leaf.input(row), Input::Object(_))).collect();
                Some((names.iter().map(child).collect(), Some(present)))
            }
        }
    }

    /// In which rows something is there.
    fn present(&self, row_count: usize) -> Vec<bool> {
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
    fn input(&self, row: usize) -> Input {
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

impl Leaf {
    /// All names that objects of this column have.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        if let Self::Inputs(inputs) = self {
            for input in inputs {
                if let Input::Object(attributes) = input {
                    names.extend(attributes.iter().map(|(name, _)| name.clone()));
                }
            }
        }
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// Builds the context columns of a batch.
struct ContextBuilder<'b, 'a> {
    engine: &'b Engine,
    snapshot: &'b Snapshot,
    locals: &'b mut Locals<'a>,
    refused: Vec<Option<Reason>>,
    actions: &'b Side,
    arena: &'a Arena<Value>,
}

/// Per distinct action, how an attribute or a record is read; none where it is not declared.
type Plans<'p, T> = Vec<Option<&'p T>>;

impl<'a> ContextBuilder<'_, 'a> {
    fn contexts(&mut self, context: &Node, layouts: &[&Layout], row_count: usize) -> Contexts<'a> {
        let compiled = self.engine.compiled();
        if compiled.schema.is_none() {
            return self.whole(context, row_count);
        }
        let mut columns: Vec<Option<Column<'a>>> = Vec::new();
        columns.resize_with(compiled.paths.len(), || None);
        let known = self.actions.distinct.iter().zip(layouts);
        let plans: Plans<'_, RecordPlan> =
            known.map(|(action, layout)| compiled.actions.contains_key(action).then_some(&layout.context)).collect();
        let present = vec![true; row_count];
        self.record(context, &plans, &present, &mut Vec::new(), &mut columns);
        Contexts::Columns(columns)
    }

    /// Without a schema: each row's context as one record.
    fn whole(&mut self, context: &Node, row_count: usize) -> Contexts<'a> {
        let mut slots = Vec::with_capacity(row_count);
        for row in 0..row_count {
            let value = match context.input(row) {
                input @ Input::Object(_) => self.value(&input, None),
                _ => None,
            };
            if value.is_none() {
                self.refuse(row, Reason::ArgumentType);
            }
            slots.push(value.map_or(Slot::Unreachable, Slot::Value));
        }
        Contexts::Slots { slots, starts: (0..row_count as u32).collect() }
    }

    fn refuse(&mut self, row: usize, reason: Reason) {
        if let Some(place) = self.refused.get_mut(row) {
            *place = Some(place.map_or(reason, |known| known.min(reason)));
        }
    }

    fn value(&mut self, input: &Input, wanted: Option<&Type>) -> Option<ValueRef<'a>> {
        let mut reader = ContextReader {
            nonce: Some(self.engine.nonce),
            store: &self.snapshot.store,
            schema: self.engine.compiled().schema.as_deref(),
            locals: self.locals,
        };
        let value = reader.value(input, wanted).ok()?;
        let kept: &'a Value = self.arena.alloc(value);
        Some(kept.borrow())
    }

    fn plan_of<'p, T>(&self, plans: &Plans<'p, T>, row: usize) -> Option<&'p T> {
        let action = self.actions.index.get(row)?;
        plans.get(*action as usize).copied().flatten()
    }

    /// A record of the context: checks its attributes in the rows where it is there, and keeps those that are read.
    fn record(
        &mut self,
        node: &Node,
        plans: &Plans<'_, RecordPlan>,
        present: &[bool],
        path: &mut Vec<Arc<str>>,
        columns: &mut [Option<Column<'a>>],
    ) {
        let owned;
        let children: &[(String, Node)] = match node {
            Node::Record(children) => children,
            Node::Leaf(_) => {
                owned = node.children(present.len()).unwrap_or_default().0;
                &owned
            }
        };
        for (name, child) in children {
            let attributes: Plans<'_, AttributePlan> =
                plans.iter().map(|plan| plan.and_then(|plan| find_attribute(plan, name))).collect();
            path.push(Arc::from(name.as_str()));
            self.attribute(child, &attributes, plans, present, path, columns);
            path.pop();
        }
        self.missing(children, plans, present, path, columns);
        self.whole_record(node, plans, present, path, columns);
    }

    /// Attributes that no column brings.
    fn missing(
        &mut self,
        children: &[(String, Node)],
        plans: &Plans<'_, RecordPlan>,
        present: &[bool],
        path: &mut Vec<Arc<str>>,
        columns: &mut [Option<Column<'a>>],
    ) {
        let mut names: Vec<Arc<str>> = Vec::new();
        for plan in plans.iter().flatten() {
            for attribute in &plan.attributes {
                if !children.iter().any(|(name, _)| **name == *attribute.name) && !names.contains(&attribute.name) {
                    names.push(attribute.name.clone());
                }
            }
        }
        for name in names {
            let attributes: Plans<'_, AttributePlan> =
                plans.iter().map(|plan| plan.and_then(|plan| find_attribute(plan, &name))).collect();
            for (row, is_present) in present.iter().enumerate() {
                if *is_present && self.plan_of(&attributes, row).is_some_and(|attribute| attribute.required) {
                    self.refuse(row, Reason::ArgumentMissing);
                }
            }
            path.push(name);
            let none = vec![false; present.len()];
            self.keep_absent(path, present, &none, columns);
            let inner: Plans<'_, RecordPlan> =
                attributes.iter().map(|attribute| attribute.and_then(|attribute| attribute.inner.as_ref())).collect();
            if inner.iter().any(Option::is_some) {
                self.missing(&[], &inner, &none, path, columns);
            }
            path.pop();
        }
        let undeclared = self.undeclared(path);
        for (number, name) in undeclared {
            if columns.get(number).is_some_and(Option::is_none) {
                path.push(name);
                let none = vec![false; present.len()];
                self.keep_absent(path, present, &none, columns);
                path.pop();
            }
        }
    }

    /// Paths right below this one.
    fn undeclared(&self, path: &[Arc<str>]) -> Vec<(usize, Arc<str>)> {
        let paths = &self.engine.compiled().paths;
        let all = (0..paths.len()).filter_map(|number| {
            let names = paths.names(agentpdp_core::slots::PathId(number as u32));
            let (last, above) = names.split_last()?;
            (above == path).then(|| (number, last.clone()))
        });
        all.collect()
    }

    /// A column without values: absent where the record above is there.
    fn keep_absent(&self, path: &[Arc<str>], above: &[bool], present: &[bool], columns: &mut [Option<Column<'a>>]) {
        if let Some(place) = self.place(path, columns) {
            let presence = presence(above, present);
            *place = Some(Column::Long { values: Vec::new(), presence });
        }
    }

    fn place<'c>(
        &self,
        path: &[Arc<str>],
        columns: &'c mut [Option<Column<'a>>],
    ) -> Option<&'c mut Option<Column<'a>>> {
        let number = self.engine.compiled().paths.find(path)?;
        columns.get_mut(number.0 as usize)
    }

    /// One attribute of a record, in all rows.
    fn attribute(
        &mut self,
        node: &Node,
        attributes: &Plans<'_, AttributePlan>,
        plans: &Plans<'_, RecordPlan>,
        above: &[bool],
        path: &mut Vec<Arc<str>>,
        columns: &mut [Option<Column<'a>>],
    ) {
        let mut present = node.present(above.len());
        let inner: Plans<'_, RecordPlan> =
            attributes.iter().map(|attribute| attribute.and_then(|attribute| attribute.inner.as_ref())).collect();
        let dotted = matches!(node, Node::Record(_));
        for row in 0..above.len() {
            let attribute = self.plan_of(attributes, row);
            let here = present.get(row).copied().unwrap_or(false) && above.get(row).copied().unwrap_or(false);
            let required = attribute.is_some_and(|attribute| attribute.required);
            let here = here || (dotted && required && above.get(row).copied().unwrap_or(false));
            if let Some(place) = present.get_mut(row) {
                *place = here;
            }
            match (attribute, here) {
                (None, true) if self.plan_of(plans, row).is_some() => self.refuse(row, Reason::ArgumentUnknown),
                (Some(_), false) if required && above.get(row).copied().unwrap_or(false) => {
                    self.refuse(row, Reason::ArgumentMissing);
                }
                _ => {}
            }
        }
        if inner.iter().any(Option::is_some) {
            self.inner_record(node, attributes, &inner, &mut present, path, columns);
            let rest: Plans<'_, AttributePlan> =
                attributes.iter().map(|attribute| attribute.filter(|attribute| attribute.inner.is_none())).collect();
            if rest.iter().all(Option::is_none) {
                return;
            }
            self.generic(node, &rest, &present);
            return;
        }
        let column = self.leaf(node, attributes, above, &present, path);
        if let (Some(column), Some(place)) = (column, self.place(path, columns)) {
            *place = Some(column);
        }
    }

    /// An attribute that is a record in some actions.
    fn inner_record(
        &mut self,
        node: &Node,
        attributes: &Plans<'_, AttributePlan>,
        inner: &Plans<'_, RecordPlan>,
        present: &mut [bool],
        path: &mut Vec<Arc<str>>,
        columns: &mut [Option<Column<'a>>],
    ) {
        // A value that is no record where one is wanted.
        if !matches!(node, Node::Record(_)) {
            let records = node.children(present.len()).and_then(|(_, records)| records).unwrap_or_default();
            for (row, is_present) in present.iter_mut().enumerate() {
                let wants_record = self.plan_of(attributes, row).is_some_and(|attribute| attribute.inner.is_some());
                let is_record = records.get(row).copied().unwrap_or(false);
                if *is_present && wants_record && !is_record {
                    self.refuse(row, Reason::ArgumentType);
                }
                *is_present = *is_present && wants_record && is_record;
            }
        }
        self.record(node, inner, present, path, columns);
    }

    /// Checks values of any types, row by row, without keeping them.
    fn generic(&mut self, node: &Node, attributes: &Plans<'_, AttributePlan>, present: &[bool]) {
        for (row, is_present) in present.iter().enumerate() {
            if let Some(attribute) = self.plan_of(attributes, row)
                && *is_present
                && self.value(&node.input(row), Some(&attribute.value)).is_none()
            {
                self.refuse(row, Reason::ArgumentType);
            }
        }
    }

    /// The column of an attribute that is no record.
    fn leaf(
        &mut self,
        node: &Node,
        attributes: &Plans<'_, AttributePlan>,
        above: &[bool],
        present: &[bool],
        path: &[Arc<str>],
    ) -> Option<Column<'a>> {
        let all = |wanted: &Type| attributes.iter().flatten().all(|attribute| attribute.value == *wanted);
        let is_read = self.engine.compiled().paths.find(path).is_some();
        if let Node::Leaf(leaf) = node
            && let Some(column) = leaf.arrow()
        {
            if all(&Type::Long)
                && let Some(values) = integers(column)
            {
                return is_read.then(|| Column::Long { values, presence: presence(above, present) });
            }
            if all(&Type::Long) && *column.data_type() == DataType::Float64 {
                return self.whole_floats(column, above, present);
            }
            if all(&Type::String)
                && let Some(text) = self.text_column(column, above, present)
            {
                return is_read.then_some(text);
            }
        }
        let mut slots = Vec::new();
        if is_read {
            slots.reserve(present.len());
        }
        for (row, is_present) in present.iter().enumerate() {
            let mut slot = if above.get(row).copied().unwrap_or(false) { Slot::Absent } else { Slot::Unreachable };
            if let Some(attribute) = self.plan_of(attributes, row)
                && *is_present
            {
                match self.value(&node.input(row), Some(&attribute.value)) {
                    Some(value) => slot = Slot::Value(value),
                    None => self.refuse(row, Reason::ArgumentType),
                }
            }
            if is_read {
                slots.push(slot);
            }
        }
        is_read.then_some(Column::Slots(slots))
    }

    /// A float column where integers are wanted: whole values are taken, others refuse their row.
    fn whole_floats(&mut self, column: &ArrayRef, above: &[bool], present: &[bool]) -> Option<Column<'a>> {
        let floats = column.as_primitive::<Float64Type>();
        let mut values = Vec::with_capacity(present.len());
        for (row, is_present) in present.iter().enumerate() {
            let whole = match (is_present, crate::input::read_float(floats.value(row))) {
                (true, Input::Long(whole)) => whole,
                (true, _) => {
                    self.refuse(row, Reason::ArgumentType);
                    0
                }
                (false, _) => 0,
            };
            values.push(whole);
        }
        Some(Column::Long { values, presence: presence(above, present) })
    }

    /// A column of strings; none if it is something else.
    fn text_column(&mut self, column: &ArrayRef, above: &[bool], present: &[bool]) -> Option<Column<'a>> {
        let keep = |text: &str| -> &'a str {
            match self.arena.alloc(Value::String(Arc::from(text))) {
                Value::String(text) => text,
                _ => "",
            }
        };
        if let DataType::Dictionary(_, _) = column.data_type() {
            let dictionary = column.as_any_dictionary();
            let words: Vec<&'a str> = texts(dictionary.values())?.map(|word| keep(word.unwrap_or_default())).collect();
            let codes = dictionary.normalized_keys().into_iter().map(|key| key as u32).collect();
            return Some(Column::Text { codes, words, presence: presence(above, present) });
        }
        let slots = texts(column)?.zip(present.iter().zip(above)).map(|(text, (is_present, above))| match text {
            Some(text) if *is_present => Slot::Value(ValueRef::String(keep(text))),
            _ if *above => Slot::Absent,
            _ => Slot::Unreachable,
        });
        Some(Column::Slots(slots.collect()))
    }

    /// A record that some policy reads as one value.
    fn whole_record(
        &mut self,
        node: &Node,
        plans: &Plans<'_, RecordPlan>,
        present: &[bool],
        path: &[Arc<str>],
        columns: &mut [Option<Column<'a>>],
    ) {
        if self.engine.compiled().paths.find(path).is_none() {
            return;
        }
        let mut slots = Vec::with_capacity(present.len());
        for (row, is_present) in present.iter().enumerate() {
            let plan = self.plan_of(plans, row).filter(|_| *is_present && self.refused.get(row) == Some(&None));
            let Some(plan) = plan else {
                slots.push(Slot::Absent);
                continue;
            };
            match self.value(&node.input(row), Some(&type_of_plan(plan))) {
                Some(value) => slots.push(Slot::Value(value)),
                None => {
                    self.refuse(row, Reason::ArgumentType);
                    slots.push(Slot::Unreachable);
                }
            }
        }
        if let Some(place) = self.place(path, columns) {
            *place = Some(Column::Slots(slots));
        }
    }
}

fn find_attribute<'p>(plan: &'p RecordPlan, name: &str) -> Option<&'p AttributePlan> {
    let at = plan.attributes.binary_search_by(|attribute| (*attribute.name).cmp(name)).ok()?;
    plan.attributes.get(at)
}

/// Empty where every row has a value.
fn presence(above: &[bool], present: &[bool]) -> Vec<Presence> {
    if present.iter().all(|is_present| *is_present) {
        return Vec::new();
    }
    let of_row = |(is_present, above): (&bool, &bool)| match (is_present, above) {
        (true, _) => Presence::Value,
        (false, true) => Presence::Absent,
        (false, false) => Presence::Unreachable,
    };
    present.iter().zip(above).map(of_row).collect()
}
