//! `GET /`: from a request to an open stream, or to the refusal that its reader understands.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{ConnectInfo, Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    response::Response,
};
use protocol::{
    GapReason, GoodbyeReason, Time,
    control::{self, Goodbye, Hello, Resumed},
    encode_control,
};

use crate::{
    Refusal,
    authorize::Ask,
    clock::unix_time,
    connection::{Birth, Connection},
    limits::Place,
    log::{Cursor, How, Stale, Start},
    origin::Origin,
    random,
    request::{Reader, Subscribe, is_forwarded, named_connection},
    rights::{Claim, Denied, Rights},
    serve::Line,
    shared::Shared,
    stream::{Beginning, Membership, Position, Stream, millis},
};

/// How often rights are asked for when notices keep coming in between, as when many tabs of a user that
/// was never seen before open at once.
const ASKS_MAX: u32 = 8;

/// For how long a new stream waits to hear how many its user has elsewhere.
const COUNT_TIMEOUT: Duration = Duration::from_millis(500);

/// Where a hub's router is mounted.
#[derive(Clone)]
pub(crate) struct Mount {
    pub(crate) shared: Arc<Shared>,
    pub(crate) authorize: Arc<dyn Ask>,
}

/// Why a request gets no stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rejection {
    ForeignOrigin,
    Denied(Denied),
    OverLimit,
    /// The store or the system gave no answer.
    Unavailable,
    Draining,
}

/// `GET /`.
pub(crate) async fn subscribe(State(mount): State<Mount>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let origin = Origin::of(&parts.headers, &mount.shared.config.origins);
    let subscribe = Subscribe::of(&parts);
    let mut response = if origin == Origin::Foreign {
        reject(&mount.shared, Rejection::ForeignOrigin, subscribe.reader)
    } else if parts.method == Method::HEAD {
        match mount.authorize.ask(Arc::new(parts)).await {
            Ok(_) => event_stream(Body::empty()),
            Err(refusal) => {
                reject(&mount.shared, Rejection::Denied(Denied::Refused(refusal)), subscribe.reader)
            }
        }
    } else {
        let reader = subscribe.reader;
        match open(&mount, parts, subscribe).await {
            Ok(stream) => event_stream(Body::new(stream)),
            Err(rejection) => reject(&mount.shared, rejection, reader),
        }
    };
    origin.allow(&mut response);
    response
}

/// `OPTIONS /` and `OPTIONS /alive`.
pub(crate) async fn preflight(State(mount): State<Mount>, request: Request) -> Response {
    let origin = Origin::of(request.headers(), &mount.shared.config.origins);
    origin.preflight(request.headers(), &[Method::GET, Method::POST])
}

/// `POST /alive`: the far end of a proxy still reads its stream.
pub(crate) async fn alive(State(mount): State<Mount>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let origin = Origin::of(&parts.headers, &mount.shared.config.origins);
    if origin == Origin::Foreign {
        return reject(&mount.shared, Rejection::ForeignOrigin, Reader::Tidings);
    }
    if let Some(connection) = named_connection(&parts).and_then(|id| mount.shared.registry.get(&id)) {
        connection.mark_alive(mount.shared.clock.now());
        mount.shared.presences.check(&connection.user);
    }
    let mut response = status(StatusCode::NO_CONTENT);
    origin.allow(&mut response);
    response
}

