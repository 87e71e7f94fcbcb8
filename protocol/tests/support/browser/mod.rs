//! A browser: tabs that fetch and show, the lock they queue for, the channel between them, and what goes wrong there.

mod check;
mod groups;
mod lock;

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use protocol::{
    Channel, Control, Delivery, Limits, Names, State, Subscriber, SubscriberError, Time,
    subscriber::{Attempt, Config, Head, HoldId, Input, Output, Released},
    tab::{Post, Role, Tab},
};

use groups::{group_of, reads};

use super::{
    Dice,
    server::{GROUPS, Restart, Server, channel},
    wire::{Arrival, Fate, Wire},
};

/// What a tab hears that is no input of its subscriber.
#[derive(Debug, Clone)]
enum Word {
    Post(Post),
    Granted,
    Stolen,
}

#[derive(Debug)]
struct Fetch {
    hold: HoldId,
    is_load: bool,
    reads_at: Time,
    snapshot: Option<BTreeMap<u64, u64>>,
    done_at: Time,
}

/// What happened at a tab, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    Handled(u64),
    /// Something may be missing: everything up to this version.
    Resync(u64),
}

/// A page that a user has open.
#[derive(Debug)]
pub struct View {
    pub tab: Tab,
    pub happenings: Vec<Happening>,
    pub states: Vec<State>,
    /// The page shows the leader's outage.
    pub mirrored: bool,
    pub wires: Vec<Wire>,
    requests: Vec<(Attempt, [Names; 2])>,
    /// What the page reads, and until when it read what it does no more.
    wanted: Names,
    unfollowed: BTreeMap<&'static str, Time>,
    /// Since when it reads what it reads now.
    followed: BTreeMap<&'static str, Time>,
    /// What the server is yet to be told to read: when, and by which stream.
    wish: Option<(Time, u64, Names)>,
    fetches: Vec<Fetch>,
    page: BTreeMap<u64, u64>,
    /// Its main thread runs.
    pub awake: bool,
    /// Posts reach it.
    pub listening: bool,
    /// Closed or crashed.
    pub gone: bool,
    /// What is on its way to it.
    inbox: VecDeque<(Time, Word)>,
    index: u64,
}

#[derive(Debug)]
pub struct Browser {
    pub server: Server,
    pub views: Vec<View>,
    pub now: Time,
    pub dice: Dice,
    pub faults: bool,
    /// The credentials that the server takes.
    pub signed_in: bool,
    /// Posts are as late as this, at most, in milliseconds.
    pub late: u64,
    holder: Option<usize>,
    queue: VecDeque<usize>,
    truth: BTreeMap<u64, u64>,
    /// Version, entity, and when.
    sent: Vec<(u64, u64, Time)>,
    versions: u64,
    /// Answers of 401.
    pub refusals: u64,
}

/// Attempts of all tabs at one server.
fn key(view: u64, attempt: u64) -> u64 {
    (view << 32) | attempt
}

impl Browser {
    pub fn new(seed: u64, limits: Limits) -> Self {
        Self {
            server: Server::new(limits),
            views: Vec::new(),
            now: Time::from_millis(1_000_000_000),
            dice: Dice(seed),
            faults: false,
            signed_in: true,
            late: 0,
            holder: None,
            queue: VecDeque::new(),
            truth: BTreeMap::new(),
            sent: Vec::new(),
            versions: 0,
            refusals: 0,
        }
    }

    /// Opens a tab, which connects.
    pub fn open(&mut self) -> usize {
        self.open_for(None)
    }

    /// The same, of a page that reads these groups, or all.
    pub fn open_for(&mut self, groups: Option<&[&str]>) -> usize {
        let index = self.views.len();
        let subscriber = Subscriber::new(Config::new(Control::parse), None, self.dice.roll(u64::MAX));
        let mut tab = Tab::new(subscriber, index as u64 + 1);
        tab.share(true);
        self.views.push(View {
            tab,
            happenings: Vec::new(),
            states: Vec::new(),
            mirrored: false,
            wires: Vec::new(),
            requests: Vec::new(),
            wanted: Names::default(),
            unfollowed: BTreeMap::new(),
            followed: GROUPS.map(|group| (group, self.now)).into(),
            wish: None,
            fetches: Vec::new(),
            page: BTreeMap::new(),
            awake: true,
            listening: true,
            gone: false,
            inbox: VecDeque::new(),
            index: index as u64,
        });
        self.want(index, groups);
        self.input(index, Input::Connect);
        index
    }

