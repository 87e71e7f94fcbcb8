//! The connections of each instance, and the instances, by the server's clock.

use std::{collections::HashMap, time::Duration};

use protocol::Time;
use serde_json::json;

use super::link::Link;
use crate::store::{MEMBER_KEPT, Member, Saved, StoreError, holder::Holder};

/// Connections of one call: the server does nothing else meanwhile.
const STEP: usize = 500;

/// The connections of a user at other instances that are there.
pub(super) async fn elsewhere_of(
    link: &Link,
    holder: &Holder,
    user: &str,
) -> Result<Vec<String>, StoreError> {
    let mut call = link.call(|scripts| &scripts.elsewhere_of);
    call.arg(user).arg(&holder.instance).arg(holder.clock.now().as_millis());
    Ok(link.ask(&call).await?)
}

/// Stores which connections of `instance` are open, until when by the hub's clock.
pub(super) async fn save(link: &Link, instance: &str, connections: Vec<Saved>) -> Result<(), StoreError> {
    let mut open: HashMap<&str, (&Saved, Time)> = HashMap::new();
    for saved in &connections {
        if let Some(until) = saved.until {
            open.insert(&saved.id, (saved, until));
        }
    }
    let has_ended = |saved: &&Saved| !open.contains_key(saved.id.as_str());
    let ended: Vec<_> = connections.iter().filter(has_ended).collect();
    for step in ended.chunks(STEP) {
        let mut call = link.call(|scripts| &scripts.save);
        call.arg(instance).arg(0);
        for saved in step {
            call.arg(&saved.id).arg(&saved.user);
        }
        link.ask::<()>(&call).await?;
    }
    let open: Vec<_> = open.into_values().collect();
    for step in open.chunks(STEP) {
        let mut call = link.call(|scripts| &scripts.save);
        call.arg(instance).arg(step.len());
        for (saved, until) in step {
            let rest = json!({
                "user": saved.user,
                "login": saved.login,
                "opened_at": saved.opened_at.as_millis(),
            });
            call.arg(&saved.id).arg(until.as_millis()).arg(&saved.user).arg(rest.to_string());
        }
        link.ask::<()>(&call).await?;
    }
    Ok(())
}

/// Tells of `instance`; all that were heard of in the last minute.
pub(super) async fn meet(link: &Link, instance: &str, own: Member) -> Result<Vec<Member>, StoreError> {
    let mut call = link.call(|scripts| &scripts.meet);
    call.arg(instance).arg(own.position).arg(own.streams).arg(&own.name).arg(MEMBER_KEPT.as_millis() as u64);
    let met: Vec<(u64, u64, u64, String)> = link.ask(&call).await?;
    let member = |(silent, position, streams, name)| Member {
        name,
        streams,
        position,
        silent: Duration::from_millis(silent),
    };
    Ok(met.into_iter().map(member).collect())
}

/// The instance is one no longer.
pub(super) async fn part(link: &Link, instance: &str) -> Result<(), StoreError> {
    let members = link.scripts().key("members");
    Ok(link
        .with(async |connection| redis::cmd("HDEL").arg(members).arg(instance).exec_async(connection).await)
        .await?)
}
