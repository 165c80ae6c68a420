//! Which whole number, decimal or double is a JSON number, exactly?
//!
//! Numbers are read from their text and never rounded. A [`Number`] is a text, or a double or decimal of the host. Two
//! questions decide what a rule may see: is the value what the type can hold, and would every reader of the same text see
//! that value? The second is no where the shortest text of the nearest double has another value than the text: readers
//! with doubles then see another number than readers with decimals.
//!
//! Twin: `reference/arguments.py`. Read next: `source.rs`.

use std::fmt::Write;

use agentpdp_core::decimal::Decimal;

/// Integers beyond this, or below its negative, are not the same number to every reader of JSON.
pub const SAFE_INTEGER_MAX: i64 = 9_007_199_254_740_991;

/// Digits that a double always keeps.
const DOUBLE_DIGITS: usize = 15;

/// Digits of a number that are looked at; 64 bits have fewer.
const DIGITS_MAX: usize = 36;

/// Powers of ten that are looked at; doubles have smaller ones.
const EXPONENT_MAX: i64 = 400;

/// A JSON number that is not a plain 64-bit integer.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Number<'a> {
    /// Its text, as JSON's grammar has it.
    Text(&'a str),
    /// A double of the host.
    Float(f64),
    /// A decimal of the host.
    Decimal(Decimal),
}

/// `digits` times ten to the power of `exponent`; the last digit is not 0, unless it is the only one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Exact {
    /// Whether it is below zero.
    pub is_negative: bool,
    /// The digits.
    pub digits: u128,
    /// The power of ten.
    pub exponent: i64,
}

impl Exact {
    const ZERO: Self = Self { is_negative: false, digits: 0, exponent: 0 };

    /// The value of a JSON number's text; none for other texts, and for those with too many digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (is_negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, power) = match text.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, parse_power(power)?),
            None => (text, 0),
        };
        let (whole, places) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let (mut digits, mut exponent, mut kept, mut zeros) = (0u128, power, 0usize, 0i64);
        for byte in whole.bytes().chain(places.bytes()) {
            let digit = u128::from(byte.is_ascii_digit().then(|| byte.checked_sub(b'0'))??);
            if digit == 0 {
                zeros = zeros.checked_add(1)?;
                continue;
            }
            for _ in 0..if digits == 0 { 0 } else { zeros } {
                kept = kept.checked_add(1).filter(|kept| *kept <= DIGITS_MAX)?;
                digits = digits.checked_mul(10)?;
            }
            kept = kept.checked_add(1).filter(|kept| *kept <= DIGITS_MAX)?;
            (digits, zeros) = (digits.checked_mul(10)?.checked_add(digit)?, 0);
        }
        if digits == 0 {
            return Some(Self::ZERO);
        }
        exponent = exponent.checked_sub(i64::try_from(places.len()).ok()?)?.checked_add(zeros)?;
        (exponent.abs() <= EXPONENT_MAX).then_some(Self { is_negative, digits, exponent })
    }

    /// The value of a double's shortest text; none if it is not finite.
    #[must_use]
    pub fn of_double(double: f64) -> Option<Self> {
        if !double.is_finite() {
            return None;
        }
        let mut text = Buffer::default();
        write!(text, "{double:e}").ok()?;
        let shortest = Self::parse(text.text())?;
        // Of two texts that are as short and as near, the even one, as everybody else writes it.
        let places = shortest.digit_count().saturating_sub(1);
        let mut rounded = Buffer::default();
        write!(rounded, "{double:.places$e}").ok()?;
        let is_it = rounded.text().parse() == Ok(double);
        if is_it { Self::parse(rounded.text()) } else { Some(shortest) }
    }

    /// How many of this power of ten it is, if that is whole and fits.
    #[must_use]
    pub fn units(self, power: i64) -> Option<i64> {
        let shift = u32::try_from(self.exponent.checked_sub(power)?).ok();
        if self.digits == 0 {
            return Some(0);
        }
        let magnitude = self.digits.checked_mul(10u128.checked_pow(shift?)?)?;
        let magnitude = i128::try_from(magnitude).ok()?;
        i64::try_from(if self.is_negative { magnitude.checked_neg()? } else { magnitude }).ok()
    }

    /// Number of digits.
    #[must_use]
    pub fn digit_count(self) -> usize {
        std::iter::successors(Some(self.digits), |rest| Some(rest / 10).filter(|rest| *rest > 0)).count()
    }
}

