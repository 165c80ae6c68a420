//! From columns of contexts to columns of what policies read.
//!
//! The tree of columns is walked along the layouts of the batch's actions. Every rule of reading a single context
//! (`context.rs`) holds per row: what is not declared, missing or ill-typed refuses that row and no other.

use std::borrow::Cow;
use std::sync::Arc;

use agentpdp_cedar::input::Input;
use agentpdp_core::columns::{Column, Contexts, Presence, Side};
use agentpdp_core::decision::Reason;
use agentpdp_core::engine::Snapshot;
use agentpdp_core::request::Locals;
use agentpdp_core::schema::Type;
use agentpdp_core::slots::{AttributePlan, Layout, RecordPlan, Slot};
use agentpdp_core::value::{Value, ValueRef};
use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use typed_arena::Arena;

use super::leaves::{integers, keys, texts};
use super::tree::Node;
use crate::context::{ContextReader, misfit, type_of_plan};
use crate::engine::Engine;

/// Builds the context columns of a batch.
pub(super) struct ContextBuilder<'b, 'a> {
    pub(super) engine: &'b Engine,
    pub(super) snapshot: &'b Snapshot,
    pub(super) locals: &'b mut Locals<'a>,
    pub(super) refused: Vec<Option<Reason>>,
    pub(super) actions: &'b Side<'b>,
    /// Values that are made of what the columns hold.
    pub(super) values: &'a Arena<Value>,
    /// What struct columns and objects are made of.
    pub(super) nodes: &'a Arena<Vec<(String, Node)>>,
}

/// In which rows a record is there, and in which the record above it is.
#[derive(Clone, Copy)]
struct There<'r> {
    above: &'r [bool],
    present: &'r [bool],
}

/// Per distinct action, how an attribute or a record is read; none where it is not declared.
type Plans<'p, T> = Vec<Option<&'p T>>;

