//! The real binary, as a process that can be killed.

use std::{net::SocketAddr, process::Stdio, sync::Arc, time::Duration};

use sqlx::{Connection, PgConnection, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use super::{On, PATIENCE, User, log_in};

/// It hashes real passwords before it serves, in a debug build and beside other tests.
const START: Duration = Duration::from_secs(60);

/// A running binary, with a database of its own that outlives it.
pub(crate) struct Process {
    pub(crate) address: SocketAddr,
    /// As `--database` names it.
    database: String,
    /// Shared by those with one database.
    folder: Arc<TempDir>,
    child: Child,
    _output: Lines<BufReader<ChildStdout>>,
}

impl Process {
    pub(crate) async fn start(on: On) -> Self {
        let folder = TempDir::new().expect("a folder");
        let database = on.fresh(&folder).await;
        Self::over(database, Arc::new(folder)).await
    }

    /// Another one that works beside this on the same database.
    pub(crate) async fn instance(&self) -> Self {
        Self::over(self.database.clone(), self.folder.clone()).await
    }

    async fn over(database: String, folder: Arc<TempDir>) -> Self {
        let mut child = spawn(&database, Stdio::inherit());
        let (address, output) = address(&mut child).await;
        Self { address, database, folder, child, _output: output }
    }

    pub(crate) async fn log_in(&self, role: &str) -> User {
        log_in(self.address, role).await
    }

    /// SQL of the test's own.
    pub(crate) async fn execute(&self, sql: &str) {
        if self.database.starts_with("postgres:") {
            let mut db = PgConnection::connect(&self.database).await.expect("the database");
            sqlx::raw_sql(sql).execute(&mut db).await.expect("done");
        } else {
            let options = SqliteConnectOptions::new().filename(&self.database);
            let mut db = SqliteConnection::connect_with(&options).await.expect("the database");
            sqlx::raw_sql(sql).execute(&mut db).await.expect("done");
        }
    }

    /// `kill -9`.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.expect("killed");
    }

    /// Another one with the same database, once this has been killed.
    pub(crate) async fn start_again(&mut self) {
        self.child = spawn(&self.database, Stdio::inherit());
        (self.address, self._output) = address(&mut self.child).await;
    }

    /// Another one beside this, with the same database, its complaints to be read.
    pub(crate) fn beside(&self) -> Child {
        spawn(&self.database, Stdio::piped())
    }

    /// Tells it to end, and waits until it has.
    pub(crate) async fn terminate(&mut self) {
        let id = self.child.id().expect("it runs").to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status().await.expect("kill runs");
        assert!(told.success());
        let status = timeout(PATIENCE, self.child.wait()).await.expect("in time").expect("it ends");
        assert!(status.success(), "{status}");
    }
}

fn spawn(database: &str, complaints: Stdio) -> Child {
    Command::new(env!("CARGO_BIN_EXE_coaching"))
        .args(["--listen", "127.0.0.1:0", "--database", database])
        .stdout(Stdio::piped())
        .stderr(complaints)
        .kill_on_drop(true)
        .spawn()
        .expect("it starts")
}

/// Where it says that it listens, and the rest of what it says, which is to stay open.
pub(crate) async fn address(child: &mut Child) -> (SocketAddr, Lines<BufReader<ChildStdout>>) {
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let first = timeout(START, lines.next_line()).await.expect("in time").expect("text").expect("a line");
    let port = first.rsplit(':').next().and_then(|port| port.parse().ok());
    (([127, 0, 0, 1], port.unwrap_or_else(|| panic!("no port: {first}"))).into(), lines)
}
