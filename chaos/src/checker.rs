//! Compares what each client got with what it should have got.
//!
//! A function of the list of sends and the clients' logs alone: it asks nobody, and is tried with logs in which one
//! event is lost, repeated, moved or somebody else's.

use std::collections::{BTreeMap, HashMap, HashSet};

use protocol::{Epoch, EventId, ResyncReason};

use crate::{
    journal::{Entry, Journal},
    ledger::{Outcome, Send},
    population::Population,
};

/// Examples that a verdict keeps: the first few say what is wrong, the rest repeats it.
const EXAMPLES_MAX: usize = 12;

/// All that a verdict depends on.
#[derive(Debug)]
pub(crate) struct Evidence<'a> {
    pub(crate) population: &'a Population,
    pub(crate) sends: &'a [Send],
    pub(crate) journals: &'a [Journal],
    /// The store outlives its server, so that sequences go on over restarts and no gap is excused.
    pub(crate) durable: bool,
}

/// What was found. Everything but `delivered`, `unacknowledged_seen` and, where the store is not durable, `gaps` must
/// be nothing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) delivered: u64,
    /// Sends without an answer that clients got all the same, once each.
    pub(crate) unacknowledged_seen: u64,
    /// Gaps said after the first hello.
    pub(crate) gaps: u64,
    /// Gaps that nothing explains.
    pub(crate) needless_gaps: u64,
    pub(crate) lost: u64,
    pub(crate) duplicated: u64,
    pub(crate) reordered: u64,
    /// For somebody else, or never sent.
    pub(crate) foreign: u64,
    /// Anything else that no client should see.
    pub(crate) strange: u64,
    pub(crate) examples: Vec<String>,
}

/// A place in the one order of all sends: the run among those whose sequences begin anew, and the sequence.
type Place = (usize, u64);

impl Verdict {
    pub(crate) fn is_clean(&self) -> bool {
        self.faults() == 0
    }

    fn faults(&self) -> u64 {
        let Self { needless_gaps, lost, duplicated, reordered, foreign, strange, .. } = self;
        needless_gaps + lost + duplicated + reordered + foreign + strange
    }

    fn note(&mut self, example: impl FnOnce() -> String) {
        if self.examples.len() < EXAMPLES_MAX {
            self.examples.push(example());
        }
    }
}

