//! Who is here, by the database's clock.

use std::time::Duration;

use sqlx::Row as _;

use super::{
    Inner,
    rows::{corrupt, signed},
    session,
};
use crate::{
    Presence, PresenceChange,
    store::{
        Lease, StoreError,
        holder::{Holder, presence_of, word_of},
    },
};

/// Users of one statement, which other instances wait for.
const STEP: usize = 500;

/// Users whose time has come that one statement looks at.
const LOOK_MAX: i32 = 500;

/// Stores leases, and answers what has changed of it, or by the time.
pub(super) async fn lease(
    inner: &Inner,
    holder: &Holder,
    leases: &[Lease],
) -> Result<Vec<PresenceChange>, StoreError> {
    let text = inner.schema.sql("SELECT {schema}.lease($1, $2, $3, $4, $5, $6, $7, $8, $9) AS answer");
    let mut asking = holder.turns.asking(leases, STEP);
    while let Some(turn) = asking.next() {
        let (users, words, lasts) = columns(holder, turn.leases);
        let statement = sqlx::query(&text)
            .bind(&holder.instance)
            .bind(millis(holder.leave_grace))
            .bind(millis(holder.lease))
            .bind(signed(turn.number))
            .bind(signed(turn.received))
            .bind(LOOK_MAX)
            .bind(users)
            .bind(words)
            .bind(lasts);
        let rows = session::all(inner.pool(), inner.bound(), statement).await?;
        let row = rows.first().ok_or_else(|| corrupt("no answer"))?;
        let answer: Vec<String> = row.try_get("answer").map_err(corrupt)?;
        asking.hear(&answer)?;
    }
    Ok(asking.changes())
}

/// An instance ends, and has said goodbye to these users.
pub(super) async fn hand_over(inner: &Inner, holder: &Holder, leases: &[Lease]) -> Result<(), StoreError> {
    for step in leases.chunks(STEP) {
        let (users, words, lasts) = columns(holder, step);
        let text = inner.schema.sql("SELECT {schema}.hand_over($1, $2, $3, $4)");
        let statement = sqlx::query(&text).bind(&holder.instance).bind(users).bind(words).bind(lasts);
        session::all(inner.pool(), inner.bound(), statement).await?;
    }
    Ok(())
}

/// Whether a user is here, at any instance.
pub(super) async fn presence(inner: &Inner, holder: &Holder, user: &str) -> Result<Presence, StoreError> {
    let text = inner.schema.sql(
        "SELECT p.said FROM {schema}.presences AS kept, {schema}.clock() AS now,
            {schema}.presence(held, now, $2, $3, {schema}.pardoned(now, $3)) AS p WHERE kept.user_id = $1",
    );
    let statement = sqlx::query(&text).bind(user).bind(millis(holder.leave_grace)).bind(millis(holder.lease));
    let rows = session::all(inner.pool(), inner.bound(), statement).await?;
    let Some(row) = rows.first() else { return Ok(Presence::Offline) };
    presence_of(row.try_get("said").map_err(corrupt)?)
}

/// Leases as columns, by what is left of each.
fn columns<'a>(holder: &Holder, leases: &'a [Lease]) -> (Vec<&'a str>, Vec<&'static str>, Vec<i64>) {
    let users = leases.iter().map(|lease| lease.user.as_str()).collect();
    let words = leases.iter().map(|lease| word_of(lease.presence)).collect();
    let lasts = leases.iter().map(|lease| signed(holder.lasts(lease))).collect();
    (users, words, lasts)
}

fn millis(duration: Duration) -> i64 {
    signed(duration.as_millis() as u64)
}
