//! What can go wrong between a subscriber and its server, by what the page can do about it.

use std::time::Duration;

/// A failure of a connection or of what it carried; never the app's own errors.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubscriberError {
    /// The request failed before a response, or the stream broke.
    #[error("connection lost: {0}")]
    Transport(String),
    /// No response head in time.
    #[error("no response within {} ms", .0.as_millis())]
    ConnectTimeout(Duration),
    /// The stream was silent for longer than its heartbeat allows.
    #[error("the stream was silent for {} ms", .0.as_millis())]
    IdleTimeout(Duration),
    /// The server ended the stream without a goodbye.
    #[error("the server ended the stream")]
    Ended,
    /// The server answered with a status that is worth another try.
    #[error("the server answered {0}")]
    Status(u16),
    /// The server answered with a status that is final.
    #[error("the server refused the stream with {0}")]
    Refused(u16),
    /// The response is no event stream.
    #[error("the response is not text/event-stream but {0:?}")]
    ContentType(String),
    /// The stream does not speak the protocol.
    #[error("the stream broke the protocol: {0}")]
    Protocol(String),
    /// An event of the stream was larger than the bound.
    #[error("an event of the stream is larger than {0} bytes")]
    EventTooLarge(usize),
    /// 401 or 403, or the credentials callback said that there are none.
    #[error("unauthorized: {0}")]
    Unauthorized(String),
    /// The credentials callback failed.
    #[error("the credentials could not be fetched: {0}")]
    Auth(String),
    /// The credentials were revoked while the stream was open.
    #[error("the credentials were revoked")]
    Revoked,
    /// This connection was taken over by another with the same id.
    #[error("the connection was replaced by another")]
    Replaced,
    /// The server has no room for another connection of this user.
    #[error("too many connections")]
    OverLimit,
    /// The server said goodbye and the next connection was not there in time.
    #[error("the server is restarting")]
    Draining,
    /// The handlers of a resync were not done in time, or one of them failed.
    #[error("the page was not fetched again within {} ms", .0.as_millis())]
    ResyncTimeout(Duration),
    /// More was held back for a resync or a load than the bound allows.
    #[error("too many events arrived while the page was being fetched")]
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

    /// The HTTP status, where there was one.
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Status(status) | Self::Refused(status) => Some(*status),
            _ => None,
        }
    }
}
