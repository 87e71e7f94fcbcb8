//! `tidings encode`: JSON lines become a raw event stream.

use std::io::{self, BufRead, Read, Write};

use clap::Args;
use protocol::Frame;
use serde_json::{Map, Value};

use crate::exit::Failure;

/// A line is held whole, and sixteen times what a server sends as one event is none that anybody meant.
const LINE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Read JSON lines on stdin and write an event stream on stdout.
///
/// Each line is an object {"id"?,"event"?,"data","retry"?}: texts, and the
/// reconnection time in milliseconds. A line that a reader could not read back as
/// it is ends the command, with what came before it written: CR, LF or NUL in an
/// id or an event name, an empty event name, CR in data.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Exit codes: 0 every line was written; 1 stdin or stdout failed; \
                  2 a line cannot be framed, and the message names the line and the field.\n\n\
                  Example: echo '{\"event\":\"note_created\",\"data\":\"{}\"}' | tidings encode"
)]
pub(crate) struct Encode {}

impl Encode {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        let encoded = encode(io::stdin().lock(), &mut out);
        out.flush()?;
        encoded
    }
}

fn encode(mut lines: impl BufRead, out: &mut impl Write) -> Result<(), Failure> {
    let (mut line, mut wire) = (Vec::new(), Vec::new());
    for number in 1.. {
        line.clear();
        let read = lines.by_ref().take(LINE_BYTES_MAX + 1).read_until(b'\n', &mut line);
        if read.map_err(|error| Failure::Failed(format!("stdin cannot be read: {error}")))? == 0 {
            break;
        }
        if line.len() as u64 > LINE_BYTES_MAX {
            return Err(Failure::Usage(format!("line {number}: longer than {LINE_BYTES_MAX} bytes")));
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        wire.clear();
        frame(&line, &mut wire).map_err(|reason| Failure::Usage(format!("line {number}: {reason}")))?;
        out.write_all(&wire)?;
        out.flush()?;
    }
    Ok(())
}

fn frame(line: &[u8], wire: &mut Vec<u8>) -> Result<(), String> {
    let mut fields: Map<String, Value> =
        serde_json::from_slice(line).map_err(|error| format!("no JSON object: {error}"))?;
    let id = text(&mut fields, "id")?;
    let event = text(&mut fields, "event")?;
    let data = text(&mut fields, "data")?.ok_or("data is missing")?;
    let retry_ms = match fields.remove("retry") {
        None | Some(Value::Null) => None,
        Some(value) => Some(value.as_u64().ok_or("retry must be a whole number of milliseconds")?),
    };
    if let Some(name) = fields.keys().next() {
        return Err(format!("{name:?} is no field: there are id, event, data and retry"));
    }
    Frame { id: id.as_deref(), event: event.as_deref(), data: Some(&data), retry_ms }
        .encode(wire)
        .map_err(|error| error.to_string())
}

fn text(fields: &mut Map<String, Value>, name: &str) -> Result<Option<String>, String> {
    match fields.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("{name} must be a text")),
    }
}
