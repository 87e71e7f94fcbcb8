//! One open stream, as the rest of the hub sees it.

use std::{
    collections::BTreeSet,
    fmt,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    task::Waker,
};

use atomic_waker::AtomicWaker;
use parking_lot::Mutex;
use protocol::{Channel, GoodbyeReason, Time};

use crate::{Identity, rights::Credentials, serve::Line, shared::Shared, store::Saved};

/// Shared between the registry, which wakes it, and the stream, which reads for it.
///
/// What every delivery touches comes first and next to each other: with thousands of connections each line of memory
/// that a delivery looks at has to be fetched.
#[repr(C)]
pub(crate) struct Connection {
    /// What has happened since the stream looked last: a set of [`News`].
    news: AtomicU8,
    waker: AtomicWaker,
    /// Where it stands, for the sweeper: the sequence, and the log it counts in.
    cursor: AtomicU64,
    generation: AtomicU64,
    /// Its place in the registry.
    pub(crate) serial: u64,
    /// 128 random bits in hex.
    pub(crate) id: Arc<str>,
    pub(crate) user: Arc<str>,
    pub(crate) login: Option<Arc<str>>,
    pub(crate) address: Option<IpAddr>,
    pub(crate) opened_at: Time,
    /// When its credentials were issued, as far as they say; it was opened with them later.
    issued_at: Time,
    /// When the first of the connections was opened that this one continues.
    pub(crate) first_opened_at: Time,
    /// Channels it is registered under; changes when its rights do.
    pub(crate) channels: Mutex<Vec<Channel>>,
    /// The groups that it shall read from now on, until the stream has taken them.
    wish: Mutex<Option<Wish>>,
    /// A goodbye it has been told to say.
    leave: Mutex<Option<GoodbyeReason>>,
    /// The socket under it, where `serve` knows it.
    line: Option<Line>,
    /// What it was opened with; absent in tests of the registry alone.
    credentials: Option<Credentials>,
    /// Whether its far end is to prove that it lives, since a proxy stands between.
    proves_life: bool,
    /// The last sign of it, in Unix milliseconds.
    alive_at: AtomicU64,
}

/// The groups that a client wants to read; all that it may read where it names none.
pub(crate) type Wish = Option<BTreeSet<String>>;

/// What can happen to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum News {
    /// Something was appended to one of its channels.
    Due = 1,
    /// A deadline of its stream may have passed.
    Tick = 2,
    /// It shall read other groups.
    Wish = 4,
    /// It shall say goodbye.
    Leave = 8,
}

/// What the sweeper needs to see whether a blocked connection has fallen below the floor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stand {
    pub(crate) cursor: u64,
    pub(crate) generation: u64,
}

/// What a connection is made of.
pub(crate) struct Birth {
    pub(crate) id: String,
    pub(crate) user: String,
    pub(crate) login: Option<String>,
    pub(crate) address: Option<IpAddr>,
    pub(crate) line: Option<Line>,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) proves_life: bool,
    pub(crate) at: Time,
    pub(crate) issued_at: Option<Time>,
    /// See [`Connection::first_opened_at`].
    pub(crate) first_at: Time,
}

impl Connection {
    pub(crate) fn new(serial: u64, birth: Birth) -> Self {
        Self {
            serial,
            id: birth.id.into(),
            user: birth.user.into(),
            login: birth.login.map(Into::into),
            address: birth.address,
            opened_at: birth.at,
            issued_at: birth.issued_at.unwrap_or(birth.at),
            first_opened_at: birth.first_at,
            channels: Mutex::new(Vec::new()),
            news: AtomicU8::new(News::Due as u8),
            waker: AtomicWaker::new(),
            wish: Mutex::new(None),
            leave: Mutex::new(None),
            cursor: AtomicU64::new(0),
            generation: AtomicU64::new(0),
            line: birth.line,
            credentials: birth.credentials,
            proves_life: birth.proves_life,
            alive_at: AtomicU64::new(birth.at.as_millis()),
        }
    }

    /// Whether its credentials are as old as that.
    pub(crate) fn was_issued_by(&self, at: Time) -> bool {
        self.issued_at <= at
    }

    /// Whether it reads a group.
    pub(crate) fn reads_group(&self, group: &str) -> bool {
        self.channels.lock().iter().any(|channel| channel.group_name() == Some(group))
    }

    /// Who reads it now: its credentials asked about once more, and not revoked.
    pub(crate) async fn identify(&self, shared: &Shared) -> Option<Identity> {
        let identity = self.credentials.as_ref()?.identify().await?;
        let expired = identity.expires_at.is_some_and(|at| shared.clock.until(at).is_zero());
        let refused = shared.standing.refuses(&identity, Some(&self.id), None);
        (!expired && !refused).then_some(identity)
    }

