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
use agentpdp_core::tasks::{Digest, TaskSources};
use cedar_policy_core::validator::Validator;

pub use crate::entities::Progress;
use crate::entities::{LoadError, load_entities, put_actions};
use crate::finding::{Code, Finding};
use crate::policies::{Checks, PolicyReader};
pub use crate::policies::{Ids, PolicyPlace};
pub use crate::policies_json::{delegation_json, policies_json};
use crate::schema::{convert_schema, parse_schema, resolved_json};
use crate::settings::read_settings;
use crate::stack;
use crate::toml_text::TextFile;
use crate::with_tasks;
pub use crate::with_tasks::Delegation;

/// The texts of a bundle, each with the name of its file.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// `agentpdp.toml`, if there is one.
    pub settings: Option<(String, String)>,
    /// Policies; their order is that of names by position.
    pub policies: Vec<(String, String)>,
    /// `tools/*.json`
    pub tools: Vec<(String, String)>,
    /// `tasks/*.toml` and `tasks/*.cedar`
    pub tasks: Vec<(String, String)>,
    /// The schema, if there is one.
    pub schema: Option<(String, String)>,
    /// Entity JSON, if there is any.
    pub entities: Option<(String, String)>,
    /// What an erring forbid does where the settings do not say it.
    pub on_error: OnError,
    /// SHA-256 of all files.
    pub digest: Digest,
    /// Where policies get their names from.
    pub ids: Ids,
    /// Whether policies that do not validate keep the bundle from being loaded.
    pub validate: bool,
    /// What hashes depend on, so that nobody can prepare uids that collide.
    pub seed: u64,
    /// For a reload: the store whose numbers go on; it has no data.
    pub base: Option<Store>,
}

impl Sources {
    /// The store that the bundle's uids get their numbers from.
    pub(crate) fn base_store(&self) -> Store {
        self.base.clone().unwrap_or_else(|| Store::new(self.seed))
    }

    /// The texts of a bundle by their path in it.
    #[must_use]
    pub fn of_files(files: Vec<(String, String)>) -> Self {
        let mut sources = Self { validate: true, ..Self::default() };
        for file in files {
            match file.0.as_str() {
                "agentpdp.toml" => sources.settings = Some(file),
                "schema.cedarschema" => sources.schema = Some(file),
                "entities.json" => sources.entities = Some(file),
                path if path.starts_with("tools/") => sources.tools.push(file),
                path if path.starts_with("tasks/") => sources.tasks.push(file),
                _ => sources.policies.push(file),
            }
        }
        sources
    }
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
    /// A name for people, if the bundle has one.
    pub name: Option<String>,
    /// What an erring forbid does.
    pub on_error: OnError,
    /// In a bundle with tasks: what it declares.
    pub delegation: Option<Delegation>,
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
    /// A name for people, if the bundle has one.
    pub name: Option<String>,
    /// What an erring forbid does.
    pub on_error: OnError,
    /// What is compiled; none if a finding stands against it.
    parts: Option<Parts>,
}

/// What is compiled: policies, schema, the store with the uids they name.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    pub(crate) policies: Vec<PolicySource>,
    pub(crate) schema: Option<Schema>,
    pub(crate) store: Store,
    pub(crate) tasks: Option<(TaskSources, Delegation)>,
}

/// Reads policies and schema.
#[must_use]
pub fn prepare(sources: &Sources) -> Prepared {
    stack::run(|| read(sources)).unwrap_or_else(|_| {
        let file = Arc::from(sources.policies.first().map_or("policies", |(file, _)| file.as_str()));
        Prepared {
            findings: vec![no_stack(&file)],
            policies: Vec::new(),
            name: None,
            on_error: sources.on_error,
            parts: None,
        }
    })
}

fn no_stack(file: &Arc<str>) -> Finding {
    let advice = "give the process more address space (`ulimit -v`), or run fewer loads at a time";
    Finding::new(Code::NoStack, file, "the system gives no thread with a stack of 128 MiB to parse in", advice)
}

fn read(sources: &Sources) -> Prepared {
    let empty = ("agentpdp.toml".to_owned(), String::new());
    let (file, text) = sources.settings.as_ref().unwrap_or(&empty);
    let file = TextFile::new(file, text);
    let Some(settings) = read_settings(&file) else {
        // What kind of bundle it is cannot be known.
        let (findings, on_error) = (file.take_findings(), sources.on_error);
        return Prepared { findings, policies: Vec::new(), name: None, on_error, parts: None };
    };
    let with_tasks = !sources.tools.is_empty() || !sources.tasks.is_empty() || settings.task_key.is_some();
    let mut read = if with_tasks { with_tasks::read(sources, &settings, &file) } else { read_plain(sources) };
    read.findings.extend(file.take_findings());
    let stands_against = read.findings.iter().any(Finding::is_error)
        || ((sources.validate || with_tasks) && read.validity.iter().any(Finding::is_error));
    let mut findings = read.findings;
    findings.extend(read.validity);
    sort(&mut findings, sources);
    let on_error = settings.on_error.map_or(sources.on_error, |on_error| on_error.value);
    let parts = read.parts.filter(|_| !stands_against);
    Prepared { findings, policies: read.places, name: settings.name, on_error, parts }
}

/// What was read, and what is wrong with it.
#[derive(Default)]
pub(crate) struct Read {
    pub(crate) findings: Vec<Finding>,
    /// What the validator says, apart: a plain bundle can be loaded against it.
    pub(crate) validity: Vec<Finding>,
    pub(crate) places: Vec<PolicyPlace>,
    pub(crate) parts: Option<Parts>,
}

fn read_plain(sources: &Sources) -> Read {
    let (mut store, mut findings) = (sources.base_store(), Vec::new());
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
        checks: validator.as_ref().map_or(Checks::Nothing, Checks::Plain),
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
    Read { findings, validity, places, parts: Some(Parts { policies, schema, store, tasks: None }) }
}

/// Puts findings into the order of files and places: the schema, then the policies.
fn sort(findings: &mut [Finding], sources: &Sources) {
    let files = sources.settings.iter().chain(&sources.schema).chain(&sources.tools);
    let files = files.chain(&sources.policies).chain(&sources.tasks).map(|(file, _)| file.as_str());
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
        let Self { findings, policies, name, on_error, parts } = self;
        let mut loaded =
            Loaded { findings, compiled: None, policies, stopped: false, name, on_error, delegation: None };
        let Some(Parts { policies, schema, store, tasks }) = parts else { return loaded };
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
        let (tasks, delegation) = tasks.map_or((None, None), |(tasks, delegation)| (Some(tasks), Some(delegation)));
        loaded.delegation = delegation;
        match stack::run(move || Snapshot::new(schema, on_error, store, policies, tasks)) {
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
