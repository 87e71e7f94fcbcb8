//! A value that `JSON.parse` gave, as serde reads it.
//!
//! `serde-wasm-bindgen` would do, at three times the wasm: it looks up a struct's fields by matching keys, and its
//! errors format whatever they met. This reads the fields in the order of their declaration instead.

use std::slice;

use js_sys::{Array, Object};
use serde::{
    Deserializer,
    de::{DeserializeSeed, EnumAccess, Error as _, MapAccess, SeqAccess, VariantAccess, Visitor},
    forward_to_deserialize_any,
};
use wasm_bindgen::{JsCast, JsValue};

use crate::{mismatch::Mismatch, object::field};

/// Integers beyond this have lost their last digits in JavaScript.
const SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;

/// A parsed value.
#[derive(Debug)]
pub(crate) struct Value(pub(crate) JsValue);

impl Value {
    fn is_nothing(&self) -> bool {
        self.0.is_null() || self.0.is_undefined()
    }

    fn array(&self) -> Option<Elements> {
        let array = self.0.dyn_ref::<Array>()?.clone();
        Some(Elements { array, next: 0 })
    }

    fn entries(&self) -> Entries {
        Entries::of(&self.0)
    }

    #[inline(never)]
    fn number<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.0.as_f64() {
            Some(number) => visit_number(number, visitor),
            None => Err(Mismatch::expected(&visitor)),
        }
    }

    #[inline(never)]
    fn text<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.0.as_string() {
            Some(text) => visitor.visit_string(text),
            None => Err(Mismatch::expected(&visitor)),
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and within ±2^53")]
fn visit_number<'de, V: Visitor<'de>>(number: f64, visitor: V) -> Result<V::Value, Mismatch> {
    if number.trunc() != number || number.abs() > SAFE_INTEGER {
        visitor.visit_f64(number)
    } else if number < 0.0 {
        visitor.visit_i64(number as i64)
    } else {
        visitor.visit_u64(number as u64)
    }
}

macro_rules! deserialize {
    ($($method:ident)* => $by:ident) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
            self.$by(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Value {
    type Error = Mismatch;

    deserialize! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128 deserialize_u8 deserialize_u16
        deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64 => number
    }
    deserialize! { deserialize_char deserialize_str deserialize_string deserialize_identifier => text }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        if self.0.is_object() {
            match self.array() {
                Some(elements) => visitor.visit_seq(elements),
                None => visitor.visit_map(self.entries()),
            }
        } else if let Some(number) = self.0.as_f64() {
            visit_number(number, visitor)
        } else if let Some(truth) = self.0.as_bool() {
            visitor.visit_bool(truth)
        } else if self.is_nothing() {
            visitor.visit_unit()
        } else {
            self.text(visitor)
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.0.as_bool() {
            Some(truth) => visitor.visit_bool(truth),
            None => Err(Mismatch::expected(&visitor)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        if self.is_nothing() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        if self.is_nothing() { visitor.visit_unit() } else { Err(Mismatch::expected(&visitor)) }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.array() {
            Some(elements) => visitor.visit_seq(elements),
            None => Err(Mismatch::expected(&visitor)),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Mismatch> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        if self.0.is_object() { visitor.visit_map(self.entries()) } else { Err(Mismatch::expected(&visitor)) }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        if !self.0.is_object() {
            return Err(Mismatch::expected(&visitor));
        }
        let mut fields = Fields { object: self.0, names: names.iter(), missing: None };
        let read = visitor.visit_seq(&mut fields);
        fields.end(read.as_ref().err())?;
        read
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        if let Some(name) = self.0.as_string() {
            return visitor.visit_enum(Variant { name, payload: Self(JsValue::UNDEFINED) });
        }
        match self.0.is_object().then(|| self.entries().only()).flatten() {
            Some(variant) => visitor.visit_enum(variant),
            None => Err(Mismatch::expected(&visitor)),
        }
    }

    forward_to_deserialize_any! { bytes byte_buf }
}

/// The elements of an array.
#[derive(Debug)]
struct Elements {
    array: Array,
    next: u32,
}

impl Elements {
    fn element(&mut self) -> Option<Value> {
        let at = self.next;
        self.next += 1;
        (at < self.array.length()).then(|| Value(self.array.get(at)))
    }
}

impl<'de> SeqAccess<'de> for Elements {
    type Error = Mismatch;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Mismatch> {
        self.element().map(|element| seed.deserialize(element)).transpose()
    }
}

/// The keys and values of an object. Both steps are out of line: every struct-like variant of a contract has them.
#[derive(Debug)]
struct Entries {
    pairs: Array,
    next: u32,
    name: String,
    value: JsValue,
}

impl Entries {
    fn of(object: &JsValue) -> Self {
        let pairs = Object::entries(object.unchecked_ref::<Object>());
        Self { pairs, next: 0, name: String::new(), value: JsValue::UNDEFINED }
    }

    /// Goes on to the next pair, if there is one.
    #[inline(never)]
    fn step(&mut self) -> bool {
        let Ok(pair) = self.pairs.get(self.next).dyn_into::<Array>() else { return false };
        self.next += 1;
        self.name = pair.get(0).as_string().unwrap_or_default();
        self.value = pair.get(1);
        true
    }

    /// The only pair.
    fn only(mut self) -> Option<Variant> {
        let is_one = self.step() && self.pairs.length() == 1;
        is_one.then(|| Variant { name: self.name, payload: Value(self.value) })
    }
}

impl<'de> MapAccess<'de> for Entries {
    type Error = Mismatch;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Mismatch> {
        if self.step() { seed.deserialize(Name(&self.name)).map(Some) } else { Ok(None) }
    }

    #[inline(never)]
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Mismatch> {
        seed.deserialize(Value(self.value.clone())).map_err(|error| error.within(&self.name))
    }
}

/// The name of a field or a variant.
#[derive(Debug)]
struct Name<'a>(&'a str);

impl<'de> Deserializer<'de> for Name<'_> {
    type Error = Mismatch;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_str(self.0)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// The fields of a struct, in the order of their declaration.
#[derive(Debug)]
struct Fields {
    object: JsValue,
    names: slice::Iter<'static, &'static str>,
    /// The last one asked for, where it is not there. Only one with `#[serde(default)]` may be missing: an `Option`
    /// without is `T | null` in TypeScript too, not `undefined`.
    missing: Option<&'static str>,
}

impl Fields {
    #[inline(never)]
    fn step(&mut self) -> Option<(&'static str, Value)> {
        let name = *self.names.next()?;
        let value = field(&self.object, name);
        self.missing = value.is_undefined().then_some(name);
        self.missing.is_none().then_some((name, Value(value)))
    }

    #[inline(never)]
    fn end(mut self, error: Option<&Mismatch>) -> Result<(), Mismatch> {
        match (error, self.missing) {
            (Some(_), Some(name)) => Err(Mismatch::missing_field(name)),
            (Some(_), None) => Ok(()),
            // serde lists an alias beside the name it stands for: what is read is then out of step.
            (None, _) if self.names.next().is_some() => Err(Mismatch::say(&["a contract has no aliases"])),
            (None, _) => Ok(()),
        }
    }
}

impl<'de> SeqAccess<'de> for Fields {
    type Error = Mismatch;

    #[inline(never)]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Mismatch> {
        let Some((name, value)) = self.step() else { return Ok(None) };
        seed.deserialize(value).map(Some).map_err(|error| error.within(name))
    }
}

/// A variant of an enum: its name, and its payload where it has one.
#[derive(Debug)]
struct Variant {
    name: String,
    payload: Value,
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = Mismatch;
    type Variant = Value;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Value), Mismatch> {
        Ok((seed.deserialize(Name(&self.name))?, self.payload))
    }
}

impl<'de> VariantAccess<'de> for Value {
    type Error = Mismatch;

    fn unit_variant(self) -> Result<(), Mismatch> {
        if self.is_nothing() { Ok(()) } else { Err(Mismatch::say(&["expected a variant without a payload"])) }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Mismatch> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Mismatch> {
        self.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.deserialize_struct("", names, visitor)
    }
}
