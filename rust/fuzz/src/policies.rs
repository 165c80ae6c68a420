//! Which policies do the bytes say?
//!
//! Expressions are drawn for the kind of value that their place needs, and a few times for another, so that most have a
//! value and every operator meets operands that it does not take. Whatever is drawn, Cedar's parser takes.
//!
//! Read next: `data.rs`.

use crate::draw::Draw;
use crate::ours::Link;
use crate::words::{self, ACTIONS, Kind, NAMES, TYPES, quoted, text, uid, written};

use Kind as K;

/// Policies and links; where scopes are open most policies concern every principal or resource, so that their conditions
/// are asked.
pub(crate) fn policies(draw: &mut Draw<'_>, is_open: bool) -> (String, Vec<Link>) {
    let (mut texts, mut links) = (String::new(), Vec::new());
    for number in 0..1 + draw.below(4) {
        let slots = (draw.one_in(5), draw.one_in(5));
        texts.push_str(&policy(draw, slots, is_open));
        if slots.0 || slots.1 {
            for link in 0..1 + draw.below(2) {
                let principal = slots.0.then(|| uid(draw, &TYPES));
                let resource = slots.1.then(|| uid(draw, &TYPES));
                let (template, name) = (format!("policy{number}"), format!("link{number}.{link}"));
                links.push(Link { template, name, principal, resource });
            }
        }
    }
    (texts, links)
}

fn policy(draw: &mut Draw<'_>, slots: (bool, bool), is_open: bool) -> String {
    let effect = draw.pick(&["permit", "forbid"]);
    let principal = party(draw, "principal", slots.0, is_open);
    let action = action_scope(draw);
    let resource = party(draw, "resource", slots.1, is_open);
    let mut made = format!("{effect} ({principal}, {action}, {resource})");
    for _ in 0..draw.pick(&[1, 1, 2, 0]) {
        let (keyword, depth) = (draw.pick(&["when", "unless"]), 1 + draw.below(5));
        let condition = if is_open && draw.one_in(2) { tests(draw) } else { expression(draw, K::Bool, depth) };
        made.push_str(&format!("\n  {keyword} {{ {condition} }}"));
    }
    made + ";\n"
}

/// What conditions mostly are: a few values, each compared with a literal.
fn tests(draw: &mut Draw<'_>) -> String {
    let tests: Vec<String> = (0..1 + draw.below(3)).map(|_| test(draw)).collect();
    tests.join(draw.pick(&[" && ", " || "]))
}

fn test(draw: &mut Draw<'_>) -> String {
    let holder = draw.pick(&["context", "context", "context.box", "principal", "resource"]);
    let not = draw.pick(&["", "", "!"]);
    let operator = draw.pick(&["<", "<=", ">", ">=", "==", "!="]);
    match draw.below(8) {
        0 | 1 => format!("{not}({holder}.count {operator} {})", words::long(draw)),
        2 => format!("{not}({} {operator} {holder}.count)", words::long(draw)),
        3 => format!("{not}({holder}.name {} {})", draw.pick(&["==", "!="]), quoted(&text(draw, K::Text, 4))),
        4 => format!("{not}({holder}.name like {})", pattern(draw)),
        5 => format!("{not}({holder} has {})", NAMES[draw.below(NAMES.len() - 1)].0),
        6 => format!("{not}({holder}.who is {})", draw.pick(&TYPES)),
        _ => format!("{not}{holder}.flag"),
    }
}

fn party(draw: &mut Draw<'_>, variable: &str, has_slot: bool, is_open: bool) -> String {
    if is_open && !has_slot && !draw.one_in(3) {
        return variable.to_owned();
    }
    let entity = if has_slot { format!("?{variable}") } else { written(&uid(draw, &TYPES)) };
    match (draw.below(5), has_slot) {
        (0 | 1, false) => variable.to_owned(),
        (2, false) => format!("{variable} is {}", draw.pick(&TYPES)),
        (3, _) => format!("{variable} is {} in {entity}", draw.pick(&TYPES)),
        (4, _) => format!("{variable} == {entity}"),
        _ => format!("{variable} in {entity}"),
    }
}

fn action_scope(draw: &mut Draw<'_>) -> String {
    let names: Vec<String> = draw.several(3, |draw| format!("Action::{}", quoted(draw.pick(&ACTIONS))));
    match (draw.below(4), names.first()) {
        (1, Some(first)) => format!("action == {first}"),
        (2, Some(first)) => format!("action in {first}"),
        (3, _) => format!("action in [{}]", names.join(", ")),
        _ => "action".to_owned(),
    }
}

fn name_of(kind: Kind) -> &'static str {
    NAMES.iter().find(|(_, known)| *known == kind).map_or("flag", |(name, _)| name)
}

