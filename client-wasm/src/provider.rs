//! `BackendEventProvider`, for any contract.

use std::{marker::PhantomData, rc::Rc};

use js_sys::Function;
use protocol::{Contract, EventId, Input, subscriber::HoldId};
use wasm_bindgen::JsValue;

use crate::{Host, contract::ContractCheck, driver::Driver, object::object, state::millis};

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

    /// `{ attempts, lastByteAt, role }`, for people.
    pub fn inspect(&self) -> JsValue {
        let subscriber = self.driver.subscriber.borrow();
        #[expect(clippy::cast_precision_loss, reason = "2^53 attempts outlive every page")]
        object(&[
            ("attempts", (subscriber.attempts() as f64).into()),
            ("lastByteAt", subscriber.last_byte_at().map_or(JsValue::NULL, millis)),
            ("role", "solo".into()),
        ])
    }
}
