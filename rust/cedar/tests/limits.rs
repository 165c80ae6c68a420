//! Hostile texts become findings with a place; what is within the limits is loaded, on every platform's stack.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test fails by a panic

use std::fmt::Write;
use std::ops::ControlFlow;

use agentpdp_cedar::bundle::{Ids, Loaded, Sources, load};
use agentpdp_cedar::finding::Code;
use agentpdp_cedar::limits::{
    CHAIN_LENGTH_MAX, DECLARATIONS_MAX, FINDINGS_MAX, HAS_NAMES_MAX, NESTING_MAX, SCHEMA_LIST_MAX,
};

const SCHEMA: &str = "entity User { n: Long, b: Bool, e: User, s: Set<Long> }; entity Doc;
    action view appliesTo { principal: User, resource: Doc, context: { n: Long, b: Bool } };";

fn load_all(policies: &str, schema: Option<&str>, entities: Option<&str>) -> Loaded {
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let sources = Sources {
        policies: vec![file("p.cedar", policies)],
        schema: schema.map(|text| file("s.cedarschema", text)),
        entities: entities.map(|text| file("e.json", text)),
        ids: Ids::Position,
        validate: true,
        ..Sources::default()
    };
    load(&sources, &mut |_, _| ControlFlow::Continue(()))
}

fn codes(loaded: &Loaded) -> Vec<(Code, Option<u32>, Option<u32>)> {
    loaded.findings.iter().map(|finding| (finding.code, finding.line, finding.column)).collect()
}

fn when(condition: &str) -> String {
    format!("permit (principal, action, resource)\nwhen {{ {condition} }};")
}

/// Loads with and without a schema; both must work.
fn assert_loads(condition: &str) {
    for schema in [None, Some(SCHEMA)] {
        let loaded = load_all(&when(condition), schema, None);
        assert!(loaded.compiled.is_some(), "{:?}", codes(&loaded));
    }
}

fn assert_refused(condition: &str, code: Code) {
    for schema in [None, Some(SCHEMA)] {
        let loaded = load_all(&when(condition), schema, None);
        assert!(loaded.compiled.is_none());
        assert!(codes(&loaded).iter().any(|(found, line, _)| *found == code && line.is_some()), "{:?}", codes(&loaded));
    }
}

fn chain(operand: &str, operator: &str, count: usize) -> String {
    let mut text = operand.to_owned();
    for _ in 1..count {
        write!(text, " {operator} {operand}").unwrap();
    }
    text
}

#[test]
fn brackets_in_policies_have_a_limit_with_a_place() {
    // Column 8 is the first byte of the condition; the bracket of the clause is one level itself.
    let column = u32::try_from(7 + NESTING_MAX).unwrap();
    for bracket in ["(", "[", "{"] {
        let loaded = load_all(&when(&bracket.repeat(100_000)), None, None);
        assert_eq!(codes(&loaded), [(Code::NestedTooDeep, Some(2), Some(column))], "{bracket}");
        assert!(loaded.compiled.is_none());
    }
    let loaded = load_all(&"(".repeat(100_000), None, None);
    assert_eq!(codes(&loaded), [(Code::NestedTooDeep, Some(1), Some(column - 6))]);
}

#[test]
fn brackets_up_to_the_limit_are_read() {
    let depth = NESTING_MAX - 1;
    assert_loads(&format!("{}true{}", "(".repeat(depth), ")".repeat(depth)));
    let sets = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    assert_loads(&format!("{sets} == {sets}"));
    let records = format!("{}1{}", "{a: ".repeat(depth), "}".repeat(depth));
    assert_loads(&format!("{records} == {records}"));
    let nots = format!("{}true{}", "!(".repeat(depth), ")".repeat(depth));
    assert_loads(&nots);
}

#[test]
fn brackets_in_schemas_have_a_limit_with_a_place() {
    for open in ["Set<", "{a: ", "{"] {
        let text = format!("entity A;\ntype T = {}", open.repeat(100_000));
        let loaded = load_all("", Some(&text), None);
        let [(code, line, column)] = codes(&loaded)[..] else { panic!("{:?}", codes(&loaded)) };
        assert_eq!((code, line), (Code::NestedTooDeep, Some(2)));
        assert!(column.unwrap() > 64);
    }
}

