//! A key makes a send happen once.

use std::time::Duration;

use tidings_server::{StoreError, protocol::Limits, store::Opening};

use crate::{
    place::{Durable, Place},
    run::{Run, eventually, key, opening, said},
};

pub(crate) async fn the_same_key_sends_once<P: Place>() {
    let place = P::fresh().await;
    let run = Run::open(&place).await;
    let drafts = || vec![said("1"), said("2")];
    let first = run.append(drafts(), Some(key("k", "12"))).await.expect("sent");
    run.say("3").await;
    let again = run.append(drafts(), Some(key("k", "12"))).await.expect("known");
    assert_eq!((first.duplicate, again.duplicate), (false, true));
    assert_eq!((&first.ids, first.ids.len()), (&again.ids, 2));
    assert_eq!(run.watcher.seen.lock().texts(), ["1", "2", "3"]);
}

pub(crate) async fn another_event_under_a_key_is_a_conflict_and_sends_nothing<P: Place>() {
    let place = P::fresh().await;
    let run = Run::open(&place).await;
    run.append(vec![said("1")], Some(key("k", "1"))).await.expect("sent");
    let refused = run.append(vec![said("2")], Some(key("k", "2"))).await;
    assert!(matches!(refused, Err(StoreError::KeyConflict)), "{refused:?}");
    assert_eq!(run.watcher.seen.lock().texts(), ["1"]);
}

pub(crate) async fn keys_that_race_send_once<P: Place>() {
    let place = P::fresh().await;
    let run = Run::open(&place).await;
    let sends: Vec<_> = (0..12).map(|_| run.spawn(vec![said("1")], Some(key("k", "1")))).collect();
    let mut firsts = 0;
    for send in sends {
        let appended = send.await.expect("it ran").expect("sent");
        assert_eq!(appended.ids, [run.epoch.at(1)]);
        firsts += usize::from(!appended.duplicate);
    }
    assert_eq!(firsts, 1);
    assert_eq!(run.watcher.seen.lock().texts(), ["1"]);
}

pub(crate) async fn a_conflict_fails_no_other_send<P: Place>() {
    let place = P::fresh().await;
    let run = Run::open(&place).await;
    run.append(vec![said("1")], Some(key("k", "1"))).await.expect("sent");
    // Held back, so that all of these wait together.
    run.watcher.hold_back(2);
    let first = run.spawn(vec![said("2")], None);
    eventually("it is held back", async || run.watcher.waits()).await;
    let good: Vec<_> = (0..3).map(|n| run.spawn(vec![said(&n.to_string())], None)).collect();
    let bad = run.spawn(vec![said("no")], Some(key("k", "no")));
    let more: Vec<_> = (3..6).map(|n| run.spawn(vec![said(&n.to_string())], None)).collect();
    run.watcher.let_go();
    first.await.expect("it ran").expect("sent");
    for send in good.into_iter().chain(more) {
        send.await.expect("it ran").expect("sent");
    }
    let refused = bad.await.expect("it ran");
    assert!(matches!(refused, Err(StoreError::KeyConflict)), "{refused:?}");
    assert_eq!(run.watcher.seen.lock().sequences(), (1..=8).collect::<Vec<_>>());
}

pub(crate) async fn a_key_is_known_after_a_kill_between_commit_and_answer<P: Durable>() {
    let place = P::fresh().await;
    let run = Run::open(&place).await;
    run.watcher.hold_back(1);
    let unanswered = run.spawn(vec![said("1")], Some(key("k", "1")));
    eventually("it is committed", async || run.watcher.waits()).await;
    let id = run.epoch.at(1);
    unanswered.abort();
    run.watcher.let_go();
    run.kill();
    let run = Run::open(&place).await;
    let again = run.append(vec![said("1")], Some(key("k", "1"))).await.expect("known");
    assert_eq!((again.ids, again.duplicate), (vec![id], true));
    assert_eq!(run.watcher.seen.lock().texts(), ["1"]);
    let refused = run.append(vec![said("2")], Some(key("k", "2"))).await;
    assert!(matches!(refused, Err(StoreError::KeyConflict)), "{refused:?}");
}

pub(crate) async fn a_key_outlives_its_entries<P: Durable>() {
    let place = P::fresh().await;
    let limits = Limits { count: 3, ..Limits::default() };
    let run = Run::open_with(&place, Opening { limits, ..opening() }).await;
    let first = run.append(vec![said("1")], Some(key("k", "1"))).await.expect("sent");
    for n in 2..12 {
        run.say(&n.to_string()).await;
    }
    eventually("the first is removed", async || place.entries().await <= 3).await;
    let again = run.append(vec![said("1")], Some(key("k", "1"))).await.expect("known");
    assert_eq!((again.ids, again.duplicate), (first.ids, true));
}

pub(crate) async fn a_key_is_forgotten_after_five_minutes<P: Durable>() {
    let place = P::fresh().await;
    for (by, duplicate) in [(0, false), (280, true), (30, false)] {
        place.age(Duration::from_secs(by)).await;
        let run = Run::open(&place).await;
        let appended = run.append(vec![said("1")], Some(key("k", "1"))).await.expect("sent");
        assert_eq!(appended.duplicate, duplicate, "after {by} s more");
        run.close().await;
    }
}

pub(crate) async fn keys_are_bounded<P: Durable>() {
    let place = P::fresh().await;
    Run::open(&place).await.close().await;
    place.fill_keys(99_999).await;
    let run = Run::open(&place).await;
    run.append(vec![said("1")], Some(key("the last", "1"))).await.expect("sent");
    let refused = run.append(vec![said("2")], Some(key("one more", "2"))).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    run.say("without a key").await;
    let again = run.append(vec![said("1")], Some(key("the last", "1"))).await.expect("known");
    assert!(again.duplicate);
}
