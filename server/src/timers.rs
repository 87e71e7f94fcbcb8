//! What time brings to a stream: its deadlines, and when it must be woken for the next of them.

use std::time::Duration;

use tokio::time::Instant;

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
    heartbeat: Instant,
    recheck: Instant,
    lifetime: Instant,
    expiry: Option<Instant>,
    /// When it is woken next, as far as it has asked for that.
    armed: Option<Instant>,
}

impl Timers {
    pub(crate) fn new(config: &Config, expires_in: Option<Duration>) -> Self {
        let now = Instant::now();
        Self {
            heartbeat: now + config.heartbeat,
            // Spread, so that the streams of a restart do not all ask at once.
            recheck: now + random::uniform(config.recheck.mul_f64(0.8), config.recheck),
            lifetime: now + random::uniform(config.lifetime.mul_f64(0.8), config.lifetime),
            expiry: expires_in.map(|left| now + left),
            armed: None,
        }
    }

    pub(crate) fn expire_in(&mut self, left: Option<Duration>) {
        self.expiry = left.map(|left| Instant::now() + left);
    }

    /// The next deadline that has passed, moved on where it repeats.
    pub(crate) fn due(&mut self, config: &Config) -> Option<Timer> {
        let now = Instant::now();
        if self.expiry.is_some_and(|at| at <= now) {
            Some(Timer::Expiry)
        } else if self.lifetime <= now {
            Some(Timer::Lifetime)
        } else if self.recheck <= now {
            self.recheck = now + config.recheck;
            Some(Timer::Recheck)
        } else if self.heartbeat <= now {
            self.heartbeat = now + config.heartbeat;
            Some(Timer::Heartbeat)
        } else {
            None
        }
    }

    /// When to be woken, unless that was asked for before.
    pub(crate) fn arm(&mut self) -> Option<Instant> {
        let next = self.heartbeat.min(self.recheck).min(self.lifetime);
        let next = self.expiry.map_or(next, |expiry| next.min(expiry));
        if self.armed.is_some_and(|armed| armed <= next && armed > Instant::now()) {
            return None;
        }
        self.armed = Some(next);
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stream_stands_on_the_clock_once_however_its_deadlines_move() {
        let config = Config::default();
        let mut timers = Timers::new(&config, None);
        assert_eq!(timers.arm(), Some(Instant::now() + config.heartbeat));
        assert_eq!(timers.arm(), None);
        timers.expire_in(Some(Duration::from_secs(20)));
        assert_eq!(timers.arm(), None, "the heartbeat is earlier");
        timers.expire_in(Some(Duration::from_secs(5)));
        assert_eq!(timers.arm(), Some(Instant::now() + Duration::from_secs(5)));
        timers.expire_in(None);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(
            (timers.due(&config), timers.arm()),
            (None, Some(Instant::now() + Duration::from_secs(10)))
        );
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(timers.due(&config), Some(Timer::Heartbeat));
        assert_eq!(timers.arm(), Some(Instant::now() + config.heartbeat));
    }
}
