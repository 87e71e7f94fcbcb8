//! The connection of a subscriber: attempts, outages, what each answer of the server means.

use std::time::Duration;

use super::{Attempt, Config, Credentials, Head, Output, Released, Subscriber, outage::QUIET_FOR};
use crate::{
    Closed, Decoder, EventId, ResyncReason, SubscriberError, Time,
    control::{Goodbye, GoodbyeReason},
};

/// Silence allowed before the first hello has named a heartbeat.
const IDLE_BEFORE_HELLO: Duration = Duration::from_secs(40);
/// A wake-up of the page tries again within this.
const WAKE_WITHIN: Duration = Duration::from_millis(300);
/// Spread on top of the server's `reconnect_after_ms`.
const GOODBYE_SPREAD: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(super) enum Link {
    Idle,
    /// Until the next attempt.
    Waiting {
        at: Time,
        not_before: Time,
        renew: bool,
    },
    /// From the attempt's begin to its response head.
    Opening {
        attempt: u64,
        deadline: Time,
        sent_cursor: bool,
    },
    Streaming(Box<Stream>),
    /// The page is frozen or cached.
    Suspended,
    Unauthorized(SubscriberError),
    Closed(Closed),
}

/// An open response.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) attempt: u64,
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
    pub(super) heartbeat: Duration,
    /// Events up to here are replay.
    pub(super) replay_until: Option<EventId>,
    /// App events since.
    pub(super) received: u64,
}