impl<'a> ContextBuilder<'_, 'a> {
    /// The contexts of all rows.
    pub(super) fn contexts(&mut self, context: &'a Node, layouts: &[&Layout], row_count: usize) -> Contexts<'a> {
        let compiled = &*self.snapshot.compiled;
        if compiled.schema.is_none() {
            return self.whole(context, row_count);
        }
        let mut columns: Vec<Option<Column<'a>>> = Vec::new();
        columns.resize_with(compiled.paths.len(), || None);
        let known = self.actions.distinct.iter().zip(layouts);
        let plans: Plans<'_, RecordPlan> =
            known.map(|(action, layout)| compiled.actions.contains_key(action).then_some(&layout.context)).collect();
        let records = self.refuse_others(context, row_count);
        self.record(context, &plans, There { above: &records, present: &records }, &mut Vec::new(), &mut columns);
        Contexts::Columns(columns)
    }

    /// Refuses rows whose context is something, and no record; the others are given. A null context is an empty one.
    fn refuse_others(&mut self, context: &Node, row_count: usize) -> Vec<bool> {
        let Some(found) = context.children(row_count) else { return vec![true; row_count] };
        let mut records = found.records;
        for (row, (is_record, is_present)) in records.iter_mut().zip(context.present(row_count)).enumerate() {
            if is_present && !*is_record {
                self.refuse(row, Reason::ArgumentType);
            }
            *is_record |= !is_present;
        }
        records
    }

    /// Without a schema: each row's context as one record.
    fn whole(&mut self, context: &Node, row_count: usize) -> Contexts<'a> {
        let mut slots = Vec::with_capacity(row_count);
        for row in 0..row_count {
            let value = match or_empty(context.input(row)) {
                input @ Input::Object(_) => self.value(row, &input, None),
                _ => {
                    self.refuse(row, Reason::ArgumentType);
                    None
                }
            };
            slots.push(value.map_or(Slot::Unreachable, Slot::Value));
        }
        Contexts::Slots { slots, starts: (0..row_count as u32).collect() }
    }

    fn refuse(&mut self, row: usize, reason: Reason) {
        if let Some(place) = self.refused.get_mut(row) {
            *place = Some(place.map_or(reason, |known| known.min(reason)));
        }
    }

    /// A value of a row's context; where it does not fit, the row is refused for what a single call names first.
    fn value(&mut self, row: usize, input: &Input, wanted: Option<&Type>) -> Option<ValueRef<'a>> {
        let mut reader = ContextReader {
            nonce: Some(self.engine.nonce),
            store: &self.snapshot.store,
            schema: self.snapshot.compiled.schema.as_deref(),
            locals: self.locals,
        };
        let Ok(value) = reader.value(input, wanted) else {
            let reason = wanted.map_or(Reason::ArgumentType, |wanted| misfit(input, wanted, &mut reader));
            self.refuse(row, reason);
            return None;
        };
        let kept: &'a Value = self.values.alloc(value);
        Some(kept.borrow())
    }

    fn plan_of<'p, T>(&self, plans: &Plans<'p, T>, row: usize) -> Option<&'p T> {
        let action = self.actions.index.get(row)?;
        plans.get(*action as usize).copied().flatten()
    }

    /// A record of the context: checks its attributes in the rows where it is there, and keeps those that are read.
    fn record(
        &mut self,
        node: &'a Node,
        plans: &Plans<'_, RecordPlan>,
        there: There<'_>,
        path: &mut Vec<Arc<str>>,
        columns: &mut [Option<Column<'a>>],
    ) {
        let present = there.present;
        let children: &'a [(String, Node)] = match node {
            Node::Record(children) => children,
            Node::Leaf(_) => {
                self.nodes.alloc(node.children(present.len()).map(|found| found.nodes).unwrap_or_default())
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
        self.whole_record(node, plans, there, path, columns);
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
        let paths = &self.snapshot.compiled.paths;
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
            *place = Some(Column::Long { values: Cow::Borrowed(&[]), presence });
        }
    }

    fn place<'c>(
        &self,
        path: &[Arc<str>],
        columns: &'c mut [Option<Column<'a>>],
    ) -> Option<&'c mut Option<Column<'a>>> {
        let number = self.snapshot.compiled.paths.find(path)?;
        columns.get_mut(number.0 as usize)
    }

    /// One attribute of a record, in all rows.
    fn attribute(
        &mut self,
        node: &'a Node,
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
        // Where every row has it and every action declares it, nothing can be refused.
        let is_everywhere = attributes.iter().all(Option::is_some) && all(above) && all(&present);
        let rows = if is_everywhere { 0..0 } else { 0..above.len() };
        for row in rows {
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
            let records = self.records(node, attributes, &present);
            self.record(node, &inner, There { above, present: &records }, path, columns);
            self.leaves_among_records(node, attributes, There { above, present: &present }, path, columns);
            return;
        }
        let column = self.leaf(node, attributes, above, &present, path);
        if let (Some(column), Some(place)) = (column, self.place(path, columns)) {
            *place = Some(column);
        }
    }

    /// The rows that have a record; those where it is wanted and something else is there are refused.
    fn records(&mut self, node: &Node, attributes: &Plans<'_, AttributePlan>, present: &[bool]) -> Vec<bool> {
        let found = match node {
            Node::Record(_) => None,
            Node::Leaf(_) => node.children(present.len()).map(|found| found.records),
        };
        let are_records =
            attributes.iter().all(|attribute| attribute.is_some_and(|attribute| attribute.inner.is_some()));
        if found.is_none() && are_records {
            return present.to_vec();
        }
        let mut records = vec![false; present.len()];
        for (row, (record, is_present)) in records.iter_mut().zip(present).enumerate() {
            let wants_record = self.plan_of(attributes, row).is_some_and(|attribute| attribute.inner.is_some());
            if *is_present && wants_record {
                *record = found.as_ref().is_none_or(|found| found.get(row).copied().unwrap_or(false));
                if !*record {
                    self.refuse(row, Reason::ArgumentType);
                }
            }
        }
        records
    }

    /// The rows of actions in which an attribute is no record, where in others it is one.
    fn leaves_among_records(
        &mut self,
        node: &'a Node,
        attributes: &Plans<'_, AttributePlan>,
        there: There<'_>,
        path: &[Arc<str>],
        columns: &mut [Option<Column<'a>>],
    ) {
        let leaves: Plans<'_, AttributePlan> =
            attributes.iter().map(|attribute| attribute.filter(|attribute| attribute.inner.is_none())).collect();
        if leaves.iter().all(Option::is_none) {
            return;
        }
        let is_leaf: Vec<bool> = (0..there.present.len()).map(|row| self.plan_of(&leaves, row).is_some()).collect();
        let present: Vec<bool> = there.present.iter().zip(&is_leaf).map(|(present, leaf)| *present && *leaf).collect();
        let column = self.leaf(node, &leaves, there.above, &present, path);
        if let (Some(column), Some(place)) = (column, self.place(path, columns)) {
            let records = place.take();
            let of_row = |(row, is_leaf): (usize, &bool)| match &records {
                Some(records) if !is_leaf => records.slot(row),
                _ => column.slot(row),
            };
            *place = Some(Column::Slots(is_leaf.iter().enumerate().map(of_row).collect()));
        }
    }

    /// The column of an attribute that is no record.
    fn leaf(
        &mut self,
        node: &'a Node,
        attributes: &Plans<'_, AttributePlan>,
        above: &[bool],
        present: &[bool],
        path: &[Arc<str>],
    ) -> Option<Column<'a>> {
        let all = |wanted: &Type| attributes.iter().flatten().all(|attribute| attribute.value == *wanted);
        let is_read = self.snapshot.compiled.paths.find(path).is_some();
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
                && let Some(text) = text_column(column, above, present)
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
                slot = self.value(row, &node.input(row), Some(&attribute.value)).map_or(slot, Slot::Value);
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
            let whole = match (is_present, Input::of_float(floats.value(row))) {
                (true, Input::Long(whole)) => whole,
                (true, _) => {
                    self.refuse(row, Reason::ArgumentType);
                    0
                }
                (false, _) => 0,
            };
            values.push(whole);
        }
        Some(Column::Long { values: values.into(), presence: presence(above, present) })
    }

    /// A record that some policy reads as one value.
    fn whole_record(
        &mut self,
        node: &Node,
        plans: &Plans<'_, RecordPlan>,
        there: There<'_>,
        path: &[Arc<str>],
        columns: &mut [Option<Column<'a>>],
    ) {
        if self.snapshot.compiled.paths.find(path).is_none() {
            return;
        }
        let types: Vec<Option<Type>> = plans.iter().map(|plan| plan.map(type_of_plan)).collect();
        let mut slots = Vec::with_capacity(there.present.len());
        for (row, (is_present, is_above)) in there.present.iter().zip(there.above).enumerate() {
            let action = self.actions.index.get(row).map_or(usize::MAX, |action| *action as usize);
            let wanted = types.get(action).and_then(Option::as_ref);
            let wanted = wanted.filter(|_| *is_present && self.refused.get(row) == Some(&None));
            let Some(wanted) = wanted else {
                slots.push(if *is_above { Slot::Absent } else { Slot::Unreachable });
                continue;
            };
            let input = if path.is_empty() { or_empty(node.input(row)) } else { node.input(row) };
            slots.push(self.value(row, &input, Some(wanted)).map_or(Slot::Unreachable, Slot::Value));
        }
        if let Some(place) = self.place(path, columns) {
            *place = Some(Column::Slots(slots));
        }
    }
}

