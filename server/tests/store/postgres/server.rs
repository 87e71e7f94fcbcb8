//! A PostgreSQL server of the tests' own: made, started and removed by them.

use std::{
    fs::{self, File},
    io::Read as _,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tidings_server::store::sqlx::postgres::PgConnectOptions;

/// Longer than a server takes to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where Debian puts the servers, beside `PATH`.
const DEBIAN: &str = "/usr/lib/postgresql";

/// Whom the server runs as, since it refuses to run as root.
const USER: &str = "postgres";

const MISSING: &str = "no PostgreSQL server was found: run `apt-get install postgresql`, or put the folder of \
    `initdb` and `postgres` (version 15 or later) into PATH";

/// A server that ends with the test.
pub(crate) struct Server {
    folder: TempDir,
    process: Option<std::process::Child>,
}

impl Server {
    /// A new one.
    pub(crate) fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("tidings-pg-").tempdir().expect("a folder");
        make(folder.path());
        let mut server = Self { folder, process: None };
        server.resume();
        server
    }

    /// Starts it again where it was stopped.
    pub(crate) fn resume(&mut self) {
        // The server dies with the thread that starts it, should the test be killed.
        let mut run = as_user(&["--pdeathsig", "INT"], "postgres");
        run.args(arguments(self.folder.path())).stdin(Stdio::null()).stdout(Stdio::null());
        run.stderr(log(self.folder.path()));
        self.process = Some(run.spawn().expect("it starts"));
        wait_until_up(self.folder.path());
    }

    /// Stops it as a restart does: connections are ended, what is committed stays.
    pub(crate) fn stop(&mut self) {
        signal(self.folder.path(), "INT");
        if let Some(mut process) = self.process.take() {
            process.wait().expect("it ends");
        }
    }

    pub(crate) fn options(&self) -> PgConnectOptions {
        options(self.folder.path())
    }

    /// Where its socket is.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        signal(self.folder.path(), "QUIT");
        if let Some(mut process) = self.process.take() {
            let _ = process.wait();
        }
    }
}

/// The server that all tests of a run share, in however many processes they are. It is stopped and removed
/// once no test has used it for some seconds.
#[expect(clippy::zombie_processes, reason = "it outlives the test, and is nobody's child then")]
pub(crate) fn shared() -> PgConnectOptions {
    static FOLDER: OnceLock<(PathBuf, File)> = OnceLock::new();
    let (folder, _) = FOLDER.get_or_init(|| {
        let folder = shared_folder();
        let using = open_lock(&folder, "using");
        using.lock_shared().expect("it locks");
        let starting = open_lock(&folder, "starting");
        starting.lock().expect("it locks");
        let data = folder.join("server");
        if !is_up(&data) {
            let _ = fs::remove_dir_all(&data);
            fs::create_dir(&data).expect("a folder");
            make(&data);
            let mut run = as_user(&[], "postgres");
            run.args(arguments(&data)).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log(&data));
            run.spawn().expect("it starts");
            wait_until_up(&data);
            watch(&folder);
        }
        (folder, using)
    });
    options(&folder.join("server"))
}

/// One folder per build folder, so that two checkouts do not meet.
fn shared_folder() -> PathBuf {
    let name: String = env!("CARGO_TARGET_TMPDIR").chars().map(|c| if c == '/' { '-' } else { c }).collect();
    let user = fs::metadata("/proc/self").expect("a process").uid();
    let folder = std::env::temp_dir().join(format!("tidings-pg-{user}{name}"));
    fs::create_dir_all(&folder).expect("a folder");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("ours");
    folder
}

fn open_lock(folder: &Path, name: &str) -> File {
    File::options().create(true).append(true).open(folder.join(name)).expect("a file to lock")
}