impl Link {
    pub(super) fn deadline(&self, config: &Config) -> Option<Time> {
        match self {
            Self::Waiting { at, .. } => Some(*at),
            Self::Opening { deadline, .. } => Some(*deadline),
            Self::Streaming(stream) => Some(stream.deadline(config)),
            Self::Idle | Self::Suspended | Self::Unauthorized(_) | Self::Closed(_) => None,
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

    const fn attempt(&self) -> Option<u64> {
        match self {
            Self::Opening { attempt, .. } => Some(*attempt),
            Self::Streaming(stream) => Some(stream.attempt),
            _ => None,
        }
    }
}

impl Stream {
    fn idle_timeout(&self, config: &Config) -> Duration {
        config.idle_timeout.unwrap_or_else(|| match &self.greeted {
            Some(greeted) => greeted.heartbeat * 5 / 2,
            None => IDLE_BEFORE_HELLO,
        })
    }

    fn heartbeat(&self) -> Duration {
        self.greeted.as_ref().map_or(IDLE_BEFORE_HELLO, |greeted| greeted.heartbeat)
    }

    fn deadline(&self, config: &Config) -> Time {
        let silent = self.last_byte + self.idle_timeout(config);
        self.grace_until.map_or(silent, |until| until.max(silent))
    }
}

impl Subscriber {
    pub(super) fn connect(&mut self, now: Time) {
        if matches!(self.link, Link::Idle | Link::Closed(_) | Link::Unauthorized(_)) {
            self.signed_out = false;
            self.renewed = false;
            self.trouble = None;
            self.connect_since = now;
            self.open(false, now);
        }
    }

    pub(super) fn reconnect(&mut self, now: Time) {
        match self.link {
            Link::Idle | Link::Closed(_) | Link::Unauthorized(_) => self.connect(now),
            Link::Suspended => {}
            Link::Streaming(_) | Link::Opening { .. } => {
                self.abort();
                let reason = SubscriberError::Transport("reconnect() was called".to_owned());
                self.interrupt(reason, None, now);
                self.open(false, now);
            }
            Link::Waiting { renew, .. } => self.open(renew, now),
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
        self.trouble = None;
        let started = !matches!(self.link, Link::Idle | Link::Closed(Closed::ByCaller)) || self.signed_out;
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
                let soon = now + self.backoff.uniform(Duration::ZERO, WAKE_WITHIN);
                *at = (*at).min(soon.max(*not_before));
            }
            Link::Streaming(stream) if stream.deadline(&self.config) <= now => {
                stream.grace_until = Some(now + stream.heartbeat());
            }
            _ => {}
        }
    }

    pub(super) fn suspend(&mut self) {
        if self.link.is_trying() || matches!(self.link, Link::Streaming(_)) {
            self.abort();
            self.link = Link::Suspended;
        }
    }

    pub(super) fn resume(&mut self, now: Time) {
        if matches!(self.link, Link::Suspended) {
            let reason = SubscriberError::Transport("the page was suspended".to_owned());
            let at = now + self.backoff.uniform(Duration::ZERO, WAKE_WITHIN);
            self.interrupt(reason, Some(at + QUIET_FOR), now);
            self.link = Link::Waiting { at, not_before: now, renew: false };
        }
    }

    pub(super) fn handle_head(&mut self, attempt: u64, head: Head<'_>, now: Time) {
        let Link::Opening { attempt: current, sent_cursor, .. } = self.link else { return };
        if attempt != current {
            return;
        }
        let content_type = head.content_type.unwrap_or_default();
        match head.status {
            200 if is_event_stream(content_type) => {
                let last_event_id = self.cursor.as_ref().map(EventId::to_string).unwrap_or_default();
                self.link = Link::Streaming(Box::new(Stream {
                    attempt,
                    decoder: Decoder::with_max_bytes(&last_event_id, self.config.max_event_bytes),
                    last_byte: now,
                    grace_until: None,
                    sent_cursor,
                    greeted: None,
                }));
            }
            200 => self.fail(SubscriberError::ContentType(content_type.to_owned()), head.retry_after, now),
            204 => self.close(Closed::NoContent),
            status @ (401 | 403) => self.refused(status, now),
            status @ (404 | 408 | 425 | 429 | 500..) => {
                self.fail(SubscriberError::Status(status), head.retry_after, now);
            }
            status @ 400..500 => self.close_failed(SubscriberError::Refused(status)),
            status => self.fail(SubscriberError::Status(status), head.retry_after, now),
        }
    }

    pub(super) fn handle_failure(&mut self, attempt: u64, error: SubscriberError, now: Time) {
        if self.link.attempt() != Some(attempt) {
            return;
        }
        match error {
            SubscriberError::Unauthorized(_) => self.park(error),
            error => self.fail(error, None, now),
        }
    }

    pub(super) fn goodbye(&mut self, goodbye: Goodbye, now: Time) {
        let after = goodbye.reconnect_after_ms.map_or(Duration::ZERO, |ms| Duration::from_millis(ms.into()));
        match goodbye.reason {
            GoodbyeReason::Draining | GoodbyeReason::Lifetime => self.leave_quietly(after, false, now),
            GoodbyeReason::Expired => {
                self.renewed = true;
                self.leave_quietly(after, self.config.credentials == Credentials::Renewable, now);
            }
            GoodbyeReason::Revoked => {
                self.abort();
                self.park(SubscriberError::Revoked);
            }
            GoodbyeReason::Replaced => {
                self.abort();
                self.close_failed(SubscriberError::Replaced);
            }
            GoodbyeReason::OverLimit => self.fail(SubscriberError::OverLimit, Some(after), now),
        }
    }

    /// The stream or the attempt is lost: waits for the next one, no shorter than `floor`.
    pub(super) fn fail(&mut self, error: SubscriberError, floor: Option<Duration>, now: Time) {
        self.abort();
        let healthy = self.was_healthy(now);
        self.outputs.push_back(Output::Error(error.clone()));
        self.interrupt(error, None, now);
        let floor = floor.unwrap_or_default();
        let delay = self.backoff.next(healthy).max(floor);
        self.link = Link::Waiting { at: now + delay, not_before: now + floor, renew: false };
    }

    pub(super) fn expire_link(&mut self, now: Time) {
        match &mut self.link {
            Link::Waiting { at, renew, .. } if *at <= now => {
                let renew = *renew;
                self.open(renew, now);
            }
            Link::Opening { deadline, .. } if *deadline <= now => {
                self.fail(SubscriberError::ConnectTimeout(self.config.connect_timeout), None, now);
            }
            Link::Streaming(stream) => {
                let deadline = stream.deadline(&self.config);
                if deadline > now {
                    return;
                }
                let heartbeat = stream.heartbeat();
                // A timer this late means that the machine slept: bytes may be waiting unread.
                if now.since(deadline) > heartbeat && stream.grace_until.is_none() {
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

    pub(super) fn park(&mut self, error: SubscriberError) {
        self.outputs.push_back(Output::Error(error.clone()));
        self.trouble = None;
        self.link = Link::Unauthorized(error);
    }

    fn open(&mut self, renew: bool, now: Time) {
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
            renew_credentials: renew,
            earlier,
        }));
    }

    fn refused(&mut self, status: u16, now: Time) {
        if self.config.credentials == Credentials::Renewable && !self.renewed {
            self.renewed = true;
            self.open(true, now);
        } else {
            self.park(SubscriberError::Unauthorized(format!("the server answered {status}")));
        }
    }

    fn close_failed(&mut self, error: SubscriberError) {
        self.outputs.push_back(Output::Error(error.clone()));
        self.close(Closed::Failed(error));
    }

    fn leave_quietly(&mut self, after: Duration, renew: bool, now: Time) {
        self.abort();
        let at = now + after + self.backoff.uniform(Duration::ZERO, GOODBYE_SPREAD);
        self.interrupt(SubscriberError::Draining, Some(at + QUIET_FOR), now);
        self.link = Link::Waiting { at, not_before: now + after, renew };
    }

    fn was_healthy(&self, now: Time) -> bool {
        match &self.link {
            Link::Streaming(stream) => stream
                .greeted
                .as_ref()
                .is_some_and(|greeted| now.since(greeted.at) >= self.config.retry.healthy_after),
            _ => false,
        }
    }

    fn abort(&mut self) {
        if let Some(attempt) = self.link.attempt() {
            self.outputs.push_back(Output::Abort { attempt });
        }
    }
}

fn is_event_stream(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("text/event-stream")
}
