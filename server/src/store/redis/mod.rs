//! A store in a Redis or Valkey server, shared by several instances.

mod address;
mod failure;
mod follow;
mod link;
mod opened;
mod presence;
mod script;
mod sender;
mod standing;
mod tend;

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use protocol::EventId;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::timeout,
};

use super::{
    Answer, Appended, Draft, Elsewhere, Follower, Key, Lease, Member, Opened, Opening, Saved, Store,
    StoreError, columns::Columns, holder::Holder,
};
use crate::{Presence, PresenceChange, random};
use address::Address;
use follow::{Follow, Seen};
use link::Link;
use sender::{Entrance, WAITING_MAX, Waiting};

/// How a [`Redis`] behaves.
#[derive(Debug, Clone)]
pub struct RedisOptions {
    /// `tidings`: what our keys begin with, in braces, so that all of them lie in one slot of a cluster. One per
    /// hub; several hubs may share a server under different names. Up to 48 of `a-z`, `0-9` and `_`.
    pub name: String,
    /// 5 s: how long a send, or any other question, waits for the server before it fails with
    /// [`StoreError::Unavailable`].
    pub wait: Duration,
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self { name: "tidings".to_owned(), wait: Duration::from_secs(5) }
    }
}

/// The log in a Redis server of version 7 or later, or in Valkey, shared by any number of instances. A handle,
/// cheap to clone.
///
/// # Example
/// ```no_run
/// use tidings_server::{Config, Hub, Redis, protocol::Contract, store::RedisOptions};
///
/// async fn start<C: Contract>() -> Result<Hub<C>, Box<dyn std::error::Error>> {
///     let store = Redis::new("redis://localhost", RedisOptions::default())?;
///     Ok(Hub::start(Config::default(), store).await?)
/// }
/// ```
///
/// # Where it is
/// | URL | what |
/// |---|---|
/// | `redis://user:password@host:6379/0`, `rediss://…` | one server, the latter over TLS (feature `redis-tls`) |
/// | `redis+unix:///path/to/socket` | the same by its socket |
/// | `redis+sentinel://user:password@host:26379,host,…/0?master=name` | the primary that sentinels name; the credentials are the server's |
/// | `redis+cluster://user:password@host:6379,host,…` | the primary that has our slot |
/// | `rediss+sentinel://…`, `rediss+cluster://…` | the same over TLS, to the sentinels too |
///
/// # How the order is made
/// One script gives a batch its sequence numbers, appends it to a stream, and wakes the instances, in one step.
/// Every instance follows the stream, in order. A wake-up (sharded Pub/Sub) carries nothing and may be lost: an
/// instance looks every second anyway, and after every reconnection. One multiplexed connection per process
/// does all of it, whatever the number of clients.
///
/// Each run of an instance begins an epoch, and so does the script itself when it finds that another run of the
/// server has the log than the one that wrote it (by `run_id` and `master_replid`): after a restart, a fail-over,
/// a restored copy. It compares in the very call that appends, so no entry is ever added to a log that had lost
/// its end unnoticed.
///
/// # What is guaranteed
/// A send that returned is as safe as the server keeps its writes. With `appendonly yes`, `appendfsync always`
/// and `no-appendfsync-on-rewrite no` that is its disk: after a crash everything is there, and clients go on
/// without a gap. With anything less (`everysec`, snapshots, nothing), and with replicas, which get writes after
/// they were acknowledged, some of it may be gone; which, nobody knows. So after a restart or a fail-over of such
/// a server the log begins anew, and every client gets one gap and fetches what it shows. A server that does not
/// let us ask for its settings (`CONFIG GET`) counts as one of the latter. A primary whose last replica has been gone
/// for `repl-backlog-ttl`, an hour, changes its replication id, which looks the same: one gap more.
///
/// A send that failed with [`StoreError::Unavailable`] may have been appended all the same;
/// [`crate::Hub::send_once`] makes it safe to try again. While the server is away, sends wait
/// ([`RedisOptions::wait`]) and then fail so ([`crate::SendError::is_retryable`]), streams stay open, and all is
/// caught up on its return.
///
/// # What it asks for
/// Memory for the window and what is known of users; `maxmemory-policy` must not be one of `allkeys-…`, which
/// would take the log's keys for a cache. The commands in the scripts, `SSUBSCRIBE`, and best `CONFIG|GET`.
#[doc = include_str!("numbers.md")]
#[derive(Clone)]
pub struct Redis {
    inner: Arc<Inner>,
    run: Arc<Slot>,
}

/// What the handle and the tasks of a run share.
#[derive(Debug)]
struct Inner {
    options: RedisOptions,
    link: Link,
}

/// The run, once there is one; its tasks end with it.
#[derive(Debug, Default)]
struct Slot(Mutex<Option<Run>>);

#[derive(Debug)]
struct Run {
    /// Who holds the leases and the connections of this run.
    holder: Holder,
    entrance: Entrance,
    send: mpsc::Sender<Waiting>,
    sender: JoinHandle<()>,
    others: [JoinHandle<()>; 2],
}

impl Drop for Run {
    fn drop(&mut self) {
        self.sender.abort();
        self.others.iter().for_each(JoinHandle::abort);
    }
}

