//! An instance that is cut off from its server, and what comes of what was under way.

use std::time::Duration;

use tidings_server::{
    Config, Hub, Presence, PresenceChange, Redis, Revoked, StoreError,
    protocol::Notice,
    store::{RedisOptions, Store as _},
};

use super::{place::Keys, proxy::Proxy};
use crate::{
    instances::{check, keep_sending},
    outage::{Stream, say},
    place::Place as _,
    run::{Event, GLANCE, Run, eventually, notice, said},
};

/// Behind the network, and soon tired of waiting.
fn impatient(proxy: &Proxy) -> Redis {
    let options = RedisOptions { wait: Duration::from_millis(500), ..RedisOptions::default() };
    Redis::new(&proxy.url(), options).expect("a URL")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_instance_that_is_cut_off_says_so_and_catches_up() {
    let place = Keys::fresh().await;
    let proxy = Proxy::to(&place.server.listen()).await;
    let behind = impatient(&proxy);
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
    let behind = impatient(&proxy);
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
async fn what_was_given_up_does_not_come_behind_what_was_sent_later() {
    let place = Keys::fresh().await;
    let proxy = Proxy::to(&place.server.listen()).await;
    let run = Run::open_store(impatient(&proxy)).await;
    run.say("1").await;
    proxy.hold_open();
    let refused = run.append(vec![said("given up")], None).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    // Over a connection of its own, while the first still stands in the network.
    eventually("it sends again", async || run.append(vec![said("2")], None).await.is_ok()).await;
    proxy.let_go();
    run.say("3").await;
    tokio::time::sleep(GLANCE).await;
    run.say("4").await;
    assert_eq!(run.watcher.seen.lock().texts(), ["1", "2", "3", "4"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whom_only_an_instance_has_that_is_cut_off_is_offline_until_it_is_back() {
    let place = Keys::fresh().await;
    let proxy = Proxy::to(&place.server.listen()).await;
    let config = Config {
        presence_lease: Duration::from_secs(3),
        leave_grace: Duration::from_secs(1),
        ..Config::default()
    };
    let cut_off = Hub::<Event>::start(config.clone(), impatient(&proxy)).await.expect("it starts");
    let other = Hub::<Event>::start(config, place.store()).await.expect("it starts");
    let (mut own, mut others) = (cut_off.presence_changes(), other.presence_changes());
    let word = |presence| PresenceChange { user: "coach".to_owned(), presence };
    let _stream = Stream::open(&cut_off).await;
    assert_eq!(own.recv().await.expect("a change"), word(Presence::Online));
    proxy.cut();
    // A machine that is busy for a second may miss what lies between.
    let mut said = others.recv().await.expect("a change");
    if said == word(Presence::Reconnecting) {
        said = others.recv().await.expect("a change");
    }
    assert_eq!(said, word(Presence::Offline));
    assert_eq!(other.presence("coach").await.expect("an answer"), Presence::Offline);
    assert_eq!(cut_off.presence("coach").await.expect("known"), Presence::Online, "who is here is here");
    let unknown = cut_off.presence("coachee").await;
    assert!(matches!(unknown, Err(StoreError::Unavailable(_))), "{unknown:?}");
    proxy.heal();
    assert_eq!(own.recv().await.expect("a change"), word(Presence::Online));
    assert_eq!(other.presence("coach").await.expect("an answer"), Presence::Online);
}
