//! What lies in the file, and how much of it.

use std::time::Duration;

use tidings_server::{
    Presence, StoreError,
    protocol::Limits,
    store::{Lease, Opening, Outbox, Store, sqlx},
};

use crate::{
    place::{Durable, Place},
    run::{Resumed, Run, here, left, opening, said, typing},
    sqlite::place::File,
};

async fn number(file: &File, sql: &str) -> i64 {
    let (number,) = sqlx::query_as(sql).fetch_one(&mut file.other().await).await.expect("one");
    number
}

#[tokio::test]
async fn a_live_only_event_is_not_on_the_disk() {
    let file = File::fresh().await;
    let run = Run::open(&file).await;
    run.send(typing("secret")).await;
    run.say("kept").await;
    let bodies = "SELECT count(*) FROM tidings_entries WHERE body IS NOT NULL";
    assert_eq!(number(&file, bodies).await, 1);
}

#[tokio::test]
async fn the_file_of_a_full_window_does_not_grow() {
    let file = File::fresh().await;
    let limits = Limits { count: 100, ..Limits::default() };
    let run = Run::open_with(&file, Opening { limits, ..opening() }).await;
    let pages = async |events: usize| {
        for n in 0..events {
            run.say(&"x".repeat(1_000 + n * 37 % 500)).await;
        }
        number(&file, "PRAGMA page_count").await
    };
    let full = pages(300).await;
    let later = pages(1_500).await;
    assert!(later <= full + full / 4, "{later} pages after {full}");
}

#[tokio::test]
async fn what_waits_without_a_run_is_bounded() {
    let file = File::fresh().await;
    Run::open(&file).await.close().await;
    file.execute(
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 100000) \
         INSERT INTO tidings_outbox (kind, channels, body) SELECT 0, 'all', x'00' FROM n",
    )
    .await;
    let (store, mut app) = (file.store(), file.other().await);
    store.enqueue(&mut app, said("the last")).await.expect("enqueued");
    let refused = store.enqueue(&mut app, said("one more")).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
}

#[tokio::test]
async fn the_ends_of_1024_epochs_are_kept() {
    let file = File::fresh().await;
    let first = Run::open(&file).await;
    first.say("1").await;
    let old = first.epoch.at(1);
    first.close().await;
    file.execute(
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 3000) \
         INSERT INTO tidings_epochs (token, ended) SELECT 'filled' || n, 1 FROM n",
    )
    .await;
    Run::open(&file).await.close().await;
    let run = Run::open(&file).await;
    let ended = run.watcher.seen.lock().beginnings[0].ended.clone();
    assert_eq!(ended.len(), 1_024);
    assert_eq!(ended[0].0.as_str(), "filled1978", "the newest of them");
    assert_eq!(run.resume(&old).await, Resumed::Epoch, "forgotten is a gap");
    let kept = number(&file, "SELECT count(*) FROM tidings_epochs").await;
    assert!(kept <= 1_028, "{kept}: those, the one that entries are of, and the last");
    assert_eq!(file.entries().await, 1);
}

#[tokio::test]
async fn a_lease_that_was_ended_in_the_minute_before_is_told_of_again() {
    let file = File::fresh().await;
    let first = Run::open(&file).await;
    for lease in [here("left", Duration::from_secs(45)), left("left")] {
        first.store.lease(vec![lease]).await.expect("stored");
    }
    first.kill();
    for (by, expected) in [(0, 1), (55, 1), (10, 0)] {
        file.age(Duration::from_secs(by)).await;
        let run = Run::open(&file).await;
        let is_told = |lease: &&Lease| lease.user == "left" && lease.presence == Presence::Offline;
        assert_eq!(run.opened.leases.iter().filter(is_told).count(), expected, "{by} s later");
        run.close().await;
    }
}
