//! Is a text an identifier of the declared alphabet?
//!
//! An alphabet is characters and ranges: `A-Z0-9`, `a-f0-9-` (a hyphen that stands for itself is first or last). Each
//! identifier has one spelling: a text with characters outside is none. Where the alphabet has letters of one case
//! only, the other case has a canonical spelling.
//!
//! Read next: `text.rs`.

use crate::refusal::Rejection;

/// Bytes of an identifier, unless less is declared.
pub const ID_BYTES_MAX: usize = 256;

/// What is declared of an identifier.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IdOptions {
    /// Which of the first 128 characters it may have.
    pub alphabet: u128,
    /// Its fewest characters.
    pub least: usize,
    /// Its most characters.
    pub most: usize,
}

/// The characters of an alphabet's text; none if it is empty, not ASCII or has a range backwards.
#[must_use]
pub fn parse_alphabet(text: &str) -> Option<u128> {
    let mut alphabet = 0u128;
    let mut rest = text.as_bytes();
    loop {
        let (from, to) = match rest {
            [from, b'-', to, after @ ..] => {
                rest = after;
                (*from, *to)
            }
            [only, after @ ..] => {
                rest = after;
                (*only, *only)
            }
            [] => break,
        };
        if !(from.is_ascii_graphic() && to.is_ascii_graphic()) || from > to {
            return None;
        }
        for byte in from..=to {
            alphabet |= 1u128 << byte;
        }
    }
    (alphabet != 0).then_some(alphabet)
}

/// Whether a text is such an identifier.
///
/// # Errors
///
/// Why it is not.
pub fn read<'a>(text: &'a str, options: &IdOptions) -> Result<&'a str, Rejection> {
    if is_id(text, options) {
        return Ok(text);
    }
    let (upper, lower) = (text.to_ascii_uppercase(), text.to_ascii_lowercase());
    match (is_id(&upper, options), is_id(&lower, options)) {
        (true, false) => Err(Rejection::NotCanonical(upper)),
        (false, true) => Err(Rejection::NotCanonical(lower)),
        _ => Err(Rejection::Format("an identifier of the declared alphabet and length")),
    }
}

fn is_id(text: &str, options: &IdOptions) -> bool {
    (options.least..=options.most).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii() && options.alphabet & (1u128 << byte) != 0)
}
