//! A subscriber with a clock and a hand-written server: each line of a test is one thing that happens.
#![allow(dead_code, reason = "each test file uses its part")]

use std::time::Duration;

use protocol::{
    Control, EventId, ResyncReason, Time,
    subscriber::{Attempt, Config, Credentials, Head, HoldId, Input, Output, Subscriber},
};

pub const SECOND: Duration = Duration::from_secs(1);

/// A subscriber, its clock, and what it has put out and not yet been asked about.
pub struct Page {
    pub client: Subscriber,
    pub now: Time,
    pub outputs: Vec<Output>,
    pub attempt: u64,
    /// App events written on this connection.
    pub sent: u64,
}

impl Page {
    pub fn new(credentials: Credentials) -> Self {
        Self::with(Config { credentials, ..Config::new(Control::parse) }, None)
    }

    pub fn with(config: Config, from: Option<&str>) -> Self {
        let from = from.map(|id| id.parse().expect("an id"));
        let client = Subscriber::new(config, from, 42);
        Self { client, now: Time::from_millis(1_000_000), outputs: Vec::new(), attempt: 0, sent: 0 }
    }

    pub fn online() -> Self {
        let mut page = Self::new(Credentials::Ambient);
        page.input(Input::Connect);
        page.accept();
        page.hello("fresh", Some("e-10"));
        let (hold, reason) = page.take_resync();
        assert_eq!(reason, ResyncReason::Initial);
        page.input(Input::Settled { hold, ok: true });
        page.outputs.clear();
        page
    }

    pub fn input(&mut self, input: Input<'_>) {
        self.client.handle(input, self.now);
        while let Some(output) = self.client.poll() {
            if let Output::Open(Attempt { number, .. }) = &output {
                self.attempt = *number;
                self.sent = 0;
            }
            self.outputs.push(output);
        }
    }

    pub fn head(&mut self, status: u16, content_type: &'static str, retry_after: Option<Duration>) {
        let head =
            Head { status, content_type: Some(content_type), retry_after: retry_after.map(Into::into) };
        self.input(Input::Head { attempt: self.attempt, head });
    }

    pub fn accept(&mut self) {
        self.head(200, "text/event-stream; charset=utf-8", None);
    }

    pub fn write(&mut self, text: &str) {
        self.input(Input::Bytes { attempt: self.attempt, bytes: text.as_bytes() });
    }

    pub fn hello(&mut self, resumed: &str, id: Option<&str>) {
        self.hello_to("anna", resumed, id);
    }

    pub fn hello_to(&mut self, subject: &str, resumed: &str, id: Option<&str>) {
        let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
        self.write(&format!(
            "{id}event: tidings:hello\ndata: {{\"connection_id\":\"c\",\"subject\":\"{subject}\",\
             \"resumed\":\"{resumed}\",\"heartbeat_ms\":15000,\"contract\":{{\"revision\":0,\"hash\":\"\"}}}}\n\n"
        ));
    }

    pub fn event(&mut self, id: &str) {
        self.sent += 1;
        self.write(&format!("id: {id}\nevent: changed\ndata: {{}}\n\n"));
    }

    pub fn heartbeat(&mut self, id: &str) {
        let sent = self.sent;
        self.write(&format!("id: {id}\nevent: tidings:heartbeat\ndata: {{\"sent\":{sent}}}\n\n"));
    }

    pub fn goodbye(&mut self, reason: &str, after: &str) {
        let data = format!(r#"{{"reason":"{reason}","reconnect_after_ms":{after}}}"#);
        self.write(&format!("event: tidings:goodbye\ndata: {data}\n\n"));
    }

    pub fn end(&mut self) {
        self.input(Input::End { attempt: self.attempt });
    }

    pub fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
        self.input(Input::Timeout);
    }

    /// Waits exactly until the next deadline, and returns how long that was.
    pub fn wait(&mut self) -> Duration {
        let at = self.client.poll_timeout().expect("something is waited for");
        let waited = at.since(self.now);
        self.pass(waited);
        waited
    }

    pub fn take_resync(&mut self) -> (HoldId, ResyncReason) {
        let place = self.outputs.iter().position(|output| matches!(output, Output::Resync { .. }));
        match self.outputs.remove(place.expect("a resync")) {
            Output::Resync { hold, reason } => (hold, reason),
            _ => unreachable!("found above"),
        }
    }

    pub fn opened(&mut self) -> Vec<Attempt> {
        let outputs = std::mem::take(&mut self.outputs);
        outputs
            .into_iter()
            .filter_map(|output| match output {
                Output::Open(attempt) => Some(attempt),
                _ => None,
            })
            .collect()
    }

    pub fn handled(&mut self) -> Vec<String> {
        let outputs = std::mem::take(&mut self.outputs);
        outputs
            .into_iter()
            .filter_map(|output| match output {
                Output::Event(message) => message.id.map(|id| id.to_string()),
                _ => None,
            })
            .collect()
    }
}

pub fn id(text: &str) -> EventId {
    text.parse().expect("an id")
}
