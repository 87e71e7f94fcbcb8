//! Where a client is continued from after whatever happened to the store.

use std::{collections::HashSet, time::Duration};

use tidings_server::{
    protocol::{Epoch, Limits, Payload},
    store::{Opening, Store},
};

use crate::{
    place::{Durable, Place},
    run::{Resumed, Run, eventually, opening, said, typing},
};

fn replayed(texts: impl IntoIterator<Item = u64>) -> Resumed {
    Resumed::Replayed(texts.into_iter().map(|n| n.to_string()).collect())
}

pub(crate) async fn a_cursor_ahead_of_the_log_is_not_covered<P: Place>() {
    let place = P::fresh().await;
    let run = Run::open(&place).await;
    run.count_to(3).await;
    assert_eq!(run.resume(&run.epoch.at(1)).await, replayed(2..=3));
    assert_eq!(run.resume(&run.epoch.at(3)).await, replayed([]));
    assert!(run.store.covers(&run.epoch.at(3)).await.expect("it knows"));
    assert_eq!(run.resume(&run.epoch.at(4)).await, Resumed::Epoch, "nobody has seen what is not there");
}

pub(crate) async fn a_cursor_of_an_epoch_nobody_knows_is_a_gap<P: Place>() {
    let place = P::fresh().await;
    let run = Run::open(&place).await;
    run.count_to(3).await;
    let stranger = Epoch::new("stranger").expect("an epoch");
    for sequence in [0, 2, u64::MAX] {
        assert_eq!(run.resume(&stranger.at(sequence)).await, Resumed::Epoch);
    }
}

pub(crate) async fn the_window_is_there_after_a_restart_under_its_own_ids<P: Durable>() {
    let place = P::fresh().await;
    let first = Run::open(&place).await;
    let mut ids = first.count_to(3).await;
    let frames = |run: &Run<P::Store>| {
        let seen = run.watcher.seen.lock();
        let frame = |payload: &Payload| match payload {
            Payload::Event { block, .. } => block.whole().clone(),
            other => panic!("an event, not {other:?}"),
        };
        seen.entries.iter().map(|entry| frame(&entry.payload)).collect::<Vec<_>>()
    };
    let wire = frames(&first);
    first.close().await;
    let second = Run::open(&place).await;
    assert_eq!(frames(&second), wire, "the same bytes");
    ids.push(second.say("4").await);
    assert_eq!(ids[3], second.epoch.at(4));
    second.kill();
    let third = Run::open(&place).await;
    let seen = third.watcher.seen.lock();
    assert_eq!((seen.ids(), seen.texts()), (ids, (1..=4).map(|n| n.to_string()).collect()));
    assert_eq!(seen.history.head(), third.epoch.at(4));
}

pub(crate) async fn a_cursor_of_an_older_epoch_is_good_up_to_its_end<P: Durable>() {
    let place = P::fresh().await;
    let first = Run::open(&place).await;
    first.count_to(2).await;
    let one = first.epoch.clone();
    first.kill();
    let idle = Run::open(&place).await;
    let nothing_sent = idle.epoch.at(2);
    idle.kill();
    let second = Run::open(&place).await;
    second.append(vec![said("3"), said("4")], None).await.expect("sent");
    let two = second.epoch.clone();
    second.close().await;
    let run = Run::open(&place).await;
    run.append(vec![said("5")], None).await.expect("sent");
    assert_eq!(run.resume(&one.at(1)).await, replayed(2..=5));
    assert_eq!(run.resume(&one.at(2)).await, replayed(3..=5));
    assert_eq!(run.resume(&one.at(3)).await, Resumed::Epoch, "it ended at 2");
    assert_eq!(run.resume(&nothing_sent).await, replayed(3..=5));
    assert_eq!(run.resume(&two.at(3)).await, replayed(4..=5));
    assert_eq!(run.resume(&two.at(4)).await, replayed([5]));
    assert_eq!(run.resume(&two.at(5)).await, Resumed::Epoch, "5 is of another epoch");
    assert_eq!(run.resume(&run.epoch.at(5)).await, replayed([]));
    for (cursor, covered) in [(one.at(2), true), (one.at(3), false), (two.at(4), true), (two.at(5), false)] {
        assert_eq!(run.store.covers(&cursor).await.expect("it knows"), covered, "{cursor}");
    }
}

pub(crate) async fn a_cursor_behind_a_lost_tail_is_a_gap<P: Durable>() {
    let place = P::fresh().await;
    let first = Run::open(&place).await;
    let ids = first.count_to(5).await;
    first.kill();
    place.lose_tail(2).await;
    let run = Run::open(&place).await;
    assert_eq!(run.resume(&ids[2]).await, replayed([]), "what is still there is good");
    assert_eq!(run.resume(&ids[3]).await, Resumed::Epoch);
    let again = run.say("another 4").await;
    assert_eq!(again, run.epoch.at(4));
    assert_eq!(run.resume(&ids[3]).await, Resumed::Epoch, "its 4 was another one");
    assert_eq!(run.resume(&ids[4]).await, Resumed::Epoch);
    assert_eq!(run.resume(&ids[2]).await, Resumed::Replayed(vec!["another 4".to_owned()]));
}

