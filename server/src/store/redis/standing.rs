//! Who is here, what is open, and which instances there are, by the server's clock.

use std::{collections::HashMap, time::Duration};

use protocol::Time;
use serde_json::json;

use super::link::Link;
use crate::{
    Presence, PresenceChange,
    store::{
        Lease, MEMBER_KEPT, Member, Saved, StoreError,
        columns::corrupt,
        holder::{Holder, presence_of, word_of},
    },
};

/// Connections of one call: the server does nothing else meanwhile.
const STEP: usize = 500;

/// Users of one call, each of whom costs 20 to 40 us.
const USERS: usize = 100;

/// Stores leases, and answers what has changed of it, or by the time.
pub(super) async fn lease(
    link: &Link,
    holder: &Holder,
    leases: Vec<Lease>,
) -> Result<Vec<PresenceChange>, StoreError> {
    let mut steps = leases.chunks(USERS);
    loop {
        let step = steps.next().unwrap_or_default();
        let turn = holder.turns.next();
        let mut call = link.call(|scripts| &scripts.lease);
        call.arg(&holder.instance).arg(millis(holder.leave_grace)).arg(millis(holder.lease));
        call.arg(turn).arg(holder.turns.answered());
        for lease in step {
            call.arg(&lease.user).arg(word_of(lease.presence)).arg(holder.lasts(lease));
        }
        let answer: Vec<String> = link.ask(&call).await?;
        let (more, told) = answer.split_first().ok_or_else(|| corrupt("no answer"))?;
        let (users, words) = (told.iter().step_by(2), told.iter().skip(1).step_by(2));
        let changes = users.zip(words).map(|(user, word)| {
            Ok::<_, StoreError>(PresenceChange { user: user.clone(), presence: presence_of(word)? })
        });
        holder.turns.received(turn, changes.collect::<Result<_, _>>()?);
        if more == "0" && steps.len() == 0 {
            return Ok(holder.turns.take());
        }
    }
}

/// The run ends, and these users are expected back.
pub(super) async fn hand_over(link: &Link, holder: &Holder, leases: Vec<Lease>) -> Result<(), StoreError> {
    for step in leases.chunks(USERS) {
        let mut call = link.call(|scripts| &scripts.hand_over);
        call.arg(&holder.instance);
        for lease in step {
            call.arg(&lease.user).arg(word_of(lease.presence)).arg(holder.lasts(lease));
        }
        link.ask::<()>(&call).await?;
    }
    Ok(())
}

/// Whether a user is here, at any instance.
pub(super) async fn presence(link: &Link, holder: &Holder, user: &str) -> Result<Presence, StoreError> {
    let mut call = link.call(|scripts| &scripts.presence);
    call.arg(user).arg(millis(holder.leave_grace)).arg(millis(holder.lease));
    presence_of(&link.ask::<String>(&call).await?)
}

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

const fn millis(duration: Duration) -> u64 {
    duration.as_millis() as u64
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
