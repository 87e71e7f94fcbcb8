//! The driver of the subscriber: handle one input, poll outputs until there is none, arm one timer.
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
    EventId, Input, Millis, Output, Retry, State, Subscriber, Time,
    subscriber::{Attempt, Config, Credentials, HoldError, HoldId},
};
use web_sys::AbortController;

use crate::{
    Clock, Host, contract::ContractCheck, control, environment::Environment, error::Problem, fetch::Request,
    timer::Timer,
};

/// One provider's side effects. Every cell is borrowed for the length of an expression only.
#[derive(Debug)]
pub(crate) struct Driver {
    this: Weak<Self>,
    pub(crate) host: Host,
    pub(crate) contract: ContractCheck,
    pub(crate) subscriber: RefCell<Subscriber>,
    pub(crate) holds: RefCell<Vec<(HoldId, Held)>>,
    clock: Clock,
    timer: RefCell<Timer>,
    /// The request that runs, with what calls it off.
    request: RefCell<Option<(u64, AbortController)>>,
    /// From `connect` until closed or signed out.
    environment: RefCell<Option<Environment>>,
    /// Outputs taken from the subscriber and not acted on yet.
    backlog: RefCell<VecDeque<Output>>,
    running: Cell<bool>,
    /// Whether the façade's `from` was asked for.
    from_asked: Cell<bool>,
}

/// What events are held for, on this side.
#[derive(Debug)]
pub(crate) enum Held {
    /// Resync handlers run; their signal.
    Resync(AbortController),
    /// A load runs; what tells it that it is no longer waited for.
    Load(Function),
}

impl Driver {
    pub(crate) fn new(host: Host, contract: ContractCheck, revision: u32) -> Rc<Self> {
        let clock = host.clock();
        let config = config(&host, revision);
        let subscriber = Subscriber::new(config, None, seed(&clock));
        Rc::new_cyclic(|this: &Weak<Self>| {
            let waiting = this.clone();
            let timer = Timer::new(clock.clone(), move || {
                if let Some(driver) = waiting.upgrade() {
                    driver.timer.borrow_mut().spend();
                    driver.handle(Input::Timeout);
                }
            });
            Self {
                this: this.clone(),
                host,
                contract,
                subscriber: RefCell::new(subscriber),
                holds: RefCell::default(),
                clock,
                timer: RefCell::new(timer),
                request: RefCell::default(),
                environment: RefCell::default(),
                backlog: RefCell::default(),
                running: Cell::new(false),
                from_asked: Cell::new(false),
            }
        })
    }

    /// Handles one input and does what comes of it.
    pub(crate) fn handle(&self, input: Input<'_>) {
        let now = self.now();
        self.subscriber.borrow_mut().handle(input, now);
        self.run();
    }

    /// Listens to the page, then handles the input that makes that worth while.
    pub(crate) fn start(&self, input: Input<'_>) {
        let listening = self.environment.borrow().is_some();
        if !listening {
            let online = self.host.online();
            self.environment.replace(Some(Environment::listen(&self.host, &self.this)));
            self.subscriber.borrow_mut().handle(Input::Network { online }, self.now());
        }
        self.handle(input);
    }

    /// Another user: what waits to be dispatched was meant for the one before.
    pub(crate) fn change_identity(&self, signed_in: bool) {
        let waiting: Vec<_> = std::iter::from_fn(|| self.next_output()).collect();
        let rest = waiting.into_iter().filter(|output| !matches!(output, Output::Event(_)));
        self.backlog.borrow_mut().extend(rest);
        self.start(Input::Identity { signed_in });
    }

    /// Holds events back from now on.
    pub(crate) fn hold(&self, release: Function) -> Result<HoldId, HoldError> {
        let hold = self.subscriber.borrow_mut().hold(self.now())?;
        self.holds.borrow_mut().push((hold, Held::Load(release)));
        self.run();
        Ok(hold)
    }

