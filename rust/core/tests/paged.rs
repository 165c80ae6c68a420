//! Law: `Paged` is a vector and `Table` a hash map, and what was cloned stays as it was.
//!
//! Random edits from a seed go to each and to its plain twin of the standard library. On the way clones are kept; at the
//! end every one of them must still be what its twin was then.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test fails by a panic
#![allow(clippy::cast_possible_truncation)] // numbers here are small

#[path = "seeded/mod.rs"]
mod seeded;

use std::collections::BTreeMap;

use agentpdp_core::paged::Paged;
use agentpdp_core::table::Table;
use seeded::Random;

/// One page, one middle and one top more than full, and whatever is near.
const LENGTHS: [usize; 9] = [0, 1, 63, 64, 65, 4_095, 4_096, 4_097, 9_000];
const EDITS: usize = 600;

fn assert_same(paged: &Paged<u64>, plain: &[u64]) {
    assert_eq!((paged.len(), paged.is_empty()), (plain.len(), plain.is_empty()));
    assert!(paged.iter().eq(plain));
    assert!(plain.iter().enumerate().all(|(index, item)| paged.get(index) == Some(item)));
    assert_eq!(paged.get(plain.len()), None);
}

#[test]
fn paged_is_a_vector_and_its_clones_stay_as_they_were() {
    for (seed, length) in (1..).zip(LENGTHS) {
        let mut random = Random::new(seed);
        let (mut paged, mut plain): (Paged<u64>, Vec<u64>) = (Paged::default(), Vec::new());
        let mut kept = Vec::new();
        for _ in 0..length {
            let item = random.next();
            assert_eq!(paged.push(item), plain.len());
            plain.push(item);
        }
        for _ in 0..EDITS {
            match random.below(8) {
                0..=2 => {
                    let item = random.next();
                    assert_eq!(paged.push(item), plain.len());
                    plain.push(item);
                }
                3..=6 => {
                    let (index, item) = (random.below(plain.len() + 2), random.next());
                    let places = (paged.get_mut(index), plain.get_mut(index));
                    assert_eq!(places.0.is_some(), places.1.is_some());
                    if let (Some(place), Some(twin)) = places {
                        (*place, *twin) = (item, item);
                    }
                }
                _ if random.one_in(8) => kept.push((paged.clone(), plain.clone())),
                _ => {}
            }
        }
        kept.push((paged, plain));
        kept.iter().for_each(|(paged, plain)| assert_same(paged, plain));
    }
}

#[test]
fn an_edit_of_either_of_two_clones_is_not_seen_by_the_other() {
    let mut first: Paged<u64> = Paged::default();
    for item in 0..5_000 {
        first.push(item);
    }
    let mut second = first.clone();
    *first.get_mut(4_200).unwrap() = 1;
    *second.get_mut(64).unwrap() = 2;
    first.push(3);
    assert_eq!((first.get(4_200), second.get(4_200)), (Some(&1), Some(&4_200)));
    assert_eq!((first.get(64), second.get(64)), (Some(&64), Some(&2)));
    assert_eq!((first.len(), second.len()), (5_001, 5_000));
}

/// Few different hashes, so that entries share shards and hashes; the high half chooses the shard.
fn poor_hash(key: u64) -> u64 {
    let few = key % 97;
    (few << 32) | few
}

fn good_hash(key: u64) -> u64 {
    Random::new(key).next()
}

/// One random edit of a table and of its twin.
fn edit(random: &mut Random, hash: fn(u64) -> u64, table: &mut Table<(u64, u64)>, plain: &mut BTreeMap<u64, u64>) {
    let (key, value) = (random.below(1_500) as u64, random.next());
    let is_it = |entry: &(u64, u64)| entry.0 == key;
    match random.below(5) {
        0..=2 if !plain.contains_key(&key) => {
            table.insert(hash(key), (key, value));
            plain.insert(key, value);
        }
        3 => {
            let found = table.find_mut(hash(key), is_it);
            assert_eq!(found.as_ref().map(|entry| entry.1), plain.get(&key).copied());
            if let (Some(entry), Some(twin)) = (found, plain.get_mut(&key)) {
                (entry.1, *twin) = (value, value);
            }
        }
        _ => assert_eq!(table.remove(hash(key), is_it).map(|entry| entry.1), plain.remove(&key)),
    }
}

#[test]
fn a_table_is_a_hash_map_and_its_clones_stay_as_they_were() {
    for (seed, hash) in (1..).zip([poor_hash as fn(u64) -> u64, good_hash]) {
        let mut random = Random::new(seed);
        let (mut table, mut plain): (Table<(u64, u64)>, BTreeMap<u64, u64>) = (Table::default(), BTreeMap::new());
        let mut kept = Vec::new();
        for _ in 0..8_000 {
            edit(&mut random, hash, &mut table, &mut plain);
            if random.one_in(500) {
                kept.push((table.clone(), plain.clone()));
            }
        }
        kept.push((table, plain));
        for (table, plain) in &kept {
            assert_eq!((table.len(), table.is_empty()), (plain.len(), plain.is_empty()));
            assert_eq!(table.iter().copied().collect::<BTreeMap<_, _>>(), *plain);
            for keys in (0..1_500).collect::<Vec<u64>>().as_chunks::<4>().0 {
                let hashes = keys.map(hash);
                let any = |wanted| plain.keys().any(|key| hash(*key) == wanted);
                let found = table.with_hashes(hashes).map(|entry| entry.map(|entry| hash(entry.0)));
                assert_eq!(found, hashes.map(|hash| any(hash).then_some(hash)));
            }
            for key in 0..1_500 {
                let found = table.find(hash(key), |entry| entry.0 == key).map(|entry| entry.1);
                assert_eq!(found, plain.get(&key).copied());
            }
        }
    }
}
