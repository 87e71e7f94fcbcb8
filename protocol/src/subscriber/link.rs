//! The connection of a subscriber: when it begins, waits, rests and ends.

use super::{Attempt, Config, Output, Released, Subscriber, answer::Renewal, outage::QUIET_FOR};
use crate::{Closed, Decoder, EventId, Millis, ResyncReason, State, SubscriberError, Time};

/// Silence allowed before the first hello has named a heartbeat.
pub(super) const IDLE_BEFORE_HELLO: Millis = Millis::from_secs(40);
/// A wake-up of the page tries again within this.
const WAKE_WITHIN: Millis = Millis::new(300);
/// Spread on top of the server's `reconnect_after_ms`.
const GOODBYE_SPREAD: Millis = Millis::new(500);

#[derive(Debug)]
pub(super) enum Link {
    Idle,
    /// Until the next attempt.
    Waiting {
        at: Time,
        not_before: Time,
    },
    /// From the attempt's begin to its response head.
    Opening {
        attempt: u64,
        deadline: Time,
        sent_cursor: bool,
    },
    Streaming(Box<Stream>),
    /// The page is frozen or cached; the server's wish to be left alone still counts.
    Suspended {
        not_before: Time,
    },
    Unauthorized(SubscriberError),
    Closed(Closed),
}

/// Who reads the stream from the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// This subscriber.
    Network,
    /// Another tab, which also watches over it.
    Tab,
}

/// An open response, or another tab's.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) attempt: u64,
    pub(super) source: Source,
    pub(super) decoder: Decoder,
    pub(super) last_byte: Time,
    /// Given once after a sleep: until then the stream may prove that it lives.
    pub(super) grace_until: Option<Time>,
    pub(super) sent_cursor: bool,
    pub(super) greeted: Option<Greeted>,
}

/// What hello said.
#[derive(Debug)]
pub(super) struct Greeted {
    pub(super) at: Time,
    pub(super) heartbeat: Millis,
    /// Events up to here are replay.
    pub(super) replay_until: Option<EventId>,
    /// App events since.
    pub(super) received: u64,
    pub(super) alive: Option<Alive>,
}

/// The signs of life that the server asks for.
#[derive(Debug)]
pub(super) struct Alive {
    pub(super) every: Millis,
    pub(super) next: Time,
}

impl Link {
    pub(super) fn deadline(&self, config: &Config) -> Option<Time> {
        match self {
            Self::Waiting { at, .. } => Some(*at),
            Self::Opening { deadline, .. } => Some(*deadline),
            Self::Streaming(stream) if stream.source == Source::Network => {
                let alive = stream.greeted.as_ref().and_then(|greeted| greeted.alive.as_ref());
                Some(alive.map_or(Time::MAX, |alive| alive.next).min(stream.deadline(config)))
            }
            _ => None,
        }
    }

    /// Whether it is on the way to a hello.
    pub(super) fn is_trying(&self) -> bool {
        match self {
            Self::Waiting { .. } | Self::Opening { .. } => true,
            Self::Streaming(stream) => stream.greeted.is_none(),
            _ => false,
        }
    }

    /// Whether credentials were refused and nobody has brought others.
    pub(super) const fn is_parked(&self) -> bool {
        matches!(self, Self::Unauthorized(_))
    }

    /// The request that is being made carries a cursor after all.
    pub(super) const fn note_cursor(&mut self) {
        if let Self::Opening { sent_cursor, .. } = self {
            *sent_cursor = true;
        }
    }

    pub(super) const fn attempt(&self) -> Option<u64> {
        match self {
            Self::Opening { attempt, .. } => Some(*attempt),
            Self::Streaming(stream) => Some(stream.attempt),
            _ => None,
        }
    }
}

impl Stream {
    pub(super) fn idle_timeout(&self, config: &Config) -> Millis {
        config.idle_timeout.unwrap_or_else(|| match &self.greeted {
            Some(greeted) => greeted.heartbeat * 5 / 2,
            None => IDLE_BEFORE_HELLO,
        })
    }

