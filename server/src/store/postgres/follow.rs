//! The one ordered follower of an instance: from the table, committed entries only, none left out.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use sqlx::{Row as _, postgres::PgRow};
use tokio::time::{Instant, sleep, timeout};

use super::{
    Inner, opened,
    rows::{self, LINEAGE, corrupt, epoch, number, signed},
    session::Session,
};
use crate::store::{
    Follower, StoreError,
    course::{Course, Head},
    lineage::Lineage,
};

/// Entries and bytes of one page: what of the table is in memory twice.
const PAGE_ROWS: i64 = 1_024;
const PAGE_BYTES: i64 = 4 * 1024 * 1024;

/// Between two looks at the table when nothing wakes: notifications are lost with their connection.
const LOOK: Duration = Duration::from_secs(1);

/// Between two tries while the database is away.
const AGAIN: Duration = Duration::from_millis(100);

/// How long whoever opens the store has until entries follow; the first call ends it.
const SETTLING: Duration = Duration::from_millis(100);

/// What reads the table for this instance.
pub(super) struct Follow {
    inner: Arc<Inner>,
    session: Session,
    page: String,
    lineage: String,
    course: Course,
}

impl Follow {
    /// Begins where the window begins, once the log has an epoch, and follows it to its end.
    pub(super) async fn load(inner: Arc<Inner>, follower: Arc<dyn Follower>) -> Result<Self, StoreError> {
        let mut session = inner.session("follower");
        let text = inner.schema.sql(LINEAGE);
        let patience = Instant::now() + inner.bound();
        let lineage = loop {
            match rows::lineage(&session.all(sqlx::query(&text)).await?)? {
                Some(lineage) => break lineage,
                None if Instant::now() < patience => sleep(AGAIN / 10).await,
                None => {
                    return Err(StoreError::Unavailable("no instance has become the sequencer".to_owned()));
                }
            }
        };
        let mut follow = Self {
            page: inner.schema.sql(
                "SELECT head.sequence AS head, head.removed, current.token AS current, next.* FROM {schema}.head
                JOIN {schema}.epochs AS current ON current.number = head.epoch
                LEFT JOIN LATERAL (
                    SELECT weighed.*, epochs.token FROM (
                        SELECT *, sum(octet_length(body)) OVER (ORDER BY sequence) - octet_length(body) AS before
                        FROM (SELECT * FROM {schema}.entries WHERE sequence > $1 ORDER BY sequence LIMIT $2) AS nearest
                    ) AS weighed
                    LEFT JOIN {schema}.epochs ON number = weighed.epoch WHERE before < $3
                ) AS next ON true ORDER BY next.sequence",
            ),
            lineage: text,
            session,
            course: Course::begin(&lineage, follower)?,
            inner,
        };
        while follow.round().await? {}
        match follow.course.missing() {
            Some(sequence) => Err(StoreError::Corrupt(format!("entry {sequence} is missing"))),
            None => Ok(follow),
        }
    }

    /// Follows until the run ends.
    pub(super) async fn run(mut self) {
        // Grants and revocations that `open` answers with are of after the window's end; what takes them back
        // must not come before whoever opened has them.
        let _ = timeout(SETTLING, self.inner.begun.notified()).await;
        let (mut is_away, mut swept_at) = (false, Instant::now());
        loop {
            if swept_at.elapsed() > LOOK {
                self.inner.tickets.sweep();
                swept_at = Instant::now();
            }
            let outcome = self.go_on(is_away).await;
            if outcome.is_ok() && std::mem::take(&mut is_away) {
                self.inner.followed.store(true, Ordering::Relaxed);
                tracing::info!("the log can be followed again");
            }
            match outcome {
                Ok(true) => continue,
                Ok(false) => {
                    let _ = timeout(LOOK, self.inner.follower.notified()).await;
                }
                Err(error) => {
                    if !std::mem::replace(&mut is_away, true) {
                        self.inner.followed.store(false, Ordering::Relaxed);
                        tracing::warn!(%error, "the log cannot be followed; readers keep their streams");
                    }
                    sleep(AGAIN).await;
                }
            }
        }
    }

    /// The next page; after an outage what was revoked meanwhile comes before it.
    async fn go_on(&mut self, was_away: bool) -> Result<bool, StoreError> {
        if was_away {
            self.course.foresee(opened::revocations(&self.inner).await?);
        }
        self.round().await
    }

    /// Follows what there is, a page at most. Says whether there may be more.
    async fn round(&mut self) -> Result<bool, StoreError> {
        let position = signed(self.course.position());
        let statement = sqlx::query(&self.page).bind(position).bind(PAGE_ROWS).bind(PAGE_BYTES);
        let rows = self.session.all(statement).await?;
        let Some(head) = rows.first().map(head).transpose()? else {
            return Err(StoreError::Foreign("the log has lost its head".to_owned()));
        };
        if !self.course.goes_on(&head) {
            let lineage = self.lineage().await?;
            // Where the log begins again, what it said of rights is passed over.
            self.course.foresee(opened::revocations(&self.inner).await?);
            self.course.judge(&lineage)?;
            self.inner.position.send_replace(self.course.position());
            return Ok(true);
        }
        // A page without entries is a row all the same, with the head.
        let is_entry =
            |row: &&PgRow| row.try_get::<Option<i64>, _>("sequence").is_ok_and(|found| found.is_some());
        let fed = self.course.feed(rows.iter().filter(is_entry).map(rows::placed))?;
        for (ticket, id) in fed.tickets {
            self.inner.tickets.placed(ticket, id);
        }
        if let Some(sequence) = fed.unreadable {
            // Of a newer version, or broken. Nobody is kept waiting for it, and everybody is told.
            let lineage = self.lineage().await?;
            self.course.pass(&lineage, sequence)?;
        }
        self.inner.position.send_replace(self.course.position());
        Ok(fed.unreadable.is_some() || fed.count > 0 && self.course.position() < head.sequence)
    }

    async fn lineage(&mut self) -> Result<Lineage, StoreError> {
        let rows = self.session.all(sqlx::query(&self.lineage)).await?;
        rows::lineage(&rows)?.ok_or_else(|| StoreError::Foreign("the log has lost its epochs".to_owned()))
    }
}

fn head(row: &PgRow) -> Result<Head, StoreError> {
    Ok(Head {
        epoch: epoch(row.try_get("current").map_err(corrupt)?)?,
        sequence: number(row.try_get("head").map_err(corrupt)?)?,
        removed: number(row.try_get("removed").map_err(corrupt)?)?,
    })
}
