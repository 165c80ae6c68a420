//! Random policies, entities and requests, from a seed.
//!
//! Expressions are made for the kind of value that their place needs, so that most of them have a value; one in some
//! twenty is made for another kind, so that errors are met at every operator. Attribute names have a kind by convention
//! (`n` is a Long, `es` a set of entities), which the entities mostly keep.

use std::fmt::Write;

/// A small generator of random numbers (splitmix64): the same seed gives the same case on every machine.
pub(crate) struct Random {
    state: u64,
    /// One value in so many is wrong on purpose.
    pub(crate) mistakes: usize,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed, mistakes: 25 }
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    pub(crate) fn one_in(&mut self, odds: usize) -> bool {
        self.below(odds) == 0
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Bool,
    Long,
    String,
    Entity,
    Longs,
    Strings,
    Entities,
    Record,
    Decimal,
    Ip,
    Datetime,
    Duration,
}

pub(crate) const KINDS: [Kind; 12] = [
    Kind::Bool,
    Kind::Long,
    Kind::String,
    Kind::Entity,
    Kind::Longs,
    Kind::Strings,
    Kind::Entities,
    Kind::Record,
    Kind::Decimal,
    Kind::Ip,
    Kind::Datetime,
    Kind::Duration,
];

pub(crate) const TYPES: [&str; 5] = ["User", "Group", "Doc", "Shop::Item", "Color"];
pub(crate) const IDS: [&str; 6] = ["a", "b", "c", "", "é \\\"q\\\"", "red"];
pub(crate) const ACTIONS: [&str; 5] = ["view", "edit", "any", "write", "odd"];
const LONGS: [&str; 12] = [
    "0",
    "1",
    "2",
    "(-1)",
    "7",
    "42",
    "100",
    "9223372036854775807",
    "(-9223372036854775808)",
    "4611686018427387904",
    "(-3)",
    "3",
];
const STRINGS: [&str; 10] = ["", "a", "ab", "abc", "a*c", "é", "🦀x", "1.5", "A", "a\\nb"];
const DECIMALS: [&str; 9] =
    ["0.0", "1.0", "1.5", "-1.5", "1.5000", "922337203685477.5807", "-922337203685477.5808", "0.0001", "12"];
const IPS: [&str; 9] =
    ["127.0.0.1", "10.0.0.0/8", "10.1.2.3", "::1", "ff00::/8", "224.0.0.1", "0.0.0.0/0", "1.2.3", "::ffff:1.2.3.4"];
const DATETIMES: [&str; 8] = [
    "1970-01-01",
    "2024-10-15",
    "2024-10-15T11:35:00Z",
    "2024-10-15T11:35:00.000Z",
    "2024-10-15T11:35:00+0100",
    "9999-12-31T23:59:59.999Z",
    "0000-01-01",
    "2024-02-30",
];
const DURATIONS: [&str; 8] = ["0ms", "1d", "-1d", "1d2h3m4s5ms", "60m", "9223372036854775807ms", "1h", "2m1h"];

/// The attribute of a kind.
pub(crate) fn attribute(kind: Kind) -> &'static str {
    match kind {
        Kind::Bool => "b",
        Kind::Long => "n",
        Kind::String => "s",
        Kind::Entity => "e",
        Kind::Longs => "ls",
        Kind::Strings => "ss",
        Kind::Entities => "es",
        Kind::Record => "r",
        Kind::Decimal => "d",
        Kind::Ip => "ip",
        Kind::Datetime => "t",
        Kind::Duration => "u",
    }
}

pub(crate) fn uid(random: &mut Random) -> String {
    if random.one_in(9) {
        return format!("Action::\"{}\"", random.pick(&ACTIONS));
    }
    format!("{}::\"{}\"", random.pick(&TYPES), random.pick(&IDS))
}

pub(crate) fn expression(random: &mut Random, kind: Kind, depth: usize) -> String {
    let kind = if random.one_in(22) { KINDS[random.below(KINDS.len())] } else { kind };
    if depth == 0 || random.one_in(5) {
        return leaf(random, kind);
    }
    if random.one_in(9) {
        let (test, then, otherwise) = (
            expression(random, Kind::Bool, depth - 1),
            expression(random, kind, depth - 1),
            expression(random, kind, depth - 1),
        );
        return format!("(if {test} then {then} else {otherwise})");
    }
    if random.one_in(4) {
        return access(random, kind, depth);
    }
    operator(random, kind, depth - 1)
}

/// An attribute, a tag, or an attribute of a record made on the spot.
fn access(random: &mut Random, kind: Kind, depth: usize) -> String {
    let name = attribute(kind);
    match random.below(9) {
        0 | 1 => format!("principal.{name}"),
        2 => format!("resource.{name}"),
        3 | 4 => format!("context.{name}"),
        5 => format!("context.r.{name}"),
        6 => format!("{}.{name}", expression(random, Kind::Entity, depth - 1)),
        7 => format!("{}[\"{name}\"]", expression(random, Kind::Record, depth - 1)),
        _ => format!("{}.getTag({})", expression(random, Kind::Entity, depth - 1), tag(random)),
    }
}

