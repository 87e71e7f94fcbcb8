//! Where the ordered log outlives what reads it: the trait every store implements.
//!
//! A store decides one thing, the order, and says it through one [`Follower`]: committed entries only, in
//! the order of their ids, none twice. [`Store::append`] never feeds the readers by another way. Readers
//! never touch the store.

mod announced;
#[cfg(any(feature = "postgres", feature = "redis"))]
mod columns;
#[cfg(any(feature = "postgres", feature = "redis"))]
mod course;
mod draft;
#[cfg(any(feature = "postgres", feature = "redis"))]
mod holder;
#[cfg(any(feature = "postgres", feature = "redis"))]
mod lineage;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "postgres", feature = "redis"))]
mod turns;

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use protocol::{Contract, Entry, Epoch, EventId, Limits, Revoked, Time};

use crate::{Audience, Cause, Presence, PresenceChange, SendError, clock::Clock, secret::Secret};
pub use draft::{Draft, EventLimits, Matter};
pub use memory::Memory;
#[cfg(feature = "postgres")]
pub use postgres::{Postgres, PostgresOptions};
#[cfg(feature = "redis")]
pub use redis::{Redis, RedisOptions};
#[cfg(feature = "sqlite")]
pub use sqlite::{Sqlite, SqliteOptions};
/// The library of the app's side of [`Outbox`], in the version that [`Outbox::Connection`] is of.
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub use sqlx;

/// How long a key keeps an event from being sent twice, whatever is trimmed.
pub(crate) const KEY_KEPT: Duration = Duration::from_secs(300);

/// Keys kept at most; at about 300 bytes each, 30 MB. Past it, sends with a key are refused.
pub(crate) const KEYS_MAX: usize = 100_000;

/// How long a member is remembered that is not heard of any more.
#[cfg(any(feature = "postgres", feature = "redis"))]
pub(crate) const MEMBER_KEPT: Duration = Duration::from_secs(60);

/// What a store answers, in time.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// The ordered log of a hub, and the little that must be known across its runs.
pub trait Store: Send + Sync + fmt::Debug + 'static {
    /// Begins a run: tells `follower` where the window begins ([`Follower::begin`]), feeds it the window and
    /// from then on, until the store is dropped, every entry that is committed by whichever instance.
    /// Called once.
    fn open(&self, opening: Opening, follower: Arc<dyn Follower>) -> Answer<'_, Opened>;

    /// Commits all of `drafts` next to each other in the order, or none. Resolves after the commit, at the
    /// level that the store states, and after `follower` has them.
    ///
    /// With a key that was used in the last five minutes nothing is committed: the ids of then are
    /// returned, or [`StoreError::KeyConflict`] when the digest differs.
    fn append(&self, drafts: Vec<Draft>, key: Option<Key>) -> Answer<'_, Appended>;

    /// Whether the log holds `cursor`, which lies ahead of what `follower` was given or is of an epoch that
    /// it was not told of.
    fn covers<'a>(&'a self, cursor: &'a EventId) -> Answer<'a, bool>;

    /// Stores what this instance knows of who is here, and answers the changes of presence that come of it, or of
    /// the time that has passed: on a shared log those over all instances, each to one of them, which announces it.
    ///
    /// Asked by one task, a question after the answer to the one before, and every second also where there is nothing
    /// to store. An answer that did not arrive, or whose instance asked nothing more, is given once more to another.
    fn lease(&self, leases: Vec<Lease>) -> Answer<'_, Vec<PresenceChange>>;

    /// The instance ends, and has said goodbye to these users: they are expected back, at whichever instance. Where there
    /// is no other, the next run knows it from the leases.
    fn hand_over(&self, leases: Vec<Lease>) -> Answer<'_, ()> {
        drop(leases);
        Box::pin(async { Ok(()) })
    }

    /// Whether a user is here, by the leases of all instances. Where there is one, its hub knows better than its store,
    /// which says [`Presence::Offline`].
    fn presence<'a>(&'a self, user: &'a str) -> Answer<'a, Presence> {
        let _ = user;
        Box::pin(async { Ok(Presence::Offline) })
    }

    /// Whether other instances may have the log too.
    fn is_shared(&self) -> bool {
        false
    }

    /// Whether [`Store::save`] keeps anything: where it does not, nothing is noted for it.
    fn keeps_connections(&self) -> bool {
        true
    }

    /// Stores which connections of this run are open and until when they count as such, or that they have
    /// ended. What is stored is what the next run expects back.
    fn save(&self, connections: Vec<Saved>) -> Answer<'_, ()>;

    /// Tells the other instances on this log of this one, and answers all that were heard of in the last minute.
    fn meet(&self, own: Member) -> Answer<'_, Vec<Member>> {
        Box::pin(async move { Ok(vec![own]) })
    }

    /// The connections that other instances have open, as they saved them.
    fn elsewhere(&self) -> Answer<'_, Vec<Elsewhere>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    /// The ids of a user's connections that other instances have open, as they saved them, without those of instances
    /// that have not been heard of ([`Member::is_alive`]).
    fn elsewhere_of<'a>(&'a self, user: &'a str) -> Answer<'a, Vec<String>> {
        let _ = user;
        Box::pin(async { Ok(Vec::new()) })
    }

    /// Whether what is committed reaches `follower` as far as is known: `false` while the store cannot be reached.
    fn is_followed(&self) -> bool {
        true
    }

    /// Ends the run: finishes what was begun and lets go of what only one process may hold. Appends fail
    /// from here on.
    fn close(&self) -> Answer<'_, ()>;
}

