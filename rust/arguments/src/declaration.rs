//! What does a bundle declare of the arguments of one tool?
//!
//! `[actions.NAME]` of `agentpdp.toml`, as whoever reads the bundle hands it over: values of TOML as values of JSON. A
//! kind is its name (`"url"`) or an object (`{ kind = "url", scheme = "https" }`); unknown keys are problems.
//!
//! Read next: `schema.rs`.

use std::sync::Arc;

use agentpdp_core::value::TypeId;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use crate::kind::{Kind, Reading};
use crate::kinds::date::{DATE_FORMATS_MAX, DateFormat, DateOptions};
use crate::kinds::id::{ID_BYTES_MAX, IdOptions, parse_alphabet};
use crate::kinds::money::MONEY_PLACES_MAX;
use crate::kinds::url::UrlOptions;
use crate::problem::{Problem, ProblemCode, nearest};

/// What is declared of the arguments of one tool. Arguments are named by their path: names joined by points, without a
/// mark for lists between them.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Declaration {
    /// Kinds of arguments.
    pub kinds: Vec<(Arc<str>, Kind)>,
    /// Arguments that must be there although the tool does not need them.
    pub require: Vec<Arc<str>>,
    /// Arguments that may be given although rules cannot see them.
    pub opaque: Vec<Arc<str>>,
    /// Arguments that are ids of entities.
    pub entities: Vec<(Arc<str>, TypeId)>,
    /// The argument that is the id of the resource, and the resource's type.
    pub resource: Option<(Arc<str>, TypeId)>,
}

impl Declaration {
    /// The declarations of one tool's arguments: `kinds`, `require`, `opaque`, `entities` and `resource`, as
    /// `[actions.NAME]` has them. `type_of` gives the number of an entity type's name.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub fn from_json(value: &Value, type_of: &mut dyn FnMut(&str) -> Option<TypeId>) -> Result<Self, Vec<Problem>> {
        let mut declaration = Self::default();
        let mut problems = Vec::new();
        let empty = Map::new();
        for (key, value) in value.as_object().unwrap_or(&empty) {
            let done = match key.as_str() {
                "kinds" => declaration.read_kinds(value, &mut problems),
                "require" => strings(value).map(|names| declaration.require = names),
                "opaque" => strings(value).map(|names| declaration.opaque = names),
                "entities" => declaration.read_entities(value, type_of),
                "resource" => declaration.read_resource(value, type_of),
                _ => None,
            };
            if done.is_none() {
                let message =
                    format!("`{}` is no declaration of arguments, or not of the right shape", key.escape_debug());
                problems.push(Problem::new(
                    ProblemCode::KindOption,
                    format!("/{key}"),
                    message,
                    "see the page on arguments",
                ));
            }
        }
        if problems.is_empty() { Ok(declaration) } else { Err(problems) }
    }

    fn read_kinds(&mut self, value: &Value, problems: &mut Vec<Problem>) -> Option<()> {
        for (path, kind) in value.as_object()? {
            match Kind::from_json(kind) {
                Ok(kind) => self.kinds.push((Arc::from(path.as_str()), kind)),
                Err(problem) => problems.push(problem.below(&format!("/kinds/{path}"))),
            }
        }
        Some(())
    }

    fn read_entities(&mut self, value: &Value, type_of: &mut dyn FnMut(&str) -> Option<TypeId>) -> Option<()> {
        for (path, name) in value.as_object()? {
            self.entities.push((Arc::from(path.as_str()), type_of(name.as_str()?)?));
        }
        Some(())
    }

    fn read_resource(&mut self, value: &Value, type_of: &mut dyn FnMut(&str) -> Option<TypeId>) -> Option<()> {
        let path = value.get("from")?.as_str()?.strip_prefix("input.")?;
        self.resource = Some((Arc::from(path), type_of(value.get("type")?.as_str()?)?));
        Some(())
    }
}

fn strings(value: &Value) -> Option<Vec<Arc<str>>> {
    value.as_array()?.iter().map(|name| name.as_str().map(Arc::from)).collect()
}

