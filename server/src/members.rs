//! The instances on one log, as they tell each other that they are there.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::{Instant, MissedTickBehavior};

use crate::{
    log::Log,
    registry::Registry,
    store::{Member, Store},
};

/// Between two words to the others.
const EVERY: Duration = Duration::from_secs(2);

/// Who has not been heard of for three of them is taken for gone, or cut off.
const ALIVE: Duration = Duration::from_secs(6);

/// What was heard last, and when.
#[derive(Debug)]
pub(crate) struct Members(Mutex<(Instant, Vec<Member>)>);

impl Members {
    pub(crate) fn new() -> Self {
        Self(Mutex::new((Instant::now(), Vec::new())))
    }

    /// Who was heard of. What is known grows old where the store cannot be asked, this instance's own word included.
    pub(crate) fn known(&self) -> Vec<Member> {
        let (heard, mut members) = self.0.lock().clone();
        let since = heard.elapsed();
        members.iter_mut().for_each(|member| member.silent += since);
        members
    }
}

impl Member {
    /// Whether it was heard of in the last six seconds: one that runs and reaches the store is.
    pub fn is_alive(&self) -> bool {
        self.silent <= ALIVE
    }
}

/// What an instance tells of itself.
pub(crate) struct Teller {
    pub(crate) members: Weak<Members>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) log: Arc<Log>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) name: String,
}

impl Teller {
    /// Tells until the hub is dropped.
    pub(crate) async fn run(self) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let met = self.store.meet(self.own()).await;
            let Some(members) = self.members.upgrade() else { return };
            match met {
                Ok(mut met) => {
                    met.sort_by(|one, other| one.name.cmp(&other.name));
                    *members.0.lock() = (Instant::now(), met);
                }
                Err(error) => tracing::debug!(%error, "the other instances were not told of this one"),
            }
        }
    }

    fn own(&self) -> Member {
        Member {
            name: self.name.clone(),
            streams: self.registry.len() as u64,
            position: self.log.head().sequence(),
            silent: Duration::ZERO,
        }
    }
}
