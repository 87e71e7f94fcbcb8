//! Appends: what the sends of this instance wait with goes into the log together.

use std::{sync::Arc, time::Duration};

use protocol::{Epoch, EventId, Limits};
use redis::ScriptInvocation;
use tokio::sync::{mpsc, oneshot, watch};

use super::{Inner, failure::Failure, follow::Seen};
use crate::{
    random,
    store::{
        Appended, KEY_KEPT, KEYS_MAX, Key, StoreError,
        columns::{Columns, corrupt},
    },
};

/// Sends that wait to be appended; past it, `append` waits for room within its bound.
pub(super) const WAITING_MAX: usize = 1_024;

/// Rows and bytes of one append: the server does nothing else meanwhile.
const GROUP_ROWS: usize = 512;
const GROUP_BYTES: usize = 1024 * 1024;

/// Between two tries while the server is away.
const AGAIN: Duration = Duration::from_millis(50);

/// A send that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) rows: Vec<Columns>,
    pub(super) reply: oneshot::Sender<Result<Vec<EventId>, StoreError>>,
}

/// The way into the log.
#[derive(Debug, Clone)]
pub(super) struct Entrance {
    pub(super) inner: Arc<Inner>,
    /// What this instance has followed, by which the server finds out that it has less.
    pub(super) seen: watch::Receiver<Seen>,
    pub(super) window: Limits,
}

/// What became of an append: a word, and of entries the epoch, the first sequence and how many there are.
type Answer = (String, Option<String>, Option<u64>, Option<u64>);

impl Entrance {
    /// What every script that may begin an epoch is told first.
    pub(super) fn tell(&self, call: &mut ScriptInvocation<'_>) -> Result<(), StoreError> {
        let token = random::token().map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let seen = self.seen.borrow();
        call.arg(token).arg(seen.epoch_text()).arg(seen.position);
        Ok(())
    }

    /// Waits until this instance has followed as far as `sequence`.
    pub(super) async fn reach(&self, sequence: u64) {
        // The sender of positions lives as long as the run.
        let _ = self.seen.clone().wait_for(|seen| seen.position >= sequence).await;
    }

    /// Appends `rows` unless something was appended under `key` before. Waits without bound: the caller has one.
    pub(super) async fn append_once(&self, rows: &[Columns], key: &Key) -> Result<Appended, StoreError> {
        loop {
            match self.append(rows.iter(), "", 0, Some(key)).await {
                Ok(appended) => return Ok(appended),
                // A key makes it safe to try again what may have been appended.
                Err(failure) => {
                    let error = StoreError::from(failure);
                    if !error.is_retryable()
                        || matches!(&error, StoreError::Unavailable(said) if said == FULL)
                    {
                        return Err(error);
                    }
                    tracing::debug!(%error, "a send with a key is tried again");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }

    /// Appends rows next to each other, once per ticket of a sender, and once per key.
    async fn append(
        &self,
        rows: impl Iterator<Item = &Columns>,
        sender: &str,
        ticket: u64,
        key: Option<&Key>,
    ) -> Result<Appended, Failure> {
        let mut call = self.inner.link.call(|scripts| &scripts.append);
        self.tell(&mut call).map_err(Failure::Nothing)?;
        call.arg(sender).arg(ticket);
        let Limits { age, bytes, count } = self.window;
        call.arg(count).arg(bytes).arg(age.as_millis() as u64);
        let (name, digest) = key.map_or(("", &[][..]), |key| (&key.name, &key.digest));
        call.arg(name).arg(digest).arg(KEY_KEPT.as_millis() as u64).arg(KEYS_MAX);
        for row in rows {
            call.arg(row.kind).arg(&row.channels).arg(&row.body);
            call.arg(row.subject.as_deref().unwrap_or("")).arg(row.granted.as_deref().unwrap_or(""));
        }
        let (word, epoch, first, count): Answer = self.inner.link.ask(&call).await?;
        self.inner.link.look();
        let nothing = |error| Err(Failure::Nothing(error));
        match (word.as_str(), epoch, first, count) {
            ("placed" | "known", Some(epoch), Some(first), Some(count)) => {
                let epoch = Epoch::new(&epoch).map_err(|error| Failure::Nothing(corrupt(error)))?;
                let ids = (first..first + count).map(|sequence| epoch.at(sequence)).collect();
                Ok(Appended { ids, duplicate: key.is_some() && word == "known" })
            }
            ("conflict", ..) => nothing(StoreError::KeyConflict),
            ("full", ..) => nothing(StoreError::Unavailable(FULL.to_owned())),
            (word, ..) => nothing(StoreError::Corrupt(format!("an append was answered with {word:?}"))),
        }
    }
}

const FULL: &str = "too many idempotency keys in five minutes";

/// Appends until the last handle is gone, as `name`.
pub(super) async fn run(entrance: Entrance, name: String, mut waiting: mpsc::Receiver<Waiting>) {
    let mut ticket = 0;
    while let Some(first) = waiting.recv().await {
        let mut group = Group::of(first);
        while group.has_room()
            && let Ok(next) = waiting.try_recv()
        {
            group.push(next);
        }
        ticket += 1;
        group.append(&entrance, &name, ticket).await;
    }
}

/// Sends that go into the log in one step.
struct Group {
    sends: Vec<Waiting>,
    rows: usize,
    bytes: usize,
}

impl Group {
    fn of(first: Waiting) -> Self {
        let mut group = Self { sends: Vec::new(), rows: 0, bytes: 0 };
        group.push(first);
        group
    }

    fn push(&mut self, next: Waiting) {
        self.rows += next.rows.len();
        self.bytes += next.rows.iter().map(Columns::len).sum::<usize>();
        self.sends.push(next);
    }

    const fn has_room(&self) -> bool {
        self.rows < GROUP_ROWS && self.bytes < GROUP_BYTES
    }

    /// Appends it, or tells everybody why not; tries for as long as anybody waits. While its fate is unknown it
    /// stays as it is, since its ticket stands for all of it.
    async fn append(mut self, entrance: &Entrance, name: &str, ticket: u64) {
        let mut is_unknown = false;
        loop {
            // Who waits no longer was told that nothing is known; it is better not to send for it.
            if !is_unknown {
                self.sends.retain(|send| !send.reply.is_closed());
            }
            if self.sends.iter().all(|send| send.reply.is_closed()) {
                return;
            }
            let rows = self.sends.iter().flat_map(|send| &send.rows);
            match entrance.append(rows, name, ticket, None).await {
                Ok(Appended { ids, .. }) => {
                    let mut ids = ids.into_iter();
                    for Waiting { rows, reply } in self.sends {
                        // Who no longer waits has been told that it is unknown.
                        let _ = reply.send(Ok(ids.by_ref().take(rows.len()).collect()));
                    }
                    return;
                }
                Err(Failure::Nothing(error)) if !is_unknown && !error.is_retryable() => {
                    for Waiting { reply, .. } in self.sends {
                        let _ = reply.send(Err(error.clone()));
                    }
                    return;
                }
                Err(failure) => {
                    is_unknown |= matches!(failure, Failure::Unknown(_));
                    tracing::debug!(?failure, "an append is tried again");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }
}
