//! What a start finds beside the window.

use std::collections::HashMap;

use protocol::{Revoked, Time};
use redis::{FromRedisValue, aio::MultiplexedConnection, cmd};

use super::link::Link;
use crate::store::{
    Elsewhere, Grant, Opened, Saved, StoreError,
    columns::{corrupt, revoked},
};

/// Everything. To be asked once the window was followed: then whatever is in neither will be followed.
pub(super) async fn rest(link: &Link, now: Time) -> Result<Opened, StoreError> {
    let key = |name| link.scripts().key(name);
    let grants: Vec<(String, String)> = all(link, "HSCAN", key("grants")).await?;
    let connections: Vec<(String, String)> = all(link, "HSCAN", key("connections")).await?;
    let mut opened = Opened { revocations: revocations(link).await?, ..Opened::default() };
    for (user, granted) in grants {
        let granted: HashMap<String, String> = serde_json::from_str(&granted).map_err(corrupt)?;
        for (group, since) in granted {
            let from = since.split(' ').next().unwrap_or_default().parse().map_err(corrupt)?;
            opened.grants.push(Grant { user: user.clone(), group, from });
        }
    }
    let connections = connections.into_iter().map(|(id, kept)| Ok(saved(id, &kept)?.1));
    let connections = connections.collect::<Result<Vec<_>, StoreError>>()?;
    opened.connections.extend(connections.into_iter().filter(|saved| saved.until > Some(now)));
    Ok(opened)
}

/// The connections of others than `instance`, with the names of those that have them.
pub(super) async fn elsewhere(link: &Link, instance: &str, now: Time) -> Result<Vec<Elsewhere>, StoreError> {
    let key = |name| link.scripts().key(name);
    let members: HashMap<String, String> = all(link, "HSCAN", key("members")).await?.into_iter().collect();
    let kept: Vec<(String, String)> = all(link, "HSCAN", key("connections")).await?;
    let mut connections = Vec::new();
    for (id, kept) in kept {
        let (holder, connection) = saved(id, &kept)?;
        if holder != instance && connection.until > Some(now) {
            let name = members.get(holder).and_then(|told| told.splitn(4, ' ').nth(3));
            connections.push(Elsewhere { instance: name.map(str::to_owned), connection });
        }
    }
    Ok(connections)
}

/// Which instance has a connection, and the connection.
fn saved(id: String, kept: &str) -> Result<(&str, Saved), StoreError> {
    let strange = || corrupt(format!("a connection of {kept:?}"));
    let mut parts = kept.splitn(3, ' ');
    let (Some(holder), Some(until), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(strange());
    };
    let rest: serde_json::Value = serde_json::from_str(rest).map_err(corrupt)?;
    let (Some(user), Some(opened_at)) = (rest["user"].as_str(), rest["opened_at"].as_u64()) else {
        return Err(strange());
    };
    let connection = Saved {
        id,
        user: user.to_owned(),
        login: rest["login"].as_str().map(str::to_owned),
        opened_at: Time::from_millis(opened_at),
        until: Some(Time::from_millis(until.parse().map_err(corrupt)?)),
    };
    Ok((holder, connection))
}

/// What is revoked, oldest first.
pub(super) async fn revocations(link: &Link) -> Result<Vec<(Revoked, Time)>, StoreError> {
    let kept: Vec<(String, u64)> = all(link, "ZSCAN", link.scripts().key("revocations")).await?;
    let revocations = kept.iter().map(|(channel, at)| Ok((revoked(channel)?, Time::from_millis(*at))));
    let mut revocations = revocations.collect::<Result<Vec<_>, StoreError>>()?;
    revocations.sort_by_key(|(_, at)| *at);
    Ok(revocations)
}

/// All pairs of a hash or a sorted set, in steps; one that changes meanwhile may come twice.
async fn all<T: FromRedisValue>(link: &Link, scan: &str, key: &str) -> Result<Vec<(String, T)>, StoreError> {
    let mut pairs = HashMap::new();
    let mut cursor = "0".to_owned();
    loop {
        let from = cursor;
        let ask = async |connection: &mut MultiplexedConnection| {
            cmd(scan).arg(key).arg(&from).arg("COUNT").arg(1_000).query_async(connection).await
        };
        let (next, some): (String, Vec<(String, T)>) = link.with(ask).await?;
        pairs.extend(some);
        if next == "0" {
            return Ok(pairs.into_iter().collect());
        }
        cursor = next;
    }
}
