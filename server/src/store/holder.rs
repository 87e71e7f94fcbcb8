//! What a run of one of several instances is to the store that they share.

use std::{sync::Arc, time::Duration};

use super::{Lease, Opening, StoreError, columns::corrupt, turns::Turns};
use crate::{Presence, PresenceChange, clock::Clock};

/// Who has the leases and the connections of a run, and by which times.
#[derive(Debug, Clone)]
pub(super) struct Holder {
    pub(super) instance: String,
    pub(super) clock: Clock,
    pub(super) lease: Duration,
    pub(super) leave_grace: Duration,
    pub(super) turns: Arc<Turns>,
}

impl Holder {
    pub(super) fn of(opening: &Opening) -> Self {
        Self {
            instance: opening.epoch.as_str().to_owned(),
            clock: opening.clock,
            lease: opening.presence_lease,
            leave_grace: opening.leave_grace,
            turns: Arc::default(),
        }
    }

    /// What is left of a lease, in milliseconds: the store counts by its own clock.
    pub(super) fn lasts(&self, lease: &Lease) -> u64 {
        lease.until.since(self.clock.now()).as_millis() as u64
    }
}

/// A word of an instance, as stores keep it.
pub(super) const fn word_of(presence: Presence) -> &'static str {
    match presence {
        Presence::Online => "o",
        Presence::Reconnecting => "r",
        Presence::Offline => "f",
    }
}

/// What a store says of a user.
pub(super) fn presence_of(word: &str) -> Result<Presence, StoreError> {
    match word {
        "online" => Ok(Presence::Online),
        "reconnecting" => Ok(Presence::Reconnecting),
        "offline" => Ok(Presence::Offline),
        _ => Err(corrupt(format!("a presence of {word:?}"))),
    }
}

/// An answer: whether more may be due, and the changes that a store tells of.
pub(super) fn told(answer: &[String]) -> Result<(bool, Vec<PresenceChange>), StoreError> {
    let (more, told) = answer.split_first().ok_or_else(|| corrupt("no answer"))?;
    let (users, words) = (told.iter().step_by(2), told.iter().skip(1).step_by(2));
    let change = |(user, word): (&String, &String)| {
        Ok(PresenceChange { user: user.clone(), presence: presence_of(word)? })
    };
    Ok((more == "1", users.zip(words).map(change).collect::<Result<_, StoreError>>()?))
}
