//! What outlives the window beside the entries: grants, revocations, leases, connections; each written in
//! the transaction that is open.

use std::time::Duration;

use protocol::{Notice, Time};
use serde_json::{Value, json};
use sqlx::SqliteConnection;

use super::rows::signed;
use crate::{
    Presence,
    store::{Lease, Saved},
};

/// Writes down what a notice changes.
pub(super) async fn follow(
    connection: &mut SqliteConnection,
    notice: &Notice,
    sequence: u64,
    at: Time,
    window: Duration,
) -> Result<(), sqlx::Error> {
    let query = match notice {
        // Of grants that cross, the first stands. One that is older than the window and granted again was
        // forgotten in between, when the group may have been lost unsaid: it begins anew.
        Notice::Grant { user, group } => sqlx::query(
            "INSERT INTO tidings_grants (user, \"group\", \"from\", at) VALUES (?, ?, ?, ?) \
             ON CONFLICT DO UPDATE SET \"from\" = excluded.\"from\", at = excluded.at WHERE at < ?",
        )
        .bind(user)
        .bind(group)
        .bind(signed(sequence))
        .bind(signed(at.as_millis()))
        .bind(signed((at - window).as_millis())),
        Notice::Withdraw { user, group } => {
            sqlx::query("DELETE FROM tidings_grants WHERE user = ? AND \"group\" = ?").bind(user).bind(group)
        }
        Notice::Revoke { revoked, .. } => sqlx::query(
            "INSERT INTO tidings_revocations (revoked, at) VALUES (?, ?) \
             ON CONFLICT DO UPDATE SET at = max(at, excluded.at)",
        )
        // An enum of strings, which always serialises.
        .bind(serde_json::to_string(revoked).unwrap_or_default())
        .bind(signed(at.as_millis())),
        Notice::Reauthorize { .. } => return Ok(()),
    };
    query.execute(connection).await?;
    Ok(())
}

/// Writes down who is here until when, or has left; of several words about one user the last counts.
pub(super) async fn lease(connection: &mut SqliteConnection, leases: &[Lease]) -> Result<(), sqlx::Error> {
    let row = |Lease { user, presence, until }: &Lease| {
        json!([user, signed(until.as_millis()), i64::from(*presence == Presence::Offline)])
    };
    sqlx::query(
        "INSERT INTO tidings_leases (user, until, ended) \
         SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?) WHERE true \
         ON CONFLICT DO UPDATE SET until = excluded.until, ended = excluded.ended",
    )
    .bind(rows(leases, row))
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes down which connections are expected back, and forgets those that have ended; of several words
/// about one connection the last counts.
pub(super) async fn save(connection: &mut SqliteConnection, saved: &[Saved]) -> Result<(), sqlx::Error> {
    let row = |Saved { id, user, login, opened_at, until }: &Saved| {
        let until = until.map_or(ENDED, |until| signed(until.as_millis()));
        json!([id, user, login, signed(opened_at.as_millis()), until])
    };
    sqlx::query(
        "INSERT INTO tidings_connections (id, user, login, opened_at, until) \
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?) WHERE true \
         ON CONFLICT DO UPDATE SET user = excluded.user, login = excluded.login, \
         opened_at = excluded.opened_at, until = excluded.until",
    )
    .bind(rows(saved, row))
    .execute(&mut *connection)
    .await?;
    sqlx::query("DELETE FROM tidings_connections WHERE until = ?").bind(ENDED).execute(connection).await?;
    Ok(())
}

/// In the place of the time until which a connection is expected back.
const ENDED: i64 = -1;

/// Rows as one argument: one statement writes them all.
fn rows<T>(of: &[T], row: impl Fn(&T) -> Value) -> String {
    Value::Array(of.iter().map(row).collect()).to_string()
}
