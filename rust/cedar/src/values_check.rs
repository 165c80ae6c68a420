//! Where does a value not fit its type?
//!
//! `request.rs` of the core says whether a value fits, and fast; [`conform`] asks it first and looks for the place only
//! when the answer is no.

use agentpdp_core::entities::Store;
use agentpdp_core::request::{Locals, check_value};
use agentpdp_core::schema::{RecordType, Schema, Type};
use agentpdp_core::value::{Record, Value};

use crate::values_error::{Problem, Step, ValueError};

/// Checks a value of the store against a type.
///
/// # Errors
///
/// [`ValueError`] with the first place that does not fit.
pub fn conform(value: &Value, wanted: &Type, schema: &Schema, store: &Store) -> Result<(), ValueError> {
    if check_value(value.borrow(), wanted, schema, store, &Locals::default()) {
        return Ok(());
    }
    Err(find(value, wanted, schema, store).err().unwrap_or_else(|| misfit(value, wanted)))
}

fn misfit(value: &Value, wanted: &Type) -> ValueError {
    Problem::Misfit { wanted: wanted.clone(), found: value.borrow().kind() }.into()
}

fn find(value: &Value, wanted: &Type, schema: &Schema, store: &Store) -> Result<(), ValueError> {
    match (value, wanted) {
        (Value::Set(set), Type::Set(member)) => set
            .values()
            .iter()
            .try_for_each(|value| find(value, member, schema, store))
            .map_err(|error| error.inside(Step::Member)),
        (Value::Record(record), Type::Record(wanted)) => find_in_record(record, wanted, schema, store),
        _ if check_value(value.borrow(), wanted, schema, store, &Locals::default()) => Ok(()),
        (Value::Entity(entity), Type::Entity(type_id)) if store.type_of(*entity) == *type_id => {
            Err(Problem::UnlistedId.into())
        }
        _ => Err(misfit(value, wanted)),
    }
}

fn find_in_record(record: &Record, wanted: &RecordType, schema: &Schema, store: &Store) -> Result<(), ValueError> {
    for (name, value) in record.attributes() {
        let at = |error: ValueError| error.inside(Step::Name(name.clone()));
        let attribute = wanted.get(name).ok_or(Problem::Undeclared).map_err(|problem| at(problem.into()))?;
        find(value, &attribute.value, schema, store).map_err(at)?;
    }
    let missing =
        wanted.attributes().iter().find(|attribute| attribute.required && record.get(&attribute.name).is_none());
    match missing {
        Some(attribute) => Err(ValueError::from(Problem::Missing).inside(Step::Name(attribute.name.clone()))),
        None => Ok(()),
    }
}
