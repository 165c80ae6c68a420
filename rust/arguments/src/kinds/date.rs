//! Which day or moment is a text?
//!
//! JSON Schema's own formats are RFC 3339's: `2025-01-31` and `2025-01-31T12:00:00Z` with `Z` or an offset, in upper
//! case. The kinds `date` and `datetime` are read by the formats that the bundle declares, since tools take dates in many
//! spellings and mean different days by one text (`01/02/2025`). A text that two declared formats read as different
//! moments is refused, and so is a local time that its zone has twice or not at all. Years have four digits.
//!
//! Sources: RFC 3339, POSIX `strptime`. Read next: `iban.rs`.

use std::fmt::Write;

use agentpdp_core::datetime::Datetime;
use jiff::civil::DateTime;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

use crate::number::Buffer;
use crate::refusal::Rejection;

/// Formats that one argument may have.
pub const DATE_FORMATS_MAX: usize = 32;

/// Bytes of a date's text, and of a format.
pub const DATE_BYTES_MAX: usize = 100;

const DATE: &str = "a date such as `2025-01-31`";
const MOMENT: &str = "a time such as `2025-01-31T12:00:00Z` or with an offset such as `+01:00`";
const DECLARED: &str = "a text in one of the formats that are declared for it";
const MILLISECONDS: &str = "a time without parts of a millisecond";

/// Seconds that no offset has: RFC 3339 counts hours to 23.
const OFFSET_BEYOND: i32 = 86_400;

/// What formats may hold: each has one meaning, and years have four digits.
const SPECIFIERS: [&str; 22] = [
    "%%", "%Y", "%m", "%d", "%e", "%-d", "%-m", "%b", "%B", "%a", "%A", "%j", "%H", "%I", "%-I", "%-H", "%M", "%S",
    "%p", "%z", "%:z", "%.3f",
];

/// One spelling of dates or times that is declared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DateFormat {
    /// `2025-01-31`
    IsoDate,
    /// `2025-01-31T12:00:00Z`
    Rfc3339,
    /// An integer, seconds since 1970.
    EpochSeconds,
    /// An integer, milliseconds since 1970.
    EpochMilliseconds,
    /// A pattern such as `%d.%m.%Y`.
    Pattern(String),
}

/// What is declared of a date or a time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DateOptions {
    /// The spellings that the target takes.
    pub formats: Vec<DateFormat>,
    /// The zone of texts without an offset.
    pub zone: Option<TimeZone>,
}

impl DateFormat {
    /// The format of a declared name or pattern.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "iso-date" => Self::IsoDate,
            "rfc3339" => Self::Rfc3339,
            "epoch-seconds" => Self::EpochSeconds,
            "epoch-milliseconds" => Self::EpochMilliseconds,
            pattern => {
                let has_day =
                    ["%d", "%e", "%-d", "%j"].iter().any(|day| pattern.contains(day)) && pattern.contains("%Y");
                if !has_day || pattern.len() > DATE_BYTES_MAX || !is_pattern(pattern) {
                    return None;
                }
                Self::Pattern(pattern.to_owned())
            }
        })
    }

    /// Whether its texts say their offset themselves.
    #[must_use]
    pub fn has_offset(&self) -> bool {
        match self {
            Self::IsoDate => false,
            Self::Rfc3339 | Self::EpochSeconds | Self::EpochMilliseconds => true,
            Self::Pattern(pattern) => pattern.contains("%z") || pattern.contains("%:z"),
        }
    }

    /// Whether it is of integers.
    #[must_use]
    pub fn is_integer(&self) -> bool {
        matches!(self, Self::EpochSeconds | Self::EpochMilliseconds)
    }
}

fn is_pattern(pattern: &str) -> bool {
    let mut rest = pattern;
    while let Some(at) = rest.find('%') {
        let from = rest.get(at..).unwrap_or("");
        let Some(known) = SPECIFIERS.iter().find(|known| from.starts_with(**known)) else { return false };
        rest = from.get(known.len()..).unwrap_or("");
    }
    pattern.is_ascii()
}

