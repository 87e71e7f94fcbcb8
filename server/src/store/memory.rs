//! A store that lives and dies with its process.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use parking_lot::Mutex;
use protocol::{Entry, Epoch, EventId, Payload, Time};

use super::{
    Answer, Appended, Beginning, Draft, Follower, KEY_KEPT, KEYS_MAX, Key, Lease, Matter, Opened, Opening,
    Saved, Store, StoreError, announced::Announced,
};
use crate::{PresenceChange, clock::Clock};

/// The log of one run: committed and visible are the same step. After a restart it begins again at 0 under
/// an epoch that nobody knows, which is a gap for every client that returns.
///
/// # Example
/// ```
/// use tidings_server::{Config, Hub, Memory, protocol::Contract};
/// async fn start<C: Contract>() -> Result<Hub<C>, tidings_server::StartError> {
///     Hub::start(Config::default(), Memory::new()).await
/// }
/// ```
#[derive(Debug, Default)]
pub struct Memory {
    /// Absent until opened.
    run: Mutex<Option<Run>>,
    announced: Announced,
}

struct Run {
    epoch: Epoch,
    head: u64,
    clock: Clock,
    follower: Arc<dyn Follower>,
    keys: HashMap<String, Kept>,
    /// The keys, oldest first.
    key_order: VecDeque<(Time, String)>,
}

/// What was sent under a key.
struct Kept {
    digest: [u8; 32],
    ids: Vec<EventId>,
}

impl Memory {
    /// An empty log.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Store for Memory {
    fn open(&self, opening: Opening, follower: Arc<dyn Follower>) -> Answer<'_, Opened> {
        Box::pin(async move {
            follower.begin(Beginning { epoch: opening.epoch.clone(), floor: 0, ended: Vec::new() });
            *self.run.lock() = Some(Run {
                epoch: opening.epoch,
                head: 0,
                clock: opening.clock,
                follower,
                keys: HashMap::new(),
                key_order: VecDeque::new(),
            });
            Ok(Opened { secret: Some(opening.secret), ..Opened::default() })
        })
    }

    fn append(&self, drafts: Vec<Draft>, key: Option<Key>) -> Answer<'_, Appended> {
        Box::pin(async move {
            let mut run = self.run.lock();
            let run = run.as_mut().ok_or_else(|| StoreError::Unavailable("not opened".to_owned()))?;
            run.append(drafts, key)
        })
    }

    fn covers<'a>(&'a self, cursor: &'a EventId) -> Answer<'a, bool> {
        Box::pin(async move {
            let run = self.run.lock();
            Ok(run.as_ref().is_some_and(|run| *cursor.epoch() == run.epoch && cursor.sequence() <= run.head))
        })
    }

    fn lease(&self, leases: Vec<Lease>) -> Answer<'_, Vec<PresenceChange>> {
        // Nobody reads a lease after this run.
        Box::pin(async move { Ok(self.announced.changes(leases)) })
    }

    fn keeps_connections(&self) -> bool {
        false
    }

    fn save(&self, _: Vec<Saved>) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            *self.run.lock() = None;
            Ok(())
        })
    }
}

impl Run {
    fn append(&mut self, drafts: Vec<Draft>, key: Option<Key>) -> Result<Appended, StoreError> {
        let now = self.clock.now();
        self.forget_keys(now);
        if let Some(key) = &key
            && let Some(kept) = self.keys.get(&key.name)
        {
            return if kept.digest == key.digest {
                Ok(Appended { ids: kept.ids.clone(), duplicate: true })
            } else {
                Err(StoreError::KeyConflict)
            };
        }
        if key.is_some() && self.keys.len() >= KEYS_MAX {
            return Err(StoreError::Unavailable("too many idempotency keys in five minutes".to_owned()));
        }
        let entries: Vec<_> = drafts.into_iter().map(|draft| self.place(draft, now)).collect();
        let ids: Vec<_> = entries.iter().map(|entry| entry.id.clone()).collect();
        if let Some(key) = key {
            self.key_order.push_back((now, key.name.clone()));
            self.keys.insert(key.name, Kept { digest: key.digest, ids: ids.clone() });
        }
        self.follower.follow(entries);
        Ok(Appended { ids, duplicate: false })
    }

    fn place(&mut self, draft: Draft, at: Time) -> Entry {
        self.head += 1;
        let id = self.epoch.at(self.head);
        let payload = match draft.matter {
            Matter::Event { encoded, delivery } => {
                Payload::Event { block: encoded.place(&id, &draft.channels), delivery }
            }
            Matter::Notice(notice) => Payload::Notice(notice),
        };
        Entry { id, channels: draft.channels, at, payload }
    }

    fn forget_keys(&mut self, now: Time) {
        while let Some((at, _)) = self.key_order.front()
            && now.since(*at) > KEY_KEPT
        {
            if let Some((_, name)) = self.key_order.pop_front() {
                self.keys.remove(&name);
            }
        }
    }
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run").field("epoch", &self.epoch).field("head", &self.head).finish_non_exhaustive()
    }
}
