//! The three entity columns of a batch: distinct entities and which of them each row has.
//!
//! An entity is looked up once for each distinct value. What cannot be read refuses its own row only.

use std::borrow::Cow;
use std::collections::HashMap;

use agentpdp_cedar::uid_text::split_uid;
use agentpdp_cedar::values::is_type_name;
use agentpdp_core::columns::Side;
use agentpdp_core::decision::Reason;
use agentpdp_core::entities::Store;
use agentpdp_core::parallel::each_part;
use agentpdp_core::request::Locals;
use agentpdp_core::value::{EntityId, TypeId};
use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use foldhash::fast::RandomState;
use numpy::PyArray1;
use pyo3::prelude::*;

use super::leaves::{keys, texts};
use crate::engine::Engine;
use crate::errors;
use crate::uid::{UidArgument, owned_uid, read_uid};

/// One side of a batch, and the reason why a row's value cannot be read, if it cannot.
#[derive(Clone, Copy)]
pub(crate) struct SideReader<'e> {
    pub(crate) nonce: u32,
    pub(crate) store: &'e Store,
    /// Why a row is refused whose value is no entity.
    pub(crate) unreadable: Reason,
    /// How many threads may look up the words of a dictionary.
    pub(crate) threads: usize,
}

/// Fewest words that are worth a thread of their own.
const WORDS_PER_THREAD_MIN: usize = 4_096;

/// The type that was named last, and its number if the store has one.
#[derive(Clone, Copy, Default)]
struct LastType<'a> {
    name: Option<&'a str>,
    type_id: Option<TypeId>,
}

/// What no store knows.
const NO_UID: (TypeId, &str) = (TypeId::UNKNOWN, "");

/// What a value stands for.
type Resolved = Result<EntityId, Reason>;

