//! What is in the directory of a workload?
//!
//! The files of `benches/workloads/export.py`, read into plain texts and names; nothing is Cedar's yet.
//!
//! Read next: `prebuilt.rs`.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::failure::{Failure, read};

/// One template linked under an id of its own; uids are Cedar text.
pub(crate) struct Link {
    pub(crate) template: String,
    pub(crate) id: String,
    pub(crate) principal: Option<String>,
    pub(crate) resource: Option<String>,
}

/// One call; uids are Cedar text.
pub(crate) struct Asked {
    pub(crate) principal: String,
    pub(crate) action: String,
    pub(crate) resource: String,
    pub(crate) context: Value,
}

/// One workload. Only policies and schema are there if that is all that was asked for.
pub(crate) struct Workload {
    pub(crate) policies: String,
    pub(crate) schema: String,
    pub(crate) entities: String,
    pub(crate) links: Vec<Link>,
    pub(crate) requests: Vec<Asked>,
}

impl Workload {
    /// Policies and schema.
    pub(crate) fn read_policies(directory: &Path) -> Result<Self, Failure> {
        let policies = read(directory, "policies.cedar")?;
        let schema = read(directory, "schema.cedarschema")?;
        Ok(Self { policies, schema, entities: String::new(), links: Vec::new(), requests: Vec::new() })
    }

    /// Everything.
    pub(crate) fn read(directory: &Path) -> Result<Self, Failure> {
        let links: Vec<Value> = parse("links.json", &read(directory, "links.json")?)?;
        let links = (0..).zip(&links).map(|(at, each)| link(each, &format!("links.json, link {at}")));
        let requests = read(directory, "requests.jsonl")?;
        let requests = (1..).zip(requests.lines()).map(|(line, text)| asked(text, &format!("requests.jsonl:{line}")));
        Ok(Self {
            entities: read(directory, "entities.json")?,
            links: links.collect::<Result<_, _>>()?,
            requests: requests.collect::<Result<_, _>>()?,
            ..Self::read_policies(directory)?
        })
    }
}

fn parse<T: DeserializeOwned>(place: &str, text: &str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|error| Failure::of(place, error))
}

fn link(each: &Value, place: &str) -> Result<Link, Failure> {
    let slot = |name: &str| match each.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(_) => text(each, name, place).map(Some),
    };
    let (template, id) = (text(each, "template", place)?, text(each, "id", place)?);
    Ok(Link { template, id, principal: slot("principal")?, resource: slot("resource")? })
}

fn asked(line: &str, place: &str) -> Result<Asked, Failure> {
    let each: Value = parse(place, line)?;
    Ok(Asked {
        principal: text(&each, "principal", place)?,
        action: text(&each, "action", place)?,
        resource: text(&each, "resource", place)?,
        context: each.get("context").cloned().ok_or_else(|| Failure::of(place, "there is no `context`"))?,
    })
}

fn text(each: &Value, name: &str, place: &str) -> Result<String, Failure> {
    let found = each.get(name).and_then(Value::as_str).map(str::to_owned);
    found.ok_or_else(|| Failure::of(place, format!("`{name}` is not there, or is no text")))
}
