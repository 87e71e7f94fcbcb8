//! The one that gives committed rows their places: whichever instance holds the lock.
//!
//! It never decides what is in the log, only the order. Everything it writes, it writes in statements of
//! its own that check its epoch, over the very session that holds the lock.

use std::{sync::Arc, time::Duration};

use protocol::Limits;
use sqlx::Row as _;
use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};

use super::{Inner, Standby, failure::Failure, rows::signed, session::Session};
use crate::{
    random,
    store::{KEY_KEPT, StoreError},
};

/// Between two looks at the outbox: while there was something within [`BUSY`], and doubled up to the longer
/// one afterwards. 2 ms is about what a commit takes, so that looking more often finds little more.
const LOOK_SOON: Duration = Duration::from_millis(2);
const LOOK_LATER: Duration = Duration::from_millis(25);

/// How long after the last row, or the last `enqueue` of this process, more is expected.
const BUSY: Duration = Duration::from_millis(100);

/// Between two tries to become the sequencer. Fail-over takes this beside what it takes the database to
/// notice that the one before is gone.
const STAND_BY: Duration = Duration::from_millis(100);

/// The first tries follow each other sooner: where a process was started in the place of one that has died
/// a moment ago, the database may still be about to notice.
const FIRST_TRIES: u32 = 10;
const FIRST_STAND_BY: Duration = Duration::from_millis(20);

/// Between two notifications: one that follows sooner waits, and stands for all in between.
const NOTIFY_EVERY: Duration = Duration::from_millis(5);

/// Between two looks at what has left the window, and at what else has had its time.
const TRIM_EVERY: Duration = Duration::from_secs(1);
const FORGET_EVERY: Duration = Duration::from_secs(10);

/// Rows and bytes of one step, and entries that are trimmed at once: each well under a second, so that
/// nothing waits for long.
const STEP_ROWS: i32 = 1_000;
const STEP_BYTES: i64 = 16 * 1024 * 1024;
const TRIM_ROWS: i32 = 1_000;

/// Between two tries while the database is away.
const AGAIN: Duration = Duration::from_millis(100);

/// Told to those who wait for the lock.
pub(super) const VACANT: &str = "vacant";

/// The statements, as text.
struct Texts {
    begin: String,
    step: String,
    trim: String,
    forget: String,
}

/// The sequencer's place: what the next statement must find.
struct Reign {
    epoch: i32,
    sequence: i64,
}

/// How long things are kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept {
    pub(super) window: Limits,
    pub(super) revocations: Duration,
}

/// An instance that sequences whenever it may.
struct Sequencer {
    inner: Arc<Inner>,
    texts: Texts,
    /// Holds the lock.
    session: Session,
    kept: Kept,
    standby: Standby,
    /// Rows of the next step.
    most: i32,
}

/// Sequences whenever it may, until the run ends; then lets another one do it at once. `token` names its
/// first epoch; `settle` is told once it has begun, or is not going to soon.
pub(super) async fn run(
    inner: Arc<Inner>,
    token: String,
    kept: Kept,
    standby: Standby,
    settle: oneshot::Sender<()>,
) {
    let texts = Texts {
        begin: inner.schema.sql("SELECT * FROM {schema}.begin_epoch($1, $2)"),
        step: inner.schema.sql("SELECT {schema}.step($1, $2, $3, $4, $5) AS taken"),
        trim: inner.schema.sql("SELECT {schema}.trim_window($1, $2, $3, $4, $5) AS removed"),
        forget: inner.schema.sql("SELECT {schema}.forget($1, $2, $3, $4)"),
    };
    let session = inner.sequencer_session();
    let mut sequencer = Sequencer { inner, texts, session, kept, standby, most: STEP_ROWS };
    sequencer.last(token, settle).await;
    sequencer.session.close().await;
    // Whoever waits for the lock need not wait for its next try.
    if let Err(failure) = sequencer.inner.notify(VACANT).await {
        tracing::debug!(?failure, "nobody was told that the sequencer's place is vacant");
    }
}

impl Sequencer {
    /// Takes the place whenever it is free, until the run ends.
    async fn last(&mut self, token: String, settle: oneshot::Sender<()>) {
        let (mut token, mut settle, mut tries) = (Some(token), Some(settle), 0);
        loop {
            let wait = match self.begin(&mut token).await {
                Ok(Some(reign)) => {
                    let Reign { epoch, sequence } = reign;
                    tracing::info!(epoch, sequence, "this instance is the sequencer");
                    let Err(failure) = self.reign(reign, settle.take()).await else { return };
                    tracing::warn!(?failure, "this instance is the sequencer no longer");
                    // What the session holds goes with it, the lock first of all.
                    self.session.close().await;
                    AGAIN
                }
                Ok(None) if tries < FIRST_TRIES => {
                    tries += 1;
                    FIRST_STAND_BY
                }
                Ok(None) => {
                    settle = None;
                    STAND_BY
                }
                Err(failure) => {
                    settle = None;
                    tracing::debug!(?failure, "the sequencer's place cannot be taken");
                    AGAIN
                }
            };
            if self.standby.wait(wait).await {
                return;
            }
        }
    }

