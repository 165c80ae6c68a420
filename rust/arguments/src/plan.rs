//! How are the arguments of one tool read, and what do rules see of them?
//!
//! A [`Plan`] is made once for a tool, out of its JSON Schema and the bundle's declarations: the type of
//! `context.input`, and a form for each value. What rules cannot see becomes a [`Note`] for whoever checks the bundle.
//! The forms themselves are made in `forms.rs`.
//!
//! Twin: `reference/forms.py`. Read next: `forms.rs`, then `decode.rs`.

use std::sync::Arc;

use agentpdp_core::entities::Store;
use agentpdp_core::schema::RecordType;

use crate::declaration::Declaration;
use crate::form::Fields;
use crate::forms::Maker;
use crate::problem::{Problem, ProblemCode, nearest};
use crate::tool::Tool;

/// What whoever checks a bundle should know of a tool's arguments.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Note {
    /// Rules do not see this argument.
    Opaque {
        /// Its path.
        argument: Arc<str>,
        /// Why.
        reason: &'static str,
        /// Whether the bundle lets it be given.
        is_allowed: bool,
    },
    /// This argument has one of a few values.
    Choice {
        /// Its path.
        argument: Arc<str>,
        /// The values.
        values: Box<[Arc<str>]>,
    },
}

/// How the arguments of one tool are read.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The type of `context.input`, its attributes sorted by name.
    pub input: Arc<RecordType>,
    /// What rules do not see, and the values of choices.
    pub notes: Vec<Note>,
    /// Names of objects, by number: what a source may prepare.
    pub names: Vec<Arc<str>>,
    pub(crate) fields: Arc<Fields>,
}

impl Plan {
    /// The plan of an action that takes no arguments.
    #[must_use]
    pub fn empty() -> Self {
        let fields = Arc::new(Fields::default());
        Self { input: fields.record.clone(), notes: Vec::new(), names: Vec::new(), fields }
    }

    /// The plan of a tool under a declaration.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with either.
    pub fn new(tool: &Tool, declaration: &Declaration, store: &mut Store) -> Result<Self, Vec<Problem>> {
        let mut maker = Maker::new(&tool.input_schema, declaration);
        let fields = maker.input();
        for path in maker.undeclared() {
            let advice = nearest(path, maker.paths()).map_or_else(
                || "name an argument of the tool".to_owned(),
                |near| format!("the tool has an argument `{}`", near.escape_debug()),
            );
            let message = format!("tool `{}` has no argument `{}`", tool.name.escape_debug(), path.escape_debug());
            maker.problems.push(Problem::new(ProblemCode::ArgumentUndeclared, path, message, advice));
        }
        let unknown = |type_id: &agentpdp_core::value::TypeId| store.type_name(*type_id).is_none();
        let types = declaration.entities.iter().chain(&declaration.resource);
        for (path, _) in types.filter(|(_, type_id)| unknown(type_id)) {
            let message = "the declared entity type is not one of the store";
            maker.problems.push(Problem::new(
                ProblemCode::EntityType,
                &**path,
                message,
                "declare the type in the schema",
            ));
        }
        if !maker.problems.is_empty() {
            return Err(maker.problems);
        }
        let fields = Arc::new(fields);
        Ok(Self { input: fields.record.clone(), notes: maker.notes, names: maker.names, fields })
    }
}
