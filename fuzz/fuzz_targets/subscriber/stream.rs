//! A server that writes what servers write, and sometimes what they never should.

use bytes::Bytes;
use protocol::{
    Epoch, EventId, Frame, GapReason, GoodbyeReason,
    control::{ContractVersion, GAP, GOODBYE, Gap, Goodbye, HEARTBEAT, HELLO, Heartbeat, Hello, Resumed},
    encode_control,
};

/// What is left of a script; `None` ends it.
pub(crate) struct Script<'a>(pub(crate) &'a [u8]);

impl<'a> Script<'a> {
    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    pub(crate) fn below(&mut self, end: u8) -> Option<u8> {
        Some(self.byte()? % end)
    }

    fn bytes(&mut self, length: u8) -> &'a [u8] {
        let (first, rest) = self.0.split_at(usize::from(length).min(self.0.len()));
        self.0 = rest;
        first
    }
}

/// An id of one of four epochs.
pub(crate) fn id(epoch: u8, sequence: u64) -> EventId {
    // A letter and a digit are an epoch.
    match Epoch::new(&format!("e{}", epoch % 4)) {
        Ok(epoch) => epoch.at(sequence),
        Err(error) => panic!("{error}"),
    }
}

/// The position of the log, and what was written since the last hello.
#[derive(Default)]
pub(crate) struct Server {
    epoch: u8,
    sequence: u64,
    sent: u64,
    /// Makes each event's data its own.
    events: u64,
}

impl Server {
    /// One chunk of a response body.
    pub(crate) fn write(&mut self, script: &mut Script<'_>) -> Option<Vec<u8>> {
        let mut wire = Vec::new();
        for _ in 0..=script.below(4)? {
            self.write_block(script, &mut wire)?;
        }
        // Some chunks end within a block.
        let short = script.byte()?;
        if short < 32 {
            wire.truncate(wire.len().saturating_sub(short.into()));
        }
        Some(wire)
    }

    fn write_block(&mut self, script: &mut Script<'_>, wire: &mut Vec<u8>) -> Option<()> {
        let block = match script.below(16)? {
            0..=2 => self.hello(script)?,
            3..=6 => {
                self.sequence += 1;
                return self.event(Some(id(self.epoch, self.sequence)), wire);
            }
            7 => {
                // A repeat, or a place that was left out.
                let sequence = self.sequence.saturating_add(script.below(8)?.into()).saturating_sub(5);
                return self.event(Some(id(self.epoch.wrapping_sub(script.below(2)?), sequence)), wire);
            }
            8 => {
                for _ in 0..script.byte()? {
                    self.event(None, wire)?;
                }
                return Some(());
            }
            9 => {
                let wrong = u64::from(script.byte()? == 0);
                let position = id(self.epoch, self.sequence);
                encode_control(Some(&position), HEARTBEAT, &Heartbeat { sent: self.sent + wrong }, None)
            }
            10 => {
                let reason = [GapReason::Retention, GapReason::Rights][usize::from(script.below(2)?)];
                let position = (script.byte()? != 0).then(|| id(self.epoch, self.sequence));
                encode_control(position.as_ref(), GAP, &Gap { reason }, None)
            }
            11 => self.goodbye(script)?,
            12 => {
                self.epoch = self.epoch.wrapping_add(1);
                self.sequence = self.sequence.saturating_sub(script.below(4)?.into());
                encode_control(Some(&id(self.epoch, self.sequence)), "tidings:later", &self.sent, None)
            }
            13 => Bytes::from_static(b":\n\n"),
            14 => Bytes::from(vec![b'x'; usize::from(script.byte()?) * 32]),
            _ => {
                let length = script.below(32)?;
                Bytes::copy_from_slice(script.bytes(length))
            }
        };
        wire.extend_from_slice(&block);
        Some(())
    }

    fn event(&mut self, id: Option<EventId>, wire: &mut Vec<u8>) -> Option<()> {
        self.sent += 1;
        self.events += 1;
        let (id, data) = (id.map(|id| id.to_string()), self.events.to_string());
        let frame =
            Frame { id: id.as_deref(), event: Some("note_created"), data: Some(&data), retry_ms: None };
        frame.encode(wire).ok()
    }

    fn hello(&mut self, script: &mut Script<'_>) -> Option<Bytes> {
        self.sent = 0;
        let resumed = match script.below(6)? {
            0 => Resumed::Fresh,
            1 => Resumed::Gap,
            _ => Resumed::Replayed,
        };
        let back = u64::from(script.below(8)?);
        let position = id(self.epoch, self.sequence.saturating_sub(back));
        let hello = Hello {
            connection_id: "c".to_owned(),
            subject: if script.byte()? == 0 { "another" } else { "one" }.to_owned(),
            resumed,
            replay_until: (back > 0).then(|| id(self.epoch, self.sequence).to_string()),
            heartbeat_ms: 1_000 * u32::from(script.below(3)?),
            alive_ms: script.below(2)?.checked_sub(1).map(|_| 20_000),
            contract: ContractVersion { revision: back as u32, hash: String::new() },
            groups: String::new(),
        };
        let position = (resumed != Resumed::Gap).then_some(position);
        Some(encode_control(position.as_ref(), HELLO, &hello, (back == 1).then_some(u64::MAX)))
    }

    fn goodbye(&mut self, script: &mut Script<'_>) -> Option<Bytes> {
        let reason = [
            GoodbyeReason::Draining,
            GoodbyeReason::Lifetime,
            GoodbyeReason::Expired,
            GoodbyeReason::Revoked,
            GoodbyeReason::Replaced,
            GoodbyeReason::OverLimit,
        ][usize::from(script.below(6)?)];
        let reconnect_after_ms = [None, Some(0), Some(500), Some(u32::MAX)][usize::from(script.below(4)?)];
        Some(encode_control(None, GOODBYE, &Goodbye { reason, reconnect_after_ms }, None))
    }
}
