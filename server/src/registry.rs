//! Which connections read which channels, and whose they are; every look-up costs its answer.
//!
//! A set is changed and removed when empty under the lock of its own map entry, so a register during the
//! last unregister of the same user finds either the old set or a new one, never one that is about to go.

use std::{
    hash::Hash,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use dashmap::{DashMap, Entry};
use indexmap::IndexMap;
use protocol::{Channel, GoodbyeReason, Revoked, Time};

use crate::connection::{Connection, ConnectionInfo};

/// Connections by their serial. Most channels have one reader, for whom a map would be ten times as large.
#[derive(Debug)]
enum Connections {
    One(Arc<Connection>),
    Many(Box<IndexMap<u64, Arc<Connection>>>),
}

impl Connections {
    fn insert(&mut self, connection: &Arc<Connection>) {
        match self {
            Self::One(one) if one.serial == connection.serial => {}
            Self::One(one) => {
                let both = [&*one, connection].map(|member| (member.serial, member.clone()));
                *self = Self::Many(Box::new(IndexMap::from(both)));
            }
            Self::Many(many) => {
                many.insert(connection.serial, connection.clone());
            }
        }
    }

    /// Removes one that there may be; `true` when nobody is left.
    fn remove(&mut self, serial: u64) -> bool {
        match self {
            Self::One(one) => one.serial == serial,
            Self::Many(many) => {
                many.swap_remove(&serial);
                many.is_empty()
            }
        }
    }

    fn iter(&self) -> impl Iterator<Item = &Arc<Connection>> {
        let (one, many) = match self {
            Self::One(one) => (Some(one), None),
            Self::Many(many) => (None, Some(many.values())),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }

    fn len(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Many(many) => many.len(),
        }
    }
}

/// All open streams of a hub.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    of_channel: DashMap<Channel, Connections>,
    of_user: DashMap<Arc<str>, Connections>,
    of_id: DashMap<Arc<str>, Arc<Connection>>,
    serials: AtomicU64,
}

/// The user has as many connections as one may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OverLimit;

impl Registry {
    pub(crate) fn next_serial(&self) -> u64 {
        self.serials.fetch_add(1, Ordering::Relaxed)
    }

    /// Registers a connection of at most `max` of its user. The user's connection with the id `predecessor`
    /// is told that it is replaced and counts no more.
    pub(crate) fn register(
        &self,
        connection: &Arc<Connection>,
        channels: Vec<Channel>,
        predecessor: Option<&str>,
        max: usize,
    ) -> Result<(), OverLimit> {
        match self.of_user.entry(connection.user.clone()) {
            Entry::Vacant(entry) if max > 0 => {
                entry.insert(Connections::One(connection.clone()));
            }
            Entry::Vacant(_) => return Err(OverLimit),
            Entry::Occupied(mut entry) => {
                let of_user = entry.get();
                let replaced =
                    predecessor.and_then(|id| of_user.iter().find(|other| *other.id == *id).cloned());
                if replaced.is_none() && of_user.len() >= max {
                    return Err(OverLimit);
                }
                // First, so that the set is never empty in between.
                entry.get_mut().insert(connection);
                if let Some(replaced) = replaced {
                    entry.get_mut().remove(replaced.serial);
                    replaced.leave(GoodbyeReason::Replaced);
                }
            }
        }
        self.of_id.insert(connection.id.clone(), connection.clone());
        channels.iter().for_each(|channel| self.insert(channel, connection));
        *connection.channels.lock() = channels;
        Ok(())
    }

    /// Registers it under other channels, then wakes it: what came to the new ones in between is read.
    pub(crate) fn move_to(&self, connection: &Arc<Connection>, channels: Vec<Channel>) {
        let mut current = connection.channels.lock();
        for channel in channels.iter().filter(|channel| !current.contains(channel)) {
            self.insert(channel, connection);
        }
        for channel in current.iter().filter(|channel| !channels.contains(channel)) {
            remove(&self.of_channel, channel.clone(), connection.serial);
        }
        *current = channels;
        drop(current);
        connection.wake();
    }

    fn insert(&self, channel: &Channel, connection: &Arc<Connection>) {
        // A connection's own is found by its id.
        if channel.connection_id().is_some() {
            return;
        }
        match self.of_channel.entry(channel.clone()) {
            Entry::Vacant(entry) => {
                entry.insert(Connections::One(connection.clone()));
            }
            Entry::Occupied(mut entry) => entry.get_mut().insert(connection),
        }
    }

    /// Forgets a connection.
    pub(crate) fn unregister(&self, connection: &Connection) {
        for channel in connection.channels.lock().drain(..) {
            remove(&self.of_channel, channel, connection.serial);
        }
        self.of_id.remove(&connection.id);
        remove(&self.of_user, connection.user.clone(), connection.serial);
    }

