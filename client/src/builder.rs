//! Where to, as whom, from where on, through which proxy.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    marker::PhantomData,
    sync::Arc,
    time::Duration,
};

use protocol::{
    Contract, Control, EventId, Retry, State, Subscriber,
    subscriber::{Config, Credentials},
};
use reqwest::{
    Proxy, Url,
    header::{HeaderMap, HeaderName, HeaderValue},
    redirect,
};
use tokio::{
    runtime::Handle,
    sync::{Notify, watch},
};

use crate::{
    Auth, Client, ConnectError, CursorStore,
    auth::{self, Ask},
    client::Cursors,
    clock::Clock,
    cursor::Keep,
    driver::Driver,
    fetch::Endpoint,
    queue, tls,
};

/// Items that wait for the reader: a page of events, at most 64 MiB of the largest.
const BUFFER: usize = 64;

/// As many as browsers follow in practice.
const REDIRECTS_MAX: usize = 10;

/// A client to be. What is wrong with it is said by [`ClientBuilder::connect`].
pub struct ClientBuilder<C> {
    url: String,
    headers: HeaderMap,
    auth: Option<Box<dyn Ask>>,
    groups: Option<String>,
    from: Option<EventId>,
    store: Option<Arc<dyn Keep>>,
    roots: Vec<Vec<u8>>,
    proxy: Via,
    buffer: usize,
    config: Config,
    invalid: Option<ConnectError>,
    contract: PhantomData<fn() -> C>,
}

enum Via {
    Environment,
    Nothing,
    Proxy(String),
}

impl<C: Contract> ClientBuilder<C> {
    pub(crate) fn new(url: String) -> Self {
        Self {
            url,
            headers: HeaderMap::new(),
            auth: None,
            groups: None,
            from: None,
            store: None,
            roots: Vec::new(),
            proxy: Via::Environment,
            buffer: BUFFER,
            config: Config { contract_revision: C::REVISION, ..Config::new(Control::parse) },
            invalid: None,
            contract: PhantomData,
        }
    }

