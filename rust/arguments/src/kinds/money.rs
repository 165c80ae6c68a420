//! How much money is an amount, in the smallest units of its currency?
//!
//! Numbers by their exact value. Text of decimal digits, perhaps with a minus and a point; fewer places than the
//! currency has are harmless. A plus or zeros in front have a canonical spelling. Refused: commas, spaces, signs of
//! currencies, exponents and digits of other scripts, which readers take for different amounts; more places than the
//! currency has.
//!
//! Read next: `date.rs`.

use crate::number::{Exact, Number, is_safe};
use crate::refusal::Rejection;

/// Places of the currency with most of them, and two more.
pub const MONEY_PLACES_MAX: u32 = 6;

/// Bytes of an amount's text.
const AMOUNT_BYTES_MAX: usize = 40;

const EXPECTED: &str = "an amount such as `12.50`, with a point and without separators or signs of currency";
const PLACES: &str = "an amount without more places than its currency has";

/// The amount of a 64-bit integer.
///
/// # Errors
///
/// Why it is not taken.
pub fn read_integer(integer: i64, places: u32) -> Result<i64, Rejection> {
    10i64
        .checked_pow(places)
        .and_then(|scale| integer.checked_mul(scale))
        .filter(|minor| is_safe(*minor))
        .ok_or(Rejection::NotExact("an amount that is not so large"))
}

/// The amount of any other number.
///
/// # Errors
///
/// Why it is not taken.
pub fn read_number(number: Number<'_>, places: u32) -> Result<i64, Rejection> {
    number.scaled(places).filter(|minor| is_safe(*minor)).ok_or(Rejection::NotExact(PLACES))
}

/// The amount of a text.
///
/// # Errors
///
/// Why it is not taken.
pub fn read_text(text: &str, places: u32) -> Result<i64, Rejection> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, part) = unsigned.split_once('.').map_or((unsigned, None), |(whole, part)| (whole, Some(part)));
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if text.is_empty() {
        return Err(Rejection::Format(EXPECTED));
    }
    if text.len() > AMOUNT_BYTES_MAX || !are_digits(whole) || part.is_some_and(|part| !are_digits(part)) {
        return Err(Rejection::Ambiguous(EXPECTED));
    }
    let power = i64::from(places).saturating_neg();
    let sign = if text.starts_with('-') { "-" } else { "" };
    let minor = Exact::parse(text.trim_start_matches('+')).and_then(|exact| exact.units(power));
    let minor = minor.filter(|minor| is_safe(*minor)).ok_or(Rejection::NotExact(PLACES))?;
    let trimmed = whole.trim_start_matches('0');
    let is_canonical = (whole == "0" || trimmed.len() == whole.len()) && !text.starts_with('+');
    let is_minus_zero = minor == 0 && sign == "-";
    if is_canonical && !is_minus_zero {
        return Ok(minor);
    }
    let (whole, sign) = (if trimmed.is_empty() { "0" } else { trimmed }, if minor == 0 { "" } else { sign });
    let part = part.map_or_else(String::new, |part| format!(".{part}"));
    Err(Rejection::NotCanonical(format!("{sign}{whole}{part}")))
}
