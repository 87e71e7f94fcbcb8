//! A store that outlives the hub: what the trait promises to those that will.

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::{Router, http::request::Parts};
use parking_lot::Mutex;
use tidings_server::{
    Audience, Clock, Config, Hub, Identity, Presence, PresenceChange, Revoked, Secret,
    protocol::{Entry, Epoch, EventId, Payload},
    router,
    store::{
        Answer, Appended, Beginning, Draft, Follower, Grant, Key, Lease, Matter, Opened, Opening, Saved,
        Store, StoreError,
    },
};

use crate::{
    support::{Event, PATIENCE, Server, believe},
    time::{Stream, quiet},
};

/// What is left when a process is gone.
#[derive(Default)]
struct Disk {
    entries: Vec<Entry>,
    ended: Vec<(Epoch, u64)>,
    secret: Option<Secret>,
    known: Opened,
    saved: HashMap<String, Saved>,
    /// It saves, and nobody hears that it has.
    silent: bool,
}

/// One run over a disk.
struct Kept {
    disk: Arc<Mutex<Disk>>,
    run: Mutex<Option<Run>>,
    /// What was announced of each user; of nobody else than that they are here.
    announced: Mutex<HashMap<String, Presence>>,
}

type Run = (Epoch, Clock, Arc<dyn Follower>);

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kept")
    }
}

impl Store for Kept {
    fn open(&self, opening: Opening, follower: Arc<dyn Follower>) -> Answer<'_, Opened> {
        Box::pin(async move {
            let mut disk = self.disk.lock();
            let ended = disk.ended.clone();
            follower.begin(Beginning { epoch: opening.epoch.clone(), floor: 0, ended });
            follower.follow(disk.entries.clone());
            let secret = Some(disk.secret.get_or_insert(opening.secret).clone());
            *self.run.lock() = Some((opening.epoch, opening.clock, follower));
            let connections = disk.saved.values().cloned().collect();
            Ok(Opened { secret, connections, ..disk.known.clone() })
        })
    }

    fn append(&self, drafts: Vec<Draft>, _: Option<Key>) -> Answer<'_, Appended> {
        Box::pin(async move {
            let run = self.run.lock();
            let (epoch, clock, follower) =
                run.as_ref().ok_or_else(|| StoreError::Unavailable("not opened".into()))?;
            let mut disk = self.disk.lock();
            let mut entries = Vec::new();
            for draft in drafts {
                let id = epoch.at(disk.entries.len() as u64 + 1);
                let payload = match draft.matter {
                    Matter::Event { encoded, delivery } => {
                        Payload::Event { block: encoded.place(&id, &draft.channels), delivery }
                    }
                    Matter::Notice(notice) => Payload::Notice(notice),
                };
                let entry = Entry { id, channels: draft.channels, at: clock.now(), payload };
                disk.entries.push(entry.clone());
                entries.push(entry);
            }
            let ids = entries.iter().map(|entry| entry.id.clone()).collect();
            follower.follow(entries);
            Ok(Appended { ids, duplicate: false })
        })
    }

    fn covers<'a>(&'a self, _: &'a EventId) -> Answer<'a, bool> {
        Box::pin(async { Ok(false) })
    }

    fn lease(&self, leases: Vec<Lease>) -> Answer<'_, Vec<PresenceChange>> {
        let mut announced = self.announced.lock();
        let is_change = |lease: &Lease| {
            let before = announced.insert(lease.user.clone(), lease.presence);
            before.unwrap_or(Presence::Online) != lease.presence
        };
        let changes: Vec<_> = leases.into_iter().filter(is_change).collect();
        let change = |lease: Lease| PresenceChange { user: lease.user, presence: lease.presence };
        let changes = changes.into_iter().map(change).collect();
        Box::pin(async move { Ok(changes) })
    }

    fn save(&self, connections: Vec<Saved>) -> Answer<'_, ()> {
        Box::pin(async move {
            let disk = &mut *self.disk.lock();
            let saved = &mut disk.saved;
            for connection in connections {
                match connection.until {
                    Some(_) => saved.insert(connection.id.clone(), connection),
                    None => saved.remove(&connection.id),
                };
            }
            if disk.silent {
                return Err(StoreError::Unavailable("no answer came".into()));
            }
            Ok(())
        })
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

