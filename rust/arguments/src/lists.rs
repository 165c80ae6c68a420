//! How are lists, and what rules do not see, read?
//!
//! Rules see a list as a set and its length; order and repeats stay in what the tool gets. Over lists of objects they
//! see each field, the largest and the sum. What rules do not see is walked through all the same, for what no argument
//! may hold: reserved names, names that stand twice, text that is not Unicode, depth.
//!
//! Twin: `reference/arguments.py`. Read next: `canonical.rs`.

use agentpdp_core::decision::Reason;
use agentpdp_core::slots::{Slot, Slots};
use agentpdp_core::value::{Value, ValueRef};
use smallvec::SmallVec;

use crate::decode::Reader;
use crate::form::{Fields, Form, ListForm, Opaque};
use crate::json::{ARGUMENTS_DEPTH_MAX, ARGUMENTS_VALUES_MAX};
use crate::kind::{Kind, Reading};
use crate::kinds::command::read_words;
use crate::kinds::email::{EMAIL_LIST_LENGTH_MAX, Emails, read};
use crate::refusal::{Path, Rejection, Step};
use crate::source::{List, Name, Node, Object, Source};
use crate::values::{is_empty, record_of};

/// Members of one list.
pub(crate) const LIST_LENGTH_MAX: usize = 100_000;

/// A list that was read.
pub(crate) struct ReadList<'a> {
    pub(crate) value: ValueRef<'a>,
    pub(crate) count: i64,
    pub(crate) columns: SmallVec<[ReadColumn<'a>; 4]>,
}

/// One field over a list.
pub(crate) struct ReadColumn<'a> {
    pub(crate) set: Option<ValueRef<'a>>,
    pub(crate) max: i64,
    pub(crate) sum: i64,
}

/// One field over a list while it is read.
struct Gathered {
    members: Vec<Value>,
    max: Option<i64>,
    sum: Option<i64>,
}

