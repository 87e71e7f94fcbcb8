//! A run begins: the epoch before ends at what is there, and this one is written down before its first id.

use protocol::Epoch;
use sqlx::SqliteConnection;

use super::{
    load::{EPOCHS_KEPT, Loaded},
    rows::signed,
};
use crate::{secret::Secret, store::Opening};

/// Writes the beginning of a run, in the transaction that is open; the number of its epoch.
pub(super) async fn begin(
    connection: &mut SqliteConnection,
    opening: &Opening,
    loaded: &Loaded,
) -> Result<i64, sqlx::Error> {
    sqlx::query("UPDATE tidings_epochs SET ended = ? WHERE ended IS NULL")
        .bind(signed(loaded.head))
        .execute(&mut *connection)
        .await?;
    let number = epoch(connection, &opening.epoch).await?;
    sqlx::query(
        "DELETE FROM tidings_epochs WHERE number < ? \
         AND number NOT IN (SELECT epoch FROM tidings_entries UNION SELECT epoch FROM tidings_keys)",
    )
    .bind(number - EPOCHS_KEPT)
    .execute(&mut *connection)
    .await?;
    secret(connection, &opening.secret).await?;
    Ok(number)
}

async fn epoch(connection: &mut SqliteConnection, epoch: &Epoch) -> Result<i64, sqlx::Error> {
    let inserted = sqlx::query("INSERT INTO tidings_epochs (token) VALUES (?)")
        .bind(epoch.as_str())
        .execute(connection)
        .await?;
    Ok(inserted.last_insert_rowid())
}

/// The first one that was offered stays.
async fn secret(connection: &mut SqliteConnection, secret: &Secret) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE tidings_meta SET secret = coalesce(secret, ?)")
        .bind(&secret.bits()[..])
        .execute(connection)
        .await?;
    Ok(())
}
