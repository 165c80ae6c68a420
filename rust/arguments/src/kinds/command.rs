//! Which program does a command run, with which arguments?
//!
//! An argument vector is taken as it is. A text must be one simple command for a POSIX shell: words of letters, digits
//! and `_@%+=:,./-`, single quotes around anything, double quotes around text without `$`, `` ` ``, `\` and `!`. Spaces
//! and quotes are harmless spellings: every shell reads them alike, and rules see the words.
//!
//! Refused because it does more than run one program, or not in every shell alike: operators, redirections, expansions,
//! substitutions, globs, comments, backslashes, several lines, variables set in front, keywords of the shell, words with
//! an unquoted `=` in front (zsh puts the path of a program there).
//!
//! Source: POSIX, "Shell Command Language". Read next: `money.rs`.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::refusal::Rejection;
use crate::unicode::has_hidden;

/// Bytes of a command.
pub const COMMAND_BYTES_MAX: usize = 32_768;

/// Words of a command.
pub const COMMAND_WORDS_MAX: usize = 1_000;

/// Words that are not programs where they stand first.
const KEYWORDS: [&str; 22] = [
    "if", "then", "else", "elif", "fi", "do", "done", "case", "esac", "while", "until", "for", "in", "function",
    "select", "time", "coproc", "eval", "exec", "source", "alias", ".",
];

/// What a shell may give a meaning between double quotes.
const MEANT_IN_DOUBLE_QUOTES: [char; 4] = ['$', '`', '\\', '!'];

const SIMPLE: &str = "one simple command: words and quotes, no operators, expansions, globs or backslashes";

/// A command that was taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Command<'a> {
    /// All of it as one line, quoted where it must be.
    pub text: Cow<'a, str>,
    /// The program and its arguments.
    pub words: SmallVec<[Cow<'a, str>; 8]>,
}

impl Command<'_> {
    /// The program, as it is written.
    #[must_use]
    pub fn program(&self) -> &str {
        self.words.first().map_or("", |word| word)
    }

    /// What is handed to it.
    #[must_use]
    pub fn arguments(&self) -> &[Cow<'_, str>] {
        self.words.get(1..).unwrap_or_default()
    }
}

/// Reads a command line.
///
/// # Errors
///
/// Why it is not taken.
pub fn read(text: &str) -> Result<Command<'_>, Rejection> {
    if text.len() > COMMAND_BYTES_MAX {
        return Err(Rejection::TooLarge(COMMAND_BYTES_MAX));
    }
    let mut words: SmallVec<[Cow<'_, str>; 8]> = SmallVec::new();
    let mut rest = text;
    let mut is_plain = true;
    loop {
        let trimmed = rest.trim_start_matches([' ', '\t']);
        if trimmed.is_empty() {
            is_plain &= rest.is_empty();
            break;
        }
        is_plain &=
            rest.len() == trimmed.len().saturating_add(usize::from(!words.is_empty())) && !rest.starts_with('\t');
        let (word, after, is_quoted) = word(trimmed).ok_or(Rejection::Ambiguous(SIMPLE))?;
        is_plain &= !is_quoted;
        if words.is_empty() && (!is_quoted && word.contains('=')) {
            return Err(Rejection::Ambiguous("a command without variables set in front of it"));
        }
        if trimmed.starts_with('=') {
            return Err(Rejection::Ambiguous("a command whose words do not start with `=`, unless it is in quotes"));
        }
        words.push(word);
        rest = after;
    }
    check(&words)?;
    if !is_plain && shlex::split(text).is_none_or(|read| !read.iter().eq(words.iter().map(|word| word.as_ref()))) {
        return Err(Rejection::Ambiguous(SIMPLE));
    }
    let text = if is_plain { Cow::Borrowed(text) } else { Cow::Owned(quoted(&words)) };
    Ok(Command { text, words })
}

