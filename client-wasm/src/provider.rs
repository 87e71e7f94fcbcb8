//! `BackendEventProvider`, for any contract.

use std::{marker::PhantomData, rc::Rc};

use protocol::{
    Contract, EventId, Input, Names,
    subscriber::HoldId,
    tab::{Kind, Post, Tab},
};

use crate::{
    Host,
    contract::ContractCheck,
    driver::{Driver, whole},
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

    /// Another user, or nobody; `shares` says whether there may be other tabs of that user.
    pub fn set_identity(&self, signed_in: bool, shares: bool) {
        self.driver.change_identity(signed_in, shares);
    }

    /// Holds events until [`Self::settle`] names the hold, or the host is told to release it. `None` when too many loads
    /// run.
    pub fn hold(&self) -> Option<f64> {
        self.driver.hold().ok().map(|hold| millis(hold.0))
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

    /// The page reads these groups from now on, as [`Names`] has them.
    pub fn want(&self, groups: String) {
        self.driver.tell(|tab, now| tab.want(Names::from_text(groups), now));
    }

    /// The lock of the tabs that share is this one's.
    pub fn granted(&self) {
        self.driver.tell(Tab::granted);
    }

    /// Another tab has taken the lock by force.
    pub fn stolen(&self) {
        self.driver.tell(Tab::stolen);
    }

    /// What another tab posted. Numbers that are none are taken for 0, and what makes no sense is ignored.
    #[expect(
        clippy::too_many_arguments,
        reason = "a post's fields: an object would be read by name, one by one"
    )]
    pub fn hear(&self, kind: u8, from: f64, to: f64, term: f64, number: f64, text: String) {
        let Some(kind) = Kind::from_number(kind) else { return };
        let [from, to, term, number] = [from, to, term, number].map(whole);
        self.driver.tell(|tab, now| tab.hear(Post { kind, from, to, term, number, text }, now));
    }

    /// The position up to which every event has been handled; empty where there is none.
    pub fn last_event_id(&self) -> String {
        self.driver.tab.borrow().last_event_id().map(EventId::to_text).unwrap_or_default()
    }
}