    pub fn input(&mut self, view: usize, input: Input<'_>) {
        if self.views[view].gone || !self.views[view].awake {
            return;
        }
        self.views[view].tab.handle(input, self.now);
        self.drain(view);
        // A delay of nothing is one; that it never ends would be a driver that spins.
        let is_due =
            |browser: &Self| browser.views[view].tab.poll_timeout().is_some_and(|at| at <= browser.now);
        for _ in 0..3 {
            if !is_due(self) {
                return;
            }
            self.views[view].tab.handle(Input::Timeout, self.now);
            self.drain(view);
        }
        assert!(!is_due(self), "a driver would spin: {:#?}", self.views[view].tab);
    }

    pub fn show(&mut self, view: usize, visible: bool) {
        if !self.views[view].gone && self.views[view].awake {
            self.views[view].tab.show(visible, self.now);
            self.drain(view);
        }
    }

    /// The tab is closed, or its process dies: the browser frees its lock.
    pub fn close(&mut self, view: usize) {
        let gone = &mut self.views[view];
        gone.gone = true;
        gone.inbox.clear();
        for wire in std::mem::take(&mut gone.wires) {
            self.server.forget(wire.attempt);
        }
        self.free(view);
    }

    /// Frozen with a `freeze` event, as a background tab is, or put into the back/forward cache.
    pub fn freeze(&mut self, view: usize) {
        if self.views[view].gone || !self.views[view].awake {
            return;
        }
        self.input(view, Input::Suspend);
        self.views[view].awake = false;
        self.views[view].listening = false;
        self.views[view].inbox.clear();
    }

    /// Its main thread hangs: nothing is lost, and nothing happens. Bytes wait at its door.
    pub fn hang(&mut self, view: usize) {
        self.views[view].awake = false;
    }

    pub fn wake(&mut self, view: usize) {
        let view_ = &mut self.views[view];
        if view_.gone || view_.awake {
            return;
        }
        let frozen = !view_.listening;
        view_.awake = true;
        view_.listening = true;
        self.input(view, if frozen { Input::Resume } else { Input::Timeout });
    }

    pub fn send(&mut self) {
        if !self.server.is_up() {
            return;
        }
        let entity = self.dice.roll(4);
        self.send_to(channel("me"), entity);
    }

    fn send_to(&mut self, channel: Channel, entity: u64) {
        self.versions += 1;
        let version = self.versions;
        let json = format!(r#"{{"entity":{entity},"version":{version}}}"#);
        self.server.send(channel, Delivery::Durable, &json, self.now);
        self.truth.insert(entity, version);
        self.sent.push((version, entity, self.now));
    }

    pub fn crash(&mut self) {
        self.break_wires();
        self.server.crash();
    }

    pub fn restart(&mut self, how: Restart) {
        self.break_wires();
        self.server.restart(how, self.now);
    }

    pub fn break_wires(&mut self) {
        for wire in self.views.iter_mut().flat_map(|view| &mut view.wires) {
            wire.fate = Fate::CutAfter(0);
            self.server.forget(wire.attempt);
        }
    }

    /// Who leads, of those that are there.
    pub fn leader(&self) -> Option<usize> {
        self.views.iter().position(|view| !view.gone && view.tab.role() == Role::Leader)
    }

    /// Streams that tabs read from the network.
    pub fn streams(&self) -> usize {
        let there = self.views.iter().filter(|view| !view.gone);
        there.flat_map(|view| &view.wires).filter(|wire| wire.status == 200).count()
    }

    /// The number of handled events of a tab, and of its resyncs.
    pub fn counts(&self, view: usize) -> (usize, usize) {
        let handled = |h: &&Happening| matches!(h, Happening::Handled(_));
        let happenings = &self.views[view].happenings;
        let events = happenings.iter().filter(handled).count();
        (events, happenings.len() - events)
    }

    /// A moment for everything that is on its way; whether any of it arrived.
    pub fn turn(&mut self) -> bool {
        for view in 0..self.views.len() {
            self.answer(view);
            self.bring_wish(view);
        }
        self.write();
        let mut busy = false;
        for view in 0..self.views.len() {
            busy |= self.deliver(view);
            busy |= self.listen(view);
        }
        busy
    }

    pub fn run(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            let turns = (0..20_000).take_while(|_| self.turn()).count();
            assert!(turns < 20_000, "it never comes to rest");
            if self.now >= until {
                return;
            }
            let next = self.next_due().unwrap_or(until).min(until).max(self.now + Duration::from_millis(1));
            self.advance(next.since(self.now));
        }
    }

