//! From the texts of a bundle with tasks to what an engine decides by.
//!
//! The order: settings, schema, tool lists, tasks' TOML; then the derived schema; then policies, each task's judged with
//! its own parameters. All findings are kept; nothing is compiled if one of them stands against the bundle.
//!
//! Read next: `delegation_json.rs`.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use agentpdp_arguments::plan::Plan;
use agentpdp_core::entities::{Store, TooManyUids};
use agentpdp_core::policies::PolicySource;
use agentpdp_core::schema::RecordType;
use agentpdp_core::tasks::{Declarations, ResourceRule, Task, TaskSources};
use agentpdp_core::value::{EntityId, TypeId};
use cedar_policy_core::ast::PolicySet;
use cedar_policy_core::validator::json_schema::Fragment;
use cedar_policy_core::validator::{RawName, ValidatorSchema};

use crate::actions::{ActionShape, ENGINE_NAMESPACE, TaskParts, engine_action, engine_actions, grant_type};
use crate::bundle::{Parts, Read, Sources};
use crate::declarations::{Lookup, Parties, TaskMeaning};
use crate::delegation_json::delegation_json;
use crate::derive::derived_schema;
use crate::environments::{Asked, Environments};
use crate::finding::{Code, Finding};
use crate::host_actions::HostActions;
use crate::judge::Judge;
use crate::own::own;
use crate::policies::{Checks, PolicyReader, parse};
use crate::review::Review;
use crate::schema::{convert_schema, parse_schema, read_fragment};
use crate::settings::Settings;
use crate::task_text::{TaskText, read_task};
use crate::tasks::{ALL, TaskFiles, task_digest, task_files};
use crate::toml_text::TextFile;
use crate::tools::{PinnedTool, pinned_tools};
use crate::type_reader::TypeReader;

/// What a bundle with tasks is besides what is compiled: for the reference, for printing, for front ends.
#[derive(Clone, Debug)]
pub struct Delegation {
    /// All that is declared, in JSON's form, without the policies.
    pub json: serde_json::Value,
    /// Per task what passes unasked, what asks, what may be handed on; and the arguments that rules do not see.
    pub review: serde_json::Value,
    pub(crate) organisation: Fragment<RawName>,
    pub(crate) shapes: Vec<ActionShape>,
    pub(crate) parties: Parties,
    /// Parameters of each task, and the actions that its policies name.
    pub(crate) tasks: Vec<(Arc<str>, Arc<RecordType>, BTreeSet<usize>)>,
    store: Store,
}

impl Delegation {
    /// The host's actions, each with whether it is a tool, in the order of the tool lists.
    #[must_use]
    pub fn host_actions(&self) -> Vec<(EntityId, bool)> {
        let host = |shape: &ActionShape| Some((shape.action, shape.host_action()?.tool.is_some()));
        self.shapes.iter().filter_map(host).collect()
    }

    /// How the arguments of a tool are read.
    #[must_use]
    pub fn plan(&self, action: EntityId) -> Option<&Arc<Plan>> {
        self.shapes.iter().find(|shape| shape.action == action)?.host_action()?.plan.as_ref()
    }

    /// Names of the tasks, sorted.
    pub fn tasks(&self) -> impl Iterator<Item = &str> {
        self.tasks.iter().map(|(name, _, _)| &**name)
    }

    /// The ceiling schema, or that of a task, as Cedar text; none if there is no such task.
    #[must_use]
    pub fn schema_text(&self, task: Option<&str>) -> Option<String> {
        let pair = (*self.parties.principals.first()?, *self.parties.agents.first()?);
        let claims = &self.parties.claims;
        let schema = match task {
            None => {
                derived_schema(&self.organisation, self.shapes.iter(), &grant_type(pair, claims, None), &self.store)
            }
            Some(name) => {
                let (_, params, named) = self.tasks.iter().find(|(known, _, _)| &**known == name)?;
                let is_group = |shape: &ActionShape| matches!(shape.role, crate::actions::Role::Group);
                let numbered = self.shapes.iter().enumerate();
                let shapes = numbered.filter(|(number, shape)| named.contains(number) || is_group(shape));
                let agents: Vec<ActionShape> = shapes.map(|(_, shape)| self.for_agents(shape)).collect();
                derived_schema(&self.organisation, agents.iter(), &grant_type(pair, claims, Some(params)), &self.store)
            }
        };
        schema.ok()?.to_cedarschema().ok()
    }

    /// The action as a task's policies see it: an agent is its principal.
    fn for_agents(&self, shape: &ActionShape) -> ActionShape {
        let principals =
            shape.principals.iter().copied().filter(|type_id| self.parties.agents.contains(type_id)).collect();
        ActionShape { principals, ..shape.clone() }
    }
}