/// Leaves somebody behind who stops the server when no test has used it for five seconds.
#[expect(clippy::zombie_processes, reason = "it outlives the test, and is nobody's child then")]
fn watch(folder: &Path) {
    let script = r#"
        idle=0
        while :; do
            sleep 1
            exec 8>"$1/starting" 9>"$1/using"
            flock 8
            if flock -n 9; then idle=$((idle + 1)); else idle=0; fi
            if [ "$idle" -ge 5 ]; then
                # Its end takes its socket away: before the next one makes its own in the same place.
                running="$1/server/data/postmaster.pid"
                kill -QUIT "$(head -n 1 "$running")"
                while [ -e "$running" ] && [ "$idle" -lt 100 ]; do sleep 0.1; idle=$((idle + 1)); done
                rm -rf "$1/server"
                exit
            fi
            exec 8>&- 9>&-
        done"#;
    let mut watch = Command::new("setsid");
    watch.args(["sh", "-c", script, "sh"]).arg(folder).stdin(Stdio::null());
    watch.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("util-linux has setsid");
}

/// A new cluster that trusts whoever can reach its socket.
fn make(folder: &Path) {
    let owner = owner();
    if let Some((user, group)) = owner {
        chown(folder, Some(user), Some(group)).expect("root may");
    }
    let mut make = as_user(&[], "initdb");
    make.args(["--auth=trust", "--username=postgres", "--no-sync", "--encoding=UTF8", "--locale=C"]);
    let made = make.arg("-D").arg(folder.join("data")).output().expect("it runs");
    assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
}

fn arguments(folder: &Path) -> Vec<String> {
    let folder = folder.display();
    let mut arguments = vec!["-D".to_owned(), format!("{folder}/data"), "-k".to_owned(), folder.to_string()];
    for setting in ["listen_addresses=", "max_connections=300", "shared_buffers=64MB", "max_wal_size=256MB"] {
        arguments.extend(["-c".to_owned(), setting.to_owned()]);
    }
    arguments
}

fn options(folder: &Path) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass().socket(folder).port(5432).username("postgres").database("postgres")
}

fn log(folder: &Path) -> Stdio {
    File::options().create(true).append(true).open(folder.join("log")).expect("a log").into()
}

fn is_up(folder: &Path) -> bool {
    std::os::unix::net::UnixStream::connect(folder.join(".s.PGSQL.5432")).is_ok()
        && postmaster(folder).is_some_and(|(_, status)| status.starts_with("ready"))
}

fn wait_until_up(folder: &Path) {
    let until = Instant::now() + PATIENCE;
    while !is_up(folder) {
        let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
        assert!(Instant::now() < until, "the server does not come up: {log}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The server's process and its state, from the file that it keeps.
fn postmaster(folder: &Path) -> Option<(String, String)> {
    let mut text = String::new();
    File::open(folder.join("data/postmaster.pid")).ok()?.read_to_string(&mut text).ok()?;
    let mut lines = text.lines();
    Some((lines.next()?.to_owned(), lines.nth(6)?.to_owned()))
}

fn signal(folder: &Path, signal: &str) {
    if let Some((process, _)) = postmaster(folder) {
        let _ = Command::new("kill").args([&format!("-{signal}"), process.as_str()]).status();
    }
}

/// The user and group of the server, where tests run as root.
fn owner() -> Option<(u32, u32)> {
    if fs::metadata("/proc/self").expect("a process").uid() != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").expect("users");
    let line = users.lines().find(|line| line.starts_with(&format!("{USER}:"))).expect(MISSING);
    let mut fields = line.split(':').skip(2).map(|field| field.parse().expect("a number"));
    Some((fields.next().expect("a user"), fields.next().expect("a group")))
}

/// A program of the server, as whom it may run.
fn as_user(options: &[&str], program: &str) -> Command {
    let mut run = Command::new("setpriv");
    if let Some((user, group)) = owner() {
        run.args([format!("--reuid={user}"), format!("--regid={group}"), "--clear-groups".to_owned()]);
    }
    run.args(options).arg("--").arg(find(program)).current_dir("/");
    run
}

/// A program, in `PATH` or in the newest of Debian's folders.
pub(crate) fn find(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<_> = std::env::split_paths(&path).collect();
    let mut debian: Vec<_> =
        fs::read_dir(DEBIAN).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    debian.sort();
    folders.extend(debian.into_iter().rev().map(|folder| folder.join("bin")));
    folders.into_iter().map(|folder| folder.join(program)).find(|path| path.exists()).expect(MISSING)
}
