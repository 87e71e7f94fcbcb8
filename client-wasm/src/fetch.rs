//! One request: credentials, head, bytes, end. It reports and decides nothing.
//!
//! Each step waits for one promise and is a method of [`Request`]: an executor for `async` steps, with its
//! queue and their states, was 2.4 kB of every page's download.

use js_sys::Uint8Array;
use protocol::{
    EventId, Input, Millis, SubscriberError,
    subscriber::{Attempt, Head},
};
use wasm_bindgen::{JsCast, JsValue};

use crate::{
    driver::{Driver, whole},
    error::message_of,
    object::field,
    waiting::Waiting,
};

/// The request of an attempt. What comes of one that was called off, the subscriber ignores.
#[derive(Debug)]
pub(crate) struct Request {
    attempt: u64,
}

impl Request {
    /// Makes it.
    pub(crate) fn make(driver: &Driver, attempt: &Attempt) {
        let cursor = attempt.cursor.as_ref().map(EventId::to_text).unwrap_or_default();
        let connection = attempt.connection_id.as_deref().unwrap_or_default();
        let (renew, groups) = (attempt.renew_credentials, driver.groups());
        let response = driver.host.open(&cursor, connection, renew, attempt.earlier, &groups);
        driver.wait(&response, Waiting::Response(Self { attempt: attempt.number }));
    }

    pub(crate) fn take_response(self, driver: &Driver, response: Result<JsValue, JsValue>) {
        let response = match response {
            Ok(response) => response,
            Err(error) => return self.fail(driver, &error),
        };
        let content_type = field(&response, "type").as_string();
        let number = |name| field(&response, name).as_f64().filter(|number| !number.is_nan()).map(whole);
        let head = Head {
            status: number("status").unwrap_or_default() as u16,
            content_type: content_type.as_deref(),
            retry_after: number("retryMs").map(Millis::new),
        };
        driver.handle(Input::Head { attempt: self.attempt, head });
        let reader = field(&response, "reader");
        if reader.is_undefined() {
            self.end(driver);
        } else {
            self.read(driver, reader);
        }
    }

    fn read(self, driver: &Driver, reader: JsValue) {
        let next = driver.host.next(&reader);
        driver.wait(&next, Waiting::Read(self, reader));
    }

    pub(crate) fn take_read(self, driver: &Driver, reader: JsValue, read: Result<JsValue, JsValue>) {
        match read {
            Err(error) => self.fail(driver, &error),
            Ok(read) if field(&read, "done").is_truthy() => self.end(driver),
            Ok(read) => {
                let bytes = field(&read, "value").unchecked_into::<Uint8Array>().to_vec();
                driver.handle(Input::Bytes { attempt: self.attempt, bytes: &bytes });
                self.read(driver, reader);
            }
        }
    }

    fn end(&self, driver: &Driver) {
        driver.handle(Input::End { attempt: self.attempt });
    }

    fn fail(&self, driver: &Driver, error: &JsValue) {
        driver.handle(Input::Failed { attempt: self.attempt, error: &failed(error) });
    }
}

/// Why there is no response, or no more of it. `UnauthorizedError` parks, all else is tried again.
fn failed(error: &JsValue) -> SubscriberError {
    let message = message_of(error);
    let word = |name| field(error, name).as_string().unwrap_or_default();
    match (word("kind").as_str(), word("code").as_str()) {
        ("auth", "auth_failed") => SubscriberError::Auth(message),
        ("auth", _) => SubscriberError::Unauthorized(message),
        _ => SubscriberError::Transport(message),
    }
}
