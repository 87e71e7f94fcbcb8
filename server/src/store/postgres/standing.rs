//! The connections of each instance, and the instances, by the database's clock.

use std::{collections::HashMap, time::Duration};

use sqlx::{Row as _, postgres::PgRow};

use super::{
    Inner,
    rows::{corrupt, number, signed},
    session,
};
use crate::store::{MEMBER_KEPT, Member, Saved, StoreError, holder::Holder};

/// The connections of a user at other instances that are there.
pub(super) async fn elsewhere_of(
    inner: &Inner,
    holder: &Holder,
    user: &str,
) -> Result<Vec<String>, StoreError> {
    let text = inner.schema.sql(
        "SELECT id FROM {schema}.connections WHERE user_id = $1 AND instance <> $2 AND until > $3
            AND {schema}.is_alive(instance, {schema}.clock()) LIMIT 1000",
    );
    let now = signed(holder.clock.now().as_millis());
    let statement = sqlx::query(&text).bind(user).bind(&holder.instance).bind(now);
    let rows = session::all(inner.pool(), inner.bound(), statement).await?;
    rows.iter().map(|row| row.try_get("id").map_err(corrupt)).collect()
}

/// Stores which connections of `instance` are open, until when by the hub's clock, and which have ended: its own, or one
/// whose client has come here.
pub(super) async fn save(inner: &Inner, instance: &str, connections: Vec<Saved>) -> Result<(), StoreError> {
    let mut open: HashMap<&str, &Saved> = HashMap::new();
    let mut ended = Vec::new();
    for saved in &connections {
        match saved.until {
            Some(_) => drop(open.insert(&saved.id, saved)),
            None => ended.push((saved.id.as_str(), saved.user.as_str())),
        }
    }
    ended.retain(|(id, _)| !open.contains_key(id));
    if !ended.is_empty() {
        let text = inner.schema.sql(
            "DELETE FROM {schema}.connections WHERE id IN (
                SELECT id FROM {schema}.connections
                JOIN unnest($1::text[], $2::text[]) AS gone (id, user_id) USING (id, user_id)
                ORDER BY id FOR UPDATE OF connections
            )",
        );
        let (ids, users): (Vec<_>, Vec<_>) = ended.into_iter().unzip();
        let statement = sqlx::query(&text).bind(ids).bind(users);
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
