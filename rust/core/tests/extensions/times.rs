//! Datetimes and durations are Cedar's.

use std::fmt::Write;

use agentpdp_core::datetime::{Datetime, Duration};
use cedar_policy::{EvalResult, Expression};

use crate::question::{Counts, Question, Questions, evaluate};
use crate::random::{Random, cases, random};

/// Bounds of every field and of the calendar, and what is no datetime.
const DATETIMES: &str = "\
    1970-01-01|0000-01-01|0000-00-00|0000-02-29|9999-12-31|10000-01-01|1900-02-29|2000-02-29|2023-02-29|\
    2024-02-29|2024-02-30|2024-04-31|2024-13-01|2024-00-01|2024-01-00|2024-01-32|24-01-01|2024-1-1|-001-01-01|\
    +2024-01-01|2024/01/01|2024-01-01T|2024-01-01Z|2024-01-01T00:00:00|2024-01-01T00:00Z|2024-01-01T00:00:00Z|\
    2024-01-01t00:00:00Z|2024-01-01T00:00:00z|2024-01-01 00:00:00Z|2024-01-01T24:00:00Z|2024-01-01T23:59:59Z|\
    2024-01-01T23:59:60Z|2016-12-31T23:59:60Z|2024-01-01T23:60:00Z|2024-01-01T23:59:59.999Z|\
    2024-01-01T23:59:60.000Z|2024-01-01T00:00:00.Z|2024-01-01T00:00:00.0Z|2024-01-01T00:00:00.00Z|\
    2024-01-01T00:00:00.0000Z|2024-01-01T00:00:00,000Z|2024-01-01T00:00:00.000|2024-01-01T00:00:00+0000|\
    2024-01-01T00:00:00-0000|2024-01-01T00:00:00+2359|2024-01-01T00:00:00-2359|2024-01-01T00:00:00+2400|\
    2024-01-01T00:00:00+0060|2024-01-01T00:00:00+00:00|2024-01-01T00:00:00+00|2024-01-01T00:00:00+000|\
    2024-01-01T00:00:00+00000|2024-01-01T00:00:00Z+0000|2024-01-01T00:00:00+0000Z|2024-01-01T00:00:00.123+0130|\
    0000-01-01T00:00:00+2359|9999-12-31T23:59:59.999-2359|2024-01-01T00:00:00\u{2212}0000||2024|2024-01-01\n|\
    2024-01-01 | 2024-01-01|2024-01-01T00:00:00Z\n|2024-01-01T00:00:00Z |\u{662}024-01-01|\u{ff12}024-01-01|\
    2024-01-01T0\u{e9}:00:00Z";

/// Bounds of every unit, orders and signs, and what is no duration.
const DURATIONS: &str = "\
    0ms|-0ms|1d2h3m4s5ms|1d|1h|1m|1s|1ms|1m1ms|1s1ms|1ms1s|1h1d|1d1d|1ms1ms|1m1m||-|--1ms|+1ms|1|ms|1 ms|1ms | 1ms|\
    1ms\n|1D|1MS|1us|1w|1y|1.5h|1d-1h|-1d1h|1msx|1mss|00000000000000000000000000000000001d|\
    9223372036854775807ms|9223372036854775808ms|-9223372036854775807ms|-9223372036854775808ms|\
    -9223372036854775809ms|18446744073709551616ms|-9223372036854775s808ms|9223372036854775s807ms|\
    9223372036854775s808ms|106751991167d|106751991168d|-106751991167d7h12m55s808ms|-106751991167d7h12m55s809ms|\
    106751991167d7h12m55s807ms|\u{661}ms|\u{ff11}ms";

fn random_datetime(random: &mut Random) -> String {
    let year =
        if random.one_in(3) { random.pick(&[0, 1, 4, 1900, 1969, 1970, 2000, 9999]) } else { random.below(10_000) };
    let month = if random.one_in(9) { random.below(15) } else { random.below(12) + 1 };
    let days = random.pick(&[28, 28, 30, 33]);
    let mut text = format!("{year:04}-{month:02}-{:02}", random.below(days) + 1);
    if !random.one_in(6) {
        let bound = random.pick(&[0, 0, 0, 1]);
        let (hour, minute, second) = (random.below(24 + bound), random.below(60 + bound), random.below(60 + bound));
        write!(text, "T{hour:02}:{minute:02}:{second:02}").unwrap();
        if random.one_in(2) {
            write!(text, ".{}", random.digits(3)).unwrap();
        }
        text += &match random.below(3) {
            0 => "Z".to_owned(),
            _ => format!("{}{:02}{:02}", random.pick(&['+', '-']), random.below(24 + bound), random.below(60 + bound)),
        };
    }
    random.damaged(&text, "0123456789-+:.TZ")
}