async fn open(
    mount: &Mount,
    parts: axum::http::request::Parts,
    subscribe: Subscribe,
) -> Result<Stream, Rejection> {
    let shared = &mount.shared;
    if shared.is_draining() {
        return Err(Rejection::Draining);
    }
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let line = parts.extensions.get::<Line>().cloned();
    if line.is_none() {
        warn_once();
    }
    let config = &shared.config;
    let address = peer.and_then(|peer| shared.addresses.of_request(peer, &parts.headers, &config.proxies));
    let place = match address {
        Some(address) => {
            Some(shared.addresses.take(address, config.connections_per_address).ok_or(Rejection::OverLimit)?)
        }
        None => None,
    };
    let id = random::token().map_err(|error| {
        tracing::error!(%error, "no randomness for a connection id");
        Rejection::Unavailable
    })?;
    let mut claim = Claim {
        authorize: mount.authorize.clone(),
        parts: Arc::new(parts),
        wanted: subscribe.groups,
        known: subscribe.known,
        connection_id: id.as_str().into(),
        predecessor: subscribe.predecessor,
        opened_at: None,
    };
    let (rights, start) = settle(shared, &claim, subscribe.cursor).await?;
    claim.opened_at = Some(start.head.sequence());
    let at = shared.clock.now();
    let first_at = predecessor_since(shared, &claim, &rights.identity.user).unwrap_or(at);
    let is_ours = subscribe.reader == Reader::Tidings;
    let alive_every = config.alive_every.filter(|_| is_ours && is_forwarded(&claim.parts.headers));
    let birth = Birth {
        id,
        user: rights.identity.user.clone(),
        login: rights.identity.login.clone(),
        address,
        line,
        credentials: Some(claim.credentials()),
        proves_life: alive_every.is_some(),
        at,
        issued_at: rights.identity.issued_at.map(unix_time),
        first_at,
    };
    let connection = Arc::new(Connection::new(shared.registry.next_serial(), birth));
    let predecessor = claim.predecessor.as_deref();
    let elsewhere = open_elsewhere(shared, &connection.user, predecessor).await;
    let most = config.connections_per_user.saturating_sub(elsewhere);
    shared
        .registry
        .register(&connection, rights.channels(), predecessor, most)
        .map_err(|_| Rejection::OverLimit)?;
    shared.metrics.connections_opened.add(1);
    let membership = Membership::new(shared.clone(), connection, place);
    let connection = &membership.connection;
    shared.saving.opened(connection, at + config.lifetime + config.presence_lease);
    shared.presences.arrived(&connection.user);
    if shared.is_draining() {
        return Err(Rejection::Draining);
    }
    Ok(begin(shared, membership, claim, rights, start, alive_every))
}

/// When the client came first, if it was here before and says so.
fn predecessor_since(shared: &Shared, claim: &Claim, user: &str) -> Option<Time> {
    let id = claim.predecessor.as_deref()?;
    let open = shared.registry.get(id).filter(|connection| *connection.user == *user);
    let expected = || shared.saving.welcome(id, user).map(|saved| saved.opened_at);
    open.map(|connection| connection.first_opened_at).or_else(expected)
}

/// How many streams the user has at other instances, as those told the store: each second. Where it does not answer at
/// once, every instance counts its own.
async fn open_elsewhere(shared: &Shared, user: &str, predecessor: Option<&str>) -> usize {
    if !shared.store.is_followed() {
        return 0;
    }
    let asked = tokio::time::timeout(COUNT_TIMEOUT, shared.store.elsewhere_of(user)).await;
    let Ok(Ok(open)) = asked else { return 0 };
    if let Some(id) = predecessor.filter(|id| open.iter().any(|open| open == id)) {
        shared.saving.taken_over(id, user);
    }
    open.iter().filter(|id| !shared.saving.has_ended(id)).count()
}

/// Asks for rights until no notice lies between question and answer, and finds out where the stream starts.
async fn settle(shared: &Shared, claim: &Claim, mut cursor: Cursor) -> Result<(Rights, Start), Rejection> {
    for _ in 0..ASKS_MAX {
        let mut rights = claim.ask(shared).await.map_err(Rejection::Denied)?;
        match shared.log.start(&cursor, &mut rights) {
            Err(Stale) => {}
            Ok(Start { how: How::Unsure, .. }) => {
                cursor = cover(shared, cursor).await?;
                if let Ok(start) = shared.log.start(&cursor, &mut rights) {
                    return Ok((rights, start));
                }
            }
            Ok(start) => return Ok((rights, start)),
        }
    }
    Err(Rejection::Unavailable)
}

/// Asks the store about a cursor that this instance cannot place.
async fn cover(shared: &Shared, cursor: Cursor) -> Result<Cursor, Rejection> {
    let Cursor::Id { id, .. } = cursor else { return Ok(cursor) };
    let asked = tokio::time::timeout(shared.config.cover_timeout, shared.store.covers(&id)).await;
    match asked {
        Ok(Ok(covered)) => {
            if !covered && id.epoch() != shared.log.head().epoch() {
                note_foreign(shared);
            }
            Ok(Cursor::Id { id, covered: Some(covered) })
        }
        Ok(Err(_)) | Err(_) => Err(Rejection::Unavailable),
    }
}

/// A client stands in a log that is not this one.
fn note_foreign(shared: &Shared) {
    shared.metrics.foreign_cursors.add(1);
    if shared.foreign.note() {
        tracing::error!(
            "clients keep coming with cursors of another log, and each is told that it may have missed something: if \
             several servers answer them, they need one store, Postgres or Redis; a store in memory or in a file is \
             of one server only"
        );
    }
}

