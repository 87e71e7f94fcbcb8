//! What the TypeScript façade lends to the provider, read by name from one object.

use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;
use web_sys::{AbortSignal, EventTarget};

#[wasm_bindgen]
extern "C" {
    /// The façade's side of a provider: options with their defaults resolved, and the seams of a test.
    #[derive(Debug, Clone)]
    pub type Host;

    #[wasm_bindgen(method, getter)]
    pub(crate) fn origin(this: &Host) -> String;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn base(this: &Host) -> Option<String>;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn clock(this: &Host) -> Clock;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn network(this: &Host) -> Option<EventTarget>;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn page(this: &Host) -> Option<EventTarget>;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn document(this: &Host) -> Option<EventTarget>;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn credentials(this: &Host) -> String;
    #[wasm_bindgen(method, getter, js_name = sendAs)]
    pub(crate) fn send_as(this: &Host) -> String;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn groups(this: &Host) -> Option<String>;
    /// Whether there is an `auth` callback.
    #[wasm_bindgen(method, getter)]
    pub(crate) fn renewable(this: &Host) -> bool;
    #[wasm_bindgen(method, getter, js_name = baseMs)]
    pub(crate) fn base_ms(this: &Host) -> Option<f64>;
    #[wasm_bindgen(method, getter, js_name = capMs)]
    pub(crate) fn cap_ms(this: &Host) -> Option<f64>;
    #[wasm_bindgen(method, getter, js_name = healthyAfterMs)]
    pub(crate) fn healthy_after_ms(this: &Host) -> Option<f64>;
    #[wasm_bindgen(method, getter, js_name = connectMs)]
    pub(crate) fn connect_ms(this: &Host) -> Option<f64>;
    #[wasm_bindgen(method, getter, js_name = idleMs)]
    pub(crate) fn idle_ms(this: &Host) -> Option<f64>;
    #[wasm_bindgen(method, getter, js_name = longBrokenMs)]
    pub(crate) fn long_broken_ms(this: &Host) -> Option<f64>;

    /// Whether the device says that it has a network.
    #[wasm_bindgen(method)]
    pub(crate) fn online(this: &Host) -> bool;
    #[wasm_bindgen(method)]
    pub(crate) fn url(this: &Host) -> Promise;
    /// The headers of `auth`, or `null`.
    #[wasm_bindgen(method)]
    pub(crate) fn headers(this: &Host, reason: &str, attempt: u32, signal: &AbortSignal) -> Promise;
    /// The cursor of the page's data: asked for once.
    #[wasm_bindgen(method)]
    pub(crate) fn from(this: &Host) -> Promise;
    #[wasm_bindgen(method, catch)]
    pub(crate) fn fetch(this: &Host, url: &str, init: &JsValue) -> Result<Promise, JsValue>;

    /// A `BackendEventError`.
    #[wasm_bindgen(method)]
    pub(crate) fn error(
        this: &Host,
        kind: &str,
        code: &str,
        message: &str,
        retryable: bool,
        status: Option<u16>,
        cause: &JsValue,
    ) -> JsValue;
    /// The state changed: the façade keeps it as its snapshot.
    #[wasm_bindgen(method)]
    pub(crate) fn state(this: &Host, now: &JsValue);
    #[wasm_bindgen(method, js_name = contractChange)]
    pub(crate) fn contract_change(this: &Host);
    /// An error that no `onError` handler took.
    #[wasm_bindgen(method)]
    pub(crate) fn unheard(this: &Host, error: &JsValue);

    /// Time and chance.
    #[derive(Debug, Clone)]
    pub type Clock;

    #[wasm_bindgen(method)]
    pub(crate) fn now(this: &Clock) -> f64;
    #[wasm_bindgen(method)]
    pub(crate) fn random(this: &Clock) -> f64;
    #[wasm_bindgen(method, js_name = setTimeout)]
    pub(crate) fn set_timeout(this: &Clock, callback: &Function, ms: f64) -> JsValue;
    #[wasm_bindgen(method, js_name = clearTimeout)]
    pub(crate) fn clear_timeout(this: &Clock, timer: &JsValue);
}