async fn start(disk: &Arc<Mutex<Disk>>) -> Server {
    start_with(disk, Config::default()).await
}

async fn start_with(disk: &Arc<Mutex<Disk>>, config: Config) -> Server {
    let store = Kept { disk: disk.clone(), run: Mutex::default(), announced: Mutex::default() };
    let hub = Hub::start(config, store).await.expect("it starts");
    let app = Router::new().nest("/sse", router(&hub, believe));
    Server::serve(hub, app).await
}

/// The process is gone, and its disk is not; `lost` entries had not reached it.
async fn kill(server: Server, disk: &Arc<Mutex<Disk>>, lost: usize) {
    let epoch = server.hub.cursor().epoch().clone();
    server.served.abort();
    let _ = server.served.await;
    let mut disk = disk.lock();
    let kept = disk.entries.len() - lost;
    disk.entries.truncate(kept);
    disk.ended.push((epoch, kept as u64));
}

#[tokio::test]
async fn a_client_resumes_over_a_restart_without_a_gap() {
    let disk = Arc::default();
    let server = start(&disk).await;
    let mut client = server.stream("coach").await;
    let subject = client.expect("tidings:hello").await["subject"].clone();
    for text in ["1", "2"] {
        server.hub.send(Audience::user("coach"), &Event::said(text)).await.expect("sent");
    }
    assert_eq!(client.said().await, "1");
    let cursor = client.last_event_id();
    kill(server, &disk, 0).await;
    let server = start(&disk).await;
    server.hub.send(Audience::user("coach"), &Event::said("3")).await.expect("sent");
    let mut client = server.resume("coach", &cursor).await;
    let hello = client.expect("tidings:hello").await;
    assert_eq!((&hello["resumed"], &hello["subject"]), (&"replayed".into(), &subject));
    assert_eq!(client.last_event_id(), cursor, "in the client's own words");
    assert_eq!((client.said().await, client.said().await), ("2".into(), "3".into()));
}

#[tokio::test]
async fn a_client_that_stood_on_what_was_lost_is_told() {
    let disk = Arc::default();
    let server = start(&disk).await;
    let mut client = server.stream("coach").await;
    client.expect("tidings:hello").await;
    server.hub.send(Audience::user("coach"), &Event::said("1")).await.expect("sent");
    client.said().await;
    let cursor = client.last_event_id();
    kill(server, &disk, 1).await;
    let server = start(&disk).await;
    server.hub.send(Audience::user("coach"), &Event::said("another 1")).await.expect("sent");
    let mut client = server.resume("coach", &cursor).await;
    assert_eq!(client.expect("tidings:hello").await["resumed"], "gap");
    assert_eq!(client.expect("tidings:gap").await["reason"], "epoch");
}

#[tokio::test]
async fn grants_and_revocations_of_the_run_before_hold() {
    let disk = Arc::new(Mutex::new(Disk::default()));
    let server = start(&disk).await;
    let headers = [("x-user", "coach"), ("x-groups", "team")];
    let mut client = server.get("/sse?tidings=1", &headers).await;
    client.expect("tidings:hello").await;
    let cursor = client.last_event_id();
    kill(server, &disk, 0).await;
    // As if it had left the window, where the grant of the other group still is.
    let grant = Grant { user: "coach".into(), group: "old".into(), from: 0 };
    disk.lock().known = Opened {
        grants: vec![grant],
        revocations: vec![(Revoked::Login("stolen".into()), Clock::start().now())],
        ..Opened::default()
    };
    let server = start(&disk).await;
    server.hub.send(Audience::group("team"), &Event::said("1")).await.expect("sent");
    let headers = [("x-user", "coach"), ("x-groups", "team,old"), ("last-event-id", &cursor)];
    let mut client = server.get("/sse?tidings=1", &headers).await;
    assert_eq!(client.expect("tidings:hello").await["resumed"], "replayed", "the grants stand");
    assert_eq!(client.said().await, "1");
    let stolen = server.get("/sse?tidings=1", &[("x-user", "coach"), ("x-login", "stolen")]).await;
    assert_eq!(stolen.status, 204);
}

