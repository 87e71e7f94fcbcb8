//! What a client's stream yields.

use protocol::{Contract, Envelope, EventId, Meta, ResyncReason, State, Time, subscriber::Message};
use tokio::sync::oneshot;

use crate::Error;

/// One thing that a reader may want to know, in the order in which it happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Item<C> {
    /// An event of the contract.
    Event {
        /// The event.
        data: C,
        /// What is known about it.
        meta: EventMeta,
    },
    /// Something may have been missed, or nothing was had so far: fetch, then call [`Resync::done`]. Events are
    /// held back until then (at most 1,000, 1 MiB, 10 s; then the guard is released and the gap comes again).
    Gap {
        /// Why.
        reason: ResyncReason,
        /// Holds events back.
        resync: Resync,
    },
    /// The connection's state changed.
    State(State),
    /// Something went wrong; the client goes on by itself unless its state says otherwise.
    Error(Error),
    /// An event that this contract does not know: a newer server's.
    Unknown {
        /// Its name.
        name: String,
        /// Its whole JSON.
        json: String,
        /// What is known about it.
        meta: EventMeta,
    },
    /// The server speaks a newer contract than this program; said once per revision, and events still flow.
    NewerContract {
        /// The server's revision.
        revision: u32,
    },
}

/// What is known about an event beside its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventMeta {
    /// Its place in the total order, if the server gave one.
    pub id: Option<EventId>,
    /// Whether it happened before this connection.
    pub replayed: bool,
    /// When it was read from the socket, on this machine's clock, in Unix milliseconds.
    pub received_at: Time,
    /// What the server said: when it was sent, and what caused it.
    pub sent: Meta,
}

/// Holds events back while a reader fetches what it may have missed.
///
/// Dropping it without [`Resync::done`] says that the fetch failed, as an early return or a panic would have it:
/// what was held is given out, and the gap comes again after a while, with twice the time.
#[derive(Debug)]
#[must_use = "dropping it says that the fetch failed, and the gap comes again"]
pub struct Resync {
    settle: oneshot::Sender<bool>,
}

impl Resync {
    pub(crate) const fn new(settle: oneshot::Sender<bool>) -> Self {
        Self { settle }
    }

    /// What was missed has been fetched: events go on, those held first.
    pub fn done(self) {
        // Nobody waits any more where it was released; there is nothing to say then.
        let _ = self.settle.send(true);
    }

    /// It could not be fetched.
    pub fn failed(self) {
        drop(self);
    }

    /// Ready when the client no longer waits: it took too long, too much was held, or a newer gap was said. What
    /// is fetched from then on is of no use; a new gap comes or is on its way.
    pub async fn released(&mut self) {
        self.settle.closed().await;
    }
}

/// The item that a message becomes.
pub(crate) fn read<C: Contract>(message: Message, received_at: Time) -> Item<C> {
    let Message { id, name, data, replayed, .. } = message;
    let meta = |sent| EventMeta { id: id.clone(), replayed, received_at, sent };
    if !C::knows(&name) {
        let sent = serde_json::from_str(&data).map(|Beside { meta }| meta).unwrap_or_default();
        return Item::Unknown { meta: meta(sent.unwrap_or_default()), name, json: data };
    }
    match Envelope::<C>::read(&data) {
        Ok(Envelope { event, .. }) if event.name() != name => {
            Item::Error(Error::Payload { name, id, reason: "its type is not the event's name".to_owned() })
        }
        Ok(Envelope { event, meta: sent }) => Item::Event { data: event, meta: meta(sent) },
        Err(error) => Item::Error(Error::Payload { name, id, reason: error.to_string() }),
    }
}

#[derive(serde::Deserialize)]
struct Beside {
    #[serde(default)]
    meta: Option<Meta>,
}
