//! One response on its way: a head, then bytes, in chunks that end anywhere, until something breaks.

use std::collections::VecDeque;

use super::Dice;

/// What becomes of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Everything arrives.
    Whole,
    /// After so many bytes the connection breaks, seen by the client.
    CutAfter(usize),
    /// After so many bytes nothing arrives any more, and nobody is told.
    StallsAfter(usize),
}

#[derive(Debug)]
pub struct Wire {
    pub attempt: u64,
    pub status: u16,
    pub head_sent: bool,
    pub fate: Fate,
    /// The server has ended the response.
    pub ended: bool,
    bytes: VecDeque<u8>,
    delivered: usize,
}

/// What reaches the client next.
#[derive(Debug, PartialEq, Eq)]
pub enum Arrival {
    Head(u16),
    Bytes(Vec<u8>),
    End,
    Broken,
    Nothing,
}

impl Wire {
    pub fn new(attempt: u64, status: u16, fate: Fate) -> Self {
        Self { attempt, status, head_sent: false, fate, ended: false, bytes: VecDeque::new(), delivered: 0 }
    }

    pub fn write(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    pub fn delivered(&self) -> usize {
        self.delivered
    }

    pub fn arrive(&mut self, dice: &mut Dice) -> Arrival {
        let left = match self.fate {
            Fate::Whole => usize::MAX,
            Fate::CutAfter(limit) | Fate::StallsAfter(limit) => limit.saturating_sub(self.delivered),
        };
        if left == 0 {
            return if matches!(self.fate, Fate::CutAfter(_)) { Arrival::Broken } else { Arrival::Nothing };
        }
        if !self.head_sent {
            self.head_sent = true;
            return Arrival::Head(self.status);
        }
        if self.bytes.is_empty() {
            return if self.ended { Arrival::End } else { Arrival::Nothing };
        }
        let chunk = match dice.roll(3) {
            0 => 1,
            1 => 1 + dice.roll(40) as usize,
            _ => usize::MAX,
        };
        let take = chunk.min(left).min(self.bytes.len());
        self.delivered += take;
        Arrival::Bytes(self.bytes.drain(..take).collect())
    }
}
