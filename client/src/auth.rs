//! Credentials that change: asked for before every attempt.

use std::{fmt, future::Future, pin::Pin};

use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue};

use crate::ConnectError;

/// Answers with the credentials of the next attempt.
///
/// # Example
/// ```
/// use tidings_client::{Auth, AuthError, AuthReason, Credentials};
/// async fn token(fresh: bool) -> Result<String, AuthError> { Ok("t".to_owned()) }
/// let auth = |reason: AuthReason| async move {
///     // What was refused is not worth sending again.
///     Credentials::bearer(&token(reason == AuthReason::Rejected).await?)
/// };
/// fn is_one(_: impl Auth) {}
/// is_one(auth);
/// ```
pub trait Auth: Send + Sync + 'static {
    /// The credentials for an attempt that is made because of `reason`. The attempt's
    /// [`connect_timeout`](crate::ClientBuilder::connect_timeout) covers this too.
    ///
    /// # Errors
    /// [`AuthError`] says whether trying again makes sense.
    fn credentials(&self, reason: AuthReason) -> impl Future<Output = Result<Credentials, AuthError>> + Send;
}

impl<F, A> Auth for F
where
    F: Fn(AuthReason) -> A + Send + Sync + 'static,
    A: Future<Output = Result<Credentials, AuthError>> + Send,
{
    fn credentials(&self, reason: AuthReason) -> impl Future<Output = Result<Credentials, AuthError>> + Send {
        self(reason)
    }
}

/// Why credentials are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthReason {
    /// An attempt is made; the last credentials may still be good.
    Connect,
    /// The last credentials were refused (401, 403) or ran out. Asked once: another refusal parks the client.
    Rejected,
}

/// Why there are no credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// There will be none until somebody logs in: the client becomes unauthorized and its stream ends.
    #[error("{0}")]
    Unauthorized(String),
    /// They could not be had now: the client tries again, with backoff.
    #[error("{0}")]
    Failed(String),
}

/// The headers that say who asks; nothing shows their values.
#[derive(Clone, Default)]
pub struct Credentials {
    headers: HeaderMap,
}

impl Credentials {
    /// Nobody in particular.
    pub fn none() -> Self {
        Self::default()
    }

    /// `Authorization: Bearer {token}`.
    ///
    /// # Errors
    /// [`AuthError::Unauthorized`] when the token cannot stand in a header.
    pub fn bearer(token: &str) -> Result<Self, AuthError> {
        Self::none().with(AUTHORIZATION, &["Bearer ", token].concat())
    }

    /// `Cookie: {cookies}`, as in `session=1; theme=dark`.
    ///
    /// # Errors
    /// As [`Credentials::bearer`].
    pub fn cookie(cookies: &str) -> Result<Self, AuthError> {
        Self::none().with(COOKIE, cookies)
    }

    /// Any other header that says who asks.
    ///
    /// # Errors
    /// As [`Credentials::bearer`].
    pub fn header(self, name: &str, value: &str) -> Result<Self, AuthError> {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| AuthError::Unauthorized(format!("{name:?} is no header name")))?;
        self.with(name, value)
    }

    pub(crate) fn apply(self, headers: &mut HeaderMap) {
        headers.extend(self.headers);
    }

    fn with(mut self, name: HeaderName, value: &str) -> Result<Self, AuthError> {
        let mut value = HeaderValue::from_str(value)
            .map_err(|_| AuthError::Unauthorized(format!("the credentials cannot stand in {name}")))?;
        value.set_sensitive(true);
        self.headers.insert(name, value);
        Ok(self)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("headers", &self.headers.keys().collect::<Vec<_>>()).finish()
    }
}

/// Fixed headers, checked when they are given.
pub(crate) fn header(
    name: &str,
    value: &str,
    secret: bool,
) -> Result<(HeaderName, HeaderValue), ConnectError> {
    let invalid = || ConnectError::Header(name.to_owned());
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
    let mut value = HeaderValue::from_str(value).map_err(|_| invalid())?;
    value.set_sensitive(secret);
    Ok((name, value))
}

/// [`Auth`] with its future boxed, so that a driver need not be generic over it.
pub(crate) trait Ask: Send + Sync {
    fn ask(&self, reason: AuthReason) -> Answer<'_>;
}

type Answer<'a> = Pin<Box<dyn Future<Output = Result<Credentials, AuthError>> + Send + 'a>>;

impl<A: Auth> Ask for A {
    fn ask(&self, reason: AuthReason) -> Answer<'_> {
        Box::pin(self.credentials(reason))
    }
}
