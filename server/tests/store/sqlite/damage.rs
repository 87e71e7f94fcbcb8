//! A file that is not ours, or not whole any more: said, and left as it is.

use std::{fs, sync::Arc};

use tidings_server::{
    StoreError,
    store::{
        Opened, Store,
        sqlx::{self, Connection as _},
    },
};

use crate::{
    place::{Durable as _, Place},
    run::{Run, Watcher, opening},
    sqlite::place::File,
};

async fn open(file: &File) -> Result<Opened, StoreError> {
    let opening = opening();
    let watcher = Arc::new(Watcher::new(opening.limits));
    let opened = file.store().open(opening, watcher.clone()).await;
    if opened.is_err() {
        assert!(watcher.seen.lock().beginnings.is_empty(), "a run begun that did not");
    }
    opened
}

/// Opening fails, names the file and what to do, and changes no byte; the error's text.
async fn refused(file: &File) -> StoreError {
    let before = fs::read(file.path()).expect("a file");
    for _ in 0..2 {
        let error = open(file).await.expect_err("it does not open");
        let text = error.to_string();
        assert!(text.contains(&file.path().display().to_string()), "{text}");
        assert!(
            text.contains("left untouched") && (text.contains("move") || text.contains("newer")),
            "{text}"
        );
        assert!(fs::read(file.path()).expect("a file") == before, "a byte was changed: {text}");
    }
    open(file).await.expect_err("it still does not open")
}

async fn foreign(file: &File, says: &str) {
    match refused(file).await {
        StoreError::Foreign(text) => assert!(text.contains(says), "{text}"),
        other => panic!("foreign, not {other:?}"),
    }
}

async fn corrupt(file: &File) -> String {
    match refused(file).await {
        StoreError::Corrupt(text) => text,
        other => panic!("corrupt, not {other:?}"),
    }
}

/// A file with a window, whole and closed.
async fn filled() -> File {
    let file = File::fresh().await;
    let run = Run::open(&file).await;
    for _ in 0..3 {
        run.count_to(300).await;
    }
    run.close().await;
    file
}

#[tokio::test]
async fn a_file_that_is_no_database_is_foreign() {
    for bytes in [&b"id,name\n1,coach\n"[..], b"x", &[0; 8_192]] {
        let file = File::fresh().await;
        fs::write(file.path(), bytes).expect("written");
        foreign(&file, "no SQLite database").await;
    }
}

#[tokio::test]
async fn a_database_with_other_tables_of_our_names_is_foreign() {
    for table in ["tidings_meta (key TEXT, value TEXT)", "tidings_events (id INTEGER)"] {
        let file = File::fresh().await;
        file.execute(&format!("PRAGMA journal_mode = WAL; CREATE TABLE {table}")).await;
        foreign(&file, "not ours").await;
    }
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_foreign() {
    let file = filled().await;
    file.execute("UPDATE tidings_meta SET version = 99").await;
    foreign(&file, "newer").await;
}

#[tokio::test]
async fn a_file_of_which_a_page_is_damaged_is_corrupt_wherever_that_is() {
    let whole = filled().await;
    let bytes = fs::read(whole.path()).expect("a file");
    // A page of the window, in the middle of its rows.
    let page = bytes.len() / 4_096 * 3 / 4 * 4_096;
    for damage in [page..page + 4_096, page + 2_000..page + 2_100, 4_096..8_192] {
        let mut bytes = bytes.clone();
        bytes[damage.clone()].fill(0xA5);
        fs::write(whole.path(), bytes).expect("written");
        match open(&whole).await {
            Err(StoreError::Corrupt(_)) => {
                corrupt(&whole).await;
            }
            // Inside a body there is nothing that a check could find: the event is sent as it is.
            Ok(_) => assert_eq!(damage.len(), 100, "{damage:?} was not noticed"),
            other => panic!("corrupt, not {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_table_that_a_start_does_not_read_is_checked_too() {
    let file = filled().await;
    // A single page, whose rows lie at its end and are only counted.
    file.fill_keys(5).await;
    let mut other = file.other().await;
    let (page,): (i64,) =
        sqlx::query_as("SELECT rootpage FROM sqlite_schema WHERE type = 'table' AND name = 'tidings_keys'")
            .fetch_one(&mut other)
            .await
            .expect("one");
    other.close().await.expect("it closes");
    let mut bytes = fs::read(file.path()).expect("a file");
    let start = (usize::try_from(page).expect("a page") - 1) * 4_096;
    bytes[start + 3_800..start + 4_096].fill(0xA5);
    fs::write(file.path(), bytes).expect("written");
    corrupt(&file).await;
}

#[tokio::test]
async fn a_file_that_was_cut_off_is_corrupt() {
    let file = filled().await;
    let bytes = fs::read(file.path()).expect("a file");
    for length in [bytes.len() / 2, bytes.len() - 4_096, bytes.len() - 100] {
        fs::write(file.path(), &bytes[..length]).expect("written");
        corrupt(&file).await;
    }
}

#[tokio::test]
async fn a_row_that_says_nothing_is_corrupt_and_named() {
    for (change, says) in [
        ("UPDATE tidings_entries SET kind = 9 WHERE sequence = 7", "entry 7"),
        ("UPDATE tidings_entries SET channels = 'nobody' WHERE sequence = 8", "entry 8"),
        ("UPDATE tidings_entries SET body = NULL WHERE sequence = 9", "entry 9"),
        ("UPDATE tidings_entries SET kind = 2 WHERE sequence = 10", "entry 10"),
        ("UPDATE tidings_entries SET epoch = 77 WHERE sequence = 11", "entry 11"),
        ("UPDATE tidings_epochs SET token = 'no epoch'", "epoch"),
        ("INSERT INTO tidings_revocations VALUES ('nobody', unixepoch() * 1000)", "revocation"),
        ("UPDATE tidings_meta SET secret = x'00'", "secret"),
        ("DELETE FROM tidings_meta", "version"),
        ("DROP TABLE tidings_leases", "tidings_leases"),
    ] {
        let file = filled().await;
        file.execute(change).await;
        let text = corrupt(&file).await;
        assert!(text.contains(says), "{change}: {text}");
    }
}

#[tokio::test]
async fn the_apps_own_database_is_shared_with_it() {
    let file = File::fresh().await;
    file.execute("CREATE TABLE goals (id INTEGER, text TEXT); INSERT INTO goals VALUES (1, 'run')").await;
    let run = Run::open(&file).await;
    run.say("1").await;
    run.close().await;
    let mut app = file.other().await;
    let goals: Vec<(i64, String)> =
        sqlx::query_as("SELECT id, text FROM goals").fetch_all(&mut app).await.expect("there");
    assert_eq!(goals, [(1, "run".to_owned())]);
    assert_eq!(Run::open(&file).await.watcher.seen.lock().texts(), ["1"]);
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_said() {
    let file = File::fresh().await;
    let store = tidings_server::Sqlite::at(file.path().join("more/tidings.db"));
    let opening = opening();
    let watcher = Arc::new(Watcher::new(opening.limits));
    let refused = store.open(opening, watcher).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
}
