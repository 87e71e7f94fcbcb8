//! What leaves the store, and in which steps: few rows at a time, so that no send waits for more.

use std::collections::VecDeque;

use protocol::{Limits, Time};
use sqlx::SqliteConnection;

use super::{load::LEASES_LOOK_BACK, rows::signed};
use crate::store::KEY_KEPT;

/// Rows of each kind that one step outside a commit removes; about a millisecond of work.
pub(super) const STEP: usize = 1_024;

/// Connections kept at most, at about 300 bytes each; those that would be expected back for the shortest
/// time go first. More than a process serves.
const CONNECTIONS_MAX: i64 = 100_000;

/// Revocations kept at most, as in memory.
const REVOCATIONS_MAX: i64 = 100_000;

/// What must be known of an entry to say when it leaves: 24 bytes of memory for each row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) sequence: u64,
    pub(super) at: Time,
    pub(super) bytes: u32,
    pub(super) durable: bool,
}

/// The entries of the file, oldest first.
#[derive(Debug, Default)]
pub(super) struct Window {
    held: VecDeque<Held>,
    bytes: usize,
}

/// What leaves next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    /// Rows.
    pub(super) rows: usize,
    /// The highest sequence among them.
    pub(super) through: u64,
    /// The highest of those that were durable; 0 when none was.
    pub(super) floor: u64,
}

impl Window {
    pub(super) fn push(&mut self, held: Held) {
        self.bytes += held.bytes as usize;
        self.held.push_back(held);
    }

    /// The oldest rows that the limits no longer hold once `added` have come, at most `rows` of them. The
    /// newest entry always stays: it says how far was counted.
    pub(super) fn cut(&self, now: Time, limits: &Limits, added: &[Held], rows: usize) -> Option<Cut> {
        let mut count = self.held.len() + added.len();
        let mut bytes = self.bytes + added.iter().map(|held| held.bytes as usize).sum::<usize>();
        let mut cut = None;
        for (index, held) in self.held.iter().take(rows).enumerate() {
            let is_kept = count <= limits.count && bytes <= limits.bytes && now.since(held.at) <= limits.age;
            if is_kept || count == 1 {
                break;
            }
            count -= 1;
            bytes -= held.bytes as usize;
            let before: u64 = cut.map_or(0, |cut: Cut| cut.floor);
            let floor = if held.durable { held.sequence } else { before };
            cut = Some(Cut { rows: index + 1, through: held.sequence, floor });
        }
        cut
    }

    /// Forgets what has been removed.
    pub(super) fn remove(&mut self, cut: Cut) {
        for held in self.held.drain(..cut.rows) {
            self.bytes -= held.bytes as usize;
        }
    }
}

/// Removes the rows of a cut and notes the floor, in the transaction that is open.
pub(super) async fn remove(connection: &mut SqliteConnection, cut: Cut) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM tidings_entries WHERE sequence <= ?")
        .bind(signed(cut.through))
        .execute(&mut *connection)
        .await?;
    if cut.floor > 0 {
        sqlx::query("UPDATE tidings_meta SET floor = max(floor, ?)")
            .bind(signed(cut.floor))
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// How long what is kept beside the window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept {
    pub(super) window: std::time::Duration,
    pub(super) revocations: std::time::Duration,
}

/// What a step has removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Expired {
    pub(super) keys: u64,
    /// A step was not enough.
    pub(super) has_more: bool,
}

/// Removes a step of what has expired, in the transaction that is open.
pub(super) async fn expire(
    connection: &mut SqliteConnection,
    now: Time,
    kept: &Kept,
) -> Result<Expired, sqlx::Error> {
    let before = |kept: std::time::Duration| signed((now - kept).as_millis());
    let steps = [
        // Before the leases, which say who was away.
        (GRANTS, before(kept.window)),
        (LEASES, before(kept.window + LEASES_LOOK_BACK)),
        (REVOCATIONS, before(kept.revocations)),
        (CONNECTIONS, signed(now.as_millis())),
        (SURPLUS_REVOCATIONS, REVOCATIONS_MAX),
        (SURPLUS_CONNECTIONS, CONNECTIONS_MAX),
    ];
    let keys = expire_keys(connection, now).await?;
    let mut has_more = keys == STEP as u64;
    for (sql, bound) in steps {
        has_more |= step(connection, sql, bound).await? == STEP as u64;
    }
    Ok(Expired { keys, has_more })
}

/// Removes a step of the keys that no longer count.
pub(super) async fn expire_keys(connection: &mut SqliteConnection, now: Time) -> Result<u64, sqlx::Error> {
    step(connection, KEYS, signed((now - KEY_KEPT).as_millis())).await
}

