//! One column of context values, from Arrow or from Python objects.

use std::borrow::Cow;

use agentpdp_cedar::input::Input;
use agentpdp_core::datetime::{Datetime, Duration};
use agentpdp_core::decimal::Decimal;
use agentpdp_core::value::Value;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Decimal128Type, DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType, DurationSecondType,
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow_array::{AnyDictionaryArray, Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};

/// The strings of a text column of any layout; none for other columns.
pub(crate) fn texts<'a>(column: &'a ArrayRef) -> Option<Box<dyn Iterator<Item = Option<&'a str>> + 'a>> {
    Some(match column.data_type() {
        DataType::Utf8 => Box::new(column.as_string::<i32>().iter()),
        DataType::LargeUtf8 => Box::new(column.as_string::<i64>().iter()),
        DataType::Utf8View => Box::new(column.as_string_view().iter()),
        _ => return None,
    })
}

/// The integers of an integer column, where they stand if they have 64 bits; what stands in a null row means nothing. None
/// for other columns, and for unsigned ones beyond 64 bits.
pub(crate) fn integers(column: &ArrayRef) -> Option<Cow<'_, [i64]>> {
    macro_rules! widened {
        ($type:ty) => {
            column.as_primitive::<$type>().values().iter().map(|value| i64::from(*value)).collect()
        };
    }
    Some(match column.data_type() {
        DataType::Int64 => Cow::Borrowed(column.as_primitive::<Int64Type>().values()),
        DataType::Int32 => widened!(Int32Type),
        DataType::Int16 => widened!(Int16Type),
        DataType::Int8 => widened!(Int8Type),
        DataType::UInt32 => widened!(UInt32Type),
        DataType::UInt16 => widened!(UInt16Type),
        DataType::UInt8 => widened!(UInt8Type),
        _ => return None,
    })
}

/// The value of one row as the Cedar reader takes it; what has no counterpart becomes an input that it refuses.
pub(crate) fn input(column: &ArrayRef, row: usize) -> Input {
    if column.is_null(row) {
        return Input::Null;
    }
    macro_rules! primitive {
        ($type:ty) => {
            column.as_primitive::<$type>().value(row)
        };
    }
    match column.data_type() {
        DataType::Boolean => Input::Bool(column.as_boolean().value(row)),
        DataType::Int64 => Input::Long(primitive!(Int64Type)),
        DataType::Int32 => Input::Long(primitive!(Int32Type).into()),
        DataType::Int16 => Input::Long(primitive!(Int16Type).into()),
        DataType::Int8 => Input::Long(primitive!(Int8Type).into()),
        DataType::UInt64 => {
            let value = primitive!(UInt64Type);
            i64::try_from(value).map_or_else(|_| Input::Number(value.to_string()), Input::Long)
        }
        DataType::UInt32 => Input::Long(primitive!(UInt32Type).into()),
        DataType::UInt16 => Input::Long(primitive!(UInt16Type).into()),
        DataType::UInt8 => Input::Long(primitive!(UInt8Type).into()),
        DataType::Float64 => Input::of_float(primitive!(Float64Type)),
        DataType::Float16 => Input::of_float(primitive!(Float16Type).to_f64()),
        DataType::Float32 => Input::of_float(primitive!(Float32Type).into()),
        DataType::Utf8 => Input::String(column.as_string::<i32>().value(row).to_owned()),
        DataType::LargeUtf8 => Input::String(column.as_string::<i64>().value(row).to_owned()),
        DataType::Utf8View => Input::String(column.as_string_view().value(row).to_owned()),
        DataType::Dictionary(_, _) => {
            let dictionary = column.as_any_dictionary();
            let key = key_at(dictionary, row).filter(|key| *key < dictionary.values().len());
            key.map_or(Input::Foreign, |key| input(dictionary.values(), key))
        }
        DataType::List(_) => members(&column.as_list::<i32>().value(row)),
        DataType::LargeList(_) => members(&column.as_list::<i64>().value(row)),
        DataType::FixedSizeList(_, _) => members(&column.as_fixed_size_list().value(row)),
        DataType::Struct(fields) => {
            let structs = column.as_struct();
            let pair = |(field, values): (&std::sync::Arc<arrow_schema::Field>, &ArrayRef)| match input(values, row) {
                Input::Null => None,
                value => Some((field.name().clone(), value)),
            };
            Input::Object(fields.iter().zip(structs.columns()).filter_map(pair).collect())
        }
        DataType::Timestamp(unit, Some(_)) => time(column, *unit, row)
            .map_or(Input::Foreign, |time| Input::Value(Value::Datetime(Datetime::from_milliseconds(time)))),
        DataType::Duration(unit) => length(column, *unit, row)
            .map_or(Input::Foreign, |length| Input::Value(Value::Duration(Duration::from_milliseconds(length)))),
        DataType::Decimal128(_, scale) => {
            let value = primitive!(Decimal128Type);
            decimal(value, *scale).map_or_else(
                || Input::Number(format!("{value}e{}", -i32::from(*scale))),
                |decimal| Input::Value(Value::Decimal(decimal)),
            )
        }
        DataType::Null => Input::Null,
        _ => Input::Foreign,
    }
}

