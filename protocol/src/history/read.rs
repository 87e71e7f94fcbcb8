//! What follows a cursor, at the cost of the answer.

use std::{cmp::Reverse, collections::BinaryHeap};

use bytes::Bytes;

use super::{Entry, History, Payload};
use crate::{Channel, Delivery, Notice};

/// A reader this close to the head looks at the entries themselves. Measured (`benches/core.rs`): an entry
/// costs about a quarter of what finding and merging the lines of the reader's channels costs.
const SCANNED_MAX: usize = 4;

/// A channel that a connection reads, and the position from which it may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Covered {
    /// The channel.
    pub channel: Channel,
    /// Entries at or below are not this connection's: the grant of a group, else 0.
    pub from: u64,
}

impl Covered {
    /// A channel that was always the reader's: its user's, its log-in's, everyone's.
    pub const fn from_the_beginning(channel: Channel) -> Self {
        Self { channel, from: 0 }
    }
}

/// What a connection asks.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    /// Where it stands.
    pub cursor: u64,
    /// What it may read.
    pub covered: &'a [Covered],
    /// Its position at hello: live-only events at or below were never for it.
    pub replay_until: u64,
    /// The head before its rights were last asked for: notices at or below are in them already.
    pub rights_at: u64,
    /// [`History::generation`] when its cursor was located.
    pub generation: u64,
    /// How many bytes of frames it takes at once; one frame is given however large.
    pub budget: usize,
}

/// What it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// What follows, as far as the budget and the reader's rights go.
    Batch(Batch),
    /// Something that follows has left the history.
    BelowFloor,
    /// A notice that may concern the reader has left the history: its rights must be asked for again first.
    RightsUnknown,
    /// The log became another one under the reader.
    Restarted,
}

/// Frames in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batch {
    /// Shared bytes, one whole block each.
    pub frames: Vec<Bytes>,
    /// Bytes of all frames.
    pub bytes: usize,
    /// Where the reader stands once it has written them.
    pub position: u64,
    /// A notice stands right behind `position`: nothing beyond it may be written before the reader's rights
    /// are known.
    pub notice: Option<Notice>,
    /// The budget ended the batch: there is more.
    pub more: bool,
}

impl History {
    /// What follows `query.cursor` in the channels that the reader covers, at most `query.budget` bytes.
    ///
    /// Costs the answer, and `O(log n)` per channel of the reader; where only a few entries lie behind the
    /// cursor, those are looked at one by one instead.
    pub fn after(&self, query: &Query<'_>) -> Read {
        self.after_into(query, Vec::new())
    }

    /// The same, with the frames in a vector that the reader has used up before.
    pub fn after_into(&self, query: &Query<'_>, mut frames: Vec<Bytes>) -> Read {
        frames.clear();
        if query.generation != self.generation {
            return Read::Restarted;
        }
        if query.rights_at < self.notice_floor {
            return Read::RightsUnknown;
        }
        if self.is_below_floor(query) {
            return Read::BelowFloor;
        }
        let first = self.position_after(query.cursor);
        let behind = self.entries.len() - first;
        // A reader from another instance may be ahead of this one, and is never sent back.
        let mut batch = Batch { frames, position: self.head.max(query.cursor), ..Batch::default() };
        if behind <= SCANNED_MAX {
            for entry in self.entries.range(first..).filter(|entry| covers(query, entry)) {
                if !batch.take(entry, query) {
                    break;
                }
            }
        } else {
            self.merge(query, &mut batch);
        }
        Read::Batch(batch)
    }

    fn is_below_floor(&self, query: &Query<'_>) -> bool {
        query.cursor < self.floors.highest()
            && query
                .covered
                .iter()
                .any(|covered| query.cursor.max(covered.from) < self.floors.of(&covered.channel))
    }

    fn position_after(&self, cursor: u64) -> usize {
        // Sequences have no holes as a rule, and most readers stand near the head.
        let behind = usize::try_from(self.head.saturating_sub(cursor)).unwrap_or(usize::MAX);
        if let Some(guess) = self.entries.len().checked_sub(behind)
            && self.entries.get(guess).is_none_or(|entry| entry.id.sequence() == cursor + 1)
        {
            return guess;
        }
        self.entries.partition_point(|entry| entry.id.sequence() <= cursor)
    }

    /// The entries of all the reader's channels, each once, in order.
    fn merge(&self, query: &Query<'_>, batch: &mut Batch) {
        let mut lines: Vec<_> = query
            .covered
            .iter()
            .filter_map(|covered| {
                let sequences = self.index.get(&covered.channel)?;
                let start = sequences.partition_point(|&s| s <= query.cursor.max(covered.from));
                (start < sequences.len()).then(|| sequences.range(start..))
            })
            .collect();
        let mut heap: BinaryHeap<_> = lines
            .iter_mut()
            .enumerate()
            .filter_map(|(line, sequences)| Some(Reverse((*sequences.next()?, line))))
            .collect();
        let mut last = query.cursor;
        while let Some(Reverse((sequence, line))) = heap.pop() {
            if let Some(&next) = lines[line].next() {
                heap.push(Reverse((next, line)));
            }
            if sequence == last {
                continue;
            }
            last = sequence;
            if let Some(entry) = self.entry(sequence)
                && !batch.take(entry, query)
            {
                break;
            }
        }
    }

    fn entry(&self, sequence: u64) -> Option<&Entry> {
        let first = self.entries.front()?.id.sequence();
        // Sequences have no holes as a rule, so the distance to the first is the place.
        let guess = usize::try_from(sequence.checked_sub(first)?).ok()?;
        match self.entries.get(guess) {
            Some(entry) if entry.id.sequence() == sequence => Some(entry),
            _ => self.entries.get(self.position_after(sequence.checked_sub(1)?)),
        }
    }
}

impl Batch {
    /// Adds an entry; `false` when the batch ends before it.
    fn take(&mut self, entry: &Entry, query: &Query<'_>) -> bool {
        let sequence = entry.id.sequence();
        match &entry.payload {
            Payload::Event { delivery: Delivery::LiveOnly, .. } if sequence <= query.replay_until => {}
            Payload::Event { block, .. } => {
                if !self.frames.is_empty() && self.bytes + block.len() > query.budget {
                    self.position = sequence - 1;
                    self.more = true;
                    return false;
                }
                let frame = block.for_reader(&entry.channels, sequence, query.covered);
                self.bytes += frame.len();
                self.frames.push(frame);
            }
            Payload::Notice(notice) if sequence > query.rights_at => {
                self.position = sequence - 1;
                self.notice = Some(notice.clone());
                return false;
            }
            Payload::Notice(_) | Payload::Past => {}
        }
        true
    }
}

fn covers(query: &Query<'_>, entry: &Entry) -> bool {
    query
        .covered
        .iter()
        .any(|covered| entry.id.sequence() > covered.from && entry.channels.contains(&covered.channel))
}
