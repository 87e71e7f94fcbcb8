//! Actions: what somebody has promised to do.

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    routing::{get, put},
};
use serde::Deserialize;
use tidings_bindings::{Action, Event, Id, Status};
use tidings_server::Cause;

use super::OfSession;
use crate::{
    access::{Pair, Place},
    answer::{Answer, Asked, At, BODY_BYTES_MAX, Body, Created, Update, text, update},
    clock::When,
    database::{Connection, Row, as_json, as_word, json, parsed, parsed_option, query, word},
    failure::Failure,
    guard::Me,
    platform::{Change, Platform, based_on, new_id},
};

pub(super) fn routes() -> Router<Platform> {
    Router::new()
        .route("/actions", get(list).post(create))
        .route("/actions/{id}", put(replace).delete(remove))
}

#[derive(Debug, Deserialize)]
struct Draft {
    coaching_session_id: Id,
    body: String,
    status: Status,
    #[serde(default, deserialize_with = "update")]
    goal_id: Update<Id>,
    #[serde(default, deserialize_with = "update")]
    due_by: Update<When>,
    /// Left out: as it is, and at first the one who writes.
    assignee_ids: Option<Vec<Id>>,
    updated_at: Option<When>,
}

async fn list(
    State(platform): State<Platform>,
    me: Me,
    Asked(of): Asked<OfSession>,
) -> Result<Answer<Vec<Action>>, Failure> {
    let db = &mut platform.reader().await?;
    Pair::of(db, Place::Session(of.coaching_session_id), me.id()).await?;
    let rows = query("SELECT * FROM actions WHERE coaching_session_id = $1 ORDER BY created_at, id")
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
) -> Result<Created<Action>, Failure> {
    let body = text("body", draft.body, BODY_BYTES_MAX)?;
    let mut change = platform.change(cause).await?;
    let pair = Pair::of(change.db(), Place::Session(draft.coaching_session_id), me.id()).await?;
    let now = change.now();
    let action = Action {
        id: new_id(),
        coaching_session_id: draft.coaching_session_id,
        goal_id: draft.goal_id.flatten(),
        user_id: me.id(),
        body: Some(body),
        due_by: draft.due_by.flatten().map(|When(due_by)| due_by),
        status: draft.status,
        status_changed_at: now.clone(),
        created_at: now.clone(),
        updated_at: now,
        assignee_ids: draft.assignee_ids.unwrap_or_else(|| vec![me.id()]),
    };
    check(change.db(), &pair, &action).await?;
    save(change.db(), &action).await?;
    let coaching_session_id = action.coaching_session_id;
    let event = Event::ActionCreated { coaching_session_id, action: action.clone() };
    change.tell(pair.audience(), &event).await?;
    change.commit().await?;
    Ok(Created(action))
}

async fn replace(
    State(platform): State<Platform>,
    me: Me,
    cause: Cause,
    At(id): At<Id>,
    Body(draft): Body<Draft>,
) -> Result<Answer<Action>, Failure> {
    let body = text("body", draft.body, BODY_BYTES_MAX)?;
    let mut change = platform.change(cause).await?;
    let (pair, was) = find(change.db(), id, me.id()).await?;
    if draft.coaching_session_id != was.coaching_session_id {
        return Err(Failure::invalid("coaching_session_id", "an action stays in its session"));
    }
    based_on(draft.updated_at.as_ref(), &was.updated_at, &was)?;
    let now = change.now();
    let action = Action {
        goal_id: draft.goal_id.unwrap_or(was.goal_id),
        body: Some(body),
        due_by: draft.due_by.map_or(was.due_by, |due_by| due_by.map(|When(due_by)| due_by)),
        status: draft.status,
        status_changed_at: if draft.status == was.status { was.status_changed_at } else { now.clone() },
        updated_at: now,
        assignee_ids: draft.assignee_ids.unwrap_or(was.assignee_ids),
        ..was
    };
    check(change.db(), &pair, &action).await?;
    save(change.db(), &action).await?;
    let coaching_session_id = action.coaching_session_id;
    let event = Event::ActionUpdated { coaching_session_id, action: action.clone() };
    change.tell(pair.audience(), &event).await?;
    change.commit().await?;
    Ok(Answer(action))
}

