//! One stream for all tabs of a browser, as a fold around a [`Subscriber`].
//!
//! The tabs of one user queue for a lock. Who holds it leads: its subscriber reads the network, and everything it
//! reads is posted to the others, whose subscribers take it as if they had read it themselves. Nothing here knows of
//! locks, channels or pages; a shell brings them.
//!
//! # Contract with the driver
//!
//! As for a [`Subscriber`], with these outputs more: [`Output::Open`] is answered by [`Tab::send`] as soon as the
//! page's own cursor is known, and only [`Output::Fetch`] goes to the network. [`Output::Post`] goes to the other
//! tabs, [`Output::Lock`] to the browser's locks, whose answers are [`Tab::granted`] and [`Tab::stolen`]. What other
//! tabs post is [`Tab::hear`]. A shell without locks never calls [`Tab::share`], and every output stays as it is.
//!
//! # Why nothing is lost
//!
//! A follower takes a leader's posts by number, one after the other. Where one is missing, where the tab was frozen
//! or another leads, it joins anew with its cursor, and the leader answers from its ring, or with a gap for that tab
//! alone. So it is correct whatever happens to posts; that they arrive only makes it fast.

mod follow;
mod groups;
mod lead;
mod post;
mod ring;

use std::collections::VecDeque;

pub use post::{Kind, Post};
use ring::Ring;

use crate::{
    EventId, Millis, Names, ResyncReason, State, Subscriber, Time,
    subscriber::{Attempt, HoldError, HoldId, Input, Output},
};

/// A leader must answer within this, or the tab makes a stream of its own.
const ANSWER_WITHIN: Millis = Millis::from_secs(3);
/// A leader that was pinged must answer within this.
const PONG_WITHIN: Millis = Millis::from_secs(2);
/// Spread before a lock is taken by force.
const STEAL_SPREAD: Millis = Millis::new(500);
/// A tab takes the lock by force no more often.
const STEAL_AT_MOST_EVERY: Millis = Millis::from_secs(30);
/// A leader that is hidden this long leaves the lead to a tab that somebody sees.
const HIDDEN_LEADS_FOR: Millis = Millis::from_secs(30);

/// What a tab wants of the browser's lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// Queue for it.
    Ask,
    /// Take it by force.
    Steal,
    /// Let go of it, or of the place in the queue; go on hearing.
    Leave,
    /// The same, and hear nothing any more.
    Quit,
}

/// What a tab is to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It reads a stream of its own.
    Solo,
    /// It reads the stream for all.
    Leader,
    /// It reads what the leader reads.
    Follower,
}

/// An attempt that waits for a leader's answer.
#[derive(Debug)]
struct Pending {
    attempt: Attempt,
    /// How long it waits.
    until: Time,
}

/// A subscriber among those of other tabs.
#[derive(Debug)]
pub struct Tab {
    subscriber: Subscriber,
    id: u64,
    /// Whether there are locks and a channel.
    shared: bool,
    /// Queues for the lock or holds it.
    queued: bool,
    /// The page asked for another try after a refusal: so others may try again, too.
    wished: bool,
    role: Role,
    /// The role that the last state was shown with.
    shown: Role,
    /// The attempt that runs.
    current: Option<u64>,
    /// An attempt that waits for a leader's answer.
    pending: Option<Box<Pending>>,
    ring: Ring,
    lead: lead::Lead,
    follow: follow::Follow,
    /// Since when nobody sees the page.
    hidden_since: Option<Time>,
    outputs: VecDeque<Output>,
}

impl Tab {
    /// A tab that shares nothing yet. `id` is a random number above 0, below 2^53.
    pub fn new(subscriber: Subscriber, id: u64) -> Self {
        Self {
            subscriber,
            id,
            shared: false,
            queued: false,
            wished: false,
            role: Role::Solo,
            shown: Role::Solo,
            current: None,
            pending: None,
            ring: Ring::default(),
            lead: lead::Lead::default(),
            follow: follow::Follow::default(),
            hidden_since: None,
            outputs: VecDeque::new(),
        }
    }

