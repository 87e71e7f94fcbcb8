//! One request: credentials, head, bytes, end. It reports and decides nothing.
//!
//! Each step waits for one promise and is a method of [`Request`]: an executor for `async` steps, with its
//! queue and their states, was 2.4 kB of every page's download.

use js_sys::{Date, Uint8Array};
use protocol::{
    EventId, Input, Millis, SubscriberError,
    subscriber::{Attempt, Head},
};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{AbortSignal, ReadableStreamDefaultReader, Response};

use crate::{driver::Driver, error::message_of, object::field, waiting::Waiting};

/// The request of an attempt, until it ends or the signal aborts.
#[derive(Debug)]
pub(crate) struct Request {
    attempt: u64,
    signal: AbortSignal,
}

impl Request {
    /// Makes it.
    pub(crate) fn make(driver: &Driver, attempt: &Attempt, signal: AbortSignal) {
        let cursor = attempt.cursor.as_ref().map(EventId::to_text).unwrap_or_default();
        let connection = attempt.connection_id.as_deref().unwrap_or_default();
        let groups = driver.groups();
        let response =
            driver.host.open(&cursor, connection, attempt.renew_credentials, attempt.earlier, &signal, &groups);
        driver.wait(&response, Waiting::Response(Self { attempt: attempt.number, signal }));
    }

    pub(crate) fn take_response(self, driver: &Driver, response: Result<JsValue, JsValue>) {
        if self.signal.aborted() {
            return;
        }
        let response: Response = match response {
            Ok(response) => response.unchecked_into(),
            Err(error) => return self.fail(driver, &error),
        };
        report_head(driver, self.attempt, &response);
        match response.body().filter(|_| response.status() == 200) {
            Some(body) => self.read(driver, body.get_reader().unchecked_into()),
            None => self.end(driver),
        }
    }

    fn read(self, driver: &Driver, reader: ReadableStreamDefaultReader) {
        let next = driver.host.next(&reader);
        driver.wait(&next, Waiting::Read(self, reader));
    }

    pub(crate) fn take_read(
        self,
        driver: &Driver,
        reader: ReadableStreamDefaultReader,
        read: Result<JsValue, JsValue>,
    ) {
        if self.signal.aborted() {
            // A stream that ignores its signal is told by hand; nobody waits for its answer. One that broke has none.
            if read.is_ok() {
                let _cancelled = reader.cancel();
            }
            return;
        }
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

fn report_head(driver: &Driver, attempt: u64, response: &Response) {
    let header = |name: &str| response.headers().get(name).ok().flatten();
    let content_type = header("content-type");
    let retry_after = header("retry-after").and_then(|text| delay(&text, driver.now().as_millis()));
    let head = Head { status: response.status(), content_type: content_type.as_deref(), retry_after };
    driver.handle(Input::Head { attempt, head });
}

/// `Retry-After` in either of its forms (RFC 9110, 10.2.3).
fn delay(text: &str, now_millis: u64) -> Option<Millis> {
    if let Ok(seconds) = text.trim_ascii().parse() {
        return Some(Millis::from_secs(seconds));
    }
    let at = Date::parse(text);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` saturates; NaN is excluded"
    )]
    (!at.is_nan()).then(|| Millis::new((at as u64).saturating_sub(now_millis)))
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
