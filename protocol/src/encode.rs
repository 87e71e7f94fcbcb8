//! An app event as the bytes of the wire, written once and shared by every connection that sends it.
//!
//! All but the id line is written before the event has its place in the order; the id line then goes into
//! room kept free in front, so that nothing is copied or formatted under the lock that gives the place.

use bytes::{Buf as _, Bytes};
use serde::Serialize;

use crate::{
    Block, ChannelSet, Frame, FrameError,
    decimal::{DIGITS_MAX, digits},
    event_id::EVENT_ID_BYTES_MAX,
    event_id::EventId,
    frame::RESERVED_PREFIX,
    history::{group_names, labels_len, write_labels},
};

/// `id: `, the id, and the line end.
const HEADROOM: usize = 4 + EVENT_ID_BYTES_MAX + 1;

/// A block of the stream that waits for its id.
///
/// # Example
/// ```
/// use protocol::{Channel, EncodedEvent, Epoch};
/// let encoded = EncodedEvent::new("note_created", r#"{"type":"note_created","data":{}}"#)?;
/// let block = encoded.place(&Epoch::new("e")?.at(7), &Channel::user("42")?.into());
/// assert!(block.unlabelled().starts_with(b"id: e-7\nevent: note_created\ndata: {"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct EncodedEvent {
    /// `HEADROOM` unused bytes, then the block from `event:` on.
    buffer: Vec<u8>,
}

impl EncodedEvent {
    /// Writes the block of an app event.
    ///
    /// # Errors
    /// [`FrameError`] when the name or the data would break the framing, or the name is a reserved one.
    pub fn new(name: &str, json: &str) -> Result<Self, FrameError> {
        if name.starts_with(RESERVED_PREFIX) {
            return Err(FrameError {
                field: crate::FrameField::Event,
                rule: "must not begin with \"tidings:\", which is reserved",
            });
        }
        let mut buffer = Vec::with_capacity(HEADROOM + name.len() + json.len() + 32);
        buffer.resize(HEADROOM, 0);
        Frame { event: Some(name), data: Some(json), ..Frame::default() }.encode(&mut buffer)?;
        Ok(Self { buffer })
    }

    /// The block that [`EncodedEvent::body`] gave and a store has kept.
    pub fn from_body(body: &[u8]) -> Self {
        let mut buffer = Vec::with_capacity(HEADROOM + body.len());
        buffer.resize(HEADROOM, 0);
        buffer.extend_from_slice(body);
        Self { buffer }
    }

    /// The bytes from `event:` on, which a store may keep.
    pub fn body(&self) -> &[u8] {
        &self.buffer[HEADROOM..]
    }

