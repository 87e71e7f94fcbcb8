//! A store in a PostgreSQL database, shared by several instances and with the app's own transactions.

mod failure;
mod follow;
mod inner;
mod keys;
mod listener;
mod opened;
mod presence;
mod rows;
mod schema;
mod sender;
mod sequencer;
mod session;
mod standby;
mod standing;
mod tickets;

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use protocol::EventId;
use sqlx::{PgConnection, Row as _, postgres::PgConnectOptions};
use tokio::{
    sync::{Notify, mpsc, oneshot, watch},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use super::{
    Answer, Appended, Draft, Elsewhere, Follower, Key, Lease, Member, Opened, Opening, Outbox, Saved, Store,
    StoreError, columns::Columns, holder::Holder,
};
use crate::{Presence, PresenceChange, random};
use failure::Failure;
use follow::Follow;
use inner::Inner;
use rows::{corrupt, signed};
use schema::Schema;
use sender::{WAITING_MAX, Waiting};
use sequencer::Kept;
use standby::Standby;
use tickets::Tickets;

/// How a [`Postgres`] behaves.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// `tidings`: the schema in which everything of ours lies. One per hub; several hubs may share a
    /// database under different names. Up to 48 of `a-z`, `0-9` and `_`.
    pub schema: String,
    /// 5 s: how long a send, or any other question, waits for the database before it fails with
    /// [`StoreError::Unavailable`]. No statement of ours runs longer in the database either.
    pub wait: Duration,
    /// 4: connections for what is asked now and then (sends with a key, leases, cursors from elsewhere). Four
    /// more have one task each: the sender, the follower, the listener, the sequencer.
    pub pool: u32,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self { schema: "tidings".to_owned(), wait: Duration::from_secs(5), pool: 4 }
    }
}

/// The log in a PostgreSQL database of version 15 or later, in a schema of its own, shared by any number of
/// instances and with the app's own transactions. A handle, cheap to clone: keep one for
/// [`Outbox::send_in`] and give one to the hub.
///
/// # Example
/// ```no_run
/// use tidings_server::{
///     Audience, Config, Hub, Postgres,
///     protocol::Contract,
///     store::{Outbox, PostgresOptions, sqlx},
/// };
///
/// async fn run<C: Contract>(goals: sqlx::PgPool, event: &C) -> Result<(), Box<dyn std::error::Error>> {
///     let store = Postgres::new("postgres://app@localhost/app", PostgresOptions::default())?;
///     let hub = Hub::<C>::start(Config::default(), store.clone()).await?;
///     // The event exists if and only if this commits:
///     let mut transaction = goals.begin().await?;
///     sqlx::query("UPDATE goals SET title = 'Sleep' WHERE id = 1").execute(&mut *transaction).await?;
///     store.send_in(&mut transaction, Audience::group("team"), event).await?;
///     transaction.commit().await?;
///     # drop(hub);
///     Ok(())
/// }
/// ```
///
/// # How the order is made
/// Every event, sent either way, is first a row of the table `outbox`, inserted in the transaction that sends
/// it. One instance is the *sequencer*: it holds an advisory lock, and moves whatever is committed there into
/// the table `entries`, without holes and in order of the rows' numbers, which a sequence of the database
/// gives. Of two transactions of which one began after the other had committed, the later one's numbers are
/// larger, and a snapshot that shows its rows shows the earlier one's: so the earlier one's have their places
/// before or with them. A row whose transaction commits late is found whenever it does; nothing is skipped,
/// and nothing waits for it. Inside the app's transaction ours is one `INSERT`: it locks no row that anybody
/// else writes, so that an idle transaction stops nobody. (It does keep PostgreSQL from removing dead rows,
/// as any does: after hours of it the sequencer slows down.)
///
/// Each time an instance becomes the sequencer it begins an epoch, in the transaction that records where the
/// one before ended. Every step checks, in its own transaction, that the epoch and the last sequence are
/// still its own: one that was replaced, or whose database was restored, writes nothing more.
///
/// Every instance follows the table, in order; a notification only wakes it, and it looks every second
/// anyway, and after every reconnect. Only the sequencer notifies, at most every 5 ms and in statements of
/// their own, since `NOTIFY` takes a lock of the whole database at its commit.
///
/// # What is guaranteed
/// A send that returned is committed as `synchronous_commit` of the database says. One that failed with
/// [`StoreError::Unavailable`] may have been committed all the same, at the latest when the database is back;
/// [`crate::Hub::send_once`] makes it safe to try again. While the database is away, sends wait
/// ([`PostgresOptions::wait`]) and then fail so ([`crate::SendError::is_retryable`]), streams stay open, and
/// all is caught up on its return. A database that was restored from a backup, or a standby that lacks the
/// newest commits, is noticed by the epoch rule, and every stream that had seen more is told of a gap.
///
/// # What it asks for
/// A direct connection or one pooled by session, as advisory locks, notifications and settings belong to a
/// session; the right to create the schema, or an empty schema of that name; at most
/// [`PostgresOptions::pool`] + 4 connections per instance. The app's own connections may be of any pool.
/// TLS needs the feature `postgres-tls`.
#[doc = include_str!("numbers.md")]
#[derive(Clone)]
pub struct Postgres {
    inner: Arc<Inner>,
    run: Arc<Slot>,
}

