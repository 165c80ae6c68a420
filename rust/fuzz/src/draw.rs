//! How do bytes become choices?
//!
//! Every choice takes its bytes from the input, so that the fuzzer, by changing a byte, changes one choice. Where the
//! input has run out every choice is the first one; whoever draws puts what ends a recursion first.
//!
//! Read next: `words.rs`.

use arbitrary::Unstructured;

/// Choices from the bytes of an input.
pub(crate) struct Draw<'b>(Unstructured<'b>);

impl<'b> Draw<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self(Unstructured::new(bytes))
    }

    /// A number below a bound.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0.int_in_range(0..=bound.saturating_sub(1)).unwrap_or(0)
    }

    /// Yes, once in so many times; no where the input has run out.
    pub(crate) fn one_in(&mut self, odds: usize) -> bool {
        self.below(odds) == odds.saturating_sub(1) && odds > 1
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Any 64 bits.
    pub(crate) fn long(&mut self) -> i64 {
        self.0.arbitrary().unwrap_or(0)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// So many things, fewer where the input runs out.
    pub(crate) fn several<T>(&mut self, most: usize, mut draw: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let count = self.below(most.saturating_add(1));
        (0..count).map_while(|_| (!self.is_empty()).then(|| draw(self))).collect()
    }
}