/// Reads an argument vector.
///
/// # Errors
///
/// Why it is not taken.
pub fn read_words<'a>(words: impl Iterator<Item = &'a str>) -> Result<Command<'a>, Rejection> {
    let words: SmallVec<[Cow<'a, str>; 8]> =
        words.take(COMMAND_WORDS_MAX.saturating_add(1)).map(Cow::Borrowed).collect();
    if words.iter().any(|word| word.contains('\0')) {
        return Err(Rejection::Ambiguous("words without null characters"));
    }
    if words.iter().map(|word| word.len()).fold(0usize, usize::saturating_add) > COMMAND_BYTES_MAX {
        return Err(Rejection::TooLarge(COMMAND_BYTES_MAX));
    }
    check(&words)?;
    Ok(Command { text: Cow::Owned(quoted(&words)), words })
}

fn check(words: &[Cow<'_, str>]) -> Result<(), Rejection> {
    let Some(program) = words.first() else { return Err(Rejection::Format("a program, and perhaps arguments")) };
    if words.len() > COMMAND_WORDS_MAX {
        return Err(Rejection::TooLarge(COMMAND_WORDS_MAX));
    }
    let is_odd =
        program.is_empty() || program.starts_with('-') || has_hidden(program) || program.contains(char::is_whitespace);
    if is_odd || KEYWORDS.contains(&program.as_ref()) || words.iter().any(|word| word.chars().any(is_invisible)) {
        return Err(Rejection::Ambiguous("the name or path of a program first, and text that can be seen"));
    }
    Ok(())
}

/// Hidden, but not a line break or a tab, which texts in quotes may have.
fn is_invisible(character: char) -> bool {
    crate::unicode::is_hidden(character) && !matches!(character, '\n' | '\t')
}

/// The words as one line, in quotes where [`read`] would not take them without.
fn quoted(words: &[Cow<'_, str>]) -> String {
    let mut line = String::new();
    for (at, word) in words.iter().enumerate() {
        if at > 0 {
            line.push(' ');
        }
        let is_bare = !word.is_empty() && word.bytes().all(is_word_byte);
        match word {
            // In front, a name with `=` would set a variable; a word that starts with it means a path to some shells.
            bare if is_bare && (at > 0 || !bare.contains('=')) && !bare.starts_with('=') => line.push_str(bare),
            word if !word.contains('\'') => {
                line.push('\'');
                line.push_str(word);
                line.push('\'');
            }
            word if !word.contains(MEANT_IN_DOUBLE_QUOTES) && !word.contains('"') => {
                line.push('"');
                line.push_str(word);
                line.push('"');
            }
            // Only what single quotes cannot hold stands in double ones.
            word => {
                line.push('\'');
                line.push_str(&word.replace('\'', "'\"'\"'"));
                line.push('\'');
            }
        }
    }
    line
}

/// The first word, what stands behind it, and whether it has quotes.
fn word(text: &str) -> Option<(Cow<'_, str>, &str, bool)> {
    let end = text.bytes().position(|byte| !is_word_byte(byte)).unwrap_or(text.len());
    let (plain, mut rest) = text.split_at_checked(end)?;
    if rest.is_empty() || rest.starts_with([' ', '\t']) {
        return Some((Cow::Borrowed(plain), rest, false));
    }
    let mut word = plain.to_owned();
    loop {
        let quote = rest.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
        let (inner, after) = rest.get(1..)?.split_once(quote)?;
        if quote == '"' && inner.contains(MEANT_IN_DOUBLE_QUOTES) {
            return None;
        }
        word.push_str(inner);
        let end = after.bytes().position(|byte| !is_word_byte(byte)).unwrap_or(after.len());
        let (plain, behind) = after.split_at_checked(end)?;
        word.push_str(plain);
        rest = behind;
        if rest.is_empty() || rest.starts_with([' ', '\t']) {
            return Some((Cow::Owned(word), rest, true));
        }
    }
}

/// What no shell gives a meaning of its own.
fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'@' | b'%' | b'+' | b'=' | b':' | b',' | b'.' | b'/' | b'-')
}
