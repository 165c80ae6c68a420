//! What does a file `tasks/NAME.toml` say?
//!
//! Read next: `type_reader.rs`.

use serde_json::Value;
use toml::Spanned;
use toml::de::DeValue;

use crate::finding::Code;
use crate::lifetime::{LIFETIME_ADVICE, in_bounds, lifetime_ms};
use crate::toml_text::{Keys, Placed, TextFile, in_order, integer_of, text_of, to_json};

/// Longest name of a task, in bytes.
pub const TASK_NAME_BYTES_MAX: usize = 64;

/// Longest description of a task and of a parameter, in characters.
pub const DESCRIPTION_CHARACTERS_MAX: usize = 4_096;

/// Whether a text can name a task: `[a-z0-9-]{1,64}`.
#[must_use]
pub fn is_task_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=TASK_NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(allowed)
}

/// A parameter as it is written.
#[derive(Clone, Debug)]
pub(crate) struct ParamText {
    pub(crate) name: Placed<String>,
    pub(crate) type_text: Placed<String>,
    pub(crate) about: String,
    pub(crate) default: Option<Placed<Value>>,
    pub(crate) min: Option<Placed<Value>>,
    pub(crate) max: Option<Placed<Value>>,
    pub(crate) secret: bool,
}

/// A task as its TOML file says it.
#[derive(Clone, Debug)]
pub(crate) struct TaskText {
    pub(crate) description: String,
    pub(crate) lifetime_ms: i64,
    pub(crate) principals: Option<Vec<Placed<String>>>,
    pub(crate) agents: Option<Vec<Placed<String>>>,
    pub(crate) own: Option<Vec<Placed<String>>>,
    pub(crate) params: Vec<ParamText>,
}

/// Reads the file; what is wrong is in its findings.
pub(crate) fn read_task(file: &TextFile<'_>) -> Option<TaskText> {
    let table = file.parse_toml()?;
    let keys = Keys::new(file, &table, "");
    let description = keys.text("description", "write what the task is for");
    if let Some(long) = description.as_ref().filter(|text| text.value.chars().count() > DESCRIPTION_CHARACTERS_MAX) {
        let wanted = format!("a text of at most {DESCRIPTION_CHARACTERS_MAX} characters");
        keys.wrong("description", long.at, &wanted, "write a sentence or two");
    }
    let lifetime = read_lifetime(&keys);
    let advice = "write entity types, or leave it out for all";
    let read = TaskText {
        description: description.map(|text| text.value).unwrap_or_default(),
        lifetime_ms: lifetime.unwrap_or(1),
        principals: keys.texts("principals", advice),
        agents: keys.texts("agents", advice),
        own: keys.texts("own", "write action ids or groups, as in `own = [\"impact.read\"]`, or leave it out for all"),
        params: keys
            .table("params", "write `[params]` and below it `NAME = \"Cedar type\"`")
            .map(|params| in_order(params).into_iter().filter_map(|(name, value)| param(file, name, value)).collect())
            .unwrap_or_default(),
    };
    keys.finish();
    Some(read)
}

fn read_lifetime(keys: &Keys<'_, '_>) -> Option<i64> {
    let Some(value) = keys.value("lifetime") else {
        let message = "the task has no `lifetime`";
        keys.file.find_whole(
            Code::LifetimeMissing,
            message,
            "write how long a grant of it lives at most, as in `lifetime = \"30m\"`",
        );
        return None;
    };
    let read = match value.get_ref() {
        DeValue::String(text) => lifetime_ms(text),
        number => integer_of(number).and_then(in_bounds),
    };
    if read.is_none() {
        keys.wrong("lifetime", value.span().start, "a duration", LIFETIME_ADVICE);
    }
    read
}

fn param(file: &TextFile<'_>, name: Placed<String>, value: &Spanned<DeValue<'_>>) -> Option<ParamText> {
    let shown = name.value.escape_debug().to_string();
    let advice = format!("write `{shown} = \"Long\"` or `{shown} = {{ type = \"Long\", about = \"…\" }}`");
    if let Some(type_text) = text_of(value) {
        let about = String::new();
        return Some(ParamText { name, type_text, about, default: None, min: None, max: None, secret: false });
    }
    let Some(table) = value.get_ref().as_table() else {
        file.find(
            Code::KeyValue,
            value.span().start,
            format!("the parameter `{shown}` is neither text nor table"),
            advice,
        );
        return None;
    };
    let keys = Keys::new(file, table, format!("the parameter `{shown}`"));
    let type_text = keys.text("type", &advice);
    if keys.key_at("type").is_none() {
        file.find(Code::KeyValue, name.at, format!("the parameter `{shown}` has no `type`"), advice);
    }
    let json = |value: &Spanned<DeValue<'_>>| Placed::new(to_json(value.get_ref()), value.span().start);
    let read = ParamText {
        about: keys.text("about", "write what it is, for a person").map(|text| text.value).unwrap_or_default(),
        default: keys.value("default").map(json),
        min: keys.value("min").map(json),
        max: keys.value("max").map(json),
        secret: keys.boolean("secret").unwrap_or_default(),
        type_text: type_text.unwrap_or_else(|| Placed::new(String::new(), name.at)),
        name,
    };
    keys.finish();
    (!read.type_text.value.is_empty()).then_some(read)
}
