//! The history against a plain list of all that was ever appended, under random scripts; and its edges by name.

#[path = "support/history_model.rs"]
mod history_model;

use std::time::Duration;

use bytes::Bytes;
use proptest::{collection::vec, prelude::*};
use protocol::{
    Batch, Channel, Covered, Delivery, Entry, Epoch, EventId, History, Limits, Located, Notice, Payload,
    Query, Read, Time,
};

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_it_answers_a_plain_list_explains(script in vec(any::<u8>(), 0..600)) {
        history_model::run(&script);
    }
}

fn epoch() -> Epoch {
    Epoch::new("now").expect("a literal of this test")
}

fn user(name: &str) -> Channel {
    Channel::user(name).expect("a literal of this test")
}

fn event(id: EventId, channel: &Channel) -> Entry {
    let frame = Bytes::from(format!("id: {id}\ndata: {{}}\n\n"));
    let payload = Payload::Event { block: frame.into(), delivery: Delivery::Durable };
    Entry { id, channels: channel.clone().into(), at: Time::from_millis(0), payload }
}

fn live_only(id: EventId, channel: &Channel) -> Entry {
    let payload =
        Payload::Event { block: Bytes::from_static(b"data: now\n\n").into(), delivery: Delivery::LiveOnly };
    Entry { payload, ..event(id, channel) }
}

fn reauthorize(id: EventId, name: &str) -> Entry {
    let payload = Payload::Notice(Notice::Reauthorize { user: name.to_owned() });
    Entry { payload, ..event(id, &user(name)) }
}

/// Everything behind `cursor` for a user who was always there.
fn ask(history: &History, cursor: u64, channel: &Channel) -> Read {
    let covered = [Covered::from_the_beginning(channel.clone())];
    history.after(&Query {
        cursor,
        covered: &covered,
        replay_until: 0,
        rights_at: history.head().sequence(),
        generation: history.generation(),
        budget: 65_536,
    })
}

fn batch(read: Read) -> Batch {
    match read {
        Read::Batch(batch) => batch,
        other => panic!("expected a batch, got {other:?}"),
    }
}

#[track_caller]
fn append(history: &mut History, entry: Entry) {
    history.append(entry).expect("follows the head");
}

#[test]
fn a_reader_ahead_of_the_head_is_not_sent_back() {
    let mut history = History::new(epoch(), Limits::default());
    append(&mut history, event(epoch().at(1), &user("a")));
    let read = batch(ask(&history, 9, &user("a")));
    assert_eq!((read.position, read.frames.len(), read.more), (9, 0, false));
}

#[test]
fn a_window_loaded_from_a_store_goes_on_where_it_began() {
    let old = Epoch::new("old").expect("a literal of this test");
    let mut history = History::resume(epoch(), 10, [(old.clone(), 13)], Limits::default());
    assert!(history.append(event(old.at(10), &user("a"))).is_err(), "that one is below the floor");
    for sequence in 11..=12 {
        append(&mut history, event(old.at(sequence), &user("a")));
    }
    history.advance(13);
    append(&mut history, event(epoch().at(14), &user("a")));
    assert_eq!(history.locate(&old.at(11)), Located::At(11));
    assert_eq!(history.locate(&old.at(13)), Located::At(13));
    assert_eq!(history.locate(&old.at(14)), Located::Lost, "it stood at what the store does not have");
    assert_eq!(history.locate(&epoch().at(15)), Located::Ahead);
    assert_eq!(ask(&history, 9, &user("a")), Read::BelowFloor);
    assert_eq!(ask(&history, 9, &user("never seen")), Read::BelowFloor, "nobody knows what was removed");
    let read = batch(ask(&history, 11, &user("a")));
    assert_eq!((read.frames.len(), read.position), (2, 14));
    assert!(read.frames[0].starts_with(b"id: old-12\n") && read.frames[1].starts_with(b"id: now-14\n"));
}

#[test]
fn only_the_channels_that_lost_something_are_below_their_floor() {
    let mut history = History::new(epoch(), Limits { count: 1, ..Limits::default() });
    append(&mut history, event(epoch().at(1), &user("a")));
    append(&mut history, event(epoch().at(2), &user("b")));
    assert_eq!(ask(&history, 0, &user("a")), Read::BelowFloor);
    assert_eq!(batch(ask(&history, 0, &user("b"))).frames.len(), 1);
    assert_eq!(batch(ask(&history, 0, &user("c"))).position, 2);
    assert_eq!(batch(ask(&history, 1, &user("a"))).position, 2, "a cursor at the floor missed nothing");
}

#[test]
fn live_only_events_leave_no_floor_and_are_not_replayed() {
    let mut history = History::new(epoch(), Limits { count: 1, ..Limits::default() });
    append(&mut history, live_only(epoch().at(1), &user("a")));
    append(&mut history, live_only(epoch().at(2), &user("a")));
    assert_eq!(batch(ask(&history, 0, &user("a"))).frames.len(), 1);
    let covered = [Covered::from_the_beginning(user("a"))];
    let query =
        Query { cursor: 0, covered: &covered, replay_until: 2, rights_at: 2, generation: 0, budget: 65_536 };
    let read = batch(history.after(&query));
    assert_eq!((read.frames.len(), read.position), (0, 2));
    let query = Query { replay_until: 1, ..query };
    assert_eq!(batch(history.after(&query)).frames.len(), 1);
}

