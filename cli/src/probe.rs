//! `tidings probe`: a synthetic user that publishes to itself and measures what arrives.

use std::{
    future::pending,
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use clap::Args;
use protocol::{Contract, RawEvent, State};
use serde_json::{json, value::to_raw_value};
use tidings_client::{Client, Item};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout_at},
};

use crate::{
    duration,
    exit::{Failure, block_on},
    listen::ended,
    output::{self, Reader},
    publish::{Door, PublishError},
    serve::publishing::{Audience, Draft, Sent},
    target::Target,
};
use measure::Measured;

mod measure;
mod report;

/// How long an event may take before it counts as lost, where no threshold is longer.
const LOST_AFTER: Duration = Duration::from_secs(5);
/// Events on their way at once: more means that the server does not answer, and adding to it would not help.
const UNDERWAY_MAX: usize = 64;
/// A live view for people.
const REDRAW: Duration = Duration::from_millis(500);

/// Be a synthetic user: publish to yourself, receive, and measure.
///
/// Measured are the time to connect, the time from publishing to receiving,
/// events lost, gaps, and reconnections. By default it runs for 10 seconds and
/// prints a summary; with --watch, until ctrl-c.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Exit codes: 0 all was well; 1 a threshold was broken, an event was lost, a gap was said, or \
                  publishing failed; 2 wrong usage, or the server could not be reached or refused.\n\n\
                  For CI:        tidings probe http://127.0.0.1:4000/sse --user probe --max-latency-ms 250\n\
                  For monitoring: tidings probe … --prometheus > /var/lib/node_exporter/tidings.prom"
)]
pub(crate) struct Probe {
    #[command(flatten)]
    target: Target,
    /// Where to publish; by default /publish at the stream's host.
    #[arg(long, value_name = "URL")]
    publish_url: Option<String>,
    /// The server's publish key.
    #[arg(long, value_name = "KEY", env = "TIDINGS_PUBLISH_KEY", hide_env_values = true)]
    key: Option<String>,
    /// The user that the credentials are of, to whom it publishes; by default that of --user.
    #[arg(long = "as", value_name = "NAME")]
    identity: Option<String>,
    /// The name of its events.
    #[arg(long = "type", value_name = "TYPE", default_value = "probe")]
    name: String,
    /// How long to measure. [default: 10s, or until ctrl-c with --watch]
    #[arg(long = "for", value_name = "TIME", value_parser = duration::parse)]
    length: Option<Duration>,
    /// From one event to the next.
    #[arg(long, value_name = "TIME", default_value = "200ms", value_parser = duration::parse)]
    interval: Duration,
    /// The slowest event may take this many milliseconds.
    #[arg(long, value_name = "MS")]
    max_latency_ms: Option<u64>,
    /// Connecting may take this many milliseconds.
    #[arg(long, value_name = "MS")]
    max_connect_ms: Option<u64>,
    /// Give up when there is no connection after this long.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration::parse)]
    connect_timeout: Duration,
    /// Print the summary in Prometheus' text format.
    #[arg(long, conflicts_with = "watch")]
    prometheus: bool,
    /// Redraw a live view while measuring; as JSON lines where stdout is no terminal.
    #[arg(long)]
    watch: bool,
    /// Print JSON, also on a terminal.
    #[arg(long)]
    json: bool,
}

/// What a measurement waits for.
enum Happened {
    Item(Option<Item<RawEvent>>),
    Tick,
    Published(Result<Sent, PublishError>),
    Redraw,
    /// The time is over: nothing more is published.
    TimeIsUp,
    /// What has not arrived by now is lost.
    Over,
}

impl Probe {
    pub(crate) fn run(self) -> Result<(), Failure> {
        block_on(self.probe())
    }

    async fn probe(self) -> Result<(), Failure> {
        let audience = self.identity.clone().or_else(|| self.target.user.clone());
        let Some(audience) = audience else {
            return Err(Failure::Usage("whose credentials are these? --as NAME".to_owned()));
        };
        if self.interval.is_zero() {
            return Err(Failure::Usage("--interval must be longer than nothing".to_owned()));
        }
        let builder = self.target.client()?;
        let url = self.publish_url.clone().map_or_else(|| beside(&self.target.url), Ok)?;
        let door = Door { http: builder.http_client()?, url, key: self.key.clone() };
        let begun = Instant::now();
        let mut client = builder.connect().await?;
        self.reach(&mut client, begun + self.connect_timeout).await?;
        let mut measured = Measured::new(begun.elapsed());
        self.measure(&mut client, &door, &audience, &mut measured).await?;
        let verdict = self.verdict(&measured);
        match Reader::of_stdout(self.json) {
            _ if self.prometheus => {
                output::line(report::prometheus(&measured, verdict.is_empty()).trim_end())?
            }
            Reader::Program => output::json_line(&report::json(&measured, &verdict))?,
            Reader::Person => output::line(&report::summary(&measured, &verdict))?,
        }
        if verdict.is_empty() { Ok(()) } else { Err(Failure::Failed(verdict.join("; "))) }
    }

