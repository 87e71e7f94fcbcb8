//! The sans-I/O core of Tidings: the wire, the history a server reads from, the subscriber a client runs.
//!
//! Nothing here opens a socket, reads a clock, draws a random number or writes a log line: time and seeds
//! are inputs, decisions are outputs. That is what lets one test hold both ends, cut the wire between them
//! at every byte, and prove that nothing is lost in silence.
//!
//! # The parts
//!
//! | part | what it is |
//! |---|---|
//! | [`EventId`], [`Epoch`] | a place in the one total order of a hub |
//! | [`Channel`], [`ChannelSet`] | what an audience becomes inside |
//! | [`Contract`], [`Delivery`] | the app's event enum, and how long each of its events matters |
//! | `RawEvent` | an event of any contract, with the feature `json` |
//! | [`Shape`] | what a payload looks like, as data: the browser's check |
//! | [`Envelope`], [`Meta`] | one event as the JSON of the wire |
//! | [`Frame`], [`Decoder`] | bytes of an event stream, written and read |
//! | [`control`] | hello, heartbeat, gap, goodbye |
//! | [`History`] | the retention window: `after(cursor, channels, budget)` |
//! | [`Subscriber`], [`State`] | the client: cursor, reconnection, gaps, held events |
//! | [`tab::Tab`] | one stream for all tabs of a browser |
//!
//! The driver of a [`Subscriber`] has one shape everywhere: *handle one input, poll outputs until there is
//! none, wait for the next input or the timeout.*

mod backoff;
mod channel;
mod contract;
pub mod control;
mod decimal;
mod decode;
#[cfg(feature = "json")]
mod encode;
mod envelope;
mod error;
mod event_id;
mod frame;
mod history;
mod names;
mod notice;
#[cfg(feature = "json")]
mod raw;
mod shape;
mod state;
pub mod subscriber;
pub mod tab;
mod time;

pub use backoff::{Backoff, Retry};
pub use channel::{CHANNELS_MAX, Channel, ChannelError, ChannelSet, ChannelSetError, NAME_BYTES_MAX};
pub use contract::{Contract, Delivery, NoApplicationError};
pub use control::{Control, ControlError, GapReason, GoodbyeReason, ResyncReason};
pub use decode::{DecodeError, DecodedEvent, Decoder, EVENT_BYTES_MAX};
#[cfg(feature = "json")]
pub use encode::{EncodedEvent, encode_control, encode_control_for};
pub use envelope::Meta;
#[cfg(feature = "json")]
pub use envelope::{Envelope, EnvelopeError};
pub use error::SubscriberError;
pub use event_id::{EVENT_ID_BYTES_MAX, Epoch, EventId, EventIdError};
pub use frame::{Frame, FrameError, FrameField, RESERVED_PREFIX};
pub use history::{
    AppendError, Batch, Block, Covered, Entry, History, Limits, Located, Payload, Query, Read,
};
pub use names::Names;
pub use notice::{Notice, Revoked};
#[cfg(feature = "json")]
pub use raw::RawEvent;
pub use shape::{Field, Shape};
pub use state::{Closed, Outage, State};
pub use subscriber::{Input, Output, Subscriber};
pub use time::{Millis, Time};
