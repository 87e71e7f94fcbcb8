//! The subscriber under any script of a driver, a server and a page: it never panics, never spins, and its
//! handlers get each event once, in order, or are told of a gap.
#![no_main]

#[path = "subscriber/checks.rs"]
mod checks;
#[path = "subscriber/stream.rs"]
mod stream;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use libfuzzer_sys::fuzz_target;
use protocol::{
    Control, Decoder, EventId, RESERVED_PREFIX, State, Subscriber, SubscriberError, Time,
    subscriber::{Config, Credentials, Head, HoldId, Input},
};
use stream::Script;

fuzz_target!(|script: &[u8]| {
    let mut script = Script(script);
    if let Some(mut page) = Page::open(&mut script) {
        while page.step(&mut script).is_some() {}
    }
});

/// Small, so that scripts reach it.
const EVENT_BYTES_MAX: usize = 4_096;
/// What a subscriber may hold, and what it may have given up of one chunk of these scripts.
const HELD_MAX: usize = 1_000 + 4 * 255;

/// An event that the server sent behind its hello.
struct Sent {
    chunk: u64,
    message: (Option<EventId>, String, String),
}

/// A page with its driver, and what it knows of its subscriber from outside.
struct Page {
    subscriber: Subscriber,
    now: Time,
    /// The attempt that is open, and the last one begun.
    open: Option<u64>,
    begun: u64,
    /// Reads what the subscriber reads, from the response head on.
    decoder: Option<Decoder>,
    greeted: bool,
    /// App events since hello.
    received: u64,
    /// Sent and not handed to a handler yet.
    sent: VecDeque<Sent>,
    chunk: u64,
    holds: BTreeSet<HoldId>,
    /// Per epoch the last sequence that a handler got.
    handled: BTreeMap<String, u64>,
    /// Where it was closed: the next attempt goes on there, since what was held was dropped.
    closed_at: Option<Option<EventId>>,
    state: State,
    server: stream::Server,
}

impl Page {
    fn open(script: &mut Script<'_>) -> Option<Self> {
        let mut config = Config::new(Control::parse);
        config.max_event_bytes = EVENT_BYTES_MAX;
        let choice = script.byte()?;
        if choice & 1 != 0 {
            config.credentials = Credentials::Renewable;
        }
        let from = (choice & 2 != 0).then(|| stream::id(0, 3));
        Some(Self {
            subscriber: Subscriber::new(config, from, choice.into()),
            now: Time::from_millis(1_000_000),
            open: None,
            begun: 0,
            decoder: None,
            greeted: false,
            received: 0,
            sent: VecDeque::new(),
            chunk: 0,
            holds: BTreeSet::new(),
            handled: BTreeMap::new(),
            closed_at: None,
            state: State::Idle,
            server: stream::Server::default(),
        })
    }

    fn step(&mut self, script: &mut Script<'_>) -> Option<()> {
        let late = script.byte()? == 0;
        // Now and then a report comes from an attempt that was abandoned.
        let attempt = if late { self.begun.saturating_sub(1) } else { self.begun };
        match script.below(20)? {
            0 => self.handle(Input::Connect),
            1 => self.handle(Input::Reconnect),
            2 => self.handle(Input::Close),
            3 => {
                self.closed_at = None;
                self.handle(Input::Identity { signed_in: script.byte()? & 1 == 0 });
                self.handled.clear();
            }
            4 | 5 => self.head(attempt, script)?,
            6..=10 => {
                let bytes = self.server.write(script)?;
                self.bytes(attempt, &bytes);
            }
            11 => {
                let ended = Input::End { attempt };
                self.handle(ended);
                self.lose(attempt);
            }
            12 => {
                let error = match script.below(3)? {
                    0 => SubscriberError::Unauthorized("no token".to_owned()),
                    1 => SubscriberError::Auth("the callback threw".to_owned()),
                    _ => SubscriberError::Transport("reset".to_owned()),
                };
                self.handle(Input::Failed { attempt, error: &error });
                self.lose(attempt);
            }
            13 => self.handle(Input::Network { online: script.byte()? & 1 == 0 }),
            14 => {
                let input = [Input::Wake, Input::Suspend, Input::Resume][usize::from(script.below(3)?)];
                self.handle(input);
            }
            15 => self.settle(script)?,
            16 | 17 => {
                let millis = [1, 100, 1_000, 12_000, 70_000][usize::from(script.below(5)?)];
                self.now = self.now + Duration::from_millis(millis);
                self.handle(Input::Timeout);
            }
            18 => {
                if let Ok(hold) = self.subscriber.hold(self.now) {
                    assert!(self.holds.insert(hold), "a hold's name is its own");
                }
            }
            _ => self.now = self.now - Duration::from_secs(script.byte()?.into()),
        }
        Some(())
    }

    fn head(&mut self, attempt: u64, script: &mut Script<'_>) -> Option<()> {
        let status = match script.byte()? {
            choice @ 0..12 => [204, 301, 400, 401, 403, 404, 410, 425, 429, 500, 503, 0][usize::from(choice)],
            _ => 200,
        };
        let content_type = match script.byte()? {
            0 => None,
            1 => Some("text/html"),
            2 => Some("Text/Event-Stream; charset=utf-8"),
            _ => Some("text/event-stream"),
        };
        let opening = self.open == Some(attempt) && self.decoder.is_none();
        if opening && status == 200 && content_type.is_some_and(|it| it.len() > 10) {
            self.decoder = Some(Decoder::with_max_bytes("", EVENT_BYTES_MAX));
        }
        let retry_after = (status == 429).then(|| protocol::Millis::from_secs(7));
        if opening && status != 200 {
            self.open = None;
        }
        self.handle(Input::Head { attempt, head: Head { status, content_type, retry_after } });
        Some(())
    }

    fn bytes(&mut self, attempt: u64, bytes: &[u8]) {
        self.chunk += 1;
        if self.open == Some(attempt)
            && let Some(decoder) = &mut self.decoder
        {
            let mut events = Vec::new();
            let _ = decoder.feed(bytes, &mut events);
            for event in events {
                let id = event.sets_id.then(|| event.last_event_id.parse::<EventId>());
                let Ok(id) = id.transpose() else { break };
                match Control::parse(&event.event, &event.data) {
                    Ok(Control::Hello(_)) => (self.greeted, self.received) = (true, 0),
                    _ if !self.greeted => break,
                    Ok(Control::Goodbye(_)) | Err(_) => break,
                    Ok(Control::Heartbeat(heartbeat)) if heartbeat.sent != self.received => break,
                    Ok(Control::Unknown) if !event.event.starts_with(RESERVED_PREFIX) => {
                        self.received += 1;
                        let message = (id, event.event, event.data);
                        self.sent.push_back(Sent { chunk: self.chunk, message });
                    }
                    Ok(_) => {}
                }
            }
        }
        self.handle(Input::Bytes { attempt, bytes });
    }

    fn settle(&mut self, script: &mut Script<'_>) -> Option<()> {
        let (which, ok) = (script.byte()?, script.byte()? & 3 != 0);
        let hold = match self.holds.iter().nth(usize::from(which)).or(self.holds.first()) {
            Some(hold) => *hold,
            None => HoldId(which.into()),
        };
        self.holds.remove(&hold);
        self.handle(Input::Settled { hold, ok });
        Some(())
    }

    fn lose(&mut self, attempt: u64) {
        if self.open == Some(attempt) {
            self.end();
        }
    }

    fn end(&mut self) {
        self.open = None;
        self.decoder = None;
        self.greeted = false;
    }
}