pub(crate) async fn a_store_copied_back_from_a_backup_is_a_gap_for_who_saw_more<P: Durable>() {
    let place = P::fresh().await;
    let first = Run::open(&place).await;
    let mut ids: Vec<_> = first.count_to(2).await;
    first.close().await;
    let backup = place.back_up().await;
    let second = Run::open(&place).await;
    ids.extend([second.say("3").await, second.say("4").await]);
    second.close().await;
    place.restore(backup).await;
    let run = Run::open(&place).await;
    let new = [run.say("new 3").await, run.say("new 4").await];
    let after = |from: usize| {
        let new = ["new 3", "new 4"].into_iter().skip(from).map(str::to_owned);
        Resumed::Replayed(new.collect())
    };
    assert_eq!(run.resume(&ids[1]).await, after(0));
    assert_eq!(run.resume(&ids[2]).await, Resumed::Epoch);
    assert_eq!(run.resume(&ids[3]).await, Resumed::Epoch);
    assert_eq!(run.resume(&new[0]).await, after(1));
    assert!(!ids.contains(&new[0]) && !ids.contains(&new[1]), "no id twice: {ids:?} {new:?}");
}

pub(crate) async fn a_cursor_below_the_floor_is_a_gap_after_a_restart<P: Durable>() {
    let place = P::fresh().await;
    let limits = Limits { count: 4, ..Limits::default() };
    let first = Run::open_with(&place, Opening { limits, ..opening() }).await;
    let mut ids = Vec::new();
    for n in 1..=10_u64 {
        ids.push(first.say(&n.to_string()).await);
    }
    eventually("the oldest are removed", async || place.entries().await <= 4).await;
    first.kill();
    let run = Run::open_with(&place, Opening { limits, ..opening() }).await;
    assert_eq!(run.watcher.seen.lock().beginnings[0].floor, 6);
    assert_eq!(run.resume(&ids[4]).await, Resumed::Retention);
    assert_eq!(run.resume(&ids[5]).await, replayed(7..=10));
}

pub(crate) async fn an_emptied_history_still_has_its_floor<P: Durable>() {
    let place = P::fresh().await;
    let first = Run::open(&place).await;
    let ids = first.count_to(5).await;
    first.kill();
    place.age(Duration::from_secs(3_600)).await;
    let second = Run::open(&place).await;
    // One row may stay, to say where the counting stands.
    eventually("all is removed", async || place.entries().await <= 1).await;
    second.kill();
    let run = Run::open(&place).await;
    run.watcher.seen.lock().history.trim(opening().clock.now());
    assert!(run.watcher.seen.lock().history.is_empty());
    assert_eq!(run.watcher.seen.lock().history.head(), run.epoch.at(5));
    assert_eq!(run.resume(&ids[3]).await, Resumed::Retention, "however empty it is");
    assert_eq!(run.resume(&ids[4]).await, replayed([]));
    assert_eq!(run.say("6").await, run.epoch.at(6));
}

pub(crate) async fn live_only_entries_keep_their_place_and_raise_no_floor<P: Durable>() {
    let place = P::fresh().await;
    let limits = Limits { count: 3, ..Limits::default() };
    let first = Run::open_with(&place, Opening { limits, ..opening() }).await;
    let cursor = first.say("1").await;
    for n in 2..=9 {
        first.send(typing(&n.to_string())).await;
    }
    eventually("the oldest are removed", async || place.entries().await <= 3).await;
    assert_eq!(first.watcher.seen.lock().texts().last().map(String::as_str), Some("9"), "live it is there");
    first.kill();
    let run = Run::open_with(&place, Opening { limits, ..opening() }).await;
    assert_eq!(run.watcher.seen.lock().texts(), ["-", "-", "-"], "its payload is not kept");
    assert_eq!(run.watcher.seen.lock().history.head(), run.epoch.at(9));
    assert_eq!(run.resume(&cursor).await, replayed([]), "nothing that would be replayed is missing");
    run.kill();
    // A window that has become smaller since holds fewer of them from the start.
    let limits = Limits { count: 1, ..Limits::default() };
    let run = Run::open_with(&place, Opening { limits, ..opening() }).await;
    assert_eq!(run.watcher.seen.lock().beginnings[0].floor, 1);
    assert_eq!(run.resume(&cursor).await, replayed([]), "nor now");
    assert_eq!(run.say("10").await, run.epoch.at(10));
}

pub(crate) async fn no_id_is_given_twice_over_many_runs<P: Durable>() {
    let place = P::fresh().await;
    let mut given = HashSet::new();
    let mut backup = None;
    for round in 0..12_u64 {
        let run = Run::open(&place).await;
        for id in run.count_to(1 + round % 4).await {
            assert!(given.insert(id.to_string()), "{id} was given twice");
        }
        if round % 2 == 0 {
            run.kill();
        } else {
            run.close().await;
        }
        match round {
            3 | 7 => place.lose_tail(2).await,
            5 => backup = Some(place.back_up().await),
            9 => place.restore(backup.take().expect("made before")).await,
            _ => {}
        }
    }
}

pub(crate) async fn the_ends_of_many_epochs_are_bounded<P: Durable>() {
    // As many as would do for a restart every minute of an hour, tried with fewer than the bound: the bound
    // itself is the history's, which keeps 1,024.
    let place = P::fresh().await;
    let mut epochs = Vec::new();
    for _ in 0..20 {
        let run = Run::open(&place).await;
        run.say("1").await;
        epochs.push(run.epoch.clone());
        run.close().await;
    }
    let run = Run::open(&place).await;
    let ended: Vec<_> = epochs.into_iter().zip(1..).collect();
    assert_eq!(run.watcher.seen.lock().beginnings[0].ended, ended, "oldest first, and where each ended");
}
