//! A commit that fails fails whom it held, shows nothing, and is the last that does.

use std::time::Duration;

use tidings_server::{
    Sqlite, StoreError,
    store::{Outbox, SqliteOptions, sqlx},
};

use crate::{
    place::{Place, Shared},
    run::{Run, key, said},
    sqlite::place::File,
};

/// A file whose writer does not wait long for others.
struct Impatient(File);

impl Place for Impatient {
    type Store = Sqlite;

    async fn fresh() -> Self {
        Self(File::fresh().await)
    }

    fn store(&self) -> Sqlite {
        Sqlite::new(SqliteOptions { busy_timeout: Duration::from_millis(50), ..self.0.options() })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_of_the_app_that_does_not_end_fails_sends_and_the_next_go_on() {
    let file = Impatient::fresh().await;
    let run = Run::open(&file).await;
    run.say("1").await;
    for round in 0..3_u64 {
        let mut hold = file.0.other().await;
        File::begin(&mut hold).await;
        let sends: Vec<_> = (0..5).map(|_| run.spawn(vec![said("never")], None)).collect();
        for send in sends {
            let refused = send.await.expect("it ran");
            assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
        }
        File::roll_back(&mut hold).await;
        assert_eq!(run.say("on").await, run.epoch.at(round + 2));
    }
    assert_eq!(run.watcher.seen.lock().texts(), ["1", "on", "on", "on"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_refuses_fails_sends_as_long_as_it_does() {
    let file = File::fresh().await;
    let run = Run::open(&file).await;
    run.say("1").await;
    file.execute(
        "CREATE TRIGGER full BEFORE INSERT ON tidings_entries BEGIN SELECT RAISE(FAIL, 'the disk is full'); END",
    )
    .await;
    for _ in 0..3 {
        let refused = run.append(vec![said("never")], Some(key("k", "1"))).await;
        assert!(matches!(&refused, Err(StoreError::Unavailable(why)) if why.contains("full")), "{refused:?}");
    }
    file.execute("DROP TRIGGER full").await;
    let sent = run.append(vec![said("2")], Some(key("k", "2"))).await.expect("sent");
    assert_eq!((sent.ids, sent.duplicate), (vec![run.epoch.at(2)], false));
    assert_eq!(run.watcher.seen.lock().texts(), ["1", "2"]);
    run.kill();
    assert_eq!(Run::open(&file).await.watcher.seen.lock().texts(), ["1", "2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_happened_though_it_was_said_to_fail_is_shown_before_the_next() {
    let file = Impatient::fresh().await;
    let run = Run::open(&file).await;
    run.say("1").await;
    let mut hold = file.0.other().await;
    File::begin(&mut hold).await;
    run.append(vec![said("never")], None).await.expect_err("it is held");
    let copy = "INSERT INTO tidings_entries SELECT 2, epoch, at, kind, channels, body FROM tidings_entries";
    sqlx::query(copy).execute(&mut hold).await.expect("inserted");
    File::commit(&mut hold).await;
    assert_eq!(run.say("3").await, run.epoch.at(3));
    assert_eq!(run.watcher.seen.lock().ids(), [1, 2, 3].map(|sequence| run.epoch.at(sequence)));
}

#[tokio::test]
async fn an_event_in_another_database_says_where_it_belongs() {
    let (file, other) = (File::fresh().await, File::fresh().await);
    let run = Run::open(&file).await;
    let mut elsewhere = other.other().await;
    let refused = run.store.enqueue(&mut elsewhere, said("1")).await;
    let Err(StoreError::Foreign(why)) = refused else { panic!("foreign, not {refused:?}") };
    assert!(why.contains(&file.path().display().to_string()), "{why}");
}
