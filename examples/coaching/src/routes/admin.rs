//! What operators and webhooks do.

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::StatusCode,
    routing::{delete, post},
};
use serde::{Deserialize, Serialize};
use tidings_bindings::{About, ApplicationError, ErrorCode, Event, Id, Subject};
use tidings_server::{
    Audience, Cause, SendError,
    protocol::{CHANNELS_MAX, Revoked},
};

use crate::{
    access::{self, Pair, Place},
    answer::{Answer, At, BODY_BYTES_MAX, Body, object, text},
    database::{Connection, query},
    failure::Failure,
    guard::Me,
    log_in::LogIns,
    platform::Platform,
};

pub(super) fn routes() -> Router<Platform> {
    Router::new()
        .route("/admin/force_logout/{user_id}", post(force_logout))
        .route("/admin/events", post(publish))
        .route("/admin/coaching_relationships/{id}", delete(end_relationship))
}

const NOT_THEIRS: Failure = Failure::PermissionLost("only an admin of the organization may do this");

#[derive(Debug, Deserialize)]
struct Why {
    reason: Option<String>,
}

#[derive(Debug, Serialize)]
struct LoggedOut {
    user_id: Id,
}

/// Ends every log-in of a person and every stream; the last thing their pages hear is why.
///
/// One transaction: neither a request that is dropped nor a process that is lost leaves streams open whose
/// log-ins are gone, or log-ins whose streams have ended. Between the commit and the end of the streams lies
/// what the hub's store needs to give the revocation its place, milliseconds; a process that dies before that
/// takes its own streams along, and what opens one again has to find a log-in first.
async fn force_logout(
    State(platform): State<Platform>,
    me: Me,
    cause: Cause,
    At(user_id): At<Id>,
    body: Bytes,
) -> Result<Answer<LoggedOut>, Failure> {
    let reason = reason(&body)?;
    let is_theirs = access::share_organization(&mut platform.reader().await?, me.id(), user_id).await?;
    if !is_theirs || !matches!(me.user.role.as_str(), "coach" | "admin") {
        return Err(Failure::PermissionLost("only coaches and admins of the organization may do this"));
    }
    let mut change = platform.change(cause).await?;
    LogIns::end_all(change.db(), user_id).await?;
    let last = Event::ForceLogout { reason: reason.clone() };
    change.revoke(Revoked::User(user_id.to_string()), &reason, Some(&last)).await?;
    change.commit().await?;
    Ok(Answer(LoggedOut { user_id }))
}

fn reason(body: &Bytes) -> Result<String, Failure> {
    let stated = match body.is_empty() {
        true => None,
        false => object::<Why>(body)?.reason,
    };
    text("reason", stated.unwrap_or_else(|| "Your log-ins have been ended.".into()), BODY_BYTES_MAX)
}

#[derive(Debug, Deserialize)]
struct Publication {
    event: Event,
    /// Left out: whom the event concerns.
    audience: Option<To>,
}

/// Whom an operator's event is for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum To {
    Everyone,
    User(Id),
    Users(Vec<Id>),
    CoachingSession(Id),
    CoachingRelationship(Id),
}

#[derive(Debug, Serialize)]
struct Published {
    id: String,
}

async fn publish(
    State(platform): State<Platform>,
    me: Me,
    cause: Cause,
    Body(publication): Body<Publication>,
) -> Result<Answer<Published>, Failure> {
    admin_only(&me)?;
    let concerned = match &publication.event {
        Event::MeetingRecordingUpdated { coaching_session_id }
        | Event::TranscriptionUpdated { coaching_session_id } => To::CoachingSession(*coaching_session_id),
        Event::SystemAnnouncement { message, .. } => {
            text("event.data.message", message.clone(), BODY_BYTES_MAX)?;
            To::Everyone
        }
        _ => return Err(Failure::invalid("event", "this event is sent by what happens, not by hand")),
    };
    let audience = audience(&platform, me.id(), publication.audience.unwrap_or(concerned)).await?;
    let sent = platform.hub.caused_by(cause).send(audience, &publication.event).await;
    sent.map(|sent| Answer(Published { id: sent.id.to_string() })).map_err(|error| {
        tracing::warn!(%error, "an operator's event was not sent");
        let field = if matches!(error, SendError::Audience(_)) { "audience" } else { "event" };
        Failure::invalid(field, error.to_string())
    })
}

/// But for everyone, only people of the admin's own organization.
async fn audience(platform: &Platform, me: Id, to: To) -> Result<Audience, Failure> {
    let db = &mut platform.reader().await?;
    let users = match to {
        To::Everyone => return Ok(Audience::everyone()),
        To::User(user) => vec![user],
        To::Users(users) => users,
        To::CoachingSession(id) => return Ok(pair_of(db, Place::Session(id), me).await?.audience()),
        To::CoachingRelationship(id) => {
            return Ok(pair_of(db, Place::Relationship(id), me).await?.audience());
        }
    };
    // More are refused anyway, unasked for.
    if users.len() <= CHANNELS_MAX && !access::shares_organization_with_all(db, me, &users).await? {
        return Err(NOT_THEIRS);
    }
    Ok(Audience::users(users.iter().map(Id::to_string)))
}

/// The two people of a place in the admin's own organization.
async fn pair_of(db: &mut Connection, place: Place, me: Id) -> Result<Pair, Failure> {
    let pair = Pair::find(&mut *db, place).await?.ok_or(Failure::NotFound("coaching relationship"))?;
    match access::is_in_organization_of(db, pair.relationship, me).await? {
        true => Ok(pair),
        false => Err(NOT_THEIRS),
    }
}

/// Ends a relationship: both lose access at once, and are told.
async fn end_relationship(
    State(platform): State<Platform>,
    me: Me,
    cause: Cause,
    At(id): At<Id>,
) -> Result<StatusCode, Failure> {
    admin_only(&me)?;
    let mut change = platform.change(cause).await?;
    let pair = pair_of(change.db(), Place::Relationship(id), me.id()).await?;
    let now = change.now();
    query("UPDATE coaching_relationships SET ended_at = $1 WHERE id = $2")
        .bind(now.as_str())
        .bind(id.to_string())
        .execute(change.db())
        .await?;
    // No correlation id: every page of the two shows it.
    let error = ApplicationError {
        code: ErrorCode::PermissionLost,
        message: "This coaching relationship has ended.".into(),
        about: Some(About { kind: Subject::CoachingRelationship, id }),
        correlation_id: None,
        retryable: false,
    };
    change.tell(pair.audience(), &Event::ApplicationError(error)).await?;
    change.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn admin_only(me: &Me) -> Result<(), Failure> {
    match me.is_admin() {
        true => Ok(()),
        false => Err(Failure::PermissionLost("only an admin may do this")),
    }
}
