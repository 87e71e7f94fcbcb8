//! The retention window: everything a reader may still ask for, ordered, encoded, indexed by channel.
//!
//! A connection is a cursor, not a queue: replay and live delivery are the same call, [`History::after`],
//! whose cost is that of its answer. A reader that falls below the floor of one of its channels is told so.

mod block;
mod floors;
mod read;

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

pub use block::Block;
#[cfg(feature = "json")]
pub(crate) use block::{group_names, labels_len, write_labels};
pub use read::{Batch, Covered, Query, Read};

use crate::{Channel, ChannelSet, Delivery, Epoch, EventId, Notice, Time};
use floors::Floors;

/// Ended epochs that are remembered. A cursor of an older one is answered with a gap.
const EPOCHS_KEPT: usize = 1_024;

/// What an entry costs beside its frame, and each of its channels beside its name, in bytes: structs, index
/// and the room kept before a frame. Measured on the heap, at its worst; `tests/memory.rs` holds them to it.
const ENTRY_BYTES: usize = 320;
const CHANNEL_BYTES: usize = 288;

/// How much past is kept; whichever bound is hit first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Entries.
    pub count: usize,
    /// Bytes of frames and of what indexes them.
    pub bytes: usize,
    /// Time since an entry was sent.
    pub age: Duration,
}

impl Default for Limits {
    /// 100,000 events, 64 MiB, 10 minutes: a laptop's lid, a deploy, a tunnel; one page refetch covers more.
    fn default() -> Self {
        Self { count: 100_000, bytes: 64 * 1024 * 1024, age: Duration::from_secs(600) }
    }
}

/// One committed entry of the ordered log.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its place.
    pub id: EventId,
    /// Who may read it.
    pub channels: ChannelSet,
    /// When it was committed, on the clock that trims.
    pub at: Time,
    /// What it says.
    pub payload: Payload,
}

/// What an entry says.
#[derive(Debug, Clone)]
pub enum Payload {
    /// An app event, framed.
    Event {
        /// The block of the wire, shared by all who send it.
        block: Block,
        /// Whether it is replayed.
        delivery: Delivery,
    },
    /// A change of rights.
    Notice(Notice),
    /// An entry whose payload was not kept across a start; it still takes its place.
    Past,
}

impl Entry {
    fn bytes(&self) -> usize {
        let block = match &self.payload {
            Payload::Event { block, .. } => block.len(),
            Payload::Notice(_) | Payload::Past => 0,
        };
        let channels = self.channels.iter().map(|channel| CHANNEL_BYTES + channel.as_str().len());
        block + ENTRY_BYTES + channels.sum::<usize>()
    }
}

/// The window. One writer appends committed entries in order; readers ask what follows their cursor.
///
/// # Example
/// ```
/// use bytes::Bytes;
/// use protocol::*;
///
/// let epoch = Epoch::new("e")?;
/// let mut history = History::new(epoch.clone(), Limits::default());
/// let channel = Channel::user("42")?;
/// history.append(Entry {
///     id: epoch.at(1),
///     channels: channel.clone().into(),
///     at: Time::from_millis(0),
///     payload: Payload::Event {
///         block: Bytes::from_static(b"id: e-1\ndata: {}\n\n").into(),
///         delivery: Delivery::Durable,
///     },
/// })?;
/// let covered = [Covered::from_the_beginning(channel)];
/// let query = Query { cursor: 0, covered: &covered, replay_until: 0, rights_at: 0, generation: 0, budget: 65_536 };
/// let Read::Batch(batch) = history.after(&query) else { panic!("nothing is missing") };
/// assert_eq!((batch.frames.len(), batch.position), (1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct History {
    limits: Limits,
    /// In order of sequence, oldest first.
    entries: VecDeque<Entry>,
    bytes: usize,
    /// Per channel the sequences of its entries, oldest first; a channel without entries has none.
    index: HashMap<Channel, VecDeque<u64>>,
    floors: Floors,
    /// The highest notice that was trimmed: who knew its rights before it must ask again.
    notice_floor: u64,
    epoch: Epoch,
    /// Epochs before this one, oldest first, and the sequence at which each ended.
    ended: VecDeque<(Epoch, u64)>,
    head: u64,
    generation: u64,
}

/// Where a cursor stands in this history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Located {
    /// At this sequence.
    At(u64),
    /// Beyond the head of the current epoch: another instance may know more.
    Ahead,
    /// Beyond the end of its epoch: what it stood at was lost.
    Lost,
    /// Of an epoch this history has not heard of.
    UnknownEpoch,
}

impl History {
    /// An empty history at sequence 0.
    pub fn new(epoch: Epoch, limits: Limits) -> Self {
        Self::resume(epoch, 0, [], limits)
    }