fn any_kind(draw: &mut Draw<'_>) -> Kind {
    NAMES[draw.below(NAMES.len())].1
}

/// An expression, mostly of this kind.
fn expression(draw: &mut Draw<'_>, kind: Kind, depth: usize) -> String {
    let kind = if draw.one_in(20) { any_kind(draw) } else { kind };
    if depth == 0 || draw.is_empty() {
        return leaf(draw, kind);
    }
    let below = depth - 1;
    match draw.below(8) {
        0 => leaf(draw, kind),
        1 | 2 => access(draw, kind, below),
        3 => {
            let (test, then) = (expression(draw, K::Bool, below), expression(draw, kind, below));
            format!("(if {test} then {then} else {})", expression(draw, kind, below))
        }
        _ => operator(draw, kind, below),
    }
}

/// A literal or what a call or an entity brings, half of them each.
fn leaf(draw: &mut Draw<'_>, kind: Kind) -> String {
    if kind != K::Record && draw.one_in(2) {
        let holder = draw.pick(&["context", "context", "context", "principal", "resource", "context.box"]);
        return format!("{holder}.{}", name_of(kind));
    }
    match kind {
        K::Bool => draw.pick(&["true", "false", "context.flag"]).to_owned(),
        K::Long => match words::long(draw) {
            negative @ ..0 => format!("({negative})"),
            positive => positive.to_string(),
        },
        K::Text => quoted(&text(draw, kind, 4)),
        K::Entity => match draw.below(6) {
            0 => "principal".to_owned(),
            1 => "resource".to_owned(),
            2 => "action".to_owned(),
            3 => written(&words::action(draw)),
            _ => written(&uid(draw, &TYPES)),
        },
        K::Decimal => format!("decimal({})", quoted(&text(draw, kind, 4))),
        K::Address => format!("ip({})", quoted(&text(draw, kind, 4))),
        K::Moment => format!("datetime({})", quoted(&text(draw, kind, 4))),
        K::Length => format!("duration({})", quoted(&text(draw, kind, 4))),
        K::Longs => draw.pick(&["[1, 2, 1]", "[]", "[0, -1]"]).to_owned(),
        K::Texts => draw.pick(&["[\"a\", \"\"]", "[]"]).to_owned(),
        K::Entities => {
            let members = draw.several(3, |draw| written(&uid(draw, &TYPES)));
            format!("[{}]", members.join(", "))
        }
        K::Record => draw.pick(&["context", "context.box", "{}", "{count: 1}", "principal.box"]).to_owned(),
    }
}

/// An attribute or a tag.
fn access(draw: &mut Draw<'_>, kind: Kind, below: usize) -> String {
    let name = name_of(kind);
    match draw.below(8) {
        0 => format!("context.{name}"),
        1 => format!("context.box.{name}"),
        2 => format!("principal.{name}"),
        3 => format!("resource.{name}"),
        4 => format!("context.box.box[\"{name}\"]"),
        5 => format!("{}.{name}", expression(draw, K::Entity, below)),
        6 => format!("{}[\"{name}\"]", expression(draw, K::Record, below)),
        _ => format!("{}.getTag({})", expression(draw, K::Entity, below), expression(draw, K::Text, below)),
    }
}

fn operator(draw: &mut Draw<'_>, kind: Kind, below: usize) -> String {
    let sub = expression;
    match kind {
        K::Bool => truth(draw, below),
        K::Long => match draw.below(5) {
            0 => format!("({} + {})", sub(draw, kind, below), sub(draw, kind, below)),
            1 => format!("({} - {})", sub(draw, kind, below), sub(draw, kind, below)),
            2 => format!("({} * {})", sub(draw, kind, below), sub(draw, kind, below)),
            3 => format!("(-{})", sub(draw, kind, below)),
            _ => {
                let method = draw.pick(&["toMilliseconds", "toSeconds", "toMinutes", "toHours", "toDays"]);
                format!("{}.{method}()", sub(draw, K::Length, below))
            }
        },
        K::Moment => match draw.below(2) {
            0 => format!("{}.offset({})", sub(draw, kind, below), sub(draw, K::Length, below)),
            _ => format!("{}.toDate()", sub(draw, kind, below)),
        },
        K::Length => match draw.below(2) {
            0 => format!("{}.durationSince({})", sub(draw, K::Moment, below), sub(draw, K::Moment, below)),
            _ => format!("{}.toTime()", sub(draw, K::Moment, below)),
        },
        K::Decimal if draw.one_in(8) => format!("decimal({})", sub(draw, K::Text, below)),
        K::Address if draw.one_in(8) => format!("ip({})", sub(draw, K::Text, below)),
        K::Longs => set(draw, K::Long, below),
        K::Texts => set(draw, K::Text, below),
        K::Entities => set(draw, K::Entity, below),
        K::Record => record(draw, below),
        K::Text | K::Entity | K::Decimal | K::Address => leaf(draw, kind),
    }
}

