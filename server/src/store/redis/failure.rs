//! What a failed question leaves behind: nothing, or nobody knows.

use redis::{RedisError, ServerErrorKind};

use crate::store::StoreError;

/// A question that got no answer, or the wrong one.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nothing of it was done.
    Nothing(StoreError),
    /// It may have been done: the connection was lost between question and answer.
    Unknown(StoreError),
}

/// What the failure says about the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// It can be asked again.
    Good,
    /// Another one has to be made, perhaps to another server.
    Lost,
}

impl Failure {
    /// No answer within the bound.
    pub(super) fn silence() -> Self {
        Self::Unknown(StoreError::Unavailable("the server did not answer in time".to_owned()))
    }

    /// No connection within the bound.
    pub(super) fn unreachable(reason: impl ToString) -> Self {
        Self::Nothing(StoreError::Unavailable(reason.to_string()))
    }

    /// What an error means, and for the connection.
    pub(super) fn of(error: &RedisError) -> (Self, Way) {
        let said = error.to_string();
        let Some(code) = error.code() else {
            return if error.is_io_error() || error.is_timeout() || error.is_connection_dropped() {
                (Self::Unknown(StoreError::Unavailable(said)), Way::Lost)
            } else {
                (Self::Nothing(StoreError::Corrupt(said)), Way::Lost)
            };
        };
        match (code, error.kind()) {
            // It is a primary no longer, or another one has our slot.
            ("READONLY" | "MOVED" | "ASK" | "MASTERDOWN" | "CLUSTERDOWN", _) => {
                (Self::Nothing(StoreError::Unavailable(said)), Way::Lost)
            }
            // No memory, no disk, no replica, not yet, not now.
            ("OOM" | "MISCONF" | "NOREPLICAS" | "LOADING" | "BUSY" | "TRYAGAIN" | "UNKILLABLE", _) => {
                (Self::Nothing(StoreError::Unavailable(said)), Way::Good)
            }
            ("NOAUTH" | "WRONGPASS" | "NOPERM", _)
            | (_, redis::ErrorKind::AuthenticationFailed | redis::ErrorKind::InvalidClientConfig) => {
                (Self::Nothing(StoreError::Foreign(said)), Way::Lost)
            }
            (_, redis::ErrorKind::Server(ServerErrorKind::ResponseError)) => {
                (Self::Nothing(StoreError::Corrupt(said)), Way::Good)
            }
            _ => (Self::Nothing(StoreError::Corrupt(said)), Way::Lost),
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Nothing(error) | Failure::Unknown(error) => error,
        }
    }
}