    /// The whole block under its id, for `channels`. Copies the id line and the names of their groups; the rest only
    /// where those do not fit into the room in front of it.
    pub fn place(mut self, id: &EventId, channels: &ChannelSet) -> Block {
        let mut room = [0; DIGITS_MAX];
        let parts = [b"id: ", id.epoch().as_str().as_bytes(), b"-", digits(id.sequence(), &mut room), b"\n"];
        // 4 + 128 + 1 bytes hold any id line, since `EventId` is bounded by construction.
        let id_at = HEADROOM.saturating_sub(parts.iter().map(|part| part.len()).sum());
        let mut at = id_at;
        for part in parts {
            self.buffer[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        let labels = labels_len(group_names(channels));
        let start = id_at.checked_sub(labels).unwrap_or_else(|| {
            self.buffer.splice(..0, std::iter::repeat_n(0, labels));
            id_at
        });
        write_labels(&mut self.buffer[start..start + labels], group_names(channels));
        let mut bytes = Bytes::from(self.buffer);
        bytes.advance(start);
        Block::labelled(bytes, labels)
    }
}

/// A control event as the bytes of the wire; `retry_ms` sets the client's reconnection time with it.
pub fn encode_control<T: Serialize>(
    id: Option<&EventId>,
    name: &str,
    data: &T,
    retry_ms: Option<u64>,
) -> Bytes {
    encode_control_for(&[], id, name, data, retry_ms)
}

/// The same, of concern to who reads one of `groups` only; to everyone where there are none.
pub fn encode_control_for<T: Serialize>(
    groups: &[String],
    id: Option<&EventId>,
    name: &str,
    data: &T,
    retry_ms: Option<u64>,
) -> Bytes {
    // The control events are structs of strings and numbers, which always serialise and hold no line ends
    // outside JSON escapes; were one ever not to, an empty object says so to the client's parser.
    let json = serde_json::to_string(data).unwrap_or_else(|_| "{}".to_owned());
    let id = id.map(EventId::to_string);
    let labels = labels_len(groups.iter().map(String::as_str));
    let mut wire = Vec::with_capacity(labels + json.len() + 192);
    wire.resize(labels, 0);
    write_labels(&mut wire, groups.iter().map(String::as_str));
    let frame = Frame { id: id.as_deref(), event: Some(name), data: Some(&json), retry_ms };
    debug_assert!(frame.check().is_ok(), "control events frame");
    let _ = frame.encode(&mut wire);
    wire.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CHANNELS_MAX, Channel, Epoch, NAME_BYTES_MAX, control::HEARTBEAT, control::Heartbeat};

    #[test]
    fn the_longest_id_finds_room() {
        let epoch = Epoch::new(&"e".repeat(107)).expect("107 bytes");
        let id = epoch.at(u64::MAX);
        assert_eq!(id.to_string().len(), EVENT_ID_BYTES_MAX);
        let block = EncodedEvent::new("n", "{}").expect("frames").place(&id, &Channel::all().into());
        assert_eq!(block.unlabelled(), format!("id: {id}\nevent: n\ndata: {{}}\n\n").as_bytes());
    }

    #[test]
    fn groups_of_any_number_and_length_find_room() {
        let id = Epoch::new("e").expect("a literal of this test").at(7);
        let long = "x".repeat(NAME_BYTES_MAX);
        for names in [vec!["a".to_owned()], vec![long], (0..CHANNELS_MAX).map(|n| n.to_string()).collect()] {
            let channels = names.iter().map(|name| Channel::group(name).expect("a group"));
            let channels = ChannelSet::new(channels).expect("not too many");
            let block = EncodedEvent::new("n", "{}").expect("frames").place(&id, &channels);
            let unlabelled = "id: e-7\nevent: n\ndata: {}\n\n";
            let lines: String = channels
                .iter()
                .filter_map(Channel::group_name)
                .map(|name| format!("group: {name}\n"))
                .collect();
            assert_eq!(block.unlabelled(), unlabelled);
            assert_eq!(block.len(), lines.len() + unlabelled.len());
            assert_eq!(block.whole(), format!("{lines}{unlabelled}").as_bytes());
        }
    }

    #[test]
    fn a_block_that_was_kept_is_placed_like_a_new_one() {
        let epoch = Epoch::new("e").expect("a literal of this test");
        let event = EncodedEvent::new("n", "{}").expect("frames");
        let kept = EncodedEvent::from_body(event.body());
        let channels = Channel::group("a").expect("a group").into();
        assert_eq!(kept.place(&epoch.at(7), &channels), event.place(&epoch.at(7), &channels));
    }

    #[test]
    fn a_control_event_carries_what_it_is_given() {
        let id = Epoch::new("e").expect("a literal of this test").at(7);
        let wire = encode_control(Some(&id), HEARTBEAT, &Heartbeat { sent: 3 }, Some(2417));
        assert_eq!(wire, "retry: 2417\nid: e-7\nevent: tidings:heartbeat\ndata: {\"sent\":3}\n\n");
        let wire = encode_control(None, HEARTBEAT, &Heartbeat { sent: 3 }, None);
        assert_eq!(wire, "event: tidings:heartbeat\ndata: {\"sent\":3}\n\n");
    }
}
