//! Which known name did somebody mean who wrote an unknown one?

/// Most names that an advice lists.
const LISTED_COUNT: usize = 12;

/// The known name that is most like another one, unless none is near.
pub(crate) fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let far = (name.chars().count() / 3).max(2);
    let measured = known.into_iter().map(|known| (distance(name, known), known));
    measured.filter(|(steps, _)| *steps <= far).min().map(|(_, known)| known)
}

/// ``did you mean `amount`?``, or a list of what there is.
pub(crate) fn did_you_mean<'n>(name: &str, known: impl IntoIterator<Item = &'n str>, list: &str) -> String {
    let mut known: Vec<&str> = known.into_iter().collect();
    known.sort_unstable();
    known.dedup();
    if let Some(near) = nearest(name, known.iter().copied()) {
        return format!("did you mean `{}`?", near.escape_debug());
    }
    if known.is_empty() {
        return format!("{list}: none");
    }
    let more = if known.len() > LISTED_COUNT { ", …" } else { "" };
    let listed: Vec<String> =
        known.iter().take(LISTED_COUNT).map(|known| format!("`{}`", known.escape_debug())).collect();
    format!("{list} {}{more}", listed.join(", "))
}

/// Characters to change, put in or take out; two neighbours that are swapped are one change.
fn distance(left: &str, right: &str) -> usize {
    const CHARACTERS_COMPARED: usize = 64;
    let left: Vec<char> = left.chars().take(CHARACTERS_COMPARED).flat_map(char::to_lowercase).collect();
    let right: Vec<char> = right.chars().take(CHARACTERS_COMPARED).flat_map(char::to_lowercase).collect();
    let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for (line, character) in left.iter().enumerate() {
        let mut row = vec![line.saturating_add(1)];
        for (column, other) in right.iter().enumerate() {
            let change = at(&above, column).saturating_add(usize::from(character != other));
            let aside = at(&row, column).min(at(&above, column.saturating_add(1))).saturating_add(1);
            let swapped = line > 0
                && column > 0
                && left.get(line.wrapping_sub(1)) == Some(other)
                && right.get(column.wrapping_sub(1)) == Some(character);
            let swap = if swapped { at(&before, column.wrapping_sub(1)).saturating_add(1) } else { usize::MAX };
            row.push(change.min(aside).min(swap));
        }
        before = std::mem::replace(&mut above, row);
    }
    at(&above, right.len())
}

#[cfg(test)]
mod tests {
    use super::{did_you_mean, nearest};

    #[test]
    fn names_that_are_near_are_found() {
        assert_eq!(nearest("amuont", ["amount", "account"]), Some("amount"));
        assert_eq!(nearest("lifetme", ["lifetime", "own"]), Some("lifetime"));
        assert_eq!(nearest("zebra", ["amount", "own"]), None);
    }

    #[test]
    fn where_none_is_near_all_are_listed() {
        assert_eq!(did_you_mean("zebra", ["own", "amount"], "keys are"), "keys are `amount`, `own`");
    }
}
