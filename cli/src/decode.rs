//! `tidings decode`: a raw event stream becomes JSON lines.

use std::io::{self, Read, Write};

use clap::Args;
use protocol::{DecodeError, DecodedEvent, Decoder, EVENT_BYTES_MAX};
use serde::Serialize;

use crate::exit::Failure;

/// Read at once where `--chunk` does not say otherwise.
const READ_BYTES: usize = 64 * 1024;

/// Read a raw event stream on stdin and print what a browser would dispatch, as
/// JSON lines.
///
/// Each event is {"event","data","last_event_id"}. The last line is
/// {"end":{"last_event_id","retry_ms","error"}}: the last event ID as of the last
/// blank line, which is what a reconnection would send; the reconnection time in
/// milliseconds, or null if the stream set none; and null, or why the stream
/// cannot be read on, as in
/// {"code":"event_too_large","max_bytes":1024,"message":"…"}. What is not ended
/// by a blank line is not dispatched.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Exit codes: 0 the stream was read to its end or to its error, which the last line tells; \
                  1 stdin or stdout failed; 2 wrong usage.\n\n\
                  Example: curl -sN https://app.example/sse | tidings decode"
)]
pub(crate) struct Decode {
    /// Feed the parser exactly this many bytes at a time; by default, whatever has come.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=16_777_216))]
    chunk: Option<u32>,
    /// Refuse an event of more bytes than this, counted over its name, data, id and unfinished line.
    #[arg(long, value_name = "B", default_value_t = EVENT_BYTES_MAX)]
    max_event_bytes: usize,
    /// The last event ID to begin with, as of an earlier connection.
    #[arg(long, value_name = "ID", default_value = "")]
    initial_last_event_id: String,
}

#[derive(Serialize)]
struct Event<'a> {
    event: &'a str,
    data: &'a str,
    last_event_id: &'a str,
}

#[derive(Serialize)]
struct End<'a> {
    end: EndOf<'a>,
}

#[derive(Serialize)]
struct EndOf<'a> {
    last_event_id: &'a str,
    retry_ms: Option<u64>,
    error: Option<StreamError>,
}

#[derive(Serialize)]
struct StreamError {
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_bytes: Option<usize>,
    message: String,
}

impl From<DecodeError> for StreamError {
    fn from(error: DecodeError) -> Self {
        let (code, max_bytes) = match error {
            DecodeError::EventTooLarge { max_bytes } => ("event_too_large", Some(max_bytes)),
            _ => ("malformed_stream", None),
        };
        Self { code, max_bytes, message: error.to_string() }
    }
}

impl Decode {
    pub(crate) fn run(self) -> Result<(), Failure> {
        self.decode(io::stdin().lock(), io::BufWriter::new(io::stdout().lock()))
    }

    fn decode(self, mut stream: impl Read, mut out: impl Write) -> Result<(), Failure> {
        let mut decoder = Decoder::with_max_bytes(&self.initial_last_event_id, self.max_event_bytes);
        let mut chunk = vec![0; self.chunk.map_or(READ_BYTES, |bytes| bytes as usize)];
        let mut events = Vec::new();
        let mut error = None;
        while error.is_none() {
            let read = fill(&mut stream, &mut chunk, self.chunk.is_some())
                .map_err(|error| Failure::Failed(format!("stdin cannot be read: {error}")))?;
            if read == 0 {
                break;
            }
            error = decoder.feed(&chunk[..read], &mut events).err();
            for DecodedEvent { event, data, last_event_id, .. } in events.drain(..) {
                write_line(&mut out, &Event { event: &event, data: &data, last_event_id: &last_event_id })?;
            }
            // What has been dispatched is seen at once, however slowly the stream goes on.
            out.flush()?;
        }
        let end = EndOf {
            last_event_id: decoder.last_event_id(),
            retry_ms: decoder.retry_ms(),
            error: error.map(StreamError::from),
        };
        write_line(&mut out, &End { end })?;
        Ok(out.flush()?)
    }
}

fn write_line(out: &mut impl Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}

/// Reads into `chunk`, until it is full if it must be; how much there was.
fn fill(stream: &mut impl Read, chunk: &mut [u8], full: bool) -> io::Result<usize> {
    let mut filled = 0;
    while filled < chunk.len() {
        match stream.read(&mut chunk[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        if !full {
            break;
        }
    }
    Ok(filled)
}
