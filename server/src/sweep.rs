//! What nobody else would notice in time: entries that grow old without a send, streams that are blocked and can
//! never catch up, those behind a proxy whose far end is silent, and a log that has become another one.

use std::{sync::Arc, time::Duration};

use protocol::Covered;
use tokio::time::MissedTickBehavior;

use crate::{
    Config,
    clock::Clock,
    connection::Connection,
    log::{Log, is_lost},
    metrics::Metrics,
    presences::Presences,
    registry::Registry,
    saving::Saving,
    standing::{Standing, SweepLimits},
};

/// Between two sweeps: well below the 5 s after which a write counts as stalled.
const EVERY: Duration = Duration::from_secs(1);

/// What is swept, and by which limits.
pub(crate) struct Sweep {
    pub(crate) log: Arc<Log>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) standing: Arc<Standing>,
    pub(crate) presences: Arc<Presences>,
    pub(crate) saving: Arc<Saving>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) config: Config,
    pub(crate) clock: Clock,
}

impl Sweep {
    /// Sweeps until the hub is dropped.
    pub(crate) async fn run(self) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (_, mut generation) = self.log.stand();
        loop {
            ticks.tick().await;
            self.sweep();
            let (_, now) = self.log.stand();
            if std::mem::replace(&mut generation, now) != now {
                self.say_all_again();
            }
        }
    }

    /// The log is another one, and its store may have lost what it was told of this instance.
    fn say_all_again(&self) {
        self.presences.say_all_again();
        let until = self.clock.now() + self.config.lifetime + self.config.presence_lease;
        for connection in self.registry.all() {
            self.saving.opened(&connection, until);
        }
    }

    fn sweep(&self) {
        let (now, config) = (self.clock.now(), &self.config);
        let limits = SweepLimits { window: config.history.age, revocations: config.revocations_kept };
        self.log.trim(now);
        self.standing.sweep(now, &limits, |user| self.registry.is_here(user));
        let silent_since = self.presences.silent_since();
        for connection in self.registry.all() {
            if connection.is_silent(silent_since) {
                self.presences.check(&connection.user);
            }
            if connection.is_stuck() {
                self.cut_if_lost(&connection);
            }
        }
    }

    fn cut_if_lost(&self, connection: &Connection) {
        let channels = connection.channels.lock().clone();
        let covered: Vec<_> = channels.into_iter().map(Covered::from_the_beginning).collect();
        if is_lost(&self.log, connection.stand(), &covered) && connection.cut() {
            self.metrics.laggards_cut.add(1);
        }
    }
}
