//! Every kind of finding with its exact place, message and advice.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test fails by a panic

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use agentpdp_cedar::bundle::{Ids, Loaded, Sources, load};
use agentpdp_cedar::finding::{Code, Finding, Lines, Severity};

const SCHEMA: &str = r#"
entity Team;
entity User in [Team] { age: Long, nick?: String, mail: String } tags String;
entity Doc { owner: User };
entity Color enum ["red", "green"];
action view appliesTo { principal: User, resource: Doc, context: { mfa: Bool, ip?: ipaddr } };
"#;

fn sources(policies: &[(&str, &str)], schema: Option<&str>) -> Sources {
    let own = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    Sources {
        policies: policies.iter().map(own).collect(),
        schema: schema.map(|text| ("schema.cedarschema".to_owned(), text.to_owned())),
        validate: true,
        ..Sources::default()
    }
}

fn loaded(policies: &str, schema: Option<&str>) -> Loaded {
    load(&sources(&[("p.cedar", policies)], schema), &mut |_, _| ControlFlow::Continue(()))
}

/// The one finding of a policy file under [`SCHEMA`].
fn only(policies: &str) -> Finding {
    let loaded = loaded(policies, Some(SCHEMA));
    let [finding] = &loaded.findings[..] else { panic!("{:#?}", loaded.findings) };
    assert_eq!(loaded.compiled.is_some(), finding.severity == Severity::Warning);
    finding.clone()
}

fn assert_is(finding: &Finding, code: Code, place: (u32, u32), policy: Option<&str>, message: &str) {
    assert_eq!(
        (finding.code, finding.line.zip(finding.column), finding.policy.as_deref(), finding.message.as_str()),
        (code, Some(place), policy, message)
    );
}

/// A policy named `p` with this condition on the second line, from column 8 on.
fn when(condition: &str) -> String {
    format!("@id(\"p\") permit (principal, action, resource)\nwhen {{ {condition} }};")
}

#[test]
fn a_bundle_that_is_right_has_no_finding() {
    let loaded = loaded(&when("principal.age > 17 && context.mfa"), Some(SCHEMA));
    assert_eq!(loaded.findings, []);
    assert!(loaded.compiled.is_some());
    assert_eq!(loaded.policies.iter().map(|place| &*place.id).collect::<Vec<_>>(), ["p"]);
}

#[test]
fn text_that_is_not_cedar_says_where_and_what_was_expected() {
    let finding = only("@id(\"p\")\npermit (principal, action resource);");
    assert_is(&finding, Code::PolicySyntax, (2, 27), None, "unexpected token `resource`");
    assert!(finding.advice.starts_with("expected ") && finding.advice.contains("`,`"), "{}", finding.advice);
}

#[test]
fn columns_count_characters() {
    let finding = only("@id(\"p\") permit (principal, action, resource) when { \"äöü🦀\" == é };");
    assert_is(&finding, Code::PolicySyntax, (1, 64), None, "invalid token");
}

#[test]
fn every_error_of_a_file_is_reported() {
    let found = loaded("permit (principal, action);\nforbid (principal, resource);\n", None).findings;
    let lines: BTreeSet<Option<u32>> = found.iter().map(|finding| finding.line).collect();
    assert_eq!(lines, BTreeSet::from([Some(1), Some(2)]), "{found:#?}");
}

#[test]
fn ids_must_be_there() {
    let finding = only("\n  permit (principal, action, resource);");
    assert_is(&finding, Code::PolicyIdMissing, (2, 3), None, "the policy has no `@id`");
}

#[test]
fn ids_must_be_names() {
    for id in ["", "a b", "ü", &"x".repeat(129), "a/b"] {
        let finding = only(&format!("@also(\"x\") @id(\"{id}\") permit (principal, action, resource);"));
        assert_is(&finding, Code::PolicyIdInvalid, (1, 12), None, "this cannot name a policy");
    }
    assert_eq!(
        loaded(&format!("@id(\"{}\") permit (principal, action, resource);", "x".repeat(128)), None).findings,
        []
    );
}

#[test]
fn ids_must_differ_across_files() {
    let text = "@id(\"p\") permit (principal, action, resource);";
    let sources = sources(&[("a.cedar", text), ("b.cedar", &format!("\n{text}"))], None);
    let loaded = load(&sources, &mut |_, _| ControlFlow::Continue(()));
    let [finding] = &loaded.findings[..] else { panic!("{:#?}", loaded.findings) };
    assert_is(finding, Code::PolicyIdDuplicate, (2, 1), Some("p"), "`p` names another policy, at a.cedar:1:1");
    assert_eq!(&*finding.file, "b.cedar");
}

#[test]
fn templates_and_policies_share_their_names() {
    let finding = only(
        "@id(\"p\") permit (principal == ?principal, action, resource);\n@id(\"p\") forbid (principal, action, resource);",
    );
    assert_is(&finding, Code::PolicyIdDuplicate, (2, 1), Some("p"), "`p` names another policy, at p.cedar:1:1");
}