/// The run, once there is one; its tasks end with it.
#[derive(Debug, Default)]
struct Slot(Mutex<Option<Run>>);

#[derive(Debug)]
struct Run {
    /// Who has the leases and the connections of this run.
    holder: Holder,
    send: mpsc::Sender<Waiting>,
    over: watch::Sender<bool>,
    tasks: Tasks,
}

#[derive(Debug)]
struct Tasks {
    sender: JoinHandle<()>,
    sequencer: JoinHandle<()>,
    readers: Vec<JoinHandle<()>>,
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.sender.abort();
        self.sequencer.abort();
        self.readers.iter().for_each(JoinHandle::abort);
    }
}

impl Postgres {
    /// A store in the database that `url` names, such as `postgres://app@localhost/app`. Connects to nothing
    /// yet.
    ///
    /// # Errors
    /// [`StoreError::Foreign`] when the URL or the schema's name cannot be one.
    pub fn new(url: &str, options: PostgresOptions) -> Result<Self, StoreError> {
        let connect =
            url.parse().map_err(|error| StoreError::Foreign(format!("no database's URL: {error}")))?;
        Self::with(connect, options)
    }

    /// The same, with the options of sqlx.
    ///
    /// # Errors
    /// [`StoreError::Foreign`] when the schema's name cannot be one, [`StoreError::Unavailable`] when the
    /// system gives no randomness.
    pub fn with(connect: PgConnectOptions, options: PostgresOptions) -> Result<Self, StoreError> {
        let random = random::secret().map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let [a, b, c, d, e, f, g, h, ..] = random;
        let inner = Inner {
            schema: Schema::new(&options.schema)?,
            connect,
            pool: OnceLock::new(),
            // Half of the positive numbers are left to rise through.
            tickets: Tickets::new(i64::from_be_bytes([a, b, c, d, e, f, g, h]) >> 2 & (i64::MAX >> 1)),
            sequencer: Notify::new(),
            follower: Notify::new(),
            begun: Notify::new(),
            position: watch::Sender::new(0),
            followed: AtomicBool::new(true),
            options,
        };
        Ok(Self { inner: Arc::new(inner), run: Arc::default() })
    }

