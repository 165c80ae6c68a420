//! Which value is a JSON text, read strictly and without losing anything?
//!
//! A reader of JSON (RFC 8259) that keeps numbers as text and names in order, and that notices what readers disagree
//! about: a name that stands twice, a `\u` escape that is half of a pair. Size, depth and number of values are limited
//! while reading. It does not build what it does not need: text without escapes is borrowed.
//!
//! Read next: `canonical.rs`.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use crate::number::Number;
use crate::source::{Key, List, Name, Node, Object, Source};

/// Bytes of the arguments of one call as JSON.
pub const ARGUMENTS_BYTES_MAX: usize = 16 << 20;

/// Lists and objects inside one another.
pub const ARGUMENTS_DEPTH_MAX: usize = 64;

/// Values of the arguments of one call.
pub const ARGUMENTS_VALUES_MAX: usize = 1_000_000;

/// Names of an object that are compared one by one; more are hashed.
const NAMES_SCANNED_MAX: usize = 16;

/// A value of a JSON text.
#[derive(Clone, PartialEq, Debug)]
pub enum Json<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as its text.
    Number(&'a str),
    /// Text.
    Text(Cow<'a, str>),
    /// Text with a lone surrogate.
    Broken,
    /// A list.
    List(Vec<Self>),
    /// An object.
    Object(Members<'a>),
}

/// The members of an object.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Members<'a> {
    /// In order; a name without text has a lone surrogate.
    pub pairs: Vec<(Option<Cow<'a, str>>, Json<'a>)>,
    /// Whether a name stands twice.
    pub has_duplicates: bool,
}

/// Why a text is not read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JsonError {
    /// It is not JSON, from this byte on.
    Syntax(usize),
    /// It is larger, deeper or has more values than are read.
    TooLarge,
}

impl fmt::Display for JsonError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(at) => write!(formatter, "the text is not JSON from byte {at} on"),
            Self::TooLarge => formatter.write_str("the text is larger or nested deeper than is read"),
        }
    }
}

/// Reads a JSON text.
///
/// # Errors
///
/// [`JsonError`] if it is not JSON, or beyond a limit.
pub fn read(text: &str) -> Result<Json<'_>, JsonError> {
    if text.len() > ARGUMENTS_BYTES_MAX {
        return Err(JsonError::TooLarge);
    }
    let mut reader = Reader { text, at: 0, values: 0 };
    reader.skip_space();
    let value = reader.value(0)?;
    reader.skip_space();
    if reader.at == text.len() { Ok(value) } else { Err(reader.wrong()) }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    values: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn wrong(&self) -> JsonError {
        JsonError::Syntax(self.at)
    }

    fn step(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.step(1);
        }
    }

    fn word(&mut self, word: &str, value: Json<'a>) -> Result<Json<'a>, JsonError> {
        if !self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            return Err(self.wrong());
        }
        self.step(word.len());
        Ok(value)
    }

    fn value(&mut self, depth: usize) -> Result<Json<'a>, JsonError> {
        self.values = self.values.saturating_add(1);
        if self.values > ARGUMENTS_VALUES_MAX {
            return Err(JsonError::TooLarge);
        }
        match self.peek() {
            Some(b'n') => self.word("null", Json::Null),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'"') => Ok(self.string()?.map_or(Json::Broken, Json::Text)),
            Some(b'[') => self.list(depth.saturating_add(1)),
            Some(b'{') => self.object(depth.saturating_add(1)),
            _ => self.number(),
        }
    }

    /// Whether the list or object goes on after a member.
    fn goes_on(&mut self, end: u8) -> Result<bool, JsonError> {
        self.skip_space();
        match self.peek() {
            Some(b',') => {
                self.step(1);
                self.skip_space();
                Ok(true)
            }
            Some(byte) if byte == end => {
                self.step(1);
                Ok(false)
            }
            _ => Err(self.wrong()),
        }
    }

    /// Whether the list or object that starts here is empty; goes into it.
    fn is_empty(&mut self, end: u8, depth: usize) -> Result<bool, JsonError> {
        if depth > ARGUMENTS_DEPTH_MAX {
            return Err(JsonError::TooLarge);
        }
        self.step(1);
        self.skip_space();
        let is_empty = self.peek() == Some(end);
        if is_empty {
            self.step(1);
        }
        Ok(is_empty)
    }

    fn list(&mut self, depth: usize) -> Result<Json<'a>, JsonError> {
        let mut members = Vec::new();
        let mut more = !self.is_empty(b']', depth)?;
        while more {
            members.push(self.value(depth)?);
            more = self.goes_on(b']')?;
        }
        Ok(Json::List(members))
    }

    fn object(&mut self, depth: usize) -> Result<Json<'a>, JsonError> {
        let mut pairs = Vec::new();
        let mut more = !self.is_empty(b'}', depth)?;
        while more {
            if self.peek() != Some(b'"') {
                return Err(self.wrong());
            }
            let name = self.string()?;
            self.skip_space();
            if self.peek() != Some(b':') {
                return Err(self.wrong());
            }
            self.step(1);
            self.skip_space();
            pairs.push((name, self.value(depth)?));
            more = self.goes_on(b'}')?;
        }
        let has_duplicates = has_duplicates(&pairs);
        Ok(Json::Object(Members { pairs, has_duplicates }))
    }

    /// Digits, at least one.
    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.step(1);
        }
        if self.at > start { Ok(()) } else { Err(self.wrong()) }
    }

    fn number(&mut self) -> Result<Json<'a>, JsonError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.step(1);
        }
        match self.peek() {
            Some(b'0') => self.step(1),
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.step(1);
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.step(1);
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.step(1);
            }
            self.digits()?;
        }
        self.text.get(start..self.at).map(Json::Number).ok_or_else(|| self.wrong())
    }

    /// A string; none if it has a lone surrogate.
    fn string(&mut self) -> Result<Option<Cow<'a, str>>, JsonError> {
        self.step(1);
        let (mut owned, mut is_whole) = (String::new(), true);
        loop {
            let start = self.at;
            while self.peek().is_some_and(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
                self.step(1);
            }
            let plain = self.text.get(start..self.at).ok_or_else(|| self.wrong())?;
            match self.peek() {
                Some(b'"') => {
                    self.step(1);
                    let text = if owned.is_empty() { Cow::Borrowed(plain) } else { Cow::Owned(owned + plain) };
                    return Ok(is_whole.then_some(text));
                }
                Some(b'\\') => {
                    self.step(1);
                    owned.push_str(plain);
                    match self.escape()? {
                        Some(character) => owned.push(character),
                        None => is_whole = false,
                    }
                }
                _ => return Err(self.wrong()),
            }
        }
    }

    /// The character of an escape behind its backslash; none for a lone surrogate.
    fn escape(&mut self) -> Result<Option<char>, JsonError> {
        let character = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return Err(self.wrong()),
        };
        self.step(1);
        Ok(Some(character))
    }

    fn unicode(&mut self) -> Result<Option<char>, JsonError> {
        let unit = self.hexadecimal()?;
        if let Some(character) = char::from_u32(unit) {
            return Ok(Some(character));
        }
        let is_pair = unit < 0xdc00 && self.text.get(self.at..).is_some_and(|rest| rest.starts_with("\\u"));
        if !is_pair {
            return Ok(None);
        }
        let before = self.at;
        self.step(1);
        let low = self.hexadecimal()?;
        if !(0xdc00..0xe000).contains(&low) {
            // Read again as an escape of its own.
            self.at = before;
            return Ok(None);
        }
        Ok(char::from_u32(0x1_0000 + ((unit & 0x3ff) << 10) + (low & 0x3ff)))
    }

    /// Four hexadecimal digits behind the `u`.
    fn hexadecimal(&mut self) -> Result<u32, JsonError> {
        let digits = self.text.get(self.at.saturating_add(1)..self.at.saturating_add(5)).unwrap_or("");
        if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(self.wrong());
        }
        self.step(5);
        u32::from_str_radix(digits, 16).map_err(|_| self.wrong())
    }
}

