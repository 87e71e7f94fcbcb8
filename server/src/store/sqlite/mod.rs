//! A store in one SQLite file: the embedded default.
//!
//! One task writes, and it alone: `writer` gathers, `commit` says what goes into a commit, `retention` what
//! leaves with it. `schema`, `load` and `begin` are the three steps of a start: look whether the file is
//! ours, read what is there, write that a run begins. Nothing here decides what a client is told; that is
//! the history's, which is fed from here.

mod begin;
mod commit;
mod connect;
mod error;
mod keys;
mod load;
mod lock;
mod outbox;
mod retention;
mod rows;
mod schema;
mod standing;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use protocol::{Epoch, EventId};
use sqlx::Connection as _;
use tokio::sync::{mpsc, oneshot};

use crate::PresenceChange;
use crate::store::{
    Answer, Appended, Beginning, Draft, Follower, Key, Lease, Opened, Opening, Saved, Store, StoreError,
    announced::Announced,
};
use error::told;
use load::Loaded;
use lock::Lock;
use outbox::Expected;
use schema::Found;
use writer::{COMMANDS_MAX, Command, Reply, Writer, closed};

/// Entries that the follower is given at once at a start: its lock is held for about a millisecond.
const FOLLOWED: usize = 1_024;

/// Leases or connections in one command: all who are here are renewed at once, and no send waits for more
/// than a few milliseconds of that.
const TOLD: usize = 1_024;

/// How a [`Sqlite`] store is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteOptions {
    /// The database file: made when there is none; the app's own will do.
    pub path: PathBuf,
    /// How long a start waits for the process that has the file: a little more than the 30 s in which one
    /// that drains is gone.
    pub wait_for_lock: Duration,
    /// How long a commit waits for a transaction of the app, which holds the file's one write lock.
    pub busy_timeout: Duration,
}

impl SqliteOptions {
    /// The defaults for a file: 35 s for another process, 5 s for a transaction.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            wait_for_lock: Duration::from_secs(35),
            busy_timeout: Duration::from_secs(5),
        }
    }
}

/// The log in an SQLite file, of its own or the app's. Cheap to clone: every clone is the same store, and the
/// run ends when the last is dropped, or by [`Store::close`].
///
/// # Example
/// ```
/// use tidings_server::{
///     Audience, Config, Hub, Sqlite,
///     protocol::Contract,
///     store::{Outbox, sqlx::{self, Connection, SqliteConnection}},
/// };
/// async fn rename<C: Contract>(renamed: &C) -> Result<(), Box<dyn std::error::Error>> {
///     let store = Sqlite::at("app.db");
///     let hub = Hub::<C>::start(Config::default(), store.clone()).await?;
///     hub.send(Audience::everyone(), renamed).await?;
///
///     // Or if and only if the app's own transaction commits:
///     let mut connection = SqliteConnection::connect("sqlite:app.db").await?;
///     let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
///     sqlx::query("UPDATE goals SET title = 'run'").execute(&mut *transaction).await?;
///     store.send_in(&mut transaction, Audience::everyone(), renamed).await?;
///     transaction.commit().await?;
///     Ok(())
/// }
/// ```
///
/// # What it guarantees
/// - **A send that returned is on the disk**: a commit in write-ahead mode with `synchronous=FULL` waits for
///   it. All that is sent meanwhile goes into the next commit, so that senders share the wait: one sender
///   committed 1,900 events a second and 256 of them 44,000 on the disk this was written on
///   (`cargo bench --bench store`). Nobody reads an event before it is committed.
/// - **A run that ends in any way loses nothing that was acknowledged**, and gives no id twice. Each start is
///   an epoch of its own and writes down where the one before ended, so that after a file lost its tail, or
///   was copied back from a backup, clients that had seen more are told of a gap.
/// - **One process at a time.** A second one waits [`SqliteOptions::wait_for_lock`] for the first to drain,
///   then fails with [`StoreError::InUse`]. What holds the file is an advisory lock on `<path>.tidings-lock`
///   beside it, which is free again when its process is gone. Processes that only publish, with
///   [`Outbox::send_in`](super::Outbox::send_in), need no lock.
/// - **A file that is damaged, somebody else's or of a newer version is an error** that names it, and stays
///   byte for byte as it is. Every start checks the pages of its tables and reads every row: 1.4 s for
///   100,000 events of 300 bytes.
///
/// # What it keeps
/// The window of [`Config::history`](crate::Config::history), by whichever of its bounds is hit first, and
/// the newest entry however old it is, which says how far was counted. Keys of five minutes, at most
/// 100,000; the ends of 1,024 epochs; 100,000 revocations, and as many connections. What leaves the window
/// goes in the commit of what comes, at most twice as many rows, and in steps of 1,024 between commits: no
/// send waits for more than one of these. The file keeps the size that the fullest window has needed, and
/// uses it again; giving it back would cost writes for each page and a database made for it.
///
/// # In the app's own file
/// Tables are named `tidings_` and nothing else is touched, except that the file is in write-ahead mode from
/// then on. SQLite has one writer at a time: the app's transactions that write should begin with
/// `BEGIN IMMEDIATE`, lest one that has read first fails when an event was committed meanwhile, and be
/// short, since sends wait for them, [`SqliteOptions::busy_timeout`] at most. Inside of one use `send_in`:
/// a `hub.send` would wait for the very transaction that waits for it. An event of a transaction gets its
/// place a few milliseconds after its commit, or within a second where another process committed it;
/// whatever the app sends after the commit comes behind it. Not for network file systems, whose locks do
/// not hold (<https://www.sqlite.org/wal.html>). Back up with `VACUUM INTO` or SQLite's backup interface.
#[derive(Debug, Clone)]
pub struct Sqlite {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    options: SqliteOptions,
    /// Absent until opened, and once closed.
    run: Mutex<Option<Run>>,
    expected: Arc<Expected>,
    announced: Announced,
}