/// A store that somebody else keeps a hand on.
impl<S: Store + ?Sized> Store for Arc<S> {
    fn open(&self, opening: Opening, follower: Arc<dyn Follower>) -> Answer<'_, Opened> {
        (**self).open(opening, follower)
    }

    fn append(&self, drafts: Vec<Draft>, key: Option<Key>) -> Answer<'_, Appended> {
        (**self).append(drafts, key)
    }

    fn covers<'a>(&'a self, cursor: &'a EventId) -> Answer<'a, bool> {
        (**self).covers(cursor)
    }

    fn lease(&self, leases: Vec<Lease>) -> Answer<'_, Vec<PresenceChange>> {
        (**self).lease(leases)
    }

    fn hand_over(&self, leases: Vec<Lease>) -> Answer<'_, ()> {
        (**self).hand_over(leases)
    }

    fn presence<'a>(&'a self, user: &'a str) -> Answer<'a, Presence> {
        (**self).presence(user)
    }

    fn is_shared(&self) -> bool {
        (**self).is_shared()
    }

    fn keeps_connections(&self) -> bool {
        (**self).keeps_connections()
    }

    fn save(&self, connections: Vec<Saved>) -> Answer<'_, ()> {
        (**self).save(connections)
    }

    fn meet(&self, own: Member) -> Answer<'_, Vec<Member>> {
        (**self).meet(own)
    }

    fn elsewhere(&self) -> Answer<'_, Vec<Elsewhere>> {
        (**self).elsewhere()
    }

    fn elsewhere_of<'a>(&'a self, user: &'a str) -> Answer<'a, Vec<String>> {
        (**self).elsewhere_of(user)
    }

    fn is_followed(&self) -> bool {
        (**self).is_followed()
    }

    fn close(&self) -> Answer<'_, ()> {
        (**self).close()
    }
}

/// A store that lets an event be part of the app's own transaction.
///
/// Begin the transaction where a dropped request cannot leave it half begun, in a task of its own: sqlx 0.8.6 forgets
/// one of SQLite whose `begin_with` is dropped after its `BEGIN`, and the pooled connection would keep the write lock.
///
/// # Example
/// ```
/// use tidings_server::{Audience, SendError, protocol::Contract, store::Outbox};
/// async fn rename<S: Outbox, C: Contract>(
///     store: &S,
///     transaction: &mut S::Connection,
///     renamed: &C,
/// ) -> Result<(), SendError> {
///     // The app's own statements, in the same transaction, before or after:
///     store.send_in(transaction, Audience::everyone(), renamed).await
/// }
/// ```
pub trait Outbox: Store + Sized {
    /// What the app's transaction runs on.
    type Connection: Send;

    /// Makes `draft` part of the transaction that `transaction` is in: it takes its place in the order once
    /// that has committed, and never otherwise. Of two transactions of which one began after the other had
    /// committed, the later one's events have the larger ids. Needs no open run: a process that only
    /// publishes may use it too.
    fn enqueue<'a>(&'a self, transaction: &'a mut Self::Connection, draft: Draft) -> Answer<'a, ()>;

    /// The same for an event that nothing but the app itself causes; [`crate::Caused::send_in`] names what
    /// does.
    ///
    /// # Errors
    /// [`SendError`], as of [`crate::Hub::send`]; the transaction is as unusable as the database leaves it
    /// after a failed statement.
    fn send_in<C: Contract>(
        &self,
        transaction: &mut Self::Connection,
        audience: impl Into<Audience> + Send,
        event: &C,
    ) -> impl Future<Output = Result<(), SendError>> + Send {
        let draft = Draft::event(audience.into(), event, &Cause::default(), EventLimits::default());
        async move { Ok(self.enqueue(transaction, draft?).await?) }
    }
}

