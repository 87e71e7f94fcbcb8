//! The groups that pages read, and the way of a wish to the server.

use std::time::Duration;

use protocol::{Channel, Names, subscriber::Input};

use super::{Browser, key};
use crate::support::server::GROUPS;

/// Entities that concern the user.
pub(super) const ENTITIES: u64 = 4;

/// The group that an entity belongs to.
pub(super) fn group_of(entity: u64) -> Option<&'static str> {
    entity.checked_sub(ENTITIES).map(|group| GROUPS[group as usize])
}

pub(super) fn reads(wanted: &Names, group: &str) -> bool {
    wanted.as_text().is_empty() || wanted.as_text().lines().any(|name| name == group)
}

impl Browser {
    /// Something happens that is for a group.
    pub fn send_to_group(&mut self, group: usize) {
        if self.server.is_up() {
            let channel = Channel::group(GROUPS[group]).expect("a short name");
            self.send_to(channel, ENTITIES + group as u64);
        }
    }

    /// The page of a tab reads these groups from now on, or all.
    pub fn want(&mut self, view: usize, groups: Option<&[&str]>) {
        let wanting = &mut self.views[view];
        if wanting.gone || !wanting.awake {
            return;
        }
        let text = groups.map(|names| names.iter().fold("\n".to_owned(), |text, name| text + name + "\n"));
        let wanted = Names::from_text(text.unwrap_or_default());
        for group in GROUPS {
            if reads(&wanting.wanted, group) && !reads(&wanted, group) {
                wanting.unfollowed.insert(group, self.now);
                wanting.followed.remove(group);
            }
            if !reads(&wanting.wanted, group) && reads(&wanted, group) {
                wanting.followed.insert(group, self.now);
            }
        }
        wanting.wanted = wanted.clone();
        wanting.tab.want(wanted, self.now);
        self.drain(view);
    }

    /// Brings a tab's wish to the server; nobody answers one for a stream that has ended.
    pub(super) fn bring_wish(&mut self, view: usize) {
        let wishing = &mut self.views[view];
        let Some((at, attempt, wish)) = &mut wishing.wish else { return };
        let key = key(wishing.index, *attempt);
        let wire = wishing.wires.iter_mut().find(|wire| wire.attempt == key);
        if !wishing.awake || wishing.gone || *at > self.now {
            return;
        }
        if self.faults && self.dice.one_in(3) {
            *at = self.now + Duration::from_millis(1_000);
            return;
        }
        let ended = wire.is_some_and(|wire| !self.server.follow(wire, wish));
        wishing.wish = None;
        if ended {
            self.input(view, Input::Reconnect);
        }
    }
}
