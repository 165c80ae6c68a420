//! `Engine`: deciding single calls, and changing entities and links.
//!
//! The way of a call: the action's entry in the schema, the context into slots, principal and resource into numbers,
//! the ceilings' answer, the conclusion, the decision's object. Batches are in `batch/`.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use agentpdp_cedar::entities::{EntityError, put_all};
use agentpdp_cedar::input::Input;
use agentpdp_core::authorize::{Diagnostics, conclude};
use agentpdp_core::decision::Reason;
use agentpdp_core::engine::{Compiled, Engine as CoreEngine, SlotUids, Snapshot};
use agentpdp_core::entities::{Edits, Store};
use agentpdp_core::evaluate::{Call, Temporaries};
use agentpdp_core::grant_table::Target;
use agentpdp_core::parties::{Parties, Party};
use agentpdp_core::reload::ReloadError;
use agentpdp_core::request::Locals;
use agentpdp_core::schema::ActionType;
use agentpdp_core::slots::{Slot, Slots};
use agentpdp_core::value::TypeId;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::batch;
use crate::bundle::Bundle;
use crate::clock::Clock;
use crate::context::{ContextReader, Readings, diagnose, fill};
use crate::decision::{Decision, decision};
use crate::errors;
use crate::grants::Grant;
use crate::grants::approval::ApprovalRequest;
use crate::grants::approving::{self, TargetParts};
use crate::grants::batch::decide_batch;
use crate::grants::call_decisions::CallDecisions;
use crate::grants::calls::CallParts;
use crate::grants::explain::{Explanation, explain};
use crate::grants::judging::Scene;
use crate::grants::orders::{self, OrderParts};
use crate::grants::view::View;
use crate::input::to_input;
use crate::room;
use crate::uid::{UidArgument, owned_uid, read_uid, resolve};

/// Where an action that is not declared can be looked up.
const DECLARED: &str = "`agentpdp schema BUNDLE` lists the actions that it declares";

/// How entities are written, for a refusal of what is none.
fn written() -> Option<String> {
    Some("an entity is Cedar text such as `User::\"alice\"`, an `EntityUid` or a `(type, id)` tuple".to_owned())
}

/// The types of principals and resources that an action is for.
fn applies_to(action: &ActionType, store: &Store) -> String {
    let names = |types: &[TypeId]| {
        let names = types.iter().filter_map(|type_id| store.type_name(*type_id));
        names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    };
    format!("it is for principals of {} and resources of {}", names(&action.principals), names(&action.resources))
}

/// Counts engines, from a random start: no two engines of a process share a nonce, and engines of two processes
/// hardly ever do.
static NONCE: AtomicU32 = AtomicU32::new(0);

/// Counts forks of this process, by a hook that the module registers.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// Called in a child process after a fork.
#[pyfunction]
pub(crate) fn _after_fork() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

/// Where the nonces of this process start.
pub(crate) fn start_nonces(seed: u64) {
    NONCE.store((seed >> 32) as u32 ^ seed as u32, Ordering::Relaxed);
}

/// Decides requests against a bundle, while entities and links change.
#[pyclass(frozen, subclass, module = "agentpdp._core", name = "Engine")]
pub(crate) struct Engine {
    pub(crate) core: CoreEngine,
    pub(crate) nonce: u32,
    pub(crate) clock: Clock,
    bundle: Mutex<Py<Bundle>>,
    forks: u32,
}

impl Engine {
    pub(crate) fn compiled(&self) -> Arc<Compiled> {
        self.core.compiled()
    }

    pub(crate) fn is_forked(&self) -> bool {
        self.forks != FORKS.load(Ordering::Relaxed)
    }

