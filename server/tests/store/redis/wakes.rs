//! Wake-ups only wake: whatever becomes of them, the stream is the truth.

use std::{sync::Arc, time::Duration};

use tidings_server::{
    Audience, Config, Hub, Redis, Revoked, StoreError,
    protocol::Notice,
    store::{RedisOptions, Store as _},
};

use super::{
    place::Keys,
    proxy::{Fate, Proxy},
};
use crate::{
    instances::{check, keep_sending},
    outage::{Stream, say},
    place::Place as _,
    run::{Event, GLANCE, Run, eventually, notice, said},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn wake_ups_that_are_lost_or_come_twice_lose_nothing() {
    let place = Keys::fresh().await;
    let proxy = Proxy::to(&place.server.listen()).await;
    let mut random = 7_u32;
    proxy.decide(move || {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        match random >> 30 {
            0 | 1 => Fate::IsLost,
            2 => Fate::ComesTwice,
            _ => Fate::Arrives,
        }
    });
    let behind = Redis::new(&proxy.url(), RedisOptions::default()).expect("a URL");
    let (run, other) = (Run::open(&place).await, Run::open_store(behind).await);
    let sent = keep_sending(&run, "a", 200).await.expect("it ran");
    assert_eq!(sent.len(), 200);
    other.watcher.saw(200).await;
    check(&[&run, &other], &sent).await;
    assert_eq!(other.watcher.seen.lock().beginnings.len(), 1);
    assert!(proxy.wakes() >= 100, "only {} wake-ups came by", proxy.wakes());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_any_wake_up_it_looks_every_second() {
    let place = Keys::fresh().await;
    let proxy = Proxy::to(&place.server.listen()).await;
    proxy.decide(|| Fate::IsLost);
    let behind = Redis::new(&proxy.url(), RedisOptions::default()).expect("a URL");
    let (run, other) = (Run::open(&place).await, Run::open_store(behind).await);
    for n in 1..=3_usize {
        run.say(&n.to_string()).await;
        let seen = tokio::time::timeout(Duration::from_secs(3), other.watcher.saw(n)).await;
        assert!(seen.is_ok(), "{n}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_instance_that_is_cut_off_says_so_and_catches_up() {
    let place = Keys::fresh().await;
    let proxy = Proxy::to(&place.server.listen()).await;
    let options = RedisOptions { wait: Duration::from_millis(500), ..RedisOptions::default() };
    let behind = Redis::new(&proxy.url(), options).expect("a URL");
    let (run, other) = (Run::open(&place).await, Run::open_store(behind).await);
    let first = vec![("1".to_owned(), run.say("1").await)];
    other.watcher.saw(1).await;
    proxy.cut();
    let refused = other.append(vec![said("lost or not")], None).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    eventually("it says so", async || !other.store.is_followed()).await;
    assert!(run.store.is_followed());
    let mut sent = keep_sending(&run, "a", 50).await.expect("it ran");
    let revoked = Revoked::Login("stolen".to_owned());
    run.send(notice(Notice::Revoke { revoked: revoked.clone(), reason: String::new() })).await;
    tokio::time::sleep(GLANCE).await;
    assert_eq!(other.watcher.seen.lock().texts(), ["1"], "nothing newer than the cut");
    proxy.heal();
    let healed = tokio::time::Instant::now();
    other.watcher.saw(52).await;
    eventually("it says so", async || other.store.is_followed()).await;
    let foreseen = other.watcher.seen.lock().foreseen.clone();
    let [(1, told)] = &foreseen[..] else { panic!("revocations come first: {foreseen:?}") };
    assert_eq!(told.iter().map(|(revoked, _)| revoked).collect::<Vec<_>>(), [&revoked]);
    assert!(healed.elapsed() < Duration::from_secs(2), "{:?}", healed.elapsed());
    sent.extend(first);
    check(&[&run, &other], &sent).await;
    assert_eq!(other.watcher.seen.lock().beginnings.len(), 1, "without a gap");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_client_that_has_seen_more_than_its_instance_waits_for_it() {
    let place = Keys::fresh().await;
    let proxy = Proxy::to(&place.server.listen()).await;
    let behind = Redis::new(&proxy.url(), RedisOptions::default()).expect("a URL");
    let hub: Hub<Event> = Hub::start(Config::default(), place.store()).await.expect("it starts");
    let other: Hub<Event> = Hub::start(Config::default(), behind).await.expect("it starts");
    let mut last = None;
    proxy.cut();
    for text in ["1", "2", "3"] {
        last = Some(say(&hub, text).await.expect("sent").id);
    }
    let last = last.expect("three");
    assert!(other.cursor().sequence() < last.sequence());
    // It asks its store, and has the answer with what it lacks.
    let cursor = last.to_string();
    let opening = tokio::spawn({
        let other = other.clone();
        async move { Stream::open_at(&other, &cursor).await }
    });
    tokio::time::sleep(GLANCE).await;
    assert!(!opening.is_finished(), "nobody knows yet");
    proxy.heal();
    let mut stream = opening.await.expect("it ran");
    say(&hub, "4").await.expect("sent");
    let hello = stream.next().await;
    assert_eq!(hello.event, "tidings:hello");
    assert!(hello.data.contains(r#""resumed":"replayed""#), "{hello:?}");
    let next = stream.next().await;
    assert!(next.event == "said" && next.data.contains(r#""text":"4""#), "no gap, no repeat: {next:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stream_that_was_revoked_behind_a_cut_gets_nothing_of_what_it_missed() {
    let place = Keys::fresh().await;
    let proxy = Proxy::to(&place.server.listen()).await;
    let options = RedisOptions { wait: Duration::from_millis(500), ..RedisOptions::default() };
    let behind = Redis::new(&proxy.url(), options).expect("a URL");
    let hub: Hub<Event> = Hub::start(Config::default(), place.store()).await.expect("it starts");
    let other: Hub<Event> = Hub::start(Config::default(), behind).await.expect("it starts");
    let mut streams = [Stream::open(&hub).await, Stream::open(&other).await];
    say(&hub, "before").await.expect("sent");
    for stream in &mut streams {
        assert_eq!(stream.next().await.event, "tidings:hello");
        assert_eq!(stream.next().await.event, "said");
    }
    proxy.cut();
    say(&hub, "secret").await.expect("sent");
    hub.revoke(Revoked::User("coach".to_owned()), "fired", None).await.expect("revoked");
    eventually("it says so", async || !other.reaches_store()).await;
    proxy.heal();
    assert_eq!(streams[0].next().await.event, "said", "that was sent before");
    for stream in &mut streams {
        let goodbye = stream.next().await;
        assert_eq!(goodbye.event, "tidings:goodbye", "{goodbye:?}");
        assert!(goodbye.data.contains("revoked"), "{goodbye:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn clients_cost_no_connection() {
    let place = Keys::fresh().await;
    let hub: Hub<Event> = Hub::start(Config::default(), place.store()).await.expect("it starts");
    let sends = (0..64).map(|n| {
        let hub = hub.clone();
        tokio::spawn(async move {
            let event = Event::Said { text: n.to_string() };
            hub.send(Audience::everyone(), &event).await.expect("sent");
        })
    });
    let sends: Arc<[_]> = sends.collect();
    eventually("all are sent", async || sends.iter().all(tokio::task::JoinHandle::is_finished)).await;
    let clients: String =
        redis::cmd("CLIENT").arg("LIST").query(&mut place.server.connect()).expect("a list");
    assert_eq!(clients.lines().count(), 2, "ours, and the one that asks: {clients}");
}