/// What a run is told through, and what it is asked.
#[derive(Debug)]
struct Run {
    commands: mpsc::Sender<Command>,
    known: Arc<Known>,
}

/// What is committed.
#[derive(Debug)]
struct Known {
    epoch: Epoch,
    ended: Vec<(Epoch, u64)>,
    head: AtomicU64,
}

impl Known {
    fn raise(&self, head: u64) {
        self.head.store(head, Ordering::Release);
    }

    fn covers(&self, cursor: &EventId) -> bool {
        let sequence = cursor.sequence();
        if *cursor.epoch() == self.epoch {
            return sequence <= self.head.load(Ordering::Acquire);
        }
        self.ended.iter().any(|(epoch, end)| epoch == cursor.epoch() && sequence <= *end)
    }
}

impl Sqlite {
    /// A store in the file at `path`, with the defaults of [`SqliteOptions::new`].
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self::new(SqliteOptions::new(path))
    }

    /// A store kept as told. Nothing is touched until it is opened.
    pub fn new(options: SqliteOptions) -> Self {
        Self {
            inner: Arc::new(Inner {
                options,
                run: Mutex::default(),
                expected: Arc::default(),
                announced: Announced::default(),
            }),
        }
    }

    fn path(&self) -> &Path {
        &self.inner.options.path
    }

    fn expected(&self) -> &Expected {
        &self.inner.expected
    }

    async fn begin(&self, opening: Opening, follower: Arc<dyn Follower>) -> Result<Opened, StoreError> {
        let SqliteOptions { wait_for_lock, busy_timeout, .. } = self.inner.options;
        if self.inner.run.lock().as_ref().is_some_and(|run| !run.commands.is_closed()) {
            return Err(StoreError::InUse(format!("this one, which has {} open", self.path().display())));
        }
        let path = &resolve(self.path())?;
        let lock = Lock::take(path, wait_for_lock).await?;
        let found = schema::find(path).await?;
        let mut loaded = match found {
            Found::Current => {
                let mut connection = connect::reading(path).await?;
                let loaded = load::load(path, &mut connection, &opening).await;
                let _ = connection.close().await;
                loaded?
            }
            Found::Nothing | Found::Older => Loaded::default(),
        };
        let mut connection = connect::writing(path, busy_timeout).await?;
        let told = |error: sqlx::Error| told(path, &error);
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(told)?;
        schema::migrate(&mut transaction, found).await.map_err(told)?;
        if found == Found::Older {
            loaded = load::load(path, &mut transaction, &opening).await?;
        }
        let epoch = begin::begin(&mut transaction, &opening, &loaded).await.map_err(told)?;
        transaction.commit().await.map_err(told)?;
        let secret = loaded.opened.secret.take().unwrap_or_else(|| opening.secret.clone());
        let opened = Opened { secret: Some(secret), ..loaded.opened };
        self.inner.announced.expect(&opened.leases);
        feed(&*follower, &opening, loaded.floor, &loaded.ended, loaded.entries);
        let head = AtomicU64::new(loaded.head);
        let known = Arc::new(Known { epoch: opening.epoch.clone(), ended: loaded.ended, head });
        let writer = Writer {
            path: path.clone(),
            busy: busy_timeout,
            connection,
            lock,
            follower,
            expected: self.inner.expected.clone(),
            known: known.clone(),
            opening,
            epoch,
            head: loaded.head,
            window: loaded.window,
            keys: loaded.keys,
            unsure: false,
        };
        let (sender, commands) = mpsc::channel(COMMANDS_MAX);
        *self.inner.run.lock() = Some(Run { commands: sender, known });
        tokio::spawn(writer.run(commands));
        Ok(opened)
    }

    /// Tells the writer, and waits for what it answers. It does as told even when nobody waits any more.
    async fn tell<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, StoreError> {
        let commands = self.inner.run.lock().as_ref().map(|run| run.commands.clone()).ok_or_else(closed)?;
        let (answer, answered) = oneshot::channel();
        commands.send(command(answer)).await.map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }
}

