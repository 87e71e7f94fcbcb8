//! Why a request is refused, and how that reads: one closed enum, one JSON shape.

use axum::{
    Json,
    extract::rejection::{FormRejection, QueryRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tidings_bindings::ErrorCode;
use tidings_server::SendError;

use crate::routes::REQUEST_BYTES_MAX;

/// What a request may fail with. On the wire `{"status_code":409,"error":{"code":"conflict","message":"…"}}`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// No valid log-in.
    #[error("Unauthorized")]
    Unauthorized,
    /// The person may not do or see this, or no longer.
    #[error("{0}")]
    PermissionLost(&'static str),
    /// There is no such thing, or no longer.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// Someone else was faster; `current` is what is there now.
    #[error("{message}")]
    Conflict {
        /// The same for a person.
        message: &'static str,
        /// The thing as it is now, null where there is none to show.
        current: Value,
    },
    /// A field of the request is not what it should be.
    #[error("{field}: {message}")]
    Invalid {
        /// Which one.
        field: String,
        /// What is wrong with it.
        message: String,
    },
    /// The body is larger than any request of this app.
    #[error("the request is too large: send at most {REQUEST_BYTES_MAX} bytes")]
    TooLarge,
    /// The path is known, the method is not one of those that `Allow` lists.
    #[error("nothing here answers to this method: use one that the Allow header lists")]
    MethodNotAllowed,
    /// The database failed; the person is told no more than that.
    #[error("the database failed: try again")]
    Storage(#[from] sqlx::Error),
    /// A log-in could not be kept.
    #[error("the log-in could not be kept: try again")]
    LogIn(#[from] tower_sessions::session::Error),
    /// What changes could not be made known, so that nothing was changed.
    #[error("{}", untold(.0))]
    Untold(#[from] SendError),
    /// A task of the server ended before its time, or an event could not be sent.
    #[error("the server failed: try again")]
    Broken,
}

/// Why nobody can be told, without what only operators should read.
fn untold(error: &SendError) -> String {
    match error {
        SendError::TooLarge { bytes, max } => {
            format!("too large to be told to others, and not saved: {bytes} bytes, of at most {max}")
        }
        error if error.is_retryable() => {
            "this could not be told to others, and was not saved: try again".to_owned()
        }
        _ => "this cannot be told to others, and was not saved".to_owned(),
    }
}

/// What the page is told about a failed change beside the answer; see [`crate::guard`].
#[derive(Debug, Clone)]
pub(crate) struct Told {
    /// For code to decide on.
    pub(crate) code: ErrorCode,
    /// For a person.
    pub(crate) message: String,
    /// Whether the same again may succeed.
    pub(crate) retryable: bool,
}

impl Failure {
    /// A field that is not what it should be.
    pub(crate) fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), message: message.into() }
    }

    fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Self::PermissionLost(_) => (StatusCode::FORBIDDEN, "permission_lost"),
            Self::NotFound(_) => (StatusCode::NOT_FOUND, "not_found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::Conflict { .. } => (StatusCode::CONFLICT, "conflict"),
            Self::Invalid { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "validation_failed"),
            Self::TooLarge | Self::Untold(SendError::TooLarge { .. }) => {
                (StatusCode::PAYLOAD_TOO_LARGE, "validation_failed")
            }
            Self::Storage(_) | Self::LogIn(_) | Self::Untold(_) | Self::Broken => {
                (StatusCode::INTERNAL_SERVER_ERROR, "save_failed")
            }
        }
    }

    /// What an application error says about it; nothing where the answer says it all.
    fn told(&self) -> Option<Told> {
        let (code, retryable) = match self {
            Self::Unauthorized | Self::NotFound(_) | Self::MethodNotAllowed => return None,
            Self::PermissionLost(_) => (ErrorCode::PermissionLost, false),
            Self::Conflict { .. } => (ErrorCode::Conflict, false),
            Self::Invalid { .. } | Self::TooLarge | Self::Untold(SendError::TooLarge { .. }) => {
                (ErrorCode::ValidationFailed, false)
            }
            Self::Untold(error) => (ErrorCode::SaveFailed, error.is_retryable()),
            Self::Storage(_) | Self::LogIn(_) | Self::Broken => (ErrorCode::SaveFailed, true),
        };
        Some(Told { code, message: self.to_string(), retryable })
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match &self {
            Self::Storage(error) => tracing::error!(%error, "the database failed"),
            Self::Untold(error) => {
                tracing::error!(%error, "a change was given up, since it could not be told")
            }
            _ => {}
        }
        let (status, code) = self.status_and_code();
        let mut error = json!({ "code": code, "message": self.to_string() });
        let told = self.told();
        match self {
            Self::Conflict { current, .. } => error["current"] = current,
            Self::Invalid { field, .. } => error["field"] = field.into(),
            _ => {}
        }
        let body = json!({ "status_code": status.as_u16(), "error": error });
        let mut response = (status, Json(body)).into_response();
        if let Some(told) = told {
            response.extensions_mut().insert(told);
        }
        response
    }
}

impl From<QueryRejection> for Failure {
    fn from(rejection: QueryRejection) -> Self {
        let text = rejection.body_text();
        let reason = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
        named(reason)
    }
}

impl From<FormRejection> for Failure {
    fn from(rejection: FormRejection) -> Self {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            return Self::TooLarge;
        }
        if let FormRejection::InvalidFormContentType(_) = rejection {
            return Self::invalid("content-type", "send a form, application/x-www-form-urlencoded");
        }
        let text = rejection.body_text();
        let reason = text.strip_prefix("Failed to deserialize form body: ").unwrap_or(&text);
        named(reason)
    }
}

/// A failure from a deserializer's own words: "status: unknown variant", "missing field `body`", or "duplicate
/// field `body`".
pub(crate) fn named(reason: &str) -> Failure {
    if let Some((_, rest)) = reason.split_once("missing field `")
        && let Some((field, _)) = rest.split_once('`')
    {
        return Failure::invalid(field, "is missing");
    }
    if let Some((_, rest)) = reason.split_once("duplicate field `")
        && let Some((field, _)) = rest.split_once('`')
    {
        return Failure::invalid(field, "is there twice");
    }
    match reason.split_once(": ") {
        Some((field, message)) => Failure::invalid(field, message),
        None => Failure::invalid("body", reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_at_fault_is_named() {
        for (reason, field) in [
            ("status: unknown variant `Never`", "status"),
            ("missing field `body` at line 1 column 2", "body"),
            ("coaching_session_id: not a uuid", "coaching_session_id"),
            ("duplicate field `email`", "email"),
            ("expected value", "body"),
        ] {
            let Failure::Invalid { field: named, .. } = named(reason) else { panic!("{reason}") };
            assert_eq!(named, field);
        }
    }
}