fn has_duplicates(pairs: &[(Option<Cow<'_, str>>, Json<'_>)]) -> bool {
    if pairs.len() > NAMES_SCANNED_MAX {
        let mut seen = HashSet::with_capacity(pairs.len());
        return !pairs.iter().all(|(name, _)| seen.insert(name.as_deref()));
    }
    let mut rest = pairs;
    while let [(name, _), later @ ..] = rest {
        if later.iter().any(|(other, _)| other == name) {
            return true;
        }
        rest = later;
    }
    false
}

impl<'a> Source<'a> for &'a Json<'a> {
    type List = &'a [Json<'a>];
    type Object = &'a Members<'a>;

    #[inline]
    fn node(self) -> Node<'a, Self> {
        match self {
            Json::Null => Node::Null,
            Json::Bool(flag) => Node::Bool(*flag),
            Json::Number(text) => match integer(text) {
                Some(integer) => Node::Integer(integer),
                None => Node::Number(Number::Text(text)),
            },
            Json::Text(text) => Node::Text(text),
            Json::Broken => Node::Broken,
            Json::List(members) => Node::List(members.as_slice()),
            Json::Object(members) => Node::Object(members),
        }
    }
}

/// The integer of plain digits.
fn integer(text: &str) -> Option<i64> {
    if text.len() <= 20 { text.parse().ok() } else { None }
}

impl<'a> List<'a, &'a Json<'a>> for &'a [Json<'a>] {
    fn len(self) -> usize {
        self.len()
    }

    fn members(self) -> impl Iterator<Item = &'a Json<'a>> {
        self.iter()
    }
}

impl<'a> Object<'a, &'a Json<'a>> for &'a Members<'a> {
    fn len(self) -> usize {
        self.pairs.len()
    }

    #[inline]
    fn get(self, key: Key<'_>) -> Option<&'a Json<'a>> {
        self.pairs.iter().find(|(name, _)| name.as_deref() == Some(key.name)).map(|(_, value)| value)
    }

    fn members(self) -> impl Iterator<Item = (Name<'a>, &'a Json<'a>)> {
        self.pairs.iter().map(|(name, value)| (name.as_deref().map_or(Name::Broken, Name::Text), value))
    }

    fn has_duplicates(self) -> bool {
        self.has_duplicates
    }
}
