//! Columns as what they mean: ids, times, words, JSON.

use std::str::FromStr;

use serde::{Serialize, de::DeserializeOwned};

use super::Row;

/// A column that holds the text of a `T`.
pub(crate) fn parsed<T>(row: &Row, column: &str) -> Result<T, sqlx::Error>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    row.try_get::<&str>(column)?.parse().map_err(decode(column))
}

/// A column that may be null, or hold the text of a `T`.
pub(crate) fn parsed_option<T>(row: &Row, column: &str) -> Result<Option<T>, sqlx::Error>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    row.try_get::<Option<&str>>(column)?.map(str::parse).transpose().map_err(decode(column))
}

/// A column that holds one of an enum's words.
pub(crate) fn word<T: DeserializeOwned>(row: &Row, column: &str) -> Result<T, sqlx::Error> {
    serde_json::from_value(row.try_get::<String>(column)?.into()).map_err(decode(column))
}

/// A column that may be null, or hold one of an enum's words.
pub(crate) fn word_option<T: DeserializeOwned>(row: &Row, column: &str) -> Result<Option<T>, sqlx::Error> {
    let text = row.try_get::<Option<String>>(column)?;
    text.map(|text| serde_json::from_value(text.into())).transpose().map_err(decode(column))
}

/// A column that holds JSON.
pub(crate) fn json<T: DeserializeOwned>(row: &Row, column: &str) -> Result<T, sqlx::Error> {
    serde_json::from_str(row.try_get::<&str>(column)?).map_err(decode(column))
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
