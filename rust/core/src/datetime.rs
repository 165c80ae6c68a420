//! What are Cedar's points in time and lengths of time?
//!
//! Both are whole milliseconds in 64 bits: a [`Datetime`] since 1970-01-01T00:00:00Z, a [`Duration`] by itself. What
//! does not fit is no value. The calendar is the Gregorian one at every year from 0000 to 9999; there are no leap
//! seconds and no second 60. Nothing here reads a clock.
//!
//! Twin: `reference/datetime.py`. Source: Cedar's reference, "datetime" (RFC 80); `tests/extensions.rs` compares every
//! answer with the official crate's. Read next: `entities.rs`.

use std::fmt;

/// Milliseconds of a second.
const SECOND: i64 = 1_000;
/// Milliseconds of a minute.
const MINUTE: i64 = 60_000;
/// Milliseconds of an hour.
const HOUR: i64 = 3_600_000;
/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// Units of a duration in the order of its text, with their milliseconds.
const UNITS: [(&[u8], i64); 5] = [(b"d", DAY), (b"h", HOUR), (b"m", MINUTE), (b"s", SECOND), (b"ms", 1)];

/// Days from 0000-03-01 to 1970-01-01.
const EPOCH_DAYS: i64 = 719_468;

/// Milliseconds since the epoch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Datetime(i64);

/// A length of time in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Duration(i64);

impl Datetime {
    /// The time of `YYYY-MM-DD`, or with `THH:MM:SS`, perhaps `.SSS`, and `Z` or an offset such as `+0100`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = Rest(text.as_bytes());
        let year = rest.number(4)?;
        rest.byte(b'-')?;
        let month = rest.number(2)?;
        rest.byte(b'-')?;
        let day = rest.number(2)?;
        if !(1..=12).contains(&month) || !(1..=days_in_month(year, month)).contains(&day) {
            return None;
        }
        let midnight = days_since_epoch(year, month, day)?.checked_mul(DAY)?;
        if rest.0.is_empty() {
            return Some(Self(midnight));
        }
        midnight.checked_add(parse_time(&mut rest)?).map(Self)
    }

    /// The time so many milliseconds after the epoch.
    #[must_use]
    pub fn from_milliseconds(milliseconds: i64) -> Self {
        Self(milliseconds)
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub fn milliseconds(self) -> i64 {
        self.0
    }

    /// The time so much later; none if it does not fit.
    #[must_use]
    pub fn offset(self, by: Duration) -> Option<Self> {
        self.0.checked_add(by.0).map(Self)
    }

    /// The length of time since another; none if it does not fit.
    #[must_use]
    pub fn duration_since(self, start: Self) -> Option<Duration> {
        self.0.checked_sub(start.0).map(Duration)
    }

    /// The midnight (UTC) at or before this time; none if it does not fit.
    #[must_use]
    pub fn to_date(self) -> Option<Self> {
        self.0.checked_sub(self.0.rem_euclid(DAY)).map(Self)
    }

    /// The time since that midnight, never negative.
    #[must_use]
    pub fn to_time(self) -> Duration {
        Duration(self.0.rem_euclid(DAY))
    }
}

/// Cedar's canonical text, an expression: a time outside the years 0000 to 9999 has no text that parses.
impl fmt::Display for Datetime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "datetime(\"1970-01-01\").offset(duration(\"{}\"))", Duration(self.0))
    }
}

/// The part after the date: time of day less the offset from UTC.
fn parse_time(rest: &mut Rest<'_>) -> Option<i64> {
    rest.byte(b'T')?;
    let hour = rest.number(2)?;
    rest.byte(b':')?;
    let minute = rest.number(2)?;
    rest.byte(b':')?;
    let second = rest.number(2)?;
    let milliseconds = if rest.byte(b'.').is_some() { rest.number(3)? } else { 0 };
    // A time ahead of UTC was earlier there.
    let sign = match rest.next()? {
        b'Z' => 0,
        b'+' => -1,
        b'-' => 1,
        _ => return None,
    };
    let (offset_hour, offset_minute) = if sign == 0 { (0, 0) } else { (rest.number(2)?, rest.number(2)?) };
    let is_clock = hour.max(offset_hour) <= 23 && minute.max(second).max(offset_minute) <= 59;
    if !rest.0.is_empty() || !is_clock {
        return None;
    }
    let of_day = hour.checked_mul(HOUR)?.checked_add(minute.checked_mul(MINUTE)?)?;
    let of_day = of_day.checked_add(second.checked_mul(SECOND)?)?.checked_add(milliseconds)?;
    let offset = offset_hour.checked_mul(HOUR)?.checked_add(offset_minute.checked_mul(MINUTE)?)?;
    of_day.checked_add(offset.checked_mul(sign)?)
}