/// Reads a bundle with tasks.
pub(crate) fn read(sources: &Sources, settings: &Settings, settings_file: &TextFile<'_>) -> Read {
    let mut read = Read::default();
    let Some((schema_name, schema_text)) = &sources.schema else {
        let message = "a bundle with tasks needs a schema";
        settings_file.find_whole(
            Code::SchemaInvalid,
            message,
            "write `schema.cedarschema` with the organisation's entity types",
        );
        return read;
    };
    let schema_file = TextFile::new(schema_name, schema_text);
    let (parsed, found) = parse_schema(&schema_file.name, schema_text);
    read.findings.extend(found);
    let tool_files: Vec<TextFile<'_>> = sources.tools.iter().map(|(name, text)| TextFile::new(name, text)).collect();
    let tools = pinned_tools(&tool_files);
    let (files, all) = task_files(&sources.tasks, &mut read.findings);
    if files.is_empty() && read.findings.iter().all(|finding| !finding.file.starts_with("tasks/")) {
        let at = settings.task_key.as_ref().map(|key| key.at);
        let message = "the bundle has no task";
        let advice = "write `tasks/NAME.toml` and `tasks/NAME.cedar`; a plain bundle has neither `tools/` nor keys but `name` and `on_error`";
        match at {
            Some(at) => settings_file.find(Code::TasksMissing, at, message, advice),
            None => settings_file.find_whole(Code::TasksMissing, message, advice),
        }
    }
    let task_texts: Vec<TextFile<'_>> =
        files.iter().map(|task| TextFile::new(&task.settings.0, &task.settings.1)).collect();
    let settings_of: Vec<Option<TaskText>> = task_texts.iter().map(read_task).collect();
    if let Some(on_error) = &settings.on_error {
        let message = "`on_error` is for plain bundles; with tasks a forbid that errs denies";
        settings_file.find(Code::SettingMisplaced, on_error.at, message, "take it out");
    }
    if let (Some(parsed), Some(organisation)) = (parsed, read_fragment(schema_text)) {
        let context = Texts {
            sources,
            settings,
            settings_file,
            schema_file: &schema_file,
            tool_files: &tool_files,
            files: &files,
            all,
            task_texts: &task_texts,
        };
        if context.load(&mut read, &parsed, organisation, &tools, &settings_of).is_err() {
            let advice = "name fewer";
            let message = "the bundle names more entities than an engine can hold";
            read.findings.push(Finding::new(Code::LimitReached, &settings_file.name, message, advice));
        }
    } else {
        // The policies are read all the same, for what else may be wrong with them.
        for (name, text) in sources.policies.iter().chain(&sources.tasks).filter(|(name, _)| name.ends_with(".cedar")) {
            parse(&Arc::from(name.as_str()), text, &mut read.findings);
        }
    }
    let files = [&schema_file].into_iter().chain(&tool_files).chain(&task_texts);
    read.findings.extend(files.flat_map(TextFile::take_findings));
    read
}

/// The texts while they are read.
struct Texts<'t> {
    sources: &'t Sources,
    settings: &'t Settings,
    settings_file: &'t TextFile<'t>,
    schema_file: &'t TextFile<'t>,
    tool_files: &'t [TextFile<'t>],
    files: &'t [TaskFiles<'t>],
    all: Option<&'t (String, String)>,
    task_texts: &'t [TextFile<'t>],
}