#[test]
fn positions_name_policies_over_all_files() {
    let text = "permit (principal, action, resource); @id(\"x\") forbid (principal, action, resource in ?resource);";
    let sources = Sources { ids: Ids::Position, ..sources(&[("a", text), ("b", text)], None) };
    let loaded = load(&sources, &mut |_, _| ControlFlow::Continue(()));
    let places: Vec<(&str, bool)> = loaded.policies.iter().map(|place| (&*place.id, place.is_template)).collect();
    assert_eq!(places, [("policy0", false), ("policy1", true), ("policy2", false), ("policy3", true)]);
    assert_eq!(loaded.findings, []);
}

#[test]
fn step_up_is_not_there_yet() {
    for ids in [Ids::Annotation, Ids::Position] {
        let text = "@id(\"p\")\n@step_up(\"lead\")\nforbid (principal, action, resource);";
        let sources = Sources { ids, ..sources(&[("p.cedar", text)], Some(SCHEMA)) };
        let loaded = load(&sources, &mut |_, _| ControlFlow::Continue(()));
        assert_eq!(
            loaded.findings.iter().map(|f| (f.code, f.line)).collect::<Vec<_>>(),
            [(Code::StepUpUnsupported, Some(2))]
        );
        assert!(loaded.compiled.is_none());
    }
}

#[test]
fn validation_errors_have_codes_places_and_policies() {
    let cases = [
        ("principal.agee > 1", Code::AttributeUnknown, 8),
        ("principal.nick == \"x\"", Code::AttributeUnguarded, 8),
        ("principal.age == 1 || principal == Nobody::\"x\"", Code::EntityTypeUnknown, 43),
        ("action == Action::\"veiw\"", Code::ActionUnknown, 18),
        ("principal.age + \"x\" == 1", Code::TypeUnexpected, 24),
        ("if context.mfa then 1 == 1 else \"x\" like \"y\" && 1", Code::TypeUnexpected, 56),
        ("[1, \"x\"].contains(1)", Code::TypesIncompatible, 8),
        ("principal.getTag(\"x\") == \"y\"", Code::TagUnguarded, 8),
        ("ip(\"x\").isIpv4()", Code::ArgumentInvalid, 8),
        ("ip(principal.mail).isIpv4()", Code::ArgumentNotLiteral, 8),
        ("[].contains(1)", Code::SetEmpty, 8),
        ("Color::\"blue\" == Color::\"red\"", Code::EntityIdUnknown, 8),
        ("decimal(\"1.0\", \"2\").lessThan(decimal(\"2.0\"))", Code::ArgumentCount, 8),
    ];
    for (condition, code, column) in cases {
        let loaded = loaded(&when(condition), Some(SCHEMA));
        let found: Vec<(Code, Option<u32>, Option<u32>)> =
            loaded.findings.iter().filter(|f| f.is_error()).map(|f| (f.code, f.line, f.column)).collect();
        assert!(found.contains(&(code, Some(2), Some(column))), "{condition}: {:#?}", loaded.findings);
        assert!(loaded.findings.iter().all(|finding| finding.policy.as_deref() == Some("p")), "{:#?}", loaded.findings);
        assert!(loaded.findings.iter().all(|finding| !finding.message.contains("for policy")));
        assert!(loaded.compiled.is_none());
    }
}

#[test]
fn findings_stand_in_the_order_of_files_and_places() {
    let bad = "permit (principal, action, resource);\n@id(\"a\") permit (principal, action, resource) when { principal.x };\n\
               permit (principal, action, resource);";
    let sources = sources(&[("z.cedar", bad), ("a.cedar", &bad.replace("\"a\"", "\"b\""))], Some(SCHEMA));
    let found = load(&sources, &mut |_, _| ControlFlow::Continue(())).findings;
    let places: Vec<(&str, Option<u32>)> = found.iter().map(|finding| (&*finding.file, finding.line)).collect();
    let wanted = ["z.cedar", "a.cedar"].map(|file| [1, 2, 3].map(|line| (file, Some(line)))).concat();
    assert_eq!(places, wanted);
}

#[test]
fn advice_says_what_would_be_right() {
    assert!(only(&when("principal.agee > 1")).advice.contains("age"));
    assert!(only(&when("principal == Usr::\"x\"")).advice.contains("User"));
}

#[test]
fn findings_go_to_the_policy_they_stand_in() {
    let policy = |id: &str, condition: &str| {
        format!("@id(\"{id}\") permit (principal, action, resource)\nwhen {{ {condition} }};\n")
    };
    let text = format!("{}{}{}", policy("a", "context.mfa"), policy("b", "principal.x"), policy("c", "principal.y"));
    let found = loaded(&text, Some(SCHEMA)).findings;
    let places: Vec<(Option<&str>, Option<u32>)> = found.iter().map(|f| (f.policy.as_deref(), f.line)).collect();
    assert_eq!(places, [(Some("b"), Some(4)), (Some("c"), Some(6))]);
}

