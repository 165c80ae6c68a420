//! One line of events: is it a call that can be read without Python, and which?
//!
//! Only what is plain is read here: a call with known fields of the right form, numbers that every reader sees alike,
//! names that stand once, text without lone surrogates. Of any other line nothing is said: `events/reading.py` and
//! `events/form.py` read it, or say what is wrong with it. What is read here must be what they read:
//! `tests/events/test_bulk.py` holds both to each other.

use std::borrow::Cow;

use agentpdp_arguments::json::{Json, Members, read};
use agentpdp_core::decision::Verdict;

use crate::input::Input;
use crate::uid_text::parse_uid;
use crate::values::is_type_name;

/// Bytes of a line, as in `events/reading.py`.
const LINE_BYTES: usize = 16 << 20;

/// Characters of the name of a grant or a request, as in `events/form.py`.
const NAME_CHARACTERS: usize = 256;

/// Digits of a fraction that every double keeps.
const FRACTION_DIGITS: usize = 15;

/// Digits of a whole number that 64 bits surely hold.
const WHOLE_DIGITS: usize = 18;

/// Type and id of an entity.
pub type Uid<'a> = (Cow<'a, str>, Cow<'a, str>);

/// A recorded call.
#[derive(Debug)]
pub struct Call<'a> {
    /// When, in milliseconds UTC.
    pub at: i64,
    /// The name of its grant.
    pub grant: Cow<'a, str>,
    /// Outer none: not given; inner none: it is no entity.
    pub agent: Option<Option<Uid<'a>>>,
    /// What it names as its action.
    pub action: Cow<'a, str>,
    /// What the tool is to get.
    pub arguments: Option<Json<'a>>,
    /// The host's own context.
    pub context: Option<Input>,
    /// As `agent`.
    pub resource: Option<Option<Uid<'a>>>,
    /// The name of what could be approved.
    pub request: Option<Cow<'a, str>>,
    /// What was decided.
    pub verdict: Option<Verdict>,
}

/// The text of a line without the space around it; none if it is longer than is read.
#[must_use]
pub fn text_of(line: &[u8]) -> Option<&str> {
    if line.len() > LINE_BYTES {
        return None;
    }
    std::str::from_utf8(line).ok().map(|text| text.trim_matches([' ', '\t', '\r', '\n']))
}

/// A JSON text that every reader sees alike.
#[must_use]
pub fn read_plain(text: &str) -> Option<Json<'_>> {
    read(text).ok().filter(is_plain)
}

/// The call that a line holds; none for whatever is not surely one.
#[must_use]
pub fn read_call(text: &str) -> Option<Call<'_>> {
    // Most lines that are no calls say so first.
    if text.strip_prefix("{\"event\": \"").is_some_and(|rest| !rest.starts_with("call\"")) {
        return None;
    }
    let Json::Object(Members { pairs, .. }) = read_plain(text)? else { return None };
    let (mut at, mut grant, mut action, mut is_call) = (None, None, None, false);
    let (mut arguments, mut context, mut agent, mut resource) = (None, None, None, None);
    let (mut request, mut verdict) = (None, None);
    for (name, value) in pairs {
        match &*name? {
            "event" => is_call = matches!(&value, Json::Text(text) if text == "call"),
            "at" => at = Some(whole(&value)?),
            "grant" => grant = Some(name_of(value)?),
            "action" => action = Some(text_in(value)?),
            "arguments" => arguments = Some(value).filter(|value| *value != Json::Null),
            "context" => context = Some(input(&value)?).filter(|value| *value != Input::Null),
            "agent" => agent = Some(uid(value)?),
            "resource" if value == Json::Null => {}
            "resource" => resource = Some(uid(value)?),
            "request" => request = Some(name_of(value)?),
            "decision" => verdict = Some(verdict_of(value)?),
            _ => return None,
        }
    }
    let (at, grant, action) = (at?, grant?, action?);
    is_call.then_some(Call { at, grant, agent, action, arguments, context, resource, request, verdict })
}