/// Every kind with the keys that it takes besides `kind` and `rewrite`.
pub const KINDS: [(&str, &[&str]); 13] = [
    ("url", &["scheme", "schemes"]),
    ("host", &[]),
    ("ip", &[]),
    ("path", &["system"]),
    ("email", &[]),
    ("email-list", &[]),
    ("command", &[]),
    ("money", &["currency", "places"]),
    ("date", &["formats", "zone"]),
    ("datetime", &["formats", "zone"]),
    ("iban", &[]),
    ("id", &["alphabet", "length"]),
    ("text", &[]),
];

impl Kind {
    /// The kind of a declaration: its name, or an object with its name and options.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn from_json(value: &Value) -> Result<Self, Problem> {
        let empty = Map::new();
        let (name, options) = match value {
            Value::String(name) => (name.as_str(), &empty),
            Value::Object(options) => match options.get("kind") {
                Some(Value::String(name)) => (name.as_str(), options),
                _ => return Err(option("kind", "a kind has no `kind`", "write `{ kind = \"url\" }`")),
            },
            _ => {
                return Err(option(
                    "",
                    "a kind is neither text nor a table",
                    "write `\"url\"` or `{ kind = \"url\" }`",
                ));
            }
        };
        let Some((_, keys)) = KINDS.iter().find(|(known, _)| *known == name) else {
            return Err(unknown_kind(name));
        };
        for key in options.keys().filter(|key| !matches!(key.as_str(), "kind" | "rewrite")) {
            if !keys.contains(&key.as_str()) {
                let known = keys.iter().copied().chain(["rewrite"]);
                let advice = nearest(key, known.clone()).map_or_else(
                    || format!("it takes `{}`", known.collect::<Vec<_>>().join("`, `")),
                    |near| format!("write `{near}`"),
                );
                return Err(option(key, &format!("the kind `{name}` has no key `{}`", key.escape_debug()), &advice));
            }
        }
        let rewrite = match options.get("rewrite") {
            None => false,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => return Err(option("rewrite", "`rewrite` is not true or false", "write `rewrite = true`")),
        };
        Ok(Self::new(read_options(name, options)?, rewrite))
    }
}

fn unknown_kind(name: &str) -> Problem {
    let names = KINDS.iter().map(|(known, _)| *known);
    let advice = nearest(name, names.clone()).map_or_else(
        || format!("kinds are `{}`", names.collect::<Vec<_>>().join("`, `")),
        |near| format!("write `{near}`"),
    );
    Problem::new(ProblemCode::KindUnknown, "", format!("there is no kind `{}`", name.escape_debug()), advice)
}

fn option(key: &str, message: &str, advice: &str) -> Problem {
    let place = if key.is_empty() { String::new() } else { format!("/{key}") };
    Problem::new(ProblemCode::KindOption, place, message, advice)
}

fn read_options(name: &str, options: &Map<String, Value>) -> Result<Reading, Problem> {
    Ok(match name {
        "url" => Reading::Url(read_url(options)?),
        "host" => Reading::Host,
        "ip" => Reading::Ip,
        "path" => match text(options, "system")? {
            None | Some("posix") => Reading::Path,
            Some("windows") => Reading::WindowsPath,
            Some(_) => return Err(option("system", "there is no such system", "write `posix` or `windows`")),
        },
        "email" => Reading::Email,
        "email-list" => Reading::EmailList,
        "command" => Reading::Command,
        "money" => read_money(options)?,
        "date" => Reading::Date(read_dates(options, false)?),
        "datetime" => Reading::Datetime(read_dates(options, true)?),
        "iban" => Reading::Iban,
        "id" => Reading::Id(read_id(options)?),
        _ => Reading::Text,
    })
}

fn text<'v>(options: &'v Map<String, Value>, key: &str) -> Result<Option<&'v str>, Problem> {
    match options.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(option(key, &format!("`{key}` is not text"), "write it in quotes")),
    }
}

fn texts<'v>(options: &'v Map<String, Value>, key: &str) -> Result<Option<Vec<&'v str>>, Problem> {
    let wrong = || option(key, &format!("`{key}` is not a list of texts"), &format!("write `{key} = [\"…\"]`"));
    match options.get(key) {
        None => Ok(None),
        Some(Value::Array(members)) if !members.is_empty() => {
            members.iter().map(|member| member.as_str().ok_or_else(wrong)).collect::<Result<_, _>>().map(Some)
        }
        Some(_) => Err(wrong()),
    }
}

