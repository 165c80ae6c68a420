//! What does a bundle with tasks allow, and what about it looks like a mistake?
//!
//! Asked of a bundle that loads. Per task: which actions pass unasked, for which a person is asked, and what may be handed
//! on, by scopes and annotations alone (a condition may still deny). And doubts, as warnings: a task that permits what no
//! ceiling could ever allow, a task that nobody may start, a parameter that nothing reads, a Bool parameter that silences
//! a forbid by itself, a text that is none of an argument's choices.
//!
//! Read next: `with_tasks.rs`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use agentpdp_arguments::plan::Note;
use agentpdp_core::entities::Store;
use agentpdp_core::expression::{Binary, Expression, Unary, Variable};
use agentpdp_core::policies::{ActionScope, Effect, PolicySource, Reference, ScopeSource};
use agentpdp_core::schema::{Schema, Type};
use agentpdp_core::tasks::{Declarations, Task};
use agentpdp_core::value::{EntityId, TypeId, Value};
use serde_json::{Value as Json, json};

use crate::actions::{ActionShape, Role};
use crate::finding::{Code, Finding};
use crate::policies::PolicyPlace;

/// Gives line and column of a parameter, by the names of its task and its own.
pub(crate) type ParamPlace<'p> = dyn Fn(&str, &str) -> Option<(u32, u32)> + 'p;

/// What is reviewed.
pub(crate) struct Review<'r> {
    pub(crate) declarations: &'r Declarations,
    pub(crate) ceilings: &'r [PolicySource],
    /// Policies of each task, those of every task among them.
    pub(crate) tasks: &'r [Vec<PolicySource>],
    pub(crate) shapes: &'r [ActionShape],
    pub(crate) places: &'r [PolicyPlace],
    pub(crate) store: &'r Store,
    pub(crate) schema: &'r Schema,
    /// Line and column of a task's parameter.
    pub(crate) param_place: &'r ParamPlace<'r>,
    members: HashMap<EntityId, BTreeSet<usize>>,
}

impl<'r> Review<'r> {
    #[allow(clippy::too_many_arguments)] // what has been read, one by one
    pub(crate) fn new(
        declarations: &'r Declarations,
        ceilings: &'r [PolicySource],
        tasks: &'r [Vec<PolicySource>],
        shapes: &'r [ActionShape],
        places: &'r [PolicyPlace],
        store: &'r Store,
        schema: &'r Schema,
        param_place: &'r ParamPlace<'r>,
    ) -> Self {
        let mut members: HashMap<EntityId, BTreeSet<usize>> = HashMap::new();
        for (number, shape) in shapes.iter().enumerate().filter(|(_, shape)| !matches!(shape.role, Role::Group)) {
            for group in shape.groups.iter().chain([&shape.action]) {
                members.entry(*group).or_default().insert(number);
            }
        }
        Self { declarations, ceilings, tasks, shapes, places, store, schema, param_place, members }
    }

    /// Whether a policy's scope can fit an action.
    fn covers(&self, policy: &PolicySource, number: usize) -> bool {
        let named = |entity: &EntityId| self.members.get(entity).is_some_and(|members| members.contains(&number));
        let is_named = match &policy.action {
            ActionScope::Any => true,
            ActionScope::Equal(action) => named(action),
            ActionScope::In(actions) => actions.iter().any(named),
        };
        let shape = self.shapes.get(number).filter(|_| is_named);
        shape.is_some_and(|shape| self.fits_one(policy.resource, &shape.resources))
    }

    /// Whether a scope can fit an entity of one of these types.
    fn fits_one(&self, scope: ScopeSource, types: &[TypeId]) -> bool {
        let (is_type, holder) = match scope {
            ScopeSource::Any | ScopeSource::In(Reference::Slot(_)) | ScopeSource::Equal(Reference::Slot(_)) => {
                return true;
            }
            ScopeSource::Equal(Reference::Entity(entity)) => return types.contains(&self.store.type_of(entity)),
            ScopeSource::Is(type_id) | ScopeSource::IsIn(type_id, Reference::Slot(_)) => {
                return types.contains(&type_id);
            }
            ScopeSource::In(Reference::Entity(entity)) => (None, self.store.type_of(entity)),
            ScopeSource::IsIn(type_id, Reference::Entity(entity)) => (Some(type_id), self.store.type_of(entity)),
        };
        let can_be_in = |type_id: &TypeId| {
            let declared = self.schema.entity_types.get(type_id);
            *type_id == holder || declared.is_some_and(|declared| declared.member_of.contains(&holder))
        };
        types.iter().filter(|type_id| is_type.is_none_or(|wanted| wanted == **type_id)).any(can_be_in)
    }

