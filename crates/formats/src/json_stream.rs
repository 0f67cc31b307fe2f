//! JSON documents read record by record: the document is never held as a whole, and a record of the wrong shape costs only itself.
//!
//! Records are taken as raw text first and parsed one by one. Taking raw text does not recurse, and parsing refuses more than
//! 128 levels, so a document of a million brackets is an error and not a stack overflow.

use std::fmt;
use std::io::Read;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::bounded::{Limits, LossyUtf8, Watch};

/// Takes the parts of a document as they stream by.
pub(crate) trait Sink {
    /// A top-level field that is not one of the named lists.
    fn field(&mut self, key: &str, raw: &RawValue);
    /// An element of a named list, or of the document itself when it is a list (`list` is then empty).
    fn element(&mut self, list: &str, index: u64, raw: &RawValue);
    /// A named list that is an object instead.
    fn object(&mut self, list: &str, fields: &[(String, Box<RawValue>)]);
}

/// How a document ended.
pub(crate) enum Ended {
    /// As JSON should.
    Whole,
    /// Something follows the document.
    Trailing(String),
    /// In the middle.
    Early(String),
    /// With something that is not JSON, or not of the expected outer shape.
    Broken(String),
    /// The reader failed; its watch knows whether a limit was the reason.
    Failed(std::io::Error),
}

/// Streams the document in `reader` into `sink`.
pub(crate) fn read_document<R: Read, S: Sink>(
    reader: R,
    watch: &Watch,
    limits: &Limits,
    lists: &[&str],
    sink: &mut S,
) -> Ended {
    let text = std::io::BufReader::with_capacity(64 << 10, LossyUtf8::new(reader, watch.clone(), limits));
    let mut json = serde_json::Deserializer::from_reader(text);
    let top = Top { lists, sink, watch };
    match top.deserialize(&mut json) {
        Ok(()) => match json.end() {
            Ok(()) => Ended::Whole,
            Err(err) if err.is_io() => Ended::Failed(err.into()),
            Err(err) => Ended::Trailing(err.to_string()),
        },
        Err(err) if err.is_io() => Ended::Failed(err.into()),
        Err(err) if err.is_eof() => Ended::Early(err.to_string()),
        Err(err) => Ended::Broken(err.to_string()),
    }
}

struct Top<'s, S> {
    lists: &'s [&'s str],
    sink: &'s mut S,
    watch: &'s Watch,
}

impl<'de, S: Sink> DeserializeSeed<'de> for Top<'_, S> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de, S: Sink> Visitor<'de> for Top<'_, S> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if self.lists.contains(&key.as_str()) {
                map.next_value_seed(List { list: &key, sink: self.sink, watch: self.watch })?;
            } else {
                let raw: Box<RawValue> = map.next_value()?;
                self.watch.record_done();
                self.sink.field(&key, &raw);
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        List { list: "", sink: self.sink, watch: self.watch }.visit_seq(seq)
    }
}

struct List<'s, S> {
    list: &'s str,
    sink: &'s mut S,
    watch: &'s Watch,
}

impl<'de, S: Sink> DeserializeSeed<'de> for List<'_, S> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de, S: Sink> Visitor<'de> for List<'_, S> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list in `{}`", self.list)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut index = 0_u64;
        while let Some(raw) = seq.next_element::<Box<RawValue>>()? {
            self.watch.record_done();
            self.sink.element(self.list, index, &raw);
            index = index.saturating_add(1);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry::<String, Box<RawValue>>()? {
            fields.push(field);
        }
        self.sink.object(self.list, &fields);
        Ok(())
    }
}

/// The fields of one object in their order, values still as text. Repeated keys are kept.
#[derive(Debug, Default)]
pub(crate) struct Fields<'a>(pub(crate) Vec<(String, &'a RawValue)>);

impl<'a> Fields<'a> {
    /// The fields of the object in `text`, or what is wrong with it.
    pub(crate) fn parse(text: &'a str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|err| err.to_string())
    }

    /// Views owned fields.
    pub(crate) fn view(owned: &'a [(String, Box<RawValue>)]) -> Self {
        Self(owned.iter().map(|(key, raw)| (key.clone(), raw.as_ref())).collect())
    }

    /// The raw value of `key`, the last one when it is repeated; nothing for `null`.
    pub(crate) fn raw(&self, key: &str) -> Option<&'a RawValue> {
        let (_, raw) = self.0.iter().rev().find(|(name, _)| name == key)?;
        (raw.get() != "null").then_some(*raw)
    }

    /// Whether there is a field of this name.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.iter().any(|(name, _)| name == key)
    }

    /// The value of `key` as a tree (128 levels at most); `Value::Null` when it is absent.
    pub(crate) fn value(&self, key: &str) -> Result<Value, String> {
        self.raw(key).map_or(Ok(Value::Null), |raw| serde_json::from_str(raw.get()).map_err(|err| err.to_string()))
    }

    /// The text of `key`, when it is a string.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        serde_json::from_str(self.raw(key)?.get()).ok()
    }

    /// The fields of the object in `key`; none when it is absent.
    pub(crate) fn object(&self, key: &str) -> Result<Fields<'a>, String> {
        self.raw(key).map_or_else(|| Ok(Fields::default()), |raw| Fields::parse(raw.get()))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct Collect<'a>(std::marker::PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for Collect<'a> {
            type Value = Fields<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'a>, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry::<String, &'de RawValue>()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        json.deserialize_map(Collect(std::marker::PhantomData))
    }
}

/// The items of one list, values still as text.
pub(crate) fn items(raw: &RawValue) -> Result<Vec<&RawValue>, String> {
    serde_json::from_str(raw.get()).map_err(|err| err.to_string())
}

/// One object as a typed value. Serde would also fill the fields of a struct from a list, by position; that is refused.
pub(crate) fn object_of<T: serde::de::DeserializeOwned>(raw: &RawValue) -> Result<T, String> {
    if !raw.get().starts_with('{') {
        return Err("it is not an object".to_owned());
    }
    serde_json::from_str(raw.get()).map_err(|err| err.to_string())
}
