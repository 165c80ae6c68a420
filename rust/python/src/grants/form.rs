//! The one form of what callers hand in, for the digest of a call.
//!
//! Entities are `{"__entity": …}`, extension values `{"__extn": …}`, as in Cedar's JSON: a decimal with four places, an
//! address with its prefix, a duration in `ms`, a datetime by its milliseconds; everything else is the JSON that it looks
//! like. What has no one form (`canonical.rs` of agentpdp-arguments says what) gives none.

use std::net::IpAddr;

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
        Input::Float(number) if number.is_finite() => text.push_str(&number.to_string()),
        Input::Number(number) => text.push_str(number),
        Input::Float(_) | Input::Broken | Input::Foreign => return None,
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
                Value::Ip(value) => ("ip", address_form(&value.to_string())?),
                Value::Datetime(value) => ("datetime", value.milliseconds().to_string()),
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

/// An address with all its digits and its prefix.
fn address_form(text: &str) -> Option<String> {
    let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
    Some(match address.parse().ok()? {
        IpAddr::V4(address) => format!("{address}/{}", prefix.unwrap_or("32")),
        IpAddr::V6(address) => {
            let groups: Vec<String> = address.segments().iter().map(|group| format!("{group:04x}")).collect();
            format!("{}/{}", groups.join(":"), prefix.unwrap_or("128"))
        }
    })
}
