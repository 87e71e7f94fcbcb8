//! A memory store with which a test interferes.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use parking_lot::Mutex;
use tidings_server::{
    Memory, PresenceChange, StoreError,
    protocol::EventId,
    store::{Answer, Appended, Draft, Follower, Key, Lease, Opened, Opening, Saved, Store},
};

/// The hand of the test on it.
#[derive(Debug, Default)]
pub(crate) struct Doctored {
    pub(crate) memory: Memory,
    /// What it says about a cursor ahead of it; nothing, ever, where this is `None`.
    pub(crate) covers: Option<bool>,
    /// How many more leases it fails to store.
    pub(crate) failing_leases: AtomicU32,
    /// The leases it has stored.
    pub(crate) leases: Mutex<Vec<Lease>>,
}

impl Store for Doctored {
    fn open(&self, opening: Opening, follower: Arc<dyn Follower>) -> Answer<'_, Opened> {
        self.memory.open(opening, follower)
    }

    fn append(&self, drafts: Vec<Draft>, key: Option<Key>) -> Answer<'_, Appended> {
        self.memory.append(drafts, key)
    }

    fn covers<'a>(&'a self, _: &'a EventId) -> Answer<'a, bool> {
        match self.covers {
            Some(covers) => Box::pin(async move { Ok(covers) }),
            None => Box::pin(std::future::pending::<Result<bool, StoreError>>()),
        }
    }

    fn lease(&self, leases: Vec<Lease>) -> Answer<'_, Vec<PresenceChange>> {
        if leases.is_empty() {
            return self.memory.lease(leases);
        }
        let less = |left: u32| left.checked_sub(1);
        if self.failing_leases.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok() {
            return Box::pin(async { Err(StoreError::Unavailable("by the test".into())) });
        }
        self.leases.lock().extend(leases.clone());
        self.memory.lease(leases)
    }

    fn save(&self, connections: Vec<Saved>) -> Answer<'_, ()> {
        self.memory.save(connections)
    }

    fn close(&self) -> Answer<'_, ()> {
        self.memory.close()
    }
}
