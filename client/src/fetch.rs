//! One request: credentials, head, bytes, end. It reports and decides nothing.

use std::{error::Error, future::Future, pin::Pin, sync::Arc, time::Duration, time::SystemTime};

use bytes::Bytes;
use protocol::{SubscriberError, subscriber::Attempt};
use reqwest::{
    Response, StatusCode, Url,
    header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER},
};

use crate::{AuthError, AuthReason, auth::Ask};

/// Where the requests go, and what all of them say.
pub(crate) struct Endpoint {
    pub(crate) http: reqwest::Client,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) auth: Option<Box<dyn Ask>>,
    pub(crate) groups: Option<String>,
}

/// The request of an attempt; dropping it calls it off.
pub(crate) struct Fetch {
    pub(crate) attempt: u64,
    stage: Stage,
}

enum Stage {
    Opening(Pin<Box<dyn Future<Output = Result<Response, SubscriberError>> + Send>>),
    Reading(Response),
    /// An answer whose body is not read.
    Answered,
    Over,
}

/// What a request has to say.
#[derive(Debug)]
pub(crate) enum Report {
    Head { status: u16, content_type: Option<String>, retry_after: Option<Duration> },
    Bytes(Bytes),
    End,
    Failed(SubscriberError),
}

impl Fetch {
    /// Makes the request of `attempt`, which begins with the first [`Fetch::next`].
    pub(crate) fn make(endpoint: Arc<Endpoint>, attempt: Attempt) -> Self {
        Self { attempt: attempt.number, stage: Stage::Opening(Box::pin(open(endpoint, attempt))) }
    }

    /// The next report. Loses nothing when it is dropped.
    pub(crate) async fn next(&mut self) -> Report {
        let (report, stage) = match &mut self.stage {
            Stage::Opening(response) => match response.await {
                Ok(response) => (head(&response), after_head(response)),
                Err(error) => (Report::Failed(error), Stage::Over),
            },
            Stage::Reading(response) => match response.chunk().await {
                Ok(Some(bytes)) => return Report::Bytes(bytes),
                Ok(None) => (Report::End, Stage::Over),
                Err(error) => (Report::Failed(transport(error)), Stage::Over),
            },
            Stage::Answered => (Report::End, Stage::Over),
            Stage::Over => return std::future::pending().await,
        };
        self.stage = stage;
        report
    }
}

async fn open(endpoint: Arc<Endpoint>, attempt: Attempt) -> Result<Response, SubscriberError> {
    let mut headers = endpoint.headers.clone();
    if let Some(auth) = &endpoint.auth {
        let reason = if attempt.renew_credentials { AuthReason::Rejected } else { AuthReason::Connect };
        let credentials = auth.ask(reason).await.map_err(|error| match error {
            AuthError::Unauthorized(message) => SubscriberError::Unauthorized(message),
            AuthError::Failed(message) => SubscriberError::Auth(message),
        })?;
        credentials.apply(&mut headers);
    }
    let mut url = endpoint.url.clone();
    url.query_pairs_mut().append_pair("tidings", "1");
    if let Some(groups) = &endpoint.groups {
        url.query_pairs_mut().append_pair("groups", groups);
    }
    if let Some(connection) = &attempt.connection_id {
        url.query_pairs_mut().append_pair("connection", connection);
    }
    // An event id holds only what a header may.
    if let Some(cursor) = attempt.cursor.and_then(|cursor| HeaderValue::try_from(cursor.to_text()).ok()) {
        headers.insert("last-event-id", cursor);
    }
    headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    endpoint.http.get(url).headers(headers).send().await.map_err(transport)
}

fn head(response: &Response) -> Report {
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    Report::Head {
        status: response.status().as_u16(),
        content_type: header(CONTENT_TYPE).map(str::to_owned),
        retry_after: header(RETRY_AFTER).and_then(|text| delay(text, SystemTime::now())),
    }
}

fn after_head(response: Response) -> Stage {
    if response.status() == StatusCode::OK { Stage::Reading(response) } else { Stage::Answered }
}

/// `Retry-After` in either of its forms (RFC 9110, 10.2.3).
fn delay(text: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(seconds) = text.trim_ascii().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(text).ok()?;
    Some(at.duration_since(now).unwrap_or_default())
}

fn transport(error: reqwest::Error) -> SubscriberError {
    SubscriberError::Transport(reason_of(error))
}

/// What a failed request says: the whole chain of reasons, without the address, which may hold what should not be
/// shown.
pub fn reason_of(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        message.push_str(": ");
        message.push_str(&error.to_string());
        source = error.source();
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_770);
        for (text, delayed) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(7)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
            ("", None),
        ] {
            assert_eq!(delay(text, now), delayed.map(Duration::from_secs), "{text:?}");
        }
    }
}
