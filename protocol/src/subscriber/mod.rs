//! The client's side of a stream as a fold: cursor, reconnection, liveness, gaps, held events.
//!
//! # Contract with the driver
//!
//! 1. [`Subscriber::handle`] one [`Input`], or call a mutator.
//! 2. [`Subscriber::poll`] until it returns `None`, acting on each [`Output`] in order.
//! 3. Wait for the next input, or for [`Subscriber::poll_timeout`], which is the input [`Input::Timeout`].
//!
//! Inputs of a connection carry its attempt number; what an abandoned attempt still reports is ignored.
//! A timer may be late and a clock may jump: only `now` counts.

mod answer;
mod hold;
mod link;
mod outage;
mod reading;
mod reads;
mod relay;

use std::collections::VecDeque;

use crate::{
    Backoff, Closed, DecodedEvent, EventId, Millis, ResyncReason, Retry, State, SubscriberError, Time,
    control::ParseControl,
    decode::EVENT_BYTES_MAX,
    tab::{Lock, Post},
};
use answer::Renewal;
pub use hold::{HoldError, HoldId, Released};
use hold::{Holds, Kind};
use link::Link;
use outage::{QUIET_FOR, Trouble};
pub(crate) use reads::Reads;
pub(crate) use relay::Welcome;

/// The numbers of a subscriber. Defaults as in `DESIGN.md` § 7.
#[derive(Debug, Clone)]
pub struct Config {
    /// Reconnection.
    pub retry: Retry,
    /// From an attempt's begin to its response head, credentials included.
    pub connect_timeout: Millis,
    /// Silence after which a stream counts as dead; `None` is 2.5 of the server's heartbeats.
    pub idle_timeout: Option<Millis>,
    /// An outage of this length is called [`State::LongBroken`].
    pub long_broken_after: Millis,
    /// Whether refused credentials can be renewed without the user.
    pub credentials: Credentials,
    /// The revision of the contract this page was built with.
    pub contract_revision: u32,
    /// The largest event.
    pub max_event_bytes: usize,
    /// Reads control events.
    pub parse_control: ParseControl,
}

impl Config {
    /// The defaults, with the platform's JSON parser.
    pub fn new(parse_control: ParseControl) -> Self {
        Self {
            retry: Retry::default(),
            connect_timeout: Millis::from_secs(10),
            idle_timeout: None,
            long_broken_after: Millis::from_secs(60),
            credentials: Credentials::Ambient,
            contract_revision: 0,
            max_event_bytes: EVENT_BYTES_MAX,
            parse_control,
        }
    }
}

/// Where a request's credentials come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credentials {
    /// A cookie: a refusal is final until the user logs in.
    Ambient,
    /// A callback, which is asked once to renew what was refused.
    Renewable,
}

/// What happens to a subscriber.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Input<'a> {
    /// Start, or leave `closed` and `unauthorized`; otherwise nothing.
    Connect,
    /// Drop the stream, if any, and try now.
    Reconnect,
    /// End it.
    Close,
    /// Another user, or nobody, sits before the page.
    Identity {
        /// Whether anybody does.
        signed_in: bool,
    },
    /// The response head of an attempt.
    Head {
        /// [`Attempt::number`].
        attempt: u64,
        /// What it says.
        head: Head<'a>,
    },
    /// A chunk of the response body.
    Bytes {
        /// [`Attempt::number`].
        attempt: u64,
        /// The chunk.
        bytes: &'a [u8],
    },
    /// The response body ended.
    End {
        /// [`Attempt::number`].
        attempt: u64,
    },
    /// The request failed, or its credentials could not be had.
    Failed {
        /// [`Attempt::number`].
        attempt: u64,
        /// Why; [`SubscriberError::Unauthorized`] parks the subscriber.
        error: &'a SubscriberError,
    },
    /// The device says whether it has a network.
    Network {
        /// What it says.
        online: bool,
    },
    /// The page became visible or got focus: a good moment to try, and the end of any suspension.
    Wake,
    /// The page is about to be frozen or cached: let go of the stream.
    Suspend,
    /// The page is back.
    Resume,
    /// The handlers of a resync, or a load, are done.
    Settled {
        /// Which.
        hold: HoldId,
        /// Whether all went well.
        ok: bool,
    },
    /// The time of [`Subscriber::poll_timeout`] has come.
    Timeout,
}

