//! The one ordered follower of an instance: from the table, committed entries only, none left out.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use protocol::{Entry, Epoch, EventId};
use sqlx::{Row as _, postgres::PgRow};
use tokio::time::{Instant, sleep, timeout};

use super::{
    Inner,
    lineage::{LINEAGE, Lineage, Succession, Verdict},
    rows::{Placed, corrupt, epoch, number, signed},
    session::Session,
};
use crate::store::{Follower, StoreError};

/// Entries and bytes of one page: what of the table is in memory twice.
const PAGE_ROWS: i64 = 1_024;
const PAGE_BYTES: i64 = 4 * 1024 * 1024;

/// Between two looks at the table when nothing wakes: notifications are lost with their connection.
const LOOK: Duration = Duration::from_secs(1);

/// Between two tries while the database is away.
const AGAIN: Duration = Duration::from_millis(100);

/// How long whoever opens the store has until entries follow; the first call ends it.
const SETTLING: Duration = Duration::from_millis(100);

/// Where in the table this instance stands.
pub(super) struct Follow {
    inner: Arc<Inner>,
    session: Session,
    follower: Arc<dyn Follower>,
    page: String,
    lineage: String,
    /// The epoch of the next id.
    epoch: Epoch,
    /// What was followed last.
    position: u64,
    /// What ends and begins ahead.
    ahead: VecDeque<Succession>,
    /// Entries up to here are of before this instance began.
    past: u64,
    /// Entries up to here may be of older epochs.
    older: u64,
}

/// What a page says beside its entries, as of the same moment.
struct Head {
    epoch: Epoch,
    sequence: u64,
    removed: u64,
}

