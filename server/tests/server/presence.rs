//! Who is here, over all tabs, without flapping.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{Request, request::Parts},
};
use tidings_server::{Config, Hub, Identity, Presence, PresenceChange, PresenceChanges, Revoked, router};
use tokio::time::{Instant, sleep, timeout};
use tower_service::Service;

use crate::{
    doctored::Doctored,
    support::{Event, PATIENCE, Server},
    time::{Stream, quiet},
};

async fn expect(changes: &mut PresenceChanges, user: &str, presence: Presence) {
    let change = timeout(PATIENCE, changes.recv()).await.expect("a change in time").expect("a change");
    assert_eq!(change, PresenceChange { user: user.into(), presence });
}

async fn presence(hub: &Hub<Event>) -> Presence {
    hub.presence("coach").await.expect("an answer")
}

/// Whether there is no change to be had.
async fn is_calm(changes: &mut PresenceChanges) -> bool {
    timeout(Duration::from_millis(1), changes.recv()).await.is_err()
}

fn config(leave_grace: Duration) -> Config {
    Config { leave_grace, ..Config::default() }
}

#[tokio::test]
async fn a_user_is_online_until_the_last_tab_is_gone_for_the_grace() {
    let server = Server::with(config(Duration::from_secs(1))).await;
    let mut changes = server.hub.presence_changes();
    assert_eq!(presence(&server.hub).await, Presence::Offline);
    let mut one = server.stream("coach").await;
    one.expect("tidings:hello").await;
    assert_eq!(presence(&server.hub).await, Presence::Online);
    expect(&mut changes, "coach", Presence::Online).await;
    let mut two = server.stream("coach").await;
    two.expect("tidings:hello").await;
    drop(one);
    server.until(|hub| hub.connections().of_user("coach").len() == 1).await;
    assert_eq!(presence(&server.hub).await, Presence::Online);
    drop(two);
    expect(&mut changes, "coach", Presence::Reconnecting).await;
    expect(&mut changes, "coach", Presence::Offline).await;
    assert_eq!(presence(&server.hub).await, Presence::Offline);
}

#[tokio::test]
async fn a_user_that_comes_back_within_the_grace_was_never_offline() {
    let server = Server::with(config(Duration::from_secs(600))).await;
    let mut changes = server.hub.presence_changes();
    let mut tab = server.stream("coach").await;
    tab.expect("tidings:hello").await;
    expect(&mut changes, "coach", Presence::Online).await;
    drop(tab);
    expect(&mut changes, "coach", Presence::Reconnecting).await;
    assert_eq!(presence(&server.hub).await, Presence::Reconnecting);
    let mut tab = server.stream("coach").await;
    tab.expect("tidings:hello").await;
    expect(&mut changes, "coach", Presence::Online).await;
}

#[tokio::test(start_paused = true)]
async fn a_page_that_reloads_is_no_news() {
    let hub = Hub::<Event>::in_memory(quiet()).await.expect("a hub over memory starts");
    let app = router(&hub, |_: Arc<Parts>| async { Ok(Identity::user("coach")) });
    let mut changes = hub.presence_changes();
    for _ in 0..5 {
        let mut page = Stream::open(&app, "").await;
        page.expect("tidings:hello").await;
        sleep(Duration::from_secs(3)).await;
        drop(page);
        sleep(Duration::from_millis(1_900)).await;
        assert_eq!(presence(&hub).await, Presence::Online);
    }
    let began = Instant::now();
    expect(&mut changes, "coach", Presence::Online).await;
    expect(&mut changes, "coach", Presence::Reconnecting).await;
    assert_eq!(began.elapsed().as_millis() / 10, 10, "2 s after the page had gone for good");
    expect(&mut changes, "coach", Presence::Offline).await;
    assert_eq!(began.elapsed().as_secs(), 8, "10 s after it");
}

#[tokio::test]
async fn the_end_of_a_connections_lifetime_is_not_shown() {
    let lifetime = Duration::from_millis(100);
    let server = Server::with(Config { lifetime, ..config(Duration::from_secs(600)) }).await;
    let mut changes = server.hub.presence_changes();
    let mut tab = server.stream("coach").await;
    tab.expect("tidings:hello").await;
    expect(&mut changes, "coach", Presence::Online).await;
    assert_eq!(tab.expect("tidings:goodbye").await["reason"], "lifetime");
    tab.end().await;
    server.until(|hub| hub.connections().is_empty()).await;
    assert_eq!(presence(&server.hub).await, Presence::Online);
    let mut back = server.stream("coach").await;
    back.expect("tidings:hello").await;
    let mut other = server.stream("other").await;
    other.expect("tidings:hello").await;
    expect(&mut changes, "other", Presence::Online).await;
}