#[test]
fn brackets_in_entities_have_a_limit_with_a_place() {
    for open in ["[", "{\"a\":", "[{\"uid\":"] {
        let loaded = load_all("", None, Some(&format!("[\n{}", open.repeat(100_000))));
        let [(code, line, _)] = codes(&loaded)[..] else { panic!("{:?}", codes(&loaded)) };
        assert_eq!((code, line), (Code::NestedTooDeep, Some(2)));
    }
}

#[test]
fn brackets_in_strings_and_comments_do_not_count() {
    let many = "(".repeat(1_000);
    assert_loads(&format!("\"{many}\\\"{many}\" == \"\" // {many}\n"));
    let entities =
        format!("[{{\"uid\": {{\"type\": \"A\", \"id\": \"{many}\\\"{many}\"}}, \"attrs\": {{}}, \"parents\": []}}]");
    assert!(load_all("", None, Some(&entities)).compiled.is_some());
    assert!(load_all("", Some(&format!("// {many}\nentity A;")), None).compiled.is_some());
}

#[test]
fn long_chains_of_and_and_or_are_read() {
    for operator in ["||", "&&"] {
        assert_loads(&chain("principal.b", operator, 10_000));
        assert_loads(&chain("principal.n == 1", operator, 10_000));
        assert_loads(&chain("(principal.b && context.n < 3)", operator, 10_000));
    }
    let clauses: String = "when { principal.b } unless { context.b } ".repeat(5_000);
    assert!(load_all(&format!("permit (principal, action, resource) {clauses};"), None, None).compiled.is_some());
}

#[test]
fn longer_chains_are_findings() {
    for operator in ["||", "&&"] {
        assert_refused(&chain("principal.b", operator, 100_000), Code::ChainTooLong);
    }
    assert_refused(&format!("{}true", "if true then true else ".repeat(100_000)), Code::ChainTooLong);
    assert_refused(&format!("principal{} == 1", ".e".repeat(100_000)), Code::ChainTooLong);
    assert_refused(&format!("{} == 1", chain("1", "+", 100_000)), Code::ChainTooLong);
    assert_refused(&format!("{}true", "!".repeat(100_000)), Code::ChainTooLong);
    let clauses: String = "when { principal.b } ".repeat(100_000);
    let loaded = load_all(&format!("permit (principal, action, resource) {clauses};"), None, None);
    assert_eq!(codes(&loaded)[0].0, Code::ChainTooLong);
}

#[test]
fn expressions_that_the_core_does_not_compile_are_findings() {
    let length = CHAIN_LENGTH_MAX - 10;
    assert_refused(&format!("{} == 1", chain("1", "+", length)), Code::NestedTooDeep);
    assert_refused(&format!("{} == 1", chain("1", "*", length)), Code::NestedTooDeep);
    assert_refused(&format!("principal{} == 1", ".e".repeat(length)), Code::NestedTooDeep);
    assert_refused(&format!("principal{}.b", "[\"e\"]".repeat(length)), Code::NestedTooDeep);
    assert_refused(&format!("{}true", "if true then true else ".repeat(length)), Code::NestedTooDeep);
    assert_refused(&format!("{}true then true else true", "if ".repeat(length)), Code::PolicySyntax);
    assert_refused(&format!("principal has {}e", "e.".repeat(length)), Code::ChainTooLong);
    assert_refused(&format!("{}true", "!".repeat(5)), Code::PolicySyntax);
    assert_refused(&format!("{}1 == 1", "-".repeat(5)), Code::PolicySyntax);
}

#[test]
fn paths_after_has_have_a_limit_of_their_own() {
    assert_loads(&format!("context has {}e", "e.".repeat(HAS_NAMES_MAX - 1)));
    assert_refused(&format!("context has {}e", "e.".repeat(HAS_NAMES_MAX)), Code::ChainTooLong);
}

#[test]
fn flat_texts_may_be_large() {
    let numbers: Vec<String> = (0..100_000).map(|number| number.to_string()).collect();
    assert_loads(&format!("[{}].contains(principal.n)", numbers.join(", ")));
    let policies: String = (0..2_000).map(|_| when("principal.n == 1 && context.b")).collect();
    assert_eq!(load_all(&policies, Some(SCHEMA), None).policies.len(), 2_000);
}

