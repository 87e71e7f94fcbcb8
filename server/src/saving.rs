//! Connections as they outlive their process: what is open is written down in batches, and what an earlier run
//! had open is expected back.

use std::{sync::Arc, time::Duration};

use dashmap::DashMap;
use indexmap::IndexMap;
use parking_lot::Mutex;
use protocol::Time;

use crate::{
    clock::Clock,
    connection::Connection,
    store::{Saved, Store},
};

/// Between two batches: what is lost with the process is who came in its last second, and they come back as if
/// for the first time.
const EVERY: Duration = Duration::from_secs(1);

/// Changes that wait for the store at most, and connections that are expected at most: at about 300 bytes each,
/// 30 MB. What is beyond is forgotten, which costs a client nothing but being called the same.
const KEPT_MAX: usize = 100_000;

/// What is to be saved, and who is expected.
#[derive(Debug)]
pub(crate) struct Saving {
    /// Whether the store keeps connections at all.
    kept: bool,
    /// Whether other instances have the store too: of a connection that is expected, one of them may still know.
    shared: bool,
    /// One batch at a time.
    flushing: tokio::sync::Mutex<()>,
    /// Changes since the last batch, by connection.
    changed: Mutex<IndexMap<Arc<str>, Saved>>,
    /// The batch that is being written down, or was last: a question that was answered meanwhile is held against it.
    written: Mutex<IndexMap<Arc<str>, Saved>>,
    expected: DashMap<String, Saved>,
}

impl Saving {
    /// What `store` is told.
    pub(crate) fn new(store: &dyn Store) -> Self {
        let (kept, shared) = (store.keeps_connections(), store.is_shared());
        Self {
            kept,
            shared,
            flushing: tokio::sync::Mutex::default(),
            changed: Mutex::default(),
            written: Mutex::default(),
            expected: DashMap::new(),
        }
    }

    /// Connections of earlier runs, which may come back for as long as a lease lasts.
    pub(crate) fn expect(&self, connections: Vec<Saved>, until: Time) {
        for mut connection in connections.into_iter().take(KEPT_MAX) {
            connection.until = Some(until);
            self.expected.insert(connection.id.clone(), connection);
        }
    }

    /// The connections that are expected.
    pub(crate) fn expected(&self) -> Vec<Saved> {
        self.expected.iter().map(|entry| entry.value().clone()).collect()
    }

    /// The client of an expected connection has returned: it is expected no more.
    pub(crate) fn welcome(&self, id: &str, user: &str) -> Option<Saved> {
        let (_, saved) = self.expected.remove_if(id, |_, saved| saved.user == user)?;
        self.note(id.into(), Saved { until: None, ..saved.clone() });
        Some(saved)
    }

    /// A connection was registered. It lives until `until` at the longest.
    pub(crate) fn opened(&self, connection: &Connection, until: Time) {
        if !self.kept {
            return;
        }
        self.note(connection.id.clone(), Saved { until: Some(until), ..connection.saved() });
    }

    /// A connection has ended for good.
    pub(crate) fn ended(&self, connection: &Connection) {
        if !self.kept {
            return;
        }
        let (mut changed, written) = (self.changed.lock(), self.written.lock());
        // One that the store cannot have heard of need not be taken back.
        let is_news = changed.get(&connection.id).is_some_and(|saved| saved.until.is_some());
        if is_news && !written.contains_key(&connection.id) {
            changed.swap_remove(&connection.id);
            return;
        }
        drop((changed, written));
        self.note(connection.id.clone(), connection.saved());
    }

    /// The client of a connection that another instance has is here now: the other one's counts no more.
    pub(crate) fn taken_over(&self, id: &str, user: &str) {
        let (id, at) = (Arc::from(id), Time::from_millis(0));
        let gone =
            Saved { id: String::from(&*id), user: user.to_owned(), login: None, opened_at: at, until: None };
        self.note(id, gone);
    }

    /// Whether a connection has ended, which the store may not have heard yet.
    pub(crate) fn has_ended(&self, id: &str) -> bool {
        let is_end =
            |batch: &IndexMap<Arc<str>, Saved>| batch.get(id).is_some_and(|saved| saved.until.is_none());
        is_end(&self.changed.lock()) || is_end(&self.written.lock())
    }

    /// Forgets whom nobody needs to expect any more. A shared store does so by itself, of whom no instance has.
    pub(crate) fn sweep(&self, now: Time) {
        self.expected.retain(|id, saved| {
            let is_due = saved.until.is_none_or(|until| until <= now);
            if is_due && !self.shared {
                self.note(id.as_str().into(), Saved { until: None, ..saved.clone() });
            }
            !is_due
        });
    }

    /// Writes down what has changed.
    pub(crate) async fn flush(&self, store: &dyn Store) {
        let _turn = self.flushing.lock().await;
        let batch: Vec<_> = {
            let (mut changed, mut written) = (self.changed.lock(), self.written.lock());
            *written = std::mem::take(&mut *changed);
            written.values().cloned().collect()
        };
        if batch.is_empty() {
            return;
        }
        if let Err(error) = store.save(batch).await {
            tracing::warn!(%error, "connections could not be saved");
            let (mut changed, written) = (self.changed.lock(), self.written.lock());
            for (id, saved) in &*written {
                // What has happened since is newer.
                if changed.len() < KEPT_MAX {
                    changed.entry(id.clone()).or_insert_with(|| saved.clone());
                }
            }
        }
    }

    fn note(&self, id: Arc<str>, saved: Saved) {
        if !self.kept {
            return;
        }
        let mut changed = self.changed.lock();
        if changed.len() < KEPT_MAX || changed.contains_key(&id) {
            changed.insert(id, saved);
        }
    }
}

/// Saves in batches until the hub is dropped.
pub(crate) async fn run(saving: Arc<Saving>, store: Arc<dyn Store>, clock: Clock) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        saving.sweep(clock.now());
        saving.flush(&*store).await;
    }
}