#[test]
fn a_group_is_replayed_from_its_grant_on() {
    let group = Channel::group("g").expect("a literal of this test");
    let mut history = History::new(epoch(), Limits::default());
    for sequence in 1..=4 {
        append(&mut history, event(epoch().at(sequence), &group));
    }
    let covered = [Covered { channel: group, from: 3 }];
    let query =
        Query { cursor: 1, covered: &covered, replay_until: 0, rights_at: 4, generation: 0, budget: 65_536 };
    let read = batch(history.after(&query));
    assert_eq!(read.frames.len(), 1);
    assert!(read.frames[0].starts_with(b"id: now-4\n"));
}

#[test]
fn nothing_is_written_beyond_a_notice_until_the_rights_are_known() {
    let mut history = History::new(epoch(), Limits::default());
    append(&mut history, event(epoch().at(1), &user("a")));
    append(&mut history, reauthorize(epoch().at(2), "a"));
    append(&mut history, event(epoch().at(3), &user("a")));
    let covered = [Covered::from_the_beginning(user("a"))];
    let query =
        Query { cursor: 0, covered: &covered, replay_until: 0, rights_at: 0, generation: 0, budget: 65_536 };
    let read = batch(history.after(&query));
    assert_eq!((read.frames.len(), read.position), (1, 1));
    assert_eq!(read.notice, Some(Notice::Reauthorize { user: "a".to_owned() }));
    let read = batch(history.after(&Query { cursor: 1, rights_at: 2, ..query }));
    assert_eq!((read.frames.len(), read.position, read.notice), (1, 3, None));
}

#[test]
fn a_notice_that_was_trimmed_makes_the_rights_of_all_who_knew_less_unknown() {
    let mut history = History::new(epoch(), Limits { count: 1, ..Limits::default() });
    append(&mut history, reauthorize(epoch().at(1), "a"));
    append(&mut history, live_only(epoch().at(2), &user("a")));
    let covered = [Covered::from_the_beginning(user("a"))];
    let query =
        Query { cursor: 0, covered: &covered, replay_until: 0, rights_at: 0, generation: 0, budget: 65_536 };
    assert_eq!(history.after(&query), Read::RightsUnknown);
    assert_eq!(batch(history.after(&Query { rights_at: 1, ..query })).position, 2);
}

#[test]
fn a_restart_is_told_to_every_reader_of_the_log_before() {
    let mut history = History::new(epoch(), Limits::default());
    append(&mut history, event(epoch().at(1), &user("a")));
    let covered = [Covered::from_the_beginning(user("a"))];
    let before =
        Query { cursor: 1, covered: &covered, replay_until: 0, rights_at: 1, generation: 0, budget: 65_536 };
    let other = Epoch::new("other").expect("a literal of this test");
    history.restart(other.clone(), 5, []);
    assert_eq!(history.after(&before), Read::Restarted);
    assert_eq!(history.locate(&epoch().at(1)), Located::UnknownEpoch);
    append(&mut history, event(other.at(6), &user("a")));
    assert_eq!(ask(&history, 4, &user("a")), Read::BelowFloor);
    assert_eq!(batch(ask(&history, 5, &user("a"))).frames.len(), 1);
}

#[test]
fn a_frame_larger_than_any_budget_is_given_alone() {
    let mut history = History::new(epoch(), Limits::default());
    for sequence in 1..=3 {
        append(&mut history, event(epoch().at(sequence), &user("a")));
    }
    let covered = [Covered::from_the_beginning(user("a"))];
    let query =
        Query { cursor: 0, covered: &covered, replay_until: 0, rights_at: 3, generation: 0, budget: 0 };
    let read = batch(history.after(&query));
    assert_eq!((read.frames.len(), read.position, read.more), (1, 1, true));
}

#[test]
fn an_event_too_large_for_the_window_is_a_gap_and_not_a_loss() {
    let mut history = History::new(epoch(), Limits { bytes: 10, ..Limits::default() });
    append(&mut history, event(epoch().at(1), &user("a")));
    assert!(history.is_empty());
    assert_eq!(ask(&history, 0, &user("a")), Read::BelowFloor);
}

#[test]
fn age_is_measured_from_the_newest_entry_or_a_trim() {
    let limits = Limits { age: Duration::from_millis(10), ..Limits::default() };
    let mut history = History::new(epoch(), limits);
    append(&mut history, event(epoch().at(1), &user("a")));
    history.trim(Time::from_millis(10));
    assert_eq!(history.len(), 1, "ten is not more than ten");
    append(&mut history, Entry { at: Time::from_millis(11), ..event(epoch().at(2), &user("a")) });
    assert_eq!(history.len(), 1);
    history.trim(Time::from_millis(22));
    assert!(history.is_empty() && history.bytes() == 0);
}

#[test]
fn the_oldest_of_more_than_a_thousand_epochs_is_forgotten() {
    let numbered = |n: u32| Epoch::new(&format!("e{n}")).expect("a letter and digits");
    let mut history = History::new(numbered(0), Limits::default());
    for n in 1..=1_024 {
        history.succeed(numbered(n));
    }
    assert_eq!(history.locate(&numbered(0).at(0)), Located::At(0));
    history.succeed(numbered(1_025));
    assert_eq!(history.locate(&numbered(0).at(0)), Located::UnknownEpoch);
    assert_eq!(history.locate(&numbered(1).at(0)), Located::At(0));
}