    /// The actions that these policies permit somebody of these types; of all types where none are given.
    fn permitted(&self, policies: &[PolicySource], parties: Option<&[TypeId]>) -> BTreeSet<usize> {
        let fits = |policy: &&PolicySource| parties.is_none_or(|types| self.fits_one(policy.principal, types));
        let permits: Vec<&PolicySource> =
            policies.iter().filter(|policy| policy.effect == Effect::Permit).filter(fits).collect();
        (0..self.shapes.len()).filter(|number| permits.iter().any(|policy| self.covers(policy, *number))).collect()
    }

    fn id(&self, number: usize) -> String {
        let uid = self.shapes.get(number).and_then(|shape| self.store.uid(shape.action));
        uid.map_or_else(String::new, |(_, id)| id.to_string())
    }

    /// Per task what passes unasked, what asks, what may be handed on; and the arguments that rules do not see.
    pub(crate) fn summary(&self) -> Json {
        let mut tasks = serde_json::Map::new();
        for (task, policies) in self.declarations.tasks.iter().zip(self.tasks) {
            let (mut passes, mut asks, mut hands_on) = (Vec::new(), Vec::new(), Vec::new());
            for number in self.permitted(policies, None) {
                let id = self.id(number);
                if matches!(self.shapes.get(number).map(|shape| &shape.role), Some(Role::Delegate)) {
                    hands_on.push(id);
                    continue;
                }
                let all = policies.iter().chain(self.ceilings).filter(|policy| self.covers(policy, number));
                let forbids: Vec<Json> = all
                    .filter_map(|policy| Some(json!({"policy": &*policy.id, "role": &**policy.step_up.as_ref()?})))
                    .collect();
                if forbids.is_empty() { passes.push(id) } else { asks.push(json!({"action": id, "by": forbids})) }
            }
            let only: Vec<String> = match &task.own {
                None => Vec::new(),
                Some(own) => self
                    .permitted(policies, None)
                    .into_iter()
                    .filter(|number| !self.is_own(own, *number))
                    .collect::<Vec<_>>(),
            }
            .into_iter()
            .map(|number| self.id(number))
            .collect();
            let summary = json!({"passes": passes, "asks": asks, "hands_on": hands_on, "hands_on_only": only});
            tasks.insert(task.name.to_string(), summary);
        }
        json!({"tasks": tasks, "opaque": self.opaque()})
    }

    fn is_own(&self, own: &[EntityId], number: usize) -> bool {
        own.iter().any(|entity| self.members.get(entity).is_some_and(|members| members.contains(&number)))
    }

    fn opaque(&self) -> Vec<Json> {
        let mut listed = Vec::new();
        for (number, shape) in self.shapes.iter().enumerate() {
            let notes = shape.host_action().and_then(|host| host.plan.as_ref()).map(|plan| &plan.notes);
            for note in notes.into_iter().flatten() {
                if let Note::Opaque { argument, reason, is_allowed } = note {
                    let allowed = *is_allowed;
                    listed.push(json!({"action": self.id(number), "argument": &**argument, "reason": reason, "allowed": allowed}));
                }
            }
        }
        listed
    }

    /// Everything that looks like a mistake.
    pub(crate) fn doubts(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        // The ceilings must allow an action for the principal and for every agent.
        let people = self.permitted(self.ceilings, Some(&self.declarations.principals));
        let agents = self.permitted(self.ceilings, Some(&self.declarations.agents));
        let allowed: BTreeSet<usize> = people.intersection(&agents).copied().collect();
        self.check_approval(&people, &mut found);
        for (task, policies) in self.declarations.tasks.iter().zip(self.tasks) {
            self.check_reach(task, [&people, &allowed], &mut found);
            self.check_params(task, policies, &mut found);
            for policy in policies.iter().filter(|policy| !policy.id.starts_with("all/")) {
                let beyond: Vec<String> = self
                    .permitted(std::slice::from_ref(policy), None)
                    .difference(&allowed)
                    .map(|number| format!("`{}`", self.id(*number)))
                    .collect();
                if !beyond.is_empty() {
                    let message = format!("no ceiling could ever allow {}", beyond.join(", "));
                    let advice = "permit it to somebody in `policies/`, or take it out of the task";
                    found.push(self.at(policy, Code::TaskBeyondCeiling, message, advice));
                }
            }
        }
        let all = self.ceilings.iter().chain(self.tasks.iter().flatten());
        let mut seen = BTreeSet::new();
        for policy in all.filter(|policy| seen.insert(policy.id.clone())) {
            self.check_choices(policy, &mut found);
        }
        found
    }

