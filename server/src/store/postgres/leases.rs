//! Who is here, what is open, and which instances there are, by the database's clock.

use std::{collections::HashMap, time::Duration};

use protocol::Time;
use sqlx::{Row as _, postgres::PgRow};

use super::{
    Inner,
    rows::{corrupt, number, signed},
    session,
};
use crate::store::{Lease, MEMBER_KEPT, Member, Saved, StoreError};

/// Stores leases of `instance`; for each, whether it changed that the user has any.
///
/// Whoever finds no living lease has brought the user here; whoever takes the last one away, ended ones
/// included, has told of the end. Both are decided in one statement that holds the user's row.
pub(super) async fn lease(
    inner: &Inner,
    instance: &str,
    now: Time,
    leases: Vec<Lease>,
) -> Result<Vec<bool>, StoreError> {
    let (mut here, mut left) = (HashMap::new(), Vec::new());
    for lease in &leases {
        match lease.until {
            // Of two about one user the later counts.
            Some(until) => {
                here.insert(lease.user.as_str(), signed(until.since(now).as_millis() as u64));
            }
            None => left.push(lease.user.as_str()),
        }
    }
    left.retain(|user| !here.contains_key(user));
    let mut changed = HashMap::new();
    if !here.is_empty() {
        let (users, millis): (Vec<_>, Vec<_>) = here.into_iter().unzip();
        // In one order for all instances, so that two of them never wait for each other.
        let text = inner.schema.sql(
            "INSERT INTO {schema}.leases AS kept (user_id, holders, until, changed)
            SELECT user_id, jsonb_build_object($3, now + millis), now + millis, true
            FROM {schema}.clock() AS now, unnest($1::text[], $2::bigint[]) AS new (user_id, millis)
            ORDER BY user_id
            ON CONFLICT (user_id) DO UPDATE SET
                changed = {schema}.living(kept.holders, {schema}.clock()) = '{}',
                holders = {schema}.living(kept.holders, {schema}.clock()) || excluded.holders,
                until = greatest(kept.until, excluded.until)
            RETURNING user_id, changed",
        );
        let statement = sqlx::query(&text).bind(users).bind(millis).bind(instance);
        for row in session::all(inner.pool(), inner.bound(), statement).await? {
            let user: String = row.try_get("user_id").map_err(corrupt)?;
            changed.insert(user, row.try_get("changed").map_err(corrupt)?);
        }
    }
    if !left.is_empty() {
        let text = inner.schema.sql(
            "UPDATE {schema}.leases AS kept SET
                holders = {schema}.living(kept.holders - $2, {schema}.clock()), until = {schema}.clock()
            FROM (
                SELECT user_id FROM {schema}.leases WHERE user_id = ANY($1) AND holders <> '{}'
                ORDER BY user_id FOR UPDATE
            ) AS held
            WHERE kept.user_id = held.user_id RETURNING kept.user_id, kept.holders = '{}' AS changed",
        );
        let statement = sqlx::query(&text).bind(left).bind(instance);
        for row in session::all(inner.pool(), inner.bound(), statement).await? {
            let user: String = row.try_get("user_id").map_err(corrupt)?;
            changed.insert(user, row.try_get("changed").map_err(corrupt)?);
        }
    }
    // The first of two about one user, so that nothing is announced twice.
    Ok(leases.iter().map(|lease| changed.remove(&lease.user).unwrap_or(false)).collect())
}

/// Stores which connections of `instance` are open, until when by the hub's clock. One that has gone to another instance is that one's.
pub(super) async fn save(inner: &Inner, instance: &str, connections: Vec<Saved>) -> Result<(), StoreError> {
    let mut open: HashMap<&str, &Saved> = HashMap::new();
    let mut ended = Vec::new();
    for saved in &connections {
        match saved.until {
            Some(_) => drop(open.insert(&saved.id, saved)),
            None => ended.push(saved.id.as_str()),
        }
    }
    ended.retain(|id| !open.contains_key(id));
    if !ended.is_empty() {
        let text = inner.schema.sql("DELETE FROM {schema}.connections WHERE id = ANY($1) AND instance = $2");
        let statement = sqlx::query(&text).bind(ended).bind(instance);
        session::all(inner.pool(), inner.bound(), statement).await?;
    }
    if open.is_empty() {
        return Ok(());
    }
    let open: Vec<_> = open.into_values().collect();
    let text = inner.schema.sql(
        "INSERT INTO {schema}.connections (id, instance, user_id, login, opened_at, until)
        SELECT id, $6, user_id, login, opened_at, until
        FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[])
            AS new (id, user_id, login, opened_at, until)
        ORDER BY id
        ON CONFLICT (id) DO UPDATE SET instance = excluded.instance, user_id = excluded.user_id,
            login = excluded.login, opened_at = excluded.opened_at, until = excluded.until",
    );
    let until = |saved: &&Saved| saved.until.map_or(0, |until| signed(until.as_millis()));
    let statement = sqlx::query(&text)
        .bind(open.iter().map(|saved| saved.id.as_str()).collect::<Vec<_>>())
        .bind(open.iter().map(|saved| saved.user.as_str()).collect::<Vec<_>>())
        .bind(open.iter().map(|saved| saved.login.as_deref()).collect::<Vec<_>>())
        .bind(open.iter().map(|saved| signed(saved.opened_at.as_millis())).collect::<Vec<_>>())
        .bind(open.iter().map(until).collect::<Vec<_>>())
        .bind(instance);
    session::all(inner.pool(), inner.bound(), statement).await?;
    Ok(())
}

/// Tells of `instance`; all that were heard of in the last minute.
pub(super) async fn meet(inner: &Inner, instance: &str, own: Member) -> Result<Vec<Member>, StoreError> {
    let text = inner.schema.sql(
        "WITH told AS (
            INSERT INTO {schema}.members (instance, name, streams, position, at)
            VALUES ($1, $2, $3, $4, {schema}.clock())
            ON CONFLICT (instance) DO UPDATE SET name = excluded.name, streams = excluded.streams,
                position = excluded.position, at = excluded.at
            RETURNING instance, name, streams, position, at
        ), gone AS (
            DELETE FROM {schema}.members WHERE at < {schema}.clock() - $5 AND instance <> $1
        ), met AS (
            SELECT * FROM told UNION ALL
            SELECT * FROM {schema}.members WHERE instance <> $1 AND at >= {schema}.clock() - $5
        )
        SELECT name, streams, position, greatest(0, {schema}.clock() - at) AS silent FROM met",
    );
    let statement = sqlx::query(&text)
        .bind(instance)
        .bind(&own.name)
        .bind(signed(own.streams))
        .bind(signed(own.position))
        .bind(signed(MEMBER_KEPT.as_millis() as u64));
    let rows = session::all(inner.pool(), inner.bound(), statement).await?;
    let member = |row: &PgRow| {
        let count = |column| number(row.try_get(column).map_err(corrupt)?);
        Ok(Member {
            name: row.try_get("name").map_err(corrupt)?,
            streams: count("streams")?,
            position: count("position")?,
            silent: Duration::from_millis(count("silent")?),
        })
    };
    rows.iter().map(member).collect()
}

/// The instance is one no longer.
pub(super) async fn part(inner: &Inner, instance: &str) -> Result<(), StoreError> {
    let text = inner.schema.sql("DELETE FROM {schema}.members WHERE instance = $1");
    session::all(inner.pool(), inner.bound(), sqlx::query(&text).bind(instance)).await?;
    Ok(())
}