    /// Runs something against the current snapshot of a bundle with tasks.
    pub(crate) fn with_scene<T>(
        &self,
        py: Python<'_>,
        now_ms: i64,
        run: impl FnOnce(Scene<'_>) -> PyResult<T>,
    ) -> PyResult<T> {
        let snapshot = self.core.load();
        let (Some(declarations), Some(view)) = (&snapshot.compiled.declarations, View::of(&snapshot)) else {
            return Err(errors::no_tasks(py));
        };
        run(Scene { engine: self, snapshot: &snapshot, view, declarations, now_ms })
    }

    /// Decides one call against a snapshot; `remember` where numbers that it gives out are the engine's own.
    fn decide<'py>(
        &self,
        py: Python<'py>,
        snapshot: &Snapshot,
        remember: bool,
        request: Request<'_, 'py>,
        diagnostics: Diagnostics,
    ) -> PyResult<Py<Decision>> {
        let refuse = |reason, detail| Decision::refused(py, reason, detail, snapshot.epoch);
        let compiled = &*snapshot.compiled;
        let store = &snapshot.store;
        let nonce = remember.then_some(self.nonce);
        let mut locals = Locals::default();

        let Some(action) = read_uid(request.action) else { return refuse(Reason::UnknownAction, written()) };
        let action = resolve(action, nonce, store, &mut locals);
        let entry = match &compiled.schema {
            None => None,
            Some(_) => match compiled.actions.get(&action) {
                None => return refuse(Reason::UnknownAction, Some(DECLARED.to_owned())),
                Some(entry) => Some(entry),
            },
        };

        let mut readings = Readings::new();
        let schema = compiled.schema.as_deref();
        let mut reader = ContextReader { nonce, store, schema, locals: &mut locals };
        let read = match (entry, View::of(snapshot).and_then(|view| view.keys(action))) {
            (Some(entry), Some(keys)) => reader.read(request.context, &entry.layout, keys, &mut readings),
            _ => reader.read_whole(request.context, &mut readings),
        };
        let layout = entry.map_or(&*compiled.whole, |entry| &*entry.layout);
        let mut slots = Slots::from_elem(Slot::Unreachable, layout.slot_count);
        if read.and_then(|()| fill(&readings, &mut slots)).is_err() {
            let (reason, detail) = diagnose(request.context, entry.map(|entry| &*entry.layout), &mut reader);
            return refuse(reason, Some(detail));
        }

        let Some(principal) = read_uid(request.principal) else { return refuse(Reason::UnknownParty, written()) };
        let principal = resolve(principal, nonce, store, &mut locals);
        let Some(resource) = read_uid(request.resource) else { return refuse(Reason::UnknownResource, written()) };
        let resource = resolve(resource, nonce, store, &mut locals);
        let principal = Party::of(principal, store, &locals);
        let resource = Party::of(resource, store, &locals);
        if let (Some(entry), Some(schema)) = (entry, schema)
            && let Err(reason) = entry.check_parties(&principal, &resource, schema, store, &locals)
        {
            return refuse(reason, (reason == Reason::NotApplicable).then(|| applies_to(&entry.action, store)));
        }

        let temporaries = Temporaries::default();
        let call = Call {
            store,
            locals: &locals,
            principal: principal.entity,
            action,
            resource: resource.entity,
            layout,
            slots: &slots,
            grant: None,
            temporaries: &temporaries,
        };
        let mut room = room::take();
        let answer = &mut room.answer;
        let parties = Parties::of(&principal, &resource, action, store);
        snapshot.policies.answer_parties(&call, parties, diagnostics, answer);
        let reason = conclude(answer, compiled.on_error);
        let decided = decision(py, reason, answer, nonce, snapshot);
        room::keep(room);
        decided
    }

    /// The epoch that refusals carry which do not look at a snapshot.
    fn epoch_now(&self) -> u64 {
        self.core.load().epoch
    }

    fn put(&self, edits: &mut Edits<'_>, entities: &Bound<'_, PyAny>) -> Result<(), EntityError> {
        let inputs = match entities.try_iter() {
            Err(_) => vec![to_input(entities)],
            Ok(members) => members.map(|member| member.map_or(Input::Foreign, |each| to_input(&each))).collect(),
        };
        put_all(edits, inputs, self.compiled().schema.as_deref())
    }
}

