//! `tidings listen`: events as they come.

use clap::Args;
use protocol::{Closed, Contract, EventId, RawEvent, State};
use serde::Serialize;
use serde_json::value::RawValue;
use tidings_client::{CursorFile, EventMeta, Item};

use crate::{
    exit::{Failure, block_on},
    output::{self, BAD, FAINT, GOOD, NAME, Reader, WARN, shown, styled},
    target::Target,
};

/// Print the events of a stream as they come; come back by itself for ever.
///
/// As JSON lines, an event is {"event","data","id","replayed","at"}, and a gap,
/// where events may be missing, is {"gap":"REASON"}. The state of the connection
/// and errors go to stderr.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Exit codes: 0 the server said that there is nothing more (204); \
                  1 the credentials were refused or the stream was closed; 2 wrong usage.\n\n\
                  Example: tidings listen https://app.example/sse --bearer \"$TOKEN\" --json | jq .data"
)]
pub(crate) struct Listen {
    #[command(flatten)]
    target: Target,
    /// Begin after the event with this id, instead of now.
    #[arg(long, value_name = "ID")]
    since: Option<EventId>,
    /// Keep the position in this file and go on from it; what was printed last may be printed again after a crash.
    #[arg(long, value_name = "FILE", conflicts_with = "since")]
    cursor_file: Option<std::path::PathBuf>,
    /// Read only this group, of those that the user may read; may be given several times.
    #[arg(long = "group", value_name = "NAME")]
    groups: Vec<String>,
    /// Print JSON lines, also on a terminal.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct EventLine<'a> {
    event: &'a str,
    data: &'a RawValue,
    id: Option<String>,
    replayed: bool,
    at: Option<&'a str>,
}

#[derive(Serialize)]
struct GapLine {
    gap: &'static str,
}

impl Listen {
    pub(crate) fn run(self) -> Result<(), Failure> {
        block_on(self.listen())
    }

    async fn listen(self) -> Result<(), Failure> {
        let reader = Reader::of_stdout(self.json);
        let mut builder = self.target.client()?;
        if let Some(since) = self.since {
            builder = builder.cursor(since);
        }
        if let Some(file) = self.cursor_file {
            builder = builder.cursor_store(CursorFile::new(file));
        }
        if !self.groups.is_empty() {
            builder = builder.groups(self.groups);
        }
        let mut client = builder.connect().await?;
        while let Some(item) = client.next().await {
            match item {
                Item::Event { data, meta } => print_event(reader, &data, &meta)?,
                Item::Gap { reason, resync } => {
                    // Nothing is kept here that could be fetched again.
                    resync.done();
                    print_gap(reader, reason.as_str())?;
                }
                Item::State(state) => tell_state(&state),
                Item::Error(error) => {
                    anstream::eprintln!("{} {}", styled(WARN, error.code()), shown(&error.to_string()));
                }
                _ => {}
            }
        }
        ended(&client.state())
    }
}

fn print_event(reader: Reader, event: &RawEvent, meta: &EventMeta) -> Result<(), Failure> {
    let at = meta.sent.at.as_deref();
    let id = meta.id.as_ref().map(EventId::to_text);
    match reader {
        Reader::Program => {
            let line =
                EventLine { event: event.name(), data: event.raw_data(), id, replayed: meta.replayed, at };
            output::json_line(&line)?;
        }
        Reader::Person => {
            let name = styled(NAME, shown(event.name()));
            let replayed = if meta.replayed { " replayed" } else { "" };
            let beside = format!("{} {}{replayed}", at.unwrap_or_default(), id.unwrap_or_default());
            output::line(&format!("{name} {} {}", shown(event.data()), styled(FAINT, shown(beside.trim()))))?;
        }
    }
    Ok(())
}

fn print_gap(reader: Reader, reason: &'static str) -> Result<(), Failure> {
    match reader {
        Reader::Program => output::json_line(&GapLine { gap: reason })?,
        // Everybody begins with this one, and nothing is missing from what begins now.
        Reader::Person if reason == "initial" => {}
        Reader::Person => output::line(&styled(WARN, format!("gap: events may be missing here ({reason})")))?,
    }
    Ok(())
}

fn tell_state(state: &State) {
    let text = match state {
        State::Connecting { .. } => styled(FAINT, "connecting"),
        State::Online { resumed: true, .. } => styled(GOOD, "online again, nothing missed"),
        State::Online { .. } => styled(GOOD, "online"),
        State::Reconnecting(outage) | State::Offline(outage) => {
            styled(WARN, format!("reconnecting, attempt {}", outage.attempt))
        }
        State::LongBroken(outage) => styled(BAD, format!("broken for long, attempt {}", outage.attempt)),
        _ => return,
    };
    anstream::eprintln!("{text}");
}

/// What the end of a stream means to whoever started the command.
pub(crate) fn ended(state: &State) -> Result<(), Failure> {
    match state {
        State::Unauthorized { reason } => {
            Err(Failure::Failed(format!("the server refuses the credentials: {reason}")))
        }
        State::Closed(Closed::Failed(error)) => Err(Failure::Failed(error.to_string())),
        _ => Ok(()),
    }
}
