//! What the tabs read together: the stream is asked for all of it, and each tab shows its own.
//!
//! A tab says what it reads when it joins, when that changes and whenever it is asked; the leader says what it asks for.
//! So whoever leads next asks for as much in its first request, and lets go later of what nobody reads.

use super::{Kind, Post, Role, Tab};
use crate::{
    Millis, Names, Time,
    subscriber::{Attempt, Output},
};

/// Tabs that were asked what they read have answered within this.
const TOLD_WITHIN: Millis = Millis::from_secs(5);

impl Tab {
    /// Another tab reads these groups.
    pub(super) fn hear_wants(&mut self, post: &Post) {
        if self.role == Role::Leader {
            if post.number == 1 {
                // Who else reads what it read before?
                self.expect_wants();
                self.post(Kind::Lead, 0, 0, String::new());
            }
            self.lead.heard.add(&post.text);
        }
    }

    /// What the tab and those that read along read.
    fn union(&self) -> Names {
        let mut union = self.subscriber.reads().wanted.clone();
        if self.role == Role::Leader {
            union.add(self.lead.heard.as_text());
            union.add(self.lead.before.as_text());
        }
        union
    }

    /// Makes a request, for what is read together.
    pub(super) fn fetch(&mut self, attempt: Attempt) {
        self.announce(self.union());
        self.expect_wants();
        self.outputs.push_back(Output::Fetch(attempt));
    }

    /// The others say anew what they read. Until then all counts that is asked for.
    pub(super) fn expect_wants(&mut self) {
        self.lead.before = self.asked().clone();
        self.lead.heard = Names::none();
        self.lead.forgets_at = None;
    }

    /// Has the open stream read what is read together.
    pub(super) fn ask_for_groups(&mut self, now: Time) {
        let reading = self.subscriber.is_reading();
        match self.lead.forgets_at {
            // They say it once there is a hello.
            _ if !reading => self.lead.forgets_at = None,
            Some(at) if at <= now => {
                self.lead.before = Names::none();
                self.lead.forgets_at = None;
            }
            None if self.lead.before != Names::none() => self.lead.forgets_at = Some(now + TOLD_WITHIN),
            _ => {}
        }
        let (union, asked) = (self.union(), self.asked());
        if reading && !(union.are_in(asked) && asked.are_in(&union)) {
            self.announce(union);
            let connection_id = self.subscriber.connection_id().unwrap_or_default().to_owned();
            self.outputs.push_back(Output::Groups { connection_id });
        }
    }

    /// Tells the leader what this tab reads; `changed` is 1 where that is new.
    pub(super) fn say_wants(&mut self, changed: u64) {
        if self.role == Role::Follower || self.pending.is_some() {
            let wanted = self.subscriber.reads().wanted.as_text().to_owned();
            self.post(Kind::Groups, 0, changed, wanted);
        }
    }

    fn announce(&mut self, asked: Names) {
        if self.role == Role::Leader && self.lead.followed {
            self.post(Kind::Groups, 0, 0, asked.as_text().to_owned());
        }
        self.subscriber.ask_for(asked);
    }
}
