//! One run of a store, and a follower that writes down what it is given.

use std::{
    sync::{Arc, atomic::AtomicU64, atomic::Ordering},
    time::Duration,
};

use parking_lot::{Condvar, Mutex};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tidings_server::{
    Audience, Clock, Presence, Secret, StoreError,
    protocol::{
        Channel, Contract, Covered, Delivery, Entry, Epoch, EventId, History, Limits, Located,
        NoApplicationError, Notice, Payload, Query, Read, Revoked, Time,
    },
    store::{Appended, Beginning, Draft, Follower, Key, Lease, Matter, Opened, Opening, Store},
};
use tokio::{sync::watch, task::JoinHandle};

use crate::place::Place;

/// Longer than anything takes that is going to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Long enough for what must not happen to happen where it would.
pub(crate) const GLANCE: Duration = Duration::from_millis(150);

#[derive(Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
pub(crate) enum Event {
    Said { text: String },
    Typing { text: String },
}

impl Contract for Event {
    const REVISION: u32 = 1;
    const HASH: &'static str = "";
    const NAMES: &'static [&'static str] = &["said", "typing"];
    type ApplicationError = NoApplicationError;
    const APPLICATION_ERROR: Option<&'static str> = None;

    fn name(&self) -> &'static str {
        match self {
            Self::Said { .. } => "said",
            Self::Typing { .. } => "typing",
        }
    }

    fn delivery(&self) -> Delivery {
        match self {
            Self::Said { .. } => Delivery::Durable,
            Self::Typing { .. } => Delivery::LiveOnly,
        }
    }

    fn application_error(error: NoApplicationError) -> Self {
        match error {}
    }
}

fn draft(event: &Event) -> Draft {
    Draft::event(Audience::everyone(), event, &Default::default(), Default::default()).expect("it frames")
}

/// An event for everyone that is kept.
pub(crate) fn said(text: &str) -> Draft {
    draft(&Event::Said { text: text.to_owned() })
}

/// An event for everyone that is not.
pub(crate) fn typing(text: &str) -> Draft {
    draft(&Event::Typing { text: text.to_owned() })
}

/// A change of rights.
pub(crate) fn notice(notice: Notice) -> Draft {
    let channels = notice.channel().expect("a channel").into();
    Draft { channels, matter: Matter::Notice(notice) }
}

/// A key of which only the digest of what is sent under it matters.
pub(crate) fn key(name: &str, payload: &str) -> Key {
    Key { name: name.to_owned(), digest: Sha256::digest(payload).into() }
}

/// How a client is continued.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Resumed {
    /// With these.
    Replayed(Vec<String>),
    /// Something it missed has been removed.
    Retention,
    /// What it stood on is not in this log.
    Epoch,
    /// It has seen more than this instance, and rightly so.
    Ahead,
}

/// A store that was opened.
pub(crate) struct Run<S> {
    pub(crate) store: Arc<S>,
    pub(crate) watcher: Arc<Watcher>,
    pub(crate) opened: Opened,
    pub(crate) epoch: Epoch,
}

impl<S: Store> Run<S> {
    pub(crate) async fn open<P: Place<Store = S>>(place: &P) -> Self {
        Self::open_with(place, opening()).await
    }

    pub(crate) async fn open_with<P: Place<Store = S>>(place: &P, opening: Opening) -> Self {
        let watcher = Arc::new(Watcher::new(opening.limits));
        let (store, epoch) = (Arc::new(place.store()), opening.epoch.clone());
        let opened = store.open(opening, watcher.clone()).await.expect("it opens");
        Self { store, watcher, opened, epoch }
    }

    /// The same with a store that is reached in a way of its own.
    pub(crate) async fn open_store(store: S) -> Self {
        Self::try_open(store).await.expect("it opens")
    }

    /// The same, or why not.
    pub(crate) async fn try_open(store: S) -> Result<Self, StoreError> {
        let opening = opening();
        let watcher = Arc::new(Watcher::new(opening.limits));
        let (store, epoch) = (Arc::new(store), opening.epoch.clone());
        let opened = store.open(opening, watcher.clone()).await?;
        Ok(Self { store, watcher, opened, epoch })
    }

