//! Does the engine decide as Cedar does?
//!
//! The bytes say policies with links, entities and a few requests, with the fixed schema or without. Both sides must
//! take or refuse the entities and each request alike, and answer alike: decision, determining policies, erring
//! policies and why they err.
//!
//! Read next: `columns.rs`.

use cedar_policy::Entities;

use crate::data::{asked, entities};
use crate::draw::Draw;
use crate::ours::{self, Asked};
use crate::policies::policies;
use crate::theirs;

/// Compares one case.
pub fn run(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    let has_schema = draw.below(2) == 1;
    let (texts, links) = policies(&mut draw, false);
    let entities = entities(&mut draw, has_schema).to_string();
    let requests: Vec<Asked> = (0..3).map(|_| asked(&mut draw, has_schema)).collect();
    let schema = has_schema.then(theirs::schema);
    let theirs = Entities::from_json_str(&entities, schema);
    let ours = ours::read_bundle(&texts, Some(&entities), has_schema);
    let (Ok(store), Some(compiled)) = (&theirs, ours.compiled) else {
        assert!(theirs.is_err(), "we refuse the bundle: {:?}\n{texts}{entities}", ours.findings);
        assert!(!ours.findings.is_empty(), "we take the entities: {entities}");
        return;
    };
    let (set, engine) = (theirs::policies(&texts, &links), ours::engine(compiled, &links));
    for asked in &requests {
        let expected = theirs::request(asked, schema).map(|request| theirs::ask(&set, store, &request));
        let answered = ours::ask(&engine, asked);
        let case = || format!("{asked:?}\n{texts}{links:?}\n{entities}");
        match (&expected, &answered) {
            (Ok(expected), Some(answered)) => assert_eq!(answered, expected, "ours, theirs; {}", case()),
            (Err(_), None) => {}
            (Ok(_), None) => panic!("we refuse the request: {}", case()),
            (Err(error), Some(_)) => panic!("we take the request, they do not: {error}; {}", case()),
        }
    }
}
