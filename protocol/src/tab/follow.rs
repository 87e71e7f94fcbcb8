//! A follower's side: it takes what its leader reads, and doubts a leader that is silent.

use super::{ANSWER_WITHIN, Kind, Lock, PONG_WITHIN, Post, Role, STEAL_AT_MOST_EVERY, STEAL_SPREAD, Tab};
use crate::{
    DecodedEvent, EventId, Names, Time,
    control::{HELLO, Resumed},
    subscriber::{Input, Output, Welcome},
};

#[derive(Debug, Default)]
pub(super) struct Follow {
    /// Who leads, and which of its leaderships it is.
    leader: (u64, u64),
    /// From the leader's welcome on.
    place: Option<Place>,
    /// When the leader last said anything.
    heard: Time,
    /// Since when an answer to a ping is waited for, and how long beyond [`PONG_WITHIN`].
    pinged: Option<Time>,
    /// When this tab last took the lock by force.
    stole: Option<Time>,
    /// The page shows the leader's outage.
    pub(super) mirrored: bool,
}

/// Where a follower stands among its leader's posts.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// The number of the next event.
    next: u64,
    /// Events from the ring that come before it.
    owed: u64,
}

impl Tab {
    /// Asks whoever leads.
    pub(super) fn ask(&mut self) {
        let visible = u64::from(self.hidden_since.is_none());
        let cursor = self.subscriber.cursor().map(EventId::to_text).unwrap_or_default();
        let text = Post::join(&[&cursor, self.subscriber.reads().wanted.as_text()]);
        self.post(Kind::Join, 0, visible, text);
    }

    pub(super) fn hear_leader(&mut self, post: Post, now: Time) {
        let leader = (post.from, post.term);
        let known = self.role == Role::Follower && self.follow.leader == leader;
        if known {
            self.follow.heard = now;
            self.follow.pinged = None;
        }
        match post.kind {
            // The lock has one holder.
            _ if self.role == Role::Leader => {}
            Kind::Lead => self.hear_lead(known, post.number == 1, now),
            Kind::Pong if !known => self.subscriber.move_over(now),
            Kind::Welcome if !self.is_for_me(&post.text) => {}
            Kind::Welcome if known && self.pending.is_none() && self.follow.place.is_some() => {}
            Kind::State | Kind::Welcome if self.pending.is_some() || known => {
                if let Some(pending) = self.pending.take() {
                    self.role = Role::Follower;
                    self.follow.leader = leader;
                    self.follow.heard = now;
                    self.follow.place = None;
                    self.follow.pinged = None;
                    self.subscriber.attach(pending.attempt.number, now);
                }
                if post.kind == Kind::Welcome {
                    self.take_welcome(&post, now);
                } else if post.number == 1 {
                    self.drain();
                    self.subscriber.note_outage(now);
                    self.follow.mirrored = true;
                    self.outputs.push_back(Output::Mirror);
                }
            }
            Kind::Event if known => self.take_event(&post, now),
            Kind::Groups if known => self.subscriber.ask_for(Names::from_text(post.text)),
            _ => {}
        }
    }

    fn hear_lead(&mut self, known: bool, wished: bool, now: Time) {
        if self.subscriber.is_parked() {
            if wished {
                self.subscriber.handle(Input::Connect, now);
            }
        } else if let Some(pending) = &mut self.pending {
            pending.until = now + ANSWER_WITHIN;
            self.ask();
        } else if !known {
            self.subscriber.move_over(now);
        } else if self.follow.place.is_none() {
            self.ask();
        } else {
            self.say_wants(0);
        }
    }

    /// Whether a welcome answers where this tab stands now: one that was late may answer an older question.
    fn is_for_me(&self, welcome: &str) -> bool {
        let cursor = self.subscriber.cursor().map(EventId::to_text).unwrap_or_default();
        Post::cut(welcome).0 == cursor
    }

