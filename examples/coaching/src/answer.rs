//! Answers and requests as JSON: `{"status_code": 200, "data": …}` out, checked bodies in.

use axum::{
    Json,
    body::Bytes,
    extract::{
        FromRequest, FromRequestParts, Path, Query, RawPathParams, Request, rejection::RawPathParamsRejection,
    },
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::{Value, error::Category};
use tidings_bindings::Id;

use crate::failure::{Failure, named};

/// 200 with data.
#[derive(Debug, Clone)]
pub(crate) struct Answer<T>(pub(crate) T);

/// 201 with what was made.
#[derive(Debug, Clone)]
pub(crate) struct Created<T>(pub(crate) T);

#[derive(Serialize)]
struct Wrapped<T> {
    status_code: u16,
    data: T,
}

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        Json(Wrapped { status_code: 200, data: self.0 }).into_response()
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, Json(Wrapped { status_code: 201, data: self.0 })).into_response()
    }
}

/// A JSON body, whatever its content type says. A refusal names the field at fault.
#[derive(Debug, Clone)]
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let bytes = Bytes::from_request(request, state).await.map_err(|_| Failure::TooLarge)?;
        object(&bytes).map(Self)
    }
}

/// A `T` from the JSON object that a body is.
pub(crate) fn object<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    // Asked first: serde would take a list of the fields in their order, too, and name its own types elsewhere.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(Failure::invalid("body", "send a JSON object, such as {\"title\": \"Rest\"}"));
    }
    serde_json::from_slice::<Value>(body)
        .map_err(|error| Failure::invalid("body", format!("not valid JSON: {error}")))?;
    let mut json = serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let (path, reason) = (error.path().to_string(), error.inner());
        match reason.classify() {
            Category::Data if path == "." => named(&reason.to_string()),
            Category::Data if reason.to_string().starts_with("missing field") => named(&reason.to_string()),
            Category::Data => Failure::invalid(path, reason.to_string()),
            // What serde says of a null where one of an enum's words should be.
            _ => Failure::invalid(path, "not a value that this field takes"),
        }
    })
}

/// The ids that the path names. A refusal names the one that is none.
#[derive(Debug, Clone)]
pub(crate) struct At<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for At<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        if let Ok(Path(ids)) = Path::from_request_parts(parts, state).await {
            return Ok(Self(ids));
        }
        let named =
            RawPathParams::from_request_parts(parts, state).await.map_err(|rejection| match rejection {
                RawPathParamsRejection::InvalidUtf8InPathParam(_) => Failure::invalid("path", "not UTF-8"),
                _ => Failure::Broken,
            })?;
        let wrong = named.iter().find(|(_, value)| value.parse::<Id>().is_err());
        Err(wrong.map_or(Failure::Broken, |(name, _)| Failure::invalid(name, "not a uuid")))
    }
}

/// What the query says. A refusal names the field.
#[derive(Debug, Clone, FromRequestParts)]
#[from_request(via(Query), rejection(Failure))]
pub(crate) struct Asked<T>(pub(crate) T);

/// A field that may be left out (stays as it is) or be `null` (is cleared).
pub(crate) type Update<T> = Option<Option<T>>;

/// Reads an [`Update`]; to be used with `#[serde(default)]`.
pub(crate) fn update<'de, D, T>(deserializer: D) -> Result<Update<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// A text that says something, of at most `most` bytes.
pub(crate) fn text(field: &'static str, text: String, most: usize) -> Result<String, Failure> {
    if text.trim().is_empty() {
        return Err(Failure::invalid(field, "must not be empty"));
    }
    at_most(field, text, most)
}

/// A text of at most `most` bytes.
pub(crate) fn at_most(field: &'static str, text: String, most: usize) -> Result<String, Failure> {
    if text.len() > most {
        return Err(Failure::invalid(field, format!("must not be longer than {most} bytes")));
    }
    Ok(text)
}

/// A line of text, such as a title.
pub(crate) const TITLE_BYTES_MAX: usize = 200;
/// A few pages of text: an action, an agreement, a goal, a topic.
pub(crate) const BODY_BYTES_MAX: usize = 10_000;
/// The notes of a long session.
pub(crate) const NOTE_BYTES_MAX: usize = 100_000;
