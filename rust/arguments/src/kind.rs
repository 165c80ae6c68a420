//! Which kind is an argument declared with, and what do rules see of it?
//!
//! A [`Kind`] is a name of one table with its options. It has the Cedar type that rules see, and reads a text or a
//! number into a value of that type. Values of plain spelling borrow; records share their names.
//!
//! Twin: `reference/arguments.py`, which reads kinds through this module. Read next: `declaration.rs`.

use std::borrow::Cow;
use std::sync::Arc;

use agentpdp_core::schema::{AttributeType, RecordType, Type};
use agentpdp_core::value::{Record, Set, Value, ValueRef};

use crate::kinds::command::{self, Command};
use crate::kinds::date::{self, DateOptions};
use crate::kinds::email::{self, Email, Emails};
use crate::kinds::id::IdOptions;
use crate::kinds::ip::Versions;
use crate::kinds::path::FilePath;
use crate::kinds::url::UrlOptions;
use crate::kinds::{host, iban, id, ip, money, path, text, url, windows};
use crate::number::Number;
use crate::refusal::Rejection;

/// How a kind reads, with its options.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reading {
    /// A URL.
    Url(UrlOptions),
    /// The name or address of a host.
    Host,
    /// An address.
    Ip,
    /// A path of POSIX.
    Path,
    /// A path of Windows.
    WindowsPath,
    /// An address of mail.
    Email,
    /// Addresses of mail, in one text or a list.
    EmailList,
    /// A command, in one text or a list of words.
    Command,
    /// An amount of money in units of ten to the power of `-places`.
    Money {
        /// Its currency.
        currency: Arc<str>,
        /// Its places.
        places: u32,
    },
    /// A day.
    Date(DateOptions),
    /// A moment.
    Datetime(DateOptions),
    /// An account.
    Iban,
    /// An identifier.
    Id(IdOptions),
    /// Free text.
    Text,
}

/// How an argument is read, and whether other spellings of it are written anew.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kind {
    /// How it is read.
    pub reading: Reading,
    /// Whether the tool gets the canonical spelling in place of another one.
    pub rewrite: bool,
    names: Arc<[Arc<str>]>,
}

/// What a kind reads: borrowed, ready, or made for it.
#[derive(Clone, PartialEq, Debug)]
pub enum Read<'a> {
    /// Text that stands in the input.
    Text(&'a str),
    /// A value that borrows nothing.
    Ready(ValueRef<'static>),
    /// Anything else.
    Owned(Value),
}

impl Kind {
    /// A kind of this reading.
    #[must_use]
    pub fn new(reading: Reading, rewrite: bool) -> Self {
        let names = attributes(&reading).iter().map(|(name, _)| Arc::from(*name)).collect();
        Self { reading, rewrite, names }
    }

    /// The type that rules see.
    #[must_use]
    pub fn value_type(&self) -> Type {
        match &self.reading {
            Reading::Host | Reading::Iban | Reading::Id(_) => Type::String,
            Reading::Ip => Type::Ip,
            Reading::Date(_) | Reading::Datetime(_) => Type::Datetime,
            reading => {
                let attribute = |(name, value): &(&str, Type)| AttributeType {
                    name: Arc::from(*name),
                    value: value.clone(),
                    required: true,
                };
                Type::Record(Arc::new(RecordType::new(attributes(reading).iter().map(attribute).collect())))
            }
        }
    }

    /// Whether it reads a list as one value.
    #[must_use]
    pub fn reads_list(&self) -> bool {
        matches!(self.reading, Reading::EmailList | Reading::Command)
    }

    /// Whether it reads integers, and other numbers.
    #[must_use]
    pub fn reads_numbers(&self) -> (bool, bool) {
        match &self.reading {
            Reading::Money { .. } => (true, true),
            Reading::Date(options) | Reading::Datetime(options) => {
                (options.formats.iter().any(date::DateFormat::is_integer), false)
            }
            _ => (false, false),
        }
    }

    /// Whether it reads text.
    #[must_use]
    pub fn reads_text(&self) -> bool {
        match &self.reading {
            Reading::Date(options) | Reading::Datetime(options) => {
                options.formats.iter().any(|format| !format.is_integer())
            }
            _ => true,
        }
    }

    /// Reads a text.
    ///
    /// # Errors
    ///
    /// Why it is not taken.
    pub fn read_text<'a>(&self, given: &'a str) -> Result<Read<'a>, Rejection> {
        Ok(match &self.reading {
            Reading::Url(options) => self.record(url_values(&url::read(given, options)?)),
            Reading::Host => text_of(host::read(given)?.0),
            Reading::Ip => Read::Ready(ValueRef::Ip(ip::read(given, Versions::Any)?)),
            Reading::Path => self.record(path_values(&path::read(given)?)),
            Reading::WindowsPath => self.record(path_values(&windows::read(given)?)),
            Reading::Email => self.record(email_values(&email::read(given)?)),
            Reading::EmailList => self.emails(&email::read_list(given)?),
            Reading::Command => self.command(&command::read(given)?),
            Reading::Money { currency, places } => self.money(money::read_text(given, *places)?, currency),
            Reading::Date(options) | Reading::Datetime(options) => {
                Read::Ready(ValueRef::Datetime(date::read_text(given, options)?))
            }
            Reading::Iban => Read::Text(iban::read(given)?),
            Reading::Id(options) => Read::Text(id::read(given, options)?),
            Reading::Text => self.record(found_values(given, &text::read(given)?)),
        })
    }

    /// Reads an integer.
    ///
    /// # Errors
    ///
    /// Why it is not taken.
    pub fn read_integer(&self, integer: i64) -> Result<Read<'static>, Rejection> {
        match &self.reading {
            Reading::Money { currency, places } => Ok(self.money(money::read_integer(integer, *places)?, currency)),
            Reading::Date(options) | Reading::Datetime(options) => {
                Ok(Read::Ready(ValueRef::Datetime(date::read_integer(integer, options)?)))
            }
            _ => Err(Rejection::Format("a text")),
        }
    }

    /// Reads any other number.
    ///
    /// # Errors
    ///
    /// Why it is not taken.
    pub fn read_number(&self, number: Number<'_>) -> Result<Read<'static>, Rejection> {
        match (&self.reading, number.whole()) {
            (Reading::Money { currency, places }, _) => Ok(self.money(money::read_number(number, *places)?, currency)),
            (_, Some(whole)) => self.read_integer(whole),
            _ => Err(Rejection::Format("a text")),
        }
    }

    /// The value of addresses that were read.
    #[must_use]
    pub fn emails(&self, emails: &Emails<'_>) -> Read<'static> {
        let addresses = emails.iter().map(|email| string(&email.text)).collect();
        let domains = emails.iter().map(|email| string(email.domain())).collect();
        self.record(vec![Value::set(addresses), Value::Long(count(emails.len())), Value::set(domains)])
    }

    /// The value of a command that was read.
    #[must_use]
    pub fn command(&self, command: &Command<'_>) -> Read<'static> {
        let arguments = command.arguments();
        let members = arguments.iter().map(|word| string(word)).collect();
        let number = Value::Long(count(arguments.len()));
        self.record(vec![Value::set(members), number, string(command.program()), string(&command.text)])
    }

    fn money(&self, minor: i64, currency: &Arc<str>) -> Read<'static> {
        self.record(vec![Value::String(currency.clone()), Value::Long(minor)])
    }

    /// A record of values in the order of the kind's names.
    fn record(&self, values: Vec<Value>) -> Read<'static> {
        let record = Record::of_sorted(self.names.clone(), values.into_boxed_slice()).unwrap_or_default();
        Read::Owned(Value::Record(Arc::new(record)))
    }
}

