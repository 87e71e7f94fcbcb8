//! The state of a subscriber, as the façade is told of it.

use protocol::{Closed, Outage, State, SubscriberError, tab::Role};
use wasm_bindgen::JsValue;

use crate::{Host, error::Problem};

/// Tells the page its new state.
pub(crate) fn tell(state: &State, role: Role, host: &Host) {
    let mut told = Told { since: 0, attempt: 0, retry_at: None, resumed: false, reason: JsValue::UNDEFINED };
    let status = match state {
        State::Connecting { since } => {
            told.since = since.as_millis();
            "connecting"
        }
        State::Online { since, resumed } => {
            (told.since, told.resumed) = (since.as_millis(), *resumed);
            "online"
        }
        State::Reconnecting(outage) => told.outage("reconnecting", outage, host),
        State::Offline(outage) => told.outage("offline", outage, host),
        State::LongBroken(outage) => told.outage("long-broken", outage, host),
        State::Unauthorized { reason } => {
            told.reason = error(reason, host);
            "unauthorized"
        }
        State::Closed(closed) => {
            told.reason = match closed {
                Closed::NoContent => "server-204".into(),
                Closed::Failed(failed) => error(failed, host),
                _ => "close()".into(),
            };
            "closed"
        }
        _ => "idle",
    };
    let Told { since, attempt, retry_at, resumed, reason } = told;
    host.state(status, millis(since), attempt, retry_at.map(millis), resumed, word(role), &reason);
}

/// What a state may have beside its name.
struct Told {
    since: u64,
    attempt: u32,
    retry_at: Option<u64>,
    resumed: bool,
    reason: JsValue,
}

impl Told {
    fn outage(&mut self, status: &'static str, outage: &Outage, host: &Host) -> &'static str {
        self.since = outage.since.as_millis();
        self.attempt = outage.attempt;
        self.retry_at = outage.retry_at.map(protocol::Time::as_millis);
        self.reason = error(&outage.reason, host);
        status
    }
}

/// A role's word in TypeScript.
pub(crate) const fn word(role: Role) -> &'static str {
    match role {
        Role::Solo => "solo",
        Role::Leader => "leader",
        Role::Follower => "follower",
    }
}

fn error(error: &SubscriberError, host: &Host) -> JsValue {
    Problem::from(error).to_js(host)
}

/// A point in time as JavaScript counts it. Exact up to the year 287396.
#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 stay far below 2^53")]
pub(crate) const fn millis(time: u64) -> f64 {
    time as f64
}