fn set(draw: &mut Draw<'_>, member: Kind, below: usize) -> String {
    let members = draw.several(3, |draw| expression(draw, member, below));
    format!("[{}]", members.join(", "))
}

fn record(draw: &mut Draw<'_>, below: usize) -> String {
    let mut left = NAMES.to_vec();
    let attributes = draw.several(3, |draw| {
        let (name, kind) = left.swap_remove(draw.below(left.len()));
        format!("\"{name}\": {}", expression(draw, kind, below))
    });
    format!("{{{}}}", attributes.join(", "))
}

/// An operator that gives true or false.
fn truth(draw: &mut Draw<'_>, below: usize) -> String {
    let sub = expression;
    match draw.below(18) {
        0 => format!("({} && {})", sub(draw, K::Bool, below), sub(draw, K::Bool, below)),
        1 => format!("({} || {})", sub(draw, K::Bool, below), sub(draw, K::Bool, below)),
        2 => format!("(!{})", sub(draw, K::Bool, below)),
        3 | 4 => {
            let (kind, operator) = (any_kind(draw), draw.pick(&["==", "!="]));
            format!("({} {operator} {})", sub(draw, kind, below), sub(draw, kind, below))
        }
        5 | 6 => {
            let (kind, operator) = (draw.pick(&[K::Long, K::Moment, K::Length]), draw.pick(&["<", "<=", ">", ">="]));
            format!("({} {operator} {})", sub(draw, kind, below), sub(draw, kind, below))
        }
        7 => format!("({} in {})", sub(draw, K::Entity, below), sub(draw, K::Entity, below)),
        8 => format!("({} in {})", sub(draw, K::Entity, below), sub(draw, K::Entities, below)),
        9 => {
            let (set, member) = draw.pick(&[(K::Longs, K::Long), (K::Texts, K::Text), (K::Entities, K::Entity)]);
            format!("{}.contains({})", sub(draw, set, below), sub(draw, member, below))
        }
        10 => {
            let (set, method) =
                (draw.pick(&[K::Longs, K::Texts, K::Entities]), draw.pick(&["containsAll", "containsAny"]));
            format!("{}.{method}({})", sub(draw, set, below), sub(draw, set, below))
        }
        11 => format!("{}.isEmpty()", sub(draw, K::Texts, below)),
        12 => format!("({} like {})", sub(draw, K::Text, below), pattern(draw)),
        13 => {
            let (entity, name) = (sub(draw, K::Entity, below), draw.pick(&TYPES));
            let within = if draw.one_in(3) { format!(" in {}", sub(draw, K::Entity, below)) } else { String::new() };
            format!("({entity} is {name}{within})")
        }
        14 => presence(draw, below),
        15 => format!("{}.hasTag({})", sub(draw, K::Entity, below), sub(draw, K::Text, below)),
        16 => {
            let method = draw.pick(&["lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual"]);
            format!("{}.{method}({})", sub(draw, K::Decimal, below), sub(draw, K::Decimal, below))
        }
        _ => match draw.below(5) {
            0 => format!("{}.isInRange({})", sub(draw, K::Address, below), sub(draw, K::Address, below)),
            other => {
                let method = ["isIpv4", "isIpv6", "isLoopback", "isMulticast"][other - 1];
                format!("{}.{method}()", sub(draw, K::Address, below))
            }
        },
    }
}

/// `has`, of one name or of several.
fn presence(draw: &mut Draw<'_>, below: usize) -> String {
    let holder = if draw.one_in(2) { K::Entity } else { K::Record };
    let (holder, name) = (expression(draw, holder, below), NAMES[draw.below(NAMES.len() - 1)].0);
    match draw.below(4) {
        0 => format!("({holder} has \"odd name\")"),
        1 => format!("({holder} has box.{name})"),
        2 => format!("({holder} has box.box.{name})"),
        _ => format!("({holder} has {name})"),
    }
}

/// A pattern: letters, wildcards, and stars that are meant.
fn pattern(draw: &mut Draw<'_>) -> String {
    let mut made = String::from("\"");
    for letter in text(draw, K::Text, 3).chars() {
        match (letter, draw.below(4)) {
            ('*', 0) => made.push_str("\\*"),
            ('*', _) | (_, 3) => made.push('*'),
            _ => made.extend(letter.escape_default()),
        }
    }
    made + draw.pick(&["\"", "*\""])
}
