//! `POST /publish`: whoever has the key sends an event, or several as a whole.

use std::{fmt, sync::Arc};

use axum::{
    Json, Router,
    body::to_bytes,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use protocol::RawEvent;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use tidings_server::{Audience as Addressed, Hub, SendError};

use super::readers::bearer;

/// Seconds after which a client may try a store that did not answer again.
const TRY_AGAIN: &str = "1";

/// An event to be published.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Draft {
    /// Its name.
    #[serde(rename = "type")]
    pub(crate) name: String,
    /// Its payload.
    pub(crate) data: Box<RawValue>,
    /// Who it is for.
    pub(crate) audience: Audience,
    /// Sent once per key and five minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
}

/// Who an event is for: the union of these.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Audience {
    /// Users.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) users: Vec<String>,
    /// Groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) groups: Vec<String>,
    /// Every connection.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) everyone: bool,
}

/// An event that is committed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Sent {
    /// Its place in the order.
    pub(crate) id: String,
    /// It had been sent before under the same key.
    pub(crate) duplicate: bool,
}

/// Why nothing was published.
#[derive(Debug)]
enum Refused {
    Key,
    Body(StatusCode, &'static str, String),
    Send(SendError),
}

/// What stands behind the route.
struct Door {
    hub: Hub<RawEvent>,
    /// Of the key; `None` lets anyone in.
    key: Option<[u8; 32]>,
    max_body_bytes: usize,
}

/// `POST /publish`.
pub(crate) fn router(hub: Hub<RawEvent>, key: Option<String>, max_body_bytes: usize) -> Router {
    let key = key.map(|key| digest(&key));
    Router::new().route("/publish", post(publish)).with_state(Arc::new(Door { hub, key, max_body_bytes }))
}

async fn publish(State(door): State<Arc<Door>>, request: Request) -> Result<Response, Refused> {
    if let Some(key) = &door.key {
        // Of digests, so that the time the comparison takes says nothing about the key.
        let shown = bearer(request.headers()).map(digest);
        if shown.as_ref() != Some(key) {
            return Err(Refused::Key);
        }
    }
    let too_large = |_| {
        let reason = format!("the body has more than {} bytes", door.max_body_bytes);
        Refused::Body(StatusCode::PAYLOAD_TOO_LARGE, "too_large", reason)
    };
    let body = to_bytes(request.into_body(), door.max_body_bytes).await.map_err(too_large)?;
    // Tried by its first character: an untagged enum would say about both only that neither fits.
    if body.trim_ascii_start().first() == Some(&b'[') {
        return publish_batch(&door.hub, read(&body)?).await;
    }
    let Draft { name, data, audience, key } = read(&body)?;
    let event = event(name, &data)?;
    let sent = match key {
        Some(key) => door.hub.send_once(&key, audience, &event).await,
        None => door.hub.send(audience, &event).await,
    };
    Ok(Json(Sent::from(sent.map_err(Refused::Send)?)).into_response())
}

async fn publish_batch(hub: &Hub<RawEvent>, drafts: Vec<Draft>) -> Result<Response, Refused> {
    let mut batch = Vec::with_capacity(drafts.len());
    for Draft { name, data, audience, key } in drafts {
        if key.is_some() {
            let reason = "an event of a batch has no key of its own".to_owned();
            return Err(Refused::Body(StatusCode::BAD_REQUEST, "invalid_key", reason));
        }
        batch.push((Addressed::from(audience), event(name, &data)?));
    }
    let sent = hub.send_all(batch).await.map_err(Refused::Send)?;
    Ok(Json(sent.into_iter().map(Sent::from).collect::<Vec<_>>()).into_response())
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refused> {
    serde_json::from_slice(body)
        .map_err(|error| Refused::Body(StatusCode::BAD_REQUEST, "invalid_json", error.to_string()))
}

fn event(name: String, data: &RawValue) -> Result<RawEvent, Refused> {
    RawEvent::new(name, data.get())
        .map_err(|error| Refused::Body(StatusCode::BAD_REQUEST, "invalid_event", error.to_string()))
}

fn digest(key: impl AsRef<[u8]>) -> [u8; 32] {
    Sha256::digest(key).into()
}

impl Audience {
    /// Whether it addresses nobody.
    pub(crate) const fn is_nobody(&self) -> bool {
        self.users.is_empty() && self.groups.is_empty() && !self.everyone
    }
}

impl From<Audience> for Addressed {
    fn from(audience: Audience) -> Self {
        let users = Self::users(audience.users);
        let all = audience.groups.into_iter().fold(users, |sum, group| sum | Self::group(group));
        if audience.everyone { all | Self::everyone() } else { all }
    }
}

impl From<tidings_server::Sent> for Sent {
    fn from(sent: tidings_server::Sent) -> Self {
        Self { id: sent.id.to_string(), duplicate: sent.duplicate }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, code, message) = match self {
            Self::Key => {
                let message = "Authorization: Bearer and the publish key are needed".to_owned();
                (StatusCode::UNAUTHORIZED, "unauthorized", message)
            }
            Self::Body(status, code, message) => (status, code, message),
            Self::Send(error) => {
                let (status, code) = judge(&error);
                (status, code, error.to_string())
            }
        };
        let body = Json(serde_json::json!({ "error": { "code": code, "message": message } }));
        let mut response = (status, body).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static(TRY_AGAIN));
        }
        response
    }
}

fn judge(error: &SendError) -> (StatusCode, &'static str) {
    match error {
        SendError::Audience(_) => (StatusCode::BAD_REQUEST, "invalid_audience"),
        SendError::Envelope(_) | SendError::Frame(_) => (StatusCode::BAD_REQUEST, "invalid_event"),
        SendError::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
        SendError::Key => (StatusCode::BAD_REQUEST, "invalid_key"),
        SendError::KeyConflict => (StatusCode::CONFLICT, "key_conflict"),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").finish_non_exhaustive()
    }
}