async fn remove(
    State(platform): State<Platform>,
    me: Me,
    cause: Cause,
    At(id): At<Id>,
) -> Result<StatusCode, Failure> {
    let mut change = platform.change(cause).await?;
    let (pair, Action { coaching_session_id, .. }) = find(change.db(), id, me.id()).await?;
    query("DELETE FROM actions WHERE id = $1").bind(id.to_string()).execute(change.db()).await?;
    change.tell(pair.audience(), &Event::ActionDeleted { coaching_session_id, action_id: id }).await?;
    change.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn find(db: &mut Connection, id: Id, me: Id) -> Result<(Pair, Action), Failure> {
    let pair = Pair::of(db, Place::Action(id), me).await?;
    let row = query("SELECT * FROM actions WHERE id = $1").bind(id.to_string()).fetch_optional(db).await?;
    let action = read(&row.ok_or(Failure::NotFound("action"))?)?;
    Ok((pair, action))
}

/// Refuses people and goals of other relationships.
async fn check(db: &mut Connection, pair: &Pair, action: &Action) -> Result<(), Failure> {
    let each_once = match action.assignee_ids.as_slice() {
        [] => true,
        [one] => pair.includes(*one),
        [one, other] => one != other && pair.includes(*one) && pair.includes(*other),
        _ => false,
    };
    if !each_once {
        return Err(Failure::invalid("assignee_ids", "only the coach and the coachee, each once"));
    }
    let Some(goal) = action.goal_id else { return Ok(()) };
    query("SELECT 1 FROM goals WHERE id = $1 AND coaching_relationship_id = $2")
        .bind(goal.to_string())
        .bind(pair.relationship.to_string())
        .fetch_optional(db)
        .await?
        .map(drop)
        .ok_or_else(|| Failure::invalid("goal_id", "no goal of this relationship"))
}

/// Lets every action towards a goal go on without it, and says which.
pub(super) async fn leave(change: &mut Change, goal: Id) -> Result<Vec<Action>, Failure> {
    let rows = query("SELECT * FROM actions WHERE goal_id = $1 ORDER BY created_at, id")
        .bind(goal.to_string())
        .fetch_all(change.db())
        .await?;
    let mut actions = Vec::with_capacity(rows.len());
    for row in &rows {
        let action = Action { goal_id: None, updated_at: change.now(), ..read(row)? };
        save(change.db(), &action).await?;
        actions.push(action);
    }
    Ok(actions)
}

/// Writes an action, new or changed.
pub(crate) async fn save(db: &mut Connection, action: &Action) -> Result<(), Failure> {
    query(
        "INSERT INTO actions (id, coaching_session_id, user_id, created_at, goal_id, body, due_by, status,
         status_changed_at, assignee_ids, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (id) DO UPDATE SET goal_id = excluded.goal_id, body = excluded.body,
         due_by = excluded.due_by, status = excluded.status, status_changed_at = excluded.status_changed_at,
         assignee_ids = excluded.assignee_ids, updated_at = excluded.updated_at",
    )
    .bind(action.id.to_string())
    .bind(action.coaching_session_id.to_string())
    .bind(action.user_id.to_string())
    .bind(action.created_at.as_str())
    .bind(action.goal_id.map(|id| id.to_string()))
    .bind(action.body.as_deref())
    .bind(action.due_by.as_ref().map(|due_by| due_by.as_str()))
    .bind(as_word(action.status)?)
    .bind(action.status_changed_at.as_str())
    .bind(as_json(&action.assignee_ids)?)
    .bind(action.updated_at.as_str())
    .execute(db)
    .await?;
    Ok(())
}

fn read(row: &Row) -> Result<Action, sqlx::Error> {
    Ok(Action {
        id: parsed(row, "id")?,
        coaching_session_id: parsed(row, "coaching_session_id")?,
        goal_id: parsed_option(row, "goal_id")?,
        user_id: parsed(row, "user_id")?,
        body: row.try_get("body")?,
        due_by: parsed_option(row, "due_by")?,
        status: word(row, "status")?,
        status_changed_at: parsed(row, "status_changed_at")?,
        created_at: parsed(row, "created_at")?,
        updated_at: parsed(row, "updated_at")?,
        assignee_ids: json(row, "assignee_ids")?,
    })
}
