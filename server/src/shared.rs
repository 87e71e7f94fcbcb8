//! What the hub, its streams and its tasks share.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use protocol::control::ContractVersion;
use tokio::task::AbortHandle;

use crate::{
    Config, clock::Clock, foreign::ForeignCursors, limits::Addresses, log::Log, members::Members,
    metrics::Metrics, presences::Presences, registry::Registry, saving::Saving, secret::Secret,
    standing::Standing, store::Store, wheel::Wheel,
};

/// One hub. Dropped when the last handle and the last stream are.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) secret: Secret,
    pub(crate) contract: ContractVersion,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) log: Arc<Log>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) standing: Arc<Standing>,
    pub(crate) addresses: Addresses,
    pub(crate) presences: Arc<Presences>,
    pub(crate) saving: Arc<Saving>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) wheel: Arc<Wheel>,
    pub(crate) foreign: ForeignCursors,
    pub(crate) members: Arc<Members>,
    /// Set for good when the drain begins.
    pub(crate) draining: AtomicBool,
    /// Over how long the drain's goodbyes are spread, once it has begun.
    pub(crate) drain_takes: OnceLock<Duration>,
    /// The tasks that must not outlive the hub.
    pub(crate) tasks: Vec<AbortHandle>,
}

impl Shared {
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}
