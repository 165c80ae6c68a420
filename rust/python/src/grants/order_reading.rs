//! Reading an order: tasks, parties, parameters, claims, restrictions.
//!
//! Nothing here refuses by itself: what cannot be read is handed to the core as such, which finds the first reason
//! against the order in the order of the table of reasons.

use agentpdp_cedar::input::Input;
use agentpdp_core::decision::Reason;
use agentpdp_core::entities::Store;
use agentpdp_core::orders::Order;
use agentpdp_core::request::Locals;
use agentpdp_core::schema::Type;
use agentpdp_core::tasks::{Declarations, Param, Task, TaskId};
use agentpdp_core::value::{EntityId, Value};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyTuple};
use smallvec::SmallVec;

use crate::clock::{LENGTH_EXPECTED, read_length};
use crate::context::ContextReader;
use crate::grants::judging::Scene;
use crate::grants::orders::OrderParts;
use crate::input::to_input;
use crate::uid::{read_uid, resolve};

/// What is wrong with an order, one sentence for each reason that reading it has met.
#[derive(Default)]
pub(crate) struct Details {
    noted: SmallVec<[(Reason, String); 1]>,
    /// The lifetime asked for, as in `Order`.
    asked_ms: Option<Option<i64>>,
    /// The longest that the tasks allow.
    longest_ms: Option<i64>,
}

impl Details {
    fn note(&mut self, reason: Reason, sentence: String) {
        self.noted.push((reason, sentence));
    }

    /// The first sentence on a reason.
    pub(crate) fn of(self, reason: Reason) -> Option<String> {
        if reason == Reason::LifetimeTooLong {
            return Some(self.lifetime());
        }
        self.noted.into_iter().find(|(noted, _)| *noted == reason).map(|(_, sentence)| sentence)
    }

    /// What would be right for a lifetime.
    fn lifetime(&self) -> String {
        match (self.asked_ms, self.longest_ms) {
            (Some(None), _) => LENGTH_EXPECTED.to_owned(),
            (_, Some(longest_ms)) => {
                format!(
                    "at most {longest_ms} milliseconds, as the task says, and never beyond the end of a grant above"
                )
            }
            _ => "never beyond the end of a grant above".to_owned(),
        }
    }
}

/// Reads an order; besides, what is wrong with it.
pub(crate) fn read_order<'a>(
    scene: Scene<'a>,
    is_child: bool,
    parts: &OrderParts<'a, '_>,
    locals: &mut Locals<'a>,
) -> (Order, Details) {
    let Scene { engine, snapshot, declarations, .. } = scene;
    let mut details = Details::default();
    let tasks = read_tasks(parts.task, declarations);
    if tasks.as_ref().is_none_or(SmallVec::is_empty) {
        let known: Vec<&str> = declarations.tasks.iter().map(|task| &*task.name).take(20).collect();
        let what = if tasks.is_some() { "no task is named" } else { "the bundle has no such task" };
        details.note(Reason::UnknownAction, format!("{what}; it has `{}`", known.join("`, `")));
    }
    let mut entity = |value: &'a Bound<'_, PyAny>| {
        read_uid(value).map(|uid| resolve(uid, Some(engine.nonce), &snapshot.store, locals))
    };
    let principal = parts.principal.and_then(&mut entity);
    let agent = entity(parts.agent);
    let by = parts.by.filter(|by| !by.is_none()).map(&mut entity);
    let only_resources = match parts.only_resources.filter(|given| !given.is_none()) {
        None => Ok(None),
        Some(given) => match members(given) {
            Some(members) => read_resources(&members, scene, locals).map(Some).ok_or(()),
            None => Err(()),
        },
    };
    let only_actions = match parts.only_actions.filter(|given| !given.is_none()) {
        None => Ok(None),
        Some(given) => {
            let found = members(given).and_then(|members| read_actions(&members, scene));
            if found.is_none() {
                let sentence = "`only_actions` takes names of actions and of groups of them".to_owned();
                details.note(Reason::UnknownAction, sentence);
            }
            found.map(Some).ok_or(())
        }
    };
    let mut reader = Parameters { scene, locals, details: &mut details };
    let params = reader.params(tasks.as_deref().unwrap_or(&[]), parts.params);
    let claims = if is_child { Ok(Box::default()) } else { reader.claims(parts.claims) };
    let expires_in_ms = parts.expires_in.filter(|given| !given.is_none()).map(read_length);
    let longest_ms = tasks.iter().flatten().filter_map(|task| Some(declarations.task(*task)?.lifetime_ms)).min();
    (details.asked_ms, details.longest_ms) = (expires_in_ms, longest_ms);
    let valid_from_ms = parts.valid_from;
    let order = Order {
        tasks,
        principal,
        agent,
        by,
        params,
        claims,
        only_actions,
        only_resources,
        valid_from_ms,
        expires_in_ms,
    };
    (order, details)
}

