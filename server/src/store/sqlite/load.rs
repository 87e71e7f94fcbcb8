//! Everything a run must know of the runs before, read without a change to the file.

use std::{path::Path, time::Duration};

use protocol::{Entry, Epoch, EventId, Revoked};
use sqlx::SqliteConnection;

use super::{
    error::{corrupt, told},
    retention::{Held, Window},
    rows::{self, signed, time, unsigned},
};
use crate::{
    Presence,
    secret::Secret,
    store::{Grant, Lease, Opened, Opening, Saved, StoreError},
};

/// Leases that were ended so long ago are loaded too: the process may have died before it told of it.
pub(super) const LEASES_LOOK_BACK: Duration = Duration::from_secs(60);

/// Ended epochs kept, as many as the history remembers.
pub(super) const EPOCHS_KEPT: i64 = 1_024;

/// Rows that are read at once, and their bytes: what a start holds twice.
const ROWS_READ: usize = 512;
const BYTES_READ: usize = 4 * 1024 * 1024;

/// What is known of each entry behind a place, oldest first: a [`Held`].
pub(super) const HELD: &str = "SELECT sequence, at, \
    length(CAST(channels AS BLOB)) + coalesce(length(body), 0), kind \
    FROM tidings_entries WHERE sequence > ? ORDER BY sequence";

/// A row of [`HELD`].
pub(super) fn held((sequence, at, bytes, kind): (i64, i64, i64, i64)) -> Held {
    Held {
        sequence: unsigned(sequence),
        at: time(at),
        bytes: u32::try_from(bytes).unwrap_or(u32::MAX),
        durable: kind == rows::Kind::Durable.code(),
    }
}

/// What the file knows.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    /// The highest sequence that was ever counted.
    pub(super) head: u64,
    /// The highest durable one that was removed, or that the limits no longer hold.
    pub(super) floor: u64,
    /// Ended epochs, oldest first; the run before is said to end at the head.
    pub(super) ended: Vec<(Epoch, u64)>,
    /// What the limits hold, in order.
    pub(super) entries: Vec<Entry>,
    /// What the file holds.
    pub(super) window: Window,
    pub(super) keys: u64,
    pub(super) opened: Opened,
}

/// Reads all of it.
pub(super) async fn load(
    path: &Path,
    connection: &mut SqliteConnection,
    opening: &Opening,
) -> Result<Loaded, StoreError> {
    let told = |error: sqlx::Error| told(path, &error);
    let now = opening.clock.now();
    let (floor, secret): (i64, Option<Vec<u8>>) = sqlx::query_as("SELECT floor, secret FROM tidings_meta")
        .fetch_one(&mut *connection)
        .await
        .map_err(told)?;
    let secret = match secret.map(<[u8; 32]>::try_from).transpose() {
        Ok(secret) => secret.map(Secret::new),
        Err(_) => return Err(corrupt(&format!("{} holds a secret that is none", path.display()))),
    };
    // What was counted, whichever of these remembers it.
    let (head,): (i64,) = sqlx::query_as(
        "SELECT max(floor, (SELECT coalesce(max(sequence), 0) FROM tidings_entries), \
         (SELECT coalesce(max(ended), 0) FROM tidings_epochs)) FROM tidings_meta",
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(told)?;
    let head = unsigned(head);
    let ended = epochs(path, connection, head).await?;
    let held: Vec<(i64, i64, i64, i64)> =
        sqlx::query_as(HELD).bind(0_i64).fetch_all(&mut *connection).await.map_err(told)?;
    let held: Vec<_> = held.into_iter().map(self::held).collect();
    let mut window = Window::default();
    held.iter().for_each(|&held| window.push(held));
    let cut = window.cut(now, &opening.limits, &[], usize::MAX);
    let (gone, floor) = cut.map_or((0, unsigned(floor)), |cut| (cut.rows, unsigned(floor).max(cut.floor)));
    let entries = entries(path, connection, &held[gone..]).await?;
    let (keys,): (i64,) = sqlx::query_as("SELECT count(*) FROM tidings_keys")
        .fetch_one(&mut *connection)
        .await
        .map_err(told)?;
    let opened = Opened {
        secret,
        revocations: revocations(path, connection, signed((now - opening.revocations_kept).as_millis()))
            .await?,
        grants: grants(connection, signed((now - opening.limits.age).as_millis())).await.map_err(told)?,
        leases: leases(connection, signed((now - LEASES_LOOK_BACK).as_millis())).await.map_err(told)?,
        connections: connections(connection, signed(now.as_millis())).await.map_err(told)?,
    };
    Ok(Loaded { head, floor, ended, entries, window, keys: unsigned(keys), opened })
}

/// Entries of these places, decoded.
pub(super) async fn entries(
    path: &Path,
    connection: &mut SqliteConnection,
    held: &[Held],
) -> Result<Vec<Entry>, StoreError> {
    type Read = (i64, i64, i64, String, Option<Vec<u8>>, Option<String>);
    let mut entries = Vec::with_capacity(held.len());
    let mut rest = held;
    while let [first, ..] = rest {
        let mut bytes = 0;
        let fits = rest.iter().take(ROWS_READ).take_while(|held| {
            bytes += held.bytes as usize;
            bytes <= BYTES_READ
        });
        let (part, behind) = rest.split_at(fits.count().max(1));
        rest = behind;
        let last = part.last().unwrap_or(first);
        let read: Vec<Read> = sqlx::query_as(
            "SELECT sequence, at, kind, channels, body, token FROM tidings_entries \
             LEFT JOIN tidings_epochs ON number = epoch WHERE sequence BETWEEN ? AND ? ORDER BY sequence",
        )
        .bind(signed(first.sequence))
        .bind(signed(last.sequence))
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| told(path, &error))?;
        for (sequence, at, kind, channels, body, token) in read {
            let entry = id(token.as_deref(), sequence)
                .and_then(|id| rows::read(id, at, kind, &channels, body.as_deref()));
            entries
                .push(entry.map_err(|why| corrupt(&format!("{}: entry {sequence} {why}", path.display())))?);
        }
    }
    Ok(entries)
}

