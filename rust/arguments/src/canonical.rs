//! Which one text stands for these arguments, so that a digest of it stands for the call?
//!
//! The JSON Canonicalization Scheme (RFC 8785): no white space, names in the order of their UTF-16 code units, numbers
//! as ECMAScript writes doubles. So that two different calls never have one text, everything that readers of JSON may
//! read differently is refused: integers beyond ±(2^53−1), numbers that are not the shortest text of a double or equal
//! to it, names that stand twice, lone surrogates.
//!
//! Twin: `reference/arguments.py`. Read next: `tool.rs`.

use std::fmt::Write;

use agentpdp_core::decision::Reason;

use crate::decode::{Rewrite, RewriteStep};
use crate::json::{ARGUMENTS_DEPTH_MAX, ARGUMENTS_VALUES_MAX};
use crate::number::{Exact, Number, is_safe};
use crate::refusal::{Path, Refusal, Refusals, Step};
use crate::source::{List, Name, Node, Object, Source};

/// The canonical text of a value.
///
/// # Errors
///
/// `argument_unsafe` where readers may differ about the value, `argument_too_large` beyond the limits, `argument_type`
/// for what JSON has not.
pub fn canonical<'a, S: Source<'a>>(source: S) -> Result<String, Refusal> {
    canonical_rewritten(source, &[])
}

/// As [`canonical`], of a value with some of its texts written anew: of what a tool gets.
///
/// # Errors
///
/// As [`canonical`].
pub fn canonical_rewritten<'a, S: Source<'a>>(source: S, rewrites: &[Rewrite]) -> Result<String, Refusal> {
    let mut writer = Writer { text: String::new(), values: 0, rewrites };
    let mut refusals = Refusals::default();
    writer.value(source, &Path::ROOT, 0, &mut refusals);
    match refusals.into_first() {
        None => Ok(writer.text),
        Some(refusal) => Err(refusal),
    }
}

struct Writer<'r> {
    text: String,
    values: usize,
    rewrites: &'r [Rewrite],
}

impl Writer<'_> {
    fn value<'a, S: Source<'a>>(&mut self, source: S, path: &Path<'_>, depth: usize, refusals: &mut Refusals) {
        self.values = self.values.saturating_add(1);
        if depth > ARGUMENTS_DEPTH_MAX || self.values > ARGUMENTS_VALUES_MAX {
            refusals.add(Reason::ArgumentTooLarge, path, "fewer values, nested less deep");
            return;
        }
        if let Some(rewrite) = self.rewrites.iter().find(|rewrite| is_at(path, &rewrite.steps)) {
            return write_text(&mut self.text, &rewrite.text);
        }
        match source.node() {
            Node::Null => self.text.push_str("null"),
            Node::Bool(flag) => self.text.push_str(if flag { "true" } else { "false" }),
            Node::Integer(integer) if is_safe(integer) => {
                let _ = write!(self.text, "{integer}");
            }
            Node::Number(number) if write_number(&mut self.text, number).is_some() => {}
            Node::Integer(_) | Node::Number(_) => {
                refusals.add(Reason::ArgumentUnsafe, path, "a number that every reader of JSON reads alike");
            }
            Node::Text(text) => write_text(&mut self.text, text),
            Node::Broken => refusals.add(Reason::ArgumentUnsafe, path, "text of Unicode characters"),
            Node::Foreign => refusals.add(Reason::ArgumentType, path, "a value that JSON has"),
            Node::List(list) => {
                self.text.push('[');
                for (number, member) in list.members().enumerate() {
                    if number > 0 {
                        self.text.push(',');
                    }
                    self.value(member, &path.then(Step::Member(number)), depth.saturating_add(1), refusals);
                }
                self.text.push(']');
            }
            Node::Object(object) => self.object::<S>(object, path, depth, refusals),
        }
    }

    fn object<'a, S: Source<'a>>(&mut self, object: S::Object, path: &Path<'_>, depth: usize, refusals: &mut Refusals) {
        let mut members: Vec<(&str, S)> = Vec::with_capacity(object.len());
        for (name, value) in object.members() {
            match name {
                Name::Text(name) => members.push((name, value)),
                Name::Broken => refusals.add(Reason::ArgumentUnsafe, path, "names of Unicode characters"),
                Name::Foreign => refusals.add(Reason::ArgumentType, path, "names that are text"),
            }
        }
        members.sort_by(|(left, _), (right, _)| left.encode_utf16().cmp(right.encode_utf16()));
        self.text.push('{');
        let mut last = None;
        for (name, value) in members {
            if last == Some(name) {
                refusals.add(Reason::ArgumentUnsafe, &path.then(Step::Name(name)), "each name once");
            }
            if last.is_some() {
                self.text.push(',');
            }
            write_text(&mut self.text, name);
            self.text.push(':');
            self.value(value, &path.then(Step::Name(name)), depth.saturating_add(1), refusals);
            last = Some(name);
        }
        self.text.push('}');
    }
}

/// Whether a path is just these steps.
fn is_at(path: &Path<'_>, steps: &[RewriteStep]) -> bool {
    let same = |(here, step): (Step<'_>, &RewriteStep)| match (here, step) {
        (Step::Name(name), RewriteStep::Name(wanted)) => name == &**wanted,
        (Step::Member(number), RewriteStep::Member(wanted)) => number == *wanted,
        _ => false,
    };
    let here = path.steps();
    here.len() == steps.len() && here.into_iter().zip(steps).all(same)
}

/// Text as ECMAScript's `JSON.stringify` writes it.
fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            plain => out.push(plain),
        }
    }
    out.push('"');
}

/// A number as ECMAScript writes the double; none if it is not exactly a double's text, or beyond ±(2^53−1) and whole.
fn write_number(out: &mut String, number: Number<'_>) -> Option<()> {
    let exact = number.exact()?;
    let is_whole = exact.exponent >= 0;
    if is_whole && !exact.units(0).is_some_and(is_safe) {
        return None;
    }
    write_exact(out, exact);
    Some(())
}

impl Exact {
    /// The number as ECMAScript's `Number::toString` writes it.
    #[must_use]
    pub fn ecmascript(self) -> String {
        let mut text = String::new();
        write_exact(&mut text, self);
        text
    }
}

/// ECMAScript's `Number::toString` for digits and an exponent.
fn write_exact(out: &mut String, exact: Exact) {
    if exact.digits == 0 {
        out.push('0');
        return;
    }
    if exact.is_negative {
        out.push('-');
    }
    let digits = exact.digits.to_string();
    let count = i64::try_from(digits.len()).unwrap_or(0);
    // Where the point stands, counted from the first digit.
    let point = count.saturating_add(exact.exponent);
    let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or(0));
    if count <= point && point <= 21 {
        let _ = write!(out, "{digits}{}", zeros(point.saturating_sub(count)));
    } else if 0 < point && point <= 21 {
        let (whole, places) = digits.split_at(usize::try_from(point).unwrap_or(0));
        let _ = write!(out, "{whole}.{places}");
    } else if -6 < point && point <= 0 {
        let _ = write!(out, "0.{}{digits}", zeros(point.saturating_neg()));
    } else {
        let (first, rest) = digits.split_at(1);
        let mark = if rest.is_empty() { "" } else { "." };
        let _ = write!(out, "{first}{mark}{rest}e{:+}", point.saturating_sub(1));
    }
}
