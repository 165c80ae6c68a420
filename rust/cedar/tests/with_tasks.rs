//! Bundles with tasks: the bundle of the guide loads, and what is wrong with one is found where it stands.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test fails by a panic

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use agentpdp_cedar::bundle::{Loaded, Sources, delegation_json, load};

fn care_desk() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/bundles/care-desk");
    let mut files = Vec::new();
    for folder in ["", "policies/", "tasks/", "tools/"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let name = path.file_name().unwrap().to_str().unwrap();
                files.push((format!("{folder}{name}"), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

fn loaded(files: Vec<(String, String)>) -> (Sources, Loaded) {
    let sources = Sources::of_files(files);
    let loaded = load(&sources, &mut |_, _| ControlFlow::Continue(()));
    (sources, loaded)
}

#[test]
fn the_bundle_of_the_guide_loads() {
    let (sources, loaded) = loaded(care_desk());
    assert_eq!(loaded.findings, []);
    let initial = loaded.compiled.as_ref().unwrap();
    let declarations = initial.compiled.declarations.as_ref().unwrap();
    assert_eq!(declarations.tasks.iter().map(|task| &*task.name).collect::<Vec<_>>(), ["pay", "refund-order"]);
    let json = delegation_json(&sources, &loaded).unwrap();
    let policies = json["tasks"]["pay"]["policies"]["staticPolicies"].as_object().unwrap();
    let mut ids: Vec<&String> = policies.keys().collect();
    ids.sort_unstable();
    assert_eq!(ids, ["all/read", "pay/hand-on", "pay/pay", "pay/payee-not-named"]);
    assert_eq!(json["tasks"]["refund-order"]["params"]["max"]["max"], 500_000);
}

#[test]
fn a_task_schema_has_the_actions_that_its_policies_name() {
    let (_, loaded) = loaded(care_desk());
    let delegation = loaded.delegation.unwrap();
    let text = delegation.schema_text(Some("pay")).unwrap();
    assert!(text.contains("action \"pay\"") && text.contains("action \"read_order\""), "{text}");
    assert!(!text.contains("action \"refund\""), "{text}");
    assert!(delegation.schema_text(None).unwrap().contains("action \"start.pay\""));
    assert_eq!(delegation.schema_text(Some("nothing")), None);
}
