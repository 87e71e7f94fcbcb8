//! What the handle and the tasks of a run share, and how each of them reaches the database.

use std::{
    sync::{OnceLock, atomic::AtomicBool},
    time::Duration,
};

use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::sync::{Notify, watch};

use super::{
    PostgresOptions,
    failure::Failure,
    schema::Schema,
    session::{self, Session},
    tickets::Tickets,
};

/// What the handle and the tasks of a run share.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) schema: Schema,
    pub(super) options: PostgresOptions,
    pub(super) connect: PgConnectOptions,
    /// Made with the first question: it needs a runtime.
    pub(super) pool: OnceLock<PgPool>,
    pub(super) tickets: Tickets,
    /// There may be something in the outbox.
    pub(super) sequencer: Notify,
    /// There may be something new in the log.
    pub(super) follower: Notify,
    /// Whoever opened the store has what it was answered with.
    pub(super) begun: Notify,
    /// What was followed last.
    pub(super) position: watch::Sender<u64>,
    /// Whether what is committed reaches this instance.
    pub(super) followed: AtomicBool,
}

impl Inner {
    /// For one answer of the database: a moment more than a statement may run there.
    pub(super) fn bound(&self) -> Duration {
        self.options.wait + Duration::from_millis(500)
    }

    pub(super) fn pool(&self) -> &PgPool {
        self.pool.get_or_init(|| {
            PgPoolOptions::new()
                .max_connections(self.options.pool)
                .acquire_timeout(self.options.wait)
                .connect_lazy_with(self.connect_as("pool"))
        })
    }

    /// How a connection for `task` is made.
    pub(super) fn connect_as(&self, task: &str) -> PgConnectOptions {
        let millis = |duration: Duration| duration.as_millis().to_string();
        self.connect.clone().application_name(&format!("tidings {task}")).options([
            ("statement_timeout", millis(self.options.wait)),
            ("idle_in_transaction_session_timeout", millis(self.options.wait)),
            // Seconds: a peer that is gone is noticed within about ten, and what it holds let go of.
            ("tcp_keepalives_idle", "4".to_owned()),
            ("tcp_keepalives_interval", "2".to_owned()),
            ("tcp_keepalives_count", "3".to_owned()),
            ("tcp_user_timeout", "10000".to_owned()),
        ])
    }

    pub(super) fn session(&self, task: &str) -> Session {
        Session::new(self.connect_as(task), self.bound())
    }

    /// The session that holds the lock: it asks every 25 ms, so that one that is silent for so long is gone,
    /// or as good as gone, and the database ends it.
    pub(super) fn sequencer_session(&self) -> Session {
        let options = self.connect_as("sequencer").options([("idle_session_timeout", "3000")]);
        Session::new(options, self.bound())
    }

    /// Says something to all instances.
    pub(super) async fn notify(&self, what: &str) -> Result<(), Failure> {
        let statement = sqlx::query("SELECT pg_notify($1, $2)").bind(self.schema.channel()).bind(what);
        session::all(self.pool(), self.bound(), statement).await.map(drop)
    }

    /// Waits until this instance has followed as far as `sequence`.
    pub(super) async fn reach(&self, sequence: u64) {
        // The sender of positions lives as long as this.
        let _ = self.position.subscribe().wait_for(|position| *position >= sequence).await;
    }
}
