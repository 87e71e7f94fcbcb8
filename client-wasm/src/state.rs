//! The state of a subscriber as the immutable object that `state` and `getSnapshot` give.

use js_sys::Object;
use protocol::{Closed, Outage, State, SubscriberError, Time};
use wasm_bindgen::{JsCast, JsValue};

use crate::{Host, error::Problem, object::object};

/// `ConnectionState` in TypeScript.
pub(crate) fn to_js(state: &State, host: &Host) -> JsValue {
    let object = match state {
        State::Connecting { since } => object(&[("status", "connecting".into()), ("since", millis(*since))]),
        State::Online { since, resumed } => object(&[
            ("status", "online".into()),
            ("since", millis(*since)),
            ("role", "solo".into()),
            ("resumed", (*resumed).into()),
        ]),
        State::Reconnecting(outage) => interrupted("reconnecting", outage, host),
        State::Offline(outage) => interrupted("offline", outage, host),
        State::LongBroken(outage) => interrupted("long-broken", outage, host),
        State::Unauthorized { reason } => {
            object(&[("status", "unauthorized".into()), ("reason", error(reason, host))])
        }
        State::Closed(closed) => object(&[("status", "closed".into()), ("reason", reason(closed, host))]),
        _ => object(&[("status", "idle".into())]),
    };
    Object::freeze(object.unchecked_ref::<Object>());
    object
}

fn interrupted(status: &str, outage: &Outage, host: &Host) -> JsValue {
    object(&[
        ("status", status.into()),
        ("since", millis(outage.since)),
        ("attempt", outage.attempt.into()),
        ("retryAt", outage.retry_at.map_or(JsValue::NULL, millis)),
        ("reason", error(&outage.reason, host)),
    ])
}

fn reason(closed: &Closed, host: &Host) -> JsValue {
    match closed {
        Closed::NoContent => "server-204".into(),
        Closed::Failed(failed) => error(failed, host),
        _ => "close()".into(),
    }
}

fn error(error: &SubscriberError, host: &Host) -> JsValue {
    Problem::from(error).to_js(host)
}

/// A point in time as JavaScript counts it. Exact up to the year 287396.
#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 stay far below 2^53")]
pub(crate) fn millis(time: Time) -> JsValue {
    JsValue::from_f64(time.as_millis() as f64)
}