    /// Sends `Authorization: Bearer {token}`. A refusal is final; see [`ClientBuilder::auth`] for tokens that end.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.with("authorization", &["Bearer ", token].concat(), true)
    }

    /// Sends `Cookie: {cookies}`, as in `session=1; theme=dark`. What the server sets is not kept.
    #[must_use]
    pub fn cookie(self, cookies: &str) -> Self {
        self.with("cookie", cookies, true)
    }

    /// Sends another header with every request.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        self.with(name, value, false)
    }

    /// Asks for credentials before every attempt. They win over fixed headers of the same name.
    #[must_use]
    pub fn auth(mut self, auth: impl Auth) -> Self {
        self.auth = Some(Box::new(auth));
        self.config.credentials = Credentials::Renewable;
        self
    }

    /// Reads only these of the groups that the user may read.
    #[must_use]
    pub fn groups<G: AsRef<str>>(mut self, names: impl IntoIterator<Item = G>) -> Self {
        let names: Vec<_> = names.into_iter().map(|name| name.as_ref().to_owned()).collect();
        self.groups = Some(names.join(","));
        self
    }

    /// Goes on after `cursor`, unless a [`CursorStore`] knows better.
    #[must_use]
    pub fn cursor(mut self, cursor: EventId) -> Self {
        self.from = Some(cursor);
        self
    }

    /// Keeps the position there, and goes on from it.
    #[must_use]
    pub fn cursor_store(mut self, store: impl CursorStore) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Trusts the certificates in `pem` beside Mozilla's roots.
    #[must_use]
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots.push(pem.into());
        self
    }

    /// Goes through the proxy at `url` (`http://user:password@proxy:3128`): a CONNECT for `https:`. By default
    /// `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` decide.
    #[must_use]
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Via::Proxy(url.into());
        self
    }

    /// Goes through no proxy, whatever the environment says.
    #[must_use]
    pub fn no_proxy(mut self) -> Self {
        self.proxy = Via::Nothing;
        self
    }

    /// From an attempt's begin to its response head, credentials included; 10 s by default.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.config.connect_timeout = timeout.into();
        self
    }

    /// Silence after which a stream counts as dead; 2.5 of the server's heartbeats by default.
    #[must_use]
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.config.idle_timeout = Some(timeout.into());
        self
    }

    /// An outage of this length is called [`State::LongBroken`]; 60 s by default.
    #[must_use]
    pub fn long_broken_after(mut self, outage: Duration) -> Self {
        self.config.long_broken_after = outage.into();
        self
    }

    /// The delays between attempts; the server's `retry:` replaces their base.
    #[must_use]
    pub const fn retry(mut self, retry: Retry) -> Self {
        self.config.retry = retry;
        self
    }

    /// The largest event, in bytes; 1 MiB and its framing by default.
    #[must_use]
    pub const fn max_event_bytes(mut self, bytes: usize) -> Self {
        self.config.max_event_bytes = bytes;
        self
    }

    /// Items that wait for the reader before the client stops reading its socket; 64 by default.
    #[must_use]
    pub const fn buffer(mut self, items: usize) -> Self {
        self.buffer = items;
        self
    }

    /// An HTTP client with this one's roots and proxy, for requests beside the stream: what a gap makes a reader
    /// fetch, what an app publishes.
    ///
    /// # Errors
    /// [`ConnectError`] as of [`ClientBuilder::connect`].
    pub fn http_client(&self) -> Result<reqwest::Client, ConnectError> {
        http(&self.roots, &self.proxy)
    }

    /// Loads the position and begins to connect, from a task of its own; returns before there is a connection.
    ///
    /// # Errors
    /// [`ConnectError`] when the client cannot be made as told. A server that does not answer is no error: it is
    /// a state.
    pub async fn connect(self) -> Result<Client<C>, ConnectError> {
        if let Some(invalid) = self.invalid {
            return Err(invalid);
        }
        let url = address(&self.url)?;
        let http = http(&self.roots, &self.proxy)?;
        let runtime = Handle::try_current().map_err(|_| ConnectError::NoRuntime)?;
        let kept = match &self.store {
            Some(store) => store.clone().load().await.map_err(ConnectError::Cursor)?,
            None => None,
        };
        let from = kept.or(self.from);
        let (outbox, inbox) = queue::queue(self.buffer);
        let (state, states) = watch::channel(State::Idle);
        let reconnect = Arc::new(Notify::new());
        let endpoint = Endpoint { http, url, headers: self.headers, auth: self.auth, groups: self.groups };
        let driver = Driver::<C> {
            subscriber: Subscriber::new(self.config, from.clone(), seed()),
            clock: Clock::start(),
            endpoint: Arc::new(endpoint),
            outbox,
            state,
            reconnect: reconnect.clone(),
            request: None,
            resync: None,
            alive: None,
            unresolved: false,
            position: from.clone(),
        };
        let driver = runtime.spawn(driver.run()).abort_handle();
        Ok(Client::new(inbox, driver, states, reconnect, Cursors::new(from, self.store)))
    }

    fn with(mut self, name: &str, value: &str, secret: bool) -> Self {
        match auth::header(name, value, secret) {
            Ok((name, value)) => self.insert(name, value),
            Err(error) => self.invalid = self.invalid.or(Some(error)),
        }
        self
    }

    fn insert(&mut self, name: HeaderName, value: HeaderValue) {
        self.headers.insert(name, value);
    }
}

impl<C> fmt::Debug for ClientBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").field("headers", &self.headers).finish_non_exhaustive()
    }
}

fn address(text: &str) -> Result<Url, ConnectError> {
    let invalid = |reason: String| ConnectError::Url { url: text.to_owned(), reason };
    let url = Url::parse(text).map_err(|error| invalid(error.to_string()))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        other => Err(invalid(format!("its scheme is {other}"))),
    }
}

fn http(roots: &[Vec<u8>], proxy: &Via) -> Result<reqwest::Client, ConnectError> {
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls::config(roots)?)
        .redirect(redirect::Policy::custom(follow))
        .user_agent(concat!("tidings-client/", env!("CARGO_PKG_VERSION")));
    let builder = match proxy {
        Via::Environment => builder,
        Via::Nothing => builder.no_proxy(),
        Via::Proxy(url) => {
            builder.proxy(Proxy::all(url).map_err(|error| ConnectError::Proxy(error.to_string()))?)
        }
    };
    builder.build().map_err(|error| ConnectError::Tls(error.to_string()))
}

/// Within a host, or up to `https:` on it. Elsewhere a header of the app's own would go along, and who may have it
/// is not for a response to say.
fn follow(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let Some(from) = attempt.previous().last() else { return attempt.stop() };
    let to = attempt.url();
    let same_origin = from.origin() == to.origin();
    let upgraded = from.scheme() == "http" && to.scheme() == "https" && from.host() == to.host();
    if attempt.previous().len() > REDIRECTS_MAX {
        attempt.error("too many redirects")
    } else if same_origin || upgraded {
        attempt.follow()
    } else {
        attempt.error("a redirect to another host")
    }
}

/// Spreads delays; nothing secret comes of it. The standard library seeds its hashers from the system.
fn seed() -> u64 {
    RandomState::new().hash_one(0)
}