/// Reads a text by the declared formats.
///
/// # Errors
///
/// Why it is not taken.
pub fn read_text(text: &str, options: &DateOptions) -> Result<Datetime, Rejection> {
    if text.len() > DATE_BYTES_MAX {
        return Err(Rejection::Format(DECLARED));
    }
    let mut read: Option<Datetime> = None;
    let mut spelled: Option<String> = None;
    let mut rejected: Option<Rejection> = None;
    let mut is_canonical = false;
    for format in &options.formats {
        let (time, canonical) = match read_format(text, format, options.zone.as_ref()) {
            Ok(found) => found,
            Err(Rejection::Format(_)) => continue,
            Err(rejection) => {
                rejected.get_or_insert(rejection);
                continue;
            }
        };
        if read.is_some_and(|other| other != time) {
            return Err(Rejection::Ambiguous("a text that the declared formats read as one moment"));
        }
        read = Some(time);
        match canonical {
            None => is_canonical = true,
            Some(text) => spelled = Some(text),
        }
    }
    match (rejected, read, spelled) {
        (Some(rejection), _, _) => Err(rejection),
        (None, Some(time), _) if is_canonical => Ok(time),
        (None, Some(_), Some(spelled)) => Err(Rejection::NotCanonical(spelled)),
        _ => Err(Rejection::Format(DECLARED)),
    }
}

/// Reads an integer by the declared formats.
///
/// # Errors
///
/// Why it is not taken.
pub fn read_integer(integer: i64, options: &DateOptions) -> Result<Datetime, Rejection> {
    let seconds = options.formats.contains(&DateFormat::EpochSeconds);
    let milliseconds = options.formats.contains(&DateFormat::EpochMilliseconds);
    let scale = match (seconds, milliseconds) {
        (true, true) => {
            return Err(Rejection::Ambiguous("a text; the declared formats count seconds and milliseconds"));
        }
        (true, false) => 1_000,
        (false, true) => 1,
        (false, false) => return Err(Rejection::Format(DECLARED)),
    };
    let time = integer.checked_mul(scale).filter(|time| YEARS.contains(time)).ok_or(Rejection::Format(DECLARED))?;
    Ok(Datetime::from_milliseconds(time))
}

/// Years before have fewer digits, so a text with two is none of them.
const YEAR_LEAST: i16 = 1_000;

/// Milliseconds of the years 1 to 9999.
const YEARS: std::ops::RangeInclusive<i64> = -62_135_596_800_000..=253_402_300_799_999;

/// The moment, and the canonical spelling where the text has another.
fn read_format(
    text: &str,
    format: &DateFormat,
    zone: Option<&TimeZone>,
) -> Result<(Datetime, Option<String>), Rejection> {
    match format {
        DateFormat::Rfc3339 => read_moment(text).map(|time| (time, None)),
        DateFormat::IsoDate if zone.is_none() => read_date(text).map(|time| (time, None)),
        DateFormat::IsoDate => read_date(text).and_then(|_| read_pattern(text, "%Y-%m-%d", zone)),
        DateFormat::EpochSeconds | DateFormat::EpochMilliseconds => Err(Rejection::Format(DECLARED)),
        DateFormat::Pattern(pattern) => read_pattern(text, pattern, zone),
    }
}

