//! Events that wait in the app's own transactions, and when to look for them.

use std::{
    path::Path,
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use sqlx::SqliteConnection;
use tokio::{sync::Notify, time::Instant};

use super::{
    Sqlite,
    error::{code, corrupt, told},
    rows::{self, Kind, json, kind_of, lines},
};
use crate::store::{Answer, Draft, Matter, Outbox, StoreError};

/// Rows that wait at most, as many as the window has entries: past it no run moves them, and a transaction
/// is told so.
const ROWS_MAX: i64 = 100_000;

/// Rows that one commit moves, and their bytes.
const MOVED_MAX: i64 = 512;
const MOVED_BYTES_MAX: i64 = 8 * 1024 * 1024;

/// A transaction that was joined is looked for this often at first, for this long at most; each look is one
/// read of a few microseconds. After that, and for transactions of other processes, once a second.
const SOON: Duration = Duration::from_millis(1);
const OFTEN: Duration = Duration::from_millis(50);
const EXPECTED_FOR: Duration = Duration::from_secs(10);
const SELDOM: Duration = Duration::from_secs(1);

impl Outbox for Sqlite {
    type Connection = SqliteConnection;

    fn enqueue<'a>(&'a self, transaction: &'a mut SqliteConnection, draft: Draft) -> Answer<'a, ()> {
        Box::pin(async move {
            let (kind, body) = match &draft.matter {
                Matter::Event { encoded, delivery } => (kind_of(*delivery), encoded.body().to_vec()),
                Matter::Notice(notice) => (Kind::Notice, json(notice).into_bytes()),
            };
            let inserted = sqlx::query(
                "INSERT INTO tidings_outbox (kind, channels, body) SELECT ?, ?, ? WHERE \
                 (SELECT coalesce(max(id), 0) FROM tidings_outbox) \
                 - (SELECT coalesce(min(id), 0) FROM tidings_outbox) < ?",
            )
            .bind(kind.code())
            .bind(lines(&draft.channels))
            .bind(body)
            .bind(ROWS_MAX)
            .execute(transaction)
            .await
            .map_err(|error| refused(self.path(), &error))?;
            if inserted.rows_affected() == 0 {
                let why = format!("{ROWS_MAX} events wait in tidings_outbox and no run sends them");
                return Err(StoreError::Unavailable(why));
            }
            self.expected().note(inserted.last_insert_rowid());
            Ok(())
        })
    }
}

fn refused(path: &Path, error: &sqlx::Error) -> StoreError {
    if code(error) == Some(1) {
        return StoreError::Foreign(format!(
            "the transaction's database has no table tidings_outbox ({error}): connect it to {}, and open \
             the store there once before",
            path.display()
        ));
    }
    told(path, error)
}

/// A row of the outbox, before it has its place.
pub(super) struct Waiting {
    pub(super) id: i64,
    pub(super) draft: Draft,
}

/// Takes the first rows that wait, in the transaction that is open; whether more wait.
pub(super) async fn take(
    path: &Path,
    connection: &mut SqliteConnection,
) -> Result<(Vec<Waiting>, bool), StoreError> {
    let told = |error: sqlx::Error| told(path, &error);
    let sizes: Vec<(i64, i64)> =
        sqlx::query_as("SELECT id, length(body) FROM tidings_outbox ORDER BY id LIMIT ?")
            .bind(MOVED_MAX)
            .fetch_all(&mut *connection)
            .await
            .map_err(told)?;
    let mut bytes = 0;
    let fits = sizes.iter().take_while(|(_, size)| {
        bytes += size;
        bytes <= MOVED_BYTES_MAX
    });
    let fits = fits.count().max(1).min(sizes.len());
    let Some(&(last, _)) = sizes[..fits].last() else { return Ok((Vec::new(), false)) };
    let has_more = fits < sizes.len() || i64::try_from(fits) == Ok(MOVED_MAX);
    let read: Vec<(i64, i64, String, Vec<u8>)> =
        sqlx::query_as("DELETE FROM tidings_outbox WHERE id <= ? RETURNING id, kind, channels, body")
            .bind(last)
            .fetch_all(connection)
            .await
            .map_err(told)?;
    let waiting = read.into_iter().map(|(id, kind, channels, body)| {
        let draft = rows::read_draft(kind, &channels, &body);
        let why = |why| corrupt(&format!("{}: row {id} of tidings_outbox {why}", path.display()));
        Ok(Waiting { id, draft: draft.map_err(why)? })
    });
    let mut waiting = waiting.collect::<Result<Vec<_>, StoreError>>()?;
    // What is returned comes in no promised order.
    waiting.sort_unstable_by_key(|waiting| waiting.id);
    Ok((waiting, has_more))
}

/// Whether any row waits.
pub(super) async fn has_any(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let (has_any,): (bool,) =
        sqlx::query_as("SELECT EXISTS (SELECT 1 FROM tidings_outbox)").fetch_one(connection).await?;
    Ok(has_any)
}

/// The highest row that a transaction of this process may commit.
#[derive(Debug, Default)]
pub(super) struct Expected {
    row: AtomicI64,
    noted: Notify,
}

impl Expected {
    fn note(&self, row: i64) {
        self.row.fetch_max(row, Ordering::AcqRel);
        self.noted.notify_one();
    }

    /// Waits for a transaction to be joined.
    pub(super) async fn noted(&self) {
        self.noted.notified().await;
    }
}

/// When to look.
#[derive(Debug)]
pub(super) struct Looks {
    pace: Duration,
    next: Instant,
    /// A transaction that was joined and has not shown by then was rolled back, or takes its time.
    until: Instant,
}

impl Looks {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self { pace: SELDOM, next: now, until: now }
    }

    pub(super) const fn next(&self) -> Instant {
        self.next
    }

    /// A transaction was joined: something may come.
    pub(super) fn begin(&mut self) {
        let now = Instant::now();
        (self.pace, self.next, self.until) = (SOON, now + SOON, now + EXPECTED_FOR);
    }

    /// Looked, and moved rows up to `moved`.
    pub(super) fn looked(&mut self, moved: Option<i64>, expected: &Expected) {
        let now = Instant::now();
        if moved.is_some_and(|row| row >= expected.row.load(Ordering::Acquire)) || now >= self.until {
            (self.pace, self.until) = (SELDOM, now);
        }
        self.next = now + self.pace;
        if self.pace < OFTEN {
            self.pace = (self.pace * 2).min(OFTEN);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_transaction_that_was_joined_is_looked_for_often_until_it_shows() {
        let (expected, mut looks) = (Expected::default(), Looks::new());
        let wait = |looks: &Looks| looks.next().duration_since(Instant::now()).as_millis();
        looks.looked(None, &expected);
        assert_eq!(wait(&looks), 1_000);
        expected.note(7);
        looks.begin();
        let mut waits = vec![wait(&looks)];
        for moved in [None, None, Some(5), None, None, None, None, None] {
            looks.looked(moved, &expected);
            waits.push(wait(&looks));
        }
        assert_eq!(waits, [1, 1, 2, 4, 8, 16, 32, 50, 50]);
        looks.looked(Some(7), &expected);
        assert_eq!(wait(&looks), 1_000);
        expected.note(8);
        looks.begin();
        tokio::time::advance(EXPECTED_FOR).await;
        looks.looked(None, &expected);
        assert_eq!(wait(&looks), 1_000, "it was rolled back, or takes its time");
    }
}
