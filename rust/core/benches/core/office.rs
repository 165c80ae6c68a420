//! The built-in workload: an office with users in teams and documents in folders, and a policy for each team.
//!
//! Small enough to be made in a moment, large enough that index, constants and columns are all in use. What is compared
//! with peers stands in the folder `benches` of the repository.

use std::sync::Arc;

use agentpdp_core::authorize::OnError;
use agentpdp_core::columns::{Column, Contexts, Rows, Side};
use agentpdp_core::engine::{Engine, SlotUids, Snapshot};
use agentpdp_core::entities::{Cycle, Edits, Entity, Lineage, Store};
use agentpdp_core::expression::{Binary, Expression, Slot as LinkSlot, Variable};
use agentpdp_core::policies::{ActionScope, Effect, PolicySource, Reference, ScopeSource};
use agentpdp_core::request::Locals;
use agentpdp_core::schema::{ActionType, AttributeType, EntityType, RecordType, Schema, Type};
use agentpdp_core::slots::{Layout, Slot};
use agentpdp_core::value::{EntityId, Record, Value, ValueRef};
use std::borrow::Cow;

use crate::seeded::Random;

const TEAMS: usize = 50;
const USERS: usize = 20_000;
const DOCUMENTS: usize = 20_000;
pub(crate) const LINKS: usize = 10_000;

/// One question.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) principal: EntityId,
    pub(crate) resource: EntityId,
    amount: i64,
    kind: &'static str,
}

pub(crate) struct Office {
    pub(crate) engine: Engine,
    pub(crate) read: EntityId,
    layout: Arc<Layout>,
    users: Vec<EntityId>,
    documents: Vec<EntityId>,
}

fn attribute(name: &str, value: Type) -> AttributeType {
    AttributeType { name: Arc::from(name), value, required: true }
}

fn name(text: &str) -> Arc<str> {
    Arc::from(text)
}

fn schema(store: &Store, read: EntityId) -> Schema {
    let type_of = |kind: &str| store.find_type(kind).unwrap();
    let (user, document) = (type_of("User"), type_of("Document"));
    let level = Arc::new(RecordType::new(vec![attribute("level", Type::Long)]));
    let plain = |attributes: &Arc<RecordType>, group: &str| EntityType {
        attributes: attributes.clone(),
        tags: None,
        ids: None,
        member_of: Box::from([type_of(group)]),
    };
    let context = Arc::new(RecordType::new(vec![attribute("amount", Type::Long), attribute("kind", Type::String)]));
    let (principals, resources) = (Box::from([user]), Box::from([document]));
    let action = ActionType { action: read, ancestors: Box::default(), principals, resources, context };
    Schema {
        entity_types: [(user, plain(&level, "Team")), (document, plain(&Arc::default(), "Folder"))]
            .into_iter()
            .collect(),
        actions: [(read, action)].into_iter().collect(),
    }
}

/// `context.amount <= most && context.kind == "report" && principal.level >= 2`
fn condition(most: i64) -> Expression {
    let literal = |value| Box::new(Expression::Literal(value));
    let get = |variable, name: &str| {
        Box::new(Expression::GetAttribute(Box::new(Expression::Variable(variable)), Arc::from(name)))
    };
    let (amount, kind) = (get(Variable::Context, "amount"), get(Variable::Context, "kind"));
    let small = Expression::Binary(Binary::LessOrEqual, amount, literal(Value::Long(most)));
    let report = Expression::Binary(Binary::Equal, kind, literal(Value::String(name("report"))));
    let level = get(Variable::Principal, "level");
    let senior = Expression::Binary(Binary::LessOrEqual, literal(Value::Long(2)), level);
    Expression::And(Box::new(small), Box::new(Expression::And(Box::new(report), Box::new(senior))))
}

fn policies(read: EntityId, teams: &[EntityId], folders: &[EntityId]) -> Vec<PolicySource> {
    let of_team = |(number, (team, folder)): (i64, (&EntityId, &EntityId))| PolicySource {
        id: name(&format!("team-{number}")),
        effect: if number % 10 == 9 { Effect::Forbid } else { Effect::Permit },
        principal: ScopeSource::In(Reference::Entity(*team)),
        action: ActionScope::Equal(read),
        resource: ScopeSource::In(Reference::Entity(*folder)),
        condition: Some(condition(1_000 + number)),
        step_up: None,
    };
    let share = PolicySource {
        id: name("share"),
        effect: Effect::Permit,
        principal: ScopeSource::Equal(Reference::Slot(LinkSlot::Principal)),
        action: ActionScope::Equal(read),
        resource: ScopeSource::In(Reference::Slot(LinkSlot::Resource)),
        condition: Some(condition(500)),
        step_up: None,
    };
    (0..).zip(teams.iter().zip(folders)).map(of_team).chain([share]).collect()
}

