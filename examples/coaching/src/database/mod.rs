//! The one database that everything lives in, the events included: an SQLite file, or PostgreSQL.
//!
//! The app's SQL runs on both as it stands: `$1` for values, text for ids and times, nothing that only one of
//! them knows. What differs is here: how each is opened, its tables, and how changes take turns.

mod column;
mod connection;

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use sqlx::{
    PgPool, SqlitePool,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tidings_bindings::Event;
use tidings_server::{Config, Hub, Postgres, Sqlite, StartError, StoreError, store::PostgresOptions};

pub(crate) use column::{as_json, as_word, json, parsed, parsed_option, word, word_option};
pub(crate) use connection::{Connection, Row, query};

/// Four: more readers than cores only take turns.
const CONNECTIONS: u32 = 4;

/// Any number that every instance knows: makes the tables of two that start at once one after the other.
const TABLES_LOCK: &str = "SELECT pg_advisory_xact_lock(7310303)";

/// Where the app and its hub keep everything.
#[derive(Clone)]
pub struct Database {
    place: Place,
}

/// Each with the store of the hub, so that events can be part of changes.
#[derive(Clone)]
enum Place {
    Sqlite { file: PathBuf, store: Sqlite },
    Postgres { connect: Box<PgConnectOptions>, store: Postgres },
}

impl Database {
    /// The SQLite file at `path`; made where there is none.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let file = path.into();
        let store = Sqlite::at(&file);
        Self { place: Place::Sqlite { file, store } }
    }

    /// The PostgreSQL database at `url`, `postgres://user:password@host/name`.
    ///
    /// # Errors
    /// [`StoreError::Foreign`] when the URL is none.
    pub fn postgres(url: &str) -> Result<Self, StoreError> {
        let connect: PgConnectOptions =
            url.parse().map_err(|error| StoreError::Foreign(format!("no database's URL: {error}")))?;
        let store = Postgres::with(connect.clone(), PostgresOptions::default())?;
        Ok(Self { place: Place::Postgres { connect: Box::new(connect), store } })
    }

    /// Starts a hub that keeps its log here.
    ///
    /// # Errors
    /// [`StartError`] when the store does not open.
    pub async fn hub(&self, config: Config) -> Result<Hub<Event>, StartError> {
        match &self.place {
            Place::Sqlite { store, .. } => Hub::start(config, store.clone()).await,
            Place::Postgres { store, .. } => Hub::start(config, store.clone()).await,
        }
    }

    /// Connects, and brings the app's tables into being.
    pub(crate) async fn open(&self) -> Result<Pool, sqlx::Error> {
        match &self.place {
            Place::Sqlite { file, store } => {
                let options = SqliteConnectOptions::new()
                    .filename(file)
                    .create_if_missing(true)
                    .foreign_keys(true)
                    // Readers go on while a change is being written.
                    .journal_mode(SqliteJournalMode::Wal)
                    // What was answered as saved survives a power cut.
                    .synchronous(SqliteSynchronous::Full)
                    .busy_timeout(Duration::from_secs(5));
                let pool =
                    SqlitePoolOptions::new().max_connections(CONNECTIONS).connect_with(options).await?;
                sqlx::raw_sql(include_str!("schema/sqlite.sql")).execute(&pool).await?;
                Ok(Pool::Sqlite { pool, store: store.clone() })
            }
            Place::Postgres { connect, store } => {
                let options = PgPoolOptions::new().max_connections(CONNECTIONS);
                let pool =
                    options.connect_with(connect.as_ref().clone().application_name("coaching")).await?;
                let mut tables = pool.begin().await?;
                sqlx::query(TABLES_LOCK).execute(&mut *tables).await?;
                sqlx::raw_sql(include_str!("schema/postgres.sql")).execute(&mut *tables).await?;
                tables.commit().await?;
                Ok(Pool::Postgres { pool, store: store.clone() })
            }
        }
    }
}

impl FromStr for Database {
    type Err = StoreError;

    /// `postgres://…`, else the path of an SQLite file, with or without `sqlite:` before it.
    fn from_str(text: &str) -> Result<Self, StoreError> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Self::postgres(text);
        }
        Ok(Self::file(text.strip_prefix("sqlite:").unwrap_or(text)))
    }
}

/// As a person may read it: without a password.
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Sqlite { file, .. } => write!(f, "{}", file.display()),
            Place::Postgres { connect, .. } => {
                let name = connect.get_database().unwrap_or_else(|| connect.get_username());
                write!(f, "the database {name} on {}", connect.get_host())
            }
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Database({self})")
    }
}

/// The app's connections.
#[derive(Debug, Clone)]
pub(crate) enum Pool {
    Sqlite { pool: SqlitePool, store: Sqlite },
    Postgres { pool: PgPool, store: Postgres },
}

impl Pool {
    /// A connection on which each statement is committed by itself.
    pub(crate) async fn connection(&self) -> Result<Connection, sqlx::Error> {
        Ok(match self {
            Self::Sqlite { pool, .. } => Connection::Sqlite(pool.acquire().await?),
            Self::Postgres { pool, .. } => Connection::Postgres(pool.acquire().await?),
        })
    }

    /// A transaction.
    ///
    /// Changes of one relationship take turns, each reading what the one before has committed. An SQLite file
    /// has one writer at a time, from the transaction's first statement; in PostgreSQL whoever asks for the two
    /// people of a relationship in a transaction has its row for themselves from then on.
    pub(crate) async fn begin(&self) -> Result<Connection, sqlx::Error> {
        Ok(match self {
            Self::Sqlite { pool, store } => {
                // In a task that a dropped request does not end: sqlx 0.8.6 waits once more between `BEGIN` and
                // the transaction that would be rolled back, and dropped there, the connection would go back to
                // the pool with the file's write lock. What comes of the task is dropped like any other.
                let pool = pool.clone();
                let begun = tokio::spawn(async move { pool.begin_with("BEGIN IMMEDIATE").await });
                Connection::SqliteChange(begun.await.map_err(|_| sqlx::Error::WorkerCrashed)??, store.clone())
            }
            Self::Postgres { pool, store } => Connection::PostgresChange(pool.begin().await?, store.clone()),
        })
    }
}
