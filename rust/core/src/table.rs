//! A hash table whose copies share what they have in common.
//!
//! The snapshot of an engine holds tables of a million uids and of a hundred thousand links; an edit of one entry must
//! not copy them. `Table` spreads its entries over many small hash tables in a [`Paged`] vector: an edit copies one of
//! them. Entries carry their own keys; callers bring the hash and the test for equality.
//!
//! Optimisation: gives what a plain hash map gives; `tests/paged.rs` compares the two on random edits.

use std::sync::Arc;

use hashbrown::HashTable;

use crate::paged::Paged;

/// Mean number of entries a shard may have before the number of shards is doubled.
const SHARD_ENTRIES_MAX: usize = 24;

type Shard<T> = Option<Arc<HashTable<(u64, T)>>>;

/// How many things are looked up side by side, so that they wait for memory together.
pub const SIDE_BY_SIDE: usize = 16;

/// A hash table with cheap clones.
#[derive(Clone, Debug)]
pub struct Table<T> {
    shards: Paged<Shard<T>>,
    mask: u64,
    len: usize,
}

impl<T: Clone> Default for Table<T> {
    fn default() -> Self {
        let mut shards = Paged::default();
        shards.push(None);
        Self { shards, mask: 0, len: 0 }
    }
}

impl<T: Clone> Table<T> {
    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The high half of the hash chooses the shard, hashbrown uses the rest.
    #[inline]
    #[allow(clippy::cast_possible_truncation)] // shards are far fewer than 2^32
    fn shard_of(&self, hash: u64) -> usize {
        ((hash >> 32) & self.mask) as usize
    }

    /// The entry with this hash for which `is_it` holds.
    #[inline]
    pub fn find(&self, hash: u64, mut is_it: impl FnMut(&T) -> bool) -> Option<&T> {
        let shard = self.shards.get(self.shard_of(hash))?.as_ref()?;
        shard.find(hash, |(other, entry)| *other == hash && is_it(entry)).map(|(_, entry)| entry)
    }

    /// For each hash an entry that has it: the one, but for chance, that [`Table::find`] asks about. They are looked up
    /// side by side, so that they wait for memory together.
    #[must_use]
    pub fn with_hashes<const N: usize>(&self, hashes: [u64; N]) -> [Option<&T>; N] {
        let shards = hashes.map(|hash| (hash, self.shards.get(self.shard_of(hash)).and_then(Option::as_deref)));
        shards.map(|(hash, shard)| shard?.find(hash, |(other, _)| *other == hash).map(|(_, entry)| entry))
    }

    /// The entry with this hash for which `is_it` holds, to be changed.
    pub fn find_mut(&mut self, hash: u64, mut is_it: impl FnMut(&T) -> bool) -> Option<&mut T> {
        self.find(hash, &mut is_it)?;
        let at = self.shard_of(hash);
        let shard = Arc::make_mut(self.shards.get_mut(at)?.as_mut()?);
        shard.find_mut(hash, |(other, entry)| *other == hash && is_it(entry)).map(|(_, entry)| entry)
    }

    /// Adds an entry; the caller has made sure that it is not there yet.
    pub fn insert(&mut self, hash: u64, entry: T) {
        if self.len >= self.shards.len().saturating_mul(SHARD_ENTRIES_MAX) {
            self.double();
        }
        let at = self.shard_of(hash);
        if let Some(place) = self.shards.get_mut(at) {
            let shard = Arc::make_mut(place.get_or_insert_with(|| Arc::new(HashTable::new())));
            shard.insert_unique(hash, (hash, entry), |(hash, _)| *hash);
            self.len = self.len.saturating_add(1);
        }
    }

    /// Takes the entry with this hash for which `is_it` holds out of the table.
    pub fn remove(&mut self, hash: u64, mut is_it: impl FnMut(&T) -> bool) -> Option<T> {
        self.find(hash, &mut is_it)?;
        let at = self.shard_of(hash);
        let shard = Arc::make_mut(self.shards.get_mut(at)?.as_mut()?);
        let found = shard.find_entry(hash, |(other, entry)| *other == hash && is_it(entry)).ok()?;
        let ((_, entry), _) = found.remove();
        self.len = self.len.saturating_sub(1);
        Some(entry)
    }

    /// All entries, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.shards.iter().flatten().flat_map(|shard| shard.iter()).map(|(_, entry)| entry)
    }

    fn double(&mut self) {
        let shard_count = self.shards.len().saturating_mul(2);
        let mut grown: Vec<HashTable<(u64, T)>> = (0..shard_count).map(|_| HashTable::new()).collect();
        self.mask = (shard_count as u64).saturating_sub(1);
        for shard in self.shards.iter().flatten() {
            for (hash, entry) in shard.iter() {
                if let Some(target) = grown.get_mut(self.shard_of(*hash)) {
                    target.insert_unique(*hash, (*hash, entry.clone()), |(hash, _)| *hash);
                }
            }
        }
        let mut shards = Paged::default();
        for table in grown {
            shards.push((!table.is_empty()).then(|| Arc::new(table)));
        }
        self.shards = shards;
    }
}