impl Redis {
    /// A store in the server that `url` names. Connects to nothing yet.
    ///
    /// # Errors
    /// [`StoreError::Foreign`] when the URL or the name cannot be one.
    pub fn new(url: &str, options: RedisOptions) -> Result<Self, StoreError> {
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let name = &options.name;
        if name.is_empty() || name.len() > 48 || !name.chars().all(is_name) {
            return Err(StoreError::Foreign(format!("{name:?} is no name: 1 to 48 of a-z, 0-9 and _")));
        }
        let link = Link::new(Address::parse(url)?, name, options.wait);
        Ok(Self { inner: Arc::new(Inner { options, link }), run: Arc::default() })
    }

    /// What an ordinary call needs of the run.
    fn begun<T>(&self, part: impl FnOnce(&Run) -> T) -> Result<T, StoreError> {
        let run = self.run.0.lock();
        run.as_ref().map(part).ok_or_else(|| StoreError::Unavailable("the store is not open".to_owned()))
    }

    async fn begin(&self, opening: Opening, follower: Arc<dyn Follower>) -> Result<Opened, StoreError> {
        let link = &self.inner.link;
        let name = random::token().map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let secret = link.begin(&opening.epoch, &opening.secret).await?;
        let (seen, is_seen) = watch::channel(Seen::default());
        let follow = Follow::load(self.inner.clone(), follower, seen, secret.clone()).await?;
        let entrance = Entrance { inner: self.inner.clone(), seen: is_seen, window: opening.limits };
        // What has had its time is nothing to begin with.
        while tend::step(&entrance, opening.revocations_kept).await? {}
        let opened = opened::rest(link, opening.clock.now()).await?;
        let (send, waiting) = mpsc::channel(WAITING_MAX);
        let run = Run {
            holder: Holder::of(&opening),
            send,
            sender: tokio::spawn(sender::run(entrance.clone(), name, waiting)),
            others: [
                tokio::spawn(follow.run()),
                tokio::spawn(tend::run(entrance.clone(), opening.revocations_kept)),
            ],
            entrance,
        };
        *self.run.0.lock() = Some(run);
        Ok(Opened { secret: Some(secret), ..opened })
    }

    async fn send(&self, drafts: Vec<Draft>, key: Option<Key>) -> Result<Appended, StoreError> {
        let (entrance, send) = self.begun(|run| (run.entrance.clone(), run.send.clone()))?;
        let rows = drafts.into_iter().map(Columns::of).collect::<Result<Vec<_>, _>>()?;
        if rows.is_empty() {
            return Ok(Appended { ids: Vec::new(), duplicate: false });
        }
        let appended = if let Some(key) = key {
            entrance.append_once(&rows, &key).await?
        } else {
            let closed = || StoreError::Unavailable("the store is closed".to_owned());
            let (reply, answer) = oneshot::channel();
            send.send(Waiting { rows, reply }).await.map_err(|_| closed())?;
            drop(send);
            Appended { ids: answer.await.map_err(|_| closed())??, duplicate: false }
        };
        entrance.reach(appended.ids.last().map_or(0, EventId::sequence)).await;
        Ok(appended)
    }
}

impl Store for Redis {
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
            let lineage = follow::lineage(&self.inner.link).await?;
            // Whatever is said about it, more has been committed than this instance has followed.
            self.inner.link.look();
            Ok(lineage.covers(cursor))
        })
    }

    fn lease(&self, leases: Vec<Lease>) -> Answer<'_, Vec<PresenceChange>> {
        Box::pin(async move {
            let holder = self.begun(|run| run.holder.clone())?;
            presence::lease(&self.inner.link, &holder, &leases).await
        })
    }

    fn hand_over(&self, leases: Vec<Lease>) -> Answer<'_, ()> {
        Box::pin(async move {
            let holder = self.begun(|run| run.holder.clone())?;
            presence::hand_over(&self.inner.link, &holder, &leases).await
        })
    }

    fn presence<'a>(&'a self, user: &'a str) -> Answer<'a, Presence> {
        Box::pin(async move {
            let holder = self.begun(|run| run.holder.clone())?;
            presence::presence(&self.inner.link, &holder, user).await
        })
    }

    fn save(&self, connections: Vec<Saved>) -> Answer<'_, ()> {
        Box::pin(async move {
            let holder = self.begun(|run| run.holder.clone())?;
            standing::save(&self.inner.link, &holder.instance, connections).await
        })
    }

    fn meet(&self, own: Member) -> Answer<'_, Vec<Member>> {
        Box::pin(async move {
            let holder = self.begun(|run| run.holder.clone())?;
            standing::meet(&self.inner.link, &holder.instance, own).await
        })
    }

    fn elsewhere(&self) -> Answer<'_, Vec<Elsewhere>> {
        Box::pin(async move {
            let holder = self.begun(|run| run.holder.clone())?;
            opened::elsewhere(&self.inner.link, &holder.instance, holder.clock.now()).await
        })
    }

    fn elsewhere_of<'a>(&'a self, user: &'a str) -> Answer<'a, Vec<String>> {
        Box::pin(async move {
            let holder = self.begun(|run| run.holder.clone())?;
            standing::elsewhere_of(&self.inner.link, &holder, user).await
        })
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn is_followed(&self) -> bool {
        self.inner.link.is_followed()
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            let run = self.run.0.lock().take();
            if let Some(mut run) = run {
                // What waits is sent first.
                run.send = mpsc::channel(1).0;
                let _ = timeout(self.inner.options.wait, &mut run.sender).await;
                if let Err(error) = standing::part(&self.inner.link, &run.holder.instance).await {
                    tracing::debug!(%error, "the other instances were not told that this one ends");
                }
                drop(run);
                self.inner.link.close();
            }
            Ok(())
        })
    }
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redis").field("name", &self.inner.options.name).finish_non_exhaustive()
    }
}
