//! Random texts and numbers, from a seed.

/// How many random cases a test makes.
pub(crate) fn cases() -> u64 {
    setting("EXTENSIONS_CASES", 4000)
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// A small generator of random numbers (splitmix64): the same seed gives the same texts on every machine.
pub(crate) struct Random(u64);

/// Characters that a careless reader takes for a digit, a sign, a space or an end.
const STRANGE: [char; 13] =
    ['\0', '\n', ' ', '\t', '\u{a0}', '\u{665}', '\u{ff11}', '\u{1d7d7}', '\u{2212}', '\u{e9}', '"', '_', '\\'];

impl Random {
    pub(crate) fn new() -> Self {
        Self(setting("EXTENSIONS_SEED", 1))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub(crate) fn one_in(&mut self, odds: usize) -> bool {
        self.below(odds) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

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
