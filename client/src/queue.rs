//! The bounded queue between the driver and its reader.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use protocol::EventId;
use tokio::sync::mpsc::{self, error::TrySendError};

use crate::Item;

/// One place in the queue.
#[derive(Debug)]
pub(crate) struct Entry<C> {
    /// What the reader gets; a position alone is no item.
    pub(crate) item: Option<Item<C>>,
    /// Where the client stands once everything up to here is handled.
    pub(crate) position: Option<EventId>,
}

/// The driver's end.
#[derive(Debug)]
pub(crate) struct Outbox<C> {
    places: mpsc::Sender<Entry<C>>,
    /// What one input gave and found no place: while there is any, the driver takes no more of the network.
    backlog: VecDeque<Entry<C>>,
    /// A position without an item waits in the queue. One is enough: heartbeats bring newer ones, and a reader
    /// that is busy for hours must not find its queue full of them.
    position_waits: Arc<AtomicBool>,
}

/// The reader's end.
#[derive(Debug)]
pub(crate) struct Inbox<C> {
    pub(crate) entries: mpsc::Receiver<Entry<C>>,
    position_waits: Arc<AtomicBool>,
}

/// A queue of `places`, at least one.
pub(crate) fn queue<C>(places: usize) -> (Outbox<C>, Inbox<C>) {
    let (places, entries) = mpsc::channel(places.max(1));
    let position_waits = Arc::new(AtomicBool::new(false));
    let outbox = Outbox { places, backlog: VecDeque::new(), position_waits: position_waits.clone() };
    (outbox, Inbox { entries, position_waits })
}

impl<C> Outbox<C> {
    pub(crate) fn push(&mut self, item: Item<C>, position: Option<EventId>) {
        self.put(Entry { item: Some(item), position });
    }

    /// Whether the position found a place; otherwise the next one will.
    pub(crate) fn push_position(&mut self, position: EventId) -> bool {
        let free = !self.position_waits.swap(true, Ordering::AcqRel);
        if free {
            self.put(Entry { item: None, position: Some(position) });
        }
        free
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.backlog.is_empty()
    }

    /// Waits until everything has its place; `false` when the reader has gone. Loses nothing when it is dropped.
    pub(crate) async fn flush(&mut self) -> bool {
        while !self.backlog.is_empty() {
            let Ok(place) = self.places.reserve().await else { return false };
            if let Some(entry) = self.backlog.pop_front() {
                place.send(entry);
            }
        }
        true
    }

    fn put(&mut self, entry: Entry<C>) {
        if !self.backlog.is_empty() {
            self.backlog.push_back(entry);
        } else if let Err(TrySendError::Full(entry) | TrySendError::Closed(entry)) =
            self.places.try_send(entry)
        {
            self.backlog.push_back(entry);
        }
    }
}

impl<C> Inbox<C> {
    /// Notes that `entry` has been taken.
    pub(crate) fn note(&self, entry: &Entry<C>) {
        if entry.item.is_none() {
            self.position_waits.store(false, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::State;

    use super::*;

    #[tokio::test]
    async fn positions_never_fill_a_queue_that_nobody_reads() {
        let (mut outbox, mut inbox) = queue::<()>(2);
        let id = |text: &str| text.parse::<EventId>().expect("an id");
        assert!(outbox.push_position(id("e-1")));
        for _ in 0..100 {
            assert!(!outbox.push_position(id("e-2")), "one waits already");
        }
        outbox.push(Item::State(State::Idle), None);
        assert!(outbox.is_empty(), "both have their place");
        let entry = inbox.entries.recv().await.expect("the position");
        inbox.note(&entry);
        assert_eq!(entry.position, Some(id("e-1")));
        assert!(outbox.push_position(id("e-3")), "it was taken, so the next one may come");
    }

    #[tokio::test]
    async fn what_finds_no_place_waits_in_order_until_the_reader_takes_something() {
        let (mut outbox, mut inbox) = queue::<u32>(1);
        for revision in 0..3 {
            outbox.push(Item::NewerContract { revision }, None);
        }
        assert!(!outbox.is_empty());
        let reader = async {
            for expected in 0..3 {
                let entry = inbox.entries.recv().await.expect("an item");
                assert!(matches!(entry.item, Some(Item::NewerContract { revision }) if revision == expected));
            }
        };
        let (all, ()) = tokio::join!(outbox.flush(), reader);
        assert!(all && outbox.is_empty());
        drop(inbox);
        outbox.push(Item::State(State::Idle), None);
        assert!(!outbox.flush().await, "the reader has gone");
    }
}