/// A column of strings, read where they stand; none if it is something else.
fn text_column<'a>(column: &'a ArrayRef, above: &[bool], present: &[bool]) -> Option<Column<'a>> {
    if let DataType::Dictionary(_, _) = column.data_type() {
        let dictionary = column.as_any_dictionary();
        let words = texts(dictionary.values())?.map(Option::unwrap_or_default).collect();
        return Some(Column::Text { codes: keys(dictionary), words, presence: presence(above, present) });
    }
    let slots = texts(column)?.zip(present.iter().zip(above)).map(|(text, (is_present, above))| match text {
        Some(text) if *is_present => Slot::Value(ValueRef::String(text)),
        _ if *above => Slot::Absent,
        _ => Slot::Unreachable,
    });
    Some(Column::Slots(slots.collect()))
}

/// A context that is null is an empty one.
fn or_empty(context: Input) -> Input {
    match context {
        Input::Null => Input::Object(Vec::new()),
        context => context,
    }
}

fn find_attribute<'p>(plan: &'p RecordPlan, name: &str) -> Option<&'p AttributePlan> {
    let at = plan.attributes.binary_search_by(|attribute| (*attribute.name).cmp(name)).ok()?;
    plan.attributes.get(at)
}

/// Whether it is so in every row.
fn all(rows: &[bool]) -> bool {
    rows.chunks(64).all(|rows| rows.iter().fold(true, |all, row| all & row))
}

/// Empty where every row has a value.
fn presence(above: &[bool], present: &[bool]) -> Vec<Presence> {
    if all(present) {
        return Vec::new();
    }
    let of_row = |(is_present, above): (&bool, &bool)| match (is_present, above) {
        (true, _) => Presence::Value,
        (false, true) => Presence::Absent,
        (false, false) => Presence::Unreachable,
    };
    present.iter().zip(above).map(of_row).collect()
}
