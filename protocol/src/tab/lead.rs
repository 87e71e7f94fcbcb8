//! The leader's side: it reads the stream, and others read along.

use super::{HIDDEN_LEADS_FOR, Kind, Lock, Post, Role, Tab};
use crate::{
    DecodedEvent, EventId, Names, State, Time,
    control::{HELLO, Resumed},
    decimal::decimal,
    subscriber::Output,
};

#[derive(Debug, Default)]
pub(super) struct Lead {
    /// Counts this tab's leaderships.
    pub(super) term: u64,
    /// Of the last event posted.
    number: u64,
    /// The data of the stream's last hello.
    hello: String,
    /// Somebody reads along; until then nothing is posted.
    pub(super) followed: bool,
    /// Somebody who reads along is visible.
    seen: bool,
    /// What other tabs have said that they read, since they were last asked.
    pub(super) heard: Names,
    /// What the stream was asked for before that.
    pub(super) before: Names,
    /// When it no longer needs to be, unless one of them has said so anew.
    pub(super) forgets_at: Option<Time>,
}

impl Tab {
    pub(super) fn begin_to_lead(&mut self, now: Time) {
        let alone = self.role == Role::Solo && self.pending.is_none() && !self.subscriber.is_following();
        self.role = Role::Leader;
        self.lead.term += 1;
        self.lead.number = 0;
        self.lead.followed = false;
        self.lead.seen = false;
        self.expect_wants();
        let wished = u64::from(std::mem::take(&mut self.wished));
        self.post(Kind::Lead, 0, wished, String::new());
        if let Some(pending) = self.pending.take() {
            self.fetch(pending.attempt);
        } else if !alone {
            self.subscriber.move_over(now);
        }
    }

    /// What the network said, to whoever reads along.
    pub(super) fn relay(&mut self, event: &DecodedEvent) {
        let hello = event.event == HELLO;
        if hello {
            self.lead.hello.clone_from(&event.data);
        }
        if self.role == Role::Leader && self.lead.followed {
            self.lead.number += 1;
            self.post(Kind::Event, 0, self.lead.number, text_of(event));
            if hello {
                // Whoever waits for the stream can join now.
                self.post(Kind::Lead, 0, 0, String::new());
            }
        }
    }

    /// What others are to know of a new state.
    pub(super) fn told(&self, state: &State) -> Option<(Kind, String)> {
        match state {
            _ if self.role != Role::Leader => None,
            State::Unauthorized { reason } => Some((Kind::Park, reason.message())),
            _ if self.lead.followed && is_outage(state) => Some((Kind::State, String::new())),
            _ => None,
        }
    }

    pub(super) fn hear_follower(&mut self, post: &Post) {
        if self.role != Role::Leader {
            return;
        }
        self.lead.followed = true;
        if post.kind == Kind::Ping {
            self.lead.seen = true;
            return self.post(Kind::Pong, post.from, 0, String::new());
        }
        self.lead.seen |= post.number == 1;
        let (cursor, wants) = Post::cut(&post.text);
        self.lead.heard.add(wants);
        if !self.welcome(post.from, cursor) {
            let outage = u64::from(is_outage(self.subscriber.state()));
            self.post(Kind::State, post.from, outage, String::new());
        }
    }

    /// Lets a tab read along, unless it is too early for that.
    fn welcome(&mut self, to: u64, asked: &str) -> bool {
        let Some(received) = self.subscriber.received() else { return false };
        let cursor: Option<EventId> = asked.parse().ok();
        let after = cursor.as_ref().and_then(|cursor| self.ring.after(cursor));
        let resumed = match &after {
            Some(_) => Resumed::Replayed,
            // The other may be ahead, in an epoch that the replay has yet to come to.
            None if cursor.is_some() && self.subscriber.is_replaying(self.ring.position()) => return false,
            None if cursor.is_some() => Resumed::Gap,
            None => Resumed::Fresh,
        };
        let count = after.unwrap_or_default();
        let (count_text, received) = (decimal(count as u64), decimal(received.wrapping_sub(count as u64)));
        let position = self.ring.position();
        let reads = self.subscriber.reads();
        let (groups, covered) = (reads.asked.as_text(), reads.covered.as_text());
        let fields =
            [asked, resumed.as_str(), position, &received, &count_text, groups, covered, &self.lead.hello];
        let text = Post::join(&fields);
        self.post(Kind::Welcome, to, self.lead.number, text);
        for left in (0..count).rev() {
            if let Some(event) = self.ring.last_but(left) {
                let text = text_of(event);
                self.post(Kind::Event, to, left as u64, text);
            }
        }
        true
    }

    /// When a leader that nobody sees lets another lead.
    pub(super) fn yields_at(&self) -> Option<Time> {
        let yields = self.role == Role::Leader && self.lead.seen;
        self.hidden_since.filter(|_| yields).map(|since| since + HIDDEN_LEADS_FOR)
    }

    pub(super) fn yield_lead(&mut self, now: Time) {
        self.role = Role::Solo;
        self.outputs.push_back(Output::Lock(Lock::Leave));
        self.outputs.push_back(Output::Lock(Lock::Ask));
        self.subscriber.move_over(now);
    }
}

const fn is_outage(state: &State) -> bool {
    matches!(state, State::Reconnecting(_) | State::Offline(_) | State::LongBroken(_))
}

fn text_of(event: &DecodedEvent) -> String {
    let id = if event.sets_id { &*event.last_event_id } else { "" };
    Post::join(&[id, &event.groups, &event.event, &event.data])
}
