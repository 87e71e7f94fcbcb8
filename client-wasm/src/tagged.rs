//! An event as serde's adjacently tagged enums read it, its tag always first.
//!
//! Given a map, such an enum is ready for `data` before `type`: it then buffers, and every type of the contract is
//! compiled a second time to read from that buffer. Given a sequence, it is not: the wasm is half as large.

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error as _, IntoDeserializer, SeqAccess, Visitor, value::StrDeserializer},
    forward_to_deserialize_any,
};
use wasm_bindgen::JsValue;

use crate::{mismatch::Mismatch, value::Value};

/// A name, and the payload that JavaScript parsed.
#[derive(Debug)]
pub(crate) struct Tagged<'a> {
    pub(crate) name: &'a str,
    pub(crate) data: JsValue,
}

/// What is still to be read.
#[derive(Debug)]
enum Parts<'a> {
    Both(Tagged<'a>),
    Data(JsValue),
    None,
}

impl<'de> Deserializer<'de> for Tagged<'_> {
    type Error = Mismatch;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        visitor.visit_seq(Parts::Both(self))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Mismatch> {
        Err(Mismatch::custom(r#"the contract's enum needs #[serde(tag = "type", content = "data")]"#))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

impl<'de> SeqAccess<'de> for Parts<'_> {
    type Error = Mismatch;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Mismatch> {
        match std::mem::replace(self, Self::None) {
            Self::Both(Tagged { name, data }) => {
                *self = Self::Data(data);
                let name: StrDeserializer<'_, Mismatch> = name.into_deserializer();
                seed.deserialize(name).map(Some)
            }
            Self::Data(data) => seed.deserialize(Value(data)).map(Some),
            Self::None => Ok(None),
        }
    }
}
