//! What a server may lose, and that everybody is told.

use std::time::Duration;

use tidings_server::{Config, Hub, Presence, Redis, store::RedisOptions};

use super::{
    place::Keys,
    server::{ALWAYS, Server},
};
use crate::{
    outage::Stream,
    place::{Durable as _, Place as _},
    run::{Event, Resumed, Run, eventually, said},
};

/// What may lose a second of writes.
const EVERY_SECOND: &[&str] = &["--appendonly", "yes", "--appendfsync", "everysec"];

/// What keeps nothing.
const NOTHING: &[&str] = &["--appendonly", "no"];

/// The log has begun anew for `run`, and sends go on.
async fn begins_anew(run: &Run<Redis>) {
    eventually("it is told", async || run.watcher.seen.lock().beginnings.len() == 2).await;
    eventually("it sends again", async || run.append(vec![said("new")], None).await.is_ok()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crash_of_a_server_that_syncs_every_write_is_no_gap() {
    let place = Keys::fresh().await;
    let runs = [Run::open(&place).await, Run::open(&place).await];
    runs[0].count_to(3).await;
    let cursor = runs[1].say("4").await;
    runs[0].watcher.saw(4).await;
    place.server.kill();
    place.server.resume();
    let id = runs[0].say("5").await;
    assert_eq!(id.sequence(), 5);
    assert_ne!(id.epoch(), cursor.epoch(), "another run of the server has it");
    for run in &runs {
        run.watcher.saw(5).await;
        assert_eq!(run.watcher.seen.lock().beginnings.len(), 1);
        assert_eq!(run.resume(&cursor).await, Resumed::Replayed(vec!["5".to_owned()]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn after_a_crash_of_one_that_does_not_everybody_gets_one_gap() {
    let place = Keys::on(Server::start(EVERY_SECOND));
    let runs = [Run::open(&place).await, Run::open(&place).await];
    runs[0].count_to(3).await;
    let cursor = runs[0].say("4").await;
    runs[1].watcher.saw(4).await;
    // Even though nothing of it is missing: nobody can know.
    eventually("it is on the disk", async || on_disk(&place).contains("\"4\"")).await;
    place.server.kill();
    place.server.resume();
    assert_eq!(place.entries().await, 4);
    for run in &runs {
        begins_anew(run).await;
    }
    let fresh = Run::open(&place).await;
    for run in [&runs[0], &runs[1], &fresh] {
        assert_eq!(run.resume(&cursor).await, Resumed::Epoch);
        assert_eq!(run.watcher.seen.lock().beginnings.last().expect("one").floor, 4);
    }
    // One, not one per instance: what came since goes on.
    eventually("all have all", async || {
        runs.iter().all(|run| run.watcher.seen.lock().texts() == ["new", "new"])
    })
    .await;
    for run in &runs {
        assert_eq!(run.watcher.seen.lock().beginnings.len(), 2);
    }
}

fn on_disk(place: &Keys) -> String {
    let files = std::fs::read_dir(place.server.folder().join("appendonlydir")).expect("a folder");
    let text = |file: std::fs::DirEntry| std::fs::read(file.path()).expect("it reads");
    files.map(|file| String::from_utf8_lossy(&text(file.expect("a file"))).into_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_restart_without_data_is_a_gap_and_keeps_the_secret() {
    let place = Keys::on(Server::start(NOTHING));
    let runs = [Run::open(&place).await, Run::open(&place).await];
    let cursor = runs[0].say("1").await;
    runs[1].watcher.saw(1).await;
    place.restart();
    // Nobody sends: that it is another log is found by looking.
    for run in &runs {
        eventually("it is told", async || run.watcher.seen.lock().beginnings.len() == 2).await;
        assert_eq!(run.resume(&cursor).await, Resumed::Epoch);
    }
    let id = runs[0].say("another 1").await;
    assert_eq!(id.sequence(), 1);
    runs[1].watcher.saw(1).await;
    assert_eq!(runs[1].watcher.seen.lock().texts(), ["another 1"]);
    let fresh = Run::open(&place).await;
    assert_eq!(fresh.opened.secret, runs[0].opened.secret);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_flushed_under_a_living_server_is_a_gap() {
    let place = Keys::fresh().await;
    let run = Run::open(&place).await;
    let cursor = run.count_to(3).await.pop().expect("three");
    redis::cmd("FLUSHALL").exec(&mut place.server.connect()).expect("it flushes");
    begins_anew(&run).await;
    assert_eq!(run.resume(&cursor).await, Resumed::Epoch);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_is_here_and_what_is_open_is_said_anew_to_a_server_that_lost_it() {
    let place = Keys::fresh().await;
    // Longer than the test: no renewal does it.
    let config = Config { presence_lease: Duration::from_secs(3_600), ..Config::default() };
    let start = async || Hub::<Event>::start(config.clone(), place.store()).await.expect("it starts");
    let (a, b) = (start().await, start().await);
    let _stream = Stream::open(&a).await;
    let is_known = async || {
        let open = b.connections_elsewhere().await;
        open.is_ok_and(|open| open.len() == 1) && b.presence("coach").await.ok() == Some(Presence::Online)
    };
    eventually("it is known", is_known).await;
    redis::cmd("FLUSHALL").exec(&mut place.server.connect()).expect("it flushes");
    assert!(!is_known().await);
    eventually("it is known again", is_known).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_tail_that_goes_missing_under_a_living_server_is_a_gap_for_everybody() {
    let place = Keys::fresh().await;
    let runs = [Run::open(&place).await, Run::open(&place).await];
    let ids = runs[0].count_to(5).await;
    runs[1].watcher.saw(5).await;
    let rob = "
        local rest = redis.call('XRANGE', key('log'), '-', '+', 'COUNT', 3)
        redis.call('DEL', key('log'))
        for _, entry in ipairs(rest) do
            redis.call('XADD', key('log'), entry[1], unpack(entry[2]))
        end
        redis.call('HSET', key('head'), 'sequence', 3)";
    place.script(rob, &[]);
    for run in &runs {
        begins_anew(run).await;
        assert_eq!(run.resume(&ids[1]).await, Resumed::Epoch, "who had seen less may miss it too");
    }
    let seen = runs[0].watcher.seen.lock();
    assert!(!seen.ids().iter().any(|id| ids.contains(id)), "no id twice: {:?}", seen.ids());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn entries_that_go_missing_in_the_middle_are_a_gap() {
    let place = Keys::fresh().await;
    let run = Run::open(&place).await;
    let cursor = run.say("1").await;
    // Between two looks, as an eviction would.
    let rob = "
        local sequence = redis.call('HINCRBY', key('head'), 'sequence', 2)
        redis.call('XADD', key('log'), sequence .. '-1', 'k', '0', 'c', 'all', 'b', 'x')";
    place.script(rob, &[]);
    eventually("it is told", async || run.watcher.seen.lock().beginnings.len() == 2).await;
    assert_eq!(run.watcher.seen.lock().beginnings[1].floor, 2);
    assert_eq!(run.resume(&cursor).await, Resumed::Retention);
    assert_eq!(run.say("4").await.sequence(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stream_that_goes_missing_as_a_whole_is_a_gap() {
    let place = Keys::fresh().await;
    let run = Run::open(&place).await;
    let cursor = run.say("1").await;
    place.script("redis.call('HINCRBY', key('head'), 'sequence', 2) redis.call('DEL', key('log'))", &[]);
    eventually("it is told", async || run.watcher.seen.lock().beginnings.len() == 2).await;
    assert_eq!(run.watcher.seen.lock().beginnings[1].floor, 3);
    assert_eq!(run.resume(&cursor).await, Resumed::Retention);
    assert_eq!(run.say("4").await.sequence(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn after_a_fail_over_everybody_gets_one_gap() {
    let primary = Server::start(ALWAYS);
    let address = primary.listen();
    let replica = Server::start(ALWAYS);
    let copy = replica.listen();
    let mut at_replica = replica.connect();
    let (host, port) = address.rsplit_once(':').expect("a port");
    redis::cmd("REPLICAOF").arg(host).arg(port).exec(&mut at_replica).expect("it follows");
    // Who asks for the primary is told by a name that moves, as of a virtual address.
    let proxy = super::proxy::Proxy::to(&address).await;
    let store = || Redis::new(&proxy.url(), RedisOptions::default()).expect("a URL");
    let place = Keys::on(primary);
    let runs = [Run::open_store(store()).await, Run::open_store(store()).await];
    let cursor = runs[0].count_to(3).await.pop().expect("three");
    runs[1].watcher.saw(3).await;
    let copied =
        || redis::cmd("XLEN").arg("{tidings}:log").query::<u64>(&mut replica.connect()).expect("a count");
    eventually("it is copied", async || copied() == 3).await;
    place.server.kill();
    redis::cmd("REPLICAOF").arg("NO").arg("ONE").exec(&mut at_replica).expect("it is promoted");
    proxy.turn_to(&copy);
    for run in &runs {
        begins_anew(run).await;
        assert_eq!(run.resume(&cursor).await, Resumed::Epoch, "the primary may have acknowledged more");
    }
    drop(runs);
    let fresh = Run::open_store(store()).await;
    assert_eq!(fresh.watcher.seen.lock().beginnings[0].floor, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_without_room_refuses_and_loses_nothing() {
    let place = Keys::fresh().await;
    let run = Run::open(&place).await;
    run.say("1").await;
    let set = |name: &str, value: &str| {
        redis::cmd("CONFIG")
            .arg("SET")
            .arg(name)
            .arg(value)
            .exec(&mut place.server.connect())
            .expect("it is set");
    };
    set("maxmemory", "1");
    let wait = Duration::from_millis(400);
    let refused = tokio::time::timeout(wait * 3, run.append(vec![said("no room")], None)).await;
    assert!(refused.map_or(true, |refused| refused.is_err_and(|error| error.is_retryable())));
    set("maxmemory", "0");
    run.say("2").await;
    let texts = run.watcher.seen.lock().texts();
    let kept: Vec<_> = texts.iter().filter(|text| *text != "no room").collect();
    assert_eq!(kept, ["1", "2"], "{texts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_would_throw_the_log_away_is_refused() {
    let server = Server::start(&["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]);
    let place = Keys::on(server);
    let refused = Run::try_open(place.store()).await;
    let Err(tidings_server::StoreError::Foreign(said)) = refused else { panic!("it is used") };
    assert!(said.contains("allkeys-lru") && said.contains("noeviction"), "{said}");
}