/// What matters of a response head.
#[derive(Debug, Clone, Copy, Default)]
pub struct Head<'a> {
    /// The status code.
    pub status: u16,
    /// The `content-type` header.
    pub content_type: Option<&'a str>,
    /// The `retry-after` header, as a delay.
    pub retry_after: Option<Millis>,
}

/// What a subscriber wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Output {
    /// Fetch credentials, then the stream.
    Open(Attempt),
    /// Abandon an attempt.
    Abort {
        /// [`Attempt::number`].
        attempt: u64,
    },
    /// The state changed.
    State(State),
    /// Hand an event to its handlers.
    Event(Message),
    /// Something may have been missed: call the resync handlers, then say [`Input::Settled`].
    Resync {
        /// To name in [`Input::Settled`].
        hold: HoldId,
        /// Why.
        reason: ResyncReason,
    },
    /// Stop waiting for a resync or a load: abort its signal.
    Release {
        /// Which.
        hold: HoldId,
        /// Why.
        cause: Released,
    },
    /// Something went wrong; the subscriber goes on by itself unless its state says otherwise.
    Error(SubscriberError),
    /// Tell the server that this end of the stream lives: `POST {path}/alive?connection={connection_id}`. What
    /// becomes of it does not matter here; the next one follows in time.
    Alive {
        /// As hello named it.
        connection_id: String,
    },
    /// The server speaks a newer contract than this page; said once per revision.
    NewerContract {
        /// The server's revision.
        revision: u32,
    },
    /// What the stream said, for other tabs: a [`Tab`](crate::tab::Tab) takes it.
    Relay(DecodedEvent),
    /// Of a [`Tab`](crate::tab::Tab): make the request.
    Fetch(Attempt),
    /// Of a [`Tab`](crate::tab::Tab): have the open stream read what [`Tab::asked`](crate::tab::Tab::asked) says:
    /// `POST {path}/groups?connection={connection_id}`, until it is answered or the stream has ended.
    Groups {
        /// As hello named it.
        connection_id: String,
    },
    /// Of a [`Tab`](crate::tab::Tab): tell the other tabs.
    Post(Post),
    /// Of a [`Tab`](crate::tab::Tab): what is to be done with the browser's lock.
    Lock(Lock),
    /// Of a [`Tab`](crate::tab::Tab): show the state that came with the leader's post.
    Mirror,
}

/// A request to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Names the attempt in inputs and in [`Output::Abort`].
    pub number: u64,
    /// Where the client stands.
    pub cursor: Option<EventId>,
    /// The connection it continues.
    pub connection_id: Option<String>,
    /// Ask for new credentials: the last were refused or ran out.
    pub renew_credentials: bool,
    /// Attempts of this outage before this one.
    pub earlier: u32,
}

/// An event of the app, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its place, if the server gave one.
    pub id: Option<EventId>,
    /// Its type.
    pub name: String,
    /// Its JSON.
    pub data: String,
    /// Whether it happened before this connection.
    pub replayed: bool,
    /// Whether another tab read it from the network.
    pub relayed: bool,
}

/// The client of one stream.
#[derive(Debug)]
pub struct Subscriber {
    config: Config,
    backoff: Backoff,
    link: Link,
    attempts: u64,
    /// From the loss of a stream to the next hello.
    trouble: Option<Trouble>,
    /// When [`Input::Connect`] came.
    connect_since: Time,
    /// The last online state: since when, and whether it resumed.
    online: Option<(Time, bool)>,
    /// What the device says.
    network: bool,
    /// Signed out by [`Input::Identity`]: the next sign-in connects.
    signed_out: bool,
    renewal: Renewal,
    /// The position received.
    cursor: Option<EventId>,
    /// The position handled: behind the cursor while events are held.
    settled: Option<EventId>,
    /// Last positions in epochs before the cursor's, for the comparison of late repeats.
    passed: Vec<EventId>,
    connection_id: Option<String>,
    subject: Option<String>,
    /// What the first hello without a cursor says.
    fresh_reason: ResyncReason,
    /// A resync that was cut short by [`Input::Close`].
    owed: Option<ResyncReason>,
    holds: Holds,
    reads: Reads,
    told_revision: u32,
    /// Other tabs read along: what the network says is relayed.
    shared: bool,
    outputs: VecDeque<Output>,
    last_state: State,
    /// The time inside: the clock's, and what it was ever set back by.
    now: Time,
    /// What the clock was set back by.
    set_back: Millis,
}

