//! One clock for all streams: who is to be woken when, in steps of 10 ms, so that a stream needs no timer of its
//! own.

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{sync::Notify, time::Instant};

use crate::connection::Connection;

/// Far below anything a stream waits for, and as many streams in one wake-up as share it.
const STEP: Duration = Duration::from_millis(10);

/// Streams by the step at which they are woken; each stands here about once.
#[derive(Debug)]
pub(crate) struct Wheel {
    origin: Instant,
    due: Mutex<BTreeMap<u64, Vec<Weak<Connection>>>>,
    /// Somebody is to be woken before whoever was first.
    earlier: Notify,
}

impl Wheel {
    pub(crate) fn new() -> Self {
        Self { origin: Instant::now(), due: Mutex::default(), earlier: Notify::new() }
    }

    /// Wakes `connection` at `at`, or within a step after.
    pub(crate) fn wake_at(&self, at: Instant, connection: &Arc<Connection>) {
        let step = at.saturating_duration_since(self.origin).as_nanos().div_ceil(STEP.as_nanos());
        let step = u64::try_from(step).unwrap_or(u64::MAX);
        let mut due = self.due.lock();
        let is_first = due.first_key_value().is_none_or(|(first, _)| step < *first);
        due.entry(step).or_default().push(Arc::downgrade(connection));
        drop(due);
        if is_first {
            self.earlier.notify_one();
        }
    }

    /// Wakes until the hub is dropped.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            let first = self.due.lock().first_key_value().map(|(step, _)| *step);
            let at = first.and_then(|step| {
                let steps = u32::try_from(step).ok()?;
                self.origin.checked_add(STEP.checked_mul(steps)?)
            });
            match at {
                // In 497 days there are as many steps as fit: nobody stands behind them.
                None => self.earlier.notified().await,
                Some(at) => tokio::select! {
                    () = tokio::time::sleep_until(at) => self.wake(),
                    () = self.earlier.notified() => {}
                },
            }
        }
    }

    fn wake(&self) {
        let now = self.origin.elapsed().as_nanos() / STEP.as_nanos();
        let later = u64::try_from(now).unwrap_or(u64::MAX).saturating_add(1);
        let mut due = self.due.lock();
        let rest = due.split_off(&later);
        let woken = std::mem::replace(&mut *due, rest);
        drop(due);
        for connection in woken.into_values().flatten() {
            if let Some(connection) = connection.upgrade() {
                connection.tick();
            }
        }
    }
}
