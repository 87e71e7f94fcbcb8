//! What happened when: deliveries and reconnects per second of the run, and what was done meanwhile.

use crate::{
    faults::Fault,
    journal::{Entry, Journal},
    options::StoreKind,
};

/// A run, second by second.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    pub(crate) deliveries: Vec<u32>,
    pub(crate) reconnects: Vec<u32>,
    pub(crate) marks: Vec<(u64, Mark)>,
}

/// Something that was done at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// From here on with this store.
    Store(StoreKind),
    Storm,
    Calm,
    Fault(Fault),
}

impl Timeline {
    pub(crate) fn mark(&mut self, at_ms: u64, mark: Mark) {
        self.marks.push((at_ms, mark));
    }

    /// Adds what clients wrote down.
    pub(crate) fn add(&mut self, journals: &[Journal]) {
        for journal in journals {
            for entry in &journal.entries {
                if let Entry::Event { at_ms, .. } = entry {
                    count(&mut self.deliveries, *at_ms);
                }
            }
            for at_ms in journal.reconnects_ms() {
                count(&mut self.reconnects, at_ms);
            }
        }
    }

    pub(crate) fn seconds(&self) -> usize {
        let marks = self.marks.iter().map(|(at_ms, _)| second(*at_ms) + 1).max().unwrap_or(0);
        self.deliveries.len().max(self.reconnects.len()).max(marks)
    }
}

fn count(seconds: &mut Vec<u32>, at_ms: u64) {
    let second = second(at_ms);
    if seconds.len() <= second {
        seconds.resize(second + 1, 0);
    }
    seconds[second] += 1;
}

pub(crate) fn second(at_ms: u64) -> usize {
    usize::try_from(at_ms / 1_000).unwrap_or(usize::MAX)
}
