//! A hub with open streams and no sockets: what is ours of a send and of a delivery, and nothing of the kernel's.

use std::{
    future::Future,
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
};

use axum::{
    Router,
    body::{Body, HttpBody},
    http::{Request, request::Parts},
};
use tidings_server::{Audience, Config, Hub, Identity, Refusal, router};
use tokio::runtime::Runtime;

use crate::subject::Event;

/// Users are named by the numbers of their streams.
pub struct House {
    runtime: Runtime,
    hub: Hub<Event>,
    app: Router,
    streams: Vec<Body>,
    event: Event,
}

impl std::fmt::Debug for House {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("House").field("streams", &self.streams.len()).finish_non_exhaustive()
    }
}

impl House {
    /// With one open stream for each of so many users.
    ///
    /// # Errors
    /// The hub does not start.
    pub fn new(users: usize) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let hub = runtime.block_on(Hub::<Event>::in_memory(Config::default())).map_err(io::Error::other)?;
        let app = router(&hub, |parts: Arc<Parts>| async move {
            let user = parts.headers.get("x-user").and_then(|user| user.to_str().ok());
            user.map(Identity::user).ok_or(Refusal::Unauthorized)
        });
        let mut house = Self { runtime, hub, app, streams: Vec::with_capacity(users), event: Event::tick(1) };
        for user in 0..users {
            let stream = house.open(user, None)?;
            house.streams.push(stream);
            // Hello.
            house.drain(user);
        }
        Ok(house)
    }

    /// A stream of `user`, from where a cursor stands.
    ///
    /// # Errors
    /// There is none to be had.
    pub fn open(&self, user: usize, cursor: Option<&str>) -> io::Result<Body> {
        let mut request = Request::get("/?tidings=1").header("x-user", user);
        if let Some(cursor) = cursor {
            request = request.header("last-event-id", cursor);
        }
        let request = request.body(Body::empty()).map_err(io::Error::other)?;
        let mut app = self.app.clone();
        let Ok(response) = self.runtime.block_on(tower_service::Service::call(&mut app, request));
        if response.status().is_success() {
            Ok(response.into_body())
        } else {
            Err(io::Error::other(format!("the hub answered {}", response.status())))
        }
    }

    /// Where the log stands.
    pub fn cursor(&self) -> String {
        self.hub.cursor().to_string()
    }

    /// Sends one event. Over memory that needs no waiting, and so no runtime that would do something else as well.
    ///
    /// # Errors
    /// It was refused, or would have had to wait.
    pub fn send(&self, audience: Audience) -> io::Result<()> {
        let _entered = self.runtime.enter();
        let sent = pin!(self.hub.send(audience, &self.event));
        match sent.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(sent) => sent.map(drop).map_err(io::Error::other),
            Poll::Pending => Err(io::Error::other("a send over memory waited")),
        }
    }

    /// Takes what is due at the stream of a user, as a server does after a wake-up; how many pieces.
    pub fn drain(&mut self, user: usize) -> usize {
        drain(&mut self.streams[user])
    }
}

/// Takes what is due at a stream; how many pieces.
pub fn drain(stream: &mut Body) -> usize {
    let mut cx = Context::from_waker(Waker::noop());
    let mut pieces = 0;
    while let Poll::Ready(Some(Ok(_))) = Pin::new(&mut *stream).poll_frame(&mut cx) {
        pieces += 1;
    }
    pieces
}
