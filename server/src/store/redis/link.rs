//! The one connection of a process, made again by its follower whenever it is lost.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use protocol::Epoch;
use redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, FromRedisValue, PushInfo, PushKind, Script,
    ScriptInvocation, aio::MultiplexedConnection, cmd, io::tcp::TcpSettings,
};
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};

use super::{
    address::Address,
    failure::{Failure, Way},
    follow::Seen,
    script::Scripts,
};
use crate::{Secret, random, store::StoreError};

/// The oldest server whose scripts may do what ours do.
const OLDEST: u32 = 7;

/// A peer that takes nothing for so long is gone.
const PEER_GONE: Duration = Duration::from_secs(10);

/// What everything is asked on.
pub(super) struct Link {
    address: Address,
    scripts: Scripts,
    /// For a connection to be made, and for each answer.
    bound: Duration,
    current: watch::Sender<Option<Open>>,
    /// There may be something to follow, or no connection any more.
    news: Arc<Notify>,
    /// Whether what is committed reaches this instance.
    followed: AtomicBool,
}

#[derive(Debug, Clone)]
struct Open {
    number: u64,
    connection: MultiplexedConnection,
}

impl Link {
    pub(super) fn new(address: Address, name: &str, bound: Duration) -> Self {
        let current = watch::Sender::new(None);
        Self {
            address,
            scripts: Scripts::new(name),
            bound,
            current,
            news: Arc::default(),
            followed: AtomicBool::new(true),
        }
    }

    pub(super) const fn scripts(&self) -> &Scripts {
        &self.scripts
    }

    /// Has the follower look.
    pub(super) fn look(&self) {
        self.news.notify_one();
    }

    /// There may be something to follow.
    pub(super) async fn news(&self) {
        self.news.notified().await;
    }

    pub(super) fn is_followed(&self) -> bool {
        self.followed.load(Ordering::Relaxed)
    }

    pub(super) fn say_followed(&self, followed: bool) {
        self.followed.store(followed, Ordering::Relaxed);
    }

    pub(super) fn is_open(&self) -> bool {
        self.current.borrow().is_some()
    }

    /// A script, to be given its arguments.
    pub(super) fn call<'a>(&'a self, which: impl FnOnce(&'a Scripts) -> &'a Script) -> ScriptInvocation<'a> {
        self.scripts.call(which(&self.scripts))
    }

    /// Asks, once there is a connection.
    pub(super) async fn ask<T: FromRedisValue>(&self, call: &ScriptInvocation<'_>) -> Result<T, Failure> {
        self.with(async |connection| call.invoke_async(connection).await).await
    }

    /// The same with anything else.
    pub(super) async fn with<T>(
        &self,
        ask: impl AsyncFnOnce(&mut MultiplexedConnection) -> redis::RedisResult<T>,
    ) -> Result<T, Failure> {
        let mut current = self.current.subscribe();
        let open = timeout(self.bound, current.wait_for(Option::is_some)).await;
        let open = open.ok().and_then(Result::ok).and_then(|open| open.clone());
        let Some(mut open) = open else {
            return Err(Failure::unreachable("the server cannot be reached"));
        };
        match timeout(self.bound, ask(&mut open.connection)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                let (failure, way) = Failure::of(&error);
                if way == Way::Lost {
                    self.lose(open.number);
                }
                Err(failure)
            }
            Err(_) => {
                // Nobody knows what else is stuck behind it.
                self.lose(open.number);
                Err(Failure::silence())
            }
        }
    }

    /// Makes the first connection, and begins the epoch of this run. Answers the hub's secret.
    pub(super) async fn begin(&self, token: &Epoch, offered: &Secret) -> Result<Secret, StoreError> {
        self.open(token.as_str(), "begin", &Seen::default(), offered).await
    }

    /// Makes a connection in the place of one that was lost. Where the log turns out to have lost its end, it goes
    /// on under an epoch of its own.
    pub(super) async fn join(&self, seen: &Seen, secret: &Secret) -> Result<(), StoreError> {
        let token = random::token().map_err(|error| StoreError::Unavailable(error.to_string()))?;
        self.open(&token, "join", seen, secret).await.map(drop)
    }

    /// Has the server compare what was followed with what it has. Before an instance judges by what it finds: what it
    /// has seen more of is proof of a loss, and it does not stand there any more afterwards.
    pub(super) async fn compare(&self, seen: &Seen, secret: &Secret) -> Result<(), StoreError> {
        let token = random::token().map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let mut call = self.call(|scripts| &scripts.open);
        call.arg(token).arg("join").arg(seen.epoch_text()).arg(seen.position).arg(&secret.bits()[..]).arg("");
        Ok(self.ask(&call).await?)
    }

    /// Lets go of the connection.
    pub(super) fn close(&self) {
        self.current.send_replace(None);
    }

    fn lose(&self, number: u64) {
        let is_current = |open: &mut Option<Open>| open.as_ref().is_some_and(|open| open.number == number);
        self.current.send_if_modified(|open| is_current(open) && open.take().is_some());
        self.look();
    }

    async fn open(
        &self,
        token: &str,
        how: &str,
        seen: &Seen,
        offered: &Secret,
    ) -> Result<Secret, StoreError> {
        let opened = timeout(self.bound, async {
            let mut connection = self.connect().await?;
            let always = always(&mut connection).await;
            let mut call = self.call(|scripts| &scripts.open);
            call.arg(token).arg(how).arg(seen.epoch_text()).arg(seen.position).arg(&offered.bits()[..]);
            let secret: Vec<u8> = call
                .arg(always)
                .invoke_async(&mut connection)
                .await
                .map_err(|error| Failure::of(&error).0)?;
            Ok::<_, StoreError>((connection, secret))
        });
        let (connection, secret) = opened.await.map_err(|_| Failure::silence())??;
        let secret = <[u8; 32]>::try_from(secret)
            .map_err(|kept| StoreError::Corrupt(format!("a secret of {} bytes", kept.len())))?;
        self.current.send_modify(|open| {
            let number = open.as_ref().map_or(0, |open| open.number) + 1;
            *open = Some(Open { number, connection });
        });
        Ok(Secret::new(secret))
    }

    /// A connection to the primary, that wakes the follower.
    async fn connect(&self) -> Result<MultiplexedConnection, StoreError> {
        // Unless the app has chosen one for its process: rustls asks for a choice.
        #[cfg(feature = "redis-tls")]
        let _ = rustls::crypto::ring::default_provider().install_default();
        let wake = self.scripts.key("wake");
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.bound))
            .set_response_timeout(Some(self.bound));
        let info = self.address.resolve(wake, &config).await?;
        let news = self.news.clone();
        let config = config.set_push_sender(move |push: PushInfo| {
            // Nothing is kept of it: whatever comes, in whatever number, is one look.
            if matches!(push.kind, PushKind::SMessage | PushKind::Disconnection | PushKind::SUnsubscribe) {
                news.notify_one();
            }
            Ok::<_, std::convert::Infallible>(())
        });
        let client = Client::open(with_timeouts(info)).map_err(|error| Failure::of(&error).0)?;
        let connection = client.get_multiplexed_async_connection_with_config(&config).await;
        let mut connection = connection.map_err(|error| Failure::of(&error).0)?;
        check(&mut connection).await?;
        let subscribed = cmd("SSUBSCRIBE").arg(wake).exec_async(&mut connection).await;
        subscribed.map_err(|error| Failure::of(&error).0)?;
        Ok(connection)
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("is_open", &self.is_open()).finish_non_exhaustive()
    }
}

