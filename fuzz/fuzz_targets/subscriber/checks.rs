//! What must hold of every output.

use protocol::{
    State,
    subscriber::{Attempt, Input, Message, Output},
};

use super::{HELD_MAX, Page};

impl Page {
    /// Gives the subscriber an input, acts on what it wants, and lets due timers fire.
    pub(super) fn handle(&mut self, input: Input<'_>) {
        self.subscriber.handle(input, self.now);
        self.drain();
        let late = |page: &Self| page.subscriber.poll_timeout().is_some_and(|at| at <= page.now);
        for _ in 0..4 {
            if late(self) {
                self.subscriber.handle(Input::Timeout, self.now);
                self.drain();
            }
        }
        // A clock that went back stands still for the subscriber: its deadlines are on the later one.
        assert!(!late(self), "a driver would spin: {:?} at {:?}", self.subscriber.poll_timeout(), self.now);
    }

    fn drain(&mut self) {
        while let Some(output) = self.subscriber.poll() {
            self.check(output);
        }
        if self.holds.is_empty() {
            // Nothing is held, so what was not handed out never will be.
            self.sent.clear();
        }
        let held = self.sent.iter().filter(|sent| sent.message.0.is_none()).count();
        assert!(held <= HELD_MAX, "{held} events are held");
        assert_eq!(*self.subscriber.state(), self.state);
    }

    fn check(&mut self, output: Output) {
        match output {
            Output::Open(attempt) => self.check_attempt(&attempt),
            Output::Abort { attempt } => {
                assert!(attempt <= self.begun);
                self.lose(attempt);
            }
            Output::State(state) => {
                assert_ne!(state, self.state, "a state is said once");
                if matches!(state, State::Online { .. }) {
                    assert!(self.greeted, "online is behind hello");
                }
                if matches!(state, State::Closed(_)) {
                    self.check_close();
                }
                self.state = state;
            }
            Output::Event(message) => self.check_event(message),
            Output::Resync { hold, .. } => {
                assert!(self.holds.insert(hold), "a hold's name is its own");
                // What was held is out or given up; only this chunk may go on.
                let chunk = self.chunk;
                self.sent.retain(|sent| sent.chunk == chunk);
                self.handled.clear();
            }
            Output::Release { hold, .. } => {
                assert!(self.holds.remove(&hold), "only what is held is released");
            }
            Output::Alive { .. } => {
                assert!(self.greeted && self.open.is_some(), "life is proved of a stream that has begun");
            }
            Output::Error(_) | Output::NewerContract { .. } => {}
            other => panic!("an output these checks do not know: {other:?}"),
        }
    }

    /// It goes on where its handlers stood, and forgets where older epochs did.
    fn check_close(&mut self) {
        let stands = self.subscriber.last_event_id().cloned();
        self.handled.retain(|epoch, _| stands.as_ref().is_some_and(|id| id.epoch().as_str() == epoch));
        self.closed_at = Some(stands);
    }

    fn check_attempt(&mut self, attempt: &Attempt) {
        assert_eq!(attempt.number, self.begun + 1);
        assert_eq!(self.open, None, "one connection at a time");
        self.begun = attempt.number;
        self.end();
        self.open = Some(attempt.number);
        if let Some(closed_at) = self.closed_at.take() {
            assert_eq!(attempt.cursor, closed_at, "what was held at the close comes again");
        }
        if let Some(cursor) = &attempt.cursor {
            let handled = self.handled.get(cursor.epoch().as_str()).copied().unwrap_or_default();
            assert!(cursor.sequence() >= handled, "{cursor} would bring {handled} again");
        }
    }

    /// It was sent behind a hello, comes in the order it was sent in, and comes once.
    fn check_event(&mut self, message: Message) {
        let Message { id, name, data, .. } = message;
        let got = (id, name, data);
        loop {
            match self.sent.pop_front() {
                Some(sent) if sent.message == got => break,
                Some(_) => {}
                None => panic!("{got:?} was not sent, or has come before"),
            }
        }
        if let Some(id) = &got.0
            && let Some(before) = self.handled.insert(id.epoch().to_string(), id.sequence())
        {
            assert!(before < id.sequence(), "{id} behind {before}");
        }
    }
}