#[tokio::test]
async fn who_was_here_still_is_until_a_new_lease_ends_and_who_left_unnoticed_is_told_of() {
    let disk = Arc::new(Mutex::new(Disk::default()));
    let now = Clock::start().now();
    let lease = |user: &str, presence| Lease { user: user.into(), presence, until: now };
    disk.lock().known.leases = vec![
        lease("back", Presence::Online),
        lease("gone", Presence::Online),
        lease("left", Presence::Offline),
    ];
    let config = Config {
        presence_lease: Duration::from_secs(2),
        leave_grace: Duration::from_secs(1),
        ..Config::default()
    };
    let server = start_with(&disk, config).await;
    let mut changes = server.hub.presence_changes();
    assert_eq!(
        server.hub.presence("back").await.expect("an answer"),
        Presence::Online,
        "a restart is no news"
    );
    assert_eq!(server.hub.presence("left").await.expect("an answer"), Presence::Offline);
    let mut client = server.stream("back").await;
    client.expect("tidings:hello").await;
    let mut seen = Vec::new();
    let change = |user: &str, presence| PresenceChange { user: user.into(), presence };
    while !seen.contains(&change("gone", Presence::Offline)) {
        let change = tokio::time::timeout(PATIENCE, changes.recv()).await;
        seen.push(change.expect("a change in time").expect("a change"));
    }
    assert_eq!(
        seen,
        [
            change("left", Presence::Offline),
            change("gone", Presence::Reconnecting),
            change("gone", Presence::Offline)
        ]
    );
    assert_eq!(server.hub.presence("back").await.expect("an answer"), Presence::Online);
}

#[tokio::test]
async fn a_client_that_returns_after_a_restart_is_the_same_connection() {
    let disk = Arc::default();
    let mut server = start(&disk).await;
    let mut id = Vec::new();
    for user in ["coach", "coachee"] {
        let mut client = server.stream(user).await;
        let hello = client.expect("tidings:hello").await;
        id.push(hello["connection_id"].as_str().expect("an id").to_owned());
        if user == "coach" {
            // It is gone before the restart: nobody waits for it.
            drop(client);
            server.until(|hub| hub.connections().is_empty()).await;
        } else {
            server.stop();
            assert_eq!(client.expect("tidings:goodbye").await["reason"], "draining");
            client.end().await;
        }
    }
    (&mut server.served).await.expect("it ends").expect("in order");
    let opened_at = disk.lock().saved[&id[1]].opened_at;
    assert_eq!(disk.lock().saved.get(&id[0]), None, "saved or not, it has ended");

    let server = start(&disk).await;
    let expected: Vec<_> = server.hub.connections().expected().into_iter().map(|one| one.id).collect();
    assert_eq!(expected, [id[1].clone()]);
    let foreign = format!("/sse?tidings=1&connection={}", id[1]);
    server.get(&foreign, &[("x-user", "coach")]).await.expect("tidings:hello").await;
    assert_eq!(server.hub.connections().expected().len(), 1, "another user's name for it is nobody's");
    let mut back = server.get(&foreign, &[("x-user", "coachee")]).await;
    back.expect("tidings:hello").await;
    assert!(server.hub.connections().expected().is_empty());
    let info = server.hub.connections().of_user("coachee").pop().expect("it is open");
    assert_eq!(info.first_opened_at, opened_at);
    assert!(info.opened_at > opened_at);
    let again = format!("/sse?tidings=1&connection={}", info.id);
    let mut again = server.get(&again, &[("x-user", "coachee")]).await;
    again.expect("tidings:hello").await;
    assert_eq!(back.expect("tidings:goodbye").await["reason"], "replaced");
    let info = server.hub.connections().of_user("coachee").pop().expect("it is open");
    assert_eq!(info.first_opened_at, opened_at, "over as many returns as there are");
}