/// Which of a dictionary's values each row has, where it stands if it has 32 bits. What stands there for a null row means
/// nothing.
pub(crate) fn keys(dictionary: &dyn AnyDictionaryArray) -> Cow<'_, [u32]> {
    match dictionary.keys().data_type() {
        _ if dictionary.values().is_empty() => vec![0; dictionary.len()].into(),
        // A key is not negative, so that its bits are those of the same number without sign.
        DataType::Int32 => dictionary.keys().as_primitive::<Int32Type>().values().inner().typed_data().into(),
        _ => dictionary.normalized_keys().into_iter().map(|key| key as u32).collect(),
    }
}

/// Which of a dictionary's values a row has.
fn key_at(dictionary: &dyn AnyDictionaryArray, row: usize) -> Option<usize> {
    let keys = dictionary.keys();
    macro_rules! key {
        ($type:ty) => {
            usize::try_from(keys.as_primitive::<$type>().value(row)).ok()
        };
    }
    match keys.data_type() {
        DataType::Int8 => key!(Int8Type),
        DataType::Int16 => key!(Int16Type),
        DataType::Int32 => key!(Int32Type),
        DataType::Int64 => key!(Int64Type),
        DataType::UInt8 => key!(UInt8Type),
        DataType::UInt16 => key!(UInt16Type),
        DataType::UInt32 => key!(UInt32Type),
        DataType::UInt64 => key!(UInt64Type),
        _ => None,
    }
}

fn members(values: &ArrayRef) -> Input {
    Input::List((0..values.len()).map(|row| input(values, row)).collect())
}

/// Whole milliseconds since the epoch; none if there is a fraction of one.
fn time(column: &ArrayRef, unit: TimeUnit, row: usize) -> Option<i64> {
    match unit {
        TimeUnit::Second => column.as_primitive::<TimestampSecondType>().value(row).checked_mul(1_000),
        TimeUnit::Millisecond => Some(column.as_primitive::<TimestampMillisecondType>().value(row)),
        TimeUnit::Microsecond => whole(column.as_primitive::<TimestampMicrosecondType>().value(row), 1_000),
        TimeUnit::Nanosecond => whole(column.as_primitive::<TimestampNanosecondType>().value(row), 1_000_000),
    }
}

fn length(column: &ArrayRef, unit: TimeUnit, row: usize) -> Option<i64> {
    match unit {
        TimeUnit::Second => column.as_primitive::<DurationSecondType>().value(row).checked_mul(1_000),
        TimeUnit::Millisecond => Some(column.as_primitive::<DurationMillisecondType>().value(row)),
        TimeUnit::Microsecond => whole(column.as_primitive::<DurationMicrosecondType>().value(row), 1_000),
        TimeUnit::Nanosecond => whole(column.as_primitive::<DurationNanosecondType>().value(row), 1_000_000),
    }
}

fn whole(value: i64, unit: i64) -> Option<i64> {
    (value % unit == 0).then_some(value / unit)
}

/// A decimal that four places hold exactly.
fn decimal(value: i128, scale: i8) -> Option<Decimal> {
    let shift = u32::from((4 - i32::from(scale)).unsigned_abs() as u16);
    let factor = 10i128.checked_pow(shift)?;
    let scaled = if scale <= 4 {
        value.checked_mul(factor)?
    } else if value % factor == 0 {
        value / factor
    } else {
        return None;
    };
    i64::try_from(scaled).ok().map(Decimal::from_scaled)
}
