//! Tells people when the ones they work with come and go.

use tidings_bindings::{Event, Id, Presence};
use tidings_server::{Audience, Hub, PresenceChange, PresenceError};

use crate::{
    access::partners,
    database::{parsed, query},
    failure::Failure,
    platform::Platform,
};

/// Whether somebody is there, in the contract's words.
pub(crate) async fn presence_of(hub: &Hub<Event>, user: Id) -> Result<Presence, Failure> {
    let presence = hub.presence(&user.to_string()).await.map_err(|error| {
        tracing::warn!(%error, "the presence of a user is unknown");
        Failure::Broken
    })?;
    Ok(in_contract(presence))
}

/// Sends every change of presence to the partners of whom it concerns, until the hub is gone.
pub(crate) async fn follow(platform: Platform) {
    let mut changes = platform.hub.presence_changes();
    loop {
        let told = match changes.recv().await {
            Ok(PresenceChange { user, presence }) => match user.parse() {
                Ok(user) => tell(&platform, user, in_contract(presence)).await,
                Err(_) => Ok(()),
            },
            // What was missed is unknown: say of everyone what is true now.
            Err(PresenceError::Lagged(_)) => tell_all(&platform).await,
            Err(_) => return,
        };
        if let Err(error) = told {
            tracing::warn!(%error, "a change of presence was not told");
        }
    }
}

async fn tell_all(platform: &Platform) -> Result<(), Failure> {
    let rows = query("SELECT id FROM users").fetch_all(&mut platform.reader().await?).await?;
    for row in &rows {
        let user = parsed(row, "id")?;
        tell(platform, user, presence_of(&platform.hub, user).await?).await?;
    }
    Ok(())
}

async fn tell(platform: &Platform, user: Id, mut presence: Presence) -> Result<(), Failure> {
    let partners = partners(&mut platform.reader().await?, user).await?;
    if partners.is_empty() {
        return Ok(());
    }
    let audience = Audience::users(partners.iter().map(Id::to_string));
    loop {
        let event = Event::PresenceChanged { user_id: user, presence };
        platform.hub.send(audience.clone(), &event).await.map_err(|error| {
            tracing::warn!(%error, "a change of presence was not sent");
            Failure::Broken
        })?;
        // Of several instances another may have told of the next change before this was sent.
        let current = presence_of(&platform.hub, user).await?;
        if current == presence {
            return Ok(());
        }
        presence = current;
    }
}

fn in_contract(presence: tidings_server::Presence) -> Presence {
    match presence {
        tidings_server::Presence::Online => Presence::Online,
        tidings_server::Presence::Reconnecting => Presence::Reconnecting,
        tidings_server::Presence::Offline => Presence::Offline,
    }
}