#[tokio::test]
async fn a_connection_that_does_not_return_within_a_lease_is_expected_no_more() {
    let disk = Arc::new(Mutex::new(Disk::default()));
    let gone = Saved {
        id: "c".into(),
        user: "coach".into(),
        login: None,
        opened_at: Clock::start().now(),
        until: None,
    };
    disk.lock().saved.insert("c".into(), gone);
    let config = Config { presence_lease: Duration::from_millis(100), ..Config::default() };
    let server = start_with(&disk, config).await;
    assert_eq!(server.hub.connections().expected().len(), 1);
    server.until(|hub| hub.connections().expected().is_empty()).await;
    server.until(|_| disk.lock().saved.is_empty()).await;
}

#[tokio::test]
async fn a_connection_that_ends_after_it_was_saved_unheard_is_taken_back() {
    let disk: Arc<Mutex<Disk>> = Arc::default();
    disk.lock().silent = true;
    let server = start(&disk).await;
    let mut client = server.stream("coach").await;
    client.expect("tidings:hello").await;
    server.until(|_| disk.lock().saved.len() == 1).await;
    drop(client);
    server.until(|hub| hub.connections().is_empty()).await;
    disk.lock().silent = false;
    server.until(|_| disk.lock().saved.is_empty()).await;
}

#[tokio::test]
async fn a_log_that_turns_out_to_be_another_one_is_told_to_open_streams() {
    let disk = Arc::default();
    let store =
        Arc::new(Kept { disk: Arc::clone(&disk), run: Mutex::default(), announced: Mutex::default() });
    let hub = Hub::start(Config::default(), store.clone()).await.expect("it starts");
    let app = Router::new().nest("/sse", router(&hub, believe));
    let server = Server::serve(hub, app).await;
    for n in 0..5 {
        server.hub.send(Audience::group("team"), &Event::said(n.to_string())).await.expect("sent");
    }
    let headers = [("x-user", "coach"), ("x-groups", "team")];
    let mut client = server.get("/sse?tidings=1", &headers).await;
    client.expect("tidings:hello").await;
    store.become_another();
    assert_eq!(client.expect("tidings:gap").await["reason"], "epoch");
    assert!(client.last_event_id().starts_with("another-"), "{}", client.last_event_id());
    let typing = Event::Typing { user: "coachee".into() };
    server.hub.send(Audience::group("team"), &typing).await.expect("sent");
    server.hub.send(Audience::group("team"), &Event::said("1")).await.expect("sent");
    client.expect("typing").await;
    assert_eq!(client.said().await, "1");
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_names_no_place_in_a_log_that_has_become_another_one() {
    let store = Arc::new(Kept { disk: Arc::default(), run: Mutex::default(), announced: Mutex::default() });
    let authorize_timeout = Duration::from_secs(600);
    let config = Config { heartbeat: Duration::from_secs(15), authorize_timeout, ..quiet() };
    let hub = Hub::<Event>::start(config, store.clone()).await.expect("it starts");
    let turns = Arc::new(tokio::sync::Semaphore::new(1));
    let app = router(&hub, {
        let turns = turns.clone();
        move |_: Arc<Parts>| {
            let turns = turns.clone();
            async move {
                turns.acquire().await.expect("never closed").forget();
                Ok(Identity::user("coach"))
            }
        }
    });
    for n in 0..5 {
        hub.send(Audience::user("coach"), &Event::said(n.to_string())).await.expect("sent");
    }
    let mut stream = Stream::open(&app, "").await;
    let stood = stream.expect("tidings:hello").await.last_event_id;
    store.become_another();
    // Its rights are being asked for.
    let heartbeat = stream.expect("tidings:heartbeat").await;
    assert_eq!(heartbeat.last_event_id, stood, "or the client would skip the first five of the new log");
    turns.add_permits(1);
    let gap = stream.expect("tidings:gap").await;
    assert_eq!(gap.last_event_id.to_string(), hub.cursor().to_string());
}

impl Kept {
    /// Another log, from its beginning.
    fn become_another(&self) {
        let other = Epoch::new("another").expect("an epoch");
        let mut run = self.run.lock();
        let (epoch, _, follower) = run.as_mut().expect("it runs");
        *epoch = other.clone();
        self.disk.lock().entries.clear();
        follower.begin(Beginning { epoch: other, floor: 0, ended: Vec::new() });
    }
}