/// What reads the log.
pub trait Follower: Send + Sync + 'static {
    /// The log begins here: at a start, or when it turned out to be another one than was followed so far.
    fn begin(&self, beginning: Beginning);

    /// Everything that is revoked now, told before what else was missed: after an outage, nobody may read on until
    /// the entry that says so has been reached.
    fn foresee(&self, revocations: Vec<(Revoked, Time)>);

    /// Another run goes on where this one's entries end.
    fn succeed(&self, epoch: Epoch);

    /// The next committed entries, in order.
    fn follow(&self, entries: Vec<Entry>);
}

/// What a store is given at a start.
#[derive(Debug, Clone)]
pub struct Opening {
    /// A random epoch for this run.
    pub epoch: Epoch,
    /// A random secret, for a store that has none yet.
    pub secret: Secret,
    /// The window.
    pub limits: Limits,
    /// The clock of entries and leases, for a store without its own.
    pub clock: Clock,
    /// How long a revocation refuses credentials that were issued before it.
    pub revocations_kept: Duration,
    /// For how long a user counts as here whose instance is not heard of.
    pub presence_lease: Duration,
    /// For how long one who is lost is reconnecting: at most a third of the lease, which is renewed twice as early.
    pub leave_grace: Duration,
}

/// Where a log begins.
#[derive(Debug, Clone)]
pub struct Beginning {
    /// The epoch that gives the next id.
    pub epoch: Epoch,
    /// The highest sequence that was removed.
    pub floor: u64,
    /// The epochs before, oldest first, and where each ended.
    pub ended: Vec<(Epoch, u64)>,
}

/// What a store knows at a start beside its window.
#[derive(Debug, Clone, Default)]
pub struct Opened {
    /// The hub's secret; the one that was offered where the store had none.
    pub secret: Option<Secret>,
    /// Revocations that still refuse credentials.
    pub revocations: Vec<(Revoked, Time)>,
    /// Grants that stand.
    pub grants: Vec<Grant>,
    /// Users that were here when the log was last written to, however long ago that is: their leases are renewed
    /// in full. And, offline, those who left in the minute before: nobody may have been told of it. None where the
    /// store itself knows of everybody ([`Store::presence`]).
    pub leases: Vec<Lease>,
    /// Connections of earlier runs that are expected back.
    pub connections: Vec<Saved>,
}

/// A group that a user may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The user.
    pub user: String,
    /// The group.
    pub group: String,
    /// From this place in the order.
    pub from: u64,
}

/// What makes a batch happen once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// 1 to 128 bytes, one name space per hub.
    pub name: String,
    /// SHA-256 of what is sent under it.
    pub digest: [u8; 32],
}

/// What was committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// One id per draft.
    pub ids: Vec<EventId>,
    /// The key had been used for the same: these are the ids of then.
    pub duplicate: bool,
}

/// What an instance knows of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The user.
    pub user: String,
    /// Offline says that the user has left.
    pub presence: Presence,
    /// Until when it holds, if no other word comes: from then on the user is offline, and from
    /// [`Opening::leave_grace`] before it one that is online is reconnecting.
    pub until: Time,
}

/// One of the instances that share a log, as it told of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// [`crate::Config::instance`], or a random name of its run.
    pub name: String,
    /// Streams that were open there.
    pub streams: u64,
    /// The sequence that it had followed last: the log's head, less what it was behind.
    pub position: u64,
    /// For how long it has not been heard of.
    pub silent: Duration,
}

/// A connection as it outlives its process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// As its hello said.
    pub id: String,
    /// Whose it is.
    pub user: String,
    /// The log-in it was opened with.
    pub login: Option<String>,
    /// When the client first came with it.
    pub opened_at: Time,
    /// Until when it is expected back; `None` says that it has ended.
    pub until: Option<Time>,
}

/// A connection, and which instance has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// The [`Member::name`] of the instance; `None` where it has not been heard of for a minute: its client is expected
    /// back.
    pub instance: Option<String>,
    /// The connection.
    pub connection: Saved,
}

/// Why a store did not do as told.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It cannot be reached, or did not answer in time.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// The idempotency key was used for something else.
    #[error("another event was sent under the same idempotency key")]
    KeyConflict,
    /// What is stored cannot be read.
    #[error("the store holds something unreadable: {0}")]
    Corrupt(String),
    /// Another process has it, and did not let go in time.
    #[error("another process has the store open: {0}")]
    InUse(String),
    /// It is not one of ours, or of a newer version than this.
    #[error("not a store that this version can use: {0}")]
    Foreign(String),
}

impl StoreError {
    /// Whether the same may succeed later without anybody's doing. What was sent without a key may have been
    /// committed all the same.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::InUse(_) => true,
            Self::KeyConflict | Self::Corrupt(_) | Self::Foreign(_) => false,
        }
    }
}
