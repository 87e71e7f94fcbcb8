//! What is shown of a connection: the state, and how long an interruption may stay unseen.

use super::{Subscriber, answer::Renewal, link::Link};
use crate::{Millis, Outage, State, SubscriberError, Time};

/// A planned reconnection that takes no longer than this after its time is not shown.
pub(super) const QUIET_FOR: Millis = Millis::from_secs(2);

/// An interruption, from the loss of a stream to the next hello.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) since: Time,
    pub(super) attempts: u32,
    pub(super) reason: SubscriberError,
    /// Planned: not shown until then.
    pub(super) quiet_until: Option<Time>,
}

impl Trouble {
    /// When it will be called something else.
    pub(super) fn deadline(&self, long_broken_after: Millis, now: Time) -> Option<Time> {
        let renamed = self.quiet_until.unwrap_or(self.since + long_broken_after);
        (renamed > now).then_some(renamed)
    }
}

impl Subscriber {
    /// The state as it should be shown; `None` leaves what is shown untouched.
    pub(super) fn derive_state(&self, now: Time) -> Option<State> {
        match &self.link {
            Link::Idle => Some(State::Idle),
            Link::Suspended { .. } => None,
            Link::Unauthorized(reason) => Some(State::Unauthorized { reason: reason.clone() }),
            Link::Closed(closed) => Some(State::Closed(closed.clone())),
            link if !link.is_trying() => self.online.map(|(since, resumed)| State::Online { since, resumed }),
            link => {
                let Some(trouble) = &self.trouble else {
                    return Some(State::Connecting { since: self.shown(self.connect_since) });
                };
                if trouble.quiet_until.is_some() {
                    return None;
                }
                let retry_at = match link {
                    Link::Waiting { at, .. } => Some(self.shown(*at)),
                    _ => None,
                };
                let outage = Outage {
                    since: self.shown(trouble.since),
                    attempt: trouble.attempts,
                    retry_at,
                    reason: trouble.reason.clone(),
                };
                Some(if now.millis_since(trouble.since) >= self.config.long_broken_after {
                    State::LongBroken(outage)
                } else if self.network {
                    State::Reconnecting(outage)
                } else {
                    State::Offline(outage)
                })
            }
        }
    }

    pub(super) fn interrupt(&mut self, reason: SubscriberError, quiet_until: Option<Time>, now: Time) {
        match &mut self.trouble {
            Some(trouble) => trouble.reason = reason,
            None => {
                let first = self.online.is_none();
                let since = if first { self.connect_since } else { now };
                self.trouble = Some(Trouble { since, attempts: u32::from(first), reason, quiet_until });
            }
        }
    }

    /// Notes that hello was said; whether nothing was seen of the interruption before it.
    pub(super) fn end_trouble(&mut self) -> bool {
        self.renewal = Renewal::None;
        self.trouble.take().is_none_or(|trouble| trouble.quiet_until.is_some())
    }
}
