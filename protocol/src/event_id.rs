//! The place of an event in the one total order of a hub, as it stands in `id:` and in a cursor.

use std::{fmt, str::FromStr, sync::Arc};

use crate::decimal::decimal;

/// The longest event id on the wire, in bytes. Ids travel in a request header that a cross-origin fetch may
/// send without a preflight only up to 128 bytes (Fetch, "CORS-safelisted request-header").
pub const EVENT_ID_BYTES_MAX: usize = 128;

/// Decimal digits of `u64::MAX`, and the hyphen before them.
const SEQUENCE_BYTES_MAX: usize = 21;

/// The token of one run of a writer.
///
/// Sequences of one store go on rising over epochs; the epoch says whose counting it was, so that a store
/// that lost its tail or was replaced cannot be mistaken for the one a client knew.
///
/// # Example
/// ```
/// let epoch = protocol::Epoch::new("q3vN8sX0T1cA")?;
/// assert_eq!(epoch.as_str(), "q3vN8sX0T1cA");
/// # Ok::<(), protocol::EventIdError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(Arc<str>);

impl Epoch {
    /// Accepts a token of 1 to 107 bytes of `[A-Za-z0-9._~:-]`.
    ///
    /// # Errors
    /// [`EventIdError`] says which of these rules the token breaks.
    pub fn new(token: &str) -> Result<Self, EventIdError> {
        if token.is_empty() {
            return Err(EventIdError::Empty);
        }
        if token.len() > EVENT_ID_BYTES_MAX - SEQUENCE_BYTES_MAX {
            return Err(EventIdError::TooLong);
        }
        if !token.bytes().all(is_id_byte) {
            return Err(EventIdError::Character);
        }
        Ok(Self(token.into()))
    }

    /// The token.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id of `sequence` in this epoch.
    pub fn at(&self, sequence: u64) -> EventId {
        EventId { epoch: self.clone(), sequence }
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `<epoch>-<sequence>`: where an event stands, and where a client stands who has seen it.
///
/// Ids compare by sequence within one epoch only; see [`EventId::is_at_or_before`].
///
/// # Example
/// ```
/// use protocol::EventId;
/// let id: EventId = "q3vN8sX0T1cA-1042".parse()?;
/// assert_eq!(id.sequence(), 1042);
/// assert_eq!(id.to_string(), "q3vN8sX0T1cA-1042");
/// # Ok::<(), protocol::EventIdError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EventId {
    epoch: Epoch,
    sequence: u64,
}

impl EventId {
    /// The run of the writer that gave this id.
    pub const fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// What `Display` writes, as a page can have it without the formatting machinery in its download.
    pub fn to_text(&self) -> String {
        [self.epoch.as_str(), "-", &decimal(self.sequence)].concat()
    }

    /// The place in the total order.
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Whether a client that stands at `cursor` has passed this id; `false` across epochs, whose order only
    /// the server knows.
    pub fn is_at_or_before(&self, cursor: &Self) -> bool {
        self.epoch == cursor.epoch && self.sequence <= cursor.sequence
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

impl FromStr for EventId {
    type Err = EventIdError;

    fn from_str(text: &str) -> Result<Self, EventIdError> {
        if text.is_empty() {
            return Err(EventIdError::Empty);
        }
        if text.len() > EVENT_ID_BYTES_MAX {
            return Err(EventIdError::TooLong);
        }
        let hyphen = text.bytes().rposition(|byte| byte == b'-').ok_or(EventIdError::Sequence)?;
        let (epoch, digits) = (&text[..hyphen], &text[hyphen + 1..]);
        let canonical = digits == "0" || !digits.starts_with('0');
        if digits.is_empty() || !canonical || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(EventIdError::Sequence);
        }
        let sequence = digits.parse().map_err(|_| EventIdError::Sequence)?;
        Ok(Self { epoch: Epoch::new(epoch)?, sequence })
    }
}

impl serde::Serialize for EventId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for EventId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Why a text is no event id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.message())]
#[non_exhaustive]
pub enum EventIdError {
    /// Nothing there, or nothing before the hyphen.
    Empty,
    /// Longer than [`EVENT_ID_BYTES_MAX`].
    TooLong,
    /// A byte outside `[A-Za-z0-9._~:-]`.
    Character,
    /// What follows the last hyphen is not a decimal number of 64 bits without leading zeros.
    Sequence,
}

impl EventIdError {
    /// What `Display` writes.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Empty => "event id is empty",
            Self::TooLong => "event id is longer than 128 bytes",
            Self::Character => "event id has a character outside [A-Za-z0-9._~:-]",
            Self::Sequence => "event id does not end in a hyphen and a sequence number",
        }
    }
}

const fn is_id_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'~' | b':' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_written() {
        for text in ["a-0", "abc--1", "q3vN8sX0T1cA-1042", "a-b-c-18446744073709551615", "._~:--7"] {
            assert_eq!(text.parse::<EventId>().map(|id| id.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn garbage_is_an_error_that_names_the_rule() {
        let long = format!("{}-1", "x".repeat(EVENT_ID_BYTES_MAX));
        let check = |text: &str, error| assert_eq!(text.parse::<EventId>(), Err(error), "{text:?}");
        check("", EventIdError::Empty);
        check("-1", EventIdError::Empty);
        check("abc", EventIdError::Sequence);
        check("abc-", EventIdError::Sequence);
        check("abc-+1", EventIdError::Sequence);
        check("abc-01", EventIdError::Sequence);
        check("abc-18446744073709551616", EventIdError::Sequence);
        check("a\nb-1", EventIdError::Character);
        check("é-1", EventIdError::Character);
        check(&long, EventIdError::TooLong);
    }

    #[test]
    fn the_order_holds_within_an_epoch_only() {
        let id = |text: &str| text.parse::<EventId>().expect("a literal of this test");
        assert!(id("a-1").is_at_or_before(&id("a-1")));
        assert!(!id("a-2").is_at_or_before(&id("a-1")));
        assert!(!id("b-1").is_at_or_before(&id("a-9")));
    }
}
