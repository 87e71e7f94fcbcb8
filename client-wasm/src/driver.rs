//! The driver of a tab's subscriber: handle one input, poll outputs until there is none, arm one timer.
//!
//! Handlers run inside the polling and may call the provider. So nothing stays borrowed while an output is acted
//! on, and an input that comes meanwhile leaves its outputs to the loop that is already running.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::{Rc, Weak},
};

use js_sys::Function;
use protocol::{
    EventId, Input, Millis, Names, Output, Retry, State, Subscriber, Time,
    subscriber::{Attempt, Config, Credentials, HoldError, HoldId},
    tab::{Lock, Post, Tab},
};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};

use crate::{
    Clock, Host,
    contract::ContractCheck,
    control,
    environment::Environment,
    error::Problem,
    fetch::Request,
    state::millis,
    timer::Timer,
    waiting::{Queue, Waiting},
};

/// One provider's side effects. Every cell is borrowed for the length of an expression only.
#[derive(Debug)]
pub(crate) struct Driver {
    this: Weak<Self>,
    pub(crate) host: Host,
    pub(crate) contract: ContractCheck,
    pub(crate) tab: RefCell<Tab>,
    clock: Clock,
    timer: RefCell<Timer>,
    /// What calls [`Self::take`].
    told: Function,
    waiting: RefCell<Queue>,
    /// The attempt of the last request.
    request: Cell<u64>,
    /// From `connect` until closed or signed out.
    environment: RefCell<Option<Environment>>,
    /// Outputs taken from the subscriber and not acted on yet.
    backlog: RefCell<VecDeque<Output>>,
    running: Cell<bool>,
    /// Whether the façade's `from` was asked for.
    from_asked: Cell<bool>,
}

impl Driver {
    pub(crate) fn new(host: Host, contract: ContractCheck, revision: u32) -> Rc<Self> {
        let clock = host.clock();
        let config = config(&host, revision);
        let subscriber = Subscriber::new(config, None, random(&clock));
        let mut tab = Tab::new(subscriber, random(&clock).max(1));
        tab.share(host.shares());
        tab.want(Names::from_text(host.groups()), Time::default());
        Rc::new_cyclic(|this: &Weak<Self>| {
            let told = told(this.clone());
            Self {
                this: this.clone(),
                host,
                contract,
                tab: RefCell::new(tab),
                timer: RefCell::new(Timer::new(clock.clone(), told.clone())),
                clock,
                told,
                waiting: RefCell::default(),
                request: Cell::default(),
                environment: RefCell::default(),
                backlog: RefCell::default(),
                running: Cell::new(false),
                from_asked: Cell::new(false),
            }
        })
    }

    /// Handles one input and does what comes of it.
    pub(crate) fn handle(&self, input: Input<'_>) {
        self.tell(|tab, now| tab.handle(input, now));
    }

    /// Tells the tab something and does what comes of it.
    pub(crate) fn tell(&self, what: impl FnOnce(&mut Tab, Time)) {
        let now = self.now();
        what(&mut self.tab.borrow_mut(), now);
        self.run();
    }

    /// Listens to the page, then handles the input that makes that worth while.
    pub(crate) fn start(&self, input: Input<'_>) {
        let listening = self.environment.borrow().is_some();
        if !listening {
            let online = self.host.online();
            let (environment, visible) = Environment::listen(&self.host, &self.this);
            self.environment.replace(Some(environment));
            let now = self.now();
            let mut tab = self.tab.borrow_mut();
            tab.handle(Input::Network { online }, now);
            tab.show(visible, now);
        }
        self.handle(input);
    }

    /// Another user: what waits to be dispatched was meant for the one before.
    pub(crate) fn change_identity(&self, signed_in: bool, shares: bool) {
        let mut rest = VecDeque::new();
        while let Some(output) = self.next_output() {
            if !matches!(output, Output::Event(_)) {
                rest.push_back(output);
            }
        }
        self.backlog.replace(rest);
        self.tab.borrow_mut().share(shares);
        self.start(Input::Identity { signed_in });
    }

    /// Holds events back from now on.
    pub(crate) fn hold(&self) -> Result<HoldId, HoldError> {
        let hold = self.tab.borrow_mut().hold(self.now())?;
        self.run();
        Ok(hold)
    }

    /// A resync or a load is done.
    pub(crate) fn settle(&self, hold: HoldId, ok: bool) {
        self.handle(Input::Settled { hold, ok });
    }

    pub(crate) fn now(&self) -> Time {
        Time::from_millis(whole(self.clock.now()))
    }

    fn run(&self) {
        if self.running.replace(true) {
            return;
        }
        while let Some(output) = self.next_output() {
            self.act(output);
        }
        self.running.set(false);
        let due = self.tab.borrow().poll_timeout();
        self.timer.borrow_mut().arm(due, self.now());
    }

    fn next_output(&self) -> Option<Output> {
        let waiting = self.backlog.borrow_mut().pop_front();
        waiting.or_else(|| self.tab.borrow_mut().poll())
    }