/// What Python would make of a plain value, as an input.
#[must_use]
pub fn input(value: &Json<'_>) -> Option<Input> {
    Some(match value {
        Json::Null => Input::Null,
        Json::Bool(flag) => Input::Bool(*flag),
        Json::Number(text) => match whole(value) {
            Some(integer) => Input::Long(integer),
            None => Input::of_float(text.parse().ok()?),
        },
        Json::Text(text) => Input::String(text.clone().into_owned()),
        Json::Broken => return None,
        Json::List(members) => Input::List(members.iter().map(input).collect::<Option<_>>()?),
        Json::Object(members) => {
            let member =
                |(name, value): &(Option<Cow<'_, str>>, Json<'_>)| Some((name.clone()?.into_owned(), input(value)?));
            Input::Object(members.pairs.iter().map(member).collect::<Option<_>>()?)
        }
    })
}

/// Whether Python, and every other reader, sees this value.
fn is_plain(value: &Json<'_>) -> bool {
    match value {
        Json::Null | Json::Bool(_) | Json::Text(_) => true,
        Json::Number(text) => is_plain_number(text),
        Json::Broken => false,
        Json::List(members) => members.iter().all(is_plain),
        Json::Object(members) => {
            !members.has_duplicates && members.pairs.iter().all(|(name, value)| name.is_some() && is_plain(value))
        }
    }
}

fn is_plain_number(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    match text.bytes().find(|byte| matches!(byte, b'.' | b'e' | b'E')) {
        None => digits <= WHOLE_DIGITS,
        Some(b'.') => digits <= FRACTION_DIGITS && !text.contains(['e', 'E']),
        Some(_) => false,
    }
}

/// The integer of a plain number.
#[must_use]
pub fn whole(value: &Json<'_>) -> Option<i64> {
    match value {
        Json::Number(text) => text.parse().ok(),
        _ => None,
    }
}

fn text_in(value: Json<'_>) -> Option<Cow<'_, str>> {
    match value {
        Json::Text(text) => Some(text),
        _ => None,
    }
}

fn name_of(value: Json<'_>) -> Option<Cow<'_, str>> {
    let is_name = |text: &Cow<'_, str>| {
        !text.is_empty() && (text.len() <= NAME_CHARACTERS || text.chars().count() <= NAME_CHARACTERS)
    };
    text_in(value).filter(is_name)
}

/// An entity in one of its two forms. Outer none: it is of another form; inner none: it is no entity.
fn uid(value: Json<'_>) -> Option<Option<Uid<'_>>> {
    match value {
        Json::Text(Cow::Borrowed(text)) => Some(parse_uid(text).map(|(type_name, id)| (type_name.into(), id))),
        Json::Text(Cow::Owned(text)) => {
            let owned = |(type_name, id): (&str, Cow<'_, str>)| (type_name.to_owned().into(), id.into_owned().into());
            Some(parse_uid(&text).map(owned))
        }
        Json::Object(Members { pairs, .. }) => {
            let (mut type_name, mut id) = (None, None);
            for (name, value) in pairs {
                match &*name? {
                    "type" => type_name = Some(text_in(value)?),
                    "id" => id = Some(text_in(value)?),
                    _ => return None,
                }
            }
            let (type_name, id) = (type_name?, id?);
            Some(is_type_name(&type_name).then_some((type_name, id)))
        }
        _ => None,
    }
}

fn verdict_of(value: Json<'_>) -> Option<Verdict> {
    let Json::Object(members) = value else { return None };
    let (_, verdict) = members.pairs.iter().find(|(name, _)| name.as_deref() == Some("verdict"))?;
    match verdict {
        Json::Text(text) => match &**text {
            "allow" => Some(Verdict::Allow),
            "step_up" => Some(Verdict::StepUp),
            "deny" => Some(Verdict::Deny),
            _ => None,
        },
        _ => None,
    }
}
