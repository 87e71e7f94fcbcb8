//! Plain JavaScript objects, field by field.

use js_sys::{Object, Reflect};
use wasm_bindgen::JsValue;

/// An object of these fields.
pub(crate) fn object(fields: &[(&str, JsValue)]) -> JsValue {
    let object = JsValue::from(Object::new());
    for (name, value) in fields {
        set(&object, name, value);
    }
    object
}

/// Sets a field of an object this crate made.
pub(crate) fn set(object: &JsValue, name: &str, value: &JsValue) {
    // A plain object takes every field; there is nothing to decide if it did not.
    let _taken = Reflect::set(object, &JsValue::from_str(name), value);
}

/// A field, or `undefined` where there is none.
pub(crate) fn field(value: &JsValue, name: &str) -> JsValue {
    if !value.is_object() {
        return JsValue::UNDEFINED;
    }
    Reflect::get(value, &JsValue::from_str(name)).unwrap_or_default()
}

/// A text, or `null`.
pub(crate) fn text_or_null(text: Option<&str>) -> JsValue {
    text.map_or(JsValue::NULL, JsValue::from_str)
}
