//! The body of a stream: a cursor that reads when it is woken, says what time brings, and hands out shared
//! bytes.
//!
//! It holds no queue: what it has not read lies in the history, once for all readers. What it has read and
//! not handed out yet is one batch, whose bytes it shares unless they are many small blocks.

mod asking;

use std::{
    cell::Cell,
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::Frame;
use protocol::{
    Batch, EventId, GapReason, GoodbyeReason, Notice, Query, Read,
    control::{self, Gap, Goodbye, Heartbeat, Unfollowed},
    encode_control, encode_control_for,
};

use asking::{Asker, Asking, Question};

use crate::{
    connection::Connection,
    drain,
    limits::Place,
    log::Log,
    presences::Departure,
    random,
    rights::{Claim, Rights},
    shared::Shared,
    timers::{Timer, Timers},
    waiting::{Block, Waiting},
};

/// A client that may come back need not wait: our clients spread their return over 500 ms by themselves,
/// others over the `retry` in the same block.
const RECONNECT_AFTER_MS: u32 = 0;

/// An open stream; as of a [`Connection`], what every delivery touches comes first.
#[repr(C)]
pub(crate) struct Stream {
    shared: Arc<Shared>,
    position: Position,
    /// The position at hello, or after a jump.
    replay_until: u64,
    generation: u64,
    waiting: Waiting,
    membership: Membership,
    rights: Rights,
    claim: Claim,
    timers: Timers,
    asking: Option<Asking>,
    /// Its rights are gone and a revocation lies ahead in the log: it reads what is its user's own up to there,
    /// where the last event may be, then says this.
    parting: Option<GoodbyeReason>,
    ended: bool,
}

thread_local! {
    /// Empty: the room for the frames of the next read, of whichever stream.
    static FRAMES: Cell<Vec<Bytes>> = const { Cell::new(Vec::new()) };
}

/// Where the stream stands: everything up to here that its user may see has been read.
#[derive(Debug, Clone)]
pub(crate) struct Position {
    pub(crate) sequence: u64,
    /// The client's own words for it, repeated until the stream has moved on.
    pub(crate) own: Option<EventId>,
}

impl Position {
    /// None where the log has become another one: what the position counts in has no name any more.
    fn id(&self, log: &Log, generation: u64) -> Option<EventId> {
        self.own.clone().or_else(|| log.id_at(self.sequence, generation))
    }
}

/// A connection's place in the registry; dropping it leaves nothing behind.
pub(crate) struct Membership {
    pub(crate) shared: Arc<Shared>,
    pub(crate) connection: Arc<Connection>,
    /// How it left, for presence.
    pub(crate) departure: Departure,
    /// Its place among the streams of its address.
    pub(crate) _place: Option<Place>,
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.shared.metrics.connections_closed.add(1);
        self.shared.registry.unregister(&self.connection);
        // What a drain ends is expected back by the next run.
        if self.departure == Departure::Final || !self.shared.is_draining() {
            self.shared.saving.ended(&self.connection);
        }
        self.shared.presences.left(&self.connection.user, self.departure);
    }
}

/// What a stream begins with.
pub(crate) struct Beginning {
    pub(crate) membership: Membership,
    pub(crate) claim: Claim,
    pub(crate) rights: Rights,
    pub(crate) position: Position,
    pub(crate) head: EventId,
    pub(crate) generation: u64,
    pub(crate) hello: Bytes,
    pub(crate) gap: Option<GapReason>,
    /// Groups that the cursor does not speak for.
    pub(crate) gained: Vec<String>,
}

impl Stream {
    pub(crate) fn new(shared: Arc<Shared>, beginning: Beginning) -> Self {
        let expires_at = beginning.rights.identity.expires_at;
        let mut stream = Self {
            timers: Timers::new(&shared.config, expires_at.map(|at| shared.clock.until(at))),
            shared,
            membership: beginning.membership,
            claim: beginning.claim,
            rights: beginning.rights,
            position: beginning.position,
            replay_until: beginning.head.sequence(),
            generation: beginning.generation,
            waiting: Waiting::default(),
            asking: None,
            parting: None,
            ended: false,
        };
        stream.waiting.push(Block::Control(beginning.hello));
        stream.note_stand();
        stream.arm_timers();
        if let Some(reason) = beginning.gap {
            stream.say_gap(reason);
        } else if !beginning.gained.is_empty() {
            stream.say_gained(&beginning.gained);
        }
        stream
    }

