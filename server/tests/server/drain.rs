//! The end of a server: with streams open, within its deadline.

use std::{sync::Arc, time::Duration};

use axum::http::request::Parts;
use tidings_server::{
    Audience, Config, Hub, Identity,
    protocol::{
        Control, Input, Output, Subscriber, SubscriberError, Time,
        subscriber::{self, Head},
    },
    router,
};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};

use crate::{
    support::{Event, PATIENCE, Server},
    time::{Stream, quiet},
};

#[tokio::test]
async fn a_drain_says_goodbye_to_all_and_ends() {
    let mut server = Server::start().await;
    let mut clients = Vec::new();
    for n in 0..20 {
        let mut client = server.stream(&n.to_string()).await;
        client.expect("tidings:hello").await;
        clients.push(client);
    }
    server.hub.send(Audience::everyone(), &Event::said("last words")).await.expect("sent");
    server.stop();
    for client in &mut clients {
        assert_eq!(client.said().await, "last words");
    }
    server.until(|hub| hub.metrics().goodbyes > 0).await;
    let late = TcpStream::connect(server.address).await;
    assert!(late.is_err(), "the listener is closed before the first goodbye");
    let mut returns = Vec::new();
    for client in &mut clients {
        let goodbye = client.expect("tidings:goodbye").await;
        assert_eq!(goodbye["reason"], "draining");
        returns.push(goodbye["reconnect_after_ms"].as_u64().expect("a delay"));
        client.end().await;
    }
    assert!(returns.iter().all(|after| *after <= 1_000), "{returns:?}");
    let spread = returns.iter().max().zip(returns.iter().min()).expect("twenty");
    assert!(spread.0 - spread.1 > 200, "{returns:?}");
    timeout(PATIENCE, server.served).await.expect("in time").expect("no panic").expect("no error");
    assert!(server.hub.connections().is_empty());
}