    fn at(&self, policy: &PolicySource, code: Code, message: String, advice: &str) -> Finding {
        let place = self.places.iter().find(|place| place.id == policy.id);
        let file = place.map_or_else(|| Arc::from("policies"), |place| place.file.clone());
        let mut finding = Finding::new(code, &file, message, advice).of_policy(Some(policy.id.clone()));
        finding.line = place.map(|place| place.line);
        finding.column = place.map(|place| place.column);
        finding
    }

    /// Starting asks the principal alone, delegating everybody.
    fn check_reach(&self, task: &Task, [people, all]: [&BTreeSet<usize>; 2], found: &mut Vec<Finding>) {
        let is_allowed = |action: EntityId, allowed: &BTreeSet<usize>| {
            self.members.get(&action).is_some_and(|numbers| numbers.iter().any(|number| allowed.contains(number)))
        };
        if !is_allowed(task.start, people) && !is_allowed(task.delegate, all) {
            let file = Arc::from(format!("tasks/{}.toml", task.name));
            let message =
                format!("nobody may start the task `{0}` or delegate it: no ceiling permits `start.{0}`", task.name);
            let advice = "permit `AgentPDP::Action::\"start\"`, or that of the task, in `policies/`";
            found.push(Finding::new(Code::TaskUnreachable, &file, message, advice));
        }
    }

    fn check_approval(&self, people: &BTreeSet<usize>, found: &mut Vec<Finding>) {
        let approve = self.members.get(&self.declarations.approve);
        if approve.is_some_and(|numbers| numbers.iter().any(|number| people.contains(number))) {
            return;
        }
        let mut all = self.ceilings.iter().chain(self.tasks.iter().flatten());
        if let Some(policy) = all.find(|policy| policy.step_up.is_some()) {
            let message = "nobody may approve what steps up: no ceiling permits `approve`".to_owned();
            let advice = "permit `AgentPDP::Action::\"approve\"` to somebody in `policies/`";
            found.push(self.at(policy, Code::ApprovalUnreachable, message, advice));
        }
    }

    fn check_params(&self, task: &Task, policies: &[PolicySource], found: &mut Vec<Finding>) {
        let mut read = BTreeSet::new();
        for policy in policies {
            collect(policy, &["grant", "params"], &mut read);
        }
        let orders = [task.start, task.delegate].map(|action| self.members.get(&action).cloned().unwrap_or_default());
        let numbers: BTreeSet<usize> = orders.into_iter().flatten().collect();
        for policy in self.ceilings.iter().chain(self.tasks.iter().flatten()) {
            if numbers.iter().any(|number| self.covers(policy, *number)) {
                collect(policy, &["input", "params"], &mut read);
            }
        }
        for param in task.params.iter().filter(|param| !read.contains(&param.name)) {
            let file = Arc::from(format!("tasks/{}.toml", task.name));
            let message = format!("the parameter `{}` is read by no policy", param.name);
            let advice =
                "compare with `context.grant.params` in the task's policies, or take it out: it limits nothing";
            let mut finding = Finding::new(Code::ParamUnread, &file, message, advice);
            (finding.line, finding.column) = (self.param_place)(&task.name, &param.name).unzip();
            found.push(finding);
        }
        for param in task.params.iter().filter(|param| param.value == Type::Bool) {
            for policy in policies.iter().filter(|policy| policy.effect == Effect::Forbid) {
                let silent =
                    |value| policy.condition.as_ref().and_then(|condition| decide(condition, &param.name, value));
                if let Some(value) = [true, false].into_iter().find(|value| silent(*value) == Some(false)) {
                    let message = format!("`{} = {value}` silences this forbid by itself", param.name);
                    let advice = "whoever fills in the task can take the limit away: name what is excepted instead";
                    found.push(self.at(policy, Code::ParamSilences, message, advice));
                }
            }
        }
    }

