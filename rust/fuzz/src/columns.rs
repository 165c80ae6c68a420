//! Does a batch in columns decide as its rows one by one?
//!
//! The bytes say policies over the fixed schema, entities, and up to two dozen requests, which come up to four times. Each
//! row is decided singly and without the index; the batch holds the same contexts as rows of slots, and as a column for
//! each context path, typed where the values allow it. Reasons, deciding policies and errors must be the same, in one chunk and in two; a row
//! that was refused beforehand must stay as it is. Of errors the code is compared, not the place in the condition, which
//! a batch may name another way.
//!
//! How Arrow becomes columns is tested from Python: that code needs an interpreter to link with.
//!
//! Read next: `agreement.rs`, on which this builds.

use agentpdp_core::authorize::{OnError, PolicyId, conclude};
use agentpdp_core::batch::{BatchAnswer, Plan, Sides};
use agentpdp_core::columns::{Column, Contexts, Presence, Rows, Side};
use agentpdp_core::decision::{Answer, Reason};
use agentpdp_core::engine::Snapshot;
use agentpdp_core::evaluate::{Call, ErrorCode, Temporaries};
use agentpdp_core::request::Locals;
use agentpdp_core::slots::{Layout, PathId, Place, Slot};
use agentpdp_core::value::{EntityId, ValueRef};

use crate::data::{asked, entities};
use crate::draw::Draw;
use crate::ours::{self, Read};
use crate::policies::policies;

/// What was decided of rows: reasons, policies that decided, policies that erred.
type Decided = (Vec<Reason>, Vec<(u32, PolicyId)>, Vec<(u32, PolicyId, ErrorCode)>);

/// One question, read and laid out.
#[derive(Clone)]
struct Row<'r> {
    read: &'r Read,
    layout: &'r Layout,
    slots: Vec<Slot<'r>>,
}

/// Compares one batch with its rows.
pub fn run(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    let (texts, links) = policies(&mut draw, true);
    let entities = entities(&mut draw, true).to_string();
    let Some(compiled) = ours::read_bundle(&texts, Some(&entities), true).compiled else { return };
    let engine = ours::engine(compiled, &links);
    let (snapshot, mut locals) = (engine.snapshot(), Locals::default());
    let compiled = &*snapshot.compiled;
    let asked: Vec<_> = (0..1 + draw.below(24)).map(|_| asked(&mut draw, true)).collect();
    let read: Vec<_> = asked.iter().map(|each| ours::read(compiled, &snapshot, each, &mut locals)).collect();
    let distinct: Vec<Option<Row<'_>>> = read
        .iter()
        .map(|read| {
            let read = read.as_ref()?;
            let layout = ours::layout(compiled, read.action)?;
            Some(Row { read, layout, slots: ours::slots(layout, &read.context) })
        })
        .collect();
    // Words and entities are few beside the rows, at times.
    let rows: Vec<_> = (0..1 + draw.below(4)).flat_map(|_| distinct.iter().cloned()).collect();
    let (on_error, half) = (draw.pick(&[OnError::Cedar, OnError::Deny]), draw.below(rows.len() + 1));
    let expected = singly(&snapshot, &rows, &locals, on_error);
    let contexts = [in_rows(&rows), in_columns(&mut draw, &rows, compiled.paths.len())];
    for (contexts, cut) in contexts.into_iter().flat_map(|contexts| [(contexts.clone(), 0), (contexts, half)]) {
        let found = batch(&snapshot, &side_by_side(&rows, contexts, &locals), cut, on_error);
        assert_eq!(found, expected, "batch, singly; cut at {cut}\n{asked:?}\n{texts}{links:?}\n{entities}");
    }
}

fn singly(snapshot: &Snapshot, rows: &[Option<Row<'_>>], locals: &Locals<'_>, on_error: OnError) -> Decided {
    let mut decided = Decided::default();
    for (number, row) in (0..).zip(rows) {
        let Some(Row { read, layout, slots }) = row else {
            decided.0.push(Reason::ArgumentType);
            continue;
        };
        let (store, temporaries) = (&snapshot.store, &Temporaries::default());
        let Read { principal, action, resource, .. } = **read;
        let call = Call { store, locals, principal, action, resource, layout, slots, grant: None, temporaries };
        let mut answer = Answer::default();
        snapshot.policies.answer_without_index(&call, &mut answer);
        let reason = conclude(&answer, on_error);
        let mut deciding: Vec<PolicyId> = match reason {
            Reason::Permitted => answer.permits.to_vec(),
            Reason::Forbidden => answer.forbids.to_vec(),
            Reason::ForbidError => answer.forbid_errors.iter().map(|(policy, _)| *policy).collect(),
            _ => Vec::new(),
        };
        deciding.sort_unstable();
        let mut errors: Vec<_> = answer.errors().copied().collect();
        errors.sort_unstable_by_key(|(policy, _)| *policy);
        decided.0.push(reason);
        decided.1.extend(deciding.into_iter().map(|policy| (number, policy)));
        decided.2.extend(errors.into_iter().map(|(policy, failure)| (number, policy, failure.code)));
    }
    decided
}

fn batch(snapshot: &Snapshot, rows: &Rows<'_>, cut: usize, on_error: OnError) -> Decided {
    let (temporaries, mut out) = (Temporaries::default(), BatchAnswer::default());
    decide(snapshot, rows, &temporaries, cut, on_error, &mut out);
    let errors = out.errors.into_iter().map(|(row, policy, failure)| (row, policy, failure.code));
    (out.reasons, out.satisfied, errors.collect())
}

fn decide<'a>(
    snapshot: &'a Snapshot,
    rows: &Rows<'a>,
    temporaries: &'a Temporaries,
    cut: usize,
    on_error: OnError,
    out: &mut BatchAnswer,
) {
    let sides = Sides::new(snapshot, rows, 1);
    let mut plan = Plan::new(snapshot, rows, &sides);
    let (cut, end) = (u32::try_from(cut).unwrap(), u32::try_from(rows.len()).unwrap());
    plan.decide(rows, 0, cut, on_error, temporaries, out);
    plan.decide(rows, cut, end, on_error, temporaries, out);
}

