//! One connection of our own, made again whenever it is lost, and never waited for beyond a bound.

use std::time::Duration;

use sqlx::{
    Connection as _, PgConnection, PgPool,
    postgres::{PgArguments, PgConnectOptions, PgRow},
    query::Query,
};
use tokio::time::timeout;

use super::failure::Failure;

/// A statement with its arguments.
pub(super) type Statement<'q> = Query<'q, sqlx::Postgres, PgArguments>;

/// A connection for one task.
#[derive(Debug)]
pub(super) struct Session {
    options: PgConnectOptions,
    /// For a connection to be made, and for each answer.
    bound: Duration,
    /// Absent before the first statement, and after one that failed.
    connection: Option<PgConnection>,
}

impl Session {
    pub(super) const fn new(options: PgConnectOptions, bound: Duration) -> Self {
        Self { options, bound, connection: None }
    }

    /// All rows of a statement, which has committed then.
    pub(super) async fn all(&mut self, statement: Statement<'_>) -> Result<Vec<PgRow>, Failure> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => {
                let made = timeout(self.bound, PgConnection::connect_with(&self.options)).await;
                let made = made.map_err(|_| Failure::unreachable("no connection in time"))?;
                none.insert(made.map_err(Failure::unreachable)?)
            }
        };
        let outcome = match timeout(self.bound, statement.fetch_all(connection)).await {
            Ok(outcome) => outcome.map_err(Failure::from),
            Err(_) => Err(Failure::silence()),
        };
        if outcome.is_err() {
            self.let_go();
        }
        outcome
    }

    /// Drops the connection, and with it what its session holds.
    pub(super) fn let_go(&mut self) {
        self.connection = None;
    }

    /// Says goodbye, so that the server lets go at once of what the session holds.
    pub(super) async fn close(&mut self) {
        if let Some(connection) = self.connection.take() {
            // A connection that cannot be closed is dropped, which is the next best.
            let _ = timeout(self.bound, connection.close()).await;
        }
    }
}

/// All rows of a statement on any connection of the pool. One that does not answer is dropped, since nobody
/// knows what comes over it later.
pub(super) async fn all(
    pool: &PgPool,
    bound: Duration,
    statement: Statement<'_>,
) -> Result<Vec<PgRow>, Failure> {
    let mut connection = match timeout(bound, pool.acquire()).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => return Err(Failure::unreachable(error)),
        Err(_) => return Err(Failure::unreachable("no connection in time")),
    };
    let outcome = match timeout(bound, statement.fetch_all(&mut *connection)).await {
        Ok(outcome) => outcome.map_err(Failure::from),
        Err(_) => Err(Failure::silence()),
    };
    if outcome.is_err() {
        drop(connection.detach());
    }
    outcome
}
