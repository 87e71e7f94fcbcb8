//! Answers that are no stream.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    http::{StatusCode, Uri},
    response::{IntoResponse, Redirect},
    routing::get,
};
use tidings_client::{AuthError, AuthReason, Client, ConnectError, Credentials, Item, State};
use tidings_server::{protocol::Closed, router};

use crate::support::{Event, Reading, Server, believe, client, config};

async fn last_state(client: &mut Client<Event>) -> State {
    let mut last = None;
    while let Some(item) = client.item().await {
        if let Item::State(state) = item {
            last = Some(state);
        }
    }
    last.expect("a state")
}

#[tokio::test]
async fn refused_credentials_are_asked_for_once_more_and_then_it_is_over() {
    let server = Server::start().await;
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    let auth = move |reason| {
        log.lock().expect("no panic").push(reason);
        async { Credentials::bearer("bad") }
    };
    let mut client = client::<Event>(server.url()).auth(auth).connect().await.expect("a client");
    assert!(matches!(last_state(&mut client).await, State::Unauthorized { .. }));
    assert_eq!(*asked.lock().expect("no panic"), [AuthReason::Connect, AuthReason::Rejected]);
}

#[tokio::test]
async fn renewed_credentials_go_on() {
    let server = Server::start().await;
    let auth = |reason| async move {
        Credentials::bearer(if reason == AuthReason::Rejected { "good" } else { "outdated" })
    };
    let mut client = client::<Event>(server.url()).auth(auth).connect().await.expect("a client");
    client.begin().await;
    assert_eq!(server.hub.connections().users(), ["bearer"]);
}

#[tokio::test]
async fn fixed_credentials_that_are_refused_end_it_at_once() {
    let server = Server::start().await;
    let mut client = client::<Event>(server.url()).bearer("bad").connect().await.expect("a client");
    assert!(matches!(last_state(&mut client).await, State::Unauthorized { .. }));
    assert_eq!(server.hub.metrics().refused, 1);
}

#[tokio::test]
async fn an_auth_that_has_nobody_ends_it_and_one_that_fails_is_asked_again() {
    let server = Server::start().await;
    let nobody = |_| async { Err(AuthError::Unauthorized("logged out".to_owned())) };
    let mut none = client::<Event>(server.url()).auth(nobody).connect().await.expect("a client");
    let State::Unauthorized { reason } = last_state(&mut none).await else { panic!("not unauthorized") };
    assert!(reason.to_string().contains("logged out"), "{reason}");

    let tries = Arc::new(Mutex::new(0));
    let flaky = move |_| {
        let mut tries = tries.lock().expect("no panic");
        *tries += 1;
        let tries = *tries;
        async move {
            if tries < 2 { Err(AuthError::Failed("busy".to_owned())) } else { Credentials::bearer("good") }
        }
    };
    let mut some = client::<Event>(server.url()).auth(flaky).connect().await.expect("a client");
    some.begin().await;
}

#[tokio::test]
async fn cookies_and_bearer_tokens_say_who_reads() {
    let server = Server::start().await;
    let cookie = client::<Event>(server.url()).cookie("session=good").connect().await.expect("a client");
    let bearer = client::<Event>(server.url()).bearer("good").connect().await.expect("a client");
    server.until(|hub| hub.connections().len() == 2).await;
    let mut users = server.hub.connections().users();
    users.sort();
    assert_eq!(users, ["bearer", "cookie"]);
    drop((cookie, bearer));
}

/// A server that answers by path; the stream itself is at `/sse`.
async fn answering() -> (Server, String) {
    let hub = tidings_server::Hub::<Event>::in_memory(config()).await.expect("a hub");
    let busy = || async { (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "3600")]).into_response() };
    let moved = |uri: Uri| async move {
        let query = uri.query().unwrap_or_default().to_owned();
        Redirect::temporary(&format!("/sse?{query}"))
    };
    let app = Router::new()
        .route("/204", get(|| async { StatusCode::NO_CONTENT }))
        .route("/410", get(|| async { StatusCode::GONE }))
        .route("/html", get(|| async { "no stream" }))
        .route("/busy", get(busy))
        .route("/moved", get(moved))
        .route("/away", get(|| async { Redirect::temporary("http://localhost:9/sse") }))
        .nest("/sse", router(&hub, believe));
    let server = Server::serving(hub, app, "127.0.0.1:0").await;
    let base = format!("http://{}", server.address);
    (server, base)
}

#[tokio::test]
async fn each_answer_means_what_the_subscriber_says() {
    let (server, base) = answering().await;
    let at = |path: &str| client::<Event>(format!("{base}{path}")).header("x-user", "42");

    let mut gone = at("/204").connect().await.expect("a client");
    assert_eq!(last_state(&mut gone).await, State::Closed(Closed::NoContent));

    let mut refused = at("/410").connect().await.expect("a client");
    assert!(matches!(last_state(&mut refused).await, State::Closed(Closed::Failed(_))));

    for (path, code) in [
        ("/html", "wrong_content_type"),
        ("/busy", "http_status"),
        ("/nowhere", "http_status"),
        ("/away", "connection_lost"),
    ] {
        let mut client = at(path).connect().await.expect("a client");
        loop {
            match client.item().await {
                Some(Item::Error(error)) => {
                    assert_eq!(error.code(), code, "{path}");
                    break assert_eq!(error.to_string().contains("another host"), path == "/away", "{error}");
                }
                Some(Item::State(_)) => {}
                other => panic!("{path}: {other:?}"),
            }
        }
        let Some(Item::State(State::Reconnecting(outage))) = client.item().await else { panic!("no outage") };
        let wait = outage.retry_at.expect("another try").since(outage.since).as_secs();
        assert_eq!(wait >= 3_599, path == "/busy", "{path}: Retry-After is a floor, {wait} s");
    }

    let mut moved = at("/moved").connect().await.expect("a client");
    moved.begin().await;
    assert_eq!(server.hub.connections().users(), ["42"], "a redirect within the host is followed");
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_said_when_connecting() {
    type Check = fn(&ConnectError) -> bool;
    let to = |url: &str| client::<Event>(url.to_owned());
    let broken: [(tidings_client::ClientBuilder<Event>, Check); 5] = [
        (to("nowhere"), |error| matches!(error, ConnectError::Url { .. })),
        (to("ftp://host/"), |error| matches!(error, ConnectError::Url { .. })),
        (to("http://host/").bearer("a\nb"), |error| matches!(error, ConnectError::Header(_))),
        (to("http://host/").root_certificate("no PEM"), |error| matches!(error, ConnectError::Tls(_))),
        (to("http://host/").proxy("::"), |error| matches!(error, ConnectError::Proxy(_))),
    ];
    for (builder, expected) in broken {
        let error = builder.connect().await.expect_err("refused");
        assert!(expected(&error), "{error:?}");
    }
}
