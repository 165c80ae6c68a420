//! From texts to what an engine decides by.
//!
//! [`load`] takes the texts of a bundle and gives findings and, unless something stands against it, the compiled form.
//! What it does in which order: the schema; the policies, each file parsed once and validated; the entities; then the
//! core compiles. Everything that recurses as deep as a text says runs on a thread with a large stack (`stack.rs`).
//!
//! Twin: none; the reference reads [`policies_json`] and [`Loaded::schema_json`]. Read next: `policies_json.rs`.

use std::collections::HashMap;
use std::sync::Arc;

use agentpdp_core::authorize::{OnError, PolicyError};
use agentpdp_core::engine::{BuildError, Snapshot};
use agentpdp_core::entities::{Edits, Lineage, Store};
use agentpdp_core::policies::PolicySource;
use agentpdp_core::schema::Schema;
use agentpdp_core::shape::CompileError;
use cedar_policy_core::validator::Validator;

pub use crate::entities::Progress;
use crate::entities::{LoadError, load_entities, put_actions};
use crate::finding::{Code, Finding};
use crate::policies::PolicyReader;
pub use crate::policies::{Ids, PolicyPlace};
pub use crate::policies_json::policies_json;
use crate::schema::{convert_schema, parse_schema, resolved_json};
use crate::stack;

/// The texts of a bundle, each with the name of its file.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Policies; their order is that of names by position.
    pub policies: Vec<(String, String)>,
    /// The schema, if there is one.
    pub schema: Option<(String, String)>,
    /// Entity JSON, if there is any.
    pub entities: Option<(String, String)>,
    /// What an erring forbid does.
    pub on_error: OnError,
    /// Where policies get their names from.
    pub ids: Ids,
    /// Whether policies that do not validate keep the bundle from being loaded.
    pub validate: bool,
    /// What hashes depend on, so that nobody can prepare uids that collide.
    pub seed: u64,
}

/// What came of a bundle.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What is wrong or doubtful, by file and place.
    pub findings: Vec<Finding>,
    /// What an engine decides by; none if a finding stands against it.
    pub compiled: Option<Snapshot>,
    /// Every policy and template, in the order of the files.
    pub policies: Vec<PolicyPlace>,
    /// Whether the progress function stopped the reading.
    pub stopped: bool,
}

impl Loaded {
    /// The resolved schema; none if the bundle has none or is not loaded.
    #[must_use]
    pub fn schema_json(&self) -> Option<serde_json::Value> {
        let initial = self.compiled.as_ref()?;
        Some(resolved_json(initial.compiled.schema.as_deref()?, &initial.store))
    }
}

/// Loads a bundle. `progress` is told how many entities of how many are read, and may stop the reading.
pub fn load(sources: &Sources, progress: &mut Progress<'_>) -> Loaded {
    prepare(sources).finish(sources, progress)
}

/// A bundle whose policies and schema are read, but not its entities.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// What is wrong or doubtful so far.
    pub findings: Vec<Finding>,
    /// Every policy and template, in the order of the files.
    pub policies: Vec<PolicyPlace>,
    /// Policies, schema and the store with the uids they name; none if a finding stands against it.
    parts: Option<(Vec<PolicySource>, Option<Schema>, Store)>,
}

/// Reads policies and schema.
#[must_use]
pub fn prepare(sources: &Sources) -> Prepared {
    stack::run(|| read(sources)).unwrap_or_else(|_| {
        let file = Arc::from(sources.policies.first().map_or("policies", |(file, _)| file.as_str()));
        Prepared { findings: vec![no_stack(&file)], policies: Vec::new(), parts: None }
    })
}

fn no_stack(file: &Arc<str>) -> Finding {
    let advice = "give the process more address space (`ulimit -v`), or run fewer loads at a time";
    Finding::new(Code::NoStack, file, "the system gives no thread with a stack of 128 MiB to parse in", advice)
}

