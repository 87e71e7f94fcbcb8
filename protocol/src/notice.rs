//! Entries of the ordered log that speak to connections, not to handlers: rights given and taken.

use serde::{Deserialize, Serialize};

use crate::{Channel, ChannelError};

/// A change of rights, ordered among the events it must not be overtaken by.
///
/// A connection that meets one in its own channels writes nothing beyond it until its rights are known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Notice {
    /// Credentials issued before this are refused until they expire, and the streams they opened end.
    Revoke {
        /// Whose.
        revoked: Revoked,
        /// Said in the goodbye's log line; for people.
        reason: String,
    },
    /// The rights of a user may have changed: ask again.
    Reauthorize {
        /// The user.
        user: String,
    },
    /// From here on the user may read the group.
    Grant {
        /// The user.
        user: String,
        /// The group.
        group: String,
    },
    /// From here on the user may no longer read the group.
    Withdraw {
        /// The user.
        user: String,
        /// The group.
        group: String,
    },
}

impl Notice {
    /// The channel on which the connections concerned read it.
    ///
    /// # Errors
    /// [`ChannelError`] when the user, login or connection could not have been one.
    pub fn channel(&self) -> Result<Channel, ChannelError> {
        match self {
            Self::Revoke { revoked: Revoked::User(user), .. }
            | Self::Reauthorize { user }
            | Self::Grant { user, .. }
            | Self::Withdraw { user, .. } => Channel::user(user),
            Self::Revoke { revoked: Revoked::Login(login), .. } => Channel::login(login),
            Self::Revoke { revoked: Revoked::Connection(connection), .. } => Channel::connection(connection),
        }
    }
}

/// What is taken away by a revocation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Revoked {
    /// Every credential of a user.
    User(String),
    /// One log-in of a user.
    Login(String),
    /// One connection.
    Connection(String),
}