/// The exponent of a number's text.
fn parse_power(text: &str) -> Option<i64> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1i64, text.get(1..)?),
        b'+' => (1, text.get(1..)?),
        _ => (1, text),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = digits.trim_start_matches('0');
    let power: i64 = if digits.is_empty() {
        0
    } else if digits.len() > 9 {
        return None;
    } else {
        digits.parse().ok()?
    };
    power.checked_mul(sign)
}

impl<'a> Number<'a> {
    /// The value that every reader sees: none where readers see different ones.
    #[must_use]
    pub fn exact(self) -> Option<Exact> {
        match self {
            Self::Text(text) => {
                let exact = Exact::parse(text)?;
                if exact.digit_count() <= DOUBLE_DIGITS && exact.exponent.abs() < 290 {
                    return Some(exact);
                }
                (Exact::of_double(text.parse().ok()?)? == exact).then_some(exact)
            }
            Self::Float(double) => Exact::of_double(double),
            Self::Decimal(decimal) => {
                let mut text = Buffer::default();
                write!(text, "{decimal}").ok()?;
                Number::Text(text.text()).exact()
            }
        }
    }

    /// The whole number that it is, from -(2^53-1) to 2^53-1.
    #[must_use]
    pub fn whole(self) -> Option<i64> {
        let whole = match self {
            Self::Text(text) => Exact::parse(text)?.units(0)?,
            Self::Float(double) => float_whole(double)?,
            Self::Decimal(decimal) => {
                let whole = decimal.scaled().checked_div(10_000)?;
                (whole.checked_mul(10_000) == Some(decimal.scaled())).then_some(whole)?
            }
        };
        is_safe(whole).then_some(whole)
    }

    /// How many units of ten to the power of `-places` it is, if that is exact and every reader sees it so.
    #[must_use]
    pub fn scaled(self, places: u32) -> Option<i64> {
        if let Self::Float(double) = self
            && let Some(units) = float_scaled(double, places)
        {
            return Some(units);
        }
        self.exact()?.units(i64::from(places).checked_neg()?)
    }

    /// The decimal that it is, if it has four places at most and every reader sees the same.
    #[must_use]
    pub fn decimal(self) -> Option<Decimal> {
        self.scaled(4).map(Decimal::from_scaled)
    }
}

/// Whether every reader of JSON sees this integer as it is.
#[inline]
#[must_use]
pub fn is_safe(integer: i64) -> bool {
    (-SAFE_INTEGER_MAX..=SAFE_INTEGER_MAX).contains(&integer)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)] // whole and within 2^53
fn float_whole(double: f64) -> Option<i64> {
    (double.fract() == 0.0 && double.abs() <= SAFE_INTEGER_MAX as f64).then_some(double as i64)
}

/// The quick way for doubles of at most 15 digits: those are their own shortest text.
#[allow(clippy::cast_possible_truncation)] // whole and below 10^15
fn float_scaled(double: f64, places: u32) -> Option<i64> {
    let scale = f64::from(10u32.checked_pow(places)?);
    let units = (double * scale).round();
    (units.abs() < 1e15 && units / scale == double).then_some(units as i64)
}

/// A short text without allocation: that of an address has at most 39 bytes, that of a double 24.
pub(crate) struct Buffer {
    bytes: [u8; 48],
    length: usize,
}

impl Default for Buffer {
    fn default() -> Self {
        Self { bytes: [0; 48], length: 0 }
    }
}

impl Buffer {
    pub(crate) fn text(&self) -> &str {
        self.bytes.get(..self.length).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or("")
    }
}

impl Write for Buffer {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.length.saturating_add(text.len());
        let room = self.bytes.get_mut(self.length..end).ok_or(std::fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}
