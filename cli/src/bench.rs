//! `tidings bench`: many readers of one server, and what a delivery costs it.

use std::{
    net::{SocketAddr, ToSocketAddrs},
    time::{Duration, Instant},
};

use clap::Args;
use reqwest::Url;
use serde_json::{json, value::to_raw_value};
use tidings_bench::{
    cost,
    measure::{Latencies, Measured, micros_each},
    process::ACCEPT,
    report::Report,
    swarm::{Swarm, SwarmError, Target},
};
use tidings_client::Client;

use crate::{
    exit::Failure,
    output::{self, Reader},
    publish::{Door, PublishError},
    serve::publishing::{Audience, Draft},
};

/// Measure a server under the load of many readers.
///
/// Opens the streams, publishes to everyone, and checks that every event comes
/// to every reader, once and in order: first one at a time, then many at once.
/// With --pid it also says what a delivery costs the server in CPU time.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Exit codes: 0 all came; 1 something was lost or came out of order; 2 wrong usage, or the server \
                  could not be reached or refused.\n\n\
                  Example: tidings bench http://127.0.0.1:4000/sse --connections 5000 --pid $(pidof tidings)\n\
                  Another server: tidings bench http://127.0.0.1/sub --publish-url http://127.0.0.1/pub --body '{\"n\":{number}}'"
)]
pub(crate) struct Bench {
    /// The streams, as in http://127.0.0.1:4000/sse; {reader} stands for a reader's number.
    url: String,
    /// Where to publish; by default /publish at the stream's host.
    #[arg(long, value_name = "URL")]
    publish_url: Option<String>,
    /// The server's publish key.
    #[arg(long, value_name = "KEY", env = "TIDINGS_PUBLISH_KEY", hide_env_values = true)]
    key: Option<String>,
    /// What is posted to a server of another kind: must hold "n":{number}, where {number} stands for the event's number.
    #[arg(long, value_name = "TEXT")]
    body: Option<String>,
    /// A header of every stream, as in 'cookie: session=abc'; {reader} stands for a reader's number. [default:
    /// x-user: reader-{reader}]
    #[arg(long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// How many streams.
    #[arg(long, value_name = "COUNT", default_value_t = 1_000)]
    connections: usize,
    /// How many events one at a time.
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    rounds: u64,
    /// How many events at once.
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    burst: u64,
    /// The server's process on this machine.
    #[arg(long, value_name = "PID")]
    pid: Option<u32>,
    /// Print one JSON line, also on a terminal.
    #[arg(long)]
    json: bool,
}

/// A server under load.
struct Load {
    swarm: Swarm,
    door: Door,
    body: Option<String>,
    runtime: tokio::runtime::Runtime,
    sent: u64,
    pid: Option<u32>,
}

impl Bench {
    pub(crate) fn run(self) -> Result<(), Failure> {
        if self.body.as_deref().is_some_and(|body| !body.contains("\"n\":{number}")) {
            return Err(Failure::Usage(
                "--body must hold \"n\":{number}, by which events are told apart".to_owned(),
            ));
        }
        let mut load = self.load()?;
        // What is set up by the first event.
        load.publish()?;
        load.arrive(1)?;
        let results = vec![load.one_at_a_time(self.rounds)?, load.at_once(self.burst)?];
        let lost: u64 = results.iter().map(|measured| measured.wrong).sum();
        let report = Report::new(results);
        match Reader::of_stdout(self.json) {
            Reader::Program => output::json_line(&report)?,
            Reader::Person => output::line(report.table().trim_end())?,
        }
        if lost == 0 { Ok(()) } else { Err(SwarmError::Wrong(lost).into()) }
    }