fn read_pattern(text: &str, pattern: &str, zone: Option<&TimeZone>) -> Result<(Datetime, Option<String>), Rejection> {
    let refused = Rejection::Format(DECLARED);
    let Ok(broken) = BrokenDownTime::parse(pattern, text) else { return Err(refused) };
    let Some(time) = civil(&broken).filter(|time| time.year() >= YEAR_LEAST) else { return Err(refused) };
    let offset = broken.offset();
    let is_known = |offset: Offset| offset.seconds() % 60 == 0 && offset.seconds().abs() < OFFSET_BEYOND;
    if offset.is_some_and(|offset| !is_known(offset)) {
        return Err(Rejection::Ambiguous("an offset of whole minutes, below 24 hours"));
    }
    let zone = match (offset, zone) {
        (Some(offset), _) => TimeZone::fixed(offset),
        (None, Some(zone)) => zone.clone(),
        (None, None) => TimeZone::UTC,
    };
    // The moment by its distance from 1970: the library's own moments end a day before the year 9999 does.
    let AmbiguousOffset::Unambiguous { offset: from_utc } = zone.to_ambiguous_timestamp(time).offset() else {
        return Err(Rejection::Ambiguous("a local time that its zone has just once"));
    };
    let since = time.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0));
    if since.subsec_nanos() % 1_000_000 != 0 {
        return Err(Rejection::NotExact(MILLISECONDS));
    }
    let moment = i64::try_from(since.as_millis()).ok().map(|since| since - i64::from(from_utc.seconds()) * 1_000);
    let Some(moment) = moment.filter(|moment| YEARS.contains(moment)) else { return Err(refused) };
    let mut again = BrokenDownTime::from(time);
    again.set_offset(offset);
    let Ok(spelled) = again.to_string(pattern) else { return Err(refused) };
    Ok((Datetime::from_milliseconds(moment), (spelled != text).then_some(spelled)))
}

/// Date and time of day; midnight where the pattern has no time.
fn civil(broken: &BrokenDownTime) -> Option<DateTime> {
    let date = broken.to_date().ok()?;
    if broken.hour().is_none() {
        return Some(date.at(0, 0, 0, 0));
    }
    Some(date.to_datetime(broken.to_time().ok()?))
}

/// The midnight (UTC) of `YYYY-MM-DD`.
///
/// # Errors
///
/// Why it is not taken.
pub fn read_date(text: &str) -> Result<Datetime, Rejection> {
    let is_date = text.len() == 10 && !text.starts_with("0000");
    Datetime::parse(text).filter(|_| is_date).ok_or(Rejection::Format(DATE))
}

/// The moment of RFC 3339's `date-time`.
///
/// # Errors
///
/// Why it is not taken.
pub fn read_moment(text: &str) -> Result<Datetime, Rejection> {
    let refused = Rejection::Format(MOMENT);
    let (Some((clock, rest)), true) = (text.split_at_checked(19), text.len() <= 40 && !text.starts_with("0000")) else {
        return Err(refused);
    };
    let (fraction, offset) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at_checked(rest.bytes().take_while(u8::is_ascii_digit).count()).unwrap_or(("", rest)),
        None => ("", rest),
    };
    if rest.starts_with('.') && fraction.is_empty() {
        return Err(refused);
    }
    // Cedar's own text has just three places and an offset without a colon.
    let (kept, lost) = fraction.split_at_checked(3).unwrap_or((fraction, ""));
    let mut spelled = Buffer::default();
    let written = match (kept.is_empty(), offset.split_once(':')) {
        (true, None) => write!(spelled, "{clock}{offset}"),
        (true, Some((hours, minutes))) => write!(spelled, "{clock}{hours}{minutes}"),
        (false, None) => write!(spelled, "{clock}.{kept:0<3}{offset}"),
        (false, Some((hours, minutes))) => write!(spelled, "{clock}.{kept:0<3}{hours}{minutes}"),
    };
    let is_offset = offset == "Z" || (offset.len() == 6 && offset.as_bytes().get(3) == Some(&b':'));
    let time = written.ok().and_then(|()| Datetime::parse(spelled.text())).filter(|_| is_offset).ok_or(refused)?;
    if lost.bytes().any(|byte| byte != b'0') {
        return Err(Rejection::NotExact(MILLISECONDS));
    }
    Ok(time)
}
