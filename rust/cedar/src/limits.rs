//! Is this text small and flat enough to be parsed?
//!
//! Cedar's parser, its validator and the dropping of its trees recurse once per level of nesting; hostile text would
//! overflow the stack and take the process with it. So every text is measured **before** a parser sees it, by one pass
//! over its bytes that knows strings and comments and nothing else. What is measured is an upper bound of how deep the
//! tree will be: brackets, and operators that follow one another without brackets.
//!
//! `tests/limits.rs` tries the bounds out in debug and release builds. Read next: `stack.rs`.

use std::sync::Arc;

use crate::finding::{Code, Finding, Lines};
use crate::limits_toml::{TOML_NESTING_MAX, too_deep};

/// Bytes of one file of policies, and of the schema: some 100,000 policies.
pub const TEXT_BYTES_MAX: usize = 16 << 20;

/// Bytes of the entities' JSON: some ten million entities.
pub const ENTITIES_BYTES_MAX: usize = 2 << 30;

/// Bytes of one TOML file: some thousand actions.
pub const TOML_BYTES_MAX: usize = 1 << 20;

/// Brackets within brackets, in policies, schemas and JSON: far more than people write, and a few KiB of stack each.
pub const NESTING_MAX: usize = 64;

/// Levels that operators without brackets may make, as `a || b || c` makes two: 10,000 alternatives and some more.
///
/// Cedar's frames take 2 to 5 KB a level, so this needs 24 to 60 MiB of stack (see [`crate::stack::STACK_BYTES`]).
pub const CHAIN_LENGTH_MAX: usize = 12_000;

/// Names on the path of one `has a.b.c`: Cedar's validator takes time in the cube of them.
pub const HAS_NAMES_MAX: usize = 64;

/// Entity types and actions that a schema may declare, together.
pub const DECLARATIONS_MAX: usize = 50_000;

/// Pairs of an entity type or action and what it is in, directly or not: Cedar writes them all down, some 100 bytes
/// each. A chain of 1,400 types has as many, so this bounds Cedar's recursion along `in`, too.
pub const MEMBERSHIPS_MAX: usize = 1_000_000;

/// Triples of an action, a principal's type and a resource's type that actions apply to: each policy is validated for
/// each that its scope allows.
pub const REQUEST_KINDS_MAX: usize = 1_000_000;

/// Members of one list of a schema, attributes of a record among them: Cedar takes time in the square of them.
pub const SCHEMA_LIST_MAX: usize = 20_000;

/// Types that a schema may have once common types are put in where they are named: they can double at every step.
pub const TYPES_MAX: usize = 1_000_000;

/// Findings that are kept of one file: whoever has more mends these first.
pub const FINDINGS_MAX: usize = 1_000;

/// What a text is, which says how it is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Language {
    /// Cedar policies.
    Policies,
    /// Cedar's schema language, where `<` and `>` are brackets.
    Schema,
    /// JSON.
    Json,
    /// TOML.
    Toml,
}

impl Language {
    fn bytes_max(self) -> usize {
        match self {
            Self::Policies | Self::Schema => TEXT_BYTES_MAX,
            Self::Json => ENTITIES_BYTES_MAX,
            Self::Toml => TOML_BYTES_MAX,
        }
    }
}

/// What was measured of a text that is within the limits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Measure {
    /// Members of the outermost list, in JSON.
    pub members: usize,
}

/// Measures a text.
///
/// # Errors
///
/// A finding at the first place that is beyond a limit.
pub fn measure(file: &Arc<str>, text: &str, language: Language) -> Result<Measure, Box<Finding>> {
    if text.len() > language.bytes_max() {
        let message = format!("the file has {} bytes; at most {} are read", text.len(), language.bytes_max());
        return Err(Box::new(Finding::new(Code::TextTooLarge, file, message, "split it into several files")));
    }
    if language == Language::Toml {
        let Some(at) = too_deep(text) else { return Ok(Measure::default()) };
        let message = format!("tables or lists are nested deeper than {TOML_NESTING_MAX}");
        let finding = Finding::new(Code::NestedTooDeep, file, message, "nest less deep");
        return Err(Box::new(finding.at(&Lines::of(text), at)));
    }
    let mut scanner = Scanner::new(text, language);
    match scanner.scan() {
        Ok(()) => Ok(Measure { members: scanner.members() }),
        Err(excess) => Err(Box::new(excess.finding(file).at(&Lines::of(text), scanner.at))),
    }
}