    /// What was told before need not be told again: the stream has been woken for it, and has not looked yet.
    fn tell(&self, news: News) {
        if self.news.fetch_or(news as u8, Ordering::AcqRel) & news as u8 == 0 {
            self.waker.wake();
        }
    }

    /// Whether that has happened; the answer is given once.
    fn take(&self, news: News) -> bool {
        let news = news as u8;
        self.news.load(Ordering::Acquire) & news != 0
            && self.news.fetch_and(!news, Ordering::AcqRel) & news != 0
    }

    /// Whether anything has happened.
    pub(crate) fn has_news(&self) -> bool {
        self.news.load(Ordering::Acquire) != 0
    }

    /// One of its channels moved.
    pub(crate) fn wake(&self) {
        self.tell(News::Due);
    }

    /// Arms the wake-up; only what is looked at after this cannot be slept through.
    pub(crate) fn arm(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    /// Whether it has something to read; the answer is given once.
    pub(crate) fn take_due(&self) -> bool {
        self.take(News::Due)
    }

    /// Tells it which groups to read. The last word stands.
    pub(crate) fn wish(&self, groups: Wish) {
        *self.wish.lock() = Some(groups);
        self.tell(News::Wish);
    }

    /// What it was told to read, once.
    pub(crate) fn take_wish(&self) -> Option<Wish> {
        if self.take(News::Wish) { self.wish.lock().take() } else { None }
    }

    /// Tells it to say goodbye. The first reason stands.
    pub(crate) fn leave(&self, reason: GoodbyeReason) {
        self.leave.lock().get_or_insert(reason);
        self.tell(News::Leave);
    }

    pub(crate) fn take_leave(&self) -> Option<GoodbyeReason> {
        if self.take(News::Leave) { *self.leave.lock() } else { None }
    }

    /// Time has come for it.
    pub(crate) fn tick(&self) {
        self.tell(News::Tick);
    }

    pub(crate) fn take_tick(&self) -> bool {
        self.take(News::Tick)
    }

    /// Whether its socket has taken nothing since the last time somebody asked, though it was given something.
    pub(crate) fn is_stuck(&self) -> bool {
        self.line.as_ref().is_some_and(Line::is_stuck)
    }

    pub(crate) fn stand_at(&self, cursor: u64, generation: u64) {
        self.cursor.store(cursor, Ordering::Relaxed);
        if self.generation.load(Ordering::Relaxed) != generation {
            self.generation.store(generation, Ordering::Relaxed);
        }
    }

    /// The two may be of different moments around a restart of the log, which makes any stand a lost one.
    pub(crate) fn stand(&self) -> Stand {
        Stand {
            cursor: self.cursor.load(Ordering::Relaxed),
            generation: self.generation.load(Ordering::Relaxed),
        }
    }

    /// Whether its far end should have been heard of at `since` or later, and was not.
    pub(crate) fn is_silent(&self, since: Time) -> bool {
        self.proves_life && self.alive_at.load(Ordering::Relaxed) < since.as_millis()
    }

    pub(crate) fn mark_alive(&self, now: Time) {
        self.alive_at.store(now.as_millis(), Ordering::Relaxed);
    }

    /// Ends it without its doing, which a blocked stream needs. `false` where the server under it gives no
    /// way to.
    pub(crate) fn cut(&self) -> bool {
        match &self.line {
            Some(line) => {
                line.cut();
                true
            }
            None => false,
        }
    }

    /// As it is kept when it has ended.
    pub(crate) fn saved(&self) -> Saved {
        Saved {
            id: self.id.to_string(),
            user: self.user.to_string(),
            login: self.login.as_deref().map(str::to_owned),
            opened_at: self.first_opened_at,
            until: None,
        }
    }

    pub(crate) fn info(&self) -> ConnectionInfo {
        ConnectionInfo {
            id: self.id.to_string(),
            user: self.user.to_string(),
            login: self.login.as_deref().map(str::to_owned),
            address: self.address,
            opened_at: self.opened_at,
            first_opened_at: self.first_opened_at,
            alive_at: Time::from_millis(self.alive_at.load(Ordering::Relaxed)),
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("id", &self.id).field("user", &self.user).finish_non_exhaustive()
    }
}

/// An open stream, at the moment of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionInfo {
    /// As its hello said.
    pub id: String,
    /// Whose it is.
    pub user: String,
    /// The log-in it was opened with, if `Authorize` named one.
    pub login: Option<String>,
    /// The address it counts for, if it is counted.
    pub address: Option<IpAddr>,
    /// When it was opened, in Unix milliseconds.
    pub opened_at: Time,
    /// When the client came first: it has returned with this connection's predecessor since, over a restart
    /// too.
    pub first_opened_at: Time,
    /// When its far end was last heard of: at the opening, then by `POST alive`.
    pub alive_at: Time,
}
