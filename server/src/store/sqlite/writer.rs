//! The one task that writes: takes all that waits, commits it at once, shows it, answers.

use std::{path::PathBuf, sync::Arc, time::Duration};

use sqlx::{Connection as _, SqliteConnection};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use super::{
    Known,
    commit::{Commit, Outcome},
    connect,
    error::told,
    load,
    lock::Lock,
    outbox::{self, Expected, Looks},
    retention::{self, Held, Kept, Window},
    rows::{signed, unsigned},
};
use crate::store::{Appended, Draft, Follower, Key, Lease, Opening, Saved, StoreError};

/// Commands that one commit takes, and that wait at most; whoever comes on top waits with its own event in
/// hand. Far more than the senders that one commit's wait for the disk lets gather.
pub(super) const COMMANDS_MAX: usize = 1_024;

/// Bytes of events that one commit takes: about what a laptop's disk writes while somebody waits.
const BYTES_MAX: usize = 8 * 1024 * 1024;

/// Between two looks for what has expired.
const EXPIRE_EVERY: Duration = Duration::from_secs(5);

/// What the writer is told.
pub(super) enum Command {
    Append { drafts: Vec<Draft>, key: Option<Key>, answer: Reply<Appended> },
    Lease { leases: Vec<Lease>, answer: Reply<()> },
    Save { saved: Vec<Saved>, answer: Reply<()> },
    Close { answer: Reply<()> },
}

/// Where the answer goes; nobody listening is no error.
pub(super) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

impl Command {
    fn bytes(&self) -> usize {
        match self {
            Self::Append { drafts, .. } => drafts.iter().map(Draft::bytes).sum(),
            Self::Lease { .. } | Self::Save { .. } | Self::Close { .. } => 0,
        }
    }

    fn fail(self, error: StoreError) {
        // Nobody listening is no error.
        match self {
            Self::Append { answer, .. } => drop(answer.send(Err(error))),
            Self::Lease { answer, .. } | Self::Save { answer, .. } | Self::Close { answer } => {
                drop(answer.send(Err(error)));
            }
        }
    }
}

/// A run.
pub(super) struct Writer {
    pub(super) path: PathBuf,
    pub(super) busy: Duration,
    pub(super) connection: SqliteConnection,
    pub(super) lock: Lock,
    pub(super) follower: Arc<dyn Follower>,
    pub(super) expected: Arc<Expected>,
    pub(super) known: Arc<Known>,
    pub(super) opening: Opening,
    /// The number of this run's epoch.
    pub(super) epoch: i64,
    pub(super) head: u64,
    pub(super) window: Window,
    pub(super) keys: u64,
    /// A commit failed: what the file holds is to be looked at again before the next.
    pub(super) unsure: bool,
}

