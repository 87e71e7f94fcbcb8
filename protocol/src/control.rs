//! Control events: what server and client say to each other between the app's events.
//!
//! Their names begin with [`RESERVED_PREFIX`](crate::RESERVED_PREFIX), so no app event can be mistaken for
//! one. A standard `EventSource` sees them as events of their own and may ignore them.

use serde::{Deserialize, Serialize};

/// The name of [`Hello`] on the wire.
pub const HELLO: &str = "tidings:hello";
/// The name of [`Heartbeat`] on the wire.
pub const HEARTBEAT: &str = "tidings:heartbeat";
/// The name of [`Gap`] on the wire.
pub const GAP: &str = "tidings:gap";
/// The name of [`Goodbye`] on the wire.
pub const GOODBYE: &str = "tidings:goodbye";

/// The name of [`Unfollowed`] on the wire.
pub const UNFOLLOWED: &str = "tidings:unfollowed";

/// A control event, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// The first of a connection.
    Hello(Hello),
    /// The stream lives.
    Heartbeat(Heartbeat),
    /// Something may be missing.
    Gap(Gap),
    /// The server ends the connection.
    Goodbye(Goodbye),
    /// A control event of a newer server; its id still counts.
    Unknown,
}

/// Reads a control event's name and JSON data. The shells inject it, since each platform has a JSON parser
/// of its own: `serde_json` natively, the engine's `JSON.parse` in a browser.
pub type ParseControl = fn(name: &str, data: &str) -> Result<Control, ControlError>;

/// A control event whose data is not what its name says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.message())]
pub struct ControlError {
    /// The event's name.
    pub name: String,
    /// What the JSON parser said.
    pub reason: String,
}

impl ControlError {
    /// What `Display` writes.
    pub fn message(&self) -> String {
        ["malformed ", &self.name, ": ", &self.reason].concat()
    }
}

impl Control {
    /// Reads a control event with `serde_json`.
    ///
    /// # Errors
    /// [`ControlError`] when the data does not have the shape its name promises.
    #[cfg(feature = "json")]
    pub fn parse(name: &str, data: &str) -> Result<Self, ControlError> {
        fn read<T: serde::de::DeserializeOwned>(name: &str, data: &str) -> Result<T, ControlError> {
            serde_json::from_str(data)
                .map_err(|error| ControlError { name: name.to_owned(), reason: error.to_string() })
        }
        Ok(match name {
            HELLO => Self::Hello(read(name, data)?),
            HEARTBEAT => Self::Heartbeat(read(name, data)?),
            GAP => Self::Gap(read(name, data)?),
            GOODBYE => Self::Goodbye(read(name, data)?),
            _ => Self::Unknown,
        })
    }
}

/// The first event of a connection: who reads, from where, and how to know that the stream lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Hello {
    /// 128 random bits bound to the user; opaque to the client, which names it when it returns.
    pub connection_id: String,
    /// A keyed hash of the user: equal for equal users of one hub, and says nothing else about them.
    pub subject: String,
    /// How the stream continues what the client had.
    pub resumed: Resumed,
    /// Events up to this id are replay; absent when fresh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional, type = "string"))]
    pub replay_until: Option<String>,
    /// Something is written at least this often, in milliseconds.
    pub heartbeat_ms: u32,
    /// The client is to prove that it lives by `POST alive` this often, in milliseconds: what stands between
    /// takes the stream's bytes whether or not it still reads them. Absent where nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub alive_ms: Option<u32>,
    /// The contract the server speaks.
    pub contract: ContractVersion,
    /// A digest of the groups this connection reads at first: equal for equal groups of one hub.
    #[serde(default)]
    pub groups: String,
}

/// Which version of the contract the server was built with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct ContractVersion {
    /// See [`Contract::REVISION`](crate::Contract::REVISION).
    pub revision: u32,
    /// See [`Contract::HASH`](crate::Contract::HASH).
    pub hash: String,
}

