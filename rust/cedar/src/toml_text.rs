//! What does a TOML file say at each of its keys, and where does it stand?
//!
//! A [`TomlFile`] keeps the places of keys and values, so that every finding has line and column. Text is measured
//! before the parser sees it. A [`Keys`] is one table while it is read: what is of the wrong kind, and every key that
//! nobody asked for, is a finding that says what would be right.
//!
//! Read next: `settings.rs`.

use std::cell::RefCell;
use std::sync::Arc;

use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::finding::{Code, Finding, Lines};
use crate::limits::{FINDINGS_MAX, Language, measure};
use crate::nearest::did_you_mean;

/// A value and the byte of its file where it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Placed<T> {
    pub(crate) value: T,
    pub(crate) at: usize,
}

impl<T> Placed<T> {
    pub(crate) fn new(value: T, at: usize) -> Self {
        Self { value, at }
    }
}

/// A text with its name, and what is wrong with it so far.
#[derive(Debug)]
pub(crate) struct TextFile<'t> {
    pub(crate) name: Arc<str>,
    pub(crate) text: &'t str,
    lines: Lines<'t>,
    findings: RefCell<Vec<Finding>>,
}

impl<'t> TextFile<'t> {
    pub(crate) fn new(name: &str, text: &'t str) -> Self {
        Self { name: Arc::from(name), text, lines: Lines::of(text), findings: RefCell::default() }
    }

    /// Line and column of a byte.
    pub(crate) fn place(&self, at: usize) -> (u32, u32) {
        self.lines.place(at)
    }

    /// Adds a finding at a byte.
    pub(crate) fn find(&self, code: Code, at: usize, message: impl Into<String>, advice: impl Into<String>) {
        self.put(Finding::new(code, &self.name, message, advice).at(&self.lines, at));
    }

    /// Adds a finding about the file as a whole.
    pub(crate) fn find_whole(&self, code: Code, message: impl Into<String>, advice: impl Into<String>) {
        self.put(Finding::new(code, &self.name, message, advice));
    }

    fn put(&self, finding: Finding) {
        let mut findings = self.findings.borrow_mut();
        if findings.len() < FINDINGS_MAX {
            findings.push(finding);
        }
    }

    /// Whether something stands against it.
    pub(crate) fn has_errors(&self) -> bool {
        self.findings.borrow().iter().any(Finding::is_error)
    }

    /// What was found, in the order in which it was found.
    pub(crate) fn take_findings(&self) -> Vec<Finding> {
        self.findings.take()
    }

    /// Parses the text as TOML; none if it is not.
    pub(crate) fn parse_toml(&self) -> Option<DeTable<'t>> {
        if let Err(finding) = measure(&self.name, self.text, Language::Toml) {
            self.findings.borrow_mut().push(*finding);
            return None;
        }
        match DeTable::parse(self.text) {
            Ok(table) => Some(table.into_inner()),
            Err(error) => {
                let at = error.span().map_or(0, |span| span.start);
                self.find(
                    Code::SettingsSyntax,
                    at,
                    format!("not TOML: {}", first_line(error.message())),
                    "see toml.io",
                );
                None
            }
        }
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or(text)
}

/// One table while it is read.
pub(crate) struct Keys<'f, 't> {
    pub(crate) file: &'f TextFile<'t>,
    table: &'f DeTable<'t>,
    /// How the table is called in messages: `[actions.pay]`, or nothing for the whole file.
    place: String,
    asked: RefCell<Vec<&'static str>>,
}

impl<'f, 't> Keys<'f, 't> {
    pub(crate) fn new(file: &'f TextFile<'t>, table: &'f DeTable<'t>, place: impl Into<String>) -> Self {
        Self { file, table, place: place.into(), asked: RefCell::default() }
    }

    /// The value of a key.
    pub(crate) fn value(&self, key: &'static str) -> Option<&'f Spanned<DeValue<'t>>> {
        self.asked.borrow_mut().push(key);
        self.table.get(key)
    }

    /// Where a key stands.
    pub(crate) fn key_at(&self, key: &str) -> Option<usize> {
        self.table.get_key_value(key).map(|(key, _)| key.span().start)
    }

