//! One process at a time.

use std::{sync::Arc, time::Duration};

use tidings_server::{
    Sqlite, StoreError,
    store::{SqliteOptions, Store},
};

use crate::{
    place::Place,
    run::{GLANCE, Run, Watcher, opening},
    sqlite::{kill, place::File},
};

async fn open(store: &Sqlite) -> Result<Arc<Watcher>, StoreError> {
    let opening = opening();
    let watcher = Arc::new(Watcher::new(opening.limits));
    store.open(opening, watcher.clone()).await.map(|_| watcher)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_fails_clearly_until_the_first_is_gone() {
    let file = File::fresh().await;
    let (mut child, mut lines) = kill::spawn(&file, 0);
    lines.next().expect("it runs");
    let impatient = SqliteOptions { wait_for_lock: Duration::from_millis(100), ..file.options() };
    let refused = open(&Sqlite::new(impatient)).await;
    let Err(StoreError::InUse(why)) = &refused.map(drop) else { panic!("it is in use") };
    let parts = [file.path().display().to_string(), format!("process {}", child.id()), "stop it".to_owned()];
    assert!(parts.iter().all(|part| why.contains(part)), "{why}");
    lines.next().expect("the first goes on");
    child.kill().expect("it runs");
    child.wait().expect("it is gone");
    open(&file.store()).await.expect("it is free");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_waits_for_the_first_to_close() {
    let file = File::fresh().await;
    let first = Run::open(&file).await;
    first.say("1").await;
    let store = file.store();
    let mut second = tokio::spawn(async move { open(&store).await.map(|watcher| (store, watcher)) });
    assert!(tokio::time::timeout(GLANCE, &mut second).await.is_err(), "two at a time");
    let last = first.say("2").await;
    first.close().await;
    let (_store, watcher) = second.await.expect("it ran").expect("it opens");
    assert_eq!(watcher.seen.lock().ids().last(), Some(&last), "what was sent while it waited is there");
}

#[tokio::test]
async fn the_same_file_under_another_name_is_the_same_file() {
    let file = File::fresh().await;
    let run = Run::open(&file).await;
    run.say("1").await;
    let name = file.path().with_file_name("other.db");
    std::os::unix::fs::symlink(file.path(), &name).expect("linked");
    let options = SqliteOptions { wait_for_lock: Duration::ZERO, ..SqliteOptions::new(name) };
    let refused = open(&Sqlite::new(options)).await;
    assert!(matches!(refused.map(drop), Err(StoreError::InUse(_))));
}

#[tokio::test]
async fn a_store_that_is_open_is_not_opened_again() {
    let file = File::fresh().await;
    let store = file.store();
    open(&store).await.expect("it opens");
    assert!(matches!(open(&store).await.map(drop), Err(StoreError::InUse(_))));
    store.close().await.expect("it closes");
    store.close().await.expect("closed is closed");
    open(&store).await.expect("it opens again");
}