/// The tasks asked for, each once; none where one is not the bundle's.
fn read_tasks(value: &Bound<'_, PyAny>, declarations: &Declarations) -> Option<SmallVec<[TaskId; 4]>> {
    let find = |value: &Bound<'_, PyAny>| declarations.find(value.cast::<PyString>().ok()?.to_str().ok()?);
    if value.is_instance_of::<PyString>() {
        return find(value).map(|task| SmallVec::from_slice(&[task]));
    }
    if !value.is_instance_of::<PyList>() && !value.is_instance_of::<PyTuple>() {
        return None;
    }
    let mut tasks: SmallVec<[TaskId; 4]> = SmallVec::new();
    for member in members(value)? {
        let task = find(&member)?;
        if !tasks.contains(&task) {
            tasks.push(task);
        }
    }
    Some(tasks)
}

fn members<'py>(value: &Bound<'py, PyAny>) -> Option<Vec<Bound<'py, PyAny>>> {
    if value.is_instance_of::<PyString>() {
        return None;
    }
    value.try_iter().ok()?.collect::<PyResult<Vec<_>>>().ok()
}

/// Actions and groups by name: the host's actions first, then all that the schema has.
fn read_actions(members: &[Bound<'_, PyAny>], scene: Scene<'_>) -> Option<Box<[EntityId]>> {
    let store = &scene.snapshot.store;
    let actions = &scene.snapshot.compiled.actions;
    let find = |value: &Bound<'_, PyAny>| {
        let name = value.cast::<PyString>().ok().and_then(|name| name.to_str().ok().map(str::to_owned));
        if let Some(call) = name.as_deref().and_then(|name| scene.view.named(name)) {
            return Some(call.action);
        }
        let uid = read_uid(value).map(|uid| resolve(uid, None, store, &mut Locals::default()));
        if let Some(action) = uid.filter(|uid| actions.contains_key(uid)) {
            return Some(action);
        }
        let mut named =
            actions.keys().filter(|action| store.uid(**action).is_some_and(|(_, id)| Some(&**id) == name.as_deref()));
        let first = named.next().copied();
        first.filter(|_| named.next().is_none())
    };
    members.iter().map(find).collect()
}

fn read_resources<'a>(
    members: &[Bound<'_, PyAny>],
    scene: Scene<'a>,
    locals: &mut Locals<'a>,
) -> Option<Box<[EntityId]>> {
    let find = |value: &Bound<'_, PyAny>| {
        let (type_name, id) = crate::uid::owned_uid(value).ok()?;
        Some(locals.resolve(&scene.snapshot.store, type_name.into(), id.into()))
    };
    members.iter().map(find).collect()
}

struct Parameters<'r, 'a> {
    scene: Scene<'a>,
    locals: &'r mut Locals<'a>,
    details: &'r mut Details,
}

impl Parameters<'_, '_> {
    fn read(&mut self, input: &Input, wanted: &Type) -> Option<Value> {
        let Scene { engine, snapshot, .. } = self.scene;
        let (nonce, store) = (Some(engine.nonce), &snapshot.store);
        let schema = snapshot.compiled.schema.as_deref();
        ContextReader { nonce, store, schema, locals: self.locals }.value(input, Some(wanted)).ok()
    }

    /// The values of all parameters, task after task, or the first reason against them.
    fn params(&mut self, tasks: &[TaskId], given: Option<&Bound<'_, PyAny>>) -> Result<Box<[Value]>, Reason> {
        let declarations = self.scene.declarations;
        let tasks: SmallVec<[&Task; 4]> = tasks.iter().filter_map(|task| declarations.task(*task)).collect();
        let given = match given.filter(|given| !given.is_none()) {
            None => Vec::new(),
            Some(given) => match to_input(given) {
                Input::Object(members) => members,
                _ => return self.refuse(Reason::ParamType, "`params` is a mapping of names to values".to_owned()),
            },
        };
        let mut problems: Vec<(Reason, String)> = Vec::new();
        let all = || tasks.iter().flat_map(|task| task.params.iter());
        for param in all() {
            if all().any(|other| other.name == param.name && other.value != param.value) {
                problems.push((Reason::ParamType, format!("the tasks give `{}` two types", param.name)));
            }
        }
        for (name, _) in &given {
            if !all().any(|param| *param.name == **name) {
                let known: Vec<&str> = all().map(|param| &*param.name).collect();
                let known = if known.is_empty() { "none".to_owned() } else { format!("`{}`", known.join("`, `")) };
                problems.push((Reason::ParamUnknown, format!("`{}`: the parameters are {known}", name.escape_debug())));
            }
        }
        let mut values = Vec::new();
        for param in all() {
            let value = given.iter().find(|(name, _)| **name == *param.name).map(|(_, value)| value);
            match self.param(param, value) {
                Ok(value) => values.push(value),
                Err(problem) => problems.push(problem),
            }
        }
        match problems.into_iter().min_by_key(|(reason, _)| *reason) {
            None => Ok(values.into_boxed_slice()),
            Some((reason, detail)) => self.refuse(reason, detail),
        }
    }