    /// A resync or a load is done.
    pub(crate) fn settle(&self, hold: HoldId, ok: bool) {
        self.end_hold(hold);
        self.handle(Input::Settled { hold, ok });
    }

    /// What a hold was for; the subscriber bounds how many there are.
    pub(crate) fn end_hold(&self, hold: HoldId) -> Option<Held> {
        let mut holds = self.holds.borrow_mut();
        let place = holds.iter().position(|(id, _)| *id == hold)?;
        Some(holds.swap_remove(place).1)
    }

    pub(crate) fn now(&self) -> Time {
        Time::from_millis(whole(self.clock.now()))
    }

    pub(crate) fn weak(&self) -> Weak<Self> {
        self.this.clone()
    }

    /// The cursor of the page's data is asked for once, by the first attempt without a cursor.
    pub(crate) fn wants_from(&self) -> bool {
        !self.from_asked.replace(true)
    }

    /// Where the page's data says that it was read, if nothing newer is known.
    pub(crate) fn start_from(&self, cursor: EventId) {
        self.subscriber.borrow_mut().start_from(cursor);
    }

    fn run(&self) {
        if self.running.replace(true) {
            return;
        }
        while let Some(output) = self.next_output() {
            self.act(output);
        }
        self.running.set(false);
        let due = self.subscriber.borrow().poll_timeout();
        self.timer.borrow_mut().arm(due, self.now());
    }

    fn next_output(&self) -> Option<Output> {
        let waiting = self.backlog.borrow_mut().pop_front();
        waiting.or_else(|| self.subscriber.borrow_mut().poll())
    }

    fn act(&self, output: Output) {
        match output {
            Output::Open(attempt) => self.open(attempt),
            Output::Abort { attempt } => self.abort(attempt),
            Output::State(state) => self.show(&state),
            Output::Event(message) => self.dispatch(&message),
            Output::Resync { hold, reason } => self.resync(hold, reason),
            Output::Release { hold, cause } => self.release(hold, cause),
            Output::Error(error) => self.report(&Problem::from(&error)),
            Output::Alive { connection_id } => self.host.alive(&connection_id),
            Output::NewerContract { .. } => self.host.contract_change(),
            _ => {}
        }
    }

    fn open(&self, attempt: Attempt) {
        // No browser lacks it: it is as old as the fetch that is about to be called.
        let Ok(controller) = AbortController::new() else { return };
        let signal = controller.signal();
        let previous = self.request.replace(Some((attempt.number, controller)));
        if let Some((_, controller)) = previous {
            controller.abort();
        }
        Request::make(self, attempt, signal);
    }

    fn abort(&self, attempt: u64) {
        let request = self.request.borrow_mut().take_if(|(number, _)| *number == attempt);
        if let Some((_, controller)) = request {
            controller.abort();
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
        if let Some((_, controller)) = self.request.take() {
            controller.abort();
        }
    }
}

fn config(host: &Host, revision: u32) -> Config {
    let retry = Retry::default();
    let config = Config::new(control::parse);
    let millis = |name| host.millis(name).map(|number| Millis::new(whole(number)));
    Config {
        retry: Retry {
            base: millis("baseMs").unwrap_or(retry.base),
            cap: millis("capMs").unwrap_or(retry.cap),
            healthy_after: millis("healthyAfterMs").unwrap_or(retry.healthy_after),
        },
        connect_timeout: millis("connectMs").unwrap_or(config.connect_timeout),
        idle_timeout: millis("idleMs"),
        long_broken_after: millis("longBrokenMs").unwrap_or(config.long_broken_after),
        credentials: if host.is_renewable() { Credentials::Renewable } else { Credentials::Ambient },
        contract_revision: revision,
        ..config
    }
}

fn seed(clock: &Clock) -> u64 {
    whole(clock.random() * 2_f64.powi(53))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, and takes NaN for 0"
)]
const fn whole(number: f64) -> u64 {
    number as u64
}
