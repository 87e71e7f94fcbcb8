//! Who is here: one word per user over all connections.

use tokio::sync::broadcast;

/// Whether a user is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Presence {
    /// At least one connection is open.
    Online,
    /// The last connection was lost a moment ago.
    Reconnecting,
    /// Not here.
    Offline,
}

impl Presence {
    /// Of two places where a user may be, the one that says more.
    pub(crate) const fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Online, _) | (_, Self::Online) => Self::Online,
            (Self::Reconnecting, _) | (_, Self::Reconnecting) => Self::Reconnecting,
            (Self::Offline, Self::Offline) => Self::Offline,
        }
    }
}

/// A user's presence became another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresenceChange {
    /// Whose.
    pub user: String,
    /// What it is now.
    pub presence: Presence,
}

/// Changes of presence, from the moment this was made. Of several instances on one log each change comes to one,
/// which tells whom it concerns; seldom, as when that one dies, to another once more.
///
/// Of two changes that follow each other closely, two instances may tell at once, the earlier one last. Whoever sends
/// events of them asks [`crate::Hub::presence`] again after the send, and sends again when it has become another.
///
/// # Example
/// ```
/// use tidings_server::{PresenceChanges, PresenceError};
/// async fn watch(mut changes: PresenceChanges) {
///     loop {
///         match changes.recv().await {
///             Ok(change) => println!("{} is {:?}", change.user, change.presence),
///             Err(PresenceError::Lagged(_)) => println!("look at everybody again"),
///             Err(_) => break,
///         }
///     }
/// }
/// ```
#[derive(Debug)]
pub struct PresenceChanges {
    pub(crate) receiver: broadcast::Receiver<PresenceChange>,
}

impl PresenceChanges {
    /// The next change.
    ///
    /// # Errors
    /// [`PresenceError`] when changes were missed, or none will come.
    pub async fn recv(&mut self) -> Result<PresenceChange, PresenceError> {
        self.receiver.recv().await.map_err(|error| match error {
            broadcast::error::RecvError::Lagged(missed) => PresenceError::Lagged(missed),
            broadcast::error::RecvError::Closed => PresenceError::Closed,
        })
    }
}

/// Why there is no change to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PresenceError {
    /// The receiver was too slow: look at everybody of interest again, then go on.
    #[error("{0} changes of presence were missed")]
    Lagged(u64),
    /// The hub is gone.
    #[error("the hub is gone")]
    Closed,
}
