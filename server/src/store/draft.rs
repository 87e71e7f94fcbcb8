//! An entry on its way to a store: checked, serialised and framed, all but its id.

use std::cell::Cell;

use protocol::{ChannelSet, Contract, Delivery, EncodedEvent, Envelope, Meta, Notice, Time};

use crate::{
    Audience, Cause, SendError,
    clock::{Clock, rfc3339},
    config::MAX_EVENT_BYTES,
};

/// An entry before it has its place.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Who may read it.
    pub channels: ChannelSet,
    /// What it says.
    pub matter: Matter,
}

/// What an entry says.
#[derive(Debug, Clone)]
pub enum Matter {
    /// An app event.
    Event {
        /// All of the frame but its id.
        encoded: EncodedEvent,
        /// A live-only payload need not be kept beyond this run.
        delivery: Delivery,
    },
    /// A change of rights.
    Notice(Notice),
}

impl Draft {
    /// Bytes of the event.
    #[cfg(feature = "sqlite")]
    pub(crate) fn bytes(&self) -> usize {
        match &self.matter {
            Matter::Event { encoded, .. } => encoded.body().len(),
            Matter::Notice(_) => 0,
        }
    }

    /// An app event, checked, serialised and framed.
    ///
    /// # Errors
    /// [`SendError`] when the audience, the event or its size is refused.
    pub fn event<C: Contract>(
        audience: Audience,
        event: &C,
        cause: &Cause,
        limits: EventLimits,
    ) -> Result<Self, SendError> {
        let channels = audience.channels()?;
        let at = rfc3339(limits.now);
        let meta = Meta {
            at: std::str::from_utf8(&at).ok(),
            correlation_id: cause.correlation_id.as_deref(),
            traceparent: cause.traceparent.as_deref(),
            origin: cause.origin.as_deref(),
        };
        scratch(|json| {
            let json = Envelope::write_to(json, event, &meta)?;
            if json.len() > limits.max_event_bytes {
                return Err(SendError::TooLarge { bytes: json.len(), max: limits.max_event_bytes });
            }
            let encoded = EncodedEvent::new(event.name(), json)?;
            Ok(Self { channels, matter: Matter::Event { encoded, delivery: event.delivery() } })
        })
    }
}

/// Room to serialise an event in before its size is known, of each thread; more than this is given back.
const SCRATCH_KEPT: usize = 64 * 1024;

fn scratch<T>(with: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    thread_local! {
        static ROOM: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    }
    // Taken out: an event whose serialisation sends another finds new room.
    let mut room = ROOM.take();
    let done = with(&mut room);
    if room.capacity() <= SCRATCH_KEPT {
        ROOM.set(room);
    }
    done
}

/// What a new event is held against.
#[derive(Debug, Clone, Copy)]
pub struct EventLimits {
    /// `Config::max_event_bytes`.
    pub max_event_bytes: usize,
    /// The time in its `meta`.
    pub now: Time,
}

impl Default for EventLimits {
    /// Those of a default [`crate::Config`], at the system's time.
    fn default() -> Self {
        Self { max_event_bytes: MAX_EVENT_BYTES, now: Clock::start().now() }
    }
}
