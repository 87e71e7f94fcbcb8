//! What a stream says, block by block: hello, heartbeat, gap, goodbye, and the app's events between them.

use super::{
    Message, Output, Released, Subscriber, link::Alive, link::Greeted, link::Link, link::Source, link::Stream,
};
use crate::{
    Control, DecodedEvent, EventId, Millis, Names, ResyncReason, SubscriberError, Time,
    control::{GAP, GOODBYE, GapReason, HELLO, Heartbeat, Hello, Resumed, UNFOLLOWED},
    decimal::decimal,
    decode::DecodeError,
    frame::RESERVED_PREFIX,
};

/// Old epochs whose last position is remembered for the comparison of repeats.
const EPOCHS_KEPT: usize = 8;

impl Subscriber {
    pub(super) fn handle_bytes(&mut self, attempt: u64, bytes: &[u8], now: Time) {
        let Some(stream) = self.stream(attempt) else { return };
        stream.last_byte = now;
        stream.grace_until = None;
        let mut events = Vec::new();
        let mut position = stream.decoder.position();
        let fed = stream.decoder.feed(bytes, &mut events);
        let last_position = stream.decoder.position();
        let retry = stream.decoder.retry_ms();
        if let Some(retry) = retry {
            self.backoff.set_server_base(Millis::new(retry));
        }
        for event in events {
            // An event may end the stream; what follows it then is not ours to read.
            if self.stream(attempt).is_none() {
                return;
            }
            if !event.sets_id && event.last_event_id != position {
                self.handle_position(&event.last_event_id);
            }
            position = event.last_event_id.clone();
            if self.shared && event.event != GOODBYE && (event.event == HELLO || self.greeted().is_some()) {
                self.outputs.push_back(Output::Relay(event.clone()));
            }
            self.handle_event(event, now);
        }
        if position != last_position && self.stream(attempt).is_some() {
            self.handle_position(&last_position);
        }
        if let Err(DecodeError::EventTooLarge { max_bytes }) = fed
            && self.stream(attempt).is_some()
        {
            self.fail(SubscriberError::EventTooLarge(max_bytes), None, now);
        }
    }

    /// A block without data said that everything up to `id` has been sent.
    fn handle_position(&mut self, id: &str) {
        if let (Some(_), Ok(id)) = (self.greeted(), id.parse()) {
            self.advance(Some(id));
        }
    }

    pub(super) fn handle_event(&mut self, event: DecodedEvent, now: Time) {
        let id = match event.sets_id.then(|| event.last_event_id.parse::<EventId>()).transpose() {
            Ok(id) => id,
            Err(error) => return self.fail(SubscriberError::Protocol(error.message().to_owned()), None, now),
        };
        if !event.event.starts_with(RESERVED_PREFIX) {
            return self.handle_app_event(event, id, now);
        }
        match (self.config.parse_control)(&event.event, &event.data) {
            Ok(Control::Hello(hello)) => self.handle_hello(hello, id, None, now),
            Ok(_) if self.greeted().is_none() => self.miss_hello(&event.event, now),
            Ok(Control::Heartbeat(heartbeat)) => self.handle_heartbeat(heartbeat, id, now),
            Ok(Control::Gap(_)) if !event.groups.is_empty() => {
                self.change_covered(&event.groups, true, id, now)
            }
            Ok(Control::Gap(gap)) => self.handle_gap(gap.reason, id, now),
            Ok(Control::Goodbye(goodbye)) => self.goodbye(goodbye, now),
            Ok(Control::Unknown) if event.event == UNFOLLOWED => {
                self.change_covered(&event.groups, false, id, now);
            }
            Ok(Control::Unknown) => self.advance(id),
            Err(error) => {
                // Whatever its reason, a gap is a gap; a reconnection in front of it would meet it again.
                if event.event == GAP && self.greeted().is_some() {
                    self.handle_gap(GapReason::Retention, id, now);
                }
                self.fail(SubscriberError::Protocol(error.message()), None, now);
            }
        }
    }

    pub(super) fn handle_gap(&mut self, reason: GapReason, id: Option<EventId>, now: Time) {
        if let Some(greeted) = self.greeted() {
            greeted.replay_until = None;
        }
        self.passed.clear();
        self.cursor = id.or_else(|| self.cursor.take());
        self.note_gap();
        self.resync(reason.into(), now);
    }