async fn step(connection: &mut SqliteConnection, sql: &str, bound: i64) -> Result<u64, sqlx::Error> {
    let step = i64::try_from(STEP).unwrap_or(i64::MAX);
    Ok(sqlx::query(sql).bind(bound).bind(step).execute(connection).await?.rows_affected())
}

const KEYS: &str = "DELETE FROM tidings_keys WHERE name IN \
    (SELECT name FROM tidings_keys WHERE at < ?1 ORDER BY at LIMIT ?2)";

/// Of who had no lease for a whole window; the user's own grants of that time stay, of which the leases may
/// not know yet.
const GRANTS: &str = "DELETE FROM tidings_grants WHERE (user, \"group\") IN \
    (SELECT user, \"group\" FROM tidings_grants AS g WHERE at < ?1 AND NOT EXISTS \
        (SELECT 1 FROM tidings_leases AS l WHERE l.user = g.user AND l.until >= ?1) ORDER BY at LIMIT ?2)";

const LEASES: &str = "DELETE FROM tidings_leases WHERE user IN \
    (SELECT user FROM tidings_leases WHERE until < ?1 ORDER BY until LIMIT ?2)";

const REVOCATIONS: &str = "DELETE FROM tidings_revocations WHERE revoked IN \
    (SELECT revoked FROM tidings_revocations WHERE at < ?1 ORDER BY at LIMIT ?2)";

const SURPLUS_REVOCATIONS: &str = "DELETE FROM tidings_revocations WHERE revoked IN \
    (SELECT revoked FROM tidings_revocations ORDER BY at \
        LIMIT max(0, min(?2, (SELECT count(*) FROM tidings_revocations) - ?1)))";

const CONNECTIONS: &str = "DELETE FROM tidings_connections WHERE id IN \
    (SELECT id FROM tidings_connections WHERE until < ?1 ORDER BY until LIMIT ?2)";

const SURPLUS_CONNECTIONS: &str = "DELETE FROM tidings_connections WHERE id IN \
    (SELECT id FROM tidings_connections ORDER BY until \
        LIMIT max(0, min(?2, (SELECT count(*) FROM tidings_connections) - ?1)))";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LIMITS: Limits = Limits { count: 3, bytes: 100, age: Duration::from_secs(600) };

    fn held(sequence: u64, bytes: u32) -> Held {
        Held { sequence, at: Time::from_millis(sequence * 1_000), bytes, durable: sequence % 2 == 1 }
    }

    fn window(bytes: &[u32]) -> Window {
        let mut window = Window::default();
        (1..).zip(bytes).for_each(|(sequence, bytes)| window.push(held(sequence, *bytes)));
        window
    }

    fn cut(rows: usize, through: u64, floor: u64) -> Option<Cut> {
        Some(Cut { rows, through, floor })
    }

    const NOW: Time = Time::from_millis(10_000);

    #[test]
    fn whichever_bound_is_hit_first_cuts() {
        assert_eq!(window(&[1, 1, 1]).cut(NOW, &LIMITS, &[], 9), None);
        assert_eq!(window(&[1, 1, 1, 1, 1]).cut(NOW, &LIMITS, &[], 9), cut(2, 2, 1));
        assert_eq!(window(&[60, 50, 1]).cut(NOW, &LIMITS, &[], 9), cut(1, 1, 1));
        let later = Time::from_millis(602_500);
        assert_eq!(window(&[1, 1, 1]).cut(later, &LIMITS, &[], 9), cut(2, 2, 1));
    }

    #[test]
    fn what_is_about_to_come_counts_and_the_newest_stays() {
        assert_eq!(window(&[1, 1, 1]).cut(NOW, &LIMITS, &[held(4, 1)], 9), cut(1, 1, 1));
        assert_eq!(window(&[1, 1, 1]).cut(NOW, &LIMITS, &[held(4, 99)], 9), cut(2, 2, 1));
        assert_eq!(window(&[500]).cut(Time::from_millis(u64::MAX), &LIMITS, &[], 9), None);
        assert_eq!(window(&[500]).cut(NOW, &LIMITS, &[held(2, 500)], 9), cut(1, 1, 1));
    }

    #[test]
    fn a_step_is_bounded_and_goes_on_where_the_last_ended() {
        let mut window = window(&[1; 9]);
        let first = window.cut(NOW, &LIMITS, &[], 4).expect("more than fits");
        assert_eq!(Some(first), cut(4, 4, 3));
        window.remove(first);
        assert_eq!(window.cut(NOW, &LIMITS, &[], 4), cut(2, 6, 5));
        assert_eq!(window.bytes, 5);
    }
}