    /// Whether there may be other tabs to share a stream with: before the first input, or before another identity.
    pub const fn share(&mut self, shared: bool) {
        self.shared = shared;
        self.subscriber.share(shared);
    }

    /// Names it in posts.
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// What it is to the others.
    pub const fn role(&self) -> Role {
        self.role
    }

    /// The state last put out by its own subscriber.
    pub const fn state(&self) -> &State {
        self.subscriber.state()
    }

    /// See [`Subscriber::last_event_id`].
    pub const fn last_event_id(&self) -> Option<&EventId> {
        self.subscriber.last_event_id()
    }

    /// See [`Subscriber::attempts`].
    pub const fn attempts(&self) -> u64 {
        self.subscriber.attempts()
    }

    /// The groups that a request asks for, and that an open stream shall read: the query's `groups`, unless it is all.
    pub const fn asked(&self) -> &Names {
        &self.subscriber.reads().asked
    }

    /// The groups that the cursor of a request speaks for: the query's `known`, unless it is all.
    pub fn known(&self) -> Names {
        self.subscriber.reads().known()
    }

    /// See [`Subscriber::connection_id`].
    pub fn connection_id(&self) -> Option<&str> {
        self.subscriber.connection_id()
    }

    /// See [`Subscriber::start_from`].
    pub fn start_from(&mut self, cursor: EventId) {
        self.subscriber.start_from(cursor);
    }

    /// See [`Subscriber::hold`].
    ///
    /// # Errors
    /// [`HoldError`] when too many loads run at once.
    pub fn hold(&mut self, now: Time) -> Result<HoldId, HoldError> {
        self.subscriber.hold(now)
    }

    /// Takes one input of the subscriber. Poll the outputs afterwards, as after each of the others.
    pub fn handle(&mut self, input: Input<'_>, now: Time) {
        match input {
            Input::Identity { signed_in } => self.leave_for_another(signed_in),
            Input::Connect | Input::Reconnect => self.wished |= self.subscriber.is_parked(),
            _ => {}
        }
        self.subscriber.handle(input, now);
        self.settle(now);
    }

    /// What an attempt needs is there: it is made, or the leader is asked.
    pub fn send(&mut self, mut attempt: Attempt, now: Time) {
        if self.current != Some(attempt.number) {
            return;
        }
        attempt.cursor = self.subscriber.cursor().cloned();
        if !self.shared || self.role == Role::Leader {
            self.fetch(attempt);
        } else {
            self.pending = Some(Box::new(Pending { attempt, until: now + ANSWER_WITHIN }));
            self.ask();
        }
        self.settle(now);
    }

    /// The lock is this tab's.
    pub fn granted(&mut self, now: Time) {
        if !self.queued {
            return self.outputs.push_back(Output::Lock(Lock::Leave));
        }
        self.begin_to_lead(now);
        self.settle(now);
    }

    /// Another tab has taken the lock by force.
    pub fn stolen(&mut self, now: Time) {
        self.queued = false;
        self.role = Role::Solo;
        self.settle(now);
        // It has just queued again, if it still wants a stream.
        self.subscriber.move_over(now);
        self.settle(now);
    }

    /// The page is seen, or no longer.
    pub fn show(&mut self, visible: bool, now: Time) {
        self.hidden_since = if visible { None } else { self.hidden_since.or(Some(now)) };
        if visible && self.role == Role::Follower {
            self.post(Kind::Ping, 0, 0, String::new());
        }
        self.settle(now);
    }

    /// Another tab's post. What makes no sense is ignored: anything of this origin can post.
    pub fn hear(&mut self, post: Post, now: Time) {
        if !self.queued && !self.subscriber.is_parked() || post.from == self.id {
            return;
        }
        match post.kind {
            _ if post.to != 0 && post.to != self.id => return,
            Kind::Join | Kind::Ping => self.hear_follower(&post),
            Kind::Groups if post.term == 0 => self.hear_wants(&post),
            Kind::Park => self.subscriber.park_along(post.text, now),
            _ => self.hear_leader(post, now),
        }
        self.settle(now);
    }

