//! The canonical text is RFC 8785's, and what has no single one has none.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by a panic

use agentpdp_arguments::canonical::canonical;
use agentpdp_arguments::json::read;
use agentpdp_arguments::number::{Exact, Number};

fn form(text: &str) -> Result<String, String> {
    canonical(&read(text).unwrap()).map_err(|refusal| refusal.reason.name().to_owned())
}

#[test]
fn names_are_sorted_by_utf_16_and_text_is_escaped_as_little_as_can_be() {
    // The order of the RFC's section 3.2.3: code units, so a character beyond the first plane before U+FB33.
    let given = r#"{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}"#;
    let expected = "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"\u{f6}\":7,\"\u{20ac}\":1,\"\u{1f600}\":5,\"\u{fb33}\":3}";
    assert_eq!(form(given).unwrap(), expected);
    // The literals and strings of section 3.2.2.
    let given = r#"{"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#;
    let expected = "{\"literals\":[null,true,false],\"string\":\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
    assert_eq!(form(given).unwrap(), expected);
    assert_eq!(
        form("{\"numbers\": [4.50, 2e-3, 0.000000000000000000000000001]}").unwrap(),
        "{\"numbers\":[4.5,0.002,1e-27]}"
    );
}

/// Doubles by their bits with the text of ECMAScript: the RFC's appendix B.
#[test]
fn doubles_are_written_as_in_ecmascript() {
    let samples: [(u64, &str); 20] = [
        (0x0000_0000_0000_0000, "0"),
        (0x8000_0000_0000_0000, "0"),
        (0x0000_0000_0000_0001, "5e-324"),
        (0x8000_0000_0000_0001, "-5e-324"),
        (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
        (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
        (0x4340_0000_0000_0000, "9007199254740992"),
        (0x4430_0000_0000_0000, "295147905179352830000"),
        (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
        (0x44b5_2d02_c7e1_4af6, "1e+23"),
        (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
        (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
        (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
        (0x444b_1ae4_d6e2_ef50, "1e+21"),
        (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
        (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
        (0x41b3_de43_5555_5553, "333333333.3333332"),
        (0x41b3_de43_5555_5555, "333333333.3333333"),
        (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
        (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
    ];
    for (bits, expected) in samples {
        let exact = Exact::of_double(f64::from_bits(bits)).unwrap();
        assert_eq!(exact.ecmascript(), expected, "{bits:x}");
    }
    assert_eq!(Exact::of_double(f64::NAN), None);
    assert_eq!(Exact::of_double(f64::INFINITY), None);
}

#[test]
fn what_readers_may_differ_about_has_no_form() {
    for text in [
        "9007199254740992",
        "-9007199254740992",
        "1e30",
        "9223372036854775808",
        "333333333.33333329",
        "0.1000000000000000055511151231257827",
        "1e400",
        "1e-400",
        "{\"a\":1,\"a\":1}",
        "{\"a\":{\"b\":1,\"\\u0062\":2}}",
        "\"\\ud800\"",
        "{\"\\udc00\":1}",
        "[\"\\udc00\\ud800\"]",
    ] {
        assert_eq!(form(text), Err("argument_unsafe".to_owned()), "{text}");
    }
    assert_eq!(form("9007199254740991").unwrap(), "9007199254740991");
    assert_eq!(form("[1.0,1e2,-0,0.10]").unwrap(), "[1,100,0,0.1]");
}

#[test]
fn a_host_double_is_the_number_of_its_shortest_text() {
    for (double, places, expected) in
        [(0.1, 4, Some(1_000)), (0.00001, 4, None), (1e300, 4, None), (12.345, 2, None), (-0.5, 1, Some(-5))]
    {
        assert_eq!(Number::Float(double).scaled(places), expected, "{double}");
    }
    // Sixteen digits: beyond the quick way, and still exact.
    assert_eq!(Number::Float(562_949_953_421.312_5).scaled(4), Some(5_629_499_534_213_125));
    assert_eq!(Number::Text("9223372036854775808").scaled(4), None);
}