impl SideReader<'_> {
    /// Reads a column: Cedar text (plain or dictionary), structs of type and id, or codes of `encode`.
    pub(crate) fn read<'a>(
        &self,
        column: &'a ArrayRef,
        name: &str,
        locals: &mut Locals<'a>,
        refused: &mut [Option<Reason>],
    ) -> Result<Side<'a>, String> {
        match column.data_type() {
            DataType::UInt64 => Ok(self.read_codes(column.as_primitive::<UInt64Type>().iter(), refused)),
            DataType::Dictionary(_, _) => self.read_dictionary(column, name, locals, refused),
            DataType::Struct(_) => self.read_structs(column, name, locals, refused),
            DataType::Null => Ok(self.read_texts(std::iter::repeat_n(None, column.len()), locals, refused)),
            _ => match texts(column) {
                Some(texts) => Ok(self.read_texts(texts, locals, refused)),
                None => Err(format!(
                    "column `{name}` is {}: entities are Cedar text, structs of `type` and `id`, or uint64 codes of \
                     `engine.encode`",
                    column.data_type()
                )),
            },
        }
    }

    /// The entity of a text. Texts beside one another mostly name one type: its number is looked up once for them.
    fn text<'a>(&self, text: Option<&'a str>, last: &mut LastType<'a>, locals: &mut Locals<'a>) -> Resolved {
        let (type_name, id) = text.and_then(split_uid).ok_or(self.unreadable)?;
        if last.name != Some(type_name) {
            // What the store has as a type was read as one before.
            let type_id = self.store.find_type(type_name);
            if type_id.is_none() && !is_type_name(type_name) {
                return Err(self.unreadable);
            }
            *last = LastType { name: Some(type_name), type_id };
        }
        let known = last.type_id.and_then(|type_id| self.store.find_typed(type_id, &id));
        Ok(known.unwrap_or_else(|| locals.resolve(self.store, Cow::Borrowed(type_name), id)))
    }

    /// The numbers of those words that name what the store knows. Words with escapes are left out.
    fn find_words(&self, words: &ArrayRef) -> Vec<Option<EntityId>> {
        let per_thread = words.len().div_ceil(self.threads).max(WORDS_PER_THREAD_MIN);
        let starts = (0..words.len()).step_by(per_thread);
        let parts = starts.map(|start| words.slice(start, per_thread.min(words.len() - start))).collect();
        each_part(parts, |words: ArrayRef| {
            let mut last = LastType::default();
            let uids: Vec<_> = texts(&words).into_iter().flatten().map(|word| self.typed(word, &mut last)).collect();
            self.store.find_all(&uids)
        })
        .concat()
    }

    /// A word as the store finds it; [`NO_UID`] where it is to be read with care.
    fn typed<'w>(&self, word: Option<&'w str>, last: &mut LastType<'w>) -> (TypeId, &'w str) {
        let Some((type_name, Cow::Borrowed(id))) = word.and_then(split_uid) else { return NO_UID };
        if last.name != Some(type_name) {
            *last = LastType { name: Some(type_name), type_id: self.store.find_type(type_name) };
        }
        last.type_id.map_or(NO_UID, |type_id| (type_id, id))
    }

    fn code(&self, code: Option<u64>) -> Resolved {
        let code = code.ok_or(self.unreadable)?;
        let number = EntityId(code as u32);
        if (code >> 32) as u32 == self.nonce && !number.is_local() && number.index() < self.store.uid_count() {
            Ok(number)
        } else {
            Err(Reason::StaleCode)
        }
    }

    pub(crate) fn read_codes(
        &self,
        codes: impl Iterator<Item = Option<u64>>,
        refused: &mut [Option<Reason>],
    ) -> Side<'static> {
        let mut builder = Builder::default();
        let mut known: HashMap<u64, u32, RandomState> = HashMap::default();
        for (row, code) in codes.enumerate() {
            let index = match code.and_then(|code| known.get(&code).copied()) {
                Some(index) => index,
                None => {
                    let index = builder.distinct(self.code(code));
                    if let Some(code) = code {
                        known.insert(code, index);
                    }
                    index
                }
            };
            builder.row(row, index, refused);
        }
        builder.finish()
    }

    pub(crate) fn read_texts<'a>(
        &self,
        texts: impl Iterator<Item = Option<&'a str>>,
        locals: &mut Locals<'a>,
        refused: &mut [Option<Reason>],
    ) -> Side<'static> {
        let mut builder = Builder::default();
        let mut known: HashMap<Option<&'a str>, u32, RandomState> = HashMap::default();
        let mut last = LastType::default();
        for (row, text) in texts.enumerate() {
            let index = *known.entry(text).or_insert_with(|| builder.distinct(self.text(text, &mut last, locals)));
            builder.row(row, index, refused);
        }
        builder.finish()
    }

    fn read_dictionary<'a>(
        &self,
        column: &'a ArrayRef,
        name: &str,
        locals: &mut Locals<'a>,
        refused: &mut [Option<Reason>],
    ) -> Result<Side<'a>, String> {
        let dictionary = column.as_any_dictionary();
        let words = texts(dictionary.values()).ok_or_else(|| {
            format!("column `{name}` is a dictionary of {}, not of text", dictionary.values().data_type())
        })?;
        let mut builder = Builder::default();
        let mut last = LastType::default();
        for (word, known) in words.zip(self.find_words(dictionary.values())) {
            builder.distinct(known.map_or_else(|| self.text(word, &mut last, locals), Ok));
        }
        let keys = keys(dictionary);
        let nulls = dictionary.keys().nulls().filter(|nulls| nulls.null_count() > 0);
        let is_readable = builder.refusals.iter().all(Option::is_none) && !dictionary.values().is_empty();
        if nulls.is_none() && is_readable {
            return Ok(Side { index: keys, ..builder.side });
        }
        let null = builder.distinct(Err(self.unreadable));
        for (row, key) in keys.iter().enumerate() {
            let is_null = nulls.is_some_and(|nulls| nulls.is_null(row));
            builder.row(row, if is_null { null } else { *key }, refused);
        }
        Ok(builder.finish())
    }

    fn read_structs<'a>(
        &self,
        column: &'a ArrayRef,
        name: &str,
        locals: &mut Locals<'a>,
        refused: &mut [Option<Reason>],
    ) -> Result<Side<'a>, String> {
        let wrong = || format!("column `{name}` is a struct: its fields are `type` and `id`, both text");
        let structs = column.as_struct();
        let field = |field: &str| structs.column_by_name(field).and_then(texts).ok_or_else(wrong);
        let (types, ids) = (field("type")?, field("id")?);
        let mut builder = Builder::default();
        let mut known: HashMap<Option<(&'a str, &'a str)>, u32, RandomState> = HashMap::default();
        for (row, pair) in types.zip(ids).enumerate() {
            let pair = match pair {
                (Some(type_name), Some(id)) if !structs.is_null(row) => Some((type_name, id)),
                _ => None,
            };
            let index = *known.entry(pair).or_insert_with(|| {
                let named = pair
                    .filter(|(type_name, _)| agentpdp_cedar::values::is_type_name(type_name))
                    .ok_or(self.unreadable);
                builder.distinct(named.map(|(type_name, id)| locals.resolve(self.store, type_name.into(), id.into())))
            });
            builder.row(row, index, refused);
        }
        Ok(builder.finish())
    }

    /// Reads Python objects: `EntityUid`, tuples, Cedar text. What is not known to the store is copied.
    pub(crate) fn read_owned_objects<'o, 'py: 'o>(
        self,
        objects: impl ExactSizeIterator<Item = &'o Bound<'py, PyAny>>,
        locals: &mut Locals<'_>,
        refused: &mut [Option<Reason>],
    ) -> Side<'static> {
        let mut side = ObjectSide::new(self, objects.len());
        for (object, refused) in objects.zip(refused) {
            if let (_, Some(reason)) = side.read(object, locals) {
                *refused = Some(refused.map_or(reason, |known| known.min(reason)));
            }
        }
        side.finish()
    }

    #[inline]
    fn object(&self, uid: UidArgument<'_>, locals: &mut Locals<'_>) -> EntityId {
        match uid {
            UidArgument::Object(object) => object.find(Some(self.nonce), self.store).unwrap_or_else(|| {
                locals.resolve(self.store, object.type_name.to_string().into(), object.id.to_string().into())
            }),
            UidArgument::Text(type_name, id) => {
                locals.resolve(self.store, type_name.into_owned().into(), id.into_owned().into())
            }
        }
    }
}