    pub(crate) async fn append(&self, drafts: Vec<Draft>, key: Option<Key>) -> Result<Appended, StoreError> {
        self.store.append(drafts, key).await
    }

    /// Appends in a task of its own.
    pub(crate) fn spawn(
        &self,
        drafts: Vec<Draft>,
        key: Option<Key>,
    ) -> JoinHandle<Result<Appended, StoreError>> {
        let store = self.store.clone();
        tokio::spawn(async move { store.append(drafts, key).await })
    }

    /// One event for everyone.
    pub(crate) async fn say(&self, text: &str) -> EventId {
        self.send(said(text)).await
    }

    /// One draft of any kind.
    pub(crate) async fn send(&self, draft: Draft) -> EventId {
        self.append(vec![draft], None).await.expect("sent").ids.pop().expect("an id")
    }

    /// `1` to `count`, in one batch.
    pub(crate) async fn count_to(&self, count: u64) -> Vec<EventId> {
        let drafts = (1..=count).map(|n| said(&n.to_string())).collect();
        self.append(drafts, None).await.expect("sent").ids
    }

    /// How the hub continues a client that comes with `cursor` and may read what is for everyone.
    pub(crate) async fn resume(&self, cursor: &EventId) -> Resumed {
        let located = self.watcher.seen.lock().history.locate(cursor);
        let sequence = match located {
            Located::At(sequence) => sequence,
            Located::Lost => return Resumed::Epoch,
            Located::Ahead | Located::UnknownEpoch => {
                return if self.store.covers(cursor).await.expect("it knows") {
                    Resumed::Ahead
                } else {
                    Resumed::Epoch
                };
            }
        };
        let seen = self.watcher.seen.lock();
        let covered = [Covered::from_the_beginning(Channel::all())];
        let query = Query {
            cursor: sequence,
            covered: &covered,
            replay_until: seen.history.head().sequence(),
            rights_at: u64::MAX,
            generation: seen.history.generation(),
            budget: usize::MAX,
        };
        match seen.history.after(&query) {
            Read::Batch(batch) => Resumed::Replayed(batch.frames.iter().map(|frame| text(frame)).collect()),
            _ => Resumed::Retention,
        }
    }

    /// The process dies: nothing is said to the store.
    pub(crate) fn kill(self) {}

    /// The process ends as it should.
    pub(crate) async fn close(self) {
        self.store.close().await.expect("it closes");
    }
}

/// A run under an epoch of its own, with limits that nothing here reaches.
pub(crate) fn opening() -> Opening {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    let mut secret = [0; 32];
    secret[..8].copy_from_slice(&run.to_be_bytes());
    Opening {
        epoch: Epoch::new(&format!("run{run}.{}", std::process::id())).expect("an epoch"),
        secret: Secret::new(secret),
        limits: Limits::default(),
        clock: Clock::start(),
        revocations_kept: Duration::from_secs(3_600),
        presence_lease: Duration::from_secs(45),
        leave_grace: Duration::from_secs(10),
    }
}

/// What an instance that has a user says, and for how long.
pub(crate) fn here(user: &str, lasts: Duration) -> Lease {
    Lease { user: user.to_owned(), presence: Presence::Online, until: opening().clock.now() + lasts }
}

/// What one says that has a user no more.
pub(crate) fn left(user: &str) -> Lease {
    Lease { user: user.to_owned(), presence: Presence::Offline, until: opening().clock.now() }
}