    fn heartbeat(&self) -> Millis {
        self.greeted.as_ref().map_or(IDLE_BEFORE_HELLO, |greeted| greeted.heartbeat)
    }

    fn deadline(&self, config: &Config) -> Time {
        if self.source == Source::Tab {
            return Time::MAX;
        }
        let silent = self.last_byte + self.idle_timeout(config);
        self.grace_until.map_or(silent, |until| until.max(silent))
    }
}

impl Subscriber {
    pub(super) fn connect(&mut self, now: Time) {
        if matches!(self.link, Link::Idle | Link::Closed(_) | Link::Unauthorized(_)) {
            self.signed_out = false;
            self.renewal = Renewal::None;
            self.trouble = None;
            self.online = None;
            self.connect_since = now;
            self.open(now);
        }
    }

    pub(super) fn reconnect(&mut self, now: Time) {
        match self.link {
            Link::Idle | Link::Closed(_) | Link::Unauthorized(_) => self.connect(now),
            Link::Suspended { .. } => {}
            Link::Streaming(_) | Link::Opening { .. } => {
                self.abort();
                let reason = SubscriberError::Transport("reconnect() was called".to_owned());
                self.interrupt(reason, None, now);
                self.open(now);
            }
            Link::Waiting { .. } => self.open(now),
        }
    }

    pub(super) fn close(&mut self, closed: Closed) {
        self.abort();
        self.owed = self.owed.or(self.holds.unfinished());
        self.drop_held(Released::Closed);
        // What was held and is now dropped comes again.
        self.cursor.clone_from(&self.settled);
        self.passed.clear();
        self.trouble = None;
        self.signed_out = false;
        self.link = Link::Closed(closed);
    }

    pub(super) fn change_identity(&mut self, signed_in: bool, now: Time) {
        self.abort();
        self.drop_held(Released::Superseded);
        self.cursor = None;
        self.settled = None;
        self.passed.clear();
        self.subject = None;
        self.connection_id = None;
        self.owed = None;
        self.fresh_reason = ResyncReason::IdentityChanged;
        self.reads.asked.clone_from(&self.reads.wanted);
        self.trouble = None;
        let started = !matches!(self.link, Link::Idle | Link::Closed(Closed::ByCaller)) || self.signed_out;
        if signed_in && matches!(self.link, Link::Suspended { .. }) {
            self.renewal = Renewal::None;
            self.online = None;
            return;
        }
        self.link = Link::Idle;
        if !signed_in {
            self.signed_out = started;
        } else if started {
            self.connect(now);
        }
    }

    pub(super) fn wake(&mut self, now: Time) {
        match &mut self.link {
            Link::Waiting { at, not_before, .. } => {
                let soon = now + self.backoff.uniform(Millis::ZERO, WAKE_WITHIN);
                *at = (*at).min(soon.max(*not_before));
            }
            Link::Streaming(stream)
                if stream.grace_until.is_none() && stream.deadline(&self.config) <= now =>
            {
                stream.grace_until = Some(now + stream.heartbeat());
            }
            _ => {}
        }
    }

    pub(super) fn suspend(&mut self) {
        if self.link.is_trying() || matches!(self.link, Link::Streaming(_)) {
            self.abort();
            let not_before = match self.link {
                Link::Waiting { not_before, .. } => not_before,
                _ => Time::default(),
            };
            // An outage does not grow while nothing is tried.
            self.trouble = None;
            self.link = Link::Suspended { not_before };
        }
    }

    pub(super) fn resume(&mut self, now: Time) {
        let Link::Suspended { not_before } = self.link else { return };
        let at = not_before.max(now + self.backoff.uniform(Millis::ZERO, WAKE_WITHIN));
        if self.online.is_none() {
            self.connect_since = now;
        } else {
            let reason = SubscriberError::Transport("the page was suspended".to_owned());
            let quiet_until = matches!(self.last_state, State::Online { .. }).then(|| at + QUIET_FOR);
            self.interrupt(reason, quiet_until, now);
        }
        self.link = Link::Waiting { at, not_before };
    }

