//! Sends that wait for their entries to come back through the follower.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicI64, Ordering},
};

use parking_lot::Mutex;
use protocol::EventId;
use tokio::sync::oneshot;

use crate::store::StoreError;

/// What a send is answered with.
pub(super) type Reply = oneshot::Sender<Result<Vec<EventId>, StoreError>>;

/// The sends of this instance whose rows may be in the outbox. As many as wait in `append`: who no longer
/// waits is forgotten.
#[derive(Debug)]
pub(super) struct Tickets {
    open: Mutex<HashMap<i64, Open>>,
    /// Rises, from a random number on, so that no two runs use the same.
    next: AtomicI64,
}

/// One insert, of the rows of one send or of several that waited together.
#[derive(Debug)]
struct Open {
    ids: Vec<EventId>,
    /// In order of their rows, with how many each has.
    replies: Vec<(usize, Reply)>,
}

impl Tickets {
    pub(super) fn new(first: i64) -> Self {
        Self { open: Mutex::default(), next: AtomicI64::new(first) }
    }

    /// A number for an insert that is about to be made.
    pub(super) fn open(&self, replies: Vec<(usize, Reply)>) -> i64 {
        let ticket = self.next.fetch_add(1, Ordering::Relaxed);
        self.open.lock().insert(ticket, Open { ids: Vec::new(), replies });
        ticket
    }

    /// The insert was not made: gives back who waits for it.
    pub(super) fn withdraw(&self, ticket: i64) -> Vec<(usize, Reply)> {
        self.open.lock().remove(&ticket).map_or_else(Vec::new, |open| open.replies)
    }

    /// The follower has the next row of a ticket.
    pub(super) fn placed(&self, ticket: i64, id: EventId) {
        let mut tickets = self.open.lock();
        let Some(open) = tickets.get_mut(&ticket) else { return };
        open.ids.push(id);
        if open.ids.len() < open.replies.iter().map(|(rows, _)| rows).sum() {
            return;
        }
        if let Some(Open { ids, replies }) = tickets.remove(&ticket) {
            drop(tickets);
            let mut ids = ids.into_iter();
            for (rows, reply) in replies {
                // Who no longer waits has been told that it is unknown.
                let _ = reply.send(Ok(ids.by_ref().take(rows).collect()));
            }
        }
    }

    /// Whether the rows of a ticket have not come back and somebody waits for them.
    pub(super) fn waits(&self, ticket: i64) -> bool {
        self.open.lock().contains_key(&ticket)
    }

    /// Whether nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.sweep();
        self.open.lock().is_empty()
    }

    /// Forgets inserts for which nobody waits any more.
    pub(super) fn sweep(&self) {
        self.open.lock().retain(|_, open| open.replies.iter().any(|(_, reply)| !reply.is_closed()));
    }
}
