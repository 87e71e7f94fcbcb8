//! Something in the app failed and a person should know; never anything about the connection.

use serde::{Deserialize, Serialize};

use crate::{Id, option::nullable};

/// A failure of the app, shown to the person who caused it or whose work it touches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct ApplicationError {
    /// What kind of failure, for code to decide on.
    pub code: ErrorCode,
    /// The same for a person.
    pub message: String,
    /// The thing that failed, where it is one thing.
    #[serde(deserialize_with = "nullable")]
    pub about: Option<About>,
    /// The `x-correlation-id` of the request that failed: the page that sent it knows it as its own.
    #[serde(deserialize_with = "nullable")]
    pub correlation_id: Option<String>,
    /// Whether doing the same again may succeed.
    pub retryable: bool,
}

/// What kind of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub enum ErrorCode {
    /// The change could not be stored.
    SaveFailed,
    /// Someone else changed it meanwhile.
    Conflict,
    /// The person may not do or see this any more.
    PermissionLost,
    /// The data was refused.
    ValidationFailed,
}

/// The thing an [`ApplicationError`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct About {
    /// What it is.
    pub kind: Subject,
    /// Which one.
    pub id: Id,
}

/// What an [`ApplicationError`] can be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub enum Subject {
    /// An [`Action`](crate::Action).
    Action,
    /// An [`Agreement`](crate::Agreement).
    Agreement,
    /// A [`Goal`](crate::Goal).
    Goal,
    /// A [`Note`](crate::Note).
    Note,
    /// A [`Topic`](crate::Topic).
    Topic,
    /// A coaching session, its title included.
    CoachingSession,
    /// A coaching relationship.
    CoachingRelationship,
    /// An organization.
    Organization,
    /// A person.
    User,
}
