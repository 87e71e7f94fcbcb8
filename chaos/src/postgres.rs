//! A PostgreSQL server of the run's own: made, killed, started again and removed by it.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt as _, chown},
        net::UnixStream,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::error::{Error, Result};

/// Longer than a server takes to recover on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where Debian puts the servers, beside `PATH`.
const DEBIAN: &str = "/usr/lib/postgresql";

/// Whom the server runs as where this runs as root, which it refuses to run as.
const USER: &str = "postgres";

/// A server that ends with this.
#[derive(Debug)]
pub(crate) struct Postgres {
    folder: PathBuf,
    process: Option<Child>,
}

impl Postgres {
    /// A new one with its files in `folder`.
    pub(crate) fn start(folder: &Path) -> Result<Self> {
        let folder = folder.join("postgres");
        fs::create_dir(&folder).map_err(Error::io(folder.display().to_string()))?;
        if let Some((user, group)) = owner()? {
            chown(&folder, Some(user), Some(group)).map_err(Error::io(folder.display().to_string()))?;
        }
        let mut make = as_user("initdb")?;
        make.args([
            "--auth=trust",
            "--username=postgres",
            "--no-sync",
            "--encoding=UTF8",
            "--locale=C",
            "-D",
        ]);
        let made = make.arg(folder.join("data")).output().map_err(Error::io("initdb"))?;
        if !made.status.success() {
            return Err(Error::Server(format!("initdb: {}", String::from_utf8_lossy(&made.stderr))));
        }
        let mut server = Self { folder, process: None };
        server.resume()?;
        Ok(server)
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@localhost/postgres?host={}", self.folder.display())
    }

    /// `kill -9` of every process of it, so that nothing of it is in order.
    pub(crate) fn kill(&mut self) -> Result {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        let leader = self.postmaster().or_else(|| Pid::from_raw(i32::try_from(process.id()).ok()?));
        let leader = leader.ok_or_else(|| Error::Server("the database has no process".to_owned()))?;
        for child in children(leader) {
            let _ = kill_process(child, Signal::KILL);
        }
        kill_process(leader, Signal::KILL)
            .map_err(|error| Error::io("kill -9 of the database")(error.into()))?;
        process.wait().map_err(Error::io("the database's end"))?;
        Ok(())
    }

    /// Starts it where it was killed, and waits until it takes connections.
    pub(crate) fn resume(&mut self) -> Result {
        let log = fs::File::options().create(true).append(true).open(self.folder.join("log"));
        let mut run = as_user("postgres")?;
        run.arg("-D").arg(self.folder.join("data")).arg("-k").arg(&self.folder);
        for setting in
            ["listen_addresses=", "max_connections=100", "shared_buffers=64MB", "max_wal_size=256MB"]
        {
            run.args(["-c", setting]);
        }
        run.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log.map_err(Error::io("the database's log"))?);
        self.process = Some(run.spawn().map_err(Error::io("postgres"))?);
        let until = Instant::now() + PATIENCE;
        while !self.is_up() {
            if Instant::now() > until {
                return Err(Error::Late {
                    what: "the database's start".to_owned(),
                    seconds: PATIENCE.as_secs(),
                });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn is_up(&self) -> bool {
        let state = fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap_or_default();
        state.lines().nth(7).is_some_and(|state| state.trim() == "ready")
            && UnixStream::connect(self.folder.join(".s.PGSQL.5432")).is_ok()
    }

    fn postmaster(&self) -> Option<Pid> {
        let state = fs::read_to_string(self.folder.join("data/postmaster.pid")).ok()?;
        Pid::from_raw(state.lines().next()?.trim().parse().ok()?)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

fn children(of: Pid) -> Vec<Pid> {
    let of = of.as_raw_nonzero();
    let list = fs::read_to_string(format!("/proc/{of}/task/{of}/children")).unwrap_or_default();
    list.split_whitespace().filter_map(|child| Pid::from_raw(child.parse().ok()?)).collect()
}

/// The user and group of the server, where this runs as root.
fn owner() -> Result<Option<(u32, u32)>> {
    if fs::metadata("/proc/self").map_err(Error::io("/proc/self"))?.uid() != 0 {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd").map_err(Error::io("/etc/passwd"))?;
    let line = users.lines().find(|line| line.starts_with(&format!("{USER}:")));
    let mut fields = line.unwrap_or_default().split(':').skip(2).map(str::parse);
    match (fields.next(), fields.next()) {
        (Some(Ok(user)), Some(Ok(group))) => Ok(Some((user, group))),
        _ => Err(missing()),
    }
}

/// A program of the server, as whom it may run.
fn as_user(program: &str) -> Result<Command> {
    // It dies with the thread that starts it, should the run be killed.
    let mut run = Command::new("setpriv");
    run.args(["--pdeathsig", "KILL"]);
    if let Some((user, group)) = owner()? {
        run.args([format!("--reuid={user}"), format!("--regid={group}"), "--clear-groups".to_owned()]);
    }
    run.arg("--").arg(find(program)?).current_dir("/");
    Ok(run)
}

/// A program, in `PATH` or in the newest of Debian's folders.
fn find(program: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<_> = std::env::split_paths(&path).collect();
    let mut debian: Vec<_> =
        fs::read_dir(DEBIAN).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    debian.sort();
    folders.extend(debian.into_iter().rev().map(|folder| folder.join("bin")));
    folders.into_iter().map(|folder| folder.join(program)).find(|path| path.exists()).ok_or_else(missing)
}

fn missing() -> Error {
    Error::Server(
        "no PostgreSQL server was found: run `apt-get install postgresql`, or put the folder of `initdb` and \
         `postgres` (version 15 or later) into PATH"
            .to_owned(),
    )
}
