//! What goes into one commit: first what waits in the outbox, then what senders wait with.

use std::path::Path;

use protocol::{Entry, Notice, Payload, Time};
use sqlx::SqliteConnection;

use super::{
    error::told,
    keys, outbox,
    retention::{self, Cut, Held, Window},
    rows::Row,
    standing,
    writer::Command,
};
use crate::store::{Appended, Draft, KEYS_MAX, Key, Opening, StoreError};

/// What became of a command once the commit has happened.
pub(super) enum Outcome {
    Appended(Result<Appended, StoreError>),
    Written,
}

/// A commit in the making.
pub(super) struct Commit<'a> {
    path: &'a Path,
    opening: &'a Opening,
    epoch: i64,
    now: Time,
    rows: Vec<Row>,
    /// What becomes visible.
    pub(super) entries: Vec<Entry>,
    pub(super) head: u64,
    pub(super) keys: u64,
    /// The last row of the outbox that was moved.
    pub(super) moved: Option<i64>,
}

impl<'a> Commit<'a> {
    pub(super) fn new(path: &'a Path, opening: &'a Opening, epoch: i64, head: u64, keys: u64) -> Self {
        let now = opening.clock.now();
        Self { path, opening, epoch, now, rows: Vec::new(), entries: Vec::new(), head, keys, moved: None }
    }

    /// Moves what waits in the outbox; whether more may wait there.
    pub(super) async fn outbox(&mut self, connection: &mut SqliteConnection) -> Result<bool, StoreError> {
        let (waiting, has_more) = outbox::take(self.path, connection).await?;
        for waiting in waiting {
            self.moved = Some(waiting.id);
            self.place(connection, waiting.draft).await?;
        }
        Ok(has_more)
    }

    /// Does what is told: an error that concerns one command alone fails no other.
    pub(super) async fn commands(
        &mut self,
        connection: &mut SqliteConnection,
        commands: &[Command],
    ) -> Result<Vec<Outcome>, StoreError> {
        let mut outcomes = Vec::with_capacity(commands.len());
        for command in commands {
            outcomes.push(match command {
                Command::Append { drafts, key, .. } => {
                    Outcome::Appended(self.append(connection, drafts, key.as_ref()).await?)
                }
                Command::Lease { leases, .. } => {
                    let stored = standing::lease(connection, leases).await;
                    stored.map(|()| Outcome::Written).map_err(|error| told(self.path, &error))?
                }
                Command::Save { saved, .. } => {
                    let stored = standing::save(connection, saved).await;
                    stored.map(|()| Outcome::Written).map_err(|error| told(self.path, &error))?
                }
                Command::Close { .. } => Outcome::Written,
            });
        }
        Ok(outcomes)
    }

    /// Writes the entries, and removes about as much as they need room; what was removed.
    pub(super) async fn write(
        &self,
        connection: &mut SqliteConnection,
        window: &Window,
    ) -> Result<Option<Cut>, StoreError> {
        let told = |error: sqlx::Error| told(self.path, &error);
        Row::insert(&self.rows, self.epoch, connection).await.map_err(told)?;
        let added: Vec<_> = self.held().collect();
        // Twice what comes, so that a window that was made smaller shrinks while senders go on.
        let cut = window.cut(self.now, &self.opening.limits, &added, 2 * added.len());
        if let Some(cut) = cut {
            retention::remove(connection, cut).await.map_err(told)?;
        }
        Ok(cut)
    }

    pub(super) fn held(&self) -> impl Iterator<Item = Held> {
        self.rows.iter().map(Row::held)
    }

    async fn append(
        &mut self,
        connection: &mut SqliteConnection,
        drafts: &[Draft],
        key: Option<&Key>,
    ) -> Result<Result<Appended, StoreError>, StoreError> {
        if let Some(key) = key {
            let told = |error: sqlx::Error| told(self.path, &error);
            if let Some(used) = keys::find(connection, key, self.now).await.map_err(told)? {
                let is_same = used.digest == key.digest;
                return Ok(if is_same {
                    Ok(Appended { ids: used.ids, duplicate: true })
                } else {
                    Err(StoreError::KeyConflict)
                });
            }
            if self.keys >= KEYS_MAX as u64 {
                let expired = retention::expire_keys(connection, self.now).await.map_err(told)?;
                self.keys = self.keys.saturating_sub(expired);
            }
            if self.keys >= KEYS_MAX as u64 {
                let why = "too many idempotency keys in five minutes".to_owned();
                return Ok(Err(StoreError::Unavailable(why)));
            }
            let first = self.head + 1;
            keys::keep(connection, key, self.epoch, first, drafts.len(), self.now).await.map_err(told)?;
            self.keys += 1;
        }
        let mut ids = Vec::with_capacity(drafts.len());
        for draft in drafts {
            self.place(connection, draft.clone()).await?;
            ids.extend(self.entries.last().map(|entry| entry.id.clone()));
        }
        Ok(Ok(Appended { ids, duplicate: false }))
    }

    async fn place(&mut self, connection: &mut SqliteConnection, draft: Draft) -> Result<(), StoreError> {
        self.head += 1;
        let (row, entry) = Row::place(draft, self.opening.epoch.at(self.head), self.now);
        if let Payload::Notice(notice) = &entry.payload {
            self.follow(connection, notice).await.map_err(|error| told(self.path, &error))?;
        }
        self.rows.push(row);
        self.entries.push(entry);
        Ok(())
    }

    async fn follow(&self, connection: &mut SqliteConnection, notice: &Notice) -> Result<(), sqlx::Error> {
        let window = self.opening.limits.age;
        standing::follow(connection, notice, self.head, self.now, window).await
    }
}