impl Writer {
    /// Until told to close, or nobody can tell it anything any more.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let (mut looks, mut expire_at) = (Looks::new(), Instant::now());
        let mut waiting = Vec::new();
        let closing = loop {
            let expected = self.expected.clone();
            tokio::select! {
                biased;
                taken = commands.recv_many(&mut waiting, COMMANDS_MAX) => if taken == 0 {
                    break None;
                },
                () = expected.noted() => looks.begin(),
                () = tokio::time::sleep_until(looks.next().min(expire_at)) => {}
            }
            let closing = self.commit_all(&mut waiting, &mut looks).await;
            if closing.is_some() {
                break closing;
            }
            if looks.next() <= Instant::now() {
                self.look(&mut looks).await;
            }
            if expire_at <= Instant::now() {
                let has_more = self.expire().await;
                expire_at = Instant::now() + if has_more { Duration::ZERO } else { EXPIRE_EVERY };
            }
            // Those that were just answered send again: let them, so that the next commit takes them all.
            tokio::task::yield_now().await;
        };
        commands.close();
        while let Ok(command) = commands.try_recv() {
            command.fail(closed());
        }
        let closed = self.connection.close().await.map_err(|error| told(&self.path, &error));
        drop(self.lock);
        if let Some(answer) = closing {
            let _ = answer.send(closed);
        }
    }

    /// Commits what waits, in as many commits as it takes; who is to be told when it is closed.
    async fn commit_all(&mut self, waiting: &mut Vec<Command>, looks: &mut Looks) -> Option<Reply<()>> {
        let mut rest = std::mem::take(waiting).into_iter().peekable();
        while rest.peek().is_some() {
            let (mut batch, mut bytes, mut closing) = (Vec::new(), 0, None);
            while let Some(command) =
                rest.next_if(|command| batch.is_empty() || bytes + command.bytes() <= BYTES_MAX)
            {
                if let Command::Close { answer } = command {
                    closing = Some(answer);
                    break;
                }
                bytes += command.bytes();
                batch.push(command);
            }
            if !batch.is_empty() {
                self.commit(batch, looks).await;
            }
            if closing.is_some() {
                rest.for_each(|command| command.fail(closed()));
                return closing;
            }
        }
        None
    }

    /// One commit, behind everything that waits in the outbox.
    async fn commit(&mut self, batch: Vec<Command>, looks: &mut Looks) {
        let mut batch = Some(batch);
        while let Some(commands) = batch.take() {
            let moved = match self.try_commit(&commands).await {
                Ok((outcomes, moved)) => {
                    match outcomes {
                        Some(outcomes) => answer(commands, outcomes),
                        // Only the outbox went: more may wait there, before these.
                        None => batch = Some(commands),
                    }
                    moved
                }
                Err(error) => {
                    tracing::warn!(%error, "a commit failed");
                    self.unsure = true;
                    commands.into_iter().for_each(|command| command.fail(error.clone()));
                    None
                }
            };
            looks.looked(moved, &self.expected);
        }
    }

    /// What became of each command, unless there was room for the outbox only; and the last row that was
    /// moved from there.
    async fn try_commit(
        &mut self,
        commands: &[Command],
    ) -> Result<(Option<Vec<Outcome>>, Option<i64>), StoreError> {
        if self.unsure {
            self.look_again().await?;
        }
        let mut transaction =
            self.connection.begin_with("BEGIN IMMEDIATE").await.map_err(|error| told(&self.path, &error))?;
        let mut commit = Commit::new(&self.path, &self.opening, self.epoch, self.head, self.keys);
        let has_more = commit.outbox(&mut transaction).await?;
        let outcomes = if has_more { None } else { Some(commit.commands(&mut transaction, commands).await?) };
        let cut = commit.write(&mut transaction, &self.window).await?;
        transaction.commit().await.map_err(|error| told(&self.path, &error))?;
        if let Some(cut) = cut {
            self.window.remove(cut);
        }
        commit.held().for_each(|held| self.window.push(held));
        self.keys = commit.keys;
        let moved = commit.moved;
        self.show(commit.head, commit.entries);
        Ok((outcomes, moved))
    }

    fn show(&mut self, head: u64, entries: Vec<protocol::Entry>) {
        self.head = head;
        self.known.raise(head);
        if !entries.is_empty() {
            self.follower.follow(entries);
        }
    }

    /// Looks for committed rows of the outbox.
    async fn look(&mut self, looks: &mut Looks) {
        match outbox::has_any(&mut self.connection).await {
            Ok(true) => self.commit(Vec::new(), looks).await,
            Ok(false) => looks.looked(None, &self.expected),
            Err(error) => {
                tracing::warn!(%error, "the outbox cannot be read");
                self.unsure = true;
                looks.looked(None, &self.expected);
                // Opens the file anew.
                self.commit(Vec::new(), looks).await;
            }
        }
    }

    /// A step of what has expired, and of what the window no longer holds; whether there is more of that.
    async fn expire(&mut self) -> bool {
        match self.try_expire().await {
            Ok(has_more) => has_more,
            Err(error) => {
                tracing::warn!(%error, "what has expired could not be removed");
                self.unsure = true;
                false
            }
        }
    }

    async fn try_expire(&mut self) -> Result<bool, StoreError> {
        if self.unsure {
            self.look_again().await?;
        }
        let told = |error: sqlx::Error| told(&self.path, &error);
        let (now, limits) = (self.opening.clock.now(), &self.opening.limits);
        let kept = Kept { window: limits.age, revocations: self.opening.revocations_kept };
        let cut = self.window.cut(now, limits, &[], retention::STEP);
        let mut transaction = self.connection.begin_with("BEGIN IMMEDIATE").await.map_err(told)?;
        let expired = retention::expire(&mut transaction, now, &kept).await.map_err(told)?;
        if let Some(cut) = cut {
            retention::remove(&mut transaction, cut).await.map_err(told)?;
        }
        transaction.commit().await.map_err(told)?;
        self.keys = self.keys.saturating_sub(expired.keys);
        if let Some(cut) = cut {
            self.window.remove(cut);
        }
        Ok(expired.has_more || cut.is_some_and(|cut| cut.rows == retention::STEP))
    }

    /// After a commit whose end is not known: shows what is there and was not shown.
    async fn look_again(&mut self) -> Result<(), StoreError> {
        self.connection = connect::writing(&self.path, self.busy).await?;
        let told = |error: sqlx::Error| told(&self.path, &error);
        let held: Vec<(i64, i64, i64, i64)> = sqlx::query_as(load::HELD)
            .bind(signed(self.head))
            .fetch_all(&mut self.connection)
            .await
            .map_err(told)?;
        let held: Vec<Held> = held.into_iter().map(load::held).collect();
        let (keys,): (i64,) = sqlx::query_as("SELECT count(*) FROM tidings_keys")
            .fetch_one(&mut self.connection)
            .await
            .map_err(told)?;
        let entries = load::entries(&self.path, &mut self.connection, &held).await?;
        let head = held.last().map_or(self.head, |held| held.sequence);
        held.into_iter().for_each(|held| self.window.push(held));
        self.keys = unsigned(keys);
        self.unsure = false;
        self.show(head, entries);
        Ok(())
    }
}

fn answer(commands: Vec<Command>, outcomes: Vec<Outcome>) {
    // Nobody listening is no error.
    for (command, outcome) in commands.into_iter().zip(outcomes) {
        match (command, outcome) {
            (Command::Append { answer, .. }, Outcome::Appended(appended)) => drop(answer.send(appended)),
            (Command::Lease { answer, .. } | Command::Save { answer, .. }, _) => drop(answer.send(Ok(()))),
            (command, _) => command.fail(closed()),
        }
    }
}

pub(super) fn closed() -> StoreError {
    StoreError::Unavailable("the store is not open".to_owned())
}