fn tag(random: &mut Random) -> String {
    format!("\"{}\"", random.pick(&["n", "s", "k", "b", ""]))
}

pub(crate) fn leaf(random: &mut Random, kind: Kind) -> String {
    match kind {
        Kind::Bool => random.pick(&["true", "false", "context.b", "principal.b"]).to_owned(),
        Kind::Long => random.pick(&LONGS).to_owned(),
        Kind::String => format!("\"{}\"", random.pick(&STRINGS)),
        Kind::Entity => match random.below(5) {
            0 => "principal".to_owned(),
            1 => "resource".to_owned(),
            2 => "action".to_owned(),
            _ => uid(random),
        },
        Kind::Longs => random.pick(&["[1, 2, 3]", "[]", "[1, 1]", "principal.ls", "context.ls"]).to_owned(),
        Kind::Strings => random.pick(&["[\"a\", \"b\"]", "[]", "[\"é\"]", "context.ss", "resource.ss"]).to_owned(),
        Kind::Entities => match random.below(4) {
            0 => "context.es".to_owned(),
            1 => "[]".to_owned(),
            _ => format!("[{}, {}]", uid(random), uid(random)),
        },
        Kind::Record => random
            .pick(&["{n: 1, s: \"a\"}", "{}", "context", "context.r", "principal.r", "{\"n\": 1, \"if\": 2}"])
            .to_owned(),
        Kind::Decimal => format!("decimal(\"{}\")", random.pick(&DECIMALS)),
        Kind::Ip => format!("ip(\"{}\")", random.pick(&IPS)),
        Kind::Datetime => format!("datetime(\"{}\")", random.pick(&DATETIMES)),
        Kind::Duration => format!("duration(\"{}\")", random.pick(&DURATIONS)),
    }
}

fn operator(random: &mut Random, kind: Kind, depth: usize) -> String {
    let choice = random.below(9);
    let mut sub = |kind| expression(random, kind, depth);
    match kind {
        Kind::Bool => truth(random, depth),
        Kind::Long => match choice {
            0..=2 => format!("({} + {})", sub(Kind::Long), sub(Kind::Long)),
            3 => format!("({} - {})", sub(Kind::Long), sub(Kind::Long)),
            4 | 5 => format!("({} * {})", sub(Kind::Long), sub(Kind::Long)),
            6 => format!("(-{})", sub(Kind::Long)),
            _ => {
                let argument = sub(Kind::Duration);
                let method = random.pick(&["toMilliseconds", "toSeconds", "toMinutes", "toHours", "toDays"]);
                format!("{argument}.{method}()")
            }
        },
        Kind::String | Kind::Entity => leaf(random, kind),
        Kind::Longs => format!("[{}, {}]", sub(Kind::Long), sub(Kind::Long)),
        Kind::Strings => format!("[{}, {}]", sub(Kind::String), sub(Kind::String)),
        Kind::Entities => format!("[{}, {}]", sub(Kind::Entity), sub(Kind::Entity)),
        Kind::Record => {
            let inner = KINDS[random.below(KINDS.len())];
            let value = expression(random, inner, depth);
            let other = if inner == Kind::Record { "n" } else { "r" };
            format!("{{\"{}\": {value}, \"{other}\": {}}}", attribute(inner), leaf(random, Kind::Record))
        }
        Kind::Decimal | Kind::Ip => leaf(random, kind),
        Kind::Datetime => match choice % 3 {
            0 => format!("{}.toDate()", sub(Kind::Datetime)),
            _ => format!("{}.offset({})", sub(Kind::Datetime), sub(Kind::Duration)),
        },
        Kind::Duration => match choice % 3 {
            0 => format!("{}.toTime()", sub(Kind::Datetime)),
            _ => format!("{}.durationSince({})", sub(Kind::Datetime), sub(Kind::Datetime)),
        },
    }
}

