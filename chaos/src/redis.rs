//! A Redis server of the run's own, which has every write on its disk before it answers: killed, frozen, started again
//! and removed by it.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    error::{Error, Result},
    server::free_port,
};

/// Longer than a server takes to read its file on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that ends with this.
#[derive(Debug)]
pub(crate) struct Redis {
    folder: PathBuf,
    address: SocketAddr,
    process: Option<Child>,
}

impl Redis {
    /// A new one with its files in `folder`.
    pub(crate) fn start(folder: &Path) -> Result<Self> {
        let folder = folder.join("redis");
        fs::create_dir(&folder).map_err(Error::io(folder.display().to_string()))?;
        let mut server = Self { folder, address: free_port()?, process: None };
        server.resume()?;
        Ok(server)
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) -> Result {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        process.kill().map_err(Error::io("kill -9 of Redis"))?;
        process.wait().map_err(Error::io("the end of Redis"))?;
        Ok(())
    }

    /// Removes what it has written.
    pub(crate) fn lose(&self) -> Result {
        let files = self.folder.join("appendonlydir");
        fs::remove_dir_all(&files).map_err(Error::io(files.display().to_string()))
    }

    /// `kill -STOP`, or the end of that.
    pub(crate) fn freeze(&self, frozen: bool) -> Result {
        let process =
            self.process.as_ref().and_then(|process| Pid::from_raw(i32::try_from(process.id()).ok()?));
        let process = process.ok_or_else(|| Error::Server("Redis does not run".to_owned()))?;
        kill_process(process, if frozen { Signal::STOP } else { Signal::CONT })
            .map_err(|error| Error::io("a signal to Redis")(error.into()))
    }

    /// Starts it where it was killed, and waits until it answers.
    pub(crate) fn resume(&mut self) -> Result {
        let log = fs::File::options().create(true).append(true).open(self.folder.join("log"));
        let port = self.address.port().to_string();
        // It dies with the thread that starts it, should the run be killed.
        let mut run = Command::new("setpriv");
        run.args(["--pdeathsig", "KILL", "--", "redis-server", "--bind", "127.0.0.1", "--port", &port]);
        run.args(["--save", "", "--appendonly", "yes", "--appendfsync", "always", "--dir"]).arg(&self.folder);
        run.stdin(Stdio::null()).stderr(Stdio::null()).stdout(log.map_err(Error::io("the log of Redis"))?);
        self.process = Some(run.spawn().map_err(Error::io("redis-server"))?);
        let until = Instant::now() + PATIENCE;
        while !self.is_up() {
            if Instant::now() > until {
                return Err(Error::Late {
                    what: "the start of Redis (is redis-server of version 7 or later in PATH?)".to_owned(),
                    seconds: PATIENCE.as_secs(),
                });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Answers a question, which it does not while it reads its file.
    fn is_up(&self) -> bool {
        use std::io::{Read as _, Write as _};
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.address.port()));
        let Ok(mut socket) = TcpStream::connect(address) else { return false };
        let mut answer = [0; 5];
        socket.write_all(b"PING\r\n").is_ok() && socket.read_exact(&mut answer).is_ok() && &answer == b"+PONG"
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}