    /// Until the server has said hello and the gap that every client begins with.
    async fn reach(&self, client: &mut Client<RawEvent>, deadline: Instant) -> Result<(), Failure> {
        let mut last = "no answer".to_owned();
        loop {
            match timeout_at(deadline, client.next()).await {
                Ok(Some(Item::Gap { resync, .. })) => {
                    resync.done();
                    return Ok(());
                }
                Ok(Some(Item::Error(error))) => last = error.to_string(),
                Ok(Some(_)) => {}
                Ok(None) => {
                    let why = ended(&client.state()).err().map_or(last, |failure| failure.to_string());
                    return Err(Failure::Usage(why));
                }
                Err(_) if self.target.answers_at_once().await => {
                    return Err(Failure::Usage(format!(
                        "{} answers, but its stream does not begin: something in between holds it back; switch \
                         buffering and compression of text/event-stream off there",
                        self.target.url
                    )));
                }
                Err(_) => {
                    return Err(Failure::Usage(format!("{} cannot be reached: {last}", self.target.url)));
                }
            }
        }
    }

    async fn measure(
        &self,
        client: &mut Client<RawEvent>,
        door: &Door,
        audience: &str,
        measured: &mut Measured,
    ) -> Result<(), Failure> {
        let nonce = format!("{:016x}", RandomState::new().hash_one(0));
        let lost_after = LOST_AFTER.max(Duration::from_millis(self.max_latency_ms.unwrap_or_default()));
        let start = Instant::now();
        let length = self.length.or((!self.watch).then_some(Duration::from_secs(10)));
        let mut end = length.map(|length| start + length);
        let mut ticks = interval_at(start, self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut redraws = interval_at(start + REDRAW, REDRAW);
        let mut view = report::View::new(Reader::of_stdout(self.json));
        let mut publishing: JoinSet<Result<Sent, PublishError>> = JoinSet::new();
        let mut stopping = false;
        loop {
            measured.lose(lost_after);
            if stopping && measured.underway() == 0 && publishing.is_empty() {
                return Ok(());
            }
            let happened = tokio::select! {
                biased;
                _ = tokio::signal::ctrl_c(), if !stopping => Happened::TimeIsUp,
                item = client.next() => Happened::Item(item),
                Some(published) = publishing.join_next() => {
                    Happened::Published(published.unwrap_or_else(|error| {
                        Err(PublishError::Unreachable { url: door.url.clone(), reason: error.to_string() })
                    }))
                }
                () = until(end) => if stopping { Happened::Over } else { Happened::TimeIsUp },
                _ = ticks.tick(), if !stopping && measured.underway() < UNDERWAY_MAX => Happened::Tick,
                _ = redraws.tick() => Happened::Redraw,
            };
            match happened {
                Happened::Item(Some(item)) => self.take(item, &nonce, measured),
                Happened::Item(None) => return ended(&client.state()),
                Happened::Tick => {
                    let number = measured.send();
                    let draft = draft(&self.name, &nonce, number, audience)?;
                    let door = door.clone();
                    publishing.spawn(async move { door.publish(&draft).await });
                }
                Happened::Published(Ok(_)) => measured.note_published(),
                // Nothing was ever published: it is asked for wrongly.
                Happened::Published(Err(error)) if measured.published() == 0 => {
                    return Err(Failure::Usage(error.to_string()));
                }
                Happened::Published(Err(error)) => measured.note_failure(error.to_string()),
                Happened::TimeIsUp => {
                    stopping = true;
                    end = Some(Instant::now() + lost_after);
                }
                Happened::Over => {
                    measured.lose(Duration::ZERO);
                    return Ok(());
                }
                Happened::Redraw if self.watch => view.show(measured, &client.state())?,
                Happened::Redraw => {}
            }
        }
    }

    fn take(&self, item: Item<RawEvent>, nonce: &str, measured: &mut Measured) {
        match item {
            Item::Event { data, .. } if data.name() == self.name => {
                let payload: serde_json::Value = serde_json::from_str(data.data()).unwrap_or_default();
                if payload["nonce"] == nonce
                    && let Some(number) = payload["number"].as_u64()
                {
                    measured.receive(number);
                }
            }
            Item::Gap { reason, resync } => {
                resync.done();
                measured.note_gap(reason.as_str());
            }
            Item::State(State::Reconnecting(outage)) if outage.attempt == 0 => measured.note_outage(),
            _ => {}
        }
    }

    /// What is not as it should be.
    fn verdict(&self, measured: &Measured) -> Vec<String> {
        let mut broken = Vec::new();
        if let (Some(max), Some(slowest)) = (self.max_latency_ms, measured.slowest())
            && slowest > Duration::from_millis(max)
        {
            let slowest = report::millis(slowest);
            broken.push(format!("the slowest event took {slowest:.1} ms, more than {max} ms"));
        }
        if let Some(max) = self.max_connect_ms
            && measured.connect > Duration::from_millis(max)
        {
            let connect = report::millis(measured.connect);
            broken.push(format!("connecting took {connect:.1} ms, more than {max} ms"));
        }
        broken.extend(measured.faults());
        broken
    }
}

async fn until(end: Option<Instant>) {
    match end {
        Some(end) => sleep_until(end).await,
        None => pending().await,
    }
}

fn draft(name: &str, nonce: &str, number: u64, audience: &str) -> Result<Draft, Failure> {
    let data = to_raw_value(&json!({ "nonce": nonce, "number": number }))
        .map_err(|error| Failure::Failed(error.to_string()))?;
    let audience = Audience { users: vec![audience.to_owned()], ..Audience::default() };
    Ok(Draft { name: name.to_owned(), data, audience, key: None })
}

/// `/publish` at the host of `stream`.
fn beside(stream: &str) -> Result<String, Failure> {
    let host = stream.split_once("://").map(|(scheme, rest)| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        format!("{scheme}://{host}/publish")
    });
    host.ok_or_else(|| Failure::Usage(format!("{stream:?} is no http or https URL")))
}