    fn act(&self, output: Output) {
        match output {
            Output::Open(attempt) => self.prepare(attempt),
            Output::Fetch(attempt) => self.open(attempt),
            Output::Abort { attempt } => self.abort(attempt),
            Output::State(state) => self.show(&state),
            Output::Event(message) => self.dispatch(&message),
            Output::Resync { hold, reason } => self.resync(hold, reason),
            Output::Release { hold, cause } => self.release(hold, cause),
            Output::Error(error) => self.report(&Problem::from(&error)),
            Output::Alive { connection_id } => self.host.alive(&connection_id),
            Output::NewerContract { .. } => self.host.contract_change(),
            Output::Post(post) => self.post(&post),
            Output::Lock(lock) => self.host.lock(word(lock)),
            Output::Groups { connection_id } => self.host.follow(&connection_id, &self.groups()),
            Output::Mirror => self.host.mirror(),
            _ => {}
        }
    }

    /// Asks for the cursor that came with the page's data: once, where nothing newer is known.
    fn prepare(&self, attempt: Attempt) {
        if attempt.cursor.is_some() || self.from_asked.replace(true) {
            return self.tell(|tab, now| tab.send(attempt, now));
        }
        self.wait(&self.host.from(), Waiting::Cursor(attempt));
    }

    fn take_cursor(&self, attempt: Attempt, answer: Result<JsValue, JsValue>) {
        let text = answer.ok().and_then(|answer| answer.as_string()).filter(|text| !text.is_empty());
        match text.map(|text| text.parse::<EventId>()) {
            Some(Ok(cursor)) => self.tab.borrow_mut().start_from(cursor),
            // A bad cursor of the page's data is said and means none.
            Some(Err(error)) => self.report(&Problem::config("invalid_cursor", error.message().to_owned())),
            None => {}
        }
        self.tell(|tab, now| tab.send(attempt, now));
    }

    /// Goes on with what waits when the promise has come to something.
    pub(crate) fn wait(&self, promise: &JsValue, waiting: Waiting) {
        let number = self.waiting.borrow_mut().add(waiting);
        self.host.settled(promise, &self.told, millis(number));
    }

    /// What a promise has come to; without one, the timer is due.
    fn take(&self, number: u64, outcome: Result<JsValue, JsValue>) {
        let waiting = self.waiting.borrow_mut().remove(number);
        match waiting {
            Some(Waiting::Cursor(attempt)) => self.take_cursor(attempt, outcome),
            Some(Waiting::Resync(hold)) => self.settle(hold, outcome.is_ok_and(|ok| ok.is_truthy())),
            Some(Waiting::Response(request)) => request.take_response(self, outcome),
            Some(Waiting::Read(request, reader)) => request.take_read(self, reader, outcome),
            None => {
                self.timer.borrow_mut().spend();
                self.handle(Input::Timeout);
            }
        }
    }

    /// The groups that are asked for, NUL, and those that the cursor speaks for.
    pub(crate) fn groups(&self) -> String {
        let tab = self.tab.borrow();
        [tab.asked().as_text(), "\0", tab.known().as_text()].concat()
    }

    fn post(&self, post: &Post) {
        #[expect(clippy::cast_precision_loss, reason = "ids lie below 2^53, and no count reaches it")]
        let number = |number: u64| number as f64;
        let Post { kind, from, to, term, number: count, text } = post;
        self.host.post(*kind as u8, number(*from), number(*to), number(*term), number(*count), text);
    }

    fn open(&self, attempt: Attempt) {
        self.request.set(attempt.number);
        Request::make(self, &attempt);
    }

    fn abort(&self, attempt: u64) {
        if self.request.get() == attempt {
            self.host.abort();
        }
    }

    fn show(&self, state: &State) {
        if matches!(state, State::Idle | State::Closed(_)) {
            self.environment.take();
        }
        self.announce(state);
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.host.abort();
    }
}

/// The one function that JavaScript calls back. It does nothing when there is no driver any more, so it may live longer.
fn told(driver: Weak<Driver>) -> Function {
    let take = move |number, kept, value| {
        if let Some(driver) = driver.upgrade() {
            driver.take(whole(number), if kept { Ok(value) } else { Err(value) });
        }
    };
    Closure::<dyn FnMut(f64, bool, JsValue)>::new(take).into_js_value().unchecked_into()
}

fn config(host: &Host, revision: u32) -> Config {
    let retry = Retry::default();
    let config = Config::new(control::parse);
    let names = ["baseMs", "capMs", "healthyAfterMs", "connectMs", "idleMs", "longBrokenMs"];
    let mut numbers = [None; 6];
    for (number, name) in numbers.iter_mut().zip(names) {
        *number = host.millis(name).map(|number| Millis::new(whole(number)));
    }
    let [base, cap, healthy_after, connect_timeout, idle_timeout, long_broken_after] = numbers;
    Config {
        retry: Retry {
            base: base.unwrap_or(retry.base),
            cap: cap.unwrap_or(retry.cap),
            healthy_after: healthy_after.unwrap_or(retry.healthy_after),
        },
        connect_timeout: connect_timeout.unwrap_or(config.connect_timeout),
        idle_timeout,
        long_broken_after: long_broken_after.unwrap_or(config.long_broken_after),
        credentials: if host.is_renewable() { Credentials::Renewable } else { Credentials::Ambient },
        contract_revision: revision,
        ..config
    }
}

fn word(lock: Lock) -> &'static str {
    match lock {
        Lock::Ask => "ask",
        Lock::Steal => "steal",
        Lock::Leave => "leave",
        Lock::Quit => "quit",
    }
}

fn random(clock: &Clock) -> u64 {
    whole(clock.random() * 2_f64.powi(53))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, and takes NaN for 0"
)]
pub(crate) const fn whole(number: f64) -> u64 {
    number as u64
}
