//! Decimals are Cedar's.

use agentpdp_core::decimal::Decimal;

use crate::question::{Counts, Question, Questions};
use crate::random::{Random, cases, random};

/// Bounds, signs, zeros, and what is no decimal.
const DECIMALS: &str = "\
    0.0|-0.0|1.5|1.50|1.5000|1.50000|-0.5|-1.0000|00.1|0000000000000000000000001.0|0.00000|922337203685477.5807|\
    922337203685477.5808|-922337203685477.5808|-922337203685477.5809|922337203685478.0|-922337203685478.0|\
    9223372036854775807.0|9223372036854775808.0|99999999999999999999.0||-|.|-.|1|1.|.5|-.5|+1.5|1.+5|1.-5|--1.5|\
    1.5.5|1..5|1,5| 1.5|1.5 |1.5\n|1e3.0|\u{663}.\u{663}|1.\u{663}|\u{ff11}.0";

fn random_decimal(random: &mut Random) -> String {
    let sign = random.pick(&["", "-"]);
    let text = match random.below(4) {
        0 => {
            let units = i128::from(i64::MAX) + random.below(9) as i128 - 4;
            format!("{}.{:04}", units / 10_000, units % 10_000)
        }
        1 => {
            let whole = random.pick(&["922337203685477", "922337203685476", "922337203685478", "92233720368547"]);
            let places = 1 + random.below(4);
            format!("{whole}.{}", random.digits(places))
        }
        _ => {
            let (zeros, whole, places) =
                (random.pick(&["", "", "0", "00000"]), 1 + random.below(16), 1 + random.below(5));
            format!("{zeros}{}.{}", random.digits(whole), random.digits(places))
        }
    };
    random.damaged(&format!("{sign}{text}"), "0123456789.-+e")
}

#[test]
fn decimals_are_cedars() {
    let mut random = random();
    let is_decimal = Question::new("decimal(context.a) == decimal(context.a)");
    let methods = Questions::new([
        "decimal(context.a) == decimal(context.b)",
        "decimal(context.a).lessThan(decimal(context.b))",
        "decimal(context.a).lessThanOrEqual(decimal(context.b))",
        "decimal(context.a).greaterThan(decimal(context.b))",
        "decimal(context.a).greaterThanOrEqual(decimal(context.b))",
    ]);
    let (mut counts, mut last) = (Counts::default(), ("0.0".to_owned(), Decimal::from_scaled(0)));
    let mut check = |text: String| {
        let ours = Decimal::parse(&text);
        assert_eq!(is_decimal.bool(&text, ""), ours.map(|_| true), "decimal({text:?})");
        counts.count(ours.is_some());
        let Some(a) = ours else { return };
        methods.check(&text, &a.to_string(), [true, false, true, false, true]);
        let b = last.1;
        methods.check(&text, &last.0, [a == b, a < b, a <= b, a > b, a >= b]);
        last = (text, a);
    };
    DECIMALS.split('|').for_each(|text| check(text.to_owned()));
    (0..cases()).for_each(|_| check(random_decimal(&mut random)));
    counts.report("decimals");
}

#[test]
fn a_decimal_is_its_ten_thousandths() {
    let mut random = random();
    let is_decimal = Question::new("decimal(context.a) == decimal(context.a)");
    for _ in 0..cases() {
        let units = random.long();
        let decimal = Decimal::from_scaled(units);
        let magnitude = i128::from(units).abs();
        let sign = if units < 0 { "-" } else { "" };
        let text = format!("{sign}{}.{:04}", magnitude / 10_000, magnitude % 10_000);
        assert_eq!((decimal.scaled(), &decimal.to_string()), (units, &text));
        assert_eq!(Decimal::parse(&text), Some(decimal));
        let whole = format!("{units}.0");
        let ours = Decimal::from_long(units);
        assert_eq!(is_decimal.bool(&whole, ""), ours.map(|_| true), "{units} as a decimal");
        assert_eq!(Decimal::parse(&whole), ours);
    }
}
