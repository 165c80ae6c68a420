//! A vector whose copies share what they have in common.
//!
//! A snapshot of the store must cost nothing to take and an edit must cost in proportion to the edit, while other
//! threads go on reading the old version. `Paged` is a three-level array of pages of 64 items behind reference counts:
//! a clone is one count, an edit copies one path (three pages) and only if somebody else still holds it.
//!
//! Optimisation: gives what a plain vector gives; `tests/paged.rs` compares the two on random edits.

use std::sync::Arc;

const PAGE_BITS: usize = 6;
const PAGE_ITEMS: usize = 1 << PAGE_BITS;
const PAGE_MASK: usize = PAGE_ITEMS - 1;

type Page<T> = Arc<[T]>;
type Middle<T> = Arc<[Page<T>]>;

/// A growing vector with cheap clones; items are never removed.
#[derive(Clone, Debug)]
pub struct Paged<T> {
    tops: Arc<Vec<Middle<T>>>,
    len: usize,
}

impl<T> Default for Paged<T> {
    fn default() -> Self {
        Self { tops: Arc::new(Vec::new()), len: 0 }
    }
}

impl<T: Clone + Default> Paged<T> {
    /// Number of items.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no item.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The item at an index.
    #[inline]
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&T> {
        if index >= self.len {
            return None;
        }
        self.tops.get(index >> (2 * PAGE_BITS))?.get((index >> PAGE_BITS) & PAGE_MASK)?.get(index & PAGE_MASK)
    }

    /// The item at an index, to be changed; copies what other versions share.
    pub fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        if index >= self.len {
            return None;
        }
        let middle = Arc::make_mut(&mut self.tops).get_mut(index >> (2 * PAGE_BITS))?;
        let page = Arc::make_mut(middle).get_mut((index >> PAGE_BITS) & PAGE_MASK)?;
        Arc::make_mut(page).get_mut(index & PAGE_MASK)
    }

    /// Adds an item at the end and gives its index.
    pub fn push(&mut self, item: T) -> usize {
        let index = self.len;
        let (top, middle) = (index >> (2 * PAGE_BITS), (index >> PAGE_BITS) & PAGE_MASK);
        let tops = Arc::make_mut(&mut self.tops);
        if top == tops.len() {
            tops.push(Arc::from(Vec::new()));
        }
        if let Some(pages) = tops.get_mut(top)
            && middle == pages.len()
        {
            let mut grown: Vec<Page<T>> = pages.to_vec();
            grown.push((0..PAGE_ITEMS).map(|_| T::default()).collect());
            *pages = grown.into();
        }
        self.len = index.saturating_add(1);
        if let Some(place) = self.get_mut(index) {
            *place = item;
        }
        index
    }

    /// All items in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.tops.iter().flat_map(|middle| middle.iter()).flat_map(|page| page.iter()).take(self.len)
    }
}