    /// Does the next thing that is to be done; pending when there is none.
    #[inline]
    fn step(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.asking.is_none() && !self.membership.connection.has_news() {
            return Poll::Pending;
        }
        if let Some(reason) = self.membership.connection.take_leave() {
            self.say_goodbye(reason);
            return Poll::Ready(());
        }
        if self.membership.connection.take_tick() {
            self.handle_tick();
            return Poll::Ready(());
        }
        if self.parting.is_none()
            && let Some(groups) = self.membership.connection.take_wish()
        {
            self.claim.wanted = groups;
            let of_client = Question::of(Asker::Client, None);
            let question = self.asking.as_ref().map(|asking| asking.question);
            // What the log asks is not answered with what was wanted before.
            self.ask(question.filter(|question| question.asker == Asker::Log).unwrap_or(of_client));
            return Poll::Ready(());
        }
        if let Some(asking) = &mut self.asking {
            match asking.answer.as_mut().poll(cx) {
                Poll::Ready(answer) => {
                    self.handle_answer(answer);
                    return Poll::Ready(());
                }
                Poll::Pending if asking.question.asker == Asker::Log => return Poll::Pending,
                Poll::Pending => {}
            }
        }
        if self.membership.connection.take_due() {
            self.read();
            return Poll::Ready(());
        }
        Poll::Pending
    }

    fn read(&mut self) {
        let query = Query {
            cursor: self.position.sequence,
            covered: &self.rights.covered,
            replay_until: self.replay_until,
            rights_at: self.rights.rights_at,
            generation: self.generation,
            budget: self.shared.config.batch_bytes,
        };
        match (self.shared.log.read(&query, FRAMES.take()), self.parting) {
            (Read::Batch(batch), _) => self.take(batch),
            (_, Some(reason)) => self.say_goodbye(reason),
            (Read::BelowFloor, None) => self.ask(Question::of(Asker::Log, Some(GapReason::Overflow))),
            (Read::Restarted, None) => self.ask(Question::of(Asker::Log, Some(GapReason::Epoch))),
            (Read::RightsUnknown, None) => self.ask(Question::of(Asker::Log, None)),
        }
    }

    fn take(&mut self, mut batch: Batch) {
        self.shared.metrics.deliveries.add(batch.frames.len() as u64);
        self.shared.metrics.delivered_bytes.add(batch.bytes as u64);
        self.waiting.take(&mut batch.frames);
        FRAMES.set(batch.frames);
        self.advance(batch.position);
        match batch.notice {
            Some(Notice::Revoke { revoked, reason })
                if !self.shared.standing.outlives(&self.rights.identity, &revoked) =>
            {
                let connection = &self.membership.connection;
                tracing::info!(
                    user = &*connection.user,
                    id = &*connection.id,
                    reason,
                    "a stream was revoked"
                );
                self.say_goodbye(GoodbyeReason::Revoked);
            }
            Some(_) if self.parting.is_some() => {
                self.rights.rights_at = batch.position + 1;
                self.membership.connection.wake();
            }
            Some(_) => self.ask(Question::of(Asker::Log, None)),
            None if batch.more => self.membership.connection.wake(),
            None => {
                if let Some(reason) = self.parting {
                    self.say_goodbye(reason);
                }
            }
        }
    }

    fn advance(&mut self, sequence: u64) {
        if sequence > self.position.sequence {
            self.position = Position { sequence, own: None };
        }
        self.note_stand();
    }

    fn note_stand(&self) {
        self.membership.connection.stand_at(self.position.sequence, self.generation);
    }

