//! What was sent under a key, looked up in the transaction that would send it again.

use protocol::{Epoch, EventId, Time};
use sqlx::SqliteConnection;

use super::rows::{signed, unsigned};
use crate::store::{KEY_KEPT, Key};

/// What a key was used for.
pub(super) struct Used {
    pub(super) digest: Vec<u8>,
    pub(super) ids: Vec<EventId>,
}

/// What was sent under the key in the last five minutes.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    key: &Key,
    now: Time,
) -> Result<Option<Used>, sqlx::Error> {
    let found: Option<(Vec<u8>, String, i64, i64)> = sqlx::query_as(
        "SELECT digest, token, first, count FROM tidings_keys JOIN tidings_epochs ON number = epoch \
         WHERE name = ? AND at >= ?",
    )
    .bind(&key.name)
    .bind(signed((now - KEY_KEPT).as_millis()))
    .fetch_optional(connection)
    .await?;
    Ok(found.and_then(|(digest, token, first, count)| {
        let epoch = Epoch::new(&token).ok()?;
        let first = unsigned(first);
        let ids = (first..first.saturating_add(unsigned(count))).map(|sequence| epoch.at(sequence));
        Some(Used { digest, ids: ids.collect() })
    }))
}

/// Notes that the key was used for `count` entries from `first` on.
pub(super) async fn keep(
    connection: &mut SqliteConnection,
    key: &Key,
    epoch: i64,
    first: u64,
    count: usize,
    now: Time,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO tidings_keys (name, digest, epoch, first, count, at) VALUES (?, ?, ?, ?, ?, ?) \
         ON CONFLICT DO UPDATE SET digest = excluded.digest, epoch = excluded.epoch, \
         first = excluded.first, count = excluded.count, at = excluded.at",
    )
    .bind(&key.name)
    .bind(&key.digest[..])
    .bind(epoch)
    .bind(signed(first))
    .bind(i64::try_from(count).unwrap_or(i64::MAX))
    .bind(signed(now.as_millis()))
    .execute(connection)
    .await?;
    Ok(())
}
