//! Control events read with the engine's own `JSON.parse`, so that no second JSON parser is downloaded.
//!
//! By hand: the derived readers of these four shapes weigh 8 kB of wasm.

use js_sys::JSON;
use protocol::{
    Control, ControlError, GapReason, GoodbyeReason,
    control::{ContractVersion, GAP, GOODBYE, Gap, Goodbye, HEARTBEAT, HELLO, Heartbeat, Hello, Resumed},
};
use wasm_bindgen::JsValue;

use crate::{error::message_of, object::field};

/// [`protocol::control::ParseControl`] of the browser.
pub(crate) fn parse(name: &str, data: &str) -> Result<Control, ControlError> {
    let read = match name {
        HELLO => hello,
        HEARTBEAT => heartbeat,
        GAP => gap,
        GOODBYE => goodbye,
        _ => return Ok(Control::Unknown),
    };
    let malformed = |reason| ControlError { name: name.to_owned(), reason };
    let value = JSON::parse(data).map_err(|error| malformed(message_of(&error)))?;
    read(&value).map_err(|Malformed(field)| malformed(["malformed field ", field].concat()))
}

/// The field that is not what it should be.
struct Malformed(&'static str);

fn hello(value: &JsValue) -> Result<Control, Malformed> {
    let contract = field(value, "contract");
    Ok(Control::Hello(Hello {
        connection_id: text(value, "connection_id")?,
        subject: text(value, "subject")?,
        resumed: Resumed::from_word(&word(value, "resumed")).ok_or(Malformed("resumed"))?,
        replay_until: field(value, "replay_until").as_string(),
        heartbeat_ms: number(value, "heartbeat_ms")?,
        alive_ms: number(value, "alive_ms").ok(),
        contract: ContractVersion {
            revision: number(&contract, "revision")?,
            // Nothing here compares it.
            hash: String::new(),
        },
        groups: String::new(),
    }))
}

fn heartbeat(value: &JsValue) -> Result<Control, Malformed> {
    Ok(Control::Heartbeat(Heartbeat { sent: whole(value, "sent")? }))
}

fn gap(value: &JsValue) -> Result<Control, Malformed> {
    use GapReason as G;
    let reasons =
        [G::Initial, G::Retention, G::Epoch, G::Overflow, G::UnknownCursor, G::Rights, G::IdentityChanged];
    let word = word(value, "reason");
    let reason = reasons.into_iter().find(|reason| protocol::ResyncReason::from(*reason).as_str() == word);
    Ok(Control::Gap(Gap { reason: reason.ok_or(Malformed("reason"))? }))
}

fn goodbye(value: &JsValue) -> Result<Control, Malformed> {
    let reason = match word(value, "reason").as_str() {
        "draining" => GoodbyeReason::Draining,
        "lifetime" => GoodbyeReason::Lifetime,
        "expired" => GoodbyeReason::Expired,
        "revoked" => GoodbyeReason::Revoked,
        "replaced" => GoodbyeReason::Replaced,
        "over_limit" => GoodbyeReason::OverLimit,
        _ => return Err(Malformed("reason")),
    };
    let after = field(value, "reconnect_after_ms");
    let reconnect_after_ms = if after.is_null() || after.is_undefined() {
        None
    } else {
        Some(number(value, "reconnect_after_ms")?)
    };
    Ok(Control::Goodbye(Goodbye { reason, reconnect_after_ms }))
}

fn text(value: &JsValue, name: &'static str) -> Result<String, Malformed> {
    field(value, name).as_string().ok_or(Malformed(name))
}

/// A text, empty where there is none.
fn word(value: &JsValue, name: &str) -> String {
    field(value, name).as_string().unwrap_or_default()
}

fn number(value: &JsValue, name: &'static str) -> Result<u32, Malformed> {
    whole(value, name)?.try_into().map_err(|_| Malformed(name))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and within 0..=2^53")]
fn whole(value: &JsValue, name: &'static str) -> Result<u64, Malformed> {
    let number = field(value, name).as_f64().filter(|number| number.trunc() == *number);
    number
        .filter(|number| (0.0..=9_007_199_254_740_991.0).contains(number))
        .map(|n| n as u64)
        .ok_or(Malformed(name))
}