#[tokio::test]
async fn goodbyes_are_spread_over_at_least_a_second() {
    let mut server = Server::start().await;
    let mut clients = Vec::new();
    for n in 0..4 {
        let mut client = server.stream(&n.to_string()).await;
        client.expect("tidings:hello").await;
        clients.push(client);
    }
    let begun = std::time::Instant::now();
    server.stop();
    timeout(PATIENCE, server.served).await.expect("in time").expect("no panic").expect("no error");
    assert!(
        begun.elapsed() >= Duration::from_millis(700),
        "three pauses of a quarter: {:?}",
        begun.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_thousand_goodbyes_are_spread_evenly() {
    let config = Config { connections_per_user: 1_000, ..quiet() };
    let hub = Hub::<Event>::in_memory(config).await.expect("a hub over memory starts");
    let app = router(&hub, |_: Arc<Parts>| async { Ok(Identity::user("coach")) });
    let (told, mut tellings) = tokio::sync::mpsc::unbounded_channel();
    for _ in 0..1_000 {
        let mut stream = Stream::open(&app, "").await;
        stream.expect("tidings:hello").await;
        let told = told.clone();
        tokio::spawn(async move {
            stream.expect("tidings:goodbye").await;
            told.send(Instant::now()).expect("counted");
        });
    }
    drop(told);
    let began = Instant::now();
    hub.drain().await;
    let mut by_second = [0; 20];
    while let Some(at) = tellings.recv().await {
        by_second[(at - began).as_secs() as usize] += 1;
    }
    assert_eq!(by_second.iter().sum::<u32>(), 1_000);
    assert!(by_second.iter().all(|told| *told <= 100), "{by_second:?}");
    assert_eq!(by_second[..16].iter().min(), Some(&60), "{by_second:?}");
}

/// When a page is back whose server drains, and no other listens until `up`.
async fn back(mut stream: Stream, seed: u64, up: Instant) -> Instant {
    let began = Instant::now();
    let now = || Time::from_millis(began.elapsed().as_millis() as u64);
    let mut page = Subscriber::new(subscriber::Config::new(Control::parse), None, seed);
    let (mut attempt, mut online) = (0, false);
    page.handle(Input::Connect, now());
    loop {
        let mut opens = false;
        while let Some(output) = page.poll() {
            if let Output::Open(next) = output {
                (attempt, opens) = (next.number, true);
            }
        }
        if opens && !online {
            let head = Head { status: 200, content_type: Some("text/event-stream"), retry_after: None };
            page.handle(Input::Head { attempt, head }, now());
            online = true;
        } else if opens && Instant::now() >= up {
            return Instant::now();
        } else if opens {
            let refused = SubscriberError::Transport("connection refused".to_owned());
            page.handle(Input::Failed { attempt, error: &refused }, now());
        } else {
            let due = page.poll_timeout().map_or(Duration::MAX, |due| due.since(now()));
            tokio::select! {
                Some(bytes) = stream.bytes() => page.handle(Input::Bytes { attempt, bytes: &bytes }, now()),
                () = tokio::time::sleep(due) => page.handle(Input::Timeout, now()),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_thousand_that_came_in_vain_no_second_sees_a_tenth_return() {
    // Chance is the server's own: the fullest second of a crowd sees 80 as a rule, and 97 was the most of 150 crowds,
    // so three are looked at together.
    let mut by_second = vec![0; 60];
    for crowd in 0..3 {
        for after in crowd_returns_after(crowd * 1_000).await {
            by_second[after.as_secs() as usize] += 1;
        }
    }
    assert_eq!(by_second.iter().sum::<u32>(), 3_000);
    assert!(by_second.iter().all(|back| *back <= 300), "{by_second:?}");
}

/// How long after a process has started again each of 1,000 pages, of these seeds on, reads a stream.
async fn crowd_returns_after(seeds: u64) -> Vec<Duration> {
    let config = Config { connections_per_user: 1_000, heartbeat: Duration::from_secs(15), ..quiet() };
    let hub = Hub::<Event>::in_memory(config).await.expect("a hub over memory starts");
    let app = router(&hub, |_: Arc<Parts>| async { Ok(Identity::user("coach")) });
    // The streams live well first, then the drain takes 16.7 s, then a process starts.
    let lived = Instant::now() + Duration::from_secs(20);
    let up = lived + Duration::from_secs(17);
    let mut pages = tokio::task::JoinSet::new();
    for seed in seeds..seeds + 1_000 {
        pages.spawn(back(Stream::open(&app, "").await, seed, up));
    }
    tokio::time::sleep_until(lived).await;
    hub.drain().await;
    pages.join_all().await.into_iter().map(|at| at - up).collect()
}

#[tokio::test]
async fn a_reader_that_never_reads_does_not_hold_the_drain_beyond_its_deadline() {
    let config = Config {
        drain_deadline: Duration::from_millis(1_500),
        write_stall: Duration::from_secs(600),
        ..Config::default()
    };
    let mut server = Server::with(config).await;
    let stalled = server.stream("stalled").await;
    for _ in 0..40 {
        let text = "x".repeat(1_000_000);
        server.hub.send(Audience::user("stalled"), &Event::said(text)).await.expect("sent");
    }
    server.stop();
    timeout(PATIENCE, server.served).await.expect("in time").expect("no panic").expect("no error");
    assert_eq!(server.hub.connections().iter().next(), None);
    drop(stalled);
}

#[tokio::test]
async fn a_draining_hub_takes_no_new_streams() {
    let server = Server::start().await;
    server.hub.drain().await;
    let refused = server.stream("coach").await;
    assert_eq!(refused.status, 503);
    assert!(refused.header("retry-after").is_some());
    let mut native = server.get("/sse", &[("x-user", "coach")]).await;
    assert_eq!(native.expect("tidings:goodbye").await["reason"], "draining");
    native.end().await;
}
