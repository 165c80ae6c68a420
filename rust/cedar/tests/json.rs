//! The JSON forms that the reference reads: the resolved schema, and the policies under our names.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test fails by a panic

use std::ops::ControlFlow;
use std::str::FromStr;

use agentpdp_cedar::bundle::{Loaded, Sources, load, policies_json};
use agentpdp_cedar::values::{is_action_type, is_type_name};
use cedar_policy::{EntityTypeName, PolicySet};
use serde_json::json;

fn loaded(policies: &[(&str, &str)], schema: Option<&str>) -> (Sources, Loaded) {
    let sources = Sources {
        policies: policies.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect(),
        schema: schema.map(|text| ("s.cedarschema".to_owned(), text.to_owned())),
        ..Sources::default()
    };
    let loaded = load(&sources, &mut |_, _| ControlFlow::Continue(()));
    assert!(loaded.compiled.is_some(), "{:#?}", loaded.findings);
    (sources, loaded)
}

#[test]
fn the_resolved_schema_has_full_names_and_transitive_memberships() {
    let schema = r#"
        type Place = { city: String, zip?: Long };
        entity Org;
        entity Team in [Team, Org];
        entity User in [Team] { home: Place, friends?: Set<User>, act?: Shop::Action } tags Set<decimal>;
        entity Color enum ["red", "green"];
        namespace Shop {
            type Money = { minor: Long };
            entity Item { price: Money, ip: ipaddr, at: datetime, held: duration, color: Color };
            action all;
            action trade in [all];
            action buy in [trade] appliesTo { principal: User, resource: [Item, Team], context: { n: Long, place?: Place } };
        }
    "#;
    let (_, loaded) = loaded(&[], Some(schema));
    let (long, string) = (json!({"kind": "Long"}), json!({"kind": "String"}));
    let required = |kind: &serde_json::Value| json!({"type": kind, "required": true});
    let optional = |kind: &serde_json::Value| json!({"type": kind, "required": false});
    let extension = |name: &str| required(&json!({"kind": "Extension", "name": name}));
    let entity = |name: &str| json!({"kind": "Entity", "name": name});
    let place = json!({"kind": "Record", "attributes": {"city": required(&string), "zip": optional(&long)}});
    let plain = |member_of: &[&str]| json!({"attributes": {}, "tags": null, "enum": null, "member_of": member_of});
    let action = |id: &str, above: &[&str]| {
        let above: Vec<_> = above.iter().map(|id| json!({"type": "Shop::Action", "id": id})).collect();
        json!({"uid": {"type": "Shop::Action", "id": id}, "ancestors": above, "principals": [], "resources": [],
               "context": {"attributes": {}}})
    };
    let mut buy = action("buy", &["all", "trade"]);
    buy["principals"] = json!(["User"]);
    buy["resources"] = json!(["Shop::Item", "Team"]);
    buy["context"] = json!({"attributes": {"n": required(&long), "place": optional(&place)}});
    let wanted = json!({
        "entity_types": {
            "Color": {"attributes": {}, "tags": null, "enum": ["green", "red"], "member_of": []},
            "Org": plain(&[]),
            "Shop::Item": {
                "attributes": {
                    "at": extension("datetime"), "color": required(&entity("Color")), "held": extension("duration"),
                    "ip": extension("ipaddr"),
                    "price": required(&json!({"kind": "Record", "attributes": {"minor": required(&long)}})),
                },
                "tags": null, "enum": null, "member_of": [],
            },
            "Team": plain(&["Org", "Team"]),
            "User": {
                "attributes": {
                    "act": optional(&entity("Shop::Action")),
                    "friends": optional(&json!({"kind": "Set", "element": entity("User")})),
                    "home": required(&place),
                },
                "tags": {"kind": "Set", "element": {"kind": "Extension", "name": "decimal"}}, "enum": null,
                "member_of": ["Org", "Team"],
            },
        },
        "actions": [action("all", &[]), buy, action("trade", &["all"])],
    });
    assert_eq!(loaded.schema_json().unwrap(), wanted);
}

#[test]
fn there_is_no_schema_json_without_a_schema() {
    assert_eq!(loaded(&[], None).1.schema_json(), None);
}

#[test]
fn policies_have_our_names_in_cedars_json() {
    let files = [
        ("a.cedar", "@id(\"one\") permit (principal, action, resource) when { context.n > 1 };"),
        (
            "b.cedar",
            "@id(\"two\") forbid (principal == ?principal, action, resource);@id(\"three\") permit (principal, action, resource);",
        ),
    ];
    let (sources, loaded) = loaded(&files, None);
    let json = policies_json(&sources, &loaded).unwrap();
    assert_eq!(json["staticPolicies"].as_object().unwrap().keys().collect::<Vec<_>>(), ["one", "three"]);
    assert_eq!(json["templates"].as_object().unwrap().keys().collect::<Vec<_>>(), ["two"]);
    assert_eq!(json["templateLinks"], json!([]));
    let set = PolicySet::from_json_value(json.clone()).unwrap();
    assert_eq!((set.num_of_policies(), set.num_of_templates()), (2, 1));
    let cedar = PolicySet::from_str(files[0].1).unwrap().to_json().unwrap();
    assert_eq!(json["staticPolicies"]["one"], cedar["staticPolicies"]["policy0"]);
}

#[test]
fn type_names_are_cedars() {
    let parts = [
        "A",
        "a_1",
        "_",
        "::",
        ":",
        " ",
        "if",
        "in",
        "is",
        "has",
        "like",
        "then",
        "else",
        "true",
        "false",
        "__cedar",
        "principal",
        "permit",
        "1",
        "é",
        "-",
        "\n",
        "//",
        "Action",
        "\"x\"",
    ];
    for first in parts {
        for second in parts {
            for third in parts {
                let text = format!("{first}{second}{third}");
                let cedar = EntityTypeName::from_str(&text).is_ok_and(|name| name.to_string() == text);
                assert_eq!(is_type_name(&text), cedar, "{text:?}");
            }
        }
    }
    assert!(!is_type_name(""));
    assert!(is_action_type("Action") && is_action_type("A::B::Action"));
    assert!(!is_action_type("MyAction") && !is_action_type("Action::A") && !is_action_type("A:Action"));
}
