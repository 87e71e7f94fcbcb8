//! The client's clock: Unix time that paused tests can move.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use protocol::Time;
use tokio::time::Instant;

/// Unix milliseconds: the system's, which counts a suspend of the machine, but never behind tokio's monotonic
/// clock since the start, which a test can pause and move.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    origin: Instant,
    origin_unix: Duration,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { origin: Instant::now(), origin_unix: system() }
    }

    pub(crate) fn now(&self) -> Time {
        Time::from_millis(0) + system().max(self.origin_unix + self.origin.elapsed())
    }

    /// Waits until `due`, for ever where there is nothing to wait for.
    pub(crate) async fn reach(&self, due: Option<Time>) {
        match due {
            Some(due) => tokio::time::sleep(due.since(self.now())).await,
            None => std::future::pending().await,
        }
    }
}

fn system() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
