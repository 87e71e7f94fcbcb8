//! Goals: what the coachee wants to reach. They belong to the relationship.

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    routing::{get, put},
};
use serde::Deserialize;
use tidings_bindings::{CalendarDate, Event, Goal, Id, Status};
use tidings_server::Cause;

use super::{OfRelationship, actions};
use crate::{
    access::{Pair, Place},
    answer::{
        Answer, Asked, At, BODY_BYTES_MAX, Body, Created, TITLE_BYTES_MAX, Update, at_most, text, update,
    },
    clock::When,
    database::{Connection, Row, as_word, parsed, parsed_option, query, word},
    failure::Failure,
    guard::Me,
    platform::{Platform, based_on, new_id},
};

pub(super) fn routes() -> Router<Platform> {
    Router::new().route("/goals", get(list).post(create)).route("/goals/{id}", put(replace).delete(remove))
}

#[derive(Debug, Deserialize)]
struct Draft {
    coaching_relationship_id: Id,
    title: Option<String>,
    body: Option<String>,
    status: Status,
    created_in_session_id: Option<Id>,
    #[serde(default, deserialize_with = "update")]
    target_date: Update<CalendarDate>,
    updated_at: Option<When>,
}

impl Draft {
    /// A goal says what it is in its title, or at least in its body.
    fn words(&mut self) -> Result<(Option<String>, Option<String>), Failure> {
        let body = self.body.take().map(|body| at_most("body", body, BODY_BYTES_MAX)).transpose()?;
        let has_body = body.as_deref().is_some_and(|body| !body.trim().is_empty());
        let title = match self.title.take() {
            None if has_body => None,
            title => Some(text("title", title.unwrap_or_default(), TITLE_BYTES_MAX)?),
        };
        Ok((title, body))
    }
}

async fn list(
    State(platform): State<Platform>,
    me: Me,
    Asked(of): Asked<OfRelationship>,
) -> Result<Answer<Vec<Goal>>, Failure> {
    let db = &mut platform.reader().await?;
    Pair::of(db, Place::Relationship(of.coaching_relationship_id), me.id()).await?;
    let rows = query("SELECT * FROM goals WHERE coaching_relationship_id = $1 ORDER BY created_at, id")
        .bind(of.coaching_relationship_id.to_string())
        .fetch_all(db)
        .await?;
    Ok(Answer(rows.iter().map(read).collect::<Result<_, _>>()?))
}

async fn create(
    State(platform): State<Platform>,
    me: Me,
    cause: Cause,
    Body(mut draft): Body<Draft>,
) -> Result<Created<Goal>, Failure> {
    let (title, body) = draft.words()?;
    let mut change = platform.change(cause).await?;
    let coaching_relationship_id = draft.coaching_relationship_id;
    let pair = Pair::of(change.db(), Place::Relationship(coaching_relationship_id), me.id()).await?;
    if let Some(session) = draft.created_in_session_id {
        let of_session = Pair::of(change.db(), Place::Session(session), me.id()).await?;
        if of_session != pair {
            return Err(Failure::invalid("created_in_session_id", "no session of this relationship"));
        }
    }
    let now = change.now();
    let goal = Goal {
        id: new_id(),
        coaching_relationship_id,
        created_in_session_id: draft.created_in_session_id,
        user_id: me.id(),
        title,
        body,
        status: draft.status,
        status_changed_at: Some(now.clone()),
        completed_at: (draft.status == Status::Completed).then(|| now.clone()),
        target_date: draft.target_date.flatten(),
        created_at: now.clone(),
        updated_at: now,
    };
    save(change.db(), &goal).await?;
    let event = Event::GoalCreated { coaching_relationship_id, goal: goal.clone() };
    change.tell(pair.audience(), &event).await?;
    change.commit().await?;
    Ok(Created(goal))
}

