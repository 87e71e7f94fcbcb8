//! Blocks that a stream has read and not handed out yet: a batch at most, and what time has added.

use std::collections::VecDeque;

use bytes::Bytes;

/// hyper gives its socket up to 16 pieces in one write. More than half as many blocks that wait together are
/// handed out as one piece, which copies them (64 KiB at most) and saves the writes and the chunks.
const PIECES_MAX: usize = 8;

/// One block of the stream, to be handed out.
#[derive(Debug)]
pub(crate) enum Block {
    Event(Bytes),
    Control(Bytes),
    /// Written when it is handed out, so that it counts what was handed out before it.
    Heartbeat,
}

/// The blocks of one stream. Mostly there is none, or one, which needs no list.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    first: Option<Block>,
    /// Allocated only while there are more.
    rest: VecDeque<Block>,
    /// App events handed out since hello.
    sent: u64,
}

impl Waiting {
    pub(crate) fn push(&mut self, block: Block) {
        if self.first.is_none() {
            self.first = Some(block);
        } else {
            self.rest.push_back(block);
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Takes all of `frames`, and leaves the room.
    pub(crate) fn take(&mut self, frames: &mut Vec<Bytes>) {
        if frames.len() > 1 {
            self.rest.reserve(frames.len() - 1);
        }
        frames.drain(..).for_each(|frame| self.push(Block::Event(frame)));
    }

    /// What is handed out next: the shared bytes of one block, or many small ones as a whole. `heartbeat`
    /// writes one, given the count of app events before it.
    pub(crate) fn next(&mut self, heartbeat: impl Fn(u64) -> Bytes) -> Option<Bytes> {
        if self.rest.len() < PIECES_MAX {
            return self.next_block(&heartbeat);
        }
        let blocks = self.first.iter().chain(&self.rest);
        let mut joined = Vec::with_capacity(blocks.map(Block::len).sum());
        while let Some(block) = self.next_block(&heartbeat) {
            joined.extend_from_slice(&block);
        }
        Some(joined.into())
    }

    fn next_block(&mut self, heartbeat: impl Fn(u64) -> Bytes) -> Option<Bytes> {
        let block = self.first.take()?;
        if self.rest.capacity() > 0 {
            self.first = self.rest.pop_front();
            if self.rest.is_empty() {
                self.rest = VecDeque::new();
            }
        }
        Some(match block {
            Block::Control(block) => block,
            Block::Event(block) => {
                self.sent += 1;
                block
            }
            Block::Heartbeat => heartbeat(self.sent),
        })
    }
}

impl Block {
    /// Its bytes; of a heartbeat about as many.
    fn len(&self) -> usize {
        match self {
            Self::Event(bytes) | Self::Control(bytes) => bytes.len(),
            Self::Heartbeat => 192,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heartbeat_counts_what_was_handed_out_before_it_joined_or_not() {
        let heartbeat = |sent: u64| Bytes::from(format!("[{sent}]"));
        for (count, expected) in [(2, ["a", "a", "[2]", "a"].as_slice()), (9, &["aaaaaaaaa[9]a"])] {
            let mut waiting = Waiting::default();
            waiting.take(&mut vec![Bytes::from_static(b"a"); count]);
            waiting.push(Block::Heartbeat);
            waiting.push(Block::Event(Bytes::from_static(b"a")));
            let handed: Vec<_> = std::iter::from_fn(|| waiting.next(heartbeat)).collect();
            assert_eq!(handed, expected);
        }
    }
}