    fn take_welcome(&mut self, post: &Post, now: Time) {
        let (_, rest) = Post::cut(&post.text);
        let (resumed, rest) = Post::cut(rest);
        let (position, rest) = Post::cut(rest);
        let (received, rest) = Post::cut(rest);
        let (owed, rest) = Post::cut(rest);
        let (asked, rest) = Post::cut(rest);
        let (covered, hello) = Post::cut(rest);
        let [asked, covered] = [asked, covered].map(|text| Names::from_text(text.to_owned()));
        let (Some(resumed), Ok(received), Ok(owed)) =
            (Resumed::from_word(resumed), received.parse(), owed.parse())
        else {
            return;
        };
        self.follow.place = Some(Place { next: post.number.wrapping_add(1), owed });
        // A cursor of its own is where its ring begins; for groups that it did not read before, at the latest there.
        self.ring.stand_at(if resumed == Resumed::Replayed { Post::cut(&post.text).0 } else { position });
        if !covered.are_in(&self.subscriber.reads().covered) {
            self.ring.restart();
        }
        let position = position.parse().ok();
        let welcome = Welcome { hello, resumed, position, received, asked, covered };
        self.subscriber.join(welcome, now);
        self.end_outage();
    }

    fn take_event(&mut self, post: &Post, now: Time) {
        // Whoever came too early asks again.
        let Some(place) = &mut self.follow.place else { return self.ask() };
        let addressed = post.to != 0;
        if addressed && post.number.checked_add(1) == Some(place.owed) {
            place.owed = post.number;
        } else if !addressed && place.owed == 0 && post.number == place.next {
            place.next = place.next.wrapping_add(1);
        } else if addressed && place.owed == 0 || !addressed && post.number < place.next {
            // It answers what was asked before, or has come before.
            return;
        } else {
            // A post is missing.
            return self.subscriber.move_over(now);
        }
        let (id, rest) = Post::cut(&post.text);
        let (groups, rest) = Post::cut(rest);
        let (name, data) = Post::cut(rest);
        let event = DecodedEvent {
            event: name.to_owned(),
            data: data.to_owned(),
            sets_id: !id.is_empty(),
            last_event_id: id.into(),
            groups: groups.to_owned(),
        };
        self.ring.note(&event);
        let hello = event.event == HELLO;
        self.subscriber.take_relayed(event, now);
        if hello {
            self.end_outage();
        }
        let reads = self.subscriber.reads();
        if !reads.wanted.are_in(&reads.asked) {
            // What this tab reads, the leader does not know yet.
            self.say_wants(0);
        }
    }

    /// The outage that the page shows may have been too short for a new state.
    fn end_outage(&mut self) {
        self.drain();
        if self.follow.mirrored {
            self.follow.mirrored = false;
            self.outputs.extend(self.subscriber.show_again());
        }
    }

    /// When the leader's silence is worth a question, or a missing answer the lock.
    pub(super) fn doubts_at(&self) -> Option<Time> {
        let doubts =
            self.queued && self.role != Role::Leader && self.pending.is_none() && self.hidden_since.is_none();
        let at = self.follow.pinged.unwrap_or_else(|| self.follow.heard + self.subscriber.patience());
        doubts.then_some(at)
    }

    pub(super) fn doubt(&mut self, now: Time) {
        let asked = self.follow.pinged.take().is_some();
        let lately = self.follow.stole.is_some_and(|at| now.millis_since(at) < STEAL_AT_MOST_EVERY);
        if self.role == Role::Solo {
            // It has a stream; whoever answers leads.
            self.follow.heard = now;
            self.post(Kind::Ping, 0, 0, String::new());
        } else if asked && !lately {
            self.follow.stole = Some(now);
            self.follow.heard = now;
            self.outputs.push_back(Output::Lock(Lock::Steal));
        } else {
            self.follow.pinged = Some(now + PONG_WITHIN + self.subscriber.jitter(STEAL_SPREAD));
            self.post(Kind::Ping, 0, 0, String::new());
        }
    }
}
