//! Which characters cannot be seen, or look like others?
//!
//! People approve what they see and rules compare what is written; characters that are invisible, that change the
//! direction of text or that stand for ASCII in another width make the two differ. Kinds refuse them.
//!
//! Read next: `kind.rs`.

use unicode_normalization::UnicodeNormalization;
use unicode_security::MixedScript;

/// Whether a character is a control, invisible, or changes how the others are ordered.
#[must_use]
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Whether text has a character that is hidden.
#[must_use]
pub fn has_hidden(text: &str) -> bool {
    text.chars().any(is_hidden)
}

/// Whether text has white space of any kind.
#[must_use]
pub fn has_space(text: &str) -> bool {
    text.chars().any(char::is_whitespace)
}

/// Whether a character that is not ASCII stands for ASCII, as a full-width dot does.
#[must_use]
pub fn stands_for_ascii(text: &str) -> bool {
    text.chars().filter(|character| !character.is_ascii()).any(|character| {
        matches!(
            character,
            '\u{3002}' | '\u{ff61}' | '\u{2215}' | '\u{2044}' | '\u{29f8}' | '\u{2216}' | '\u{29f5}' | '\u{29f9}'
        ) || std::iter::once(character).nfkc().any(|folded| folded.is_ascii())
    })
}

/// Whether letters of several scripts are mixed that no language mixes.
#[must_use]
pub fn mixes_scripts(text: &str) -> bool {
    !text.is_single_script()
}

/// Whether text is in Unicode's composed form.
#[must_use]
pub fn is_composed(text: &str) -> bool {
    text.is_ascii() || unicode_normalization::is_nfc(text)
}