    /// Makes the schema, or brings it to this version. [`Store::open`] does the same; a process that only
    /// publishes may call it, or leave it to those that open.
    ///
    /// # Errors
    /// [`StoreError::Foreign`] when the schema is somebody else's or of a newer version, or the server is
    /// older than 15.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        self.inner.schema.migrate(&self.inner.connect_as("migration"), self.inner.bound()).await
    }

    /// What an ordinary call needs of the run.
    fn begun(&self) -> Result<(Holder, mpsc::Sender<Waiting>), StoreError> {
        self.inner.begun.notify_one();
        let run = self.run.0.lock();
        let run = run.as_ref().ok_or_else(|| StoreError::Unavailable("the store is not open".to_owned()))?;
        Ok((run.holder.clone(), run.send.clone()))
    }

    async fn begin(&self, opening: Opening, follower: Arc<dyn Follower>) -> Result<Opened, StoreError> {
        let inner = &self.inner;
        self.migrate().await?;
        let secret = opened::secret(inner, &opening.secret).await?;
        let holder = Holder::of(&opening);
        // Not the epoch's token: tickets rise within a run only, whatever a caller names its epochs.
        let name = random::token().map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let (send, waiting) = mpsc::channel(WAITING_MAX);
        let (over, is_over) = watch::channel(false);
        let vacant = Arc::new(Notify::new());
        let standby = Standby { over: is_over, vacant: vacant.clone() };
        let kept = Kept { window: opening.limits, revocations: opening.revocations_kept };
        let (settle, settled) = oneshot::channel();
        let mut tasks = Tasks {
            sender: tokio::spawn(sender::run(inner.clone(), name, waiting)),
            sequencer: tokio::spawn(sequencer::run(
                inner.clone(),
                holder.instance.clone(),
                kept,
                standby,
                settle,
            )),
            readers: vec![tokio::spawn(listener::run(inner.clone(), vacant))],
        };
        // Whoever is alone begins under its own epoch. Should the task have died, the load says so.
        let _ = settled.await;
        let follow = Follow::load(inner.clone(), follower).await?;
        let opened = opened::rest(inner, opening.clock.now()).await?;
        tasks.readers.push(tokio::spawn(follow.run()));
        let run = Run { holder, send, over, tasks };
        *self.run.0.lock() = Some(run);
        Ok(Opened { secret: Some(secret), ..opened })
    }

    async fn send(&self, drafts: Vec<Draft>, key: Option<Key>) -> Result<Appended, StoreError> {
        let (_, send) = self.begun()?;
        let rows = drafts.into_iter().map(Columns::of).collect::<Result<Vec<_>, _>>()?;
        if rows.is_empty() {
            return Ok(Appended { ids: Vec::new(), duplicate: false });
        }
        if let Some(key) = key {
            return keys::append(&self.inner, rows, key).await;
        }
        let closed = || StoreError::Unavailable("the store is closed".to_owned());
        let (reply, answer) = oneshot::channel();
        send.send(Waiting { rows, reply }).await.map_err(|_| closed())?;
        drop(send);
        let ids = answer.await.map_err(|_| closed())??;
        Ok(Appended { ids, duplicate: false })
    }

    /// Ends a run: what was begun is finished, then the sequencer's place is given up.
    async fn end(&self, run: Run) {
        let Run { send, over, mut tasks, holder } = run;
        let bound = self.inner.bound();
        if let Err(error) = standing::part(&self.inner, &holder.instance).await {
            tracing::debug!(%error, "the other instances were not told that this one ends");
        }
        drop(send);
        let _ = timeout(bound, &mut tasks.sender).await;
        let patience = Instant::now() + bound;
        while !self.inner.tickets.is_empty() && Instant::now() < patience {
            sleep(Duration::from_millis(5)).await;
        }
        over.send_replace(true);
        self.inner.sequencer.notify_one();
        let _ = timeout(bound, &mut tasks.sequencer).await;
        drop(tasks);
        if let Some(pool) = self.inner.pool.get() {
            let _ = timeout(bound, pool.close()).await;
        }
    }
}