    fn next_due(&self) -> Option<Time> {
        let awake = self.views.iter().filter(|view| view.awake && !view.gone);
        let timers = awake.clone().filter_map(|view| view.tab.poll_timeout());
        let wishes = awake.clone().filter_map(|view| view.wish.as_ref().map(|(at, ..)| *at));
        let posts = awake.clone().filter_map(|view| view.inbox.front().map(|(at, _)| *at));
        let fetches = awake
            .flat_map(|view| &view.fetches)
            .map(|f| if f.snapshot.is_none() { f.reads_at } else { f.done_at });
        timers.chain(posts).chain(wishes).chain(fetches).chain(self.server.next_write()).min()
    }

    pub fn advance(&mut self, by: Duration) {
        self.now = self.now + by;
        for view in 0..self.views.len() {
            self.input(view, Input::Timeout);
            self.run_fetches(view);
        }
    }

    /// Answers one waiting request of a tab.
    fn answer(&mut self, view: usize) {
        let asking = &mut self.views[view];
        if asking.requests.is_empty() || !asking.awake || asking.gone {
            return;
        }
        let (attempt, groups) = asking.requests.remove(0);
        if !self.server.is_up() {
            let error = SubscriberError::Transport("refused".to_owned());
            return self.input(view, Input::Failed { attempt: attempt.number, error: &error });
        }
        let status = if self.signed_in { 200 } else { 401 };
        self.refusals += u64::from(!self.signed_in);
        let fate = match self.dice.roll(6) {
            0 if self.faults => Fate::CutAfter(1 + self.dice.roll(900) as usize),
            1 if self.faults => Fate::StallsAfter(1 + self.dice.roll(900) as usize),
            _ => Fate::Whole,
        };
        let mut wire = Wire::new(key(view as u64, attempt.number), status, fate);
        if status == 200 {
            self.server.accept_for(&mut wire, attempt.cursor.as_ref(), groups.each_ref(), self.now);
        }
        self.views[view].wires.push(wire);
    }

    fn write(&mut self) {
        let budget = if self.dice.one_in(2) { 1 } else { 64 * 1024 };
        let mut wires: Vec<Wire> = self.views.iter_mut().flat_map(|view| view.wires.drain(..)).collect();
        self.server.write(&mut wires, budget, self.now);
        for wire in wires {
            self.views[(wire.attempt >> 32) as usize].wires.push(wire);
        }
    }

    fn deliver(&mut self, view: usize) -> bool {
        if !self.views[view].awake || self.views[view].gone {
            return false;
        }
        let mut arrivals = Vec::new();
        for wire in &mut self.views[view].wires {
            arrivals.push((wire.attempt & u64::from(u32::MAX), wire.arrive(&mut self.dice)));
        }
        let mut busy = false;
        for (attempt, arrival) in arrivals {
            busy |= matches!(arrival, Arrival::Head(_) | Arrival::Bytes(_));
            match arrival {
                Arrival::Head(status) => {
                    let head = Head { status, content_type: Some("text/event-stream"), retry_after: None };
                    self.input(view, Input::Head { attempt, head });
                }
                Arrival::Bytes(bytes) => self.input(view, Input::Bytes { attempt, bytes: &bytes }),
                Arrival::End => self.input(view, Input::End { attempt }),
                Arrival::Broken => {
                    let error = SubscriberError::Transport("reset".to_owned());
                    self.input(view, Input::Failed { attempt, error: &error });
                }
                Arrival::Nothing => {}
            }
        }
        busy
    }

    /// Brings the words that have arrived at a tab.
    fn listen(&mut self, view: usize) -> bool {
        let mut busy = false;
        loop {
            let hearing = &mut self.views[view];
            if !hearing.awake || hearing.gone || hearing.inbox.front().is_none_or(|(at, _)| *at > self.now) {
                return busy;
            }
            let Some((_, word)) = hearing.inbox.pop_front() else { return busy };
            busy = true;
            match word {
                Word::Post(post) => hearing.tab.hear(post, self.now),
                Word::Granted => hearing.tab.granted(self.now),
                Word::Stolen => hearing.tab.stolen(self.now),
            }
            self.drain(view);
        }
    }

