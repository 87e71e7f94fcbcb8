//! What the TypeScript façade lends to the provider, read by name from one object.

use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;
use web_sys::EventTarget;

use crate::object::field;

#[wasm_bindgen]
extern "C" {
    /// The façade's side of a provider: options with their defaults resolved, and the seams of a test.
    #[derive(Debug, Clone)]
    pub type Host;

    /// Whether the device says that it has a network.
    #[wasm_bindgen(method)]
    pub(crate) fn online(this: &Host) -> bool;
    /// The cursor of the page's data: asked for once.
    #[wasm_bindgen(method)]
    pub(crate) fn from(this: &Host) -> Promise;
    /// The response to a request, `{ status, type, retryMs, reader }`; a text is empty where there is none. `groups` are
    /// those asked for, as [`protocol::Names`] has them, NUL, and those that the cursor speaks for.
    #[wasm_bindgen(method)]
    pub(crate) fn open(
        this: &Host,
        cursor: &str,
        connection: &str,
        renew_credentials: bool,
        attempt: u32,
        groups: &str,
    ) -> Promise;
    /// Calls the last request off.
    #[wasm_bindgen(method)]
    pub(crate) fn abort(this: &Host);
    /// `POST groups` for the stream that is open, with groups as in a request.
    #[wasm_bindgen(method)]
    pub(crate) fn follow(this: &Host, connection: &str, groups: &str);

    /// What comes next of a body, `{ done, value }`: no more of it than a task of the page should handle.
    #[wasm_bindgen(method)]
    pub(crate) fn next(this: &Host, reader: &JsValue) -> Promise;

    /// Calls back once with the number, whether the promise was kept, and what it came to.
    #[wasm_bindgen(method)]
    pub(crate) fn settled(this: &Host, promise: &JsValue, then: &Function, number: f64);
    /// A `BackendEventError`.
    #[wasm_bindgen(method)]
    pub(crate) fn error(
        this: &Host,
        kind: &str,
        code: &str,
        message: &str,
        retryable: bool,
        status: Option<u16>,
    ) -> JsValue;
    /// The state changed: the façade keeps it as its snapshot, and tells its handlers.
    #[wasm_bindgen(method)]
    pub(crate) fn state(
        this: &Host,
        status: &str,
        since: f64,
        attempt: u32,
        retry_at: Option<f64>,
        resumed: bool,
        role: &str,
        reason: &JsValue,
    );
    /// Calls the handlers of an event: `event | application_error | unknown`.
    #[wasm_bindgen(method)]
    pub(crate) fn event(
        this: &Host,
        kind: &str,
        name: &str,
        data: &JsValue,
        meta: &JsValue,
        id: &str,
        replayed: bool,
        relayed: bool,
    );
    /// Calls the resync handlers. Whether all did well: at once, or as a promise.
    #[wasm_bindgen(method)]
    pub(crate) fn resync(this: &Host, reason: &str, hold: f64) -> JsValue;
    /// Tells a resync or a load that nobody waits for it any more: `timeout | overflow | superseded | closed`.
    #[wasm_bindgen(method)]
    pub(crate) fn release(this: &Host, hold: f64, cause: &str);
    /// Gives an error to its handlers.
    #[wasm_bindgen(method)]
    pub(crate) fn report(this: &Host, error: &JsValue);
    /// `POST alive` for a connection.
    #[wasm_bindgen(method)]
    pub(crate) fn alive(this: &Host, connection: &str);
    /// Does `ask | steal | leave | quit` with the lock of the tabs that share.
    #[wasm_bindgen(method)]
    pub(crate) fn lock(this: &Host, what: &str);
    /// Says something to the other tabs.
    #[wasm_bindgen(method)]
    pub(crate) fn post(this: &Host, kind: u8, from: f64, to: f64, term: f64, number: f64, text: &str);
    /// Shows the state that came with the leader's last post.
    #[wasm_bindgen(method)]
    pub(crate) fn mirror(this: &Host);
    #[wasm_bindgen(method, js_name = contractChange)]
    pub(crate) fn contract_change(this: &Host);

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

/// Its plain fields. Each is read once, by name: a getter of its own costs 200 bytes of wasm and glue.
impl Host {
    pub(crate) fn clock(&self) -> Clock {
        field(self, "clock").unchecked_into()
    }

    /// `network`, `page` or `document`.
    pub(crate) fn target(&self, name: &str) -> Option<EventTarget> {
        let target = field(self, name);
        (!target.is_undefined()).then(|| target.unchecked_into())
    }

    /// Whether refused credentials can be renewed.
    pub(crate) fn is_renewable(&self) -> bool {
        field(self, "renewable").is_truthy()
    }

    /// The groups that the page reads at first, as [`protocol::Names`] has them.
    pub(crate) fn groups(&self) -> String {
        field(self, "groups").as_string().unwrap_or_default()
    }

    /// Whether there may be other tabs to share a stream with.
    pub(crate) fn shares(&self) -> bool {
        field(self, "shares").is_truthy()
    }

    /// A number of the options, in milliseconds.
    pub(crate) fn millis(&self, name: &str) -> Option<f64> {
        field(self, name).as_f64()
    }
}