/// How a connection continues the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub enum Resumed {
    /// The client brought no cursor: it begins here.
    Fresh,
    /// Everything after the client's cursor follows.
    Replayed,
    /// A [`Gap`] follows.
    Gap,
}

impl Resumed {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Replayed => "replayed",
            Self::Gap => "gap",
        }
    }

    /// What a word of the wire says.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Fresh, Self::Replayed, Self::Gap].into_iter().find(|resumed| resumed.as_str() == word)
    }
}

/// Written when nothing else was for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Heartbeat {
    /// App events written since hello.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub sent: u64,
}

/// Something between the client's cursor and this event's id may be missing: of the groups that the lines before it
/// name, or of whatever the client reads where there are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Gap {
    /// Why replay cannot cover it.
    pub reason: GapReason,
}

/// The stream no longer reads the groups that the lines before it name: what is for them from here on is not said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Unfollowed {}

/// Why replay could not cover what a client missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub enum GapReason {
    /// The client never stood anywhere.
    Initial,
    /// What follows the cursor has left the history.
    Retention,
    /// The cursor is of a run whose end this server does not know, or lies beyond it.
    Epoch,
    /// The reader was too slow: the history moved past it.
    Overflow,
    /// The cursor is no event id.
    UnknownCursor,
    /// What the reader may see changed: a group it gained begins above its cursor.
    Rights,
    /// Another user than before reads.
    IdentityChanged,
}

/// Why a page must fetch again: a gap the server said, or one the client found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub enum ResyncReason {
    /// See [`GapReason::Initial`].
    Initial,
    /// See [`GapReason::Retention`].
    Retention,
    /// See [`GapReason::Epoch`].
    Epoch,
    /// See [`GapReason::Overflow`].
    Overflow,
    /// See [`GapReason::UnknownCursor`].
    UnknownCursor,
    /// See [`GapReason::Rights`].
    Rights,
    /// See [`GapReason::IdentityChanged`].
    IdentityChanged,
    /// The client sent a cursor and the server began afresh.
    NoReplay,
    /// The server wrote another number of events than arrived.
    CountMismatch,
}

impl ResyncReason {
    /// The word on the wire and in TypeScript.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Retention => "retention",
            Self::Epoch => "epoch",
            Self::Overflow => "overflow",
            Self::UnknownCursor => "unknown_cursor",
            Self::Rights => "rights",
            Self::IdentityChanged => "identity_changed",
            Self::NoReplay => "no_replay",
            Self::CountMismatch => "count_mismatch",
        }
    }
}

impl From<GapReason> for ResyncReason {
    fn from(reason: GapReason) -> Self {
        match reason {
            GapReason::Initial => Self::Initial,
            GapReason::Retention => Self::Retention,
            GapReason::Epoch => Self::Epoch,
            GapReason::Overflow => Self::Overflow,
            GapReason::UnknownCursor => Self::UnknownCursor,
            GapReason::Rights => Self::Rights,
            GapReason::IdentityChanged => Self::IdentityChanged,
        }
    }
}

/// The last event of a connection that the server ends on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Goodbye {
    /// What to do about it.
    pub reason: GoodbyeReason,
    /// Come back no earlier than this, in milliseconds; `null` where coming back is of no use.
    #[cfg_attr(feature = "ts", ts(type = "number | null"))]
    pub reconnect_after_ms: Option<u32>,
}

/// Why the server ends a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub enum GoodbyeReason {
    /// The server stops; another one or its successor takes over. Come back quietly.
    Draining,
    /// The connection has lived long enough. Come back quietly.
    Lifetime,
    /// The credentials ran out: refresh them, then come back.
    Expired,
    /// The credentials were taken away: log in again.
    Revoked,
    /// The same connection has come back elsewhere: this one is over.
    Replaced,
    /// Too many connections: come back later.
    OverLimit,
}
