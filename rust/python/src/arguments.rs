//! Reading arguments by themselves, for the reference and for tests: JSON out, as the vectors write it.
//!
//! Deciding reads arguments through the plans of its engine; here a plan is made for one reading.

use agentpdp_arguments::canonical::canonical;
use agentpdp_arguments::cedar_json::{decoded_json, record_json, refusal_json, value_json};
use agentpdp_arguments::declaration::Declaration;
use agentpdp_arguments::decode::{Decoded, Entities, UnknownEntity, with_json};
use agentpdp_arguments::kind::{Kind, Read, Reading};
use agentpdp_arguments::kinds::{command, email};
use agentpdp_arguments::plan::Plan;
use agentpdp_arguments::problem::Problem;
use agentpdp_arguments::refusal::Rejection;
use agentpdp_arguments::source::{List, Node, Source};
use agentpdp_arguments::tool::{Annotations, Tool};
use agentpdp_cedar::input::Input;
use agentpdp_core::entities::Store;
use agentpdp_core::evaluate::Temporaries;
use agentpdp_core::value::{EntityId, TypeId};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use serde_json::{Value, json};

use crate::grants::input_source::InputSource;
use crate::input::to_arguments;

/// Entities that are known, and types of which any id is.
struct Known<'s> {
    store: &'s mut Store,
    ids: Vec<(TypeId, String)>,
    open: Vec<TypeId>,
}

impl Entities for Known<'_> {
    fn resolve(&mut self, type_id: TypeId, id: &str) -> Result<EntityId, UnknownEntity> {
        let is_known = self.ids.iter().any(|(known, known_id)| *known == type_id && known_id == id);
        if !is_known && !self.open.contains(&type_id) {
            return Err(UnknownEntity);
        }
        let name = self.store.type_name(type_id).ok_or(UnknownEntity)?.clone();
        self.store.intern(&name, id).map_err(|_| UnknownEntity)
    }
}

fn parse(text: &str) -> PyResult<Value> {
    serde_json::from_str(text).map_err(|error| PyValueError::new_err(error.to_string()))
}

/// Reads arguments, from Python or from their JSON text, by a tool's schema and a declaration.
#[pyfunction]
#[pyo3(signature = (schema, declaration, arguments, known, open_types, text=None))]
pub(crate) fn _read_arguments(
    schema: &str,
    declaration: &str,
    arguments: &Bound<'_, PyAny>,
    known: Vec<(String, String)>,
    open_types: Vec<String>,
    text: Option<&str>,
) -> PyResult<String> {
    let mut store = Store::new(1);
    let ids = known.into_iter().map(|(type_name, id)| (store.intern_type(&type_name), id)).collect();
    let open = open_types.iter().map(|name| store.intern_type(name)).collect();
    let declaration = Declaration::from_json(&parse(declaration)?, &mut |name| Some(store.intern_type(name)));
    let tool = Tool {
        name: "tool".into(),
        description: "".into(),
        input_schema: parse(schema)?,
        annotations: Annotations::default(),
    };
    let plan = match declaration.and_then(|declaration| Plan::new(&tool, &declaration, &mut store)) {
        Ok(plan) => plan,
        Err(problems) => return Ok(problems_json(&problems)),
    };
    let input = record_json(&plan.input, &store);
    let (keep, given) = (Temporaries::default(), to_arguments(arguments));
    let mut known = Known { store: &mut store, ids, open };
    let mut answer = match text {
        Some(text) => with_json(text, |json| {
            let mut decoded = Decoded::default();
            plan.decode(json, &mut known, &keep, &mut decoded).map(|()| decoded_json(&plan, &decoded, known.store))
        }),
        None => {
            let mut decoded = Decoded::default();
            plan.decode(InputSource(&given), &mut known, &keep, &mut decoded)
                .map(|()| decoded_json(&plan, &decoded, known.store))
        }
    }
    .unwrap_or_else(|refusal| refusal_json(&refusal));
    if let Value::Object(members) = &mut answer {
        members.insert("input".to_owned(), input);
    }
    Ok(answer.to_string())
}

fn problems_json(problems: &[Problem]) -> String {
    json!({"problems": problems.iter().map(|problem| problem.code.name()).collect::<Vec<_>>()}).to_string()
}

/// Reads one value of a kind: `{"value": …}`, or `{"refused": REASON}` with `canonical`, or with the `member` of a list.
#[pyfunction]
pub(crate) fn _read_kind(kind: &str, given: &Bound<'_, PyAny>) -> PyResult<String> {
    let kind = Kind::from_json(&parse(kind)?)
        .map_err(|problem| PyValueError::new_err((problem.code.name(), problem.to_string())))?;
    let given = to_arguments(given);
    let answer = match read_kind(&kind, &given)? {
        Ok(read) => {
            let store = Store::new(1);
            match &read {
                Read::Text(text) => json!({"value": text}),
                Read::Ready(value) => json!({"value": value_json(*value, &store)}),
                Read::Owned(value) => json!({"value": value_json(value.borrow(), &store)}),
            }
        }
        Err(rejection) => {
            let mut answer = json!({"refused": rejection.reason().name()});
            if let (Rejection::NotCanonical(spelling), Value::Object(members)) = (&rejection, &mut answer) {
                members.insert("canonical".to_owned(), spelling.as_str().into());
            }
            answer
        }
    };
    Ok(answer.to_string())
}

/// The inner result is the reading's, the outer one Python's.
fn read_kind<'a>(kind: &'a Kind, given: &'a Input) -> PyResult<Result<Read<'a>, Rejection>> {
    let members = match InputSource(given).node() {
        Node::Text(text) => return Ok(kind.read_text(text)),
        Node::Integer(integer) => return Ok(kind.read_integer(integer)),
        Node::Number(number) => return Ok(kind.read_number(number)),
        Node::List(members) => members,
        _ => return Err(PyValueError::new_err("a kind is read from a text, a number or a list of texts")),
    };
    let texts: Option<Vec<&str>> = members.members().map(|InputSource(member)| member.text()).collect();
    let texts = texts.ok_or_else(|| PyValueError::new_err("members are texts"))?;
    if kind.reading == Reading::EmailList {
        let read: Result<email::Emails<'_>, Rejection> =
            texts.iter().map(|text| email::read(text).map(email::Email::into_owned)).collect();
        return Ok(read.map(|emails| kind.emails(&emails)));
    }
    Ok(command::read_words(texts.into_iter()).map(|command| kind.command(&command)))
}

/// The canonical JSON (RFC 8785) of arguments; a `ValueError` with reason and place where readers may differ.
#[pyfunction]
pub(crate) fn _canonical(arguments: &Bound<'_, PyAny>) -> PyResult<String> {
    canonical(InputSource(&to_arguments(arguments)))
        .map_err(|refusal| PyValueError::new_err((refusal.reason.name(), refusal.argument)))
}
