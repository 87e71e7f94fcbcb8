//! What may happen to a pair: one random step, and the calm after it.

use std::time::Duration;

use protocol::{GoodbyeReason, State, subscriber::Input};

use super::{pair::Pair, server::Restart, wire::Fate};

impl Pair {
    /// One random step of the world.
    pub fn step(&mut self) {
        match self.dice.roll(if self.faults { 46 } else { 28 }) {
            0..=4 => self.send(),
            5..=7 => self.answer(),
            8..=12 | 24..=27 => self.write(),
            13..=17 | 20..=23 => self.deliver(),
            18 => self.advance_to_next(),
            19 => {
                let by = Duration::from_millis(self.dice.roll(400));
                self.advance(by);
            }
            28 => self.crash(),
            29 => self.restart(Restart::Whole),
            30 => {
                let lost = 1 + self.dice.roll(6);
                self.restart(Restart::WithoutTail(lost));
            }
            31 if self.dice.one_in(3) => self.restart(Restart::Empty),
            32 => self.break_wires(),
            33 => self.say_goodbye(),
            34 => self.load(),
            35 => self.input(Input::Reconnect),
            36 => {
                self.input(Input::Suspend);
                if self.dice.one_in(2) {
                    self.input(Input::Resume);
                }
            }
            37 => {
                self.input(Input::Close);
                self.input(Input::Connect);
            }
            38 => self.input(Input::Wake),
            39 => {
                let by = Duration::from_secs(self.dice.roll(90));
                self.advance(by);
            }
            40 => self.input(Input::Connect),
            41 => self.input(Input::Resume),
            42 => {
                let online = self.dice.one_in(2);
                self.input(Input::Network { online });
            }
            43 if self.dice.one_in(2) => {
                let signed_in = !self.dice.one_in(3);
                self.input(Input::Identity { signed_in });
            }
            44 => {
                self.set_back += Duration::from_millis(self.dice.roll(600_000));
                self.input(Input::Timeout);
            }
            _ => {}
        }
    }

    fn say_goodbye(&mut self) {
        let reason = match self.dice.roll(8) {
            0 => GoodbyeReason::Draining,
            1 | 2 => GoodbyeReason::Expired,
            3 => GoodbyeReason::Revoked,
            4 => GoodbyeReason::Replaced,
            5 => GoodbyeReason::OverLimit,
            _ => GoodbyeReason::Lifetime,
        };
        self.server.say_goodbye(&mut self.wires, reason);
    }

    /// Stops every fault and runs until nothing is left to do.
    pub fn settle(&mut self) {
        self.faults = false;
        if !self.server.is_up() {
            self.server.restart(Restart::Whole, self.now);
        }
        for wire in &mut self.wires {
            if matches!(wire.fate, Fate::CutAfter(limit) if wire.delivered() < limit) {
                wire.fate = Fate::Whole;
            }
        }
        for round in 0..400 {
            for _ in 0..6 {
                self.answer();
                self.write();
                self.deliver();
                self.deliver();
            }
            self.advance_to_next();
            if round == 200 {
                // Where the last fault was a refusal, somebody logs in.
                self.input(Input::Resume);
                self.input(Input::Connect);
            }
        }
        assert!(matches!(self.client.state(), State::Online { .. }), "not online: {:?}", self.client.state());
    }
}
