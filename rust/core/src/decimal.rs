//! What is a Cedar decimal, and which texts are one?
//!
//! A number with four places after the point, held as a 64-bit count of ten-thousandths: comparing is exact, and there
//! is one value for `1.5` and `1.5000`. Text has ASCII digits on both sides of the point, one to four after it, any
//! number before it, and perhaps a minus; a plus, an exponent or a number that does not fit is no decimal.
//!
//! Twin: `reference/decimal.py`. Source: Cedar's reference, "decimal"; `tests/extensions.rs` compares every answer with
//! the official crate's. Read next: `ipaddr.rs`.

use std::fmt;

/// Places after the point.
const PLACES: usize = 4;
/// Ten to the power of [`PLACES`].
const SCALE: i64 = 10_000;

/// A number with four places after the point.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Decimal(i64);

impl Decimal {
    /// The number of a text such as `12.34`; none for any other text, or if it does not fit.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (is_negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, places) = digits.split_once('.')?;
        if whole.is_empty() || places.is_empty() {
            return None;
        }
        let zeros = std::iter::repeat_n(b'0', PLACES.checked_sub(places.len())?);
        let mut units: i64 = 0;
        for byte in whole.bytes().chain(places.bytes()).chain(zeros) {
            if !byte.is_ascii_digit() {
                return None;
            }
            let digit = i64::from(byte.checked_sub(b'0')?);
            units = units.checked_mul(10)?;
            // Downwards for a minus: the smallest number has no positive counterpart.
            units = if is_negative { units.checked_sub(digit)? } else { units.checked_add(digit)? };
        }
        Some(Self(units))
    }

    /// The number of so many ten-thousandths.
    #[must_use]
    pub fn from_scaled(units: i64) -> Self {
        Self(units)
    }

    /// How many ten-thousandths it is.
    #[must_use]
    pub fn scaled(self) -> i64 {
        self.0
    }

    /// A whole number as a decimal; none if it does not fit.
    #[must_use]
    pub fn from_long(whole: i64) -> Option<Self> {
        whole.checked_mul(SCALE).map(Self)
    }
}

/// Cedar's canonical text, always with four places: `-12.3400`. It parses to the same number.
impl fmt::Display for Decimal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SCALE_UNSIGNED: u64 = SCALE.unsigned_abs();
        // By magnitude, with the sign apart: -0.5 has no negative whole part to show it.
        let magnitude = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(formatter, "{sign}{}.{:04}", magnitude / SCALE_UNSIGNED, magnitude % SCALE_UNSIGNED)
    }
}
