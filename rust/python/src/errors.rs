//! The one place where failures become Python exceptions.
//!
//! The classes are Python's own (`agentpdp/errors.py`); this maps each kind of failure to one of them.

use agentpdp_cedar::entities::EntityError;
use agentpdp_core::authorize::PolicyError;
use agentpdp_core::entities::Store;
use agentpdp_core::reload::ReloadError;
use agentpdp_core::shape::CompileError;
use pyo3::prelude::*;

fn raise<'py>(py: Python<'py>, class: &str, argument: impl IntoPyObject<'py>) -> PyErr {
    let made = py.import("agentpdp.errors").and_then(|module| module.getattr(class)?.call1((argument,)));
    match made {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    }
}

/// `EntityError`: entity data that the store cannot take.
pub(crate) fn entity(py: Python<'_>, error: &EntityError) -> PyErr {
    raise(py, "EntityError", error.to_string())
}

/// `LinkError`: a link that the template does not allow.
pub(crate) fn link(message: &str) -> PyErr {
    Python::attach(|py| raise(py, "LinkError", message))
}

/// `EncodeError`: something that is no entity.
pub(crate) fn encode(py: Python<'_>, message: &str) -> PyErr {
    raise(py, "EncodeError", message)
}

/// `ColumnError`: a batch whose columns cannot be read.
pub(crate) fn column(py: Python<'_>, message: &str) -> PyErr {
    raise(py, "ColumnError", message)
}

/// `BundleError`: a bundle that does not load.
pub(crate) fn bundle(py: Python<'_>, findings: Vec<crate::bundle::Finding>) -> PyErr {
    raise(py, "BundleError", findings)
}

/// Why a link cannot be added.
pub(crate) fn link_text(template: &str, link_id: &str, error: PolicyError) -> String {
    let (template, link_id) = (template.escape_debug(), link_id.escape_debug());
    match error {
        PolicyError::NameTaken => format!("the id `{link_id}` is taken: give the link another one, or unlink it first"),
        PolicyError::UnknownTemplate => {
            format!("there is no template `{template}`: a template is a policy with `?principal` or `?resource`")
        }
        PolicyError::WrongSlots => {
            format!("template `{template}` wants an entity for each of its slots and for no other")
        }
        PolicyError::Compile(CompileError::TooDeep | CompileError::SlotInCondition) => {
            format!("template `{template}` cannot be compiled")
        }
        PolicyError::TooMany => "the engine holds as many policies, links or entities as it can".to_owned(),
    }
}

/// `ReloadError`: a bundle cannot take the place of the one that decides.
pub(crate) fn reload(py: Python<'_>, error: &ReloadError, store: &Store) -> PyErr {
    let text = |entity| {
        let (type_name, id) = store.uid(entity).map_or(("", ""), |(type_name, id)| (&**type_name, &**id));
        crate::uid::uid_text(type_name, id)
    };
    let message = match error {
        ReloadError::OtherKind => {
            "one of the two bundles has tasks and the other has none: make a new engine".to_owned()
        }
        ReloadError::OtherStore => "the bundle was not read over the engine's entities".to_owned(),
        ReloadError::Entity(entity) => {
            let entity = text(*entity);
            format!("{entity} was put in at run time and does not fit the new schema: remove it, or put in what fits")
        }
        ReloadError::Cycle(entity) => {
            let entity = text(*entity);
            format!(
                "with the new bundle's entities {entity} would be its own ancestor: remove what was put in at run time"
            )
        }
        ReloadError::Link(link_id, error) => {
            format!("link `{}`: {}", link_id.escape_debug(), link_text("of the new bundle", link_id, *error))
        }
    };
    raise(py, "ReloadError", format!("nothing was reloaded: {message}"))
}

/// `GrantRequired`: a bundle with tasks decides calls under grants only.
pub(crate) fn grant_required(py: Python<'_>) -> PyErr {
    let message = "the bundle has tasks, so it decides calls under grants only: start a task with `engine.start(…)` and \
                   decide with the grant";
    raise(py, "GrantRequired", message)
}

/// `ValueError`: a plain bundle has no grants.
pub(crate) fn no_tasks(_py: Python<'_>) -> PyErr {
    pyo3::exceptions::PyValueError::new_err(
        "the bundle has no tasks, so there are no grants: ask `engine.authorize(…)`",
    )
}

/// `Denied` or `StepUpNeeded`: a call that must be allowed is not.
pub(crate) fn not_allowed(py: Python<'_>, decision: Py<crate::decision::Decision>, is_step_up: bool) -> PyErr {
    raise(py, if is_step_up { "StepUpNeeded" } else { "Denied" }, decision)
}
