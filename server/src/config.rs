//! Every number of the server, each with its reason.

use std::{net::IpAddr, ops::Range, time::Duration};

use protocol::Limits;

/// 1 MiB: larger things are fetched, not pushed.
pub(crate) const MAX_EVENT_BYTES: usize = 1024 * 1024;

/// How a hub and its streams behave. The defaults are those of a web app with a few tabs per user.
///
/// # Example
/// ```
/// use tidings_server::Config;
/// let config = Config { origins: vec!["https://app.example".into()], ..Config::default() };
/// assert_eq!(config.heartbeat.as_secs(), 15);
/// ```
#[derive(Debug, Clone)]
pub struct Config {
    /// 15 s: below the 30 s after which the strictest common proxies drop a silent response, and a client
    /// that waits 2.5 of them notices a dead server in under 40 s.
    pub heartbeat: Duration,
    /// 1–5 s, drawn per client: a restarted server sees its clients return spread over seconds.
    pub retry: Range<Duration>,
    /// 10 min × U(0.8, 1.0): rights, balance over instances and memory settle by themselves; a client
    /// resumes silently.
    pub lifetime: Duration,
    /// The window of events that a client may have missed: 10 min, 64 MiB, 100,000 events.
    pub history: Limits,
    /// 5 s without progress of a write: the peer is gone or hostile, and its cursor will wait for it.
    pub write_stall: Duration,
    /// 10 s for a request's header: slow heads hold a socket each.
    pub header_timeout: Duration,
    /// 25 s until the kernel gives up on unacknowledged bytes: a heartbeat and this lie within the lease.
    pub tcp_user_timeout: Duration,
    /// 64 KiB per socket in the kernel: what a reader that stopped may hold there.
    pub send_buffer: usize,
    /// 64 KiB of frames per read of the history: what a connection may hold in this process.
    pub batch_bytes: usize,
    /// 16: as many tabs, without sharing, as a person has open. Over all instances that share a log, as they told each
    /// other up to a second ago, without one that the client names as its stream of before; one that does not reach the
    /// store counts its own.
    pub connections_per_user: usize,
    /// 1,000: an office behind one address.
    pub connections_per_address: usize,
    /// Proxies whose `X-Forwarded-For` is believed. Without it, peers with private addresses are not
    /// counted per address.
    pub proxies: Vec<IpAddr>,
    /// 1 MiB: larger things are fetched, not pushed.
    pub max_event_bytes: usize,
    /// 100 groups per connection: each costs a look-up when the connection reads.
    pub groups_per_connection: usize,
    /// 60 s between two questions to `Authorize` about an open stream, so that a right that was taken
    /// without telling the hub ends within a minute.
    pub recheck: Duration,
    /// 5 s for one answer of `Authorize`.
    pub authorize_timeout: Duration,
    /// 2 s for the store to say whether it covers a cursor that is ahead of this instance.
    pub cover_timeout: Duration,
    /// 30 days during which credentials issued before a revocation are refused: longer than they last.
    pub revocations_kept: Duration,
    /// 45 s: a presence lease outlives two lost heartbeats.
    pub presence_lease: Duration,
    /// 20 s between signs of life from a client behind a proxy, which takes the stream's bytes whether or not the
    /// far end still reads: one may be lost, or late in a hidden page, before the lease less the leave grace is
    /// over. Asked of our own clients where the request says that it was forwarded; `None`: of nobody.
    pub alive_every: Option<Duration>,
    /// 10 s between a user's last connection and `offline`: a tunnel is no absence. For the first 2 s of it
    /// (of a shorter one, half) the user stays online: a reload is no news.
    pub leave_grace: Duration,
    /// 60 per s: goodbyes of a drain, spread over 1 s to 20 s. Their `retry` is once to twice that time, where it
    /// is longer than [`Config::retry`]: whoever comes back before the next process listens then comes spread.
    pub drain_per_second: u32,
    /// 30 s from the signal to the exit.
    pub drain_deadline: Duration,
    /// What this instance is called where several share a log: [`crate::Hub::members`]. `None`: a random name of each
    /// run.
    pub instance: Option<String>,
    /// Origins, exactly as browsers send them, whose pages may read the stream from elsewhere.
    pub origins: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(15),
            retry: Duration::from_secs(1)..Duration::from_secs(5),
            lifetime: Duration::from_secs(600),
            history: Limits::default(),
            write_stall: Duration::from_secs(5),
            header_timeout: Duration::from_secs(10),
            tcp_user_timeout: Duration::from_secs(25),
            send_buffer: 64 * 1024,
            batch_bytes: 64 * 1024,
            connections_per_user: 16,
            connections_per_address: 1_000,
            proxies: Vec::new(),
            max_event_bytes: MAX_EVENT_BYTES,
            groups_per_connection: 100,
            recheck: Duration::from_secs(60),
            authorize_timeout: Duration::from_secs(5),
            cover_timeout: Duration::from_secs(2),
            revocations_kept: Duration::from_secs(30 * 24 * 3600),
            presence_lease: Duration::from_secs(45),
            alive_every: Some(Duration::from_secs(20)),
            leave_grace: Duration::from_secs(10),
            drain_per_second: 60,
            drain_deadline: Duration::from_secs(30),
            instance: None,
            origins: Vec::new(),
        }
    }
}
