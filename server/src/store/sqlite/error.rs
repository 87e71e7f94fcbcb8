//! What the database says, in the words of a store.

use std::path::Path;

use crate::store::StoreError;

/// Primary result codes of SQLite (<https://www.sqlite.org/rescode.html>).
const SQLITE_CORRUPT: i32 = 11;
const SQLITE_NOTADB: i32 = 26;

/// Whose fault an error is: the file's, or the moment's.
pub(super) fn told(path: &Path, error: &sqlx::Error) -> StoreError {
    let path = path.display();
    match (error, code(error)) {
        (_, Some(SQLITE_CORRUPT)) => corrupt(&format!("{path} is damaged: {error}")),
        (_, Some(SQLITE_NOTADB)) => not_ours(&format!("{path} is no SQLite database")),
        (sqlx::Error::ColumnDecode { .. }, _) => {
            corrupt(&format!("{path} has a row of another kind: {error}"))
        }
        _ => StoreError::Unavailable(format!("{path}: {error}")),
    }
}

/// What is there cannot be read, and is left as it is.
pub(super) fn corrupt(what: &str) -> StoreError {
    StoreError::Corrupt(format!(
        "{what}; it was left untouched: restore it from a backup, or move it away to begin with an empty log"
    ))
}

/// What is there is somebody else's, and is left as it is.
pub(super) fn not_ours(what: &str) -> StoreError {
    StoreError::Foreign(format!("{what}; it was left untouched: name another file, or move this one away"))
}

/// SQLite's primary result code.
pub(super) fn code(error: &sqlx::Error) -> Option<i32> {
    let extended: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(extended & 0xff)
}
