//! What every route but the log-in goes through: the log-in checked, refused changes told.

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tidings_bindings::{About, ApplicationError, Id, Subject};
use tidings_server::{Audience, Cause};
use tower_sessions::Session;

use crate::{
    database::{Row, parsed, query},
    failure::{Failure, Told},
    log_in::{self, LogIn},
    platform::Platform,
};

/// The person who asks.
#[derive(Debug, Clone)]
pub(crate) struct Me {
    pub(crate) user: User,
    /// The log-in they ask with.
    pub(crate) log_in: LogIn,
}

/// A person, as others may know them.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct User {
    pub(crate) id: Id,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) email: String,
    pub(crate) role: String,
}

impl User {
    pub(crate) const COLUMNS: &str = "id, first_name, last_name, email, role";

    pub(crate) fn read(row: &Row) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: parsed(row, "id")?,
            first_name: row.try_get("first_name")?,
            last_name: row.try_get("last_name")?,
            email: row.try_get("email")?,
            role: row.try_get("role")?,
        })
    }
}

impl Me {
    pub(crate) const fn id(&self) -> Id {
        self.user.id
    }

    pub(crate) fn is_admin(&self) -> bool {
        self.user.role == "admin"
    }

    async fn of(platform: &Platform, session: &Session) -> Result<Self, Failure> {
        let log_in: LogIn = session.get(log_in::KEY).await?.ok_or(Failure::Unauthorized)?;
        let row = query(&format!("SELECT {} FROM users WHERE id = $1", User::COLUMNS))
            .bind(log_in.user.to_string())
            .fetch_optional(&mut platform.reader().await?)
            .await?;
        Ok(Self { user: User::read(&row.ok_or(Failure::Unauthorized)?)?, log_in })
    }
}

/// Runs around every route behind the log-in.
pub(crate) async fn guard(
    State(platform): State<Platform>,
    session: Session,
    cause: Cause,
    mut request: Request,
    next: Next,
) -> Response {
    let me = match Me::of(&platform, &session).await {
        Ok(me) => me,
        Err(failure) => return failure.into_response(),
    };
    let changes = !request.method().is_safe();
    if changes && is_from_elsewhere(request.headers()) {
        return FROM_ELSEWHERE.into_response();
    }
    let about = about(request.uri().path());
    request.extensions_mut().insert(me.clone());
    let mut response = next.run(request).await;
    if changes && let Some(told) = response.extensions_mut().remove::<Told>() {
        tell(&platform, me.id(), cause, told, about).await;
    }
    response
}

pub(crate) const FROM_ELSEWHERE: Failure =
    Failure::PermissionLost("pages of other sites change nothing here");

/// Whether a browser says that a page of another site asks; `SameSite=Lax` alone would do in current browsers.
pub(crate) fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site")
}

/// Says a failed change to the person's pages, the one that asked among them.
async fn tell(platform: &Platform, user: Id, cause: Cause, told: Told, about: Option<About>) {
    let error = ApplicationError {
        code: told.code,
        message: told.message,
        about,
        correlation_id: cause.correlation_id.clone(),
        retryable: told.retryable,
    };
    let audience = Audience::user(user.to_string());
    if let Err(error) = platform.hub.caused_by(cause).application_error(audience, error).await {
        tracing::warn!(%error, "a failure was not told");
    }
}

/// The thing that a path names last, `/coaching_sessions/{id}/topics/{id}` a topic.
fn about(path: &str) -> Option<About> {
    let segments: Vec<_> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    segments.windows(2).rev().find_map(|pair| {
        let kind = match pair[0] {
            "actions" => Subject::Action,
            "agreements" => Subject::Agreement,
            "goals" => Subject::Goal,
            "notes" => Subject::Note,
            "topics" => Subject::Topic,
            "coaching_sessions" => Subject::CoachingSession,
            "coaching_relationships" => Subject::CoachingRelationship,
            "organizations" => Subject::Organization,
            "force_logout" | "users" => Subject::User,
            _ => return None,
        };
        Some(About { kind, id: pair[1].parse().ok()? })
    })
}

impl<S: Send + Sync> FromRequestParts<S> for Me {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        parts.extensions.get().cloned().ok_or(Failure::Unauthorized)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_about_what_its_path_names_last() {
        let (a, b) = ("00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000b");
        let last = Some(0xb);
        for (path, kind, id) in [
            (format!("/actions/{b}"), Some(Subject::Action), last),
            (format!("/coaching_sessions/{a}/topics/{b}/rating"), Some(Subject::Topic), last),
            (format!("/coaching_sessions/{b}/title"), Some(Subject::CoachingSession), last),
            (format!("/coaching_sessions/{b}/topics"), Some(Subject::CoachingSession), last),
            ("/actions".to_owned(), None, None),
            ("/actions/nonsense".to_owned(), None, None),
        ] {
            let about = about(&path);
            assert_eq!(about.map(|about| about.kind), kind, "{path}");
            assert_eq!(about.map(|about| about.id.as_u128()), id, "{path}");
        }
    }
}
