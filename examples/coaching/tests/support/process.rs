//! The real binary, as a process that can be killed.

use std::{net::SocketAddr, path::PathBuf, process::Stdio, time::Duration};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use super::{PATIENCE, User, log_in};

/// It hashes real passwords before it serves, in a debug build and beside other tests.
const START: Duration = Duration::from_secs(60);

/// A running binary, with a database of its own that outlives it.
pub(crate) struct Process {
    pub(crate) address: SocketAddr,
    folder: TempDir,
    child: Child,
    _output: Lines<BufReader<ChildStdout>>,
}

impl Process {
    pub(crate) async fn start() -> Self {
        let folder = TempDir::new().expect("a folder");
        let mut child = spawn(&folder, Stdio::inherit());
        let (address, output) = address(&mut child).await;
        Self { address, folder, child, _output: output }
    }

    pub(crate) async fn log_in(&self, role: &str) -> User {
        log_in(self.address, role).await
    }

    pub(crate) fn database(&self) -> PathBuf {
        database(&self.folder)
    }

    /// `kill -9`.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.expect("killed");
    }

    /// Another one with the same database, once this has been killed.
    pub(crate) async fn start_again(&mut self) {
        self.child = spawn(&self.folder, Stdio::inherit());
        (self.address, self._output) = address(&mut self.child).await;
    }

    /// Another one beside this, with the same database, its complaints to be read.
    pub(crate) fn beside(&self) -> Child {
        spawn(&self.folder, Stdio::piped())
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

fn database(folder: &TempDir) -> PathBuf {
    folder.path().join("coaching.sqlite")
}

fn spawn(folder: &TempDir, complaints: Stdio) -> Child {
    Command::new(env!("CARGO_BIN_EXE_coaching"))
        .args(["--listen", "127.0.0.1:0", "--database"])
        .arg(database(folder))
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
