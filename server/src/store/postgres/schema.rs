//! Our schema in the app's database: its name, and how it becomes that of this version.

use sha2::{Digest, Sha256};
use sqlx::{Connection as _, Executor as _, PgConnection, Row as _, postgres::PgConnectOptions};
use tokio::time::{Duration, timeout};

use super::failure::Failure;
use crate::store::StoreError;

/// What makes each version out of the one before; never changed once released, only added to. The app's
/// transactions hold the table `outbox` against `ALTER TABLE` for as long as they are open: a migration
/// makes new tables and functions beside it.
const MIGRATIONS: [&str; 3] =
    [include_str!("schema/1.sql"), include_str!("schema/2.sql"), include_str!("schema/3.sql")];

/// PostgreSQL cuts names at 63 bytes; ours is also part of the channel's.
const NAME_BYTES_MAX: usize = 48;

/// The oldest server: `NULLS NOT DISTINCT` and the like are not needed, but older ones are not tested.
const SERVER_VERSION_MIN: i32 = 150_000;

/// A valid name of a schema.
#[derive(Debug, Clone)]
pub(super) struct Schema {
    name: String,
}

impl Schema {
    pub(super) fn new(name: &str) -> Result<Self, StoreError> {
        let letters = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        let is_valid = (1..=NAME_BYTES_MAX).contains(&name.len())
            && name.bytes().next().is_some_and(letters)
            && name.bytes().all(|byte| letters(byte) || byte.is_ascii_digit())
            && !name.starts_with("pg_");
        if is_valid {
            Ok(Self { name: name.to_owned() })
        } else {
            Err(StoreError::Foreign(format!(
                "{name:?} is no name of a schema: expected up to {NAME_BYTES_MAX} of a-z, 0-9 and _, not \
                 beginning with a digit or pg_"
            )))
        }
    }

    /// A text of SQL with the name in it.
    pub(super) fn sql(&self, text: &str) -> String {
        text.replace("{schema}", &self.name_quoted())
    }

    /// On which the sequencer notifies.
    pub(super) fn channel(&self) -> String {
        format!("tidings:{}", self.name)
    }

    /// The advisory lock of the sequencer, in the one space of numbers that a database has for all its apps.
    pub(super) fn lock(&self) -> i64 {
        self.number("sequencer")
    }

    fn number(&self, purpose: &str) -> i64 {
        let digest: [u8; 32] = Sha256::digest(format!("tidings:{purpose}:{}", self.name)).into();
        let [a, b, c, d, e, f, g, h, ..] = digest;
        i64::from_be_bytes([a, b, c, d, e, f, g, h])
    }

    fn name_quoted(&self) -> String {
        format!("\"{}\"", self.name)
    }

    /// Makes whatever is missing, under a lock, in one transaction per version.
    pub(super) async fn migrate(
        &self,
        options: &PgConnectOptions,
        bound: Duration,
    ) -> Result<(), StoreError> {
        let run = async {
            let mut connection = PgConnection::connect_with(options).await.map_err(Failure::unreachable)?;
            let migrated = self.migrate_over(&mut connection).await;
            let _ = connection.close().await;
            Ok(migrated?)
        };
        timeout(bound, run).await.unwrap_or_else(|_| Err(Failure::silence().into()))
    }

    async fn migrate_over(&self, connection: &mut PgConnection) -> Result<(), Failure> {
        let row = sqlx::query("SELECT current_setting('server_version_num')::integer AS version")
            .fetch_one(&mut *connection)
            .await?;
        let server: i32 = row.try_get("version")?;
        if server < SERVER_VERSION_MIN {
            let version = server / 10_000;
            return Err(foreign(format!("PostgreSQL {version} is too old: 15 is the oldest")));
        }
        loop {
            match self.version(connection).await? {
                version if version == MIGRATIONS.len() => return Ok(()),
                version => match MIGRATIONS.get(version) {
                    None => {
                        return Err(foreign(format!(
                            "the schema {} has version {version}, and this program knows {}",
                            self.name,
                            MIGRATIONS.len()
                        )));
                    }
                    Some(migration) => self.apply(connection, version, migration).await?,
                },
            }
        }
    }

    /// The version there is: 0 when there is nothing.
    async fn version(&self, connection: &mut PgConnection) -> Result<usize, Failure> {
        let found = "SELECT to_regclass($1) IS NOT NULL AS ours, \
            EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace($2)) AS others";
        let row = sqlx::query(found)
            .bind(format!("{}.migrations", self.name_quoted()))
            .bind(self.name_quoted())
            .fetch_one(&mut *connection)
            .await?;
        match (row.try_get("ours")?, row.try_get("others")?) {
            (false, false) => Ok(0),
            (false, true) => Err(foreign(format!("the schema {} is somebody else's", self.name))),
            (true, _) => {
                let text = self.sql("SELECT coalesce(max(version), 0) AS version FROM {schema}.migrations");
                let row = sqlx::query(&text).fetch_one(connection).await?;
                let version: i32 = row.try_get("version")?;
                Ok(usize::try_from(version).unwrap_or(usize::MAX))
            }
        }
    }

    /// One version further, unless another instance was faster. One message of several statements is one
    /// transaction.
    async fn apply(
        &self,
        connection: &mut PgConnection,
        from: usize,
        migration: &str,
    ) -> Result<(), Failure> {
        let mut transaction = connection.begin().await?;
        sqlx::query("SELECT pg_advisory_xact_lock($1)")
            .bind(self.number("migrations"))
            .execute(&mut *transaction)
            .await?;
        if self.version(&mut transaction).await? != from {
            return Ok(transaction.rollback().await?);
        }
        let text = format!(
            "CREATE SCHEMA IF NOT EXISTS {{schema}};
            CREATE TABLE IF NOT EXISTS {{schema}}.migrations
                (version integer PRIMARY KEY, at timestamptz NOT NULL DEFAULT now());
            INSERT INTO {{schema}}.migrations (version) VALUES ({});
            {migration}",
            from + 1
        );
        (&mut *transaction).execute(self.sql(&text).as_str()).await?;
        Ok(transaction.commit().await?)
    }
}

fn foreign(message: String) -> Failure {
    Failure::Nothing(StoreError::Foreign(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_sql_would_read_otherwise_is_refused() {
        for name in ["tidings", "_", "app_2", &"x".repeat(48)] {
            assert!(Schema::new(name).is_ok(), "{name}");
        }
        for name in ["", "2", "Tidings", "a.b", "a\"b", "a-b", "pg_x", "é", &"x".repeat(49)] {
            assert!(matches!(Schema::new(name), Err(StoreError::Foreign(_))), "{name}");
        }
    }

    #[test]
    fn every_schema_has_a_lock_of_its_own() {
        let lock = |name| Schema::new(name).expect("a name").lock();
        assert_ne!(lock("a"), lock("b"));
        assert_eq!(lock("a"), lock("a"));
    }
}
