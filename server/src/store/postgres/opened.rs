//! What a start finds beside the window.

use protocol::{Revoked, Time};
use sqlx::{Row as _, postgres::PgRow};

use super::{
    Inner,
    rows::{corrupt, number, signed},
    session,
};
use crate::{
    Secret,
    store::{Elsewhere, Grant, Opened, Saved, StoreError, columns::revoked},
};

/// The hub's secret: the one that is kept, or else the one that is offered.
pub(super) async fn secret(inner: &Inner, offered: &Secret) -> Result<Secret, StoreError> {
    let text = inner.schema.sql("INSERT INTO {schema}.meta (secret) VALUES ($1) ON CONFLICT DO NOTHING");
    let statement = sqlx::query(&text).bind(&offered.bits()[..]);
    session::all(inner.pool(), inner.bound(), statement).await?;
    let rows = select(inner, "SELECT secret FROM {schema}.meta").await?;
    let bits: &[u8] = rows.first().ok_or_else(|| corrupt("no secret"))?.try_get("secret").map_err(corrupt)?;
    Ok(Secret::new(bits.try_into().map_err(corrupt)?))
}

/// Everything else. To be asked once the window was followed: then whatever is in neither will be followed.
pub(super) async fn rest(inner: &Inner, now: Time) -> Result<Opened, StoreError> {
    let grants = select(inner, "SELECT user_id, group_name, since FROM {schema}.grants").await?;
    let connections = "SELECT id, user_id, login, opened_at, until FROM {schema}.connections";
    let mut connections = select(inner, connections).await?;
    connections
        .retain(|row| row.try_get::<i64, _>("until").is_ok_and(|until| until > signed(now.as_millis())));
    Ok(Opened {
        secret: None,
        revocations: revocations(inner).await?,
        grants: all(&grants, |row| {
            Ok(Grant {
                user: row.try_get("user_id").map_err(corrupt)?,
                group: row.try_get("group_name").map_err(corrupt)?,
                from: number(row.try_get("since").map_err(corrupt)?)?,
            })
        })?,
        leases: Vec::new(),
        connections: all(&connections, saved)?,
    })
}

/// The connections of others than `instance`, with the names of those that have them.
pub(super) async fn elsewhere(
    inner: &Inner,
    instance: &str,
    now: Time,
) -> Result<Vec<Elsewhere>, StoreError> {
    let text = inner.schema.sql(
        "SELECT id, user_id, login, opened_at, until, name FROM {schema}.connections
        LEFT JOIN {schema}.members USING (instance) WHERE instance <> $1 AND until > $2",
    );
    let statement = sqlx::query(&text).bind(instance).bind(signed(now.as_millis()));
    let rows = session::all(inner.pool(), inner.bound(), statement).await?;
    all(&rows, |row| {
        Ok(Elsewhere { instance: row.try_get("name").map_err(corrupt)?, connection: saved(row)? })
    })
}

fn saved(row: &PgRow) -> Result<Saved, StoreError> {
    let time = |column| {
        let millis = number(row.try_get(column).map_err(corrupt)?)?;
        Ok::<_, StoreError>(Time::from_millis(millis))
    };
    Ok(Saved {
        id: row.try_get("id").map_err(corrupt)?,
        user: row.try_get("user_id").map_err(corrupt)?,
        login: row.try_get("login").map_err(corrupt)?,
        opened_at: time("opened_at")?,
        until: Some(time("until")?),
    })
}

/// What is revoked, oldest first.
pub(super) async fn revocations(inner: &Inner) -> Result<Vec<(Revoked, Time)>, StoreError> {
    let rows = select(inner, "SELECT revoked, at FROM {schema}.revocations ORDER BY at").await?;
    all(&rows, |row| {
        let at: i64 = row.try_get("at").map_err(corrupt)?;
        Ok((revoked(row.try_get("revoked").map_err(corrupt)?)?, Time::from_millis(number(at)?)))
    })
}

fn all<T>(rows: &[PgRow], of: impl Fn(&PgRow) -> Result<T, StoreError>) -> Result<Vec<T>, StoreError> {
    rows.iter().map(of).collect()
}

async fn select(inner: &Inner, text: &str) -> Result<Vec<PgRow>, StoreError> {
    let text = inner.schema.sql(text);
    Ok(session::all(inner.pool(), inner.bound(), sqlx::query(&text)).await?)
}
