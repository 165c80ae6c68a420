//! What does `agentpdp.toml` say?
//!
//! Every key of it, read into [`Settings`] with the place where it stands. Nothing is looked up in a schema here:
//! `declarations.rs` does that.
//!
//! Read next: `task_text.rs`.

use agentpdp_core::authorize::OnError;
use agentpdp_core::tasks::TreeLimits;
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::finding::Code;
use crate::nearest::did_you_mean;
use crate::toml_text::{Keys, Placed, TextFile, in_order, text_of, to_json};

/// Longest name of a bundle, in characters.
pub const NAME_CHARACTERS_MAX: usize = 128;

/// What an action does to the world.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Impact {
    /// It reads.
    Read,
    /// It changes state.
    Write,
    /// It contacts somebody.
    Reach,
    /// Data leaves the organisation.
    Leave,
}

impl Impact {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Read, Self::Write, Self::Reach, Self::Leave];

    /// The harmful ones: those of an action that declares none.
    pub const HARMFUL: [Self; 3] = [Self::Write, Self::Reach, Self::Leave];

    /// The word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Reach => "reach",
            Self::Leave => "leave",
        }
    }
}

/// `resource` as it is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum ResourceText {
    /// `{ type = "T", from = "input.name" }`
    Argument { type_name: Placed<String>, argument: Placed<String> },
    /// `"principal"`
    Principal,
    /// `{ from = "principal.name" }`
    PrincipalAttribute(Placed<String>),
    /// `{ type = "T", id = "i" }`
    Fixed { type_name: Placed<String>, id: Placed<String> },
    /// `"caller"`
    Caller,
}

/// `[actions.NAME]` as it is written.
#[derive(Clone, Debug)]
pub(crate) struct ActionText {
    pub(crate) name: Placed<String>,
    pub(crate) impact: Option<Placed<Vec<Impact>>>,
    pub(crate) resource: Option<Placed<ResourceText>>,
    /// Whether `resource` stands there, right or wrong.
    pub(crate) has_resource: bool,
    pub(crate) kinds: Vec<(Placed<String>, Placed<Value>)>,
    pub(crate) require: Vec<Placed<String>>,
    pub(crate) opaque: Vec<Placed<String>>,
    pub(crate) entities: Vec<(Placed<String>, Placed<String>)>,
}

impl ActionText {
    /// Every argument that is named, where it is.
    pub(crate) fn arguments(&self) -> impl Iterator<Item = &Placed<String>> {
        let resource = match self.resource.as_ref().map(|resource| &resource.value) {
            Some(ResourceText::Argument { argument, .. }) => Some(argument),
            _ => None,
        };
        let kinds = self.kinds.iter().map(|(name, _)| name);
        let entities = self.entities.iter().map(|(name, _)| name);
        kinds.chain(&self.require).chain(&self.opaque).chain(entities).chain(resource)
    }
}

/// All of `agentpdp.toml`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) name: Option<String>,
    pub(crate) on_error: Option<Placed<OnError>>,
    pub(crate) principals: Option<Vec<Placed<String>>>,
    pub(crate) agents: Option<Vec<Placed<String>>>,
    pub(crate) namespace: Option<Placed<String>>,
    pub(crate) open_types: Vec<Placed<String>>,
    pub(crate) claims: Vec<(Placed<String>, Placed<String>)>,
    pub(crate) actions: Vec<ActionText>,
    pub(crate) limits: Option<TreeLimits>,
    /// The first key that only a bundle with tasks has.
    pub(crate) task_key: Option<Placed<&'static str>>,
}

/// Keys that only a bundle with tasks has.
const TASK_KEYS: [&str; 7] = ["principals", "agents", "namespace", "open_types", "claims", "actions", "limits"];

