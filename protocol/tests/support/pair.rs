//! A server, a subscriber, the wire between them, and the page behind: what it shows must be the truth.

use std::{collections::BTreeMap, time::Duration};

use protocol::{
    Control, Delivery, EventId, Limits, State, SubscriberError, Time,
    subscriber::{Attempt, Config, Credentials, Head, HoldId, Input, Output, Released, Subscriber},
};

use super::{
    Dice,
    server::{Restart, Server, channel},
    wire::{Arrival, Fate, Wire},
};

/// Versions by entity: what the database holds and the page shows.
pub type Page = BTreeMap<u64, u64>;

/// What happened at the page, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// A handler got the event of this version.
    Handled(u64),
    /// The page was told that something may be missing.
    Resync { at: Time },
}

/// A durable event that was for the page.
#[derive(Debug, Clone)]
struct Sent {
    id: EventId,
    entity: u64,
    version: u64,
    at: Time,
}

#[derive(Debug)]
struct Fetch {
    hold: HoldId,
    is_load: bool,
    reads_at: Time,
    snapshot: Option<Page>,
    done_at: Time,
    ok: bool,
}

#[derive(Debug)]
pub struct Pair {
    pub server: Server,
    pub client: Subscriber,
    pub now: Time,
    /// How far the page's clock was set back.
    pub set_back: Duration,
    pub dice: Dice,
    pub wires: Vec<Wire>,
    pub happenings: Vec<Happening>,
    pub errors: Vec<String>,
    pub states: Vec<State>,
    /// Requests waiting for an answer.
    requests: Vec<Attempt>,
    fetches: Vec<Fetch>,
    truth: Page,
    page: Page,
    sent: Vec<Sent>,
    versions: u64,
    /// Every event is durable and for this page.
    pub all_for_me: bool,
    /// Every event, whomever it was for.
    committed: Vec<(EventId, u64)>,
    /// The newest version that a fetch may have read.
    fetched: u64,
    /// Whether anything may still break.
    pub faults: bool,
    /// What becomes of the next responses, first first.
    pub fates: Vec<Fate>,
}

impl Pair {
    pub fn new(seed: u64, limits: Limits) -> Self {
        let mut dice = Dice(seed);
        let config = Config { credentials: Credentials::Renewable, ..Config::new(Control::parse) };
        let client = Subscriber::new(config, None, dice.roll(u64::MAX));
        Self {
            server: Server::new(limits),
            client,
            now: Time::from_millis(1_000_000_000),
            set_back: Duration::ZERO,
            dice,
            wires: Vec::new(),
            happenings: Vec::new(),
            errors: Vec::new(),
            states: Vec::new(),
            requests: Vec::new(),
            fetches: Vec::new(),
            truth: Page::new(),
            page: Page::new(),
            sent: Vec::new(),
            versions: 0,
            all_for_me: false,
            committed: Vec::new(),
            fetched: 0,
            faults: true,
            fates: Vec::new(),
        }
    }

    /// What the page's clock says.
    pub fn clock(&self) -> Time {
        self.now - self.set_back
    }

    pub fn input(&mut self, input: Input<'_>) {
        let now = self.clock();
        self.client.handle(input, now);
        self.drain();
        assert!(self.client.poll_timeout().is_none_or(|at| at > now), "a driver would spin at {now:?}");
    }