    /// The stream or the attempt is lost: waits for the next one, no shorter than `floor`.
    pub(super) fn fail(&mut self, error: SubscriberError, floor: Option<Millis>, now: Time) {
        self.abort();
        let healthy = self.was_healthy(now);
        self.outputs.push_back(Output::Error(error.clone()));
        self.interrupt(error, None, now);
        let floor = floor.unwrap_or_default();
        let delay = self.backoff.next(healthy).max(floor);
        self.link = Link::Waiting { at: now + delay, not_before: now + floor };
    }

    pub(super) fn expire_link(&mut self, now: Time) {
        match &mut self.link {
            Link::Waiting { at, .. } if *at <= now => self.open(now),
            Link::Opening { deadline, .. } if *deadline <= now => {
                self.fail(SubscriberError::ConnectTimeout(self.config.connect_timeout), None, now);
            }
            Link::Streaming(stream) => {
                let alive = stream.greeted.as_mut().and_then(|greeted| greeted.alive.as_mut());
                // With the heartbeats' bytes as well as by its own time, since timers of hidden pages are late.
                if let (Some(alive), Some(connection_id)) = (alive, &self.connection_id)
                    && alive.next <= now
                {
                    alive.next = now + alive.every;
                    self.outputs.push_back(Output::Alive { connection_id: connection_id.clone() });
                }
                let deadline = stream.deadline(&self.config);
                if deadline > now {
                    return;
                }
                let heartbeat = stream.heartbeat();
                // A timer this late means that the machine slept: bytes may be waiting unread.
                if now.millis_since(deadline) > heartbeat && stream.grace_until.is_none() {
                    stream.grace_until = Some(now + heartbeat);
                } else {
                    let silence = stream.idle_timeout(&self.config);
                    self.fail(SubscriberError::IdleTimeout(silence), None, now);
                }
            }
            _ => {}
        }
        if let Some(trouble) = &mut self.trouble
            && trouble.quiet_until.is_some_and(|until| until <= now)
        {
            trouble.quiet_until = None;
        }
    }

    pub(super) fn open(&mut self, now: Time) {
        self.attempts += 1;
        let earlier = self.trouble.as_ref().map_or(0, |trouble| trouble.attempts);
        if let Some(trouble) = &mut self.trouble {
            trouble.attempts = trouble.attempts.saturating_add(1);
        }
        self.link = Link::Opening {
            attempt: self.attempts,
            deadline: now + self.config.connect_timeout,
            sent_cursor: self.cursor.is_some(),
        };
        self.outputs.push_back(Output::Open(Attempt {
            number: self.attempts,
            cursor: self.cursor.clone(),
            connection_id: self.connection_id.clone(),
            renew_credentials: self.renewal == Renewal::Owed,
            earlier,
        }));
    }

    pub(super) fn leave_quietly(&mut self, after: Millis, now: Time) {
        self.abort();
        let at = now + after + self.backoff.uniform(Millis::ZERO, GOODBYE_SPREAD);
        self.interrupt(SubscriberError::Draining, Some(at + QUIET_FOR), now);
        self.link = Link::Waiting { at, not_before: now + after };
    }

    fn was_healthy(&self, now: Time) -> bool {
        match &self.link {
            Link::Streaming(stream) => stream
                .greeted
                .as_ref()
                .is_some_and(|greeted| now.millis_since(greeted.at) >= self.config.retry.healthy_after),
            _ => false,
        }
    }

    /// Lets go of the attempt; a stream that lived well leaves no failures behind.
    pub(super) fn abort(&mut self) {
        if self.was_healthy(self.now) {
            self.backoff.reset();
        }
        if let Some(attempt) = self.link.attempt() {
            self.outputs.push_back(Output::Abort { attempt });
        }
    }
}