impl Store for Postgres {
    fn open(&self, opening: Opening, follower: Arc<dyn Follower>) -> Answer<'_, Opened> {
        Box::pin(async move {
            if self.run.0.lock().is_some() {
                return Err(StoreError::InUse("this handle has been opened before".to_owned()));
            }
            self.begin(opening, follower).await
        })
    }

    fn append(&self, drafts: Vec<Draft>, key: Option<Key>) -> Answer<'_, Appended> {
        Box::pin(async move {
            let wait = self.inner.options.wait;
            timeout(wait, self.send(drafts, key)).await.unwrap_or_else(|_| {
                Err(StoreError::Unavailable(format!("no commit is known of within {wait:?}")))
            })
        })
    }

    fn covers<'a>(&'a self, cursor: &'a EventId) -> Answer<'a, bool> {
        Box::pin(async move {
            let text = self.inner.schema.sql(
                "SELECT EXISTS (SELECT FROM {schema}.epochs, {schema}.head
                WHERE token = $1 AND $2 <= coalesce(ended, sequence)) AS covered",
            );
            let statement = sqlx::query(&text).bind(cursor.epoch().as_str()).bind(signed(cursor.sequence()));
            let rows = session::all(self.inner.pool(), self.inner.bound(), statement).await?;
            let row = rows.first().ok_or_else(|| corrupt("no answer"))?;
            // Whatever is said about it, more has been committed than this instance has followed.
            self.inner.follower.notify_one();
            row.try_get("covered").map_err(corrupt)
        })
    }

    fn lease(&self, leases: Vec<Lease>) -> Answer<'_, Vec<PresenceChange>> {
        Box::pin(async move { presence::lease(&self.inner, &self.begun()?.0, &leases).await })
    }

    fn hand_over(&self, leases: Vec<Lease>) -> Answer<'_, ()> {
        Box::pin(async move { presence::hand_over(&self.inner, &self.begun()?.0, &leases).await })
    }

    fn presence<'a>(&'a self, user: &'a str) -> Answer<'a, Presence> {
        Box::pin(async move { presence::presence(&self.inner, &self.begun()?.0, user).await })
    }

    fn save(&self, connections: Vec<Saved>) -> Answer<'_, ()> {
        Box::pin(async move { standing::save(&self.inner, &self.begun()?.0.instance, connections).await })
    }

    fn meet(&self, own: Member) -> Answer<'_, Vec<Member>> {
        Box::pin(async move { standing::meet(&self.inner, &self.begun()?.0.instance, own).await })
    }

    fn elsewhere(&self) -> Answer<'_, Vec<Elsewhere>> {
        Box::pin(async move {
            let (holder, _) = self.begun()?;
            opened::elsewhere(&self.inner, &holder.instance, holder.clock.now()).await
        })
    }

    fn elsewhere_of<'a>(&'a self, user: &'a str) -> Answer<'a, Vec<String>> {
        Box::pin(async move { standing::elsewhere_of(&self.inner, &self.begun()?.0, user).await })
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn is_followed(&self) -> bool {
        self.inner.followed.load(Ordering::Relaxed)
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            let run = self.run.0.lock().take();
            if let Some(run) = run {
                self.end(run).await;
            }
            Ok(())
        })
    }
}

impl Outbox for Postgres {
    type Connection = PgConnection;

    fn enqueue<'a>(&'a self, transaction: &'a mut PgConnection, draft: Draft) -> Answer<'a, ()> {
        Box::pin(async move {
            let columns = [Columns::of(draft)?];
            let text = self.inner.schema.sql(&format!(
                "INSERT INTO {{schema}}.outbox (kind, channels, body, subject, granted)
                SELECT r.kind, r.channels, r.body, r.subject, r.granted FROM {}",
                rows::ROWS
            ));
            let statement = rows::Arrays::of(columns.iter()).bind(&text);
            statement.execute(transaction).await.map_err(Failure::from)?;
            self.inner.sequencer.notify_one();
            Ok(())
        })
    }
}

impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Postgres").field("schema", &self.inner.options.schema).finish_non_exhaustive()
    }
}
