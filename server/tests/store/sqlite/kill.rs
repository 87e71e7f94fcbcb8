//! A process that is killed in the middle of writing, with `kill -9`.

use std::{
    collections::{BTreeMap, HashSet},
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use tidings_server::{
    Sqlite,
    protocol::{Epoch, EventId},
    store::Store,
};

use crate::{
    place::Place,
    run::{Resumed, Run, key, said},
    sqlite::place::File,
};

/// Where the child that is killed keeps its log, and what its texts begin with.
const PATH: &str = "TIDINGS_TEST_KILLED_PATH";
const ROUND: &str = "TIDINGS_TEST_KILLED_ROUND";

/// Senders of the child: many, so that the kill comes in the middle of commits of several.
const SENDERS: usize = 12;

struct Elsewhere(PathBuf);

impl Place for Elsewhere {
    type Store = Sqlite;

    async fn fresh() -> Self {
        unreachable!("it is told where it is")
    }

    fn store(&self) -> Sqlite {
        Sqlite::at(&self.0)
    }
}

/// This very binary, running only [`writes_until_it_is_killed`] on `file`.
pub(super) fn spawn(file: &File, round: usize) -> (Child, impl Iterator<Item = String> + use<>) {
    let mut child = Command::new(std::env::current_exe().expect("a binary"))
        .args(["--exact", "sqlite::kill::writes_until_it_is_killed", "--nocapture"])
        .env(PATH, file.path())
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    // The last line may have been cut off by the kill, and is no answer then.
    (child, lines.map_while(Result::ok).filter_map(|line| Some(line.strip_suffix(" sent")?.to_owned())))
}

/// Does nothing unless it is the child.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_until_it_is_killed() {
    let (Some(path), Ok(round)) = (std::env::var_os(PATH), std::env::var(ROUND)) else { return };
    let run = Run::open(&Elsewhere(path.into())).await;
    let senders = (0..SENDERS).map(|sender| {
        let (store, round) = (run.store.clone(), round.clone());
        tokio::spawn(async move {
            for n in 0.. {
                let text = format!("{round}.{sender}.{n}");
                let sent = store.append(vec![said(&text)], Some(key(&text, &text))).await.expect("sent");
                let mut out = std::io::stdout().lock();
                writeln!(out, "{} {text} sent", sent.ids[0]).expect("the parent reads");
            }
        })
    });
    for sender in senders.collect::<Vec<_>>() {
        sender.await.expect("it never ends");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_send_outlives_a_kill_and_none_is_there_twice() {
    const ROUNDS: usize = 4;
    let file = File::fresh().await;
    let mut acknowledged: BTreeMap<String, EventId> = BTreeMap::new();
    for round in 0..ROUNDS {
        let (mut child, mut lines) = spawn(&file, round);
        let mut acknowledge = |line: String| {
            let (id, text) = line.split_once(' ').expect("an id and a text");
            acknowledged.insert(text.to_owned(), id.parse().expect("an id"));
        };
        for _ in 0..150 + 97 * round {
            acknowledge(lines.next().expect("it goes on"));
        }
        child.kill().expect("it runs");
        child.wait().expect("it is gone");
        // What it had said before it was gone.
        lines.for_each(acknowledge);

        let run = Run::open(&file).await;
        check(&run, &acknowledged);
        // Each of its senders died before an answer, or right after one: it does not know which, and sends
        // again under the same key.
        for sender in 0..SENDERS {
            let prefix = format!("{round}.{sender}.");
            let sent = acknowledged.keys().filter(|text| text.starts_with(&prefix)).count();
            let text = format!("{prefix}{sent}");
            let was_there = run.watcher.seen.lock().texts().contains(&text);
            let again = run.append(vec![said(&text)], Some(key(&text, &text))).await.expect("sent");
            assert_eq!(again.duplicate, was_there, "{text}");
            acknowledged.insert(text, again.ids[0].clone());
        }
        check(&run, &acknowledged);
        resumes(&run, &acknowledged).await;
        run.close().await;
    }
}

/// Everything acknowledged is where it was said to be, and nothing is there twice.
fn check(run: &Run<Sqlite>, acknowledged: &BTreeMap<String, EventId>) {
    let seen = run.watcher.seen.lock();
    let (ids, texts) = (seen.ids(), seen.texts());
    let at: BTreeMap<_, _> = texts.iter().cloned().zip(ids.iter().cloned()).collect();
    assert_eq!(at.len(), texts.len(), "an event is there twice");
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len(), "an id was given twice");
    assert_eq!(seen.sequences(), (1..=ids.len() as u64).collect::<Vec<_>>());
    for (text, id) in acknowledged {
        assert_eq!(at.get(text), Some(id), "{text} was acknowledged");
    }
}

/// A client that stands on the last answer of a killed run is continued, one that stands beyond is not.
async fn resumes(run: &Run<Sqlite>, acknowledged: &BTreeMap<String, EventId>) {
    let ends: BTreeMap<Epoch, u64> = {
        let seen = run.watcher.seen.lock();
        seen.entries.iter().map(|entry| (entry.id.epoch().clone(), entry.id.sequence())).collect()
    };
    for id in acknowledged.values() {
        let resumed = run.resume(id).await;
        assert!(matches!(resumed, Resumed::Replayed(_)), "{id}: {resumed:?}");
    }
    for (epoch, end) in ends {
        assert_eq!(run.resume(&epoch.at(end + 1)).await, Resumed::Epoch);
    }
}
