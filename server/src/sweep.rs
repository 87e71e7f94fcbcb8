//! What nobody else would notice in time: entries that grow old without a send, streams that are blocked and can
//! never catch up, and those behind a proxy whose far end is silent.

use std::{sync::Arc, time::Duration};

use protocol::Covered;
use tokio::time::MissedTickBehavior;

use crate::{
    Config,
    clock::Clock,
    log::{Log, is_lost},
    metrics::Metrics,
    presence::Presences,
    registry::Registry,
    standing::{Standing, SweepLimits},
};

/// Between two sweeps: well below the 5 s after which a write counts as stalled.
const EVERY: Duration = Duration::from_secs(1);

/// Sweeps until the hub is dropped.
pub(crate) async fn run(
    log: Arc<Log>,
    registry: Arc<Registry>,
    standing: Arc<Standing>,
    presences: Arc<Presences>,
    metrics: Arc<Metrics>,
    config: Config,
    clock: Clock,
) {
    let limits = SweepLimits { window: config.history.age, revocations: config.revocations_kept };
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        log.trim(clock.now());
        standing.sweep(clock.now(), &limits, |user| registry.is_here(user));
        let silent_since = presences.silent_since();
        for connection in registry.all() {
            if connection.is_silent(silent_since) {
                presences.check(&connection.user);
            }
            let blocked = connection.blocked_since();
            if blocked.is_none_or(|since| clock.now().since(since) < EVERY) {
                continue;
            }
            let channels = connection.channels.lock().clone();
            let covered: Vec<_> = channels.into_iter().map(Covered::from_the_beginning).collect();
            if is_lost(&log, connection.stand(), &covered) && connection.cut() {
                metrics.laggards_cut.add(1);
            }
        }
    }
}