/// The data of a user.
pub(crate) fn user(team: EntityId, level: i64) -> Entity {
    let attributes = Record::new(vec![(name("level"), Value::Long(level))]).unwrap();
    Entity::new(attributes, Record::default(), vec![team])
}

impl Office {
    pub(crate) fn new() -> Self {
        let mut store = Store::new(1);
        let mut some = |kind: &str, count: usize| -> Vec<EntityId> {
            (0..count).map(|number| store.intern(kind, &format!("{kind}-{number}")).unwrap()).collect()
        };
        let (teams, folders) = (some("Team", TEAMS), some("Folder", TEAMS));
        let (users, documents) = (some("User", USERS), some("Document", DOCUMENTS));
        let read = some("Action", 1)[0];
        let schema = schema(&store, read);
        let mut lineage = Lineage::default();
        let mut edits = Edits::new(store, &mut lineage);
        for group in teams.iter().chain(&folders).chain([&read]) {
            edits.put(*group, Entity::default());
        }
        for (number, uid) in users.iter().enumerate() {
            edits.put(*uid, user(teams[number % TEAMS], (number % 4) as i64));
        }
        for (number, uid) in documents.iter().enumerate() {
            let folder = folders[number % TEAMS];
            edits.put(*uid, Entity::new(Record::default(), Record::default(), vec![folder]));
        }
        let store = edits.finish().unwrap();
        let sources = policies(read, &teams, &folders);
        let engine = Engine::new(Snapshot::new(Some(schema), OnError::Deny, store, sources, None).unwrap());
        let layout = engine.compiled().actions[&read].layout.clone();
        let office = Self { engine, read, layout, users, documents };
        (0..LINKS).for_each(|number| office.link(number));
        office
    }

    /// Shares a folder with a user.
    pub(crate) fn link(&self, number: usize) {
        let (whom, what) = (format!("User-{}", number % USERS), format!("Folder-{}", number % TEAMS));
        let slots = SlotUids { principal: Some(("User", &whom)), resource: Some(("Folder", &what)) };
        self.engine.link(&[("share", &format!("share-{number}"), slots)]).unwrap();
    }

    /// Takes a share back.
    pub(crate) fn unlink(&self, number: usize) {
        assert!(self.engine.unlink(&format!("share-{number}")));
    }

    /// Puts a user in anew.
    pub(crate) fn upsert(&self, number: usize, level: i64) {
        let uid = self.users[number % USERS];
        let team = self.engine.load().store.get(uid).unwrap().parents[0];
        let edit = |edits: &mut Edits<'_>| -> Result<(), Cycle> {
            edits.put(uid, user(team, level));
            Ok(())
        };
        self.engine.edit(edit).unwrap();
    }

    /// So many questions, about half of them by a member of the team that may.
    pub(crate) fn questions(&self, count: usize) -> Vec<Asked> {
        let mut random = Random::new(1);
        let mut asked = || {
            let number = random.below(USERS);
            let same = if random.one_in(2) { number } else { random.below(DOCUMENTS) };
            Asked {
                principal: self.users[number],
                resource: self.documents[same],
                amount: random.below(1_200) as i64,
                kind: random.pick(&["report", "report", "memo"]),
            }
        };
        (0..count).map(|_| asked()).collect()
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }
}

/// A question's row of slots.
pub(crate) fn slots(layout: &Layout, asked: &Asked) -> Vec<Slot<'static>> {
    let mut slots = vec![Slot::Unreachable; layout.slot_count];
    for attribute in &layout.context.attributes {
        let value =
            if &*attribute.name == "amount" { ValueRef::Long(asked.amount) } else { ValueRef::String(asked.kind) };
        if let Some(slot) = attribute.slot {
            slots[usize::from(slot)] = Slot::Value(value);
        }
    }
    slots
}

/// Questions side by side, in columns.
pub(crate) fn rows<'a>(office: &'a Office, asked: &[Asked], locals: &'a Locals<'a>) -> Rows<'a> {
    let side = |entity: fn(&Asked) -> EntityId| Side {
        distinct: asked.iter().map(entity).collect(),
        index: (0..asked.len() as u32).collect(),
    };
    let paths = office.engine.compiled().paths.clone();
    let words = vec!["report", "memo"];
    let codes = asked.iter().map(|each| u32::from(each.kind == "memo")).collect();
    let mut columns = vec![None; paths.len()];
    let mut put = |name: &str, column| columns[paths.find(&[Arc::from(name)]).unwrap().0 as usize] = Some(column);
    put("amount", Column::Long { values: asked.iter().map(|each| each.amount).collect(), presence: Vec::new() });
    put("kind", Column::Text { codes: Cow::Owned(codes), words, presence: Vec::new() });
    Rows {
        principals: side(|each| each.principal),
        actions: Side { distinct: vec![office.read], index: vec![0; asked.len()].into() },
        resources: side(|each| each.resource),
        layouts: vec![office.layout()],
        contexts: Contexts::Columns(columns),
        refused: vec![None; asked.len()],
        locals,
    }
}
