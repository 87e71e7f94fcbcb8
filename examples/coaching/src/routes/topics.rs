//! Topics: what to talk about in a session. Only the coachee says how much each matters.

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    routing::{get, patch, put},
};
use serde::Deserialize;
use tidings_bindings::{Event, Id, Priority, Topic, TopicStatus};
use tidings_server::Cause;

use crate::{
    access::{Pair, Place},
    answer::{Answer, At, BODY_BYTES_MAX, Body, Created, text},
    clock::When,
    database::{Connection, Row, as_word, parsed, query, word, word_option},
    failure::Failure,
    guard::Me,
    platform::{Change, Platform, based_on, new_id},
};

pub(super) fn routes() -> Router<Platform> {
    Router::new()
        .route("/coaching_sessions/{id}/topics", get(list).post(create))
        .route("/coaching_sessions/{id}/topics/{topic_id}", put(replace).delete(remove))
        .route("/coaching_sessions/{id}/topics/{topic_id}/rating", patch(rate))
        .route("/coaching_sessions/{id}/topics/{topic_id}/status", patch(turn))
}

/// Which topic of which session.
#[derive(Debug, Clone, Copy, Deserialize)]
struct Which {
    id: Id,
    topic_id: Id,
}

#[derive(Debug, Deserialize)]
struct Draft {
    body: String,
    updated_at: Option<When>,
}

#[derive(Debug, Deserialize)]
struct Rating {
    priority: Priority,
    updated_at: Option<When>,
}

#[derive(Debug, Deserialize)]
struct Turn {
    status: TopicStatus,
    updated_at: Option<When>,
}

async fn list(
    State(platform): State<Platform>,
    me: Me,
    At(session): At<Id>,
) -> Result<Answer<Vec<Topic>>, Failure> {
    let db = &mut platform.reader().await?;
    Pair::of(db, Place::Session(session), me.id()).await?;
    let rows = query("SELECT * FROM topics WHERE coaching_session_id = $1 ORDER BY created_at, id")
        .bind(session.to_string())
        .fetch_all(db)
        .await?;
    Ok(Answer(rows.iter().map(read).collect::<Result<_, _>>()?))
}

async fn create(
    State(platform): State<Platform>,
    me: Me,
    cause: Cause,
    At(session): At<Id>,
    Body(draft): Body<Draft>,
) -> Result<Created<Topic>, Failure> {
    let body = text("body", draft.body, BODY_BYTES_MAX)?;
    let mut change = platform.change(cause).await?;
    let pair = Pair::of(change.db(), Place::Session(session), me.id()).await?;
    let now = change.now();
    let topic = Topic {
        id: new_id(),
        coaching_session_id: session,
        user_id: me.id(),
        body,
        priority: None,
        status: TopicStatus::Open,
        created_at: now.clone(),
        updated_at: now,
    };
    save(change.db(), &topic).await?;
    changed(change, &pair, session).await?;
    Ok(Created(topic))
}

async fn replace(
    State(platform): State<Platform>,
    me: Me,
    cause: Cause,
    At(which): At<Which>,
    Body(draft): Body<Draft>,
) -> Result<Answer<Topic>, Failure> {
    let body = text("body", draft.body, BODY_BYTES_MAX)?;
    let mut change = platform.change(cause).await?;
    let (pair, was) = find(change.db(), which, me.id()).await?;
    based_on(draft.updated_at.as_ref(), &was.updated_at, &was)?;
    update(change, &pair, Topic { body, ..was }).await.map(Answer)
}

async fn rate(
    State(platform): State<Platform>,
    me: Me,
    cause: Cause,
    At(which): At<Which>,
    Body(rating): Body<Rating>,
) -> Result<Answer<Topic>, Failure> {
    let mut change = platform.change(cause).await?;
    let (pair, was) = find(change.db(), which, me.id()).await?;
    if pair.coachee != me.id() {
        return Err(Failure::PermissionLost("only the coachee rates a topic"));
    }
    based_on(rating.updated_at.as_ref(), &was.updated_at, &was)?;
    update(change, &pair, Topic { priority: Some(rating.priority), ..was }).await.map(Answer)
}

async fn turn(
    State(platform): State<Platform>,
    me: Me,
    cause: Cause,
    At(which): At<Which>,
    Body(turn): Body<Turn>,
) -> Result<Answer<Topic>, Failure> {
    let mut change = platform.change(cause).await?;
    let (pair, was) = find(change.db(), which, me.id()).await?;
    based_on(turn.updated_at.as_ref(), &was.updated_at, &was)?;
    update(change, &pair, Topic { status: turn.status, ..was }).await.map(Answer)
}

async fn remove(
    State(platform): State<Platform>,
    me: Me,
    cause: Cause,
    At(which): At<Which>,
) -> Result<StatusCode, Failure> {
    let mut change = platform.change(cause).await?;
    let (pair, topic) = find(change.db(), which, me.id()).await?;
    query("DELETE FROM topics WHERE id = $1").bind(topic.id.to_string()).execute(change.db()).await?;
    changed(change, &pair, topic.coaching_session_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn update(mut change: Change, pair: &Pair, topic: Topic) -> Result<Topic, Failure> {
    let topic = Topic { updated_at: change.now(), ..topic };
    save(change.db(), &topic).await?;
    changed(change, pair, topic.coaching_session_id).await?;
    Ok(topic)
}

async fn changed(mut change: Change, pair: &Pair, coaching_session_id: Id) -> Result<(), Failure> {
    change.tell(pair.audience(), &Event::TopicsChanged { coaching_session_id }).await?;
    change.commit().await
}

async fn find(db: &mut Connection, which: Which, me: Id) -> Result<(Pair, Topic), Failure> {
    let Which { id: session, topic_id } = which;
    let pair = Pair::of(db, Place::Session(session), me).await?;
    let row = query("SELECT * FROM topics WHERE id = $1 AND coaching_session_id = $2")
        .bind(topic_id.to_string())
        .bind(session.to_string())
        .fetch_optional(db)
        .await?;
    Ok((pair, read(&row.ok_or(Failure::NotFound("topic"))?)?))
}

/// Writes a topic, new or changed.
pub(crate) async fn save(db: &mut Connection, topic: &Topic) -> Result<(), Failure> {
    query(
        "INSERT INTO topics (id, coaching_session_id, user_id, created_at, body, priority, status, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (id) DO UPDATE SET body = excluded.body, priority = excluded.priority,
         status = excluded.status, updated_at = excluded.updated_at",
    )
    .bind(topic.id.to_string())
    .bind(topic.coaching_session_id.to_string())
    .bind(topic.user_id.to_string())
    .bind(topic.created_at.as_str())
    .bind(topic.body.as_str())
    .bind(topic.priority.map(as_word).transpose()?)
    .bind(as_word(topic.status)?)
    .bind(topic.updated_at.as_str())
    .execute(db)
    .await?;
    Ok(())
}

fn read(row: &Row) -> Result<Topic, sqlx::Error> {
    Ok(Topic {
        id: parsed(row, "id")?,
        coaching_session_id: parsed(row, "coaching_session_id")?,
        user_id: parsed(row, "user_id")?,
        body: row.try_get("body")?,
        priority: word_option(row, "priority")?,
        status: word(row, "status")?,
        created_at: parsed(row, "created_at")?,
        updated_at: parsed(row, "updated_at")?,
    })
}
