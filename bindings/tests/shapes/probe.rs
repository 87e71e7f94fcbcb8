//! One run of a `Deserialize` over made-up values, writing down what it asks for.

use std::{
    any::type_name,
    cell::RefCell,
    fmt::{self, Display},
    rc::Rc,
};

use protocol::Contract;
use serde::{
    Deserializer,
    de::{
        DeserializeSeed, EnumAccess, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess, VariantAccess,
        Visitor,
        value::{StrDeserializer, U64Deserializer},
    },
};

use super::{Found, constant};

/// A text that each type with a form of its own accepts; its shape is `<type>::SHAPE`.
pub(super) const SAMPLES: [(&str, &str); 3] = [
    ("CalendarDate", "2026-11-23"),
    ("Id", "0192f8a0-7c3e-7008-8000-000000000001"),
    ("Timestamp", "2026-11-23T10:15:00Z"),
];

/// What is different in this run.
#[derive(Debug, Clone)]
pub(super) enum Plan {
    /// Every enum is its n-th variant, or its last.
    Variant(usize),
    /// The n-th field of a record comes twice.
    Twice(String, usize),
    /// The n-th field of a record does not come.
    Absent(String, usize),
}

/// Why serde refused the values.
#[derive(Debug)]
pub(super) enum Refused {
    /// A field came twice; its name.
    Twice(&'static str),
    Other(String),
}

/// A value being asked for.
pub(super) struct Probe<'f> {
    event: &'static str,
    plan: Plan,
    found: Rc<RefCell<&'f mut Found>>,
    /// The type that asks.
    wanted: String,
    /// Where the shape of it goes.
    shape: Rc<RefCell<String>>,
}

impl<'f> Probe<'f> {
    pub(super) fn new(event: &'static str, plan: Plan, found: &'f mut Found) -> Self {
        let (found, wanted) = (Rc::new(RefCell::new(found)), String::new());
        Self { event, plan, found, wanted, shape: Rc::default() }
    }

    /// The shape of the event's payload.
    pub(super) fn event<C: Contract>(self) -> Result<String, Refused> {
        let shape = Rc::clone(&self.shape);
        C::deserialize(Tagged(self))?;
        Ok(shape.take())
    }

    /// The same run, one type further in.
    fn inner(&self, wanted: &str) -> Self {
        Self {
            event: self.event,
            plan: self.plan.clone(),
            found: Rc::clone(&self.found),
            wanted: wanted.to_owned(),
            shape: Rc::default(),
        }
    }

    fn is(&self, shape: impl Into<String>) {
        self.shape.replace(shape.into());
    }

    fn record<'de, V: Visitor<'de>>(&self, name: &str, visitor: V) -> Result<V::Value, Refused> {
        self.is(constant(name));
        let record =
            Record { of: name.to_owned(), next: 0, came_twice: false, shapes: Vec::new(), probe: self };
        visitor.visit_map(record)
    }

    fn none(&self, what: &str) -> ! {
        panic!("{}: {} is {what}, which has no protocol::Shape", self.event, self.wanted)
    }
}

macro_rules! leaves {
    ($($method:ident $visit:ident $value:expr => $shape:expr;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
            self.is($shape);
            visitor.$visit($value)
        }
    )*};
}

macro_rules! none {
    ($($method:ident $(($type:ty))*;)*) => {$(
        fn $method<V: Visitor<'de>>(self, $(_: $type,)* _: V) -> Result<V::Value, Refused> {
            self.none(stringify!($method))
        }
    )*};
}

fn integer(min: i64, max: i64) -> String {
    format!("Shape::Integer {{ min: {min}.0, max: {max}.0 }}")
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Refused;

    leaves! {
        deserialize_bool visit_bool true => "Shape::Bool";
        deserialize_f32 visit_f32 0.0 => "Shape::Number";
        deserialize_f64 visit_f64 0.0 => "Shape::Number";
        deserialize_i8 visit_i8 0 => integer(i8::MIN.into(), i8::MAX.into());
        deserialize_i16 visit_i16 0 => integer(i16::MIN.into(), i16::MAX.into());
        deserialize_i32 visit_i32 0 => integer(i32::MIN.into(), i32::MAX.into());
        deserialize_u8 visit_u8 0 => integer(0, u8::MAX.into());
        deserialize_u16 visit_u16 0 => integer(0, u16::MAX.into());
        deserialize_u32 visit_u32 0 => integer(0, u32::MAX.into());
    }

    none! {
        deserialize_i64; deserialize_u64; deserialize_i128; deserialize_u128; deserialize_char; deserialize_bytes;
        deserialize_byte_buf; deserialize_unit; deserialize_unit_struct(&'static str); deserialize_map;
        deserialize_tuple(usize); deserialize_tuple_struct(&'static str)(usize); deserialize_identifier;
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_unit()
    }

    /// serde reads a variant with named fields so, once it has the name.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        if self.wanted.is_empty() { self.record(self.event, visitor) } else { self.none("of any shape") }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        if self.wanted == type_name::<String>() {
            self.is("Shape::Text");
            return visitor.visit_str("any text");
        }
        let name = self.wanted.rsplit("::").next().unwrap_or_default();
        self.is(format!("{name}::SHAPE"));
        match SAMPLES.iter().find(|(of, _)| *of == name) {
            Some((_, sample)) => visitor.visit_str(sample),
            None => self.none("a text of its own form: give it a SHAPE, and a sample in this file"),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        let inner = self.inner(argument(type_name::<V::Value>(), "core::option::Option<"));
        let shape = Rc::clone(&inner.shape);
        let value = visitor.visit_some(inner);
        self.is(format!("Shape::Nullable(&{})", shape.borrow()));
        value
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        let shape = Rc::default();
        let value = visitor.visit_seq(Elements { probe: &self, shape: Rc::clone(&shape), ended: false });
        self.is(format!("Shape::List(&{})", shape.borrow()));
        value
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        self.record(name, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        self.is(constant(name));
        self.found.borrow_mut().words.insert(name.to_owned(), words);
        let choice = if let Plan::Variant(choice) = self.plan { choice } else { 0 };
        visitor.visit_enum(Variant(words[choice.min(words.len() - 1)], self))
    }
}

/// `T` of `<wrapper>T>`.
fn argument<'a>(name: &'a str, wrapper: &str) -> &'a str {
    name.strip_prefix(wrapper).and_then(|inner| inner.strip_suffix('>')).unwrap_or(name)
}

