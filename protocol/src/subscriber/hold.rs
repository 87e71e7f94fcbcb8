//! Events held back while a page fetches: a refetch must never overwrite something newer.

use super::{Message, Output, Subscriber};
use crate::{Millis, ResyncReason, SubscriberError, Time};

/// Events held at most; past it the fetch is called off. Numbers of `DESIGN.md` § 5.
const EVENTS_MAX: usize = 1_000;
/// Bytes of names and data held at most.
const BYTES_MAX: usize = 1024 * 1024;
/// How long a first fetch may hold.
const HOLD_FOR: Millis = Millis::from_secs(10);
/// How long a later one may.
const HOLD_FOR_MAX: Millis = Millis::from_secs(60);
/// Loads that may run at once: more is a loop in the page.
const HOLDS_MAX: usize = 256;

/// Names a resync or a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HoldId(pub u64);

/// Why a subscriber no longer waits for a resync or a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Released {
    /// It took too long.
    Timeout,
    /// More events came than may be held.
    Overflow,
    /// A newer resync began, or loads that overlap have held an event for as long as one may be held: what it
    /// fetches may miss something; a load should run again.
    Superseded,
    /// The subscriber was closed.
    Closed,
}

/// A hold that cannot begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than 256 page loads run at once")]
pub struct HoldError;

/// What events are held for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Resync { reason: ResyncReason, tries: u32 },
    Load,
}

#[derive(Debug)]
struct Hold {
    id: HoldId,
    kind: Kind,
    deadline: Time,
}

/// An event that waits.
#[derive(Debug)]
struct Held {
    message: Message,
    since: Time,
}

/// A resync that failed and will be tried again.
#[derive(Debug, Clone, Copy)]
struct Again {
    at: Time,
    reason: ResyncReason,
    tries: u32,
}

/// The holds that are open, the events behind them, and the resync that is to come.
#[derive(Debug, Default)]
pub(super) struct Holds {
    open: Vec<Hold>,
    events: Vec<Held>,
    bytes: usize,
    begun: u64,
    again: Option<Again>,
}

impl Holds {
    pub(super) fn begin(&mut self, kind: Kind, now: Time) -> Result<HoldId, HoldError> {
        if self.open.len() >= HOLDS_MAX {
            return Err(HoldError);
        }
        let hold_for = match kind {
            Kind::Resync { tries, .. } => within(tries),
            Kind::Load => HOLD_FOR,
        };
        self.begun += 1;
        let id = HoldId(self.begun);
        self.open.push(Hold { id, kind, deadline: now + hold_for });
        Ok(id)
    }

    /// A page without credentials is not asked to fetch again.
    pub(super) fn deadline(&self, parked: bool) -> Option<Time> {
        let again = self.again.filter(|_| !parked).map(|again| again.at);
        self.open.iter().map(|hold| hold.deadline).chain(again).chain(self.overlap_ends()).min()
    }

    /// When loads that follow on each other must let go of the oldest event: each ends in its time, but none
    /// of them may be the last. A resync has a time of its own.
    fn overlap_ends(&self) -> Option<Time> {
        let resyncs = self.open.iter().any(|hold| matches!(hold.kind, Kind::Resync { .. }));
        self.events.first().filter(|_| !resyncs).map(|held| held.since + HOLD_FOR)
    }

    /// Whether what was received has also been handled.
    pub(super) fn is_settled(&self) -> bool {
        self.events.is_empty() && !self.open.iter().any(|hold| matches!(hold.kind, Kind::Resync { .. }))
    }

    /// The resync that runs or is to be tried again.
    pub(super) fn unfinished(&self) -> Option<ResyncReason> {
        let running = self.open.iter().find_map(|hold| match hold.kind {
            Kind::Resync { reason, .. } => Some(reason),
            Kind::Load => None,
        });
        running.or(self.again.map(|again| again.reason))
    }

    /// Forgets everything, events included.
    pub(super) fn clear(&mut self) -> Vec<HoldId> {
        self.events.clear();
        self.bytes = 0;
        self.again = None;
        self.open.drain(..).map(|hold| hold.id).collect()
    }
}