    /// Changes an entity and tells its readers.
    pub fn send(&mut self) {
        if !self.server.is_up() {
            return;
        }
        self.versions += 1;
        let (version, entity) = (self.versions, self.dice.roll(4));
        let json = format!(r#"{{"entity":{entity},"version":{version}}}"#);
        let (to, delivery) = match self.dice.roll(6) {
            _ if self.all_for_me => (channel("me"), Delivery::Durable),
            0 => (channel("somebody else"), Delivery::Durable),
            1 => (channel("me"), Delivery::LiveOnly),
            2 => (protocol::Channel::all(), Delivery::Durable),
            _ => (channel("me"), Delivery::Durable),
        };
        let counts = to != channel("somebody else") && delivery == Delivery::Durable;
        let id = self.server.send(to, delivery, &json, self.now);
        self.committed.extend(id.clone().map(|id| (id, version)));
        if let (true, Some(id)) = (counts, id) {
            self.truth.insert(entity, version);
            self.sent.push(Sent { id, entity, version, at: self.now });
        }
    }

    pub fn restart(&mut self, how: Restart) {
        self.break_wires();
        // A page that fetched what was never acknowledged would have read a database that lost a commit.
        let how = match how {
            Restart::WithoutTail(lost) => {
                let unread = self
                    .committed
                    .iter()
                    .filter(|(id, version)| *version > self.fetched && self.server.has(id));
                Restart::WithoutTail(lost.min(unread.count() as u64))
            }
            how => how,
        };
        let had: Vec<_> =
            self.sent.iter().filter(|sent| self.server.has(&sent.id)).map(|s| s.version).collect();
        self.server.restart(how, self.now);
        if matches!(how, Restart::WithoutTail(_)) {
            self.sent.retain(|sent| self.server.has(&sent.id) || !had.contains(&sent.version));
            self.truth = self.sent.iter().map(|sent| (sent.entity, sent.version)).collect();
        }
    }

    pub fn crash(&mut self) {
        self.break_wires();
        self.server.crash();
    }

    /// The page begins to load; the first load takes the cursor along, as `replay.from` does.
    pub fn load(&mut self) {
        if let Ok(hold) = self.client.hold(self.clock()) {
            self.fetch(hold, true);
        }
    }

    pub fn advance(&mut self, by: Duration) {
        self.now = self.now + by;
        self.input(Input::Timeout);
        self.run_fetches();
    }

    /// To the next moment at which anything is due.
    pub fn advance_to_next(&mut self) {
        let fetches = self.fetches.iter().map(|f| if f.snapshot.is_none() { f.reads_at } else { f.done_at });
        let client = self.client.poll_timeout().map(|at| at + self.set_back);
        let next = client.into_iter().chain(self.server.next_write()).chain(fetches).min();
        let by = next.map_or(Duration::from_secs(1), |next| next.since(self.now));
        self.advance(by.max(Duration::from_millis(1)));
    }

    /// Answers one waiting request.
    pub fn answer(&mut self) {
        if self.requests.is_empty() {
            return;
        }
        let attempt = self.requests.remove(0);
        if !self.server.is_up() {
            let error = SubscriberError::Transport("refused".to_owned());
            return self.input(Input::Failed { attempt: attempt.number, error: &error });
        }
        if self.faults && attempt.renew_credentials && self.dice.one_in(2) {
            let error = SubscriberError::Auth("the token service is down".to_owned());
            return self.input(Input::Failed { attempt: attempt.number, error: &error });
        }
        let status = match self.dice.roll(30) {
            _ if !self.faults => 200,
            0 => 502,
            1 => 503,
            2 | 3 => 401,
            _ => 200,
        };
        let fate = match self.fates.is_empty() {
            false => self.fates.remove(0),
            true if !self.faults => Fate::Whole,
            true => match self.dice.roll(4) {
                0 => Fate::CutAfter(1 + self.dice.roll(900) as usize),
                1 => Fate::StallsAfter(1 + self.dice.roll(900) as usize),
                _ => Fate::Whole,
            },
        };
        let mut wire = Wire::new(attempt.number, status, fate);
        if status == 200 {
            self.server.accept(&mut wire, attempt.cursor.as_ref(), self.now);
        }
        self.wires.push(wire);
    }

    /// Brings one chunk of each wire to the client.
    pub fn deliver(&mut self) {
        let mut arrivals = Vec::new();
        for wire in &mut self.wires {
            arrivals.push((wire.attempt, wire.arrive(&mut self.dice)));
        }
        for (attempt, arrival) in arrivals {
            match arrival {
                Arrival::Head(status) => {
                    let retry_after = (status == 503).then_some(Duration::from_secs(5));
                    let head = Head {
                        status,
                        content_type: Some("text/event-stream"),
                        retry_after: retry_after.map(Into::into),
                    };
                    self.input(Input::Head { attempt, head });
                }
                Arrival::Bytes(bytes) => self.input(Input::Bytes { attempt, bytes: &bytes }),
                Arrival::End => self.input(Input::End { attempt }),
                Arrival::Broken => {
                    let error = SubscriberError::Transport("reset".to_owned());
                    self.input(Input::Failed { attempt, error: &error });
                }
                Arrival::Nothing => {}
            }
        }
    }

    pub fn write(&mut self) {
        let budget = if self.dice.one_in(2) { 1 } else { 64 * 1024 };
        self.server.write(&mut self.wires, budget, self.now);
    }

    /// What the page shows is the truth, and whatever its handlers did not get was said to be missing.
    pub fn check(&self) {
        assert_eq!(self.page, self.truth, "the page shows something else than the database holds");
        let handled = |happening: &Happening| match happening {
            Happening::Handled(version) => Some(*version),
            Happening::Resync { .. } => None,
        };
        let versions: Vec<_> = self.happenings.iter().filter_map(handled).collect();
        assert!(versions.is_sorted_by(|a, b| a < b), "repeated or out of order: {versions:?}");
        for sent in self.sent.iter().filter(|sent| versions.binary_search(&sent.version).is_err()) {
            let newer = self
                .happenings
                .iter()
                .position(|happening| handled(happening).is_some_and(|version| version > sent.version))
                .unwrap_or(self.happenings.len());
            let said = self.happenings[..newer]
                .iter()
                .any(|happening| matches!(happening, Happening::Resync { at } if *at >= sent.at));
            assert!(said, "event {} was lost in silence: {self:#?}", sent.version);
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.client.poll() {
            match output {
                Output::Open(attempt) => self.requests.push(attempt),
                Output::Abort { attempt } => {
                    self.requests.retain(|request| request.number != attempt);
                    self.wires.retain(|wire| wire.attempt != attempt);
                    // Otherwise the server goes on writing into a connection that nobody reads.
                    if self.dice.one_in(2) {
                        self.server.forget(attempt);
                    }
                }
                Output::Event(message) => self.patch(&message.data),
                Output::Resync { hold, .. } => {
                    self.happenings.push(Happening::Resync { at: self.now });
                    self.fetch(hold, false);
                }
                Output::Release { hold, cause } => {
                    let load = self.fetches.iter().any(|fetch| fetch.hold == hold && fetch.is_load);
                    self.fetches.retain(|fetch| fetch.hold != hold);
                    if load && matches!(cause, Released::Superseded | Released::Timeout | Released::Overflow)
                    {
                        self.load();
                    }
                }
                Output::State(state) => {
                    if let State::Reconnecting(outage) | State::Offline(outage) | State::LongBroken(outage) =
                        &state
                    {
                        assert!(outage.since <= self.clock(), "an outage of the future: {outage:?}");
                    }
                    self.states.push(state);
                }
                Output::Error(error) => self.errors.push(error.to_string()),
                _ => {}
            }
        }
    }

    fn patch(&mut self, json: &str) {
        let value: serde_json::Value = serde_json::from_str(json).expect("as sent");
        let number = |field: &str| value[field].as_u64().expect("as sent");
        let (entity, version) = (number("entity"), number("version"));
        self.happenings.push(Happening::Handled(version));
        // A live-only event changes nothing that is kept.
        if self.sent.iter().any(|sent| sent.version == version) {
            self.page.insert(entity, version);
        }
    }

    fn fetch(&mut self, hold: HoldId, is_load: bool) {
        let slow = self.faults && self.dice.one_in(10);
        let takes = if slow { 25_000 } else { 1 + self.dice.roll(800) };
        let reads_at = self.now + Duration::from_millis(self.dice.roll(takes));
        let ok = is_load || !(self.faults && self.dice.one_in(6));
        let done_at = self.now + Duration::from_millis(takes);
        self.fetches.push(Fetch { hold, is_load, reads_at, snapshot: None, done_at, ok });
    }

    fn run_fetches(&mut self) {
        for fetch in &mut self.fetches {
            if fetch.snapshot.is_none() && fetch.reads_at <= self.now {
                fetch.snapshot = Some(self.truth.clone());
                self.fetched = self.versions;
            }
        }
        while let Some(place) = self.fetches.iter().position(|fetch| fetch.done_at <= self.now) {
            let fetch = self.fetches.remove(place);
            if let (true, Some(snapshot)) = (fetch.ok, fetch.snapshot) {
                self.page = snapshot;
            }
            self.input(Input::Settled { hold: fetch.hold, ok: fetch.ok });
        }
    }

    pub fn break_wires(&mut self) {
        for wire in &mut self.wires {
            wire.fate = if self.dice.one_in(4) { Fate::StallsAfter(0) } else { Fate::CutAfter(0) };
        }
        for wire in &self.wires {
            self.server.forget(wire.attempt);
        }
    }
}
