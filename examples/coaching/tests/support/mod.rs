//! A running server, people who are logged in, and raw event streams, all over real sockets.
#![allow(dead_code, unused_imports, unused_macros, reason = "each test file uses its own part of this")]

mod http;
#[path = "../../../../server/tests/store/postgres/server.rs"]
mod postgres;
mod process;
mod stream;

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use coaching::{Cost, Options, PEOPLE, app};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use tidings_server::Config;
use tokio::{net::TcpListener, task::JoinHandle};

pub(crate) use http::{Reply, raw, send_and_drop};
pub(crate) use process::{Process, address};
pub(crate) use stream::Stream;

/// Long enough for a loaded machine; reached only by a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Each claim on both databases.
macro_rules! on_both {
    ($($claim:ident),* $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test] async fn $claim() { super::$claim(super::support::On::Sqlite).await })*
        }
        mod on_postgres {
            $(#[tokio::test] async fn $claim() { super::$claim(super::support::On::Postgres).await })*
        }
    };
}

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum On {
    Sqlite,
    Postgres,
}

impl On {
    /// What `--database` says of a new one.
    pub(crate) async fn fresh(self, folder: &TempDir) -> String {
        match self {
            Self::Sqlite => folder.path().join("coaching.sqlite").display().to_string(),
            Self::Postgres => postgres_database().await,
        }
    }
}

/// A new database on the server that all tests share.
async fn postgres_database() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("t{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let server = postgres::shared();
    let mut db = PgConnection::connect_with(&server).await.expect("it is up");
    sqlx::raw_sql(&format!("CREATE DATABASE {name}")).execute(&mut db).await.expect("made");
    let socket = server.get_socket().expect("a socket").display().to_string().replace('/', "%2F");
    format!("postgres://postgres@{socket}/{name}")
}

/// The server on a port of its own, with a database of its own.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    folder: TempDir,
    serving: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::on(On::Sqlite).await
    }

    pub(crate) async fn on(on: On) -> Self {
        Self::with(on, Config::default()).await
    }

    pub(crate) async fn with(on: On, config: Config) -> Self {
        let folder = TempDir::new().expect("a folder");
        let (address, serving) = serve(on, &folder, config, Some("out")).await;
        Self { address, folder, serving }
    }

    /// A folder of page files that the server serves.
    pub(crate) async fn with_files(files: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().expect("a folder");
        for (name, text) in files {
            let file = folder.path().join("out").join(name);
            std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
            std::fs::write(file, text).expect("written");
        }
        let (address, serving) = serve(On::Sqlite, &folder, Config::default(), Some("out")).await;
        Self { address, folder, serving }
    }

    /// Only REST and the stream.
    pub(crate) async fn without_files() -> Self {
        let folder = TempDir::new().expect("a folder");
        let (address, serving) = serve(On::Sqlite, &folder, Config::default(), None).await;
        Self { address, folder, serving }
    }

    /// See [`log_in`].
    pub(crate) async fn log_in(&self, role: &str) -> User {
        log_in(self.address, role).await
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("coaching.sqlite")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(
    on: On,
    folder: &TempDir,
    config: Config,
    files: Option<&str>,
) -> (SocketAddr, JoinHandle<()>) {
    let options = Options {
        database: on.fresh(folder).await.parse().expect("a database"),
        assets: files.map(|files| folder.path().join(files)),
        // As cheap as argon2 goes: the tests log in often.
        password_cost: Cost { memory_kib: 64, passes: 1 },
        notes_port: None,
    };
    let hub = options.database.hub(config).await.expect("a hub");
    let router = app(&options, hub.clone()).await.expect("an app");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let serving = tokio::spawn(async move {
        tidings_server::serve(listener, router, &hub).await.expect("serves");
    });
    (address, serving)
}

/// Somebody of the seeded people, logged in: `coach`, `coachee` or `admin`.
pub(crate) async fn log_in(address: SocketAddr, role: &str) -> User {
    let person = PEOPLE.iter().find(|person| person.role == role).expect("a seeded person");
    let form = format!("email={}&password={}", person.email, person.password);
    let reply = raw(address, "POST", "/login", &[FORM], &form).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let cookie = reply.header("set-cookie").expect("a cookie").split(';').next().expect("a pair").to_owned();
    let id = reply.data()["id"].as_str().expect("an id").to_owned();
    User { id, cookie, address }
}

pub(crate) const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// Somebody who is logged in.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) cookie: String,
    pub(crate) address: SocketAddr,
}

impl User {
    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, Value::Null).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: Value) -> Reply {
        self.send_with(method, path, body, &[]).await
    }

    pub(crate) async fn send_with(
        &self,
        method: &str,
        path: &str,
        body: Value,
        headers: &[(&str, &str)],
    ) -> Reply {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut all = vec![("cookie", self.cookie.as_str()), ("content-type", "application/json")];
        all.extend_from_slice(headers);
        raw(self.address, method, path, &all, &body).await
    }

    /// An event stream, past its hello.
    pub(crate) async fn stream(&self) -> Stream {
        self.stream_from(None).await
    }

    /// An event stream that goes on after `cursor`.
    pub(crate) async fn stream_from(&self, cursor: Option<&str>) -> Stream {
        let mut headers = vec![("cookie", self.cookie.as_str())];
        headers.extend(cursor.map(|cursor| ("last-event-id", cursor)));
        let mut stream = Stream::open(self.address, &headers).await;
        assert_eq!(stream.status, 200);
        stream.hello().await;
        stream
    }

    /// The seeded relationship.
    pub(crate) async fn relationship(&self) -> Value {
        let organizations = self.get(&format!("/users/{}/organizations", self.id)).await.data();
        let organization = organizations[0]["id"].as_str().expect("an organization").to_owned();
        self.get(&format!("/organizations/{organization}/coaching_relationships")).await.data()[0].clone()
    }

    /// The ids of the seeded relationship and of its later session.
    pub(crate) async fn place(&self) -> Place {
        let relationship = self.relationship().await["id"].as_str().expect("an id").to_owned();
        let sessions =
            self.get(&format!("/coaching_sessions?coaching_relationship_id={relationship}")).await.data();
        let session = sessions[1]["id"].as_str().expect("a session").to_owned();
        Place { relationship, session }
    }

    /// A new action in a session.
    pub(crate) async fn action(&self, session: &str, body: &str) -> Value {
        let draft = json!({ "coaching_session_id": session, "body": body, "status": "NotStarted" });
        let reply = self.send("POST", "/actions", draft).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.data()
    }
}

/// Where the tests work.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) relationship: String,
    pub(crate) session: String,
}
