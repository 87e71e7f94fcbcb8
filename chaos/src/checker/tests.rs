//! Logs in which one thing is wrong, so that the checker is seen to fail.

use super::*;
use crate::population::Audience;

/// Ten sends to everyone, the third without an answer.
struct Story {
    population: Population,
    sends: Vec<Send>,
    journals: Vec<Journal>,
    durable: bool,
}

fn id(epoch: &str, sequence: u64) -> EventId {
    Epoch::new(epoch).expect("a token").at(sequence)
}

fn acknowledged(epoch: &str, sequence: u64, at_ms: u64) -> Send {
    let outcome = Outcome::Acknowledged { id: id(epoch, sequence), at_ms };
    Send { audience: Audience::everyone(), outcome }
}

fn event(number: u64, epoch: &str, sequence: u64, at_ms: u64) -> Entry {
    Entry::Event { number, id: id(epoch, sequence), at_ms }
}

impl Story {
    /// In which everybody gets everything, on two runs of one durable store.
    fn well() -> Self {
        let population = Population::of(5);
        let epoch = |number| if number < 5 { "a" } else { "b" };
        let sends = (0..10).map(|number| acknowledged(epoch(number), number + 1, number)).collect();
        let entries: Vec<_> = std::iter::once(Entry::Gap(ResyncReason::Initial))
            .chain((0..10).map(|number| event(number, epoch(number), number + 1, number)))
            .collect();
        let journals = (0..5)
            .map(|client| Journal { entries: entries.clone(), ..Journal::of(population.user_of(client)) })
            .collect();
        Self { population, sends, journals, durable: true }
    }

    fn verdict(&self) -> Verdict {
        let Self { population, sends, journals, durable } = self;
        Evidence { population, sends, journals, durable: *durable }.judge()
    }

    /// The log of one client, to be falsified.
    fn entries(&mut self) -> &mut Vec<Entry> {
        &mut self.journals[3].entries
    }
}

/// The faults of a verdict in the order lost, duplicated, reordered, foreign, needless gaps.
fn faults(verdict: &Verdict) -> [u64; 5] {
    let Verdict { lost, duplicated, reordered, foreign, needless_gaps, .. } = *verdict;
    [lost, duplicated, reordered, foreign, needless_gaps]
}

#[test]
fn a_run_in_which_everybody_got_everything_is_clean() {
    let verdict = Story::well().verdict();
    assert_eq!(faults(&verdict), [0; 5], "{verdict:?}");
    assert!(verdict.is_clean());
    assert_eq!(verdict.delivered, 50);
}

#[test]
fn one_event_lost_is_found() {
    for index in [1, 5, 10] {
        let mut story = Story::well();
        story.entries().remove(index);
        let verdict = story.verdict();
        assert_eq!(faults(&verdict), [1, 0, 0, 0, 0], "entry {index}: {verdict:?}");
        assert!(!verdict.is_clean() && verdict.examples.len() == 1);
    }
}

#[test]
fn one_event_duplicated_is_found() {
    for (copy, to) in [(4, 5), (4, 9), (10, 11)] {
        let mut story = Story::well();
        let again = story.entries()[copy].clone();
        story.entries().insert(to, again);
        let verdict = story.verdict();
        assert_eq!(faults(&verdict), [0, 1, 0, 0, 0], "{copy} at {to}: {verdict:?}");
    }
    let mut story = Story::well();
    story.entries().push(event(2, "b", 11, 20));
    assert_eq!(faults(&story.verdict()), [0, 1, 0, 0, 0], "one send under two ids");
}

#[test]
fn one_event_reordered_is_found() {
    let mut story = Story::well();
    story.entries().swap(4, 5);
    assert_eq!(faults(&story.verdict()), [0, 0, 1, 0, 0]);
}

#[test]
fn one_foreign_event_is_found() {
    let mut story = Story::well();
    story.sends[4].audience = Audience { users: vec![0], ..Audience::default() };
    for journal in &mut story.journals {
        if journal.user != 0 {
            journal.entries.remove(5);
        }
    }
    assert!(story.verdict().is_clean());
    let stranger = story.journals.iter_mut().find(|journal| journal.user == 1).expect("two users");
    stranger.entries.insert(5, event(4, "a", 5, 4));
    assert_eq!(faults(&story.verdict()), [0, 0, 0, 1, 0]);
}

#[test]
fn an_event_that_was_never_sent_is_foreign() {
    let mut story = Story::well();
    story.entries().push(event(99, "b", 11, 20));
    assert_eq!(faults(&story.verdict()), [0, 0, 0, 1, 0]);
    let mut story = Story::well();
    story.sends[9].outcome = Outcome::NotSent;
    assert_eq!(faults(&story.verdict()), [0, 0, 0, 5, 0]);
}

#[test]
fn a_send_without_an_answer_may_come_to_all_or_to_nobody() {
    let mut story = Story::well();
    story.sends[2].outcome = Outcome::Unknown;
    let verdict = story.verdict();
    assert!(verdict.is_clean());
    assert_eq!(verdict.unacknowledged_seen, 1);
    story.entries().remove(3);
    assert_eq!(faults(&story.verdict()), [1, 0, 0, 0, 0], "to all but one");
    for journal in &mut story.journals {
        journal.entries.retain(|entry| !matches!(entry, Entry::Event { number: 2, .. }));
    }
    assert!(story.verdict().is_clean(), "to nobody");
}

#[test]
fn a_gap_excuses_what_is_missing_before_anything_newer_and_nothing_else() {
    let lost_after = |gap: Option<usize>| {
        let mut story = Story::well();
        story.durable = false;
        // One order all the same: the epochs are ranked by when they were seen first.
        story.entries().remove(5);
        if let Some(gap) = gap {
            story.entries().insert(gap, Entry::Gap(ResyncReason::Epoch));
        }
        story.verdict().lost
    };
    assert_eq!(lost_after(None), 1);
    assert_eq!(lost_after(Some(5)), 0, "before the next event");
    assert_eq!(lost_after(Some(4)), 1, "before an older event");
    assert_eq!(lost_after(Some(6)), 1, "after something newer");
}

#[test]
fn a_gap_of_a_durable_store_is_a_fault_of_its_own() {
    let mut story = Story::well();
    story.entries().insert(5, Entry::Gap(ResyncReason::Retention));
    let verdict = story.verdict();
    assert_eq!((faults(&verdict), verdict.gaps), ([0, 0, 0, 0, 1], 1));
    story.durable = false;
    let verdict = story.verdict();
    assert_eq!((faults(&verdict), verdict.gaps), ([0, 0, 0, 0, 0], 1));
}

#[test]
fn sequences_that_begin_anew_are_told_apart_by_their_epochs() {
    let mut story = Story::well();
    story.durable = false;
    let place = |number: u64| if number < 5 { ("a", number + 1) } else { ("b", number - 4) };
    for (number, send) in (0..).zip(&mut story.sends) {
        let (epoch, sequence) = place(number);
        *send = acknowledged(epoch, sequence, number);
    }
    for journal in &mut story.journals {
        for entry in &mut journal.entries {
            if let Entry::Event { number, id: at, .. } = entry {
                let (epoch, sequence) = place(*number);
                *at = id(epoch, sequence);
            }
        }
        journal.entries.insert(6, Entry::Gap(ResyncReason::Epoch));
    }
    let verdict = story.verdict();
    assert!(verdict.is_clean(), "{verdict:?}");
    assert_eq!(verdict.gaps, 5);
}
