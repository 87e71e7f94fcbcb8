//! What time brings to a stream: one sleep for all of its deadlines.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep};

use crate::{Config, random};

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timer {
    Heartbeat,
    /// The stream has lived long enough.
    Lifetime,
    /// The credentials run out.
    Expiry,
    /// `Authorize` is asked again.
    Recheck,
}

/// The deadlines of one stream.
pub(crate) struct Timers {
    heartbeat_every: Duration,
    recheck_every: Duration,
    heartbeat: Instant,
    recheck: Instant,
    lifetime: Instant,
    expiry: Option<Instant>,
    sleep: Pin<Box<Sleep>>,
}

impl Timers {
    pub(crate) fn new(config: &Config, expires_in: Option<Duration>) -> Self {
        let now = Instant::now();
        Self {
            heartbeat_every: config.heartbeat,
            recheck_every: config.recheck,
            heartbeat: now + config.heartbeat,
            // Spread, so that the streams of a restart do not all ask at once.
            recheck: now + random::uniform(config.recheck.mul_f64(0.8), config.recheck),
            lifetime: now + random::uniform(config.lifetime.mul_f64(0.8), config.lifetime),
            expiry: expires_in.map(|left| now + left),
            sleep: Box::pin(tokio::time::sleep_until(now + config.heartbeat)),
        }
    }

    pub(crate) fn expire_in(&mut self, left: Option<Duration>) {
        self.expiry = left.map(|left| Instant::now() + left);
    }

    /// The next deadline that has passed, moved on where it repeats.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Timer> {
        let next = self.next();
        if self.sleep.deadline() != next {
            self.sleep.as_mut().reset(next);
        }
        ready!(self.sleep.as_mut().poll(cx));
        let now = Instant::now();
        Poll::Ready(if self.expiry.is_some_and(|at| at <= now) {
            Timer::Expiry
        } else if self.lifetime <= now {
            Timer::Lifetime
        } else if self.recheck <= now {
            self.recheck = now + self.recheck_every;
            Timer::Recheck
        } else {
            self.heartbeat = now + self.heartbeat_every;
            Timer::Heartbeat
        })
    }

    fn next(&self) -> Instant {
        let next = self.heartbeat.min(self.recheck).min(self.lifetime);
        self.expiry.map_or(next, |expiry| next.min(expiry))
    }
}