fn with_timeouts(info: ConnectionInfo) -> ConnectionInfo {
    let keepalive = socket2::TcpKeepalive::new()
        .with_time(Duration::from_secs(4))
        .with_interval(Duration::from_secs(2))
        .with_retries(3);
    let settings =
        TcpSettings::default().set_nodelay(true).set_keepalive(keepalive).set_user_timeout(PEER_GONE);
    info.set_tcp_settings(settings)
}

/// Whether the server is one that a log can be kept in.
async fn check(connection: &mut MultiplexedConnection) -> Result<(), StoreError> {
    let info: String = cmd("INFO")
        .arg(&["server", "replication", "memory"])
        .query_async(connection)
        .await
        .map_err(|error| Failure::of(&error).0)?;
    let value = |name: &str| {
        info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap_or_default().trim()
    };
    let version = value("redis_version");
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok()).unwrap_or(0);
    if major < OLDEST {
        return Err(StoreError::Foreign(format!("Redis {version} is too old: {OLDEST} or later is needed")));
    }
    if value("role") != "master" {
        return Err(StoreError::Unavailable("the server is a replica; the primary is needed".to_owned()));
    }
    let policy = value("maxmemory_policy");
    if value("maxmemory") != "0" && policy.starts_with("allkeys") {
        return Err(StoreError::Foreign(format!(
            "its maxmemory-policy is {policy}, under which it may throw parts of the log away; \
            set noeviction or one of volatile-..."
        )));
    }
    Ok(())
}

/// Whether the server has every write on its disk before it answers: `1`, `0`, or nothing where we may not ask.
pub(super) async fn always(connection: &mut MultiplexedConnection) -> &'static str {
    let names = ["appendonly", "appendfsync", "no-appendfsync-on-rewrite"];
    let mut ask = cmd("CONFIG");
    let settings: redis::RedisResult<std::collections::HashMap<String, String>> =
        ask.arg("GET").arg(&names).query_async(connection).await;
    let Ok(settings) = settings else { return "" };
    let values = names.map(|name| settings.get(name).map_or("", String::as_str));
    if values == ["yes", "always", "no"] { "1" } else { "0" }
}