impl Store for Sqlite {
    fn open(&self, opening: Opening, follower: Arc<dyn Follower>) -> Answer<'_, Opened> {
        Box::pin(self.begin(opening, follower))
    }

    fn append(&self, drafts: Vec<Draft>, key: Option<Key>) -> Answer<'_, Appended> {
        Box::pin(self.tell(|answer| Command::Append { drafts, key, answer }))
    }

    fn covers<'a>(&'a self, cursor: &'a EventId) -> Answer<'a, bool> {
        Box::pin(
            async move { Ok(self.inner.run.lock().as_ref().is_some_and(|run| run.known.covers(cursor))) },
        )
    }

    fn lease(&self, leases: Vec<Lease>) -> Answer<'_, Vec<PresenceChange>> {
        Box::pin(async move {
            for leases in leases.chunks(TOLD) {
                self.tell(|answer| Command::Lease { leases: leases.to_vec(), answer }).await?;
            }
            Ok(self.inner.announced.changes(leases))
        })
    }

    fn save(&self, saved: Vec<Saved>) -> Answer<'_, ()> {
        Box::pin(async move {
            for saved in saved.chunks(TOLD) {
                self.tell(|answer| Command::Save { saved: saved.to_vec(), answer }).await?;
            }
            Ok(())
        })
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            if self.inner.run.lock().as_ref().is_none_or(|run| run.commands.is_closed()) {
                return Ok(());
            }
            let closed = self.tell(|answer| Command::Close { answer }).await;
            *self.inner.run.lock() = None;
            closed
        })
    }
}

/// The window, and where it begins.
fn feed(
    follower: &dyn Follower,
    opening: &Opening,
    floor: u64,
    ended: &[(Epoch, u64)],
    entries: Vec<protocol::Entry>,
) {
    follower.begin(Beginning { epoch: opening.epoch.clone(), floor, ended: ended.to_vec() });
    let mut entries = entries.into_iter().peekable();
    while entries.peek().is_some() {
        follower.follow(entries.by_ref().take(FOLLOWED).collect());
    }
}

/// The file itself, so that two names of it are one.
fn resolve(path: &Path) -> Result<PathBuf, StoreError> {
    if let Ok(path) = path.canonicalize() {
        return Ok(path);
    }
    let unavailable = |why: &str| StoreError::Unavailable(format!("{}: {why}", path.display()));
    let name = path.file_name().ok_or_else(|| unavailable("no name of a file"))?;
    let folder = match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => return Err(unavailable("no name of a file")),
    };
    let folder = folder.canonicalize().map_err(|error| unavailable(&error.to_string()))?;
    Ok(folder.join(name))
}
