//! Reading the host's own context, and refusals before any policy is asked.

use agentpdp_arguments::refusal::Refusal;
use agentpdp_cedar::input::Input;
use agentpdp_core::decision::{Reason, Stage};
use agentpdp_core::grant_slots::RESERVED;
use agentpdp_core::request::Locals;
use agentpdp_core::value::{Record, Value};
use pyo3::prelude::*;

use crate::context::{ContextReader, diagnose_input, type_of_plan};
use crate::decision::{Decision, UnderGrant};
use crate::grants::judging::Scene;
use crate::grants::view::CallReader;

/// Why a call is refused before any policy is asked; boxed wherever it is handed on, as most calls have none.
pub(crate) struct Refused {
    pub(crate) reason: Reason,
    pub(crate) detail: Option<String>,
    /// The argument, and what would be right.
    pub(crate) argument: Option<(String, String)>,
}

impl From<Refusal> for Box<Refused> {
    #[cold]
    fn from(refusal: Refusal) -> Self {
        let Refusal { reason, argument, expected } = refusal;
        let place = if argument.is_empty() { "the arguments".to_owned() } else { format!("`{argument}`") };
        let detail = format!("{place}: expected {expected}");
        Self::new(Refused { reason, detail: Some(detail), argument: Some((argument, expected)) })
    }
}

impl Refused {
    pub(crate) fn new(reason: Reason, detail: Option<String>) -> Box<Self> {
        Box::new(Self { reason, detail, argument: None })
    }

    /// Of two readings the refusal that comes first; the arguments' wins a tie.
    pub(crate) fn first<T>(arguments: Result<(), Box<Self>>, host: Result<T, Box<Self>>) -> Result<T, Box<Self>> {
        match (arguments, host) {
            (Ok(()), host) => host,
            (Err(arguments), Err(host)) if host.rank() < arguments.rank() => Err(host),
            (Err(arguments), _) => Err(arguments),
        }
    }

    fn rank(&self) -> u8 {
        match self.reason {
            Reason::ContextReserved => 0,
            Reason::ArgumentUnknown => 1,
            Reason::ArgumentMissing => 2,
            Reason::ArgumentType => 3,
            _ => 4,
        }
    }

    /// The decision that follows.
    pub(crate) fn decision(self, py: Python<'_>, epoch: u64) -> PyResult<Py<Decision>> {
        let under = UnderGrant {
            stage: Some(Stage::Arguments),
            argument: self.argument.map(Box::new),
            ..UnderGrant::default()
        };
        Decision::refused_under(py, self.reason, self.detail, epoch, under)
    }
}

/// Reads the host's own context; none where the action has none and none is given.
pub(crate) fn read_host<'a>(
    scene: Scene<'a>,
    call: &CallReader,
    context: Option<&Input>,
    locals: &mut Locals<'a>,
) -> Result<Option<Record>, Box<Refused>> {
    if context.is_none() && call.has_no_host {
        return Ok(None);
    }
    read_given(scene, call, context.unwrap_or(&Input::Object(Vec::new())), locals).map(Some)
}

#[inline(never)] // most calls bring none, and then this stays out of their way
fn read_given<'a>(
    scene: Scene<'a>,
    call: &CallReader,
    input: &Input,
    locals: &mut Locals<'a>,
) -> Result<Record, Box<Refused>> {
    if let Input::Object(members) = input
        && let Some((name, _)) = members.iter().find(|(name, _)| RESERVED.contains(&name.as_str()))
    {
        let detail = format!("`context.{name}` is given by the engine: name it otherwise");
        return Err(Refused::new(Reason::ContextReserved, Some(detail)));
    }
    let store = &scene.snapshot.store;
    let schema = scene.snapshot.compiled.schema.as_deref();
    let mut reader = ContextReader { nonce: Some(scene.engine.nonce), store, schema, locals };
    if let Ok(Value::Record(record)) = reader.value(input, Some(&type_of_plan(&call.host))) {
        return Ok((*record).clone());
    }
    let (reason, detail) = diagnose_input(input, &call.host, "context", &mut reader);
    Err(Refused::new(reason, Some(detail)))
}
