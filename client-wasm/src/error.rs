//! What goes wrong, as `BackendEventError` says it: `{ kind, code, message, retryable, status }`.

use protocol::SubscriberError;
use wasm_bindgen::JsValue;

use crate::{Host, object::field};

/// One error for `onError`, not yet a JavaScript object.
#[derive(Debug)]
pub(crate) struct Problem {
    kind: &'static str,
    code: &'static str,
    message: String,
    retryable: bool,
    status: Option<u16>,
}

impl Problem {
    /// A payload that breaks the contract: reported, skipped.
    pub(crate) fn payload(code: &'static str, name: &str, reason: &str) -> Self {
        Self::new("payload", code, [name, ": ", reason].concat())
    }

    /// Options that cannot work.
    pub(crate) fn config(code: &'static str, message: String) -> Self {
        Self::new("config", code, message)
    }

    const fn new(kind: &'static str, code: &'static str, message: String) -> Self {
        Self { kind, code, message, retryable: false, status: None }
    }

    /// The JavaScript object.
    pub(crate) fn to_js(&self, host: &Host) -> JsValue {
        host.error(self.kind, self.code, &self.message, self.retryable, self.status)
    }
}

impl From<&SubscriberError> for Problem {
    fn from(error: &SubscriberError) -> Self {
        use SubscriberError as E;
        let (kind, retryable) = match error {
            E::Unauthorized(_) | E::Revoked => ("auth", false),
            E::Auth(_) => ("auth", true),
            E::Refused(_) | E::Replaced => ("protocol", false),
            E::ContentType(_) | E::Protocol(_) | E::EventTooLarge(_) => ("protocol", true),
            E::ResyncTimeout(_) | E::HoldOverflow => ("handler", true),
            _ => ("transport", true),
        };
        let message = error.message();
        Self { retryable, status: error.status(), ..Self::new(kind, error.code(), message) }
    }
}

/// What a thrown value says: its message, or itself where it is a text.
pub(crate) fn message_of(thrown: &JsValue) -> String {
    let message = field(thrown, "message");
    message.as_string().or_else(|| thrown.as_string()).unwrap_or_else(|| "no message".to_owned())
}
