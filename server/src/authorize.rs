//! Who may read: the app's answer about a request.

use std::{future::Future, pin::Pin, sync::Arc, time::SystemTime};

use axum::http::request::Parts;

/// Answers who a request comes from and what it may read. Asked at every subscribe, at an interval while the
/// stream is open, and whenever rights may have changed; so look at what is stored now, not at what an
/// earlier layer found out.
///
/// The groups are the user's: for one user, answer the same groups whatever the log-in.
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use axum::http::request::Parts;
/// use tidings_server::{Authorize, Identity, Refusal};
/// let authorize = |request: Arc<Parts>| async move {
///     match request.headers.get("authorization") {
///         Some(token) if token == "Bearer 42s-token" => Ok(Identity::user("42").groups(["staff"])),
///         _ => Err(Refusal::Unauthorized),
///     }
/// };
/// fn is_one(_: impl Authorize) {}
/// is_one(authorize);
/// ```
pub trait Authorize: Send + Sync + 'static {
    /// Who `request` comes from.
    ///
    /// # Errors
    /// [`Refusal`] says what the client is told.
    fn authorize(&self, request: Arc<Parts>) -> impl Future<Output = Result<Identity, Refusal>> + Send;
}

impl<F, A> Authorize for F
where
    F: Fn(Arc<Parts>) -> A + Send + Sync + 'static,
    A: Future<Output = Result<Identity, Refusal>> + Send,
{
    fn authorize(&self, request: Arc<Parts>) -> impl Future<Output = Result<Identity, Refusal>> + Send {
        self(request)
    }
}

/// A user and what the stream may carry.
///
/// # Example
/// ```
/// use tidings_server::Identity;
/// let identity = Identity::user("42").login("session-7").groups(["team-a", "team-b"]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub(crate) user: String,
    pub(crate) login: Option<String>,
    pub(crate) issued_at: Option<SystemTime>,
    pub(crate) expires_at: Option<SystemTime>,
    pub(crate) groups: Vec<String>,
}

impl Identity {
    /// The user with this id, in no group.
    pub fn user(id: impl Into<String>) -> Self {
        Self { user: id.into(), login: None, issued_at: None, expires_at: None, groups: Vec::new() }
    }

    /// The log-in the credentials belong to, so that it can be revoked alone.
    #[must_use]
    pub fn login(mut self, id: impl Into<String>) -> Self {
        self.login = Some(id.into());
        self
    }

    /// The groups the user may read; see the trait.
    #[must_use]
    pub fn groups<G: Into<String>>(mut self, names: impl IntoIterator<Item = G>) -> Self {
        self.groups = names.into_iter().map(Into::into).collect();
        self
    }

    /// When the credentials were issued. A revocation of the user refuses those issued before it and lets
    /// later ones in; without this, `Authorize` alone decides about new streams.
    #[must_use]
    pub const fn issued_at(mut self, time: SystemTime) -> Self {
        self.issued_at = Some(time);
        self
    }

    /// When they end: the stream then says goodbye, so that the client refreshes them.
    #[must_use]
    pub const fn expires_at(mut self, time: SystemTime) -> Self {
        self.expires_at = Some(time);
        self
    }
}

/// Why a request may not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// 401: log in.
    #[error("unauthorized")]
    Unauthorized,
    /// 403: logging in would not help.
    #[error("forbidden")]
    Forbidden,
    /// 503: it could not be found out; the client tries again.
    #[error("the credentials could not be checked")]
    Unavailable,
}

/// [`Authorize`] with its future boxed, so that a stream need not be generic over it.
pub(crate) trait Ask: Send + Sync {
    fn ask(&self, request: Arc<Parts>) -> Answer<'_>;
}

type Answer<'a> = Pin<Box<dyn Future<Output = Result<Identity, Refusal>> + Send + 'a>>;

impl<A: Authorize> Ask for A {
    fn ask(&self, request: Arc<Parts>) -> Answer<'_> {
        Box::pin(self.authorize(request))
    }
}
