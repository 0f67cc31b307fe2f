//! Query strings of the API.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::de::value::Error;
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;

use crate::failure::Failure;

/// Longest name of an unknown parameter that is repeated, in characters.
const NAME_SHOWN: usize = 40;

/// The query string of a known shape. A parameter that it does not have is refused: a filter with a typing mistake would give
/// everything.
pub(crate) struct Asked<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let Query(asked) = Query::<T>::try_from_uri(&parts.uri)?;
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)?;
        let known = parameters::<T>();
        match pairs.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            None => Ok(Self(asked)),
            Some((name, _)) => {
                let name: String = name.chars().filter(|c| !c.is_control()).take(NAME_SHOWN).collect();
                let what = format!("this address has no parameter `{name}`; it has {}", known.join(", "));
                Err(Failure::of("bad_request", what))
            }
        }
    }
}

/// The names of a query's parameters: the fields that its type asks a deserializer for.
fn parameters<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut names: &'static [&'static str] = &[];
    // It ends with an error in any case: nothing is read.
    let _ended: Result<T, Error> = T::deserialize(Names(&mut names));
    names
}

/// Notes the fields of a struct, and gives no value.
struct Names<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Names<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("not a struct"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        *self.0 = fields;
        Err(Error::custom("its fields are known"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::PageQuery;

    #[test]
    fn a_parameter_that_is_none_is_named_with_those_that_are() {
        assert_eq!(parameters::<PageQuery>(), ["after", "limit"]);
        assert_eq!(parameters::<patchwright_protocol::findings::FindingsQuery>().len(), 7);
    }
}