/// An event: its name, then its payload.
struct Tagged<'f>(Probe<'f>);

impl<'de> Deserializer<'de> for Tagged<'_> {
    type Error = Refused;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        visitor.visit_seq(Parts { name: Some(self.0.event), payload: Some(self.0) })
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Refused> {
        self.0.none(r#"no enum with #[serde(tag = "type", content = "data")]"#)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

struct Parts<'f> {
    name: Option<&'static str>,
    payload: Option<Probe<'f>>,
}

impl<'de> SeqAccess<'de> for Parts<'_> {
    type Error = Refused;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Refused> {
        if let Some(name) = self.name.take() {
            let name: StrDeserializer<'_, Refused> = name.into_deserializer();
            return seed.deserialize(name).map(Some);
        }
        self.payload.take().map(|payload| seed.deserialize(payload)).transpose()
    }
}

/// One element, so that its shape is asked for.
struct Elements<'p, 'f> {
    probe: &'p Probe<'f>,
    shape: Rc<RefCell<String>>,
    ended: bool,
}

impl<'de> SeqAccess<'de> for Elements<'_, '_> {
    type Error = Refused;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Refused> {
        if std::mem::replace(&mut self.ended, true) {
            return Ok(None);
        }
        let element = Probe { shape: Rc::clone(&self.shape), ..self.probe.inner(type_name::<T::Value>()) };
        seed.deserialize(element).map(Some)
    }
}

/// No field has this number.
const END: usize = usize::MAX;

/// The fields, by their numbers, until serde ignores what is there.
struct Record<'p, 'f> {
    of: String,
    next: usize,
    came_twice: bool,
    shapes: Vec<String>,
    probe: &'p Probe<'f>,
}

impl<'de> MapAccess<'de> for Record<'_, '_> {
    type Error = Refused;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Refused> {
        if self.next == END {
            return Ok(None);
        }
        let number = match &self.probe.plan {
            Plan::Twice(record, place)
                if *record == self.of && *place + 1 == self.next && !self.came_twice =>
            {
                self.came_twice = true;
                *place
            }
            Plan::Absent(record, place) if *record == self.of && *place == self.next => place + 1,
            _ => self.next,
        };
        self.next = number + 1;
        let number: U64Deserializer<Refused> = (number as u64).into_deserializer();
        seed.deserialize(number).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Refused> {
        let field = self.probe.inner(type_name::<T::Value>());
        if field.wanted == type_name::<IgnoredAny>() {
            self.next = END;
            if matches!(self.probe.plan, Plan::Variant(_)) {
                let shapes = std::mem::take(&mut self.shapes);
                self.probe.found.borrow_mut().records.insert(self.of.clone(), shapes);
            }
            return seed.deserialize(field);
        }
        let shape = Rc::clone(&field.shape);
        let value = seed.deserialize(field)?;
        self.shapes.push(shape.take());
        Ok(value)
    }
}

/// A variant without a payload.
struct Variant<'f>(&'static str, Probe<'f>);

impl<'de, 'f> EnumAccess<'de> for Variant<'f> {
    type Error = Refused;
    type Variant = Probe<'f>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Probe<'f>), Refused> {
        let name: StrDeserializer<'_, Refused> = self.0.into_deserializer();
        Ok((seed.deserialize(name)?, self.1))
    }
}

impl<'de> VariantAccess<'de> for Probe<'_> {
    type Error = Refused;

    fn unit_variant(self) -> Result<(), Refused> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, Refused> {
        self.none("an enum of more than words")
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Refused> {
        self.none("an enum of more than words")
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Refused> {
        self.none("an enum of more than words")
    }
}

impl Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Twice(name) => write!(f, "{name} came twice"),
            Self::Other(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for Refused {}

impl serde::de::Error for Refused {
    fn custom<T: Display>(message: T) -> Self {
        Self::Other(message.to_string())
    }

    fn duplicate_field(name: &'static str) -> Self {
        Self::Twice(name)
    }
}
