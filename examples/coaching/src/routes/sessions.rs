//! Coaching sessions: when the two meet, and under which title.

use axum::{
    Router,
    extract::State,
    routing::{get, patch},
};
use serde::{Deserialize, Serialize};
use tidings_bindings::{Event, Id, Timestamp};
use tidings_server::Cause;

use crate::{
    access::{Pair, Place},
    answer::{Answer, Asked, At, Body, Created, TITLE_BYTES_MAX, text},
    clock::When,
    database::{Connection, Row, parsed, query},
    failure::Failure,
    guard::Me,
    platform::{Platform, based_on, new_id},
};

pub(super) fn routes() -> Router<Platform> {
    Router::new()
        .route("/coaching_sessions", get(list).post(create))
        .route("/coaching_sessions/{id}", get(one))
        .route("/coaching_sessions/{id}/title", patch(rename))
}

/// A meeting of a coach and a coachee.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Session {
    pub(crate) id: Id,
    pub(crate) coaching_relationship_id: Id,
    pub(crate) date: Timestamp,
    pub(crate) title: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

#[derive(Debug, Deserialize)]
struct Filter {
    coaching_relationship_id: Id,
    from_date: Option<When>,
    to_date: Option<When>,
}

#[derive(Debug, Deserialize)]
struct Draft {
    coaching_relationship_id: Id,
    date: When,
}

#[derive(Debug, Deserialize)]
struct Title {
    title: String,
    updated_at: Option<When>,
}

/// Both days are included, whatever time of day they name.
async fn list(
    State(platform): State<Platform>,
    me: Me,
    Asked(filter): Asked<Filter>,
) -> Result<Answer<Vec<Session>>, Failure> {
    let db = &mut platform.reader().await?;
    Pair::of(db, Place::Relationship(filter.coaching_relationship_id), me.id()).await?;
    let day = |when: Option<When>| when.map(|When(at)| at.as_str()[..10].to_owned());
    let rows = query(
        "SELECT * FROM coaching_sessions WHERE coaching_relationship_id = $1
         AND ($2 IS NULL OR substr(date, 1, 10) >= $2) AND ($3 IS NULL OR substr(date, 1, 10) <= $3)
         ORDER BY date, id",
    )
    .bind(filter.coaching_relationship_id.to_string())
    .bind(day(filter.from_date))
    .bind(day(filter.to_date))
    .fetch_all(db)
    .await?;
    Ok(Answer(rows.iter().map(read).collect::<Result<_, _>>()?))
}

async fn one(State(platform): State<Platform>, me: Me, At(id): At<Id>) -> Result<Answer<Session>, Failure> {
    let db = &mut platform.reader().await?;
    find(db, id, me.id()).await.map(|(_, session)| Answer(session))
}

async fn create(
    State(platform): State<Platform>,
    me: Me,
    cause: Cause,
    Body(draft): Body<Draft>,
) -> Result<Created<Session>, Failure> {
    let mut change = platform.change(cause).await?;
    Pair::of(change.db(), Place::Relationship(draft.coaching_relationship_id), me.id()).await?;
    let now = change.now();
    let session = Session {
        id: new_id(),
        coaching_relationship_id: draft.coaching_relationship_id,
        date: draft.date.0,
        title: None,
        created_at: now.clone(),
        updated_at: now,
    };
    save(change.db(), &session).await?;
    change.commit().await?;
    Ok(Created(session))
}

async fn rename(
    State(platform): State<Platform>,
    me: Me,
    cause: Cause,
    At(id): At<Id>,
    Body(draft): Body<Title>,
) -> Result<Answer<Session>, Failure> {
    let title = text("title", draft.title, TITLE_BYTES_MAX)?;
    let mut change = platform.change(cause).await?;
    let (pair, was) = find(change.db(), id, me.id()).await?;
    based_on(draft.updated_at.as_ref(), &was.updated_at, &was)?;
    let session = Session { title: Some(title), updated_at: change.now(), ..was };
    save(change.db(), &session).await?;
    let event = Event::CoachingSessionTitleUpdated { coaching_session_id: id };
    change.tell(pair.audience(), &event).await?;
    change.commit().await?;
    Ok(Answer(session))
}

async fn find(db: &mut Connection, id: Id, me: Id) -> Result<(Pair, Session), Failure> {
    let pair = Pair::of(db, Place::Session(id), me).await?;
    let row =
        query("SELECT * FROM coaching_sessions WHERE id = $1").bind(id.to_string()).fetch_one(db).await?;
    Ok((pair, read(&row)?))
}

/// Writes a session, new or changed.
pub(crate) async fn save(db: &mut Connection, session: &Session) -> Result<(), Failure> {
    query(
        "INSERT INTO coaching_sessions (id, coaching_relationship_id, created_at, date, title, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (id) DO UPDATE SET date = excluded.date, title = excluded.title,
         updated_at = excluded.updated_at",
    )
    .bind(session.id.to_string())
    .bind(session.coaching_relationship_id.to_string())
    .bind(session.created_at.as_str())
    .bind(session.date.as_str())
    .bind(session.title.as_deref())
    .bind(session.updated_at.as_str())
    .execute(db)
    .await?;
    Ok(())
}

fn read(row: &Row) -> Result<Session, sqlx::Error> {
    Ok(Session {
        id: parsed(row, "id")?,
        coaching_relationship_id: parsed(row, "coaching_relationship_id")?,
        date: parsed(row, "date")?,
        title: row.try_get("title")?,
        created_at: parsed(row, "created_at")?,
        updated_at: parsed(row, "updated_at")?,
    })
}
