//! The end of a hub: no new streams, then goodbyes evenly spread, so that the next instance is not stormed.

use std::{ops::Range, sync::atomic::Ordering, time::Duration};

use protocol::GoodbyeReason;

use crate::{Config, random, shared::Shared};

/// The shortest and the longest time over which goodbyes are spread.
const PACE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(20));

/// Clients are asked to return within this of their goodbye: those of one tick do not come in one packet's time.
const RETURN_WITHIN: Duration = Duration::from_secs(1);

/// After which a client is asked to return.
pub(crate) fn reconnect_after() -> Duration {
    random::uniform(Duration::ZERO, RETURN_WITHIN)
}

/// Tells every stream to say goodbye.
pub(crate) async fn run(shared: &Shared) {
    shared.draining.store(true, Ordering::Release);
    let connections = shared.registry.all();
    let Ok(count) = u32::try_from(connections.len()) else { return };
    if count == 0 {
        return;
    }
    let takes = shared.drain_takes.get_or_init(|| takes(&shared.config, count));
    let mut ticks = tokio::time::interval(*takes / count);
    for connection in connections {
        ticks.tick().await;
        connection.leave(GoodbyeReason::Draining);
    }
}

/// The `retry` of a drain's goodbyes: no shorter than the drain itself. Where no other instance listens, whoever was
/// told early comes back in vain, and from then on by delays that begin with this. Short ones would have most of a
/// crowd stand at the door of the next process in its first seconds.
pub(crate) fn retry(shared: &Shared) -> Range<Duration> {
    let retry = &shared.config.retry;
    let takes = shared.drain_takes.get().copied().unwrap_or_default();
    retry.start.max(takes)..retry.end.max(takes * 2)
}

/// Over how long `count` goodbyes are spread.
fn takes(config: &Config, count: u32) -> Duration {
    let seconds = f64::from(count) / f64::from(config.drain_per_second.max(1));
    Duration::from_secs_f64(seconds).clamp(PACE.0, PACE.1)
}
