//! Cursors of a log that the store does not know: after a restart without a store a few clients bring one each; where
//! they keep coming, another server with a log of its own answers the same clients.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Clients of the run before come back within this: the longest delay of ours is 30 s, and of a native reader 5 s.
const SETTLED_AFTER: Duration = Duration::from_secs(120);

/// A few may come back later from a sleep; more within a minute do not.
const SEVERAL: u32 = 5;

/// Over which they are counted, and how often it is said.
const WINDOW: Duration = Duration::from_secs(60);

/// Counts them.
#[derive(Debug)]
pub(crate) struct ForeignCursors {
    started: Instant,
    window: Mutex<Window>,
}

#[derive(Debug)]
struct Window {
    began: Instant,
    count: u32,
}

impl ForeignCursors {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self { started: now, window: Mutex::new(Window { began: now, count: 0 }) }
    }

    /// One more; whether it is to be said now that they are too many.
    pub(crate) fn note(&self) -> bool {
        let now = Instant::now();
        if now < self.started + SETTLED_AFTER {
            return false;
        }
        let mut window = self.window.lock();
        if now >= window.began + WINDOW {
            *window = Window { began: now, count: 0 };
        }
        window.count += 1;
        window.count == SEVERAL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn many_in_a_minute_are_said_once_but_not_right_after_a_start_nor_few() {
        let cursors = ForeignCursors::new();
        assert!((0..100).all(|_| !cursors.note()), "those of the run before");
        tokio::time::advance(SETTLED_AFTER).await;
        for _ in 0..3 {
            assert_eq!((0..100).filter(|_| cursors.note()).count(), 1);
            tokio::time::advance(WINDOW).await;
        }
        for _ in 0..100 {
            assert!(!cursors.note(), "one in 20 s");
            tokio::time::advance(Duration::from_secs(20)).await;
        }
    }
}
