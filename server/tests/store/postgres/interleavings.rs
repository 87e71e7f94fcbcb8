//! The order rule, under transactions of the app that cross in every way.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tidings_server::{
    Postgres,
    store::{
        Outbox as _,
        sqlx::{Executor as _, PgConnection},
    },
};

use super::place::Schema;
use crate::{
    place::{Place as _, Shared as _},
    run::{Run, said},
};

const WRITERS: usize = 8;

/// Eight writers each, in lanes that run beside each other.
const INTERLEAVINGS: u64 = 10_000;
const LANES: u64 = 4;

/// A xorshift generator: the schedule of a seed is the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }
}

/// A transaction of the app: begun after whatever was answered by `began`, its commit answered by `committed`.
#[derive(Debug, Default, Clone)]
struct Transaction {
    began: u64,
    committed: Option<u64>,
    texts: Vec<String>,
}

/// Eight connections with a transaction open on each.
struct Lane {
    run: Arc<Run<Postgres>>,
    clock: Arc<AtomicU64>,
    random: Random,
    writers: Vec<(PgConnection, Transaction)>,
    done: Vec<Transaction>,
}

impl Lane {
    async fn new(place: &Schema, run: Arc<Run<Postgres>>, clock: Arc<AtomicU64>) -> Self {
        let mut writers = Vec::new();
        for _ in 0..WRITERS {
            let mut connection = place.connect().await;
            let began = tick(&clock);
            // Others see a commit as soon as ever; only a crash of the server could take it back.
            let begin = "SET synchronous_commit = off; BEGIN";
            connection.execute(begin).await.expect("it begins");
            writers.push((connection, Transaction { began, ..Transaction::default() }));
        }
        Self { run, clock, random: Random(1), writers, done: Vec::new() }
    }

    /// As many transactions as there are writers, ended among those that the last interleaving left open.
    async fn interleave(&mut self, seed: u64) {
        self.random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let enough = self.done.len() + WRITERS;
        while self.done.len() < enough {
            self.step().await;
        }
        if seed.is_multiple_of(100) {
            let began = tick(&self.clock);
            let text = format!("{began}");
            self.run.say(&text).await;
            let committed = Some(tick(&self.clock));
            self.done.push(Transaction { began, committed, texts: vec![text] });
        }
    }

    /// One statement of some writer.
    async fn step(&mut self) {
        let writer = self.random.below(WRITERS);
        let chance = self.random.below(8);
        let (connection, transaction) = &mut self.writers[writer];
        if transaction.texts.is_empty() || (chance == 0 && transaction.texts.len() < 3) {
            let text = format!("{}", tick(&self.clock));
            self.run.store.enqueue(connection, said(&text)).await.expect("enqueued");
            transaction.texts.push(text);
            return;
        }
        let rolls_back = chance == 1;
        let end = if rolls_back { "ROLLBACK" } else { "COMMIT" };
        (&mut *connection).execute(end).await.expect("it ends");
        let at = tick(&self.clock);
        transaction.committed = (!rolls_back).then_some(at);
        self.done.push(std::mem::take(transaction));
        transaction.began = tick(&self.clock);
        connection.execute("BEGIN").await.expect("it begins");
    }
}

fn tick(clock: &AtomicU64) -> u64 {
    clock.fetch_add(1, Ordering::SeqCst)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn committed_transactions_take_their_places_in_order_and_none_is_skipped() {
    let place = Schema::fresh().await;
    let (run, clock) = (Arc::new(Run::open(&place).await), Arc::new(AtomicU64::new(1)));
    let mut lanes = Vec::new();
    for number in 0..LANES {
        let mut lane = Lane::new(&place, run.clone(), clock.clone()).await;
        lanes.push(tokio::spawn(async move {
            for seed in (1..=INTERLEAVINGS).filter(|seed| seed % LANES == number) {
                lane.interleave(seed).await;
            }
            // What is left open is never seen.
            lane.done
        }));
    }
    let mut done = Vec::new();
    for lane in lanes {
        done.extend(lane.await.expect("it ran"));
    }
    check(&run, &done).await;
}

/// What is there is what was committed, without a hole, and whoever began after another's commit is behind it.
async fn check(run: &Run<Postgres>, done: &[Transaction]) {
    let committed: Vec<_> = done.iter().filter(|transaction| transaction.committed.is_some()).collect();
    let expected = committed.iter().map(|transaction| transaction.texts.len()).sum();
    assert!(
        committed.len() > 10_000 && done.len() > committed.len(),
        "{} of {}",
        committed.len(),
        done.len()
    );
    run.watcher.saw(expected).await;
    let seen = run.watcher.seen.lock();
    assert_eq!(seen.sequences(), (1..=expected as u64).collect::<Vec<_>>());
    let places: HashMap<_, _> = seen.texts().into_iter().zip(seen.sequences()).collect();
    assert_eq!(places.len(), expected, "nothing twice");
    // In order of time: the beginnings and commits, each with its transaction.
    let mut moments = Vec::new();
    for transaction in &committed {
        moments.push((transaction.began, None, *transaction));
        moments.push((transaction.committed.expect("filtered"), Some(()), *transaction));
    }
    moments.sort_by_key(|(at, ..)| *at);
    let (mut highest_committed, mut checked) = (0, 0);
    for (_, commit, transaction) in moments {
        let of: Vec<_> = transaction.texts.iter().map(|text| places[text]).collect();
        assert!(of.is_sorted(), "a transaction's own order: {transaction:?} {of:?}");
        match commit {
            Some(()) => highest_committed = highest_committed.max(of[of.len() - 1]),
            None => {
                assert!(of[0] > highest_committed, "{transaction:?} stands before what it could have read");
                checked += 1;
            }
        }
    }
    assert_eq!(checked, committed.len());
}
