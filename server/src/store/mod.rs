//! Where the ordered log outlives what reads it: the trait every store implements.
//!
//! A store decides one thing, the order, and says it through one [`Follower`]: committed entries only, in
//! the order of their ids, none twice. [`Store::append`] never feeds the readers by another way. Readers
//! never touch the store.

mod memory;

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use protocol::{ChannelSet, Delivery, EncodedEvent, Entry, Epoch, EventId, Limits, Notice, Revoked, Time};

use crate::{clock::Clock, secret::Secret};
pub use memory::Memory;

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

    /// Stores the leases of users that are here, or the end of those that left. Answers for which of them
    /// this instance was the one that changed what was stored before: it announces the change.
    fn lease(&self, leases: Vec<Lease>) -> Answer<'_, Vec<bool>>;
}

/// What reads the log.
pub trait Follower: Send + Sync + 'static {
    /// The log begins here: at a start, or when it turned out to be another one than was followed so far.
    fn begin(&self, beginning: Beginning);

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
    /// Users that were here.
    pub leases: Vec<Lease>,
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

/// An entry before it has its place.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Who may read it.
    pub channels: ChannelSet,
    /// What it says.
    pub matter: Matter,
}

/// What an entry says.
#[derive(Debug, Clone)]
pub enum Matter {
    /// An app event.
    Event {
        /// All of the frame but its id.
        encoded: EncodedEvent,
        /// A live-only payload need not be kept beyond this run.
        delivery: Delivery,
    },
    /// A change of rights.
    Notice(Notice),
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

/// A user is here until then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The user.
    pub user: String,
    /// The end; `None` says that the user has left.
    pub until: Option<Time>,
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
}
