//! How fields are read: without failing on a type, so that the error can name the field afterwards.
//!
//! serde's own errors say "invalid type at column 70". Here a field of the wrong type becomes a value that says so, and
//! what remains for serde to refuse is text that is no JSON, and duplicate fields.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::Error;

/// A string or a number, wanted; or anything else, tolerated.
#[derive(Debug, Default)]
pub(super) enum Scalar<'a> {
    /// Not there, or null.
    #[default]
    Absent,
    Text(Cow<'a, str>),
    Number(u64),
    Bool(bool),
    /// A fraction, a negative number, a list, an object.
    Other,
}

impl<'a> Scalar<'a> {
    /// The text, if the field is there.
    pub(super) fn text(self, name: &'static str) -> Result<Option<Cow<'a, str>>, Error> {
        match self {
            Scalar::Absent => Ok(None),
            Scalar::Text(text) => Ok(Some(text)),
            _ => Err(Error::WrongType(name)),
        }
    }

    /// The text, which must be there.
    pub(super) fn required(self, name: &'static str) -> Result<Cow<'a, str>, Error> {
        self.text(name)?.ok_or(Error::MissingField(name))
    }

    /// A counter: documented as a decimal string, accepted as a number too.
    pub(super) fn counter(self, name: &'static str) -> Result<Option<u64>, Error> {
        match self {
            Scalar::Absent => Ok(None),
            Scalar::Number(number) => Ok(Some(number)),
            Scalar::Text(text) => match decimal(&text) {
                Some(number) => Ok(Some(number)),
                None => Err(Error::InvalidValue(name)),
            },
            _ => Err(Error::WrongType(name)),
        }
    }
}

/// Digits only: `u64::from_str` would also take a plus sign.
fn decimal(text: &str) -> Option<u64> {
    let digits_only = text.bytes().all(|b| b.is_ascii_digit());
    digits_only.then(|| text.parse().ok()).flatten()
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    // Only text with JSON escapes comes here: the one place where a message other than `start` allocates.
    fn visit_str<E>(self, text: &str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Number(number))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Other)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Bool(value))
    }

    fn visit_unit<E>(self) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Absent)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Scalar<'de>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }
}

/// A list of scalars, wanted; or anything else, tolerated.
#[derive(Debug, Default)]
pub(super) enum List<'a> {
    /// Not there, or null.
    #[default]
    Absent,
    Items(Vec<Scalar<'a>>),
    Other,
}

/// An object of a known shape, wanted; or anything else, tolerated.
#[derive(Debug, Default)]
pub(super) enum Object<T> {
    /// Not there, or null.
    #[default]
    Absent,
    Fields(T),
    Other,
}

impl<T> Object<T> {
    /// The object, if it is there.
    pub(super) fn optional(self, name: &'static str) -> Result<Option<T>, Error> {
        match self {
            Object::Absent => Ok(None),
            Object::Fields(fields) => Ok(Some(fields)),
            Object::Other => Err(Error::WrongType(name)),
        }
    }

    /// The object, which must be there.
    pub(super) fn required(self, name: &'static str) -> Result<T, Error> {
        self.optional(name)?.ok_or(Error::MissingField(name))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for List<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor)
    }
}

struct ListVisitor;

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

/// Everything but the wanted kind: scalars are `Other`, null is `Absent`.
macro_rules! tolerate_scalars {
    ($value:ident) => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("any value")
        }
        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok($value::Other)
        }
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok($value::Other)
        }
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok($value::Other)
        }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok($value::Other)
        }
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok($value::Other)
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok($value::Absent)
        }
    };
}

impl<'de> Visitor<'de> for ListVisitor {
    type Value = List<'de>;
    tolerate_scalars!(List);

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List<'de>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(List::Items(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<List<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(List::Other)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;
    tolerate_scalars!(Object);

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Object<T>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Object::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object::Fields)
    }
}

/// An object of any names and scalar values, in the order they came.
#[derive(Debug, Default)]
pub(super) struct Entries<'a>(pub(super) Vec<(Cow<'a, str>, Scalar<'a>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
        let mut entries = Vec::new();
        while let Some((name, value)) = map.next_entry::<Scalar<'de>, Scalar<'de>>()? {
            // A JSON name is always a string, but serde_json may show a numeric-looking one as it likes.
            if let Scalar::Text(name) = name {
                entries.push((name, value));
            }
        }
        Ok(Entries(entries))
    }
}