#[tokio::test]
async fn who_was_revoked_is_offline_at_once() {
    let server = Server::with(config(Duration::from_secs(600))).await;
    let mut tab = server.stream("coach").await;
    tab.expect("tidings:hello").await;
    let mut changes = server.hub.presence_changes();
    server.hub.revoke(Revoked::User("coach".into()), "test", None).await.expect("committed");
    tab.expect("tidings:goodbye").await;
    expect(&mut changes, "coach", Presence::Offline).await;
}

#[tokio::test(start_paused = true)]
async fn who_falls_silent_behind_a_proxy_is_offline_when_the_lease_ends() {
    let hub = Hub::<Event>::in_memory(quiet()).await.expect("a hub over memory starts");
    let app = router(&hub, |_: Arc<Parts>| async { Ok(Identity::user("coach")) });
    let mut changes = hub.presence_changes();
    let mut page = Stream::with_header(&app, "x-forwarded-for", "203.0.113.7").await;
    let hello: serde_json::Value =
        serde_json::from_str(&page.expect("tidings:hello").await.data).expect("JSON");
    assert_eq!(hello["alive_ms"], 20_000);
    let alive = format!("/alive?connection={}", hello["connection_id"].as_str().expect("an id"));
    for _ in 0..20 {
        sleep(Duration::from_secs(30)).await;
        let request = Request::post(&alive).body(Body::empty()).expect("a request");
        assert_eq!(app.clone().call(request).await.expect("infallible").status(), 204);
    }
    let silent = Instant::now();
    expect(&mut changes, "coach", Presence::Online).await;
    sleep(Duration::from_secs(35)).await;
    assert_eq!(presence(&hub).await, Presence::Online);
    expect(&mut changes, "coach", Presence::Reconnecting).await;
    expect(&mut changes, "coach", Presence::Offline).await;
    let seconds = silent.elapsed().as_secs();
    assert!((43..=47).contains(&seconds), "{seconds} s after the last sign of life");
    let request = Request::post(&alive).body(Body::empty()).expect("a request");
    app.clone().call(request).await.expect("infallible");
    expect(&mut changes, "coach", Presence::Online).await;
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_to_prove_life_whose_connection_proves_it() {
    let hub = Hub::<Event>::in_memory(quiet()).await.expect("a hub over memory starts");
    let app = router(&hub, |_: Arc<Parts>| async { Ok(Identity::user("coach")) });
    let mut page = Stream::open(&app, "").await;
    assert!(!page.expect("tidings:hello").await.data.contains("alive_ms"));
    sleep(Duration::from_secs(3_600)).await;
    assert_eq!(presence(&hub).await, Presence::Online);
}

#[tokio::test(start_paused = true)]
async fn a_change_is_announced_once_and_only_when_its_lease_is_stored() {
    let store = Arc::new(Doctored { failing_leases: 3.into(), ..Doctored::default() });
    let hub = Hub::<Event>::start(quiet(), store.clone()).await.expect("it starts");
    let app = router(&hub, |_: Arc<Parts>| async { Ok(Identity::user("coach")) });
    let mut changes = hub.presence_changes();
    let mut page = Stream::open(&app, "").await;
    page.expect("tidings:hello").await;
    sleep(Duration::from_millis(2_500)).await;
    assert!(is_calm(&mut changes).await, "said before it was stored");
    expect(&mut changes, "coach", Presence::Online).await;
    assert_eq!(store.leases.lock().iter().map(|lease| &*lease.user).collect::<Vec<_>>(), ["coach"]);
    sleep(Duration::from_secs(3_600)).await;
    assert!(is_calm(&mut changes).await, "and never again, however often the lease is renewed");
    assert!(store.leases.lock().len() > 200);
    drop(page);
    for presence in [Presence::Reconnecting, Presence::Offline] {
        expect(&mut changes, "coach", presence).await;
    }
    assert_eq!(
        store.leases.lock().last().expect("one").presence,
        Presence::Offline,
        "the end is stored as well"
    );
}
