//! A stream that another tab reads: what it says comes event by event, already decoded.
//!
//! A follower's subscriber is a replica: fed the same events as the leader's from the same position, it comes to
//! the same cursor, gaps and counts. See [`Tab`](crate::tab::Tab), which alone uses this.

use super::{Output, QUIET_FOR, Reads, Subscriber, link::Link, link::Source};
use crate::{
    Control, DecodedEvent, EventId, Millis, Names, SubscriberError, Time,
    control::{GapReason, HELLO, Resumed},
};

/// How a leader lets another tab read along.
#[derive(Debug)]
pub(crate) struct Welcome<'a> {
    /// The data of the leader's own hello.
    pub(crate) hello: &'a str,
    /// How the stream continues what this tab had.
    pub(crate) resumed: Resumed,
    /// Where the leader stands.
    pub(crate) position: Option<EventId>,
    /// App events the leader has counted since hello, less those that follow from its ring.
    pub(crate) received: u64,
    /// What the leader's stream was asked for, and what it reads of that.
    pub(crate) asked: Names,
    pub(crate) covered: Names,
}

impl Subscriber {
    /// Whether what the network says is put out as [`Output::Relay`], too.
    pub(crate) const fn share(&mut self, shared: bool) {
        self.shared = shared;
    }

    /// The stream of `attempt` comes from another tab.
    pub(crate) fn attach(&mut self, attempt: u64, now: Time) {
        let now = self.observe(now);
        if matches!(&self.link, Link::Opening { attempt: current, .. } if *current == attempt) {
            self.begin(attempt, Source::Tab, false, now);
        }
        self.finish(now);
    }

    /// The leader says hello, in place of the server.
    pub(crate) fn join(&mut self, welcome: Welcome<'_>, now: Time) {
        let now = self.observe(now);
        let Welcome { hello, resumed, position, received, asked, covered } = welcome;
        self.reads.asked = asked;
        match (self.config.parse_control)(HELLO, hello) {
            Ok(Control::Hello(mut hello)) => {
                let same = self.subject.as_ref().is_none_or(|subject| *subject == hello.subject);
                hello.resumed = resumed;
                hello.replay_until = position.as_ref().map(EventId::to_text);
                // What follows from the ring lies after this tab's cursor, and before the leader's.
                let id = if same && resumed == Resumed::Replayed { None } else { position.clone() };
                self.handle_hello(hello, id, Some(covered), now);
                if let Some(greeted) = self.greeted() {
                    greeted.received = received;
                }
                if resumed == Resumed::Gap && same {
                    self.handle_gap(GapReason::Retention, position, now);
                }
            }
            _ => self.fail(SubscriberError::Protocol("malformed hello of another tab".to_owned()), None, now),
        }
        self.finish(now);
    }

    /// What the leader's stream said.
    pub(crate) fn take_relayed(&mut self, event: DecodedEvent, now: Time) {
        let now = self.observe(now);
        if self.is_following() {
            self.handle_event(event, now);
        }
        self.finish(now);
    }

    /// The stream goes on by another way, which no page needs to see.
    pub(crate) fn move_over(&mut self, now: Time) {
        let now = self.observe(now);
        match self.link {
            Link::Opening { .. } | Link::Streaming(_) => {
                self.abort();
                self.interrupt(SubscriberError::Ended, Some(now + QUIET_FOR), now);
                self.open(now);
            }
            Link::Waiting { not_before, .. } if not_before <= now => self.open(now),
            _ => {}
        }
        self.finish(now);
    }

    /// The leader's page shows an outage.
    pub(crate) fn note_outage(&mut self, now: Time) {
        let now = self.observe(now);
        self.interrupt(SubscriberError::Ended, None, now);
    }

    /// The credentials of all tabs were refused, or nobody is signed in any more.
    pub(crate) fn park_along(&mut self, reason: String, now: Time) {
        let now = self.observe(now);
        if self.is_active() {
            self.abort();
            self.park(SubscriberError::Unauthorized(reason));
        }
        self.finish(now);
    }

    /// The groups of the page and of the stream.
    pub(crate) const fn reads(&self) -> &Reads {
        &self.reads
    }

    /// The stream is asked for these groups.
    pub(crate) fn ask_for(&mut self, asked: Names) {
        self.reads.asked = asked;
    }

    /// Whether it reads the network and has said hello.
    pub(crate) fn is_reading(&self) -> bool {
        self.received().is_some() && !self.is_following()
    }

    /// The position received.
    pub(crate) const fn cursor(&self) -> Option<&EventId> {
        self.cursor.as_ref()
    }

    /// Whether it has a stream or is on the way to one.
    pub(crate) const fn is_active(&self) -> bool {
        matches!(self.link, Link::Waiting { .. } | Link::Opening { .. } | Link::Streaming(_))
    }

    /// Whether credentials were refused.
    pub(crate) const fn is_parked(&self) -> bool {
        self.link.is_parked()
    }

    /// Whether another tab's stream is read.
    pub(crate) fn is_following(&self) -> bool {
        matches!(&self.link, Link::Streaming(stream) if stream.source == Source::Tab)
    }

    /// App events counted since hello; `None` before it.
    pub(crate) fn received(&self) -> Option<u64> {
        match &self.link {
            Link::Streaming(stream) => stream.greeted.as_ref().map(|greeted| greeted.received),
            _ => None,
        }
    }

    /// Whether what was missed has not all come yet, at `position`.
    pub(crate) fn is_replaying(&self, position: &str) -> bool {
        match &self.link {
            Link::Streaming(stream) => stream.greeted.as_ref().is_some_and(|greeted| {
                greeted.replay_until.as_ref().is_some_and(|until| until.to_text() != position)
            }),
            _ => false,
        }
    }

    /// Silence after which the stream is in doubt.
    pub(crate) fn patience(&self) -> Millis {
        match &self.link {
            Link::Streaming(stream) => stream.idle_timeout(&self.config),
            _ => super::link::IDLE_BEFORE_HELLO,
        }
    }

    /// A delay up to `most`.
    pub(crate) fn jitter(&mut self, most: Millis) -> Millis {
        self.backoff.uniform(Millis::ZERO, most)
    }

    /// Puts out again what was put out before: something beside it changed.
    pub(crate) fn show_again(&self) -> Option<Output> {
        self.received().map(|_| Output::State(self.last_state.clone()))
    }

    fn finish(&mut self, now: Time) {
        self.expire(now);
        self.update_state(now);
    }
}
