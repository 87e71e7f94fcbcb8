//! Logging in and out.

use axum::{
    Form, Router,
    extract::{State, rejection::FormRejection},
    http::{HeaderMap, StatusCode},
    routing::{delete, post},
};
use serde::Deserialize;
use tidings_server::{Cause, protocol::Revoked};
use tower_sessions::Session;

use crate::{
    answer::Answer,
    clock::unix_millis,
    database::query,
    failure::Failure,
    guard::{FROM_ELSEWHERE, Me, User, is_from_elsewhere},
    log_in::{KEY, LogIn, LogIns},
    platform::{Platform, new_id},
};

/// What anyone may ask for.
pub(super) fn open() -> Router<Platform> {
    Router::new().route("/login", post(log_in))
}

/// What needs a log-in to end.
pub(super) fn guarded() -> Router<Platform> {
    Router::new().route("/delete", delete(log_out))
}

#[derive(Deserialize)]
struct Credentials {
    email: String,
    password: String,
}

async fn log_in(
    State(platform): State<Platform>,
    session: Session,
    headers: HeaderMap,
    credentials: Result<Form<Credentials>, FormRejection>,
) -> Result<Answer<User>, Failure> {
    if is_from_elsewhere(&headers) {
        return Err(FROM_ELSEWHERE);
    }
    let Form(Credentials { email, password }) = credentials?;
    let row =
        query(&format!("SELECT password_hash, {} FROM users WHERE lower(email) = lower($1)", User::COLUMNS))
            .bind(email.trim())
            .fetch_optional(&mut platform.reader().await?)
            .await?;
    let stored = row.as_ref().map(|row| row.try_get("password_hash")).transpose()?;
    let fits = platform.passwords.verify(&password, stored).await?;
    let user = match &row {
        Some(row) if fits => User::read(row)?,
        _ => return Err(Failure::Unauthorized),
    };
    begin(&platform, &session, &user).await?;
    Ok(Answer(user))
}

/// The same person again keeps the log-in, and with it the streams of the other tabs; another person's ends.
async fn begin(platform: &Platform, session: &Session, user: &User) -> Result<(), Failure> {
    match session.get::<LogIn>(KEY).await? {
        Some(log_in) if log_in.user == user.id => {
            LogIns::renew(session);
            return Ok(());
        }
        Some(other) => {
            end(platform, session, other).await?;
            session.cycle_id().await?;
        }
        None => {}
    }
    // A millisecond more: the log-in must not count as issued before a revocation in the same millisecond.
    let log_in = LogIn { id: new_id(), user: user.id, since: unix_millis() + 1 };
    Ok(session.insert(KEY, log_in).await?)
}

async fn log_out(State(platform): State<Platform>, session: Session, me: Me) -> Result<StatusCode, Failure> {
    end(&platform, &session, me.log_in).await?;
    // What is left is the cookie.
    session.flush().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a log-in and the streams that were opened with it, in one transaction: see
/// [`super::admin`] for what that is worth.
async fn end(platform: &Platform, session: &Session, log_in: LogIn) -> Result<(), Failure> {
    let mut change = platform.change(Cause::default()).await?;
    if let Some(secret) = session.id() {
        LogIns::end(change.db(), &secret).await?;
    }
    change.revoke(Revoked::Login(log_in.id.to_string()), "logged out", None).await?;
    change.commit().await
}