    /// A history that begins where a store's window begins: everything up to `floor` has been removed there.
    /// The window's entries are then appended, older epochs' entries with their own ids.
    pub fn resume(
        epoch: Epoch,
        floor: u64,
        ended: impl IntoIterator<Item = (Epoch, u64)>,
        limits: Limits,
    ) -> Self {
        let mut history = Self {
            limits,
            entries: VecDeque::new(),
            bytes: 0,
            index: HashMap::new(),
            floors: Floors::new(floor),
            notice_floor: 0,
            epoch,
            ended: VecDeque::new(),
            head: floor,
            generation: 0,
        };
        for (epoch, end) in ended {
            history.remember(epoch, end);
        }
        history
    }

    /// Appends the next committed entry and trims what the bounds no longer hold.
    ///
    /// # Errors
    /// [`AppendError`] when the entry does not follow the head: the follower that feeds this is broken.
    pub fn append(&mut self, entry: Entry) -> Result<(), AppendError> {
        let sequence = entry.id.sequence();
        if sequence <= self.head {
            return Err(AppendError { sequence, head: self.head });
        }
        for channel in &entry.channels {
            match self.index.get_mut(channel) {
                Some(sequences) => sequences.push_back(sequence),
                None => {
                    self.index.insert(channel.clone(), VecDeque::from([sequence]));
                }
            }
        }
        let now = entry.at;
        self.head = sequence;
        self.bytes += entry.bytes();
        self.entries.push_back(entry);
        self.trim(now);
        Ok(())
    }

    /// Moves the head to `sequence` where the store counted further than its entries reach.
    pub fn advance(&mut self, sequence: u64) {
        self.head = self.head.max(sequence);
    }

    /// Drops what is older than the window.
    pub fn trim(&mut self, now: Time) {
        while let Some(oldest) = self.entries.front()
            && (self.entries.len() > self.limits.count
                || self.bytes > self.limits.bytes
                || now.since(oldest.at) > self.limits.age)
        {
            self.drop_oldest();
        }
    }

    /// A new run of the writer goes on where this epoch ends.
    pub fn succeed(&mut self, epoch: Epoch) {
        let ended = std::mem::replace(&mut self.epoch, epoch);
        self.remember(ended, self.head);
    }

    /// The log turned out to be another one: forgets every entry and goes on after `head`. Readers of the
    /// generation before get [`Read::Restarted`].
    pub fn restart(&mut self, epoch: Epoch, head: u64, ended: impl IntoIterator<Item = (Epoch, u64)>) {
        let generation = self.generation + 1;
        *self = Self { generation, ..Self::resume(epoch, head, ended, self.limits) };
        self.notice_floor = head;
    }

    /// Where a client stands that has seen everything: the current epoch and its head.
    pub fn head(&self) -> EventId {
        self.id_at(self.head)
    }

    /// A position as a cursor.
    pub fn id_at(&self, sequence: u64) -> EventId {
        self.epoch.at(sequence)
    }

    /// The current epoch.
    pub const fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// Rises with each [`History::restart`].
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Entries held.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no entry is held.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes held, as [`Limits::bytes`] counts them.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Finds the place of a cursor.
    pub fn locate(&self, cursor: &EventId) -> Located {
        let sequence = cursor.sequence();
        if *cursor.epoch() == self.epoch {
            return if sequence <= self.head { Located::At(sequence) } else { Located::Ahead };
        }
        match self.ended.iter().rev().find(|(epoch, _)| epoch == cursor.epoch()) {
            Some((_, end)) if sequence <= *end => Located::At(sequence),
            Some(_) => Located::Lost,
            None => Located::UnknownEpoch,
        }
    }

    fn remember(&mut self, epoch: Epoch, end: u64) {
        if self.ended.len() == EPOCHS_KEPT {
            self.ended.pop_front();
        }
        self.ended.push_back((epoch, end));
    }

    fn drop_oldest(&mut self) {
        let Some(entry) = self.entries.pop_front() else { return };
        self.bytes -= entry.bytes();
        let sequence = entry.id.sequence();
        let durable = match entry.payload {
            Payload::Event { delivery, .. } => delivery == Delivery::Durable,
            Payload::Notice(_) => {
                self.notice_floor = sequence;
                false
            }
            Payload::Past => false,
        };
        for channel in &entry.channels {
            if let Some(sequences) = self.index.get_mut(channel) {
                sequences.pop_front();
                if sequences.is_empty() {
                    self.index.remove(channel);
                }
            }
            if durable {
                self.floors.raise(channel, sequence);
            }
        }
    }
}

/// An entry that does not follow the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("entry {sequence} does not follow the head {head}")]
pub struct AppendError {
    /// The entry's sequence.
    pub sequence: u64,
    /// The history's.
    pub head: u64,
}
