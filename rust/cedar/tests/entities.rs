//! Entity JSON, good and bad: what is read, what is refused, and what the error says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test fails by a panic

use std::ops::ControlFlow;
use std::sync::Arc;

use agentpdp_cedar::bundle::{Loaded, Sources, load};
use agentpdp_cedar::entities::{EntityError, LoadError, check_removable, load_entities, put_all};
use agentpdp_cedar::finding::{Code, Finding};
use agentpdp_cedar::input::{Input, read_one};
use agentpdp_core::engine::Engine;
use agentpdp_core::entities::Store;
use agentpdp_core::value::{Value, ValueRef};

const SCHEMA: &str = r#"
entity Team in [Team];
entity User in [Team] {
    age: Long, nick?: String, boss?: User, at?: datetime, net?: ipaddr, paid?: decimal, held?: duration,
    home?: { city: String, zip?: Long }, friends?: Set<User>, color?: Color, may?: Set<Action>,
} tags Set<Long>;
entity Color enum ["red", "green"];
namespace Shop { entity Item; action buy; }
action read;
action view in [read] appliesTo { principal: User, resource: User };
"#;

fn sources(entities: &str, schema: bool) -> Sources {
    Sources {
        schema: schema.then(|| ("s.cedarschema".to_owned(), SCHEMA.to_owned())),
        entities: Some(("e.json".to_owned(), entities.to_owned())),
        ..Sources::default()
    }
}

fn loaded(entities: &str, schema: bool) -> Loaded {
    load(&sources(entities, schema), &mut |_, _| ControlFlow::Continue(()))
}

fn store(entities: &str, schema: bool) -> Store {
    let loaded = loaded(entities, schema);
    loaded.compiled.unwrap_or_else(|| panic!("{:#?}", loaded.findings)).store
}

fn refused(entities: &str, schema: bool) -> Finding {
    let loaded = loaded(entities, schema);
    assert!(loaded.compiled.is_none(), "{entities}");
    let [finding] = &loaded.findings[..] else { panic!("{:#?}", loaded.findings) };
    finding.clone()
}

/// One entity of type User with these attributes, on the second line.
fn user(attrs: &str) -> String {
    format!(
        "[\n  {{\"uid\": {{\"type\": \"User\", \"id\": \"a\"}}, \"attrs\": {{\"age\": 1{attrs}}}, \"parents\": []}}]"
    )
}

fn assert_refused(entities: &str, code: Code, message: &str) {
    let finding = refused(entities, true);
    assert_eq!((finding.code, finding.message.as_str()), (code, message));
    assert!(finding.line.is_some());
}

#[test]
fn uids_are_read_in_both_forms() {
    let text = r#"[
        {"uid": {"type": "A", "id": "x"}, "attrs": {}, "parents": [{"__entity": {"type": "N::B", "id": "y"}}]},
        {"uid": {"__entity": {"type": "N::B", "id": "y"}}, "attrs": {}, "parents": []}
    ]"#;
    let store = store(text, false);
    let (x, y) = (store.find("A", "x").unwrap(), store.find("N::B", "y").unwrap());
    assert!(store.is_in(x, y));
    assert_eq!(store.entity_count(), 2);
}

#[test]
fn values_without_a_schema_are_read_by_their_kind() {
    let text = r#"[{"uid": {"type": "A", "id": "x"}, "parents": [], "tags": {"t": [1, 1, 2]}, "attrs": {
        "entity": {"__entity": {"type": "A", "id": "x"}}, "decimal": {"__extn": {"fn": "decimal", "arg": "1.50"}},
        "several": {"__extn": {"fn": "decimal", "args": ["1.5"]}},
        "sum": {"__extn": {"fn": "offset", "args": [{"__extn": {"fn": "datetime", "arg": "1970-01-01"}},
                                                    {"__extn": {"fn": "duration", "arg": "1d"}}]}},
        "truth": {"__extn": {"fn": "isIpv4", "arg": {"__extn": {"fn": "ip", "arg": "1.2.3.4"}}}},
        "no escape": {"__entity": {"type": "A"}}, "no escape either": {"__entity": {"type": "A", "id": "x"}, "y": 1},
        "type and id": {"type": "A", "id": "x"}, "text": "1.50", "set": [{"a": []}, true]
    }}]"#;
    let store = store(text, false);
    let x = store.find("A", "x").unwrap();
    let entity = store.get(x).unwrap();
    let get = |name: &str| entity.attributes.get(name).unwrap().borrow();
    assert_eq!(get("entity"), ValueRef::Entity(x));
    assert_eq!(get("decimal"), get("several"));
    assert_eq!(get("decimal").kind(), "decimal");
    assert_eq!(get("sum").kind(), "datetime");
    assert_eq!(get("truth"), ValueRef::Bool(true));
    for name in ["no escape", "no escape either", "type and id"] {
        assert_eq!(get(name).kind(), "Record", "{name}");
    }
    assert_eq!(get("text").kind(), "String");
    assert_eq!(entity.tags.get("t"), Some(&Value::set(vec![Value::Long(2), Value::Long(1)])));
}