    /// The page reads other groups; all that the user may read, before it has said so.
    pub fn want(&mut self, groups: Names, now: Time) {
        if groups == self.subscriber.reads().wanted {
            return;
        }
        self.subscriber.want(groups, now);
        self.say_wants(1);
        self.settle(now);
    }

    /// The next thing to do; call until `None` after each input.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Input::Timeout`] is due; `None` while nothing is waited for.
    pub fn poll_timeout(&self) -> Option<Time> {
        let answer = self.pending.as_ref().map(|pending| pending.until);
        [self.subscriber.poll_timeout(), answer, self.yields_at(), self.doubts_at(), self.lead.forgets_at]
            .into_iter()
            .flatten()
            .min()
    }

    fn settle(&mut self, now: Time) {
        self.drain();
        self.queue();
        if let Some(pending) = self.pending.take_if(|pending| pending.until <= now) {
            self.go_alone(pending.attempt);
        }
        if self.yields_at().is_some_and(|at| at <= now) {
            self.yield_lead(now);
        }
        if self.doubts_at().is_some_and(|at| at <= now) {
            self.doubt(now);
        }
        self.ask_for_groups(now);
        self.drain();
        let outdated = self.shown != self.role || self.follow.mirrored && self.role != Role::Follower;
        if outdated && let Some(state) = self.subscriber.show_again() {
            self.shown = self.role;
            self.follow.mirrored = false;
            self.outputs.push_back(state);
        }
    }

    /// Queues for the lock while there is a stream to be had.
    fn queue(&mut self) {
        let wanted = self.shared && self.subscriber.is_active();
        if wanted != self.queued {
            self.queued = wanted;
            if self.role == Role::Follower && !wanted {
                self.post(Kind::Groups, 0, 1, Names::none().as_text().to_owned());
            }
            self.role = Role::Solo;
            if !wanted {
                self.pending = None;
            }
            self.outputs.push_back(Output::Lock(match wanted {
                true => Lock::Ask,
                // One log-in frees all tabs: this one hears of it.
                false if self.subscriber.is_parked() => Lock::Leave,
                false => Lock::Quit,
            }));
        }
    }

    /// Takes what the subscriber has put out: at once, so that events have their numbers before anybody joins.
    fn drain(&mut self) {
        while let Some(output) = self.subscriber.poll() {
            match &output {
                Output::Relay(event) => {
                    self.ring.note(event);
                    self.relay(event);
                    continue;
                }
                // What of the rights concerns others, a gap of the stream has said.
                Output::Resync { reason, .. } if *reason != ResyncReason::Rights => self.ring.restart(),
                Output::Open(attempt) => self.current = Some(attempt.number),
                Output::Abort { attempt } => {
                    self.pending.take_if(|pending| pending.attempt.number == *attempt);
                    self.current.take_if(|current| current == attempt);
                }
                Output::State(state) => {
                    self.shown = self.role;
                    self.follow.mirrored = false;
                    let told = self.told(state);
                    self.outputs.push_back(output);
                    if let Some((kind, text)) = told {
                        self.post(kind, 0, 1, text);
                    }
                    continue;
                }
                _ => {}
            }
            self.outputs.push_back(output);
        }
    }

    /// Another user shares with other tabs.
    fn leave_for_another(&mut self, signed_in: bool) {
        self.drain();
        if self.queued {
            if !signed_in {
                self.post(Kind::Park, 0, 0, "signed out in another tab".to_owned());
            }
            self.outputs.push_back(Output::Lock(Lock::Quit));
        }
        self.queued = false;
        self.wished = signed_in;
        self.role = Role::Solo;
        self.pending = None;
        self.ring = Ring::default();
    }

    /// A stream of its own, beside that of a leader who does not answer: not as that one's successor.
    fn go_alone(&mut self, mut attempt: Attempt) {
        self.role = Role::Solo;
        attempt.connection_id = None;
        self.fetch(attempt);
    }

    fn post(&mut self, kind: Kind, to: u64, number: u64, text: String) {
        let term = if self.role == Role::Leader { self.lead.term } else { 0 };
        self.outputs.push_back(Output::Post(Post { kind, from: self.id, to, term, number, text }));
    }
}
