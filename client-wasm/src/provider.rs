//! `BackendEventProvider`, for any contract.

use std::{marker::PhantomData, rc::Rc};

use js_sys::Function;
use protocol::{Contract, EventId, Input, subscriber::HoldId};
use wasm_bindgen::JsValue;

use crate::{
    Host,
    contract::ContractCheck,
    driver::Driver,
    handlers::Occasion,
    object::{field, object, set},
    state::millis,
};

/// One stream of one contract's events, and the handlers that wait for them.
///
/// What each method means to a page is said in `@tidings/client`'s declarations; this is their Rust side.
/// Dropping it ends the stream.
#[derive(Debug)]
pub struct BackendEventProvider<C> {
    driver: Rc<Driver>,
    contract: PhantomData<fn() -> C>,
}

impl<C: Contract> BackendEventProvider<C> {
    /// Idle, with the options of `host`.
    pub fn new(host: Host) -> Self {
        let driver = Driver::new(host, ContractCheck::of::<C>(), C::REVISION);
        Self { driver, contract: PhantomData }
    }
}

impl<C> BackendEventProvider<C> {
    /// Registers a handler for an occasion (`event` with names, `any`, `unknown`, `application_error`, `state`,
    /// `resync`, `error`); the number ends it in [`Self::unlisten`]. Names stand one to a line, which none contains.
    pub fn listen(&self, occasion: &str, names: &str, handler: Function, once: bool) -> u32 {
        self.driver.handlers.borrow_mut().add(Occasion::all(occasion, names), handler, once)
    }

    /// Ends a registration; one that has ended already stays so.
    pub fn unlisten(&self, registration: u32) {
        self.driver.handlers.borrow_mut().remove(registration);
    }

    /// Ends every registration of `handler` for the event `name`.
    pub fn off(&self, name: String, handler: &Function) {
        self.driver.handlers.borrow_mut().off(name, handler);
    }

    /// Starts, also from `closed` and `unauthorized`.
    pub fn connect(&self) {
        self.driver.start(Input::Connect);
    }

    /// Drops the stream, if any, and tries now.
    pub fn reconnect(&self) {
        self.driver.start(Input::Reconnect);
    }

    /// Ends the stream; handlers stay.
    pub fn close(&self) {
        self.driver.handle(Input::Close);
    }

    /// Another user, or nobody.
    pub fn set_identity(&self, signed_in: bool) {
        self.driver.change_identity(signed_in);
    }

    /// Holds events until [`Self::settle`] names the hold; `release` is called with
    /// `timeout | overflow | superseded | closed` when that is no longer waited for. `None` when too many loads run.
    pub fn hold(&self, release: Function) -> Option<f64> {
        let hold = self.driver.hold(release).ok()?;
        #[expect(clippy::cast_precision_loss, reason = "2^53 loads outlive every page")]
        Some(hold.0 as f64)
    }

    /// A load is done, well or not.
    pub fn settle(&self, hold: f64, ok: bool) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "`as` saturates; an unknown hold is ignored"
        )]
        self.driver.settle(HoldId(hold as u64), ok);
    }

    /// The position up to which every event has been handled.
    pub fn last_event_id(&self) -> Option<String> {
        self.driver.subscriber.borrow().last_event_id().map(EventId::to_text)
    }

    /// `{ state, attempts, lastByteAt, handlers, role }`, for people.
    pub fn inspect(&self) -> JsValue {
        let handlers = object(&[]);
        for label in self.driver.handlers.borrow().labels() {
            let before = field(&handlers, label).as_f64().unwrap_or_default();
            set(&handlers, label, &JsValue::from_f64(before + 1.0));
        }
        let subscriber = self.driver.subscriber.borrow();
        #[expect(clippy::cast_precision_loss, reason = "2^53 attempts outlive every page")]
        object(&[
            ("state", self.driver.state.borrow().clone()),
            ("attempts", (subscriber.attempts() as f64).into()),
            ("lastByteAt", subscriber.last_byte_at().map_or(JsValue::NULL, millis)),
            ("handlers", handlers),
            ("role", "solo".into()),
        ])
    }
}
