//! One request: credentials, head, bytes, end. It reports and decides nothing.

use std::{rc::Weak, time::Duration};

use js_sys::{Array, Date, Object, Uint8Array};
use protocol::{
    EventId, Input, SubscriberError,
    subscriber::{Attempt, Head},
};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Headers, ReadableStreamDefaultReader, Response, Url};

use crate::{
    driver::Driver,
    error::{Problem, message_of},
    object::{field, object},
};

/// Makes the request of an attempt and reports what comes of it, until that ends or the signal aborts.
pub(crate) async fn run(driver: Weak<Driver>, attempt: Attempt, signal: AbortSignal) {
    let number = attempt.number;
    let ended = match stream(&driver, attempt, &signal).await {
        Ok(()) => None,
        Err(error) => Some(error),
    };
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
    let Some(request) = Request::prepare(driver, attempt, signal).await? else { return Ok(()) };
    let response = request.send(driver, signal).await?;
    if signal.aborted() {
        return Ok(());
    }
    report_head(driver, number, &response);
    let Some(body) = response.body().filter(|_| response.status() == 200) else { return Ok(()) };
    let reader: ReadableStreamDefaultReader = body.get_reader().unchecked_into();
    loop {
        let read = JsFuture::from(reader.read()).await.map_err(|error| lost(&error))?;
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
    if let Ok(seconds) = text.trim().parse() {
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

/// What is sent.
#[derive(Debug)]
struct Request {
    url: String,
    headers: Headers,
}

impl Request {
    /// Asks for url, credentials and, once, the cursor of the page's data; `None` when called off meanwhile.
    async fn prepare(
        driver: &Weak<Driver>,
        mut attempt: Attempt,
        signal: &AbortSignal,
    ) -> Result<Option<Self>, SubscriberError> {
        let Some(host) = driver.upgrade().map(|driver| driver.host.clone()) else { return Ok(None) };
        if attempt.cursor.is_none() {
            attempt.cursor = from(driver, signal).await;
        }
        let url = JsFuture::from(host.url()).await.map_err(|error| lost(&error))?;
        let reason = if attempt.renew_credentials { "rejected" } else { "connect" };
        let credentials =
            JsFuture::from(host.headers(reason, attempt.earlier, signal)).await.map_err(refused)?;
        let url = url.as_string().unwrap_or_default();
        let parsed = match host.base() {
            Some(base) => Url::new_with_base(&url, &base),
            None => Url::new(&url),
        };
        let Some(driver) = driver.upgrade().filter(|_| !signal.aborted()) else { return Ok(None) };
        let Ok(url) = parsed else {
            let message = ["not a url: ", url.as_str()].concat();
            driver.report(&Problem::config("invalid_url", message.clone()));
            return Err(SubscriberError::Transport(message));
        };
        let headers = Headers::new().map_err(|error| lost(&error))?;
        for header in Object::entries(credentials.unchecked_ref::<Object>()) {
            let header: Array = header.unchecked_into();
            let [name, value] = [0, 1].map(|at| header.get(at).as_string().unwrap_or_default());
            headers.set(&name, &value).map_err(|error| SubscriberError::Auth(message_of(&error)))?;
        }
        let request = Self { url: String::new(), headers };
        Ok(Some(request.address(&driver, &url, &attempt)))
    }

    /// Says where the client stands, in a header or in the query.
    ///
    /// A cross-origin request that carries only cookies needs no preflight as long as nothing but its URL changes. One
    /// with credentials in a header needs one anyway, and its answer is remembered by URL: that one must not change.
    fn address(mut self, driver: &Driver, url: &Url, attempt: &Attempt) -> Self {
        let host = &driver.host;
        let same_origin = host
            .base()
            .and_then(|base| Url::new(&base).ok())
            .is_none_or(|base| base.origin() == url.origin());
        let has_headers = self.headers.entries().next().is_ok_and(|first| !first.done());
        let stable = !same_origin && has_headers;
        let in_query = match host.send_as().as_str() {
            "query" => true,
            "header" => false,
            _ => !same_origin && !has_headers,
        };
        let query = url.search_params();
        query.set("tidings", "1");
        if let Some(groups) = host.groups() {
            query.set("groups", &groups);
        }
        if let (false, Some(id)) = (stable, &attempt.connection_id) {
            query.set("connection", id);
        }
        if let Some(cursor) = attempt.cursor.as_ref().map(ToString::to_string) {
            if in_query {
                query.set("last_event_id", &cursor);
            } else {
                // An event id consists of characters that any header takes.
                let _set = self.headers.set("last-event-id", &cursor);
            }
        }
        self.url = url.href();
        self
    }

    async fn send(self, driver: &Weak<Driver>, signal: &AbortSignal) -> Result<Response, SubscriberError> {
        let _set = self.headers.set("accept", "text/event-stream");
        let promise = {
            let Some(driver) = driver.upgrade() else { return Err(SubscriberError::Ended) };
            let init = object([
                ("headers", self.headers.into()),
                ("signal", signal.clone().into()),
                ("cache", "no-store".into()),
                ("credentials", driver.host.credentials().into()),
            ]);
            driver.host.fetch(&self.url, &init).map_err(|error| lost(&error))?
        };
        JsFuture::from(promise).await.map(JsCast::unchecked_into).map_err(|error| lost(&error))
    }
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
            driver.report(&Problem::config("invalid_cursor", error.to_string()));
            None
        }
    }
}

fn lost(error: &JsValue) -> SubscriberError {
    SubscriberError::Transport(message_of(error))
}

/// What `auth` threw: an `UnauthorizedError` parks, anything else is tried again.
fn refused(error: JsValue) -> SubscriberError {
    let message = message_of(&error);
    if field(&error, "code").as_string().as_deref() == Some("unauthorized") {
        SubscriberError::Unauthorized(message)
    } else {
        SubscriberError::Auth(message)
    }
}
