//! Plain JavaScript objects, read field by field. None is made here: the façade does that in less.

use js_sys::Reflect;
use wasm_bindgen::JsValue;

/// A field, or `undefined` where there is none.
pub(crate) fn field(value: &JsValue, name: &str) -> JsValue {
    if !value.is_object() {
        return JsValue::UNDEFINED;
    }
    Reflect::get(value, &JsValue::from_str(name)).unwrap_or_default()
}