/// Which limit is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Excess {
    Nesting,
    Chain,
    HasPath,
    SchemaList,
}

impl Excess {
    fn finding(self, file: &Arc<str>) -> Finding {
        match self {
            Self::Nesting => Finding::new(
                Code::NestedTooDeep,
                file,
                format!("this bracket stands inside {NESTING_MAX} others; no more are read"),
                "nest less deep; a missing closing bracket further up looks like this, too",
            ),
            Self::Chain => Finding::new(
                Code::ChainTooLong,
                file,
                format!("more than {CHAIN_LENGTH_MAX} operators follow one another without brackets"),
                "put constants into a set and ask `contains`, or write several policies",
            ),
            Self::HasPath => Finding::new(
                Code::ChainTooLong,
                file,
                format!("the path after `has` has more than {HAS_NAMES_MAX} names"),
                "ask for shorter paths one after the other",
            ),
            Self::SchemaList => Finding::new(
                Code::SchemaTooLarge,
                file,
                format!("this list has more than {SCHEMA_LIST_MAX} members"),
                "put some of the attributes into a record of their own, or the ids into an entity type that is not enumerated",
            ),
        }
    }
}

/// How many levels the operators at one level of brackets have made since the last comma; in a schema, its commas.
///
/// `||` binds weakest, so what stands between two of them does not add up; an `if` reaches to the end of its level.
#[derive(Clone, Copy, Debug, Default)]
struct Chain {
    ifs: usize,
    ors: usize,
    ands: usize,
    others: usize,
}

impl Chain {
    fn length(self) -> usize {
        self.ifs.saturating_add(self.ors).saturating_add(self.ands).saturating_add(self.others)
    }
}

