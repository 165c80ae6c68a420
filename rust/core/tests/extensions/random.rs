//! Random texts and numbers, from a seed.

pub(crate) use crate::seeded::Random;

/// How many random cases a test makes.
pub(crate) fn cases() -> u64 {
    setting("EXTENSIONS_CASES", 4000)
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The numbers, from `EXTENSIONS_SEED`.
pub(crate) fn random() -> Random {
    Random::new(setting("EXTENSIONS_SEED", 1))
}

/// Characters that a careless reader takes for a digit, a sign, a space or an end.
const STRANGE: [char; 13] =
    ['\0', '\n', ' ', '\t', '\u{a0}', '\u{665}', '\u{ff11}', '\u{1d7d7}', '\u{2212}', '\u{e9}', '"', '_', '\\'];

impl Random {
    /// So many digits.
    pub(crate) fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b'0' + self.below(10) as u8)).collect()
    }

    /// A number of any size, often near nought, a bound or a multiple of a unit of time.
    pub(crate) fn long(&mut self) -> i64 {
        let near = self.below(5) as i64 - 2;
        match self.below(6) {
            0 => near,
            1 => i64::MAX - near.abs(),
            2 => i64::MIN + near.abs() * self.pick(&[1, 1_000, 86_400_000]),
            3 => near + self.pick(&[1_000, 60_000, 3_600_000, 86_400_000]) * (self.below(2001) as i64 - 1000),
            _ => (self.next() as i64) >> self.below(64),
        }
    }

    /// The text with up to three characters inserted, removed, replaced, doubled or moved; every other time as it was.
    pub(crate) fn damaged(&mut self, text: &str, alphabet: &str) -> String {
        let alphabet: Vec<char> = alphabet.chars().collect();
        let mut characters: Vec<char> = text.chars().collect();
        let damages = if self.one_in(2) { 0 } else { 1 + self.below(3) };
        for _ in 0..damages {
            let character = if self.one_in(5) { self.pick(&STRANGE) } else { self.pick(&alphabet) };
            let at = self.below(characters.len() + 1);
            match self.below(5) {
                0 => characters.insert(at, character),
                _ if at == characters.len() => characters.push(character),
                1 => drop(characters.remove(at)),
                2 => characters[at] = character,
                3 => characters.insert(at, characters[at]),
                _ => characters.swap(at, 0),
            }
        }
        characters.into_iter().collect()
    }
}
