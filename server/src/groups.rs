//! `POST /groups`: a stream that is open reads other groups from now on.
//!
//! The body names all that it shall read, so that asking twice does no harm. What the stream did not read before is
//! covered from the `rights` gap on that names it; what it no longer reads ends where the stream says that, too.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::Response,
};
use protocol::Channel;
use serde_json::{Value, json};

use crate::{
    Refusal,
    connection::Wish,
    origin::Origin,
    request::{Reader, named_connection},
    rights::Denied,
    subscribe::{Mount, Rejection, reject, status},
};

/// Room for 100 names of any length that a channel takes. How many there are does not matter: those that the user may
/// read are bounded.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// `POST /groups?connection=…`, `{"groups":["a","b"]}`, or `null` for all. Answers `{"refused":[…]}` with the names
/// among them that the user may not read.
pub(crate) async fn groups(State(mount): State<Mount>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let origin = Origin::of(&parts.headers, &mount.shared.config.origins);
    let mut response = if origin == Origin::Foreign {
        reject(&mount.shared, Rejection::ForeignOrigin, Reader::Tidings)
    } else {
        change(&mount, parts, body).await.unwrap_or_else(|refused| refused)
    };
    origin.allow(&mut response);
    response
}

async fn change(mount: &Mount, parts: Parts, body: Body) -> Result<Response, Response> {
    let shared = &mount.shared;
    let wanted = read(body).await?;
    let connection = named_connection(&parts).and_then(|id| shared.registry.get(&id));
    let asked =
        tokio::time::timeout(shared.config.authorize_timeout, mount.authorize.ask(Arc::new(parts))).await;
    let identity = asked
        .unwrap_or(Err(Refusal::Unavailable))
        .map_err(|refusal| reject(shared, Rejection::Denied(Denied::Refused(refusal)), Reader::Tidings))?;
    // Another's connection is as unknown as one that has ended.
    let connection = connection
        .filter(|connection| *connection.user == *identity.user)
        .ok_or_else(|| said(StatusCode::NOT_FOUND, &json!({ "error": "there is no such connection" })))?;
    let named = wanted.iter().flatten();
    let refused: Vec<_> = named.filter(|group| !identity.groups.contains(*group)).cloned().collect();
    connection.wish(wanted);
    Ok(said(StatusCode::OK, &json!({ "refused": refused })))
}

async fn read(body: Body) -> Result<Wish, Response> {
    let refuse = |code, error: &str| said(code, &json!({ "error": error }));
    let bytes = to_bytes(body, BODY_BYTES_MAX)
        .await
        .map_err(|_| refuse(StatusCode::PAYLOAD_TOO_LARGE, "the body is longer than 64 KiB, or was cut"))?;
    let value: Value = serde_json::from_slice(&bytes)
        .map_err(|_| refuse(StatusCode::BAD_REQUEST, "the body is not JSON"))?;
    if value.get("groups").is_some_and(Value::is_null) {
        return Ok(None);
    }
    let names = value["groups"].as_array().map(|groups| groups.iter().map(Value::as_str).collect());
    let Some(Some(names)) = names else {
        return Err(refuse(StatusCode::UNPROCESSABLE_ENTITY, "`groups` is neither null nor a list of names"));
    };
    let names: BTreeSet<&str> = names;
    for name in &names {
        Channel::group(name).map_err(|error| refuse(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string()))?;
    }
    Ok(Some(names.into_iter().map(str::to_owned).collect()))
}

fn said(code: StatusCode, what: &Value) -> Response {
    let mut response = status(code).map(|_| Body::from(what.to_string()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
