//! Which goals are worked on in which session.

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use tidings_bindings::{Event, Id};
use tidings_server::Cause;

use super::goals;
use crate::{
    access::{Pair, Place},
    answer::{Answer, At, Created},
    database::{Connection, parsed, query},
    failure::Failure,
    guard::Me,
    platform::Platform,
};

pub(super) fn routes() -> Router<Platform> {
    Router::new()
        .route("/coaching_sessions/{id}/goals", get(list))
        .route("/coaching_sessions/{id}/goals/{goal_id}", post(link).delete(unlink))
}

/// Which goal in which session.
#[derive(Debug, Clone, Copy, Deserialize)]
struct Which {
    id: Id,
    goal_id: Id,
}

/// A goal taken up in a session.
#[derive(Debug, Serialize)]
struct Link {
    coaching_session_id: Id,
    goal_id: Id,
}

async fn list(
    State(platform): State<Platform>,
    me: Me,
    At(session): At<Id>,
) -> Result<Answer<Vec<Id>>, Failure> {
    let db = &mut platform.reader().await?;
    Pair::of(db, Place::Session(session), me.id()).await?;
    let rows = query("SELECT goal_id FROM session_goals WHERE coaching_session_id = $1 ORDER BY rowid")
        .bind(session.to_string())
        .fetch_all(db)
        .await?;
    Ok(Answer(rows.iter().map(|row| parsed(row, "goal_id")).collect::<Result<_, _>>()?))
}

/// Taking up a goal twice is taking it up once: the second time nobody is told.
async fn link(
    State(platform): State<Platform>,
    me: Me,
    cause: Cause,
    At(Which { id: coaching_session_id, goal_id }): At<Which>,
) -> Result<Created<Link>, Failure> {
    let mut change = platform.change(cause).await?;
    let pair = pair_of_both(change.db(), coaching_session_id, goal_id, me.id()).await?;
    if insert(change.db(), coaching_session_id, goal_id).await? {
        let event = Event::CoachingSessionGoalCreated {
            coaching_relationship_id: pair.relationship,
            coaching_session_id,
            goal_id,
        };
        change.tell(pair.audience(), &event).await?;
        change.commit().await?;
    }
    Ok(Created(Link { coaching_session_id, goal_id }))
}

async fn unlink(
    State(platform): State<Platform>,
    me: Me,
    cause: Cause,
    At(Which { id: coaching_session_id, goal_id }): At<Which>,
) -> Result<StatusCode, Failure> {
    let mut change = platform.change(cause).await?;
    let pair = pair_of_both(change.db(), coaching_session_id, goal_id, me.id()).await?;
    let removed = query("DELETE FROM session_goals WHERE coaching_session_id = $1 AND goal_id = $2")
        .bind(coaching_session_id.to_string())
        .bind(goal_id.to_string())
        .execute(change.db())
        .await?;
    if removed == 0 {
        return Err(Failure::NotFound("goal in this session"));
    }
    let event = Event::CoachingSessionGoalDeleted {
        coaching_relationship_id: pair.relationship,
        coaching_session_id,
        goal_id,
    };
    change.tell(pair.audience(), &event).await?;
    change.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn pair_of_both(db: &mut Connection, session: Id, goal: Id, me: Id) -> Result<Pair, Failure> {
    let pair = Pair::of(db, Place::Session(session), me).await?;
    let (of_goal, _) = goals::find(db, goal, me).await?;
    if of_goal != pair {
        return Err(Failure::invalid("goal_id", "no goal of this session's relationship"));
    }
    Ok(pair)
}

/// Notes that a goal is taken up in a session; false when it was already.
pub(crate) async fn insert(db: &mut Connection, session: Id, goal: Id) -> Result<bool, Failure> {
    let inserted = query(
        "INSERT INTO session_goals (coaching_session_id, goal_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
    )
    .bind(session.to_string())
    .bind(goal.to_string())
    .execute(db)
    .await?;
    Ok(inserted > 0)
}
