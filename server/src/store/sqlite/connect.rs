//! Connections to the file: one that looks, one that writes.

use std::{path::Path, time::Duration};

use sqlx::{
    ConnectOptions as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::error::told;
use crate::store::StoreError;

/// What the write-ahead log is cut back to after a checkpoint, so that a burst does not stay on the disk:
/// a few of the largest commits.
const WAL_BYTES_KEPT: &str = "16777216";

/// A connection that cannot change the file, nor make one.
pub(super) async fn reading(path: &Path) -> Result<SqliteConnection, StoreError> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true).create_if_missing(false);
    options.disable_statement_logging().connect().await.map_err(|error| told(path, &error))
}

/// The connection of the one writer.
pub(super) async fn writing(path: &Path, busy: Duration) -> Result<SqliteConnection, StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(busy)
        .pragma("journal_size_limit", WAL_BYTES_KEPT)
        .disable_statement_logging();
    options.connect().await.map_err(|error| told(path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_commit_waits_for_the_disk() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tidings.db");
        let mut connection = writing(&path, Duration::ZERO).await.expect("it opens");
        let (mode,): (String,) =
            sqlx::query_as("PRAGMA journal_mode").fetch_one(&mut connection).await.expect("one");
        let (synchronous,): (i64,) =
            sqlx::query_as("PRAGMA synchronous").fetch_one(&mut connection).await.expect("one");
        assert_eq!((mode.as_str(), synchronous), ("wal", 2), "2 is FULL");
    }
}
