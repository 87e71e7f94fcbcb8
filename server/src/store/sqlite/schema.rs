//! The tables, how older ones become these, and whether a file has them at all.

use std::{
    fs::File,
    io::{ErrorKind, Read as _},
    path::Path,
};

use sqlx::{Connection as _, Executor as _, SqliteConnection};

use super::{
    connect,
    error::{code, corrupt, not_ours, told},
};
use crate::store::StoreError;

/// How every SQLite database begins (<https://www.sqlite.org/fileformat.html>, 1.3).
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// What makes each version out of the one before, beginning with nothing. Never changed once released.
const STEPS: &[&str] = &[include_str!("schema/1.sql")];

/// Tables whose pages are checked at a start, all of ours.
const TABLES: [&str; 9] = [
    "tidings_meta",
    "tidings_epochs",
    "tidings_entries",
    "tidings_keys",
    "tidings_grants",
    "tidings_revocations",
    "tidings_leases",
    "tidings_connections",
    "tidings_outbox",
];

/// What lies at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing of ours: no file, an empty one, or a database with other tables only.
    Nothing,
    /// Tables of an older version.
    Older,
    /// Tables of this version.
    Current,
}

/// Looks without touching.
pub(super) async fn find(path: &Path) -> Result<Found, StoreError> {
    if is_empty(path)? {
        return Ok(Found::Nothing);
    }
    let mut connection = connect::reading(path).await?;
    let found = examine(path, &mut connection).await;
    let _ = connection.close().await;
    found
}

fn is_empty(path: &Path) -> Result<bool, StoreError> {
    let unavailable = |error| StoreError::Unavailable(format!("{}: {error}", path.display()));
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(unavailable(error)),
    };
    if file.metadata().map_err(unavailable)?.len() == 0 {
        return Ok(true);
    }
    let mut magic = [0; 16];
    match file.read_exact(&mut magic) {
        Ok(()) if magic == *MAGIC => Ok(false),
        _ => Err(not_ours(&format!("{} is no SQLite database", path.display()))),
    }
}

async fn examine(path: &Path, connection: &mut SqliteConnection) -> Result<Found, StoreError> {
    let name = path.display();
    let tables: Vec<(String,)> =
        sqlx::query_as("SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB 'tidings_*'")
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| told(path, &error))?;
    if tables.is_empty() {
        return Ok(Found::Nothing);
    }
    let version: Result<Option<(i64,)>, _> = sqlx::query_as("SELECT version FROM tidings_meta WHERE id = 1")
        .fetch_optional(&mut *connection)
        .await;
    let version = match version {
        Ok(Some((version,))) => version,
        Ok(None) => return Err(corrupt(&format!("{name} does not say of which version its tables are"))),
        Err(error) if code(&error) == Some(1) => {
            return Err(not_ours(&format!("{name} has tables named tidings_ that are not ours")));
        }
        Err(error) => return Err(told(path, &error)),
    };
    let current = signed_len(STEPS);
    if version > current {
        return Err(StoreError::Foreign(format!(
            "{name} is of version {version}, this one knows versions up to {current}; it was left untouched: \
             use a newer tidings"
        )));
    }
    for table in TABLES {
        // The name is one of ours.
        let check = format!("PRAGMA quick_check({table})");
        let said: Result<Vec<(String,)>, _> = sqlx::query_as(&check).fetch_all(&mut *connection).await;
        match said {
            Ok(said) if said.iter().all(|(said,)| said == "ok") => {}
            Ok(said) => {
                let (first,) = said.into_iter().next().unwrap_or_default();
                return Err(corrupt(&format!("{name} is damaged: {first}")));
            }
            Err(error) if code(&error) == Some(1) => {
                return Err(corrupt(&format!("{name} lacks the table {table}")));
            }
            Err(error) => return Err(told(path, &error)),
        }
    }
    Ok(if version == current { Found::Current } else { Found::Older })
}

/// Brings the tables to this version, all steps or none; part of the transaction that is open.
pub(super) async fn migrate(connection: &mut SqliteConnection, found: Found) -> Result<(), sqlx::Error> {
    migrate_by(connection, found, STEPS).await
}

async fn migrate_by(
    connection: &mut SqliteConnection,
    found: Found,
    steps: &[&'static str],
) -> Result<(), sqlx::Error> {
    let done = match found {
        Found::Nothing => 0,
        Found::Older | Found::Current => {
            let (version,): (i64,) =
                sqlx::query_as("SELECT version FROM tidings_meta").fetch_one(&mut *connection).await?;
            usize::try_from(version).unwrap_or(0)
        }
    };
    for step in &steps[done..] {
        connection.execute(sqlx::raw_sql(step)).await?;
    }
    sqlx::query("UPDATE tidings_meta SET version = ? WHERE version <> ?1")
        .bind(signed_len(steps))
        .execute(connection)
        .await?;
    Ok(())
}

fn signed_len(steps: &[&str]) -> i64 {
    i64::try_from(steps.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn memory() -> SqliteConnection {
        SqliteConnection::connect("sqlite::memory:").await.expect("it opens")
    }

    async fn version(connection: &mut SqliteConnection) -> i64 {
        let (version,) =
            sqlx::query_as("SELECT version FROM tidings_meta").fetch_one(connection).await.expect("one");
        version
    }

    #[tokio::test]
    async fn an_older_file_keeps_what_it_holds_and_gets_the_steps_it_lacks() {
        let mut connection = memory().await;
        migrate_by(&mut connection, Found::Nothing, STEPS).await.expect("made");
        let insert = "INSERT INTO tidings_entries VALUES (7, 1, 0, 0, 'all', x'00')";
        sqlx::query(insert).execute(&mut connection).await.expect("inserted");
        let newer =
            [STEPS, &["ALTER TABLE tidings_entries ADD COLUMN more INTEGER NOT NULL DEFAULT 5"]].concat();
        for found in [Found::Older, Found::Current] {
            migrate_by(&mut connection, found, &newer).await.expect("migrated");
            assert_eq!(version(&mut connection).await, signed_len(&newer));
            let kept: (i64, i64) = sqlx::query_as("SELECT sequence, more FROM tidings_entries")
                .fetch_one(&mut connection)
                .await
                .expect("kept");
            assert_eq!(kept, (7, 5));
        }
    }

    #[tokio::test]
    async fn every_table_of_ours_is_checked() {
        let mut connection = memory().await;
        migrate(&mut connection, Found::Nothing).await.expect("made");
        let mut tables: Vec<(String,)> = sqlx::query_as(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*'",
        )
        .fetch_all(&mut connection)
        .await
        .expect("listed");
        let mut checked = TABLES.map(|table| (table.to_owned(),)).to_vec();
        tables.sort();
        checked.sort();
        assert_eq!(tables, checked);
    }
}
