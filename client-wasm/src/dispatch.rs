//! What the page is told: an event that fits its contract, a gap, a state, an error.
//!
//! Whom of the page's handlers that concerns, and what a throw of theirs means, is the façade's: handlers register
//! before there is any Rust, and on a server.

use protocol::{
    EventId, ResyncReason, State,
    subscriber::{HoldId, Message, Released},
};

use crate::{
    contract::{Kind, Parsed},
    driver::Driver,
    error::Problem,
    state::{self, millis},
    waiting::Waiting,
};

impl Driver {
    /// Checks an event and hands it to its handlers.
    pub(crate) fn dispatch(&self, message: &Message) {
        let Parsed { kind, data, meta } = match self.contract.read(message) {
            Ok(parsed) => parsed,
            Err(problem) => return self.report(&problem),
        };
        let kind = match kind {
            Kind::Unknown => "unknown",
            Kind::ApplicationError => "application_error",
            _ => "event",
        };
        let id = message.id.as_ref().map(EventId::to_text).unwrap_or_default();
        let Message { name, replayed, relayed, .. } = message;
        self.host.event(kind, name, &data, &meta, &id, *replayed, *relayed);
    }

    /// Tells the page that it may have missed something, and settles once all its handlers have.
    pub(crate) fn resync(&self, hold: HoldId, reason: ResyncReason) {
        let outcome = self.host.resync(reason.as_str(), millis(hold.0));
        if let Some(ok) = outcome.as_bool() {
            return self.settle(hold, ok);
        }
        self.wait(&outcome, Waiting::Resync(hold));
    }

    /// Tells a resync or a load that nobody waits for it any more.
    pub(crate) fn release(&self, hold: HoldId, cause: Released) {
        let cause = match cause {
            Released::Timeout => "timeout",
            Released::Overflow => "overflow",
            Released::Superseded => "superseded",
            Released::Closed => "closed",
        };
        self.host.release(millis(hold.0), cause);
    }

    /// Gives the page its new state.
    pub(crate) fn announce(&self, state: &State) {
        let role = self.tab.borrow().role();
        state::tell(state, role, &self.host);
    }

    /// Gives the page an error.
    pub(crate) fn report(&self, problem: &Problem) {
        self.host.report(&problem.to_js(&self.host));
    }
}
