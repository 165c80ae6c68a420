//! What is kept of an engine's bundle for reading calls.
//!
//! A [`View`] belongs to one bundle of the engine (`generation`); a reload puts another in its place. It holds the
//! names of contexts as Python strings, the host's actions by name, and for each of them how its arguments and the
//! host's own context are read.

use std::collections::HashMap;
use std::sync::Arc;

use agentpdp_core::engine::{ActionEntry, Snapshot};
use agentpdp_core::slots::RecordPlan;
use agentpdp_core::value::EntityId;
use foldhash::fast::FixedState;
use pyo3::prelude::*;

use crate::bundle::Bundle;
use crate::context::RecordKeys;

/// One of the host's actions.
pub(crate) struct HostAction {
    pub(crate) action: EntityId,
    pub(crate) is_tool: bool,
}

/// How the calls of one of the host's actions are read.
pub(crate) struct CallReader {
    /// The action's own part of the context.
    pub(crate) host: RecordPlan,
    pub(crate) host_keys: RecordKeys,
    /// The slots of `context.input`.
    pub(crate) input: Option<(RecordPlan, RecordKeys)>,
}

/// What is kept of one bundle.
pub(crate) struct View {
    pub(crate) generation: u64,
    pub(crate) bundle: Py<Bundle>,
    keys: HashMap<EntityId, Arc<RecordKeys>, FixedState>,
    calls: HashMap<EntityId, CallReader, FixedState>,
    /// The host's actions by id, where only one has it.
    names: HashMap<Box<str>, EntityId, FixedState>,
    /// Names of tools, sorted, with their actions.
    tools: Vec<(Box<str>, EntityId)>,
}

impl View {
    /// What is to be kept of a bundle whose numbers are those of the snapshot's store.
    pub(crate) fn new(py: Python<'_>, bundle: Py<Bundle>, actions: &[HostAction], snapshot: &Snapshot) -> Self {
        let mut made: Vec<(*const agentpdp_core::slots::Layout, Arc<RecordKeys>)> = Vec::new();
        let mut keys_of = |entry: &ActionEntry| {
            let layout = Arc::as_ptr(&entry.layout);
            if let Some((_, keys)) = made.iter().find(|(known, _)| *known == layout) {
                return keys.clone();
            }
            let keys = Arc::new(RecordKeys::of(py, &entry.layout.context));
            made.push((layout, keys.clone()));
            keys
        };
        let keys = snapshot.compiled.actions.iter().map(|(action, entry)| (*action, keys_of(entry))).collect();
        let mut view = Self {
            generation: snapshot.generation,
            bundle,
            keys,
            calls: HashMap::default(),
            names: HashMap::default(),
            tools: Vec::new(),
        };
        let mut repeated: Vec<Box<str>> = Vec::new();
        for host in actions {
            let (Some(entry), Some((_, id))) =
                (snapshot.compiled.actions.get(&host.action), snapshot.store.uid(host.action))
            else {
                continue;
            };
            view.calls.insert(host.action, CallReader::new(py, entry));
            if view.names.insert((&**id).into(), host.action).is_some() {
                repeated.push((&**id).into());
            }
            if host.is_tool {
                view.tools.push(((&**id).into(), host.action));
            }
        }
        for name in &repeated {
            view.names.remove(name);
        }
        view.tools.sort_unstable();
        view
    }

    /// The names of an action's context.
    pub(crate) fn keys(&self, action: EntityId) -> Option<&RecordKeys> {
        self.keys.get(&action).map(|keys| &**keys)
    }

    /// How the calls of one of the host's actions are read.
    #[inline]
    pub(crate) fn call(&self, action: EntityId) -> Option<&CallReader> {
        self.calls.get(&action)
    }

    /// The host's action of a name.
    #[inline]
    pub(crate) fn named(&self, name: &str) -> Option<EntityId> {
        self.names.get(name).copied()
    }

    /// Names of tools, sorted, with their actions.
    pub(crate) fn tools(&self) -> impl Iterator<Item = (&str, EntityId)> {
        self.tools.iter().map(|(name, action)| (&**name, *action))
    }
}

impl CallReader {
    fn new(py: Python<'_>, entry: &ActionEntry) -> Self {
        let mut host = entry.layout.context.clone();
        let mut attributes = host.attributes.into_vec();
        let at = attributes.iter().position(|attribute| &*attribute.name == "input");
        let input = at.and_then(|at| attributes.remove(at).inner);
        host.attributes = attributes.into_boxed_slice();
        let input = input.map(|input| {
            let keys = RecordKeys::of(py, &input);
            (input, keys)
        });
        Self { host_keys: RecordKeys::of(py, &host), host, input }
    }
}