fn read(sources: &Sources) -> Prepared {
    let (mut store, mut findings) = (Store::new(sources.seed), Vec::new());
    let mut schema = None;
    let mut validator = None;
    if let Some((file, text)) = &sources.schema {
        let file: Arc<str> = Arc::from(file.as_str());
        let (parsed, found) = parse_schema(&file, text);
        findings.extend(found);
        if let Some(parsed) = parsed {
            match convert_schema(&parsed, &mut store) {
                Ok(converted) => schema = Some(converted),
                Err(_) => findings.push(too_many(&file)),
            }
            validator = Some(Validator::new(parsed));
        }
    }
    let mut reader = PolicyReader {
        ids: sources.ids,
        validator: validator.as_ref(),
        store: &mut store,
        sources: Vec::new(),
        places: Vec::new(),
        findings: Vec::new(),
        validity: Vec::new(),
        names: HashMap::new(),
    };
    for (file, text) in &sources.policies {
        reader.read(&Arc::from(file.as_str()), text);
    }
    let PolicyReader { sources: policies, places, findings: found, validity, .. } = reader;
    findings.extend(found);
    let stands_against =
        findings.iter().any(Finding::is_error) || (sources.validate && validity.iter().any(Finding::is_error));
    findings.extend(validity);
    sort(&mut findings, sources);
    let parts = (!stands_against).then_some((policies, schema, store));
    Prepared { findings, policies: places, parts }
}

/// Puts findings into the order of files and places: the schema, then the policies.
fn sort(findings: &mut [Finding], sources: &Sources) {
    let files = sources.schema.iter().chain(&sources.policies).map(|(file, _)| file.as_str());
    let ranks: HashMap<&str, usize> = files.zip(0..).collect();
    findings.sort_by_key(|finding| (ranks.get(&*finding.file).copied(), finding.line, finding.column));
}

fn too_many(file: &Arc<str>) -> Finding {
    Finding::new(Code::LimitReached, file, "the bundle names more entities than an engine can hold", "name fewer")
}

impl Prepared {
    /// Whether nothing stands against the bundle so far.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.parts.is_some()
    }

    /// Reads the entities and compiles.
    pub fn finish(self, sources: &Sources, progress: &mut Progress<'_>) -> Loaded {
        let Self { findings, policies, parts } = self;
        let mut loaded = Loaded { findings, compiled: None, policies, stopped: false };
        let Some((policies, schema, store)) = parts else { return loaded };
        let store = match read_entities(sources, store, schema.as_ref(), progress) {
            Ok(store) => store,
            Err(LoadError::Stopped) => {
                loaded.stopped = true;
                return loaded;
            }
            Err(LoadError::Finding(finding)) => {
                loaded.findings.push(*finding);
                return loaded;
            }
        };
        let on_error = sources.on_error;
        match stack::run(move || Snapshot::new(schema, on_error, store, policies, None)) {
            Ok(Ok(initial)) => loaded.compiled = Some(initial),
            Ok(Err(error)) => loaded.findings.push(not_built(&error, &loaded.policies)),
            Err(stack::NoRoom) => loaded.findings.push(no_stack(&Arc::from("policies"))),
        }
        loaded
    }
}

fn read_entities(
    sources: &Sources,
    store: Store,
    schema: Option<&Schema>,
    progress: &mut Progress<'_>,
) -> Result<Store, LoadError> {
    if let Some((file, text)) = &sources.entities {
        return load_entities(&Arc::from(file.as_str()), text, store, schema, progress);
    }
    let Some(schema) = schema else { return Ok(store) };
    let mut lineage = Lineage::default();
    let mut edits = Edits::new(store, &mut lineage);
    put_actions(&mut edits, schema);
    edits.finish().map_err(|_| {
        // Cedar refuses a schema whose actions are in a cycle, so this is not reached.
        let finding = Finding::new(Code::EntityCycle, &Arc::from("schema"), "an action would be its own group", "");
        LoadError::Finding(Box::new(finding))
    })
}

fn not_built(error: &BuildError, policies: &[PolicyPlace]) -> Finding {
    let (id, code, message, advice) = match error {
        BuildError::Policy(id, PolicyError::Compile(CompileError::TooDeep)) => {
            (Some(id), Code::NestedTooDeep, "the condition is nested too deep", "split it into several policies")
        }
        BuildError::Policy(id, PolicyError::NameTaken) => {
            (Some(id), Code::PolicyIdDuplicate, "another policy has this name", "give each policy an id of its own")
        }
        BuildError::Policy(id, _) => {
            (Some(id), Code::LimitReached, "the policy does not fit into the engine", "have fewer policies")
        }
        BuildError::TooManySlots(_) => (
            None,
            Code::LimitReached,
            "policies read more attributes of one action's context than a call has room for",
            "read records as a whole, or declare fewer attributes",
        ),
    };
    let place = policies.iter().find(|place| Some(&place.id) == id);
    let file = place.map_or_else(|| Arc::from("policies"), |place| place.file.clone());
    let mut finding = Finding::new(code, &file, message, advice).of_policy(id.cloned());
    finding.line = place.map(|place| place.line);
    finding.column = place.map(|place| place.column);
    finding
}
