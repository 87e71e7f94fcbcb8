//! The one SQLite file that everything but the events lives in.

use std::{path::Path, str::FromStr, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use sqlx::{
    Row, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous},
};

/// Opens the file, makes it where there is none, and brings its tables into being.
///
/// # Errors
/// Whatever SQLite says.
pub(crate) async fn open(file: &Path) -> Result<SqlitePool, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .foreign_keys(true)
        // Readers go on while a change is being written.
        .journal_mode(SqliteJournalMode::Wal)
        // What was answered as saved survives a power cut.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5));
    // Four: more readers than cores only take turns.
    let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await?;
    sqlx::raw_sql(include_str!("schema.sql")).execute(&pool).await?;
    Ok(pool)
}

/// A column that holds the text of a `T`.
pub(crate) fn parsed<T>(row: &SqliteRow, column: &str) -> Result<T, sqlx::Error>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    row.try_get::<&str, _>(column)?.parse().map_err(decode(column))
}

/// A column that may be null, or hold the text of a `T`.
pub(crate) fn parsed_option<T>(row: &SqliteRow, column: &str) -> Result<Option<T>, sqlx::Error>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    row.try_get::<Option<&str>, _>(column)?.map(str::parse).transpose().map_err(decode(column))
}

/// A column that holds one of an enum's words.
pub(crate) fn word<T: DeserializeOwned>(row: &SqliteRow, column: &str) -> Result<T, sqlx::Error> {
    serde_json::from_value(row.try_get::<String, _>(column)?.into()).map_err(decode(column))
}

/// A column that may be null, or hold one of an enum's words.
pub(crate) fn word_option<T: DeserializeOwned>(
    row: &SqliteRow,
    column: &str,
) -> Result<Option<T>, sqlx::Error> {
    let text = row.try_get::<Option<String>, _>(column)?;
    text.map(|text| serde_json::from_value(text.into())).transpose().map_err(decode(column))
}

/// A column that holds JSON.
pub(crate) fn json<T: DeserializeOwned>(row: &SqliteRow, column: &str) -> Result<T, sqlx::Error> {
    serde_json::from_str(row.try_get(column)?).map_err(decode(column))
}

/// An enum's value as the word it is stored as.
pub(crate) fn as_word<T: Serialize>(value: T) -> Result<String, sqlx::Error> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        Ok(other) => Err(sqlx::Error::Encode(format!("{other} is no word").into())),
        Err(error) => Err(sqlx::Error::Encode(error.into())),
    }
}

/// A value as the JSON it is stored as.
pub(crate) fn as_json<T: Serialize>(value: &T) -> Result<String, sqlx::Error> {
    serde_json::to_string(value).map_err(|error| sqlx::Error::Encode(error.into()))
}

fn decode<E: std::error::Error + Send + Sync + 'static>(column: &str) -> impl FnOnce(E) -> sqlx::Error {
    move |error| sqlx::Error::ColumnDecode { index: column.to_owned(), source: error.into() }
}
