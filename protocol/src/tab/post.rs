//! What tabs of one browser say to each other.

use crate::names::cut;

/// A message to one tab or to all of them. Plain numbers and one text, so that a shell can hand it on as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// What it says.
    pub kind: Kind,
    /// [`Tab::id`](super::Tab::id) of the sender.
    pub from: u64,
    /// Whom it is for; 0 for all.
    pub to: u64,
    /// Which leadership of the sender's it belongs to; 0 where it belongs to none.
    pub term: u64,
    /// Counts the events of a leadership from 1; what else it may mean, the kind says.
    pub number: u64,
    /// Texts with a NUL between them, or one text.
    pub text: String,
}

/// What a [`Post`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// To the leader: let me read along from this cursor, these groups. `number` is 1 where the tab is visible.
    Join,
    /// From the leader to one tab: hello, and what follows on its cursor comes next. `number` is the last event's.
    Welcome,
    /// From the leader: what the stream said. To one tab, out of the ring: `number` is how many more follow.
    Event,
    /// From the leader: it leads, or its stream has begun. `number` is 1 where its page asked for another try.
    Lead,
    /// From the leader: its stream has not begun. `number` is 1 where its page shows an outage; the shell adds the
    /// state as that page sees it.
    State,
    /// To the leader, from a visible tab: do you live?
    Ping,
    /// The answer.
    Pong,
    /// To all: the credentials were refused, or the user signed out; the text says why.
    Park,
    /// To the leader: this tab reads these groups. `number` is 1 where that has changed. From the leader, which has a
    /// `term`: its stream is asked for these.
    Groups,
}

impl Post {
    /// Texts, with a NUL between them.
    pub(super) fn join(texts: &[&str]) -> String {
        let mut joined = String::new();
        for text in texts {
            joined.push_str(text);
            joined.push('\0');
        }
        joined.pop();
        joined
    }

    /// What comes before the first NUL, and what after it.
    pub(super) fn cut(text: &str) -> (&str, &str) {
        cut(text, 0)
    }
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::Join,
        Self::Welcome,
        Self::Event,
        Self::Lead,
        Self::State,
        Self::Ping,
        Self::Pong,
        Self::Park,
        Self::Groups,
    ];

    /// As a shell may carry it: the inverse of `kind as u8`.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}