async fn replace(
    State(platform): State<Platform>,
    me: Me,
    cause: Cause,
    At(id): At<Id>,
    Body(mut draft): Body<Draft>,
) -> Result<Answer<Goal>, Failure> {
    let (title, body) = draft.words()?;
    let mut change = platform.change(cause).await?;
    let (pair, was) = find(change.db(), id, me.id()).await?;
    let coaching_relationship_id = was.coaching_relationship_id;
    if draft.coaching_relationship_id != coaching_relationship_id {
        return Err(Failure::invalid("coaching_relationship_id", "a goal stays in its relationship"));
    }
    based_on(draft.updated_at.as_ref(), &was.updated_at, &was)?;
    let now = change.now();
    let moved = draft.status != was.status;
    let goal = Goal {
        title,
        body,
        status: draft.status,
        status_changed_at: if moved { Some(now.clone()) } else { was.status_changed_at },
        completed_at: match draft.status {
            Status::Completed if moved => Some(now.clone()),
            Status::Completed => was.completed_at,
            _ => None,
        },
        target_date: draft.target_date.unwrap_or(was.target_date),
        updated_at: now,
        ..was
    };
    save(change.db(), &goal).await?;
    let event = Event::GoalUpdated { coaching_relationship_id, goal: goal.clone() };
    change.tell(pair.audience(), &event).await?;
    change.commit().await?;
    Ok(Answer(goal))
}

/// The actions towards a goal outlive it, and are told to have changed before the goal is told to be gone.
async fn remove(
    State(platform): State<Platform>,
    me: Me,
    cause: Cause,
    At(id): At<Id>,
) -> Result<StatusCode, Failure> {
    let mut change = platform.change(cause).await?;
    let (pair, Goal { coaching_relationship_id, .. }) = find(change.db(), id, me.id()).await?;
    for action in actions::leave(&mut change, id).await? {
        let coaching_session_id = action.coaching_session_id;
        change.tell(pair.audience(), &Event::ActionUpdated { coaching_session_id, action }).await?;
    }
    query("DELETE FROM goals WHERE id = $1").bind(id.to_string()).execute(change.db()).await?;
    change.tell(pair.audience(), &Event::GoalDeleted { coaching_relationship_id, goal_id: id }).await?;
    change.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A goal and the two people it belongs to, if `me` is one of them.
pub(super) async fn find(db: &mut Connection, id: Id, me: Id) -> Result<(Pair, Goal), Failure> {
    let pair = Pair::of(db, Place::Goal(id), me).await?;
    let row = query("SELECT * FROM goals WHERE id = $1").bind(id.to_string()).fetch_optional(db).await?;
    let goal = read(&row.ok_or(Failure::NotFound("goal"))?)?;
    Ok((pair, goal))
}

/// Writes a goal, new or changed.
pub(crate) async fn save(db: &mut Connection, goal: &Goal) -> Result<(), Failure> {
    query(
        "INSERT INTO goals (id, coaching_relationship_id, created_in_session_id, user_id, created_at, title,
         body, status, status_changed_at, completed_at, target_date, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         ON CONFLICT (id) DO UPDATE SET title = excluded.title, body = excluded.body,
         status = excluded.status, status_changed_at = excluded.status_changed_at,
         completed_at = excluded.completed_at, target_date = excluded.target_date,
         updated_at = excluded.updated_at",
    )
    .bind(goal.id.to_string())
    .bind(goal.coaching_relationship_id.to_string())
    .bind(goal.created_in_session_id.map(|id| id.to_string()))
    .bind(goal.user_id.to_string())
    .bind(goal.created_at.as_str())
    .bind(goal.title.as_deref())
    .bind(goal.body.as_deref())
    .bind(as_word(goal.status)?)
    .bind(goal.status_changed_at.as_ref().map(|at| at.as_str()))
    .bind(goal.completed_at.as_ref().map(|at| at.as_str()))
    .bind(goal.target_date.as_ref().map(|day| day.as_str()))
    .bind(goal.updated_at.as_str())
    .execute(db)
    .await?;
    Ok(())
}

fn read(row: &Row) -> Result<Goal, sqlx::Error> {
    Ok(Goal {
        id: parsed(row, "id")?,
        coaching_relationship_id: parsed(row, "coaching_relationship_id")?,
        created_in_session_id: parsed_option(row, "created_in_session_id")?,
        user_id: parsed(row, "user_id")?,
        title: row.try_get("title")?,
        body: row.try_get("body")?,
        status: word(row, "status")?,
        status_changed_at: parsed_option(row, "status_changed_at")?,
        completed_at: parsed_option(row, "completed_at")?,
        target_date: parsed_option(row, "target_date")?,
        created_at: parsed(row, "created_at")?,
        updated_at: parsed(row, "updated_at")?,
    })
}