    /// Wakes who reads `channel`.
    pub(crate) fn wake(&self, channel: &Channel) {
        if let Some(id) = channel.connection_id() {
            if let Some(connection) = self.of_id.get(id) {
                connection.wake();
            }
        } else if let Some(connections) = self.of_channel.get(channel) {
            connections.iter().for_each(|connection| connection.wake());
        }
    }

    /// Wakes everybody: the log has become another one.
    pub(crate) fn wake_all(&self) {
        self.of_id.iter().for_each(|connection| connection.wake());
    }

    pub(crate) fn get(&self, id: &str) -> Option<Arc<Connection>> {
        self.of_id.get(id).map(|connection| connection.clone())
    }

    /// Ends what was opened with credentials that are revoked.
    pub(crate) fn revoke(&self, revoked: &Revoked, at: Time) {
        let connections = match revoked {
            Revoked::Connection(id) => self.get(id).into_iter().collect(),
            Revoked::User(user) => self.of_user(user),
            Revoked::Login(login) => Channel::login(login).map_or_else(
                |_| Vec::new(),
                |channel| {
                    let of_channel = self.of_channel.get(&channel);
                    of_channel.map_or_else(Vec::new, |readers| readers.iter().cloned().collect())
                },
            ),
        };
        for connection in connections {
            if !matches!(revoked, Revoked::User(_)) || connection.was_issued_by(at) {
                connection.leave(GoodbyeReason::Revoked);
            }
        }
    }

    pub(crate) fn of_user(&self, user: &str) -> Vec<Arc<Connection>> {
        self.of_user.get(user).map(|connections| connections.iter().cloned().collect()).unwrap_or_default()
    }

    pub(crate) fn is_here(&self, user: &str) -> bool {
        self.of_user.contains_key(user)
    }

    /// Whether `user` has a connection whose far end is not known to be silent.
    pub(crate) fn is_present(&self, user: &str, silent_since: Time) -> bool {
        let of_user = self.of_user.get(user);
        of_user.is_some_and(|of_user| of_user.iter().any(|connection| !connection.is_silent(silent_since)))
    }

    pub(crate) fn users(&self) -> Vec<String> {
        self.of_user.iter().map(|entry| entry.key().to_string()).collect()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Connection>> {
        self.of_id.iter().map(|connection| connection.clone()).collect()
    }

    pub(crate) fn infos(&self) -> Vec<ConnectionInfo> {
        self.of_id.iter().map(|connection| connection.info()).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.of_id.len()
    }

    /// Whether nothing at all is held, not even an empty set.
    pub(crate) fn is_empty(&self) -> bool {
        self.of_id.is_empty() && self.of_user.is_empty() && self.of_channel.is_empty()
    }
}

fn remove<K: Eq + Hash>(map: &DashMap<K, Connections>, key: K, serial: u64) {
    if let Entry::Occupied(mut entry) = map.entry(key)
        && entry.get_mut().remove(serial)
    {
        entry.remove();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::connection::Birth;

    fn connection(registry: &Registry, user: &str, id: String) -> Arc<Connection> {
        let birth = Birth {
            id,
            user: user.to_owned(),
            login: None,
            address: None,
            line: None,
            credentials: None,
            proves_life: false,
            at: Time::from_millis(0),
            issued_at: None,
            first_at: Time::from_millis(0),
        };
        Arc::new(Connection::new(registry.next_serial(), birth))
    }

    fn channels(user: &str) -> Vec<Channel> {
        vec![Channel::user(user).expect("a user"), Channel::all()]
    }

    #[test]
    fn a_register_during_the_last_unregister_is_never_lost() {
        let registry = Registry::default();
        thread::scope(|scope| {
            for worker in 0..4 {
                let registry = &registry;
                scope.spawn(move || {
                    for round in 0..5_000 {
                        let connection = connection(registry, "coach", format!("{worker}-{round}"));
                        registry.register(&connection, channels("coach"), None, 16).expect("room for four");
                        connection.take_due();
                        registry.wake(&Channel::user("coach").expect("a user"));
                        assert!(connection.take_due(), "registered, and not woken");
                        assert!(registry.of_user("coach").iter().any(|other| other.id == connection.id));
                        registry.unregister(&connection);
                    }
                });
            }
        });
        assert!(registry.is_empty());
    }

    #[test]
    fn a_connection_that_moves_is_woken_for_its_new_channels_only() {
        let registry = Registry::default();
        let connection = connection(&registry, "coach", "1".to_owned());
        registry.register(&connection, channels("coach"), None, 16).expect("room");
        let group = Channel::group("team").expect("a group");
        assert!(connection.take_due(), "it is born with something to read");
        registry.move_to(&connection, vec![group.clone()]);
        assert!(connection.take_due(), "it looks at what came to the new ones before");
        registry.wake(&Channel::all());
        assert!(!connection.take_due());
        registry.wake(&group);
        assert!(connection.take_due());
        registry.unregister(&connection);
        assert!(registry.is_empty());
    }
}
