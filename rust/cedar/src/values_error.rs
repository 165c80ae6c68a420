//! Why is an input no value, or not of its type?
//!
//! [`ValueError`] is a [`Problem`] and the way to it from the outermost value. Values of the input stay out of it:
//! messages go to logs and to agents. Read next: `values_check.rs`.

use std::fmt;
use std::sync::Arc;

use agentpdp_core::entities::Store;
use agentpdp_core::expression::Function;
use agentpdp_core::schema::Type;

/// One step from a value to one inside it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// Into an attribute.
    Name(Arc<str>),
    /// Into some member of a set.
    Member,
}

/// What is wrong with a value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Problem {
    /// Cedar has no value for this kind of input.
    NotAValue(&'static str),
    /// Another type is wanted.
    Misfit {
        /// The type that is wanted.
        wanted: Type,
        /// The kind that was found.
        found: &'static str,
    },
    /// A required attribute is not there.
    Missing,
    /// The schema does not declare the attribute.
    Undeclared,
    /// An attribute stands there twice.
    Repeated,
    /// Not a uid.
    NotAUid(&'static str),
    /// The type of a uid is not a name.
    NotATypeName,
    /// The enumerated type of the uid, or the schema's actions, do not list its id.
    UnlistedId,
    /// An extension function that Cedar does not have.
    NoSuchFunction,
    /// Too many or too few arguments of an extension function.
    ArgumentCount(Function),
    /// An extension function does not take this argument.
    BadArgument(Function),
    /// The escape `__expr`, which is no longer read.
    ExpressionEscape,
    /// The store can give no more numbers to uids.
    TooManyUids,
}

/// What is wrong where inside an input.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ValueError {
    /// The way from the outermost value to the problem, last step first.
    steps: Vec<Step>,
    /// What is wrong there.
    pub problem: Problem,
}

impl From<Problem> for ValueError {
    fn from(problem: Problem) -> Self {
        Self { steps: Vec::new(), problem }
    }
}

impl ValueError {
    /// The same error, seen from the value around it.
    #[must_use]
    pub fn inside(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// The way from the outermost value to the problem, as `a.b[].c`; empty for the outermost value itself.
    #[must_use]
    pub fn path(&self) -> String {
        let mut path = String::new();
        for step in self.steps.iter().rev() {
            match step {
                Step::Member => path.push_str("[]"),
                Step::Name(name) => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.extend(name.escape_debug());
                }
            }
        }
        path
    }

    /// What is wrong.
    #[must_use]
    pub fn message(&self, store: &Store) -> String {
        match &self.problem {
            Problem::NotAValue(found) => format!("{found} is no Cedar value"),
            Problem::Misfit { wanted, found } => format!("expected {}, found {found}", type_text(wanted, store)),
            Problem::Missing => "a required attribute is missing".to_owned(),
            Problem::Undeclared => "the schema does not declare this attribute".to_owned(),
            Problem::Repeated => "the name stands there twice".to_owned(),
            Problem::NotAUid(found) => format!("expected an entity uid, found {found}"),
            Problem::NotATypeName => "the type of the uid is not a type name".to_owned(),
            Problem::UnlistedId => "the schema does not list this id for its type".to_owned(),
            Problem::NoSuchFunction => "Cedar has no such extension function".to_owned(),
            Problem::ArgumentCount(function) => {
                format!("`{}` takes {} arguments", function.name(), function.arity())
            }
            Problem::BadArgument(function) => format!("`{}` does not take this argument", function.name()),
            Problem::ExpressionEscape => "the escape `__expr` is not read any more".to_owned(),
            Problem::TooManyUids => "the store can hold no more uids".to_owned(),
        }
    }

    /// What would be right; empty where the message says it.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match &self.problem {
            Problem::NotAValue(_) => {
                "leave the name out, or write a boolean, an integer, a string, a list or an object"
            }
            Problem::NotAUid(_) => "write `{\"type\": \"User\", \"id\": \"alice\"}`",
            Problem::NotATypeName => "write a type as the schema does, such as `User` or `Shop::User`",
            Problem::NoSuchFunction | Problem::ArgumentCount(_) | Problem::BadArgument(_) => {
                "write `{\"__extn\": {\"fn\": \"decimal\", \"arg\": \"1.50\"}}` or the like"
            }
            Problem::ExpressionEscape => "write `__entity` or `__extn`",
            Problem::Misfit { wanted: Type::Entity(_), .. } => "write `{\"type\": \"User\", \"id\": \"alice\"}`",
            _ => "",
        }
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}`: {}", self.path(), self.message(&Store::default()))
    }
}

/// A type as the schema writes it.
#[must_use]
pub fn type_text(wanted: &Type, store: &Store) -> String {
    match wanted {
        Type::Bool => "Bool".to_owned(),
        Type::Long => "Long".to_owned(),
        Type::String => "String".to_owned(),
        Type::Entity(type_id) => store.type_name(*type_id).map_or_else(|| "an entity".to_owned(), ToString::to_string),
        Type::Set(member) => format!("Set<{}>", type_text(member, store)),
        Type::Record(_) => "a record".to_owned(),
        Type::Decimal => "decimal".to_owned(),
        Type::Ip => "ipaddr".to_owned(),
        Type::Datetime => "datetime".to_owned(),
        Type::Duration => "duration".to_owned(),
    }
}
