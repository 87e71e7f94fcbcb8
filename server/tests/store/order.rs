//! One order, committed first and visible second.

use tidings_server::{StoreError, store::Store};

use crate::{
    place::{Durable, Place},
    run::{GLANCE, Run, eventually, said},
};

pub(crate) async fn a_run_begins_at_the_beginning_under_its_epoch<P: Place>() {
    let place = P::fresh().await;
    let run = Run::open(&place).await;
    {
        let seen = run.watcher.seen.lock();
        assert_eq!(seen.beginnings.len(), 1);
        let beginning = &seen.beginnings[0];
        assert_eq!((&beginning.epoch, beginning.floor, beginning.ended.len()), (&run.epoch, 0, 0));
        assert_eq!(seen.history.head(), run.epoch.at(0));
    }
    assert_eq!(run.say("1").await, run.epoch.at(1));
}

pub(crate) async fn a_send_is_visible_when_it_returns<P: Place>() {
    let place = P::fresh().await;
    let run = Run::open(&place).await;
    for n in 1..=20_u64 {
        let id = run.say(&n.to_string()).await;
        assert_eq!(run.watcher.seen.lock().history.head(), id);
        assert_eq!(run.watcher.seen.lock().texts().last(), Some(&n.to_string()));
    }
}

pub(crate) async fn an_entry_that_is_held_back_holds_back_those_behind_it<P: Place>() {
    let place = P::fresh().await;
    let run = Run::open(&place).await;
    run.count_to(103).await;
    run.watcher.hold_back(104);
    let held = run.spawn(vec![said("104")], None);
    eventually("104 is held back", async || run.watcher.waits()).await;
    let mut behind = run.spawn(vec![said("105")], None);
    let early = tokio::time::timeout(GLANCE, &mut behind).await;
    assert!(early.is_err(), "105 came before 104: {early:?}");
    assert_eq!(run.watcher.seen.lock().history.head(), run.epoch.at(103));
    run.watcher.let_go();
    assert_eq!(held.await.expect("it ran").expect("sent").ids, [run.epoch.at(104)]);
    assert_eq!(behind.await.expect("it ran").expect("sent").ids, [run.epoch.at(105)]);
    assert_eq!(run.watcher.seen.lock().sequences(), (1..=105).collect::<Vec<_>>());
}

pub(crate) async fn many_senders_make_one_order_without_holes<P: Place>() {
    const SENDERS: u64 = 16;
    const EACH: u64 = 12;
    let place = P::fresh().await;
    let run = Run::open(&place).await;
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let store = run.store.clone();
            tokio::spawn(async move {
                let mut sent = Vec::new();
                for n in 0..EACH {
                    let text = format!("{sender}.{n}");
                    let appended = store.append(vec![said(&text)], None).await;
                    sent.push((appended.expect("sent").ids.pop().expect("an id"), text));
                }
                sent
            })
        })
        .collect();
    let mut sent = Vec::new();
    for sender in senders {
        let own = sender.await.expect("it ran");
        assert!(own.is_sorted_by_key(|(id, _)| id.sequence()), "its own order: {own:?}");
        sent.extend(own);
    }
    sent.sort_by_key(|(id, _)| id.sequence());
    let seen = run.watcher.seen.lock();
    assert_eq!(seen.sequences(), (1..=SENDERS * EACH).collect::<Vec<_>>());
    let told: Vec<_> = seen.ids().into_iter().zip(seen.texts()).collect();
    assert_eq!(told, sent, "what each sender was told is what everyone reads");
}

pub(crate) async fn a_batch_stands_together<P: Place>() {
    let place = P::fresh().await;
    let run = Run::open(&place).await;
    let batches: Vec<_> =
        (0..8).map(|n| run.spawn((0..5).map(|part| said(&format!("{n}.{part}"))).collect(), None)).collect();
    for batch in batches {
        let ids = batch.await.expect("it ran").expect("sent").ids;
        let sequences: Vec<_> = ids.iter().map(tidings_server::protocol::EventId::sequence).collect();
        assert_eq!(sequences, (sequences[0]..sequences[0] + 5).collect::<Vec<_>>());
    }
    for batch in run.watcher.seen.lock().texts().chunks(5) {
        let (n, _) = batch[0].split_once('.').expect("a batch");
        assert_eq!(batch, (0..5).map(|part| format!("{n}.{part}")).collect::<Vec<_>>());
    }
}

pub(crate) async fn a_sender_that_goes_away_takes_nothing_back<P: Place>() {
    let place = P::fresh().await;
    let run = Run::open(&place).await;
    run.watcher.hold_back(1);
    let gone = run.spawn(vec![said("1")], None);
    eventually("it is on its way", async || run.watcher.waits()).await;
    gone.abort();
    run.watcher.let_go();
    assert_eq!(run.say("2").await, run.epoch.at(2));
    assert_eq!(run.watcher.seen.lock().texts(), ["1", "2"]);
}

pub(crate) async fn appends_to_a_closed_store_fail<P: Place>() {
    let place = P::fresh().await;
    let run = Run::open(&place).await;
    run.say("1").await;
    run.store.close().await.expect("it closes");
    let refused = run.append(vec![said("2")], None).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert_eq!(run.watcher.seen.lock().texts(), ["1"]);
}

pub(crate) async fn appends_to_a_store_that_was_never_opened_fail<P: Place>() {
    let place = P::fresh().await;
    let refused = place.store().append(vec![said("1")], None).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
}

pub(crate) async fn nothing_is_visible_before_its_commit<P: Durable>() {
    let place = P::fresh().await;
    let run = Run::open(&place).await;
    run.say("1").await;
    let hold = place.hold_commits().await;
    let mut sends = [run.spawn(vec![said("2"), said("3")], None), run.spawn(vec![said("4")], None)];
    let early = tokio::time::timeout(GLANCE, &mut sends[1]).await;
    assert!(early.is_err(), "it returned before the commit: {early:?}");
    assert_eq!(run.watcher.seen.lock().texts(), ["1"]);
    place.release(hold).await;
    for send in sends {
        send.await.expect("it ran").expect("sent");
    }
    assert_eq!(run.watcher.seen.lock().sequences(), [1, 2, 3, 4]);
    assert_eq!(place.entries().await, 4);
}