fn begin(
    shared: &Arc<Shared>,
    membership: Membership,
    claim: Claim,
    rights: Rights,
    start: Start,
    alive_every: Option<Duration>,
) -> Stream {
    let Start { head, generation, how } = start;
    let gained = match (&how, &claim.known) {
        (How::Replayed(_), Some(known)) => {
            rights.groups().into_iter().filter(|group| !known.contains(*group)).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    };
    let (resumed, gap, position) = match how {
        How::Fresh => (Resumed::Fresh, None, Position { sequence: head.sequence(), own: None }),
        How::Replayed(id) => (Resumed::Replayed, None, Position { sequence: id.sequence(), own: Some(id) }),
        How::Gap(reason) => (Resumed::Gap, Some(reason), Position { sequence: head.sequence(), own: None }),
        // The store has answered before a stream begins; a gap is true whatever it would have said.
        How::Unsure => {
            (Resumed::Gap, Some(GapReason::Epoch), Position { sequence: head.sequence(), own: None })
        }
    };
    let replay_until = (resumed == Resumed::Replayed).then(|| head.to_string());
    let hello = Hello {
        connection_id: membership.connection.id.to_string(),
        subject: shared.secret.digest("subject", [&*membership.connection.user]),
        resumed,
        replay_until,
        heartbeat_ms: millis(shared.config.heartbeat),
        alive_ms: alive_every.map(millis),
        contract: shared.contract.clone(),
        groups: shared.secret.digest("groups", rights.groups()),
    };
    let id = match resumed {
        // The gap is the first to say where the client stands: a cut between the two must lose nothing.
        Resumed::Gap => None,
        Resumed::Fresh => Some(head.clone()),
        Resumed::Replayed => position.own.clone(),
    };
    let config = &shared.config;
    let retry = random::uniform(config.retry.start, config.retry.end);
    let hello = encode_control(id.as_ref(), control::HELLO, &hello, Some(u64::from(millis(retry))));
    Stream::new(
        shared.clone(),
        Beginning { membership, claim, rights, position, head, generation, hello, gap, gained },
    )
}

pub(crate) fn reject(shared: &Shared, rejection: Rejection, reader: Reader) -> Response {
    let metrics = &shared.metrics;
    match rejection {
        Rejection::ForeignOrigin => {
            metrics.foreign_origin.add(1);
            status(StatusCode::FORBIDDEN)
        }
        Rejection::Denied(denied) => match denied {
            Denied::Refused(Refusal::Unavailable) => {
                metrics.unavailable.add(1);
                later(shared, reader, StatusCode::SERVICE_UNAVAILABLE, GoodbyeReason::Draining)
            }
            Denied::Refused(Refusal::Unauthorized) | Denied::Expired => {
                metrics.refused.add(1);
                status(StatusCode::UNAUTHORIZED)
            }
            Denied::Refused(Refusal::Forbidden) => {
                metrics.refused.add(1);
                status(StatusCode::FORBIDDEN)
            }
            Denied::Revoked => {
                metrics.refused.add(1);
                status(StatusCode::NO_CONTENT)
            }
            Denied::Misconfigured => status(StatusCode::INTERNAL_SERVER_ERROR),
        },
        Rejection::OverLimit => {
            metrics.over_limit.add(1);
            later(shared, reader, StatusCode::TOO_MANY_REQUESTS, GoodbyeReason::OverLimit)
        }
        Rejection::Unavailable | Rejection::Draining => {
            metrics.unavailable.add(1);
            later(shared, reader, StatusCode::SERVICE_UNAVAILABLE, GoodbyeReason::Draining)
        }
    }
}

/// "Come back later", in words that the reader understands.
fn later(shared: &Shared, reader: Reader, honest: StatusCode, reason: GoodbyeReason) -> Response {
    let config = &shared.config;
    let wait = random::uniform(config.retry.start, config.retry.end);
    match reader {
        Reader::Tidings => {
            let mut response = status(honest);
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            response
        }
        Reader::Native => {
            let goodbye = Goodbye { reason, reconnect_after_ms: Some(millis(wait)) };
            let block = encode_control(None, control::GOODBYE, &goodbye, Some(u64::from(millis(wait))));
            event_stream(Body::from(block))
        }
    }
}

fn event_stream(body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store, no-transform"),
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

pub(crate) fn status(code: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = code;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Without `serve`, nobody cuts a reader that stopped reading.
fn warn_once() {
    static WARNED: std::sync::Once = std::sync::Once::new();
    WARNED.call_once(|| {
        tracing::warn!(
            "the stream is not served by tidings_server::serve: header timeout, write stall, TCP_USER_TIMEOUT, \
             send buffer and the drain are not enforced"
        );
    });
}

impl Membership {
    fn new(shared: Arc<Shared>, connection: Arc<Connection>, place: Option<Place>) -> Self {
        Self { shared, connection, departure: Default::default(), _place: place }
    }
}
