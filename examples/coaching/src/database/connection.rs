//! One connection of either database: SQL in, rows out by the names of their columns.

use sqlx::{
    Decode, PgConnection, Postgres as PostgresDriver, Row as _, Sqlite as SqliteDriver, SqliteConnection,
    Transaction, Type,
    pool::PoolConnection,
    postgres::{PgArguments, PgRow},
    sqlite::{SqliteArguments, SqliteRow},
};
use tidings_bindings::Event;
use tidings_server::{Audience, Cause, Hub, Postgres, SendError, Sqlite, StoreError, protocol::Revoked};

/// A connection on which each statement is committed by itself, or the transaction of a change, which is rolled
/// back when it is dropped.
#[derive(Debug)]
pub(crate) enum Connection {
    /// To a file.
    Sqlite(PoolConnection<SqliteDriver>),
    /// To a PostgreSQL database.
    Postgres(PoolConnection<PostgresDriver>),
    /// A change of a file, and the store whose events may be part of it.
    SqliteChange(Transaction<'static, SqliteDriver>, Sqlite),
    /// A change of a PostgreSQL database, likewise.
    PostgresChange(Transaction<'static, PostgresDriver>, Postgres),
}

enum Driver<'a> {
    Sqlite(&'a mut SqliteConnection),
    Postgres(&'a mut PgConnection),
}

impl Connection {
    fn driver(&mut self) -> Driver<'_> {
        match self {
            Self::Sqlite(connection) => Driver::Sqlite(connection),
            Self::SqliteChange(transaction, _) => Driver::Sqlite(transaction),
            Self::Postgres(connection) => Driver::Postgres(connection),
            Self::PostgresChange(transaction, _) => Driver::Postgres(transaction),
        }
    }

    /// What a `SELECT` ends with whose rows of `table` nobody else is to read for a change of theirs until this
    /// change has ended. A file has but one change at a time.
    pub(crate) fn locking(&self, table: &str) -> String {
        match self {
            Self::PostgresChange(..) => format!(" FOR UPDATE OF {table}"),
            Self::Sqlite(_) | Self::SqliteChange(..) | Self::Postgres(_) => String::new(),
        }
    }

    /// Makes an event part of the change.
    pub(crate) async fn tell(
        &mut self,
        hub: &Hub<Event>,
        cause: Cause,
        audience: Audience,
        event: &Event,
    ) -> Result<(), SendError> {
        let caused = hub.caused_by(cause);
        match self {
            Self::SqliteChange(transaction, store) => {
                caused.send_in(store, transaction, audience, event).await
            }
            Self::PostgresChange(transaction, store) => {
                caused.send_in(store, transaction, audience, event).await
            }
            Self::Sqlite(_) | Self::Postgres(_) => Err(no_transaction()),
        }
    }

    /// Makes a revocation part of the change.
    pub(crate) async fn revoke(
        &mut self,
        hub: &Hub<Event>,
        revoked: Revoked,
        reason: &str,
        last_event: Option<&Event>,
    ) -> Result<(), SendError> {
        match self {
            Self::SqliteChange(transaction, store) => {
                hub.revoke_in(store, transaction, revoked, reason, last_event).await
            }
            Self::PostgresChange(transaction, store) => {
                hub.revoke_in(store, transaction, revoked, reason, last_event).await
            }
            Self::Sqlite(_) | Self::Postgres(_) => Err(no_transaction()),
        }
    }

    /// Commits a change.
    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        match self {
            Self::SqliteChange(transaction, _) => transaction.commit().await,
            Self::PostgresChange(transaction, _) => transaction.commit().await,
            Self::Sqlite(_) | Self::Postgres(_) => Ok(()),
        }
    }
}

fn no_transaction() -> SendError {
    StoreError::Unavailable("an event is told within a change".to_owned()).into()
}

/// SQL that both databases know, with `$1` for the first value.
pub(crate) fn query(sql: &str) -> Query<'_> {
    Query { sql, values: Vec::new() }
}

/// A statement and its values.
#[derive(Debug)]
pub(crate) struct Query<'q> {
    sql: &'q str,
    values: Vec<Value>,
}

/// What the app binds.
#[derive(Debug)]
pub(crate) enum Value {
    Text(Option<String>),
    Number(i64),
    Flag(bool),
}

impl<'q> Query<'q> {
    /// The next value.
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// How many rows it touched.
    pub(crate) async fn execute(self, db: &mut Connection) -> Result<u64, sqlx::Error> {
        Ok(match db.driver() {
            Driver::Sqlite(db) => self.for_sqlite().execute(db).await?.rows_affected(),
            Driver::Postgres(db) => self.for_postgres().execute(db).await?.rows_affected(),
        })
    }

    pub(crate) async fn fetch_all(self, db: &mut Connection) -> Result<Vec<Row>, sqlx::Error> {
        Ok(match db.driver() {
            Driver::Sqlite(db) => {
                self.for_sqlite().fetch_all(db).await?.into_iter().map(Row::Sqlite).collect()
            }
            Driver::Postgres(db) => {
                self.for_postgres().fetch_all(db).await?.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    pub(crate) async fn fetch_optional(self, db: &mut Connection) -> Result<Option<Row>, sqlx::Error> {
        Ok(match db.driver() {
            Driver::Sqlite(db) => self.for_sqlite().fetch_optional(db).await?.map(Row::Sqlite),
            Driver::Postgres(db) => self.for_postgres().fetch_optional(db).await?.map(Row::Postgres),
        })
    }

    pub(crate) async fn fetch_one(self, db: &mut Connection) -> Result<Row, sqlx::Error> {
        self.fetch_optional(db).await?.ok_or(sqlx::Error::RowNotFound)
    }

    fn for_sqlite(self) -> sqlx::query::Query<'q, SqliteDriver, SqliteArguments<'q>> {
        self.values.into_iter().fold(sqlx::query(self.sql), |query, value| match value {
            Value::Text(text) => query.bind(text),
            Value::Number(number) => query.bind(number),
            Value::Flag(flag) => query.bind(flag),
        })
    }

    fn for_postgres(self) -> sqlx::query::Query<'q, PostgresDriver, PgArguments> {
        self.values.into_iter().fold(sqlx::query(self.sql), |query, value| match value {
            Value::Text(text) => query.bind(text),
            Value::Number(number) => query.bind(number),
            Value::Flag(flag) => query.bind(flag),
        })
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(str::to_owned))
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

/// A row of either database.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    /// The value of a column.
    pub(crate) fn try_get<'r, T>(&'r self, column: &str) -> Result<T, sqlx::Error>
    where
        T: Decode<'r, SqliteDriver> + Type<SqliteDriver> + Decode<'r, PostgresDriver> + Type<PostgresDriver>,
    {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
    }
}
