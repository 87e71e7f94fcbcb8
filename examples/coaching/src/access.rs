//! Who takes part in what: the one place that knows who else is in a coaching session.

use sqlx::{Row, SqliteConnection};
use tidings_bindings::Id;
use tidings_server::Audience;

use crate::{database::parsed, failure::Failure};

/// What a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// A coaching session.
    Session(Id),
    /// A coaching relationship.
    Relationship(Id),
}

/// The two people of a relationship.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pair {
    /// Their relationship.
    pub(crate) relationship: Id,
    /// One of them.
    pub(crate) coach: Id,
    /// The other.
    pub(crate) coachee: Id,
}

impl Pair {
    /// The two people of a place, if `me` is one of them.
    ///
    /// # Errors
    /// Not found, or permission lost for anyone else and for everyone once the relationship has ended.
    pub(crate) async fn of(db: &mut SqliteConnection, place: Place, me: Id) -> Result<Self, Failure> {
        match Self::find(db, place).await? {
            Some(pair) if pair.includes(me) => Ok(pair),
            _ => Err(Failure::PermissionLost("you have no access to this coaching relationship")),
        }
    }

    /// The two people of a place, none once their relationship has ended.
    ///
    /// # Errors
    /// Not found.
    pub(crate) async fn find(db: &mut SqliteConnection, place: Place) -> Result<Option<Self>, Failure> {
        let (what, query, id) = match place {
            Place::Session(id) => (
                "coaching session",
                "SELECT r.id, r.coach_id, r.coachee_id, r.ended_at FROM coaching_relationships r
                 JOIN coaching_sessions s ON s.coaching_relationship_id = r.id WHERE s.id = ?",
                id,
            ),
            Place::Relationship(id) => (
                "coaching relationship",
                "SELECT id, coach_id, coachee_id, ended_at FROM coaching_relationships WHERE id = ?",
                id,
            ),
        };
        let row = sqlx::query(query).bind(id.to_string()).fetch_optional(db).await?;
        let row = row.ok_or(Failure::NotFound(what))?;
        let pair = Self {
            relationship: parsed(&row, "id")?,
            coach: parsed(&row, "coach_id")?,
            coachee: parsed(&row, "coachee_id")?,
        };
        let ended = row.try_get::<Option<&str>, _>("ended_at")?.is_some();
        Ok((!ended).then_some(pair))
    }

    pub(crate) fn includes(&self, user: Id) -> bool {
        self.coach == user || self.coachee == user
    }

    /// Both, the one who acts included: the other tabs of theirs must see it too.
    pub(crate) fn audience(&self) -> Audience {
        Audience::users([self.coach.to_string(), self.coachee.to_string()])
    }
}

/// Everyone who shares a relationship with `user`.
pub(crate) async fn partners(db: &mut SqliteConnection, user: Id) -> Result<Vec<Id>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT coachee_id AS id FROM coaching_relationships WHERE coach_id = ?1 AND ended_at IS NULL
         UNION SELECT coach_id FROM coaching_relationships WHERE coachee_id = ?1 AND ended_at IS NULL",
    )
    .bind(user.to_string())
    .fetch_all(db)
    .await?;
    rows.iter().map(|row| parsed(row, "id")).collect()
}

/// Whether the two are members of one organization.
pub(crate) async fn share_organization(db: &mut SqliteConnection, a: Id, b: Id) -> Result<bool, sqlx::Error> {
    sqlx::query(
        "SELECT 1 FROM members a JOIN members b USING (organization_id) WHERE a.user_id = ? AND b.user_id = ?",
    )
    .bind(a.to_string())
    .bind(b.to_string())
    .fetch_optional(db)
    .await
    .map(|row| row.is_some())
}

/// Whether everyone of `users` shares an organization with `me`.
pub(crate) async fn shares_organization_with_all(
    db: &mut SqliteConnection,
    me: Id,
    users: &[Id],
) -> Result<bool, sqlx::Error> {
    for user in users {
        if !share_organization(&mut *db, me, *user).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether the relationship belongs to an organization of `me`.
pub(crate) async fn is_in_organization_of(
    db: &mut SqliteConnection,
    relationship: Id,
    me: Id,
) -> Result<bool, sqlx::Error> {
    sqlx::query(
        "SELECT 1 FROM coaching_relationships JOIN members USING (organization_id) WHERE id = ? AND user_id = ?",
    )
    .bind(relationship.to_string())
    .bind(me.to_string())
    .fetch_optional(db)
    .await
    .map(|row| row.is_some())
}

/// Refuses who is no member of the organization.
pub(crate) async fn member(db: &mut SqliteConnection, organization: Id, me: Id) -> Result<(), Failure> {
    let row = sqlx::query(
        "SELECT EXISTS (SELECT 1 FROM members WHERE organization_id = o.id AND user_id = ?) AS member
         FROM organizations o WHERE o.id = ?",
    )
    .bind(me.to_string())
    .bind(organization.to_string())
    .fetch_optional(db)
    .await?;
    match row.ok_or(Failure::NotFound("organization"))?.try_get("member")? {
        true => Ok(()),
        false => Err(Failure::PermissionLost("you are no member of this organization")),
    }
}
