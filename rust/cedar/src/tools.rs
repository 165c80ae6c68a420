//! Which tools does a bundle pin, and what do they take?
//!
//! `agentpdp-arguments` reads tool lists and types arguments; here its problems become findings where they stand: those of
//! a tool's definition in its file, those of a declaration in `agentpdp.toml`.
//!
//! Read next: `host_actions.rs`.

use std::sync::Arc;

use agentpdp_arguments::declaration::Declaration;
use agentpdp_arguments::kind::Kind;
use agentpdp_arguments::plan::Plan;
use agentpdp_arguments::problem::{Problem, ProblemCode};
use agentpdp_arguments::tool::{Tool, read_tools};
use serde_json::Value;

use crate::declarations::Lookup;
use crate::finding::Code;
use crate::host_actions::find_text;
use crate::settings::{ActionText, ResourceText};
use crate::toml_text::{Placed, TextFile};

/// A tool and the file that pins it.
pub(crate) struct PinnedTool<'t> {
    pub(crate) tool: Tool,
    pub(crate) file: &'t TextFile<'t>,
}

impl PinnedTool<'_> {
    /// The byte at which its name stands in its file.
    pub(crate) fn place(&self) -> usize {
        find_text(self.file.text, &self.tool.name)
    }
}

/// The tools of all lists; what is wrong is in the findings of the files.
pub(crate) fn pinned_tools<'t>(files: &'t [TextFile<'t>]) -> Vec<PinnedTool<'t>> {
    let mut pinned = Vec::new();
    for file in files {
        match read_tools(file.text) {
            Ok(tools) => pinned.extend(tools.into_iter().map(|tool| PinnedTool { tool, file })),
            Err(problem) => {
                let at = pointed_place(file.text, &problem.place);
                let place = if problem.place.is_empty() { String::new() } else { format!(" at `{}`", problem.place) };
                file.find(code(problem.code), at, format!("{}{place}", problem.message), problem.advice);
            }
        }
    }
    pinned
}

/// The byte of a tool that a JSON pointer names, as near as its name tells.
fn pointed_place(text: &str, pointer: &str) -> usize {
    let Ok(json) = serde_json::from_str::<Value>(text) else { return 0 };
    let mut tool = None;
    let mut path = String::new();
    for part in pointer.split('/').skip(1) {
        path = format!("{path}/{part}");
        tool = json.pointer(&path).and_then(|here| here.get("name")?.as_str()).or(tool);
    }
    tool.map_or(0, |name| find_text(text, name))
}

/// How a tool's arguments are read, unless something is wrong with them.
pub(crate) fn plan(
    pinned: &PinnedTool<'_>,
    declared: Option<&ActionText>,
    settings: &TextFile<'_>,
    lookup: &mut Lookup<'_>,
) -> Option<Arc<Plan>> {
    let declaration = declared.map(|declared| declaration(declared, settings, lookup)).unwrap_or_default();
    match Plan::new(&pinned.tool, &declaration, lookup.store) {
        Ok(plan) => Some(Arc::new(plan)),
        Err(problems) => {
            problems.into_iter().for_each(|problem| find(problem, pinned, declared, settings));
            None
        }
    }
}

fn declaration(declared: &ActionText, settings: &TextFile<'_>, lookup: &mut Lookup<'_>) -> Declaration {
    let texts = |names: &[Placed<String>]| names.iter().map(|name| Arc::from(&*name.value)).collect();
    let mut read =
        Declaration { require: texts(&declared.require), opaque: texts(&declared.opaque), ..Declaration::default() };
    for (name, json) in &declared.kinds {
        match Kind::from_json(&json.value) {
            Ok(kind) => read.kinds.push((Arc::from(&*name.value), kind)),
            Err(problem) => settings.find(code(problem.code), json.at, problem.message, problem.advice),
        }
    }
    for (name, type_name) in &declared.entities {
        if let Some(type_id) = lookup.entity_type(settings, type_name) {
            read.entities.push((Arc::from(&*name.value), type_id));
        }
    }
    if let Some(ResourceText::Argument { type_name, argument }) =
        declared.resource.as_ref().map(|resource| &resource.value)
        && lookup.types.is_entity_type(&type_name.value)
    {
        read.resource = Some((Arc::from(&*argument.value), lookup.store.intern_type(&type_name.value)));
    }
    read
}

/// Puts a problem where it can be mended: at the declaration that names the argument, or at the tool.
fn find(problem: Problem, pinned: &PinnedTool<'_>, declared: Option<&ActionText>, settings: &TextFile<'_>) {
    let argument = declared.and_then(|declared| declared.arguments().find(|name| name.value == problem.place));
    match argument {
        Some(argument) => settings.find(code(problem.code), argument.at, problem.message, problem.advice),
        None => {
            let place = if problem.place.is_empty() { String::new() } else { format!(", `{}`", problem.place) };
            let message = format!("the tool `{}`{place}: {}", pinned.tool.name.escape_debug(), problem.message);
            pinned.file.find(code(problem.code), pinned.place(), message, problem.advice);
        }
    }
}

/// The same code in the bundle's own table.
pub(crate) fn code(code: ProblemCode) -> Code {
    match code {
        ProblemCode::ToolsSyntax => Code::ToolsSyntax,
        ProblemCode::ToolsTooLarge => Code::ToolsTooLarge,
        ProblemCode::ToolShape => Code::ToolShape,
        ProblemCode::ToolDuplicate => Code::ToolDuplicate,
        ProblemCode::InputNotObject => Code::InputNotObject,
        ProblemCode::RefRemote => Code::RefRemote,
        ProblemCode::RefUnresolved => Code::RefUnresolved,
        ProblemCode::NameCollision => Code::NameCollision,
        ProblemCode::NameReserved => Code::NameReserved,
        ProblemCode::InputTooLarge => Code::InputTooLarge,
        ProblemCode::ArgumentUndeclared => Code::ArgumentUndeclared,
        ProblemCode::KindUnknown => Code::KindUnknown,
        ProblemCode::KindOption => Code::KindOption,
        ProblemCode::KindType => Code::KindType,
        ProblemCode::EntityType => Code::EntityType,
        ProblemCode::ResourceType => Code::ResourceType,
        ProblemCode::OpaqueTyped => Code::OpaqueTyped,
    }
}