    async fn begin(&mut self, token: &mut Option<String>) -> Result<Option<Reign>, Failure> {
        let random =
            || random::token().map_err(|error| Failure::unreachable(format!("no randomness: {error}")));
        let offered = match token {
            Some(token) => token.clone(),
            None => random()?,
        };
        let statement = sqlx::query(&self.texts.begin).bind(self.inner.schema.lock()).bind(offered);
        let rows = self.session.all(statement).await;
        // A token whose fate is unknown may have begun an epoch: it never begins another.
        if rows.as_ref().map_or(true, |rows| rows.iter().any(|row| row.try_get::<i32, _>("my_epoch").is_ok()))
        {
            *token = None;
        }
        let rows = rows?;
        let Some(row) = rows.first() else { return Ok(None) };
        Ok(match (row.try_get("my_epoch")?, row.try_get("my_sequence")?) {
            (Some(epoch), Some(sequence)) => Some(Reign { epoch, sequence }),
            _ => None,
        })
    }

    /// Steps until the run ends.
    async fn reign(&mut self, mut reign: Reign, settle: Option<oneshot::Sender<()>>) -> Result<(), Failure> {
        let (mut busy_until, mut pause) = (Instant::now() + BUSY, LOOK_SOON);
        // Before the first send: what has had its time decides what a key means.
        self.forget(&reign).await?;
        drop(settle);
        let (mut trim_at, mut forget_at) = (Instant::now(), Instant::now() + FORGET_EVERY);
        // The epoch is news.
        let (mut unsaid, mut say_at) = (true, Instant::now());
        self.inner.follower.notify_one();
        while !self.standby.is_over() {
            let taken = self.step(&mut reign).await?;
            let now = Instant::now();
            if taken > 0 {
                self.inner.follower.notify_one();
                unsaid = true;
                (busy_until, pause) = (now + BUSY, LOOK_SOON);
            }
            if unsaid && now >= say_at {
                let say = sqlx::query("SELECT pg_notify($1, '')").bind(self.inner.schema.channel());
                self.session.all(say).await?;
                unsaid = false;
                say_at = now + NOTIFY_EVERY;
            }
            if now >= trim_at {
                let removed = self.trim(&reign).await?;
                trim_at = if removed < TRIM_ROWS { now + TRIM_EVERY } else { now };
            }
            if now >= forget_at {
                self.forget(&reign).await?;
                forget_at = now + FORGET_EVERY;
            }
            if taken > 0 {
                continue;
            }
            if now >= busy_until {
                pause = (pause * 2).min(LOOK_LATER);
            }
            let until = if unsaid { (now + pause).min(say_at) } else { now + pause };
            if timeout_at(until, self.inner.sequencer.notified()).await.is_ok() {
                (busy_until, pause) = (Instant::now() + BUSY, LOOK_SOON);
            }
        }
        Ok(())
    }

    async fn step(&mut self, reign: &mut Reign) -> Result<i32, Failure> {
        let statement = sqlx::query(&self.texts.step)
            .bind(reign.epoch)
            .bind(reign.sequence)
            .bind(self.most)
            .bind(STEP_BYTES)
            .bind(millis(self.kept.window.age));
        let stepped = self.session.all(statement).await;
        // A step that is too much for the server's time is made smaller until it is not.
        self.most = if stepped.is_ok() { (self.most * 2).min(STEP_ROWS) } else { (self.most / 4).max(1) };
        let taken = one(stepped?, "taken")?;
        reign.sequence += i64::from(taken);
        Ok(taken)
    }

    async fn trim(&mut self, reign: &Reign) -> Result<i32, Failure> {
        let window = self.kept.window;
        let statement = sqlx::query(&self.texts.trim)
            .bind(reign.epoch)
            .bind(TRIM_ROWS)
            .bind(signed(window.count as u64))
            .bind(signed(window.bytes as u64))
            .bind(millis(window.age));
        one(self.session.all(statement).await?, "removed")
    }

    async fn forget(&mut self, reign: &Reign) -> Result<(), Failure> {
        let statement = sqlx::query(&self.texts.forget)
            .bind(reign.epoch)
            .bind(millis(self.kept.window.age))
            .bind(millis(KEY_KEPT))
            .bind(millis(self.kept.revocations));
        self.session.all(statement).await.map(drop)
    }
}

/// A number, or null where the epoch is no longer the one that writes.
fn one(rows: Vec<sqlx::postgres::PgRow>, column: &str) -> Result<i32, Failure> {
    let row = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    row.try_get::<Option<i32>, _>(column)?
        .ok_or_else(|| Failure::Nothing(StoreError::InUse("another sequencer has begun an epoch".to_owned())))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