/// The batch; refused rows name no entity.
fn side_by_side<'r>(rows: &[Option<Row<'r>>], contexts: Contexts<'r>, locals: &'r Locals<'r>) -> Rows<'r> {
    let side = |entity: fn(&Read) -> EntityId| {
        let mut side = Side::default();
        for row in rows {
            let entity = row.as_ref().map_or(EntityId(u32::MAX), |row| entity(row.read));
            let at = side.distinct.iter().position(|known| *known == entity).unwrap_or_else(|| {
                side.distinct.push(entity);
                side.distinct.len() - 1
            });
            side.index.to_mut().push(u32::try_from(at).unwrap());
        }
        side
    };
    let actions = side(|read| read.action);
    let nothing: &Layout = rows.iter().flatten().map(|row| row.layout).next().unwrap_or_else(|| empty_layout());
    let of_action = |action: &EntityId| {
        let row = rows.iter().flatten().find(|row| row.read.action == *action);
        row.map_or(nothing, |row| row.layout)
    };
    Rows {
        principals: side(|read| read.principal),
        layouts: actions.distinct.iter().map(of_action).collect(),
        actions,
        resources: side(|read| read.resource),
        contexts,
        refused: rows.iter().map(|row| row.is_none().then_some(Reason::ArgumentType)).collect(),
        locals,
    }
}

fn empty_layout() -> &'static Layout {
    static WHOLE: std::sync::OnceLock<Layout> = std::sync::OnceLock::new();
    WHOLE.get_or_init(Layout::whole)
}

fn in_rows<'r>(rows: &[Option<Row<'r>>]) -> Contexts<'r> {
    let (mut slots, mut starts) = (Vec::new(), Vec::new());
    for row in rows {
        starts.push(u32::try_from(slots.len()).unwrap());
        slots.extend(row.iter().flat_map(|row| row.slots.iter().copied()));
    }
    Contexts::Slots { slots, starts }
}

fn in_columns<'r>(draw: &mut Draw<'_>, rows: &[Option<Row<'r>>], paths: usize) -> Contexts<'r> {
    let slot = |row: &Option<Row<'r>>, path| match row.as_ref().map(|row| (row, row.layout.place(path))) {
        Some((row, Place::Slot(slot))) => row.slots[usize::from(slot)],
        Some((_, Place::Absent)) => Slot::Absent,
        _ => Slot::Unreachable,
    };
    let paths = (0..u32::try_from(paths).unwrap()).map(PathId);
    let slots = paths.map(|path| rows.iter().map(|row| slot(row, path)).collect());
    Contexts::Columns(slots.map(|slots| Some(column(slots, draw.one_in(4)))).collect())
}

/// A typed column where all values are integers or all are texts, unless it is to be plain.
fn column(slots: Vec<Slot<'_>>, is_plain: bool) -> Column<'_> {
    let presence: Vec<Presence> = slots
        .iter()
        .map(|slot| match slot {
            Slot::Value(_) => Presence::Value,
            Slot::Absent => Presence::Absent,
            Slot::Unreachable => Presence::Unreachable,
        })
        .collect();
    let presence = if presence.iter().all(|each| *each == Presence::Value) { Vec::new() } else { presence };
    let all = |is_it: fn(&ValueRef<'_>) -> bool| {
        !is_plain && slots.iter().all(|slot| if let Slot::Value(value) = slot { is_it(value) } else { true })
    };
    if all(|value| matches!(value, ValueRef::Long(_))) {
        let long = |slot: &Slot<'_>| if let Slot::Value(ValueRef::Long(value)) = slot { *value } else { -7 };
        return Column::Long { values: slots.iter().map(long).collect(), presence };
    }
    if all(|value| matches!(value, ValueRef::String(_))) {
        return words(&slots, presence);
    }
    Column::Slots(slots)
}

fn words<'s>(slots: &[Slot<'s>], presence: Vec<Presence>) -> Column<'s> {
    let (mut codes, mut words) = (Vec::new(), Vec::new());
    for slot in slots {
        let Slot::Value(ValueRef::String(word)) = slot else {
            codes.push(u32::MAX);
            continue;
        };
        let at = words.iter().position(|known| known == word).unwrap_or_else(|| {
            words.push(*word);
            words.len() - 1
        });
        codes.push(u32::try_from(at).unwrap());
    }
    Column::Text { codes: codes.into(), words, presence }
}
