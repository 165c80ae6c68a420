//! Is this TOML flat enough to be parsed?
//!
//! A key of many names, `a.b.c…`, is as many tables within one another as it has names, and brackets nest. One pass
//! over the bytes that knows strings and comments counts both.

/// Names of one dotted key, and brackets within brackets: far more than people write.
pub(crate) const TOML_NESTING_MAX: usize = 32;

/// The byte at which a text nests deeper than is read; none if it does not.
pub(crate) fn too_deep(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut open, mut dots) = (0usize, 0usize, 0usize);
    while let Some(byte) = bytes.get(at).copied() {
        match byte {
            b'"' | b'\'' => at = end_of_string(bytes, at, byte),
            b'#' => at = find(bytes, at, |byte| byte == b'\n'),
            b'[' | b'{' => (open, dots) = (open.saturating_add(1), 0),
            b']' | b'}' => (open, dots) = (open.saturating_sub(1), 0),
            b'.' => dots = dots.saturating_add(1),
            b',' | b'=' | b'\n' => dots = 0,
            _ => {}
        }
        if open > TOML_NESTING_MAX || dots > TOML_NESTING_MAX {
            return Some(at);
        }
        at = at.saturating_add(1);
    }
    None
}

/// The last byte of the string that starts here.
fn end_of_string(bytes: &[u8], start: usize, quote: u8) -> usize {
    let is_long = bytes.get(start..start.saturating_add(3)) == Some(&[quote; 3]);
    let mut at = start.saturating_add(if is_long { 3 } else { 1 });
    while let Some(byte) = bytes.get(at).copied() {
        match byte {
            b'\\' if quote == b'"' => at = at.saturating_add(1),
            b'\n' if !is_long => return at,
            _ if byte == quote && !is_long => return at,
            _ if byte == quote && bytes.get(at..at.saturating_add(3)) == Some(&[quote; 3]) => {
                return at.saturating_add(2);
            }
            _ => {}
        }
        at = at.saturating_add(1);
    }
    at
}

fn find(bytes: &[u8], start: usize, wanted: fn(u8) -> bool) -> usize {
    let rest = bytes.get(start..).unwrap_or(&[]);
    start.saturating_add(rest.iter().position(|byte| wanted(*byte)).unwrap_or(rest.len()))
}

#[cfg(test)]
mod tests {
    use super::{TOML_NESTING_MAX, too_deep};

    #[test]
    fn brackets_and_dots_outside_strings_are_counted() {
        let deep = TOML_NESTING_MAX + 1;
        assert_eq!(too_deep(&format!("a = {}", "[".repeat(deep))), Some(3 + deep));
        assert!(too_deep(&format!("{}x = 1", "a.".repeat(deep))).is_some());
        assert_eq!(too_deep(&format!("a = \"{}\" # {}", "[".repeat(deep), "[".repeat(deep))), None);
        assert_eq!(too_deep(&format!("a = '''\n{}'''\nb = 1.5", "[.".repeat(deep))), None);
        assert_eq!(too_deep(&"a.b = [1.5, 2.5]\n".repeat(100)), None);
    }
}
