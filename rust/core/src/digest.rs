//! Which call is this, in 32 bytes?
//!
//! SHA-256 of `agentpdp.call.v1\n` and the canonical JSON (RFC 8785) of what makes a call that call: grant, digests of
//! the tasks of each hop, bundle, action, resource, arguments as they are handed to the tool, context as the host gave
//! it; nothing that the engine adds. Arguments and context come in canonical already.
//!
//! Twin: `reference/digest.py`. Read next: `explain.rs`.

use std::fmt::Write;

use sha2::{Digest as _, Sha256};

use crate::grants::GrantId;
use crate::tasks::Digest;

/// What makes a call that call.
#[derive(Clone, Copy, Debug)]
pub struct CallForm<'a> {
    /// The leaf; none where a tree is to be started.
    pub grant: Option<GrantId>,
    /// Digests of the tasks of each hop, root first.
    pub tasks: &'a [Vec<Digest>],
    /// The bundle's digest.
    pub bundle: &'a Digest,
    /// The action as Cedar text.
    pub action: &'a str,
    /// The resource as Cedar text.
    pub resource: &'a str,
    /// Canonical JSON.
    pub arguments: &'a str,
    /// Canonical JSON.
    pub context: &'a str,
}

/// The digest of a call.
#[must_use]
pub fn call_digest(call: &CallForm<'_>) -> Digest {
    let mut text = String::from("agentpdp.call.v1\n{\"action\":");
    write_string(&mut text, call.action);
    text.push_str(",\"arguments\":");
    text.push_str(call.arguments);
    text.push_str(",\"bundle\":\"");
    write_hex(&mut text, call.bundle);
    text.push_str("\",\"context\":");
    text.push_str(call.context);
    text.push_str(",\"grant\":");
    match call.grant {
        // Writing into a string does not fail.
        Some(id) => {
            let _ = write!(text, "\"{id}\"");
        }
        None => text.push_str("null"),
    }
    text.push_str(",\"resource\":");
    write_string(&mut text, call.resource);
    text.push_str(",\"tasks\":[");
    for (place, hop) in call.tasks.iter().enumerate() {
        text.push_str(if place == 0 { "[" } else { ",[" });
        for (place, digest) in hop.iter().enumerate() {
            text.push_str(if place == 0 { "\"" } else { ",\"" });
            write_hex(&mut text, digest);
            text.push('"');
        }
        text.push(']');
    }
    text.push_str("]}");
    Sha256::digest(text.as_bytes()).into()
}

/// Appends a digest in hexadecimal.
pub fn write_hex(text: &mut String, digest: &Digest) {
    for byte in digest {
        let _ = write!(text, "{byte:02x}");
    }
}

/// Appends text as a JSON string, as RFC 8785 section 3.2.2.2 writes it.
pub fn write_string(text: &mut String, value: &str) {
    text.push('"');
    for letter in value.chars() {
        match letter {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\u{8}' => text.push_str("\\b"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\u{c}' => text.push_str("\\f"),
            '\r' => text.push_str("\\r"),
            control if control < ' ' => {
                let _ = write!(text, "\\u{:04x}", u32::from(control));
            }
            other => text.push(other),
        }
    }
    text.push('"');
}