impl Texts<'_> {
    fn load(
        &self,
        read: &mut Read,
        parsed: &ValidatorSchema,
        organisation: Fragment<RawName>,
        tools: &[PinnedTool<'_>],
        tasks: &[Option<TaskText>],
    ) -> Result<(), TooManyUids> {
        let mut store = self.sources.base_store();
        let plain = convert_schema(parsed, &mut store)?;
        self.check_namespaces(&organisation);
        let mut lookup = Lookup { types: TypeReader::new(&organisation), organisation: &plain, store: &mut store };
        let parties = lookup.parties(self.settings_file, self.settings);
        let meanings: Vec<Option<TaskMeaning>> = tasks
            .iter()
            .zip(self.task_texts)
            .map(|(task, file)| task.as_ref().map(|task| lookup.task(file, task, &parties)))
            .collect();
        let mut host = HostActions {
            lookup: &mut lookup,
            parties: &parties,
            settings: self.settings,
            settings_file: self.settings_file,
            schema_file: self.schema_file,
        };
        let mut shapes = host.shapes(tools)?;
        let parts: Vec<TaskParts<'_>> = self
            .files
            .iter()
            .zip(&meanings)
            .filter_map(|(files, meaning)| {
                let meaning = meaning.as_ref()?;
                let agents = meaning.agents.clone().unwrap_or_else(|| parties.agents.clone());
                Some(TaskParts { name: files.name, params: meaning.params_type(), agents })
            })
            .collect();
        shapes.extend(engine_actions(&parts, &parties.principals, &parties.agents, &mut store)?);
        let mut compiled_tasks = Vec::new();
        for ((files, file), (task, meaning)) in self.files.iter().zip(self.task_texts).zip(tasks.iter().zip(&meanings))
        {
            let (Some(task), Some(meaning)) = (task, meaning) else { continue };
            compiled_tasks.push(Task {
                name: Arc::from(files.name),
                description: Arc::from(&*task.description),
                lifetime_ms: task.lifetime_ms,
                params: meaning.params.clone().into_boxed_slice(),
                principals: meaning.principals.clone().map(Vec::into_boxed_slice),
                agents: meaning.agents.clone().map(Vec::into_boxed_slice),
                own: task.own.as_ref().map(|names| own(file, names, &shapes, &mut store)),
                start: engine_action(&format!("start.{}", files.name), &mut store)?,
                delegate: engine_action(&format!("delegate.{}", files.name), &mut store)?,
                digest: task_digest(files, self.all),
            });
        }
        let Some(pair) = parties.principals.first().copied().zip(parties.agents.first().copied()) else {
            return Ok(());
        };
        let grant = grant_type(pair, &parties.claims, None);
        let derived = derived_schema(&organisation, shapes.iter(), &grant, &store);
        let Ok(schema) = derived else { return Ok(()) };
        let schema = match crate::schema::resolve(&self.schema_file.name, schema) {
            Ok(schema) => schema,
            Err(found) => {
                read.findings.extend(found);
                return Ok(());
            }
        };
        let converted = convert_schema(&schema, &mut store)?;
        let (policies, task_policies, named) =
            self.policies(read, &mut store, &schema, &shapes, &parties, &compiled_tasks, &parts);
        let declarations = Declarations {
            digest: self.sources.digest,
            principals: parties.principals.clone().into_boxed_slice(),
            agents: parties.agents.clone().into_boxed_slice(),
            open_types: parties.open_types.clone().into_boxed_slice(),
            claims: parties.claims.clone(),
            limits: self.settings.limits.unwrap_or(agentpdp_core::tasks::TreeLimits::DEFAULT),
            tasks: compiled_tasks.into_boxed_slice(),
            resources: resources(&shapes),
            approve: engine_action("approve", &mut store)?,
            revoke: engine_action("revoke", &mut store)?,
        };
        let param_place = |task: &str, name: &str| {
            let number = self.files.iter().position(|files| files.name == task)?;
            let param = tasks.get(number)?.as_ref()?.params.iter().find(|param| param.name.value == name)?;
            Some(self.task_texts.get(number)?.place(param.name.at))
        };
        let places = &read.places;
        let review =
            Review::new(&declarations, &policies, &task_policies, &shapes, places, &store, &converted, &param_place);
        let summary = review.summary();
        let doubts = if self.is_sound(read) { review.doubts() } else { Vec::new() };
        read.validity.extend(doubts);
        let params = parts.iter().map(|part| part.params.clone());
        let tasks = declarations.tasks.iter().zip(params).zip(named);
        let delegation = Delegation {
            json: delegation_json(&declarations, &shapes, &store),
            review: summary,
            tasks: tasks.map(|((task, params), named)| (task.name.clone(), params, named)).collect(),
            organisation,
            shapes,
            parties,
            store: store.clone(),
        };
        let tasks = TaskSources { declarations, policies: task_policies };
        read.parts = Some(Parts { policies, schema: Some(converted), store, tasks: Some((tasks, delegation)) });
        Ok(())
    }

    fn check_namespaces(&self, organisation: &Fragment<RawName>) {
        let is_engine = |name: &str| name == ENGINE_NAMESPACE || name.starts_with("AgentPDP::");
        if organisation.0.keys().flatten().any(|name| is_engine(&name.to_string())) {
            let at = self.schema_file.text.find(ENGINE_NAMESPACE).unwrap_or(0);
            let message = "the namespace `AgentPDP` is the engine's";
            self.schema_file.find(Code::NamespaceReserved, at, message, "give the namespace another name");
        }
        if let Some(namespace) = &self.settings.namespace {
            if is_engine(&namespace.value) {
                let message = "the namespace `AgentPDP` is the engine's";
                self.settings_file.find(
                    Code::NamespaceReserved,
                    namespace.at,
                    message,
                    "give the tools' actions another namespace",
                );
            } else if !crate::values::is_type_name(&namespace.value) {
                let message = format!("`{}` cannot be a namespace", namespace.value.escape_debug());
                self.settings_file.find(
                    Code::KeyValue,
                    namespace.at,
                    message,
                    "write names with `::` between them, as in `Care::Desk`",
                );
            }
        }
    }

    /// Whether what policies are judged by is right itself: findings that only follow from others help nobody.
    fn is_sound(&self, read: &Read) -> bool {
        let files = [self.settings_file, self.schema_file].into_iter().chain(self.tool_files);
        !read.findings.iter().any(Finding::is_error) && !files.into_iter().any(TextFile::has_errors)
    }

    /// The organisation's policies, those of each task, and the actions that each task's policies name.
    #[allow(clippy::too_many_arguments, clippy::type_complexity)] // what has been read so far
    fn policies(
        &self,
        read: &mut Read,
        store: &mut Store,
        schema: &ValidatorSchema,
        shapes: &[ActionShape],
        parties: &Parties,
        tasks: &[Task],
        parts: &[TaskParts<'_>],
    ) -> (Vec<PolicySource>, Vec<Vec<PolicySource>>, Vec<BTreeSet<usize>>) {
        let Some(environments) =
            Environments::new(shapes, store, &parties.principals, &parties.agents, &parties.claims)
        else {
            return Default::default();
        };
        let open = parties.open_types.iter().filter_map(|type_id| store.type_name(*type_id)).map(ToString::to_string);
        let judge = Judge::new(schema, &environments, open.collect());
        let is_sound = self.is_sound(read);
        let mut reader = PolicyReader {
            ids: self.sources.ids,
            checks: Checks::Tasks(is_sound.then_some(&judge), Asked::Ceiling, None),
            store,
            sources: Vec::new(),
            places: Vec::new(),
            findings: Vec::new(),
            validity: Vec::new(),
            names: HashMap::new(),
        };
        for (file, text) in &self.sources.policies {
            reader.read(&Arc::from(file.as_str()), text);
        }
        let ceilings = std::mem::take(&mut reader.sources);
        let asked = |number, params, principals: Option<&[TypeId]>, agents: Option<&[TypeId]>, unscoped| Asked::Task {
            number,
            params,
            principals: principals.unwrap_or(&parties.principals).to_vec(),
            agents: agents.unwrap_or(&parties.agents).to_vec(),
            unscoped,
        };
        let (mut shared, mut shared_named) = (Vec::new(), BTreeSet::new());
        if let Some((name, text)) = self.all {
            let name = Arc::from(name.as_str());
            if let Some(set) = parse(&name, text, &mut reader.findings) {
                shared_named = named(&set, &environments);
                let of = asked(usize::MAX, None, None, None, None);
                reader.checks = Checks::Tasks(is_sound.then_some(&judge), of, Some(Arc::from(ALL)));
                reader.read_set(&name, text, &set);
                shared = std::mem::take(&mut reader.sources);
            }
        }
        let (mut policies, mut all_named) = (Vec::new(), Vec::new());
        for (number, task) in tasks.iter().enumerate() {
            let Some(files) = self.files.iter().find(|files| *files.name == *task.name) else { continue };
            let (name, text) = (Arc::from(files.policies.0.as_str()), &files.policies.1);
            let mut own_named = shared_named.clone();
            if let Some(set) = parse(&name, text, &mut reader.findings) {
                own_named.extend(named(&set, &environments));
                let params = parts.get(number).map(|part| part.params.clone());
                let of =
                    asked(number, params, task.principals.as_deref(), task.agents.as_deref(), Some(own_named.clone()));
                let settings = self.task_texts.iter().find(|file| *file.name == files.settings.0);
                let is_sound = is_sound && settings.is_some_and(|settings| !settings.has_errors());
                reader.checks = Checks::Tasks(is_sound.then_some(&judge), of, Some(task.name.clone()));
                reader.read_set(&name, text, &set);
            }
            let mut own = std::mem::take(&mut reader.sources);
            own.extend(shared.iter().cloned());
            policies.push(own);
            all_named.push(own_named);
        }
        let PolicyReader { places, findings, validity, .. } = reader;
        read.places = places;
        read.findings.extend(findings);
        read.validity.extend(validity);
        (ceilings, policies, all_named)
    }
}

/// Numbers of the actions that the policies of a file name.
fn named(set: &PolicySet, environments: &Environments<'_>) -> BTreeSet<usize> {
    set.all_templates().filter_map(|template| environments.named(template.action_constraint())).flatten().collect()
}

fn resources(shapes: &[ActionShape]) -> HashMap<EntityId, ResourceRule, foldhash::fast::FixedState> {
    shapes.iter().filter_map(|shape| Some((shape.action, shape.host_action()?.rule.clone()))).collect()
}
