//! One block of an event stream, to be written: checked against whatever would break the framing.

/// Event names that begin so are Tidings' own and refused from publishers.
pub const RESERVED_PREFIX: &str = "tidings:";

/// One block of an event stream (WHATWG HTML, "Server-sent events").
///
/// # Example
/// ```
/// use protocol::Frame;
/// let mut wire = Vec::new();
/// Frame { id: Some("a-1"), event: Some("note_created"), data: Some("{}"), retry_ms: None }.encode(&mut wire)?;
/// assert_eq!(wire, b"id: a-1\nevent: note_created\ndata: {}\n\n");
/// # Ok::<(), protocol::FrameError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Frame<'a> {
    /// The last event ID from this block on; `Some("")` resets it.
    pub id: Option<&'a str>,
    /// The event's type; a reader takes `None` as `message`.
    pub event: Option<&'a str>,
    /// The data; without it nothing is dispatched, but `id` and `retry` count.
    pub data: Option<&'a str>,
    /// The reconnection time, in milliseconds.
    pub retry_ms: Option<u64>,
}

impl Frame<'_> {
    /// Appends the block to `wire`, or nothing on an error.
    ///
    /// # Errors
    /// [`FrameError`] names the field that a reader would not read back as it is.
    pub fn encode(&self, wire: &mut Vec<u8>) -> Result<(), FrameError> {
        self.check()?;
        if let Some(retry) = self.retry_ms {
            wire.extend_from_slice(b"retry: ");
            wire.extend_from_slice(retry.to_string().as_bytes());
            wire.push(b'\n');
        }
        if let Some(id) = self.id {
            field(wire, b"id: ", id);
        }
        if let Some(event) = self.event {
            field(wire, b"event: ", event);
        }
        if let Some(data) = self.data {
            for line in data.split('\n') {
                field(wire, b"data: ", line);
            }
        }
        wire.push(b'\n');
        Ok(())
    }

    /// Checks what [`Frame::encode`] checks.
    ///
    /// # Errors
    /// As [`Frame::encode`].
    pub fn check(&self) -> Result<(), FrameError> {
        let breaks = |text: &str| text.bytes().any(|b| matches!(b, b'\r' | b'\n' | 0));
        if self.id.is_some_and(breaks) {
            return Err(FrameError { field: FrameField::Id, rule: "must not hold CR, LF or NUL" });
        }
        match self.event {
            Some("") => return Err(FrameError { field: FrameField::Event, rule: "must not be empty" }),
            Some(name) if breaks(name) => {
                return Err(FrameError { field: FrameField::Event, rule: "must not hold CR, LF or NUL" });
            }
            _ => {}
        }
        if self.data.is_some_and(|data| data.contains('\r')) {
            return Err(FrameError {
                field: FrameField::Data,
                rule: "must not hold CR, which a reader takes for a line end: send LF, or JSON, which escapes it",
            });
        }
        Ok(())
    }
}

fn field(wire: &mut Vec<u8>, name: &[u8], value: &str) {
    wire.extend_from_slice(name);
    wire.extend_from_slice(value.as_bytes());
    wire.push(b'\n');
}

/// A field of a [`Frame`] that cannot be framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field} {rule}")]
pub struct FrameError {
    /// The field.
    pub field: FrameField,
    /// The rule it breaks.
    pub rule: &'static str,
}

/// The fields of a [`Frame`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameField {
    /// `id`.
    Id,
    /// `event`.
    Event,
    /// `data`.
    Data,
}

impl std::fmt::Display for FrameField {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Id => "id",
            Self::Event => "event",
            Self::Data => "data",
        })
    }
}
