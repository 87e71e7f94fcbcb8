//! Several instances on one database, of which one sequences.

use std::time::Duration;

use tidings_server::store::Outbox as _;

use super::{place::Schema, proxy::Proxy, server::Server};
use crate::{
    instances::{check, keep_sending},
    place::{Durable as _, Place as _, Shared as _},
    run::{GLANCE, Run, eventually, said},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn three_instances_and_the_app_make_one_order() {
    let place = Schema::fresh().await;
    let runs = [Run::open(&place).await, Run::open(&place).await, Run::open(&place).await];
    let senders: Vec<_> =
        runs.iter().zip(["a", "b", "c"]).map(|(run, name)| keep_sending(run, name, 60)).collect();
    let mut app = place.connect().await;
    for n in 0..30 {
        Schema::begin(&mut app).await;
        runs[2].store.enqueue(&mut app, said(&format!("app {n}"))).await.expect("enqueued");
        Schema::commit(&mut app).await;
    }
    let mut sent = Vec::new();
    for sender in senders {
        sent.extend(sender.await.expect("it ran"));
    }
    assert_eq!(sent.len(), 180);
    for run in &runs {
        run.watcher.saw(210).await;
    }
    check(&[&runs[0], &runs[1], &runs[2]], &sent).await;
    let epochs = place.count("SELECT count(*) FROM epochs").await;
    assert_eq!(epochs, 1, "one of them is the sequencer, for as long as it lives");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_sequencer_that_closes_hands_over() {
    let place = Schema::fresh().await;
    let first = Run::open(&place).await;
    let second = Run::open(&place).await;
    let sending = keep_sending(&second, "a", 50);
    second.watcher.saw(10).await;
    first.close().await;
    let sent = sending.await.expect("it ran");
    assert_eq!(sent.len(), 50);
    check(&[&second], &sent).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_sequencer_that_goes_silent_is_replaced_and_writes_nothing_more() {
    let server = Server::start();
    let place = Schema::on(server.options());
    let proxy = Proxy::to(server.folder());
    let behind = place.through(proxy.options(server.options()));
    let silent = Run::open(&behind).await;
    silent.say("1").await;
    let other = Run::open(&place).await;
    proxy.cut();
    // Rows wait for whoever sequences: the session of the silent one ends after 3 s.
    let sent = vec![("2".to_owned(), other.say("2").await), ("3".to_owned(), other.say("3").await)];
    let epoch = sent[0].1.epoch().clone();
    assert_ne!(epoch, silent.epoch);
    proxy.heal();
    let late = silent.append(vec![said("4")], None).await.expect("it has come back");
    assert_eq!(late.ids[0].sequence(), 4);
    check(&[&other, &silent], &sent).await;
    let of_the_silent = "SELECT count(*) FROM entries WHERE epoch = 1";
    assert_eq!(place.count(of_the_silent).await, 1, "the one of before the silence");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_sequencer_that_is_fenced_off_writes_nothing() {
    let place = Schema::fresh().await;
    let run = Run::open(&place).await;
    run.say("1").await;
    // As if another session had the lock: ours cannot know before its next statement.
    place.execute("BEGIN; SELECT * FROM begin_epoch(7, 'usurper')").await;
    assert_eq!(run.say("2").await.epoch(), &run.epoch, "that was rolled back");
    let mut usurper = place.other().await;
    let begin = "SELECT * FROM begin_epoch(7, 'usurper')";
    tidings_server::store::sqlx::query(begin).execute(&mut usurper).await.expect("it begins");
    let id = run.say("3").await;
    assert_eq!(id.sequence(), 3);
    assert_ne!(id.epoch(), &run.epoch, "it began an epoch of its own first");
    assert_eq!(place.count("SELECT count(*) FROM entries WHERE epoch = 1").await, 2);
    assert_eq!(place.count("SELECT count(*) FROM epochs WHERE ended IS NULL").await, 1);
    check(&[&run], &[("3".to_owned(), id)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_idle_transaction_stops_nobody() {
    let place = Schema::fresh().await;
    let run = Run::open(&place).await;
    let mut idle = place.connect().await;
    Schema::begin(&mut idle).await;
    run.store.enqueue(&mut idle, said("idle")).await.expect("enqueued");
    let mut app = place.connect().await;
    let mut expected = Vec::new();
    for n in 0..20 {
        run.say(&format!("{n}")).await;
        Schema::begin(&mut app).await;
        run.store.enqueue(&mut app, said(&format!("{n} in"))).await.expect("enqueued");
        Schema::commit(&mut app).await;
        expected.extend([format!("{n}"), format!("{n} in")]);
    }
    // Nor a start, a fail-over, or what is removed.
    let second = Run::open(&place).await;
    run.watcher.saw(40).await;
    run.kill();
    second.say("more").await;
    expected.push("more".to_owned());
    place.execute("UPDATE entries SET at = 0 WHERE sequence <= 10").await;
    eventually("they are removed", async || place.entries().await == 31).await;
    tokio::time::sleep(GLANCE).await;
    assert_eq!(second.watcher.seen.lock().texts(), expected);
    Schema::commit(&mut idle).await;
    second.watcher.saw(42).await;
    assert_eq!(second.watcher.seen.lock().texts().last().map(String::as_str), Some("idle"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_entry_that_is_not_there_yet_holds_back_those_behind_it() {
    let place = Schema::fresh().await;
    let run = Run::open(&place).await;
    run.count_to(103).await;
    // What no sequencer does: 105 is committed before 104.
    let copy = |sequence: u64| {
        format!(
            "INSERT INTO entries SELECT {sequence}, epoch, at, kind, channels, body, NULL, NULL, NULL, 1
            FROM entries WHERE sequence = 103;"
        )
    };
    place.execute(&format!("BEGIN; {} UPDATE head SET sequence = 105; COMMIT", copy(105))).await;
    let behind = run.spawn(vec![said("106")], None);
    eventually("106 is committed", async || place.entries().await == 105).await;
    tokio::time::sleep(GLANCE).await;
    assert_eq!(run.watcher.seen.lock().entries.len(), 103, "105 came before 104");
    assert!(!behind.is_finished());
    place.execute(&copy(104)).await;
    assert_eq!(behind.await.expect("it ran").expect("sent").ids[0].sequence(), 106);
    assert_eq!(run.watcher.seen.lock().sequences(), (1..=106).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_listener_that_is_cut_off_costs_a_second_at_most() {
    let place = Schema::fresh().await;
    let (sequencer, other) = (Run::open(&place).await, Run::open(&place).await);
    sequencer.say("1").await;
    other.watcher.saw(1).await;
    let listeners = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = 'tidings listener' AND query LIKE 'LISTEN%'";
    for n in 2..=6_usize {
        place.execute(&format!("{listeners} AND query LIKE '%{}%'", place.name)).await;
        sequencer.say(&n.to_string()).await;
        let seen = tokio::time::timeout(Duration::from_secs(3), other.watcher.saw(n)).await;
        assert!(seen.is_ok(), "the table is the truth, {n}");
    }
    assert_eq!(other.watcher.seen.lock().texts(), ["1", "2", "3", "4", "5", "6"]);
    assert_eq!(other.watcher.seen.lock().beginnings.len(), 1, "without a gap");
}
