//! What can go wrong between a subscriber and its server, by what the page can do about it.

use crate::{Millis, decimal::decimal};

/// A failure of a connection or of what it carried; never the app's own errors.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.message())]
#[non_exhaustive]
pub enum SubscriberError {
    /// The request failed before a response, or the stream broke.
    Transport(String),
    /// No response head in time.
    ConnectTimeout(Millis),
    /// The stream was silent for longer than its heartbeat allows.
    IdleTimeout(Millis),
    /// The server ended the stream without a goodbye.
    Ended,
    /// The server answered with a status that is worth another try.
    Status(u16),
    /// The server answered with a status that is final.
    Refused(u16),
    /// The response is no event stream.
    ContentType(String),
    /// The stream does not speak the protocol.
    Protocol(String),
    /// An event of the stream was larger than the bound.
    EventTooLarge(usize),
    /// 401 or 403, or the credentials callback said that there are none.
    Unauthorized(String),
    /// The credentials callback failed.
    Auth(String),
    /// The credentials were revoked while the stream was open.
    Revoked,
    /// This connection was taken over by another with the same id.
    Replaced,
    /// The server has no room for another connection of this user.
    OverLimit,
    /// The server said goodbye and the next connection was not there in time.
    Draining,
    /// The handlers of a resync were not done in time, or one of them failed.
    ResyncTimeout(Millis),
    /// More was held back for a resync or a load than the bound allows.
    HoldOverflow,
}

impl SubscriberError {
    /// A stable word for programs: what `BackendEventError.code` is in TypeScript.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Transport(_) => "connection_lost",
            Self::ConnectTimeout(_) => "connect_timeout",
            Self::IdleTimeout(_) => "idle_timeout",
            Self::Ended => "stream_ended",
            Self::Status(_) => "http_status",
            Self::Refused(_) => "refused",
            Self::ContentType(_) => "wrong_content_type",
            Self::Protocol(_) => "malformed_stream",
            Self::EventTooLarge(_) => "event_too_large",
            Self::Unauthorized(_) => "unauthorized",
            Self::Auth(_) => "auth_failed",
            Self::Revoked => "revoked",
            Self::Replaced => "replaced",
            Self::OverLimit => "over_limit",
            Self::Draining => "draining",
            Self::ResyncTimeout(_) => "resync_timeout",
            Self::HoldOverflow => "hold_overflow",
        }
    }

    /// What `Display` writes, as a page can have it without the formatting machinery in its download.
    pub fn message(&self) -> String {
        let millis = |duration: &Millis| decimal(duration.get());
        let (before, value, after) = match self {
            Self::Transport(reason) => ("connection lost: ", reason.clone(), ""),
            Self::ConnectTimeout(limit) => ("no response within ", millis(limit), " ms"),
            Self::IdleTimeout(limit) => ("the stream was silent for ", millis(limit), " ms"),
            Self::Ended => ("the server ended the stream", String::new(), ""),
            Self::Status(status) => ("the server answered ", decimal((*status).into()), ""),
            Self::Refused(status) => ("the server refused the stream with ", decimal((*status).into()), ""),
            Self::ContentType(found) => ("the response is not text/event-stream but \"", found.clone(), "\""),
            Self::Protocol(reason) => ("the stream broke the protocol: ", reason.clone(), ""),
            Self::EventTooLarge(limit) => {
                ("an event of the stream is larger than ", decimal(*limit as u64), " bytes")
            }
            Self::Unauthorized(reason) => ("unauthorized: ", reason.clone(), ""),
            Self::Auth(reason) => ("the credentials could not be fetched: ", reason.clone(), ""),
            Self::Revoked => ("the credentials were revoked", String::new(), ""),
            Self::Replaced => ("the connection was replaced by another", String::new(), ""),
            Self::OverLimit => ("too many connections", String::new(), ""),
            Self::Draining => ("the server is restarting", String::new(), ""),
            Self::ResyncTimeout(limit) => ("the page was not fetched again within ", millis(limit), " ms"),
            Self::HoldOverflow => {
                ("too many events arrived while the page was being fetched", String::new(), "")
            }
        };
        [before, &value, after].concat()
    }

    /// The HTTP status, where there was one.
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Status(status) | Self::Refused(status) => Some(*status),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_happened_with_its_numbers() {
        for (error, message) in [
            (SubscriberError::Transport("reset".into()), "connection lost: reset"),
            (SubscriberError::ConnectTimeout(Millis::from_secs(10)), "no response within 10000 ms"),
            (SubscriberError::Refused(418), "the server refused the stream with 418"),
            (
                SubscriberError::ContentType("text/html".into()),
                "the response is not text/event-stream but \"text/html\"",
            ),
            (
                SubscriberError::EventTooLarge(1_048_576),
                "an event of the stream is larger than 1048576 bytes",
            ),
            (SubscriberError::Revoked, "the credentials were revoked"),
        ] {
            assert_eq!(error.to_string(), message);
        }
    }
}