/// The arguments of a call.
#[derive(Clone, Copy)]
struct Request<'a, 'py> {
    principal: &'a Bound<'py, PyAny>,
    action: &'a Bound<'py, PyAny>,
    resource: &'a Bound<'py, PyAny>,
    context: Option<&'a Bound<'py, PyAny>>,
}

/// How much is asked for: `"full"` or `"verdict"`.
pub(crate) fn read_diagnostics(text: Option<&str>) -> PyResult<Diagnostics> {
    match text {
        None | Some("full") => Ok(Diagnostics::Full),
        Some("verdict") => Ok(Diagnostics::Verdict),
        Some(other) => Err(PyValueError::new_err(format!(
            "diagnostics is `\"full\"` or `\"verdict\"`, not `{}`",
            other.escape_debug()
        ))),
    }
}

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (bundle, /, *, clock=None))]
    fn new(py: Python<'_>, bundle: &Bound<'_, Bundle>, clock: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let initial = bundle.get().initial().clone();
        View::keep(py, &bundle.get().host_actions(), &initial);
        Ok(Self {
            clock: Clock::read(clock)?,
            bundle: Mutex::new(bundle.clone().unbind()),
            core: CoreEngine::new(initial),
            nonce: NONCE.fetch_add(1, Ordering::Relaxed).max(1),
            forks: FORKS.load(Ordering::Relaxed),
        })
    }

    #[getter]
    fn bundle(&self, py: Python<'_>) -> Py<Bundle> {
        self.bundle.lock().unwrap_or_else(PoisonError::into_inner).clone_ref(py)
    }

    /// Number of changes of entities and links so far.
    #[getter]
    fn epoch(&self) -> u64 {
        self.epoch_now()
    }

    /// Number of entities in the store.
    #[getter]
    fn entity_count(&self) -> usize {
        self.core.load().store.entity_count()
    }

    #[pyo3(signature = (principal, action, resource, context=None, *, entities=None, diagnostics=None))]
    #[expect(clippy::too_many_arguments, reason = "they are the parameters of the Python method")]
    fn authorize(
        &self,
        py: Python<'_>,
        principal: &Bound<'_, PyAny>,
        action: &Bound<'_, PyAny>,
        resource: &Bound<'_, PyAny>,
        context: Option<&Bound<'_, PyAny>>,
        entities: Option<&Bound<'_, PyAny>>,
        diagnostics: Option<&str>,
    ) -> PyResult<Py<Decision>> {
        let diagnostics = read_diagnostics(diagnostics)?;
        if self.is_forked() {
            return Decision::refused(py, Reason::EngineForked, None, self.epoch_now());
        }
        let snapshot = self.core.load();
        if snapshot.compiled.declarations.is_some() {
            return Err(errors::grant_required(py));
        }
        let request = Request { principal, action, resource, context };
        match entities {
            None => self.decide(py, &snapshot, true, request, diagnostics),
            Some(entities) => {
                let snapshot = self
                    .core
                    .edit_for_one_call(|edits| self.put(edits, entities))
                    .map_err(|error| errors::entity(py, &error))?;
                self.decide(py, &snapshot, false, request, diagnostics)
            }
        }
    }

    /// Decides many calls: columns in, columns out.
    #[pyo3(signature = (columns, /, *, threads=None, diagnostics=None))]
    fn authorize_batch(
        slf: &Bound<'_, Self>,
        columns: &Bound<'_, PyAny>,
        threads: Option<isize>,
        diagnostics: Option<&str>,
    ) -> PyResult<batch::Decisions> {
        if slf.get().core.load().compiled.declarations.is_some() {
            return Err(errors::grant_required(slf.py()));
        }
        batch::authorize_batch(slf, columns, threads, diagnostics)
    }

    /// Numbers for entities, as NumPy `uint64`, for batches of id columns. They live as long as the engine.
    #[pyo3(signature = (uids, /))]
    fn encode<'py>(slf: &Bound<'py, Self>, uids: &Bound<'py, PyAny>) -> PyResult<Bound<'py, numpy::PyArray1<u64>>> {
        batch::encode(slf, uids)
    }

    /// Puts entities in, each in place of what was there under its uid; all of them or, on an error, none.
    #[pyo3(signature = (entities, /))]
    fn upsert(&self, py: Python<'_>, entities: &Bound<'_, PyAny>) -> PyResult<()> {
        self.core.edit(|edits| self.put(edits, entities)).map_err(|error| errors::entity(py, &error))
    }

    /// Takes entities out, and the edges to them; those that are not there are passed over.
    #[pyo3(signature = (uids, /))]
    fn remove(&self, py: Python<'_>, uids: &Bound<'_, PyAny>) -> PyResult<()> {
        let uids = owned_uids(uids)?;
        let edit = |edits: &mut Edits<'_>| {
            for (type_name, id) in &uids {
                if let Some(entity) = edits.store().find(type_name, id) {
                    agentpdp_cedar::entities::check_removable(entity, self.compiled().schema.as_deref())?;
                    edits.take(entity);
                }
            }
            Ok(())
        };
        self.core.edit(edit).map_err(|error: EntityError| errors::entity(py, &error))
    }

    /// Links a template: its slots get these entities.
    #[pyo3(signature = (template, link_id, *, principal=None, resource=None))]
    fn link(
        &self,
        template: &str,
        link_id: &str,
        principal: Option<&Bound<'_, PyAny>>,
        resource: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let principal = principal.map(owned_uid).transpose()?;
        let resource = resource.map(owned_uid).transpose()?;
        self.link_all(&[(template.to_owned(), link_id.to_owned(), principal, resource)])
    }

    /// Links templates, all of the links or, on an error, none: tuples of template, link id, principal, resource.
    #[pyo3(signature = (links, /))]
    fn link_many(&self, links: &Bound<'_, PyAny>) -> PyResult<()> {
        let wrong =
            || PyTypeError::new_err("a link is a tuple of template, link id, principal or None, resource or None");
        let mut all = Vec::new();
        for link in links.try_iter()? {
            let parts: Vec<Bound<'_, PyAny>> = link?.extract()?;
            let [template, link_id, principal, resource] = &parts[..] else { return Err(wrong()) };
            let slot = |value: &Bound<'_, PyAny>| (!value.is_none()).then(|| owned_uid(value)).transpose();
            all.push((template.extract()?, link_id.extract()?, slot(principal)?, slot(resource)?));
        }
        self.link_all(&all)
    }

    /// Takes a link away; false if there is none of this id.
    #[pyo3(signature = (link_id, /))]
    fn unlink(&self, link_id: &str) -> bool {
        self.core.unlink(link_id)
    }

    #[pyo3(signature = (
        task, *, principal, agent, params=None, claims=None, expires_in=None, valid_from=None, by=None, at=None
    ))]
    #[expect(clippy::too_many_arguments, reason = "they are the parameters of the Python method")]
    fn start<'py>(
        slf: &Bound<'py, Self>,
        task: &Bound<'py, PyAny>,
        principal: &Bound<'py, PyAny>,
        agent: &Bound<'py, PyAny>,
        params: Option<&Bound<'py, PyAny>>,
        claims: Option<&Bound<'py, PyAny>>,
        expires_in: Option<&Bound<'py, PyAny>>,
        valid_from: Option<i64>,
        by: Option<&Bound<'py, PyAny>>,
        at: Option<i64>,
    ) -> PyResult<Grant> {
        let parts = OrderParts {
            principal: Some(principal),
            params,
            claims,
            expires_in,
            valid_from,
            by,
            ..OrderParts::new(task, agent)
        };
        let issued = orders::issue(slf.py(), slf.get(), None, &parts, at)?;
        Ok(Grant { engine: slf.clone().unbind(), issued })
    }

    #[pyo3(signature = (request, /, *, by, expires_in=None, at=None))]
    fn approve(
        &self,
        py: Python<'_>,
        request: &Bound<'_, ApprovalRequest>,
        by: &Bound<'_, PyAny>,
        expires_in: Option<&Bound<'_, PyAny>>,
        at: Option<i64>,
    ) -> PyResult<()> {
        approving::approve(py, self, request.get(), by, expires_in, at)
    }

    #[pyo3(signature = (*, grant=None, agent=None, principal=None, task=None, by=None, at=None))]
    #[expect(clippy::too_many_arguments, reason = "they are the parameters of the Python method")]
    fn revoke(
        &self,
        py: Python<'_>,
        grant: Option<&Bound<'_, PyAny>>,
        agent: Option<&Bound<'_, PyAny>>,
        principal: Option<&Bound<'_, PyAny>>,
        task: Option<&Bound<'_, PyAny>>,
        by: Option<&Bound<'_, PyAny>>,
        at: Option<i64>,
    ) -> PyResult<()> {
        let target = approving::read_target(py, self, &TargetParts { grant, agent, principal, task })?;
        match (&target, by.filter(|by| !by.is_none())) {
            (_, None) => {}
            (Some(Target::Grant(grant)), Some(by)) => approving::may_revoke(py, self, grant, by, at)?,
            (Some(_), Some(_)) => return Err(PyValueError::new_err("`by=` goes with `grant=` only")),
            (None, Some(_)) => return approving::deny_unknown(py, self),
        }
        if let Some(target) = target {
            self.core.grants.revoke(&target);
        }
        Ok(())
    }

    #[pyo3(signature = (*, grant=None, agent=None, principal=None, task=None))]
    fn suspend(
        &self,
        py: Python<'_>,
        grant: Option<&Bound<'_, PyAny>>,
        agent: Option<&Bound<'_, PyAny>>,
        principal: Option<&Bound<'_, PyAny>>,
        task: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let target = approving::read_target(py, self, &TargetParts { grant, agent, principal, task })?;
        target.iter().for_each(|target| self.core.grants.suspend(target));
        Ok(())
    }

    #[pyo3(signature = (*, grant=None, agent=None, principal=None, task=None))]
    fn resume(
        &self,
        py: Python<'_>,
        grant: Option<&Bound<'_, PyAny>>,
        agent: Option<&Bound<'_, PyAny>>,
        principal: Option<&Bound<'_, PyAny>>,
        task: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let target = approving::read_target(py, self, &TargetParts { grant, agent, principal, task })?;
        target.iter().for_each(|target| self.core.grants.resume(target));
        Ok(())
    }

    /// Decides many calls under grants: rows or columns in, columns out.
    #[pyo3(signature = (columns, /, *, threads=None))]
    fn decide_batch(
        slf: &Bound<'_, Self>,
        columns: &Bound<'_, PyAny>,
        threads: Option<isize>,
    ) -> PyResult<CallDecisions> {
        decide_batch(slf, columns, batch::read_threads(threads)?)
    }

    /// Puts another bundle in the place of the one that decides, in one step; what changed at run time stays.
    #[pyo3(signature = (bundle, /))]
    fn reload(&self, py: Python<'_>, bundle: &Bound<'_, Bundle>) -> PyResult<()> {
        let mut kept = self.bundle.lock().unwrap_or_else(PoisonError::into_inner);
        self.core
            .reload(|base| {
                let loaded = bundle.get().load_over(base);
                let Some(next) = loaded.compiled.clone() else {
                    let findings = loaded.findings.iter().map(crate::bundle::Finding::from).collect();
                    return Err(ReloadFailure::Raised(errors::bundle(py, findings)));
                };
                View::keep(py, &crate::bundle::host_actions(&loaded), &next);
                Ok(next)
            })
            .map_err(|failure| failure.into_error(py, &self.core.load().store))?;
        *kept = bundle.clone().unbind();
        Ok(())
    }

    /// The grant of an id, for the agent that acts.
    #[pyo3(signature = (id, /, *, agent))]
    fn grant<'py>(slf: &Bound<'py, Self>, id: &Bound<'py, PyAny>, agent: &Bound<'py, PyAny>) -> PyResult<Grant> {
        let issued = approving::find_grant(slf.py(), slf.get(), id, agent)?;
        Ok(Grant { engine: slf.clone().unbind(), issued })
    }

    /// Number of grants that are known by id.
    #[getter]
    fn grant_count(&self) -> usize {
        self.core.grants.len()
    }

    /// Every question of a call and what it comes to; changes nothing.
    #[pyo3(signature = (grant, action, arguments=None, *, resource=None, context=None, at=None))]
    #[expect(clippy::too_many_arguments, reason = "they are the parameters of the Python method")]
    fn _explain(
        &self,
        py: Python<'_>,
        grant: &Bound<'_, Grant>,
        action: &Bound<'_, PyAny>,
        arguments: Option<&Bound<'_, PyAny>>,
        resource: Option<&Bound<'_, PyAny>>,
        context: Option<&Bound<'_, PyAny>>,
        at: Option<i64>,
    ) -> PyResult<Explanation> {
        let issued = grant.get().issued_by(py, self)?;
        let now_ms = self.clock.now_ms(py, at)?.max(issued.tree.latest_ms());
        let parts = CallParts { action, arguments, resource, context };
        self.with_scene(py, now_ms, |scene| explain(py, scene, issued, parts))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let snapshot = self.core.load();
        let name = self.bundle(py).bind(py).get().name_or_empty().to_owned();
        Ok(format!(
            "Engine({name:?}, policies={}, entities={}, epoch={})",
            snapshot.policies.len(),
            snapshot.store.entity_count(),
            snapshot.epoch
        ))
    }

    /// Numbers about the inside, for tests and benches.
    fn _statistics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let snapshot = self.core.load();
        let numbers = PyDict::new(py);
        numbers.set_item("policies", snapshot.policies.len())?;
        numbers.set_item("shapes", snapshot.policies.shapes().len())?;
        numbers.set_item("entities", snapshot.store.entity_count())?;
        numbers.set_item("uids", snapshot.store.uid_count())?;
        numbers.set_item("paths", self.compiled().paths.len())?;
        Ok(numbers)
    }
}