#[test]
fn values_with_a_schema_are_read_by_their_type() {
    let text = user(
        r#", "boss": {"type": "User", "id": "b"}, "at": "2024-01-01", "net": {"fn": "ip", "arg": "10.0.0.0/8"},
        "paid": {"__extn": {"fn": "decimal", "arg": "1.5"}}, "held": {"fn": "durationSince", "args": ["1970-01-02", "1970-01-01"]},
        "home": {"city": "Ulm"}, "friends": [{"type": "User", "id": "c"}], "color": {"type": "Color", "id": "red"},
        "may": [{"type": "Action", "id": "view"}]"#,
    );
    let store = store(&text, true);
    let entity = store.get(store.find("User", "a").unwrap()).unwrap();
    let kinds: Vec<&str> = entity.attributes.attributes().map(|(_, value)| value.borrow().kind()).collect();
    let wanted = ["Long", "datetime", "entity", "entity", "Set", "duration", "Record", "Set", "ipaddr", "decimal"];
    assert_eq!(kinds, wanted);
}

#[test]
fn actions_of_the_schema_are_entities_in_their_groups() {
    let store = store("[]", true);
    assert_eq!(store.entity_count(), 3);
    let (view, read) = (store.find("Action", "view").unwrap(), store.find("Action", "read").unwrap());
    assert!(store.is_in(view, read));
    assert!(store.find("Shop::Action", "buy").is_some());
    let same = r#"[{"uid": {"type": "Action", "id": "view"}, "attrs": {}, "parents": [{"type": "Action", "id": "read"}]},
                   {"uid": {"type": "Action", "id": "read"}, "attrs": {}, "parents": []}]"#;
    assert_eq!(self::store(same, true).entity_count(), 3);
    let action = |id: &str, rest: &str| format!("[{{\"uid\": {{\"type\": \"Action\", \"id\": \"{id}\"}}, {rest}}}]");
    let wrong = [
        (action("view", "\"attrs\": {}, \"parents\": []"), "the schema has this action in other groups"),
        (action("read", "\"attrs\": {\"a\": 1}, \"parents\": []"), "actions have neither attributes nor tags"),
        (action("none", "\"attrs\": {}, \"parents\": []"), "the schema does not declare this action"),
    ];
    for (text, message) in wrong {
        assert_eq!(refused(&text, true).code, Code::EntitySchema);
        assert!(refused(&text, true).message.ends_with(message), "{}", refused(&text, true).message);
    }
}