/// Waits for what is going to happen.
pub(crate) async fn eventually(what: &str, mut happened: impl AsyncFnMut() -> bool) {
    let until = tokio::time::Instant::now() + PATIENCE;
    while !happened().await {
        assert!(tokio::time::Instant::now() < until, "never happened: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn text(frame: &[u8]) -> String {
    let frame = std::str::from_utf8(frame).expect("UTF-8");
    let text = frame.split_once(r#""text":""#).expect("a text").1;
    text.split_once('"').expect("its end").0.to_owned()
}

/// What a follower was given.
pub(crate) struct Seen {
    pub(crate) history: History,
    pub(crate) entries: Vec<Entry>,
    pub(crate) beginnings: Vec<Beginning>,
    /// What was told to be revoked before its entry came, and behind which sequence that was told.
    pub(crate) foreseen: Vec<(u64, Vec<(Revoked, Time)>)>,
}

impl Seen {
    pub(crate) fn ids(&self) -> Vec<EventId> {
        self.entries.iter().map(|entry| entry.id.clone()).collect()
    }

    pub(crate) fn sequences(&self) -> Vec<u64> {
        self.entries.iter().map(|entry| entry.id.sequence()).collect()
    }

    /// The texts of the events, `-` for what has none.
    pub(crate) fn texts(&self) -> Vec<String> {
        let text = |entry: &Entry| match &entry.payload {
            Payload::Event { block, .. } => text(&block.unlabelled()),
            Payload::Notice(_) | Payload::Past => "-".to_owned(),
        };
        self.entries.iter().map(text).collect()
    }
}

/// A follower that can be made to stop before an entry.
pub(crate) struct Watcher {
    pub(crate) seen: Mutex<Seen>,
    head: watch::Sender<u64>,
    gate: Mutex<Gate>,
    moved: Condvar,
}

#[derive(Default)]
struct Gate {
    held_back: Option<u64>,
    waits: bool,
}

impl Watcher {
    pub(crate) fn new(limits: Limits) -> Self {
        let history = History::new(Epoch::new("none").expect("an epoch"), limits);
        let seen = Seen { history, entries: Vec::new(), beginnings: Vec::new(), foreseen: Vec::new() };
        Self {
            seen: Mutex::new(seen),
            head: watch::Sender::new(0),
            gate: Mutex::default(),
            moved: Condvar::new(),
        }
    }

    /// The sequence that was followed last.
    fn position(&self) -> u64 {
        *self.head.borrow()
    }

    /// Everything stops before `sequence`.
    pub(crate) fn hold_back(&self, sequence: u64) {
        self.gate.lock().held_back = Some(sequence);
    }

    /// Whether it has come there.
    pub(crate) fn waits(&self) -> bool {
        self.gate.lock().waits
    }

    /// Goes on.
    pub(crate) fn let_go(&self) {
        self.gate.lock().held_back = None;
        self.moved.notify_all();
    }

    /// Waits until so many entries have come in all.
    pub(crate) async fn saw(&self, entries: usize) {
        let mut head = self.head.subscribe();
        let enough = head.wait_for(|_| self.seen.lock().entries.len() >= entries);
        let waited = tokio::time::timeout(PATIENCE, enough).await;
        assert!(waited.is_ok(), "only {} of {entries} came", self.seen.lock().entries.len());
    }
}

impl Follower for Watcher {
    fn foresee(&self, revocations: Vec<(Revoked, Time)>) {
        let position = self.position();
        self.seen.lock().foreseen.push((position, revocations));
    }

    fn begin(&self, beginning: Beginning) {
        let mut seen = self.seen.lock();
        seen.history.restart(beginning.epoch.clone(), beginning.floor, beginning.ended.clone());
        seen.entries.clear();
        seen.beginnings.push(beginning);
    }

    fn succeed(&self, epoch: Epoch) {
        self.seen.lock().history.succeed(epoch);
    }

    fn follow(&self, entries: Vec<Entry>) {
        for entry in entries {
            let sequence = entry.id.sequence();
            let mut gate = self.gate.lock();
            while gate.held_back == Some(sequence) {
                gate.waits = true;
                // A store may follow on a thread of the runtime, which has other things to do.
                tokio::task::block_in_place(|| self.moved.wait(&mut gate));
            }
            gate.waits = false;
            drop(gate);
            let mut seen = self.seen.lock();
            seen.history.append(entry.clone()).expect("in order");
            seen.entries.push(entry);
            drop(seen);
            self.head.send_replace(sequence);
        }
    }
}
