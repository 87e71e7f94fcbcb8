//! Who is here, by the server's clock.

use std::time::Duration;

use super::link::Link;
use crate::{
    Presence, PresenceChange,
    store::{
        Lease, StoreError,
        holder::{Holder, presence_of, word_of},
    },
};

/// Users of one call, each of whom costs 20 to 40 us: the server does nothing else meanwhile.
const STEP: usize = 100;

/// Stores leases, and answers what has changed of it, or by the time.
pub(super) async fn lease(
    link: &Link,
    holder: &Holder,
    leases: &[Lease],
) -> Result<Vec<PresenceChange>, StoreError> {
    let mut asking = holder.turns.asking(leases, STEP);
    while let Some(turn) = asking.next() {
        let mut call = link.call(|scripts| &scripts.lease);
        call.arg(&holder.instance).arg(millis(holder.leave_grace)).arg(millis(holder.lease));
        call.arg(turn.number).arg(turn.received);
        for lease in turn.leases {
            call.arg(&lease.user).arg(word_of(lease.presence)).arg(holder.lasts(lease));
        }
        let answer: Option<Vec<String>> = link.ask(&call).await?;
        asking.hear(&answer.ok_or_else(|| {
            StoreError::Unavailable("the server has lost the log, which begins anew".to_owned())
        })?)?;
    }
    Ok(asking.changes())
}

/// An instance ends, and has said goodbye to these users.
pub(super) async fn hand_over(link: &Link, holder: &Holder, leases: &[Lease]) -> Result<(), StoreError> {
    for step in leases.chunks(STEP) {
        let mut call = link.call(|scripts| &scripts.hand_over);
        call.arg(&holder.instance);
        for lease in step {
            call.arg(&lease.user).arg(word_of(lease.presence)).arg(holder.lasts(lease));
        }
        link.ask::<()>(&call).await?;
    }
    Ok(())
}

/// Whether a user is here, at any instance.
pub(super) async fn presence(link: &Link, holder: &Holder, user: &str) -> Result<Presence, StoreError> {
    let mut call = link.call(|scripts| &scripts.presence);
    call.arg(user).arg(millis(holder.leave_grace)).arg(millis(holder.lease));
    presence_of(&link.ask::<String>(&call).await?)
}

const fn millis(duration: Duration) -> u64 {
    duration.as_millis() as u64
}
