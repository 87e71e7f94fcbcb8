//! The bytes of an event stream, read to the letter of WHATWG HTML § 9.2.6, in any chunks, within a bound.

use std::sync::Arc;

/// The default bound on one event: what a server of ours sends at most (1 MiB) and its framing.
pub const EVENT_BYTES_MAX: usize = 1024 * 1024 + 64 * 1024;

/// A reader of one event stream.
///
/// Feed it chunks as they come; it hands out each event the moment its last line end is there.
///
/// # Example
/// ```
/// use protocol::Decoder;
/// let mut decoder = Decoder::new("");
/// let mut events = Vec::new();
/// decoder.feed(b"id: a-1\ndata: hel", &mut events)?;
/// decoder.feed(b"lo\n\n", &mut events)?;
/// assert_eq!(events[0].data, "hello");
/// assert_eq!(decoder.last_event_id(), "a-1");
/// # Ok::<(), protocol::DecodeError>(())
/// ```
#[derive(Debug)]
pub struct Decoder {
    /// Bytes of the line that has not ended.
    line: Vec<u8>,
    /// Between a CR and what may be its LF.
    after_cr: bool,
    /// How much of the byte order mark has been seen; `None` once the question is settled.
    bom: Option<usize>,
    event: String,
    data: String,
    groups: String,
    /// A `data` field was seen since the last dispatch.
    has_data: bool,
    /// An `id` field was seen since the last dispatch.
    has_id: bool,
    /// What the stream has said so far.
    id_buffer: String,
    /// What counts: the buffer at the last blank line. Shared, or one long id would cost its length again in
    /// each of the many small events that fit into a chunk.
    last_event_id: Arc<str>,
    retry_ms: Option<u64>,
    max_bytes: usize,
    failed: bool,
}

/// An event as a reader dispatches it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodedEvent {
    /// The type, `message` where the stream names none.
    pub event: String,
    /// The data lines, joined by LF.
    pub data: String,
    /// The last event ID as of this event.
    pub last_event_id: Arc<str>,
    /// Whether this block set the id itself.
    pub sets_id: bool,
    /// The groups that it is for, each followed by LF: our own field `group`, which a standard reader ignores. Empty
    /// where it is for this reader whatever that reads.
    pub groups: String,
}

const BOM: [u8; 3] = [0xEF, 0xBB, 0xBF];

impl Decoder {
    /// A reader that goes on from `last_event_id` (empty for none), bounded by [`EVENT_BYTES_MAX`].
    pub fn new(last_event_id: &str) -> Self {
        Self::with_max_bytes(last_event_id, EVENT_BYTES_MAX)
    }

    /// A reader that refuses an event of more than `max_bytes`, counted over its name, data, id, groups and the line
    /// that has not ended.
    pub fn with_max_bytes(last_event_id: &str, max_bytes: usize) -> Self {
        Self {
            line: Vec::new(),
            after_cr: false,
            bom: Some(0),
            event: String::new(),
            data: String::new(),
            groups: String::new(),
            has_data: false,
            has_id: false,
            id_buffer: last_event_id.to_owned(),
            last_event_id: last_event_id.into(),
            retry_ms: None,
            max_bytes,
            failed: false,
        }
    }

    /// Reads a chunk and appends the events that end in it to `events`.
    ///
    /// # Errors
    /// [`DecodeError::EventTooLarge`] past the bound; the events before it have been appended, and the
    /// stream cannot be read on.
    pub fn feed(&mut self, mut chunk: &[u8], events: &mut Vec<DecodedEvent>) -> Result<(), DecodeError> {
        if self.failed {
            return Err(self.too_large());
        }
        chunk = self.skip_bom(chunk);
        while !chunk.is_empty() {
            if std::mem::take(&mut self.after_cr) && chunk[0] == b'\n' {
                chunk = &chunk[1..];
                continue;
            }
            let Some(end) = chunk.iter().position(|b| matches!(b, b'\n' | b'\r')) else {
                return self.keep(chunk);
            };
            self.after_cr = chunk[end] == b'\r';
            if self.line.is_empty() {
                self.check_bound(end)?;
                self.take_line(&chunk[..end], events);
            } else {
                self.keep(&chunk[..end])?;
                let line = std::mem::take(&mut self.line);
                self.take_line(&line, events);
                self.line = line;
                self.line.clear();
            }
            self.check_bound(0)?;
            chunk = &chunk[end + 1..];
        }
        Ok(())
    }

    /// The last event ID that counts: what a reconnection would send.
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    /// The same, shared.
    pub(crate) fn position(&self) -> Arc<str> {
        Arc::clone(&self.last_event_id)
    }

    /// The reconnection time that the stream last set, in milliseconds.
    pub const fn retry_ms(&self) -> Option<u64> {
        self.retry_ms
    }

    fn skip_bom<'a>(&mut self, mut chunk: &'a [u8]) -> &'a [u8] {
        while let Some(seen) = self.bom {
            let Some(&byte) = chunk.first() else { break };
            if byte == BOM[seen] {
                chunk = &chunk[1..];
                self.bom = (seen + 1 < BOM.len()).then_some(seen + 1);
            } else {
                self.line.extend_from_slice(&BOM[..seen]);
                self.bom = None;
            }
        }
        chunk
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        self.check_bound(bytes.len())?;
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn check_bound(&mut self, more: usize) -> Result<(), DecodeError> {
        let held =
            self.line.len() + self.event.len() + self.data.len() + self.id_buffer.len() + self.groups.len();
        if held.saturating_add(more) > self.max_bytes {
            self.failed = true;
            return Err(self.too_large());
        }
        Ok(())
    }

    const fn too_large(&self) -> DecodeError {
        DecodeError::EventTooLarge { max_bytes: self.max_bytes }
    }

    fn take_line(&mut self, line: &[u8], events: &mut Vec<DecodedEvent>) {
        if line.is_empty() {
            self.dispatch(events);
            return;
        }
        // Line ends are ASCII, so decoding line by line replaces exactly what decoding the stream would.
        let (field, value) = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &[][..]),
        };
        let value = String::from_utf8_lossy(value.strip_prefix(b" ").unwrap_or(value));
        let value = &*value;
        match field {
            b"event" => value.clone_into(&mut self.event),
            b"data" => {
                self.data.push_str(value);
                self.data.push('\n');
                self.has_data = true;
            }
            b"group" => {
                self.groups.push_str(value);
                self.groups.push('\n');
            }
            b"id" if !value.bytes().any(|byte| byte == 0) => {
                value.clone_into(&mut self.id_buffer);
                self.has_id = true;
            }
            b"retry" if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) => {
                self.retry_ms = Some(value.parse().unwrap_or(u64::MAX));
            }
            _ => {}
        }
    }

    fn dispatch(&mut self, events: &mut Vec<DecodedEvent>) {
        if *self.last_event_id != *self.id_buffer {
            self.last_event_id = self.id_buffer.as_str().into();
        }
        let sets_id = std::mem::take(&mut self.has_id);
        let mut event = std::mem::take(&mut self.event);
        let groups = std::mem::take(&mut self.groups);
        if !std::mem::take(&mut self.has_data) {
            return;
        }
        let mut data = std::mem::take(&mut self.data);
        data.pop();
        if event.is_empty() {
            event.push_str("message");
        }
        let last_event_id = Arc::clone(&self.last_event_id);
        events.push(DecodedEvent { event, data, last_event_id, sets_id, groups });
    }
}

/// Why a stream cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// One event grew past the bound.
    #[error("an event of the stream is larger than {max_bytes} bytes")]
    EventTooLarge {
        /// The bound.
        max_bytes: usize,
    },
}
