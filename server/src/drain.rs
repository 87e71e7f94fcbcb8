//! The end of a hub: no new streams, then goodbyes evenly spread, so that the next instance is not stormed.

use std::{sync::atomic::Ordering, time::Duration};

use protocol::GoodbyeReason;

use crate::shared::Shared;

/// The shortest and the longest time over which goodbyes are spread.
const PACE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(20));

/// Tells every stream to say goodbye.
pub(crate) async fn run(shared: &Shared) {
    shared.draining.store(true, Ordering::Release);
    let connections = shared.registry.all();
    let Ok(count) = u32::try_from(connections.len()) else { return };
    if count == 0 {
        return;
    }
    let seconds = f64::from(count) / f64::from(shared.config.drain_per_second.max(1));
    let pace = Duration::from_secs_f64(seconds).clamp(PACE.0, PACE.1) / count;
    let mut ticks = tokio::time::interval(pace);
    for connection in connections {
        ticks.tick().await;
        connection.leave(GoodbyeReason::Draining);
    }
}
