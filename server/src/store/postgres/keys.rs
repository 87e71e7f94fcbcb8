//! Sends with an idempotency key: decided in the transaction that writes the outbox.

use std::time::Duration;

use protocol::EventId;
use sqlx::Row as _;
use tokio::sync::oneshot;

use super::{
    Inner,
    failure::Failure,
    rows::{Arrays, ROWS, corrupt, epoch, number, signed},
    session,
};
use crate::store::{Appended, KEY_KEPT, KEYS_MAX, Key, StoreError, columns::Columns};

/// Between two looks at what another's send came to, and between two tries while the database is away.
const AGAIN: Duration = Duration::from_millis(20);

/// Who has the key.
enum Holder {
    /// This very send.
    Us,
    /// Another one, with its ids once it has them.
    Another(Option<Vec<EventId>>),
    Nobody,
}

/// Sends `rows` unless something was sent under `key` before. Waits without bound: the caller has one.
pub(super) async fn append(inner: &Inner, rows: Vec<Columns>, key: Key) -> Result<Appended, StoreError> {
    let insert = inner.schema.sql(&format!(
        "WITH won AS (
            INSERT INTO {{schema}}.keys AS kept (name, digest, ticket, count, at)
            SELECT $7, $8, $6, $9, {{schema}}.clock()
            WHERE (SELECT keys FROM {{schema}}.head) < $10 OR EXISTS (SELECT FROM {{schema}}.keys WHERE name = $7)
            ON CONFLICT (name) DO UPDATE SET digest = excluded.digest, ticket = excluded.ticket,
                count = excluded.count, at = excluded.at, epoch = NULL, first = NULL
            WHERE kept.at < excluded.at - $11
            RETURNING 1
        ), lead AS MATERIALIZED (SELECT nextval('{{schema}}.outbox_order') AS batch FROM won)
        INSERT INTO {{schema}}.outbox (batch, position, kind, channels, body, subject, granted, ticket, key)
        SELECT lead.batch, r.position::integer, r.kind, r.channels, r.body, r.subject, r.granted, $6,
            CASE WHEN r.position = 1 THEN $7 END
        FROM lead, {ROWS} RETURNING 1"
    ));
    let (reply, mut answer) = oneshot::channel();
    let ticket = inner.tickets.open(vec![(rows.len(), reply)]);
    loop {
        let statement = Arrays::of(rows.iter())
            .bind(&insert)
            .bind(ticket)
            .bind(key.name.as_bytes())
            .bind(&key.digest[..])
            .bind(i32::try_from(rows.len()).unwrap_or(i32::MAX))
            .bind(i64::try_from(KEYS_MAX).unwrap_or(i64::MAX))
            .bind(signed(KEY_KEPT.as_millis() as u64));
        let won = match session::all(inner.pool(), inner.bound(), statement).await {
            Ok(inserted) => !inserted.is_empty(),
            Err(failure) if failure.is_retryable() => {
                // A key makes it safe to try again what may have been committed.
                tracing::debug!(?failure, "a send with a key is tried again");
                tokio::time::sleep(AGAIN).await;
                continue;
            }
            Err(failure) => return Err(failure.into()),
        };
        inner.sequencer.notify_one();
        let holder = if won { Holder::Us } else { holder(inner, &key, ticket).await? };
        match holder {
            Holder::Us => {
                let ids = (&mut answer).await.map_err(|_| closed())??;
                return Ok(Appended { ids, duplicate: false });
            }
            Holder::Another(Some(ids)) => {
                inner.reach(ids.last().map_or(0, EventId::sequence)).await;
                return Ok(Appended { ids, duplicate: true });
            }
            // It is committed, and the sequencer will come to it.
            Holder::Another(None) => tokio::time::sleep(AGAIN).await,
            Holder::Nobody => {
                return Err(StoreError::Unavailable("too many idempotency keys in five minutes".to_owned()));
            }
        }
    }
}

async fn holder(inner: &Inner, key: &Key, ticket: i64) -> Result<Holder, StoreError> {
    let select = inner.schema.sql(
        "SELECT digest, ticket, count, first, token FROM {schema}.keys
        LEFT JOIN {schema}.epochs ON number = epoch WHERE name = $1",
    );
    let statement = sqlx::query(&select).bind(key.name.as_bytes());
    let rows = match session::all(inner.pool(), inner.bound(), statement).await {
        Ok(rows) => rows,
        // Asked again with the insert.
        Err(failure @ (Failure::Nothing(_) | Failure::Unknown(_))) if failure.is_retryable() => {
            return Ok(Holder::Another(None));
        }
        Err(failure) => return Err(failure.into()),
    };
    let Some(row) = rows.first() else { return Ok(Holder::Nobody) };
    let digest: &[u8] = row.try_get("digest").map_err(corrupt)?;
    if digest != key.digest {
        return Err(StoreError::KeyConflict);
    }
    if row.try_get::<i64, _>("ticket").map_err(corrupt)? == ticket {
        return Ok(Holder::Us);
    }
    let (Some(first), Some(token)) = (
        row.try_get::<Option<i64>, _>("first").map_err(corrupt)?,
        row.try_get::<Option<&str>, _>("token").map_err(corrupt)?,
    ) else {
        return Ok(Holder::Another(None));
    };
    let (first, epoch) = (number(first)?, epoch(token)?);
    let count: i32 = row.try_get("count").map_err(corrupt)?;
    let ids = (0..u64::try_from(count).map_err(corrupt)?).map(|n| epoch.at(first + n)).collect();
    Ok(Holder::Another(Some(ids)))
}

fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".to_owned())
}