#[test]
fn types_that_double_are_a_finding() {
    let mut text = "type T0 = { a: Long, b: Long };\n".to_owned();
    for number in 1..60 {
        writeln!(text, "type T{number} = {{ a: T{0}, b: T{0} }};", number - 1).unwrap();
    }
    text.push_str("entity A { t: T59 };");
    assert_eq!(codes(&load_all("", Some(&text), None)), [(Code::SchemaTooLarge, None, None)]);
}

#[test]
fn types_nested_through_names_are_a_finding() {
    for namespace in ["", "Some::"] {
        let mut text = "type T0 = Long;\n".to_owned();
        for number in 1..20_000 {
            writeln!(text, "type T{number} = {{ a: T{} }};", number - 1).unwrap();
        }
        text.push_str("entity A { t: T19999 };");
        if !namespace.is_empty() {
            text = format!("namespace Some {{ {text} }}");
        }
        let loaded = load_all("", Some(&text), None);
        assert_eq!(codes(&loaded), [(Code::NestedTooDeep, None, None)]);
        assert!(loaded.findings[0].message.contains(&format!("`{namespace}T")), "{}", loaded.findings[0].message);
    }
}

#[test]
fn hierarchies_have_a_limit() {
    let chain = |kind: &str, count: usize| {
        let mut text = format!("{kind} A0;\n");
        for number in 1..count {
            writeln!(text, "{kind} A{number} in A{};", number - 1).unwrap();
        }
        text
    };
    for kind in ["entity", "action"] {
        assert!(load_all("", Some(&chain(kind, 1_000)), None).compiled.is_some());
        for text in [chain(kind, 2_000), format!("namespace N {{ {} }}", chain(kind, 10_000))] {
            assert_eq!(codes(&load_all("", Some(&text), None)), [(Code::SchemaTooLarge, None, None)]);
        }
    }
    let cycle = chain("entity", 1_500).replacen("A0;", "A0 in A1499;", 1);
    assert_eq!(codes(&load_all("", Some(&cycle), None)), [(Code::SchemaTooLarge, None, None)]);
    let many: String = (0..=DECLARATIONS_MAX).map(|number| format!("entity A{number};")).collect();
    assert_eq!(codes(&load_all("", Some(&many), None)), [(Code::SchemaTooLarge, None, None)]);
}

#[test]
fn kinds_of_requests_have_a_limit() {
    let schema = |count: usize| {
        let names: Vec<String> = (0..count).map(|number| format!("A{number}")).collect();
        let names = names.join(", ");
        format!("entity {names}; action a appliesTo {{ principal: [{names}], resource: [{names}] }};")
    };
    assert_eq!(codes(&load_all("", Some(&schema(1_001)), None)), [(Code::SchemaTooLarge, None, None)]);
    assert!(load_all("", Some(&schema(100)), None).compiled.is_some());
}

#[test]
fn lists_in_schemas_have_a_limit() {
    let schema = |count: usize| {
        let attributes: Vec<String> = (0..count).map(|number| format!("a{number}: Long")).collect();
        format!("entity A {{\n{} }};", attributes.join(", "))
    };
    let loaded = load_all("", Some(&schema(SCHEMA_LIST_MAX + 10)), None);
    let [(code, line, column)] = codes(&loaded)[..] else { panic!("{:?}", codes(&loaded)) };
    assert_eq!((code, line), (Code::SchemaTooLarge, Some(2)));
    assert!(column.is_some());
    assert!(load_all("", Some(&schema(1_000)), None).compiled.is_some());
}

#[test]
fn many_findings_on_one_line_take_no_long_time() {
    let policies = "permit (principal, action, resource) when { principal.x };".repeat(20_000);
    let loaded = load_all(&policies, Some(SCHEMA), None);
    assert_eq!((loaded.findings.len(), loaded.policies.len()), (FINDINGS_MAX, 20_000));
    assert_eq!(loaded.findings[999].column, Some(999 * 58 + 45));
}

#[test]
fn too_large_a_file_is_a_finding() {
    let loaded = load_all(&" ".repeat((16 << 20) + 1), None, None);
    assert_eq!(codes(&loaded), [(Code::TextTooLarge, None, None)]);
}
