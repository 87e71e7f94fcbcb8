//! What a store of one instance has announced of each user.

use std::collections::HashMap;

use parking_lot::Mutex;

use super::Lease;
use crate::{Presence, PresenceChange};

/// Everybody who is not offline.
#[derive(Debug, Default)]
pub(super) struct Announced(Mutex<HashMap<String, Presence>>);

impl Announced {
    /// Users of the run before: what was announced of them last is that they are here.
    #[cfg(feature = "sqlite")]
    pub(super) fn expect(&self, leases: &[Lease]) {
        self.0.lock().extend(leases.iter().map(|lease| (lease.user.clone(), Presence::Online)));
    }

    /// The changes that leases make, now that they are stored. The only instance is the one that announces them.
    pub(super) fn changes(&self, leases: Vec<Lease>) -> Vec<PresenceChange> {
        let mut announced = self.0.lock();
        let change = |Lease { user, presence, .. }| {
            let before = if presence == Presence::Offline {
                announced.remove(&user)
            } else {
                announced.insert(user.clone(), presence)
            };
            (before.unwrap_or(Presence::Offline) != presence).then_some(PresenceChange { user, presence })
        };
        leases.into_iter().filter_map(change).collect()
    }
}
