//! One request: credentials, head, bytes, end. It reports and decides nothing.

use std::{rc::Weak, time::Duration};

use js_sys::{Date, Uint8Array};
use protocol::{
    EventId, Input, SubscriberError,
    subscriber::{Attempt, Head},
};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, ReadableStreamDefaultReader, Response};

use crate::{
    driver::Driver,
    error::{Problem, message_of},
    object::{field, object, text_or_null},
};

/// Makes the request of an attempt and reports what comes of it, until that ends or the signal aborts.
pub(crate) async fn run(driver: Weak<Driver>, attempt: Attempt, signal: AbortSignal) {
    let number = attempt.number;
    let ended = stream(&driver, attempt, &signal).await.err();
    let Some(driver) = driver.upgrade() else { return };
    driver.handle(match &ended {
        None => Input::End { attempt: number },
        Some(error) => Input::Failed { attempt: number, error },
    });
}

async fn stream(
    driver: &Weak<Driver>,
    attempt: Attempt,
    signal: &AbortSignal,
) -> Result<(), SubscriberError> {
    let number = attempt.number;
    let Some(response) = open(driver, attempt, signal).await? else { return Ok(()) };
    report_head(driver, number, &response);
    let Some(body) = response.body().filter(|_| response.status() == 200) else { return Ok(()) };
    let reader: ReadableStreamDefaultReader = body.get_reader().unchecked_into();
    loop {
        let read = JsFuture::from(reader.read()).await.map_err(|error| failed(&error))?;
        let over = signal.aborted() || field(&read, "done").is_truthy();
        let (false, Some(driver)) = (over, driver.upgrade()) else {
            // A stream that ignores its signal is told by hand; nobody waits for its answer.
            let _cancelled = reader.cancel();
            return Ok(());
        };
        let bytes = field(&read, "value").unchecked_into::<Uint8Array>().to_vec();
        driver.handle(Input::Bytes { attempt: number, bytes: &bytes });
    }
}

fn report_head(driver: &Weak<Driver>, attempt: u64, response: &Response) {
    let Some(driver) = driver.upgrade() else { return };
    let header = |name: &str| response.headers().get(name).ok().flatten();
    let content_type = header("content-type");
    let retry_after = header("retry-after").and_then(|text| delay(&text, driver.now().as_millis()));
    let head = Head { status: response.status(), content_type: content_type.as_deref(), retry_after };
    driver.handle(Input::Head { attempt, head });
}

/// `Retry-After` in either of its forms (RFC 9110, 10.2.3).
fn delay(text: &str, now_millis: u64) -> Option<Duration> {
    if let Ok(seconds) = text.trim_ascii().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = Date::parse(text);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` saturates; NaN is excluded"
    )]
    (!at.is_nan()).then(|| Duration::from_millis((at as u64).saturating_sub(now_millis)))
}

/// Makes the request; `None` when called off meanwhile.
async fn open(
    driver: &Weak<Driver>,
    attempt: Attempt,
    signal: &AbortSignal,
) -> Result<Option<Response>, SubscriberError> {
    let cursor = match attempt.cursor {
        Some(cursor) => Some(cursor),
        None => from(driver, signal).await,
    };
    let Some(driver) = driver.upgrade().filter(|_| !signal.aborted()) else { return Ok(None) };
    let response = driver.host.open(&object([
        ("cursor", text_or_null(cursor.map(|cursor| cursor.to_text()).as_deref())),
        ("connection", text_or_null(attempt.connection_id.as_deref())),
        ("reason", if attempt.renew_credentials { "rejected" } else { "connect" }.into()),
        ("attempt", attempt.earlier.into()),
        ("signal", signal.into()),
    ]));
    drop(driver);
    let response = JsFuture::from(response).await.map_err(|error| failed(&error))?;
    Ok((!signal.aborted()).then(|| response.unchecked_into()))
}

/// The cursor that came with the page's data, asked for once; a bad one is said and means none.
async fn from(driver: &Weak<Driver>, signal: &AbortSignal) -> Option<EventId> {
    let asked = driver.upgrade().filter(|driver| driver.wants_from())?.host.from();
    let answer = JsFuture::from(asked).await;
    let driver = driver.upgrade().filter(|_| !signal.aborted())?;
    let text = answer.ok()?.as_string().filter(|text| !text.is_empty())?;
    match text.parse::<EventId>() {
        Ok(cursor) => {
            driver.start_from(cursor.clone());
            Some(cursor)
        }
        Err(error) => {
            driver.report(&Problem::config("invalid_cursor", error.message().to_owned()));
            None
        }
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
