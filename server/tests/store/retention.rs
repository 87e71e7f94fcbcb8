//! What is removed, and that nobody waits for it.

use std::time::Duration;

use tidings_server::{
    Revoked,
    protocol::{Limits, Notice},
    store::{Opening, Saved, Store},
};

use crate::{
    place::Durable,
    run::{Resumed, Run, eventually, here, key, notice, opening, said},
};

pub(crate) async fn the_oldest_go_by_count_while_senders_go_on<P: Durable>() {
    let place = P::fresh().await;
    let filled = Run::open(&place).await;
    for _ in 0..4 {
        filled.count_to(500).await;
    }
    filled.close().await;
    // The window is made smaller while the store holds far more.
    let limits = Limits { count: 50, ..Limits::default() };
    let run = Run::open_with(&place, Opening { limits, ..opening() }).await;
    let mut last = 2_000;
    eventually("all but the window is removed", async || {
        let id = run.say("on").await;
        assert_eq!(id.sequence(), last + 1);
        last += 1;
        place.entries().await <= 50
    })
    .await;
    run.kill();
    let run = Run::open_with(&place, Opening { limits, ..opening() }).await;
    let seen = run.watcher.seen.lock();
    assert_eq!(seen.sequences(), (last - 49..=last).collect::<Vec<_>>());
    assert_eq!(seen.beginnings[0].floor, last - 50);
}

pub(crate) async fn the_oldest_go_by_bytes<P: Durable>() {
    let place = P::fresh().await;
    let limits = Limits { bytes: 100_000, ..Limits::default() };
    let run = Run::open_with(&place, Opening { limits, ..opening() }).await;
    let large = "x".repeat(10_000);
    for _ in 0..40 {
        run.say(&large).await;
    }
    eventually("the oldest are removed", async || place.entries().await <= 10).await;
    run.kill();
    let run = Run::open_with(&place, Opening { limits, ..opening() }).await;
    let sequences = run.watcher.seen.lock().sequences();
    assert!(sequences.len() >= 8 && sequences.last() == Some(&40), "{sequences:?}");
}

pub(crate) async fn the_oldest_go_by_age_without_a_send<P: Durable>() {
    let place = P::fresh().await;
    let first = Run::open(&place).await;
    let old = first.count_to(700).await;
    first.kill();
    place.age(Duration::from_secs(500)).await;
    let second = Run::open(&place).await;
    second.count_to(3).await;
    second.kill();
    place.age(Duration::from_secs(200)).await;
    let third = Run::open(&place).await;
    eventually("the old ones are removed", async || place.entries().await == 3).await;
    third.kill();
    let run = Run::open(&place).await;
    assert_eq!(run.watcher.seen.lock().sequences(), [701, 702, 703]);
    assert_eq!(run.resume(&old[698]).await, Resumed::Retention);
}

pub(crate) async fn what_has_expired_goes_too<P: Durable>() {
    let place = P::fresh().await;
    let first = Run::open(&place).await;
    let until = Some(now() + Duration::from_secs(45));
    for n in 0..5 {
        let user = format!("user {n}");
        let revoked = Revoked::Login(user.clone());
        let grant = Notice::Grant { user: user.clone(), group: "team".to_owned() };
        first.send(notice(grant)).await;
        first.send(notice(Notice::Revoke { revoked, reason: String::new() })).await;
        first.append(vec![said("1")], Some(key(&user, "1"))).await.expect("sent");
        first.store.lease(vec![here(&user, Duration::from_secs(45))]).await.expect("stored");
        let opened_at = now();
        let saved = Saved { id: user.clone(), user, login: None, opened_at, until };
        first.store.save(vec![saved]).await.expect("saved");
    }
    assert_eq!(place.others().await, 25);
    first.close().await;
    place.age(Duration::from_secs(7_200)).await;
    // Those who were here are for one lease more, since nobody was there to tell of the end.
    let run = Run::open_with(&place, Opening { presence_lease: Duration::from_millis(1), ..opening() }).await;
    eventually("all is removed", async || {
        run.store.lease(Vec::new()).await.expect("an answer");
        place.others().await == 0
    })
    .await;
}

fn now() -> tidings_server::protocol::Time {
    opening().clock.now()
}
