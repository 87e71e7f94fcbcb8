//! Who is here, what is open, and which instances there are, by the server's clock.

use std::{collections::HashMap, time::Duration};

use protocol::Time;
use serde_json::json;

use super::link::Link;
use crate::store::{Lease, MEMBER_KEPT, Member, Saved, StoreError};

/// Users or connections of one call: the server does nothing else meanwhile.
const STEP: usize = 500;

/// Stores leases of `instance`; for each, whether it changed that the user has any.
pub(super) async fn lease(
    link: &Link,
    instance: &str,
    now: Time,
    leases: Vec<Lease>,
) -> Result<Vec<bool>, StoreError> {
    let mut here = HashMap::new();
    for lease in &leases {
        if let Some(until) = lease.until {
            // Of two about one user the later counts.
            here.insert(lease.user.as_str(), until.since(now).as_millis() as u64);
        }
    }
    let is_here = |lease: &&Lease| !here.contains_key(lease.user.as_str());
    let left: Vec<_> = leases.iter().filter(is_here).map(|lease| lease.user.as_str()).collect();
    let here: Vec<_> = here.into_iter().collect();
    let mut changed = HashMap::new();
    for step in here.chunks(STEP) {
        let mut call = link.call(|scripts| &scripts.lease);
        call.arg(instance).arg(step.len());
        for (user, millis) in step {
            call.arg(*user).arg(*millis);
        }
        changed.extend(step.iter().map(|(user, _)| *user).zip(link.ask::<Vec<bool>>(&call).await?));
    }
    for step in left.chunks(STEP) {
        let mut call = link.call(|scripts| &scripts.lease);
        call.arg(instance).arg(0).arg(step);
        changed.extend(step.iter().copied().zip(link.ask::<Vec<bool>>(&call).await?));
    }
    // The first of two about one user, so that nothing is announced twice.
    Ok(leases.iter().map(|lease| changed.remove(lease.user.as_str()).unwrap_or(false)).collect())
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
    let ended: Vec<_> = connections.iter().filter(has_ended).map(|saved| saved.id.as_str()).collect();
    for step in ended.chunks(STEP) {
        let mut call = link.call(|scripts| &scripts.save);
        call.arg(instance).arg(0).arg(step);
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
            call.arg(&saved.id).arg(until.as_millis()).arg(rest.to_string());
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
