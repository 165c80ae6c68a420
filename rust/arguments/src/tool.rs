//! Which tools does a tool list name, and what does each take?
//!
//! Reads what MCP's `tools/list` returns: `{"tools": […]}`, a bare list, or the answer of JSON-RPC around it. A tool
//! server is trusted for nothing: size and depth are limited before anything is built, a name that stands twice is a
//! problem, and annotations are only hints that may make things stricter.
//!
//! Source: Model Context Protocol, "Tools". Read next: `declaration.rs`.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::json::{Json, JsonError, Members, read};
use crate::problem::{Problem, ProblemCode};

/// Tools of one list.
pub const TOOLS_MAX: usize = 10_000;

/// Bytes of a tool's name.
pub const TOOL_NAME_BYTES_MAX: usize = 256;

/// One tool of a list.
#[derive(Clone, PartialEq, Debug)]
pub struct Tool {
    /// Its name.
    pub name: Arc<str>,
    /// What it says of itself; empty if it says nothing.
    pub description: Arc<str>,
    /// The JSON Schema of its arguments, names in their order.
    pub input_schema: Value,
    /// What its server says of it.
    pub annotations: Annotations,
}

/// What a server says of a tool; nothing of it is to be believed where it would loosen something.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Annotations {
    /// It changes nothing.
    pub read_only: Option<bool>,
    /// It may destroy something.
    pub destructive: Option<bool>,
    /// Doing it twice is doing it once.
    pub idempotent: Option<bool>,
    /// It reaches into the world outside.
    pub open_world: Option<bool>,
}

/// Reads a tool list.
///
/// # Errors
///
/// The first [`Problem`], with a JSON pointer to it.
pub fn read_tools(text: &str) -> Result<Vec<Tool>, Problem> {
    let json = read(text.strip_prefix('\u{feff}').unwrap_or(text)).map_err(|error| match error {
        JsonError::Syntax(at) => {
            let (line, column) = line_and_column(text, at);
            let message = format!("the text is not JSON at line {line}, column {column}");
            Problem::new(ProblemCode::ToolsSyntax, "", message, "write the result of MCP's tools/list")
        }
        JsonError::TooLarge => Problem::new(
            ProblemCode::ToolsTooLarge,
            "",
            "the text is larger or nested deeper than is read",
            "split the list into several files",
        ),
    })?;
    let (tools, place) = find_list(&json)?;
    if tools.len() > TOOLS_MAX {
        let message = format!("the list has {} tools; at most {TOOLS_MAX} are read", tools.len());
        return Err(Problem::new(ProblemCode::ToolsTooLarge, place, message, "split the list into several files"));
    }
    let mut read: Vec<Tool> = Vec::with_capacity(tools.len());
    let mut names = std::collections::HashSet::with_capacity(tools.len());
    for (number, tool) in tools.iter().enumerate() {
        let here = format!("{place}/{number}");
        let tool = read_tool(tool).map_err(|problem| problem.below(&here))?;
        if !names.insert(tool.name.clone()) {
            let message = format!("a tool `{}` stands further up", tool.name.escape_debug());
            return Err(Problem::new(ProblemCode::ToolDuplicate, here, message, "keep one of them"));
        }
        read.push(tool);
    }
    Ok(read)
}

fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count().saturating_add(1);
    let column = before.rsplit('\n').next().unwrap_or("").chars().count().saturating_add(1);
    (line, column)
}

/// The list and its place, wherever the answer has it.
fn find_list<'j>(json: &'j Json<'j>) -> Result<(&'j [Json<'j>], String), Problem> {
    let (mut json, mut place) = (json, String::new());
    for name in ["result", "tools"] {
        if let Json::Object(members) = json {
            match member(members, name) {
                Some(found) => (json, place) = (found, format!("{place}/{name}")),
                None if name == "result" => {}
                None => {
                    return Err(shape(&place, "the object has no `tools`", "write `{\"tools\": [...]}`"));
                }
            }
        }
    }
    match json {
        Json::List(tools) => Ok((tools, place)),
        _ => Err(shape(&place, "the tools are not a list", "write `{\"tools\": [...]}`")),
    }
}

