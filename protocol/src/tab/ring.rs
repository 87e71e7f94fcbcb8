//! What a tab has received of late, for tabs that come or come back.

use std::sync::Arc;

use crate::{DecodedEvent, EventId, control::GAP, frame::RESERVED_PREFIX};

/// Events kept at most. Numbers of `BROWSER-API.md`.
const EVENTS_MAX: usize = 1_000;
/// Bytes of names and data kept at most.
const BYTES_MAX: usize = 1024 * 1024;

/// Every app event between two positions.
#[derive(Debug, Default)]
pub(super) struct Ring {
    /// Everything after this is here.
    floor: Option<Arc<str>>,
    position: Option<Arc<str>>,
    /// So few that moving them when the first goes costs less than the code of a queue would.
    events: Vec<DecodedEvent>,
    bytes: usize,
}

impl Ring {
    /// The id that was last said; empty before the first.
    pub(super) fn position(&self) -> &str {
        self.position.as_deref().unwrap_or_default()
    }

    /// Everything up to here has been received.
    pub(super) fn stand_at(&mut self, id: &str) {
        if !id.is_empty() {
            self.move_to(id.into());
        }
    }

    /// The stream said this.
    pub(super) fn note(&mut self, event: &DecodedEvent) {
        if event.sets_id {
            self.move_to(event.last_event_id.clone());
        }
        if event.event == GAP {
            self.restart();
        }
        if !event.sets_id || event.event.starts_with(RESERVED_PREFIX) {
            return;
        }
        self.bytes += size(event);
        self.events.push(event.clone());
        while self.events.len() > EVENTS_MAX || self.bytes > BYTES_MAX {
            let event = self.events.remove(0);
            self.bytes -= size(&event);
            self.floor = Some(event.last_event_id);
        }
    }

    /// Something may be missing before the position.
    pub(super) fn restart(&mut self) {
        self.floor.clone_from(&self.position);
        self.events.clear();
        self.bytes = 0;
    }

    /// How many of the last events follow on `cursor`; `None` where that is not known.
    pub(super) fn after(&self, cursor: &EventId) -> Option<usize> {
        let passed = |id: &str| id.parse().is_ok_and(|id: EventId| id.is_at_or_before(cursor));
        let mut count = 0;
        while let Some(event) = self.last_but(count) {
            if passed(&event.last_event_id) {
                return Some(count);
            }
            count += 1;
        }
        if passed(self.floor.as_deref()?) {
            return Some(count);
        }
        // Ahead of this tab: what comes next, the other one drops.
        passed(self.position()).then_some(0)
    }

    /// The event before the last `count`.
    pub(super) fn last_but(&self, count: usize) -> Option<&DecodedEvent> {
        self.events.get(self.events.len().checked_sub(count + 1)?)
    }

    fn move_to(&mut self, id: Arc<str>) {
        self.floor.get_or_insert_with(|| id.clone());
        self.position = Some(id);
    }
}

fn size(event: &DecodedEvent) -> usize {
    event.event.len() + event.data.len() + event.groups.len()
}