    fn handle_tick(&mut self) {
        match self.timers.due(&self.shared.config) {
            // Another may be due as well.
            Some(timer) => {
                self.membership.connection.tick();
                self.handle_timer(timer);
            }
            None => self.arm_timers(),
        }
    }

    fn arm_timers(&mut self) {
        if let Some(at) = self.timers.arm() {
            self.shared.wheel.wake_at(at, &self.membership.connection);
        }
    }

    fn handle_timer(&mut self, timer: Timer) {
        match timer {
            Timer::Heartbeat => {
                // A reader of quiet channels moves on with the head, so that its cursor stays young.
                if self.asking.as_ref().is_none_or(|asking| asking.question.asker != Asker::Log) {
                    self.membership.connection.take_due();
                    self.read();
                }
                if !self.ended {
                    self.waiting.push(Block::Heartbeat);
                }
            }
            _ if self.parting.is_some() => {}
            Timer::Lifetime => self.say_goodbye(GoodbyeReason::Lifetime),
            Timer::Expiry => self.say_goodbye(GoodbyeReason::Expired),
            Timer::Recheck if self.asking.is_none() => self.ask(Question::of(Asker::Clock, None)),
            Timer::Recheck => {}
        }
    }

    fn next_frame(&mut self) -> Option<Bytes> {
        if self.waiting.is_empty() {
            return None;
        }
        let Self { waiting, position, shared, generation, .. } = self;
        waiting.next(|sent| {
            shared.metrics.heartbeats.add(1);
            let id = position.id(&shared.log, *generation);
            encode_control(id.as_ref(), control::HEARTBEAT, &Heartbeat { sent }, None)
        })
    }

    fn say_gap(&mut self, reason: GapReason) {
        self.say_gap_of(&[], reason);
    }

    /// From here on it reads these groups, too.
    fn say_gained(&mut self, groups: &[String]) {
        self.say_gap_of(groups, GapReason::Rights);
    }

    /// From here on it reads these groups no more.
    fn say_unfollowed(&mut self, groups: &[String]) {
        if !groups.is_empty() {
            let id = self.position.id(&self.shared.log, self.generation);
            let block = encode_control_for(groups, id.as_ref(), control::UNFOLLOWED, &Unfollowed {}, None);
            self.waiting.push(Block::Control(block));
        }
    }

    fn say_gap_of(&mut self, groups: &[String], reason: GapReason) {
        self.shared.metrics.gaps.add(1);
        let id = self.position.id(&self.shared.log, self.generation);
        let gap = encode_control_for(groups, id.as_ref(), control::GAP, &Gap { reason }, None);
        self.waiting.push(Block::Control(gap));
    }

    fn say_goodbye(&mut self, reason: GoodbyeReason) {
        self.shared.metrics.goodbyes.add(1);
        self.membership.departure = Departure::of(reason);
        let config = &self.shared.config;
        let reconnect_after_ms = match reason {
            GoodbyeReason::Revoked | GoodbyeReason::Replaced => None,
            GoodbyeReason::OverLimit => Some(millis(config.retry.end)),
            GoodbyeReason::Draining => Some(millis(drain::reconnect_after())),
            _ => Some(RECONNECT_AFTER_MS),
        };
        let retry = match reason {
            GoodbyeReason::Draining => drain::retry(&self.shared),
            _ => config.retry.clone(),
        };
        let retry = random::uniform(retry.start, retry.end);
        let goodbye = Goodbye { reason, reconnect_after_ms };
        let block = encode_control(None, control::GOODBYE, &goodbye, Some(u64::from(millis(retry))));
        self.waiting.push(Block::Control(block));
        self.asking = None;
        self.ended = true;
    }
}

pub(crate) fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

impl http_body::Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        loop {
            if let Some(frame) = this.next_frame() {
                return Poll::Ready(Some(Ok(Frame::data(frame))));
            }
            if this.ended {
                return Poll::Ready(None);
            }
            if this.step(cx).is_ready() {
                continue;
            }
            this.membership.connection.arm(cx.waker());
            // What happened before that has woken nobody.
            if this.step(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }
}
