//! The one form of what callers hand in, for the digest of a call.
//!
//! Entities are `{"__entity": …}`, extension values `{"__extn": …}`, as Cedar writes them in JSON; everything else is the
//! JSON that it looks like. What has no one form (`canonical.rs` of agentpdp-arguments says what) gives none.

use agentpdp_arguments::canonical::canonical;
use agentpdp_arguments::json::read;
use agentpdp_cedar::input::Input;
use agentpdp_core::digest::write_string;
use agentpdp_core::value::Value;

/// Canonical JSON of an input; none if it has no one form.
pub(crate) fn canonical_input(input: &Input) -> Option<String> {
    let mut text = String::new();
    write(&mut text, input)?;
    canonical(&read(&text).ok()?).ok()
}

fn write(text: &mut String, input: &Input) -> Option<()> {
    match input {
        Input::Null => text.push_str("null"),
        Input::Bool(flag) => text.push_str(if *flag { "true" } else { "false" }),
        Input::Long(integer) => text.push_str(&integer.to_string()),
        Input::Number(number) => {
            // A float's text, or a word that says why it is none.
            number.parse::<f64>().ok().filter(|number| number.is_finite())?;
            text.push_str(number);
        }
        Input::String(value) => write_string(text, value),
        Input::List(members) => {
            text.push('[');
            for (place, member) in members.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                write(text, member)?;
            }
            text.push(']');
        }
        Input::Object(members) => {
            text.push('{');
            for (place, (name, member)) in members.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                write_string(text, name);
                text.push(':');
                write(text, member)?;
            }
            text.push('}');
        }
        Input::Uid { type_name, id } => {
            text.push_str("{\"__entity\":{\"id\":");
            write_string(text, id);
            text.push_str(",\"type\":");
            write_string(text, type_name);
            text.push_str("}}");
        }
        Input::Value(value) => {
            let (function, argument) = match value {
                Value::Decimal(value) => ("decimal", value.to_string()),
                Value::Ip(value) => ("ip", value.to_string()),
                Value::Datetime(value) => ("datetime", value.to_string()),
                Value::Duration(value) => ("duration", value.to_string()),
                _ => return None,
            };
            text.push_str("{\"__extn\":{\"arg\":");
            write_string(text, &argument);
            text.push_str(",\"fn\":\"");
            text.push_str(function);
            text.push_str("\"}}");
        }
    }
    Some(())
}
