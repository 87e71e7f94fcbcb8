//! What `Postgres` costs: latency, throughput, fail-over, idleness; against a server of its own with fsync on.
//!
//! Its numbers are in the documentation of `Postgres`. Run with `cargo bench --bench postgres`.

use std::{
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use instance::{Instance, draft, interest, report, throughput, time};
use tidings_server::{
    Postgres,
    store::{
        Outbox as _, PostgresOptions, Store as _,
        sqlx::{Connection as _, Executor as _, PgConnection, Row as _, postgres::PgConnectOptions},
    },
};
use tokio::{io::AsyncBufReadExt as _, time::sleep};

mod instance;

#[path = "../tests/store/postgres/server.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod server;

fn store(connect: &PgConnectOptions) -> Postgres {
    Postgres::with(connect.clone(), PostgresOptions::default()).expect("a name")
}

async fn latency(sequencer: &Instance<Postgres>, other: &Instance<Postgres>, app: &mut PgConnection) {
    time("send on the sequencer's instance, until it returns", 300, async || {
        let begun = Instant::now();
        sequencer.send().await;
        begun.elapsed()
    })
    .await;
    time("send on the sequencer's, visible on another", 300, async || {
        let begun = Instant::now();
        other.head.reached(sequencer.send().await).await;
        begun.elapsed()
    })
    .await;
    time("send on another instance, until it returns", 300, async || {
        let begun = Instant::now();
        other.send().await;
        begun.elapsed()
    })
    .await;
    for (what, from, on) in [
        ("send_in, from commit until visible, sequencer's instance", sequencer, sequencer),
        ("send_in on another, from commit until visible there", other, other),
    ] {
        time(what, 300, async || {
            let before = *on.head.0.borrow();
            app.execute("BEGIN").await.expect("it begins");
            from.store.enqueue(app, draft()).await.expect("enqueued");
            app.execute("COMMIT").await.expect("it commits");
            let begun = Instant::now();
            on.head.reached(before + 1).await;
            begun.elapsed()
        })
        .await;
    }
}

/// Another process that is the sequencer.
async fn child(folder: &str) -> Child {
    let mut child = Command::new(std::env::current_exe().expect("this"))
        .args(["--instance", folder])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let out = tokio::process::ChildStdout::from_std(child.stdout.take().expect("piped")).expect("a pipe");
    tokio::io::BufReader::new(out).lines().next_line().await.expect("a line").expect("it is open");
    child
}

/// How long a send waits on this instance when the sequencer's process goes away by `signal`.
async fn fail_over(connect: &PgConnectOptions, folder: &str, what: &str, signal: &str) {
    let mut times = Vec::new();
    for _ in 0..5 {
        let mut child = child(folder).await;
        let here = Instance::open(store(connect), "here").await;
        here.send().await;
        let kill = [format!("-{signal}"), child.id().to_string()];
        Command::new("kill").args(kill).status().expect("it kills");
        let begun = Instant::now();
        here.send().await;
        times.push(begun.elapsed());
        here.store.close().await.expect("it closes");
        child.kill().expect("it dies");
        child.wait().expect("it ends");
    }
    report(what, times);
}

async fn idle(app: &mut PgConnection, what: &str) {
    const WATCHED: u32 = 10;
    let count = async |app: &mut PgConnection| {
        app.execute("SELECT pg_stat_clear_snapshot()").await.expect("it clears");
        let sql = "SELECT xact_commit::bigint FROM pg_stat_database WHERE datname = current_database()";
        app.fetch_one(sql).await.expect("one").get::<i64, _>(0)
    };
    sleep(Duration::from_secs(2)).await;
    let before = count(app).await;
    sleep(Duration::from_secs(WATCHED.into())).await;
    let rate = (count(app).await - before) / i64::from(WATCHED);
    println!("{what:<56} {rate} statements/s");
}

async fn run() {
    let server = server::Server::start();
    let connect = server.options();
    let folder = server.folder().to_str().expect("UTF-8").to_owned();
    let mut app = PgConnection::connect_with(&connect).await.expect("it connects");
    let sequencer = Arc::new(Instance::open(store(&connect), "first").await);
    idle(&mut app, "idle, one instance").await;
    let other = Instance::open(store(&connect), "second").await;
    idle(&mut app, "idle, two instances").await;
    latency(&sequencer, &other, &mut app).await;
    throughput(&sequencer).await;
    other.store.close().await.expect("it closes");
    sequencer.store.close().await.expect("it closes");
    interest(|| store(&connect)).await;
    fail_over(&connect, &folder, "fail-over, kill -9 of the sequencer's process", "KILL").await;
    fail_over(&connect, &folder, "fail-over, the sequencer's process stands still", "STOP").await;
}

/// The sequencer of [`fail_over`].
async fn instance(folder: &str) {
    let connect =
        PgConnectOptions::new_without_pgpass().socket(folder).username("postgres").database("postgres");
    let _instance = Instance::open(store(&connect), "child").await;
    println!("open");
    std::future::pending::<()>().await;
}

#[tokio::main]
async fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    match arguments.iter().position(|argument| argument == "--instance") {
        Some(at) => instance(&arguments[at + 1]).await,
        None => run().await,
    }
}