impl<'a> Reader<'a, '_> {
    /// Reads a list; none if it or a member was refused.
    pub(crate) fn list<S: Source<'a>>(
        &mut self,
        form: &'a ListForm,
        node: Node<'a, S>,
        path: &Path<'_>,
    ) -> Option<ReadList<'a>> {
        let Node::List(list) = node else { return self.refuse(Reason::ArgumentType, path, "a list") };
        let length = list.len();
        if length > LIST_LENGTH_MAX {
            return self.reject(&Rejection::TooLarge(LIST_LENGTH_MAX), path);
        }
        let mut members = Vec::with_capacity(length);
        let mut gathered: SmallVec<[Gathered; 4]> =
            form.columns.iter().map(|_| Gathered { members: Vec::new(), max: None, sum: Some(0) }).collect();
        let mut is_read = true;
        for (number, member) in list.members().enumerate() {
            let here = path.then(Step::Member(number));
            match (&form.member, member.node()) {
                (Form::Record(fields), Node::Object(object)) => {
                    let mut row = Slots::new();
                    self.object::<S>(fields, object, &here, &mut row);
                    gather(form, &row, &mut gathered);
                    members.push(record_of(fields, &row));
                }
                (member, node) => match self.value::<S>(member, node, &here) {
                    Some(value) => members.push(value.to_owned()),
                    None => is_read = false,
                },
            }
        }
        let mut columns = SmallVec::new();
        for (column, gathered) in form.columns.iter().zip(gathered) {
            let Some(sum) = gathered.sum else {
                return self.reject(&Rejection::Overflow, &path.then(Step::Member(0)).then(Step::Name(&column.name)));
            };
            let set = column.set.is_some().then(|| self.keep.keep(Value::set(gathered.members)));
            columns.push(ReadColumn { set, max: gathered.max.unwrap_or(0), sum });
        }
        let count = i64::try_from(length).unwrap_or(i64::MAX);
        is_read.then(|| ReadList { value: self.keep.keep(Value::set(members)), count, columns })
    }

    /// Reads the branch of a union that takes the value.
    pub(crate) fn union_branch<S: Source<'a>>(
        &mut self,
        fields: &'a Fields,
        branch: &str,
        node: Node<'a, S>,
        path: &Path<'_>,
        row: &mut Slots<'a>,
    ) {
        for property in &fields.properties {
            let set = |at: Option<u16>, value: ValueRef<'a>, row: &mut Slots<'a>| {
                if let Some(slot) = at.and_then(|at| row.get_mut(usize::from(at))) {
                    *slot = Slot::Value(value);
                }
            };
            if *property.name != *branch {
                self.absent(property, row);
                continue;
            }
            match &property.form {
                Form::List(list) => {
                    let Some(read) = self.list::<S>(list, node, path) else { continue };
                    set(property.places.value, read.value, row);
                    set(property.places.count, ValueRef::Long(read.count), row);
                    for (column, [members, max, sum]) in read.columns.into_iter().zip(&property.places.columns) {
                        if let Some(value) = column.set {
                            set(*members, value, row);
                        }
                        set(*max, ValueRef::Long(column.max), row);
                        set(*sum, ValueRef::Long(column.sum), row);
                    }
                }
                form => {
                    if let Some(value) = self.value::<S>(form, node, path) {
                        set(property.places.value, value, row);
                    }
                }
            }
        }
    }

    /// Reads a list that a kind reads as one value.
    pub(crate) fn kind_list<S: Source<'a>>(
        &mut self,
        kind: &'a Kind,
        list: S::List,
        path: &Path<'_>,
    ) -> Option<ValueRef<'a>> {
        if list.len() > EMAIL_LIST_LENGTH_MAX {
            return self.reject(&Rejection::TooLarge(EMAIL_LIST_LENGTH_MAX), path);
        }
        let mut texts: SmallVec<[&'a str; 8]> = SmallVec::new();
        let mut is_read = true;
        for (number, member) in list.members().enumerate() {
            match member.node() {
                Node::Text(text) => texts.push(text),
                Node::Broken => {
                    is_read = self
                        .refuse::<()>(
                            Reason::ArgumentUnsafe,
                            &path.then(Step::Member(number)),
                            "text of Unicode characters",
                        )
                        .is_some()
                }
                _ => {
                    is_read =
                        self.refuse::<()>(Reason::ArgumentType, &path.then(Step::Member(number)), "a string").is_some()
                }
            }
        }
        if !is_read {
            return None;
        }
        if kind.reading == Reading::EmailList {
            return self.emails(kind, &texts, path);
        }
        match read_words(texts.into_iter()) {
            Ok(command) => Some(self.kept(kind.command(&command))),
            Err(rejection) => self.reject(&rejection, path),
        }
    }

    fn emails(&mut self, kind: &'a Kind, texts: &[&'a str], path: &Path<'_>) -> Option<ValueRef<'a>> {
        let mut emails = Emails::new();
        let mut is_read = true;
        for (number, text) in texts.iter().enumerate() {
            let here = path.then(Step::Member(number));
            match read(text) {
                Ok(email) => emails.push(email),
                Err(Rejection::NotCanonical(canonical)) if kind.rewrite => {
                    match read(&canonical) {
                        Ok(email) => emails.push(email.into_owned()),
                        Err(rejection) => is_read = self.reject::<()>(&rejection, &here).is_some(),
                    }
                    self.rewrite(canonical, &here);
                }
                Err(rejection) => is_read = self.reject::<()>(&rejection, &here).is_some(),
            }
        }
        is_read.then(|| self.kept(kind.emails(&emails)))
    }

    /// Whether something that rules do not see is given, and how many members it has.
    pub(crate) fn opaque<S: Source<'a>>(&mut self, opaque: Opaque, node: Node<'a, S>, path: &Path<'_>) -> (bool, i64) {
        let count = match node {
            Node::List(list) => i64::try_from(list.len()).unwrap_or(i64::MAX),
            _ => 0,
        };
        if is_empty::<S>(node) {
            return (false, 0);
        }
        if opaque.is_list && !matches!(node, Node::List(_)) {
            self.refusals.add(Reason::ArgumentType, path, "a list");
        } else if opaque.is_allowed {
            let mut left = ARGUMENTS_VALUES_MAX;
            self.walk::<S>(node, path, 0, &mut left);
        } else {
            self.refusals.add(Reason::ArgumentOpaque, path, "nothing: rules cannot see this argument");
        }
        (true, count)
    }

    /// Looks for what no argument may hold.
    fn walk<S: Source<'a>>(&mut self, node: Node<'a, S>, path: &Path<'_>, depth: usize, left: &mut usize) {
        *left = left.saturating_sub(1);
        if depth > ARGUMENTS_DEPTH_MAX || *left == 0 {
            self.refusals.add(Reason::ArgumentTooLarge, path, "fewer values, nested less deep");
            return;
        }
        match node {
            Node::Broken => self.refusals.add(Reason::ArgumentUnsafe, path, "text of Unicode characters"),
            Node::Foreign => self.refusals.add(Reason::ArgumentType, path, "a value that JSON has"),
            Node::List(list) => {
                for (number, member) in list.members().enumerate() {
                    if *left > 0 {
                        self.walk::<S>(member.node(), &path.then(Step::Member(number)), depth.saturating_add(1), left);
                    }
                }
            }
            Node::Object(object) => {
                for (name, value) in object.members() {
                    match name {
                        Name::Text(name) if *left > 0 => {
                            let here = path.then(Step::Name(name));
                            if name.starts_with("__") {
                                self.refusals.add(Reason::ArgumentReserved, &here, "names that do not start with `__`");
                            }
                            self.walk::<S>(value.node(), &here, depth.saturating_add(1), left);
                        }
                        Name::Text(_) => {}
                        Name::Broken => self.refusals.add(Reason::ArgumentUnsafe, path, "names of Unicode characters"),
                        Name::Foreign => self.refusals.add(Reason::ArgumentType, path, "names that are text"),
                    }
                }
                if object.has_duplicates() {
                    self.refusals.add(Reason::ArgumentUnsafe, path, "each name once");
                }
            }
            Node::Null | Node::Bool(_) | Node::Integer(_) | Node::Number(_) | Node::Text(_) => {}
        }
    }
}

/// Adds the fields of one object to the columns.
fn gather(form: &ListForm, row: &Slots<'_>, gathered: &mut [Gathered]) {
    for (column, gathered) in form.columns.iter().zip(gathered) {
        let Some(Slot::Value(value)) = row.get(usize::from(column.attribute)) else { continue };
        if column.set.is_some() {
            gathered.members.push((*value).to_owned());
        }
        let number = match value {
            ValueRef::Long(number) => Some(*number),
            ValueRef::Record(record) => match record.get("minor").map(Value::borrow) {
                Some(ValueRef::Long(minor)) => Some(minor),
                _ => None,
            },
            _ => None,
        };
        if let Some(number) = number.filter(|_| column.is_number) {
            gathered.max = gathered.max.map_or(Some(number), |max| Some(max.max(number)));
            gathered.sum = gathered.sum.and_then(|sum| sum.checked_add(number));
        }
    }
}