fn truth(random: &mut Random, depth: usize) -> String {
    let choice = random.below(21);
    let mut sub = |kind| expression(random, kind, depth);
    match choice {
        0 | 1 => format!("({} && {})", sub(Kind::Bool), sub(Kind::Bool)),
        2 | 3 => format!("({} || {})", sub(Kind::Bool), sub(Kind::Bool)),
        4 => format!("(!{})", sub(Kind::Bool)),
        5 => {
            let kind = KINDS[random.below(KINDS.len())];
            let (left, right) = (expression(random, kind, depth), expression(random, kind, depth));
            let operator = random.pick(&["==", "!="]);
            format!("({left} {operator} {right})")
        }
        6 | 7 => {
            let (left, right) = match sub(Kind::Bool).len() % 4 {
                0 => (sub(Kind::Datetime), sub(Kind::Datetime)),
                1 => (sub(Kind::Duration), sub(Kind::Duration)),
                _ => (sub(Kind::Long), sub(Kind::Long)),
            };
            let operator = random.pick(&["<", "<=", ">", ">="]);
            format!("({left} {operator} {right})")
        }
        8 => format!("({} in {})", sub(Kind::Entity), sub(Kind::Entity)),
        9 => format!("({} in {})", sub(Kind::Entity), sub(Kind::Entities)),
        10 => {
            let (set, member) =
                [(Kind::Longs, Kind::Long), (Kind::Strings, Kind::String), (Kind::Entities, Kind::Entity)]
                    [random.below(3)];
            format!("{}.contains({})", expression(random, set, depth), expression(random, member, depth))
        }
        11 => {
            let set = [Kind::Longs, Kind::Strings, Kind::Entities][random.below(3)];
            let (left, right) = (expression(random, set, depth), expression(random, set, depth));
            let method = random.pick(&["containsAll", "containsAny"]);
            format!("{left}.{method}({right})")
        }
        12 => format!("{}.isEmpty()", sub(Kind::Strings)),
        13 => {
            let (text, pattern) =
                (sub(Kind::String), random.pick(&["*", "a*", "*c", "a\\*c", "é*", "", "a*b*c", "*\\u{e9}*"]));
            format!("({text} like \"{pattern}\")")
        }
        14 => {
            let (entity, name) = (sub(Kind::Entity), random.pick(&TYPES));
            if random.one_in(3) {
                format!("({entity} is {name} in {})", expression(random, Kind::Entity, depth))
            } else {
                format!("({entity} is {name})")
            }
        }
        15 | 16 => {
            let holder = if random.one_in(2) { Kind::Entity } else { Kind::Record };
            let holder = expression(random, holder, depth);
            match random.below(4) {
                0 => format!("({holder} has r.{})", attribute(KINDS[random.below(12)])),
                1 => format!("({holder} has \"{}\")", random.pick(&["n", "if", "", "with space"])),
                _ => format!("({holder} has {})", attribute(KINDS[random.below(12)])),
            }
        }
        17 => {
            let entity = sub(Kind::Entity);
            format!("{entity}.hasTag({})", tag(random))
        }
        18 => {
            let (left, right) = (sub(Kind::Decimal), sub(Kind::Decimal));
            let method = random.pick(&["lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual"]);
            format!("{left}.{method}({right})")
        }
        19 => {
            let range = sub(Kind::Ip);
            let method = random.pick(&["isIpv4", "isIpv6", "isLoopback", "isMulticast"]);
            format!("{range}.{method}()")
        }
        _ => format!("{}.isInRange({})", sub(Kind::Ip), sub(Kind::Ip)),
    }
}

fn party(random: &mut Random, variable: &str, may_slot: bool) -> String {
    let entity = |random: &mut Random| if may_slot { format!("?{variable}") } else { uid_of_scope(random) };
    match random.below(if may_slot { 3 } else { 11 }) {
        0 => format!("{variable} == {}", entity(random)),
        1 => format!("{variable} in {}", entity(random)),
        2 => format!("{variable} is {} in {}", random.pick(&TYPES), entity(random)),
        3 => format!("{variable} is {}", random.pick(&TYPES)),
        _ => variable.to_owned(),
    }
}

fn uid_of_scope(random: &mut Random) -> String {
    format!("{}::\"{}\"", random.pick(&TYPES), random.pick(&IDS[..3]))
}

fn action_scope(random: &mut Random) -> String {
    let action = |random: &mut Random| format!("Action::\"{}\"", random.pick(&ACTIONS));
    match random.below(8) {
        0 => format!("action == {}", action(random)),
        1 => format!("action in {}", action(random)),
        2 => format!("action in [{}, {}]", action(random), action(random)),
        _ => "action".to_owned(),
    }
}

/// A policy, or a template with the slots `slots` (principal, resource).
pub(crate) fn policy(random: &mut Random, slots: (bool, bool)) -> String {
    let mut text = String::new();
    let effect = if random.one_in(3) { "forbid" } else { "permit" };
    let (principal, action) = (party(random, "principal", slots.0), action_scope(random));
    let resource = party(random, "resource", slots.1);
    write!(text, "{effect} ({principal}, {action}, {resource})").unwrap();
    for _ in 0..[0, 0, 1, 1, 1, 2, 3][random.below(7)] {
        let keyword = if random.one_in(3) { "unless" } else { "when" };
        let depth = 1 + random.below(4);
        write!(text, "\n  {keyword} {{ {} }}", expression(random, Kind::Bool, depth)).unwrap();
    }
    text.push_str(";\n");
    text
}