    /// Adds a finding that a value is not what its key needs.
    pub(crate) fn wrong(&self, key: &str, at: usize, wanted: &str, advice: &str) {
        let place = if self.place.is_empty() { String::new() } else { format!(" of {}", self.place) };
        self.file.find(Code::KeyValue, at, format!("`{key}`{place} is not {wanted}"), advice);
    }

    pub(crate) fn text(&self, key: &'static str, advice: &str) -> Option<Placed<String>> {
        let value = self.value(key)?;
        let text = text_of(value);
        if text.is_none() {
            self.wrong(key, value.span().start, "a text", advice);
        }
        text
    }

    pub(crate) fn boolean(&self, key: &'static str) -> Option<bool> {
        let value = self.value(key)?;
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            self.wrong(key, value.span().start, "true or false", &format!("write `{key} = true` or leave it out"));
        }
        flag
    }

    /// An integer within bounds.
    pub(crate) fn integer(&self, key: &'static str, least: i64, most: i64) -> Option<Placed<i64>> {
        let value = self.value(key)?;
        let number = integer_of(value.get_ref()).filter(|number| (least..=most).contains(number));
        if number.is_none() {
            let wanted = format!("an integer from {least} to {most}");
            self.wrong(key, value.span().start, &wanted, "write such a number, or leave the key out");
        }
        number.map(|number| Placed::new(number, value.span().start))
    }

    /// A list of texts.
    pub(crate) fn texts(&self, key: &'static str, advice: &str) -> Option<Vec<Placed<String>>> {
        let value = self.value(key)?;
        let texts = value.get_ref().as_array().and_then(|list| list.iter().map(text_of).collect::<Option<Vec<_>>>());
        if texts.is_none() {
            self.wrong(key, value.span().start, "a list of texts", advice);
        }
        texts
    }

    pub(crate) fn table(&self, key: &'static str, advice: &str) -> Option<&'f DeTable<'t>> {
        let value = self.value(key)?;
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.wrong(key, value.span().start, "a table", advice);
        }
        table
    }

    /// Every key that was not asked for is a finding.
    pub(crate) fn finish(self) {
        let known = self.asked.into_inner();
        for (key, _) in self.table.iter().filter(|(key, _)| !known.iter().any(|known| **known == **key.get_ref())) {
            let place = if self.place.is_empty() { String::new() } else { format!(" of {}", self.place) };
            let message = format!("`{}` is not a key{place}", key.get_ref().escape_debug());
            let advice = did_you_mean(key.get_ref(), known.iter().copied(), "keys are");
            self.file.find(Code::KeyUnknown, key.span().start, message, advice);
        }
    }
}

/// The members of a table, in the order of the file.
pub(crate) fn in_order<'f, 't>(table: &'f DeTable<'t>) -> Vec<(Placed<String>, &'f Spanned<DeValue<'t>>)> {
    let mut members: Vec<_> =
        table.iter().map(|(key, value)| (Placed::new(key.get_ref().to_string(), key.span().start), value)).collect();
    members.sort_by_key(|(key, _)| key.at);
    members
}

pub(crate) fn text_of(value: &Spanned<DeValue<'_>>) -> Option<Placed<String>> {
    value.get_ref().as_str().map(|text| Placed::new(text.to_owned(), value.span().start))
}

pub(crate) fn integer_of(value: &DeValue<'_>) -> Option<i64> {
    let integer = value.as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// A value in JSON's form; numbers that are no 64-bit integers, and times, as text.
pub(crate) fn to_json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::from(&**text),
        DeValue::Boolean(flag) => Value::from(*flag),
        DeValue::Integer(integer) => integer_of(value).map_or_else(|| Value::from(integer.as_str()), Value::from),
        DeValue::Float(float) => Value::from(float.as_str()),
        DeValue::Datetime(time) => Value::from(time.to_string()),
        DeValue::Array(list) => list.iter().map(|member| to_json(member.get_ref())).collect(),
        DeValue::Table(table) => {
            let member = |(key, value): (&Spanned<std::borrow::Cow<'_, str>>, &Spanned<DeValue<'_>>)| {
                (key.get_ref().to_string(), to_json(value.get_ref()))
            };
            Value::Object(table.iter().map(member).collect::<Map<_, _>>())
        }
    }
}