/// What a record of the kind holds, sorted by name; nothing for kinds that are no record.
fn attributes(reading: &Reading) -> Vec<(&'static str, Type)> {
    let texts = || Type::Set(Box::new(Type::String));
    match reading {
        Reading::Url(_) => vec![
            ("fragment", Type::String),
            ("host", Type::String),
            ("is_ip", Type::Bool),
            ("path", Type::String),
            ("port", Type::Long),
            ("query", Type::String),
            ("scheme", Type::String),
            ("text", Type::String),
        ],
        Reading::Path | Reading::WindowsPath => {
            vec![("absolute", Type::Bool), ("parts", texts()), ("text", Type::String)]
        }
        Reading::Email => vec![("domain", Type::String), ("local", Type::String), ("text", Type::String)],
        Reading::EmailList => vec![("addresses", texts()), ("count", Type::Long), ("domains", texts())],
        Reading::Command => {
            vec![("arguments", texts()), ("count", Type::Long), ("program", Type::String), ("text", Type::String)]
        }
        Reading::Money { .. } => vec![("currency", Type::String), ("minor", Type::Long)],
        Reading::Text => vec![("addresses", texts()), ("hosts", texts()), ("text", Type::String), ("urls", texts())],
        Reading::Host | Reading::Ip | Reading::Date(_) | Reading::Datetime(_) | Reading::Iban | Reading::Id(_) => {
            Vec::new()
        }
    }
}

fn string(text: &str) -> Value {
    Value::String(Arc::from(text))
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn text_of(text: Cow<'_, str>) -> Read<'_> {
    match text {
        Cow::Borrowed(text) => Read::Text(text),
        Cow::Owned(text) => Read::Owned(Value::String(Arc::from(text))),
    }
}

fn url_values(url: &url::Url<'_>) -> Vec<Value> {
    vec![
        string(url.fragment()),
        string(url.host()),
        Value::Bool(url.is_ip),
        string(url.path()),
        Value::Long(i64::from(url.port)),
        string(url.query()),
        string(url.scheme()),
        string(url.text()),
    ]
}

fn path_values(path: &FilePath<'_>) -> Vec<Value> {
    let parts = path.parts().map(string).collect();
    vec![Value::Bool(path.is_absolute), Value::Set(Arc::new(Set::new(parts))), string(&path.text)]
}

fn email_values(email: &Email<'_>) -> Vec<Value> {
    vec![string(email.domain()), string(email.local()), string(&email.text)]
}

fn found_values(given: &str, found: &text::Found) -> Vec<Value> {
    let set = |texts: &std::collections::BTreeSet<String>| Value::set(texts.iter().map(|text| string(text)).collect());
    vec![set(&found.addresses), set(&found.hosts), string(given), set(&found.urls)]
}