/// Reads the file; what is wrong is in its findings.
pub(crate) fn read_settings(file: &TextFile<'_>) -> Option<Settings> {
    let table = file.parse_toml()?;
    let keys = Keys::new(file, &table, "");
    let mut settings = Settings {
        name: read_name(&keys),
        on_error: read_on_error(&keys),
        principals: keys.texts("principals", "write entity types, as in `principals = [\"User\"]`"),
        agents: keys.texts("agents", "write entity types, as in `agents = [\"Agent\"]`"),
        namespace: keys.text("namespace", "write the namespace of the tools' actions, as in `namespace = \"Care\"`"),
        open_types: keys
            .texts("open_types", "write entity types, as in `open_types = [\"Account\"]`")
            .unwrap_or_default(),
        ..Settings::default()
    };
    if let Some(claims) = keys.table("claims", "write `[claims]` and below it `scope = \"Set<String>\"`") {
        settings.claims = text_members(file, claims, "claim", "write its Cedar type, as in `scope = \"Set<String>\"`");
    }
    if let Some(actions) = keys.table("actions", "write `[actions.NAME]` for every tool") {
        settings.actions =
            in_order(actions).into_iter().filter_map(|(name, value)| action(file, name, value)).collect();
    }
    settings.limits = keys
        .table("limits", "write `[limits]` and below it `depth`, `children` or `grants`")
        .map(|limits| read_limits(file, limits));
    if keys.value("meters").is_some() {
        let message = "`meters` are not in this release, and what is not decided by is not loaded";
        file.find(Code::NotInThisRelease, keys.key_at("meters").unwrap_or(0), message, "take the meters out");
    }
    let placed = TASK_KEYS.iter().filter_map(|key| keys.key_at(key).map(|at| Placed::new(*key, at)));
    settings.task_key = placed.min_by_key(|key| key.at);
    keys.finish();
    Some(settings)
}

fn read_name(keys: &Keys<'_, '_>) -> Option<String> {
    let advice = "write `name = \"…\"`";
    let name = keys.text("name", advice)?;
    if name.value.is_empty() || name.value.chars().count() > NAME_CHARACTERS_MAX {
        keys.wrong("name", name.at, &format!("a text of 1 to {NAME_CHARACTERS_MAX} characters"), advice);
        return None;
    }
    Some(name.value)
}

fn read_on_error(keys: &Keys<'_, '_>) -> Option<Placed<OnError>> {
    let advice = "`\"deny\"`: a forbid that errs denies; `\"cedar\"`: it is skipped, as Cedar does";
    let word = keys.text("on_error", advice)?;
    let read = match word.value.as_str() {
        "deny" => OnError::Deny,
        "cedar" => OnError::Cedar,
        _ => {
            keys.wrong("on_error", word.at, "one of its words", advice);
            return None;
        }
    };
    Some(Placed::new(read, word.at))
}

fn read_limits(file: &TextFile<'_>, table: &DeTable<'_>) -> TreeLimits {
    let keys = Keys::new(file, table, "`[limits]`");
    let mut limits = TreeLimits::DEFAULT;
    if let Some(depth) = keys.integer("depth", 0, 64).and_then(|depth| u16::try_from(depth.value).ok()) {
        limits.depth_max = depth;
    }
    let most = i64::from(u32::MAX);
    if let Some(children) = keys.integer("children", 0, most).and_then(|number| u32::try_from(number.value).ok()) {
        limits.children_max = children;
    }
    if let Some(grants) = keys.integer("grants", 1, most).and_then(|number| u32::try_from(number.value).ok()) {
        limits.grants_max = grants;
    }
    keys.finish();
    limits
}

/// The members of a table whose values are texts.
fn text_members(
    file: &TextFile<'_>,
    table: &DeTable<'_>,
    what: &str,
    advice: &str,
) -> Vec<(Placed<String>, Placed<String>)> {
    let mut read = Vec::new();
    for (name, value) in in_order(table) {
        match text_of(value) {
            Some(text) => read.push((name, text)),
            None => {
                let message = format!("the {what} `{}` is not a text", name.value.escape_debug());
                file.find(Code::KeyValue, value.span().start, message, advice);
            }
        }
    }
    read
}