impl Evidence<'_> {
    pub(crate) fn judge(&self) -> Verdict {
        let places = self.places();
        let mut due: BTreeMap<Place, u64> = BTreeMap::new();
        due.extend(places.iter().map(|(number, place)| (*place, *number)));
        let mut verdict = Verdict::default();
        for (client, journal) in self.journals.iter().enumerate() {
            self.judge_one(client, journal, &places, &due, &mut verdict);
        }
        let unacknowledged =
            |number: &&u64| self.send(**number).is_some_and(|send| send.outcome == Outcome::Unknown);
        verdict.unacknowledged_seen = places.keys().filter(unacknowledged).count() as u64;
        verdict
    }

    fn judge_one(
        &self,
        client: usize,
        journal: &Journal,
        places: &HashMap<u64, Place>,
        due: &BTreeMap<Place, u64>,
        verdict: &mut Verdict,
    ) {
        let is_due = |number: u64| self.is_for(number, journal.user);
        let mut due = due.iter().filter(|(_, number)| is_due(**number)).peekable();
        let mut seen = HashSet::new();
        let mut missed = HashSet::new();
        let mut last: Option<Place> = None;
        let mut excused = false;
        for strange in &journal.strange {
            verdict.strange += 1;
            verdict.note(|| format!("client {client}: {strange}"));
        }
        for (index, entry) in journal.entries.iter().enumerate() {
            let (number, id) = match entry {
                // What is sent after the first hello is due, so it excuses nothing.
                Entry::Gap(ResyncReason::Initial) if index == 0 => continue,
                Entry::Gap(reason) => {
                    excused = true;
                    verdict.gaps += 1;
                    if self.durable {
                        verdict.needless_gaps += 1;
                        verdict.note(|| format!("client {client} was told a gap: {}", reason.as_str()));
                    }
                    continue;
                }
                Entry::Event { number, id, .. } => (*number, id),
            };
            let Some(place) = places.get(&number).copied().filter(|_| is_due(number)) else {
                verdict.foreign += 1;
                verdict.note(|| format!("client {client} got {number} ({id}), which is not for it"));
                continue;
            };
            if !seen.insert(number) || place.1 != id.sequence() {
                verdict.duplicated += 1;
                verdict.note(|| format!("client {client} got {number} again, as {id}"));
                continue;
            }
            verdict.delivered += 1;
            if last.is_some_and(|last| place < last) {
                missed.remove(&number);
                verdict.reordered += 1;
                verdict.note(|| format!("client {client} got {number} ({id}) after {last:?}"));
                continue;
            }
            while let Some((_, passed)) = due.next_if(|(due, _)| **due < place) {
                if !excused {
                    missed.insert(*passed);
                }
            }
            due.next_if(|(due, _)| **due == place);
            last = Some(place);
            excused = false;
        }
        if !excused {
            missed.extend(due.map(|(_, number)| *number));
        }
        verdict.lost += missed.len() as u64;
        for number in missed {
            verdict.note(|| {
                let place = places.get(&number);
                format!(
                    "client {client} never got {number} ({place:?}), and no gap was said: {}",
                    self.around(journal, place)
                )
            });
        }
    }

    /// What the client had just before and after a place, for whoever looks for the cause.
    fn around(&self, journal: &Journal, place: Option<&Place>) -> String {
        let Some((_, sequence)) = place else { return String::new() };
        let events = || {
            journal.entries.iter().filter_map(|entry| match entry {
                Entry::Event { id, at_ms, .. } => Some((id.sequence(), *at_ms)),
                Entry::Gap(_) => None,
            })
        };
        let before = events().filter(|(at, _)| at < sequence).max();
        let after = events().filter(|(at, _)| at > sequence).min();
        let (from, to) = (before.map_or(0, |event| event.1), after.map_or(u64::MAX, |event| event.1));
        let online: Vec<_> = journal.online_ms.iter().filter(|ms| (from..=to).contains(ms)).collect();
        format!("it got {before:?}, then {after:?} (sequence, ms), and came online at {online:?}")
    }

    fn send(&self, number: u64) -> Option<&Send> {
        self.sends.get(usize::try_from(number).ok()?)
    }

    fn is_for(&self, number: u64, user: usize) -> bool {
        self.send(number).is_some_and(|send| self.population.includes(&send.audience, user))
    }

    /// Where each send stands that is known to be committed: it was acknowledged, or a client got it.
    fn places(&self) -> HashMap<u64, Place> {
        let runs = self.runs();
        let place = |id: &EventId| (runs.get(id.epoch()).copied().unwrap_or(0), id.sequence());
        let mut places = HashMap::new();
        for (number, send) in (0..).zip(self.sends) {
            if let Outcome::Acknowledged { id, .. } = &send.outcome {
                places.insert(number, place(id));
            }
        }
        for entry in self.journals.iter().flat_map(|journal| &journal.entries) {
            let Entry::Event { number, id, .. } = entry else { continue };
            if self.send(*number).is_some_and(|send| send.outcome == Outcome::Unknown) {
                places.entry(*number).or_insert_with(|| place(id));
            }
        }
        places
    }

    /// The runs whose sequences begin anew, in their order: one where the store goes on counting.
    fn runs(&self) -> HashMap<Epoch, usize> {
        if self.durable {
            return HashMap::new();
        }
        let acknowledged = self.sends.iter().filter_map(|send| match &send.outcome {
            Outcome::Acknowledged { id, at_ms } => Some((id.epoch(), *at_ms)),
            _ => None,
        });
        let entries = self.journals.iter().flat_map(|journal| &journal.entries);
        let got = entries.filter_map(|entry| match entry {
            Entry::Event { id, at_ms, .. } => Some((id.epoch(), *at_ms)),
            Entry::Gap(_) => None,
        });
        let mut first: HashMap<&Epoch, u64> = HashMap::new();
        for (epoch, at_ms) in acknowledged.chain(got) {
            first.entry(epoch).and_modify(|first| *first = at_ms.min(*first)).or_insert(at_ms);
        }
        let mut runs: Vec<_> = first.into_iter().collect();
        runs.sort_by_key(|(_, at_ms)| *at_ms);
        runs.into_iter().enumerate().map(|(rank, (epoch, _))| (epoch.clone(), rank)).collect()
    }
}

#[cfg(test)]
mod tests;
