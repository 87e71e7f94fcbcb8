//! A value that `JSON.parse` gave, held against its shape.
//!
//! It takes and refuses what `serde_json` does, but for two spellings that no server of ours writes and no TypeScript
//! type allows: an array in a record's place, and `{"word": null}` in a word's.

use js_sys::Array;
use protocol::{Field, Shape};
use wasm_bindgen::{JsCast, JsValue};

use crate::object::field;

/// Says where and why not, without what was met: it may be private.
pub(crate) fn fits(shape: &Shape, value: &JsValue) -> Result<(), String> {
    let (is_one, expected) = match shape {
        Shape::Bool => (value.as_bool().is_some(), "a boolean"),
        Shape::Number => (value.as_f64().is_some(), "a number"),
        Shape::Integer { min, max } => (is_integer(value, *min, *max), "an integer of its type"),
        Shape::Text => (value.is_string(), "a text"),
        Shape::Checked { expected, is_valid } => {
            (value.as_string().is_some_and(|text| is_valid(&text)), *expected)
        }
        Shape::Word(words) => {
            let word = value.as_string().is_some_and(|text| words.iter().any(|word| *word == text));
            (word, "a word of its enum")
        }
        Shape::Nullable(_) if value.is_null() => return Ok(()),
        Shape::Nullable(shape) => return fits(shape, value),
        Shape::List(shape) => match value.dyn_ref::<Array>() {
            Some(array) => return array.iter().try_for_each(|element| fits(shape, &element)),
            None => (false, "an array"),
        },
        Shape::Record(fields) if value.is_object() && !Array::is_array(value) => {
            return fields.iter().try_for_each(|field| field_fits(field, value));
        }
        Shape::Record(_) => (false, "an object"),
    };
    if is_one { Ok(()) } else { Err(["expected ", expected].concat()) }
}

fn field_fits(of: &Field, record: &JsValue) -> Result<(), String> {
    let value = field(record, of.name);
    if !value.is_undefined() {
        return fits(of.shape, &value).map_err(|reason| [of.name, ": ", &reason].concat());
    }
    if of.optional { Ok(()) } else { Err(["missing field ", of.name].concat()) }
}

fn is_integer(value: &JsValue, min: f64, max: f64) -> bool {
    value.as_f64().is_some_and(|number| number.trunc() == number && (min..=max).contains(&number))
}
