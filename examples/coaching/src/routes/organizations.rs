//! People, their organizations, and who coaches whom.

use axum::{Router, extract::State, routing::get};
use serde::{Deserialize, Serialize};
use tidings_bindings::Id;
use tidings_server::Cause;

use crate::{
    access,
    answer::{Answer, At, Body, Created},
    database::{Connection, Row, parsed, query},
    failure::Failure,
    guard::{Me, User},
    platform::{Platform, new_id},
};

pub(super) fn routes() -> Router<Platform> {
    Router::new()
        .route("/users/me", get(me))
        .route("/users/{id}/organizations", get(organizations))
        .route("/organizations/{id}/users", get(users))
        .route("/organizations/{id}/coaching_relationships", get(relationships).post(create))
}

#[derive(Debug, Serialize)]
struct Organization {
    id: Id,
    name: String,
}

#[derive(Debug, Clone, Serialize)]
struct Relationship {
    id: Id,
    coach_id: Id,
    coachee_id: Id,
    coach_name: String,
    coachee_name: String,
}

#[derive(Debug, Deserialize)]
struct Draft {
    coach_id: Id,
    coachee_id: Id,
}

const RELATIONSHIPS: &str = "SELECT r.id, r.coach_id, r.coachee_id,
    a.first_name || ' ' || a.last_name AS coach_name, b.first_name || ' ' || b.last_name AS coachee_name
    FROM coaching_relationships r JOIN users a ON a.id = r.coach_id JOIN users b ON b.id = r.coachee_id";

async fn me(me: Me) -> Answer<User> {
    Answer(me.user)
}

async fn organizations(
    State(platform): State<Platform>,
    me: Me,
    At(user): At<Id>,
) -> Result<Answer<Vec<Organization>>, Failure> {
    if user != me.id() {
        return Err(Failure::PermissionLost("these are somebody else's organizations"));
    }
    let rows = query(
        "SELECT id, name FROM organizations JOIN members ON organization_id = id WHERE user_id = $1
         ORDER BY name",
    )
    .bind(user.to_string())
    .fetch_all(&mut platform.reader().await?)
    .await?;
    let read = |row: &Row| Ok(Organization { id: parsed(row, "id")?, name: row.try_get("name")? });
    Ok(Answer(rows.iter().map(read).collect::<Result<_, sqlx::Error>>()?))
}

async fn users(
    State(platform): State<Platform>,
    me: Me,
    At(organization): At<Id>,
) -> Result<Answer<Vec<User>>, Failure> {
    let db = &mut platform.reader().await?;
    access::member(db, organization, me.id()).await?;
    let rows = query(&format!(
        "SELECT {} FROM users JOIN members ON user_id = id WHERE organization_id = $1 ORDER BY last_name, id",
        User::COLUMNS
    ))
    .bind(organization.to_string())
    .fetch_all(db)
    .await?;
    Ok(Answer(rows.iter().map(User::read).collect::<Result<_, _>>()?))
}

/// One's own; an admin sees all of the organization.
async fn relationships(
    State(platform): State<Platform>,
    me: Me,
    At(organization): At<Id>,
) -> Result<Answer<Vec<Relationship>>, Failure> {
    let db = &mut platform.reader().await?;
    access::member(db, organization, me.id()).await?;
    let rows = query(&format!(
        "{RELATIONSHIPS} WHERE r.organization_id = $1 AND r.ended_at IS NULL
         AND (r.coach_id = $2 OR r.coachee_id = $2 OR $3) ORDER BY coachee_name, coach_name, r.id"
    ))
    .bind(organization.to_string())
    .bind(me.id().to_string())
    .bind(me.is_admin())
    .fetch_all(db)
    .await?;
    Ok(Answer(rows.iter().map(read).collect::<Result<_, _>>()?))
}

/// A coach begins to coach someone of the organization; an admin may bring any two together.
async fn create(
    State(platform): State<Platform>,
    me: Me,
    cause: Cause,
    At(organization): At<Id>,
    Body(draft): Body<Draft>,
) -> Result<Created<Relationship>, Failure> {
    if draft.coach_id == draft.coachee_id {
        return Err(Failure::invalid("coachee_id", "nobody coaches themselves"));
    }
    let mut change = platform.change(cause).await?;
    access::member(change.db(), organization, me.id()).await?;
    if draft.coach_id != me.id() && !me.is_admin() {
        return Err(Failure::PermissionLost("only the coach or an admin begins a relationship"));
    }
    for (field, user) in [("coach_id", draft.coach_id), ("coachee_id", draft.coachee_id)] {
        if access::member(change.db(), organization, user).await.is_err() {
            return Err(Failure::invalid(field, "no member of this organization"));
        }
    }
    let existing = find(change.db(), organization, &draft).await?;
    if let Some(relationship) = existing {
        return Err(Failure::Conflict {
            message: "this coaching relationship exists already",
            current: serde_json::to_value(relationship).unwrap_or_default(),
        });
    }
    // One that has ended begins again, with all that belongs to it.
    query(
        "INSERT INTO coaching_relationships (id, organization_id, coach_id, coachee_id) VALUES ($1, $2, $3, $4)
         ON CONFLICT (organization_id, coach_id, coachee_id) DO UPDATE SET ended_at = NULL",
    )
    .bind(new_id().to_string())
    .bind(organization.to_string())
    .bind(draft.coach_id.to_string())
    .bind(draft.coachee_id.to_string())
    .execute(change.db())
    .await?;
    let begun = find(change.db(), organization, &draft).await?.ok_or(Failure::Broken)?;
    change.commit().await?;
    Ok(Created(begun))
}

async fn find(
    db: &mut Connection,
    organization: Id,
    draft: &Draft,
) -> Result<Option<Relationship>, sqlx::Error> {
    let row = query(&format!(
        "{RELATIONSHIPS} WHERE r.organization_id = $1 AND r.coach_id = $2 AND r.coachee_id = $3
         AND r.ended_at IS NULL"
    ))
    .bind(organization.to_string())
    .bind(draft.coach_id.to_string())
    .bind(draft.coachee_id.to_string())
    .fetch_optional(db)
    .await?;
    row.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<Relationship, sqlx::Error> {
    Ok(Relationship {
        id: parsed(row, "id")?,
        coach_id: parsed(row, "coach_id")?,
        coachee_id: parsed(row, "coachee_id")?,
        coach_name: row.try_get("coach_name")?,
        coachee_name: row.try_get("coachee_name")?,
    })
}
