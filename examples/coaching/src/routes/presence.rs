//! Who is there: asked for once by a page, then followed through events.

use axum::{Router, extract::State, routing::get};
use serde::Serialize;
use tidings_bindings::{Id, Presence};

use super::OfRelationship;
use crate::{
    access::{Pair, Place},
    answer::{Answer, Asked},
    failure::Failure,
    guard::Me,
    platform::Platform,
    presence::presence_of,
};

pub(super) fn routes() -> Router<Platform> {
    Router::new().route("/presence", get(list))
}

#[derive(Debug, Serialize)]
struct There {
    user_id: Id,
    presence: Presence,
}

async fn list(
    State(platform): State<Platform>,
    me: Me,
    Asked(of): Asked<OfRelationship>,
) -> Result<Answer<Vec<There>>, Failure> {
    let db = &mut platform.reader().await?;
    let pair = Pair::of(db, Place::Relationship(of.coaching_relationship_id), me.id()).await?;
    let there = async |user_id| {
        Ok::<_, Failure>(There { user_id, presence: presence_of(&platform.hub, user_id).await? })
    };
    Ok(Answer(vec![there(pair.coach).await?, there(pair.coachee).await?]))
}