    fn check_choices(&self, policy: &PolicySource, found: &mut Vec<Finding>) {
        let mut texts: Vec<(String, Arc<str>)> = Vec::new();
        policy.condition.iter().for_each(|condition| compared(condition, &mut texts));
        let mut choices: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for shape in
            (0..self.shapes.len()).filter(|number| self.covers(policy, *number)).filter_map(|at| self.shapes.get(at))
        {
            let notes = shape.host_action().and_then(|host| host.plan.as_ref()).map(|plan| &plan.notes);
            for note in notes.into_iter().flatten() {
                if let Note::Choice { argument, values } = note {
                    choices.entry(argument).or_default().extend(values.iter().map(|value| &**value));
                }
            }
        }
        for (argument, text) in texts {
            let Some(values) = choices.get(argument.as_str()).filter(|values| !values.contains(&*text)) else {
                continue;
            };
            let message = format!("`{}` is none of the choices of `{argument}`", text.escape_debug());
            let advice = crate::nearest::did_you_mean(&text, values.iter().copied(), "choices are");
            found.push(self.at(policy, Code::ChoiceUnknown, message, &advice));
        }
    }
}

/// The names along a path that starts at `context`.
fn path(expression: &Expression) -> Option<Vec<&str>> {
    match expression {
        Expression::Variable(Variable::Context) => Some(Vec::new()),
        Expression::GetAttribute(base, name) => {
            let mut path = path(base)?;
            path.push(name);
            Some(path)
        }
        _ => None,
    }
}

fn parts(expression: &Expression) -> Vec<&Expression> {
    match expression {
        Expression::Literal(_) | Expression::Variable(_) | Expression::Slot(_) => Vec::new(),
        Expression::If(test, then, other) => vec![test, then, other],
        Expression::And(left, right) | Expression::Or(left, right) | Expression::Binary(_, left, right) => {
            vec![left, right]
        }
        Expression::Unary(_, inner)
        | Expression::GetAttribute(inner, _)
        | Expression::HasAttribute(inner, _)
        | Expression::Like(inner, _)
        | Expression::Is(inner, _) => vec![inner],
        Expression::Set(members) | Expression::Call(_, members) => members.iter().collect(),
        Expression::Record(attributes) => attributes.iter().map(|(_, value)| value).collect(),
    }
}

/// Names that a policy reads below a path.
fn collect(policy: &PolicySource, holder: &[&str], read: &mut BTreeSet<Arc<str>>) {
    let mut waiting: Vec<&Expression> = policy.condition.iter().collect();
    while let Some(expression) = waiting.pop() {
        if let Expression::GetAttribute(base, name) = expression
            && path(base).as_deref() == Some(holder)
        {
            read.insert(name.clone());
        }
        waiting.extend(parts(expression));
    }
}

/// What a condition gives where a Bool parameter has this value, as far as that alone decides it.
fn decide(expression: &Expression, param: &str, value: bool) -> Option<bool> {
    let of = |inner: &Expression| decide(inner, param, value);
    match expression {
        Expression::Literal(Value::Bool(known)) => Some(*known),
        Expression::GetAttribute(..) => (path(expression)? == ["grant", "params", param]).then_some(value),
        Expression::Unary(Unary::Not, inner) => of(inner).map(|known| !known),
        Expression::And(left, right) => match (of(left), of(right)) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        },
        Expression::Or(left, right) => match (of(left), of(right)) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        },
        Expression::If(test, then, other) => match of(test) {
            Some(true) => of(then),
            Some(false) => of(other),
            None => of(then).filter(|known| of(other) == Some(*known)),
        },
        Expression::Binary(Binary::Equal, left, right) => Some(of(left)? == of(right)?),
        _ => None,
    }
}

/// Texts that a condition compares with arguments.
fn compared(expression: &Expression, found: &mut Vec<(String, Arc<str>)>) {
    let argument =
        |side: &Expression| Some(path(side)?.strip_prefix(&["input"])?.join(".")).filter(|path| !path.is_empty());
    let mut texts = |argument: String, side: &Expression| {
        let mut of = |side: &Expression| {
            if let Expression::Literal(Value::String(text)) = side {
                found.push((argument.clone(), text.clone()));
            }
        };
        match side {
            Expression::Set(members) => members.iter().for_each(of),
            Expression::Literal(Value::Set(set)) => {
                set.values().iter().for_each(|value| of(&Expression::Literal(value.clone())));
            }
            side => of(side),
        }
    };
    if let Expression::Binary(operator, left, right) = expression
        && matches!(operator, Binary::Equal | Binary::Contains | Binary::ContainsAny | Binary::ContainsAll)
    {
        if let Some(argument) = argument(left) {
            texts(argument, right);
        } else if let Some(argument) = argument(right) {
            texts(argument, left);
        }
    }
    for part in parts(expression) {
        compared(part, found);
    }
}
