//! What a tab has received of late, for tabs that come or come back.

use std::collections::VecDeque;

use crate::{DecodedEvent, EventId, frame::RESERVED_PREFIX};

/// Events kept at most. Numbers of `BROWSER-API.md`.
const EVENTS_MAX: usize = 1_000;
/// Bytes of names and data kept at most.
const BYTES_MAX: usize = 1024 * 1024;

/// Every app event between two positions.
#[derive(Debug, Default)]
pub(super) struct Ring {
    /// Everything after this is here.
    floor: Option<EventId>,
    position: Option<EventId>,
    events: VecDeque<(EventId, DecodedEvent)>,
    bytes: usize,
}

impl Ring {
    pub(super) const fn position(&self) -> Option<&EventId> {
        self.position.as_ref()
    }

    /// The stream said this.
    pub(super) fn note(&mut self, event: &DecodedEvent) {
        let id: EventId = match event.last_event_id.parse() {
            Ok(id) if event.sets_id => id,
            _ => return,
        };
        if self.floor.is_none() {
            self.floor = Some(id.clone());
        }
        self.position = Some(id.clone());
        if event.event.starts_with(RESERVED_PREFIX) {
            return;
        }
        self.bytes += size(event);
        self.events.push_back((id, event.clone()));
        while self.events.len() > EVENTS_MAX || self.bytes > BYTES_MAX {
            let Some((id, event)) = self.events.pop_front() else { return };
            self.bytes -= size(&event);
            self.floor = Some(id);
        }
    }

    /// Something may be missing before the position.
    pub(super) fn restart(&mut self) {
        self.floor.clone_from(&self.position);
        self.events.clear();
        self.bytes = 0;
    }

    /// What follows on `cursor`; `None` where that is not known.
    pub(super) fn after(&self, cursor: &EventId) -> Option<impl ExactSizeIterator<Item = &DecodedEvent>> {
        let passed = match self.events.iter().rposition(|(id, _)| id.is_at_or_before(cursor)) {
            Some(place) => place + 1,
            None if self.floor.as_ref()?.is_at_or_before(cursor) => 0,
            // Ahead of this tab: what comes next, the other one drops.
            None if self.position.as_ref()?.is_at_or_before(cursor) => self.events.len(),
            None => return None,
        };
        Some(self.events.range(passed..).map(|(_, event)| event))
    }
}

fn size(event: &DecodedEvent) -> usize {
    event.event.len() + event.data.len()
}
