//! What is kept of an engine's bundle for reading calls.
//!
//! A [`View`] is kept with what the core compiled of the bundle, so whoever has a snapshot has its view. It holds the
//! names of contexts as Python strings, the host's actions by name, and for each of them how its arguments and the
//! host's own context are read.

use std::collections::HashMap;
use std::sync::Arc;

use agentpdp_arguments::plan::Plan;
use agentpdp_core::engine::{ActionEntry, Snapshot};
use agentpdp_core::slots::RecordPlan;
use agentpdp_core::tasks::ResourceRule;
use agentpdp_core::value::EntityId;
use foldhash::fast::FixedState;
use pyo3::prelude::*;

use crate::context::RecordKeys;

/// One of the host's actions.
pub(crate) struct HostAction {
    pub(crate) action: EntityId,
    /// How the arguments of the tool are read; none for an action that is no tool.
    pub(crate) plan: Option<Arc<Plan>>,
}

/// How the calls of one of the host's actions are read.
pub(crate) struct CallReader {
    pub(crate) action: EntityId,
    /// What the schema says of the action, and how its contexts are laid out.
    pub(crate) entry: ActionEntry,
    /// Where the resource comes from; none if nothing says so.
    pub(crate) resource: Option<ResourceRule>,
    /// The action's own part of the context.
    pub(crate) host: RecordPlan,
    /// Whether that is nothing at all.
    pub(crate) has_no_host: bool,
    /// The slots of `context.input`.
    pub(crate) input: Option<RecordPlan>,
    /// How arguments are read; of an action that is no tool, that there are none.
    pub(crate) plan: Arc<Plan>,
}

/// What is kept of one bundle.
pub(crate) struct View {
    keys: HashMap<EntityId, Arc<RecordKeys>, FixedState>,
    calls: Vec<CallReader>,
    /// Places in `calls`.
    actions: HashMap<EntityId, usize, FixedState>,
    /// The same by id, where only one action has it.
    names: HashMap<Box<str>, usize, FixedState>,
    /// Names of tools, sorted, with their actions.
    tools: Vec<(Box<str>, EntityId)>,
}

impl View {
    /// What is to be kept of a bundle whose numbers are those of the snapshot's store.
    fn new(py: Python<'_>, actions: &[HostAction], snapshot: &Snapshot) -> Self {
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
        let mut view =
            Self { keys, calls: Vec::new(), actions: HashMap::default(), names: HashMap::default(), tools: Vec::new() };
        let no_arguments = Arc::new(Plan::empty());
        let mut repeated: Vec<Box<str>> = Vec::new();
        for host in actions {
            let (Some(entry), Some((_, id))) =
                (snapshot.compiled.actions.get(&host.action), snapshot.store.uid(host.action))
            else {
                continue;
            };
            let plan = host.plan.clone().unwrap_or_else(|| no_arguments.clone());
            let place = view.calls.len();
            view.calls.push(CallReader::new(host.action, entry, plan, snapshot));
            view.actions.insert(host.action, place);
            if view.names.insert((&**id).into(), place).is_some() {
                repeated.push((&**id).into());
            }
            if host.plan.is_some() {
                view.tools.push(((&**id).into(), host.action));
            }
        }
        for name in &repeated {
            view.names.remove(name);
        }
        view.tools.sort_unstable();
        view
    }

    /// The view that is kept with a snapshot's bundle.
    #[inline]
    pub(crate) fn of(snapshot: &Snapshot) -> Option<&Self> {
        snapshot.compiled.attachment.get()?.downcast_ref()
    }

    /// Keeps the view of a bundle, unless it is there.
    pub(crate) fn keep(py: Python<'_>, actions: &[HostAction], snapshot: &Snapshot) {
        if Self::of(snapshot).is_none() {
            let view = Self::new(py, actions, snapshot);
            // Another thread may have been first; the views are the same.
            let _ = snapshot.compiled.attachment.set(Box::new(view));
        }
    }

    /// The names of an action's context.
    pub(crate) fn keys(&self, action: EntityId) -> Option<&RecordKeys> {
        self.keys.get(&action).map(|keys| &**keys)
    }

    /// How the calls of one of the host's actions are read.
    #[inline]
    pub(crate) fn call(&self, action: EntityId) -> Option<&CallReader> {
        self.calls.get(*self.actions.get(&action)?)
    }

    /// The same of a name.
    #[inline]
    pub(crate) fn named(&self, name: &str) -> Option<&CallReader> {
        self.calls.get(*self.names.get(name)?)
    }

    /// Names of tools, sorted, with their actions.
    pub(crate) fn tools(&self) -> impl Iterator<Item = (&str, EntityId)> {
        self.tools.iter().map(|(name, action)| (&**name, *action))
    }
}

impl CallReader {
    fn new(action: EntityId, entry: &ActionEntry, plan: Arc<Plan>, snapshot: &Snapshot) -> Self {
        let mut host = entry.layout.context.clone();
        let mut attributes = host.attributes.into_vec();
        let at = attributes.iter().position(|attribute| &*attribute.name == "input");
        let input = at.and_then(|at| attributes.remove(at).inner);
        host.attributes = attributes.into_boxed_slice();
        let resources = snapshot.compiled.declarations.as_ref().map(|declarations| &declarations.resources);
        let resource = resources.and_then(|resources| resources.get(&action)).cloned();
        let has_no_host = host.attributes.is_empty() && host.slot.is_none() && host.undeclared.is_empty();
        Self { action, entry: entry.clone(), resource, host, has_no_host, input, plan }
    }
}
