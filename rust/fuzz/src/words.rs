//! Which names, uids and texts do drawn policies and data use?
//!
//! Few names, so that policies and data meet; texts from a list of edges or, at times, letter by letter.
//!
//! Read next: `policies.rs`.

use crate::draw::Draw;
use crate::ours::Uid;

/// What kind of value a place needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Bool,
    Long,
    Text,
    Entity,
    Decimal,
    Address,
    Moment,
    Length,
    Longs,
    Texts,
    Entities,
    Record,
}

use Kind as K;

type Known = (&'static [&'static str], &'static [&'static str]);

/// Attribute names, each with the kind that it has in `fixed.cedarschema`.
pub(crate) const NAMES: [(&str, Kind); 13] = [
    ("flag", K::Bool),
    ("count", K::Long),
    ("name", K::Text),
    ("who", K::Entity),
    ("price", K::Decimal),
    ("address", K::Address),
    ("moment", K::Moment),
    ("length", K::Length),
    ("counts", K::Longs),
    ("names", K::Texts),
    ("people", K::Entities),
    ("box", K::Record),
    ("odd name", K::Text),
];
pub(crate) const TYPES: [&str; 4] = ["User", "Team", "Shelf::Book", "Color"];
pub(crate) const ACTIONS: [&str; 5] = ["see", "touch", "change", "every", "nothing"];
const IDS: [&str; 4] = ["a", "b", "red", "q\"é"];
const LONGS: [i64; 10] = [0, 1, 2, -1, 3, 100, 86_400_000, i64::MAX, i64::MIN, 1 << 62];
/// Texts that their constructors take, and texts that they do not.
const TEXTS: Known = (&["", "a", "ab", "aab", "A", "é", "a*b", "\u{1f980}"], &["b"]);
const DECIMALS: Known = (
    &["0.0", "1.5", "1.50", "-1.5", "-0.0", "922337203685477.5807", "-922337203685477.5808"],
    &["1.00001", "922337203685477.5808", "1", ".5"],
);
const ADDRESSES: Known = (
    &["127.0.0.1", "10.0.0.0/8", "10.1.2.3/32", "::1", "ff00::/8", "0.0.0.0/0", "224.0.0.1", "fe80::1:2"],
    &["::ffff:10.1.2.3", "1.2.3.4/33", "01.2.3.4", "1.2.3"],
);
const MOMENTS: Known = (
    &[
        "1970-01-01",
        "2024-02-29",
        "2024-10-15T11:35:00Z",
        "2024-10-15T11:35:00.999Z",
        "2024-10-15T11:35:00+2359",
        "0000-01-01",
        "9999-12-31T23:59:59.999Z",
        "1969-12-31T23:59:59.999Z",
    ],
    &["2023-02-29", "0000-01-01T00:00:00-2400", "2024-1-1"],
);
const LENGTHS: Known = (
    &["0ms", "1d", "-1d2h3m4s5ms", "1h", "60m", "9223372036854775807ms", "-9223372036854775808ms"],
    &["1ms1d", "9223372036854775808ms", "1", ""],
);
const LETTERS: [char; 32] = [
    '0',
    '1',
    '2',
    '9',
    '-',
    '.',
    ':',
    '/',
    'T',
    'Z',
    '+',
    'd',
    'h',
    'm',
    's',
    'a',
    'b',
    'f',
    ' ',
    '*',
    '"',
    '\\',
    '\n',
    '\0',
    'é',
    '\u{301}',
    '\u{1f980}',
    '\u{660}',
    '_',
    'x',
    '{',
    '}',
];

/// A uid of the few that there are.
pub(crate) fn uid(draw: &mut Draw<'_>, types: &[&str]) -> Uid {
    (draw.pick(types).to_owned(), draw.pick(&IDS).to_owned())
}

pub(crate) fn action(draw: &mut Draw<'_>) -> Uid {
    action_of(draw, &ACTIONS)
}

pub(crate) fn action_of(draw: &mut Draw<'_>, names: &[&str]) -> Uid {
    ("Action".to_owned(), draw.pick(names).to_owned())
}

pub(crate) fn long(draw: &mut Draw<'_>) -> i64 {
    match draw.below(8) {
        7 => draw.long(),
        6 => LONGS[draw.below(LONGS.len())].wrapping_add(draw.pick(&[-2, -1, 1, 2])),
        _ => draw.pick(&LONGS),
    }
}

/// A text for a kind of value; once in so many times a wrong one, or one with letters changed.
pub(crate) fn text(draw: &mut Draw<'_>, kind: Kind, odds: usize) -> String {
    let (right, wrong) = match kind {
        K::Decimal => DECIMALS,
        K::Address => ADDRESSES,
        K::Moment => MOMENTS,
        K::Length => LENGTHS,
        _ => TEXTS,
    };
    if !draw.one_in(odds) {
        return draw.pick(right).to_owned();
    }
    if draw.one_in(3) {
        return draw.pick(wrong).to_owned();
    }
    let mut found: Vec<char> = draw.pick(right).chars().collect();
    for _ in 0..1 + draw.below(3) {
        let (at, letter) = (draw.below(found.len() + 1), draw.pick(&LETTERS));
        match draw.below(3) {
            0 => found.insert(at, letter),
            1 if at < found.len() => drop(found.remove(at)),
            _ => found.truncate(at),
        }
    }
    found.into_iter().collect()
}

/// A text as a literal of Cedar's.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.escape_default())
}

/// A uid as Cedar writes it.
pub(crate) fn written((type_name, id): &Uid) -> String {
    format!("{type_name}::{}", quoted(id))
}
