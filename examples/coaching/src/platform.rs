//! What every route shares, and the one way in which it changes anything.

use std::{ops::DerefMut, sync::Arc};

use sqlx::{Sqlite, SqliteConnection, SqlitePool, Transaction, pool::PoolConnection};
use tidings_bindings::{Event, Id, Timestamp};
use tidings_server::{Audience, Cause, Hub};
use tokio::sync::{Mutex, OwnedMutexGuard};
use uuid::Uuid;

use crate::{
    clock::{Clock, When},
    failure::Failure,
    log_in::LogIns,
    password::Passwords,
};

/// The database, the hub, and what belongs to them. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Platform {
    pub(crate) pool: SqlitePool,
    pub(crate) hub: Hub<Event>,
    pub(crate) log_ins: LogIns,
    pub(crate) passwords: Passwords,
    pub(crate) clock: Arc<Clock>,
    /// Held from a change's first read until its event is sent: events leave in the order of their commits.
    turn: Arc<Mutex<()>>,
}

impl Platform {
    pub(crate) fn new(pool: SqlitePool, hub: Hub<Event>, passwords: Passwords) -> Self {
        let log_ins = LogIns::new(pool.clone());
        Self { pool, hub, log_ins, passwords, clock: Arc::default(), turn: Arc::default() }
    }

    /// A connection to read with.
    pub(crate) async fn reader(&self) -> Result<PoolConnection<Sqlite>, Failure> {
        Ok(self.pool.acquire().await?)
    }

    /// Makes a change in a task of its own: a request that is dropped half-way still commits *and* sends.
    pub(crate) async fn change<T, F>(
        &self,
        cause: Cause,
        work: impl FnOnce(Change) -> F + Send + 'static,
    ) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Failure>> + Send,
    {
        let platform = self.clone();
        uncancelled(async move {
            let turn = Arc::clone(&platform.turn).lock_owned().await;
            let transaction = platform.pool.begin_with("BEGIN IMMEDIATE").await?;
            work(Change { transaction, platform, cause, _turn: turn }).await
        })
        .await
    }
}

/// Runs a future to its end, whether or not the one who waits for it goes away.
pub(crate) async fn uncancelled<T: Send + 'static>(
    work: impl Future<Output = Result<T, Failure>> + Send + 'static,
) -> Result<T, Failure> {
    tokio::spawn(work).await.unwrap_or_else(|error| {
        tracing::error!(%error, "a change ended before its time");
        Err(Failure::Broken)
    })
}

/// A change under way. Dropped before [`Change::commit`], it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Change {
    transaction: Transaction<'static, Sqlite>,
    platform: Platform,
    cause: Cause,
    _turn: OwnedMutexGuard<()>,
}

impl Change {
    pub(crate) fn db(&mut self) -> &mut SqliteConnection {
        self.transaction.deref_mut()
    }

    /// The time of this change.
    pub(crate) fn now(&self) -> Timestamp {
        self.platform.clock.now()
    }

    /// Commits, then tells `audience`.
    ///
    /// An event that cannot be sent does not undo what is committed: the log says so, and the people see it
    /// at their next load.
    pub(crate) async fn commit(self, audience: Audience, event: Event) -> Result<(), Failure> {
        self.transaction.commit().await?;
        let sent = self.platform.hub.caused_by(self.cause).send(audience, &event).await;
        if let Err(error) = sent {
            tracing::error!(%error, "a committed change was not sent");
        }
        Ok(())
    }

    /// Commits what nobody has to be told.
    pub(crate) async fn commit_quietly(self) -> Result<(), Failure> {
        Ok(self.transaction.commit().await?)
    }
}

/// An id that nobody has yet.
pub(crate) fn new_id() -> Id {
    Id::from_u128(Uuid::new_v4().as_u128())
}

/// Refuses a change that is based on another version than `current`. No version stated: last writer wins.
pub(crate) fn based_on<T: serde::Serialize>(
    stated: Option<&When>,
    updated_at: &Timestamp,
    current: &T,
) -> Result<(), Failure> {
    match stated {
        Some(When(stated)) if stated != updated_at => Err(Failure::Conflict {
            message: "someone else changed this in the meantime",
            current: serde_json::to_value(current).unwrap_or_default(),
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::{
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use tidings_bindings::Severity;
    use tidings_server::Config;

    use super::*;
    use crate::{database, password::Cost};

    pub(crate) async fn platform(folder: &tempfile::TempDir) -> Platform {
        let pool = database::open(&folder.path().join("coaching.sqlite")).await.expect("a database");
        let hub = Hub::in_memory(Config::default()).await.expect("a hub");
        let passwords = Passwords::new(Cost { memory_kib: 64, passes: 1 }).expect("valid parameters");
        Platform::new(pool, hub, passwords)
    }

    fn announcement() -> Event {
        Event::SystemAnnouncement { message: "Hi".into(), severity: Severity::Info }
    }

    #[tokio::test]
    async fn a_change_whose_request_is_dropped_still_commits_and_sends() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let platform = platform(&folder).await;
        let before = platform.hub.cursor();
        {
            let mut request = pin!(platform.change(Cause::default(), async |mut change: Change| {
                sqlx::query("INSERT INTO organizations (id, name) VALUES ('a', 'A')")
                    .execute(change.db())
                    .await?;
                change.commit(Audience::everyone(), announcement()).await
            }));
            let begun = request.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(matches!(begun, Poll::Pending), "under way, and dropped here");
        }
        // Turns are taken in order: when this one has had its own, the dropped one is done.
        let stored = platform.change(Cause::default(), async |mut change: Change| {
            Ok(sqlx::query("SELECT * FROM organizations").fetch_all(change.db()).await?.len())
        });
        assert_eq!(stored.await.expect("a count"), 1);
        assert_eq!(platform.hub.cursor().sequence(), before.sequence() + 1, "sent as well");
    }

    #[tokio::test]
    async fn a_change_that_fails_leaves_nothing_and_says_nothing() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let platform = platform(&folder).await;
        let before = platform.hub.cursor();
        let failed: Result<(), _> = platform
            .change(Cause::default(), async |mut change: Change| {
                sqlx::query("INSERT INTO organizations (id, name) VALUES ('a', 'A')")
                    .execute(change.db())
                    .await?;
                Err(Failure::NotFound("anything"))
            })
            .await;
        assert!(matches!(failed, Err(Failure::NotFound(_))));
        let rows = sqlx::query("SELECT * FROM organizations").fetch_all(&platform.pool).await.expect("rows");
        assert_eq!((rows.len(), platform.hub.cursor()), (0, before));
    }
}