#[test]
fn shapes_are_checked() {
    let shapes = [
        ("[1]", "entity 0: expected an object, found an integer"),
        (
            r#"[{"uid": {"type": "A", "id": "x"}, "attrs": {}, "parents": [], "tag": {}}]"#,
            "entity `A::\"x\"`: `tag` is no key of an entity",
        ),
        (r#"[{"attrs": {}, "parents": []}]"#, "entity 0: `uid` is missing"),
        (r#"[{"uid": {"type": "A", "id": "x"}, "parents": []}]"#, "entity `A::\"x\"`: `attrs` is missing"),
        (r#"[{"uid": {"type": "A", "id": "x"}, "attrs": {}}]"#, "entity `A::\"x\"`: `parents` is missing"),
        (
            r#"[{"uid": {"type": "A", "id": "x"}, "attrs": [], "parents": []}]"#,
            "entity `A::\"x\"`: `attrs` must be an object, not a list",
        ),
        (
            r#"[{"uid": {"type": "A", "id": "x"}, "attrs": {}, "parents": {}}]"#,
            "entity `A::\"x\"`: `parents` must be a list of uids",
        ),
    ];
    for (text, message) in shapes {
        let finding = refused(text, false);
        assert_eq!((finding.code, finding.message.as_str()), (Code::EntityShape, message));
        assert_eq!((finding.line, finding.column), (Some(1), Some(2)));
    }
    let action = r#"[{"uid": {"type": "Action", "id": "x"}, "attrs": {}, "parents": [{"type": "A", "id": "x"}]}]"#;
    assert_eq!(refused(action, false).message, "entity `Action::\"x\"`: an action can only be in actions");
}

#[test]
fn uids_are_checked() {
    for uid in ["\"A::x\"", "{\"type\": \"A\"}", "[\"A\", \"x\"]", "{\"__expr\": \"A::x\"}", "null"] {
        let text = format!("[{{\"uid\": {uid}, \"attrs\": {{}}, \"parents\": []}}]");
        assert_eq!(refused(&text, false).code, Code::EntityUid, "{uid}");
    }
    for name in ["", "A B", "A::", "if", "A::in", "__cedar::A", "A :: B", "é", "1A"] {
        let text = format!("[{{\"uid\": {{\"type\": \"{name}\", \"id\": \"x\"}}, \"attrs\": {{}}, \"parents\": []}}]");
        let finding = refused(&text, false);
        assert!(finding.message.ends_with("`uid`: the type of the uid is not a type name"), "{}", finding.message);
    }
}

#[test]
fn values_are_checked() {
    let values = [
        ("null", "`attrs.v`: null is no Cedar value"),
        ("1.5", "`attrs.v`: a number that is no 64-bit integer is no Cedar value"),
        ("9223372036854775808", "`attrs.v`: a number that is no 64-bit integer is no Cedar value"),
        ("[1, {\"a\": null}]", "`attrs.v[].a`: null is no Cedar value"),
        ("{\"__expr\": \"1\"}", "`attrs.v`: the escape `__expr` is not read any more"),
        ("{\"__extn\": {\"fn\": \"nothing\", \"arg\": \"1\"}}", "`attrs.v`: Cedar has no such extension function"),
        ("{\"__extn\": {\"fn\": \"unknown\", \"arg\": \"1\"}}", "`attrs.v`: Cedar has no such extension function"),
        (
            "{\"__extn\": {\"fn\": \"decimal\", \"arg\": \"secret\"}}",
            "`attrs.v`: `decimal` does not take this argument",
        ),
        ("{\"__extn\": {\"fn\": \"decimal\", \"args\": []}}", "`attrs.v`: `decimal` takes 1 arguments"),
        ("{\"__entity\": {\"type\": \"A B\", \"id\": \"x\"}}", "`attrs.v`: the type of the uid is not a type name"),
    ];
    for (value, message) in values {
        let text = format!(
            "[{{\"uid\": {{\"type\": \"A\", \"id\": \"x\"}}, \"attrs\": {{\"v\": {value}}}, \"parents\": []}}]"
        );
        let finding = refused(&text, false);
        assert_eq!((finding.code, finding.message), (Code::EntityValue, format!("entity `A::\"x\"`: {message}")));
    }
}

#[test]
fn entities_must_fit_the_schema() {
    let at = |rest: &str| format!("entity `User::\"a\"`: {rest}");
    let cases = [
        (user(", \"agee\": 1"), "`attrs.agee`: the schema does not declare this attribute"),
        (user(", \"nick\": 1"), "`attrs.nick`: expected String, found Long"),
        (user(", \"boss\": {\"type\": \"Team\", \"id\": \"t\"}"), "`attrs.boss`: expected User, found entity"),
        (user(", \"boss\": \"User::b\""), "`attrs.boss`: expected User, found a string"),
        (user(", \"at\": \"yesterday\""), "`attrs.at`: `datetime` does not take this argument"),
        (user(", \"at\": {\"fn\": \"ip\", \"arg\": \"1.2.3.4\"}"), "`attrs.at`: expected datetime, found ipaddr"),
        (user(", \"home\": {}"), "`attrs.home.city`: a required attribute is missing"),
        (
            user(", \"home\": {\"city\": \"x\", \"zap\": 1}"),
            "`attrs.home.zap`: the schema does not declare this attribute",
        ),
        (user(", \"home\": {\"city\": \"x\", \"zip\": \"1\"}"), "`attrs.home.zip`: expected Long, found String"),
        (
            user(", \"friends\": [{\"type\": \"Team\", \"id\": \"t\"}]"),
            "`attrs.friends[]`: expected User, found entity",
        ),
        (user(", \"friends\": {}"), "`attrs.friends`: expected Set<User>, found an object"),
        (
            user(", \"color\": {\"type\": \"Color\", \"id\": \"blue\"}"),
            "`attrs.color`: the schema does not list this id for its type",
        ),
        (
            user(", \"may\": [{\"type\": \"Action\", \"id\": \"nope\"}]"),
            "`attrs.may[]`: the schema does not list this id for its type",
        ),
    ];
    for (text, message) in &cases {
        let finding = refused(text, true);
        assert_eq!((finding.code, finding.message), (Code::EntitySchema, at(message)));
        assert_eq!((finding.line, finding.column), (Some(2), Some(3)), "{message}");
    }
    assert_refused(
        &user("").replace("\"age\": 1", ""),
        Code::EntitySchema,
        &at("`attrs.age`: a required attribute is missing"),
    );
    assert_refused(
        &user("").replace("\"parents\": []", "\"parents\": [{\"type\": \"User\", \"id\": \"b\"}]"),
        Code::EntitySchema,
        &at("`parents`: the schema does not let entities of this type be in a `User`"),
    );
    assert_refused(
        &user("").replace("\"parents\": []", "\"parents\": [], \"tags\": {\"t\": 1}"),
        Code::EntitySchema,
        &at("`tags.t`: expected Set<Long>, found an integer"),
    );
    let other = |uid: &str, rest: &str| format!("[{{\"uid\": {uid}, \"attrs\": {{}}, \"parents\": []{rest}}}]");
    assert_refused(
        &other("{\"type\": \"Nobody\", \"id\": \"x\"}", ""),
        Code::EntitySchema,
        "entity `Nobody::\"x\"`: `uid`: the schema does not declare the entity type `Nobody`",
    );
    assert_refused(
        &other("{\"type\": \"Color\", \"id\": \"blue\"}", ""),
        Code::EntitySchema,
        "entity `Color::\"blue\"`: `uid`: the schema does not list this id for its type",
    );
    assert_refused(
        &other("{\"type\": \"Team\", \"id\": \"t\"}", ", \"tags\": {\"t\": 1}"),
        Code::EntitySchema,
        "entity `Team::\"t\"`: `tags`: the schema declares no tags for this type",
    );
}

#[test]
fn messages_hold_no_values() {
    for value in ["\"secret-1\"", "{\"secret\": 1.5}", "[\"secret-2\"]"] {
        let finding = refused(&user(&format!(", \"paid\": {value}")), true);
        assert!(!format!("{} {}", finding.message, finding.advice).contains("secret"), "{finding}");
    }
}

#[test]
fn equal_entities_may_stand_twice_and_others_may_not() {
    let entity = |n: &str| {
        format!("{{\"uid\": {{\"type\": \"A\", \"id\": \"x\"}}, \"attrs\": {{\"n\": {n}}}, \"parents\": []}}")
    };
    assert_eq!(store(&format!("[{}, {}]", entity("[1, 2]"), entity("[2, 1, 1]")), false).entity_count(), 1);
    let finding = refused(&format!("[{},\n {}]", entity("1"), entity("2")), false);
    assert_eq!((finding.code, finding.line, finding.column), (Code::EntityDuplicate, Some(2), Some(2)));
}

#[test]
fn cycles_are_named() {
    let entity = |id: &str, parent: &str| {
        format!(
            "{{\"uid\": {{\"type\": \"A\", \"id\": \"{id}\"}}, \"attrs\": {{}}, \"parents\": [{{\"type\": \"A\", \"id\": \"{parent}\"}}]}}"
        )
    };
    let finding = refused(&format!("[{}, {}, {}]", entity("a", "b"), entity("b", "c"), entity("c", "a")), false);
    assert_eq!(finding.code, Code::EntityCycle);
    assert!(finding.message.starts_with("entity `A::\""), "{}", finding.message);
    assert_eq!(refused(&format!("[{}]", entity("a", "a")), false).code, Code::EntityCycle);
}

#[test]
fn text_that_is_not_json_has_a_place() {
    let finding = refused("[\n  {\"uid\": \"ü\" x}]", false);
    assert_eq!((finding.code, finding.line, finding.column), (Code::EntitiesSyntax, Some(2), Some(15)));
    assert_eq!(refused("{}", false).code, Code::EntitiesSyntax);
    assert_eq!(refused("", false).code, Code::EntitiesSyntax);
    assert_eq!(refused("[] []", false).code, Code::EntitiesSyntax);
    let twice = refused(
        "[{\"uid\": {\"type\": \"A\", \"id\": \"x\"}, \"attrs\": {\"a\": 1, \"a\": 1}, \"parents\": []}]",
        false,
    );
    assert_eq!((twice.code, twice.message.as_str()), (Code::EntitiesSyntax, "the name `a` stands twice in one object"));
}

#[test]
fn progress_is_told_and_can_stop() {
    let entities: Vec<String> = (0..25_000)
        .map(|number| {
            format!(
                "{{\"uid\": {{\"type\": \"A\", \"id\": \"{number}\"}}, \"attrs\": {{\"s\": \"[,]\"}}, \"parents\": []}}"
            )
        })
        .collect();
    let text = format!(" [ {} ] ", entities.join(" , "));
    let mut told = Vec::new();
    let sources = sources(&text, false);
    let loaded = load(&sources, &mut |done, total| {
        told.push((done, total));
        ControlFlow::Continue(())
    });
    assert!(loaded.compiled.is_some());
    assert_eq!(told, [(0, 25_000), (10_000, 25_000), (20_000, 25_000), (25_000, 25_000)]);
    let stopped =
        load(&sources, &mut |done, _| if done > 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) });
    assert!(stopped.stopped && stopped.compiled.is_none() && stopped.findings.is_empty());
    let file: Arc<str> = Arc::from("e.json");
    let result = load_entities(&file, &text, Store::new(1), None, &mut |_, _| ControlFlow::Break(()));
    assert!(matches!(result, Err(LoadError::Stopped)));
}

fn upsert(engine: &Engine, text: &str) -> Result<(), EntityError> {
    let Input::List(inputs) = read_one(text).unwrap() else { panic!("no list") };
    let schema = engine.compiled().schema.clone();
    engine.edit(|edits| put_all(edits, inputs, schema.as_deref()))
}

#[test]
fn entities_are_put_in_at_run_time_all_or_none() {
    let engine = Engine::new(loaded("[]", true).compiled.unwrap());
    upsert(&engine, &user("")).unwrap();
    let snapshot = engine.snapshot();
    let a = snapshot.store.find("User", "a").unwrap();
    assert!(snapshot.store.get(a).is_some());
    let two = r#"[{"uid": {"type": "User", "id": "b"}, "attrs": {"age": 1}, "parents": []},
                  {"uid": {"type": "User", "id": "c"}, "attrs": {}, "parents": []}]"#;
    let error = upsert(&engine, two).unwrap_err();
    assert_eq!(
        (error.code(), error.index(), error.uid(), error.path()),
        (Code::EntitySchema, Some(1), Some("User::\"c\""), "attrs.age")
    );
    assert!(engine.snapshot().store.find("User", "b").is_none());
    let later = r#"[{"uid": {"type": "User", "id": "a"}, "attrs": {"age": 1}, "parents": []},
                    {"uid": {"type": "User", "id": "a"}, "attrs": {"age": 2}, "parents": []}]"#;
    upsert(&engine, later).unwrap();
    assert_eq!(engine.snapshot().store.get(a).unwrap().attributes.get("age"), Some(&Value::Long(2)));
    let cycle = r#"[{"uid": {"type": "Team", "id": "t"}, "attrs": {}, "parents": [{"type": "Team", "id": "t"}]}]"#;
    assert_eq!(upsert(&engine, cycle).unwrap_err().code(), Code::EntityCycle);
}

#[test]
fn actions_of_the_schema_stay() {
    let engine = Engine::new(loaded("[]", true).compiled.unwrap());
    let (snapshot, schema) = (engine.snapshot(), engine.compiled().schema.clone());
    let view = snapshot.store.find("Action", "view").unwrap();
    assert_eq!(check_removable(view, schema.as_deref()).unwrap_err().code(), Code::EntitySchema);
    assert!(check_removable(view, None).is_ok());
}