impl Subscriber {
    /// Hands an event on, or holds it.
    pub(super) fn deliver(&mut self, message: Message, now: Time) {
        if self.holds.open.is_empty() {
            self.outputs.push_back(Output::Event(message));
            return;
        }
        self.holds.bytes += message.name.len() + message.data.len();
        self.holds.events.push(Held { message, since: now });
        if self.holds.events.len() > EVENTS_MAX || self.holds.bytes > BYTES_MAX {
            self.outputs.push_back(Output::Error(SubscriberError::HoldOverflow));
            while let Some(hold) = self.holds.open.pop() {
                self.call_off(&hold, Released::Overflow, now);
            }
            self.flush();
        }
    }

    /// Says aloud that something may have been missed, and holds what comes until the page has caught up.
    ///
    /// What was held so far goes out first: it is older than what the page now fetches.
    pub(super) fn resync(&mut self, reason: ResyncReason, now: Time) {
        self.start_resync(reason, 0, now);
    }

    fn start_resync(&mut self, reason: ResyncReason, tries: u32, now: Time) {
        self.dispatch_held();
        for hold in self.holds.clear() {
            self.outputs.push_back(Output::Release { hold, cause: Released::Superseded });
        }
        self.owed = None;
        // Just cleared, so there is room.
        if let Ok(hold) = self.holds.begin(Kind::Resync { reason, tries }, now) {
            self.outputs.push_back(Output::Resync { hold, reason });
        }
    }

    /// The page is done with a resync or a load, well or not.
    pub(super) fn settle(&mut self, id: HoldId, ok: bool, now: Time) {
        let Some(place) = self.holds.open.iter().position(|hold| hold.id == id) else { return };
        let hold = self.holds.open.remove(place);
        if !ok {
            self.schedule_again(hold.kind, now);
        }
        self.flush();
    }

    pub(super) fn expire_holds(&mut self, now: Time) {
        let mut called_off = false;
        while let Some(place) = self.holds.open.iter().position(|hold| hold.deadline <= now) {
            let hold = self.holds.open.remove(place);
            let allowed = match hold.kind {
                Kind::Resync { tries, .. } => within(tries),
                Kind::Load => HOLD_FOR,
            };
            self.outputs.push_back(Output::Error(SubscriberError::ResyncTimeout(allowed)));
            self.call_off(&hold, Released::Timeout, now);
            called_off = true;
        }
        if called_off {
            self.flush();
        }
        if self.holds.overlap_ends().is_some_and(|at| at <= now) {
            // All of them: one that read its data before an event would show it over the event.
            for hold in std::mem::take(&mut self.holds.open) {
                self.outputs.push_back(Output::Release { hold: hold.id, cause: Released::Superseded });
            }
            self.flush();
        }
        if let Some(Again { at, reason, tries }) = self.holds.again
            && at <= now
            && !self.link.is_parked()
        {
            self.start_resync(reason, tries, now);
        }
    }

    /// Releases every hold and drops what they held.
    pub(super) fn drop_held(&mut self, cause: Released) {
        for hold in self.holds.clear() {
            self.outputs.push_back(Output::Release { hold, cause });
        }
    }

    fn call_off(&mut self, hold: &Hold, cause: Released, now: Time) {
        self.outputs.push_back(Output::Release { hold: hold.id, cause });
        self.schedule_again(hold.kind, now);
    }

    fn schedule_again(&mut self, kind: Kind, now: Time) {
        if let Kind::Resync { reason, tries } = kind {
            let ceiling = HOLD_FOR.min(Millis::from_secs(1) * 2_u32.saturating_pow(tries.min(8)));
            let delay = self.backoff.uniform(Millis::new(250), ceiling);
            self.holds.again = Some(Again { at: now + delay, reason, tries: tries.saturating_add(1) });
        }
    }

    fn flush(&mut self) {
        if self.holds.open.is_empty() {
            self.dispatch_held();
            self.settled.clone_from(&self.cursor);
        }
    }

    fn dispatch_held(&mut self) {
        self.holds.bytes = 0;
        for Held { message, .. } in std::mem::take(&mut self.holds.events) {
            if message.id.is_some() {
                self.settled.clone_from(&message.id);
            }
            self.outputs.push_back(Output::Event(message));
        }
    }
}

/// How long a resync may hold at its n-th try: twice the time each.
fn within(tries: u32) -> Millis {
    (HOLD_FOR * 2_u32.saturating_pow(tries.min(8))).min(HOLD_FOR_MAX)
}