fn id(token: Option<&str>, sequence: i64) -> Result<EventId, &'static str> {
    let epoch = token.and_then(|token| Epoch::new(token).ok()).ok_or("is of no known epoch")?;
    Ok(epoch.at(unsigned(sequence)))
}

async fn epochs(
    path: &Path,
    connection: &mut SqliteConnection,
    head: u64,
) -> Result<Vec<(Epoch, u64)>, StoreError> {
    let mut epochs: Vec<(String, Option<i64>)> =
        sqlx::query_as("SELECT token, ended FROM tidings_epochs ORDER BY number DESC LIMIT ?")
            .bind(EPOCHS_KEPT)
            .fetch_all(connection)
            .await
            .map_err(|error| told(path, &error))?;
    epochs.reverse();
    let read = epochs.into_iter().map(|(token, ended)| match Epoch::new(&token) {
        Ok(epoch) => Ok((epoch, ended.map_or(head, unsigned))),
        Err(error) => Err(corrupt(&format!("{} has an epoch that is none: {error}", path.display()))),
    });
    read.collect()
}

async fn revocations(
    path: &Path,
    connection: &mut SqliteConnection,
    since: i64,
) -> Result<Vec<(Revoked, protocol::Time)>, StoreError> {
    let read: Vec<(String, i64)> =
        sqlx::query_as("SELECT revoked, at FROM tidings_revocations WHERE at >= ? ORDER BY at")
            .bind(since)
            .fetch_all(connection)
            .await
            .map_err(|error| told(path, &error))?;
    let read = read.into_iter().map(|(revoked, at)| match serde_json::from_str(&revoked) {
        Ok(revoked) => Ok((revoked, time(at))),
        Err(error) => Err(corrupt(&format!("{} has a revocation that is none: {error}", path.display()))),
    });
    read.collect()
}

async fn grants(connection: &mut SqliteConnection, since: i64) -> Result<Vec<Grant>, sqlx::Error> {
    let read: Vec<(String, String, i64)> = sqlx::query_as(
        "SELECT user, \"group\", \"from\" FROM tidings_grants AS g WHERE at >= ?1 OR EXISTS \
         (SELECT 1 FROM tidings_leases AS l WHERE l.user = g.user AND l.until >= ?1)",
    )
    .bind(since)
    .fetch_all(connection)
    .await?;
    Ok(read.into_iter().map(|(user, group, from)| Grant { user, group, from: unsigned(from) }).collect())
}

async fn leases(connection: &mut SqliteConnection, since: i64) -> Result<Vec<Lease>, sqlx::Error> {
    let read: Vec<(String, i64, bool)> =
        sqlx::query_as("SELECT user, until, ended FROM tidings_leases WHERE ended = 0 OR until >= ?")
            .bind(since)
            .fetch_all(connection)
            .await?;
    let lease = |(user, until, ended)| Lease {
        user,
        presence: if ended { Presence::Offline } else { Presence::Online },
        until: time(until),
    };
    Ok(read.into_iter().map(lease).collect())
}

async fn connections(connection: &mut SqliteConnection, now: i64) -> Result<Vec<Saved>, sqlx::Error> {
    let read: Vec<(String, String, Option<String>, i64, i64)> =
        sqlx::query_as("SELECT id, user, login, opened_at, until FROM tidings_connections WHERE until > ?")
            .bind(now)
            .fetch_all(connection)
            .await?;
    let saved = |(id, user, login, opened_at, until)| Saved {
        id,
        user,
        login,
        opened_at: time(opened_at),
        until: Some(time(until)),
    };
    Ok(read.into_iter().map(saved).collect())
}