#[test]
fn warnings_do_not_keep_a_bundle_from_loading() {
    let finding = only(&when("principal.age == 1 && false"));
    assert_eq!((finding.code, finding.severity), (Code::PolicyImpossible, Severity::Warning));
    let finding = only(&when("principal.mail == \"say_һello\""));
    assert_eq!(finding.code, Code::TextConfusable);
}

#[test]
fn a_scope_that_fits_no_action_is_an_error() {
    let found = loaded("@id(\"p\") forbid (principal is Color, action, resource);", Some(SCHEMA)).findings;
    let codes: Vec<(Code, Severity)> = found.iter().map(|finding| (finding.code, finding.severity)).collect();
    assert_eq!(codes, [(Code::PolicyInapplicable, Severity::Error), (Code::PolicyImpossible, Severity::Warning)]);
    assert!(found.iter().all(|finding| finding.line.is_some() && !finding.advice.is_empty()));
}

#[test]
fn what_does_not_validate_is_loaded_when_asked_for() {
    let sources = Sources { validate: false, ..sources(&[("p.cedar", &when("principal.agee > 1"))], Some(SCHEMA)) };
    let loaded = load(&sources, &mut |_, _| ControlFlow::Continue(()));
    assert!(loaded.compiled.is_some());
    assert_eq!(loaded.findings.iter().map(|f| f.code).collect::<Vec<_>>(), [Code::AttributeUnknown]);
    let broken = Sources { validate: false, ..self::sources(&[("p.cedar", "permit")], Some(SCHEMA)) };
    assert!(load(&broken, &mut |_, _| ControlFlow::Continue(())).compiled.is_none());
}

#[test]
fn schemas_are_checked() {
    let finding = |schema: &str| {
        let found = loaded("", Some(schema)).findings;
        assert!(!found.is_empty(), "{schema}");
        (found[0].code, found[0].line, found[0].column)
    };
    assert_eq!(finding("entity A;\nentity B { x Long };"), (Code::SchemaSyntax, Some(2), Some(14)));
    assert_eq!(finding("entity A;\nentity B { x: Lng };"), (Code::SchemaInvalid, Some(2), Some(15)));
    assert_eq!(finding("entity A in [C];"), (Code::SchemaInvalid, Some(1), Some(14)));
    assert_eq!(finding("entity A;\nentity A;").0, Code::SchemaSyntax);
    assert_eq!(finding("type A = { a: B };\ntype B = { b: A };").0, Code::SchemaInvalid);
    assert_eq!(finding("action a in [b];\naction b in [a];").0, Code::SchemaInvalid);
    assert_eq!(finding("entity A; action a appliesTo { principal: Action, resource: A };").0, Code::SchemaInvalid);
    assert_eq!(finding("external entity A;").0, Code::SchemaInvalid);
    assert_eq!(finding("type Long = String; entity A { x: Long };").0, Code::SchemaSyntax);
    assert_eq!(finding("{\"\": {}}").0, Code::SchemaSyntax);
    assert_eq!(finding("namespace N { type ipaddr = Long; }"), (Code::SchemaShadowing, Some(1), Some(20)));
}

#[test]
fn findings_print_like_a_compilers() {
    let finding = only("\n  permit (principal, action, resource);");
    assert_eq!(finding.to_string(), "p.cedar:2:3: error: the policy has no `@id` [policy_id_missing]");
}

#[test]
fn codes_are_distinct_names_with_a_meaning() {
    let names: BTreeSet<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(names.len(), Code::ALL.len());
    for code in Code::ALL {
        assert!(code.name().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{code}");
        let starts = code.meaning().starts_with(|first: char| first.is_lowercase() || first == '`');
        assert!(starts && !code.meaning().ends_with('.'), "{code}");
    }
}

#[test]
fn places_are_right_at_every_edge() {
    let text = "a\nbü\n\n🦀c";
    let lines = Lines::of(text);
    let places: Vec<(u32, u32)> = [0, 1, 2, 3, 5, 6, 7, 11, 12, 99].into_iter().map(|at| lines.place(at)).collect();
    assert_eq!(places, [(1, 1), (1, 2), (2, 1), (2, 2), (2, 3), (3, 1), (4, 1), (4, 2), (4, 3), (4, 3)]);
    let backwards: Vec<(u32, u32)> = [12, 11, 8, 7, 6, 5, 4, 3, 2, 0].into_iter().map(|at| lines.place(at)).collect();
    assert_eq!(backwards, [(4, 3), (4, 2), (4, 1), (4, 1), (3, 1), (2, 3), (2, 2), (2, 2), (2, 1), (1, 1)]);
}