fn read_url(options: &Map<String, Value>) -> Result<UrlOptions, Problem> {
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|first: char| first.is_ascii_lowercase())
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.'))
            && !matches!(scheme, "javascript" | "data" | "mailto" | "file")
    };
    let wrong = |key: &str| option(key, "this is not a scheme with a host", "write a scheme such as `https`");
    let scheme = text(options, "scheme")?.map(Arc::from);
    let schemes: Option<Arc<[Arc<str>]>> =
        texts(options, "schemes")?.map(|schemes| schemes.into_iter().map(Arc::from).collect());
    if scheme.as_ref().is_some_and(|scheme: &Arc<str>| !is_scheme(scheme)) {
        return Err(wrong("scheme"));
    }
    if schemes.as_ref().is_some_and(|schemes| schemes.iter().any(|scheme| !is_scheme(scheme))) {
        return Err(wrong("schemes"));
    }
    Ok(UrlOptions { scheme, schemes })
}

fn read_money(options: &Map<String, Value>) -> Result<Reading, Problem> {
    let currency = text(options, "currency")?.filter(|currency| !currency.is_empty());
    let currency =
        currency.ok_or_else(|| option("currency", "money has no `currency`", "write `currency = \"EUR\"`"))?;
    let places = options.get("places").and_then(Value::as_u64).and_then(|places| u32::try_from(places).ok());
    let advice = format!("write `places = 2`, at most {MONEY_PLACES_MAX}");
    let places = places
        .filter(|places| *places <= MONEY_PLACES_MAX)
        .ok_or_else(|| option("places", "money has no number of `places`", &advice))?;
    Ok(Reading::Money { currency: Arc::from(currency), places })
}

fn read_dates(options: &Map<String, Value>, is_moment: bool) -> Result<DateOptions, Problem> {
    const FORMATS: &str = "name what the target accepts: `iso-date`, `rfc3339`, `epoch-seconds`, `epoch-milliseconds` or patterns such as `%d.%m.%Y`";
    let declared = texts(options, "formats")?.ok_or_else(|| option("formats", "the kind has no `formats`", FORMATS))?;
    if declared.len() > DATE_FORMATS_MAX {
        return Err(option("formats", "there are too many formats", &format!("at most {DATE_FORMATS_MAX}")));
    }
    let mut formats = Vec::with_capacity(declared.len());
    for text in declared {
        let wrong = || {
            let message = format!("`{}` is not a format of dates with days and four-digit years", text.escape_debug());
            option("formats", &message, FORMATS)
        };
        formats.push(DateFormat::parse(text).ok_or_else(wrong)?);
    }
    let zone = match text(options, "zone")? {
        None => None,
        Some(name) => Some(TimeZone::get(name).map_err(|_| {
            option(
                "zone",
                &format!("there is no zone `{}`", name.escape_debug()),
                "write one such as `Europe/Berlin` or `UTC`",
            )
        })?),
    };
    if is_moment && zone.is_none() && !formats.iter().all(DateFormat::has_offset) {
        return Err(option(
            "zone",
            "a format has no offset and the kind no `zone`",
            "write `zone = \"UTC\"` or the target's zone",
        ));
    }
    Ok(DateOptions { formats, zone })
}

fn read_id(options: &Map<String, Value>) -> Result<IdOptions, Problem> {
    let advice = "write the characters that identifiers have, such as `alphabet = \"A-Z0-9\"`";
    let alphabet = text(options, "alphabet")?.and_then(parse_alphabet);
    let alphabet =
        alphabet.ok_or_else(|| option("alphabet", "the kind `id` has no `alphabet` of ASCII characters", advice))?;
    let length = |value: &Value| value.as_u64().and_then(|length| usize::try_from(length).ok());
    let bounds = match options.get("length") {
        None => Some((1, ID_BYTES_MAX)),
        Some(Value::Array(bounds)) => match bounds.as_slice() {
            [least, most] => length(least).zip(length(most)),
            _ => None,
        },
        Some(exact) => length(exact).map(|exact| (exact, exact)),
    };
    let (least, most) =
        bounds.filter(|(least, most)| (1..=*most).contains(least) && *most <= ID_BYTES_MAX).ok_or_else(|| {
            option("length", "`length` is not a number or a pair of them", "write `length = 8` or `length = [1, 20]`")
        })?;
    Ok(IdOptions { alphabet, least, most })
}
