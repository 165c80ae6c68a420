//! How long is `"1h30m"`?
//!
//! Read next: `task_text.rs`.

/// Longest lifetime, in milliseconds: ten years.
pub const LIFETIME_MS_MAX: i64 = 10 * 366 * 86_400_000;

/// What a lifetime looks like, for messages.
pub(crate) const LIFETIME_ADVICE: &str = "write it as `\"30m\"`, `\"8h\"`, `\"45s\"`, `\"1h30m\"`, `\"7d\"`, or as an integer of milliseconds; ten years at most";

const UNITS: [(&str, i64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Milliseconds of a text such as `"30m"` or `"1h30m"`: numbers with units, the greater unit first and each once.
#[must_use]
pub fn lifetime_ms(text: &str) -> Option<i64> {
    let (mut rest, mut sum, mut units) = (text, 0i64, &UNITS[..]);
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: i64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?;
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let unit = rest.get(..letters)?;
        rest = rest.get(letters..)?;
        let place = units.iter().position(|(name, _)| *name == unit)?;
        let (_, unit_ms) = units.get(place)?;
        units = units.get(place.checked_add(1)?..)?;
        sum = sum.checked_add(number.checked_mul(*unit_ms)?)?;
    }
    in_bounds(sum)
}

/// The same number of milliseconds, if it can be a lifetime.
pub(crate) fn in_bounds(milliseconds: i64) -> Option<i64> {
    (1..=LIFETIME_MS_MAX).contains(&milliseconds).then_some(milliseconds)
}

#[cfg(test)]
mod tests {
    use super::lifetime_ms;

    #[test]
    fn numbers_with_units_are_added_up() {
        assert_eq!(lifetime_ms("30m"), Some(1_800_000));
        assert_eq!(lifetime_ms("1h30m"), Some(5_400_000));
        assert_eq!(lifetime_ms("7d"), Some(604_800_000));
        assert_eq!(lifetime_ms("45s"), Some(45_000));
        assert_eq!(lifetime_ms("250ms"), Some(250));
    }

    #[test]
    fn nothing_else_is_a_lifetime() {
        for text in ["", "0s", "30", "m", "-5m", "1.5h", "30m1h", "1h1h", "5w", "1 h", "99999999999d", "４m"] {
            assert_eq!(lifetime_ms(text), None, "{text}");
        }
    }
}