struct Scanner<'a> {
    bytes: &'a [u8],
    language: Language,
    at: usize,
    /// Chains of the levels of brackets that are open, outermost first; the last one is current.
    open: Vec<Chain>,
    current: Chain,
    /// Summed length of `open`.
    below: usize,
    /// Dots since a `has`, as long as nothing but a path follows it.
    has_dots: Option<usize>,
    commas: usize,
    is_empty_list: bool,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str, language: Language) -> Self {
        let open = Vec::with_capacity(NESTING_MAX);
        let (bytes, current) = (text.as_bytes(), Chain::default());
        Self { bytes, language, at: 0, open, current, below: 0, has_dots: None, commas: 0, is_empty_list: true }
    }

    fn members(&self) -> usize {
        if self.is_empty_list { 0 } else { self.commas.saturating_add(1) }
    }

    fn byte(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at.saturating_add(ahead)).copied().unwrap_or(0)
    }

    fn scan(&mut self) -> Result<(), Excess> {
        while self.at < self.bytes.len() {
            let byte = self.byte(0);
            if self.open.len() == 1 && !byte.is_ascii_whitespace() && byte != b']' {
                self.is_empty_list = false;
            }
            match byte {
                b'"' => self.skip_string(),
                b'(' | b'[' | b'{' => self.open_bracket()?,
                b')' | b']' | b'}' => self.close_bracket(),
                b'<' if self.language == Language::Schema => self.open_bracket()?,
                b'>' if self.language == Language::Schema => self.close_bracket(),
                b',' if self.language == Language::Schema => self.schema_comma()?,
                b',' => {
                    self.commas = self.commas.saturating_add(usize::from(self.open.len() == 1));
                    (self.current, self.has_dots) = (Chain::default(), None);
                }
                b'/' if self.byte(1) == b'/' && self.language != Language::Json => self.skip_comment(),
                _ if self.language == Language::Policies => self.policy_byte(byte)?,
                _ => {}
            }
            self.at = self.at.saturating_add(1);
        }
        Ok(())
    }

    /// To the closing quote.
    fn skip_string(&mut self) {
        loop {
            self.at = self.at.saturating_add(1);
            match self.bytes.get(self.at) {
                None | Some(b'"') => return,
                Some(b'\\') => self.at = self.at.saturating_add(1),
                Some(_) => {}
            }
        }
    }

    /// To the end of the line.
    fn skip_comment(&mut self) {
        while !matches!(self.bytes.get(self.at.saturating_add(1)), None | Some(b'\n' | b'\r')) {
            self.at = self.at.saturating_add(1);
        }
    }

    fn open_bracket(&mut self) -> Result<(), Excess> {
        self.has_dots = None;
        if self.language == Language::Policies {
            self.current.others = self.current.others.saturating_add(1);
            self.check_chain()?;
        }
        if self.open.len() >= NESTING_MAX {
            return Err(Excess::Nesting);
        }
        self.below = self.below.saturating_add(self.current.length());
        self.open.push(std::mem::take(&mut self.current));
        Ok(())
    }

    fn close_bracket(&mut self) {
        self.has_dots = None;
        self.current = self.open.pop().unwrap_or_default();
        self.below = self.below.saturating_sub(self.current.length());
    }

    fn schema_comma(&mut self) -> Result<(), Excess> {
        self.current.others = self.current.others.saturating_add(1);
        if self.current.others > SCHEMA_LIST_MAX { Err(Excess::SchemaList) } else { Ok(()) }
    }

    fn policy_byte(&mut self, byte: u8) -> Result<(), Excess> {
        match byte {
            // No bracket can reach over the end of a policy, not even where Cedar's parser goes on after an error.
            b';' => {
                self.open.clear();
                (self.current, self.below) = (Chain::default(), 0);
                return Ok(());
            }
            b'|' if self.byte(1) == b'|' => {
                let Chain { ifs, ors, .. } = self.current;
                self.current = Chain { ifs, ors: ors.saturating_add(1), ..Chain::default() };
                self.at = self.at.saturating_add(1);
            }
            b'&' if self.byte(1) == b'&' => {
                self.current = Chain { ands: self.current.ands.saturating_add(1), others: 0, ..self.current };
                self.at = self.at.saturating_add(1);
            }
            b'.' => {
                self.current.others = self.current.others.saturating_add(1);
                self.has_dots = self.has_dots.map(|dots| dots.saturating_add(1));
                if self.has_dots.is_some_and(|dots| dots >= HAS_NAMES_MAX) {
                    return Err(Excess::HasPath);
                }
                return self.check_chain();
            }
            b'=' | b'<' | b'>' | b'!' | b'+' | b'-' | b'*' | b'/' | b'%' => {
                self.current.others = self.current.others.saturating_add(1);
            }
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => {
                self.word();
                return self.check_chain();
            }
            _ => return Ok(()),
        }
        self.has_dots = None;
        self.check_chain()
    }

    /// A name or a keyword; the last byte of it is read by the caller.
    fn word(&mut self) {
        let rest = self.bytes.get(self.at..).unwrap_or(&[]);
        let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        match rest.get(..length) {
            Some(b"if") => self.current.ifs = self.current.ifs.saturating_add(1),
            Some(word @ (b"in" | b"has" | b"like" | b"is")) => {
                self.current.others = self.current.others.saturating_add(1);
                self.has_dots = (word == b"has").then_some(0);
            }
            _ => {}
        }
        self.at = self.at.saturating_add(length.saturating_sub(1));
    }

    fn check_chain(&self) -> Result<(), Excess> {
        let length = self.below.saturating_add(self.current.length());
        if length > CHAIN_LENGTH_MAX { Err(Excess::Chain) } else { Ok(()) }
    }
}
