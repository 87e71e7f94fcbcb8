//! An event stream read as the standard's prose reads it: all bytes at once, as one text, with no bound.
//!
//! Slow and plain on purpose: the decoder must agree with it. Shared with the fuzz targets.

use protocol::DecodedEvent;

/// All that a reader makes of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Reading {
    /// What it dispatched.
    pub(crate) events: Vec<DecodedEvent>,
    /// The last event ID at the end.
    pub(crate) last_event_id: String,
    /// The reconnection time at the end.
    pub(crate) retry_ms: Option<u64>,
}

/// Reads a whole stream, beginning at `last_event_id`.
pub(crate) fn read_all(last_event_id: &str, stream: &[u8]) -> Reading {
    let text = String::from_utf8_lossy(stream).replace("\r\n", "\n").replace('\r', "\n");
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
    let mut reading = Reading { last_event_id: last_event_id.to_owned(), ..Reading::default() };
    let mut block = Vec::new();
    let mut id_buffer = last_event_id.to_owned();
    // What follows the last line end is no line: it never ended.
    let (lines, _unfinished) = text.rsplit_once('\n').map_or(("", text), |(lines, rest)| (lines, rest));
    if !text.contains('\n') {
        return reading;
    }
    for line in lines.split('\n') {
        if !line.is_empty() {
            block.push(line);
            continue;
        }
        let fields: Vec<_> = block.drain(..).map(field).collect();
        let ids = || fields.iter().filter(|(name, value)| *name == "id" && !value.contains('\0'));
        if let Some((_, id)) = ids().next_back() {
            id_buffer = (*id).to_owned();
        }
        reading.last_event_id.clone_from(&id_buffer);
        let groups = fields.iter().filter(|(name, _)| *name == "group");
        let groups: String = groups.map(|(_, value)| format!("{value}\n")).collect();
        let data: Vec<_> =
            fields.iter().filter(|(name, _)| *name == "data").map(|(_, value)| *value).collect();
        if data.is_empty() {
            continue;
        }
        let name = fields.iter().rev().find(|(name, _)| *name == "event").map_or("", |(_, value)| value);
        reading.events.push(DecodedEvent {
            event: if name.is_empty() { "message" } else { name }.to_owned(),
            data: data.join("\n"),
            last_event_id: id_buffer.as_str().into(),
            sets_id: ids().next().is_some(),
            groups,
        });
    }
    let retries = lines.split('\n').map(field).filter(|(name, _)| *name == "retry");
    let mut digits =
        retries.filter(|(_, value)| !value.is_empty() && value.chars().all(|c| c.is_ascii_digit()));
    reading.retry_ms = digits.next_back().map(|(_, value)| value.parse().unwrap_or(u64::MAX));
    reading
}

fn field(line: &str) -> (&str, &str) {
    let (name, value) = line.split_once(':').unwrap_or((line, ""));
    (name, value.strip_prefix(' ').unwrap_or(value))
}
