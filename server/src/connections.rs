//! What an app may ask about the streams that are open, or expected back.

use crate::{ConnectionInfo, registry::Registry, saving::Saving, store::Saved};

/// The open streams of a hub.
#[derive(Debug, Clone, Copy)]
pub struct Connections<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) saving: &'a Saving,
}

impl Connections<'_> {
    /// The streams of a user.
    pub fn of_user(&self, user: &str) -> Vec<ConnectionInfo> {
        self.registry.of_user(user).iter().map(|connection| connection.info()).collect()
    }

    /// The stream with this id, and so its user.
    pub fn get(&self, id: &str) -> Option<ConnectionInfo> {
        self.registry.get(id).map(|connection| connection.info())
    }

    /// The users that have a stream.
    pub fn users(&self) -> Vec<String> {
        self.registry.users()
    }

    /// All streams, as of now.
    pub fn iter(&self) -> impl Iterator<Item = ConnectionInfo> + use<> {
        self.registry.infos().into_iter()
    }

    /// Connections of the run before that may come back: each until its client does, or its lease ends.
    pub fn expected(&self) -> Vec<Saved> {
        self.saving.expected()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.registry.len()
    }

    /// Whether nothing is left of any stream, not even an empty list of one.
    pub fn is_empty(&self) -> bool {
        self.registry.is_empty()
    }
}
