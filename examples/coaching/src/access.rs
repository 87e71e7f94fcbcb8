//! Who takes part in what: the one place that knows who else is in a coaching session.

use tidings_bindings::Id;
use tidings_server::Audience;

use crate::{
    database::{Connection, parsed, query},
    failure::Failure,
};

/// What a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// A coaching relationship.
    Relationship(Id),
    /// A goal of one.
    Goal(Id),
    /// A coaching session of one.
    Session(Id),
    /// An action of a session.
    Action(Id),
    /// An agreement of a session.
    Agreement(Id),
    /// A note of a session.
    Note(Id),
}

impl Place {
    fn id(self) -> Id {
        match self {
            Self::Relationship(id)
            | Self::Goal(id)
            | Self::Session(id)
            | Self::Action(id)
            | Self::Agreement(id)
            | Self::Note(id) => id,
        }
    }

    /// For a person.
    const fn name(self) -> &'static str {
        match self {
            Self::Relationship(_) => "coaching relationship",
            Self::Goal(_) => "goal",
            Self::Session(_) => "coaching session",
            Self::Action(_) => "action",
            Self::Agreement(_) => "agreement",
            Self::Note(_) => "note",
        }
    }

    /// The rest of a `SELECT` of the relationship `r` that it belongs to.
    const fn of_relationship(self) -> &'static str {
        match self {
            Self::Relationship(_) => "WHERE r.id = $1",
            Self::Goal(_) => "JOIN goals g ON g.coaching_relationship_id = r.id WHERE g.id = $1",
            Self::Session(_) => {
                "JOIN coaching_sessions s ON s.coaching_relationship_id = r.id WHERE s.id = $1"
            }
            Self::Action(_) => {
                "JOIN coaching_sessions s ON s.coaching_relationship_id = r.id
                 JOIN actions a ON a.coaching_session_id = s.id WHERE a.id = $1"
            }
            Self::Agreement(_) => {
                "JOIN coaching_sessions s ON s.coaching_relationship_id = r.id
                 JOIN agreements a ON a.coaching_session_id = s.id WHERE a.id = $1"
            }
            Self::Note(_) => {
                "JOIN coaching_sessions s ON s.coaching_relationship_id = r.id
                 JOIN notes n ON n.coaching_session_id = s.id WHERE n.id = $1"
            }
        }
    }
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
    pub(crate) async fn of(db: &mut Connection, place: Place, me: Id) -> Result<Self, Failure> {
        match Self::find(db, place).await? {
            Some(pair) if pair.includes(me) => Ok(pair),
            _ => Err(Failure::PermissionLost("you have no access to this coaching relationship")),
        }
    }

    /// The two people of a place, none once their relationship has ended.
    ///
    /// Every change asks this before it reads anything else: changes of one relationship take turns from here
    /// on, so that each reads what the one before has committed, and their events stand in that order.
    ///
    /// # Errors
    /// Not found.
    pub(crate) async fn find(db: &mut Connection, place: Place) -> Result<Option<Self>, Failure> {
        let sql = format!(
            "SELECT r.id, r.coach_id, r.coachee_id, r.ended_at FROM coaching_relationships r {}{}",
            place.of_relationship(),
            db.locking("r"),
        );
        let row = query(&sql).bind(place.id().to_string()).fetch_optional(db).await?;
        let row = row.ok_or(Failure::NotFound(place.name()))?;
        let pair = Self {
            relationship: parsed(&row, "id")?,
            coach: parsed(&row, "coach_id")?,
            coachee: parsed(&row, "coachee_id")?,
        };
        let ended = row.try_get::<Option<&str>>("ended_at")?.is_some();
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
pub(crate) async fn partners(db: &mut Connection, user: Id) -> Result<Vec<Id>, sqlx::Error> {
    let rows = query(
        "SELECT coachee_id AS id FROM coaching_relationships WHERE coach_id = $1 AND ended_at IS NULL
         UNION SELECT coach_id FROM coaching_relationships WHERE coachee_id = $1 AND ended_at IS NULL",
    )
    .bind(user.to_string())
    .fetch_all(db)
    .await?;
    rows.iter().map(|row| parsed(row, "id")).collect()
}

/// Whether the two are members of one organization.
pub(crate) async fn share_organization(db: &mut Connection, a: Id, b: Id) -> Result<bool, sqlx::Error> {
    query(
        "SELECT 1 FROM members a JOIN members b USING (organization_id) WHERE a.user_id = $1 AND b.user_id = $2",
    )
    .bind(a.to_string())
    .bind(b.to_string())
    .fetch_optional(db)
    .await
    .map(|row| row.is_some())
}

/// Whether everyone of `users` shares an organization with `me`.
pub(crate) async fn shares_organization_with_all(
    db: &mut Connection,
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
    db: &mut Connection,
    relationship: Id,
    me: Id,
) -> Result<bool, sqlx::Error> {
    query(
        "SELECT 1 FROM coaching_relationships JOIN members USING (organization_id) WHERE id = $1 AND user_id = $2",
    )
    .bind(relationship.to_string())
    .bind(me.to_string())
    .fetch_optional(db)
    .await
    .map(|row| row.is_some())
}

/// Refuses who is no member of the organization.
pub(crate) async fn member(db: &mut Connection, organization: Id, me: Id) -> Result<(), Failure> {
    let row = query(
        "SELECT EXISTS (SELECT 1 FROM members WHERE organization_id = o.id AND user_id = $1) AS member
         FROM organizations o WHERE o.id = $2",
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