/// Why a reload did not take place.
enum ReloadFailure {
    Core(ReloadError),
    Raised(PyErr),
}

impl From<ReloadError> for ReloadFailure {
    fn from(error: ReloadError) -> Self {
        Self::Core(error)
    }
}

impl ReloadFailure {
    fn into_error(self, py: Python<'_>, store: &Store) -> PyErr {
        match self {
            Self::Raised(error) => error,
            Self::Core(error) => errors::reload(py, &error, store),
        }
    }
}

type OwnedUid = (String, String);

impl Engine {
    fn link_all(&self, links: &[(String, String, Option<OwnedUid>, Option<OwnedUid>)]) -> PyResult<()> {
        for (_, link_id, _, _) in links {
            if !agentpdp_cedar::policies::is_policy_id(link_id) {
                return Err(errors::link(&format!(
                    "`{}` cannot name a link: ids are 1 to 128 of `A-Z a-z 0-9 . _ -`",
                    link_id.escape_debug()
                )));
            }
        }
        let parts: Vec<(&str, &str, SlotUids<'_>)> = links
            .iter()
            .map(|(template, link_id, principal, resource)| {
                (template.as_str(), link_id.as_str(), SlotUids { principal: pair(principal), resource: pair(resource) })
            })
            .collect();
        self.core.link(&parts).map_err(|(at, error)| {
            let (template, link_id, _) = parts.get(at).copied().unwrap_or_default();
            errors::link(&errors::link_text(template, link_id, error))
        })
    }
}

fn pair(uid: &Option<OwnedUid>) -> Option<(&str, &str)> {
    uid.as_ref().map(|(type_name, id)| (type_name.as_str(), id.as_str()))
}

fn owned_uids(uids: &Bound<'_, PyAny>) -> PyResult<Vec<OwnedUid>> {
    if matches!(read_uid(uids), Some(UidArgument::Object(_))) || uids.is_instance_of::<pyo3::types::PyString>() {
        return Ok(vec![owned_uid(uids)?]);
    }
    uids.try_iter()?.map(|uid| owned_uid(&uid?)).collect()
}