fn shape(place: &str, message: &str, advice: &str) -> Problem {
    Problem::new(ProblemCode::ToolShape, place, message, advice)
}

fn member<'j>(members: &'j Members<'j>, name: &str) -> Option<&'j Json<'j>> {
    members.pairs.iter().find(|(known, _)| known.as_deref() == Some(name)).map(|(_, value)| value)
}

fn read_tool(json: &Json<'_>) -> Result<Tool, Problem> {
    let Json::Object(members) = json else {
        return Err(shape("", "a tool is not an object", "write `{\"name\": …, \"inputSchema\": …}`"));
    };
    let text = |name: &str| match member(members, name) {
        Some(Json::Text(text)) => Ok(Some(text.as_ref())),
        None | Some(Json::Null) => Ok(None),
        Some(_) => Err(shape(&format!("/{name}"), &format!("`{name}` is not text"), "write it as a string")),
    };
    let name = text("name")?.ok_or_else(|| shape("", "a tool has no `name`", "give it one"))?;
    if name.is_empty() || name.len() > TOOL_NAME_BYTES_MAX || name.chars().any(char::is_control) {
        let message = format!("a tool's name is not 1 to {TOOL_NAME_BYTES_MAX} bytes of printable text");
        return Err(shape("/name", &message, "rename the tool"));
    }
    let schema = member(members, "inputSchema").ok_or_else(|| {
        shape("", "a tool has no `inputSchema`", "write `{\"type\": \"object\"}` if it takes nothing")
    })?;
    Ok(Tool {
        name: name.into(),
        description: text("description")?.unwrap_or("").into(),
        input_schema: to_value(schema).map_err(|problem| problem.below("/inputSchema"))?,
        annotations: read_annotations(member(members, "annotations"))?,
    })
}

fn read_annotations(json: Option<&Json<'_>>) -> Result<Annotations, Problem> {
    let members = match json {
        None | Some(Json::Null) => return Ok(Annotations::default()),
        Some(Json::Object(members)) => members,
        Some(_) => {
            return Err(shape("/annotations", "`annotations` is not an object", "write an object or leave it out"));
        }
    };
    let hint = |name: &str| match member(members, name) {
        Some(Json::Bool(flag)) => Some(*flag),
        _ => None,
    };
    Ok(Annotations {
        read_only: hint("readOnlyHint"),
        destructive: hint("destructiveHint"),
        idempotent: hint("idempotentHint"),
        open_world: hint("openWorldHint"),
    })
}

/// The same value in the form that schemas are read in; a problem where an object has a name twice.
pub(crate) fn to_value(json: &Json<'_>) -> Result<Value, Problem> {
    Ok(match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(text) => serde_json::from_str(text).unwrap_or(Value::Null),
        Json::Text(text) => Value::String(text.to_string()),
        Json::Broken => {
            return Err(Problem::new(
                ProblemCode::ToolsSyntax,
                "",
                "a text has a lone surrogate",
                "write whole characters",
            ));
        }
        Json::List(members) => {
            let below = |(number, member): (usize, &Json<'_>)| {
                to_value(member).map_err(|problem| problem.below(&format!("/{number}")))
            };
            Value::Array(members.iter().enumerate().map(below).collect::<Result<_, _>>()?)
        }
        Json::Object(members) => {
            if members.has_duplicates {
                return Err(Problem::new(
                    ProblemCode::ToolsSyntax,
                    "",
                    "an object has a name twice",
                    "keep one of them",
                ));
            }
            let mut object = Map::with_capacity(members.pairs.len());
            for (name, value) in &members.pairs {
                let name = name.as_deref().ok_or_else(|| {
                    Problem::new(ProblemCode::ToolsSyntax, "", "a name has a lone surrogate", "write whole characters")
                })?;
                let below = |problem: Problem| problem.below(&format!("/{}", pointer_name(name)));
                object.insert(name.to_owned(), to_value(value).map_err(below)?);
            }
            Value::Object(object)
        }
    })
}

/// A name as JSON pointers write it.
pub(crate) fn pointer_name(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