/// One side of a batch, read from Python objects row by row.
pub(crate) struct ObjectSide<'e> {
    reader: SideReader<'e>,
    builder: Builder,
    known: HashMap<EntityId, u32, RandomState>,
}

impl<'e> ObjectSide<'e> {
    pub(crate) fn new(reader: SideReader<'e>, row_count: usize) -> Self {
        let builder = Builder { index: Vec::with_capacity(row_count), ..Builder::default() };
        Self { reader, builder, known: HashMap::default() }
    }

    /// Reads the next row's object: which of the distinct entities it is, and why it cannot be read, if it cannot.
    #[inline]
    pub(crate) fn read(&mut self, object: &Bound<'_, PyAny>, locals: &mut Locals<'_>) -> (usize, Option<Reason>) {
        let Self { reader, builder, known } = self;
        let index = match read_uid(object) {
            None => builder.distinct(Err(reader.unreadable)),
            Some(uid) => {
                let entity = reader.object(uid, locals);
                *known.entry(entity).or_insert_with(|| builder.distinct(Ok(entity)))
            }
        };
        builder.index.push(index);
        let index = index as usize;
        (index, builder.refusals.get(index).copied().flatten())
    }

    /// The distinct entities so far.
    pub(crate) fn distinct(&self) -> &[EntityId] {
        &self.builder.side.distinct
    }

    pub(crate) fn finish(self) -> Side<'static> {
        self.builder.finish()
    }
}

/// Collects distinct entities and rows.
#[derive(Default)]
struct Builder {
    side: Side<'static>,
    index: Vec<u32>,
    refusals: Vec<Option<Reason>>,
}

impl Builder {
    fn finish(self) -> Side<'static> {
        Side { index: self.index.into(), ..self.side }
    }

    fn distinct(&mut self, resolved: Resolved) -> u32 {
        let index = self.side.distinct.len() as u32;
        self.side.distinct.push(resolved.unwrap_or(EntityId(u32::MAX)));
        self.refusals.push(resolved.err());
        index
    }

    #[inline]
    fn row(&mut self, row: usize, index: u32, refused: &mut [Option<Reason>]) {
        self.index.push(index);
        if let Some(Some(reason)) = self.refusals.get(index as usize)
            && let Some(place) = refused.get_mut(row)
        {
            *place = Some(place.map_or(*reason, |known| known.min(*reason)));
        }
    }
}

/// Numbers for entities; those that the engine does not know yet become known.
pub(crate) fn encode<'py>(slf: &Bound<'py, Engine>, uids: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyArray1<u64>>> {
    let py = slf.py();
    let engine = slf.get();
    let mut owned = Vec::new();
    for (at, uid) in uids.try_iter()?.enumerate() {
        let uid = owned_uid(&uid?).map_err(|error| errors::encode(py, &format!("item {at}: {}", error.value(py))))?;
        owned.push(uid);
    }
    let codes = engine
        .core
        .intern(|store| {
            let code = |entity: EntityId| u64::from(engine.nonce) << 32 | u64::from(entity.0);
            owned.iter().map(|(type_name, id)| store.intern(type_name, id).map(code)).collect::<Result<Vec<u64>, _>>()
        })
        .map_err(|_| errors::encode(py, "the engine knows as many entities as it can"))?;
    Ok(PyArray1::from_vec(py, codes))
}

/// The entity of a code of this engine.
pub(super) fn decode(code: u64, nonce: u32) -> Option<EntityId> {
    let entity = EntityId(code as u32);
    ((code >> 32) as u32 == nonce && !entity.is_local()).then_some(entity)
}