fn random_duration(random: &mut Random) -> String {
    let mut text = random.pick(&["", "-"]).to_owned();
    for (unit, milliseconds) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)] {
        if random.one_in(2) {
            let number = match random.below(6) {
                0 => (i128::from(i64::MAX) / milliseconds) + random.below(5) as i128 - 2,
                1 => i128::from(random.next()) >> random.below(64),
                _ => random.below(2000) as i128,
            };
            write!(text, "{}{number}{unit}", random.pick(&["", "", "", "00"])).unwrap();
        }
    }
    random.damaged(&text, "0123456789-dhms")
}

/// Cedar's value of a text in milliseconds is ours, and so is every comparison with the value before.
fn check<T: Ord + Copy>(
    what: &str,
    texts: impl Iterator<Item = String>,
    [milliseconds, equal, less, less_or_equal]: [&'static str; 4],
    parse: impl Fn(&str) -> Option<(T, i64)>,
) {
    let milliseconds = Question::new(milliseconds);
    let compared = Questions::new([equal, less, less_or_equal]);
    let (mut counts, mut last): (_, Option<(String, T)>) = (Counts::default(), None);
    for text in texts {
        let ours = parse(&text);
        assert_eq!(milliseconds.long(&text, ""), ours.map(|(_, number)| number), "{what}: {text:?}");
        counts.count(ours.is_some());
        let Some((a, _)) = ours else { continue };
        if let Some((before, b)) = last {
            compared.check(&text, &before, [a == b, a < b, a <= b]);
        }
        last = Some((text, a));
    }
    counts.report(what);
}

const DATETIME_QUESTIONS: [&str; 4] = [
    "datetime(context.a).durationSince(datetime(\"1970-01-01\")).toMilliseconds()",
    "datetime(context.a) == datetime(context.b)",
    "datetime(context.a) < datetime(context.b)",
    "datetime(context.a) <= datetime(context.b)",
];

#[test]
fn datetimes_are_cedars() {
    let mut random = random();
    let made = (0..cases()).map(|_| random_datetime(&mut random));
    let texts = DATETIMES.split('|').map(str::to_owned).chain(made);
    check("datetimes", texts, DATETIME_QUESTIONS, |text| Datetime::parse(text).map(|time| (time, time.milliseconds())));
}

#[test]
fn every_date_of_telling_years_is_cedars() {
    let question = Question::new(DATETIME_QUESTIONS[0]);
    for year in [0, 1, 4, 100, 400, 1582, 1600, 1900, 1969, 1970, 2000, 2023, 2024, 2100, 9999] {
        for (month, day) in (0..14).flat_map(|month| (0..33).map(move |day| (month, day))) {
            let text = format!("{year:04}-{month:02}-{day:02}");
            let ours = Datetime::parse(&text).map(Datetime::milliseconds);
            assert_eq!(question.long(&text, ""), ours, "{text}");
        }
    }
}

#[test]
fn durations_are_cedars() {
    let mut random = random();
    let made = (0..cases()).map(|_| random_duration(&mut random));
    let texts = DURATIONS.split('|').map(str::to_owned).chain(made);
    let questions = [
        "duration(context.a).toMilliseconds()",
        "duration(context.a) == duration(context.b)",
        "duration(context.a) < duration(context.b)",
        "duration(context.a) <= duration(context.b)",
    ];
    check("durations", texts, questions, |text| Duration::parse(text).map(|length| (length, length.to_milliseconds())));
}

/// A method that counts whole units of a duration.
type Count = fn(Duration) -> i64;

/// Two lengths of time and two times so long after the epoch, as Cedar's methods see them.
struct Methods {
    lengths: [(Question, Count); 5],
    offset: Question,
    since: Question,
    date: Question,
    time: Question,
    compared: Questions,
    date_text: Question,
}

/// The epoch, moved by a duration: the only way to write any datetime.
macro_rules! moved {
    ($duration:literal) => {
        concat!("datetime(\"1970-01-01\").offset(duration(", $duration, "))")
    };
}

/// Milliseconds of a datetime expression.
macro_rules! since_epoch {
    ($($part:expr),*) => {
        concat!($($part),*, ".durationSince(datetime(\"1970-01-01\")).toMilliseconds()")
    };
}

impl Methods {
    fn new() -> Self {
        Self {
            lengths: [
                (Question::new("duration(context.a).toMilliseconds()"), Duration::to_milliseconds),
                (Question::new("duration(context.a).toSeconds()"), Duration::to_seconds),
                (Question::new("duration(context.a).toMinutes()"), Duration::to_minutes),
                (Question::new("duration(context.a).toHours()"), Duration::to_hours),
                (Question::new("duration(context.a).toDays()"), Duration::to_days),
            ],
            offset: Question::new(since_epoch!(moved!("context.a"), ".offset(duration(context.b))")),
            since: Question::new(concat!(
                moved!("context.a"),
                ".durationSince(",
                moved!("context.b"),
                ").toMilliseconds()"
            )),
            date: Question::new(since_epoch!(moved!("context.a"), ".toDate()")),
            time: Question::new(concat!(moved!("context.a"), ".toTime().toMilliseconds()")),
            compared: Questions::new([
                concat!(moved!("context.a"), " == ", moved!("context.b")),
                concat!(moved!("context.a"), " < ", moved!("context.b")),
                concat!(moved!("context.a"), " <= ", moved!("context.b")),
            ]),
            date_text: Question::new(concat!(moved!("context.a"), ".toDate()")),
        }
    }

    fn check(&self, a: i64, b: i64) {
        let (length, other) = (Duration::from_milliseconds(a), Duration::from_milliseconds(b));
        let (start, end) = (Datetime::from_milliseconds(a), Datetime::from_milliseconds(b));
        let (left, right) = (length.to_string(), other.to_string());
        assert_eq!(Duration::parse(&left), Some(length));
        for (question, method) in &self.lengths {
            assert_eq!(question.long(&left, ""), Some(method(length)), "{left}");
        }
        let milliseconds = |time: Option<Datetime>| time.map(Datetime::milliseconds);
        assert_eq!(self.offset.long(&left, &right), milliseconds(start.offset(other)), "{left} and {right}");
        let ours = start.duration_since(end).map(Duration::to_milliseconds);
        assert_eq!(self.since.long(&left, &right), ours, "{left} since {right}");
        assert_eq!(self.date.long(&left, ""), milliseconds(start.to_date()), "date of {left}");
        assert_eq!(self.time.long(&left, ""), Some(start.to_time().to_milliseconds()), "time of {left}");
        self.compared.check(&left, &right, [start == end, start < end, start <= end]);
        assert_eq!(self.date_text.text(&left, ""), start.to_date().map(|date| date.to_string()), "date of {left}");
    }
}

#[test]
fn methods_of_times_are_cedars() {
    let mut random = random();
    let methods = Methods::new();
    for a in [i64::MIN, i64::MIN + 1, -86_400_001, -86_400_000, -1, 0, 1, 86_399_999, 86_400_000, i64::MAX] {
        for b in [i64::MIN, -1, 0, 1, i64::MAX] {
            methods.check(a, b);
        }
    }
    (0..cases()).for_each(|_| methods.check(random.long(), random.long()));
}

#[test]
fn a_datetime_is_shown_as_an_expression_of_it() {
    let mut random = random();
    for milliseconds in (0..200).map(|_| random.long()).chain([i64::MIN, i64::MAX]) {
        let shown = Datetime::from_milliseconds(milliseconds).to_string();
        let expression: Expression = format!("{shown} == {}", moved!("context.a")).parse().unwrap();
        let same = evaluate(&expression, &format!("{milliseconds}ms"), "");
        assert_eq!(same, Some(EvalResult::Bool(true)), "{shown}");
    }
}
