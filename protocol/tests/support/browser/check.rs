//! The calm after the storm, and what must be true then.

use std::{collections::BTreeMap, time::Duration};

use protocol::{State, subscriber::Input, tab::Role};

use super::{
    Browser, Happening,
    groups::{group_of, reads},
};
use crate::support::server::{GROUPS, Restart};

impl Browser {
    /// Stops every fault and lets everything come to rest.
    pub fn settle(&mut self) {
        self.faults = false;
        self.signed_in = true;
        if !self.server.is_up() {
            self.server.restart(Restart::Whole, self.now);
        }
        for view in 0..self.views.len() {
            self.wake(view);
            self.show(view, true);
            self.input(view, Input::Wake);
            self.input(view, Input::Connect);
        }
        self.run(Duration::from_secs(60));
        // A refusal may have been on its way.
        for view in 0..self.views.len() {
            self.input(view, Input::Connect);
        }
        self.run(Duration::from_secs(300));
        // And nobody was left out.
        self.send();
        (0..GROUPS.len()).for_each(|group| self.send_to_group(group));
        self.run(Duration::from_secs(1));
    }

    /// Every tab shows the truth; whatever its handlers did not get was said to be missing, and there is one stream.
    pub fn check(&self) {
        let there: Vec<_> = self.views.iter().filter(|view| !view.gone).collect();
        for view in &there {
            let name = view.tab.id();
            assert!(matches!(view.tab.state(), State::Online { .. }), "tab {name}: {:?}", view.tab.state());
            assert!(!view.mirrored, "tab {name} still shows an outage");
            let read = |entity: &u64| group_of(*entity).is_none_or(|group| reads(&view.wanted, group));
            let shown = |all: &BTreeMap<u64, u64>| {
                all.iter().filter(|(entity, _)| read(entity)).map(|(e, v)| (*e, *v)).collect::<Vec<_>>()
            };
            assert_eq!(shown(&view.page), shown(&self.truth), "tab {name} shows something else");
            let handled = |happening: &Happening| match happening {
                Happening::Handled(version) => Some(*version),
                Happening::Resync(_) => None,
            };
            let versions: Vec<_> = view.happenings.iter().filter_map(handled).collect();
            assert!(versions.is_sorted_by(|a, b| a < b), "tab {name} repeats or turns round: {versions:?}");
            for (version, entity, at) in &self.sent {
                // What a page followed later, the truth above has shown.
                let read = |group| view.followed.get(group).is_some_and(|since| since <= at);
                if group_of(*entity).is_some_and(|group| !read(group))
                    || versions.binary_search(version).is_ok()
                {
                    continue;
                }
                let newer = view.happenings.iter().position(|h| handled(h).is_some_and(|v| v > *version));
                // A group is covered from a gap on that may come a while after it was followed.
                let newer = newer.filter(|_| group_of(*entity).is_none());
                let before = &view.happenings[..newer.unwrap_or(view.happenings.len())];
                let said = |h: &Happening| matches!(h, Happening::Resync(up_to) if up_to >= version);
                assert!(before.iter().any(said), "tab {name} lost {version} in silence");
            }
        }
        let leaders = there.iter().filter(|view| view.tab.role() == Role::Leader).count();
        let followers = there.iter().filter(|view| view.tab.role() == Role::Follower).count();
        let roles: Vec<_> = there.iter().map(|view| view.tab.role()).collect();
        assert_eq!((leaders, leaders + followers), (1, there.len()), "{roles:?}");
        assert_eq!(self.streams(), 1, "{roles:?}");
    }
}
