//! Which account does an IBAN name?
//!
//! Canonical: upper case, without spaces, of the length that its country has, with right check digits. Lower case and
//! groups of four have a canonical spelling.
//!
//! Source: ISO 13616, the SWIFT IBAN registry. Read next: `id.rs`.

use crate::refusal::Rejection;

/// Bytes of an IBAN's text, spaces included.
const IBAN_BYTES_MAX: usize = 50;

const EXPECTED: &str = "an IBAN in upper case without spaces, with right check digits";

/// Lengths by country, as the registry has them.
const LENGTHS: &[(usize, &str)] = &[
    (15, "NO"),
    (16, "BE"),
    (18, "DK FI FO GL NL FK SD"),
    (19, "MK SI"),
    (20, "AT BA EE KZ LT LU MN XK"),
    (21, "CH HR LI LV"),
    (22, "BG BH CR DE GB GE IE ME RS VA"),
    (23, "AE GI IL IQ OM SO TL"),
    (24, "AD CZ ES MD PK RO SA SE SK TN VG"),
    (25, "LY PT ST"),
    (26, "IS TR"),
    (27, "BI DJ FR GR IT MC MR SM"),
    (28, "AL AZ BY CY DO GT HU LB NI PL SV"),
    (29, "BR EG PS QA UA"),
    (30, "JO KW MU YE"),
    (31, "MT SC"),
    (32, "LC"),
    (33, "RU"),
    (28, "HN"),
];

/// Whether a text is a canonical IBAN.
///
/// # Errors
///
/// Why it is not.
pub fn read(text: &str) -> Result<&str, Rejection> {
    if text.len() > IBAN_BYTES_MAX {
        return Err(Rejection::Format(EXPECTED));
    }
    if is_iban(text) {
        return Ok(text);
    }
    let grouped: String = text.split(' ').collect::<String>().to_ascii_uppercase();
    let is_grouped = text.split(' ').rev().skip(1).all(|group| group.len() == 4) && !text.ends_with(' ');
    if is_grouped && is_iban(&grouped) {
        Err(Rejection::NotCanonical(grouped))
    } else {
        Err(Rejection::Format(EXPECTED))
    }
}

fn is_iban(text: &str) -> bool {
    let Some((country, rest)) = text.split_at_checked(2) else { return false };
    let is_length = LENGTHS
        .iter()
        .any(|(length, countries)| *length == text.len() && countries.split(' ').any(|known| known == country));
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
    let has_digits = rest.bytes().take(2).all(|byte| byte.is_ascii_digit());
    is_length && is_plain && has_digits && remainder(text) == Some(1)
}

/// The number that the text stands for, its first four characters moved to the end, modulo 97.
fn remainder(text: &str) -> Option<u32> {
    let (head, tail) = text.split_at_checked(4)?;
    tail.chars().chain(head.chars()).try_fold(0u32, |rest, character| {
        let digit = character.to_digit(36)?;
        let shifted = rest.checked_mul(if digit > 9 { 100 } else { 10 })?;
        shifted.checked_add(digit)?.checked_rem(97)
    })
}