fn action(file: &TextFile<'_>, name: Placed<String>, value: &Spanned<DeValue<'_>>) -> Option<ActionText> {
    let place = format!("`[actions.{}]`", name.value.escape_debug());
    let Some(table) = value.get_ref().as_table() else {
        file.find(Code::KeyValue, name.at, format!("{place} is not a table"), "write `impact`, `resource`, … below it");
        return None;
    };
    let keys = Keys::new(file, table, place);
    let read = ActionText {
        impact: read_impact(file, &keys),
        resource: read_resource(file, &keys),
        has_resource: keys.key_at("resource").is_some(),
        kinds: keys
            .table("kinds", "write `kinds = { ARGUMENT = \"email-list\" }`")
            .map(|kinds| in_order(kinds).into_iter().map(|(name, kind)| (name, json_at(kind))).collect())
            .unwrap_or_default(),
        require: keys.texts("require", "write the arguments, as in `require = [\"amount\"]`").unwrap_or_default(),
        opaque: keys.texts("opaque", "write the arguments, as in `opaque = [\"filter\"]`").unwrap_or_default(),
        entities: keys
            .table("entities", "write `entities = { ARGUMENT = \"Account\" }`")
            .map(|table| {
                text_members(file, table, "entity argument", "write an entity type, as in `payee = \"Account\"`")
            })
            .unwrap_or_default(),
        name,
    };
    if keys.value("creates").is_some() {
        let message = "`creates` is not in this release, and what is not decided by is not loaded";
        file.find(Code::NotInThisRelease, keys.key_at("creates").unwrap_or(0), message, "take it out");
    }
    keys.finish();
    Some(read)
}

fn json_at(value: &Spanned<DeValue<'_>>) -> Placed<Value> {
    Placed::new(to_json(value.get_ref()), value.span().start)
}

fn read_impact(file: &TextFile<'_>, keys: &Keys<'_, '_>) -> Option<Placed<Vec<Impact>>> {
    let at = keys.key_at("impact").unwrap_or(0);
    let words = keys.texts("impact", "write `impact = [\"read\"]`, or some of `write`, `reach`, `leave`")?;
    let mut read = Vec::new();
    for word in &words {
        match Impact::ALL.iter().find(|impact| impact.name() == word.value) {
            Some(impact) => read.push(*impact),
            None => {
                let advice = did_you_mean(&word.value, Impact::ALL.map(Impact::name), "impacts are");
                let message = format!("`{}` is not an impact", word.value.escape_debug());
                file.find(Code::KeyValue, word.at, message, advice);
                return None;
            }
        }
    }
    read.sort_unstable();
    read.dedup();
    if read.is_empty() {
        keys.wrong("impact", at, "a list with an impact", "leave it out for all harmful ones, or write `[\"read\"]`");
        return None;
    }
    if read.len() > 1 && read.contains(&Impact::Read) {
        let message = "`read` stands beside another impact";
        file.find(
            Code::ImpactContradicts,
            at,
            message,
            "an action that only reads has `[\"read\"]`; any other has the others alone",
        );
        return None;
    }
    Some(Placed::new(read, at))
}

const RESOURCE_ADVICE: &str = "write `{ type = \"Order\", from = \"input.order_id\" }`, `\"principal\"`, \
     `{ from = \"principal.calendar\" }`, `{ type = \"System\", id = \"mail\" }` or `\"caller\"`";

fn read_resource(file: &TextFile<'_>, keys: &Keys<'_, '_>) -> Option<Placed<ResourceText>> {
    let value = keys.value("resource")?;
    let at = value.span().start;
    let placed = |resource| Some(Placed::new(resource, at));
    match value.get_ref() {
        DeValue::String(word) if word == "principal" => return placed(ResourceText::Principal),
        DeValue::String(word) if word == "caller" => return placed(ResourceText::Caller),
        DeValue::Table(table) => {
            let keys = Keys::new(file, table, "`resource`");
            let type_name = keys.text("type", RESOURCE_ADVICE);
            let id = keys.text("id", RESOURCE_ADVICE);
            let from = keys.text("from", RESOURCE_ADVICE);
            keys.finish();
            let below = |from: &Placed<String>, holder: &str| {
                let name = from.value.strip_prefix(holder).filter(|name| !name.is_empty())?;
                Some(Placed::new(name.to_owned(), from.at))
            };
            match (type_name, id, from) {
                (Some(type_name), Some(id), None) => return placed(ResourceText::Fixed { type_name, id }),
                (Some(type_name), None, Some(from)) => {
                    if let Some(argument) = below(&from, "input.") {
                        return placed(ResourceText::Argument { type_name, argument });
                    }
                }
                (None, None, Some(from)) => {
                    if let Some(name) = below(&from, "principal.") {
                        return placed(ResourceText::PrincipalAttribute(name));
                    }
                }
                _ => {}
            }
        }
        _ => {}
    }
    keys.wrong("resource", at, "one of its forms", RESOURCE_ADVICE);
    None
}