impl Follow {
    /// Begins where the window begins, once the log has an epoch, and follows it to its end.
    pub(super) async fn load(inner: Arc<Inner>, follower: Arc<dyn Follower>) -> Result<Self, StoreError> {
        let mut session = inner.session("follower");
        let text = inner.schema.sql(LINEAGE);
        let patience = Instant::now() + inner.bound();
        let lineage = loop {
            match Lineage::of(&session.all(sqlx::query(&text)).await?)? {
                Some(lineage) => break lineage,
                None if Instant::now() < patience => sleep(AGAIN / 10).await,
                None => {
                    return Err(StoreError::Unavailable("no instance has become the sequencer".to_owned()));
                }
            }
        };
        let Some(beginning) = lineage.whole() else {
            return Err(StoreError::Corrupt("the last epoch has ended".to_owned()));
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
            follower,
            epoch: beginning.epoch.clone(),
            position: lineage.removed,
            ahead: VecDeque::new(),
            past: lineage.head,
            older: lineage.head,
            inner,
        };
        follow.follower.begin(beginning);
        while follow.round().await? {}
        if follow.position < follow.past {
            return Err(StoreError::Corrupt(format!("entry {} is missing", follow.position + 1)));
        }
        Ok(follow)
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
            match self.round().await {
                Ok(true) => continue,
                Ok(false) => {
                    is_away = false;
                    let _ = timeout(LOOK, self.inner.follower.notified()).await;
                }
                Err(error) => {
                    if !std::mem::replace(&mut is_away, true) {
                        tracing::warn!(%error, "the log cannot be followed; readers keep their streams");
                    }
                    sleep(AGAIN).await;
                }
            }
        }
    }

    /// Follows what there is, a page at most. Says whether there may be more.
    async fn round(&mut self) -> Result<bool, StoreError> {
        let statement = sqlx::query(&self.page).bind(signed(self.position)).bind(PAGE_ROWS).bind(PAGE_BYTES);
        let rows = self.session.all(statement).await?;
        let Some(head) = rows.first().map(Head::of).transpose()? else {
            return Err(StoreError::Foreign("the log has lost its head".to_owned()));
        };
        let newest = self.ahead.back().map_or(&self.epoch, |(_, epoch)| epoch);
        if head.epoch != *newest || head.sequence < self.position || head.removed > self.position {
            self.judge().await?;
            return Ok(true);
        }
        match self.feed(rows)? {
            Fed::Followed(count) => Ok(count > 0 && self.position < head.sequence),
            Fed::Unreadable(sequence) => {
                // Of a newer version, or broken. Nobody is kept waiting for it, and everybody is told.
                let lineage = self.lineage().await?;
                self.begin_again(&lineage, sequence)?;
                Ok(true)
            }
        }
    }

    /// Feeds the entries that follow where this stands. At a hole it ends: what is missing will come.
    fn feed(&mut self, rows: Vec<PgRow>) -> Result<Fed, StoreError> {
        let (mut entries, mut tickets) = (Vec::with_capacity(rows.len()), Vec::new());
        let mut followed = 0;
        self.succeed();
        for row in rows {
            if row.try_get::<Option<i64>, _>("sequence").map_err(corrupt)?.is_none() {
                break;
            }
            let placed = Placed::of(row)?;
            if placed.sequence != self.position + 1 {
                break;
            }
            let entry = match placed.entry(placed.sequence <= self.past) {
                Ok(entry) if placed.epoch == self.epoch || placed.sequence <= self.older => entry,
                other => {
                    tracing::error!(sequence = placed.sequence, epoch = %placed.epoch, ?other, "an unreadable entry");
                    self.hand_over(&mut entries, &mut tickets);
                    return Ok(Fed::Unreadable(placed.sequence));
                }
            };
            if let Some(ticket) = placed.ticket {
                tickets.push((ticket, entry.id.clone()));
            }
            entries.push(entry);
            followed += 1;
            self.position = placed.sequence;
            if self.ahead.front().is_some_and(|(end, _)| *end == self.position) {
                self.hand_over(&mut entries, &mut tickets);
                self.succeed();
            }
        }
        self.hand_over(&mut entries, &mut tickets);
        Ok(Fed::Followed(followed))
    }

    fn hand_over(&self, entries: &mut Vec<Entry>, tickets: &mut Vec<(i64, EventId)>) {
        if entries.is_empty() {
            return;
        }
        self.follower.follow(std::mem::take(entries));
        for (ticket, id) in tickets.drain(..) {
            self.inner.tickets.placed(ticket, id);
        }
        self.inner.position.send_replace(self.position);
    }

    fn succeed(&mut self) {
        while self.ahead.front().is_some_and(|(end, _)| *end == self.position)
            && let Some((_, epoch)) = self.ahead.pop_front()
        {
            self.follower.succeed(epoch.clone());
            self.epoch = epoch;
        }
    }

    /// Another epoch has begun, or the log is not the one that was followed.
    async fn judge(&mut self) -> Result<(), StoreError> {
        let lineage = self.lineage().await?;
        match lineage.judge(&self.epoch, self.position) {
            Verdict::GoesOn(ahead) => {
                self.ahead = ahead;
                self.succeed();
                Ok(())
            }
            Verdict::BeginsAgain(floor) => self.begin_again(&lineage, floor),
        }
    }

    async fn lineage(&mut self) -> Result<Lineage, StoreError> {
        let rows = self.session.all(sqlx::query(&self.lineage)).await?;
        Lineage::of(&rows)?.ok_or_else(|| StoreError::Foreign("the log has lost its epochs".to_owned()))
    }

    fn begin_again(&mut self, lineage: &Lineage, floor: u64) -> Result<(), StoreError> {
        let Some(beginning) = lineage.beginning(floor) else {
            return Err(StoreError::Corrupt("the last epoch has ended".to_owned()));
        };
        tracing::warn!(
            epoch = %self.epoch,
            position = self.position,
            floor,
            "the log does not go on as it was followed: every stream is told of a gap"
        );
        (self.epoch, self.position, self.ahead) = (beginning.epoch.clone(), floor, VecDeque::new());
        (self.past, self.older) = (0, lineage.head);
        self.follower.begin(beginning);
        self.inner.position.send_replace(floor);
        Ok(())
    }
}

/// What came of a page.
enum Fed {
    Followed(usize),
    /// The entry there cannot be read.
    Unreadable(u64),
}

impl Head {
    fn of(row: &PgRow) -> Result<Self, StoreError> {
        Ok(Self {
            epoch: epoch(row.try_get("current").map_err(corrupt)?)?,
            sequence: number(row.try_get("head").map_err(corrupt)?)?,
            removed: number(row.try_get("removed").map_err(corrupt)?)?,
        })
    }
}