impl Subscriber {
    /// A subscriber that stands at `from`, idle. `seed` spreads its delays.
    pub fn new(config: Config, from: Option<EventId>, seed: u64) -> Self {
        Self {
            backoff: Backoff::new(config.retry, seed),
            told_revision: config.contract_revision,
            config,
            link: Link::Idle,
            attempts: 0,
            trouble: None,
            connect_since: Time::default(),
            online: None,
            network: true,
            signed_out: false,
            renewal: Renewal::None,
            settled: from.clone(),
            cursor: from,
            passed: Vec::new(),
            connection_id: None,
            subject: None,
            fresh_reason: ResyncReason::Initial,
            owed: None,
            holds: Holds::default(),
            reads: Reads::default(),
            shared: false,
            outputs: VecDeque::new(),
            last_state: State::Idle,
            now: Time::default(),
            set_back: Millis::ZERO,
        }
    }

    /// The state last put out.
    pub const fn state(&self) -> &State {
        &self.last_state
    }

    /// The position up to which every event has been handled.
    pub const fn last_event_id(&self) -> Option<&EventId> {
        self.settled.as_ref()
    }

    /// Attempts made so far.
    pub const fn attempts(&self) -> u64 {
        self.attempts
    }

    /// The connection that hello last named.
    pub fn connection_id(&self) -> Option<&str> {
        self.connection_id.as_deref()
    }

    /// Sets the position of a subscriber that has none yet, before it connects or while a request is made with it.
    pub fn start_from(&mut self, cursor: EventId) {
        if self.cursor.is_none() {
            self.settled = Some(cursor.clone());
            self.cursor = Some(cursor);
            self.link.note_cursor();
        }
    }

    /// Holds events back from now on until [`Input::Settled`] names the hold: a page load has begun.
    ///
    /// # Errors
    /// [`HoldError`] when too many loads run at once.
    pub fn hold(&mut self, now: Time) -> Result<HoldId, HoldError> {
        let now = self.observe(now);
        self.holds.begin(Kind::Load, now)
    }

    /// Takes one input. Poll the outputs afterwards.
    pub fn handle(&mut self, input: Input<'_>, now: Time) {
        let now = self.observe(now);
        match input {
            Input::Connect => self.connect(now),
            Input::Reconnect => self.reconnect(now),
            Input::Close => self.close(Closed::ByCaller),
            Input::Identity { signed_in } => self.change_identity(signed_in, now),
            Input::Head { attempt, head } => self.handle_head(attempt, head, now),
            Input::Bytes { attempt, bytes } => self.handle_bytes(attempt, bytes, now),
            Input::End { attempt } => self.handle_failure(attempt, SubscriberError::Ended, now),
            Input::Failed { attempt, error } => self.handle_failure(attempt, error.clone(), now),
            Input::Network { online } => {
                self.network = online;
                if online {
                    self.wake(now);
                }
            }
            Input::Wake => {
                // Whoever sees the page has it back.
                self.resume(now);
                self.wake(now);
            }
            Input::Suspend => self.suspend(),
            Input::Resume => self.resume(now),
            Input::Settled { hold, ok } => self.settle(hold, ok, now),
            Input::Timeout => {}
        }
        self.expire(now);
        self.update_state(now);
    }

    /// The next thing to do; call until `None` after each input.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Input::Timeout`] is due; `None` while nothing is waited for.
    pub fn poll_timeout(&self) -> Option<Time> {
        let trouble = self.trouble.as_ref().filter(|_| self.link.is_trying());
        let renamed = trouble.and_then(|trouble| trouble.deadline(self.config.long_broken_after, self.now));
        let holds = self.holds.deadline(self.link.is_parked());
        let next = [self.link.deadline(&self.config), renamed, holds].into_iter().flatten().min();
        next.map(|at| self.shown(at))
    }

    fn observe(&mut self, now: Time) -> Time {
        if now + self.set_back < self.now {
            self.set_back = self.now.millis_since(now);
        }
        self.now = now + self.set_back;
        self.now
    }

    /// A time inside as it stands on the clock.
    fn shown(&self, time: Time) -> Time {
        time - self.set_back
    }

    /// Acts on every deadline that has passed.
    fn expire(&mut self, now: Time) {
        self.expire_link(now);
        self.expire_holds(now);
    }

    fn update_state(&mut self, now: Time) {
        if let Some(state) = self.derive_state(now)
            && state != self.last_state
        {
            self.last_state = state.clone();
            self.outputs.push_back(Output::State(state));
        }
    }
}