    fn refuse<T>(&mut self, reason: Reason, detail: String) -> Result<T, Reason> {
        self.details.note(reason, detail);
        Err(reason)
    }

    fn param(&mut self, param: &Param, given: Option<&Input>) -> Result<Value, (Reason, String)> {
        let store = &self.scene.snapshot.store;
        let kind = crate::context::type_text(&param.value, store);
        let value = match (given, &param.default) {
            (Some(given), _) => {
                let input = entities_by_id(given, &param.value, store);
                self.read(&input, &param.value)
                    .ok_or_else(|| (Reason::ParamType, format!("`{}` must be a {kind}", param.name)))?
            }
            (None, Some(default)) => default.clone(),
            (None, None) => {
                return Err((
                    Reason::ParamMissing,
                    format!("`{}` has no default, so it must be given, a {kind}", param.name),
                ));
            }
        };
        if !all_known(&value, self.scene, self.locals) {
            return Err((Reason::ParamType, format!("`{}` names an entity that is not in the store", param.name)));
        }
        let (above, below) = (param.min.as_ref(), param.max.as_ref());
        if above.is_some_and(|least| value < *least) || below.is_some_and(|most| value > *most) {
            return Err((Reason::ParamRange, format!("`{}` is outside its range", param.name)));
        }
        Ok(value)
    }

    /// The token's claims, sorted by name, or the first reason against them.
    fn claims(&mut self, given: Option<&Bound<'_, PyAny>>) -> Result<Box<[Value]>, Reason> {
        let declared = &self.scene.declarations.claims;
        let given = given.filter(|given| !given.is_none()).map_or(Input::Object(Vec::new()), to_input);
        let Input::Object(members) = &given else {
            return self.refuse(Reason::ArgumentType, "`claims` is a mapping of names to values".to_owned());
        };
        if let Some((name, _)) = members.iter().find(|(name, _)| declared.get(name).is_none()) {
            let detail = format!("`claims.{}` is not declared in `[claims]`", name.escape_debug());
            return self.refuse(Reason::ArgumentUnknown, detail);
        }
        let mut values = Vec::new();
        let mut wrong = None;
        for claim in declared.attributes() {
            match members.iter().find(|(name, _)| **name == *claim.name) {
                None => {
                    let detail = format!("`claims.{}` is declared, so it must be given", claim.name);
                    return self.refuse(Reason::ArgumentMissing, detail);
                }
                Some((_, input)) => match self.read(input, &claim.value) {
                    Some(value) => values.push(value),
                    None => wrong = Some(&claim.name),
                },
            }
        }
        match wrong {
            Some(name) => self.refuse(Reason::ArgumentType, format!("`claims.{name}` does not fit its type")),
            None => Ok(values.into_boxed_slice()),
        }
    }
}

/// Where an entity is wanted, text or an integer is its id.
fn entities_by_id(input: &Input, wanted: &Type, store: &Store) -> Input {
    match (input, wanted) {
        (Input::String(_) | Input::Long(_), Type::Entity(type_id)) => {
            let id = match input {
                Input::Long(id) => id.to_string(),
                other => other.text().unwrap_or_default().to_owned(),
            };
            let type_name = store.type_name(*type_id).map_or_else(String::new, ToString::to_string);
            Input::Uid { type_name, id }
        }
        (Input::List(members), Type::Set(member)) => {
            Input::List(members.iter().map(|value| entities_by_id(value, member, store)).collect())
        }
        (Input::Object(members), Type::Record(record)) => Input::Object(
            members
                .iter()
                .map(|(name, value)| {
                    let found = record.get(name).map(|attribute| entities_by_id(value, &attribute.value, store));
                    (name.clone(), found.unwrap_or_else(|| value.clone()))
                })
                .collect(),
        ),
        _ => input.clone(),
    }
}

fn all_known(value: &Value, scene: Scene<'_>, locals: &Locals<'_>) -> bool {
    match value {
        Value::Entity(entity) => scene.is_known(*entity, locals),
        Value::Set(set) => set.values().iter().all(|member| all_known(member, scene, locals)),
        Value::Record(record) => record.attributes().all(|(_, value)| all_known(value, scene, locals)),
        _ => true,
    }
}