    fn drain(&mut self, view: usize) {
        while let Some(output) = self.views[view].tab.poll() {
            match output {
                Output::Open(attempt) => self.views[view].tab.send(attempt, self.now),
                Output::Fetch(attempt) => {
                    let fetching = &mut self.views[view];
                    let succeeds = fetching.tab.role() == Role::Leader || attempt.connection_id.is_none();
                    assert!(succeeds, "a stream beside the leader's would end it as its successor");
                    let groups = [fetching.tab.asked().clone(), fetching.tab.known()];
                    fetching.requests.push((attempt, groups));
                }
                Output::Abort { attempt } => {
                    let aborting = &mut self.views[view];
                    aborting.requests.retain(|(request, _)| request.number != attempt);
                    let key = key(aborting.index, attempt);
                    aborting.wires.retain(|wire| wire.attempt != key);
                    self.server.forget(key);
                }
                Output::Event(message) => self.patch(view, &message.data),
                Output::Resync { hold, .. } => {
                    self.views[view].happenings.push(Happening::Resync(self.versions));
                    self.fetch(view, hold, false);
                }
                Output::Release { hold, cause } => {
                    let released = &mut self.views[view];
                    let load = released.fetches.iter().any(|fetch| fetch.hold == hold && fetch.is_load);
                    released.fetches.retain(|fetch| fetch.hold != hold);
                    let again =
                        matches!(cause, Released::Superseded | Released::Timeout | Released::Overflow);
                    if load && again {
                        self.load(view);
                    }
                }
                Output::State(state) => {
                    self.views[view].mirrored = false;
                    self.views[view].states.push(state);
                }
                Output::Mirror => self.views[view].mirrored = true,
                Output::Post(post) => {
                    for other in 0..self.views.len() {
                        if other != view && !self.views[other].gone {
                            self.say(other, Word::Post(post.clone()));
                        }
                    }
                }
                Output::Lock(lock) => self.lock(view, lock),
                Output::Groups { .. } => {
                    let at = self.now + Duration::from_millis(self.dice.roll(300));
                    let wishing = &mut self.views[view];
                    wishing.wish = Some((at, wishing.tab.attempts(), wishing.tab.asked().clone()));
                }
                _ => {}
            }
        }
    }

    fn patch(&mut self, view: usize, json: &str) {
        let value: serde_json::Value = serde_json::from_str(json).expect("as sent");
        let number = |field: &str| value[field].as_u64().expect("as sent");
        let (version, entity) = (number("version"), number("entity"));
        let shown = &mut self.views[view];
        if let Some(group) = group_of(entity)
            && !reads(&shown.wanted, group)
        {
            // It may have been held while the page read it.
            let sent_at = self.sent.iter().find(|(sent, ..)| *sent == version).expect("sent").2;
            let until = shown.unfollowed.get(group);
            assert!(until.is_some_and(|until| sent_at <= *until), "tab {} does not read {group}", view + 1);
        }
        shown.happenings.push(Happening::Handled(version));
        shown.page.insert(entity, version);
    }

    /// The page of a tab begins to load.
    pub fn load(&mut self, view: usize) {
        if let Ok(hold) = self.views[view].tab.hold(self.now) {
            self.fetch(view, hold, true);
        }
    }

    fn fetch(&mut self, view: usize, hold: HoldId, is_load: bool) {
        let takes = 1 + self.dice.roll(800);
        let reads_at = self.now + Duration::from_millis(self.dice.roll(takes));
        let done_at = self.now + Duration::from_millis(takes);
        self.views[view].fetches.push(Fetch { hold, is_load, reads_at, snapshot: None, done_at });
    }

    fn run_fetches(&mut self, view: usize) {
        let fetching = &mut self.views[view];
        if !fetching.awake || fetching.gone {
            return;
        }
        for fetch in &mut fetching.fetches {
            if fetch.snapshot.is_none() && fetch.reads_at <= self.now {
                fetch.snapshot = Some(self.truth.clone());
            }
        }
        while let Some(place) = self.views[view].fetches.iter().position(|fetch| fetch.done_at <= self.now) {
            let fetch = self.views[view].fetches.remove(place);
            if let Some(snapshot) = fetch.snapshot {
                self.views[view].page = snapshot;
            }
            self.input(view, Input::Settled { hold: fetch.hold, ok: true });
        }
    }
}