    /// `covered` are the groups that another tab's stream reads; of its own a subscriber knows.
    pub(super) fn handle_hello(
        &mut self,
        hello: Hello,
        id: Option<EventId>,
        covered: Option<Names>,
        now: Time,
    ) {
        let has_cursor = self.cursor.is_some();
        let Some(stream) = self.current_stream() else { return };
        let follows = stream.source == Source::Tab;
        // A follower stands where its leader stands.
        let sent_cursor = if follows { has_cursor } else { stream.sent_cursor };
        stream.greeted = Some(Greeted {
            at: now,
            heartbeat: Millis::new(hello.heartbeat_ms.max(1).into()),
            replay_until: hello.replay_until.and_then(|until| until.parse().ok()),
            received: 0,
            alive: hello.alive_ms.filter(|_| !follows).map(|every| {
                let every = Millis::new(every.max(1_000).into());
                Alive { every, next: now + every }
            }),
        });
        let unseen = self.end_trouble();
        // Nobody can continue what the client did not name.
        let resumed = hello.resumed == Resumed::Replayed && sent_cursor;
        if !(unseen && resumed && self.online.is_some()) {
            self.online = Some((self.shown(now), resumed));
        }
        self.connection_id = Some(hello.connection_id);
        if hello.contract.revision > self.told_revision {
            self.told_revision = hello.contract.revision;
            self.outputs.push_back(Output::NewerContract { revision: hello.contract.revision });
        }
        let changed = self.subject.as_ref().is_some_and(|subject| *subject != hello.subject);
        self.subject = Some(hello.subject);
        let anew = changed || hello.resumed == Resumed::Replayed && !resumed;
        self.note_hello(if anew { Resumed::Fresh } else { hello.resumed }, covered);
        if changed {
            self.drop_held(Released::Superseded);
            self.passed.clear();
            self.cursor = id;
            self.resync(ResyncReason::IdentityChanged, now);
            return;
        }
        match hello.resumed {
            Resumed::Replayed if resumed => {
                self.advance(id);
                if let Some(reason) = self.owed {
                    self.resync(reason, now);
                }
            }
            Resumed::Fresh | Resumed::Replayed => {
                let reason = if sent_cursor { ResyncReason::NoReplay } else { self.fresh_reason };
                self.passed.clear();
                self.cursor = id;
                self.resync(reason, now);
            }
            // The gap that follows says why, and carries the new position.
            Resumed::Gap => {}
        }
    }

    fn handle_heartbeat(&mut self, heartbeat: Heartbeat, id: Option<EventId>, now: Time) {
        let received = self.greeted().map_or(0, |greeted| greeted.received);
        if heartbeat.sent == received {
            self.advance(id);
            return;
        }
        self.resync(ResyncReason::CountMismatch, now);
        let error =
            [&decimal(heartbeat.sent), " events were written, ", &decimal(received), " arrived"].concat();
        self.fail(SubscriberError::Protocol(error), None, now);
    }

    fn handle_app_event(&mut self, event: DecodedEvent, id: Option<EventId>, now: Time) {
        let relayed = self.is_following();
        let Some(greeted) = self.greeted() else { return self.miss_hello(&event.event, now) };
        greeted.received = greeted.received.wrapping_add(1);
        let replayed = match (&greeted.replay_until, &id) {
            // Sequences rise over epochs; where they do not, a gap has said so.
            (Some(until), Some(id)) if id.sequence() <= until.sequence() => true,
            _ => {
                greeted.replay_until = None;
                false
            }
        };
        if id.as_ref().is_some_and(|id| self.has_passed(id)) {
            return;
        }
        self.move_cursor(id.clone());
        if !event.groups.is_empty() && !self.reads.wanted.meet(&event.groups) {
            return self.note_settled();
        }
        self.deliver(Message { id, name: event.event, data: event.data, replayed, relayed }, now);
        self.note_settled();
    }

    fn miss_hello(&mut self, name: &str, now: Time) {
        self.fail(SubscriberError::Protocol([name, " came before tidings:hello"].concat()), None, now);
    }

    /// Whether an event at `id` has been received before.
    fn has_passed(&self, id: &EventId) -> bool {
        self.cursor.iter().chain(&self.passed).any(|cursor| id.is_at_or_before(cursor))
    }

    /// Everything up to `id` has been sent.
    pub(super) fn advance(&mut self, id: Option<EventId>) {
        if id.as_ref().is_some_and(|id| !self.has_passed(id)) {
            self.move_cursor(id);
        }
        self.note_settled();
    }

    fn move_cursor(&mut self, id: Option<EventId>) {
        let Some(id) = id else { return };
        if let Some(old) = self.cursor.replace(id)
            && self.cursor.as_ref().is_some_and(|new| new.epoch() != old.epoch())
        {
            if self.passed.len() == EPOCHS_KEPT {
                self.passed.remove(0);
            }
            self.passed.push(old);
        }
    }

    fn note_settled(&mut self) {
        if self.holds.is_settled() {
            self.settled.clone_from(&self.cursor);
        }
    }

    pub(super) fn greeted(&mut self) -> Option<&mut Greeted> {
        self.current_stream()?.greeted.as_mut()
    }

    fn current_stream(&mut self) -> Option<&mut Stream> {
        match &mut self.link {
            Link::Streaming(stream) => Some(stream),
            _ => None,
        }
    }

    fn stream(&mut self, attempt: u64) -> Option<&mut Stream> {
        self.current_stream().filter(|stream| stream.attempt == attempt)
    }
}
