//! Addresses and their ranges are Cedar's.

use std::fmt::Write;
use std::net::IpAddr;

use agentpdp_core::ipaddr::IpNet;

use crate::question::{Counts, Question, Questions};
use crate::random::{Random, cases, random};

/// Both versions at the bounds of each rule, and what is no address.
const ADDRESSES: &str = "\
    0.0.0.0|0.0.0.0/0|255.255.255.255/32|255.255.255.255/33|256.0.0.0|127.0.0.1|127.0.0.1/8|127.0.0.1/7|\
    127.255.255.255|128.0.0.0/1|126.255.255.255/8|10.0.0.1/8|10.0.0.0/8|10.0.0.0/08|10.0.0.0/00|10.0.0.0/0|\
    10.0.0.0/|10.0.0.0/-1|10.0.0.0/+8|10.0.0.0/8/8|10.0.0.0/ 8|10.0.0.0 /8|/8|10.0.0.0/256|10.0.0/8|10.0.0|\
    10.0.0.|.10.0.0.0|10..0.0|10.0.0.0.0|010.0.0.0|00.0.0.0|0x0.0.0.0|1.2.3.4 | 1.2.3.4|1.2.3.4\n|1.2.3.\u{664}|\
    224.0.0.0/4|224.0.0.0/3|239.255.255.255|240.0.0.0|::|::/0|::1|::1/128|::1/127|::1/129|::1/0128|::2|ff00::/8|\
    ff00::/7|feff::|ff02::1|FF02::1|::ffff:7f00:1|::ffff:127.0.0.1|::127.0.0.1|1:2:3:4:5:6:127.0.0.1|\
    1:2:3:4:5:6:7:8|1:2:3:4:5:6:7:8:9|1:2:3:4:5:6:7::|1:2:3:4:5:6:7:8::|1:2:3:4::5:6:7:8|::2:3:4:5:6:7:8|\
    ::1:2:3:4:5:6:7:8|1::2::3|:::|:|1:|:1|1:2:3:4:5:6:7:|abcd:ef01:2345:6789:abcd:ef01:2345:6789/128|00001::|\
    g::|";

fn random_prefix(random: &mut Random, bits: usize) -> String {
    match random.below(4) {
        0 => String::new(),
        1 => format!("/{}", random.pick(&[0, 1, 4, 7, 8, 31, 32, 33, 127, 128, 129, 255, 256])),
        _ => format!("/{}", random.below(bits + 1)),
    }
}

fn random_address(random: &mut Random) -> String {
    let mut text = String::new();
    if random.one_in(2) {
        for part in 0..4 {
            let octet = match random.below(5) {
                0 => random.pick(&[255, 256, 128, 10, 1]),
                1 => random.below(256),
                _ if part == 0 => random.pick(&[127, 224, 239, 240, 10, 126]),
                _ => 0,
            };
            write!(text, "{}{octet}", if part > 0 { "." } else { "" }).unwrap();
        }
        text += &random_prefix(random, 32);
    } else {
        let count = if random.one_in(3) { 8 } else { random.below(9) };
        let groups: Vec<String> = (0..count).map(|at| random_group(random, at)).collect();
        text = if count < 8 || random.one_in(8) {
            let (head, tail) = groups.split_at(random.below(count + 1));
            format!("{}::{}", head.join(":"), tail.join(":"))
        } else {
            groups.join(":")
        };
        text += &random_prefix(random, 128);
    }
    random.damaged(&text, "0123456789abcdefABCDEF:./")
}

fn random_group(random: &mut Random, at: usize) -> String {
    match random.below(4) {
        0 => random.pick(&["0", "1", "ff00", "FF02", "fe80", "00ff", "0000", "ffff"]).to_owned(),
        1 if at == 0 => "ff02".to_owned(),
        _ => format!("{:x}", random.next() as u16 >> random.below(16)),
    }
}

/// What is asked about addresses.
struct Check {
    is_address: Question,
    alone: Questions,
    paired: Questions,
    counts: Counts,
    /// Pairs where the first range was in the second, and where it was not.
    pairs: Counts,
}

impl Check {
    fn new() -> Self {
        Self {
            is_address: Question::new("ip(context.a) == ip(context.a)"),
            alone: Questions::new([
                "ip(context.a) == ip(context.b)",
                "ip(context.a).isIpv4()",
                "ip(context.a).isIpv6()",
                "ip(context.a).isLoopback()",
                "ip(context.a).isMulticast()",
            ]),
            paired: Questions::new(["ip(context.a) == ip(context.b)", "ip(context.a).isInRange(ip(context.b))"]),
            counts: Counts::default(),
            pairs: Counts::default(),
        }
    }

    fn one(&mut self, text: &str) -> Option<IpNet> {
        let ours = IpNet::parse(text);
        assert_eq!(self.is_address.bool(text, ""), ours.map(|_| true), "ip({text:?})");
        self.counts.count(ours.is_some());
        let range = ours?;
        let methods = [true, range.is_ipv4(), range.is_ipv6(), range.is_loopback(), range.is_multicast()];
        self.alone.check(text, &range.to_string(), methods);
        Some(range)
    }

    fn two(&mut self, (left, a): (&str, IpNet), (right, b): (&str, IpNet)) {
        let is_in = a.is_in_range(&b);
        self.pairs.count(is_in);
        self.paired.check(left, right, [a == b, is_in]);
        self.paired.check(right, left, [a == b, b.is_in_range(&a)]);
        assert_eq!(a.cmp(&b), parts(left).cmp(&parts(right)), "{left:?} before {right:?}");
    }
}

/// Address and prefix by the standard library: Cedar orders ranges so.
fn parts(text: &str) -> (IpAddr, u8) {
    let (address, prefix) = text.split_once('/').unwrap_or((text, ""));
    let address: IpAddr = address.parse().unwrap();
    (address, prefix.parse().unwrap_or(if address.is_ipv4() { 32 } else { 128 }))
}

#[test]
fn addresses_are_cedars() {
    let mut random = random();
    let mut check = Check::new();
    let mut last = ("::1".to_owned(), IpNet::parse("::1").unwrap());
    let mut texts = ADDRESSES.split('|').map(str::to_owned).collect::<Vec<_>>();
    texts.extend((0..cases()).map(|_| random_address(&mut random)));
    for text in texts {
        let Some(range) = check.one(&text) else { continue };
        check.two((&text, range), (&last.0, last.1));
        let (address, _) = text.split_once('/').unwrap_or((&text, ""));
        let wider = format!("{address}{}", random_prefix(&mut random, if range.is_ipv4() { 32 } else { 128 }));
        if let Some(other) = check.one(&wider) {
            check.two((&text, range), (&wider, other));
        }
        last = (text, range);
    }
    check.counts.report("addresses");
    check.pairs.report("pairs of addresses");
}

#[test]
fn every_prefix_is_cedars() {
    let mut check = Check::new();
    for (address, bits) in [("127.255.170.1", 32), ("255.0.0.0", 32), ("::1", 128), ("ff5a::a5:5a01", 128)] {
        let ranges: Vec<String> = (0..bits + 3).map(|prefix| format!("{address}/{prefix}")).collect();
        for text in &ranges {
            let Some(range) = check.one(text) else { continue };
            for other in ranges.iter().step_by(5) {
                if let Some(outer) = IpNet::parse(other) {
                    check.two((text, range), (other, outer));
                }
            }
        }
    }
}
