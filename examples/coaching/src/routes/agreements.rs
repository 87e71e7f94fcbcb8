//! Agreements: what both have agreed on.

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    routing::{get, put},
};
use serde::Deserialize;
use tidings_bindings::{Agreement, Event, Id};
use tidings_server::Cause;

use super::OfSession;
use crate::{
    access::{Pair, Place},
    answer::{Answer, Asked, At, BODY_BYTES_MAX, Body, Created, text},
    clock::When,
    database::{Connection, Row, parsed, query},
    failure::Failure,
    guard::Me,
    platform::{Platform, based_on, new_id},
};

pub(super) fn routes() -> Router<Platform> {
    Router::new()
        .route("/agreements", get(list).post(create))
        .route("/agreements/{id}", put(replace).delete(remove))
}

#[derive(Debug, Deserialize)]
struct Draft {
    coaching_session_id: Id,
    body: String,
    updated_at: Option<When>,
}

async fn list(
    State(platform): State<Platform>,
    me: Me,
    Asked(of): Asked<OfSession>,
) -> Result<Answer<Vec<Agreement>>, Failure> {
    let db = &mut platform.reader().await?;
    Pair::of(db, Place::Session(of.coaching_session_id), me.id()).await?;
    let rows = query("SELECT * FROM agreements WHERE coaching_session_id = $1 ORDER BY created_at, id")
        .bind(of.coaching_session_id.to_string())
        .fetch_all(db)
        .await?;
    Ok(Answer(rows.iter().map(read).collect::<Result<_, _>>()?))
}

async fn create(
    State(platform): State<Platform>,
    me: Me,
    cause: Cause,
    Body(draft): Body<Draft>,
) -> Result<Created<Agreement>, Failure> {
    let body = text("body", draft.body, BODY_BYTES_MAX)?;
    let mut change = platform.change(cause).await?;
    let coaching_session_id = draft.coaching_session_id;
    let pair = Pair::of(change.db(), Place::Session(coaching_session_id), me.id()).await?;
    let now = change.now();
    let agreement = Agreement {
        id: new_id(),
        coaching_session_id,
        body: Some(body),
        user_id: me.id(),
        created_at: now.clone(),
        updated_at: now,
    };
    save(change.db(), &agreement).await?;
    let event = Event::AgreementCreated { coaching_session_id, agreement: agreement.clone() };
    change.tell(pair.audience(), &event).await?;
    change.commit().await?;
    Ok(Created(agreement))
}

async fn replace(
    State(platform): State<Platform>,
    me: Me,
    cause: Cause,
    At(id): At<Id>,
    Body(draft): Body<Draft>,
) -> Result<Answer<Agreement>, Failure> {
    let body = text("body", draft.body, BODY_BYTES_MAX)?;
    let mut change = platform.change(cause).await?;
    let (pair, was) = find(change.db(), id, me.id()).await?;
    let coaching_session_id = was.coaching_session_id;
    if draft.coaching_session_id != coaching_session_id {
        return Err(Failure::invalid("coaching_session_id", "an agreement stays in its session"));
    }
    based_on(draft.updated_at.as_ref(), &was.updated_at, &was)?;
    let agreement = Agreement { body: Some(body), updated_at: change.now(), ..was };
    save(change.db(), &agreement).await?;
    let event = Event::AgreementUpdated { coaching_session_id, agreement: agreement.clone() };
    change.tell(pair.audience(), &event).await?;
    change.commit().await?;
    Ok(Answer(agreement))
}

async fn remove(
    State(platform): State<Platform>,
    me: Me,
    cause: Cause,
    At(id): At<Id>,
) -> Result<StatusCode, Failure> {
    let mut change = platform.change(cause).await?;
    let (pair, Agreement { coaching_session_id, .. }) = find(change.db(), id, me.id()).await?;
    query("DELETE FROM agreements WHERE id = $1").bind(id.to_string()).execute(change.db()).await?;
    change.tell(pair.audience(), &Event::AgreementDeleted { coaching_session_id, agreement_id: id }).await?;
    change.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn find(db: &mut Connection, id: Id, me: Id) -> Result<(Pair, Agreement), Failure> {
    let pair = Pair::of(db, Place::Agreement(id), me).await?;
    let row = query("SELECT * FROM agreements WHERE id = $1").bind(id.to_string()).fetch_optional(db).await?;
    let agreement = read(&row.ok_or(Failure::NotFound("agreement"))?)?;
    Ok((pair, agreement))
}

/// Writes an agreement, new or changed.
pub(crate) async fn save(db: &mut Connection, agreement: &Agreement) -> Result<(), Failure> {
    query(
        "INSERT INTO agreements (id, coaching_session_id, user_id, created_at, body, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (id) DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at",
    )
    .bind(agreement.id.to_string())
    .bind(agreement.coaching_session_id.to_string())
    .bind(agreement.user_id.to_string())
    .bind(agreement.created_at.as_str())
    .bind(agreement.body.as_deref())
    .bind(agreement.updated_at.as_str())
    .execute(db)
    .await?;
    Ok(())
}

fn read(row: &Row) -> Result<Agreement, sqlx::Error> {
    Ok(Agreement {
        id: parsed(row, "id")?,
        coaching_session_id: parsed(row, "coaching_session_id")?,
        body: row.try_get("body")?,
        user_id: parsed(row, "user_id")?,
        created_at: parsed(row, "created_at")?,
        updated_at: parsed(row, "updated_at")?,
    })
}