/// How many days a month has, leap years by the Gregorian rule.
fn days_in_month(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01; years are counted from March, so that the leap day is the last.
fn days_since_epoch(year: i64, month: i64, day: i64) -> Option<i64> {
    let (year, month) =
        if month > 2 { (year, month.checked_sub(3)?) } else { (year.checked_sub(1)?, month.checked_add(9)?) };
    let leap_days = year.div_euclid(4).checked_sub(year.div_euclid(100))?.checked_add(year.div_euclid(400))?;
    let of_years = year.checked_mul(365)?.checked_add(leap_days)?;
    // Months from March have 31, 30, 31, 30, 31 days, and again: 153 in five.
    let of_year = month.checked_mul(153)?.checked_add(2)?.checked_div(5)?.checked_add(day)?.checked_sub(1)?;
    of_years.checked_add(of_year)?.checked_sub(EPOCH_DAYS)
}

impl Duration {
    /// The length of `1d2h3m4s5ms`: units at most once each and in this order, at least one, perhaps a minus.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (sign, text) = match text.strip_prefix('-') {
            Some(text) => (-1, text),
            None => (1, text),
        };
        let mut rest = Rest(text.as_bytes());
        let mut units = UNITS.into_iter();
        let mut total: i64 = 0;
        loop {
            let digits = rest.run(u8::is_ascii_digit)?;
            let name = rest.run(u8::is_ascii_alphabetic)?;
            let (_, milliseconds) = units.find(|(unit, _)| *unit == name)?;
            // With the sign from the start: the smallest length has no positive counterpart.
            total = total.checked_add(number(digits, sign)?.checked_mul(milliseconds)?)?;
            if rest.0.is_empty() {
                return Some(Self(total));
            }
        }
    }

    /// The length of so many milliseconds.
    #[must_use]
    pub fn from_milliseconds(milliseconds: i64) -> Self {
        Self(milliseconds)
    }

    /// Milliseconds.
    #[must_use]
    pub fn to_milliseconds(self) -> i64 {
        self.0
    }

    /// Whole seconds, rounded towards zero.
    #[must_use]
    pub fn to_seconds(self) -> i64 {
        self.0 / SECOND
    }

    /// Whole minutes, rounded towards zero.
    #[must_use]
    pub fn to_minutes(self) -> i64 {
        self.0 / MINUTE
    }

    /// Whole hours, rounded towards zero.
    #[must_use]
    pub fn to_hours(self) -> i64 {
        self.0 / HOUR
    }

    /// Whole days, rounded towards zero.
    #[must_use]
    pub fn to_days(self) -> i64 {
        self.0 / DAY
    }
}

/// Cedar's canonical text, in milliseconds: `90000ms`. It parses to the same length.
impl fmt::Display for Duration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}ms", self.0)
    }
}

/// What is left of a text to read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    /// The next byte.
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// Takes just this byte; otherwise takes nothing and gives none.
    fn byte(&mut self, wanted: u8) -> Option<()> {
        self.0 = self.0.strip_prefix(&[wanted])?;
        Some(())
    }

    /// The longest run of bytes of a kind, at least one.
    fn run(&mut self, is_kind: fn(&u8) -> bool) -> Option<&'a [u8]> {
        let length = self.0.iter().take_while(|byte| is_kind(byte)).count();
        self.take(length).filter(|run| !run.is_empty())
    }

    /// The number of just so many digits.
    fn number(&mut self, digits: usize) -> Option<i64> {
        number(self.take(digits)?, 1)
    }

    /// The next so many bytes.
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

/// The number of decimal digits, times a sign; none for other bytes, or if it does not fit.
fn number(digits: &[u8], sign: i64) -> Option<i64> {
    digits.iter().try_fold(0i64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| byte.checked_sub(b'0'))??;
        number.checked_mul(10)?.checked_add(i64::from(digit).checked_mul(sign)?)
    })
}