    fn load(&self) -> Result<Load, Failure> {
        let url = Url::parse(&self.url.replace("{reader}", "%7Breader%7D"))
            .map_err(|error| Failure::Usage(format!("{}: {error}", self.url)))?;
        if url.scheme() != "http" {
            return Err(Failure::Usage(format!(
                "{}: readers speak http only: measure behind whatever speaks TLS",
                self.url
            )));
        }
        let publish_url = match &self.publish_url {
            Some(publish_url) => publish_url.clone(),
            None => url.join("/publish").map_err(|error| Failure::Usage(error.to_string()))?.into(),
        };
        let http = Client::<protocol::RawEvent>::builder(&publish_url).http_client()?;
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let target = Target {
            address: address(&url)?,
            host: url.host_str().unwrap_or_default().to_owned(),
            path: format!("{}{query}", url.path()).replace("%7Breader%7D", "{reader}"),
            headers: match &self.headers[..] {
                [] => format!("{ACCEPT}x-user: reader-{{reader}}\r\n"),
                headers => headers.iter().fold(ACCEPT.to_owned(), |all, header| format!("{all}{header}\r\n")),
            },
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::Failed(format!("no runtime could be started: {error}")))?;
        let swarm = Swarm::open(&target, self.connections.max(1))?;
        let door = Door { http, url: publish_url, key: self.key.clone() };
        Ok(Load { swarm, door, body: self.body.clone(), runtime, sent: 0, pid: self.pid })
    }
}

impl Load {
    fn publish(&mut self) -> Result<(), Failure> {
        self.sent += 1;
        let published = match &self.body {
            Some(body) => {
                let body = body.replace("{number}", &self.sent.to_string());
                self.runtime.block_on(self.door.post(body.into_bytes())).map(drop)
            }
            None => {
                let data = json!({ "n": self.sent, "text": "x".repeat(150) });
                let data = to_raw_value(&data).map_err(|error| Failure::Failed(error.to_string()))?;
                let audience = Audience { everyone: true, ..Audience::default() };
                let draft = Draft { name: "tick".to_owned(), data, audience, key: None };
                self.runtime.block_on(self.door.publish(&draft)).map(drop)
            }
        };
        published.map_err(|error: PublishError| error.into())
    }

    /// Until `count` events more have come to everyone.
    fn arrive(&mut self, count: u64) -> Result<(), Failure> {
        let expected = self.swarm.received + count * self.swarm.len() as u64;
        Ok(self.swarm.read_until(expected)?)
    }

    fn cpu(&self) -> Result<Option<Duration>, Failure> {
        let cpu = self.pid.map(cost::cpu).transpose();
        cpu.map_err(|error| Failure::Usage(format!("--pid: {error}")))
    }

    fn one_at_a_time(&mut self, rounds: u64) -> Result<Measured, Failure> {
        let mut latencies = Latencies::default();
        let (before, began) = (self.cpu()?, Instant::now());
        for _ in 0..rounds {
            let at = Instant::now();
            self.publish()?;
            self.arrive(1)?;
            latencies.add(at.elapsed());
        }
        let mut measured = self.measured("one at a time", rounds, before, began)?;
        measured.latency_us = latencies.summary();
        Ok(measured)
    }

    fn at_once(&mut self, burst: u64) -> Result<Measured, Failure> {
        let (before, began) = (self.cpu()?, Instant::now());
        for _ in 0..burst {
            self.publish()?;
        }
        self.arrive(burst)?;
        self.measured("at once", burst, before, began)
    }

    fn measured(
        &self,
        scenario: &'static str,
        events: u64,
        before: Option<Duration>,
        began: Instant,
    ) -> Result<Measured, Failure> {
        let mut measured = Measured::new(scenario, "server", self.swarm.len());
        measured.count = events * self.swarm.len() as u64;
        measured.per_second = Some(1e6 / micros_each(began.elapsed(), measured.count));
        let used = before.zip(self.cpu()?).map(|(before, after)| after.saturating_sub(before));
        measured.cpu_us = used.map(|used| micros_each(used, measured.count));
        measured.wrong = self.swarm.wrong();
        Ok(measured)
    }
}

fn address(url: &Url) -> Result<SocketAddr, Failure> {
    let unknown = |reason: String| Failure::Usage(format!("{url}: {reason}"));
    let host = url.host_str().ok_or_else(|| unknown("it names no host".to_owned()))?;
    let port = url.port_or_known_default().unwrap_or(80);
    let mut addresses = (host, port).to_socket_addrs().map_err(|error| unknown(error.to_string()))?;
    addresses.next().ok_or_else(|| unknown("its host has no address".to_owned()))
}

impl From<SwarmError> for Failure {
    fn from(error: SwarmError) -> Self {
        match error {
            SwarmError::NoStream { .. } => Self::Usage(error.to_string()),
            SwarmError::Io(error) => Self::Usage(format!("the streams could not be opened or read: {error}")),
            _ => Self::Failed(error.to_string()),
        }
    }
}
