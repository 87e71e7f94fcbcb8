//! Wake-ups only wake: whatever becomes of them, the stream is the truth.

use std::{sync::Arc, time::Duration};

use tidings_server::{Audience, Config, Hub, Redis, store::RedisOptions};

use super::{
    place::Keys,
    proxy::{Fate, Proxy},
};
use crate::{
    instances::{check, keep_sending},
    place::Place as _,
    run::{Event, Run, eventually},
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
